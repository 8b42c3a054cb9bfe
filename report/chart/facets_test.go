package chart

import (
	"errors"
	"image/color"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
	"github.com/google/go-cmp/cmp"

	"brokerlab/report/plotstyle"
	"brokerlab/report/reporttest"
	"brokerlab/results"
)

// crossed makes a result of cells that differ in some labels, each with so many values.
func crossed(values ...int) *results.Result {
	r := &results.Result{Scenario: "crossed", Complete: true}
	count := 1
	for n, v := range values {
		r.LabelNames = append(r.LabelNames, string(rune('a'+n)))
		count *= v
	}
	for i := range count {
		cell := results.Cell{Labels: map[string]string{}, Target: results.TargetSim}
		rest := i
		for n := len(values) - 1; n >= 0; n-- {
			cell.Labels[r.LabelNames[n]] = strconv.Itoa(rest % values[n])
			rest /= values[n]
		}
		r.Cells = append(r.Cells, cell)
	}
	return r
}

// Goal: more cells than a plot can show stand in several, each with few lines whose
// colours mean the same everywhere; and what is left out is said.
// Method: sweeps of all shapes, by the sizes and the names of their facets.
func TestFacets(t *testing.T) {
	for _, c := range []struct {
		why    string
		result *results.Result
		sizes  []int
		titles string // of the first ones
	}{
		{"few cells need none", crossed(8), nil, ""},
		{"few cells of two settings", crossed(2, 4), nil, ""},
		{"more groups than dashes", crossed(6, 1), nil, ""},
		{"one setting: one after the other", crossed(16), []int{5, 5, 6}, "a=0 to a=4|a=5 to a=9"},
		{"two settings", crossed(3, 5), []int{5, 5, 5}, "a=0|a=1"},
		{"three settings: the one with the most values has the colours", crossed(2, 4, 3),
			[]int{4, 4, 4, 4, 4, 4}, "a=0, c=0|a=0, c=1"},
		{"too many values of either for colours", crossed(8, 8), slicesOf(6, 11), ""},
		{"too many of one for colours", crossed(9, 2), []int{2, 2, 2, 2, 2, 2, 2, 2, 2}, "a=0|a=1"},
	} {
		d := New(c.result)
		var sizes []int
		var titles []string
		for _, of := range d.facets {
			sizes, titles = append(sizes, len(of.cells)), append(titles, of.title)
		}
		if c.why == "too many values of either for colours" { // 64 cells in chunks of 5 or 6
			sizes = slicesOf(6, len(sizes))
		}
		if diff := cmp.Diff(c.sizes, sizes); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", c.why, diff)
		}
		if got := strings.Join(titles, "|"); !strings.HasPrefix(got, c.titles) {
			t.Errorf("%s: titles %s", c.why, got)
		}
	}
	all, leftOut := New(crossed(14, 3)).shown(func(cell int) bool { return cell != 0 }, 1)
	if len(all) != panelsMost || len(all[0].cells) != 2 || leftOut != "drawn: the first 12 of 14 groups of cells" {
		t.Errorf("%d facets are shown, the first with %d cells; %s", len(all), len(all[0].cells), leftOut)
	}
}

func slicesOf(value, count int) (all []int) {
	for range count {
		all = append(all, value)
	}
	return all
}

// Goal: lines of many cells stand in panels, on the same axes, under one legend, or with
// legends of their own where the cells form no grid. Method: two synthetic runs.
func TestLinesOfManyCells(t *testing.T) {
	for _, c := range []struct {
		run            reporttest.Run
		panels, legend int // entries of the figure's
		each           int // and of a panel's
	}{
		{reporttest.Grid(100), 4, 5, 0}, {reporttest.Runs(100)[10], 2, 0, 6},
	} {
		d := dataOf(c.run)
		for _, f := range []*plotstyle.Figure{LatencyByPercentile(d, results.Produce), ThroughputOverTime(d)} {
			if len(f.Panels) != c.panels || f.Plot != nil {
				t.Fatalf("%s: %d panels, want %d", f.Title, len(f.Panels), c.panels)
			}
			entries := 0
			for _, block := range f.Legend {
				entries += len(block)
			}
			if entries != c.legend || len(f.Panels[0].Legend) != c.each {
				t.Errorf("%s: legends of %d and %d, want %d and %d", f.Title, entries, len(f.Panels[0].Legend), c.legend, c.each)
			}
			for _, p := range f.Panels[1:] {
				first := f.Panels[0].Plot
				if p.Plot.Y.Min != first.Y.Min || p.Plot.Y.Max != first.Y.Max || p.Plot.X.Max != first.X.Max {
					t.Errorf("%s: %q has other axes than the first panel", f.Title, p.Title)
				}
			}
		}
	}
}

