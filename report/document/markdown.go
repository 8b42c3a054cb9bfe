package document

import (
	"bytes"
	"cmp"
	"fmt"
	"strings"

	"brokerlab/report/table"
)

// Markdown writes the document as GitHub's Markdown; charts are the files beside it.
func (d Document) Markdown() []byte {
	var m markdown
	m.say("# %s", table.EscapeMarkdown(d.Title))
	m.parts(d.Parts)
	return append(bytes.TrimRight(m.Bytes(), "\n"), '\n')
}

// markdown is a text in the making.
type markdown struct{ bytes.Buffer }

// say writes a paragraph, escaped by the caller where it must be.
func (m *markdown) say(format string, args ...any) { fmt.Fprintf(m, format+"\n\n", args...) }

func (m *markdown) parts(parts []Part) {
	for _, p := range parts {
		m.part(p)
	}
}

func (m *markdown) part(p Part) {
	switch p := p.(type) {
	case Section:
		m.say("## %s", table.EscapeMarkdown(p.Title))
	case Lead:
		m.say("%s", table.EscapeMarkdown(p.Text))
	case Text:
		m.say("%s", table.EscapeMarkdown(p.Text))
	case Notice:
		m.say("**%s**", table.EscapeMarkdown(p.Text))
	case List:
		for _, item := range p.Items {
			fmt.Fprintf(m, "- %s%s\n", boldMark(item.Tone), table.EscapeMarkdown(item.Text))
		}
		m.WriteString("\n")
	case Table:
		m.say("%s", strings.TrimSpace(table.MarkdownGrid(p.Heading, p.Rows)))
	case Chart:
		m.say("![%s](%s)", table.EscapeMarkdown(cmp.Or(p.Alt, p.Title)), p.File)
		if p.Caption != "" {
			m.say("%s", table.EscapeMarkdown(p.Caption))
		}
	case Folded:
		m.say("<details><summary>%s</summary>", table.EscapeMarkdown(p.Summary))
		m.parts(p.Parts)
		m.say("</details>")
	case Command:
		m.say("    %s", p.Text)
	}
}

// boldMark is the word of a tone.
func boldMark(t Tone) string {
	if word := t.Word(); word != "" {
		return "**" + word + ":** "
	}
	return ""
}
