package table

import (
	"slices"

	"brokerlab/report/wording"
	"brokerlab/results"
	"brokerlab/results/quantity"
)

// Extra is a table beside that of all cells.
type Extra struct {
	Title string // a sentence
	grid  grid
}

// Heading is its heading, in which each name has the first word of its group before it.
func (e *Extra) Heading() []string { return e.grid.flatHeading() }

// Rows are its rows.
func (e *Extra) Rows() [][]string { return e.grid.rows }

// Extras are the tables of groups and of phases, where a result has what is worth one.
func Extras(r *results.Result) (all []Extra) {
	if slices.ContainsFunc(r.Cells, func(c results.Cell) bool { return len(c.Groups) > 0 }) {
		all = append(all, Extra{Title: "Groups: latency is that of produce for producers, and end to end for consumers; " +
			"of a backlog it is the records' age.", grid: groups(r)})
	}
	if slices.ContainsFunc(r.Cells, phased) {
		all = append(all, Extra{Title: "Phases, in seconds since the load began.", grid: phases(r)})
	}
	return all
}

// phased says whether a cell has a phase besides those of every load, or a warm-up at a
// rate of its own.
func phased(c results.Cell) bool {
	reads := slices.ContainsFunc(c.Phases, func(p results.Phase) bool { return p.Name == results.PhaseRead })
	rate, ok := c.Config["load.warmup.rate"]
	return reads || ok && rate != "same" && len(c.Phases) > 0
}

// cellColumns are the columns that tell the cells of a table with several rows for each.
func cellColumns(r *results.Result) (heading []string, row func(cell int) []string) {
	names := wording.NamesOf(r)
	if len(r.Cells) < 2 {
		return nil, func(int) []string { return nil }
	}
	return []string{"cell"}, func(cell int) []string { return []string{names.Cell(cell)} }
}

// latencyHeading are the figures of latencyRow.
var latencyHeading = []string{"p50", "p99", "p99.9", "max"}

// latencyRow is a latency, of which percentiles without samples enough are left out.
func latencyRow(l results.Latency) []string {
	out := make([]string, len(produceFigures))
	for i, f := range produceFigures {
		name := []string{"p50", "p99", "p999", ""}[i]
		out[i] = quantity.None
		if l.Count > 0 && (name == "" || l.Supports(name)) {
			out[i] = quantity.Duration(f.value(l))
		}
	}
	return out
}

// latencyOf is the latency of clients of a kind.
func latencyOf(kind string, of map[string]results.Latency) results.Latency {
	if kind == results.GroupConsumers {
		return of[results.EndToEnd]
	}
	return of[results.Produce]
}

// aligned makes a grid of a table whose first columns are words.
func aligned(heading []string, words int, latencyAt int, rows [][]string) grid {
	g := grid{heading: heading, rows: rows}
	for i := range heading {
		side, group := right, ""
		if i < words {
			side = left
		}
		if i >= latencyAt && i < latencyAt+len(latencyHeading) {
			group = "latency"
		}
		g.aligns, g.groups = append(g.aligns, side), append(g.groups, group)
	}
	return g
}

// groups has a row for each group of each cell.
func groups(r *results.Result) grid {
	cells, cell := cellColumns(r)
	unread := slices.ContainsFunc(r.Cells, func(c results.Cell) bool {
		return slices.ContainsFunc(c.Groups, func(g results.Group) bool { return g.Unread+g.Skipped > 0 })
	})
	heading := slices.Concat(cells, []string{"group", "of", "clients", "load", "records/s", "MB/s"}, latencyHeading,
		[]string{"records"})
	if unread {
		heading = append(heading, "not read")
	}
	var rows [][]string
	for i := range r.Cells {
		for j := range r.Cells[i].Groups {
			g := &r.Cells[i].Groups[j]
			rate, records := g.RecordsPerS, g.Acked
			if g.Kind == results.GroupConsumers {
				rate, records = g.ConsumedPerS, g.Consumed
			}
			row := slices.Concat(cell(i), []string{g.Name, g.Kind, quantity.Count(int64(g.Clients)), groupLoad(g),
				quantity.Digits(rate), quantity.Digits(g.MBPerS)}, latencyRow(latencyOf(g.Kind, g.Latency)),
				[]string{quantity.Count(records)})
			if unread {
				row = append(row, notRead(g))
			}
			rows = append(rows, row)
		}
	}
	words := len(cells) + 2
	g := aligned(heading, words, words+4, rows)
	g.aligns[words+1] = left // of the load
	return g
}

