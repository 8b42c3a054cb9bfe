// Package report makes the report of a run out of its folder alone: report.md
// and the charts that it shows. The same folder gives the same bytes, wherever it
// is. It judges nothing: what failed is the result's to say.
package report

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"brokerlab/report/chart"
	"brokerlab/report/table"
	"brokerlab/report/wording"
	"brokerlab/results"
)

// MarkdownFile is the report itself, in the run folder.
const MarkdownFile = "report.md"

// Write writes the charts and report.md into the folder and returns the names
// of the files, report.md first. A run that was interrupted has a report too.
func Write(f *results.Folder) ([]string, error) {
	f, r, err := results.Open(f.Path)
	if err != nil {
		return nil, err
	}
	d, err := chart.Load(f, r)
	if err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	files := []string{MarkdownFile}
	charts := chart.All(d)
	for _, c := range charts {
		var png bytes.Buffer
		if err := c.Figure.WritePNG(&png); err != nil {
			return nil, fmt.Errorf("report: draw %s: %w", c.Name, err)
		}
		if err := f.WriteFile(c.Name, png.Bytes()); err != nil {
			return nil, err
		}
		files = append(files, c.Name)
	}
	if err := f.WriteFile(MarkdownFile, markdown(r, charts)); err != nil {
		return nil, err
	}
	return files, nil
}

// page is a Markdown text in the making.
type page struct {
	bytes.Buffer
	r     *results.Result
	names *wording.Names
}

// say writes a paragraph, escaped by the caller where it must be.
func (p *page) say(format string, args ...any) {
	fmt.Fprintf(p, format+"\n\n", args...)
}

func (p *page) list(items []string) {
	for _, item := range items {
		fmt.Fprintf(p, "- %s\n", table.EscapeMarkdown(item))
	}
	p.WriteString("\n")
}

func markdown(r *results.Result, charts []chart.File) []byte {
	p := &page{r: r, names: wording.NamesOf(r)}
	p.head()
	p.say("## Result")
	if words := table.Head(r); words != "" {
		p.say("%s", table.EscapeMarkdown(words))
	}
	if rows := table.Markdown(r); rows != "" {
		p.say("%s", strings.TrimSpace(rows))
	}
	p.list(table.Notes(r))
	p.warnings()
	p.say("## Charts")
	for _, c := range charts {
		p.say("![%s](%s)", table.EscapeMarkdown(c.Figure.Title), c.Name)
	}
	p.readBack()
	p.usage()
	p.cost()
	p.settings()
	p.where()
	p.again()
	return append(bytes.TrimRight(p.Bytes(), "\n"), '\n')
}

// head is title, question and what ran.
func (p *page) head() {
	r := p.r
	title := r.Title
	if title == "" {
		title = r.Scenario
	}
	p.say("# %s", table.EscapeMarkdown(title))
	if r.Question != "" {
		p.say("%s", table.EscapeMarkdown(r.Question))
	}
	if !r.Complete {
		p.say("**This run is incomplete%s.** What follows is what it left.", table.EscapeMarkdown(colon(r.Incomplete)))
	}
	ran := []string{"Scenario " + table.EscapeMarkdown(r.Scenario), "seed " + strconv.FormatUint(r.Seed, 10),
		wording.Plural(int64(len(r.Cells)), "cell"), wording.Repeats(r, "each of ", "")}
	if !r.Wall.Started.IsZero() {
		ran = append(ran, "started "+r.Wall.Started.UTC().Format(time.RFC3339))
	}
	ran = append(ran, "took "+wording.Duration(int64(r.Wall.Seconds*1e9)))
	p.say("%s.", strings.Join(slices.DeleteFunc(ran, func(s string) bool { return s == "" }), ", "))
	if words := wording.Conditions(r); words != "" {
		p.say("Conditions: %s.", table.EscapeMarkdown(words))
	}
}

// colon puts a reason behind a sentence, if there is one.
func colon(reason string) string {
	if reason == "" {
		return ""
	}
	return ": " + reason
}

func (p *page) warnings() {
	all := slices.Clone(p.r.Warnings)
	for i, cell := range p.r.Cells {
		for _, w := range cell.Warnings {
			all = append(all, p.names.Cell(i)+": "+w)
		}
	}
	if len(all) > 0 {
		p.say("## Warnings")
		p.list(all)
	}
}

// readBack is every count of every cell.
func (p *page) readBack() {
	if len(p.r.Cells) == 0 {
		return
	}
	p.say("## Records")
	heading := []string{"cell", "sent", "acknowledged", "failed", "consumed", "lost", "duplicated",
		"reordered", "corrupted"}
	var rows [][]string
	for i, cell := range p.r.Cells {
		row := []string{p.names.Cell(i)}
		for _, n := range []int64{cell.Sent, cell.Acked, cell.Failed, cell.Consumed, cell.Lost, cell.Duplicated,
			cell.Reordered, cell.Corrupted} {
			row = append(row, wording.Count(n))
		}
		rows = append(rows, row)
	}
	p.say("%s", strings.TrimSpace(table.MarkdownGrid(heading, rows)))
	p.say("Counts are over all runs of a cell, warm-up included. Every acknowledged record was to be read back; " +
		"with acks=0, acknowledged means sent.")
}

// cost is what a cell took besides time.
func (p *page) cost() {
	if len(p.r.Cells) == 0 {
		return
	}
	p.say("## Cost")
	heading := []string{"cell", "records", "sent to leaders", "written to logs", "fsyncs", "CPU seconds per GB",
		"measured for"}
	var rows [][]string
	for i, cell := range p.r.Cells {
		rows = append(rows, []string{p.names.Cell(i), megabytes(cell.BytesRecords), megabytes(cell.BytesWire),
			megabytes(cell.BytesDisk), wording.Count(cell.Fsyncs), processor(cell), measuredFor(cell)})
	}
	p.say("%s", strings.TrimSpace(table.MarkdownGrid(heading, rows)))
	p.say("Records are keys and values; logs are those of all replicas. CPU is that of the whole process for 10^9 bytes " +
		"of acknowledged records, and of real runs only. A cell is measured for load.duration without load.warmup, in all " +
		"repeats together, unless load.max-bytes or the disk's free space ended its load before.")
}

// measuredFor is the length of the window that rates are of.
func measuredFor(c results.Cell) string {
	if c.MeasuredS == 0 {
		return wording.None
	}
	return wording.Duration(int64(c.MeasuredS * 1e9))
}

func megabytes(bytes int64) string { return wording.Digits(float64(bytes)/1e6) + " MB" }

// processor is a figure of real runs only.
func processor(c results.Cell) string {
	switch {
	case c.Wall.CPUSecondsPerGB != nil:
		return wording.Digits(*c.Wall.CPUSecondsPerGB)
	case c.Target == results.TargetSim:
		return wording.None
	}
	return wording.NotAvailable
}
