package chart

import (
	"bytes"
	"fmt"
	"image"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"brokerlab/report/plotstyle"
	"brokerlab/report/reporttest"
	"brokerlab/results"
)

// dataOf makes a synthetic run and everything that figures need of it.
func dataOf(run reporttest.Run) *Data {
	r, hs := reporttest.Make(run)
	d := New(r)
	for cell, byLatency := range hs {
		for latency, of := range byLatency {
			d.SetHistograms(cell, latency, of)
		}
	}
	for cell, all := range reporttest.Activities(run) {
		d.SetActivity(cell, all)
	}
	return d
}

// perInch is the density at which tests look at figures: half of what is written.
const perInch = 96

// Goal: every shape of result gives readable figures: whole, in bounds, not
// blank; never a panic.
// Method: render all figures of all synthetic runs at half of their density, look for
// ink inside of the margin and for none on it.
func TestAllChartsOfAllRuns(t *testing.T) {
	for _, run := range reporttest.Runs(100) {
		t.Run(run.Scenario, func(t *testing.T) {
			t.Parallel()
			for _, f := range All(dataOf(run)) {
				img := f.Figure.Image(perInch)
				if b := img.Bounds(); b.Dx() != 768 || b.Dy() < 200 || b.Dy() > 3000 {
					t.Errorf("%s: is %v, want 768 wide and 200 to 3000 high", f.Name, b)
				}
				inside, margin := ink(img)
				if inside < 500 || margin != 0 {
					t.Errorf("%s: %d pixels of ink, of which %d on the margin, want at least 500 and none",
						f.Name, inside, margin)
				}
			}
		})
	}
}

// Goal: the same result gives the same bytes.
// Method: make and render one figure of lines and one of bars twice.
func TestChartsAreDeterministic(t *testing.T) {
	for _, figure := range []func(*Data) *plotstyle.Figure{ThroughputOverTime, LatencyP99} {
		once, twice := figure(dataOf(reporttest.Quickstart(50))), figure(dataOf(reporttest.Quickstart(50)))
		if !bytes.Equal(render(t, once), render(t, twice)) {
			t.Errorf("%s: two renders differ", once.Title)
		}
	}
}

