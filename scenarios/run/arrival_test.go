package run

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"brokerlab/results"
	"brokerlab/scenarios/spec"
)

// arrivals are all open loops, at a mean of 1,000 records/s over 2 s. The steps are of
// 500 ms: 0, 3, 0 and 1 of 4 parts.
const arrivals = `
cluster: {brokers: 1}
producers: {count: 3, linger.ms: 1ms}
records: {size: 100}
load: {rate: 1000/s, warmup: 0s, duration: 2s, steps: [0/s, 3/s, 0/s, 1/s], burst.every: 500ms, burst.length: 50ms}
vary: {load.arrival: [constant, poisson, steps, ramp, bursts, replay]}
`

// writeCurve writes a curve of two steps, 1 part and 3 parts of 4, and a pause.
func writeCurve(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "day.csv")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// Goal: the records of every arrival come due as its curve says, in each second and
// in all, all are sent, and the result tells which arrival it was. The curve that was
// replayed is beside the result. Method: all of them, simulated, and for real.
func TestArrivals(t *testing.T) {
	const text = "time,rate\n0,1\n1,3\n"
	curve := writeCurve(t, text)
	want := map[string][2]float64{"constant": {1000, 1000}, "poisson": {1000, 1000}, "steps": {1500, 500},
		"ramp": {500, 1500}, "bursts": {1000, 1000}, "replay": {500, 1500}}
	for _, disk := range []string{"sim", "dir:" + filepath.Join(t.TempDir(), "data")} {
		if raceSkips(disk) {
			continue
		}
		out, err := execute(t, arrivals, disk, func(f *spec.File) {
			set := [2]string{"load.curve", curve}
			if disk != "sim" {
				set = [2]string{"vary.load.arrival", "poisson,bursts"} // those that wake most
			}
			if err := f.Set(set[0], set[1]); err != nil {
				t.Fatal(err)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		for i := range out.Result.Cells {
			c := &out.Result.Cells[i]
			seconds := c.Repeats[0].Seconds
			off := 0.01 // the scale is rounded
			if c.Arrival == "poisson" {
				off = 4 * math.Sqrt(1000)
			}
			for j, due := range want[c.Arrival] {
				if got := float64(seconds[j].Offered); math.Abs(got-due) > off+1 {
					t.Errorf("%s: %v records due in second %d, want %v", c.Arrival, got, j, due)
				}
			}
			if total := seconds[0].Offered + seconds[1].Offered; c.Sent+c.Unsent != total || c.Acked != c.Sent {
				t.Errorf("%s: %d due, %+v", c.Arrival, total, c.Counts)
			}
			if disk == "sim" && (c.Late > 0 || c.Unsent > 0) {
				t.Errorf("%s: %d late, %d unsent where nothing holds up", c.Arrival, c.Late, c.Unsent)
			}
			if name := c.Curves[curve]; name != "" != (c.Arrival == "replay") {
				t.Errorf("%s: its curve is kept as %q", c.Arrival, name)
			}
			if c.Load != results.LoadOpen || math.Abs(c.OfferedPerS-1000) > 0.01 || c.CatchUp {
				t.Errorf("%s: load %s of %v, catch-up %v", c.Arrival, c.Load, c.OfferedPerS, c.CatchUp)
			}
		}
		if kept, err := os.ReadFile(filepath.Join(out.Folder.Path, "curve-01-day.csv")); disk == "sim" &&
			(err != nil || string(kept) != text) {
			t.Errorf("kept %q, %v", kept, err)
		}
	}
}

// Goal: curves that cannot be read are told of before anything starts, with their
// places, and so are rates that a scale makes too large. Method: errors of Run.
func TestCurvesAreCheckedFirst(t *testing.T) {
	broken := writeCurve(t, "0,1\n1,x\n0,2\n")
	rows := []struct {
		sentence, text string
		want           []string
	}{
		{"A file with faults.", "load: {arrival: replay, curve: " + broken + "}",
			[]string{"load.curve: " + broken + `:2: "x" is not a rate`, broken + ":3: the time 0 is not after"}},
		{"A file that is not there, in a group.",
			"producers: {groups: {a: {load.arrival: replay, load.curve: ./none.csv}, b: {load.rate: 5/s}}}",
			[]string{"load.curve: open ./none.csv: no such file"}},
		{"A scale without end.",
			"load: {arrival: bursts, rate: 900000000/s, burst.base: 0/s, burst.length: 1ms}\nvary: {producers.acks: [0, 1]}",
			[]string{"cell 1 (acks=0): load.arrival bursts: arrival: rate of 9e+11", "cell 2 (acks=1): load.arrival bursts"}},
	}
	for _, row := range rows {
		out, err := execute(t, row.text, "sim", nil)
		var usage *UsageError
		if !errors.As(err, &usage) || out != nil {
			t.Errorf("%s %v, %v", row.sentence, out, err)
			continue
		}
		for _, want := range row.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s %v, want %q", row.sentence, err, want)
			}
		}
	}
}

// Goal: what a stalled producer does not send is counted, said, and the choice of the
// scenario; a curve that stops is told of. Method: 20 times what a disk takes that
// forces each batch, simulated, with and without catching up.
func TestStallsAreTold(t *testing.T) {
	skipUnderRace(t)
	curve := writeCurve(t, "0,4000\n1s,4000\n")
	const text = `
cluster: {brokers: 1}
topic: {partitions: 1, flush.messages: 1}
producers: {batch.size: 2KiB, buffer.memory: 8KiB, linger.ms: 0ms}
records: {size: 1000, payload: random}
load: {arrival: replay, curve.end: stop, warmup: 0s, duration: 3s, tolerance: 100ms}
`
	for _, catchUp := range []string{"false", "true"} {
		out, err := execute(t, text, "sim", func(f *spec.File) {
			for _, set := range [][2]string{{"load.curve", curve}, {"load.catch-up", catchUp}} {
				if err := f.Set(set[0], set[1]); err != nil {
					t.Fatal(err)
				}
			}
			if catchUp == "true" {
				if err := f.Set("load.tolerance", "200ms"); err != nil { // its default: it does nothing
					t.Fatal(err)
				}
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		c := &out.Result.Cells[0]
		told := strings.Contains(strings.Join(c.Warnings, "\n"), "percentiles leave them out")
		if c.Sent+c.Unsent != 8000 || c.CatchUp != (catchUp == "true") || (c.Unsent > 0) == c.CatchUp || told == c.CatchUp {
			t.Errorf("catch-up %s: %+v, said %q", catchUp, c.Counts, c.Warnings)
		}
		worst := c.Latency[results.Produce].Max
		if c.CatchUp && worst < 1e9 || !c.CatchUp && c.LateMax > 1e8 {
			t.Errorf("catch-up %s: a latency of %d ns at worst, %d ns late", catchUp, worst, c.LateMax)
		}
		if w := strings.Join(out.Result.Warnings, "\n"); !strings.Contains(w, "ends after 2s: nothing is sent in the rest") {
			t.Errorf("the end of the curve is not told: %q", w)
		}
	}
}

// Goal: a curve begins after a warm-up that has a rate of its own. Method: a warm-up
// of a second before two steps, simulated, with what was due in each second.
func TestCurveAfterWarmup(t *testing.T) {
	skipUnderRace(t)
	out, err := execute(t, `
cluster: {brokers: 1}
load: {arrival: steps, steps: [100/s, 300/s], warmup: 1s, warmup.rate: 50/s, duration: 3s}
`, "sim", nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &out.Result.Cells[0]
	for i, due := range []int64{50, 100, 300} {
		if got := c.Repeats[0].Seconds[i].Offered; got != due {
			t.Errorf("%d records due in second %d, want %d", got, i, due)
		}
	}
	if c.OfferedPerS != 200 || c.Sent != 450 {
		t.Errorf("%v/s offered, %d sent", c.OfferedPerS, c.Sent)
	}
}

// Goal: the Poisson process of the load does not repeat that of its warm-up. Method:
// three seconds of each at one rate, simulated, with what was due in each second.
func TestPhasesDrawApart(t *testing.T) {
	skipUnderRace(t)
	out, err := execute(t, `
cluster: {brokers: 1}
load: {arrival: poisson, rate: 200/s, warmup: 3s, warmup.rate: 200/s, duration: 6s}
`, "sim", nil)
	if err != nil {
		t.Fatal(err)
	}
	var due []int64
	for _, s := range out.Result.Cells[0].Repeats[0].Seconds {
		due = append(due, s.Offered)
	}
	if len(due) != 6 || slices.Equal(due[:3], due[3:]) {
		t.Errorf("records due in the seconds of the warm-up and of the load: %v", due)
	}
}

// Goal: a cell fell short of its rate if more than a hundredth is missing; of a Poisson
// process, if more is missing than chance takes.
// Method: a table of 20 measured seconds in two repeats.
func TestFellShort(t *testing.T) {
	for _, c := range []struct {
		arrival       string
		offered, rate float64
		want          bool
	}{
		{"constant", 100, 98.3, true}, {"constant", 100, 99.5, false},
		{"poisson", 100, 98.3, false}, {"poisson", 100, 89, true},
		{"poisson", 1e6, 9.85e5, true}, {"poisson", 1e6, 9.95e5, false},
	} {
		cell := &results.Cell{Arrival: c.arrival, OfferedPerS: c.offered, Repeats: make([]results.Repeat, 2),
			Measures: results.Measures{RecordsPerS: c.rate, MeasuredS: 20}}
		if got := fellShort(cell); got != c.want {
			t.Errorf("%+v: got %v", c, got)
		}
	}
}
