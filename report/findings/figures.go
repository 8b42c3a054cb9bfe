package findings

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"brokerlab/report/wording"
	"brokerlab/results"
	"brokerlab/results/quantity"
	"brokerlab/results/stats"
)

// peers are lots of cells that may be compared: of one target and one load.
func (f *finder) peers() (lots [][]int) {
	type key struct {
		target, load, arrival string
		offered               float64
		saturated, searched   bool
	}
	return split(f.sound(), func(i int) key {
		c := &f.r.Cells[i]
		return key{c.Target, c.Load, c.Arrival, givenRate(c), c.AtSaturation, c.Searched}
	})
}

// givenRate is the rate that a cell was offered; 0 at full speed, and where the rate is what
// was looked for: that is a figure, and not the load.
func givenRate(c *results.Cell) float64 {
	if c.Searched {
		return 0
	}
	return c.OfferedPerS
}

// split puts cells of one key together, in the order in which the keys come.
func split[K comparable](cells []int, key func(cell int) K) (parts [][]int) {
	var keys []K
	for _, i := range cells {
		at := slices.Index(keys, key(i))
		if at < 0 {
			at = len(keys)
			keys, parts = append(keys, key(i)), append(parts, nil)
		}
		parts[at] = append(parts[at], i)
	}
	return parts
}

// partsTold is how many parts of a lot are told of one by one.
const partsTold = 4

// parts divides a lot so that one setting alone varies in each: the one with the most
// values that is no disk. There are none where they would be too many to tell.
func (f *finder) parts(lot []int) [][]int {
	main, most := wording.Disk, 1
	for _, label := range f.names.Varied {
		n := len(split(lot, func(i int) string { return f.r.Cells[i].Labels[label] }))
		if label != wording.Disk && n > most {
			main, most = label, n
		}
	}
	parts := split(lot, func(i int) string { return f.allBut(main, i) })
	if len(parts) > partsTold {
		return nil
	}
	return slices.DeleteFunc(parts, func(part []int) bool { return len(part) < 2 })
}

// allBut are the values of a cell's labels but one.
func (f *finder) allBut(label string, cell int) string {
	var values []string
	for _, other := range f.names.Varied {
		if other != label {
			values = append(values, f.r.Cells[cell].Labels[other])
		}
	}
	return strings.Join(values, "\x00")
}

// where says which cells of several a sentence is about, by what they have in common
// and others have not: "Simulated, at 5,000/s offered: ".
func (f *finder) where(cells []int) string {
	c := f.r.Cells[cells[0]]
	var words []string
	var rivals []int // of one target
	for i := range f.r.Cells {
		if f.r.Cells[i].Target == c.Target {
			rivals = append(rivals, i)
		}
	}
	if len(rivals) < len(f.r.Cells) {
		words = append(words, wording.Target(c))
	}
	loads := ""
	if wording.LoadVaries(f.r) {
		loads = f.names.LoadLabel()
		words = append(words, loadWords(&c))
	}
	var settings []string
	for _, label := range f.names.Varied {
		differs := func(i int) bool { return f.r.Cells[i].Labels[label] != c.Labels[label] }
		if label == loads || slices.ContainsFunc(cells, differs) || !slices.ContainsFunc(rivals, differs) {
			continue
		}
		if label == wording.Disk {
			words = append(words, "on "+f.names.Value(cells[0], label))
		} else {
			settings = append(settings, f.setting(cells[0], label))
		}
	}
	if len(settings) > 0 {
		words = append(words, "with "+and(settings))
	}
	if len(words) == 0 {
		return ""
	}
	return wording.Capital(strings.Join(words, ", ")) + ": "
}

// setting is a label with its value, whether or not that speaks for itself.
func (f *finder) setting(cell int, label string) string {
	return f.names.Short(label) + "=" + f.names.Value(cell, label)
}

