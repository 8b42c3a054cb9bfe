// Package findings says in sentences what a result shows: made from its numbers
// alone, so that a reader need not read the table to learn which cell was best, by
// how much, and whether that is more than noise. It never compares a simulated
// figure with a measured one, nor loads that differ, and where nothing is shown it
// says so.
package findings

import (
	"slices"
	"strings"

	"brokerlab/report/wording"
	"brokerlab/results"
	"brokerlab/results/quantity"
)

// Kinds of sentences, in the order in which Of gives them.
const (
	Source  = "source"   // measured or simulated; always there
	Records = "records"  // lost, duplicated, reordered, corrupted or failed
	LeftOut = "left out" // cells that the sentences below do not speak of
	Goal    = "goal"     // met or missed
	Figure  = "figure"   // the best and the worst cell, or what the only one reached
	Along   = "along"    // what changed along a varied setting
	Choice  = "choice"   // what a choice of design did: codecs, flushes, keys, readers
	Time    = "time"     // where the time went
	Bound   = "bound"    // what bounds cells
)

// NotShown stands before a sentence whose difference may be noise.
const NotShown = "~"

// Sentence is one finding.
type Sentence struct {
	Kind string
	Text string // plain text, with its full stop
	// About are the cells that it is about, by index in Result.Cells; all if empty.
	About []int
	// Shown is false where the sentence speaks of a difference that may be noise, or
	// cannot be told from it.
	Shown bool
	// Runs are how many of each cell could show it, 0 where there are enough; Longer says
	// that each of them needs more samples too.
	Runs   int
	Longer bool
}

// Marked is the text, with NotShown before it where nothing is shown.
func (s Sentence) Marked() string {
	if s.Shown {
		return s.Text
	}
	return NotShown + " " + s.Text
}

// Of gives the sentences of a result, the first of which says how its figures came about.
// unforced has the cells, by index in Result.Cells, that tell.
func Of(r *results.Result, unforced map[int]Unforced) []Sentence {
	f := &finder{r: r, names: wording.NamesOf(r), unforced: unforced}
	f.source()
	f.records()
	f.leftOut()
	f.goals()
	f.figures()
	f.along()
	f.choices()
	f.time()
	f.bounds()
	return f.out
}

// finder makes the sentences of one result.
type finder struct {
	r        *results.Result
	names    *wording.Names
	unforced map[int]Unforced
	out      []Sentence
}

func (f *finder) say(kind, text string, about ...int) {
	f.out = append(f.out, Sentence{Kind: kind, Text: text, About: about, Shown: true})
}

// ran are the cells of which there is a repeat.
func (f *finder) ran() (cells []int) {
	for i := range f.r.Cells {
		if len(f.r.Cells[i].Repeats) > 0 {
			cells = append(cells, i)
		}
	}
	return cells
}

// sound are the cells that ran, kept all records and are not found untrustworthy.
// Nothing is concluded from others.
func (f *finder) sound() (cells []int) {
	for _, i := range f.ran() {
		if c := &f.r.Cells[i]; !wording.Untrusted(*c) && !spoilt(c) {
			cells = append(cells, i)
		}
	}
	return cells
}

// spoilt says that not all records came through.
func spoilt(c *results.Cell) bool { return c.Bad() > 0 || c.Failed > 0 }

// all are the cells of the result.
func (f *finder) all() (cells []int) {
	for i := range f.r.Cells {
		cells = append(cells, i)
	}
	return cells
}

// namesListed is how many cells a sentence names.
const namesListed = 4

// list names cells of a lot: "lz4, zstd and gzip"; what have a value in common that no
// other cell of the lot has are named by it, and many are counted.
func (f *finder) list(cells, lot []int) string {
	if words := f.lump(cells, lot); words != "" {
		return words
	}
	names := make([]string, len(cells))
	for i, cell := range cells {
		names[i] = f.name(cell, lot)
	}
	return and(names)
}

// among says of which cells something holds: "in all 5 cells", "with gzip and zstd".
func (f *finder) among(cells, lot []int) string {
	if words := f.lump(cells, lot); words != "" {
		return "in " + words
	}
	return f.with(lot) + f.list(cells, lot)
}

