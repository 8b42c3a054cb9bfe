package table

import (
	"strings"

	"brokerlab/report/wording"
	"brokerlab/results"
	"brokerlab/results/quantity"
)

// Disks is a comparison as text: a row for each disk, a column for each pattern, and
// lines on how to read it.
func Disks(c *results.DiskComparison) string {
	g := grid{groups: []string{""}, heading: []string{"disk"}, aligns: []align{left}}
	targets := map[string]bool{}
	for _, d := range c.Disks {
		targets[d.Target] = true
	}
	mixed := len(targets) > 1
	if mixed {
		g.groups, g.heading, g.aligns = append(g.groups, ""), append(g.heading, "target"), append(g.aligns, left)
	}
	for _, p := range c.Patterns {
		g.groups = append(g.groups, p.Group+", "+string(p.Metric))
		g.heading = append(g.heading, p.Short)
		g.aligns = append(g.aligns, right)
	}
	for _, d := range c.Disks {
		row := []string{d.Name}
		if mixed {
			row = append(row, wording.DiskTarget(d))
		}
		for i, p := range c.Patterns {
			row = append(row, diskValue(d.Figures[i], p.Metric))
		}
		g.rows = append(g.rows, row)
	}
	if len(c.Disks) == 0 {
		return "No disk was compared.\n"
	}
	var b strings.Builder
	conditions := strings.ReplaceAll(wording.DiskConditions(c), " \u00b7 ", ", ")
	b.WriteString("Figures: " + conditions + ".\n\n" + g.text() + "\n")
	for _, note := range c.Notes {
		b.WriteString(note + "\n")
	}
	return b.String()
}

// diskValue is the figure that a pattern's metric names.
func diskValue(f results.DiskFigure, m results.DiskMetric) string {
	switch {
	case f.Missing != "" || f.Value(m) == 0:
		return quantity.None
	case m == results.MetricSyncP50:
		return quantity.Duration(f.Sync.P50)
	}
	return quantity.Digits(f.Value(m))
}
