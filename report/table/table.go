// Package table writes a result as a table: plain text for a terminal or a pipe,
// or Markdown. It colours nothing and sends no escape codes. What all rows share
// is said once, above the table, to keep it narrow: 132 columns hold the
// scenarios that come with the program.
package table

import (
	"fmt"
	"slices"
	"strings"

	"brokerlab/report/wording"
	"brokerlab/results"
	"brokerlab/results/quantity"
)

// Text is what all cells share, the table of a result with one row for each
// cell, lines below it on how to read it, and what the self-check found. It ends with a
// line feed.
func Text(r *results.Result) string { return TextWithin(r, 0) }

// TextWithin is Text for a terminal of so many columns, 0 for any: what is wider goes on
// below.
func TextWithin(r *results.Result, columns int) string {
	var b strings.Builder
	if head := Head(r); head != "" {
		b.WriteString(wrapped(head, columns) + "\n\n")
	}
	if len(r.Cells) > 0 {
		l := layoutOf(r)
		l.byDisk = slices.ContainsFunc(l.columns, func(c column) bool { return c.label == wording.Disk }) && disksApart(r)
		b.WriteString(l.grid(r).textWithin(columns) + "\n")
	}
	for _, e := range Extras(r) {
		b.WriteString(wrapped(e.Title, columns) + "\n\n" + e.grid.textWithin(columns) + "\n")
	}
	b.WriteString(timing(r, columns))
	for _, line := range Notes(r) {
		b.WriteString(wrapped(line, columns) + "\n")
	}
	for i, line := range wording.CautionLines(r) {
		if i == 0 {
			b.WriteString("\n")
		}
		b.WriteString(wrapped(line, columns) + "\n")
	}
	return b.String()
}

// Markdown is the table alone, as GitHub's Markdown has it; empty without cells.
// Head has what belongs above it, Notes what belongs below it.
func Markdown(r *results.Result) string {
	if len(r.Cells) == 0 {
		return ""
	}
	return layoutOf(r).grid(r).markdown()
}

// Grid is the table as texts: its heading, in which each name has the first word of
// its group before it, and a row for each cell. It is empty without cells.
func Grid(r *results.Result) (heading []string, rows [][]string) {
	if len(r.Cells) == 0 {
		return nil, nil
	}
	g := layoutOf(r).grid(r)
	return g.flatHeading(), g.rows
}

// Head says how figures came about, and what all cells share of disk and load:
// "Figures: measured on dir:data, at full speed."
func Head(r *results.Result) string {
	if len(r.Cells) == 0 {
		return ""
	}
	words := wording.Targets(r)
	if disk := wording.CommonLabel(r, wording.Disk); disk != "" {
		words += " on " + disk
	}
	switch load := wording.CommonLoad(r); {
	case load == "":
	case r.Cells[0].OfferedPerS == 0 || r.Cells[0].Searched:
		words += ", at " + load
	default:
		words += ", " + load
	}
	if words == "" {
		return ""
	}
	return "Figures: " + words + "."
}

// Notes say what the figures of the table are.
func Notes(r *results.Result) []string {
	if len(r.Cells) == 0 {
		why := "no cell ran"
		if r.Incomplete != "" {
			why += ": " + r.Incomplete
		}
		return []string{why}
	}
	notes := []string{"MB is 10^6 bytes of keys and values, acknowledged; ratio is that of compression. " +
		"Latency runs from the intended instant."}
	medians := wording.Repeats(r, "Rates are medians of ", "; latencies come from their merged histograms, and "+
		"counts are sums.")
	if medians != "" {
		notes = append(notes, medians)
	}
	if words := wording.IntervalNote(r); words != "" {
		notes = append(notes, words)
	}
	if unsupported(r) {
		notes = append(notes, fmt.Sprintf("A percentile with fewer than %d samples beyond it is not shown.",
			results.SamplesBeyond))
	}
	if words := saturation(r); words != "" {
		notes = append(notes, words)
	}
	if words := wording.Search(r); words != "" {
		notes = append(notes, words)
	}
	notes = append(notes, wording.Stalls(r)...)
	if bounds := wording.Bounds(r); len(bounds) > 0 {
		notes = append(notes, "Bound by "+strings.Join(bounds, "; ")+".")
	}
	notes = append(notes, wording.RecordNotes(r)...)
	if !r.Complete {
		words := "The run is incomplete"
		if r.Incomplete != "" {
			words += ": " + r.Incomplete
		}
		notes = append(notes, words+".")
	}
	return notes
}

