package document

import (
	"bytes"
	_ "embed" // the page's frame
	"encoding/base64"
	"fmt"
	"html/template"
	"slices"
	"strings"

	"brokerlab/report/table"
)

//go:embed page.html
var frame string

var page = template.Must(template.New("page").Funcs(template.FuncMap{
	"kind":    kindOf,
	"numbers": numbers,
	"ems":     paperEms,
	"charts":  areCharts,
	"image":   dataURI,
	"words":   whole,
	"place":   func(s Section) string { return s.ID },
}).Parse(frame))

// Word says a tone without a colour.
func (t Tone) Word() string {
	switch t {
	case Good:
		return "Good"
	case Care:
		return "Warning"
	case Bad:
		return "Serious"
	}
	return ""
}

// HTML writes the document as one page that loads nothing from elsewhere and runs no
// script.
func (d Document) HTML() ([]byte, error) {
	var out bytes.Buffer
	if err := page.Execute(&out, grouped(d)); err != nil {
		return nil, fmt.Errorf("write the page: %w", err)
	}
	return out.Bytes(), nil
}

// group is a section with its parts; the first one has what comes before any section.
type group struct {
	Section
	Parts []Part
}

// grouped is what the page's frame takes.
func grouped(d Document) any {
	groups := []group{{}}
	for _, p := range d.Parts {
		if s, ok := p.(Section); ok {
			groups = append(groups, group{Section: s})
			continue
		}
		last := &groups[len(groups)-1]
		last.Parts = append(last.Parts, p)
	}
	return struct {
		Title    string
		Intro    []Part
		Sections []group
	}{d.Title, groups[0].Parts, groups[1:]}
}

// kindOf names a part's type for the frame.
func kindOf(p Part) string {
	switch p.(type) {
	case Lead:
		return "lead"
	case Text:
		return "text"
	case Notice:
		return "notice"
	case List:
		return "list"
	case Table:
		return "table"
	case Chart:
		return "chart"
	case Folded:
		return "folded"
	case Command:
		return "command"
	}
	panic(fmt.Sprintf("document: a section has a %T in it", p))
}

// areCharts says whether the first of parts is a chart: those that are folded away are
// not printed.
func areCharts(parts []Part) bool {
	if len(parts) == 0 {
		return false
	}
	_, chart := parts[0].(Chart)
	return chart
}

// numbers says of each column whether all of its texts are figures.
func numbers(t Table) []bool {
	of := make([]bool, len(t.Heading))
	for i := range of {
		words := func(row []string) bool { return !table.IsFigure(row[i]) }
		of[i] = i > 0 && len(t.Rows) > 0 && !slices.ContainsFunc(t.Rows, words)
	}
	return of
}

// flagLongest is how long a flag may be that no line is broken within: the narrowest phone has
// room for it.
const flagLongest = 24

// whole keeps the flags of a text from being broken behind one of their dashes.
func whole(text string) template.HTML {
	words := strings.Split(text, " ")
	for i, word := range words {
		escaped := template.HTMLEscapeString(word)
		if strings.HasPrefix(word, "--") && len(word) <= flagLongest {
			escaped = `<span class="flag">` + escaped + `</span>`
		}
		words[i] = escaped
	}
	return template.HTML(strings.Join(words, " "))
}

// dataURI is a picture within the page. It is made here from bytes alone, so that it
// cannot be anything but a picture.
func dataURI(png []byte) template.URL {
	return template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(png))
}
