package stats

import (
	"math"
	"math/rand/v2"
	"slices"
	"sync"
)

// SeriesMin is the shortest series that is looked at.
const SeriesMin = 12

// stepParams are what a step takes out of a series: two means, and where it is.
const stepParams = 3

// seriesMax is up to how many points are looked at: neighbours of a longer series
// are put together, which loses nothing that matters over its length.
const seriesMax = 120

// Change is what a series looks like that may not have been steady.
type Change struct {
	// P is how often a steady series whose neighbours are as alike as those of this
	// one looks so unsteady; 1 where it cannot be told. Of steady series without memory
	// less than 1 of 100 have P < 0.01; of those whose neighbours have a correlation of
	// 0.5 up to 2.5 of 100, and of 0.8, where a slow wave can hardly be told from a
	// step, up to 7 of 100. Where quick noise of the same size hides slow waves (a
	// correlation of 0.9), it is up to 14 of 100 in half a minute, 10 in a minute, and 8
	// in two or more (TestSteadyHiddenWaves holds this).
	P float64
	// Early says that what differs is the beginning, at most a third of it; the rest
	// is not told from a steady one.
	Early bool
	// Trend says that a slope describes it better than a step.
	Trend bool
	// At is the index of the first point after the step.
	At int
	// Before and After are the medians on both sides of the step; of a trend, those of
	// the first and the last third.
	Before, After float64
}

// Factor is After over Before; 0 where Before is not above 0.
func (c Change) Factor() float64 {
	if !(c.Before > 0) {
		return 0
	}
	return c.After / c.Before
}

// Steady looks for a step or a trend in a series of equal spans. Its statistic is
// the greatest deviation of the cumulative sum from a straight line (CUSUM), of
// values that are brought nearer to the median where they lie far from it, so that no
// outlier makes an alarm; and the same with the weight of a beginning, for a warm-up
// that was too short. How great they become by chance is simulated, with a fixed seed,
// for series of this length whose neighbours are as alike (an autoregression of order
// 1), since seconds of a run are not independent: a usual test would call every slow
// wave a change.
func Steady(series []float64) Change {
	c := Change{P: 1}
	if len(series) < SeriesMin {
		return c
	}
	each := (len(series) + seriesMax - 1) / seriesMax
	points := shortened(series, each)
	l, constant := lookAt(points)
	if constant {
		return c
	}
	c.P, c.Early, c.Trend = l.p, l.early, l.trend
	if len(points) >= wavesMin && (!l.early || l.at > len(points)/windowShare) {
		c.P = max(c.P, besideWaves(points, l.early))
	}
	c.At = min(l.at*each, len(series)-1)
	if c.Trend {
		third := len(series) / 3
		c.Before, c.After = Median(series[:third]), Median(series[len(series)-third:])
		return c
	}
	c.Before, c.After = Median(series[:c.At]), Median(series[c.At:])
	return c
}

// look is what one look at a series finds, as Change has it.
type look struct {
	p            float64
	early, trend bool
	at           int
}

// lookAt looks at points; constant says that all are equal.
func lookAt(points []float64) (l look, constant bool) {
	z, constant := winsorized(points)
	if constant {
		return look{}, true
	}
	whole, early, at, first := deviations(z)
	residuals, trend := withoutChange(z, at)
	l.at, l.trend = at, trend
	null := nullOf(len(points), autocorrelation(residuals, stepParams))
	pWhole, pEarly := exceeding(null.whole, whole), exceeding(null.early, early)
	l.p = min(1, 2*min(pWhole, pEarly)) // two looks
	if pEarly < pWhole || at <= len(points)/3 && pEarly <= pWhole {
		l.early, l.trend, l.at = true, false, first
	}
	return l, false
}

// shortened puts so many neighbours together, into their mean. A rest at the end is left
// out.
func shortened(series []float64, each int) (points []float64) {
	if each == 1 {
		return series
	}
	for i := 0; i+each <= len(series); i += each {
		points = append(points, meanOf(series[i:i+each]))
	}
	return points
}

// winsorized brings values that lie far from the median nearer to it, so that no
// outlier makes an alarm or hides a change, and makes the mean 0 and the variance 1.
// Constant says that all values are equal.
func winsorized(values []float64) (z []float64, constant bool) {
	middle := Median(values)
	away := make([]float64, len(values))
	for i, v := range values {
		away[i] = math.Abs(v - middle)
	}
	// 1.4826 times the median deviation is a normal distribution's sigma.
	far := outlierSigmas * 1.4826 * Median(away)
	if far == 0 {
		far = slices.Max(away) // more than half of the values are equal
	}
	z = make([]float64, len(values))
	for i, v := range values {
		z[i] = min(middle+far, max(middle-far, v))
	}
	return z, !standardize(z)
}

// outlierSigmas from the median is as far as a value counts.
const outlierSigmas = 3

