package chart

import (
	"image/color"
	"slices"

	"brokerlab/report/plotstyle"
	"brokerlab/report/wording"
	"brokerlab/results"
)

// grid is cells by two settings: one makes groups of bars and dashes of lines,
// the other colours.
type grid struct {
	groups, kinds []string
	colours       []color.RGBA // of kinds
	cells         [][]int      // [group][kind], -1 where there is no cell
}

// arrange makes the grid when two settings vary and no two cells share a place,
// else nil. The codec has the colours, else the setting with more values.
func (d *Data) arrange() *grid {
	varied := d.names.Varied
	if len(varied) != 2 {
		return nil
	}
	group, kind := varied[0], varied[1]
	more := len(d.values(group)) > len(d.values(kind)) && !d.names.IsCompression(kind)
	if d.names.IsCompression(group) || more {
		group, kind = kind, group
	}
	groups, kinds := d.values(group), d.values(kind)
	if len(kinds) > len(plotstyle.Series) {
		return nil
	}
	g := &grid{groups: make([]string, len(groups)), kinds: make([]string, len(kinds)),
		colours: slices.Clone(plotstyle.Series[:len(kinds)])}
	for range groups {
		g.cells = append(g.cells, slices.Repeat([]int{-1}, len(kinds)))
	}
	for i, cell := range d.Result.Cells {
		row, column := slices.Index(groups, cell.Labels[group]), slices.Index(kinds, cell.Labels[kind])
		if g.cells[row][column] >= 0 {
			return nil
		}
		g.cells[row][column] = i
		g.groups[row], g.kinds[column] = d.names.Named(i, group), d.names.Named(i, kind)
		if colour, fixed := plotstyle.Codec(d.names.Compression(i)); fixed {
			g.colours[column] = colour
		}
	}
	d.markSimulated(g)
	return g
}

// values are the distinct values of a label in the order of cells.
func (d *Data) values(name string) (all []string) {
	for _, cell := range d.Result.Cells {
		if !slices.Contains(all, cell.Labels[name]) {
			all = append(all, cell.Labels[name])
		}
	}
	return all
}

// markSimulated says "simulated" where a whole kind is, else where groups are.
// (A disk is one of the two settings when targets differ.)
func (d *Data) markSimulated(g *grid) {
	marked := false
	for k := range g.kinds {
		if d.allSimulated(column(g.cells, k)) {
			g.kinds[k] += wording.Simulated
			marked = true
		}
	}
	if marked {
		return
	}
	for n, cells := range g.cells {
		if d.allSimulated(cells) {
			g.groups[n] += wording.Simulated
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

// looks gives each cell of the grid its colour and dashes.
func (g *grid) looks(cells int) []look {
	looks := make([]look, cells)
	for row, kinds := range g.cells {
		for k, cell := range kinds {
			if cell >= 0 {
				looks[cell] = look{colour: g.colours[k], dashes: plotstyle.Dashes[row%len(plotstyle.Dashes)]}
			}
		}
	}
	return looks
}

// fills is the legend of bars.
func (g *grid) fills() [][]plotstyle.Swatch {
	var each []plotstyle.Swatch
	for k, name := range g.kinds {
		each = append(each, plotstyle.Swatch{Name: name, Fill: g.colours[k]})
	}
	return [][]plotstyle.Swatch{each}
}

// strokes is the legend of lines: one entry for each colour and one for each
// kind of dash, instead of one for each cell.
func (g *grid) strokes() [][]plotstyle.Swatch {
	var colours, dashes []plotstyle.Swatch
	for k, name := range g.kinds {
		colours = append(colours, plotstyle.Swatch{Name: name, Line: look{colour: g.colours[k]}.line()})
	}
	for n, name := range g.groups {
		line := look{colour: plotstyle.InkLabel, dashes: plotstyle.Dashes[n]}.line()
		dashes = append(dashes, plotstyle.Swatch{Name: name, Line: line})
	}
	return [][]plotstyle.Swatch{colours, dashes}
}

// legendLongest is how many cells a legend of lines names one by one when it
// could name their two settings apart.
const legendLongest = 6

// lines is the legend of the lines of these cells.
func (d *Data) lines(cells []int) [][]plotstyle.Swatch {
	if g := d.grid; g != nil && len(cells) > legendLongest && len(g.groups) <= len(plotstyle.Dashes) {
		return g.strokes()
	}
	var each []plotstyle.Swatch
	for _, i := range cells {
		each = append(each, plotstyle.Swatch{Name: d.names.Cell(i), Line: d.looks[i].line()})
	}
	return [][]plotstyle.Swatch{each}
}