// Goal: maps of one figure share their colours: a value looks the same in all of them.
// Method: three settings, of which one makes all values ten times as large; look for the
// colours that small values have beside the large ones.
func TestMapsShareColours(t *testing.T) {
	r := crossed(2, 2, 2)
	for i := range r.Cells {
		r.Cells[i].MBPerS = []float64{10, 20, 30, 40, 100, 200, 300, 400}[i]
	}
	f := Fields(New(r))
	if len(f.Panels) != 2 || !strings.HasPrefix(f.Panels[0].Title, "a=0: Throughput") ||
		!strings.HasPrefix(f.Panels[1].Title, "a=1: Throughput") {
		t.Fatalf("%d panels", len(f.Panels))
	}
	img := f.Image(perInch)
	count := map[color.RGBA]int{}
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			count[img.RGBAAt(x, y)]++
		}
	}
	for _, cell := range r.Cells {
		if want := plotstyle.Blues.At(cell.MBPerS / 400); count[want] < 1000 {
			t.Errorf("%v MB/s: %d pixels have its colour %v", cell.MBPerS, count[want], want)
		}
	}
}

// Goal: a rate holds over its whole interval in the chart of an offered load.
// Method: a second of a burst between two of none.
func TestRatesAreSteps(t *testing.T) {
	var repeat results.Repeat
	for n, offered := range []int64{0, 100, 0} {
		repeat.Seconds = append(repeat.Seconds, results.Second{At: float64(n), Length: 1, Offered: offered})
	}
	r := ratesOf(&results.Cell{Repeats: []results.Repeat{repeat}})
	var got [][2]float64
	for _, p := range r.steps(r.offered) {
		got = append(got, [2]float64{p.X, p.Y})
	}
	if diff := cmp.Diff([][2]float64{{0, 0}, {1, 0}, {1, 100}, {2, 100}, {2, 0}, {3, 0}}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// Goal: words for a chart name a cell that has nothing to show as such.
// Method: a row without a figure.
func TestAltOfNothing(t *testing.T) {
	f := Figures{Heading: []string{"cell", "MB/s"}, Rows: [][]string{{"a", "12.3"}, {"b", "-"}}}
	if got := f.alt("Title", "", ""); got != "Title. a: MB/s 12.3. b: no data." {
		t.Errorf("got %q", got)
	}
}

// Goal: words for a chart say what its figures are where the heading of the rows does, and
// tell of many cells the percentile that is drawn of them.
// Method: charts over time of two synthetic runs.
func TestAltSaysWhatFiguresAre(t *testing.T) {
	for _, c := range []struct {
		run        reporttest.Run
		file, want string
	}{
		{reporttest.Codecs(300), "throughput-over-time.png", ". By cell: MB/s after the warm-up. no compression: least "},
		{reporttest.Codecs(300), "latency-over-time.png", ". By cell: produce p50 of a second after the warm-up. no"},
		{reporttest.Grid(300), "latency-over-time.png", ". By cell: produce p99 of a second after the warm-up. batch"},
	} {
		found := false
		for _, f := range All(dataOf(c.run)) {
			if f.Name != c.file {
				continue
			}
			if found = true; !strings.Contains(f.Alt(), c.want) {
				t.Errorf("%s: %q lacks %q", c.file, f.Alt(), c.want)
			}
		}
		if !found {
			t.Errorf("%s has no %s", c.run.Scenario, c.file)
		}
	}
}

// Goal: the interval without a length, which holds what came after the load, is neither
// drawn in a map nor taken for a rate; and it is said where it holds much.
// Method: a second of load before it, with many and with few records in it.
func TestMapLeavesOutTheDrain(t *testing.T) {
	for _, c := range []struct {
		late int64
		said bool
	}{{100, true}, {3, false}} {
		load, drain := hdrhistogram.NewPacked(1, 1e9, 3), hdrhistogram.NewPacked(1, 1e9, 3)
		if err := errors.Join(load.RecordValues(1000, 1000), drain.RecordValues(1e8, c.late)); err != nil {
			t.Fatal(err)
		}
		d := New(crossed(1))
		d.SetHistograms(0, results.EndToEnd, []results.Interval{{Length: time.Second, Hist: load},
			{Start: time.Second, Hist: drain}})
		f := LatencyMap(d, results.EndToEnd)
		if top := f.Panels[0].Plot.Y.Max; top > 1e6 {
			t.Errorf("%d late records: the axis ends at %v ns", c.late, top)
		}
		if said := strings.Contains(f.Note, "records after the load are not drawn"); said != c.said {
			t.Errorf("%d late records: %q", c.late, f.Note)
		}
	}
}
