package wording

import (
	"slices"
	"strings"

	"brokerlab/results"
	"brokerlab/results/quantity"
	"brokerlab/results/selfcheck"
)

// Caution is one finding of the self-check, with the cells that it is about.
type Caution struct {
	results.Finding
	Cells []int // indices in Result.Cells
	// Alike says that the message is that of the first cell, and that others have figures
	// of their own.
	Alike bool
}

// Cautions are the findings of all cells, those that make them untrusted first; one kind
// of several cells is told once.
func Cautions(r *results.Result) (all []Caution) {
	for i := range r.Cells {
		for _, f := range r.Cells[i].Trust {
			at := slices.IndexFunc(all, func(c Caution) bool {
				return c.Check == f.Check && c.Untrusted == f.Untrusted && kind(c.Message) == kind(f.Message)
			})
			if at < 0 {
				at = len(all)
				all = append(all, Caution{Finding: f})
			}
			all[at].Alike = all[at].Alike || all[at].Message != f.Message
			if !slices.Contains(all[at].Cells, i) {
				all[at].Cells = append(all[at].Cells, i)
			}
		}
	}
	slices.SortStableFunc(all, func(a, b Caution) int { return b.weight() - a.weight() })
	return all
}

// kind is what a message says before its first figure: what follows differs from cell to
// cell.
func kind(message string) string {
	if at := strings.IndexAny(message, "0123456789"); at >= 0 {
		return message[:at]
	}
	return message
}

// Words are the cells that a caution is about, where there are several, and its message.
func (c *Caution) Words(n *Names) string {
	words := strings.TrimSuffix(c.Message, ".")
	if c.Alike {
		words += " (of " + n.Cell(c.Cells[0]) + "; the others are alike)"
	}
	if len(n.result.Cells) > 1 {
		words = n.Some(c.Cells) + ": " + words
	}
	return words
}

func (c *Caution) weight() int {
	if c.Untrusted {
		return 1
	}
	return 0
}

// Of the lines of CautionLines: how many cells one names, and how many there are.
const (
	cautionCells = 3
	cautionLines = 8
)

// Untrusted says whether a cell's figures are not to be used.
func Untrusted(c results.Cell) bool {
	return slices.ContainsFunc(c.Trust, func(f results.Finding) bool { return f.Untrusted })
}

// CautionLines are the findings as lines below a table: "NOT TO BE TRUSTED: gzip: ...",
// "With care: all cells: ...". What the notes of a table say of samples and repeats is
// left out.
func CautionLines(r *results.Result) (lines []string) {
	n := NamesOf(r)
	left := 0
	for _, c := range Cautions(r) {
		if c.Check == selfcheck.Samples || c.Check == selfcheck.Repeats {
			continue
		}
		if len(lines) == cautionLines {
			left++
			continue
		}
		words := "With care: "
		if c.Untrusted {
			words = "NOT TO BE TRUSTED: "
		}
		lines = append(lines, words+c.Words(n)+".")
	}
	if left > 0 {
		lines = append(lines, quantity.Plural(int64(left), "more finding")+": see trust in "+results.ResultFile+".")
	}
	return lines
}

// Some names a few cells, or counts many.
func (n *Names) Some(cells []int) string {
	switch {
	case len(cells) == len(n.result.Cells):
		return "all cells"
	case len(cells) > cautionCells:
		return quantity.Count(int64(len(cells))) + " of " + quantity.Plural(int64(len(n.result.Cells)), "cell")
	}
	names := make([]string, len(cells))
	for i, cell := range cells {
		names[i] = n.Cell(cell)
	}
	return strings.Join(names, "; ")
}

// PlusMinus is how far the farther end of a figure's interval of 95 % is from it, "+-4 %";
// nothing where there is none, or one of less confidence.
func PlusMinus(c results.Cell, figure string, value float64) string {
	b, ok := c.Intervals[figure]
	if !ok || b.Confidence < confidenceShown || !(value > 0) {
		return ""
	}
	return "\u00b1" + quantity.Percent(max(b.High/value-1, 1-b.Low/value))
}

// confidenceShown is what an interval needs to be shown.
const confidenceShown = 0.95

// IntervalNote explains what PlusMinus shows of a result, or how to get it.
func IntervalNote(r *results.Result) string {
	var repeats, seconds, ran bool
	for i := range r.Cells {
		ran = ran || len(r.Cells[i].Repeats) > 0
		for _, b := range r.Cells[i].Intervals {
			repeats = repeats || b.Confidence >= confidenceShown && b.Over == results.OverRepeats
			seconds = seconds || b.Confidence >= confidenceShown && b.Over == results.OverSeconds
		}
	}
	const more = "; --repeat 6 shows by how much others differ."
	switch {
	case repeats:
		return "\u00b1 is the interval of 95 % of a median over runs, its farther end."
	case seconds:
		return "\u00b1 is the interval of 95 % of a longer run like this one, from its seconds" + more
	case ran:
		return "There are no intervals: --repeat 6 gives those of 95 %."
	}
	return ""
}
