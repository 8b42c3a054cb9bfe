package selfcheck

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"brokerlab/results"
)

// cell is a made cell of a closed loop whose measured window has so many seconds, at a
// rate and a latency that vary by 3 %, each repeat by draws of its own. change, if not
// nil, multiplies the rate and the latency of a second.
func cell(repeats, seconds int, random *rand.Rand, change func(second int) float64) *results.Cell {
	c := &results.Cell{Target: results.TargetReal, Load: "closed"}
	for range repeats {
		r := results.Repeat{Measures: results.Measures{MeasuredS: float64(seconds)}}
		for at := range 2 + seconds {
			f := 1.0
			if change != nil && at >= 2 {
				f = change(at - 2)
			}
			r.Seconds = append(r.Seconds, results.Second{At: float64(at), Length: 1, Warmup: at < 2,
				Acked: int64(1e5 * f * math.Exp(0.03*random.NormFloat64())),
				P50:   int64(5e6 / f * math.Exp(0.03*random.NormFloat64())),
				P99:   int64(2e7 / f * math.Exp(0.1*random.NormFloat64()))})
		}
		c.Repeats = append(c.Repeats, r)
	}
	c.Latency = map[string]results.Latency{results.Produce: {Count: 1e6, P50: 5e6, P99: 2e7}}
	return c
}

// of are the findings of one check.
func of(all []results.Finding, check string) (found []results.Finding) {
	for _, f := range all {
		if f.Check == check {
			found = append(found, f)
		}
	}
	return found
}

// Goal: a steady cell is said to be steady in at least 95 of 100 cases, over all its
// series and repeats together.
// Method: made cells without a change.
func TestSteadyCellsAreQuiet(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	const trials = 200
	for _, repeats := range []int{1, 6} {
		alarms := 0
		for range trials {
			all := Of(Input{Cell: cell(repeats, 30, random, nil)})
			if len(of(all, Steady))+len(of(all, WarmUp)) > 0 {
				alarms++
			}
		}
		if share := float64(alarms) / trials; share > falseAlarms {
			t.Errorf("%d repeats: %.3f false alarms", repeats, share)
		}
	}
}

// Goal: a step, a drift and a warm-up that was too short are found and told for what
// they are, with how much, when, and in which repeat.
// Method: made cells with each of them.
func TestUnsteadyCells(t *testing.T) {
	for _, c := range []struct {
		why       string
		check     string
		untrusted bool
		has       string
		change    func(second int) float64
	}{
		{"a step down to a half", Steady, true, "s of the load: the figures are means over a change",
			func(s int) float64 { return 1 - 0.5*float64(s/25)/2 }},
		{"a step of an eighth", Steady, false, "not steady: the rate went from ", func(s int) float64 {
			return 1 - 0.125*float64(min(1, s/25))
		}},
		{"a drift", Steady, true, "in the first third", func(s int) float64 { return 1 - float64(s)/100 }},
		{"a slow beginning", WarmUp, true, "in the first 6 s of the measured window and ", func(s int) float64 {
			if s < 6 {
				return 0.5
			}
			return 1
		}},
	} {
		random := rand.New(rand.NewPCG(2, 2))
		const trials = 20
		good := 0
		for range trials {
			all := Of(Input{Cell: cell(1, 50, random, c.change)})
			if found := of(all, c.check); len(found) == 1 && found[0].Untrusted == c.untrusted &&
				strings.Contains(found[0].Message, c.has) {
				good++
			} else if testing.Verbose() {
				t.Logf("%s: %+v", c.why, all)
			}
		}
		if good < trials*3/4 {
			t.Errorf("%s: told so in %d of %d", c.why, good, trials)
		}
	}
}

// Goal: a change in one repeat of several is told by its number; one that matters
// little is not told; a load that varies on purpose is not looked at.
// Method: made cells.
func TestWhichRepeat(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 3))
	c := cell(3, 40, random, nil)
	c.Repeats[1] = cell(1, 40, random, func(s int) float64 { return 1 - 0.6*float64(s/20) }).Repeats[0]
	found := of(Of(Input{Cell: c}), Steady)
	if len(found) != 1 || !strings.Contains(found[0].Message, "(in repeat 2 of 3)") {
		t.Errorf("got %+v", found)
	}
	c.Load, c.Arrival = "open", "bursts"
	if found := of(Of(Input{Cell: c}), Steady); found != nil {
		t.Errorf("bursts are not steady: %+v", found)
	}
	little := cell(1, 50, random, func(s int) float64 { return 1 - 0.04*float64(s/25) })
	for i := range little.Repeats[0].Seconds {
		s := &little.Repeats[0].Seconds[i]
		s.Acked = int64(1e5 * (1 - 0.04*float64(i/25))) // without noise: certain, and small
	}
	if found := of(Of(Input{Cell: little}), Steady); found != nil {
		t.Errorf("4 %% is told: %+v", found)
	}
}