// loadWords are "at 5,000/s offered", or "at full speed".
func loadWords(c *results.Cell) string {
	switch {
	case c.Searched:
		return "at the highest rate that was kept up with"
	case c.OfferedPerS > 0:
		return "at " + wording.Load(*c) + " offered"
	}
	return "at full speed"
}

// put makes a sentence of where it holds and what does.
func put(where, text string) string {
	if where == "" {
		return wording.Capital(text)
	}
	return where + text
}

// lonesTold is how many cells that are alone in their lots are told one by one.
const lonesTold = 4

// figures says of each lot which cell is best and which is worst, figure by figure, or
// what its only cell reached.
func (f *finder) figures() {
	var alone []int
	for _, lot := range f.peers() {
		if len(lot) == 1 {
			alone = append(alone, lot...)
			continue
		}
		if f.r.Cells[lot[0]].OfferedPerS > 0 {
			f.offered(lot)
		}
		parts := f.parts(lot)
		for n, fig := range f.figuresOf(lot, len(parts)) {
			if len(parts) == 0 {
				f.span(lot, fig)
			}
			for _, part := range parts {
				f.bestAndWorst(part, fig)
			}
			if n == 0 && len(parts) == 1 {
				f.against(parts[0], fig)
			}
		}
	}
	if len(alone) > lonesTold {
		f.offered(alone)
		return
	}
	for _, i := range alone {
		f.lone(i)
	}
}

// first is what a cell is compared by first: at full speed the rate, and the latency at
// the rate that was offered.
func (f *finder) first(cell int) figure {
	if givenRate(&f.r.Cells[cell]) > 0 {
		return p99(results.Produce, "produce")
	}
	return throughput(f.r)
}

// figuresOf are those by which the cells of a lot are compared; with several parts they
// are few, for there is a sentence of each part.
func (f *finder) figuresOf(lot []int, parts int) []figure {
	all := []figure{f.first(lot[0])}
	if !all[0].lower && f.varies(lot, "records.size") {
		all = append(all, recordRate("rate of records"))
	}
	switch {
	case parts > 1:
	case all[0].lower && !slices.ContainsFunc(lot, func(i int) bool { return readLate(&f.r.Cells[i]) }):
		all = append(all, p99(results.EndToEnd, "end-to-end"))
	case all[0].lower:
	default:
		all = append(all, processors(), p99(results.Produce, "produce"))
		if f.r.Cells[lot[0]].Searched {
			all[len(all)-1].name += " at the rate found"
		} else {
			all[len(all)-1].name += " at saturation"
		}
	}
	return all
}

// readLate says that end-to-end latency is not that of one way of reading: some records
// wait until the load has ended, or groups of consumers differ.
func readLate(c *results.Cell) bool {
	return phaseOf(c, results.PhaseRead) != nil || len(readersOf(c)) > 1
}

// span says between which two cells a figure lies. They may differ in several settings,
// so that nothing follows from it.
func (f *finder) span(lot []int, fig figure) {
	low, high, ok := f.ends(lot, fig)
	if !ok || low == high {
		return
	}
	least, _ := fig.ofCell(&f.r.Cells[low])
	most, _ := fig.ofCell(&f.r.Cells[high])
	f.say(Figure, put(f.where(lot), fmt.Sprintf("%s goes from %s (%s) to %s (%s).", fig.name, fig.write(least),
		f.name(low, lot), fig.write(most), f.name(high, lot))), low, high)
}

// ends are the cells with the least and the most of a figure.
func (f *finder) ends(cells []int, fig figure) (low, high int, ok bool) {
	cells = f.having(cells, fig)
	if len(cells) == 0 {
		return 0, 0, false
	}
	compare := func(a, b int) int {
		v, _ := fig.ofCell(&f.r.Cells[a])
		w, _ := fig.ofCell(&f.r.Cells[b])
		return cmp.Compare(v, w)
	}
	return slices.MinFunc(cells, compare), slices.MaxFunc(cells, compare), true
}

