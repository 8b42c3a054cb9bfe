package table

import (
	"strings"
	"testing"

	"github.com/jedib0t/go-pretty/v6/text"

	"brokerlab/report/reporttest"
)

// Goal: a table that is wider than the terminal goes on below with its rows named again,
// nothing is lost, and one that fits stays as it is. Method: all synthetic runs in terminals of
// usual widths, by the width of their lines and by their words.
func TestTextWithin(t *testing.T) {
	for _, run := range append(reporttest.Runs(100), reporttest.Resources(100)) {
		r, _ := reporttest.Make(run)
		whole := Text(r)
		for _, columns := range []int{80, 100, 120} {
			got := TextWithin(r, columns)
			for _, line := range strings.Split(got, "\n") {
				if n := text.StringWidthWithoutEscSequences(line); n > columns && strings.Contains(line, " ") {
					t.Errorf("%s: %d of %d columns: %q", run.Scenario, n, columns, line)
				}
			}
			for _, word := range strings.Fields(whole) {
				if strings.Trim(word, "-") != "" && !strings.Contains(got, word) {
					t.Errorf("%s in %d columns lacks %q", run.Scenario, columns, word)
				}
			}
		}
		if got := TextWithin(r, 1000); got != whole {
			t.Errorf("%s: folded though it fits", run.Scenario)
		}
	}
}

// Goal: columns of a group stay together, a group that is too wide is split, and a table whose
// rows have longer names than there is room stays whole. Method: a grid of six columns.
func TestFold(t *testing.T) {
	g := grid{heading: []string{"cell", "rate", "p50", "p99", "max", "fsyncs"},
		groups: []string{"", "", "latency", "latency", "latency", ""},
		aligns: []align{left, right, right, right, right, right},
		rows:   [][]string{{"no compression", "123456", "12.5 ms", "99.9 ms", "1.25 s", "0"}}}
	for _, c := range []struct {
		columns int
		want    string
	}{
		{0, "cell rate p50 p99 max fsyncs"},
		{100, "cell rate p50 p99 max fsyncs"},
		{45, "cell rate|cell p50 p99 max|cell fsyncs"},
		{34, "cell rate|cell p50 p99|cell max fsyncs"},
		{23, "cell rate p50 p99 max fsyncs"},
	} {
		var parts []string
		for _, part := range g.fold(c.columns) {
			parts = append(parts, strings.Join(part.heading, " "))
		}
		if got := strings.Join(parts, "|"); got != c.want {
			t.Errorf("%d columns: %s, want %s", c.columns, got, c.want)
		}
	}
}
