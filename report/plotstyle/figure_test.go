package plotstyle

import (
	"bytes"
	"errors"
	"image/png"
	"strings"
	"testing"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Goal: no line of text is wider than its place, and none is lost.
// Method: a table of texts and widths, in points.
func TestWrapping(t *testing.T) {
	s := subFace()
	for _, c := range []struct {
		why, txt string
		width    vg.Length
		want     int // lines
	}{
		{"nothing", "", 100, 0},
		{"short", "one two", 500, 1},
		{"between parts", "first part" + dot + "second part", 70, 2},
		{"between words of a long part", "a part that is long" + dot + "b", 60, 3},
		{"a word without end", strings.Repeat("x", 300), 100, 1},
	} {
		lines := wrapParts(s, c.txt, c.width)
		if len(lines) != c.want {
			t.Errorf("%s: %d lines %q, want %d", c.why, len(lines), lines, c.want)
		}
		for _, line := range lines {
			if s.Width(line) > c.width || strings.HasPrefix(line, strings.TrimLeft(dot, " ")) {
				t.Errorf("%s: the line %q is %v wide or begins with a separator", c.why, line, s.Width(line))
			}
		}
	}
}

// Goal: labels that are too long keep both of their ends, and no two of them become one.
// Method: a path, and names that differ in their middles only.
func TestShortenTicks(t *testing.T) {
	if got := ShortenTicks([]string{"dir:/a/very/long/path/to/some/data"}, 80)[0]; !strings.HasPrefix(got, "dir:") ||
		!strings.HasSuffix(got, "data") || TickWidth(got) > 80 {
		t.Errorf("a long label became %q", got)
	}
	labels := []string{"as the team recommends since the incident, replicas=1",
		"as the team recommends since the incident, replicas=2",
		"as the team recommended before the incident, replicas=1", "short", "as-the-vendor-says-in-one-very-long-word",
		"as-the-vendor-saysin-one-very-long-word", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaabaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaacaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}
	seen := map[string]string{}
	for i, got := range ShortenTicks(labels, 120) {
		if other, ok := seen[got]; ok || TickWidth(got) > 120 {
			t.Errorf("%q became %q, %v wide, as %q did", labels[i], got, TickWidth(got), other)
		}
		seen[got] = labels[i]
	}
	if seen["short"] != "short" {
		t.Error("a short label was shortened")
	}
}

// Goal: a legend stays within the figure, in columns when it has several rows.
// Method: legends from none to many entries, one of them very long.
func TestLegend(t *testing.T) {
	const width = 500
	entry := func(name string) Swatch { return Swatch{Name: name} }
	many := make([]Swatch, 30)
	for i := range many {
		many[i] = entry("entry of some length")
	}
	for _, c := range []struct {
		why    string
		blocks [][]Swatch
		rows   int
		steps  bool
	}{
		{"none", nil, 0, false},
		{"a row", [][]Swatch{{entry("a"), entry("b")}}, 1, false},
		{"two blocks of a row each", [][]Swatch{{entry("a"), entry("b")}, {entry("c")}}, 2, false},
		{"a block that wraps beside one that does not", [][]Swatch{many, {entry("c")}}, 9, true},
		{"many", [][]Swatch{many}, 8, true},
		{"one that is too long", [][]Swatch{{entry(strings.Repeat("long ", 60)), entry("b")}}, 2, true},
	} {
		l := layLegend(c.blocks, width)
		if len(l.rows) != c.rows || (l.step > 0) != c.steps {
			t.Errorf("%s: %d rows, step %v, want %d rows", c.why, len(l.rows), l.step, c.rows)
		}
		for _, row := range l.rows {
			for n, e := range row {
				if end := l.step*vg.Length(n) + swatchStep + legendFace().Width(e.Name); end > width {
					t.Errorf("%s: %q ends at %v of %d points", c.why, e.Name, end, width)
				}
			}
		}
	}
}

// Goal: a figure grows with its texts, and says why it has no data.
// Method: render figures without a plot and compare heights.
func TestFigureGrows(t *testing.T) {
	height := func(f Figure) int {
		var b bytes.Buffer
		if err := f.WritePNG(&b); err != nil {
			t.Fatal(err)
		}
		c, err := png.DecodeConfig(&b)
		if err != nil {
			t.Fatal(err)
		}
		return c.Height
	}
	small := height(Figure{Title: "t", NoData: "because"})
	if small != 864 {
		t.Errorf("a figure is %d high, want 864", small)
	}
	entries := make([]Swatch, 60)
	for i := range entries {
		entries[i] = Swatch{Name: "an entry of the legend", Line: draw.LineStyle{Width: 1, Color: Ink}}
	}
	if large := height(Figure{Title: strings.Repeat("long title ", 30), Subtitle: strings.Repeat("words ", 80),
		Legend: [][]Swatch{entries}, NoData: "because"}); large < small+400 {
		t.Errorf("a figure with many words is %d high, one with few %d", large, small)
	}
	if tall := height(Figure{Title: "t", NoData: "because", BodyHeight: 1000}); tall < 2*1000 {
		t.Errorf("a figure whose body is 1000 points is %d pixels high", tall)
	}
}

type failing struct{}

var errFull = errors.New("the disk is full")

func (failing) Write([]byte) (int, error) { return 0, errFull }

// Goal: an error of the file is the caller's to see.
// Method: render into a writer that fails.
func TestWritePNGFails(t *testing.T) {
	f := Figure{Title: "t", NoData: "because"}
	if err := f.WritePNG(failing{}); !errors.Is(err, errFull) {
		t.Errorf("the error is %v, want %v", err, errFull)
	}
}
