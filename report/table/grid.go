package table

import (
	"slices"
	"strings"

	"brokerlab/results/quantity"

	pretty "github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// align is the side of its column that a text stands at.
type align = text.Align

const (
	left  = text.AlignLeft
	right = text.AlignRight
)

// plain sets columns apart by blanks and the heading by a rule: no frames and no
// escape codes, so that it reads the same in a terminal, a pipe and a file.
var plain = pretty.Style{
	Name:    "plain",
	Box:     pretty.BoxStyle{MiddleHorizontal: "-", MiddleSeparator: "-", PaddingRight: "  ", UnfinishedRow: " "},
	Options: pretty.Options{SeparateHeader: true},
	Format:  pretty.FormatOptions{Header: text.FormatDefault, Row: text.FormatDefault},
}

// grid is a table as strings. Every row has as many of them as the heading.
type grid struct {
	// groups name what neighbouring columns have in common; empty: nothing.
	groups   []string
	heading  []string
	aligns   []align
	rows     [][]string
	sections []section
}

// section is a line of words above a row.
type section struct {
	row   int
	words string
}

// writer gives the grid to the library, each text through show.
func (g grid) writer(show func(string) string) pretty.Writer {
	row := func(texts []string) pretty.Row {
		out := make(pretty.Row, len(texts))
		for i, s := range texts {
			out[i] = show(s)
		}
		return out
	}
	w := pretty.NewWriter()
	w.SetStyle(plain)
	w.AppendHeader(row(g.heading))
	for _, r := range g.rows {
		w.AppendRow(row(r))
	}
	columns := make([]pretty.ColumnConfig, len(g.aligns))
	for i, a := range g.aligns {
		columns[i] = pretty.ColumnConfig{Number: i + 1, Align: a, AlignHeader: a, WidthMin: g.least(i)}
	}
	w.SetColumnConfigs(columns)
	return w
}

// oneLine keeps a text of a scenario on its row.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// headLines is how many lines the library writes above the rows.
const headLines = 2

// text is the table for a terminal.
func (g grid) text() string {
	lines := strings.Split(g.writer(oneLine).Render(), "\n")
	rule := strings.TrimSuffix(lines[headLines-1], strings.Repeat("-", columnGap)) // without what pads the last column
	lines[headLines-1] = rule
	all := append([]string{g.groupLine()}, lines[:headLines]...)
	sections := g.sections
	for i, line := range lines[headLines:] {
		if len(sections) > 0 && sections[0].row == i {
			if i > 0 {
				all = append(all, rule)
			}
			all = append(all, oneLine(sections[0].words)+":")
			sections = sections[1:]
		}
		all = append(all, line)
	}
	var b strings.Builder
	for i, line := range all {
		if line = strings.TrimRight(line, " "); i > 0 || line != "" {
			b.WriteString(line + "\n")
		}
	}
	return b.String()
}

// columnGap is between two columns, as plain has it.
const columnGap = 2

// groupLine names groups above their columns, each between rules as wide as they are.
func (g grid) groupLine() string {
	var b strings.Builder
	for from := 0; from < len(g.groups); {
		to := from
		width := -columnGap
		for ; to < len(g.groups) && g.groups[to] == g.groups[from]; to++ {
			width += g.width(to) + columnGap
		}
		words := ""
		if name := g.groups[from]; name != "" {
			words = " " + name + " "
			words = strings.Repeat("-", max(0, (width-len(words))/2)) + words
			words += strings.Repeat("-", max(0, width-len(words)))
		}
		b.WriteString(words + strings.Repeat(" ", max(0, width-len(words))+columnGap))
		from = to
	}
	return b.String()
}

// least is how wide a column must be for the name of its group to fit above all
// of its columns, which share what that needs.
func (g grid) least(column int) int {
	if len(g.groups) == 0 || g.groups[column] == "" {
		return 0
	}
	from, to := column, column+1
	for from > 0 && g.groups[from-1] == g.groups[column] {
		from--
	}
	for to < len(g.groups) && g.groups[to] == g.groups[column] {
		to++
	}
	need := text.StringWidthWithoutEscSequences(g.groups[column]) + 2 + columnGap // blanks around it
	for i := from; i < to; i++ {
		need -= g.needs(i) + columnGap
	}
	if need <= 0 {
		return 0
	}
	return g.needs(column) + (need+to-from-1)/(to-from)
}

// width is that of a column of the text.
func (g grid) width(column int) int { return max(g.needs(column), g.least(column)) }

// needs is how wide the texts of a column are.
func (g grid) needs(column int) int {
	width := text.StringWidthWithoutEscSequences(g.heading[column])
	for _, row := range g.rows {
		width = max(width, text.StringWidthWithoutEscSequences(oneLine(row[column])))
	}
	return width
}

// markdown is the same as a table of GitHub's Markdown, whose headings are one
// line: each has the first word of its group.
func (g grid) markdown() string {
	g.heading = g.flatHeading()
	return g.writer(EscapeMarkdown).RenderMarkdown() + "\n"
}

// flatHeading is the heading on one line.
func (g grid) flatHeading() []string {
	heading := slices.Clone(g.heading)
	for i, group := range g.groups {
		if first, _, _ := strings.Cut(group, " "); first != "" {
			heading[i] = first + " " + heading[i]
		}
	}
	return heading
}

// MarkdownGrid is a table of texts for Markdown. The first column is flush left,
// the others too unless all of their texts are figures. Every row has as many
// texts as the heading.
func MarkdownGrid(heading []string, rows [][]string) string {
	aligns := make([]align, len(heading))
	for i := range aligns {
		aligns[i] = left
		words := func(row []string) bool { return !IsFigure(row[i]) }
		if i > 0 && len(rows) > 0 && !slices.ContainsFunc(rows, words) {
			aligns[i] = right
		}
	}
	return grid{heading: heading, aligns: aligns, rows: rows}.markdown()
}

// IsFigure says whether a text begins as a figure does, or stands for one.
func IsFigure(s string) bool {
	if s == quantity.None || s == quantity.NotAvailable {
		return true
	}
	s = strings.TrimLeft(s, "<+-")
	return s != "" && s[0] >= '0' && s[0] <= '9'
}

// markup are the characters that Markdown would read as such in running text; a
// table's cells are ended at the pipes that the table's writer escapes.
var markup = strings.NewReplacer("\\", "\\\\", "*", "\\*", "_", "\\_", "`", "\\`", "<", "&lt;", "[", "\\[",
	"\n", " ", "\r", " ")

// EscapeMarkdown makes Markdown show a text as it is, on one line.
func EscapeMarkdown(s string) string { return markup.Replace(s) }
