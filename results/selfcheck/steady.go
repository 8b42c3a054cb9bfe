package selfcheck

import (
	"fmt"
	"math"
	"slices"

	"brokerlab/results"
	"brokerlab/results/quantity"
	"brokerlab/results/stats"
)

// falseAlarms is the share of cells whose load was steady of which it is said that it
// was not, over all series and repeats of a cell together; a test of one series is
// never less strict than seriesAlarms. The test knows short memory only: where
// neighbouring seconds are much alike, more (see stats.Change).
const (
	falseAlarms  = 0.05
	seriesAlarms = 0.01
)

// From which change on a series is told as not steady, and from which one its figures
// are not to be used. A percentile of single seconds varies more than their rate.
var (
	rateLimits    = limits{care: 0.05, untrusted: 0.20}
	latencyLimits = limits{care: 0.25, untrusted: 1}
)

type limits struct{ care, untrusted float64 } // relative to the lesser of both sides

// fineMin is how many seconds there must be for the seconds themselves to be looked
// at: below, the finer spans are.
const fineMin = 30

// change is one that was found in a repeat.
type change struct {
	stats.Change
	series  string // what changed
	repeat  int    // counts from 1
	atS     float64
	writing func(float64) string
	limits  limits
	headS   float64 // how long it is until the step
	cutS    float64 // how much of the beginning is best left out
}

// size is how much the greater side is above the lesser one.
func (c *change) size() float64 {
	f := c.Factor()
	if !(f > 0) {
		return math.Inf(1)
	}
	return max(f, 1/f) - 1
}

// steadiness looks at the rate and the latencies over time. A load whose rate is to
// vary is not steady on purpose.
func steadiness(in Input) []results.Finding {
	c := in.Cell
	if c.Load == results.LoadOpen && !constantArrival(c.Arrival) {
		return nil
	}
	var all []change
	tests := 0
	for i := range c.Repeats {
		found, looked := inRepeat(in, i)
		all, tests = append(all, found...), tests+looked
	}
	alpha := min(seriesAlarms, falseAlarms/float64(max(1, tests)))
	all = slices.DeleteFunc(all, func(f change) bool { return f.P >= alpha || f.size() < f.limits.care })
	var out []results.Finding
	for _, early := range []bool{true, false} {
		var of []change
		for _, f := range all {
			if f.Early == early {
				of = append(of, f)
			}
		}
		if len(of) > 0 {
			out = append(out, changed(of, len(c.Repeats), early))
		}
	}
	return out
}

// constantArrival says whether records are to come at one rate.
func constantArrival(arrival string) bool {
	return arrival == "" || arrival == "constant" || arrival == "poisson"
}

// inRepeat looks at the series of one repeat, and says how many there are.
func inRepeat(in Input, index int) (found []change, looked int) {
	r := &in.Cell.Repeats[index]
	var acked, p50, p99 []float64
	startS := 0.0
	for i := range r.Seconds {
		s := &r.Seconds[i]
		if !s.Measured() || !s.Whole() {
			continue
		}
		if len(acked) == 0 {
			startS = s.At
		}
		acked = append(acked, float64(s.Acked)/s.Length)
		if s.P50 > 0 && s.P99 > 0 {
			p50, p99 = append(p50, math.Log(float64(s.P50))), append(p99, math.Log(float64(s.P99)))
		}
	}
	look := func(series string, values []float64, everyS, fromS float64, l limits, exp bool, write func(float64) string) {
		if len(values) < stats.SeriesMin {
			return
		}
		looked++
		got := stats.Steady(values)
		if got.P >= seriesAlarms {
			return
		}
		f := change{Change: got, series: series, repeat: index + 1, atS: fromS + float64(got.At)*everyS, limits: l,
			writing: write, headS: float64(got.At) * everyS,
			cutS: float64(max(got.At, stats.Truncation(values))) * everyS}
		if exp {
			f.Before, f.After = math.Exp(f.Before), math.Exp(f.After)
		}
		found = append(found, f)
	}
	if len(acked) < fineMin && index < len(in.Rates) && in.Rates[index].EveryS > 0 && in.Rates[index].EveryS < 1 {
		fine := in.Rates[index]
		look("the rate", fine.Values, fine.EveryS, fine.StartS, rateLimits, false, quantity.RecordsPerS)
	} else {
		look("the rate", acked, 1, startS, rateLimits, false, quantity.RecordsPerS)
	}
	if len(p50) == len(acked) { // every second has latencies
		look("produce p50", p50, 1, startS, latencyLimits, true, quantity.Nanoseconds)
		look("produce p99", p99, 1, startS, latencyLimits, true, quantity.Nanoseconds)
	}
	return found, looked
}

// changed makes one finding of changes that are alike, told by the greatest.
func changed(all []change, repeats int, early bool) results.Finding {
	worst := slices.MaxFunc(all, func(a, b change) int {
		switch x, y := a.size()/a.limits.untrusted, b.size()/b.limits.untrusted; {
		case x < y:
			return -1
		case x > y:
			return 1
		}
		return b.repeat - a.repeat
	})
	var seen []int
	for _, f := range all {
		if !slices.Contains(seen, f.repeat) {
			seen = append(seen, f.repeat)
		}
	}
	where := among(repeats, len(seen), worst.repeat)
	untrusted := worst.size() >= worst.limits.untrusted
	before, after := worst.writing(worst.Before), worst.writing(worst.After)
	if early {
		return finding(WarmUp, untrusted, "the warm-up was too short: %s was %s in the first %s of the measured window and "+
			"%s in the rest%s; raise load.warmup by %s or more", worst.series, before,
			seconds(worst.headS), after, where, seconds(worst.cutS))
	}
	if worst.Trend {
		return finding(Steady, untrusted, "not steady: %s went from %s in the first third of the measured window to %s in "+
			"the last%s: the figures are means over a change; run longer, or find what drifts", worst.series, before, after,
			where)
	}
	return finding(Steady, untrusted, "not steady: %s went from %s to %s at %s of the load%s: the figures are means over "+
		"a change; run longer, or find what changed", worst.series, before, after, seconds(worst.atS), where)
}

func seconds(s float64) string { return fmt.Sprintf("%.3g s", s) }
