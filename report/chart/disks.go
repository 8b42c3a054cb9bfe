package chart

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"

	"brokerlab/report/plotstyle"
	"brokerlab/report/wording"
	"brokerlab/results"
)

// Sizes of figures of disks, in points.
const (
	diskRow     = vg.Length(17)
	diskAxis    = vg.Length(22)
	diskNamedBy = vg.Length(200) // the widest name
)

// Disks draws what disks did in the same patterns: a panel for each group of
// patterns, a row for each disk, on logarithmic axes.
func Disks(c *results.DiskComparison) *plotstyle.Figure {
	f := &plotstyle.Figure{
		Title:    "Disks compared" + onlySimulated(c),
		Subtitle: wording.Join(wording.DiskConditions(c), "each disk alone", "logarithmic axes"),
		Note:     wording.Join("seed "+strconv.FormatUint(c.Seed, 10), "MB is 10^6 bytes"),
	}
	if len(c.Disks) == 0 || len(c.Patterns) == 0 {
		f.NoData = "no disk was compared"
		return f
	}
	for from := 0; from < len(c.Patterns); {
		to := from + 1
		for to < len(c.Patterns) && c.Patterns[to].Group == c.Patterns[from].Group {
			to++
		}
		f.Panels = append(f.Panels, diskPanel(c, from, to))
		from = to
	}
	return f
}

// onlySimulated says so for a title if all disks are.
func onlySimulated(c *results.DiskComparison) string {
	for _, d := range c.Disks {
		if d.Target != results.TargetSim {
			return ""
		}
	}
	return " (simulated)"
}

// diskPanel draws the patterns from one to another.
func diskPanel(c *results.DiskComparison, from, to int) plotstyle.Panel {
	first := c.Patterns[from]
	p := plotstyle.Panel{Title: panelTitle(first), Height: diskRow*vg.Length(len(c.Disks)) + diskAxis}
	marks := diskMarks(c.Patterns[from:to])
	for i := range marks {
		p.Legend = append(p.Legend,
			plotstyle.Swatch{Name: c.Patterns[from+i].Name, Mark: marks[i].Shape, Fill: marks[i].Fill})
	}
	least, greatest := math.Inf(1), 0.0
	var rows plotstyle.DotRows
	for _, d := range c.Disks {
		row := make([]plotstyle.Mark, len(marks))
		for i := range marks {
			row[i] = marks[i]
			figure := d.Figures[from+i]
			row[i].Value = figure.Value(first.Metric)
			if first.Metric == results.MetricSyncP50 && figure.Missing == "" {
				row[i].High = float64(figure.Sync.P99)
			}
			if row[i].Value > 0 {
				least, greatest = min(least, row[i].Value), max(greatest, row[i].Value, row[i].High)
			}
		}
		rows.Rows = append(rows.Rows, row)
	}
	if greatest == 0 {
		p.NoData = "no disk has a figure here"
		return p
	}
	p.Plot = diskPlot(c, rows)
	format := plotstyle.SI
	if first.Metric == results.MetricSyncP50 {
		format = plotstyle.Nanoseconds
	}
	p.Plot.X.Min, p.Plot.X.Max = plotstyle.LogBounds(least*0.9, greatest*1.1)
	p.Plot.X.Scale = plot.LogScale{}
	p.Plot.X.Tick.Marker = labelled{plotstyle.Log{Format: format}}
	return p
}

func panelTitle(p results.DiskPattern) string {
	title := strings.ToUpper(p.Group[:1]) + p.Group[1:]
	if p.Metric == results.MetricSyncP50 {
		return title + ", p50 and line to p99"
	}
	return title + ", " + string(p.Metric)
}

// diskMarks are how the patterns of a group look: a colour for each kind of
// operation, and the second of one kind hollow.
func diskMarks(group []results.DiskPattern) []plotstyle.Mark {
	marks := make([]plotstyle.Mark, len(group))
	var kinds []string
	for i, p := range group {
		kind, _, _ := strings.Cut(p.Short, " ")
		at := slices.Index(kinds, kind)
		marks[i].Shape = plotstyle.Marks.Hollow
		if at < 0 {
			marks[i].Shape = plotstyle.Marks.Full
			at = len(kinds)
			kinds = append(kinds, kind)
		}
		marks[i].Fill = plotstyle.Series[at%len(plotstyle.Series)]
	}
	return marks
}

// diskPlot is the rows with the names of the disks.
func diskPlot(c *results.DiskComparison, rows plotstyle.DotRows) *plot.Plot {
	p := plotstyle.NewPlot()
	p.Add(plotstyle.BothGrids(), rows)
	names := make([]string, len(c.Disks))
	for n, d := range c.Disks {
		names[n] = d.Name
		if onlySimulated(c) == "" {
			names[n] += " (" + wording.DiskTarget(d) + ")"
		}
	}
	var ticks plot.ConstantTicks
	for n, name := range plotstyle.ShortenTicks(names, diskNamedBy) {
		ticks = append(ticks, plot.Tick{Value: float64(len(c.Disks) - 1 - n), Label: name})
	}
	p.Y.Tick.Marker = ticks
	p.Y.Min, p.Y.Max = -0.6, float64(len(c.Disks))-0.4
	return p
}
