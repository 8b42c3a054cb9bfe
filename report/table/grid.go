package table

import (
	"strings"
	"unicode/utf8"
)

// align is the side of its column that a text stands at.
type align int

const (
	left align = iota
	right
)

// columnGap is between two columns of plain text.
const columnGap = "  "

// grid is a table as strings. Every row has as many of them as the heading.
type grid struct {
	heading []string
	aligns  []align
	rows    [][]string
}

// text sets columns apart by blanks and the heading by a rule.
func (g grid) text() string {
	widths := make([]int, len(g.heading))
	for _, row := range append([][]string{g.heading}, g.rows...) {
		for i, s := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(s))
		}
	}
	rules := make([]string, len(widths))
	for i, w := range widths {
		rules[i] = strings.Repeat("-", w)
	}
	var b strings.Builder
	for _, row := range append([][]string{g.heading, rules}, g.rows...) {
		var line strings.Builder
		for i, s := range row {
			if i > 0 {
				line.WriteString(columnGap)
			}
			line.WriteString(pad(s, widths[i], g.aligns[i]))
		}
		b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
	return b.String()
}

// pad counts runes as one place each: labels and units are Latin text.
func pad(s string, width int, a align) string {
	blanks := strings.Repeat(" ", width-utf8.RuneCountInString(s))
	if a == right {
		return blanks + s
	}
	return s + blanks
}

// markdown is the same as a table of GitHub's Markdown.
func (g grid) markdown() string {
	rules := make([]string, len(g.aligns))
	for i, a := range g.aligns {
		rules[i] = "---"
		if a == right {
			rules[i] = "---:"
		}
	}
	var b strings.Builder
	for n, row := range append([][]string{g.heading, rules}, g.rows...) {
		b.WriteString("|")
		for _, s := range row {
			if n != 1 {
				s = EscapeMarkdown(s)
			}
			b.WriteString(" " + s + " |")
		}
		b.WriteString("\n")
	}
	return b.String()
}

// MarkdownGrid is a table of texts for Markdown, all columns flush left. Every
// row has as many texts as the heading.
func MarkdownGrid(heading []string, rows [][]string) string {
	return grid{heading: heading, aligns: make([]align, len(heading)), rows: rows}.markdown()
}

// markup are the characters that Markdown would read as such in running text
// or end a table's cell at.
var markup = strings.NewReplacer("\\", "\\\\", "|", "\\|", "*", "\\*", "_", "\\_", "`", "\\`", "<", "&lt;", "[", "\\[",
	"\n", " ", "\r", " ")

// EscapeMarkdown makes Markdown show a text as it is, on one line.
func EscapeMarkdown(s string) string { return markup.Replace(s) }
