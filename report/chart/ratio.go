package chart

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"brokerlab/report/plotstyle"
	"brokerlab/report/wording"
)

// ratioHeight is the body's, in points.
const ratioHeight = 4 * vg.Inch

// ratioCells are those that tell what a codec cost and saved.
func (d *Data) ratioCells() (cells []int) {
	for i, c := range d.Result.Cells {
		if d.names.Compression(i) != "" && c.CompressionRatio > 0 && c.MBPerS > 0 {
			cells = append(cells, i)
		}
	}
	return cells
}

// Ratio draws what codecs save against what they let through: up and to the right is
// better. A dashed line joins the cells that no other one beats in both.
func Ratio(d *Data) *plotstyle.Figure {
	f := &plotstyle.Figure{
		Title:  "Compression ratio against throughput" + d.by(),
		XLabel: "Acknowledged, MB/s of records before compression", YLabel: "Compression ratio",
		Subtitle: wording.Join(wording.ConditionsBelow(d.Result), wording.Repeats(d.Result, "median of ", ""),
			"up and to the right is better"),
		BodyHeight: ratioHeight,
	}
	cells := d.ratioCells()
	if len(cells) == 0 {
		f.NoData = "no cell has a compression ratio"
		return f
	}
	var spots plotstyle.Spots
	var all plotter.XYs
	least, right, top := math.Inf(1), 0.0, 1.0
	for _, i := range cells {
		c := d.Result.Cells[i]
		spots.All = append(spots.All, plotstyle.Spot{X: c.MBPerS, Y: c.CompressionRatio, Ink: d.looks[i].colour,
			Name: d.besideCodec(i)})
		all = append(all, plotter.XY{X: c.MBPerS, Y: c.CompressionRatio})
		least, right, top = min(least, c.MBPerS), max(right, c.MBPerS), max(top, c.CompressionRatio)
	}
	p := plotstyle.NewPlot()
	p.Add(plotstyle.BothGrids())
	if front := unbeaten(all); len(front) > 1 {
		p.Add(&plotter.Line{XYs: front, LineStyle: draw.LineStyle{Color: plotstyle.InkAxis, Width: vg.Points(1),
			Dashes: plotstyle.Dashes[1]}})
		f.Subtitle = wording.Join(f.Subtitle, "dashed: beaten by none in both")
	}
	p.Add(spots)
	p.X.Min, p.X.Max = 0, plotstyle.ZeroBased(right*1.12)
	if right > wideRatio*least {
		p.X.Min, p.X.Max = plotstyle.LogBounds(max(1, least*0.8), right*1.3)
		p.X.Scale = plot.LogScale{}
		p.X.Tick.Marker = labelled{plotstyle.Log{Format: plotstyle.SI}}
	}
	p.Y.Min, p.Y.Max = 0, plotstyle.ZeroBased(top*1.08)
	f.Plot, f.Legend = p, d.codecs(cells)
	f.Note = d.note("ratio of record bytes before and after compression, as sent; MB is 10^6 bytes")
	return f
}

// besideCodec names a cell by what varies besides the codec, or by the codec if that
// is all.
func (d *Data) besideCodec(cell int) string {
	var parts []string
	for _, name := range d.names.Varied {
		if !d.names.IsCompression(name) {
			parts = append(parts, d.names.Value(cell, name))
		}
	}
	if len(parts) == 0 {
		return d.codecName(cell)
	}
	return strings.Join(parts, ", ")
}

// codecName is a cell's codec in words.
func (d *Data) codecName(cell int) string {
	for _, name := range d.names.Varied {
		if d.names.IsCompression(name) {
			return d.names.Named(cell, name)
		}
	}
	return ""
}

// codecs is the legend of the codecs of cells.
func (d *Data) codecs(cells []int) [][]plotstyle.Swatch {
	var block []plotstyle.Swatch
	var seen []string
	for _, i := range cells {
		name := d.codecName(i)
		if slices.Contains(seen, name) {
			continue
		}
		seen = append(seen, name)
		colour := d.looks[i].colour
		block = append(block, plotstyle.Swatch{Name: name, Mark: plotstyle.Shape(colour), Fill: colour})
	}
	return [][]plotstyle.Swatch{block}
}

// unbeaten are the points than which no other one has more of both, from the left.
func unbeaten(points plotter.XYs) (front plotter.XYs) {
	sorted := slices.Clone(points)
	slices.SortFunc(sorted, func(a, b plotter.XY) int {
		return cmp.Or(cmp.Compare(b.X, a.X), cmp.Compare(b.Y, a.Y))
	})
	for _, p := range sorted {
		if len(front) == 0 || p.Y > front[len(front)-1].Y {
			front = append(front, p)
		}
	}
	slices.Reverse(front)
	return front
}
