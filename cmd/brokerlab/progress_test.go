package main

import (
	"slices"
	"testing"
	"time"

	"brokerlab/results"
	"brokerlab/scenarios/run"
)

// Goal: progress says where a run is, at the rate of late, and each cell's
// beginning and end once. Method: moments of an invented run.
func TestTracker(t *testing.T) {
	status := func(cell int, phase string, elapsed time.Duration, acked int64) run.Status {
		return run.Status{Cell: cell, Cells: 2, Repeat: 1, Repeats: 1, Label: "acks=1", Target: results.TargetReal,
			Phase: phase, Elapsed: elapsed, Duration: 10 * time.Second, Acked: acked}
	}
	var tr follower
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, row := range []struct {
		sentence string
		at       time.Duration
		status   run.Status
		lines    []string
		line     string
	}{
		{"a cell begins", 0, status(1, "starting brokers", 0, 0),
			[]string{"cell 1 of 2: acks=1, measured"}, "cell 1 of 2: starting brokers - acks=1, measured"},
		{"the load begins", time.Second, status(1, phaseLoad, 0, 0), nil,
			"cell 1 of 2: load 0.0 of 10.0 s - acks=1, measured"},
		{"a first rate", 2 * time.Second, status(1, phaseLoad, time.Second, 1000), nil,
			"cell 1 of 2: load 1.0 of 10.0 s, 1,000 records, 1,000/s - acks=1, measured"},
		{"the rate is that of the last second", 5 * time.Second, status(1, phaseLoad, 4*time.Second, 13000),
			[]string{"cell 1 of 2: load 4.0 of 10.0 s, 13,000 records, 4,000/s"},
			"cell 1 of 2: load 4.0 of 10.0 s, 13,000 records, 4,000/s - acks=1, measured"},
		{"no rate while nothing is sent", 6 * time.Second, status(1, "reading back", 11*time.Second, 20000), nil,
			"cell 1 of 2: reading back, 20,000 records - acks=1, measured"},
		{"the next cell begins", 7 * time.Second, status(2, "preparing", 0, 0),
			[]string{"cell 1 of 2: ended, about 3,250 records/s", "cell 2 of 2: acks=1, measured"},
			"cell 2 of 2: preparing - acks=1, measured"},
		{"failures show", 8 * time.Second, run.Status{Cell: 2, Cells: 2, Repeat: 2, Repeats: 3, Label: "sim",
			Target: results.TargetSim, Phase: phaseLoad, Duration: time.Second, Failed: 7},
			[]string{"cell 2 of 2: ended", "cell 2 of 2, repeat 2 of 3: sim, simulated (seconds are of the virtual clock)"},
			"cell 2 of 2, repeat 2 of 3: load 0.0 of 1.0 s, 7 failed - sim, simulated (seconds are of the virtual clock)"},
	} {
		lines := tr.observe(start.Add(row.at), []run.Status{row.status}, 0, 3)
		if !slices.Equal(lines, row.lines) {
			t.Errorf("%s: lines %q", row.sentence, lines)
		}
		if line := tr.line(200); line != row.line {
			t.Errorf("%s: line %q", row.sentence, line)
		}
	}
}

// Goal: a narrow terminal shows what matters most, and no line is wider than it. Method: widths of a moment with
// all there is to say, of one cell and of two.
func TestLineFits(t *testing.T) {
	status := func(cell int) run.Status {
		return run.Status{Cell: cell, Cells: 12, Repeat: 1, Repeats: 1, Label: "acks=\u65e5", Target: results.TargetReal,
			Phase: phaseLoad, Elapsed: 5 * time.Second, Duration: 10 * time.Second, Acked: 13000, P99: 3 * time.Millisecond}
	}
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var one, two follower
	one.observe(start, []run.Status{status(1)}, 0, 12)
	before := status(1) // a second ago
	before.Elapsed, before.Acked = 4*time.Second, 4000
	two.observe(start, []run.Status{before}, 0, 12)
	two.observe(start, []run.Status{status(1), status(2)}, 0, 12)
	one.left, two.left = "20 s left", "20 s left"
	for _, row := range []struct {
		f     *follower
		width int
		want  string
	}{
		{&one, 200, "cell 1 of 12: load 5.0 of 10.0 s, 13,000 records, p99 3.00 ms, 20 s left - acks=\u65e5, measured"},
		{&one, 85, "cell 1 of 12: load 5.0 of 10.0 s, 13,000 records, p99 3.00 ms, 20 s left"},
		{&one, 60, "cell 1 of 12: load 5.0 of 10.0 s, p99 3.00 ms, 20 s left"},
		{&one, 40, "1/12 50 %, p99 3.00 ms, 20 s left"},
		{&one, 20, "1/12 50 %, 20 s left"},
		{&one, 10, "1/12 50 %"},
		{&one, 4, "1/12"},
		{&two, 200, "0 of 12 ended, 20 s left; cell 1 of 12 50 %, 9,000/s, p99 3.00 ms; cell 2 of 12 50 %, p99 3.00 ms"},
		{&two, 85, "0 of 12 ended, 20 s left; cell 1 of 12 50 %, 9,000/s; cell 2 of 12 50 %"},
		{&two, 70, "0 of 12 ended, 20 s left; cell 1 of 12 50 %; cell 2 of 12 50 %"},
		{&two, 50, "0 of 12 ended, 20 s left; 1: 50 %; 2: 50 %"},
		{&two, 30, "0 of 12 ended, 20 s left"},
	} {
		if got := row.f.line(row.width); got != row.want {
			t.Errorf("%d columns: %q, want %q", row.width, got, row.want)
		}
	}
	for columns, want := range map[int]string{79: "", 80: "", 81: "\x1b[1A", 240: "\x1b[2A"} {
		if got := rowsUp(columns, 80); got != want {
			t.Errorf("%d columns in 80: %q", columns, got)
		}
	}
}

