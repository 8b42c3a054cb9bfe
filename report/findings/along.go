package findings

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"brokerlab/report/wording"
	"brokerlab/results"
	"brokerlab/results/stats"
)

// along says of each varied setting what changes from its first value to its last,
// all else equal. A setting that varies alone is left out where the best and the worst
// cell are its ends: they were told.
func (f *finder) along() {
	for _, label := range f.names.Varied {
		lines := f.lines(label)
		for _, fig := range []figure{throughput(f.r), p99(results.Produce, "produce")} {
			for _, target := range f.targets() {
				of := slices.DeleteFunc(slices.Clone(lines), func(ends [2]int) bool { return f.r.Cells[ends[0]].Target != target })
				f.alongOne(label, fig, of)
			}
		}
	}
}

// targets are those of the cells that ran.
func (f *finder) targets() (all []string) {
	for _, i := range f.ran() {
		if t := f.r.Cells[i].Target; !slices.Contains(all, t) {
			all = append(all, t)
		}
	}
	return all
}

// lines are the first and the last cell along a label, one pair for each setting of
// all else. Both ran, were measured alike, and have one load unless the label is what
// their load follows from.
func (f *finder) lines(label string) (ends [][2]int) {
	var keys []string
	var lines [][]int
	for _, i := range f.ran() {
		c := &f.r.Cells[i]
		key := c.Target + "\x00" + c.Load
		if label != f.names.LoadLabel() {
			key += fmt.Sprintf("\x00%v\x00%s", c.OfferedPerS, c.Arrival)
		}
		for _, other := range f.names.Varied {
			if other != label {
				key += "\x00" + c.Labels[other]
			}
		}
		at := slices.Index(keys, key)
		if at < 0 {
			keys, lines = append(keys, key), append(lines, nil)
			at = len(keys) - 1
		}
		lines[at] = append(lines[at], i)
	}
	for _, line := range lines {
		if first, last := line[0], line[len(line)-1]; f.r.Cells[first].Labels[label] != f.r.Cells[last].Labels[label] {
			ends = append(ends, [2]int{first, last})
		}
	}
	return ends
}

// alongOne is one setting and one figure.
func (f *finder) alongOne(label string, fig figure, lines [][2]int) {
	var all []difference
	var ps []float64
	for _, ends := range lines {
		open := f.r.Cells[ends[0]].OfferedPerS > 0
		if !fig.lower && open || len(f.having(ends[:], fig)) < 2 || f.untrusted(ends[0]) || f.untrusted(ends[1]) {
			continue // of an open loop the rate is what was offered
		}
		d := f.compare(fig, ends[0], ends[1])
		all, ps = append(all, d), append(ps, d.p)
	}
	if len(all) == 0 || len(all) == 1 && f.toldAsEnds(fig, all[0]) || !f.sameEnds(label, all) {
		return
	}
	var up, down, shownUp, shownDown int
	var about []int
	for i, p := range stats.Holm(ps) {
		d := &all[i]
		about = append(about, d.a, d.b)
		shown := p < stats.Alpha
		switch {
		case d.ratio > 1:
			up, shownUp = up+1, shownUp+count(shown)
		case d.ratio < 1:
			down, shownDown = down+1, shownDown+count(shown)
		}
	}
	where := ""
	if wording.TargetVaries(f.r) {
		where = wording.Capital(wording.Target(f.r.Cells[all[0].a])) + ": "
	}
	text := fmt.Sprintf("%sWith %s instead of %s, all else equal, %s is ", where, f.names.Named(all[0].b, label),
		f.names.Named(all[0].a, label), fig.name)
	switch {
	case up+down == 0:
		text += "the same"
	case len(all) == 1:
		text += changeWords(all[0].ratio) + all[0].intervalWords()
	case up == len(all):
		text += "higher in all " + spread(all, shownUp)
	case down == len(all):
		text += "lower in all " + spread(all, shownDown)
	default:
		text += fmt.Sprintf("higher in %d of %d comparisons (shown in %d) and lower in %d (shown in %d)", up, len(all),
			shownUp, down, shownDown)
	}
	slices.Sort(about)
	f.out = append(f.out, Sentence{Kind: Along, Text: text + ".", About: slices.Compact(about),
		Shown: shownUp+shownDown > 0 || up+down == 0})
}

// toldAsEnds says whether a comparison is the one between the best and the worst cell
// of its peers, or one of two cells.
func (f *finder) toldAsEnds(fig figure, d difference) bool {
	for _, peers := range f.peers() {
		if !slices.Contains(peers, d.a) || !slices.Contains(peers, d.b) {
			continue
		}
		low, high := d.a, d.b
		for _, i := range f.having(peers, fig) {
			v, _ := fig.of(&f.r.Cells[i].Measures)
			if least, _ := fig.of(&f.r.Cells[low].Measures); v < least {
				low = i
			}
			if most, _ := fig.of(&f.r.Cells[high].Measures); v > most {
				high = i
			}
		}
		return low == d.a && high == d.b || low == d.b && high == d.a
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
	numbers := !slices.ContainsFunc(values, func(v string) bool { return strings.Trim(v, "0123456789.") == v })
	return len(values) == 2 || numbers
}

// spread is how many comparisons there are, by how much they differ, and in how many
// that is shown.
func spread(all []difference, shown int) string {
	least, most := math.Inf(1), 0.0
	for i := range all {
		r := max(all[i].ratio, 1/all[i].ratio)
		least, most = min(least, r), max(most, r)
	}
	by := times
	if all[0].ratio < 1 {
		by = func(r float64) string {
			if r >= doubled {
				return wording.Digits(r) + " times"
			}
			return wording.Percent(1 - 1/r)
		}
	}
	return fmt.Sprintf("%d comparisons, by %s to %s (shown in %d)", len(all), by(least), by(most), shown)
}

// changeWords are a ratio as a change: "2.40 times as high", "12 % higher", "11 %
// lower", "lower by a factor of 2.40".
func changeWords(ratio float64) string {
	switch {
	case ratio >= doubled:
		return wording.Digits(ratio) + " times as high"
	case ratio >= 1:
		return wording.Percent(ratio-1) + " higher"
	case ratio*doubled <= 1:
		return "lower by a factor of " + wording.Digits(1/ratio)
	}
	return wording.Percent(1-ratio) + " lower"
}

func count(yes bool) int {
	if yes {
		return 1
	}
	return 0
}
