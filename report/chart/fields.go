package chart

import (
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"

	"brokerlab/report/plotstyle"
	"brokerlab/report/wording"
	"brokerlab/results"
)

// Sizes of a map of two settings, in points.
const (
	fieldRow    = vg.Length(26)
	fieldAxis   = vg.Length(20)
	fieldWidest = vg.Length(150) // of a row's name
)

// field is a figure of a cell that a map of two settings shows.
type field struct {
	title string
	ramp  plotstyle.Ramp
	// logarithmic shades by the figure's logarithm: latencies are far apart.
	logarithmic bool
	value       func(*results.Cell) float64 // 0: none
	words       func(float64) string
}

var fields = []field{
	{"Throughput, MB/s: darker is more", plotstyle.Blues, false, func(c *results.Cell) float64 { return c.MBPerS },
		wording.Digits},
	{"Produce latency, p99: darker is longer", plotstyle.Oranges, true, latencyP99(results.Produce), nanoseconds},
	{"End-to-end latency, p99: darker is longer", plotstyle.Oranges, true, latencyP99(results.EndToEnd), nanoseconds},
}

func nanoseconds(v float64) string { return wording.Duration(int64(v)) }

// latencyP99 is 0 where there are too few samples for it.
func latencyP99(latency string) func(*results.Cell) float64 {
	return func(c *results.Cell) float64 {
		if l := c.Latency[latency]; l.Count > 0 && l.Supports("p99") {
			return float64(l.P99)
		}
		return 0
	}
}

// hasFields says whether two settings vary and no two cells have the same two values.
func (d *Data) hasFields() bool {
	if len(d.names.Varied) != 2 {
		return false
	}
	keys := d.keys(d.names.Varied)
	return len(distinct(keys)) == len(keys)
}

// Fields draws throughput and latencies of two settings as maps: one setting to the
// right, the other one downwards.
func Fields(d *Data) *plotstyle.Figure {
	f := &plotstyle.Figure{
		Title: "Throughput and latency" + d.by(),
		Subtitle: wording.Join(wording.Conditions(d.Result),
			wording.Repeats(d.Result, "median of ", ", latencies merged")),
		Note: d.note(d.latencyNote()...),
	}
	if !d.hasFields() {
		f.NoData = "not two settings vary"
		return f
	}
	g := d.fieldGrid()
	f.XLabel = d.names.Short(g.across)
	for _, field := range fields {
		if panel, ok := g.panel(d, field); ok {
			panel.Height = fieldRow*vg.Length(len(g.rows)) + fieldAxis
			f.Panels = append(f.Panels, panel)
		}
	}
	if len(f.Panels) == 0 {
		f.NoData = "no cell has a figure"
	}
	return f
}

// fieldGrid is where cells stand on a map.
type fieldGrid struct {
	across, down  string // labels
	columns, rows []string
	at            [][]int // [row][column], -1 where there is no cell
}

// fieldGrid lets the setting with fewer values, of equals the second, go to the right.
func (d *Data) fieldGrid() fieldGrid {
	g := fieldGrid{down: d.names.Varied[0], across: d.names.Varied[1]}
	if len(d.values(g.down)) < len(d.values(g.across)) {
		g.down, g.across = g.across, g.down
	}
	rowKeys, columnKeys := d.values(g.down), d.values(g.across)
	g.rows, g.columns = make([]string, len(rowKeys)), make([]string, len(columnKeys))
	for range rowKeys {
		row := make([]int, len(columnKeys))
		for i := range row {
			row[i] = -1
		}
		g.at = append(g.at, row)
	}
	ofRow, ofColumn := d.keys([]string{g.down}), d.keys([]string{g.across})
	for i := range d.Result.Cells {
		row, column := slices.Index(rowKeys, ofRow[i]), slices.Index(columnKeys, ofColumn[i])
		g.at[row][column] = i
		g.rows[row], g.columns[column] = d.names.Named(i, g.down), d.names.Value(i, g.across)
	}
	return g
}

// panel is one figure of all cells, if any cell has it.
func (g fieldGrid) panel(d *Data, f field) (plotstyle.Panel, bool) {
	least, greatest := math.Inf(1), 0.0
	for i := range d.Result.Cells {
		if v := f.value(&d.Result.Cells[i]); v > 0 {
			least, greatest = min(least, v), max(greatest, v)
		}
	}
	if greatest == 0 {
		return plotstyle.Panel{}, false
	}
	tiles := plotstyle.Tiles{Apart: true}
	for r, row := range g.at {
		for k, cell := range row {
			y := float64(len(g.rows) - 1 - r)
			tile := plotstyle.Tile{X0: float64(k) - 0.5, X1: float64(k) + 0.5, Y0: y - 0.5, Y1: y + 0.5,
				Fill: plotstyle.InkGrid, Label: wording.None}
			if cell >= 0 {
				if v := f.value(&d.Result.Cells[cell]); v > 0 {
					tile.Fill, tile.Label = f.ramp.At(f.shade(v, least, greatest)), f.words(v)
				}
			}
			tiles.All = append(tiles.All, tile)
		}
	}
	p := plotstyle.NewPlot()
	p.Add(tiles)
	p.X.Tick.Marker, p.Y.Tick.Marker = g.ticks()
	p.X.LineStyle.Width = 0
	plotstyle.HideTicks(&p.X)
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = -0.5, float64(len(g.columns))-0.5, -0.5, float64(len(g.rows))-0.5
	return plotstyle.Panel{Title: f.title, Plot: p}, true
}

func (f field) shade(v, least, greatest float64) float64 {
	switch {
	case !f.logarithmic:
		return v / greatest
	case greatest <= least:
		return 0.5
	}
	return 0.08 + 0.92*math.Log(v/least)/math.Log(greatest/least)
}

// ticks are the names of columns and rows.
func (g fieldGrid) ticks() (x, y plot.ConstantTicks) {
	room := (plotstyle.Width - 190) / vg.Length(len(g.columns))
	for k, name := range g.columns {
		x = append(x, plot.Tick{Value: float64(k), Label: plotstyle.ShortenTick(name, room)})
	}
	for r, name := range g.rows {
		y = append(y, plot.Tick{Value: float64(len(g.rows) - 1 - r), Label: plotstyle.ShortenTick(name, fieldWidest)})
	}
	return x, y
}
