package table

import (
	"strings"

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
	heading []string
	aligns  []align
	rows    [][]string
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
		columns[i] = pretty.ColumnConfig{Number: i + 1, Align: a, AlignHeader: a}
	}
	w.SetColumnConfigs(columns)
	return w
}

// text is the table for a terminal.
func (g grid) text() string {
	var b strings.Builder
	for line := range strings.Lines(g.writer(strings.TrimSpace).Render()) {
		b.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	return b.String()
}

// markdown is the same as a table of GitHub's Markdown.
func (g grid) markdown() string { return g.writer(EscapeMarkdown).RenderMarkdown() + "\n" }

// MarkdownGrid is a table of texts for Markdown, all columns flush left. Every
// row has as many texts as the heading.
func MarkdownGrid(heading []string, rows [][]string) string {
	aligns := make([]align, len(heading))
	for i := range aligns {
		aligns[i] = left
	}
	return grid{heading: heading, aligns: aligns, rows: rows}.markdown()
}

// markup are the characters that Markdown would read as such in running text; a
// table's cells are ended at the pipes that the table's writer escapes.
var markup = strings.NewReplacer("\\", "\\\\", "*", "\\*", "_", "\\_", "`", "\\`", "<", "&lt;", "[", "\\[",
	"\n", " ", "\r", " ")

// EscapeMarkdown makes Markdown show a text as it is, on one line.
func EscapeMarkdown(s string) string { return markup.Replace(s) }
