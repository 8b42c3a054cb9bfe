package stats

import (
	"math"
	"math/rand/v2"
	"slices"
	"sync"
)

// wavesMin is the shortest series at which besideWaves looks: in a shorter one slow
// waves are known so badly that steps of 3 and 4 sigmas would be missed.
const wavesMin = 36

// windowShare is the part of a series over which slow waves are looked for. The longer
// it is, the fewer of them make an alarm, and the more steps are missed; by simulation an
// eighth is where both are few.
const windowShare = 8

// besideWaves is a second look at a series: how often a steady one with slow waves
// under quick noise, which hides them from the correlation of neighbours, looks so
// unsteady. Its statistics are those of the first look in units of how far the waves
// alone would take them; the one that the first look went by is asked. A beginning within
// the window is too short to be seen beside waves, and is not asked for.
//
// By simulation it leaves 83 of 100 steps of 3 sigmas in 40 points to be found, where a look
// at means of three neighbours left 64, and of trends of 8 sigmas in 60 points 99 (75).
func besideWaves(points []float64, early bool) (p float64) {
	z, constant := winsorized(points)
	if constant {
		return 1
	}
	whole, first, residuals := scaledDeviations(z)
	null := waveNullOf(len(z), memoryOf(residuals))
	if early {
		return exceeding(null.early, first)
	}
	return exceeding(null.whole, whole)
}

// scaledDeviations are those of a standardized series in units of its slow waves, each
// without the step at it or the trend, and what is left without the change at the whole.
func scaledDeviations(z []float64) (whole, early float64, residuals []float64) {
	whole, early, at, first := deviations(z)
	residuals, _ = withoutChange(z, at)
	rest, _ := withoutStep(z, first)
	return whole / longRunSpread(residuals), early / longRunSpread(rest), residuals
}

// longRunSpread is the spread that the sum of residuals has for each root of its length:
// correlations count up to a window, less the farther they are (Newey and West 1987).
func longRunSpread(residuals []float64) float64 {
	window := len(residuals) / windowShare
	var long, plain float64
	for lag := range window {
		var product float64
		for i := lag; i < len(residuals); i++ {
			product += residuals[i] * residuals[i-lag]
		}
		if lag == 0 {
			long, plain = product, product
			continue
		}
		long += 2 * (1 - float64(lag)/float64(window)) * product
	}
	return math.Sqrt(max(long, plain*swingShare)/float64(len(residuals)) + spreadMin)
}

// swingShare is the least part of the plain variance that counts, so that a series that
// swings is not one without noise; spreadMin is added, since a clean step has none.
const (
	swingShare = 0.1
	spreadMin  = 1e-9
)

// memory is how alike the values of a steady series are: an autoregression of order 1
// under noise without memory, which is an ARMA(1,1). Both in steps of correlationStep, so
// that what was simulated for one series serves others.
type memory struct {
	neighbours int // the correlation of neighbours
	lasting    int // what is left of it from one neighbour to the next; at least neighbours, and 1
}

// lastingMax bounds what a wave keeps from one value to the next where noise hides
// it: a slower one is not told from a step in any series that is measured here.
const lastingMax = 0.9

// lastingGrades is how much coarser lasting is told than neighbours.
const lastingGrades = 2

// correlationFloor keeps a quotient of correlations finite where there are none.
const correlationFloor = 0.01

// memoryOf estimates that of residuals, whose mean is 0, from their first three
// correlations. Those of an ARMA(1,1) fall by the same factor from the first on, so that
// the sum of the second and third over that of the first and second is that factor; half
// a standard error of a correlation is added, as to the first one alone.
func memoryOf(residuals []float64) memory {
	var correlations [4]float64
	for lag := 1; lag < len(correlations); lag++ {
		correlations[lag], _ = correlationAt(residuals, lag, stepParams)
	}
	doubtful := doubt / math.Sqrt(float64(len(residuals)))
	nearer := max(correlationFloor, correlations[1]+correlations[2])
	lasting := min(lastingMax, max(0, (correlations[2]+correlations[3]+doubtful)/nearer))
	m := memory{neighbours: grade(autocorrelation(residuals, stepParams)), lasting: grade(lasting)}
	m.lasting += m.lasting % lastingGrades // fewer nulls to simulate
	m.lasting = max(1, m.lasting, m.neighbours)
	return m
}

// fill makes z a stationary series of variance 1 with that memory.
func (m memory) fill(z []float64, random *rand.Rand) {
	autoregression(z, float64(m.lasting)*correlationStep, random)
	if m.neighbours == m.lasting {
		return
	}
	waves := float64(m.neighbours) / float64(m.lasting) // their share of the variance
	for i := range z {
		z[i] = math.Sqrt(waves)*z[i] + math.Sqrt(1-waves)*random.NormFloat64()
	}
}

// waveNulls keeps what was simulated: it depends on length and memory alone.
var waveNulls struct {
	sync.Mutex
	of map[waveKey]null
}

type waveKey struct {
	points int
	memory
}

// waveNullSeries is how many steady series are simulated: enough for a P of 0.001.
const waveNullSeries = 2000

// waveNullOf is how great scaledDeviations become in steady series of that length and
// memory, sorted.
func waveNullOf(n int, m memory) null {
	key := waveKey{n, m}
	waveNulls.Lock()
	defer waveNulls.Unlock()
	if done, ok := waveNulls.of[key]; ok {
		return done
	}
	random := rand.New(rand.NewPCG(uint64(n), uint64(m.neighbours)<<32|uint64(m.lasting)))
	z := make([]float64, n)
	var out null
	for range waveNullSeries {
		m.fill(z, random)
		standardize(z)
		whole, early, _ := scaledDeviations(z)
		out.whole, out.early = append(out.whole, whole), append(out.early, early)
	}
	slices.Sort(out.whole)
	slices.Sort(out.early)
	if waveNulls.of == nil {
		waveNulls.of = map[waveKey]null{}
	}
	waveNulls.of[key] = out
	return out
}
