package table

import (
	"strings"

	"github.com/jedib0t/go-pretty/v6/text"
)

// textWithin is the table for a terminal of so many columns, 0 for any: where it is wider,
// the columns that do not fit follow below, with those that name the rows before them.
func (g grid) textWithin(columns int) string {
	var all []string
	for _, part := range g.fold(columns) {
		all = append(all, part.text())
	}
	return strings.Join(all, "\n")
}

// keys is how many columns name the rows: those at the left that hold words.
func (g grid) keys() int {
	n := 1
	for n < len(g.aligns) && g.aligns[n] == left {
		n++
	}
	return n
}

// fold shares the columns out over as many tables as it takes for each to fit. Columns of
// one group stay together where they can. It is the table itself where that fits, and where
// the names of rows take more than two thirds of the room or the widest column has none.
func (g grid) fold(columns int) []grid {
	fits := func(of grid) bool { return of.span(0, len(of.heading))-columnGap <= columns }
	if columns <= 0 || fits(g) {
		return []grid{g}
	}
	keys := g.keys()
	if g.span(0, keys)*3 > columns*2 { // most of every part would be the same names
		return []grid{g}
	}
	for i := keys; i < len(g.heading); i++ {
		if !fits(g.part(keys, i, i+1)) {
			return []grid{g}
		}
	}
	var all []grid
	for from := keys; from < len(g.heading); {
		to := from
		for to < len(g.heading) && fits(g.part(keys, from, g.groupEnd(to))) {
			to = g.groupEnd(to)
		}
		for to == from || to < g.groupEnd(from) && fits(g.part(keys, from, to+1)) {
			to++ // a group that is too wide for a table of its own
		}
		all, from = append(all, g.part(keys, from, to)), to
	}
	return all
}

// span is how wide columns are together, with the gap behind each.
func (g grid) span(from, to int) (width int) {
	for i := from; i < to; i++ {
		width += g.width(i) + columnGap
	}
	return width
}

// groupEnd is the column behind the last one of a column's group.
func (g grid) groupEnd(column int) int {
	end := column + 1
	if len(g.groups) == 0 || g.groups[column] == "" {
		return end
	}
	for end < len(g.groups) && g.groups[end] == g.groups[column] {
		end++
	}
	return end
}

// part is the columns that name the rows, and some others.
func (g grid) part(keys, from, to int) grid {
	texts := func(row []string) []string {
		return append(append([]string(nil), row[:keys]...), row[from:to]...)
	}
	p := grid{heading: texts(g.heading), aligns: append(append([]align(nil), g.aligns[:keys]...), g.aligns[from:to]...),
		sections: g.sections}
	if len(g.groups) > 0 {
		p.groups = texts(g.groups)
	}
	for _, row := range g.rows {
		p.rows = append(p.rows, texts(row))
	}
	return p
}

// wrapped breaks a line between words where it is longer than so many columns, 0 for any.
func wrapped(line string, columns int) string {
	if columns <= 0 || text.StringWidthWithoutEscSequences(line) <= columns {
		return line
	}
	var lines []string
	at := ""
	for _, word := range strings.Fields(line) {
		if at != "" && text.StringWidthWithoutEscSequences(at+" "+word) > columns {
			lines, at = append(lines, at), ""
		}
		if at != "" {
			at += " "
		}
		at += word
	}
	return strings.Join(append(lines, at), "\n")
}
