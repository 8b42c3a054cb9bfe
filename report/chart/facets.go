package chart

import (
	"fmt"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"

	"brokerlab/report/plotstyle"
)

// linesMost is how many lines one plot may have: of more nobody can follow one. Then
// cells stand in small plots above each other, a panel for each facet.
const linesMost = 8

// chunkMost is how many cells a facet has where they do not form a grid.
const chunkMost = 6

// panelsMost is how many panels a figure of facets has.
const panelsMost = 12

// facetPanel is the height of one facet's panel, in points.
const facetPanel = vg.Length(96)

// facet is cells that share a panel.
type facet struct {
	title string
	cells []int
}

// share shares cells out over facets where they are too many for one plot: by the
// settings that colours do not tell, or, where there is no grid, one after the other.
func (d *Data) share() []facet {
	count := len(d.Result.Cells)
	if count <= linesMost && (d.grid == nil || len(d.grid.groups) <= len(plotstyle.Dashes)) {
		return nil
	}
	var all []facet
	if d.grid != nil {
		for row, kinds := range d.grid.cells {
			of := facet{title: d.grid.groups[row]}
			for _, cell := range kinds {
				if cell >= 0 {
					of.cells = append(of.cells, cell)
				}
			}
			all = append(all, of)
		}
		return all
	}
	chunks := (count + chunkMost - 1) / chunkMost
	for n := range chunks {
		from, to := n*count/chunks, (n+1)*count/chunks
		of := facet{title: d.names.Cell(from) + " to " + d.names.Cell(to-1)}
		for i := from; i < to; i++ {
			of.cells = append(of.cells, i)
		}
		all = append(all, of)
	}
	return all
}

// shown are the facets with any of the cells that are drawn, with those cells alone, and
// no more than a figure has room for that shows so many quantities of each. The words say
// what was left out, if anything was.
func (d *Data) shown(drawn func(cell int) bool, quantities int) (all []facet, leftOut string) {
	for _, of := range d.facets {
		var cells []int
		for _, cell := range of.cells {
			if drawn(cell) {
				cells = append(cells, cell)
			}
		}
		if len(cells) > 0 {
			all = append(all, facet{title: of.title, cells: cells})
		}
	}
	if most := panelsMost / quantities; len(all) > most {
		leftOut = fmt.Sprintf("drawn: the first %d of %d groups of cells", most, len(all))
		all = all[:most]
	}
	return all, leftOut
}

// panel is an empty one of a facet. Where cells form no grid it names them itself.
func (d *Data) panel(of facet, before string) plotstyle.Panel {
	panel := plotstyle.Panel{Title: before + of.title, Height: facetPanel, Plot: plotstyle.NewPlot()}
	if d.grid == nil {
		for _, cell := range of.cells {
			panel.Legend = append(panel.Legend, d.looks[cell].swatch(d.names.Cell(cell)))
		}
	}
	return panel
}

// place puts the lines of cells into one plot, or into a panel for each facet. Fill
// draws some cells; first says that it is the first time. The words say which cells
// were left out.
func (d *Data) place(f *plotstyle.Figure, drawn []int, fill func(p *plot.Plot, cells []int, first bool)) string {
	f.Legend = d.lines(drawn)
	if d.facets == nil {
		f.Plot = plotstyle.NewPlot()
		fill(f.Plot, drawn, true)
		return ""
	}
	is := map[int]bool{}
	for _, cell := range drawn {
		is[cell] = true
	}
	facets, leftOut := d.shown(func(cell int) bool { return is[cell] }, 1)
	for n, of := range facets {
		panel := d.panel(of, "")
		fill(panel.Plot, of.cells, n == 0)
		if n < len(facets)-1 {
			panel.Plot.X.Tick.Marker = unlabelled{panel.Plot.X.Tick.Marker}
		} else {
			panel.Height += lastAxis
		}
		f.Panels = append(f.Panels, panel)
	}
	return leftOut
}