// groupLoad is how a group's records come due, or how its consumers read.
func groupLoad(g *results.Group) string {
	switch {
	case g.Kind == results.GroupConsumers:
		return g.Read
	case g.OfferedPerS > 0:
		return quantity.Digits(g.OfferedPerS) + "/s"
	}
	return "full speed"
}

// notRead is what consumers had left when they gave up, and what was deleted before.
func notRead(g *results.Group) string {
	switch {
	case g.Kind != results.GroupConsumers:
		return quantity.None
	case g.Skipped > 0:
		return quantity.Count(g.Unread) + ", deleted " + quantity.Count(g.Skipped)
	}
	return quantity.Count(g.Unread)
}

// phaseWords are the names of phases.
var phaseWords = map[string]string{results.PhaseWarmup: "warm-up", results.PhaseLoad: "load",
	results.PhaseRead: "reading", results.PhaseDrain: "drain"}

// phases has a row for each phase of each cell, or for each group in it.
func phases(r *results.Result) grid {
	cells, cell := cellColumns(r)
	heading := slices.Concat(cells, []string{"phase", "seconds", "clients", "records/s", "MB/s"}, latencyHeading,
		[]string{"disk busy", "disk reads", "cache hits"})
	var rows [][]string
	for i := range r.Cells {
		for j := range r.Cells[i].Phases {
			p := &r.Cells[i].Phases[j]
			first := slices.Concat(cell(i), []string{phaseWords[p.Name],
				quantity.Digits(p.StartS) + " to " + quantity.Digits(p.EndS)})
			blank := make([]string, len(first))
			for k, of := range whoIn(p) {
				lead, usage := first, phaseUsage(p)
				if k > 0 {
					lead, usage = blank, []string{"", "", ""}
				}
				rate, mb := of.RecordsPerS, of.MBPerS
				if of.Kind == results.GroupConsumers {
					rate, mb = of.ConsumedPerS, of.ConsumedMBPerS
				}
				figures := []string{quantity.Digits(rate), quantity.Digits(mb)}
				if p.Name == results.PhaseDrain || rate == 0 && mb == 0 {
					figures = []string{quantity.None, quantity.None}
				}
				rows = append(rows, slices.Concat(lead, []string{of.Name}, figures,
					latencyRow(latencyOf(of.Kind, of.Latency)), usage))
			}
		}
	}
	words := len(cells) + 3
	return aligned(heading, words, words+2, rows)
}

// whoIn are the groups of a phase, and all clients of a kind that has no groups.
func whoIn(p *results.Phase) (all []results.PhaseGroup) {
	for _, kind := range []string{results.GroupProducers, results.GroupConsumers} {
		var own []results.PhaseGroup
		for _, g := range p.Groups {
			if g.Kind == kind && p.Name != results.PhaseDrain {
				own = append(own, g)
			}
		}
		if len(own) == 0 {
			own = []results.PhaseGroup{{Name: kind, Kind: kind, PhaseFigures: p.PhaseFigures}}
		}
		all = append(all, own...)
	}
	if p.Name == results.PhaseDrain {
		return []results.PhaseGroup{{Name: "all"}}
	}
	return all
}

// phaseUsage is what disks and page caches did in a phase.
func phaseUsage(p *results.Phase) []string {
	busy, reads, hits := quantity.None, quantity.None, quantity.None
	if p.Disk != nil {
		busy = quantity.Percent(p.Disk.Busy)
		if length := p.EndS - p.StartS; length > 0 {
			reads = quantity.Digits(float64(p.Disk.BytesRead)/1e6/length) + " MB/s"
		}
	}
	if p.PageCache != nil && p.PageCache.HitRatio != nil {
		hits = quantity.Percent(*p.PageCache.HitRatio)
	}
	return []string{busy, reads, hits}
}
