// Package table writes a result as a table: plain text for a terminal or a pipe,
// or Markdown. It colours nothing and sends no escape codes.
package table

import (
	"slices"
	"strings"

	"brokerlab/report/wording"
	"brokerlab/results"
)

// Text is the table of a result with one row for each cell, and lines below it
// on how to read it. It ends with a line feed.
func Text(r *results.Result) string {
	var b strings.Builder
	if len(r.Cells) > 0 {
		b.WriteString(rows(r).text())
	}
	for _, line := range Notes(r) {
		b.WriteString(line + "\n")
	}
	return b.String()
}

// Markdown is the table alone, as GitHub's Markdown has it; empty without cells.
// Notes has what belongs below it.
func Markdown(r *results.Result) string {
	if len(r.Cells) == 0 {
		return ""
	}
	return rows(r).markdown()
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
	notes := []string{"MB is 10^6 bytes of keys and values, acknowledged. Latency runs from the intended instant."}
	medians := wording.Repeats(r, "Rates are medians of ", "; latencies come from their merged histograms.")
	if medians != "" {
		notes = append(notes, medians)
	}
	if words := wording.Saturation(r); words != "" {
		notes = append(notes, strings.ToUpper(words[:1])+words[1:]+".")
	}
	if !r.Complete {
		words := "The run is incomplete"
		if r.Incomplete != "" {
			words += ": " + r.Incomplete
		}
		notes = append(notes, words+".")
	}
	return notes
}

// column is one column: a heading, and what a cell has in it.
type column struct {
	name  string
	align align
	value func(cell int, c results.Cell) string
}

func rows(r *results.Result) grid {
	columns := columnsOf(r)
	g := grid{}
	for _, c := range columns {
		g.heading = append(g.heading, c.name)
		g.aligns = append(g.aligns, c.align)
	}
	for i, cell := range r.Cells {
		var row []string
		for _, c := range columns {
			row = append(row, c.value(i, cell))
		}
		g.rows = append(g.rows, row)
	}
	return g
}

// columnsOf are the labels that vary (the disk when none does), then the
// figures. End-to-end latency is left out where nobody consumed.
func columnsOf(r *results.Result) []column {
	names := wording.NamesOf(r)
	shown := names.Varied
	if len(shown) == 0 {
		shown = []string{wording.Disk}
	}
	var all []column
	for _, name := range shown {
		all = append(all, column{names.Short(name), left, func(i int, _ results.Cell) string {
			return names.Value(i, name)
		}})
	}
	all = append(all,
		column{"target", left, func(_ int, c results.Cell) string { return wording.Target(c) }},
		column{"load", left, func(_ int, c results.Cell) string { return wording.Load(c) }},
		column{"records/s", right, func(_ int, c results.Cell) string { return wording.Digits(c.RecordsPerS) }},
		column{"MB/s", right, func(_ int, c results.Cell) string { return wording.Digits(c.MBPerS) }},
		column{"ratio", right, func(_ int, c results.Cell) string { return wording.Ratio(c.CompressionRatio) }})
	all = append(all, latencies(results.Produce, "produce", produceFigures)...)
	if consumed(r) {
		all = append(all, latencies(results.EndToEnd, "end-to-end", endToEndFigures)...)
	}
	return append(all,
		column{"fsyncs", right, func(_ int, c results.Cell) string { return wording.Count(c.Fsyncs) }},
		column{"read back", left, func(_ int, c results.Cell) string { return wording.Check(c.Counts) }})
}

// figure is one figure of a latency.
type figure struct {
	name  string
	value func(results.Latency) int64
}

var produceFigures = []figure{
	{"p50", func(l results.Latency) int64 { return l.P50 }},
	{"p99", func(l results.Latency) int64 { return l.P99 }},
	{"p99.9", func(l results.Latency) int64 { return l.P999 }},
	{"max", func(l results.Latency) int64 { return l.Max }},
}

var endToEndFigures = produceFigures[:2]

// latencies are the columns of one latency; only the first one names it, which
// keeps the table narrow.
func latencies(latency, name string, figures []figure) (all []column) {
	for i, f := range figures {
		heading := f.name
		if i == 0 {
			heading = name + " " + f.name
		}
		all = append(all, column{heading, right, func(_ int, c results.Cell) string {
			l := c.Latency[latency]
			if l.Count == 0 {
				return wording.None
			}
			return wording.Duration(f.value(l))
		}})
	}
	return all
}

// consumed says whether any cell has end-to-end latencies.
func consumed(r *results.Result) bool {
	return slices.ContainsFunc(r.Cells, func(c results.Cell) bool { return c.Latency[results.EndToEnd].Count > 0 })
}
