package chart

import (
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"

	"brokerlab/report/plotstyle"
	"brokerlab/report/wording"
	"brokerlab/results"
	"brokerlab/results/quantity"
)

// intervalLeast is the shortest interval that is drawn, in seconds: the rate of
// a shorter one is noise.
const intervalLeast = 0.2

// shortest is intervalLeast in words.
const shortest = "200 ms"

// ribbonsMost is how many cells a figure may have to shade the range of their repeats.
const ribbonsMost = 4

// series is the throughput of one cell: the median and the range over repeats.
type series struct {
	at, median, least, greatest []float64
	warmup, end                 float64 // ends of the warm-up and of the last interval, in seconds
	read                        float64 // when the reading of a backlog began while producers went on; 0: it did not
}

// ThroughputOverTime draws acknowledged megabytes (10^6) per second over each
// interval, with the warm-up shaded.
func ThroughputOverTime(d *Data) *plotstyle.Figure {
	f := &plotstyle.Figure{
		Title:  "Throughput over time" + d.by(),
		XLabel: "Time since the load began", YLabel: "Acknowledged, MB/s",
	}
	all := make([]series, len(d.Result.Cells))
	var drawn []int
	var end, greatest, warmup, read float64
	for i, cell := range d.Result.Cells {
		s := throughput(cell)
		all[i] = s
		if len(s.at) == 0 {
			continue
		}
		drawn = append(drawn, i)
		end, read = max(end, s.end), max(read, s.read)
		greatest, warmup = max(greatest, slices.Max(s.greatest)), max(warmup, s.warmup)
	}
	about := []string{"keys and values, windows of 1 s or less; MB is 10^6 bytes"}
	if few := len(all) - len(drawn); few > 0 {
		about = append(about, "not drawn, for want of "+shortest+" of load: "+quantity.Plural(int64(few), "cell"))
	}
	defer func() { f.Note = d.note(about...) }()
	ribbons := wording.Repeats(d.Result, "", "") != "" && len(all) <= ribbonsMost
	spread := ""
	if ribbons {
		spread = ", shaded from least to greatest"
	}
	f.Subtitle = wording.Join(wording.ConditionsBelow(d.Result), wording.Repeats(d.Result, "median of ", spread),
		"higher is better")
	if len(drawn) == 0 {
		f.NoData = "no cell has " + shortest + " of load"
		if len(all) == 0 {
			f.NoData = d.noCells()
		}
		return f
	}
	about = append(about, d.place(f, drawn, func(p *plot.Plot, cells []int, first bool) {
		bands := []plotstyle.Band{{From: 0, To: warmup, Text: "warm-up", Fill: warmupShade}}
		if read > 0 {
			bands = append(bands, plotstyle.Band{From: read, To: end, Text: "reading", Fill: warmupShade})
		}
		p.Add(plotstyle.HorizontalGrid())
		for _, band := range bands {
			if !first {
				band.Text = ""
			}
			p.Add(band)
		}
		for _, i := range cells {
			if s := all[i]; ribbons {
				p.Add(plotstyle.Ribbon{X: s.at, Low: s.least, High: s.greatest, Fill: plotstyle.Faint(d.looks[i].colour, 0.15)})
			}
		}
		for _, i := range cells {
			p.Add(d.plotters(i, all[i].at, all[i].median)...)
		}
		p.X.Min, p.X.Max, p.X.Tick.Marker = 0, end, plotstyle.Clock{}
		p.Y.Min, p.Y.Max = 0, plotstyle.ZeroBased(greatest*1.05)
		if d.facets != nil {
			p.Y.Tick.Marker = plotstyle.Nice{Count: 3, Format: plotstyle.SI}
		}
	}))
	return f
}

// throughput takes the median of each interval over a cell's repeats. An
// interval is a rate over its own length and stands at its middle.
func throughput(cell results.Cell) (s series) {
	type interval struct{ rates, middles []float64 }
	intervals := map[float64]*interval{}
	var starts []float64
	for _, repeat := range cell.Repeats {
		for _, second := range repeat.Seconds {
			if second.Warmup {
				s.warmup = max(s.warmup, second.At+second.Length)
			}
			if second.Length < intervalLeast || second.Phase == results.PhaseRead && second.Acked == 0 {
				continue
			}
			if second.Phase == results.PhaseRead && s.read == 0 {
				s.read = second.At
			}
			i := intervals[second.At]
			if i == nil {
				i = &interval{}
				intervals[second.At] = i
				starts = append(starts, second.At)
			}
			i.rates = append(i.rates, float64(second.Bytes)/second.Length/1e6)
			i.middles = append(i.middles, second.At+second.Length/2)
			s.end = max(s.end, second.At+second.Length)
		}
	}
	slices.Sort(starts)
	for _, at := range starts {
		i := intervals[at]
		s.at = append(s.at, results.Median(i.middles))
		s.median = append(s.median, results.Median(i.rates))
		s.least = append(s.least, slices.Min(i.rates))
		s.greatest = append(s.greatest, slices.Max(i.rates))
	}
	return s
}

// dotted is how many points a line has at most when each is marked: a line of
// few points hides where they are, and one of a single point is invisible.
const dotted = 12

// plotters are a cell's line and its marks: at each point when they are few.
func (d *Data) plotters(cell int, x, y []float64) (all []plot.Plotter) {
	if len(x) == 0 {
		return nil
	}
	points := make(plotter.XYs, len(x))
	for i := range points {
		points[i].X, points[i].Y = x[i], y[i]
	}
	l := d.looks[cell]
	all = append(all, &plotter.Line{XYs: points, LineStyle: l.line()})
	if len(points) <= dotted {
		return append(all, plotstyle.Dots{Points: points, Fill: l.colour, Shape: plotstyle.Shape(l.colour)})
	}
	return append(all, d.marked(cell, points))
}