func render(t *testing.T, f *plotstyle.Figure) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := f.WritePNG(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// ink counts pixels that are not white, and those of them near an edge, where
// text would be cut off.
func ink(rgba *image.RGBA) (all, margin int) {
	const edge = 6
	white := []byte{255, 255, 255, 255}
	b := rgba.Bounds()
	for y := range b.Dy() {
		row := rgba.Pix[y*rgba.Stride : y*rgba.Stride+4*b.Dx()]
		for x := range b.Dx() {
			if bytes.Equal(row[4*x:4*x+4], white) {
				continue
			}
			all++
			if x < edge || y < edge || x >= b.Dx()-edge || y >= b.Dy()-edge {
				margin++
			}
		}
	}
	return all, margin
}

// Goal: texts of figures say what was measured, simulated, saturated or lacking.
// Method: a table of runs and figures with words that must and must not occur.
func TestFigureTexts(t *testing.T) {
	runs := map[string]*Data{}
	for _, run := range reporttest.Runs(300) {
		runs[run.Scenario] = dataOf(run)
	}
	produce := func(d *Data) *plotstyle.Figure { return LatencyByPercentile(d, results.Produce) }
	for _, c := range []struct {
		why, run string
		figure   func(*Data) *plotstyle.Figure
		has      []string
		lacks    string
	}{
		{"a cell at full speed beside one that is not", "quickstart", produce,
			[]string{"Produce latency by rate", "measured", "at saturation (a lower rate has another latency): rate=max",
				"seed 42",
				"from the intended instant", "HDR histogram, 3 digits", "rate=20000/s"}, "simulated"},
		{"all cells at full speed", "codecs", produce,
			[]string{"at saturation: a lower rate has another latency", "3 runs merged", "no compression", "zstd"}, "simulated"},
		{"real and simulated cells", "flush-policies", produce,
			[]string{"measured and simulated", "sim (simulated)", "5,000 records/s offered"}, "saturation"},
		{"simulated cells only", "batch-size", Throughput,
			[]string{"full speed \u00b7 median", "compression.type (simulated)",
				"median of 5 runs, whiskers are intervals of 93 %"}, "measured"},
		{"a lone simulated cell", "one-cell", ThroughputOverTime,
			[]string{"Throughput over time (simulated)", "offered \u00b7 higher"}, "\u00b7 simulated"},
		{"cells with too few latencies", "few", produce, []string{"not drawn, for want of samples: 1 cell"}, "acks=all"},
		{"a cell that left nothing", "interrupted", LatencyP99,
			[]string{"incomplete run", "incomplete: interrupted by a signal"}, "runs"},
		{"no cell", "empty", Throughput, []string{"the run ended before its first cell: interrupted"}, "measured"},
		{"no latency", "stalled", LatencyP99, []string{"no cell has any latency"}, "simulated"},
		{"no latency by percentile", "stalled", produce, []string{"no cell has 20 produce latencies"}, "simulated"},
		{"latencies far apart", "flush-policies", LatencyP99, []string{"logarithmic axis"}, "saturation"},
		{"two settings", "batch-size", Fields,
			[]string{"Throughput and latency by batch.size and compression.type (simulated)", "Produce latency, p99: darker"},
			"measured"},
		{"one setting", "codecs", Fields, []string{"neither two nor three settings vary"}, "darker"},
		{"codecs", "codecs", Ratio, []string{"ratio against throughput", "zstd", "beaten by none"}, "simulated"},
		{"no codecs", "quickstart", Ratio, []string{"no cell has a compression ratio"}, "beaten"},
		{"seconds with the samples for p90", "codecs", LatencyOverTime,
			[]string{"Produce latency, p50", "End-to-end latency, p90", "3 runs merged"}, "p99"},
		{"no second with enough samples", "few", LatencyOverTime, []string{"no cell has 20 latencies in a second"}, "p50"},
		{"more cells than a map has panels", "batch-size",
			func(d *Data) *plotstyle.Figure { return LatencyMap(d, results.EndToEnd) },
			[]string{"End-to-end latency of all records over time", "the first 8 of 20 cells", "records and more"}, "measured"},
		{"dirty bytes", "resources", Unwritten,
			[]string{"Data not on disk", "page cache", "the first of 2 runs"}, "latency"},
		{"no stages", "odd", Stages, []string{"no cell tells where its time went"}, "accumulator"},
		{"stages", "quickstart", Stages, []string{"Produce latency, mean", "accumulator (linger, lateness)", "replicate",
			"slowest records", "End-to-end latency, mean"}, "not known"},
		{"parts of the processors' work", "quickstart", CPUParts,
			[]string{"What processors worked on", "Brokers or clients, not told apart, cores", "checksum"}, "latency"},
		{"latencies of simulated cells only", "batch-size", LatencyP99, []string{"compression.type (simulated)"}, "measured"},
		{"cells that tell what was busy", "resources", Utilisation,
			[]string{"Utilisation of each resource by disk", "measured and simulated", "brokers' processors", "network"},
			"latency"},
		{"a hard disk whose writers were held back", "resources",
			func(d *Data) *plotstyle.Figure { return Activity(d, 0) },
			[]string{"hdd-7200 (simulated)", "broker-1, repeat 1 of 2", "samples of 100 ms", "Head of the hard disk",
				"where the files are",
				"writers held back", "write-back begins", "Flushes per second"}, "measured"},
		{"a real machine", "resources", func(d *Data) *plotstyle.Figure { return Activity(d, 2) },
			[]string{"dir:results/data (measured)", "machine", "Dirty bytes"}, "Head"},
		{"thresholds that are far away", "resources", func(d *Data) *plotstyle.Figure { return Activity(d, 1) },
			[]string{"above the axis: write-back begins 200 MiB", "network, out", "disk-2"}, "held back"},
		{"a cell that does not tell", "resources", func(d *Data) *plotstyle.Figure { return Activity(d, 5) },
			[]string{"left no samples"}, "Flushes"},
		{"a run that does not tell", "quickstart", Utilisation, []string{"no cell tells"}, "busy, %"},
		{"latencies close together", "codecs", LatencyP99, []string{"lower is better"}, "logarithmic"},
	} {
		f := c.figure(runs[c.run])
		words := strings.Join([]string{f.Title, f.Subtitle, f.Note, f.NoData}, "\n")
		for _, p := range f.Panels {
			words += "\n" + p.Title
			for _, e := range p.Legend {
				words += "\n" + e.Name
			}
		}
		for _, block := range f.Legend {
			for _, e := range block {
				words += "\n" + e.Name
			}
		}
		for _, want := range c.has {
			if !strings.Contains(words, want) {
				t.Errorf("%s: lacks %q:\n%s", c.why, want, words)
			}
		}
		if strings.Contains(words, c.lacks) {
			t.Errorf("%s: has %q:\n%s", c.why, c.lacks, words)
		}
	}
}

// Goal: the bounding resource of each cell is marked at its bar, and figures of
// resources are there only where a run tells. Method: the bars of the synthetic
// shapes, and the names of all figures.
func TestUtilisation(t *testing.T) {
	d := dataOf(reporttest.Resources(0))
	for _, c := range []struct {
		cell     int
		resource int
		label    string
	}{
		{0, 1, "100 %, the limit (page cache)"}, {0, 0, "21 %"}, {1, 2, "93 %, the limit"},
		{1, 1, "40 %"}, {3, 0, "<0.1 %"}, {4, 1, "0 %"},
	} {
		if got := resources[c.resource].bar(&d.Result.Cells[c.cell]); got.Label != c.label {
			t.Errorf("cell %d, %s: label %q, want %q", c.cell, resources[c.resource].name, got.Label, c.label)
		}
	}
	if b := resources[2].bar(&d.Result.Cells[0]); !b.Absent {
		t.Errorf("a link of which nothing is told is drawn: %+v", b)
	}
	var names []string
	for _, f := range All(d)[4:] {
		names = append(names, f.Name)
	}
	want := "data-not-on-disk.png utilisation.png " +
		"cell-01-activity.png cell-02-activity.png cell-03-activity.png cell-04-activity.png cell-05-activity.png"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("figures of resources: %s", got)
	}
	if n := len(All(dataOf(reporttest.Quickstart(0)))); n != 4 {
		t.Errorf("a run that does not tell has %d figures", n)
	}
}

