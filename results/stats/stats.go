// Package stats is the statistics that results, self-checks and comparisons
// share: intervals of medians, whether two lots of repeats differ, and whether a
// series was steady. It is pure, draws from generators of fixed seed alone, and
// knows nothing of what its numbers are.
//
// Every test has its false-alarm rate in its comment, and a test of the package
// that holds it on series whose truth is known.
package stats

import (
	"cmp"
	"slices"

	moremath "github.com/aclements/go-moremath/stats"
	"golang.org/x/perf/benchmath"
)

// Confidence is that of all intervals where there are values enough.
const Confidence = 0.95

// Alpha is the share of false alarms that a comparison may have: 1 - Confidence.
const Alpha = 0.05

// RepeatsForInterval are needed for an interval of a median of 95 %: the least and
// the greatest of n values are one of 1-2^(1-n).
const RepeatsForInterval = 6

// RepeatsToCompare are needed on both sides for a difference to be shown: two lots
// of 3 that do not overlap at all come about by chance one time in ten.
const RepeatsToCompare = 4

// Interval is where a figure lies, with a confidence.
type Interval struct {
	Low, High  float64
	Confidence float64
}

// MedianInterval is the order-statistic interval of the median of independent
// values, as many left out below as above: it assumes nothing of their distribution.
// Its confidence is the least that is 0.95 or more, from 6 values on. Of 2 to 5 values
// it is their range, whose confidence is less (0.5, 0.75, 0.875, 0.9375); one value has
// none. (benchstat's leaves out one more above than below where that is enough: the
// slowest of 8 runs could then be in no interval of a latency.)
func MedianInterval(values []float64) (i Interval, ok bool) {
	n := len(values)
	if n < 2 {
		return Interval{}, false
	}
	median := moremath.BinomialDist{N: n, P: 0.5} // how many values are below it
	outside := func(left int) float64 { return 2 * median.CDF(float64(left)) }
	left := 0 // out on each side
	for outside(left+1) <= Alpha {
		left++
	}
	sorted := slices.Sorted(slices.Values(values))
	return Interval{Low: sorted[left], High: sorted[n-1-left], Confidence: 1 - outside(left)}, true
}

// sample is a copy, since the library sorts what it is given.
func sample(values []float64) *benchmath.Sample {
	return benchmath.NewSample(slices.Clone(values), &benchmath.Thresholds{CompareAlpha: Alpha})
}

// Median is the middle value, or the mean of the two middle ones; 0 of none.
func Median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	mid := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[mid]
	}
	return sorted[mid-1] + (sorted[mid]-sorted[mid-1])/2
}

// Holm corrects the p values of several tests that are read together: a difference
// is then shown where its corrected p is below Alpha, and the chance that any of
// them is a false alarm stays at Alpha (Holm 1979). The order is kept.
func Holm(ps []float64) []float64 {
	order := make([]int, len(ps))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(ps[a], ps[b]) })
	out := make([]float64, len(ps))
	worst := 0.0
	for rank, i := range order {
		worst = max(worst, min(1, ps[i]*float64(len(ps)-rank)))
		out[i] = worst
	}
	return out
}
