package chart

import (
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"

	"brokerlab/report/plotstyle"
)

// bars is a figure of bars before its direction is chosen.
type bars struct {
	groups [][]plotstyle.Bar
	names  []string // of groups
	axis   string   // of values
	format func(float64) string
	// least is what an axis from 0 shows at least.
	least float64
	// logarithmic bars begin at the bottom of their axis and say so.
	logarithmic bool
}

// Sizes of figures of bars, in points.
const (
	plotWidth   = plotstyle.Width - vg.Length(90) // without margins and the value axis
	nameWidest  = vg.Length(210)                  // of a name beside a row
	rowHeight   = vg.Length(15)
	rowGap      = vg.Length(9)
	axisHeight  = vg.Length(46)
	columnShare = 0.8 // of a group's room that its columns take
)

// draw chooses upright bars where all names and labels fit, else lying ones.
func (b bars) draw(f *plotstyle.Figure) {
	if b.fitColumns() {
		b.columns(f)
	} else {
		b.rows(f)
	}
}

func (b bars) fitColumns() bool {
	room := plotWidth / vg.Length(len(b.groups))
	for n, group := range b.groups {
		if plotstyle.TickWidth(b.names[n]) > room-8 {
			return false
		}
		for _, bar := range group {
			if !plotstyle.ColumnFits(bar.Label, room*columnShare/vg.Length(len(group))) {
				return false
			}
		}
	}
	return true
}

// span is the value axis: its base, and an end that shows all bars with share
// of its length left for labels.
func (b bars) span(share float64) (base, end float64) {
	greatest := plotstyle.BarsEnd(b.groups)
	if !b.logarithmic {
		return 0, plotstyle.ZeroBased(max(greatest, b.least) / (1 - share))
	}
	least := greatest
	for _, group := range b.groups {
		for _, bar := range group {
			if bar.Value > 0 {
				least = min(least, bar.Value)
			}
			if bar.Low > 0 {
				least = min(least, bar.Low)
			}
		}
	}
	low, _ := plotstyle.LogBounds(least/2, greatest)
	if 0 < least && least/2 < low { // below 1, as rates of MB/s may be
		low = math.Pow(10, math.Floor(math.Log10(least/2)))
	}
	return low, low * math.Pow(greatest/low, 1/(1-share))
}

// based gives bars without a value that of the base, as a log axis asks.
func (b bars) based(base float64) [][]plotstyle.Bar {
	groups := slices.Clone(b.groups)
	for g := range groups {
		groups[g] = slices.Clone(groups[g])
		for i := range groups[g] {
			bar := &groups[g][i]
			bar.Value, bar.Low, bar.High = max(bar.Value, base), max(bar.Low, base), max(bar.High, base)
		}
	}
	return groups
}

// value dresses the axis of values.
func (b bars) value(a *plot.Axis, base, end float64) {
	a.Min, a.Max = base, end
	a.Tick.Marker = plotstyle.Nice{Count: 5, Format: b.format}
	if b.logarithmic {
		a.Scale = plot.LogScale{}
		a.Tick.Marker = labelled{plotstyle.Log{Format: b.format}}
	}
}

func (b bars) columns(f *plotstyle.Figure) {
	base, end := b.span(0.04)
	p := plotstyle.NewPlot()
	p.Add(plotstyle.HorizontalGrid(), plotstyle.Columns{Groups: b.based(base), Base: base})
	var ticks plot.ConstantTicks
	for n, name := range b.names {
		ticks = append(ticks, plot.Tick{Value: float64(n), Label: name})
	}
	plotstyle.HideTicks(&p.X)
	p.X.Tick.Marker = ticks
	b.value(&p.Y, base, end)
	f.Plot, f.YLabel = p, b.axis
}

func (b bars) rows(f *plotstyle.Figure) {
	var ticks plot.ConstantTicks
	var widest vg.Length
	series := 0
	for n, name := range plotstyle.ShortenTicks(b.names, nameWidest) {
		widest = max(widest, plotstyle.TickWidth(name))
		ticks = append(ticks, plot.Tick{Value: float64(len(b.names) - 1 - n), Label: name})
		series = max(series, len(b.groups[n]))
	}
	inner := plotstyle.Width - 40 - widest
	base, end := b.span(float64(plotstyle.RowsLabelWidth(b.groups) / inner))
	p := plotstyle.NewPlot()
	p.Add(plotstyle.VerticalGrid(), plotstyle.Rows{Groups: b.based(base), Base: base})
	p.Y.Tick.Marker = ticks
	b.value(&p.X, base, end)
	f.Plot, f.XLabel = p, b.axis
	f.BodyHeight = vg.Length(len(b.groups))*(vg.Length(series)*rowHeight+rowGap) + axisHeight
}
