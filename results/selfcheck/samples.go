package selfcheck

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"brokerlab/results"
	"brokerlab/results/quantity"
	"brokerlab/results/stats"
)

// overflowShare is the share of latencies outside the histogram's range from which its
// percentiles are not to be used: a p99.9 is of the last thousandth.
const overflowShare = 0.001

// overflow: latencies that no histogram holds are missing at the top of every
// percentile.
func overflow(in Input) (out []results.Finding) {
	for _, name := range slices.Sorted(maps.Keys(in.Cell.Latency)) {
		l := in.Cell.Latency[name]
		if l.Overflow == 0 {
			continue
		}
		share := float64(l.Overflow) / float64(l.Count+l.Overflow)
		out = append(out, finding(Overflow, share >= overflowShare, "%s %s latencies (%s) were above %s, the range of the "+
			"histogram: they are in no percentile, so that all of them are too low", quantity.Count(l.Overflow),
			words(name), quantity.Percent(share), quantity.Duration(results.HistogramHighest)))
	}
	return out
}

// words are a latency's name in a sentence.
func words(latency string) string { return strings.ReplaceAll(latency, "_", "-") }

// shown are the percentiles that tables show, and of which latencies.
var (
	shown     = []string{"p50", "p99", "p999"}
	latencies = []string{results.Produce, results.EndToEnd}
)

// samples: percentiles with too few samples beyond them are not shown, and it is said
// why.
func samples(in Input) []results.Finding {
	var parts []string
	for _, name := range latencies {
		l := in.Cell.Latency[name]
		var few []string
		for _, p := range shown {
			if l.Count > 0 && !l.Supports(p) {
				few = append(few, strings.Replace(p, "p999", "p99.9", 1))
			}
		}
		if len(few) > 0 {
			parts = append(parts, fmt.Sprintf("%s of %d %s latencies", strings.Join(few, ", "), l.Count, words(name)))
		}
	}
	if len(parts) == 0 {
		return nil
	}
	return []results.Finding{finding(Samples, false, "too few samples for %s: a percentile needs %d beyond it; raise "+
		"load.duration or --repeat", strings.Join(parts, " and "), results.SamplesBeyond)}
}

// repeats: too few for an interval of 95 %.
func repeats(in Input) []results.Finding {
	switch n := len(in.Cell.Repeats); {
	case n >= stats.RepeatsForInterval:
		return nil
	case n == 1:
		return []results.Finding{finding(Repeats, false, "one run says nothing of how much another differs: --repeat %d "+
			"gives intervals of 95 %%", stats.RepeatsForInterval)}
	default:
		i, _ := stats.MedianInterval(make([]float64, n))
		return []results.Finding{finding(Repeats, false, "%d runs give intervals of %s only: --repeat %d gives 95 %%", n,
			quantity.Percent(i.Confidence), stats.RepeatsForInterval)}
	}
}
