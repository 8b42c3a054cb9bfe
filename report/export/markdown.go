package export

import (
	"bytes"
	"fmt"
	"slices"

	"brokerlab/report/table"
	"brokerlab/report/wording"
	"brokerlab/results"
)

// writeMarkdown is what a document takes of a run: the table, why it is not to be
// trusted if it is not, and what one must know to read it. The report has the rest.
func writeMarkdown(s *source) ([]File, error) {
	r := *s.r
	r.Cells = nil
	for _, cell := range s.cells {
		r.Cells = append(r.Cells, s.r.Cells[cell])
	}
	var b bytes.Buffer
	title := r.Title
	if title == "" {
		title = r.Scenario
	}
	fmt.Fprintf(&b, "**%s**", table.EscapeMarkdown(title))
	if r.Question != "" {
		fmt.Fprintf(&b, " %s", table.EscapeMarkdown(r.Question))
	}
	b.WriteString("\n\n")
	if words := table.Head(&r); words != "" {
		fmt.Fprintf(&b, "%s\n\n", table.EscapeMarkdown(words))
	}
	fmt.Fprintf(&b, "%s\n", table.Markdown(&r))
	for _, note := range slices.Concat(wording.CautionLines(&r), table.Notes(&r)) {
		fmt.Fprintf(&b, "- %s\n", table.EscapeMarkdown(note))
	}
	fmt.Fprintf(&b, "- %s\n", table.EscapeMarkdown(provenance(&r)))
	return []File{{r.Scenario + ".md", b.Bytes()}}, nil
}

// provenance says where the figures are from, on a line.
func provenance(r *results.Result) string {
	v, m := r.Wall.Version, r.Wall.Machine
	return fmt.Sprintf("brokerlab %s (%s), seed %d, %s, %s, %d cores.", v.Brokerlab, v.Commit, r.Seed,
		r.Wall.Started.UTC().Format("2006-01-02 15:04 UTC"), m.CPU, m.Cores)
}
