package table

import (
	"strings"

	"brokerlab/results"
	"brokerlab/results/quantity"
)

// fittedMark stands at patterns that the model was fitted to.
const fittedMark = " *"

// Probe is a comparison of two disks as text, one that was measured and a model of
// it: a row for each pattern, with the ratio of their rates.
func Probe(c *results.DiskComparison) string {
	g := grid{
		groups:  []string{"", "measured", "measured", "measured", "measured", "simulated", "simulated", "simulated", ""},
		heading: []string{"pattern", "per s", "MB/s", "p50", "p99", "per s", "p50", "p99", "sim/meas"},
	}
	for i := range g.heading {
		g.aligns = append(g.aligns, right)
		if i == 0 {
			g.aligns[i] = left
		}
	}
	real, sim := c.Disks[0], c.Disks[1]
	for i, p := range c.Patterns {
		if i == 0 || p.Group != c.Patterns[i-1].Group {
			g.sections = append(g.sections, section{row: i, words: p.Group})
		}
		name := p.Name
		if p.Fitted {
			name += fittedMark
		}
		a, b := real.Figures[i], sim.Figures[i]
		row := append([]string{name}, probeFigures(a, true)...)
		row = append(row, probeFigures(b, false)...)
		ratio := quantity.None
		if perS(a) > 0 && perS(b) > 0 {
			ratio = quantity.Digits(perS(b) / perS(a))
		}
		g.rows = append(g.rows, append(row, ratio))
	}
	var b strings.Builder
	b.WriteString(real.Name + ", measured, and a model of it, simulated; within a file of " + quantity.Bytes(c.SpanBytes) +
		".\n\n" + g.text() + "\n")
	for _, note := range c.Notes {
		b.WriteString(note + "\n")
	}
	return b.String()
}

// perS is the rate of a pattern: of its syncs, if it has any.
func perS(f results.DiskFigure) float64 {
	if f.Sync.Count > 0 {
		return f.SyncsPerS
	}
	return f.OpsPerS
}

func probeFigures(f results.DiskFigure, withMB bool) []string {
	l := f.Latency
	if f.Sync.Count > 0 {
		l = f.Sync
	}
	all := []string{quantity.Digits(perS(f)), quantity.Digits(f.MBPerS), quantity.Duration(l.P50),
		quantity.Duration(l.P99)}
	if f.Missing != "" {
		all = []string{quantity.None, quantity.None, quantity.None, quantity.None}
	}
	if !withMB {
		return append(all[:1], all[2:]...)
	}
	return all
}
