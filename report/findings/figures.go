package findings

import (
	"cmp"
	"fmt"
	"slices"

	"brokerlab/report/wording"
	"brokerlab/results"
	"brokerlab/results/stats"
)

// peers are lots of cells that may be compared: of one target and one load. Cells
// that did not run are in none.
func (f *finder) peers() (lots [][]int) {
	type key struct {
		target, load, arrival string
		offered               float64
		saturated             bool
	}
	var keys []key
	for _, i := range f.ran() {
		c := &f.r.Cells[i]
		k := key{c.Target, c.Load, c.Arrival, c.OfferedPerS, c.AtSaturation}
		at := slices.Index(keys, k)
		if at < 0 {
			keys, lots = append(keys, k), append(lots, nil)
			at = len(keys) - 1
		}
		lots[at] = append(lots[at], i)
	}
	return lots
}

// where says which lot of several a sentence is about: "Simulated, at 5,000/s: ".
func (f *finder) where(peers []int) string {
	c := f.r.Cells[peers[0]]
	words := ""
	if wording.TargetVaries(f.r) {
		words = wording.Target(c)
	}
	if wording.LoadVaries(f.r) {
		if words != "" {
			words += ", "
		}
		if c.OfferedPerS > 0 {
			words += "at " + wording.Digits(c.OfferedPerS) + "/s offered"
		} else {
			words += "at full speed"
		}
	}
	if words == "" {
		return ""
	}
	return wording.Capital(words) + ": "
}

// keptUp is the share of the offered rate from which a cell counts as having kept up
// with it.
const keptUp = 0.99

// lonesTold is how many cells that are alone in their lots are told one by one.
const lonesTold = 4

// figures says of each lot which cell is best and which is worst, figure by figure, or
// what its only cell reached.
func (f *finder) figures() {
	var alone []int
	for _, peers := range f.peers() {
		if len(peers) == 1 {
			alone = append(alone, peers...)
			continue
		}
		if f.r.Cells[peers[0]].OfferedPerS > 0 {
			f.offered(peers)
		} else {
			f.bestAndWorst(peers, throughput(f.r))
		}
		f.bestAndWorst(peers, p99(results.Produce, "produce"))
		f.bestAndWorst(peers, p99(results.EndToEnd, "end-to-end"))
	}
	if len(alone) > lonesTold {
		f.offered(alone)
		return
	}
	for _, i := range alone {
		f.lone(i)
	}
}

// lone says what the only cell of its kind reached.
func (f *finder) lone(cell int) {
	c := &f.r.Cells[cell]
	text := f.where([]int{cell})
	if len(f.names.Varied) > 1 || len(f.names.Varied) == 1 && f.names.Varied[0] != f.names.LoadLabel() {
		text += f.name(cell, f.all()) + ": "
	}
	rate, latency := throughput(f.r), p99(results.Produce, "produce")
	v, ok := rate.of(&c.Measures)
	if !ok {
		f.say(Figure, text+"nothing was acknowledged in the measured window.", cell)
		return
	}
	text += rate.write(v) + " were acknowledged" + boundsWords(c, rate)
	if c.OfferedPerS > 0 && !wording.LoadVaries(f.r) {
		text += fmt.Sprintf(" (%s records/s were offered)", wording.Digits(c.OfferedPerS))
	}
	l := c.Latency[results.Produce]
	var words []string
	if l.Supports("p50") {
		words = append(words, "p50 "+wording.Duration(l.P50))
	}
	if v, ok := latency.of(&c.Measures); ok {
		words = append(words, "p99 "+latency.write(v)+boundsWords(c, latency))
	}
	if len(words) > 0 {
		text += "; produce latency: " + and(words)
		if c.AtSaturation {
			text += ", mostly queueing at full speed"
		}
	}
	f.say(Figure, text+".", cell)
}

// boundsWords are the interval of a cell's figure: " (95 %: 1.2 ms to 1.4 ms)".
func boundsWords(c *results.Cell, fig figure) string {
	b, ok := c.Intervals[fig.json]
	if !ok || b.Confidence < stats.Confidence {
		return ""
	}
	words := " (95 %: " + fig.write(b.Low) + " to " + fig.write(b.High)
	if b.Over == results.OverSeconds {
		words += ", of this run"
	}
	return words + ")"
}

