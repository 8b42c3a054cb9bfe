package chart

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"time"

	hdrhistogram "github.com/HdrHistogram/hdrhistogram-go"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"

	"brokerlab/report/plotstyle"
	"brokerlab/report/wording"
	"brokerlab/results"
)

// timePanel is the height of one panel of latency over time, in points.
const timePanel = vg.Length(112)

// slice is one interval of a latency, the repeats of its cell merged.
type slice struct {
	start, length time.Duration
	warmup        bool
	hist          *hdrhistogram.PackedHistogram
	shared        bool // hist is an interval's, not to be changed
}

// at is the middle of the interval in seconds.
func (s slice) at() float64 { return (s.start + s.length/2).Seconds() }

// end of the interval in seconds.
func (s slice) end() float64 { return (s.start + s.length).Seconds() }

// slices merges a cell's intervals of one latency over its repeats, where they begin
// at the same time, and gives them in order.
func (d *Data) slices(cell int, latency string) (all []slice) {
	at := map[time.Duration]int{}
	for _, i := range d.intervals[cell][latency] {
		n, ok := at[i.Start]
		if !ok {
			at[i.Start] = len(all)
			all = append(all, slice{start: i.Start, length: i.Length, warmup: i.Warmup, hist: i.Hist, shared: true})
			continue
		}
		all[n].add(i.Hist)
		all[n].length = max(all[n].length, i.Length)
	}
	slices.SortStableFunc(all, func(a, b slice) int { return cmp.Compare(a.start, b.start) })
	return all
}

// add merges a histogram into the slice's.
func (s *slice) add(from *hdrhistogram.PackedHistogram) {
	if s.shared {
		s.hist, s.shared = s.hist.Clone(), false
	}
	from.ForEachBucket(func(value, count int64) bool {
		if err := s.hist.RecordValues(value, count); err != nil {
			panic("chart: intervals have one range, yet a value was refused: " + err.Error())
		}
		return true
	})
}

// percentileOverTime is one percentile of one latency, by cell.
type percentileOverTime struct {
	latency string
	percent float64
	x, y    [][]float64
	points  int
}

// overTime takes the percentile of each interval that has enough samples for it.
func (d *Data) overTime(latency string, percent float64, all [][]slice) (p percentileOverTime) {
	p = percentileOverTime{latency: latency, percent: percent}
	least := samplesFor(percent)
	for _, of := range all {
		var x, y []float64
		for _, s := range of {
			if s.hist.TotalCount() < least || s.length.Seconds() < intervalLeast {
				continue
			}
			x = append(x, s.at())
			y = append(y, math.Max(1, float64(s.hist.ValueAtPercentile(percent))))
		}
		p.x, p.y = append(p.x, x), append(p.y, y)
		p.points += len(x)
	}
	return p
}

// highOverTime is p99, or p90 where no interval has the samples for more.
func (d *Data) highOverTime(latency string, all [][]slice) percentileOverTime {
	if p := d.overTime(latency, 99, all); p.points > 0 {
		return p
	}
	return d.overTime(latency, 90, all)
}

// samplesFor is how many samples a percentile needs.
func samplesFor(percent float64) int64 {
	return int64(math.Ceil(samplesAbove / (1 - max(percent, 50)/100) * (1 - 1e-9)))
}

