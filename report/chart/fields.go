package chart

import (
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"

	"brokerlab/report/plotstyle"
	"brokerlab/report/wording"
	"brokerlab/results"
	"brokerlab/results/quantity"
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
		quantity.Digits},
	{"Produce latency, p99: darker is longer", plotstyle.Oranges, true, latencyP99(results.Produce), quantity.Nanoseconds},
	{"End-to-end latency, p99: darker is longer", plotstyle.Oranges, true, latencyP99(results.EndToEnd),
		quantity.Nanoseconds},
}

// latencyP99 is 0 where there are too few samples for it.
func latencyP99(latency string) func(*results.Cell) float64 {
	return func(c *results.Cell) float64 {
		if l := c.Latency[latency]; l.Count > 0 && l.Supports("p99") {
			return float64(l.P99)
		}
		return 0
	}
}

// fieldMapsMost is how many values a third setting may have, each of which has maps.
const fieldMapsMost = 4

// fieldLabels are the settings of maps: one downwards, one to the right, and perhaps a
// third one, of which each value has maps of its own: the load, since full speed and a
// steady rate are not to be compared, or else that with the fewest values.
func (d *Data) fieldLabels() (down, across, apart string, ok bool) {
	varied := slices.Clone(d.names.Varied)
	keys := d.keys(varied)
	if len(distinct(keys)) < len(keys) {
		return "", "", "", false
	}
	if len(varied) == 3 {
		third := 0
		for n, name := range varied {
			if len(d.values(name)) < len(d.values(varied[third])) {
				third = n
			}
		}
		if n := slices.Index(varied, d.names.LoadLabel()); n >= 0 && len(d.values(varied[n])) <= fieldMapsMost {
			third = n
		}
		apart = varied[third]
		varied = slices.Delete(varied, third, third+1)
		if len(d.values(apart)) > fieldMapsMost {
			return "", "", "", false
		}
	}
	if len(varied) != 2 {
		return "", "", "", false
	}
	down, across = varied[0], varied[1]
	if len(d.values(down)) < len(d.values(across)) {
		down, across = across, down
	}
	return down, across, apart, true
}

func (d *Data) hasFields() bool {
	_, _, _, ok := d.fieldLabels()
	return ok
}

// Fields draws throughput and latencies of two settings as maps, one setting to the
// right, the other one downwards; for each value of a third one, if that varies too.
func Fields(d *Data) *plotstyle.Figure {
	f := &plotstyle.Figure{
		Title: "Throughput and latency" + d.by(),
		Subtitle: wording.Join(wording.ConditionsBelow(d.Result),
			wording.Repeats(d.Result, "median of ", ", latencies merged")),
		Note: d.note(d.latencyNote(results.Produce)...),
	}
	down, across, apart, ok := d.fieldLabels()
	if !ok {
		f.NoData = "neither two nor three settings vary"
		return f
	}
	f.XLabel = d.names.Short(across)
	for _, field := range fields {
		for _, cells := range d.apart(apart) {
			g := d.fieldGrid(cells, down, across)
			if apart != "" {
				g.title = d.names.Named(cells[0], apart) + ": "
			}
			if panel, ok := g.panel(d, field); ok {
				panel.Height = fieldRow*vg.Length(len(g.rows)) + fieldAxis
				f.Panels = append(f.Panels, panel)
			}
		}
	}
	if len(f.Panels) == 0 {
		f.NoData = "no cell has a figure"
	}
	if !slices.ContainsFunc(fields[1:], func(of field) bool { return of.known(d.Result.Cells) }) {
		f.Title, f.Note = "Throughput"+d.by(), d.note()
	}
	return f
}

// known says whether any of the cells has the figure.
func (f field) known(cells []results.Cell) bool {
	return slices.ContainsFunc(cells, func(c results.Cell) bool { return f.value(&c) > 0 })
}

// apart shares the cells out by the values of a label, or gives all if it is none.
func (d *Data) apart(label string) (groups [][]int) {
	keys := make([]string, len(d.Result.Cells))
	if label != "" {
		keys = d.keys([]string{label})
	}
	for _, value := range distinct(keys) {
		var cells []int
		for i, key := range keys {
			if key == value {
				cells = append(cells, i)
			}
		}
		groups = append(groups, cells)
	}
	return groups
}

// fieldGrid is where some cells stand on a map.
type fieldGrid struct {
	title         string // before that of each panel
	cells         []int
	columns, rows []string
	at            [][]int // [row][column], -1 where there is no cell
}

func (d *Data) fieldGrid(cells []int, down, across string) fieldGrid {
	g := fieldGrid{cells: cells}
	rowKeys, columnKeys := d.values(down), d.values(across)
	g.rows, g.columns = make([]string, len(rowKeys)), make([]string, len(columnKeys))
	for range rowKeys {
		g.at = append(g.at, slices.Repeat([]int{-1}, len(columnKeys)))
	}
	ofRow, ofColumn := d.keys([]string{down}), d.keys([]string{across})
	for i := range d.Result.Cells {
		row, column := slices.Index(rowKeys, ofRow[i]), slices.Index(columnKeys, ofColumn[i])
		g.rows[row], g.columns[column] = d.names.Named(i, down), d.names.Value(i, across)
		if slices.Contains(cells, i) {
			g.at[row][column] = i
		}
	}
	return g
}

// panel is one figure of the grid's cells, if any of them has it.
func (g fieldGrid) panel(d *Data, f field) (plotstyle.Panel, bool) {
	if !slices.ContainsFunc(g.cells, func(i int) bool { return f.value(&d.Result.Cells[i]) > 0 }) {
		return plotstyle.Panel{}, false
	}
	least, greatest := f.extent(d.Result.Cells)
	tiles := plotstyle.Tiles{Apart: true}
	for r, row := range g.at {
		for k, cell := range row {
			y := float64(len(g.rows) - 1 - r)
			tile := plotstyle.Tile{X0: float64(k) - 0.5, X1: float64(k) + 0.5, Y0: y - 0.5, Y1: y + 0.5,
				Fill: plotstyle.InkGrid, Label: quantity.None}
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
	return plotstyle.Panel{Title: g.title + f.title, Plot: p}, true
}

// extent is the range of the figure over all cells: maps of one figure share their colours,
// so that they can be compared.
func (f field) extent(cells []results.Cell) (least, greatest float64) {
	least = math.Inf(1)
	for i := range cells {
		if v := f.value(&cells[i]); v > 0 {
			least, greatest = min(least, v), max(greatest, v)
		}
	}
	return least, greatest
}

func (f field) shade(v, least, greatest float64) float64 {
	switch {
	case !f.logarithmic:
		return v / greatest
	case v <= 0 || greatest <= 0:
		return 0
	}
	return 0.12 + 0.88*math.Log(v/least)/math.Log(max(greatest/least, shadedRatio))
}

// shadedRatio is how far apart latencies are at least for one of them to be the darkest:
// what is nearly the same looks nearly the same.
const shadedRatio = 4

// ticks are the names of columns and rows.
func (g fieldGrid) ticks() (x, y plot.ConstantTicks) {
	room := (plotstyle.Width - 190) / vg.Length(len(g.columns))
	for k, name := range plotstyle.ShortenTicks(g.columns, room) {
		x = append(x, plot.Tick{Value: float64(k), Label: name})
	}
	for r, name := range plotstyle.ShortenTicks(g.rows, fieldWidest) {
		y = append(y, plot.Tick{Value: float64(len(g.rows) - 1 - r), Label: name})
	}
	return x, y
}