// offered says which cells of an open loop kept up with what was offered.
func (f *finder) offered(lot []int) {
	share := func(i int) float64 { return f.r.Cells[i].RecordsPerS / f.r.Cells[i].OfferedPerS }
	var open, short []int
	for _, i := range lot {
		if f.r.Cells[i].OfferedPerS > 0 {
			open = append(open, i)
			if share(i) < keptUp {
				short = append(short, i)
			}
		}
	}
	if len(open) == 0 {
		return
	}
	where := ""
	rate := "their rates"
	if alike := f.r.Cells[open[0]].OfferedPerS; !slices.ContainsFunc(open, func(i int) bool {
		return f.r.Cells[i].OfferedPerS != alike
	}) {
		where, rate = f.where(open), wording.Digits(alike)+" records/s"
	}
	if len(short) == 0 {
		all := fmt.Sprintf("All %d", len(open))
		if len(open) == 2 {
			all = "Both"
		}
		f.say(Figure, fmt.Sprintf("%s%s cells kept up with %s that were offered.", where, all, rate), open...)
		return
	}
	least := slices.MinFunc(short, func(a, b int) int { return cmp.Compare(share(a), share(b)) })
	name := "it"
	if len(short) > 1 {
		name = f.name(least, open)
	}
	f.say(Figure, fmt.Sprintf("%sNot all of %s that were offered got through in %s: %s reached %s records/s, %s.", where,
		rate, f.list(short, open), name, wording.Digits(f.r.Cells[least].RecordsPerS), wording.Percent(share(least))),
		short...)
}

// bestAndWorst compares the ends of a lot. They were picked for being far apart, so
// that the test counts as many comparisons as there are pairs.
func (f *finder) bestAndWorst(peers []int, fig figure) {
	cells := f.having(peers, fig)
	if len(cells) < 2 {
		return
	}
	value := func(i int) float64 {
		v, _ := fig.of(&f.r.Cells[i].Measures)
		return v
	}
	low := slices.MinFunc(cells, func(a, b int) int { return cmp.Compare(value(a), value(b)) })
	high := slices.MaxFunc(cells, func(a, b int) int { return cmp.Compare(value(a), value(b)) })
	where := f.where(peers)
	if value(low) == value(high) {
		f.say(Figure, fmt.Sprintf("%s%s is %s in all %d cells.", where, wording.Capital(fig.name), fig.write(value(low)),
			len(cells)), cells...)
		return
	}
	pairs := len(cells) * (len(cells) - 1) / 2
	d := f.compare(fig, low, high)
	shown := d.p*float64(pairs) < stats.Alpha
	doubt := ""
	for _, i := range []int{low, high} {
		if f.untrusted(i) {
			shown, doubt = false, doubt+"; "+f.name(i, peers)+" is not to be trusted"
		}
	}
	few := !d.enough(pairs)
	if d.ratio <= 1 { // the runs do not say what the merged histograms do
		shown, few = false, false
	}
	var text string
	if !shown && doubt == "" && !few {
		text = fmt.Sprintf("%s is not shown to differ between the %d cells: from %s (%s) to %s (%s), %s",
			wording.Capital(fig.name), len(cells), fig.write(value(low)), f.name(low, peers), fig.write(value(high)),
			f.name(high, peers), d.basis)
	} else {
		text = f.endsWords(fig, d, peers)
	}
	switch {
	case few && doubt == "" && d.runs == 0:
		doubt = "; no run has samples enough by itself to show a difference (a longer load.duration could)"
	case few && doubt == "":
		doubt = fmt.Sprintf("; %s cannot show a difference between %d cells (--repeat %d could)", d.basis, len(cells),
			runsNeeded(pairs))
	}
	f.out = append(f.out, Sentence{Kind: Figure, Text: where + text + doubt + ".", About: cells, Shown: shown})
}

// endsWords say of the cell with the least of a figure and the one with the most how
// far apart they are, the better one first.
func (f *finder) endsWords(fig figure, d difference, peers []int) string {
	low, high := f.name(d.a, peers), f.name(d.b, peers)
	least, _ := fig.of(&f.r.Cells[d.a].Measures)
	most, _ := fig.of(&f.r.Cells[d.b].Measures)
	apart := times(d.ratio) + d.intervalWords()
	if fig.lower {
		more := " longer"
		if d.ratio >= doubled {
			more = " as long"
		}
		return fmt.Sprintf("The lowest %s is that of %s, %s; that of %s, the highest, is %s%s: %s",
			fig.name, low, fig.write(least), high, apart, more, fig.write(most))
	}
	more := " more than"
	if d.ratio >= doubled {
		more = ""
	}
	return fmt.Sprintf("The highest %s is that of %s, %s: %s%s that of %s, the lowest, %s",
		fig.name, high, fig.write(most), apart, more, low, fig.write(least))
}

// enough says whether there were runs enough to show a difference, where it is read
// together with others.
func (d *difference) enough(comparisons int) bool {
	return d.possible && (d.runs == 1 || d.runs >= runsNeeded(comparisons))
}

// having are the cells that have a figure.
func (f *finder) having(cells []int, fig figure) (there []int) {
	for _, i := range cells {
		if _, ok := fig.of(&f.r.Cells[i].Measures); ok {
			there = append(there, i)
		}
	}
	return there
}
