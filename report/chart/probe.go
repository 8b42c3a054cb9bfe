package chart

import (
	"math"
	"slices"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"

	"brokerlab/report/plotstyle"
	"brokerlab/report/wording"
	"brokerlab/results"
	"brokerlab/results/quantity"
)

const probePanel = vg.Length(190)

// probeColours of lines, in pairs of one hue.
var probeColours = []int{2, 3, 0, 5, 1, 4, 6}

// Probe draws what a directory did and what the model that was fitted to it does:
// rates by block size, syncs by block size and by files.
func Probe(c *results.DiskComparison) *plotstyle.Figure {
	f := &plotstyle.Figure{Title: "A disk measured, and its model"}
	if len(c.Disks) != 2 {
		f.NoData = "no disk was measured"
		return f
	}
	f.Title = "Measured: " + c.Disks[0].Name
	f.Subtitle = wording.Join("solid with points: measured", "dotted: the model "+c.Disks[1].Name+", simulated",
		"logarithmic axes", "within a file of "+quantity.Bytes(c.SpanBytes))
	f.Note = wording.Join("seed of the model "+strconv.FormatUint(c.Seed, 10), "MB is 10^6 bytes")
	var panels []string
	for _, p := range c.Patterns {
		if p.Panel != "" && !slices.Contains(panels, p.Panel) {
			panels = append(panels, p.Panel)
		}
	}
	for _, name := range panels {
		f.Panels = append(f.Panels, probePanelOf(c, name))
	}
	return f
}

// probeLine is one line of a panel: values by x, measured and modelled.
type probeLine struct {
	name      string
	measured  plotter.XYs
	simulated plotter.XYs
}

func probePanelOf(c *results.DiskComparison, name string) plotstyle.Panel {
	panel := plotstyle.Panel{Title: name, Height: probePanel}
	var lines []probeLine
	var ticks plot.ConstantTicks
	format := plotstyle.SI
	least, greatest := math.Inf(1), 0.0
	for i, p := range c.Patterns {
		if p.Panel != name {
			continue
		}
		x, label, metric := float64(p.BlockBytes), quantity.Bytes(p.BlockBytes), p.Metric
		if p.ByFiles {
			x, label = float64(max(1, p.Files)), strconv.Itoa(max(1, p.Files))
		}
		switch {
		case metric == results.MetricSyncP50:
			format = plotstyle.Nanoseconds
		case !p.ByFiles:
			metric = results.MetricMBPerS // blocks of different sizes compare by bytes
		}
		at := slices.IndexFunc(lines, func(l probeLine) bool { return l.name == p.Line })
		if at < 0 {
			at = len(lines)
			lines = append(lines, probeLine{name: p.Line})
		}
		for k, to := range []*plotter.XYs{&lines[at].measured, &lines[at].simulated} {
			if v := c.Disks[k].Figures[i].Value(metric); v > 0 {
				*to = append(*to, plotter.XY{X: x, Y: v})
				least, greatest = min(least, v), max(greatest, v)
			}
		}
		if !slices.ContainsFunc(ticks, func(t plot.Tick) bool { return t.Value == x }) {
			ticks = append(ticks, plot.Tick{Value: x, Label: label})
		}
	}
	if greatest == 0 {
		panel.NoData = "nothing was measured"
		return panel
	}
	panel.Plot = probePlot(lines, ticks)
	for n, l := range lines {
		panel.Legend = append(panel.Legend,
			plotstyle.Swatch{Name: l.name, Mark: plotstyle.Marks.Full, Fill: probeLook(n).colour})
	}
	panel.Plot.Y.Min, panel.Plot.Y.Max = probeBounds(least, greatest)
	panel.Plot.Y.Scale = plot.LogScale{}
	panel.Plot.Y.Tick.Marker = labelled{plotstyle.Log{Format: format}}
	return panel
}

// probeBounds are those of a log axis. Rates may be below 1, times are not.
func probeBounds(least, greatest float64) (low, high float64) {
	scale := 1.0
	for least*scale < 10 {
		scale *= 10
	}
	low, high = plotstyle.LogBounds(least*scale*0.95, greatest*scale*1.05)
	return low / scale, high / scale
}

func probeLook(n int) look {
	return look{colour: plotstyle.Series[probeColours[n%len(probeColours)]]}
}

// probePlot has a line for each series, its points and, dotted, the model's line. A
// model's line of one point is a ring, as a measured one is a point.
func probePlot(lines []probeLine, ticks plot.ConstantTicks) *plot.Plot {
	p := plotstyle.NewPlot()
	p.Add(plotstyle.BothGrids())
	for n, l := range lines {
		solid, dotted := probeLook(n), probeLook(n)
		dotted.dashes = plotstyle.Dashes[2]
		if len(l.simulated) == 1 {
			p.Add(plotstyle.Rings{Points: l.simulated, Ink: dotted.colour})
		} else if len(l.simulated) > 1 {
			p.Add(&plotter.Line{XYs: l.simulated, LineStyle: dotted.line()})
		}
		if len(l.measured) > 0 {
			p.Add(&plotter.Line{XYs: l.measured, LineStyle: solid.line()},
				plotstyle.Dots{Points: l.measured, Fill: solid.colour})
		}
	}
	first, last := ticks[0].Value, ticks[0].Value
	for _, t := range ticks {
		first, last = min(first, t.Value), max(last, t.Value)
	}
	p.X.Min, p.X.Max = first/1.25, last*1.25
	p.X.Scale = plot.LogScale{}
	p.X.Tick.Marker = ticks
	return p
}
