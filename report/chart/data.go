// Package chart makes the figures of a report out of a result and its
// histograms: latency by percentile, throughput over time, bars per cell. Where
// there is nothing to draw the figure says so; it decides nothing about files.
package chart

import (
	"errors"
	"image/color"
	"io/fs"
	"strconv"
	"strings"

	hdrhistogram "github.com/HdrHistogram/hdrhistogram-go"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"brokerlab/report/plotstyle"
	"brokerlab/report/wording"
	"brokerlab/results"
)

// Data is what figures are made of.
type Data struct {
	Result *results.Result
	names  *wording.Names
	grid   *grid   // nil where cells do not form one
	facets []facet // nil where all cells have room in one plot
	looks  []look
	places []int // of the marks of each cell among those of the same plot
	// intervals of each cell by latency, and those of the measured window merged; none
	// where the cell left none.
	intervals []map[string][]results.Interval
	merged    []map[string]*hdrhistogram.Histogram
	// activity of each cell's nodes over time; none where the cell left none.
	activity [][]results.Activity
}

// look is how a cell is drawn in every figure. Its colour has a shape and a pattern,
// so that it can be told in grey.
type look struct {
	colour color.RGBA
	dashes []vg.Length
}

// lineWidth of a series.
const lineWidth = vg.Length(1.5)

func (l look) line() draw.LineStyle {
	return draw.LineStyle{Color: l.colour, Width: lineWidth, Dashes: l.dashes}
}

// swatch is the legend of a line that is marked.
func (l look) swatch(name string) plotstyle.Swatch {
	return plotstyle.Swatch{Name: name, Line: l.line(), Mark: plotstyle.Shape(l.colour)}
}

// Latencies that may have histograms, as figures have them.
var latencies = []string{results.Produce, results.EndToEnd, results.Service, results.Fsync}

// Load reads the histograms of a run folder and what its nodes were busy with. A
// cell without any is no error: a run may have been interrupted before it. A damaged
// file is one.
func Load(f *results.Folder, r *results.Result) (*Data, error) {
	d := New(r)
	for i := range r.Cells {
		for _, latency := range latencies {
			hs, err := f.Histograms(i, latency)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return nil, err
			}
			d.SetHistograms(i, latency, hs)
		}
		activity, err := f.Activity(i)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		d.SetActivity(i, activity)
	}
	return d, nil
}

// New takes a result alone; SetHistograms and SetActivity add what lies beside it.
func New(r *results.Result) *Data {
	d := &Data{Result: r, names: wording.NamesOf(r), activity: make([][]results.Activity, len(r.Cells))}
	for range r.Cells {
		d.intervals = append(d.intervals, map[string][]results.Interval{})
		d.merged = append(d.merged, map[string]*hdrhistogram.Histogram{})
	}
	d.grid = d.arrange()
	d.facets = d.share()
	d.dress()
	return d
}

// dress gives each cell its look: no two of one plot have the same.
func (d *Data) dress() {
	d.looks, d.places = make([]look, len(d.Result.Cells)), make([]int, len(d.Result.Cells))
	var every []int
	for i := range d.places {
		d.places[i], every = i, append(every, i)
	}
	for _, of := range d.facets {
		for n, cell := range of.cells {
			d.places[cell] = n
		}
	}
	switch {
	case d.grid != nil:
		d.grid.dress(d.looks, d.facets == nil)
	case d.facets != nil:
		for _, of := range d.facets {
			d.dressSome(of.cells)
		}
	default:
		d.dressSome(every)
	}
}

// dressSome gives some cells their colours, and dashes where a colour comes again.
func (d *Data) dressSome(cells []int) {
	used := map[color.RGBA]int{}
	for n, cell := range cells {
		colour, fixed := d.fixedColour(cell)
		if !fixed {
			colour = plotstyle.Series[n%len(plotstyle.Series)]
		}
		d.looks[cell] = look{colour: colour, dashes: plotstyle.Dashes[used[colour]%len(plotstyle.Dashes)]}
		used[colour]++
	}
}

// fixedColour is that of a cell's codec, or else of its flush policy, if these vary.
func (d *Data) fixedColour(cell int) (color.RGBA, bool) {
	if colour, ok := plotstyle.Codec(d.names.Compression(cell)); ok {
		return colour, true
	}
	if d.policyLabel() != "" {
		return policyOf(d.Result.Cells[cell].Config).colour(), true
	}
	return color.RGBA{}, false
}

// SetHistograms gives the intervals of one cell's latency. Figures of the whole run
// leave the warm-up out.
func (d *Data) SetHistograms(cell int, latency string, hs []results.Interval) {
	d.intervals[cell][latency] = hs
	d.merged[cell][latency], _ = results.Measured(hs)
}

// Activity is what the nodes of a cell did over time; none where the cell left none.
func (d *Data) Activity(cell int) []results.Activity { return d.activity[cell] }

// SetActivity gives what one cell's nodes did over time.
func (d *Data) SetActivity(cell int, all []results.Activity) { d.activity[cell] = all }

// cellNames are those of all cells.
func (d *Data) cellNames() []string {
	names := make([]string, len(d.Result.Cells))
	for i := range names {
		names[i] = d.names.Cell(i)
	}
	return names
}

// by says for a title what cells differ in, and whether they were measured or simulated:
// a title is often all that is left of a figure in somebody's document.
func (d *Data) by() string { return d.byAllBut("") }

// byAllBut is by without one label.
func (d *Data) byAllBut(label string) string {
	var names []string
	for _, name := range d.names.Varied {
		if name != label {
			names = append(names, d.names.Short(name))
		}
	}
	words := ""
	switch last := len(names) - 1; {
	case last == 0:
		words = " by " + names[0]
	case last > 0:
		words = " by " + strings.Join(names[:last], ", ") + " and " + names[last]
	}
	if targets := wording.Targets(d.Result); targets != "" {
		words += " (" + targets + ")"
	}
	return words
}

// note is the last line of a figure: what a reader needs to find the run again.
func (d *Data) note(about ...string) string {
	parts := append(about, "scenario "+d.Result.Scenario, "seed "+strconv.FormatUint(d.Result.Seed, 10))
	if !d.Result.Complete {
		reason := d.Result.Incomplete
		if reason == "" {
			reason = "the run did not end by itself"
		}
		parts = append(parts, "incomplete: "+reason)
	}
	return wording.Join(parts...)
}

// latencyNote is what every figure of latencies says of them. Those of one that does not
// begin at the intended instant say from where it runs instead.
func (d *Data) latencyNote(latency string) []string {
	from := "latency from the intended instant"
	switch latency {
	case results.Service:
		from = "time from sending a batch, not from the intended instant"
	case results.Fsync:
		return []string{"HDR histogram, " + strconv.Itoa(results.HistogramDigits) + " digits"}
	}
	return []string{from,
		"HDR histogram, " + strconv.Itoa(results.HistogramDigits) + " digits", wording.Saturation(d.Result)}
}

// noCells is why a result without cells has no figure.
func (d *Data) noCells() string {
	if d.Result.Incomplete != "" {
		return "the run ended before its first cell: " + d.Result.Incomplete
	}
	return "the run has no cells"
}
