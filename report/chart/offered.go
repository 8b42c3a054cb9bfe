package chart

import (
	"math"
	"slices"
	"strconv"

	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"

	"brokerlab/report/plotstyle"
	"brokerlab/report/wording"
	"brokerlab/results"
	"brokerlab/results/quantity"
)

// Heights of a cell's panel, in points: of several, and alone.
const (
	offeredPanel = vg.Length(110)
	offeredAlone = vg.Length(190)
)

// rates are what was offered to a cell and what became of it, in records/s, the medians
// over repeats of intervals that begin at the same time.
type rates struct {
	from, to, at, offered, acked, unsent []float64 // at: the middle
	warmup, end                          float64
}

// ratesOf takes them from the repeats of an open loop; there are none of a closed one.
func ratesOf(c *results.Cell) (r rates) {
	type interval struct{ lengths, offered, acked, unsent []float64 }
	all := map[float64]*interval{}
	var starts []float64
	due := false
	for _, repeat := range c.Repeats {
		for _, s := range repeat.Seconds {
			if s.Warmup {
				r.warmup = max(r.warmup, s.At+s.Length)
			}
			if s.Length < intervalLeast || s.Phase == results.PhaseRead { // of which nobody counts what is due
				continue
			}
			i := all[s.At]
			if i == nil {
				i = &interval{}
				all[s.At] = i
				starts = append(starts, s.At)
			}
			due = due || s.Offered > 0
			i.lengths = append(i.lengths, s.Length)
			i.offered = append(i.offered, float64(s.Offered)/s.Length)
			i.acked = append(i.acked, float64(s.Acked)/s.Length)
			i.unsent = append(i.unsent, float64(s.Unsent)/s.Length)
			r.end = max(r.end, s.At+s.Length)
		}
	}
	if !due {
		return rates{}
	}
	slices.Sort(starts)
	for _, at := range starts {
		i := all[at]
		length := results.Median(i.lengths)
		r.from, r.at, r.to = append(r.from, at), append(r.at, at+length/2), append(r.to, at+length)
		r.offered = append(r.offered, results.Median(i.offered))
		r.acked = append(r.acked, results.Median(i.acked))
		r.unsent = append(r.unsent, results.Median(i.unsent))
	}
	return r
}

// Shares of the offered rate from which a chart has something to show: of a load that is
// not level, and of an achieved rate that is another one.
const (
	offeredVaries = 0.05
	achievedOther = 0.1
)

// steps are values over their intervals: a rate holds from the beginning to the end of one,
// and a slope between two would show a ramp where there was a burst.
func (r rates) steps(values []float64) (points plotter.XYs) {
	for i, v := range values {
		points = append(points, plotter.XY{X: r.from[i], Y: v}, plotter.XY{X: r.to[i], Y: v})
	}
	return points
}

// telling says whether the load is not level, or was not achieved at all times.
func (r rates) telling() bool {
	for i, offered := range r.offered {
		whole := r.at[i] > r.warmup && offered > 0
		if r.unsent[i] > 0 || whole && math.Abs(r.acked[i]-offered) > achievedOther*offered {
			return true
		}
	}
	return len(r.at) > 0 && slices.Max(r.offered)-slices.Min(r.offered) > offeredVaries*slices.Max(r.offered)
}

// offeredCells are those of which offered and achieved rate tell something.
func (d *Data) offeredCells() (cells []int) {
	for i := range d.Result.Cells {
		if ratesOf(&d.Result.Cells[i]).telling() {
			cells = append(cells, i)
		}
	}
	return cells
}

// Looks of the lines of an offered load.
var (
	offeredLook = look{colour: plotstyle.InkLabel, dashes: plotstyle.Dashes[1]}
	ackedLook   = look{colour: plotstyle.Series[0]}
	unsentLook  = look{colour: plotstyle.Series[1], dashes: plotstyle.Dashes[2]}
)

// Offered draws the rate at which records came due beside that at which they were
// acknowledged, a panel for each open loop.
func Offered(d *Data) *plotstyle.Figure {
	f := &plotstyle.Figure{
		Title: "Offered and achieved rate" + d.by(), XLabel: "Time since the load began",
		Subtitle: wording.Join(wording.ConditionsBelow(d.Result), wording.Repeats(d.Result, "median of ", ""), "records/s"),
	}
	legend := []plotstyle.Swatch{{Name: "offered", Line: offeredLook.line()}, ackedLook.swatch("acknowledged")}
	about := []string{"windows of 1 s or less", "cells that got a level load at once are not drawn"}
	defer func() { f.Note = d.note(about...) }()
	cells := d.offeredCells()
	if len(cells) == 0 {
		f.NoData = "no cell has a load that is not level, or did not get what was offered"
		return f
	}
	if more := len(cells) - mapsMost; more > 0 {
		about = append(about, "the first "+strconv.Itoa(mapsMost)+" of "+strconv.Itoa(len(cells))+" cells")
		cells = cells[:mapsMost]
	}
	unsent := false
	for n, i := range cells {
		panel := d.offeredPanel(i, n == 0)
		if len(cells) == 1 {
			panel.Height = offeredAlone
		}
		lastHasLabels(&panel, n == len(cells)-1)
		f.Panels = append(f.Panels, panel)
		unsent = unsent || slices.Max(ratesOf(&d.Result.Cells[i]).unsent) > 0
	}
	if unsent {
		legend = append(legend, unsentLook.swatch("due and not sent"))
	}
	f.Legend = [][]plotstyle.Swatch{legend}
	return f
}

func (d *Data) offeredPanel(cell int, named bool) plotstyle.Panel {
	r := ratesOf(&d.Result.Cells[cell])
	panel := plotstyle.Panel{Title: d.names.Cell(cell), Height: offeredPanel, Plot: plotstyle.NewPlot()}
	band := plotstyle.Band{To: r.warmup, Fill: warmupShade}
	if named {
		band.Text = "warm-up"
	}
	panel.Plot.Add(plotstyle.HorizontalGrid(), band)
	draw := func(values []float64, l look, part int) {
		points := r.steps(values)
		panel.Plot.Add(&plotter.Line{XYs: points, LineStyle: l.line()})
		if l.colour != offeredLook.colour {
			panel.Plot.Add(plotstyle.Marked{Points: points, Ink: l.colour, Part: part, Parts: 2})
		}
	}
	draw(r.acked, ackedLook, 0)
	if slices.Max(r.unsent) > 0 {
		draw(r.unsent, unsentLook, 1)
	}
	draw(r.offered, offeredLook, 0)
	panel.Plot.X.Min, panel.Plot.X.Max = 0, r.end
	fromZero(&panel, max(slices.Max(r.offered), slices.Max(r.acked), slices.Max(r.unsent)))
	return panel
}

// offeredFigures are sums over the whole load.
func (d *Data) offeredFigures() Figures {
	f := Figures{Heading: []string{"cell", "offered at most, records/s", "acknowledged at most, records/s", "late records",
		"unsent records"}}
	for _, i := range d.offeredCells() {
		c := &d.Result.Cells[i]
		r := ratesOf(c)
		f.add(d.names.Cell(i), quantity.Digits(slices.Max(r.offered)), quantity.Digits(slices.Max(r.acked)),
			quantity.Count(c.Late), quantity.Count(c.Unsent))
	}
	return f
}
