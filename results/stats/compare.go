package stats

import (
	"math"
	"slices"

	moremath "github.com/aclements/go-moremath/stats"
	"golang.org/x/perf/benchmath"
)

// Comparison says whether the values of b are really different from those of a.
type Comparison struct {
	// P is how often values as different as these come from one source
	// (Mann-Whitney, as benchstat has it); 1 where it cannot be told.
	P float64
	// Shown says that the difference is no noise: P < Alpha. Of equal sources that is
	// so in at most 5 of 100 comparisons.
	Shown bool
	// Possible says that there are values enough for a difference to be shown.
	Possible bool
	// Ratio is b over a: the median of all ratios of a value of b and one of a
	// (Hodges and Lehmann); 0 where a value is not above 0.
	Ratio float64
	// Interval is that of Ratio, from the same test turned round, so that it leaves 1
	// out where a difference is shown; where values are equal to others, it may end at 1
	// then. Confidence is 0.95 or more; less where there are too few values, and 0 where
	// there is none.
	Interval Interval
}

// exactPairs is up to how many pairs of values the distribution of the test is
// computed; above, the normal one is as good.
const exactPairs = 2500

// Compare compares two lots of independent values.
func Compare(a, b []float64) Comparison {
	c := Comparison{P: 1}
	if len(a) == 0 || len(b) == 0 {
		return c
	}
	c.Possible = 2/binomial(len(a)+len(b), len(a)) < Alpha
	c.P = benchmath.AssumeNothing.Compare(sample(a), sample(b)).P
	c.Shown = c.P < Alpha
	var ratios []float64
	for _, x := range a {
		for _, y := range b {
			if !(x > 0 && y > 0) {
				return c
			}
			ratios = append(ratios, y/x)
		}
	}
	slices.Sort(ratios)
	c.Ratio = Median(ratios)
	if len(ratios) > 1 {
		c.Interval = ratioInterval(ratios, len(a), len(b))
	}
	return c
}

// ratioInterval turns the test round: those ratios by which a can be multiplied
// without a difference being shown lie between the k-th smallest and the k-th
// greatest ratio of two values, k the greatest with P(U < k) <= Alpha/2.
func ratioInterval(sorted []float64, n1, n2 int) Interval {
	below := func(k int) float64 { return belowU(k, n1, n2) }
	k := 1
	for below(k+1) <= Alpha/2 {
		k++
	}
	return Interval{Low: sorted[k-1], High: sorted[len(sorted)-k], Confidence: 1 - 2*below(k)}
}

// belowU is P(U < k) of two lots of these sizes from one source.
func belowU(k, n1, n2 int) float64 {
	if n1*n2 <= exactPairs {
		return moremath.UDist{N1: n1, N2: n2}.CDF(float64(k - 1))
	}
	pairs := float64(n1) * float64(n2)
	sigma := math.Sqrt(pairs * float64(n1+n2+1) / 12)
	return normalCDF((float64(k) - 0.5 - pairs/2) / sigma)
}

func normalCDF(z float64) float64 { return math.Erfc(-z/math.Sqrt2) / 2 }

// binomial is the number of ways to choose k of n.
func binomial(n, k int) float64 {
	ways := 1.0
	for i := range k {
		ways = ways * float64(n-i) / float64(i+1)
	}
	return ways
}
