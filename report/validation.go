package report

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"brokerlab/report/chart"
	"brokerlab/report/table"
	"brokerlab/results"
)

// ValidationMarkdownFile is the report of a validation, in its folder.
const ValidationMarkdownFile = "validation.md"

// WriteValidation writes the charts of a validation and its validation.md into the
// folder and returns the names of the files, validation.md first.
func WriteValidation(f *results.Folder, v *results.Validation) ([]string, error) {
	files := []string{ValidationMarkdownFile}
	charts := chart.ValidationCharts(v)
	for _, c := range charts {
		var png bytes.Buffer
		if err := c.Figure.WritePNG(&png); err != nil {
			return nil, fmt.Errorf("report: draw %s: %w", c.Name, err)
		}
		if err := f.WriteFile(c.Name, png.Bytes()); err != nil {
			return nil, err
		}
		files = append(files, c.Name)
	}
	return files, f.WriteFile(ValidationMarkdownFile, validationPage(v, charts))
}

func validationPage(v *results.Validation, charts []chart.File) []byte {
	var b bytes.Buffer
	say := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n\n", args...) }
	say("# Predicted against observed")
	say("Published benchmarks of Apache Kafka, each predicted by a simulation with the host profile %s, and this engine "+
		"on one machine against its own simulation.", table.EscapeMarkdown(v.Profile))
	if text := table.ValidationMarkdown(v); text != "" {
		say("%s", strings.TrimSpace(text))
	}
	for _, note := range table.ValidationNotes(v) {
		fmt.Fprintf(&b, "- %s\n", table.EscapeMarkdown(note))
	}
	b.WriteString("\n")
	for _, c := range charts {
		say("![%s](%s)", table.EscapeMarkdown(c.Figure.Title), c.Name)
	}
	say("## Sources")
	seen := map[string]bool{}
	for i := range v.Rows {
		for _, source := range v.Rows[i].Sources {
			if !seen[source] {
				seen[source] = true
				fmt.Fprintf(&b, "- %s: %s\n", table.EscapeMarkdown(v.Rows[i].Table), table.EscapeMarkdown(source))
			}
		}
	}
	fmt.Fprintf(&b, "\nbrokerlab %s, commit %s, %s, %s, %d cores. Took %.0f s.\n", v.Wall.Version.Brokerlab,
		v.Wall.Version.Commit, v.Wall.Started.UTC().Format(time.RFC3339), v.Wall.Machine.CPU, v.Wall.Machine.Cores,
		v.Wall.Seconds)
	return b.Bytes()
}
