package chart

import (
	"image/color"
	"math"
	"slices"

	"brokerlab/report/plotstyle"
	"brokerlab/report/wording"
	"brokerlab/results"
)

// noData labels the place of a bar.
const noData = "no data"

// whiskers says what they are, after the number of runs.
const whiskers = ", whiskers from least to greatest"

// Throughput draws the acknowledged rate of each cell. When two settings vary,
// one makes groups and the other, the codec if it is one, colours.
func Throughput(d *Data) *plotstyle.Figure {
	f := &plotstyle.Figure{
		Title: "Throughput" + d.by(),
		Subtitle: wording.Join(wording.Conditions(d.Result), wording.Repeats(d.Result, "median of ", whiskers),
			"higher is better"),
		Note: d.note("acknowledged keys and values, warm-up left out; MB is 10^6 bytes"),
	}
	if len(d.Result.Cells) == 0 {
		f.NoData = d.noCells()
		return f
	}
	b := bars{axis: "Acknowledged, MB/s", format: plotstyle.SI}
	if g := d.grid; g != nil {
		b.names, f.Legend = g.groups, g.fills()
		for _, row := range g.cells {
			var group []plotstyle.Bar
			for k, cell := range row {
				group = append(group, d.throughputBar(cell, g.colours[k]))
			}
			b.groups = append(b.groups, group)
		}
	} else {
		for i := range d.Result.Cells {
			b.names = append(b.names, d.names.Cell(i))
			b.groups = append(b.groups, []plotstyle.Bar{d.throughputBar(i, d.looks[i].colour)})
		}
	}
	b.draw(f)
	return f
}

// LatencyP99 draws the 99th percentile of produce and end-to-end latency of each cell.
func LatencyP99(d *Data) *plotstyle.Figure {
	f := &plotstyle.Figure{
		Title: "p99 latency" + d.by(),
		Note:  d.note(d.latencyNote()...),
	}
	conditions := wording.Join(wording.Conditions(d.Result), wording.Repeats(d.Result, "", " merged"+whiskers))
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
	low, high := results.Range(c.Repeats, func(r results.Repeat) float64 { return r.MBPerS })
	return plotstyle.Bar{Value: c.MBPerS, Low: low, High: high, Label: wording.Digits(c.MBPerS), Fill: fill}
}

// latencyBar is the p99 of one latency; its whisker spans the p99 of repeats.
func latencyBar(c results.Cell, latency string, colour int) plotstyle.Bar {
	b := plotstyle.Bar{Fill: plotstyle.Series[colour], Label: noData}
	l := c.Latency[latency]
	if l.Count == 0 {
		return b
	}
	b.Value, b.Label = float64(l.P99), wording.Duration(l.P99)
	if l.Count < 100*samplesAbove {
		b.Label += " (n=" + wording.Count(l.Count) + ")"
	}
	var repeats []results.Repeat
	for _, r := range c.Repeats {
		if r.Latency[latency].Count > 0 {
			repeats = append(repeats, r)
		}
	}
	b.Low, b.High = results.Range(repeats, func(r results.Repeat) float64 { return float64(r.Latency[latency].P99) })
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
