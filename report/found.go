package report

import (
	"cmp"
	"slices"
	"strings"

	"brokerlab/report/document"
	"brokerlab/report/findings"
	"brokerlab/report/wording"
	"brokerlab/results"
)

// found is what the figures say, in sentences. What the self-check says of single cells
// is among the warnings.
func (p *page) found() {
	p.add(document.Section{ID: "found", Title: "What was found"})
	if untrusted := p.untrusted(); untrusted > 0 {
		p.add(document.Notice{Tone: document.Bad, Text: "The figures of " + wording.Count(int64(untrusted)) + " of " +
			wording.Plural(int64(len(p.r.Cells)), "cell") + " are not to be trusted: the warnings say why."})
	}
	var list document.List
	shown := true
	for _, s := range findings.Of(p.r) {
		if s.Kind == findings.Trust || s.Kind == findings.Incomplete { // told above and below
			continue
		}
		list.Items = append(list.Items, document.Item{Tone: toneOf(s), Text: s.Marked()})
		shown = shown && s.Shown
	}
	p.add(list)
	if !shown {
		p.say("A sentence that begins with %s is of a difference that may be chance: more repeats (--repeat) tell.",
			findings.NotShown)
	}
}

// untrusted is how many cells the self-check found not to be trusted.
func (p *page) untrusted() (count int) {
	for _, cell := range p.r.Cells {
		if slices.ContainsFunc(cell.Trust, func(f results.Finding) bool { return f.Untrusted }) {
			count++
		}
	}
	return count
}

// toneOf makes stand out what a reader must not miss.
func toneOf(s findings.Sentence) document.Tone {
	switch s.Kind {
	case findings.Records:
		return document.Bad
	}
	return document.Plain
}

// goals are those of the scenario and what became of them.
func (p *page) goals() {
	if len(p.r.Goals) == 0 {
		return
	}
	p.add(document.Section{ID: "goals", Title: "Goals"})
	missed := 0
	var rows [][]string
	for _, g := range p.r.Goals {
		outcome := "met"
		if !g.Met {
			outcome, missed = "missed", missed+1
		}
		name := wording.None
		if g.Cell >= 0 && g.Cell < len(p.r.Cells) {
			name = p.names.Cell(g.Cell)
		}
		rows = append(rows, []string{g.Goal, name, outcome, g.Message})
	}
	notice := document.Notice{Tone: document.Good, Text: "All goals are met."}
	if missed > 0 {
		notice = document.Notice{Tone: document.Bad,
			Text: wording.Count(int64(missed)) + " of " + wording.Plural(int64(len(rows)), "goal") + " missed."}
	}
	p.add(notice, document.Table{Caption: "Goals, cell by cell",
		Heading: []string{"goal", "cell", "outcome", "by how much"}, Rows: rows})
}

// warnings are those of the run, those of its cells, and what the self-check found, the
// serious ones first. What several cells have is said once.
func (p *page) warnings() {
	var all []warning
	add := func(cell int, tone document.Tone, text string) {
		at := slices.IndexFunc(all, func(w warning) bool { return w.tone == tone && w.text == text })
		if at < 0 {
			at = len(all)
			all = append(all, warning{tone: tone, text: text})
		}
		if cell >= 0 && !slices.Contains(all[at].cells, cell) {
			all[at].cells = append(all[at].cells, cell)
		}
	}
	for _, w := range p.r.Warnings {
		add(-1, document.Care, w)
	}
	for i, cell := range p.r.Cells {
		for _, w := range cell.Warnings {
			add(i, document.Care, w)
		}
		for _, f := range cell.Trust {
			if f.Untrusted {
				add(i, document.Bad, f.Message)
			} else {
				add(i, document.Care, f.Message)
			}
		}
	}
	if len(all) == 0 {
		return
	}
	slices.SortStableFunc(all, func(a, b warning) int { return cmp.Compare(a.rank(), b.rank()) })
	var list document.List
	for _, w := range all {
		list.Items = append(list.Items, document.Item{Tone: w.tone, Text: p.whose(w.cells) + w.text})
	}
	p.add(document.Section{ID: "warnings", Title: "Warnings"}, list)
}

// warning is one, and the cells that have it; none: it is of the run.
type warning struct {
	tone  document.Tone
	text  string
	cells []int
}

func (w warning) rank() int {
	if w.tone == document.Bad {
		return 0
	}
	return 1
}

// whose names cells before what is said of them.
func (p *page) whose(cells []int) string {
	switch {
	case len(cells) == 0:
		return ""
	case len(cells) == len(p.r.Cells) && len(cells) > 1:
		return "all cells: "
	}
	var names []string
	for _, i := range cells {
		names = append(names, p.names.Cell(i))
	}
	return strings.Join(names, "; ") + ": "
}
