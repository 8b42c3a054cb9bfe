package chart

import (
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"

	"brokerlab/report/plotstyle"
	"brokerlab/report/wording"
	"brokerlab/results"
)

// secondLeast is the shortest last second that is drawn: the rate of a shorter
// one is noise.
const secondLeast = 0.5

// ribbonsMost is how many cells a figure may have to shade the range of their repeats.
const ribbonsMost = 4

// series is the throughput of one cell: the median and the range over repeats.
type series struct {
	at, median, least, greatest []float64
	warmup                      float64 // its end, in seconds
}

// ThroughputOverTime draws acknowledged megabytes (10^6) for each second, with
// the warm-up shaded.
func ThroughputOverTime(d *Data) *plotstyle.Figure {
	f := &plotstyle.Figure{
		Title:  "Throughput over time" + d.by(),
		XLabel: "Time since the load began", YLabel: "Acknowledged, MB/s",
		Note: d.note("keys and values, 1 s windows; MB is 10^6 bytes"),
	}
	all := make([]series, len(d.Result.Cells))
	var drawn []int
	var end, greatest, warmup float64
	for i, cell := range d.Result.Cells {
		s := throughput(cell)
		all[i] = s
		if len(s.at) == 0 {
			continue
		}
		drawn = append(drawn, i)
		end = max(end, s.at[len(s.at)-1]+0.5)
		greatest, warmup = max(greatest, slices.Max(s.greatest)), max(warmup, s.warmup)
	}
	ribbons := wording.Repeats(d.Result, "", "") != "" && len(all) <= ribbonsMost
	spread := ""
	if ribbons {
		spread = ", shaded from least to greatest"
	}
	f.Subtitle = wording.Join(wording.Conditions(d.Result), wording.Repeats(d.Result, "median of ", spread),
		"higher is better")
	if len(drawn) == 0 {
		f.NoData = "no cell has a full second of load"
		if len(all) == 0 {
			f.NoData = d.noCells()
		}
		return f
	}
	p := plotstyle.NewPlot()
	p.Add(plotstyle.HorizontalGrid())
	p.Add(plotstyle.Band{From: 0, To: warmup, Text: "warm-up", Fill: plotstyle.Faint(plotstyle.InkAxis, 0.16)})
	for i, s := range all {
		if ribbons {
			p.Add(plotstyle.Ribbon{X: s.at, Low: s.least, High: s.greatest, Fill: plotstyle.Faint(d.looks[i].colour, 0.15)})
		}
	}
	f.Legend = d.lines(drawn)
	for i, s := range all {
		p.Add(s.plotters(d.looks[i])...)
	}
	p.X.Min, p.X.Max, p.X.Tick.Marker = 0, end, plotstyle.Clock{}
	p.Y.Min, p.Y.Max = 0, plotstyle.ZeroBased(greatest*1.05)
	f.Plot = p
	return f
}

// throughput takes the median of each second over a cell's repeats. A second
// stands at its middle.
func throughput(cell results.Cell) (s series) {
	rates := map[int][]float64{}
	var seconds []int
	for _, repeat := range cell.Repeats {
		for _, second := range repeat.Seconds {
			if second.Warmup {
				s.warmup = max(s.warmup, float64(second.At)+second.Length)
			}
			if second.Length < secondLeast {
				continue
			}
			if rates[second.At] == nil {
				seconds = append(seconds, second.At)
			}
			rates[second.At] = append(rates[second.At], float64(second.Bytes)/second.Length/1e6)
		}
	}
	slices.Sort(seconds)
	for _, at := range seconds {
		s.at = append(s.at, float64(at)+0.5)
		s.median = append(s.median, results.Median(rates[at]))
		s.least = append(s.least, slices.Min(rates[at]))
		s.greatest = append(s.greatest, slices.Max(rates[at]))
	}
	return s
}

// dotted is how many points a line has at most when each is marked: a line of
// few points hides where they are, and one of a single point is invisible.
const dotted = 12

// plotters are the line and, when they are few, its points.
func (s series) plotters(l look) (all []plot.Plotter) {
	if len(s.at) == 0 {
		return nil
	}
	points := make(plotter.XYs, len(s.at))
	for i := range points {
		points[i].X, points[i].Y = s.at[i], s.median[i]
	}
	all = append(all, &plotter.Line{XYs: points, LineStyle: l.line()})
	if len(points) <= dotted {
		all = append(all, plotstyle.Dots{Points: points, Fill: l.colour})
	}
	return all
}
