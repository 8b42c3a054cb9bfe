package report

import (
	"slices"

	"brokerlab/report/document"
	"brokerlab/report/findings"
	"brokerlab/report/wording"
	"brokerlab/results"
)

// found is what the figures say, in sentences.
func (p *page) found() {
	p.add(document.Section{ID: "found", Title: "What was found"})
	var list document.List
	shown := true
	for _, s := range findings.Of(p.r) {
		list.Items = append(list.Items, document.Item{Tone: toneOf(s), Text: s.Marked()})
		shown = shown && s.Shown
	}
	p.add(list)
	if !shown {
		p.say("A sentence that begins with %s is of a difference that may be chance: more repeats (--repeat) tell.",
			findings.NotShown)
	}
}

// toneOf makes stand out what a reader must not miss.
func toneOf(s findings.Sentence) document.Tone {
	switch s.Kind {
	case findings.Incomplete, findings.Records:
		return document.Bad
	case findings.Trust:
		return document.Care
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

// warnings are those of the run, those of its cells, and what the self-check found.
func (p *page) warnings() {
	var list document.List
	untrusted := 0
	for _, w := range p.r.Warnings {
		list.Items = append(list.Items, document.Item{Tone: document.Care, Text: w})
	}
	for i, cell := range p.r.Cells {
		for _, w := range cell.Warnings {
			list.Items = append(list.Items, document.Item{Tone: document.Care, Text: p.names.Cell(i) + ": " + w})
		}
		for _, f := range cell.Trust {
			tone := document.Care
			if f.Untrusted {
				tone = document.Bad
			}
			list.Items = append(list.Items, document.Item{Tone: tone, Text: p.names.Cell(i) + ": " + f.Message})
		}
		if slices.ContainsFunc(cell.Trust, func(f results.Finding) bool { return f.Untrusted }) {
			untrusted++
		}
	}
	if len(list.Items) == 0 {
		return
	}
	p.add(document.Section{ID: "warnings", Title: "Warnings"})
	if untrusted > 0 {
		p.add(document.Notice{Tone: document.Bad, Text: "The self-check says that the figures of " +
			wording.Count(int64(untrusted)) + " of " + wording.Plural(int64(len(p.r.Cells)), "cell") +
			" are not to be trusted, and why."})
	}
	p.add(list)
}
