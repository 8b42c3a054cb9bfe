package document

import (
	"bytes"
	"encoding/base64"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// hostile are texts that would do something in a page that did not escape them.
var hostile = []string{
	`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' onmouseover='alert(1)`, `</title><script>`,
	`javascript:alert(1)`, `{{.Title}}`, `</style><b>`, "&lt;b&gt; <!-- ", "a | b \\ *c* _d_ `e` [f](g) #",
}

// hostileDocument has them in every place that takes a text.
func hostileDocument() Document {
	d := Document{Title: strings.Join(hostile, " ")}
	for _, text := range hostile {
		table := Table{Caption: text, Heading: []string{text, text}, Rows: [][]string{{text, text}}}
		d.Parts = append(d.Parts, Lead{text}, Text{text}, Notice{Bad, text}, Section{ID: "a", Title: text},
			List{[]Item{{Care, text}}}, table, Command{text}, Folded{Summary: text, Parts: []Part{Text{text}}},
			Chart{File: "a.png", Title: text, PNG: []byte{1}, Wide: 1, High: 1, Caption: text, Alt: text, Figures: table})
	}
	return d
}

// tag finds the names of elements and attributes of a page.
var tag = regexp.MustCompile(`<([a-zA-Z!/][^\s>]*)((?:\s+[a-zA-Z-]+(?:="[^"]*")?)*)\s*>`)

// address finds attributes that run or load something.
var address = regexp.MustCompile(`\s(on[a-z]+|href|src)="([^"]*)"`)

// Goal: no text of a result can become an element, an attribute or a script of the page.
// Method: the page of a hostile document has the elements of a harmless one with the
// same parts, no handler, and no address but of pictures and its own places.
func TestHostileTexts(t *testing.T) {
	page, err := hostileDocument().HTML()
	if err != nil {
		t.Fatal(err)
	}
	names := func(page []byte) (all []string) {
		body := page[bytes.Index(page, []byte("</style>\n</head>")):]
		for _, m := range tag.FindAllSubmatch(body, -1) {
			all = append(all, string(m[1]))
		}
		return all
	}
	harmless := hostileDocument()
	for i, p := range harmless.Parts {
		harmless.Parts[i] = tamed(p)
	}
	harmless.Title = "a"
	want, err := harmless.HTML()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := names(page), names(want); !slices.Equal(got, want) {
		t.Errorf("elements differ: %d, want %d", len(got), len(want))
	}
	for _, m := range tag.FindAllSubmatch(page, -1) {
		name, attributes := strings.ToLower(string(m[1])), string(m[2])
		if name == "script" || name == "iframe" || name == "object" {
			t.Errorf("there is a %s", name)
		}
		for _, part := range address.FindAllStringSubmatch(attributes, -1) {
			inside := part[1] == "href" && (strings.HasPrefix(part[2], "#") || part[2] == "data:,") ||
				part[1] == "src" && strings.HasPrefix(part[2], "data:image/png;base64,")
			if !inside {
				t.Errorf("%s has %s", name, part[0])
			}
		}
	}
}

// tamed is the part with "a" for each of its texts.
func tamed(p Part) Part {
	table := Table{Caption: "a", Heading: []string{"a", "a"}, Rows: [][]string{{"a", "a"}}}
	switch p := p.(type) {
	case Lead:
		return Lead{"a"}
	case Text:
		return Text{"a"}
	case Notice:
		return Notice{p.Tone, "a"}
	case Section:
		return Section{ID: p.ID, Title: "a"}
	case List:
		return List{[]Item{{p.Items[0].Tone, "a"}}}
	case Table:
		return table
	case Command:
		return Command{"a"}
	case Folded:
		return Folded{Summary: "a", Parts: []Part{Text{"a"}}}
	case Chart:
		return Chart{File: p.File, Title: "a", PNG: p.PNG, Wide: 1, High: 1, Caption: "a", Alt: "a", Figures: table}
	}
	return p
}

// Goal: a page is whole and can be read with no more than itself: a language, one first
// heading, sections that its links find, pictures with words and their bytes.
// Method: a small document.
func TestPage(t *testing.T) {
	png := []byte("not really a picture")
	d := Document{Title: "A title", Parts: []Part{Lead{"What?"}, Section{"result", "Result"},
		Table{"All", []string{"cell", "MB/s"}, [][]string{{"a", "12.3"}, {"b", "-"}}}, Section{"charts", "Charts"},
		Chart{File: "a.png", Title: "A chart", PNG: png, Wide: 768, High: 432, Caption: "Look.", Alt: "a 12.3"}}}
	page, err := d.HTML()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`<html lang="en">`, "<title>A title</title>", "<h1>A title</h1>",
		`<p class="lead">What?</p>`,
		`<a href="#result">Result</a>`, `<h2 id="result">Result</h2>`, `<th scope="col" class="n">MB/s</th>`,
		`<th scope="row">a</th><td class="n">12.3</td>`, `<th scope="row">b</th><td class="n">-</td>`, `<h3>A chart</h3>`,
		`width="768" height="432" alt="a 12.3"`, `src="data:image/png;base64,` + base64.StdEncoding.EncodeToString(png) + `"`,
		"<figcaption>Look.</figcaption>",
		`content="default-src 'none'; img-src data:; style-src 'unsafe-inline'"`} {
		if !bytes.Contains(page, []byte(want)) {
			t.Errorf("the page lacks %s", want)
		}
	}
	again, err := d.HTML()
	if err != nil || !bytes.Equal(page, again) {
		t.Errorf("a second page differs: %v", err)
	}
	for _, unwanted := range []string{"<script", "http://", "https://", "ZgotmplZ"} {
		if bytes.Contains(page, []byte(unwanted)) {
			t.Errorf("the page has %s", unwanted)
		}
	}
}

