package chart

import (
	"fmt"
	"image/color"
	"math"
	"slices"

	"brokerlab/report/plotstyle"
	"brokerlab/report/wording"
	"brokerlab/results"
	"brokerlab/results/quantity"
)

// mbPerS is the name of the rate in Cell.Intervals.
const mbPerS = "mb_per_s"

// noData labels the place of a bar.
const noData = "no data"

// over says what bars are over several repeats, or over the seconds of one, and what
// whiskers they have: intervals of the figure where all cells have them, else the range.
func (d *Data) over(before, after, figure string) string {
	confidence, seconds := 1.0, false
	for _, c := range d.Result.Cells {
		bounds, ok := c.Intervals[figure]
		if !ok && len(c.Repeats) > 1 {
			return wording.Repeats(d.Result, before, after+", whiskers from least to greatest")
		}
		if ok {
			confidence, seconds = min(confidence, bounds.Confidence), seconds || bounds.Over == results.OverSeconds
		}
	}
	whiskers := "whiskers are 95 % intervals"
	if confidence < wanted {
		whiskers = fmt.Sprintf("whiskers are intervals of %.0f %% (more runs make 95 %%)", math.Floor(100*confidence))
	}
	words := wording.Repeats(d.Result, before, after+", "+whiskers)
	if words == "" && seconds {
		return whiskers + " from the seconds of one run"
	}
	return words
}

// wanted is the confidence that intervals have if there are enough repeats.
const wanted = 0.95

// bounded gives a bar the interval of its cell's figure, or else the range of its repeats.
func bounded(b *plotstyle.Bar, c *results.Cell, figure string, repeats []results.Repeat,
	of func(results.Repeat) float64) {
	if bounds, ok := c.Intervals[figure]; ok {
		b.Low, b.High = bounds.Low, bounds.High
		return
	}
	b.Low, b.High = results.Range(repeats, of)
}

// fullSpeed says which cells the figure of throughput has: those at full speed where others
// got a rate, which they have whatever varies, and on the axis of full speed is nothing.
func (d *Data) fullSpeed() (cells []int, some bool) {
	var all []int
	for i := range d.Result.Cells {
		all = append(all, i)
		if d.Result.Cells[i].AtSaturation {
			cells = append(cells, i)
		}
	}
	if len(cells) == 0 || !slices.ContainsFunc(all, func(i int) bool { return d.Result.Cells[i].OfferedPerS > 0 }) {
		return all, false
	}
	return cells, len(cells) < len(all)
}

// Throughput draws the acknowledged rate of each cell, or of each at full speed. When two
// settings vary, one makes groups and the other, the codec if it is one, colours.
func Throughput(d *Data) *plotstyle.Figure {
	conditions := wording.Join(wording.ConditionsBelow(d.Result), d.over("median of ", "", mbPerS))
	f := &plotstyle.Figure{Title: "Throughput" + d.by(), Subtitle: wording.Join(conditions, "higher is better")}
	about := []string{"acknowledged keys and values, warm-up left out; MB is 10^6 bytes"}
	cells, some := d.fullSpeed()
	if some {
		f.Title = "Throughput at full speed" + d.byAllBut(d.names.LoadLabel())
		about = append(about, "cells that got a rate are not drawn")
	}
	f.Note = d.note(about...)
	if len(d.Result.Cells) == 0 {
		f.NoData = d.noCells()
		return f
	}
	b := bars{axis: "Acknowledged, MB/s", format: plotstyle.SI}
	if g := d.grid.only(cells); g != nil {
		b.names, f.Legend = g.groups, g.fills()
		for _, row := range g.cells {
			var group []plotstyle.Bar
			for k, cell := range row {
				group = append(group, d.throughputBar(cell, g.colours[k]))
			}
			b.groups = append(b.groups, group)
		}
	} else {
		for _, i := range cells {
			b.names = append(b.names, d.names.Cell(i))
			colour := d.looks[i].colour
			if _, fixed := d.fixedColour(i); !fixed && len(d.Result.Cells) > len(plotstyle.Series) {
				colour = plotstyle.Series[0] // colours that come again would say that cells have something in common
			}
			b.groups = append(b.groups, []plotstyle.Bar{d.throughputBar(i, colour)})
		}
	}
	if b.logarithmic = wide(b.groups); b.logarithmic {
		f.Subtitle = wording.Join(conditions, "logarithmic axis", "higher is better")
	}
	b.draw(f)
	return f
}