// Goal: runs of a few seconds are looked at in finer spans.
// Method: five seconds in tenths, with and without a step.
func TestFineSpans(t *testing.T) {
	random := rand.New(rand.NewPCG(4, 4))
	for _, step := range []float64{1, 0.6} {
		c := cell(1, 5, random, nil)
		fine := Series{StartS: 2, EveryS: 0.1}
		for i := range 50 {
			v := 1e5 * math.Exp(0.05*random.NormFloat64())
			if i >= 30 {
				v *= step
			}
			fine.Values = append(fine.Values, v)
		}
		found := of(Of(Input{Cell: c, Rates: []Series{fine}}), Steady)
		if (len(found) > 0) != (step < 1) {
			t.Errorf("step %v: %+v", step, found)
		}
		if step < 1 && !strings.Contains(found[0].Message, "at 5 s of the load") {
			t.Errorf("when: %q", found[0].Message)
		}
	}
}

// surroundings is a cell of one repeat with these.
func surroundings(s results.Surroundings) *results.Cell {
	s.Seconds, s.Cores = 10, 4
	c := &results.Cell{Target: results.TargetReal, Load: "closed", Repeats: []results.Repeat{{}, {}}}
	c.Repeats[1].Wall.Surroundings = &s
	return c
}

// Goal: every disturbance of the machine is told with its size, from its limit on.
// Method: a table of surroundings on both sides of each limit.
func TestMachine(t *testing.T) {
	for _, c := range []struct {
		why   string
		s     results.Surroundings
		check string
		want  string // untrusted, care, or nothing
		has   string
	}{
		{"nothing", results.Surroundings{}, Machine, "", ""},
		{"others, a little", results.Surroundings{OthersCPUS: 1.5}, Machine, "", ""},
		{"others", results.Surroundings{OthersCPUS: 3, Busiest: "java", BusiestCPUS: 2.5}, Machine, "care",
			"used 7.5 % of the processors, the busiest of them java (0.25 of 4 cores) (in repeat 2 of 2)"},
		{"others that came and went", results.Surroundings{OthersCPUS: 8, Busiest: "sshd", BusiestCPUS: 0.01}, Machine,
			"untrusted", "used 20 % of the processors, most of it programs that have ended since (in repeat 2 of 2): run again"},
		{"others, much", results.Surroundings{OthersCPUS: 8, KernelAmongThem: true}, Machine, "untrusted",
			"threads of the kernel among them"},
		{"steal", results.Surroundings{StealS: 0.5}, Machine, "care", "steal"},
		{"much steal", results.Surroundings{StealS: 4}, Machine, "untrusted", "10 % of this virtual machine's"},
		{"a limit", results.Surroundings{HeldBackS: 1}, Machine, "untrusted", "held this process back for 10 %"},
		{"swap", results.Surroundings{SwappedPages: 3}, Machine, "care", "3 pages"},
		{"much swap", results.Surroundings{SwappedPages: 3000}, Machine, "untrusted", "swap"},
		{"heat", results.Surroundings{Overheated: 2}, Machine, "untrusted", "too hot"},
		{"clocks", results.Surroundings{FrequencyLowMHz: 1200, FrequencyHighMHz: 3000}, Machine, "care",
			"between 1200 and 3000 MHz"},
		{"a corrected clock", results.Surroundings{ClockStepNS: 5_000_000}, Clock, "", ""},
		{"a clock that was set", results.Surroundings{ClockStepNS: -2_000_000_000}, Clock, "care", "jumped by 2.00 s"},
		{"sleep", results.Surroundings{SuspendedNS: 3_000_000_000}, Clock, "untrusted", "slept for 3.00 s"},
		{"space", results.Surroundings{FreeShare: 0.04}, Space, "care", "4.0 % of the file system"},
		{"room", results.Surroundings{FreeShare: 0.06}, Space, "", ""},
	} {
		found := of(Of(Input{Cell: surroundings(c.s)}), c.check)
		got, message := verdict(found)
		if len(found) > 1 || got != c.want || !strings.Contains(message, c.has) {
			t.Errorf("%s: got %+v", c.why, found)
		}
	}
}