// Goal: a page's table says how wide it is, from words that can't be broken, so that paper
// gets letters with which it fits. Method: tables whose widths are summed by hand, and the
// style in the page.
func TestPaper(t *testing.T) {
	for _, c := range []struct {
		why  string
		t    Table
		want float64
	}{
		{"figures, wider than their heading", Table{"", []string{"a", "s"}, [][]string{{"b", "1 234567"}, {"b", "-"}}},
			boldWider*0.64 + 6*0.64},
		{"a heading of words, wider than its figures", Table{"", []string{"a", "of 1000"}, [][]string{{"b", "1"}}},
			boldWider*0.64 + boldWider*4*0.64},
		{"a long name is broken, a long heading is not", Table{"", []string{"a", "aaaaaaaaaa"},
			[][]string{{"bbbbbbbbbbbbbbbbbbbb", "word"}}}, emsOfWords + boldWider*10*0.64},
		{"nothing", Table{"", nil, nil}, 0},
	} {
		if got := paperEms(c.t); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%s: %.3f ems, want %.3f", c.why, got, c.want)
		}
	}
	wide := Table{"Wide", []string{"cell", "100000", "200000"}, nil}
	page, err := Document{Parts: []Part{wide}}.HTML()
	if want := `style="--columns:3;--ems:10.9"`; err != nil || !bytes.Contains(page, []byte(want)) {
		t.Errorf("the page lacks %s: %v", want, err)
	}
}

// Goal: Markdown has the same parts. Method: the text of a small document.
func TestMarkdown(t *testing.T) {
	d := Document{Title: "A_title", Parts: []Part{Notice{Bad, "Care!"}, Section{"x", "Result"},
		Plainly([]string{"one", "*"}), List{[]Item{{Bad, "two"}}}, Folded{"More", []Part{Text{"inner"}}},
		Command{"brokerlab run x"}, Chart{File: "a.png", Title: "A chart", Caption: "Look."},
		Chart{File: "b.png", Title: "Another", Alt: "Another: a 12.3 MB/s"}}}
	want := strings.Join([]string{"# A\\_title", "**Care!**", "## Result", "- one\n- \\*", "- **Serious:** two",
		"<details><summary>More</summary>", "inner", "</details>", "    brokerlab run x", "![A chart](a.png)",
		"Look.", "![Another: a 12.3 MB/s](b.png)\n"}, "\n\n")
	if got := string(d.Markdown()); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// Goal: a phone does not break a flag behind its dash, and a text stays text for that. Method: texts
// with flags, a long one, and one that looks like an element.
func TestFlagsStayWhole(t *testing.T) {
	for text, want := range map[string]string{
		"use --repeat 6":             `use <span class="flag">--repeat</span> 6`,
		"no flag - and -x":           "no flag - and -x",
		"--<b>x</b> & more":          `<span class="flag">--&lt;b&gt;x&lt;/b&gt;</span> &amp; more`,
		"--set records.payload":      `<span class="flag">--set</span> records.payload`,
		"--a-flag-of-an-odd-length-": "--a-flag-of-an-odd-length-",
	} {
		if got := string(whole(text)); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