// lone says what the only cell of its kind reached.
func (f *finder) lone(cell int) {
	c := &f.r.Cells[cell]
	rate := throughput(f.r)
	v, ok := rate.ofCell(c)
	if !ok {
		f.say(Figure, put(f.where([]int{cell}), "nothing was acknowledged in the measured window."), cell)
		return
	}
	text := withInterval(c, rate, v)
	if sameSize(f.r) {
		text += " (" + quantity.Digits(c.MBPerS) + " MB/s)"
	}
	text += " were acknowledged"
	if c.OfferedPerS > 0 && (c.Searched || !wording.LoadVaries(f.r)) {
		if c.Searched {
			text += " of the " + quantity.Digits(c.OfferedPerS) + "/s that the search found"
		} else {
			text += " of " + wording.Load(*c) + " offered"
		}
	}
	for _, l := range []struct{ name, words string }{{results.Produce, "produce latency"},
		{results.EndToEnd, "end-to-end latency"}} {
		if words := latencyWords(c, l.name); words != "" {
			text += "; " + l.words + ": " + words
		}
	}
	if c.AtSaturation {
		text += "; latency is that at saturation"
	}
	f.say(Figure, put(f.where([]int{cell}), text+"."), cell)
}

// latencyWords are the median and the p99 of a latency: "p50 3.99 ms and p99 9.22 ms".
func latencyWords(c *results.Cell, latency string) string {
	var words []string
	for _, fig := range []figure{percentile(latency, "p50", "p50", func(l *results.Latency) int64 { return l.P50 }),
		percentile(latency, "p99", "p99", func(l *results.Latency) int64 { return l.P99 })} {
		if v, ok := fig.ofCell(c); ok {
			words = append(words, fig.name+" "+withInterval(c, fig, v))
		}
	}
	return and(words)
}

// withInterval writes a cell's figure, and behind it the interval as tables have it.
func withInterval(c *results.Cell, fig figure, v float64) string {
	if i := wording.PlusMinus(*c, fig.json, v); i != "" {
		return fig.write(v) + " " + i
	}
	return fig.write(v)
}

// keptUp is the share of what was offered from which a cell counts as having kept up.
const keptUp = 0.99

// gotThrough is the share of the records that came due in the measured window which as
// many acknowledgements stand against. Where latency does not grow, what was under way
// when the window began may be so when it ends, and counts as acknowledged.
func gotThrough(c *results.Cell) float64 {
	var due, acked, underWay float64
	for i := range c.Repeats {
		var first, last *results.Second
		for k := range c.Repeats[i].Seconds {
			s := &c.Repeats[i].Seconds[k]
			if !s.Measured() || s.Offered == 0 {
				continue
			}
			if last = s; first == nil {
				first = s
			}
			due, acked = due+float64(s.Offered), acked+float64(s.Acked)
		}
		if first != nil && last.P50 <= 2*first.P50 {
			underWay += float64(first.Offered) / first.Length * float64(first.P50) / 1e9
		}
	}
	if due == 0 {
		return c.RecordsPerS / c.OfferedPerS
	}
	return min(1, (acked+2*underWay)/due)
}

