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
)

// Kinds of sentences, in the order in which Of gives them.
const (
	Source     = "source"     // measured or simulated; always there
	Incomplete = "incomplete" // the run did not end by itself
	Records    = "records"    // lost, duplicated, reordered, corrupted or failed
	Trust      = "trust"      // not to be trusted, and why
	Goal       = "goal"       // met or missed
	Figure     = "figure"     // the best and the worst cell, or what the only one reached
	Along      = "along"      // what changed along a varied setting
	Time       = "time"       // where the time went
	Bound      = "bound"      // what bounds cells
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
}

// Marked is the text, with NotShown before it where nothing is shown.
func (s Sentence) Marked() string {
	if s.Shown {
		return s.Text
	}
	return NotShown + " " + s.Text
}

// Of gives the sentences of a result. There is always one: how its figures came
// about, or that there are none.
func Of(r *results.Result) []Sentence {
	f := &finder{r: r, names: wording.NamesOf(r)}
	f.source()
	f.incomplete()
	f.records()
	f.trust()
	f.goals()
	f.figures()
	f.along()
	f.time()
	f.bounds()
	return f.out
}

// finder makes the sentences of one result.
type finder struct {
	r     *results.Result
	names *wording.Names
	out   []Sentence
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

// all are the cells of the result.
func (f *finder) all() (cells []int) {
	for i := range f.r.Cells {
		cells = append(cells, i)
	}
	return cells
}

// namesListed is how many cells a sentence names.
const namesListed = 4

// list names cells of a lot: "lz4, zstd and gzip"; many are counted.
func (f *finder) list(cells, lot []int) string {
	switch {
	case len(cells) == len(lot) && len(cells) == 2:
		return "both cells"
	case len(cells) == len(lot) && len(cells) > 2:
		return "all " + wording.Plural(int64(len(cells)), "cell")
	case len(cells) > namesListed:
		return wording.Plural(int64(len(cells)), "cell")
	}
	names := make([]string, len(cells))
	for i, cell := range cells {
		names[i] = f.name(cell, lot)
	}
	return and(names)
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
	repeats := wording.Repeats(r, "", " of each cell")
	if repeats == "" {
		repeats = "one run of each cell"
	}
	switch {
	case wording.TargetVaries(r):
		f.say(Source, "Some cells were measured and others simulated ("+repeats+"); the two kinds are not compared with "+
			"each other here.")
	case wording.AllSimulated(r):
		f.say(Source, "All figures are simulated: they say what the models of disks, networks and processors make of it ("+
			repeats+").")
	default:
		f.say(Source, "All figures were measured on this machine ("+repeats+").")
	}
}

func (f *finder) incomplete() {
	if f.r.Complete {
		return
	}
	text := "The run is incomplete"
	if f.r.Incomplete != "" {
		text += ": " + f.r.Incomplete
	}
	if missing := len(f.r.Cells) - len(f.ran()); missing > 0 && len(f.ran()) > 0 {
		text += "; " + wording.Plural(int64(missing), "cell") + " did not run"
	}
	f.say(Incomplete, text+".")
}

// records says which cells did not keep their records.
func (f *finder) records() {
	for _, i := range f.ran() {
		c := &f.r.Cells[i]
		if c.Bad() > 0 || c.Failed > 0 {
			f.say(Records, "In "+f.names.Cell(i)+" not all records came through: "+wording.Check(c.Counts)+" of "+
				wording.Count(c.Acked)+" acknowledged.", i)
		}
	}
}

// trustListed is how many reasons are told.
const trustListed = 6

// trust says what is not to be trusted. One reason of several cells is told once.
func (f *finder) trust() {
	type reason struct {
		message string
		cells   []int
	}
	var reasons []reason
	for _, i := range f.ran() {
		for _, t := range f.r.Cells[i].Trust {
			if !t.Untrusted {
				continue
			}
			at := slices.IndexFunc(reasons, func(r reason) bool { return r.message == t.Message })
			if at < 0 {
				reasons = append(reasons, reason{message: t.Message})
				at = len(reasons) - 1
			}
			reasons[at].cells = append(reasons[at].cells, i)
		}
	}
	for n, reason := range reasons {
		if n == trustListed {
			f.say(Trust, "There are "+wording.Count(int64(len(reasons)-n))+" more reasons not to trust cells.")
			return
		}
		f.say(Trust, "Not to be trusted: "+f.list(reason.cells, f.all())+": "+strings.TrimSuffix(reason.message, ".")+".",
			reason.cells...)
	}
}

// untrusted says whether a cell's figures are not to be used.
func (f *finder) untrusted(cell int) bool {
	return slices.ContainsFunc(f.r.Cells[cell].Trust, func(t results.Finding) bool { return t.Untrusted })
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
			f.say(Goal, "The goal "+text+" is missed in "+wording.Count(int64(len(missed)))+" of "+
				wording.Plural(int64(all), "cell")+".", missed...)
		case len(missed) > 0:
			f.say(Goal, "The goal "+text+" is missed in "+strings.Join(why, "; ")+".", missed...)
		case len(met) > 0:
			f.say(Goal, "The goal "+text+" is met in "+f.list(met, f.all())+".", met...)
		}
	}
}

// bounds says what bounds cells, a resource at a time.
func (f *finder) bounds() {
	for _, resource := range wording.BoundOrder() {
		var cells []int
		for _, i := range f.ran() {
			if b := f.r.Cells[i].Bound; b != nil && b.Resource == resource {
				cells = append(cells, i)
			}
		}
		if len(cells) > 0 {
			f.say(Bound, "What bounds "+f.listOr("it", cells)+": "+wording.BoundSays(resource)+".", cells...)
		}
	}
}

// listOr is list, or a word where the result has but one cell.
func (f *finder) listOr(word string, cells []int) string {
	if len(f.r.Cells) == 1 {
		return word
	}
	return f.list(cells, f.all())
}