// standardize makes the mean 0 and the variance 1, unless all values are equal.
func standardize(values []float64) bool {
	mean := meanOf(values)
	var sum float64
	for i := range values {
		values[i] -= mean
		sum += values[i] * values[i]
	}
	scale := math.Sqrt(sum / float64(len(values)))
	if !(scale > 0) {
		return false
	}
	for i := range values {
		values[i] /= scale
	}
	return true
}

// deviations are the two statistics of a standardized series: the greatest
// deviation of its cumulative sum, and the greatest of its first third in units of
// its own spread, each with the number of points before it.
func deviations(z []float64) (whole, early float64, at, first int) {
	n := float64(len(z))
	var sum float64
	at, first = 1, 1
	for i, v := range z[:len(z)-1] {
		sum += v
		k := float64(i + 1)
		d := math.Abs(sum)
		if d/math.Sqrt(n) > whole {
			whole, at = d/math.Sqrt(n), i+1
		}
		if weighted := d / math.Sqrt(k*(n-k)/n); 3*(i+1) <= len(z) && weighted > early {
			early, first = weighted, i+1
		}
	}
	return whole, early, at, first
}

// withoutChange takes a step at that place or a trend out, whichever leaves less.
func withoutChange(z []float64, at int) (residuals []float64, trend bool) {
	step, stepLeft := withoutStep(z, at)
	line, lineLeft := withoutLine(z)
	if lineLeft < stepLeft {
		return line, true
	}
	return step, false
}

// withoutStep takes the means on both sides of a step out, and says what is left.
func withoutStep(z []float64, at int) (residuals []float64, left float64) {
	before, after := meanOf(z[:at]), meanOf(z[at:])
	residuals = make([]float64, len(z))
	for i, v := range z {
		mean := before
		if i >= at {
			mean = after
		}
		residuals[i] = v - mean
		left += residuals[i] * residuals[i]
	}
	return residuals, left
}

// withoutLine takes the line of least squares out, and says what is left.
func withoutLine(z []float64) (residuals []float64, left float64) {
	middle := float64(len(z)-1) / 2
	mean := meanOf(z)
	var product, square float64
	for i, v := range z {
		x := float64(i) - middle
		product += x * (v - mean)
		square += x * x
	}
	residuals = make([]float64, len(z))
	for i, v := range z {
		residuals[i] = v - mean - product/square*(float64(i)-middle)
		left += residuals[i] * residuals[i]
	}
	return residuals, left
}

// null is how great the two statistics become in steady series, sorted.
type null struct{ whole, early []float64 }

// nullSeries is how many steady series are simulated: enough for a P of 0.0005.
const nullSeries = 4000

// correlationStep is that of the correlations for which there is a null; others
// take the next greater one.
const correlationStep = 0.05

// nulls keeps what was simulated: it depends on length and correlation alone.
var nulls struct {
	sync.Mutex
	of map[[2]int]null
}

// grade is the next greater step of a correlation.
func grade(correlation float64) int { return int(math.Ceil(correlation/correlationStep - 1e-9)) }

// nullOf simulates steady series of that length and correlation of neighbours.
func nullOf(n int, phi float64) null {
	step := grade(phi)
	key := [2]int{n, step}
	nulls.Lock()
	defer nulls.Unlock()
	if done, ok := nulls.of[key]; ok {
		return done
	}
	phi = float64(step) * correlationStep
	random := rand.New(rand.NewPCG(uint64(n), uint64(step)))
	z := make([]float64, n)
	var out null
	for range nullSeries {
		autoregression(z, phi, random)
		standardize(z)
		whole, early, _, _ := deviations(z)
		out.whole, out.early = append(out.whole, whole), append(out.early, early)
	}
	slices.Sort(out.whole)
	slices.Sort(out.early)
	if nulls.of == nil {
		nulls.of = map[[2]int]null{}
	}
	nulls.of[key] = out
	return out
}

// autoregression fills z with a stationary series of variance 1 whose neighbours
// have the correlation phi.
func autoregression(z []float64, phi float64, random *rand.Rand) {
	fresh := math.Sqrt(1 - phi*phi)
	for i := range z {
		z[i] = random.NormFloat64()
		if i > 0 {
			z[i] = phi*z[i-1] + fresh*z[i]
		}
	}
}

// exceeding is the share of sorted values that are at least v, never 0.
func exceeding(sorted []float64, v float64) float64 {
	at, _ := slices.BinarySearch(sorted, v)
	return float64(len(sorted)-at+1) / float64(len(sorted)+1)
}

// Truncation is how many points at the beginning of a series are best left out, so
// that the mean of the rest is known best: the marginal standard error rule (MSER,
// White 1997), which stops at half of the series.
func Truncation(series []float64) (points int) {
	best := math.Inf(1)
	for d := 0; d <= len(series)/2; d++ {
		rest := series[d:]
		mean := meanOf(rest)
		var sum float64
		for _, v := range rest {
			sum += (v - mean) * (v - mean)
		}
		if n := float64(len(rest)); n > 0 && sum/(n*n) < best {
			best, points = sum/(n*n), d
		}
	}
	return points
}
