// Package report makes the report of a run out of its folder alone: report.html, one
// page that holds everything, and report.md with the charts beside it. The same folder
// gives the same bytes, wherever it is. It judges nothing: what failed is the result's
// to say.
package report

import (
	"bytes"
	"fmt"
	"image"
	"maps"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"brokerlab/report/chart"
	"brokerlab/report/document"
	"brokerlab/report/findings"
	"brokerlab/report/plotstyle"
	"brokerlab/report/table"
	"brokerlab/report/wording"
	"brokerlab/results"
	"brokerlab/results/quantity"
)

// The report itself, in the run folder.
const (
	PageFile     = "report.html"
	MarkdownFile = "report.md"
)

// Write writes the charts, report.html and report.md into the folder and returns the
// names of the files, report.html first. A run that was interrupted has a report too.
func Write(f *results.Folder) ([]string, error) {
	f, r, err := results.Open(f.Path)
	if err != nil {
		return nil, err
	}
	d, err := chart.Load(f, r)
	if err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	files := []string{PageFile, MarkdownFile}
	charts, err := draw(chart.All(d))
	if err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	for _, c := range charts {
		if err := f.WriteFile(c.File, c.PNG); err != nil {
			return nil, err
		}
		files = append(files, c.File)
	}
	doc := of(r, charts, unforced(d))
	html, err := doc.HTML()
	if err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	if err := f.WriteFile(PageFile, html); err != nil {
		return nil, err
	}
	if err := f.WriteFile(MarkdownFile, doc.Markdown()); err != nil {
		return nil, err
	}
	return files, nil
}

