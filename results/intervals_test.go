package results

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// madeCell is a lone repeat whose seconds are like their neighbours, by the given
// correlation: each second's latencies are exponential around a level of its own.
func madeCell(seconds, perSecond int, correlation float64, random *rand.Rand) (*Cell, map[string][]Interval) {
	recorder := NewRecorder()
	r := Repeat{Measures: Measures{MeasuredS: float64(seconds), Latency: map[string]Latency{}}}
	var hs []Interval
	level := random.NormFloat64()
	for at := range seconds {
		level = correlation*level + math.Sqrt(1-correlation*correlation)*random.NormFloat64()
		for range perSecond {
			recorder.Record(int64(1e6 * math.Exp(0.2*level) * random.ExpFloat64()))
		}
		r.Seconds = append(r.Seconds, Second{At: float64(at), Length: 1, Acked: int64(1000 + 20*level)})
		hs = append(hs, recorder.Take(Span{Repeat: 1, Start: time.Duration(at) * time.Second, Length: time.Second}))
	}
	var acked int64
	for _, s := range r.Seconds {
		acked += s.Acked
	}
	r.RecordsPerS = float64(acked) / float64(seconds)
	latencies := map[string][]Interval{Produce: hs}
	r.Latency[Produce] = Summarize(Measured(hs))
	c := &Cell{Repeats: []Repeat{r}}
	c.Measures = MergeRepeats(c.Repeats, r.Latency)
	return c, latencies
}

// Goal: the intervals of a lone run hold the rate and the percentiles of a very long
// one about as often as they say, also when seconds are like their neighbours.
// Method: runs of known process; the truth of the percentiles from one of 100 times
// the length.
func TestIntervalsOfSecondsCoverage(t *testing.T) {
	for _, correlation := range []float64{0, 0.5} {
		random := rand.New(rand.NewPCG(9, uint64(10*correlation)))
		long, _ := madeCell(1000, 300, correlation, random)
		truth := long.Latency[Produce]
		const trials = 80
		hits, told := map[string]int{}, map[string]int{}
		for range trials {
			c, hs := madeCell(30, 300, correlation, random)
			all := IntervalsOf(c, hs)
			for name, v := range map[string]float64{"records_per_s": 1000, "produce.p50": float64(truth.P50),
				"produce.p99": float64(truth.P99)} {
				b, ok := all[name]
				if !ok { // its upper end is above all samples
					continue
				}
				if b.Over != OverSeconds || b.Confidence != 0.95 {
					t.Fatalf("%s: %+v", name, b)
				}
				told[name]++
				if b.Low <= v && v <= b.High {
					hits[name]++
				}
			}
			if _, ok := all["produce.p999"]; ok {
				t.Fatal("9 samples beyond a percentile have an interval")
			}
		}
		for name, n := range hits {
			if told[name] < trials/2 {
				t.Errorf("correlation %v: %s has an interval in %d of %d runs", correlation, name, told[name], trials)
			}
			if share := float64(n) / float64(told[name]); share < 0.88 {
				t.Errorf("correlation %v: the interval of %s holds the truth in %.2f of the runs", correlation, name, share)
			}
		}
	}
}

// Goal: intervals over repeats are those of the medians, hold what the table shows,
// and say their confidence where there are few.
// Method: repeats of known figures, one of them bad.
func TestIntervalsOfRepeats(t *testing.T) {
	c := &Cell{}
	for i, rate := range []float64{100, 101, 102, 103, 104, 105, 106, 107, 10} {
		l := Latency{P50: int64(rate), P90: 2, P99: int64(10 * rate), P999: 3, Count: 2000}
		if i == 8 {
			l.P99 = 99_000
		}
		c.Repeats = append(c.Repeats, Repeat{Measures: Measures{RecordsPerS: rate, MeasuredS: 1,
			Latency: map[string]Latency{Produce: l}}})
	}
	merged := map[string]Latency{Produce: {P50: 104, P90: 2, P99: 50_000, P999: 3, Count: 18_000}}
	c.Measures = MergeRepeats(c.Repeats, merged)
	all := IntervalsOf(c, nil)
	if b := all["records_per_s"]; b.Low != 100 || b.High != 106 || b.Confidence < 0.95 || b.Over != OverRepeats {
		t.Errorf("rate: %+v", b)
	}
	if b := all["produce.p99"]; b.Low > 1020 || b.High != 50_000 {
		t.Errorf("p99 does not hold the merged one: %+v", b)
	}
	if _, ok := all["produce.p999"]; ok {
		t.Error("a percentile without samples in its repeats has an interval")
	}
	c.Repeats = c.Repeats[:3]
	if b := IntervalsOf(c, nil)["records_per_s"]; b.Confidence != 0.75 {
		t.Errorf("three repeats: %+v", b)
	}
	c.Repeats = c.Repeats[:1]
	if got := IntervalsOf(c, nil); got != nil {
		t.Errorf("one repeat without seconds: %+v", got)
	}
}

// Goal: a percentile has as many samples beyond it as the rule says, one below the median
// as many below it, or is named as having too few.
// Method: counts on both sides of each limit.
func TestTooFewSamples(t *testing.T) {
	for _, c := range []struct {
		name  string
		count int64
	}{{"p50", 20}, {"p90", 100}, {"p99", 1000}, {"p999", 10_000}} {
		if !(Latency{Count: c.count}).Supports(c.name) {
			t.Errorf("%s is not told of %d samples", c.name, c.count)
		}
		if (Latency{Count: c.count - 1}).Supports(c.name) {
			t.Errorf("%s is told of %d samples", c.name, c.count-1)
		}
	}
	for percentile, needed := range map[float64]int64{50: 20, 99: 1000, 99.9: 10_000, 99.99: 100_000, 10: 100, 1: 1000} {
		if got := SamplesNeeded(percentile); got != needed || Enough(needed-1, percentile) || !Enough(needed, percentile) {
			t.Errorf("p%v needs %d samples, not %d", percentile, needed, got)
		}
	}
	if (Latency{}).Supports("p50") {
		t.Error("an empty latency tells its median")
	}
}