// Goal: a codec has one colour in every figure, and no two lines of one plot look the
// same, nor are they more than can be followed.
// Method: compare looks over all synthetic runs, facet by facet.
func TestLooksAreDistinct(t *testing.T) {
	for _, run := range reporttest.Runs(0) {
		d := dataOf(run)
		facets := map[int]int{}
		for n, of := range d.facets {
			for _, cell := range of.cells {
				facets[cell] = n
			}
			if len(of.cells) > linesMost {
				t.Errorf("%s: %d lines in one plot", run.Scenario, len(of.cells))
			}
		}
		if d.facets == nil && len(d.looks) > linesMost || d.facets != nil && len(facets) != len(d.looks) {
			t.Errorf("%s: %d of %d cells are in %d facets", run.Scenario, len(facets), len(d.looks), len(d.facets))
		}
		seen := map[string]int{}
		for i, l := range d.looks {
			key := fmt.Sprint(facets[i], l.colour, dashKey(l))
			if other, ok := seen[key]; ok {
				t.Errorf("%s: cells %d and %d look the same", run.Scenario, other, i)
			}
			seen[key] = i
			if codec := d.names.Compression(i); codec != "" {
				if want, _ := plotstyle.Codec(codec); l.colour != want {
					t.Errorf("%s: cell %d of %s has colour %v, want %v", run.Scenario, i, codec, l.colour, want)
				}
			}
		}
	}
}

func dashKey(l look) string {
	var b strings.Builder
	for _, dash := range l.dashes {
		fmt.Fprint(&b, dash, " ")
	}
	return b.String()
}

// Goal: a line by percentile begins and ends where ten samples are left beyond it.
// Method: histograms of known counts.
func TestCurveEndsWithItsSamples(t *testing.T) {
	for _, c := range []struct {
		why     string
		count   int64
		end     float64 // nines
		nothing bool
	}{
		{"no sample", 0, 0, true},
		{"too few for the median", 19, 0, true},
		{"just enough for the median", 20, 0.30103, false},
		{"a hundred: p90", 100, 1, false},
		{"ten thousand: p99.9", 10000, 3, false},
	} {
		h := results.NewHistogram()
		if c.count > 0 {
			if err := h.RecordValues(1000, c.count); err != nil {
				t.Fatal(err)
			}
		}
		points := curve(h)
		if (points == nil) != c.nothing {
			t.Errorf("%s: drawn is %v, want %v", c.why, points != nil, !c.nothing)
			continue
		}
		if points != nil && math.Abs(plotstyle.Quantile(points[0].X)-10/float64(c.count)) > 1e-9 {
			t.Errorf("%s: begins at %v nines", c.why, points[0].X)
		}
		if points != nil && (points[len(points)-1].X < c.end-1e-4 || points[len(points)-1].X > c.end+1e-4) {
			t.Errorf("%s: ends at %v nines, want %v", c.why, points[len(points)-1].X, c.end)
		}
	}
	zero := results.NewHistogram()
	if err := zero.RecordValues(0, 100); err != nil {
		t.Fatal(err)
	}
	if points := curve(zero); points[0].Y != 1 {
		t.Errorf("a latency of 0 is drawn at %v, want 1 ns: a log axis has no 0", points[0].Y)
	}
}