// saturation explains the mark of loads, or says of all what it would.
func saturation(r *results.Result) string {
	switch {
	case !slices.ContainsFunc(r.Cells, func(c results.Cell) bool { return c.AtSaturation }):
		return ""
	case wording.LoadVaries(r):
		return wording.SaturationMark + " at saturation: a lower rate has another latency."
	}
	return "At saturation: a lower rate has another latency."
}

// column is one column: a heading, perhaps the one of its group above it, and
// what a cell has in it.
type column struct {
	label       string // that it shows, if it does
	group, name string
	align       align
	value       func(cell int, c results.Cell) string
}

// layout is the columns of a result's table, and whether disks make sections of
// it instead of columns.
type layout struct {
	columns []column
	byDisk  bool
}

// disksApart says whether cells of one disk are neighbours, several of them at
// least once.
func disksApart(r *results.Result) bool {
	seen := map[string]bool{}
	for i, cell := range r.Cells {
		disk := cell.Labels[wording.Disk]
		if i > 0 && disk == r.Cells[i-1].Labels[wording.Disk] {
			continue
		}
		if seen[disk] {
			return false
		}
		seen[disk] = true
	}
	return len(seen) < len(r.Cells)
}

// grid fills the table in.
func (l layout) grid(r *results.Result) grid {
	columns := l.columns
	if l.byDisk {
		columns = slices.DeleteFunc(slices.Clone(columns), func(c column) bool {
			return c.label == wording.Disk || c.label == targetLabel
		})
	}
	g := grid{}
	for _, c := range columns {
		g.groups = append(g.groups, c.group)
		g.heading = append(g.heading, c.name)
		g.aligns = append(g.aligns, c.align)
	}
	for i, cell := range r.Cells {
		disk := cell.Labels[wording.Disk]
		if l.byDisk && (i == 0 || disk != r.Cells[i-1].Labels[wording.Disk]) {
			g.sections = append(g.sections, section{row: i, words: wording.Target(cell) + " on " + disk})
		}
		var row []string
		for _, c := range columns {
			row = append(row, c.value(i, cell))
		}
		g.rows = append(g.rows, row)
	}
	return g
}

// targetLabel is the label of the column of targets; no setting is called so.
const targetLabel = "target"

// layoutOf has the labels that vary, target and load if they do and no label
// tells the load, then the figures. End-to-end latency is left out where nobody
// consumed.
func layoutOf(r *results.Result) layout {
	names := wording.NamesOf(r)
	loads := names.LoadLabel()
	var all []column
	for _, name := range names.Varied {
		value := names.Value
		if name == loads {
			value = names.LoadValue
		}
		all = append(all, column{label: name, name: names.Short(name), align: left,
			value: func(i int, _ results.Cell) string { return value(i, name) }})
	}
	if wording.TargetVaries(r) {
		all = append(all, column{label: targetLabel, name: "target", align: left,
			value: func(_ int, c results.Cell) string { return wording.Target(c) }})
	}
	if wording.LoadVaries(r) && loads == "" {
		all = append(all, column{name: "load", align: left,
			value: func(_ int, c results.Cell) string { return wording.Load(c) }})
	}
	figures := []column{
		{name: "records/s", value: recordsRate},
		{name: "MB/s", value: rate(func(c results.Cell) float64 { return c.MBPerS })},
		{name: "ratio", value: func(_ int, c results.Cell) string { return quantity.Ratio(c.CompressionRatio) }},
	}
	figures = append(figures, latencies(results.Produce, "produce latency", produceFigures)...)
	if consumed(r) {
		figures = append(figures, latencies(results.EndToEnd, "end-to-end", endToEndFigures)...)
	}
	figures = append(figures,
		column{name: "fsyncs", value: func(_ int, c results.Cell) string { return quantity.Count(c.Fsyncs) }})
	for _, c := range figures {
		value := c.value
		c.align = right
		c.value = func(i int, cell results.Cell) string {
			if notRun(cell) {
				return quantity.None // a zero would read as a measurement
			}
			return value(i, cell)
		}
		all = append(all, c)
	}
	if wording.BoundKnown(r) {
		all = append(all, column{name: "bound by", align: left,
			value: func(_ int, c results.Cell) string { return wording.Bound(c) }})
	}
	all = append(all, column{name: "verified", align: left, value: verified})
	if slices.ContainsFunc(r.Cells, wording.Untrusted) {
		all = append(all, column{name: "trust", align: left, value: func(_ int, c results.Cell) string {
			if wording.Untrusted(c) {
				return "NO"
			}
			return quantity.None // which is no proof
		}})
	}
	return layout{columns: all}
}

