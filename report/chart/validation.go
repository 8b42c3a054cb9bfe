package chart

import (
	"fmt"
	"image/color"
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"brokerlab/report/plotstyle"
	"brokerlab/report/table"
	"brokerlab/results"
	"brokerlab/results/quantity"
)

// ValidationCharts are the figures of a validation.
func ValidationCharts(v *results.Validation) []File {
	return []File{
		{Name: "validation-throughput.png", Figure: validationChart(v, "records/s", "Throughput: predicted against observed",
			"Observed, records/s", "Predicted, records/s", results.Aim{Share: 0.15}, plotstyle.SI)},
		{Name: "validation-latency.png", Figure: validationChart(v, "ms", "Latency: predicted against observed",
			"Observed, ms", "Predicted, ms", results.Aim{Factor: 2}, plain)},
	}
}

// plain writes a tick of milliseconds.
func plain(v float64) string {
	if v >= 1000 {
		return quantity.Count(int64(v))
	}
	return fmt.Sprintf("%g", v)
}

// glyphs tell quantities of one table apart.
var glyphs = map[string]draw.GlyphDrawer{
	results.QuantityThroughput: draw.CircleGlyph{}, results.QuantityConsumed: draw.PyramidGlyph{},
	results.QuantityProduceP50: draw.CircleGlyph{}, results.QuantityProduceP99: draw.PyramidGlyph{},
	results.QuantityProduceMean: draw.BoxGlyph{}, results.QuantityEndP50: draw.RingGlyph{},
	results.QuantityEndP99: draw.TriangleGlyph{},
}

// validationChart scatters the figures of one unit on logarithmic axes, with the
// line of equality and the band of an aim around it.
func validationChart(v *results.Validation, unit, title, x, y string, aim results.Aim,
	format func(float64) string) *plotstyle.Figure {
	f := &plotstyle.Figure{Title: title, XLabel: x, YLabel: y, BodyHeight: 5 * vg.Inch,
		Subtitle: fmt.Sprintf("one dot for each figure \u00b7 on the line is right \u00b7 the band is %s", aim)}
	least, greatest := math.Inf(1), 0.0
	points := map[string]map[string]plotter.XYs{} // by table and quantity
	var tables, quantities []string
	inks := map[string]color.RGBA{} // of a table the same in every chart
	for i := range v.Rows {
		r := &v.Rows[i]
		if _, has := inks[r.Table]; !has {
			inks[r.Table] = plotstyle.Series[len(inks)%len(plotstyle.Series)]
		}
		for _, figure := range r.Figures {
			if figure.Unit != unit || figure.Predicted <= 0 {
				continue
			}
			if points[r.Table] == nil {
				points[r.Table] = map[string]plotter.XYs{}
				tables = append(tables, r.Table)
			}
			if !slices.Contains(quantities, figure.Quantity) {
				quantities = append(quantities, figure.Quantity)
			}
			points[r.Table][figure.Quantity] = append(points[r.Table][figure.Quantity],
				plotter.XY{X: figure.Observed, Y: figure.Predicted})
			least = min(least, figure.Observed, figure.Predicted)
			greatest = max(greatest, figure.Observed, figure.Predicted)
		}
	}
	if len(tables) == 0 {
		f.NoData = "no row has a figure in " + unit
		return f
	}
	p := plotstyle.NewPlot()
	low, high := decadesAround(least, greatest)
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = low, high, low, high
	p.X.Scale, p.Y.Scale = plot.LogScale{}, plot.LogScale{}
	p.X.Tick.Marker, p.Y.Tick.Marker = labelled{plotstyle.Log{Format: format}}, labelled{plotstyle.Log{Format: format}}
	p.Add(plotstyle.BothGrids())
	addBand(p, low, high, aim)
	for _, name := range tables {
		for _, quantity := range quantities {
			if xys := points[name][quantity]; len(xys) > 0 {
				p.Add(&plotter.Scatter{XYs: xys, GlyphStyle: draw.GlyphStyle{Color: inks[name], Radius: vg.Points(4.5),
					Shape: glyphs[quantity]}})
			}
		}
	}
	f.Plot, f.Legend = p, validationLegend(tables, inks)
	for i, quantity := range quantities {
		if i > 0 {
			f.Note += " \u00b7 "
		}
		f.Note += table.QuantityWords(quantity) + ": " + glyphWords[quantity]
	}
	return f
}

// glyphWords name the glyphs.
var glyphWords = map[string]string{
	results.QuantityThroughput: "discs", results.QuantityConsumed: "filled triangles",
	results.QuantityProduceP50: "discs", results.QuantityProduceP99: "filled triangles",
	results.QuantityProduceMean: "filled squares", results.QuantityEndP50: "rings",
	results.QuantityEndP99: "open triangles",
}

func validationLegend(tables []string, inks map[string]color.RGBA) [][]plotstyle.Swatch {
	var block []plotstyle.Swatch
	for _, name := range tables {
		block = append(block, plotstyle.Swatch{Name: name, Fill: inks[name]})
	}
	return [][]plotstyle.Swatch{block}
}

// decadesAround widens a range to 1, 2 or 5 times a power of ten.
func decadesAround(least, greatest float64) (low, high float64) {
	const scale = 1e6 // LogBounds takes values from 1 on
	low, high = plotstyle.LogBounds(least*scale*0.8, greatest*scale*1.25)
	return low / scale, high / scale
}

// addBand draws the line of equality and the band of the aim.
func addBand(p *plot.Plot, low, high float64, aim results.Aim) {
	below, above := 1-aim.Share, 1+aim.Share
	if aim.Factor > 0 {
		below, above = 1/aim.Factor, aim.Factor
	}
	clip := func(v float64) float64 { return min(max(v, low), high) }
	// Corners where the band meets the frame keep its edges straight.
	band := plotter.XYs{{X: low, Y: clip(low * above)}, {X: high / above, Y: high}, {X: high, Y: high},
		{X: high, Y: clip(high * below)}, {X: low / below, Y: low}, {X: low, Y: low}}
	polygon, err := plotter.NewPolygon(band)
	if err != nil {
		panic("chart: a band of six corners is no polygon: " + err.Error())
	}
	polygon.Color = plotstyle.Faint(plotstyle.Series[2], 0.13)
	polygon.LineStyle = draw.LineStyle{Color: color.Transparent}
	p.Add(polygon)
	p.Add(&plotter.Line{XYs: plotter.XYs{{X: low, Y: low}, {X: high, Y: high}},
		LineStyle: draw.LineStyle{Color: plotstyle.InkAxis, Width: vg.Points(1)}})
}
