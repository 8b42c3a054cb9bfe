package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"brokerlab/cmd/bench/measure"
)

// Goal: a line's verdict follows from its median, target and aim. Method: one
// sample per row, with the judged figure on each side of target and aim.
func TestJudge(t *testing.T) {
	for _, c := range []struct {
		name        string
		judged      judged
		target, aim float64
		got         sample
		want        string
	}{
		{"a ratio below the target is short", ratio, 0.5, 0.7, sample{ours: 4, plain: 10}, "short"},
		{"a ratio at the target passes", ratio, 0.5, 0.7, sample{ours: 5, plain: 10}, "pass"},
		{"a ratio at the aim reaches it", ratio, 0.5, 0.7, sample{ours: 7, plain: 10}, "aim"},
		{"a rate is not divided by the plain loop's", atLeast, 15, 30, sample{ours: 16, plain: 70}, "pass"},
		{"a latency above the target is short", atMost, 150, 60, sample{ours: 151, plain: 2}, "short"},
		{"a latency between aim and target passes", atMost, 150, 60, sample{ours: 61, plain: 2}, "pass"},
		{"a latency below the aim reaches it", atMost, 150, 60, sample{ours: 59, plain: 2}, "aim"},
		{"a cost ratio above the target is short", ratioAtMost, 2, 0, sample{ours: 21, plain: 10}, "short"},
		{"a cost ratio below the target passes", ratioAtMost, 2, 0, sample{ours: 19, plain: 10}, "pass"},
		{"a line without a target has no verdict", nothing, 0, 0, sample{ours: 1}, ""},
	} {
		l := line{judged: c.judged, target: c.target, aim: c.aim}
		if got := judge("row", l, []sample{c.got}, 1).Verdict; got != c.want {
			t.Errorf("%s: verdict %q, want %q", c.name, got, c.want)
		}
	}
}

// Goal: rounds are chosen by what others did to them and by nothing else. Method:
// samples whose best figures are the disturbed ones.
func TestQuietest(t *testing.T) {
	all := []sample{{ours: 9, others: 0.5}, {ours: 1, others: 0.1}, {ours: 2}, {ours: 8, others: 0.3}}
	var got []float64
	for _, s := range quietest(all, 3) {
		got = append(got, s.ours)
	}
	if diff := cmp.Diff([]float64{2, 1, 8}, got); diff != "" {
		t.Errorf("chosen (-want +got):\n%s", diff)
	}
	if n := len(quietest(all, 9)); n != 4 {
		t.Errorf("%d of 4 samples chosen", n)
	}
}

// Goal: disturbed rounds are made up for, with an end. Method: count the calls for
// machines of several kinds.
func TestEach(t *testing.T) {
	for _, c := range []struct {
		name  string
		noisy func(round int) bool
		calls int
	}{
		{"a quiet machine: the warm-up and the rounds", func(int) bool { return false }, 4},
		{"one disturbed round is made up for", func(round int) bool { return round == 2 }, 5},
		{"a busy machine: twice the rounds at most", func(int) bool { return true }, 7},
	} {
		s := &session{rounds: 3}
		out := &samples{lines: make([][]sample, 1), progress: func() {}}
		calls := 0
		err := s.each(out, func(round int) error {
			calls++
			if round > 0 {
				got := sample{ours: 1}
				if c.noisy(round) {
					got.usage.Others = 1
				}
				out.add(0, got)
			}
			return nil
		})
		if err != nil || calls != c.calls {
			t.Errorf("%s: %d calls, error %v, want %d calls", c.name, calls, err, c.calls)
		}
	}
}

// Goal: the phrase says processor or waiting. Method: usages of both kinds, with
// and without neighbours.
func TestLimit(t *testing.T) {
	u := measure.Usage{Elapsed: time.Second, User: 600 * time.Millisecond, System: 400 * time.Millisecond}
	if got := limit(u); got != "processor: 1.0 cores, 40 % in the kernel" {
		t.Errorf("one full core: %q", got)
	}
	u.User, u.Others = 0, 0.5
	if got := limit(u); !strings.HasPrefix(got, "waiting: 0.4 of ") || !strings.HasSuffix(got, "; others took 0.5") {
		t.Errorf("an idle body beside a busy neighbour: %q", got)
	}
}

// Goal: the commands that take no measurement work. Method: help, wrong flags and
// a name that no row has.
func TestCommandLine(t *testing.T) {
	for _, c := range []struct {
		args []string
		exit int
		want string
	}{
		{[]string{"--help"}, 0, "produce-1k"},
		{[]string{"--format", "xml"}, 2, "Usage"},
		{[]string{"--rounds", "0"}, 2, "Usage"},
		{[]string{"--dir", t.TempDir(), "--only", "no such row"}, 1, "no row's name"},
	} {
		var stdout, stderr bytes.Buffer
		if exit := bench(c.args, &stdout, &stderr); exit != c.exit || !strings.Contains(stderr.String(), c.want) {
			t.Errorf("%v: exit %d, want %d with %q in:\n%s", c.args, exit, c.exit, c.want, stderr.String())
		}
	}
}
