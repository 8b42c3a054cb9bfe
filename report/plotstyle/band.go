package plotstyle

import (
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Band shades an interval of x and names it: a warm-up, a fault.
type Band struct {
	From, To float64
	Text     string
	Fill     color.Color
}

// Plot implements plot.Plotter.
func (b Band) Plot(c draw.Canvas, p *plot.Plot) {
	x, _ := p.Transforms(&c)
	left, right := max(x(b.From), c.Min.X), min(x(b.To), c.Max.X)
	if right <= left {
		return
	}
	fillBox(c, b.Fill, vg.Rectangle{Min: vg.Point{X: left, Y: c.Min.Y}, Max: vg.Point{X: right, Y: c.Max.Y}})
	s := face(8, InkLabel)
	top := c.Max.Y - 4
	switch room := right - left; {
	case room >= s.Width(b.Text)+6:
		c.FillText(s, vg.Point{X: left + 4, Y: top - s.FontExtents().Ascent}, b.Text)
	case room >= s.FontExtents().Height:
		s.Rotation, s.XAlign = math.Pi/2, draw.XRight
		c.FillText(s, vg.Point{X: (left+right)/2 + s.FontExtents().Ascent*0.36, Y: top}, b.Text)
	default:
		c.FillText(s, vg.Point{X: right + 3, Y: top - s.FontExtents().Ascent}, b.Text)
	}
}

// Dots marks single points. (plotter.Scatter would move the axes apart to make
// room for those on an edge.)
type Dots struct {
	Points plotter.XYs
	Fill   color.Color
	Small  bool             // for many of them
	Shape  draw.GlyphDrawer // a circle where there is none
}

// Plot implements plot.Plotter.
func (d Dots) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	style := draw.GlyphStyle{Color: d.Fill, Radius: vg.Points(2.2), Shape: draw.CircleGlyph{}}
	if d.Small {
		style.Radius = vg.Points(1.3)
	}
	if d.Shape != nil {
		style.Shape, style.Radius = d.Shape, markRadius
	}
	for _, point := range d.Points {
		c.DrawGlyphNoClip(style, vg.Point{X: x(point.X), Y: y(point.Y)})
	}
}

// Ribbon shades what lies between two lines, such as the least and the greatest
// of several repeats.
type Ribbon struct {
	X, Low, High []float64
	Fill         color.Color
}

// Plot implements plot.Plotter.
func (r Ribbon) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	var outline []vg.Point
	for i := range r.X {
		outline = append(outline, vg.Point{X: x(r.X[i]), Y: y(r.High[i])})
	}
	for i := len(r.X) - 1; i >= 0; i-- {
		outline = append(outline, vg.Point{X: x(r.X[i]), Y: y(r.Low[i])})
	}
	if len(outline) >= 4 {
		c.FillPolygon(r.Fill, outline)
	}
}

// Rings marks single points by circles that leave what is below them to be seen.
type Rings struct {
	Points plotter.XYs
	Ink    color.Color
}

// Plot implements plot.Plotter.
func (r Rings) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	style := draw.GlyphStyle{Color: r.Ink, Radius: vg.Points(4.5), Shape: draw.RingGlyph{}}
	for _, point := range r.Points {
		c.DrawGlyphNoClip(style, vg.Point{X: x(point.X), Y: y(point.Y)})
	}
}

// Uprights are a quiet grid at the labelled ticks of an axis of x whose labels stand at
// another plot: a grid of the plot's own has lines only where there are labels.
type Uprights struct{ Of plot.Ticker }

// Plot implements plot.Plotter.
func (u Uprights) Plot(c draw.Canvas, p *plot.Plot) {
	x, _ := p.Transforms(&c)
	line := BothGrids().Vertical
	for _, tick := range u.Of.Ticks(p.X.Min, p.X.Max) {
		if tick.Label != "" && tick.Value >= p.X.Min && tick.Value <= p.X.Max {
			c.StrokeLine2(line, x(tick.Value), c.Min.Y, x(tick.Value), c.Max.Y)
		}
	}
}
