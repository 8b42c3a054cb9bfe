package payload

import (
	"math"
	"testing"

	"brokerlab/workloads/chance"
)

// Goal: sizes are distributed as was said, within their limits, and have the mean that
// estimates are made with. Method: 300,000 draws against the distribution's own
// quantiles and mean.
func TestSizes(t *testing.T) {
	const draws = 300_000
	uniform, err := Uniform(100, 299)
	if err != nil {
		t.Fatal(err)
	}
	logNormal, err := LogNormal(LogNormalConfig{Mean: 1000, Sigma: 1.2, Min: 24, Max: 100_000})
	if err != nil {
		t.Fatal(err)
	}
	cut, err := LogNormal(LogNormalConfig{Mean: 1000, Sigma: 1.2, Min: 24, Max: 1200})
	if err != nil {
		t.Fatal(err)
	}
	narrow, err := LogNormal(LogNormalConfig{Mean: 60, Sigma: 0.02, Min: 24, Max: 1200})
	if err != nil {
		t.Fatal(err)
	}
	empirical, err := Empirical([]Weighted{{100, 3}, {7, 0}, {2000, 1}})
	if err != nil {
		t.Fatal(err)
	}
	mu := math.Log(1000) - 0.72
	whole := normalBelow((math.Log(100_000) - mu) / 1.2)
	below := func(z float64) int { return int(math.Exp(mu + 1.2*z)) }
	type share struct {
		atMost int
		want   float64
	}
	for _, row := range []struct {
		name     string
		sizes    *Sizes
		min, max int
		mean     float64
		shares   []share
	}{
		{"fixed", Fixed(77), 77, 77, 77, nil},
		{"uniform", uniform, 100, 299, 199.5, []share{{149, 0.25}, {249, 0.75}}},
		{"log-normal", logNormal, 24, 100_000, 999.6, []share{{below(-1), normalBelow(-1) / whole},
			{below(0), 0.5 / whole}, {below(1), normalBelow(1) / whole}, {below(2.5), normalBelow(2.5) / whole}}},
		{"log-normal, half of it cut away", cut, 24, 1200, 0, nil},
		{"log-normal, hardly spread", narrow, 24, 1200, 60, nil},
		{"empirical", empirical, 100, 2000, 575, []share{{100, 0.75}}},
	} {
		s := row.sizes
		if s.Min() != row.min || s.Max() != row.max {
			t.Errorf("%s: within %d and %d", row.name, s.Min(), s.Max())
		}
		if row.mean > 0 && math.Abs(s.Mean()/row.mean-1) > 0.005 {
			t.Errorf("%s: mean %.1f, want %.1f", row.name, s.Mean(), row.mean)
		}
		counts, sum, squares := make([]float64, len(row.shares)), 0.0, 0.0
		for i := range uint64(draws) {
			size := s.Of(chance.Mix(i + 1))
			if size < row.min || size > row.max {
				t.Fatalf("%s: size %d", row.name, size)
			}
			sum, squares = sum+float64(size), squares+float64(size)*float64(size)
			for k, sh := range row.shares {
				if size <= sh.atMost {
					counts[k]++
				}
			}
		}
		mean := sum / draws
		deviation := math.Sqrt(max(0, squares/draws-mean*mean))
		if off := 5*deviation/math.Sqrt(draws) + 1e-9; math.Abs(mean-s.Mean()) > off {
			t.Errorf("%s: sizes of mean %.2f were drawn, want %.2f +- %.2f", row.name, mean, s.Mean(), off)
		}
		for k, sh := range row.shares {
			if got := counts[k] / draws; math.Abs(got-sh.want) > 0.005 {
				t.Errorf("%s: %.4f of the sizes are at most %d, want %.4f", row.name, got, sh.atMost, sh.want)
			}
		}
	}
}

// Goal: rare large sizes are as frequent as they should be. Method: how often sizes
// are beyond three and four standard deviations, in five million draws.
func TestLogNormalTail(t *testing.T) {
	s, err := LogNormal(LogNormalConfig{Mean: 1000, Sigma: 0.5, Min: 1, Max: 1 << 30})
	if err != nil {
		t.Fatal(err)
	}
	const draws = 5_000_000
	mu := math.Log(1000) - 0.125
	var beyond [2]float64
	for i := range uint64(draws) {
		size := float64(s.Of(chance.Mix(i + 1)))
		for k := range beyond {
			if size > math.Exp(mu+0.5*float64(3+k)) {
				beyond[k]++
			}
		}
	}
	for k, n := range beyond {
		want := draws * normalBelow(-float64(3+k))
		if off := 5 * math.Sqrt(want); math.Abs(n-want) > off {
			t.Errorf("%.0f sizes are beyond %d deviations, want %.0f +- %.0f", n, 3+k, want, off)
		}
	}
}

// Goal: sizes that cannot be are refused with the reason. Method: table.
func TestSizesRefuse(t *testing.T) {
	for _, row := range []struct {
		made func() (*Sizes, error)
		want string
	}{
		{func() (*Sizes, error) { return Uniform(9, 8) }, "payload: no size is within 9 and 8 bytes"},
		{func() (*Sizes, error) { return Empirical(nil) },
			"payload: sizes: chance: 0 weights of together 0 cannot be drawn from"},
		{func() (*Sizes, error) { return Empirical([]Weighted{{-1, 1}}) },
			"payload: size -1 is not within 0 and 2147483647 bytes"},
		{func() (*Sizes, error) { return LogNormal(LogNormalConfig{Mean: 10, Sigma: 9, Max: 100}) },
			"payload: sigma 9 is not within 0.01 and 5"},
		{func() (*Sizes, error) { return LogNormal(LogNormalConfig{Mean: 100, Sigma: 1, Max: 100}) },
			"payload: mean size 100 is not within 0 and 100 bytes"},
	} {
		if _, err := row.made(); err == nil || err.Error() != row.want {
			t.Errorf("%v, want %s", err, row.want)
		}
	}
}

// Goal: values of many sizes come out whole. Method: round trips of every kind, with
// every damage to the length found.
func TestVariableSizes(t *testing.T) {
	sizes, err := Uniform(SizeMin, 3000)
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range Kinds() {
		s := newSource(t, Config{Kind: kind, Sizes: sizes, Seed: 5})
		seen := map[int]bool{}
		for i := range uint64(400) {
			value := s.Append(nil, ID{3, i}, 9)
			seen[len(value)] = true
			if err := s.Verify(value); err != nil {
				t.Errorf("%s: %v", kind, err)
			}
			if s.Verify(value[:len(value)-1]) == nil || s.Verify(append(value, 0)) == nil {
				t.Errorf("%s: a value of another length passes", kind)
			}
		}
		if len(seen) < 300 {
			t.Errorf("%s: %d different sizes of 400", kind, len(seen))
		}
	}
}

func BenchmarkSizes(b *testing.B) {
	logNormal, err := LogNormal(LogNormalConfig{Mean: 1000, Sigma: 1, Min: 24, Max: 1 << 20})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	sum, i := 0, uint64(0)
	for b.Loop() {
		i++
		sum += logNormal.Of(chance.Mix(i))
	}
}
