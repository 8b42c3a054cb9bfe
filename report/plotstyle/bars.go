package plotstyle

import (
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Bar is one bar. A whisker spans Low to High when they differ.
type Bar struct {
	Value, Low, High float64
	// Label stands at the bar's end. A bar without data has the value of its
	// axis's base and a label that says so.
	Label string
	Fill  color.Color
	// Absent leaves the bar's place empty, as for a pair of settings without a cell.
	Absent bool
}

// end is how far the bar or its whisker reaches.
func (b Bar) end() float64 {
	if b.High > b.Low {
		return math.Max(b.Value, b.High)
	}
	return b.Value
}

// BarsEnd is the greatest reach of any bar.
func BarsEnd(groups [][]Bar) (greatest float64) {
	for _, group := range groups {
		for _, b := range group {
			greatest = math.Max(greatest, b.end())
		}
	}
	return greatest
}

// Columns draws groups of upright bars, group 0 around x=0. Unlike
// plotter.BarChart it works in data coordinates, so bars, whiskers and labels
// stay aligned, and it draws on a log axis too.
type Columns struct {
	Groups [][]Bar
	Base   float64 // where bars begin: 0, or the bottom of a log axis
}

// Rows draws groups of lying bars, group 0 on top; for many bars or long names.
type Rows struct {
	Groups [][]Bar
	Base   float64
}

// Sizes of bars, in points.
const (
	columnWidest = vg.Length(64)
	rowWidest    = vg.Length(20)
	whiskerWide  = vg.Length(0.9)
)

// DataRange implements plot.DataRanger.
func (g Columns) DataRange() (xmin, xmax, ymin, ymax float64) {
	return -0.5, float64(len(g.Groups)) - 0.5, g.Base, BarsEnd(g.Groups)
}

// Plot implements plot.Plotter.
func (g Columns) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	s := face(7.5, Ink)
	s.XAlign = draw.XCenter
	paint := painter{canvas: c, along: y, base: y(g.Base),
		point: func(along, across vg.Length) vg.Point { return vg.Point{X: across, Y: along} },
		label: func(txt string, along, across vg.Length) {
			w, h := s.Width(txt)/2+1, s.FontExtents().Ascent
			fillBox(c, Faint(color.RGBA{R: 255, G: 255, B: 255, A: 255}, 0.85), // grid lines end before a label
				vg.Rectangle{Min: vg.Point{X: across - w, Y: along + 1}, Max: vg.Point{X: across + w, Y: along + 3 + h}})
			c.FillText(s, vg.Point{X: across, Y: along + 3}, txt)
		}}
	for n, group := range g.Groups {
		paint.group(group, x(float64(n)-0.4), x(float64(n)+0.4), columnWidest)
	}
}

// DataRange implements plot.DataRanger.
func (g Rows) DataRange() (xmin, xmax, ymin, ymax float64) {
	return g.Base, BarsEnd(g.Groups), -0.5, float64(len(g.Groups)) - 0.5
}

// Plot implements plot.Plotter.
func (g Rows) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	s := face(7.5, Ink)
	drop := s.FontExtents().Ascent * 0.36 // half a digit: centred by what is seen, not by the font's box
	paint := painter{canvas: c, along: x, base: x(g.Base),
		point: func(along, across vg.Length) vg.Point { return vg.Point{X: along, Y: across} },
		label: func(txt string, along, across vg.Length) {
			c.FillText(s, vg.Point{X: along + 4, Y: across - drop}, txt)
		}}
	for n, group := range g.Groups {
		row := float64(len(g.Groups) - 1 - n)
		paint.group(group, y(row+0.4), y(row-0.4), rowWidest)
	}
}

// RowsLabelWidth is the room that the labels of Rows need beyond the bars.
func RowsLabelWidth(groups [][]Bar) (widest vg.Length) {
	for _, group := range groups {
		for _, b := range group {
			widest = max(widest, face(7.5, Ink).Width(b.Label)+6)
		}
	}
	return widest
}

// ColumnFits says whether a column's label fits above a column that has this width.
func ColumnFits(label string, width vg.Length) bool {
	return face(7.5, Ink).Width(label) <= width*1.05
}

// painter draws bars along one direction; point and label know which.
type painter struct {
	canvas draw.Canvas
	along  func(float64) vg.Length
	base   vg.Length
	point  func(along, across vg.Length) vg.Point
	label  func(txt string, along, across vg.Length)
}

// group draws bars side by side between two places across their direction,
// which may descend, none thicker than widest.
func (p painter) group(bars []Bar, from, to, widest vg.Length) {
	slot := (to - from) / vg.Length(len(bars))
	if slot > widest {
		slot = widest
	}
	if slot < -widest {
		slot = -widest
	}
	start := (from+to)/2 - slot*vg.Length(len(bars))/2
	for n, b := range bars {
		if !b.Absent {
			p.bar(b, start+slot*(vg.Length(n)+0.06), start+slot*(vg.Length(n)+0.94))
		}
	}
}

// rectangle has two points as opposite corners.
func rectangle(a, b vg.Point) vg.Rectangle {
	return vg.Rectangle{Min: vg.Point{X: min(a.X, b.X), Y: min(a.Y, b.Y)},
		Max: vg.Point{X: max(a.X, b.X), Y: max(a.Y, b.Y)}}
}

func (p painter) bar(b Bar, from, to vg.Length) {
	end, middle := p.along(b.Value), (from+to)/2
	fillArea(p.canvas, b.Fill, rectangle(p.point(p.base, from), p.point(end, to)))
	if b.High > b.Low {
		line := draw.LineStyle{Color: Ink, Width: whiskerWide}
		low, high := p.along(b.Low), p.along(b.High)
		serif := (to - from) * 0.18
		for _, ends := range [][2]vg.Point{
			{p.point(low, middle), p.point(high, middle)},
			{p.point(low, middle-serif), p.point(low, middle+serif)},
			{p.point(high, middle-serif), p.point(high, middle+serif)},
		} {
			p.canvas.StrokeLine2(line, ends[0].X, ends[0].Y, ends[1].X, ends[1].Y)
		}
		end = max(end, high)
	}
	p.label(b.Label, end, middle)
}