// verdict is how serious the last finding is, and what it says.
func verdict(found []results.Finding) (severity, message string) {
	for _, f := range found {
		severity, message = "care", f.Message
		if f.Untrusted {
			severity = "untrusted"
		}
	}
	return severity, message
}

// lateCell is a measured cell of an open loop that left everything idle.
func lateCell(counts results.Counts, lateMax, p99 int64) results.Cell {
	return results.Cell{Load: "open", Target: results.TargetReal, Bound: &results.Bound{Resource: results.BoundRate},
		Measures: results.Measures{Counts: counts, LateMax: lateMax,
			Latency: map[string]results.Latency{results.Produce: {Count: 10_000, P99: p99}}}}
}

// Goal: a generator that was late or bounded a closed loop is told apart from brokers
// that did not keep up.
// Method: a table of counts and bounds.
func TestGenerator(t *testing.T) {
	late, unsent := results.Counts{Sent: 10_000, Late: 480}, results.Counts{Sent: 10_000, Late: 500, Unsent: 400}
	for _, c := range []struct {
		why  string
		c    results.Cell
		want string
		has  string
	}{
		{"in time", results.Cell{Load: "open", Measures: results.Measures{Counts: results.Counts{Sent: 10_000, Late: 50}}},
			"", ""},
		{"late while idle", results.Cell{Load: "open", Measures: results.Measures{Counts: unsent, LateMax: 3e9},
			Bound: &results.Bound{Resource: results.BoundRate}}, "untrusted",
			"4.8 % of the records were sent late, at worst by 3.00 s, and 3.8 % were due and never sent"},
		{"late by little of the latency", lateCell(late, 3e6, 20e6), "", ""},
		{"late by some of it", lateCell(late, 8e6, 20e6), "care", "the generator was late: 4.8 % of the records"},
		{"late by half of it", lateCell(late, 10e6, 20e6), "untrusted", "the generator was the bottleneck"},
		{"unsent, and late by little", lateCell(unsent, 3e6, 20e6), "untrusted",
			"bottleneck: 3.8 % were due and never sent, while"},
		{"the disk did not keep up", results.Cell{Load: "open", Measures: results.Measures{Counts: unsent},
			Bound: &results.Bound{Resource: results.BoundPageCache}}, "care", "did not take the offered rate"},
		{"the machine was busy", results.Cell{Load: "open", Target: results.TargetReal,
			Measures: results.Measures{Counts: unsent}, Bound: &results.Bound{Resource: results.BoundCPU}}, "untrusted",
			"which generator and brokers share"},
		{"the modelled brokers were busy", results.Cell{Load: "open", Target: results.TargetSim,
			Measures: results.Measures{Counts: unsent}, Bound: &results.Bound{Resource: results.BoundCPU}}, "care",
			"the brokers' processors did not keep up"},
		{"a closed loop of busy clients", results.Cell{Load: "closed",
			Usage: results.Usage{CPU: &results.CPUUsage{Busy: 0.2}, Disk: &results.DiskUsage{Busy: 0.1}},
			Bound: &results.Bound{Resource: results.BoundClientThread, Share: 0.98, Node: "producer-1"}}, "care",
			"producer-1 worked for 98 % of the time, and nothing of the brokers for more than 20 % (processors)"},
		{"a closed loop of a busy generator", results.Cell{Load: "closed", CPUParts: []results.CPUPart{
			{Side: results.SideClients, Name: "generator", Seconds: 6},
			{Side: results.SideClients, Name: "compress", Seconds: 2},
			{Side: results.SideBrokers, Name: "copy", Seconds: 90}},
			Bound: &results.Bound{Resource: results.BoundClientCPU, Share: 0.9, Node: "producer-1"}}, "untrusted",
			"75 % of it to make and measure records"},
		{"a closed loop of busy brokers", results.Cell{Load: "closed",
			Bound: &results.Bound{Resource: results.BoundDisk, Share: 0.9}}, "", ""},
	} {
		c.c.Repeats = []results.Repeat{{}}
		found := of(Of(Input{Cell: &c.c}), Generator)
		got, message := verdict(found)
		if len(found) > 1 || got != c.want || !strings.Contains(message, c.has) {
			t.Errorf("%s: got %+v", c.why, found)
		}
	}
}

