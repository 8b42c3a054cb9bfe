package table

import (
	"strings"

	"brokerlab/report/findings"
	"brokerlab/results/quantity"
)

// CompareText is two runs beside each other for a terminal, with lines below it on how
// to read it. It ends with a line feed.
func CompareText(c findings.Comparison) string {
	var b strings.Builder
	b.WriteString("A: " + c.Base + "\nB: " + c.Other + "\n\n")
	if len(c.Rows) > 0 {
		b.WriteString(compareGrid(c).text() + "\n")
	}
	for _, line := range CompareNotes(c) {
		b.WriteString(line + "\n")
	}
	return b.String()
}

// CompareMarkdown is the same as GitHub's Markdown has it.
func CompareMarkdown(c findings.Comparison) string {
	var b strings.Builder
	b.WriteString("A: " + EscapeMarkdown(c.Base) + ", B: " + EscapeMarkdown(c.Other) + "\n\n")
	if len(c.Rows) > 0 {
		b.WriteString(compareGrid(c).markdown() + "\n")
	}
	for _, line := range CompareNotes(c) {
		b.WriteString("- " + EscapeMarkdown(line) + "\n")
	}
	return b.String()
}

// CompareNotes say how to read the table, and what else differs.
func CompareNotes(c findings.Comparison) (notes []string) {
	if len(c.Rows) == 0 {
		notes = append(notes, "There is nothing to compare.")
	} else {
		notes = append(notes, findings.NotShown+" no difference is shown: chance makes one as large in more than 5 of 100 "+
			"cases, or there are too few repeats (Mann-Whitney, each figure by itself).")
	}
	return append(notes, c.Notes...)
}

// compareGrid has one row for each figure of each cell.
func compareGrid(c findings.Comparison) grid {
	g := grid{heading: []string{"cell", "figure", "A", "B", "change", "95 %", "p", "why not"},
		aligns: []align{left, left, right, right, right, left, right, left}}
	last, why := "", false
	for i := range c.Rows {
		r := &c.Rows[i]
		name := r.Cell
		if name == last {
			name = ""
		}
		last, why = r.Cell, why || r.Why != ""
		p := quantity.None
		if r.Why == "" {
			p = pWords(r.P)
		}
		g.rows = append(g.rows, []string{name, r.Figure, r.Base, r.Other, r.Change(), r.Interval(), p, r.Why})
	}
	if !why {
		g.heading, g.aligns = g.heading[:7], g.aligns[:7]
		for i := range g.rows {
			g.rows[i] = g.rows[i][:7]
		}
	}
	return g
}

func pWords(p float64) string {
	if p < 0.001 {
		return "<0.001"
	}
	return quantity.Digits(p)
}