// Goal: the time left is that of the work that is left, at the speed so far. Method: moments of invented runs.
func TestEstimate(t *testing.T) {
	const s = time.Second
	half := run.Work{SimPlanned: 100 * s, SimDone: 50 * s, SimTook: 20 * s}
	ended := run.Work{RealTotal: 4, RealEnded: 2, RealPlanned: 40 * s, RealEndedPlanned: 20 * s, RealEndedTook: 60 * s,
		RealRunning: 10 * s}
	for _, row := range []struct {
		sentence string
		work     run.Work
		want     string // empty: not known
	}{
		{"nothing is known of a simulation that has just begun",
			run.Work{SimPlanned: 100 * s, SimDone: 50 * s, SimTook: s / 2}, ""},
		{"nor of one that has hardly moved", run.Work{SimPlanned: 100 * s, SimDone: s, SimTook: 10 * s}, ""},
		{"half is done in 20 s", half, "20 s left"},
		{"measured ones follow", half.Plus(run.Work{RealTotal: 2, RealPlanned: 20 * s}), "50 s left"},
		{"another scenario follows", half.Plus(run.Work{SimPlanned: 100 * s}), "60 s left"},
		{"one that was interrupted is over", half.Over().Plus(half), "20 s left"},
		{"a measured one alone, by its plan", run.Work{RealTotal: 1, RealPlanned: 10 * s}, "15 s left"},
		{"less what it has taken", run.Work{RealTotal: 1, RealPlanned: 10 * s, RealRunning: 5 * s}, "9 s left"},
		{"as those that have ended", ended, "50 s left"},
		{"another scenario follows, as those that have ended", ended.Plus(run.Work{RealTotal: 1, RealPlanned: 20 * s}),
			"2 min left"},
		{"a run that was interrupted is over", ended.Over().Plus(run.Work{RealTotal: 1, RealPlanned: 20 * s}), "60 s left"},
		{"nothing is left, it just has not ended", run.Work{RealTotal: 1, RealPlanned: 10 * s, RealRunning: 20 * s}, ""},
	} {
		var f follower
		if f.work(row.work); f.left != row.want {
			t.Errorf("%s: %q, want %q", row.sentence, f.left, row.want)
		}
	}
	for d, want := range map[time.Duration]string{0: "1 s left", 72 * s: "70 s left", 5 * time.Minute: "5 min left",
		200 * time.Minute: "3 h 20 min left"} {
		if got := leftWords(d); got != want {
			t.Errorf("%v: %q", d, got)
		}
	}
}

// Goal: cells that go on at once are told of on one line, and each one's beginning and
// end once. Method: moments of an invented run of three cells on two cores.
func TestFollowerOfSeveral(t *testing.T) {
	status := func(cell int, phase string, elapsed time.Duration) run.Status {
		return run.Status{Cell: cell, Cells: 3, Repeat: 1, Repeats: 1, Label: "nvme", Target: results.TargetSim,
			Phase: phase, Elapsed: elapsed, Duration: 10 * time.Second}
	}
	const what = ": nvme, simulated (seconds are of the virtual clock)"
	var f follower
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, row := range []struct {
		sentence string
		running  []run.Status
		ended    int
		lines    []string
		line     string
	}{
		{"two begin", []run.Status{status(1, phaseLoad, 0), status(2, "preparing", 0)}, 0,
			[]string{"cell 1 of 3" + what, "cell 2 of 3" + what}, "0 of 3 ended; cell 1 of 3 0 %; cell 2 of 3 preparing"},
		{"the second one ends first", []run.Status{status(1, phaseLoad, 5*time.Second), status(3, phaseLoad, 0)}, 1,
			[]string{"cell 2 of 3: ended", "cell 3 of 3" + what}, "1 of 3 ended; cell 1 of 3 50 %; cell 3 of 3 0 %"},
		{"the last one is alone", []run.Status{status(3, phaseLoad, time.Second)}, 2,
			[]string{"cell 1 of 3: ended, about 0 records/s"},
			"cell 3 of 3: load 1.0 of 10.0 s - nvme, simulated (seconds are of the virtual clock)"},
	} {
		if lines := f.observe(start, row.running, row.ended, 3); !slices.Equal(lines, row.lines) {
			t.Errorf("%s: lines %q", row.sentence, lines)
		}
		if line := f.line(200); line != row.line {
			t.Errorf("%s: line %q", row.sentence, line)
		}
	}
}

// Goal: records that a run did not get right are told by cell and number. Method:
// a result with every fault, and one without.
func TestRecordFaults(t *testing.T) {
	r := &results.Result{LabelNames: []string{"acks", "disk"}, Cells: []results.Cell{
		{Labels: map[string]string{"acks": "all", "disk": "sim"},
			Measures: results.Measures{Counts: results.Counts{Sent: 9, Acked: 9, Consumed: 9}}},
		{Labels: map[string]string{"acks": "0", "disk": "sim"}, Measures: results.Measures{Counts: results.Counts{
			Sent: 9, Acked: 8, Failed: 1, Lost: 2, Duplicated: 3, Reordered: 4, Corrupted: 5}}},
	}}
	want := []string{"cell 2 of 2 (acks=0, disk=sim): of 8 acknowledged records: 2 lost, 3 duplicated, 4 reordered, " +
		"5 corrupted, 1 failed to be sent"}
	if got := recordFaults(r); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}
