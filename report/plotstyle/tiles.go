package plotstyle

import (
	"image/color"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Ramp is colours from the least to the greatest value, ever darker, so that their
// order shows in grey too.
type Ramp []color.RGBA

// Ramps of a quantity of which more is better, of one of which less is, and of counts.
var (
	Blues   = Ramp{rgb(0xeaf2fb), rgb(0xc6dbef), rgb(0x9ecae1), rgb(0x6baed6), rgb(0x3182bd), rgb(0x08519c), rgb(0x08306b)}
	Oranges = Ramp{rgb(0xfef0e2), rgb(0xfdd0a2), rgb(0xfdae6b), rgb(0xf16913), rgb(0xd94801), rgb(0xa63603), rgb(0x7f2704)}
)

// At is the colour of a share of 0 to 1.
func (r Ramp) At(share float64) color.RGBA {
	at := math.Min(math.Max(share, 0), 1) * float64(len(r)-1)
	n := min(int(at), len(r)-2)
	mix := func(a, b uint8) uint8 { return uint8(math.Round(float64(a) + (at-float64(n))*(float64(b)-float64(a)))) }
	a, b := r[n], r[n+1]
	return color.RGBA{R: mix(a.R, b.R), G: mix(a.G, b.G), B: mix(a.B, b.B), A: 255}
}

// Tile is a rectangle of data, with words on it where they fit.
type Tile struct {
	X0, X1, Y0, Y1 float64
	Fill           color.RGBA
	Label          string
}

// Tiles draws rectangles. Apart leaves a gap between them, as between the values of
// two settings; without it they touch, as stretches of time do.
type Tiles struct {
	All   []Tile
	Apart bool
}

// tileGap is what Apart leaves free, and touch how far tiles that touch overlap: edges
// between pixels would let the paper shine through.
const (
	tileGap   = vg.Length(1.2)
	tileTouch = vg.Length(0.4)
)

// Plot implements plot.Plotter.
func (t Tiles) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	for _, tile := range t.All {
		box := vg.Rectangle{Min: vg.Point{X: x(tile.X0), Y: y(tile.Y0)}, Max: vg.Point{X: x(tile.X1), Y: y(tile.Y1)}}
		if t.Apart {
			box.Min = box.Min.Add(vg.Point{X: tileGap, Y: tileGap})
			box.Max = box.Max.Sub(vg.Point{X: tileGap, Y: tileGap})
		} else {
			box.Max.X, box.Max.Y = min(box.Max.X+tileTouch, c.Max.X), min(box.Max.Y+tileTouch, c.Max.Y)
		}
		fillBox(c, tile.Fill, box)
		tile.write(c, box)
	}
}

// write puts the label on the tile, in the ink that reads best on it.
func (t Tile) write(c draw.Canvas, box vg.Rectangle) {
	s := face(9, Ink)
	if luminance(t.Fill) < 0.5 {
		s.Color = paper
	}
	for s.Width(t.Label) > box.Size().X-4 {
		if s.Font.Size <= 6 {
			return
		}
		s.Font.Size--
	}
	middle := vg.Point{X: (box.Min.X + box.Max.X) / 2, Y: (box.Min.Y+box.Max.Y)/2 - s.FontExtents().Ascent*0.36}
	c.FillText(s, vg.Point{X: middle.X - s.Width(t.Label)/2, Y: middle.Y}, t.Label)
}

// luminance is how light a colour looks, 0 to 1.
func luminance(c color.RGBA) float64 {
	return (0.299*float64(c.R) + 0.587*float64(c.G) + 0.114*float64(c.B)) / 255
}
