package table

import (
	"fmt"
	"strings"

	"brokerlab/results"
	"brokerlab/results/quantity"
)

// quantityWords are quantities as the table says them.
var quantityWords = map[string]string{
	results.QuantityThroughput: "written", results.QuantityConsumed: "consumed",
	results.QuantityProduceP50: "produce p50", results.QuantityProduceP99: "produce p99",
	results.QuantityProduceMean: "produce mean",
	results.QuantityEndP50:      "end-to-end p50", results.QuantityEndP99: "end-to-end p99",
}

// QuantityWords is a quantity of a validation in words.
func QuantityWords(quantity string) string {
	if words, ok := quantityWords[quantity]; ok {
		return words
	}
	return quantity
}

// ValidationText is a validation as a table for a terminal, with lines below it
// on how to read it. It ends with a line feed.
func ValidationText(v *results.Validation) string {
	var b strings.Builder
	if len(v.Rows) > 0 {
		b.WriteString(validationGrid(v, true).text() + "\n")
	}
	for _, line := range ValidationNotes(v) {
		b.WriteString(line + "\n")
	}
	return b.String()
}

// ValidationMarkdown is the table alone, as GitHub's Markdown has it; empty
// without rows.
func ValidationMarkdown(v *results.Validation) string {
	if len(v.Rows) == 0 {
		return ""
	}
	return validationGrid(v, false).markdown()
}

// validationGrid has one row for each figure. Tables are sections, or part of the
// row's name where there are none.
func validationGrid(v *results.Validation, sections bool) grid {
	g := grid{heading: []string{"row", "figure", "observed", "predicted", "error", "aim", "", "Kafka here"},
		aligns: []align{left, left, right, right, right, left, left, right}}
	here := false
	table := ""
	for i := range v.Rows {
		r := &v.Rows[i]
		if sections && r.Table != table {
			table = r.Table
			g.sections = append(g.sections, section{row: len(g.rows), words: tableWords(r)})
		}
		name := r.Row + ": " + r.Setting
		if !sections {
			name = r.Table + " " + name
		}
		for n := range r.Figures {
			if n > 0 {
				name = ""
			}
			g.rows = append(g.rows, figureRow(name, &r.Figures[n]))
			here = here || r.Figures[n].Here != nil
		}
	}
	if !here {
		last := len(g.heading) - 1
		g.heading, g.aligns = g.heading[:last], g.aligns[:last]
		for i := range g.rows {
			g.rows[i] = g.rows[i][:last]
		}
	}
	return g
}

func tableWords(r *results.ValidationRow) string {
	if r.Kind == results.KindPair {
		return "This engine on this machine: measured against simulated"
	}
	return r.Table
}

func figureRow(name string, f *results.ValidationFigure) []string {
	verdict := ""
	switch {
	case !f.Aim.Held():
	case f.Within:
		verdict = "within"
	default:
		verdict = "MISSED"
	}
	here := quantity.None
	if f.Here != nil {
		here = amount(*f.Here, f.Unit)
	}
	observed := amount(f.Observed, f.Unit)
	if f.Resolution > 0 {
		observed = "about " + observed
	}
	return []string{name, QuantityWords(f.Quantity), observed, amount(f.Predicted, f.Unit), signed(f.Error),
		f.Aim.String(), verdict, here}
}

// amount writes a rate or a time.
func amount(v float64, unit string) string {
	if unit == "ms" {
		return quantity.Digits(v) + " ms"
	}
	return quantity.Digits(v) + "/s"
}

// signed writes a relative error: +12 %, or how many times too much from 2 on.
func signed(err float64) string {
	if err >= 1 {
		return fmt.Sprintf("x%.1f", 1+err)
	}
	return fmt.Sprintf("%+.0f %%", 100*err)
}

// ValidationNotes say what the figures are and how often the aims were reached.
func ValidationNotes(v *results.Validation) []string {
	if len(v.Rows) == 0 {
		return []string{"no row ran"}
	}
	var notes []string
	for _, kind := range []struct{ kind, words string }{
		{results.KindPublished, "of published rows, predicted with the host profile " + v.Profile},
		{results.KindPair, "of this machine's own pairs"},
	} {
		held, reached := count(v, kind.kind)
		if held > 0 {
			notes = append(notes, fmt.Sprintf("%d of %d figures %s are within their aim.", reached, held, kind.words))
		}
	}
	for _, r := range v.Rankings {
		if !r.Same {
			notes = append(notes, fmt.Sprintf("%s: by %s the rows come as %s, observed were %s.", r.Table,
				QuantityWords(r.Quantity), strings.Join(r.Predicted, " < "), strings.Join(r.Observed, " < ")))
		}
	}
	if same := sameRankings(v); same > 0 {
		notes = append(notes, fmt.Sprintf("%d of %d rankings within a table are the observed ones.", same,
			len(v.Rankings)))
	}
	for i := range v.Rows {
		if v.Rows[i].Like != "" {
			notes = append(notes, "Kafka here: Apache Kafka itself on one machine of two cores, in the setting most like the "+
				"row's; see scenarios/published/observed/here.yaml.")
			break
		}
	}
	for _, warning := range v.Warnings {
		notes = append(notes, "Warning: "+warning+".")
	}
	return append(notes, "Error is predicted / observed - 1. Figures without an aim are shown only. "+
		"\"about\": as it was printed, in whole milliseconds.")
}

func sameRankings(v *results.Validation) (same int) {
	for _, r := range v.Rankings {
		if r.Same {
			same++
		}
	}
	return same
}

// count is how many figures of a kind have an aim, and how many of those reach it.
func count(v *results.Validation, kind string) (held, reached int) {
	for i := range v.Rows {
		if v.Rows[i].Kind != kind {
			continue
		}
		for _, f := range v.Rows[i].Figures {
			if f.Aim.Held() {
				held++
			}
			if f.Within {
				reached++
			}
		}
	}
	return held, reached
}