// Goal: throughput over time is the median of each interval: a rate over the
// interval's own length, at its middle; only what is shorter than 0.2 s is left out.
// Method: three repeats of known bytes, cut where the warm-up ends.
func TestThroughputOverRepeats(t *testing.T) {
	repeat := func(last float64, bytes ...int64) (r results.Repeat) {
		for n, b := range bytes {
			r.Seconds = append(r.Seconds, results.Second{At: []float64{0, 0.5, 1, 2}[n],
				Length: []float64{0.5, 0.5, 1, last}[n], Bytes: b, Warmup: n == 0})
		}
		return r
	}
	cell := results.Cell{Repeats: []results.Repeat{repeat(0.4, 1e6, 2e6, 4e6, 2e6), repeat(0.2, 3e6, 1e6, 5e6, 1e6),
		repeat(0.1, 2e6, 3e6, 6e6, 9e6)}}
	s := throughput(cell)
	for _, c := range []struct {
		why       string
		got, want []float64
	}{
		{"middles", s.at, []float64{0.25, 0.75, 1.5, 2.15}},
		{"medians", s.median, []float64{4, 4, 5, 5}},
		{"least", s.least, []float64{2, 2, 4, 5}},
		{"greatest", s.greatest, []float64{6, 6, 6, 5}},
		{"ends of the warm-up and of the load", []float64{s.warmup, s.end}, []float64{0.5, 2.4}},
	} {
		if diff := cmp.Diff(c.want, c.got, cmpopts.EquateApprox(0, 1e-9)); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", c.why, diff)
		}
	}
}

// Goal: several settings become groups and colours that a reader can tell apart.
// Method: the grids of synthetic runs, by their names.
func TestGrid(t *testing.T) {
	for _, c := range []struct {
		why           string
		run           reporttest.Run
		groups, kinds string // empty: no grid
	}{
		{"one setting needs none", reporttest.Codecs(0), "", ""},
		{"the codec has the colours", reporttest.Grid(0),
			"batch.size=4 KiB|batch.size=16 KiB|batch.size=64 KiB|batch.size=256 KiB",
			"no compression|gzip|snappy|lz4|zstd"},
		{"fewer values make groups, and what was measured is said where it differs", reporttest.Flush(0),
			"dir:results/data (measured)|sim (simulated)",
			"flush.messages=never|flush.messages=10000|flush.messages=100|flush.messages=1"},
		{"the last of three settings makes groups", reporttest.Modes(0),
			"sim (simulated)|dir:.../and/a/folder/below (measured)",
			"async, full speed|async, steady|sync, full speed|sync, steady"},
		{"too many for colours: one setting has them", reporttest.Many(0),
			"linger.ms=0s, async|linger.ms=0s, sync|linger.ms=5ms, async|linger.ms=5ms, sync",
			"acks=0|acks=1|acks=all|acks=all, min.insync.replicas 2"},
	} {
		var groups, kinds string
		if g := dataOf(c.run).grid; g != nil {
			groups, kinds = strings.Join(g.groups, "|"), strings.Join(g.kinds, "|")
		}
		if groups != c.groups || kinds != c.kinds {
			t.Errorf("%s: got groups %q and colours %q", c.why, groups, kinds)
		}
	}
}

// Goal: figures can be made from a folder, and a damaged histogram is an error.
// Method: load a written folder, cut one .hlog.
func TestLoad(t *testing.T) {
	f := reporttest.Folder(t, t.TempDir(), reporttest.Quickstart(50))
	_, r, err := results.Open(f.Path)
	if err != nil {
		t.Fatal(err)
	}
	d, err := Load(f, r)
	if err != nil {
		t.Fatal(err)
	}
	for i, cell := range r.Cells {
		for _, latency := range []string{results.Produce, results.EndToEnd} {
			if got, want := d.merged[i][latency].TotalCount(), cell.Latency[latency].Count; got != want || want == 0 {
				t.Errorf("cell %d has %d %s latencies, want %d", i, got, latency, want)
			}
		}
	}
	if err := f.WriteFile(results.HistogramFile(1, results.Produce, "hlog"), []byte("Tag=r1,")); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(f, r); err == nil || !strings.Contains(err.Error(), "cell-02-produce.hlog") {
		t.Errorf("a damaged histogram: error is %v, want one that names the file", err)
	}
	if err := os.Remove(filepath.Join(f.Path, results.HistogramFile(1, results.Produce, "hlog"))); err != nil {
		t.Fatal(err)
	}
	if d, err := Load(f, r); err != nil || d.merged[1][results.Produce] != nil {
		t.Errorf("a missing histogram: error is %v", err)
	}
}

func BenchmarkLatencyByPercentile(b *testing.B) {
	d := dataOf(reporttest.Codecs(300))
	b.ReportAllocs()
	for range b.N {
		var png bytes.Buffer
		if err := LatencyByPercentile(d, results.Produce).WritePNG(&png); err != nil {
			b.Fatal(err)
		}
	}
}