// offered says which cells of an open loop kept up with what was offered.
func (f *finder) offered(lot []int) {
	share := func(i int) float64 { return gotThrough(&f.r.Cells[i]) }
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
	where, rate := "", "the rate that each was offered"
	first := f.r.Cells[open[0]].OfferedPerS
	if f.r.Cells[open[0]].Searched {
		rate = "the rate that each had found"
	}
	if !slices.ContainsFunc(open, func(i int) bool { return f.r.Cells[i].OfferedPerS != first }) {
		where, rate = f.where(open), "the "+quantity.Digits(first)+" records/s that were offered"
	}
	if len(short) == 0 {
		f.say(Figure, put(where, f.list(open, open)+" kept up with "+rate+"."), open...)
		return
	}
	least := slices.MinFunc(short, func(a, b int) int { return cmp.Compare(share(a), share(b)) })
	c := &f.r.Cells[least]
	reached := "reached " + quantity.Digits(c.RecordsPerS) + " records/s, " +
		quantity.Percent(c.RecordsPerS/c.OfferedPerS) + " of its rate"
	if len(short) == 1 {
		f.say(Figure, put(where, "all but one cell kept up with "+rate+": "+f.name(least, open)+" "+reached+"."), short...)
		return
	}
	if len(short) == len(open) {
		f.say(Figure, put(where, "no cell kept up with "+rate+": "+f.name(least, open)+", the slowest, "+reached+"."),
			short...)
		return
	}
	f.say(Figure, put(where, quantity.Count(int64(len(short)))+" of "+quantity.Plural(int64(len(open)), "cell")+
		" did not keep up with "+rate+": "+f.list(short, open)+"; "+f.name(least, open)+", the slowest, "+reached+"."),
		short...)
}

// within says how much more the most of several figures is than the least, rounded up.
func within(ratio float64) string {
	return " within " + quantity.Percent(math.Ceil(1000*(ratio-1))/1000)
}

// alike is the ratio below which figures that are not shown to differ are told as one.
const alike = 1.01

// bestAndWorst compares the ends of a lot. They were picked for being far apart, so
// that the test counts as many comparisons as there are pairs.
func (f *finder) bestAndWorst(peers []int, fig figure) {
	cells := f.having(peers, fig)
	low, high, ok := f.ends(cells, fig)
	if !ok || len(cells) < 2 {
		return
	}
	least, _ := fig.ofCell(&f.r.Cells[low])
	most, _ := fig.ofCell(&f.r.Cells[high])
	where := f.where(peers)
	pairs := len(cells) * (len(cells) - 1) / 2
	d := f.compare(fig, low, high)
	s := Sentence{Kind: Figure, About: cells, Shown: d.p*float64(pairs) < stats.Alpha && d.ratio > 1}
	text := f.endsWords(fig, d, peers, s.Shown)
	switch {
	case !s.Shown && most/least < alike:
		s.Shown = true // what it says is no difference
		text = fmt.Sprintf("%s is %s %s", fig.name, fig.write(least), f.among(cells, cells))
		if least != most {
			text += within(most / least)
		}
	case d.ratio <= 1 || !s.Shown && d.enough(pairs): // the runs may not say what the merged histograms do
		text = fmt.Sprintf("%s is not shown to differ between the %d cells: from %s (%s) to %s (%s), %s", fig.name,
			len(cells), fig.write(least), f.name(low, peers), fig.write(most), f.name(high, peers), d.basis)
	case !s.Shown:
		s.Runs, s.Longer = runsNeeded(pairs), d.runs == 0
	}
	s.Text = put(where, text+".")
	f.out = append(f.out, s)
}

// endsWords say of the cell with the least of a figure and the one with the most how
// far apart they are, the better one first.
func (f *finder) endsWords(fig figure, d difference, peers []int, shown bool) string {
	low, high := f.name(d.a, peers), f.name(d.b, peers)
	least, _ := fig.ofCell(&f.r.Cells[d.a])
	most, _ := fig.ofCell(&f.r.Cells[d.b])
	apart := times(d.ratio)
	if shown {
		apart += d.intervalWords()
	}
	if fig.lower {
		more := " more"
		if d.ratio >= doubled {
			more = " as much"
		}
		return fmt.Sprintf("the lowest %s is that of %s, %s; that of %s, the highest, is %s%s: %s",
			fig.name, low, fig.write(least), high, apart, more, fig.write(most))
	}
	more := " more than"
	if d.ratio >= doubled {
		more = ""
	}
	return fmt.Sprintf("the highest %s is that of %s, %s: %s%s that of %s, the lowest, %s",
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
		if _, ok := fig.ofCell(&f.r.Cells[i]); ok {
			there = append(there, i)
		}
	}
	return there
}