// with is what stands before the name of a cell of a lot: cells are on disks and in loads,
// and have all other settings.
func (f *finder) with(lot []int) string {
	switch one := f.differ(lot); {
	case one == wording.Disk:
		return "on "
	case one != "" && one == f.names.LoadLabel():
		return "in "
	}
	return "with "
}

// differ is the one label in which the cells of a lot differ; none where there are several.
func (f *finder) differ(lot []int) (one string) {
	for _, label := range f.names.Varied {
		if !slices.ContainsFunc(lot, func(i int) bool {
			return f.r.Cells[i].Labels[label] != f.r.Cells[lot[0]].Labels[label]
		}) {
			continue
		}
		if one != "" {
			return ""
		}
		one = label
	}
	return one
}

// lump tells cells without their names, where they are too many for these or have something
// in common; else it is empty.
func (f *finder) lump(cells, lot []int) string {
	switch {
	case len(cells) == len(lot) && len(cells) == 2:
		return "both cells"
	case len(cells) == len(lot) && len(cells) > 2:
		return "all " + quantity.Plural(int64(len(cells)), "cell")
	case len(cells) > 1:
		if value := f.inCommon(cells, lot); value != "" {
			return "the " + quantity.Plural(int64(len(cells)), "cell") + " " + value
		}
	}
	if len(cells) > namesListed {
		return quantity.Count(int64(len(cells))) + " of " + quantity.Plural(int64(len(lot)), "cell")
	}
	return ""
}

// inCommon is the value of a label that these cells have and no other of the lot has:
// "with acks=all", "on nvme", "at full speed".
func (f *finder) inCommon(cells, lot []int) string {
	for _, label := range f.names.Varied {
		value := f.r.Cells[cells[0]].Labels[label]
		if !slices.ContainsFunc(lot, func(i int) bool {
			return (f.r.Cells[i].Labels[label] == value) != slices.Contains(cells, i)
		}) {
			switch label {
			case f.names.LoadLabel():
				return loadWords(&f.r.Cells[cells[0]])
			case wording.Disk:
				return "on " + f.names.Value(cells[0], label)
			}
			return "with " + f.setting(cells[0], label)
		}
	}
	return ""
}

// name is a cell's among a lot: what varies in the lot, and whether it was measured or
// simulated if the lot has both. Alone in its lot it has the name that it has among all.
func (f *finder) name(cell int, lot []int) string {
	var parts []string
	mixed := false
	for _, i := range lot {
		mixed = mixed || f.r.Cells[i].Target != f.r.Cells[cell].Target
	}
	for _, label := range f.names.Varied {
		if slices.ContainsFunc(lot, func(i int) bool { return f.r.Cells[i].Labels[label] != f.r.Cells[cell].Labels[label] }) {
			parts = append(parts, f.names.Named(cell, label))
		}
	}
	if len(parts) == 0 {
		return f.names.Cell(cell)
	}
	if mixed {
		return strings.Join(parts, ", ") + f.names.Suffix(cell)
	}
	return strings.Join(parts, ", ")
}

// and joins words: "a", "a and b", "a, b and c". Names with commas of their own are
// kept apart by semicolons.
func and(words []string) string {
	last := len(words) - 1
	if last <= 0 {
		return strings.Join(words, "")
	}
	comma := ", "
	if slices.ContainsFunc(words, func(w string) bool { return strings.Contains(w, ",") }) {
		comma = "; "
		return strings.Join(words, comma)
	}
	return strings.Join(words[:last], comma) + " and " + words[last]
}

// source says how figures came about.
func (f *finder) source() {
	r := f.r
	if len(f.ran()) == 0 {
		f.say(Source, "No cell ran, so that there are no figures.")
		return
	}
	repeats := wording.Runs(r)
	switch {
	case wording.TargetVaries(r):
		f.say(Source, "Some cells were measured and others simulated ("+repeats+"); the two kinds are not compared with "+
			"each other here.")
	case wording.AllSimulated(r):
		f.say(Source, "All figures are simulated: they say what the models of disks, networks and processors make of it ("+
			repeats+").")
	default:
		f.say(Source, "All figures were measured on the machine named below ("+repeats+").")
	}
}

