package plotstyle

import (
	"image/color"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Part is one piece of a stack.
type Part struct {
	Value float64
	Fill  color.RGBA
	Label string // on it, where it fits
}

// Stack is parts that add up, and what stands at its end.
type Stack struct {
	Parts []Part
	Label string
}

// Stacks draws lying bars of parts, the first one on top, at y = count-1.
type Stacks struct{ Rows []Stack }

// stackShare is the part of a row's height that a stack takes.
const stackShare = 0.72

// End is how far the longest stack reaches.
func (s Stacks) End() (greatest float64) {
	for _, row := range s.Rows {
		sum := 0.0
		for _, p := range row.Parts {
			sum += p.Value
		}
		greatest = max(greatest, sum)
	}
	return greatest
}

// Least is how far the shortest stack reaches that has any part.
func (s Stacks) Least() (least float64) {
	for _, row := range s.Rows {
		sum := 0.0
		for _, p := range row.Parts {
			sum += p.Value
		}
		if sum > 0 && (least == 0 || sum < least) {
			least = sum
		}
	}
	return least
}

// Shares are the same stacks with each part in percent of its own.
func (s Stacks) Shares() (shares Stacks) {
	for _, row := range s.Rows {
		sum := 0.0
		for _, p := range row.Parts {
			sum += p.Value
		}
		of := Stack{Label: row.Label}
		for _, p := range row.Parts {
			p.Value *= 100 / sum
			p.Label = strconv.FormatFloat(p.Value, 'f', 0, 64) + " %"
			of.Parts = append(of.Parts, p)
		}
		shares.Rows = append(shares.Rows, of)
	}
	return shares
}

// LabelWidth is the room that the labels at the ends need.
func (s Stacks) LabelWidth() (widest vg.Length) {
	for _, row := range s.Rows {
		widest = max(widest, face(7.5, Ink).Width(row.Label)+8)
	}
	return widest
}

// Plot implements plot.Plotter.
func (s Stacks) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	text := face(7.5, Ink)
	drop := text.FontExtents().Ascent * 0.36
	for n, row := range s.Rows {
		at := float64(len(s.Rows) - 1 - n)
		low, high, middle := y(at-stackShare/2), y(at+stackShare/2), y(at)
		sum := 0.0
		for _, part := range row.Parts {
			box := vg.Rectangle{Min: vg.Point{X: x(sum), Y: low}, Max: vg.Point{X: x(sum + part.Value), Y: high}}
			sum += part.Value
			fillArea(c, part.Fill, box)
			if width := text.Width(part.Label); part.Label != "" && width+8 <= box.Max.X-box.Min.X {
				on := vg.Point{X: (box.Min.X+box.Max.X)/2 - width/2, Y: middle - drop}
				fillBox(c, paper, vg.Rectangle{
					Min: vg.Point{X: on.X - 2, Y: on.Y - 1.5}, Max: vg.Point{X: on.X + width + 2, Y: on.Y + 7}})
				c.FillText(text, on, part.Label)
			}
		}
		c.FillText(text, vg.Point{X: x(sum) + 4, Y: middle - drop}, row.Label)
	}
}
