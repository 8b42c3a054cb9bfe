package results

import (
	"math"
	"slices"

	hdrhistogram "github.com/HdrHistogram/hdrhistogram-go"

	"brokerlab/results/stats"
)

// Percentiles of a Latency, by the names that its JSON has for them.
var percentiles = []struct {
	name  string
	share float64
	value func(*Latency) int64
}{
	{"p50", 0.5, func(l *Latency) int64 { return l.P50 }},
	{"p90", 0.9, func(l *Latency) int64 { return l.P90 }},
	{"p99", 0.99, func(l *Latency) int64 { return l.P99 }},
	{"p999", 0.999, func(l *Latency) int64 { return l.P999 }},
}

// tooFew names the percentiles that so many samples do not support.
func tooFew(samples int64) (names []string) {
	for _, p := range percentiles {
		if !Enough(samples, 100*p.share) {
			names = append(names, p.name)
		}
	}
	return names
}

// Supports says whether a percentile (p50, p90, p99, p999) has samples enough to be
// told. Max and the mean always have.
func (l Latency) Supports(name string) bool {
	return l.Count > 0 && !slices.Contains(tooFew(l.Count), name)
}

// What an interval is over; see Bounds.
const (
	OverRepeats = "repeats"
	OverSeconds = "seconds"
)

// IntervalsOf are the intervals of a cell's figures: of the median over repeats, or
// of a lone repeat over the seconds of its measured window.
//
// Over repeats they are order statistics, which assume that repeats are independent
// and nothing else; fewer than 6 have a confidence of less than 0.95. A percentile of
// the cell is that of the merged histogram, which one bad repeat can move; the
// interval is that of the median of the repeats' percentiles, made wider to hold the
// merged one where it does not.
//
// Over seconds they say where the figure of a longer run like this one lies, not that
// of another run, which may differ by more: restarts, placement and the state of the
// disk are the same in all seconds of a run. Seconds are taken as alike to their
// neighbours as they are (stats.MeanInterval). A percentile's is Woodruff's: the
// interval of the share of samples above it, read back as a percentile, so that
// records that waited together do not count as independent ones. One whose upper end
// is above all samples has none.
func IntervalsOf(c *Cell, latencies map[string][]Interval) map[string]Bounds {
	out := map[string]Bounds{}
	if len(c.Repeats) == 1 {
		intervalsOfSeconds(c, latencies, out)
	} else {
		intervalsOfRepeats(c, out)
	}
	if len(out) == 0 {
		return nil
	}
	return out
}

// figures of a repeat that have an interval.
var figures = []struct {
	name string
	of   func(*Measures) float64
	// second is what a second adds to it; nil where seconds do not tell.
	second func(*Second) float64
}{
	{"records_per_s", func(m *Measures) float64 { return m.RecordsPerS },
		func(s *Second) float64 { return float64(s.Acked) }},
	{"mb_per_s", func(m *Measures) float64 { return m.MBPerS }, func(s *Second) float64 { return float64(s.Bytes) / 1e6 }},
	{"consumed_per_s", func(m *Measures) float64 { return m.ConsumedPerS },
		func(s *Second) float64 { return float64(s.Consumed) }},
	{"compression_ratio", func(m *Measures) float64 { return m.CompressionRatio }, nil},
}

func intervalsOfRepeats(c *Cell, out map[string]Bounds) {
	add := func(name string, merged float64, values []float64) {
		if len(values) != len(c.Repeats) {
			return // a repeat that lacks it says something too
		}
		if i, ok := stats.MedianInterval(values); ok {
			out[name] = Bounds{Low: min(i.Low, merged), High: max(i.High, merged), Confidence: i.Confidence,
				Over: OverRepeats}
		}
	}
	for _, f := range figures {
		var values []float64
		for i := range c.Repeats {
			if m := &c.Repeats[i].Measures; m.MeasuredS > 0 {
				values = append(values, f.of(m))
			}
		}
		if len(values) > 0 {
			add(f.name, f.of(&c.Measures), values)
		}
	}
	for name, whole := range c.Latency {
		for _, p := range percentiles {
			var values []float64
			for i := range c.Repeats {
				if l := c.Repeats[i].Latency[name]; l.Supports(p.name) {
					values = append(values, float64(p.value(&l)))
				}
			}
			if len(values) > 0 {
				add(name+"."+p.name, float64(p.value(&whole)), values)
			}
		}
	}
}

func intervalsOfSeconds(c *Cell, latencies map[string][]Interval, out map[string]Bounds) {
	r := &c.Repeats[0]
	for _, f := range figures {
		if f.second == nil || f.name == "consumed_per_s" && !consumedDuringLoad(r) {
			continue
		}
		var rates []float64
		for i := range r.Seconds {
			if s := &r.Seconds[i]; s.Measured() && s.Whole() {
				rates = append(rates, f.second(s)/s.Length)
			}
		}
		value := f.of(&c.Measures)
		if i, ok := stats.MeanInterval(rates); ok {
			out[f.name] = Bounds{Low: max(0, min(i.Low, value)), High: max(i.High, value), Confidence: i.Confidence,
				Over: OverSeconds}
		}
	}
	for name, hs := range latencies {
		merged, _ := Measured(hs)
		l := c.Latency[name]
		for _, p := range percentiles {
			if !l.Supports(p.name) {
				continue
			}
			if low, high, ok := percentileInterval(hs, merged, p.share); ok {
				value := float64(p.value(&l))
				out[name+"."+p.name] = Bounds{Low: min(low, value), High: max(high, value), Confidence: stats.Confidence,
					Over: OverSeconds}
			}
		}
	}
}

// consumedDuringLoad says whether the seconds of a repeat tell what was consumed: a
// backlog is read after the load.
func consumedDuringLoad(r *Repeat) bool {
	return slices.ContainsFunc(r.Seconds, func(s Second) bool { return s.Measured() && s.Consumed > 0 })
}

// percentileInterval is Woodruff's interval of a percentile (Confidence intervals for
// medians and other position measures, 1952), with the intervals as clusters.
func percentileInterval(hs []Interval, merged *hdrhistogram.Histogram, share float64) (low, high float64, ok bool) {
	at := merged.ValueAtPercentile(100 * share)
	total := float64(merged.TotalCount())
	var above []float64
	var all float64
	counts := make([]float64, 0, len(hs))
	for i := range hs {
		if hs[i].Warmup || hs[i].Hist == nil {
			continue
		}
		n := float64(hs[i].Hist.TotalCount())
		over := n - float64(countUpTo(hs[i].Hist, at))
		above, counts = append(above, over), append(counts, n)
		all += over
	}
	if len(above) < stats.SeriesMin || total == 0 {
		return 0, 0, false
	}
	for i := range above { // what an interval has beside its share
		above[i] -= all / total * counts[i]
	}
	wide := stats.MeanError(above) * float64(len(above)) / total
	// At least what independent samples would have, two sigmas of it.
	wide = max(wide, 2*math.Sqrt(share*(1-share)/total))
	if (1-share-wide)*total < 1 {
		return 0, 0, false // its upper end is above all samples
	}
	return float64(merged.ValueAtPercentile(100 * max(0, share-wide))),
		float64(merged.ValueAtPercentile(100 * (share + wide))), true
}

// countUpTo is how many values of a histogram are at most v.
func countUpTo(h *hdrhistogram.PackedHistogram, v int64) (n int64) {
	h.ForEachBucket(func(value, count int64) bool {
		if value > v {
			return false
		}
		n += count
		return true
	})
	return n
}
