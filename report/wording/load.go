package wording

import (
	"strconv"
	"strings"

	"brokerlab/results"
	"brokerlab/results/quantity"
)

// SaturationMark follows the load of a cell at full speed where others are not;
// a note says what it means.
const SaturationMark = "*"

// load is what makes the load of two cells the same.
type load struct {
	kind, arrival string
	offered       float64
	saturate      bool
	searched      bool
}

func loadOf(c results.Cell) load {
	l := load{c.Load, c.Arrival, c.OfferedPerS, c.AtSaturation, c.Searched}
	if c.Searched { // whatever was found
		l.offered = 0
	}
	return l
}

// Load is a cell's load beside other loads: "20,000/s", "20,000/s as bursts", "max*", or
// "20,000/s found".
func Load(c results.Cell) string {
	words := "max"
	switch {
	case c.Searched && c.OfferedPerS == 0:
		words = "sustainable"
	case c.Searched:
		words = offeredWords(c) + " found"
	case c.OfferedPerS > 0:
		words = offeredWords(c)
	}
	return words + mark(c)
}

// offeredWords are the rate of an open loop, and how its records come due unless they
// come at one rate: the rate is the mean then.
func offeredWords(c results.Cell) string {
	words := quantity.Digits(c.OfferedPerS) + "/s"
	if process, ok := arrivals[c.Arrival]; ok {
		words += " " + process.short
	}
	return words
}

// arrivals are the processes by which records come due, but for a constant rate.
var arrivals = map[string]struct{ short, long string }{
	"poisson": {"Poisson", "offered on average, as a Poisson process"},
	"steps":   {"in steps", "offered on average, in steps"},
	"ramp":    {"as a ramp", "offered on average, as a ramp"},
	"bursts":  {"in bursts", "offered on average, in bursts"},
	"replay":  {"as recorded", "offered on average, as a recorded curve has it"},
}

// Search says how rates came about that were looked for, if any were: what a reader of
// rates and latencies must know of it.
func Search(r *results.Result) string {
	searched, unsettled, missed := 0, 0, 0
	for _, c := range r.Cells {
		if !c.Searched {
			continue
		}
		searched++
		for _, one := range c.Repeats {
			if s := one.Search; s != nil && !s.Settled {
				unsettled++
			}
			if s := one.Search; s != nil && !s.Held {
				missed++
			}
		}
	}
	if searched == 0 {
		return ""
	}
	words := "The rate was looked for in the warm-up (load.rate sustainable), up while all records came " +
		"through, else down; " +
		"the highest one that held was then held, and the figures are of that. Latencies of the warm-up are of changing " +
		"rates, and those of cells that found different rates are not of one load."
	if unsettled > 0 {
		words += " In " + quantity.Plural(int64(unsettled), "run") + " the warm-up ended before the search had settled."
	}
	if missed > 0 {
		words += " In " + quantity.Plural(int64(missed), "run") + " the rate that was found was not kept up with for the " +
			"whole load: " +
			"the sustainable one is lower."
	}
	return words
}

// Stalls says what became of records that came due while a producer was stalled, as
// far as there were any or the scenario chose it.
func Stalls(r *results.Result) (notes []string) {
	var unsent int64
	caught := false
	for _, c := range r.Cells {
		unsent += c.Unsent
		caught = caught || c.CatchUp
	}
	if caught {
		notes = append(notes, "With load.catch-up, records that came due while a producer was stalled are sent after it: "+
			"their latency has the delay in it.")
	}
	if unsent > 0 {
		notes = append(notes, "Unsent records came due while a producer was stalled and were given up: percentiles leave "+
			"them out.")
	}
	return notes
}

func mark(c results.Cell) string {
	if c.AtSaturation {
		return SaturationMark
	}
	return ""
}

// CommonLoad is the load of all cells, or nothing when it varies: "full speed",
// "5,000 records/s offered".
func CommonLoad(r *results.Result) string {
	if len(r.Cells) == 0 || LoadVaries(r) {
		return ""
	}
	switch first := r.Cells[0]; {
	case first.Searched && len(r.Cells) == 1 && first.OfferedPerS > 0:
		return "the highest rate that was kept up with, looked for: " + offeredWords(first)
	case first.Searched:
		return "the highest rate that each kept up with, looked for"
	case first.OfferedPerS > 0:
		words := quantity.Digits(first.OfferedPerS) + " records/s "
		if process, ok := arrivals[first.Arrival]; ok {
			return words + process.long
		}
		return words + "offered"
	case first.Load == results.LoadClosed:
		return "full speed"
	}
	return ""
}

// LoadVaries says whether cells have different loads.
func LoadVaries(r *results.Result) bool {
	for _, cell := range r.Cells {
		if loadOf(cell) != loadOf(r.Cells[0]) {
			return true
		}
	}
	return false
}

// LoadLabel is the varied label that a varying load follows from, or nothing.
func (n *Names) LoadLabel() string {
	if !LoadVaries(n.result) {
		return ""
	}
	for _, name := range n.Varied {
		if name != Disk && n.decidesLoad(name) {
			return name
		}
	}
	return ""
}

func (n *Names) decidesLoad(name string) bool {
	of := map[string]load{}
	for _, cell := range n.result.Cells {
		value := cell.Labels[name]
		if l, ok := of[value]; ok && l != loadOf(cell) {
			return false
		}
		of[value] = loadOf(cell)
	}
	return true
}

// LoadValue is a cell's value of the label that its load follows from, with what
// a value of the scenario's own naming does not tell: "full speed*", "open loop,
// 5,000/s".
func (n *Names) LoadValue(cell int, name string) string {
	c := n.result.Cells[cell]
	words := n.Value(cell, name)
	switch {
	case c.Searched && c.OfferedPerS > 0:
		words += ", " + offeredWords(c) + " found"
	case c.OfferedPerS > 0 && n.chosen(cell, name):
		words += ", " + offeredWords(c)
	}
	return words + mark(c)
}

// Saturation says which cells' latency was measured at full speed: none, all, or
// what they have in common, or their names.
func Saturation(r *results.Result) string {
	n := NamesOf(r)
	label := n.LoadLabel()
	var saturated []string
	cells, seen := 0, map[string]bool{}
	for i, cell := range r.Cells {
		if !cell.AtSaturation {
			continue
		}
		cells++
		name := n.Bare(i)
		if label != "" {
			name = n.Named(i, label)
		}
		if !seen[name] {
			saturated = append(saturated, name)
		}
		seen[name] = true
	}
	switch {
	case cells == 0:
		return ""
	case cells == len(r.Cells):
		return "at saturation: a lower rate has another latency"
	case len(saturated) > saturatedListed:
		return "at saturation (a lower rate has another latency): " + strconv.Itoa(cells) + " of " +
			strconv.Itoa(len(r.Cells)) + " cells"
	}
	return "at saturation (a lower rate has another latency): " + strings.Join(saturated, "; ")
}

// saturatedListed is how many names a note has.
const saturatedListed = 4
