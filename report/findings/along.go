package findings

import (
	"fmt"
	"math"
	"slices"

	"brokerlab/report/wording"
	"brokerlab/results/quantity"
	"brokerlab/results/stats"
)

// along says of each varied setting what changes from its first value to its last,
// all else equal. What was told of the best and the worst is left out: all that there is
// of a lot with one part, and of each part the setting that varies in it.
func (f *finder) along() {
	for _, label := range f.names.Varied {
		for _, lot := range f.linesOf(label) {
			f.alongOne(label, f.first(lot[0][0]), lot)
		}
	}
}

// linesOf are the first and the last cell along a label, a pair for each setting of all
// else; those of one target and load are together. The label from which their load
// follows has pairs of different loads.
func (f *finder) linesOf(label string) (lots [][][2]int) {
	sound := f.sound()
	byLoad := label == f.names.LoadLabel()
	for _, lot := range split(sound, func(i int) string {
		c := &f.r.Cells[i]
		if byLoad {
			return c.Target + "\x00" + c.Load
		}
		return fmt.Sprintf("%s\x00%s\x00%v\x00%v\x00%s", c.Target, c.Load, givenRate(c), c.Searched, c.Arrival)
	}) {
		var ends [][2]int
		for _, line := range split(lot, func(i int) string { return f.allBut(label, i) }) {
			first, last := line[0], line[len(line)-1]
			if f.r.Cells[first].Labels[label] != f.r.Cells[last].Labels[label] {
				ends = append(ends, [2]int{first, last})
			}
		}
		if len(ends) > 0 {
			lots = append(lots, ends)
		}
	}
	return lots
}

// alongOne is one setting and one figure.
func (f *finder) alongOne(label string, fig figure, lines [][2]int) {
	var all []difference
	var ps []float64
	for _, ends := range lines {
		if len(f.having(ends[:], fig)) == 2 {
			d := f.compare(fig, ends[0], ends[1])
			all, ps = append(all, d), append(ps, d.p)
		}
	}
	if len(all) == 0 || !f.sameEnds(label, all) ||
		!slices.ContainsFunc(all, func(d difference) bool { return !f.toldAsEnds(fig, d) }) {
		return
	}
	shown := 0
	var about []int
	for i, p := range stats.Holm(ps) {
		about = append(about, all[i].a, all[i].b)
		shown += count(p < stats.Alpha)
	}
	text := "with " + f.setting(all[0].b, label)
	if label == wording.Disk {
		text = "on " + f.names.Value(all[0].b, label)
	}
	text += " instead of " + f.names.Value(all[0].a, label) + ", all else equal, " + fig.name + " is "
	same := shown == 0 && widest(all) < alike
	if same {
		text += "the same" + within(widest(all))
	} else {
		text += spread(all)
	}
	text += inComparisons(len(all))
	switch {
	case shown == 1 && len(all) == 1:
		text += all[0].intervalWords()
	case shown > 0 && shown < len(all):
		text += fmt.Sprintf(" (shown in %d)", shown)
	}
	slices.Sort(about)
	s := Sentence{Kind: Along, Text: put(f.where(about), text+"."), About: slices.Compact(about),
		Shown: shown > 0 || same}
	if !s.Shown && slices.ContainsFunc(all, func(d difference) bool { return !d.enough(len(all)) }) {
		s.Runs = runsNeeded(len(all))
		s.Longer = slices.ContainsFunc(all, func(d difference) bool { return d.runs == 0 })
	}
	f.out = append(f.out, s)
}

// toldAsEnds says whether a comparison is the one between the best and the worst cell
// of a part, one of two cells, or against the first.
func (f *finder) toldAsEnds(fig figure, d difference) bool {
	for _, lot := range f.peers() {
		parts := f.parts(lot)
		for _, part := range parts {
			if !slices.Contains(part, d.a) || !slices.Contains(part, d.b) {
				continue
			}
			if len(part) == 2 || len(parts) == 1 && againstTold(part) {
				return true
			}
			low, high, _ := f.ends(part, fig)
			return low == d.a && high == d.b || low == d.b && high == d.a
		}
	}
	return false
}

// sameEnds says whether all comparisons are of the same two values of a label, so
// that one sentence can be about them. Choices in words have no first and last.
func (f *finder) sameEnds(label string, all []difference) bool {
	a, b := f.r.Cells[all[0].a].Labels[label], f.r.Cells[all[0].b].Labels[label]
	for i := range all {
		if f.r.Cells[all[i].a].Labels[label] != a || f.r.Cells[all[i].b].Labels[label] != b {
			return false
		}
	}
	var values []string
	for i := range f.r.Cells {
		if v := f.r.Cells[i].Labels[label]; !slices.Contains(values, v) {
			values = append(values, v)
		}
	}
	words := func(v string) bool { return !(v == acksAll || v != "" && v[0] >= '0' && v[0] <= '9') }
	return len(values) == 2 || !slices.ContainsFunc(values, words)
}

// acksAll is the one word that has a place among figures: behind 0 and 1.
const acksAll = "all"

// widest is the ratio that is the farthest from 1, told as one above it.
func widest(all []difference) float64 {
	most := 1.0
	for i := range all {
		most = max(most, all[i].ratio, 1/all[i].ratio)
	}
	return most
}

// spread is between what several differences lie.
func spread(all []difference) string {
	least, most := math.Inf(1), 0.0
	for i := range all {
		least, most = min(least, all[i].ratio), max(most, all[i].ratio)
	}
	if most < 1 {
		least, most = most, least // the smaller change first
	}
	from, to := changeWords(least), changeWords(most)
	if from == to {
		return from
	}
	return "between " + from + " and " + to
}

// inComparisons says of how many comparisons something holds, if there are several.
func inComparisons(n int) string {
	switch n {
	case 1:
		return ""
	case 2:
		return " in both comparisons"
	}
	return fmt.Sprintf(" in all %d comparisons", n)
}

// tenfold is the ratio from which less is told as a factor, of which percent say little.
const tenfold = 10

// changeWords are a ratio as a change: "2.40 times as high", "12 % higher", "11 %
// lower", "lower by a factor of 24.0".
func changeWords(ratio float64) string {
	switch {
	case ratio >= doubled:
		return quantity.Digits(ratio) + " times as high"
	case ratio == 1:
		return "the same"
	case ratio > 1:
		return quantity.Percent(ratio-1) + " higher"
	case ratio*tenfold <= 1:
		return "lower by a factor of " + quantity.Digits(1/ratio)
	}
	return quantity.Percent(1-ratio) + " lower"
}

func count(yes bool) int {
	if yes {
		return 1
	}
	return 0
}
