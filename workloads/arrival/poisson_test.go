package arrival

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"gonum.org/v1/gonum/stat/distuv"

	"brokerlab/engine/env"
)

// poisson returns the instants of all producers of a Poisson load, merged, up to an
// end, and those of the first producer.
func poisson(t testing.TB, cfg Config, producers int, end env.Time) (all, first []env.Time) {
	t.Helper()
	for i := range producers {
		cfg.Producers, cfg.Index, cfg.End = producers, i, end
		cfg.Poisson = rand.New(rand.NewPCG(1, uint64(i)))
		p := newPacer(t, cfg)
		for p.Next(0) != env.Never {
			all = append(all, p.Take(p.Next(0)))
		}
		if i == 0 {
			first = slices.Clone(all)
		}
	}
	slices.Sort(all)
	return all, first
}

// chiSquare says how probable a fit at least as bad is of counts in classes with these
// expected counts.
func chiSquare(counts, expected []float64) float64 {
	sum := 0.0
	for i := range counts {
		sum += (counts[i] - expected[i]) * (counts[i] - expected[i]) / expected[i]
	}
	return distuv.ChiSquared{K: float64(len(counts) - 1)}.Survival(sum)
}

// gapsFit is the probability of gaps like these from an exponential distribution, by
// a chi-square test over 50 classes of one probability each.
func gapsFit(at []env.Time, ratePerSec float64) float64 {
	const classes = 50
	counts, expected := make([]float64, classes), make([]float64, classes)
	for i := range expected {
		expected[i] = float64(len(at)-1) / classes
	}
	for i := range len(at) - 1 {
		below := 1 - math.Exp(-at[i+1].Sub(at[i]).Seconds()*ratePerSec)
		counts[min(classes-1, int(below*classes))]++
	}
	return chiSquare(counts, expected)
}

// dispersion is the variance of the counts in windows over their mean: 1 of a Poisson
// process, 0 of an even one.
func dispersion(at []env.Time, window time.Duration, windows int) float64 {
	counts := make([]float64, windows)
	for _, a := range at {
		if i := int(a / env.Time(window)); i < windows {
			counts[i]++
		}
	}
	mean, square := 0.0, 0.0
	for _, n := range counts {
		mean += n / float64(windows)
	}
	for _, n := range counts {
		square += (n - mean) * (n - mean) / float64(windows-1)
	}
	return square / mean
}

// Goal: gaps are exponential, counts in windows have the variance of a Poisson
// process, and both are true of one producer's share and of all producers together.
// Method: 200 s at 1,000/s, seeded, for 1 and 5 producers: chi-square of the gaps, and
// the index of dispersion over 2,000 windows, whose standard deviation is
// sqrt(2 / 2,000), 3.2 %.
func TestPoisson(t *testing.T) {
	const rate, seconds = 1000.0, 200
	for _, producers := range []int{1, 5} {
		all, first := poisson(t, Config{RatePerSec: rate}, producers, env.Time(seconds*time.Second))
		for _, row := range []struct {
			sentence string
			at       []env.Time
			rate     float64
		}{{"all together", all, rate}, {"one of them", first, rate / float64(producers)}} {
			want := row.rate * seconds
			if off := math.Abs(float64(len(row.at)) - want); off > 4*math.Sqrt(want) {
				t.Errorf("%d producers, %s: %d records, want %.0f", producers, row.sentence, len(row.at), want)
			}
			if p := gapsFit(row.at, row.rate); p < 0.001 {
				t.Errorf("%d producers, %s: gaps like these have a probability of %g", producers, row.sentence, p)
			}
			if d := dispersion(row.at, 100*time.Millisecond, 10*seconds); d < 0.87 || d > 1.13 {
				t.Errorf("%d producers, %s: dispersion of %.3f, want 1", producers, row.sentence, d)
			}
		}
	}
	// The test can fail: an even load has no dispersion, and its gaps are all alike.
	even := newPacer(t, Config{RatePerSec: rate, Producers: 1})
	var at []env.Time
	for range 10_000 {
		at = append(at, even.Take(even.Next(0)))
	}
	if p, d := gapsFit(at, rate), dispersion(at, 100*time.Millisecond, 100); p > 1e-9 || d > 0.01 {
		t.Errorf("an even load passes for a Poisson process: probability %g, dispersion %.3f", p, d)
	}
}

// Goal: a Poisson process follows a curve: counts in parts of it are as its integral,
// with the spread of a Poisson process, and its end comes. Method: a ramp, a pause and
// a burst, looped 50 times; chi-square of the counts by part, and the dispersion.
func TestPoissonOfACurve(t *testing.T) {
	c, err := NewCurve([]Piece{
		{time.Second, 0, 2000}, {time.Second, 0, 0}, {time.Second, 500, 500}, {time.Second, 4000, 1000},
	}, Loop)
	if err != nil {
		t.Fatal(err)
	}
	const laps, parts = 50, 16 // parts of 250 ms
	all, _ := poisson(t, Config{Curve: c}, 3, env.Time(laps*4*time.Second))
	var counts, expected []float64
	part := 4 * time.Second / parts
	for i := range parts {
		if mean := c.Mean(time.Duration(i)*part, time.Duration(i+1)*part) * part.Seconds() * laps; mean > 0 {
			expected = append(expected, mean)
			counts = append(counts, 0)
		}
	}
	for _, at := range all {
		i := int(at % env.Time(4*time.Second) / env.Time(part))
		switch {
		case i >= 4 && i < 8:
			t.Fatalf("a record is due in the pause, at %v", time.Duration(at))
		case i >= 8:
			i -= 4
		}
		counts[i]++
	}
	if p := chiSquare(counts, expected); p < 0.001 {
		t.Errorf("counts like %v have a probability of %g, want about %v", counts, p, expected)
	}
}

// Goal: the same seed makes the same instants, another seed others, and two producers
// of one seed differ. Method: three draws.
func TestPoissonIsSeeded(t *testing.T) {
	draw := func(seed, stream uint64) (at []env.Time) {
		p := newPacer(t, Config{RatePerSec: 1e5, Producers: 2, Poisson: rand.New(rand.NewPCG(seed, stream))})
		for range 1000 {
			at = append(at, p.Take(p.Next(0)))
		}
		return at
	}
	one := draw(1, 1)
	if !slices.Equal(one, draw(1, 1)) || slices.Equal(one, draw(1, 2)) || slices.Equal(one, draw(2, 1)) {
		t.Error("the instants do not follow from the seed")
	}
}

func BenchmarkTakePoisson(b *testing.B) {
	p := newPacer(b, Config{RatePerSec: 333_333, Producers: 3, Poisson: rand.New(rand.NewPCG(1, 1))})
	b.ReportAllocs()
	for b.Loop() {
		p.Take(p.Next(0))
	}
}
