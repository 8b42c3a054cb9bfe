// Package plotstyle gives gonum/plot figures one look: a bold title, a grey
// subtitle and a legend on top of the data instead of on it, a quiet grid,
// labelled ticks on every axis, and colours that stay the same for the same codec.
// It knows nothing of what is drawn, and renders PNG only.
package plotstyle

import (
	"image/color"

	xfont "golang.org/x/image/font"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// sans is embedded in the binary by gonum/plot (Liberation Sans): no system font
// is read, so the same bytes come out on every machine.
var sans = font.Font{Typeface: "Liberation", Variant: "Sans"}

// Inks, from the titles' to the grid's.
var (
	Ink      = rgb(0x1f2933) // titles, values
	InkLabel = rgb(0x52606d) // labels, ticks
	InkNote  = rgb(0x66717e) // notes: the lightest that reads well on white
	InkAxis  = rgb(0x9aa5b1) // axis line
	InkGrid  = rgb(0xe4e7eb)
	paper    = color.White
)

// Series are the colours of series without a colour of their own: Okabe and
// Ito's set for colour-blind readers, in an order with contrast on white.
var Series = []color.RGBA{
	rgb(0x0072b2), rgb(0xd55e00), rgb(0x009e73), rgb(0xcc79a7),
	rgb(0xe69f00), rgb(0x56b4e9), rgb(0x5f5f5f),
}

// Stages are colours of what adds up: those of Series first, then three more.
var Stages = append(append([]color.RGBA{}, Series...), rgb(0xf0e442), rgb(0x1b3a57), rgb(0xb7bfc8))

// codecs have the same colour in every figure.
var codecs = map[string]color.RGBA{
	"none": rgb(0x7b8794), "gzip": rgb(0xd55e00), "snappy": rgb(0xe69f00),
	"lz4": rgb(0x0072b2), "zstd": rgb(0x009e73),
}

// Codec is the fixed colour of a compression type, and whether it has one.
func Codec(name string) (color.RGBA, bool) {
	c, ok := codecs[name]
	return c, ok
}

// Colours of flush policies, which have the same one in every figure.
var (
	FlushNever   = rgb(0x0072b2) // left to the operating system
	FlushAlways  = rgb(0xd55e00) // with every batch
	FlushRecords = rgb(0x009e73) // every so many records
	FlushRarely  = rgb(0xe69f00) // every so many thousand records
	FlushTime    = rgb(0xcc79a7) // every so many milliseconds
	FlushSeconds = rgb(0x56b4e9) // every so many seconds
	FlushBoth    = rgb(0x5f5f5f) // by records and by time
)

// Dashes tell series of one colour apart, in this order.
var Dashes = [][]vg.Length{
	nil,
	{vg.Points(5), vg.Points(2.5)},
	{vg.Points(1.5), vg.Points(2)},
	{vg.Points(7), vg.Points(2), vg.Points(1.5), vg.Points(2)},
	{vg.Points(10), vg.Points(4)},
}

func rgb(v uint32) color.RGBA {
	return color.RGBA{R: uint8(v >> 16), G: uint8(v >> 8), B: uint8(v), A: 255}
}

// Faint is c with the given opacity, 0 to 1.
func Faint(c color.RGBA, opacity float64) color.NRGBA {
	return color.NRGBA{R: c.R, G: c.G, B: c.B, A: uint8(opacity * 255)}
}

// face is a text style whose anchor is the left end of the base line.
func face(points float64, ink color.Color) text.Style {
	return text.Style{Color: ink, Font: font.From(sans, vg.Points(points)), Handler: plot.DefaultTextHandler,
		XAlign: draw.XLeft, YAlign: 0}
}

// boldFace is face in bold.
func boldFace(points float64, ink color.Color) text.Style {
	s := face(points, ink)
	s.Font.Weight = xfont.WeightBold
	return s
}

// TickWidth is the width of a tick label.
func TickWidth(label string) vg.Length { return face(tickPoints, InkLabel).Width(label) }

const tickPoints = 9

// NewPlot makes an empty plot in the house style, both axes linear. Axis labels
// belong to the Figure, not to the plot.
func NewPlot() *plot.Plot {
	p := plot.New()
	p.BackgroundColor = nil // the figure paints the paper
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Padding = 0
		a.LineStyle = draw.LineStyle{Color: InkAxis, Width: vg.Points(0.8)}
		a.Tick.LineStyle = draw.LineStyle{Color: InkAxis, Width: vg.Points(0.6)}
		a.Tick.Length = vg.Points(4)
		a.Tick.Label.Color = InkLabel
		a.Tick.Label.Font = font.From(sans, vg.Points(tickPoints))
	}
	p.Y.LineStyle.Width = 0 // the horizontal grid is enough
	HideTicks(&p.Y)
	p.X.Tick.Marker = Nice{Count: 6, Format: SI}
	p.Y.Tick.Marker = Nice{Count: 5, Format: SI}
	return p
}

// HideTicks hides an axis's tick marks and keeps a gap before its labels. (A
// width or length of 0 would drop the gap too.)
func HideTicks(a *plot.Axis) {
	a.Tick.LineStyle = draw.LineStyle{Color: color.Transparent, Width: 0.1}
	a.Tick.Length = vg.Points(3)
}

// HorizontalGrid is a quiet grid at the y ticks. Add it before the data.
func HorizontalGrid() *plotter.Grid {
	g := BothGrids()
	g.Vertical.Color = nil
	return g
}

// VerticalGrid is a quiet grid at the x ticks. Add it before the data.
func VerticalGrid() *plotter.Grid {
	g := BothGrids()
	g.Horizontal.Color = nil
	return g
}

// BothGrids is a quiet grid at the ticks of both axes. Add it before the data.
func BothGrids() *plotter.Grid {
	line := draw.LineStyle{Color: InkGrid, Width: vg.Points(0.7)}
	g := plotter.NewGrid()
	g.Vertical, g.Horizontal = line, line
	return g
}
