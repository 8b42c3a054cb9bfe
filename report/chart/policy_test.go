package chart

import (
	"testing"

	"brokerlab/report/plotstyle"
	"brokerlab/report/reporttest"
	"brokerlab/results"
)

// Goal: a flush policy has one colour in every run, and the label that decides it is
// found. Method: a table of settings, and synthetic runs.
func TestFlushPolicies(t *testing.T) {
	for _, c := range []struct {
		messages, ms string
		want         any
	}{
		{"never", "never", plotstyle.FlushNever}, {"", "", plotstyle.FlushNever}, {"1", "never", plotstyle.FlushAlways},
		{"100", "never", plotstyle.FlushRecords}, {"10000", "never", plotstyle.FlushRarely},
		{"never", "100ms", plotstyle.FlushTime}, {"never", "5s", plotstyle.FlushSeconds},
		{"100", "1s", plotstyle.FlushBoth},
	} {
		if got := (policy{c.messages, c.ms}).colour(); got != c.want {
			t.Errorf("%s records, %s: %v, want %v", c.messages, c.ms, got, c.want)
		}
	}
	if got := dataOf(reporttest.Flush(0)).policyLabel(); got != "topic.flush.messages" {
		t.Errorf("the policy is decided by %q", got)
	}
	if got := dataOf(reporttest.Codecs(0)).policyLabel(); got != "" {
		t.Errorf("a run without policies has one, decided by %q", got)
	}
}

// Goal: offered and achieved rates are drawn where they tell something, from the medians
// of repeats. Method: cells with a level load, one that is not, one that was not got, and
// one of which records were not sent.
func TestOffered(t *testing.T) {
	cell := func(offered, acked, unsent []int64) results.Cell {
		var r results.Repeat
		for i := range offered {
			r.Seconds = append(r.Seconds, results.Second{At: float64(i), Length: 1, Warmup: i == 0, Offered: offered[i],
				Acked: acked[i], Unsent: unsent[i]})
		}
		return results.Cell{Repeats: []results.Repeat{r, r}}
	}
	level, none := []int64{100, 100, 100}, []int64{0, 0, 0}
	for _, c := range []struct {
		why  string
		cell results.Cell
		want bool
	}{
		{"closed loop", cell(none, level, none), false},
		{"a level load that was got", cell(level, []int64{20, 101, 99}, none), false},
		{"a step", cell([]int64{100, 100, 200}, []int64{100, 100, 200}, none), true},
		{"not got", cell(level, []int64{100, 100, 80}, none), true},
		{"unsent", cell(level, level, []int64{0, 1, 0}), true},
	} {
		if got := ratesOf(&c.cell).telling(); got != c.want {
			t.Errorf("%s: drawn is %v", c.why, got)
		}
	}
	d := New(&results.Result{Cells: []results.Cell{cell(level, []int64{100, 100, 80}, none)}})
	if f := Offered(d); len(f.Panels) != 1 || f.NoData != "" {
		t.Errorf("%d panels, %s", len(f.Panels), f.NoData)
	}
	if f := Offered(dataOf(reporttest.Codecs(0))); f.NoData == "" {
		t.Error("closed loops have offered rates")
	}
}
