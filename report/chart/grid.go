package chart

import (
	"image/color"
	"slices"
	"strconv"
	"strings"

	"brokerlab/report/plotstyle"
)

// grid is cells by two settings, or by two sets of them: one makes groups of
// bars and dashes of lines, the other colours.
type grid struct {
	groups, kinds []string
	colours       []color.RGBA // of kinds
	cells         [][]int      // [group][kind], -1 where there is no cell
}

// arrange makes the grid when several settings vary and no two cells share a
// place, else nil.
func (d *Data) arrange() *grid {
	if len(d.names.Varied) < 2 {
		return nil
	}
	byGroup, byKind := d.split()
	if len(d.values(byKind...)) > len(plotstyle.Series) || len(d.Result.Cells) > linesMost && len(byKind) > 1 {
		if byGroup, byKind = d.splitByOne(); len(byKind) == 0 {
			return nil
		}
	}
	groupOf, kindOf := d.keys(byGroup), d.keys(byKind)
	groups, kinds := distinct(groupOf), distinct(kindOf)
	g := &grid{groups: make([]string, len(groups)), kinds: make([]string, len(kinds)),
		colours: slices.Clone(plotstyle.Series[:len(kinds)])}
	for range groups {
		g.cells = append(g.cells, slices.Repeat([]int{-1}, len(kinds)))
	}
	for i := range d.Result.Cells {
		row, column := slices.Index(groups, groupOf[i]), slices.Index(kinds, kindOf[i])
		if g.cells[row][column] >= 0 {
			return nil
		}
		g.cells[row][column] = i
		g.groups[row], g.kinds[column] = d.named(i, byGroup), d.named(i, byKind)
		if colour, fixed := d.fixedColour(i); fixed {
			g.colours[column] = colour
		}
	}
	g.setColoursApart()
	d.markTargets(g)
	return g
}

// only is the grid of some of the cells, without the groups and kinds that have none.
func (g *grid) only(cells []int) *grid {
	if g == nil {
		return nil
	}
	there := func(cell int) bool { return slices.Contains(cells, cell) }
	part := &grid{}
	var columns []int
	for k, name := range g.kinds {
		if slices.ContainsFunc(column(g.cells, k), there) {
			columns = append(columns, k)
			part.kinds, part.colours = append(part.kinds, name), append(part.colours, g.colours[k])
		}
	}
	for n, row := range g.cells {
		if !slices.ContainsFunc(row, there) {
			continue
		}
		var of []int
		for _, k := range columns {
			cell := row[k]
			if !there(cell) {
				cell = -1
			}
			of = append(of, cell)
		}
		part.groups, part.cells = append(part.groups, g.groups[n]), append(part.cells, of)
	}
	return part
}

// setColoursApart gives kinds whose fixed colour an earlier one has another one, as two
// flush policies that are much the same.
func (g *grid) setColoursApart() {
	for k, colour := range g.colours {
		if !slices.Contains(g.colours[:k], colour) {
			continue
		}
		for _, other := range plotstyle.Series {
			if !slices.Contains(g.colours, other) {
				g.colours[k] = other
				break
			}
		}
	}
}

// split shares the varied labels out. The codec has the colours, or else the flush
// policy; without them they are for all but the label with the fewest values, of two equals the first, of
// more the last.
func (d *Data) split() (byGroup, byKind []string) {
	varied := d.names.Varied
	single := slices.IndexFunc(varied, d.names.IsCompression)
	if single < 0 {
		single = slices.Index(varied, d.policyLabel())
	}
	if single >= 0 {
		return slices.Delete(slices.Clone(varied), single, single+1), varied[single : single+1]
	}
	single = 0
	for n, name := range varied {
		few, least := len(d.values(name)), len(d.values(varied[single]))
		if few < least || few == least && len(varied) > 2 {
			single = n
		}
	}
	return varied[single : single+1], slices.Delete(slices.Clone(varied), single, single+1)
}

