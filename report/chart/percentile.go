package chart

import (
	"math"
	"slices"
	"strconv"

	hdrhistogram "github.com/HdrHistogram/hdrhistogram-go"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"

	"brokerlab/report/plotstyle"
	"brokerlab/report/wording"
	"brokerlab/results"
	"brokerlab/results/quantity"
)

// samplesAbove is how many samples a percentile needs above it, and one near 0
// below it: with fewer, the next run's line is elsewhere.
const samplesAbove = results.SamplesBeyond

// curvePoints is how many percentiles a line has.
const curvePoints = 400

// wordsOf the latencies: a title and an axis label.
var wordsOf = map[string]struct{ title, axis, short string }{
	results.Produce:  {"Produce latency", "Intended instant to acknowledgement", "produce"},
	results.EndToEnd: {"End-to-end latency", "Intended instant to consumer", "end-to-end"},
	results.Service:  {"Service time", "Sent to acknowledgement", "service"},
	results.Fsync:    {"Forced flushes", "A flush of a log", "fsync"},
}

// LatencyByPercentile draws one line for each cell, on the axis of percentiles
// that gives each nine the same room. Latency is results.Produce or EndToEnd. A
// line begins and ends where its samples do.
func LatencyByPercentile(d *Data, latency string) *plotstyle.Figure {
	f := &plotstyle.Figure{
		Title: wordsOf[latency].title + d.by(),
		Subtitle: wording.Join(wording.ConditionsBelow(d.Result), wording.Repeats(d.Result, "", " merged"),
			"lower is better"),
		XLabel: "Percentile", YLabel: wordsOf[latency].axis,
	}
	about := d.latencyNote(latency)
	defer func() { f.Note = d.note(about...) }()
	if len(d.Result.Cells) == 0 {
		f.NoData = d.noCells()
		return f
	}
	curves := make([]plotter.XYs, len(d.Result.Cells))
	var drawn []int
	least, greatest, nines := math.Inf(1), 0.0, 1.0
	for i := range curves {
		points := curve(d.merged[i][latency])
		if points == nil {
			continue
		}
		curves[i], drawn = points, append(drawn, i)
		end := points[len(points)-1]
		least, greatest, nines = min(least, points[0].Y), max(greatest, end.Y), max(nines, end.X)
	}
	if len(drawn) == 0 {
		f.NoData = "no cell has " + strconv.Itoa(2*samplesAbove) + " " + wordsOf[latency].short + " latencies"
		return f
	}
	if few := len(d.Result.Cells) - len(drawn); few > 0 {
		about = append(about, "not drawn, for want of samples: "+quantity.Plural(int64(few), "cell"))
	}
	low, high := plotstyle.LogBounds(least, greatest)
	about = append(about, d.place(f, drawn, func(p *plot.Plot, cells []int, _ bool) {
		p.Add(plotstyle.Uprights{Of: plotstyle.NinesTicks(nines)}, plotstyle.HorizontalGrid())
		for _, i := range cells {
			p.Add(&plotter.Line{XYs: curves[i], LineStyle: d.looks[i].line()}, d.marked(i, curves[i]))
		}
		p.X.Min, p.X.Max = 0, nines
		p.X.Tick.Marker = plotstyle.NinesTicks(nines)
		p.Y.Min, p.Y.Max = low, high
		p.Y.Scale = plot.LogScale{}
		p.Y.Tick.Marker = labelled{plotstyle.Log{Format: plotstyle.Nanoseconds}}
	}))
	return f
}

// marked are the shapes on a cell's line.
func (d *Data) marked(cell int, points plotter.XYs) plotstyle.Marked {
	return plotstyle.Marked{Points: points, Ink: d.looks[cell].colour, Part: d.places[cell],
		Parts: slices.Max(d.places) + 1}
}

// labelled keeps the ticks that have a label, so that only they have a grid line.
type labelled struct{ of plot.Ticker }

// Ticks implements plot.Ticker.
func (t labelled) Ticks(least, greatest float64) (ticks []plot.Tick) {
	for _, tick := range t.of.Ticks(least, greatest) {
		if tick.Label != "" {
			ticks = append(ticks, tick)
		}
	}
	return ticks
}

// curve gives nines against nanoseconds, from the first percentile with enough
// samples below it to the last one with enough above it; nil when there is none.
func curve(h *hdrhistogram.Histogram) plotter.XYs {
	if h == nil || h.TotalCount() < 2*samplesAbove {
		return nil
	}
	share := samplesAbove / float64(h.TotalCount())
	begin, end := plotstyle.Nines(share), plotstyle.Nines(1-share)
	percentiles := make([]float64, curvePoints)
	points := make(plotter.XYs, curvePoints)
	for i := range percentiles {
		points[i].X = begin + (end-begin)*float64(i)/(curvePoints-1)
		percentiles[i] = 100 * plotstyle.Quantile(points[i].X)
	}
	for i, v := range h.ValueAtPercentilesSlice(percentiles) {
		points[i].Y = math.Max(1, float64(v)) // a log axis has no 0
	}
	return points
}
