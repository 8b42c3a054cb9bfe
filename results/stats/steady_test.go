package stats

import (
	"math"
	"math/rand/v2"
	"testing"
)

// Goal: steady series are called unsteady no more often than Change.P promises,
// whatever their length, how alike neighbours are, and how skewed the values.
// Method: autoregressions, as they are and as exponents (log-normal, sigma 0.7).
func TestSteadyFalseAlarms(t *testing.T) {
	for _, c := range []struct {
		correlation, most float64 // of P < 0.01
	}{{0, 0.01}, {0.5, 0.025}, {0.8, 0.07}} {
		for _, n := range []int{12, 30, 240} {
			random := rand.New(rand.NewPCG(uint64(n), 5))
			z := make([]float64, n)
			const trials = 400
			plain, skewed := 0, 0
			for range trials {
				autoregression(z, c.correlation, random)
				if Steady(z).P < 0.01 {
					plain++
				}
				for i := range z {
					z[i] = math.Exp(0.7 * z[i])
				}
				if Steady(z).P < 0.01 {
					skewed++
				}
			}
			near(t, "false alarms", plain, trials, 0, c.most)
			near(t, "false alarms of skewed values", skewed, trials, 0, c.most)
		}
	}
}

// shape makes series of noise with something in them.
type shape struct {
	why   string
	n     int
	of    func(i int) float64 // in sigmas of the noise
	found float64             // of trials, at least, at P < 0.01
	early bool
	trend bool
}

// Goal: quick noise that hides slow waves from the correlation of neighbours makes no
// more alarms than Change.P says, and fewer the longer the series is.
// Method: an autoregression of 0.9 with independent noise of the same variance on top.
func TestSteadyHiddenWaves(t *testing.T) {
	for _, c := range []struct {
		n    int
		most float64
	}{{12, 0.03}, {30, 0.14}, {65, 0.10}, {120, 0.08}, {240, 0.08}} {
		random := rand.New(rand.NewPCG(uint64(c.n), 9))
		z := make([]float64, c.n)
		const trials = 400
		alarms := 0
		for range trials {
			autoregression(z, 0.9, random)
			for i := range z {
				z[i] += random.NormFloat64()
			}
			if Steady(z).P < 0.01 {
				alarms++
			}
		}
		near(t, "false alarms", alarms, trials, 0, c.most)
	}
}

// Goal: real steps, trends and beginnings are found and called by their name.
// Method: noise of a little memory (0.3) with a change of known size and place.
func TestSteadyFindsChanges(t *testing.T) {
	step := func(at int, size float64) func(int) float64 {
		return func(i int) float64 {
			if i < at {
				return 0
			}
			return size
		}
	}
	for _, c := range []shape{
		{why: "a step of 6 sigmas in the middle of 12 s", n: 12, of: step(6, 6), found: 0.6},
		{why: "a step of 4 sigmas in 30 s", n: 30, of: step(18, 4), found: 0.85},
		{why: "a step of 3 sigmas in 40 s", n: 40, of: step(20, 3), found: 0.8},
		{why: "a step of 2 sigmas in a minute", n: 60, of: step(30, 2), found: 0.75},
		{why: "a step of 3 sigmas in a minute", n: 60, of: step(30, -3), found: 0.95},
		{why: "a trend of 4 sigmas over a minute", n: 60, of: func(i int) float64 { return float64(i) / 15 }, found: 0.75,
			trend: true},
		{why: "a trend of 8 sigmas over half a minute", n: 30, of: func(i int) float64 { return float64(i) / 3.75 },
			found: 0.7, trend: true},
		{why: "a trend of 8 sigmas over a minute", n: 60, of: func(i int) float64 { return float64(i) / 7.5 },
			found: 0.95, trend: true},
		{why: "a first tenth of 5 sigmas", n: 60, of: step(6, 5), found: 0.75, early: true},
		{why: "a first tenth of 5 sigmas in two minutes", n: 120, of: step(12, 5), found: 0.98, early: true},
		{why: "four tenths of a second of 12", n: 120, of: step(4, -20), found: 0.75, early: true},
		{why: "a step in an hour", n: 3600, of: step(1800, 1), found: 0.98},
	} {
		random := rand.New(rand.NewPCG(uint64(c.n), 6))
		z := make([]float64, c.n)
		const trials = 200
		found, named := 0, 0
		for range trials {
			autoregression(z, 0.3, random)
			for i := range z {
				z[i] += 100 + c.of(i)
			}
			got := Steady(z)
			if got.P >= 0.01 {
				continue
			}
			found++
			if got.Early == c.early && got.Trend == c.trend && (got.After > got.Before) == (c.of(c.n-1) > 0) {
				named++
			}
		}
		near(t, c.why, found, trials, c.found, 1)
		near(t, c.why+", called so", named, found, 0.7, 1)
	}
}

// Goal: what cannot be told is not, and a change is where it was put.
// Method: short, constant and noiseless series, and one with an outlier.
func TestSteadyEdges(t *testing.T) {
	flat := make([]float64, 40)
	for _, c := range [][]float64{nil, {1, 2}, flat} {
		if got := Steady(c); got.P != 1 {
			t.Errorf("%d points: %+v", len(c), got)
		}
	}
	stepped := make([]float64, 40)
	for i := range stepped {
		stepped[i] = 100
		if i >= 25 {
			stepped[i] = 50
		}
	}
	got := Steady(stepped)
	if got.P > 0.01 || got.Early || got.Trend || got.At != 25 || got.Before != 100 || got.After != 50 ||
		got.Factor() != 0.5 {
		t.Errorf("a clean step: %+v", got)
	}
	random := rand.New(rand.NewPCG(7, 7))
	for i := range flat {
		flat[i] = 100 + random.NormFloat64()
	}
	flat[20] = 1
	if got := Steady(flat); got.P < 0.05 {
		t.Errorf("one outlier made an alarm: %+v", got)
	}
	if (Change{}).Factor() != 0 {
		t.Error("a factor of nothing")
	}
}

// BenchmarkSteady is a minute of seconds whose null is known.
func BenchmarkSteady(b *testing.B) {
	z := make([]float64, 60)
	autoregression(z, 0.3, rand.New(rand.NewPCG(8, 8)))
	Steady(z)
	for b.Loop() {
		Steady(z)
	}
}