// records says which cells did not keep their records.
func (f *finder) records() {
	for _, i := range f.ran() {
		c := &f.r.Cells[i]
		if !spoilt(c) {
			continue
		}
		var words []string
		if c.Bad() > 0 {
			words = append(words, wording.BadRecords(c.Counts)+" of "+quantity.Count(c.Acked)+" acknowledged")
		}
		if c.Failed > 0 {
			words = append(words, quantity.Count(c.Failed)+" failed of "+quantity.Count(c.Sent)+" sent")
		}
		f.say(Records, "In "+f.names.Cell(i)+" not all records came through: "+strings.Join(words, "; ")+".", i)
	}
}

// leftOut names the cells that no sentence below speaks of.
func (f *finder) leftOut() {
	var untrusted, bad []int
	for _, i := range f.ran() {
		switch c := &f.r.Cells[i]; {
		case wording.Untrusted(*c):
			untrusted = append(untrusted, i)
		case spoilt(c):
			bad = append(bad, i)
		}
	}
	if len(untrusted) > 0 {
		f.say(LeftOut, "Not to be trusted, as the warnings say, and left out of what follows: "+
			f.listOr("the only cell", untrusted)+".", untrusted...)
	}
	if len(bad) > 0 {
		f.say(LeftOut, "Left out of what follows, since not all records came through: "+
			f.listOr("the only cell", bad)+".", bad...)
	}
}

// goals says which were met and which were missed, each once.
func (f *finder) goals() {
	var texts []string
	for _, g := range f.r.Goals {
		if !slices.Contains(texts, g.Goal) {
			texts = append(texts, g.Goal)
		}
	}
	for _, text := range texts {
		var met, missed []int
		var why []string
		for _, g := range f.r.Goals {
			switch {
			case g.Goal != text || g.Cell < 0 || g.Cell >= len(f.r.Cells):
			case g.Met:
				met = append(met, g.Cell)
			default:
				missed = append(missed, g.Cell)
				why = append(why, f.names.Cell(g.Cell)+" ("+g.Message+")")
			}
		}
		switch all := len(met) + len(missed); {
		case len(missed) > namesListed:
			f.say(Goal, "The goal "+text+" is missed in "+quantity.Count(int64(len(missed)))+" of "+
				quantity.Plural(int64(all), "cell")+".", missed...)
		case len(missed) > 0:
			f.say(Goal, "The goal "+text+" is missed in "+strings.Join(why, "; ")+".", missed...)
		case len(met) > 0:
			f.say(Goal, "The goal "+text+" is met "+f.among(met, f.all())+".", met...)
		}
	}
}

// bounds says what bounds cells, a resource at a time.
func (f *finder) bounds() {
	var about []int
	var words []string
	sound := f.sound()
	for _, resource := range wording.BoundOrder() {
		var cells []int
		for _, i := range sound {
			if b := f.r.Cells[i].Bound; b != nil && b.Resource == resource {
				cells = append(cells, i)
			}
		}
		switch {
		case len(cells) == 0:
			continue
		case len(f.r.Cells) == 1:
			words = append(words, wording.BoundSays(resource))
		default:
			words = append(words, wording.BoundSays(resource)+" ("+f.of(cells, sound)+")")
		}
		about = append(about, cells...)
	}
	if len(words) > 0 {
		slices.Sort(about)
		f.say(Bound, "What bounds the rate: "+strings.Join(words, "; ")+".", about...)
	}
}

// of are cells that have something: "with acks=all", "at full speed", "lz4 and zstd".
func (f *finder) of(cells, lot []int) string {
	if value := f.inCommon(cells, lot); value != "" && len(cells) < len(lot) {
		return value
	}
	return f.list(cells, lot)
}

// listOr is list, or a word where the result has but one cell.
func (f *finder) listOr(word string, cells []int) string {
	if len(f.r.Cells) == 1 {
		return word
	}
	return f.list(cells, f.all())
}
