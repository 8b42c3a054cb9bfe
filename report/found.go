package report

import (
	"slices"

	"brokerlab/report/document"
	"brokerlab/report/findings"
	"brokerlab/report/wording"
	"brokerlab/results/quantity"
	"brokerlab/results/selfcheck"
)

// found is what the figures say, in sentences.
func (p *page) found() {
	p.add(document.Section{ID: "found", Title: "What was found"})
	var list document.List
	unshown, longer, runs := false, "", 0
	for _, s := range findings.Of(p.r, p.unforced) {
		list.Items = append(list.Items, document.Item{Tone: toneOf(s), Text: s.Marked()})
		unshown, runs = unshown || !s.Shown, max(runs, s.Runs)
		if s.Longer {
			longer = ", of percentiles with a longer load.duration"
		}
	}
	p.add(list)
	switch {
	case runs > 0:
		p.say("A sentence that begins with %s is of a difference that may be chance: %s cannot show that it is not; "+
			"--repeat %d could%s.", findings.NotShown, wording.Runs(p.r), runs, longer)
	case unshown:
		p.say("A sentence that begins with %s is of a difference that may be chance.", findings.NotShown)
	}
}

// toneOf makes stand out what a reader must not miss.
func toneOf(s findings.Sentence) document.Tone {
	switch s.Kind {
	case findings.Records, findings.LeftOut:
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
		name := quantity.None
		if g.Cell >= 0 && g.Cell < len(p.r.Cells) {
			name = p.names.Cell(g.Cell)
		}
		rows = append(rows, []string{g.Goal, name, outcome, g.Message})
	}
	notice := document.Notice{Tone: document.Good, Text: "All goals are met."}
	if missed > 0 {
		notice = document.Notice{Tone: document.Bad,
			Text: quantity.Count(int64(missed)) + " of " + quantity.Plural(int64(len(rows)), "goal") + " missed."}
	}
	p.add(notice, document.Table{Caption: "Goals, cell by cell",
		Heading: []string{"goal", "cell", "outcome", "by how much"}, Rows: rows})
}

// warnings are what the self-check found, the serious findings first, and the warnings of
// the run and of its cells. What several cells have is said once; that more repeats give
// intervals stands below the table.
func (p *page) warnings() {
	var list document.List
	add := func(tone document.Tone, text string) {
		list.Items = append(list.Items, document.Item{Tone: tone, Text: text})
	}
	cautions := slices.DeleteFunc(wording.Cautions(p.r), func(c wording.Caution) bool {
		return c.Check == selfcheck.Repeats
	})
	for _, c := range cautions {
		if c.Untrusted {
			add(document.Bad, c.Words(p.names))
		}
	}
	for _, w := range p.r.Warnings {
		add(document.Care, w)
	}
	var texts []string
	of := map[string][]int{}
	for i, cell := range p.r.Cells {
		for _, w := range cell.Warnings {
			if !slices.Contains(texts, w) {
				texts = append(texts, w)
			}
			if !slices.Contains(of[w], i) {
				of[w] = append(of[w], i)
			}
		}
	}
	for _, w := range texts {
		if len(p.r.Cells) > 1 {
			w = p.names.Some(of[w]) + ": " + w
		}
		add(document.Care, w)
	}
	for _, c := range cautions {
		if !c.Untrusted {
			add(document.Care, c.Words(p.names))
		}
	}
	if len(list.Items) > 0 {
		p.add(document.Section{ID: "warnings", Title: "Warnings"}, list)
	}
}