// rate is a rate of the measured window, if there was one.
func rate(value func(results.Cell) float64) func(int, results.Cell) string {
	return func(_ int, c results.Cell) string {
		if c.MeasuredS == 0 {
			return quantity.None
		}
		return quantity.Digits(value(c))
	}
}

// recordsRate is the rate of records, with its interval if there is one.
func recordsRate(i int, c results.Cell) string {
	text := rate(func(c results.Cell) float64 { return c.RecordsPerS })(i, c)
	if text == quantity.None {
		return text
	}
	return with(text, wording.PlusMinus(c, "records_per_s", c.RecordsPerS))
}

// with puts an interval behind a figure.
func with(text, interval string) string {
	if interval == "" {
		return text
	}
	return text + " " + interval
}

// notRun says whether a run ended before the cell.
func notRun(c results.Cell) bool { return len(c.Repeats) == 0 }

func verified(_ int, c results.Cell) string {
	if notRun(c) {
		return "not run"
	}
	return wording.Check(c.Counts)
}

// figure is one figure of a latency.
type figure struct {
	name     string
	json     string // of a percentile
	interval bool   // it is shown
	value    func(results.Latency) int64
}

var produceFigures = []figure{
	{"p50", "p50", false, func(l results.Latency) int64 { return l.P50 }},
	{"p99", "p99", true, func(l results.Latency) int64 { return l.P99 }},
	{"p99.9", "p999", false, func(l results.Latency) int64 { return l.P999 }},
	{"max", "", false, func(l results.Latency) int64 { return l.Max }},
}

var endToEndFigures = []figure{produceFigures[0], {"p99", "p99", false, produceFigures[1].value}}

// latencies are the columns of one latency, which names their group. A percentile that
// has too few samples is none.
func latencies(latency, group string, figures []figure) (all []column) {
	for _, f := range figures {
		all = append(all, column{group: group, name: f.name, value: func(_ int, c results.Cell) string {
			l := c.Latency[latency]
			if l.Count == 0 || f.json != "" && !l.Supports(f.json) {
				return quantity.None
			}
			text := quantity.Duration(f.value(l))
			if f.interval {
				text = with(text, wording.PlusMinus(c, latency+"."+f.json, float64(f.value(l))))
			}
			return text
		}})
	}
	return all
}

// unsupported says whether a percentile of the table has too few samples.
func unsupported(r *results.Result) bool {
	return slices.ContainsFunc(r.Cells, func(c results.Cell) bool {
		for _, latency := range []string{results.Produce, results.EndToEnd} {
			if l := c.Latency[latency]; l.Count > 0 && !(l.Supports("p50") && l.Supports("p99") && l.Supports("p999")) {
				return true
			}
		}
		return false
	})
}

// consumed says whether any cell has end-to-end latencies.
func consumed(r *results.Result) bool {
	return slices.ContainsFunc(r.Cells, func(c results.Cell) bool { return c.Latency[results.EndToEnd].Count > 0 })
}
