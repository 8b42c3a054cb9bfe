package table

import (
	"strings"
	"testing"

	"brokerlab/results"
)

// validation is two published rows and a pair.
func validation() *results.Validation {
	here := 52.5
	return &results.Validation{Profile: "kafka-jvm", Rows: []results.ValidationRow{
		{Kind: results.KindPublished, Table: "acme-2020", Row: "fast", Setting: "full speed", Like: "fast-here",
			Figures: []results.ValidationFigure{
				{Quantity: results.QuantityThroughput, Unit: "records/s", Observed: 100000, Predicted: 112000, Error: 0.12,
					Aim: results.Aim{Share: 0.15}, Within: true, Here: &here},
				{Quantity: results.QuantityProduceP99, Unit: "ms", Observed: 2, Resolution: 1, Predicted: 9, Error: 2.25,
					Aim: results.Aim{Factor: 2}},
			}},
		{Kind: results.KindPublished, Table: "acme-2020", Row: "slow", Setting: "one record at a time",
			Figures: []results.ValidationFigure{
				{Quantity: results.QuantityThroughput, Unit: "records/s", Observed: 1000, Predicted: 900, Error: -0.1},
			}},
		{Kind: results.KindPair, Table: "this-machine", Row: "pair", Setting: "full speed",
			Figures: []results.ValidationFigure{
				{Quantity: results.QuantityThroughput, Unit: "records/s", Observed: 10, Predicted: 5, Error: -0.5,
					Aim: results.Aim{Share: 0.15}},
			}},
	}, Rankings: []results.Ranking{
		{Table: "acme-2020", Quantity: results.QuantityThroughput, Observed: []string{"slow", "fast"},
			Predicted: []string{"fast", "slow"}},
	}}
}

// Goal: the table says for each figure what was observed and predicted, how far
// apart they are, and whether that is within the aim. Method: compare the text of a
// small validation with what it should be.
func TestValidationText(t *testing.T) {
	got := ValidationText(validation())
	for _, line := range []string{
		"fast: full speed            written      100,000/s  112,000/s  +12 %  \u00b115 %    within      52.5/s",
		"                            produce p99  about 2.00 ms  9.00 ms  x3.2   factor 2  MISSED           -",
		"slow: one record at a time  written        1,000/s      900/s  -10 %",
		"This engine on this machine: measured against simulated:",
		"1 of 2 figures of published rows, predicted with the host profile kafka-jvm are within their aim.",
		"0 of 1 figures of this machine's own pairs are within their aim.",
		"acme-2020: by written the rows come as fast < slow, observed were slow < fast.",
	} {
		if !strings.Contains(squeeze(got), squeeze(line)) {
			t.Errorf("no line %q in\n%s", line, got)
		}
	}
	if ValidationMarkdown(&results.Validation{}) != "" {
		t.Error("a validation without rows has a table")
	}
	if text := ValidationText(&results.Validation{}); text != "no row ran\n" {
		t.Errorf("without rows: %q", text)
	}
	if md := ValidationMarkdown(validation()); !strings.Contains(md, "acme-2020 fast: full speed") {
		t.Errorf("Markdown without the table's name:\n%s", md)
	}
}

// squeeze makes one blank of many: widths are the table writer's.
func squeeze(s string) string {
	var lines []string
	for line := range strings.Lines(s) {
		lines = append(lines, strings.Join(strings.Fields(line), " "))
	}
	return strings.Join(lines, "\n")
}