// draw renders charts, as many at a time as there are processors.
func draw(files []chart.File) ([]document.Chart, error) {
	charts, errs := make([]document.Chart, len(files)), make([]error, len(files))
	var all sync.WaitGroup
	turns := make(chan struct{}, runtime.GOMAXPROCS(0))
	for i, c := range files {
		all.Add(1)
		go func() {
			defer all.Done()
			turns <- struct{}{}
			defer func() { <-turns }()
			charts[i], errs[i] = drawOne(c)
		}()
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return charts, nil
}

func drawOne(c chart.File) (document.Chart, error) {
	var png bytes.Buffer
	if err := c.Figure.WritePNG(&png); err != nil {
		return document.Chart{}, fmt.Errorf("draw %s: %w", c.Name, err)
	}
	size, _, err := image.DecodeConfig(bytes.NewReader(png.Bytes()))
	if err != nil {
		return document.Chart{}, fmt.Errorf("read %s: %w", c.Name, err)
	}
	return document.Chart{File: c.Name, Title: c.Figure.Title, PNG: png.Bytes(), Wide: size.Width / plotstyle.Density,
		High: size.Height / plotstyle.Density, Caption: c.Caption, Alt: c.Alt(),
		Figures: document.Table{Caption: c.Figure.Title, Heading: c.Figures.Heading, Rows: c.Figures.Rows},
		OfCell:  c.OfCell()}, nil
}

// unforced is what each cell had not forced to disk, where that is known of all brokers.
func unforced(d *chart.Data) map[int]findings.Unforced {
	all := map[int]findings.Unforced{}
	for i := range d.Result.Cells {
		brokers, _ := strconv.Atoi(d.Result.Cells[i].Config["cluster.brokers"])
		if most, ok := findings.UnforcedOf(d.Activity(i), brokers); ok {
			all[i] = most
		}
	}
	return all
}

// page is a report in the making.
type page struct {
	document.Document
	r        *results.Result
	names    *wording.Names
	unforced map[int]findings.Unforced
}

func (p *page) add(parts ...document.Part) { p.Parts = append(p.Parts, parts...) }

// say adds a paragraph.
func (p *page) say(format string, args ...any) {
	p.add(document.Text{Text: fmt.Sprintf(format, args...)})
}

// of makes the report.
func of(r *results.Result, charts []document.Chart, unforced map[int]findings.Unforced) document.Document {
	p := &page{r: r, names: wording.NamesOf(r), unforced: unforced}
	p.head()
	p.found()
	p.goals()
	p.warnings()
	p.result()
	p.charts(charts)
	p.timing()
	p.readBack()
	p.troubles()
	p.usage()
	p.parts()
	p.cost()
	p.process()
	p.settings()
	p.where()
	p.again()
	return p.Document
}

// head is title, question and what ran.
func (p *page) head() {
	r := p.r
	p.Title = r.Title
	if p.Title == "" {
		p.Title = r.Scenario
	}
	if r.Question != "" {
		p.add(document.Lead{Text: r.Question})
	}
	if !r.Complete {
		p.add(document.Notice{Tone: document.Bad,
			Text: "This run is incomplete" + colon(r.Incomplete) + ". What follows is what it left."})
	}
	ran := []string{"Scenario " + r.Scenario, "seed " + strconv.FormatUint(r.Seed, 10),
		quantity.Plural(int64(len(r.Cells)), "cell"), wording.Repeats(r, "each of ", "")}
	if !r.Wall.Started.IsZero() {
		ran = append(ran, "started "+r.Wall.Started.UTC().Format(time.RFC3339))
	}
	ran = append(ran, "took "+quantity.Duration(int64(r.Wall.Seconds*1e9)))
	p.say("%s.", strings.Join(slices.DeleteFunc(ran, func(s string) bool { return s == "" }), ", "))
	if words := wording.Conditions(r); words != "" {
		p.say("Conditions: %s.", words)
	}
}

// colon puts a reason behind a sentence, if there is one.
func colon(reason string) string {
	if reason == "" {
		return ""
	}
	return ": " + reason
}

// result is the table of all cells.
func (p *page) result() {
	p.add(document.Section{ID: "result", Title: "Result"})
	if words := table.Head(p.r); words != "" {
		p.say("%s", words)
	}
	if heading, rows := table.Grid(p.r); len(rows) > 0 {
		p.add(document.Table{Caption: "All cells", Heading: heading, Rows: rows})
	}
	for _, e := range table.Extras(p.r) {
		p.say("%s", e.Title)
		p.add(document.Table{Caption: e.Title, Heading: e.Heading(), Rows: e.Rows()})
	}
	p.add(document.Plainly(table.Notes(p.r)))
}

// cellCharts are the words that open them.
const cellCharts = "What each cell was busy with"

// charts shows those of all cells, and folds those of single ones away.
func (p *page) charts(charts []document.Chart) {
	p.add(document.Section{ID: "charts", Title: "Charts"})
	var cells []document.Part
	for _, c := range charts {
		if c.OfCell {
			cells = append(cells, c)
			continue
		}
		p.add(c)
	}
	if len(cells) > 0 {
		count := quantity.Plural(int64(len(cells)), "chart")
		if all := len(p.r.Cells); len(cells) < all {
			count = fmt.Sprintf("%d of %s", len(cells), quantity.Plural(int64(all), "cell"))
		}
		p.add(document.Folded{Summary: cellCharts + " (" + count + ")", Parts: cells})
	}
}

// readBack is every count of every cell.
func (p *page) readBack() {
	if len(p.r.Cells) == 0 {
		return
	}
	p.add(document.Section{ID: "records", Title: "Records"})
	heading := []string{"cell", "sent", "acknowledged", "failed", "consumed", "lost", "duplicated",
		"reordered", "corrupted"}
	var rows [][]string
	for i, cell := range p.r.Cells {
		row := []string{p.names.Cell(i)}
		for _, n := range []int64{cell.Sent, cell.Acked, cell.Failed, cell.Consumed, cell.Lost, cell.Duplicated,
			cell.Reordered, cell.Corrupted} {
			row = append(row, quantity.Count(n))
		}
		rows = append(rows, row)
	}
	p.add(document.Table{Caption: "Records of each cell", Heading: heading, Rows: rows})
	p.say("Counts are over all runs of a cell, warm-up included. Every acknowledged record was to be read back; " +
		"with acks=0, acknowledged means sent.")
	p.corpora()
}

// corpora is what records held, cell by cell, and how even partitions were.
func (p *page) corpora() {
	heading := []string{"cell", "payload", "mean bytes", "entropy, bits a byte", "zstd, one alone", "zstd, 1,000 together",
		"busiest partition", "times its share"}
	var rows [][]string
	known := false
	for i := range p.r.Cells {
		c := &p.r.Cells[i]
		share, imbalance := quantity.None, quantity.None
		if part := c.Partitions; part != nil {
			known = true
			share = fmt.Sprintf("%d (%s)", part.Busiest, quantity.Percent(part.Share))
			imbalance = quantity.Digits(part.Imbalance)
		}
		for _, of := range corporaOf(c) {
			known = true
			row := []string{p.names.Cell(i), of.Payload, quantity.Digits(of.MeanBytes), quantity.Digits(of.EntropyBits),
				quantity.Ratio(of.RatioAlone), quantity.Ratio(of.RatioTogether), share, imbalance}
			rows = append(rows, row)
		}
	}
	if !known || len(rows) == 0 {
		return
	}
	p.add(document.Table{Caption: "What records held, and how they were spread", Heading: heading, Rows: rows})
	p.say("Entropy is that of single bytes. Ratios are those of zstd at its default level: what 1,000 records one after " +
		"the other gain over one alone is what they have in common.")
}

// corporaOf are the kinds of records of a cell.
func corporaOf(c *results.Cell) []results.Corpus {
	if len(c.GroupCorpora) == 0 {
		if c.Corpus == nil {
			return nil
		}
		return []results.Corpus{*c.Corpus}
	}
	var all []results.Corpus
	for _, name := range slices.Sorted(maps.Keys(c.GroupCorpora)) {
		of := c.GroupCorpora[name]
		of.Payload = name + ": " + of.Payload
		all = append(all, of)
	}
	return all
}

// cost is what a cell took besides time.
func (p *page) cost() {
	if len(p.r.Cells) == 0 {
		return
	}
	p.add(document.Section{ID: "cost", Title: "Cost"})
	heading := []string{"cell", "records", "sent to leaders", "written to logs", "fsyncs", "CPU seconds per GB",
		"measured for"}
	var rows [][]string
	for i, cell := range p.r.Cells {
		rows = append(rows, []string{p.names.Cell(i), quantity.Megabytes(cell.BytesRecords),
			quantity.Megabytes(cell.BytesWire), quantity.Megabytes(cell.BytesDisk), quantity.Count(cell.Fsyncs),
			processor(cell), measuredFor(cell)})
	}
	p.add(document.Table{Caption: "What each cell took", Heading: heading, Rows: rows})
	p.say("Records are keys and values; logs are those of all replicas. CPU is for 10^9 bytes of acknowledged records, " +
		"of brokers and clients: in real runs that of the whole process, in simulated ones what its work is charged. A " +
		"cell is measured for load.duration without load.warmup, in all repeats together, unless load.max-bytes or the " +
		"disk's free space ended its load before.")
}

// measuredFor is the length of the window that rates are of.
func measuredFor(c results.Cell) string {
	if c.MeasuredS == 0 {
		return quantity.None
	}
	return quantity.Duration(int64(c.MeasuredS * 1e9))
}

// processor is the processor time of a cell, for the same bytes.
func processor(c results.Cell) string {
	if seconds, ok := findings.ProcessorTime(&c); ok {
		return quantity.Digits(seconds)
	}
	if c.Target == results.TargetSim {
		return quantity.None
	}
	return quantity.NotAvailable
}
