package chart

import (
	"slices"

	"brokerlab/report/plotstyle"
	"brokerlab/results"
)

// grid is cells by two settings: groups by one, colours by the other.
type grid struct {
	groups []string
	legend []plotstyle.Swatch
	cells  [][]int // [group][series], -1 where there is no cell
}

// grid arranges the cells when two settings vary and no two cells share a place.
func (d *Data) grid() (g grid, ok bool) {
	varied := d.names.Varied
	if len(varied) != 2 {
		return g, false
	}
	group, series := varied[0], varied[1]
	if d.names.IsCompression(group) {
		group, series = series, group
	}
	var groups, kinds []string
	for i := range d.Result.Cells {
		groups, kinds = appendNew(groups, d.label(i, group)), appendNew(kinds, d.label(i, series))
	}
	if len(kinds) > len(plotstyle.Series) {
		return g, false
	}
	g.cells = make([][]int, len(groups))
	for n := range g.cells {
		g.cells[n] = slices.Repeat([]int{-1}, len(kinds))
	}
	g.groups, g.legend = make([]string, len(groups)), make([]plotstyle.Swatch, len(kinds))
	for i := range d.Result.Cells {
		row, column := slices.Index(groups, d.label(i, group)), slices.Index(kinds, d.label(i, series))
		if g.cells[row][column] >= 0 {
			return g, false
		}
		g.cells[row][column] = i
		g.groups[row] = d.names.Named(i, group)
		g.legend[column] = plotstyle.Swatch{Name: d.names.Named(i, series), Fill: plotstyle.Series[column]}
		if colour, fixed := plotstyle.Codec(d.names.Compression(i)); fixed {
			g.legend[column].Fill = colour
		}
	}
	d.markSimulated(&g)
	return g, true
}

// label is the raw value, which places a cell; names shorten it.
func (d *Data) label(cell int, name string) string { return d.Result.Cells[cell].Labels[name] }

func appendNew(all []string, one string) []string {
	if slices.Contains(all, one) {
		return all
	}
	return append(all, one)
}

// markSimulated says "simulated" in the legend where a whole series is, else in
// the names of groups that are. (A disk is one of the two when targets differ.)
func (d *Data) markSimulated(g *grid) {
	marked := false
	for s := range g.legend {
		if d.allSimulated(column(g.cells, s)) {
			g.legend[s].Name += " (simulated)"
			marked = true
		}
	}
	if marked {
		return
	}
	for n, cells := range g.cells {
		if d.allSimulated(cells) {
			g.groups[n] += " (simulated)"
		}
	}
}

func column(rows [][]int, n int) (cells []int) {
	for _, row := range rows {
		cells = append(cells, row[n])
	}
	return cells
}

// allSimulated ignores places without a cell.
func (d *Data) allSimulated(cells []int) bool {
	return !slices.ContainsFunc(cells, func(i int) bool { return i >= 0 && d.Result.Cells[i].Target != results.TargetSim })
}