// Goal: a generator that was late since other programs had the processors is told so,
// and not to send with more producers.
// Method: an idle cell with unsent records, and others below and above their limit.
func TestLateBecauseOfOthers(t *testing.T) {
	for _, c := range []struct {
		others float64 // of 10 s on 4 cores
		has    string
	}{{2.5, "raise producers.count"}, {30, "since other programs used the processors: 3.8 % were due"}} {
		late := lateCell(results.Counts{Sent: 10_000, Late: 500, Unsent: 400}, 3e6, 20e6)
		late.Repeats = surroundings(results.Surroundings{OthersCPUS: c.others}).Repeats
		found := of(Of(Input{Cell: &late}), Generator)
		if severity, message := verdict(found); severity != "untrusted" || !strings.Contains(message, c.has) {
			t.Errorf("others %v: %+v", c.others, found)
		}
	}
}

// Goal: a disk whose rate falls for good while it is busy is told; one that has less
// to do is not, nor one whose rate varies.
// Method: made activities of a disk.
func TestThrottledDisk(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 5))
	for _, c := range []struct {
		why         string
		before, now float64 // MB/s
		busy        float64
		found       bool
	}{
		{"a throttle", 200, 40, 1, true}, {"less to do", 200, 40, 0.2, false}, {"steady", 200, 200, 1, false},
		{"a little less", 200, 150, 1, false},
	} {
		a := results.Activity{Repeat: 1, Node: "machine", EveryS: 0.1, WarmupS: 1, EndS: 30}
		d := results.DiskActivity{Name: "disk-1"}
		for i := range 300 {
			rate, busy := c.before, 1.0
			if i > 180 {
				rate, busy = c.now, c.busy
			}
			d.Busy = append(d.Busy, busy)
			d.BytesWritten = append(d.BytesWritten, int64(rate*1e5*math.Exp(0.1*random.NormFloat64())))
			d.BytesRead = append(d.BytesRead, 0)
		}
		a.Disks = []results.DiskActivity{d}
		cell := &results.Cell{Target: results.TargetReal, Repeats: []results.Repeat{{}}}
		found := of(Of(Input{Cell: cell, Activity: []results.Activity{a}}), Disk)
		if (len(found) == 1) != c.found {
			t.Errorf("%s: %+v", c.why, found)
		}
		if c.found && (!found[0].Untrusted || !strings.Contains(found[0].Message, "disk-1 of machine took ")) {
			t.Errorf("%s: %+v", c.why, found[0])
		}
	}
}

// Goal: overflow, too few samples and too few repeats are told, with what to do.
// Method: a table.
func TestSamplesAndRepeats(t *testing.T) {
	c := &results.Cell{Repeats: make([]results.Repeat, 3)}
	c.Latency = map[string]results.Latency{results.Produce: {Count: 900, Overflow: 2},
		results.EndToEnd: {Count: 5_000}, "fsync": {Count: 3}}
	all := Of(Input{Cell: c})
	for check, has := range map[string]string{
		Overflow: "2 produce latencies (0.2 %) were above 60.0 s",
		Samples:  "p99, p99.9 of 900 produce latencies and p99.9 of 5000 end-to-end latencies: a percentile needs 10",
		Repeats:  "3 runs give intervals of 75 % only: --repeat 6 gives 95 %",
	} {
		found := of(all, check)
		if len(found) != 1 || !strings.Contains(found[0].Message, has) || found[0].Untrusted != (check == Overflow) {
			t.Errorf("%s: %+v", check, found)
		}
	}
	if !all[0].Untrusted {
		t.Error("what is worst is not first")
	}
	c.Repeats = nil
	if got := Of(Input{Cell: c}); got != nil {
		t.Errorf("a cell that did not run: %+v", got)
	}
}

// Goal: whoever let the rate be looked for is not told to lower one that he did not give.
// Method: the same idle cell with unsent records, with a rate that was given and one that
// was found.
func TestLateAtFoundRate(t *testing.T) {
	late := lateCell(results.Counts{Sent: 10_000, Late: 500, Unsent: 400}, 3e6, 20e6)
	late.Repeats = []results.Repeat{{}}
	for searched, has := range map[bool]string{false: "lower load.rate", true: "give load.rate less than was found"} {
		late.Searched = searched
		found := of(Of(Input{Cell: &late}), Generator)
		if severity, message := verdict(found); severity != "untrusted" || !strings.Contains(message, has) {
			t.Errorf("searched %v: %+v", searched, found)
		}
	}
}
