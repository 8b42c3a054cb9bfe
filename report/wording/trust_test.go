package wording

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"brokerlab/results"
	"brokerlab/results/selfcheck"
)

// Goal: what the self-check found of several cells is told once, the serious findings
// first, and where messages have other figures it says whose they are.
// Method: cells with findings made by hand.
func TestCautionLines(t *testing.T) {
	busy := func(words string) results.Finding {
		return results.Finding{Check: selfcheck.Generator, Message: "a client worked for " + words + " % of the time."}
	}
	others := func(words string) results.Finding {
		return results.Finding{Check: selfcheck.Machine, Message: "other programs used " + words}
	}
	doubt := results.Finding{Check: selfcheck.Machine, Untrusted: true, Message: "java ran"}
	for _, row := range []struct {
		why  string
		of   [][]results.Finding // by cell
		want []string
	}{
		{"nothing was found", make([][]results.Finding, 2), nil},
		{"one cell has no name", [][]results.Finding{{busy("99")}}, []string{
			"With care: a client worked for 99 % of the time."}},
		{"the same of all", [][]results.Finding{{doubt}, {doubt}}, []string{"NOT TO BE TRUSTED: all cells: java ran."}},
		{"figures differ", [][]results.Finding{{}, {busy("99.5")}, {busy("100"), doubt}}, []string{
			"NOT TO BE TRUSTED: producers.count=c: java ran.",
			"With care: producers.count=b; producers.count=c: a client worked for 99.5 % of the time (of producers.count=b; " +
				"the others are alike)."}},
		{"so do names behind them, and another kind stands apart", [][]results.Finding{{others("9 %, java most")},
			{others("7 %, go most")}, {{Check: selfcheck.Machine, Message: "the host gave 9 %"}}}, []string{
			"With care: producers.count=a; producers.count=b: other programs used 9 %, java most (of producers.count=a; the " +
				"others are alike).", "With care: producers.count=c: the host gave 9 %."}},
		{"many cells are counted", [][]results.Finding{{busy("1")}, {busy("1")}, {busy("1")}, {busy("1")}, {}}, []string{
			"With care: 4 of 5 cells: a client worked for 1 % of the time."}},
		{"notes of the table tell the rest", [][]results.Finding{{{Check: selfcheck.Repeats, Message: "x"}},
			{{Check: selfcheck.Samples, Message: "y"}}}, nil},
	} {
		r := cells()
		for i, of := range row.of {
			r.Cells = append(r.Cells, results.Cell{Labels: map[string]string{"producers.count": string(rune('a' + i))},
				Trust: of})
		}
		if diff := cmp.Diff(row.want, CautionLines(r)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", row.why, diff)
		}
	}
}
