package plotstyle

import (
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// pattern tells one colour from another where colours cannot be seen: a shape that
// marks its lines and points, and lines across its areas.
type pattern struct {
	shape draw.GlyphDrawer
	hatch []hatch
}

// hatch is parallel lines at an angle. They come again after whole pixels, to the right
// or, of level ones, upwards: so a pattern repeats itself exactly, and its picture is a
// small file.
type hatch struct {
	degrees float64
	pixels  int
}

// every is the distance of the lines from each other, in points.
func (h hatch) every() float64 {
	apart := float64(h.pixels) * 72 / dotsPerInch
	if h.degrees == 0 {
		return apart
	}
	return apart * math.Sin(h.degrees*math.Pi/180)
}

// patterns are those of the colours of Series and of codecs. A colour has one pattern
// in every figure.
var patterns = map[color.RGBA]pattern{
	rgb(0x0072b2): {draw.CircleGlyph{}, nil},
	rgb(0xd55e00): {square{}, []hatch{{45, 19}}},
	rgb(0x009e73): {draw.PyramidGlyph{}, []hatch{{135, 19}}},
	rgb(0xcc79a7): {diamond{}, []hatch{{0, 11}}},
	rgb(0xe69f00): {pointingDown{}, []hatch{{45, 20}, {135, 20}}},
	rgb(0x56b4e9): {hollow{}, []hatch{{90, 11}}},
	rgb(0x5f5f5f): {hollowSquare{}, []hatch{{0, 16}, {90, 16}}},
	rgb(0x7b8794): {hollow{}, []hatch{{90, 21}}},
	rgb(0xf0e442): {draw.CircleGlyph{}, nil},
	rgb(0x1b3a57): {draw.CircleGlyph{}, nil},
	rgb(0xb7bfc8): {hollow{}, []hatch{{135, 34}}},
}

// Shape is what marks a colour's points; a circle for one without a pattern.
func Shape(ink color.RGBA) draw.GlyphDrawer {
	if p, ok := patterns[ink]; ok {
		return p.shape
	}
	return draw.CircleGlyph{}
}

// hatchWide is how wide the lines across an area are.
const hatchWide = vg.Length(0.7)

// fillArea paints a rectangle with a colour and its pattern.
func fillArea(c draw.Canvas, ink color.Color, r vg.Rectangle) {
	fillBox(c, ink, r)
	rgba, ok := ink.(color.RGBA)
	if !ok {
		return
	}
	line := draw.LineStyle{Color: Faint(color.RGBA{R: 255, G: 255, B: 255, A: 255}, 0.7), Width: hatchWide}
	area := draw.Canvas{Canvas: c.Canvas, Rectangle: r}
	for _, h := range patterns[rgba].hatch {
		area.StrokeLines(line, area.ClipLinesXY(h.across(r)...)...)
	}
}

// across are lines that cover a rectangle. They are laid from the origin of the page
// and not of the rectangle, so that neighbours of one colour meet.
func (h hatch) across(r vg.Rectangle) (lines [][]vg.Point) {
	sin, cos := math.Sincos(h.degrees * math.Pi / 180)
	along, normal := vg.Point{X: vg.Length(cos), Y: vg.Length(sin)}, vg.Point{X: vg.Length(-sin), Y: vg.Length(cos)}
	least, greatest := math.Inf(1), math.Inf(-1)
	reach := r.Size().X + r.Size().Y
	for _, corner := range []vg.Point{r.Min, r.Max, {X: r.Min.X, Y: r.Max.Y}, {X: r.Max.X, Y: r.Min.Y}} {
		at := float64(corner.Dot(normal))
		least, greatest = math.Min(least, at), math.Max(greatest, at)
	}
	middle := vg.Point{X: (r.Min.X + r.Max.X) / 2, Y: (r.Min.Y + r.Max.Y) / 2}
	middle = along.Scale(middle.Dot(along))
	every := h.every()
	for k := math.Ceil(least / every); k*every <= greatest; k++ {
		at := middle.Add(normal.Scale(vg.Length(k * every)))
		lines = append(lines, []vg.Point{at.Sub(along.Scale(reach)), at.Add(along.Scale(reach))})
	}
	return lines
}

// Marked puts a colour's shape on a line here and there, so that it can be told
// without its colour. Part of Parts says where: lines that lie on each other have
// their marks side by side.
type Marked struct {
	Points      plotter.XYs
	Ink         color.RGBA
	Part, Parts int
}

// marksApart is how far the marks of one line are from each other.
const marksApart = vg.Length(74)

// Plot implements plot.Plotter.
func (m Marked) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	style := draw.GlyphStyle{Color: m.Ink, Radius: markRadius, Shape: Shape(m.Ink)}
	next := c.Min.X + marksApart*(0.25+vg.Length(m.Part)/vg.Length(max(1, m.Parts)))
	for i := 1; i < len(m.Points); i++ {
		from := vg.Point{X: x(m.Points[i-1].X), Y: y(m.Points[i-1].Y)}
		to := vg.Point{X: x(m.Points[i].X), Y: y(m.Points[i].Y)}
		for ; next <= to.X; next += marksApart {
			if next < from.X || to.X <= from.X {
				continue
			}
			share := (next - from.X) / (to.X - from.X)
			c.DrawGlyphNoClip(style, vg.Point{X: next, Y: from.Y + share*(to.Y-from.Y)})
		}
	}
}

// square, diamond and pointingDown are full, as draw.CircleGlyph and draw.PyramidGlyph are.
type (
	square       struct{}
	diamond      struct{}
	pointingDown struct{}
	hollowSquare struct{}
)

// DrawGlyph implements draw.GlyphDrawer.
func (square) DrawGlyph(c *draw.Canvas, s draw.GlyphStyle, at vg.Point) {
	r := s.Radius * 0.92
	c.FillPolygon(s.Color, []vg.Point{{X: at.X - r, Y: at.Y - r}, {X: at.X + r, Y: at.Y - r}, {X: at.X + r, Y: at.Y + r},
		{X: at.X - r, Y: at.Y + r}})
}

// DrawGlyph implements draw.GlyphDrawer.
func (diamond) DrawGlyph(c *draw.Canvas, s draw.GlyphStyle, at vg.Point) {
	r := s.Radius * 1.3
	c.FillPolygon(s.Color, []vg.Point{{X: at.X - r, Y: at.Y}, {X: at.X, Y: at.Y - r}, {X: at.X + r, Y: at.Y},
		{X: at.X, Y: at.Y + r}})
}

// DrawGlyph implements draw.GlyphDrawer.
func (pointingDown) DrawGlyph(c *draw.Canvas, s draw.GlyphStyle, at vg.Point) {
	r := s.Radius * 1.15
	c.FillPolygon(s.Color, []vg.Point{{X: at.X - r, Y: at.Y + r*0.7}, {X: at.X + r, Y: at.Y + r*0.7},
		{X: at.X, Y: at.Y - r}})
}

// DrawGlyph implements draw.GlyphDrawer.
func (hollowSquare) DrawGlyph(c *draw.Canvas, s draw.GlyphStyle, at vg.Point) {
	square{}.DrawGlyph(c, s, at)
	s.Color, s.Radius = paper, s.Radius*0.5
	square{}.DrawGlyph(c, s, at)
}