// LatencyOverTime draws the median and a high percentile of produce and end-to-end
// latency over each second, the repeats merged; of many cells the high one alone. It is
// p99, or p90 where no second has the samples for more.
func LatencyOverTime(d *Data) *plotstyle.Figure {
	f := &plotstyle.Figure{
		Title:  "Latency over time" + d.by(),
		XLabel: "Time since the load began",
		Subtitle: wording.Join(wording.ConditionsBelow(d.Result), wording.Repeats(d.Result, "", " merged"),
			"logarithmic axes of latency", "lower is better"),
	}
	var lines []percentileOverTime
	warmup, end := 0.0, 0.0
	for _, latency := range []string{results.Produce, results.EndToEnd} {
		all := make([][]slice, len(d.Result.Cells))
		for i := range all {
			all[i] = d.slices(i, latency)
			for _, s := range all[i] {
				if end = max(end, s.end()); s.warmup {
					warmup = max(warmup, s.end())
				}
			}
		}
		wanted := []percentileOverTime{d.overTime(latency, 50, all), d.highOverTime(latency, all)}
		if d.facets != nil {
			wanted = wanted[1:]
		}
		for _, p := range wanted {
			if p.points > 0 {
				lines = append(lines, p)
			}
		}
	}
	about := append([]string{"intervals of 1 s or less; a percentile is drawn where 10 samples are above it"},
		d.latencyNote(results.Produce)...)
	defer func() { f.Note = d.note(about...) }()
	if len(lines) == 0 {
		f.NoData = "no cell has " + strconv.Itoa(2*samplesAbove) + " latencies in a second"
		return f
	}
	f.Legend = d.lines(lines[0].cells())
	band := plotstyle.Band{To: warmup, Text: "warm-up", Fill: warmupShade}
	for _, p := range lines {
		panels, leftOut := d.percentilePanels(p, band, len(lines))
		band.Text = "" // the first panel names it
		if f.Panels = append(f.Panels, panels...); !slices.Contains(about, leftOut) {
			about = append(about, leftOut)
		}
	}
	for i := range f.Panels {
		f.Panels[i].Plot.X.Min, f.Panels[i].Plot.X.Max = 0, end
		lastHasLabels(&f.Panels[i], i == len(f.Panels)-1)
	}
	return f
}

// lastHasLabels dresses the axis of time of one of several panels.
func lastHasLabels(p *plotstyle.Panel, last bool) {
	p.Plot.X.Tick.Marker = plotstyle.Clock{}
	if last {
		p.Height += lastAxis
		return
	}
	p.Plot.X.Tick.Marker = unlabelled{plotstyle.Clock{}}
}

// cells are those that have a line.
func (p percentileOverTime) cells() (cells []int) {
	for i := range p.x {
		if len(p.x[i]) > 0 {
			cells = append(cells, i)
		}
	}
	return cells
}

// percentilePanels are one of all cells, or one of each facet, on the same axis.
// The first has the name of the band.
// Quantities is how many such lines the figure has of each cell.
func (d *Data) percentilePanels(p percentileOverTime, band plotstyle.Band, quantities int) (
	panels []plotstyle.Panel, leftOut string) {
	title := wordsOf[p.latency].title + ", p" + strconv.FormatFloat(p.percent, 'g', -1, 64)
	least, greatest := math.Inf(1), 0.0
	for i := range p.y {
		for _, v := range p.y[i] {
			least, greatest = min(least, v), max(greatest, v)
		}
	}
	low, high := plotstyle.LogBounds(least*0.95, greatest*1.05)
	facets, leftOut := d.shown(func(cell int) bool { return len(p.x[cell]) > 0 }, quantities)
	if d.facets == nil {
		facets = []facet{{cells: p.cells()}}
	}
	for _, of := range facets {
		panel := plotstyle.Panel{Title: title, Height: timePanel, Plot: plotstyle.NewPlot()}
		if d.facets != nil {
			panel = d.panel(of, title+": ")
		}
		panel.Plot.Add(plotstyle.HorizontalGrid(), band)
		band.Text = ""
		for _, i := range of.cells {
			panel.Plot.Add(d.plotters(i, p.x[i], p.y[i])...)
		}
		panel.Plot.Y.Min, panel.Plot.Y.Max = low, high
		panel.Plot.Y.Scale = plot.LogScale{}
		panel.Plot.Y.Tick.Marker = labelled{plotstyle.Log{Format: plotstyle.Nanoseconds}}
		panels = append(panels, panel)
	}
	return panels, leftOut
}
