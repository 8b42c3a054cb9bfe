package plotstyle

import (
	"image/color"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Spot is a point with a name.
type Spot struct {
	X, Y float64
	Ink  color.RGBA
	Name string
}

// Spots draws points in their colours' shapes and their names beside them: on the
// first side where they are free of points and other names. A name that finds no
// room is left out.
type Spots struct{ All []Spot }

const (
	spotRadius = vg.Length(4.2)
	spotGap    = vg.Length(3)
)

// Plot implements plot.Plotter.
func (s Spots) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	var taken []vg.Rectangle
	for _, spot := range s.All {
		at := vg.Point{X: x(spot.X), Y: y(spot.Y)}
		taken = append(taken, around(at, spotRadius+1))
	}
	style := face(8.5, Ink)
	for _, spot := range s.All {
		at := vg.Point{X: x(spot.X), Y: y(spot.Y)}
		c.DrawGlyphNoClip(draw.GlyphStyle{Color: spot.Ink, Radius: spotRadius, Shape: Shape(spot.Ink)}, at)
		for _, box := range besides(at, style.Width(spot.Name), style.FontExtents().Ascent) {
			if !inside(box, c.Rectangle) || overlaps(box, taken) {
				continue
			}
			taken = append(taken, box)
			fillBox(c, Faint(color.RGBA{R: 255, G: 255, B: 255, A: 255}, 0.85), box) // lines end before a name
			c.FillText(style, vg.Point{X: box.Min.X, Y: box.Min.Y + 1}, spot.Name)
			break
		}
	}
}

// besides are the places of a name around a point, best first.
func besides(at vg.Point, wide, high vg.Length) (all []vg.Rectangle) {
	d := spotRadius + spotGap
	for _, low := range []vg.Point{
		{X: at.X + d, Y: at.Y - high*0.5}, {X: at.X - d - wide, Y: at.Y - high*0.5},
		{X: at.X - wide/2, Y: at.Y + d}, {X: at.X - wide/2, Y: at.Y - d - high},
		{X: at.X + d*0.7, Y: at.Y + d*0.7}, {X: at.X - d*0.7 - wide, Y: at.Y + d*0.7},
		{X: at.X + d*0.7, Y: at.Y - d*0.7 - high}, {X: at.X - d*0.7 - wide, Y: at.Y - d*0.7 - high},
		{X: at.X - wide/2, Y: at.Y + d + high + 2}, {X: at.X - wide/2, Y: at.Y - d - 2*high - 2},
	} {
		all = append(all, vg.Rectangle{Min: low, Max: vg.Point{X: low.X + wide, Y: low.Y + high}})
	}
	return all
}

func around(at vg.Point, by vg.Length) vg.Rectangle {
	return vg.Rectangle{Min: vg.Point{X: at.X - by, Y: at.Y - by}, Max: vg.Point{X: at.X + by, Y: at.Y + by}}
}

func inside(box, frame vg.Rectangle) bool {
	return box.Min.X >= frame.Min.X && box.Max.X <= frame.Max.X && box.Min.Y >= frame.Min.Y && box.Max.Y <= frame.Max.Y
}

func overlaps(box vg.Rectangle, others []vg.Rectangle) bool {
	for _, o := range others {
		if box.Min.X < o.Max.X && o.Min.X < box.Max.X && box.Min.Y < o.Max.Y && o.Min.Y < box.Max.Y {
			return true
		}
	}
	return false
}