// splitByOne gives the colours to the label with the most values for which there are
// colours, of two equals the first; to none where there are colours for none.
func (d *Data) splitByOne() (byGroup, byKind []string) {
	varied, single, most := d.names.Varied, -1, 0
	for n, name := range varied {
		if values := len(d.values(name)); values > most && values <= len(plotstyle.Series) {
			single, most = n, values
		}
	}
	if single < 0 {
		return nil, nil
	}
	return slices.Delete(slices.Clone(varied), single, single+1), varied[single : single+1]
}

// values are the distinct values of labels.
func (d *Data) values(names ...string) []string { return distinct(d.keys(names)) }

// keys tell cells apart by some labels.
func (d *Data) keys(labels []string) (of []string) {
	for _, cell := range d.Result.Cells {
		var values []string
		for _, name := range labels {
			values = append(values, strconv.Quote(cell.Labels[name]))
		}
		of = append(of, strings.Join(values, " "))
	}
	return of
}

// named is a cell's name by some labels.
func (d *Data) named(cell int, labels []string) string {
	var parts []string
	for _, name := range labels {
		parts = append(parts, d.names.Named(cell, name))
	}
	return strings.Join(parts, ", ")
}

// distinct are the different texts, in order.
func distinct(texts []string) (all []string) {
	for _, text := range texts {
		if !slices.Contains(all, text) {
			all = append(all, text)
		}
	}
	return all
}

// markTargets says in a result of measured and simulated cells which is which:
// at the kinds if each is one or the other, else at the groups. (A disk is among
// the labels when targets differ.)
func (d *Data) markTargets(g *grid) {
	suffixes := make([]string, len(g.kinds))
	for k := range g.kinds {
		suffix, ok := d.suffix(column(g.cells, k))
		if !ok {
			for n, cells := range g.cells {
				suffix, _ := d.suffix(cells)
				g.groups[n] += suffix
			}
			return
		}
		suffixes[k] = suffix
	}
	for k := range g.kinds {
		g.kinds[k] += suffixes[k]
	}
}

// suffix is that of all of the cells, and whether they have but one. Places
// without a cell are ignored.
func (d *Data) suffix(cells []int) (suffix string, ok bool) {
	first := true
	for _, i := range cells {
		switch {
		case i < 0:
		case first:
			suffix, first = d.names.Suffix(i), false
		case d.names.Suffix(i) != suffix:
			return "", false
		}
	}
	return suffix, true
}

func column(rows [][]int, n int) (cells []int) {
	for _, row := range rows {
		cells = append(cells, row[n])
	}
	return cells
}

// dress gives each cell of the grid the colour of its kind and, where all stand in one
// plot, the dashes of its group.
func (g *grid) dress(looks []look, dashed bool) {
	for row, kinds := range g.cells {
		for k, cell := range kinds {
			if cell < 0 {
				continue
			}
			looks[cell] = look{colour: g.colours[k]}
			if dashed {
				looks[cell].dashes = plotstyle.Dashes[row]
			}
		}
	}
}

// fills is the legend of bars.
func (g *grid) fills() [][]plotstyle.Swatch {
	var each []plotstyle.Swatch
	for k, name := range g.kinds {
		each = append(each, plotstyle.Swatch{Name: name, Fill: g.colours[k]})
	}
	return [][]plotstyle.Swatch{each}
}

// strokes is the legend of lines: one entry for each colour and, where there are dashes,
// one for each kind of dash, instead of one for each cell.
func (g *grid) strokes(dashed bool) [][]plotstyle.Swatch {
	var colours, dashes []plotstyle.Swatch
	for k, name := range g.kinds {
		colours = append(colours, look{colour: g.colours[k]}.swatch(name))
	}
	if !dashed {
		return [][]plotstyle.Swatch{colours}
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

// lines is the legend of the lines of these cells. Facets without a grid have legends of
// their own.
func (d *Data) lines(cells []int) [][]plotstyle.Swatch {
	switch {
	case d.grid != nil && (d.facets != nil || len(cells) > legendLongest):
		return d.grid.strokes(d.facets == nil)
	case d.facets != nil:
		return nil
	}
	var each []plotstyle.Swatch
	for _, i := range cells {
		each = append(each, d.looks[i].swatch(d.names.Cell(i)))
	}
	return [][]plotstyle.Swatch{each}
}