// LatencyP99 draws the 99th percentile of produce and end-to-end latency of each cell.
func LatencyP99(d *Data) *plotstyle.Figure {
	f := &plotstyle.Figure{
		Title: "p99 latency" + d.by(),
		Note:  d.note(d.latencyNote(results.Produce)...),
	}
	conditions := wording.Join(wording.ConditionsBelow(d.Result), d.over("", " merged", results.Produce+".p99"))
	f.Subtitle = wording.Join(conditions, "lower is better")
	if len(d.Result.Cells) == 0 {
		f.NoData = d.noCells()
		return f
	}
	latencies := d.latenciesThere()
	if len(latencies) == 0 {
		f.NoData = "no cell has any latency"
		return f
	}
	b := bars{axis: "Latency, 99th percentile", format: plotstyle.Nanoseconds}
	for i, cell := range d.Result.Cells {
		var group []plotstyle.Bar
		for n, latency := range latencies {
			group = append(group, latencyBar(cell, latency, n))
		}
		b.groups = append(b.groups, group)
		b.names = append(b.names, d.names.Cell(i))
	}
	var kinds []plotstyle.Swatch
	for n, latency := range latencies {
		kinds = append(kinds, plotstyle.Swatch{Name: wordsOf[latency].short, Fill: plotstyle.Series[n]})
	}
	f.Legend = [][]plotstyle.Swatch{kinds}
	if b.logarithmic = wide(b.groups); b.logarithmic {
		f.Subtitle = wording.Join(conditions, "logarithmic axis", "lower is better")
	}
	b.draw(f)
	return f
}

// hasP99 says whether there is a bar of any cell: else all of them would say the same. A
// run without any latency has a figure that says why.
func (d *Data) hasP99() bool {
	there := d.latenciesThere()
	return len(there) == 0 || slices.ContainsFunc(d.Result.Cells, func(c results.Cell) bool {
		return slices.ContainsFunc(there, func(latency string) bool { return latencyP99(latency)(&c) > 0 })
	})
}

// latenciesThere are those that some cell has.
func (d *Data) latenciesThere() (there []string) {
	for _, latency := range []string{results.Produce, results.EndToEnd} {
		if slices.ContainsFunc(d.Result.Cells, func(c results.Cell) bool { return c.Latency[latency].Count > 0 }) {
			there = append(there, latency)
		}
	}
	return there
}

// throughputBar is one cell's; cell -1 is a place without a cell.
func (d *Data) throughputBar(cell int, fill color.Color) plotstyle.Bar {
	if cell < 0 {
		return plotstyle.Bar{Absent: true}
	}
	c := d.Result.Cells[cell]
	if len(c.Repeats) == 0 && c.MBPerS == 0 {
		return plotstyle.Bar{Label: noData, Fill: fill}
	}
	b := plotstyle.Bar{Value: c.MBPerS, Label: quantity.Digits(c.MBPerS), Fill: fill}
	bounded(&b, &c, mbPerS, c.Repeats, func(r results.Repeat) float64 { return r.MBPerS })
	return b
}

// latencyBar is the p99 of one latency; its whisker spans the p99 of repeats.
func latencyBar(c results.Cell, latency string, colour int) plotstyle.Bar {
	b := plotstyle.Bar{Fill: plotstyle.Series[colour], Label: noData}
	l := c.Latency[latency]
	if l.Count == 0 {
		return b
	}
	if !l.Supports("p99") {
		b.Label = "too few: " + quantity.Count(l.Count)
		return b
	}
	b.Value, b.Label = float64(l.P99), quantity.Duration(l.P99)
	var repeats []results.Repeat
	for _, r := range c.Repeats {
		if r.Latency[latency].Count > 0 {
			repeats = append(repeats, r)
		}
	}
	bounded(&b, &c, latency+".p99", repeats,
		func(r results.Repeat) float64 { return float64(r.Latency[latency].P99) })
	return b
}

// wideRatio is how far apart bars may be for an axis from 0 to show them all.
const wideRatio = 50

// wide says whether bars need a logarithmic axis.
func wide(groups [][]plotstyle.Bar) bool {
	least, greatest := math.Inf(1), 0.0
	for _, group := range groups {
		for _, b := range group {
			if b.Value > 0 {
				least, greatest = min(least, b.Value), max(greatest, b.Value)
			}
		}
	}
	return greatest > wideRatio*least
}
