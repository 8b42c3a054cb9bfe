package plotstyle

import (
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Panel is one of several plots of a figure, above each other. Their data begin and
// end at the same places across the page, so that what has one axis of x in all of
// them can be compared by eye. A title and, beside it or below, a legend stand above
// each.
type Panel struct {
	Title  string
	Legend []Swatch
	Plot   *plot.Plot
	Height vg.Length // of the plot with its ticks
	// NoData says why there is no Plot.
	NoData string
}

const (
	panelGap  = vg.Length(12)
	panelHead = vg.Length(17) // a line of title or legend
	// panelRight is room for the half of a tick's label that passes the end of an axis.
	panelRight = vg.Length(14)
	markRadius = vg.Length(2.8)
)

func panelFace() text.Style { return boldFace(9.5, Ink) }

// heading is the title, as much of it as a line holds.
func (p Panel) heading(width vg.Length) string { return shorten(panelFace(), p.Title, width) }

// rows of a panel's legend. On the first one is the title too.
func (p Panel) rows(width vg.Length) (rows [][]Swatch) {
	s := legendFace()
	x := panelFace().Width(p.heading(width)) + entryGap
	row := []Swatch{}
	for _, e := range p.Legend {
		e.Name = shorten(s, e.Name, width-swatchStep)
		w := e.step() + s.Width(e.Name)
		if x+w > width && (len(row) > 0 || len(rows) == 0) {
			rows = append(rows, row)
			row, x = nil, 0
		}
		row = append(row, e)
		x += w + entryGap
	}
	return append(rows, row)
}

func (p Panel) height(width vg.Length) vg.Length {
	return vg.Length(len(p.rows(width)))*panelHead + p.Height
}

func (f *Figure) panelsHeight() (sum vg.Length) {
	for i, p := range f.Panels {
		if sum += p.height(Width - 2*margin - f.besideWidth()); i > 0 {
			sum += panelGap
		}
	}
	if f.XLabel != "" {
		sum += labelFace().FontExtents().Height + 4
	}
	return sum
}

// besideWidth is the room of the label of y.
func (f *Figure) besideWidth() vg.Length {
	if f.YLabel == "" {
		return 0
	}
	return labelFace().FontExtents().Height + 4
}

// drawPanels draws the panels from the top down. A label of y stands once beside all.
func (f *Figure) drawPanels(body draw.Canvas) {
	s := labelFace()
	s.XAlign = draw.XCenter
	if f.YLabel != "" {
		upright := s
		upright.Rotation = math.Pi / 2
		body.FillText(upright, vg.Point{X: body.Min.X + s.FontExtents().Ascent, Y: body.Center().Y}, f.YLabel)
		body.Min.X += f.besideWidth()
	}
	left, right := panelEdges(f.Panels, body)
	y := body.Max.Y
	for _, p := range f.Panels {
		y = p.drawHead(body, y)
		at := body
		at.Max.Y, at.Min.Y = y, y-p.Height
		if p.Plot == nil {
			at.Min.X, at.Max.X = left, right
			(&Figure{NoData: p.NoData}).drawNoData(at)
		} else {
			data := p.Plot.DataCanvas(at)
			at.Min.X += left - data.Min.X
			at.Max.X -= data.Max.X - right
			p.Plot.Draw(at)
		}
		y -= p.Height + panelGap
	}
	if f.XLabel != "" {
		body.FillText(s, vg.Point{X: (left + right) / 2, Y: y + panelGap - s.FontExtents().Height}, f.XLabel)
	}
}

// panelEdges are the widest margins that any panel's labels need.
func panelEdges(panels []Panel, body draw.Canvas) (left, right vg.Length) {
	left, right = body.Min.X, body.Max.X-panelRight
	for _, p := range panels {
		if p.Plot != nil {
			at := body
			at.Min.Y = at.Max.Y - p.Height
			data := p.Plot.DataCanvas(at)
			left, right = max(left, data.Min.X), min(right, data.Max.X)
		}
	}
	return left, right
}

func (p Panel) drawHead(c draw.Canvas, y vg.Length) vg.Length {
	title, s := panelFace(), legendFace()
	heading := p.heading(c.Max.X - c.Min.X)
	x := c.Min.X + title.Width(heading) + entryGap
	for i, row := range p.rows(c.Max.X - c.Min.X) {
		base := y - panelHead + 6
		if i == 0 {
			c.FillText(title, vg.Point{X: c.Min.X, Y: base}, heading)
		}
		for _, e := range row {
			x = e.draw(c, s, x, base)
		}
		x = c.Min.X
		y -= panelHead
	}
	return y
}

// Mark is a point of a DotRows: a value and, if High is above it, a line up to there.
type Mark struct {
	Value, High float64
	Shape       draw.GlyphDrawer
	Fill        color.Color
}

// DotRows draws rows of marks on one axis, row 0 on top, at y = count-1.
type DotRows struct{ Rows [][]Mark }

// markApart is how far below each other the marks of a row are, so that equal ones
// do not hide each other.
const markApart = vg.Length(2)

// Plot implements plot.Plotter. What is not above 0 has no place on a log axis and is
// left out.
func (d DotRows) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	for n, row := range d.Rows {
		middle := y(float64(len(d.Rows) - 1 - n))
		for i, m := range row {
			if m.Value <= 0 {
				continue
			}
			at := vg.Point{X: x(m.Value), Y: middle - markApart*(vg.Length(i)-vg.Length(len(row)-1)/2)}
			if m.High > m.Value {
				c.StrokeLine2(draw.LineStyle{Color: m.Fill, Width: vg.Points(1.1)}, at.X, at.Y, x(m.High), at.Y)
			}
			c.DrawGlyphNoClip(draw.GlyphStyle{Color: m.Fill, Radius: markRadius, Shape: m.Shape}, at)
		}
	}
}

// Marks tell series apart by shape: full for one kind, hollow for another, of one
// colour where they belong together.
var Marks = struct{ Full, Hollow draw.GlyphDrawer }{draw.CircleGlyph{}, hollow{}}

// hollow is a ring on paper: draw.RingGlyph would let lines show through.
type hollow struct{}

// DrawGlyph implements draw.GlyphDrawer.
func (hollow) DrawGlyph(c *draw.Canvas, s draw.GlyphStyle, at vg.Point) {
	draw.CircleGlyph{}.DrawGlyph(c, s, at)
	c.SetColor(paper)
	s.Radius *= 0.55
	draw.CircleGlyph{}.DrawGlyph(c, s, at)
}
