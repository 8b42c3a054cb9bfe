package stats

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// near says whether a share of trials is what was promised, with three sigmas of room.
func near(t *testing.T, what string, hits, trials int, least, most float64) {
	t.Helper()
	share := float64(hits) / float64(trials)
	room := func(p float64) float64 { return 3 * math.Sqrt(p*(1-p)/float64(trials)) }
	if share < least-room(least) || share > most+room(most) {
		t.Errorf("%s: %.4f of %d, want %.4f to %.4f", what, share, trials, least, most)
	}
}

// Goal: an interval of a median holds the true one as often as its confidence says,
// whatever the distribution, misses it as often on either side, and says what few values
// give.
// Method: draws of a skewed distribution whose median is known; also rounded, so that
// there are ties: then it holds the median more often.
func TestMedianInterval(t *testing.T) {
	if _, ok := MedianInterval([]float64{1}); ok {
		t.Error("one value has an interval")
	}
	random := rand.New(rand.NewPCG(1, 1))
	for _, c := range []struct {
		n          int
		confidence float64 // exact
	}{{2, 0.5}, {3, 0.75}, {5, 0.9375}, {6, 0.96875}, {8, 0.9921875}, {12, 0.96142578125}, {30, 0.957226}} {
		const trials = 2000
		hits, below, above, tied := 0, 0, 0, 0
		for range trials {
			values := make([]float64, c.n)
			for i := range values {
				values[i] = random.ExpFloat64()
			}
			order := slices.Clone(values)
			i, ok := MedianInterval(values)
			if !ok || math.Abs(i.Confidence-c.confidence) > 1e-6 {
				t.Fatalf("%d values: confidence %v, want %v", c.n, i.Confidence, c.confidence)
			}
			if !slices.Equal(order, values) {
				t.Fatal("the values were sorted")
			}
			switch {
			case i.High < math.Ln2:
				below++
			case i.Low > math.Ln2:
				above++
			default:
				hits++
			}
			const grain = 0.3
			for k := range values {
				values[k] = math.Round(values[k]/grain) * grain
			}
			if i, _ := MedianInterval(values); i.Low <= 0.6 && 0.6 <= i.High { // of a median of 2.3 grains
				tied++
			}
		}
		side := (1 - c.confidence) / 2
		near(t, "hold the median", hits, trials, c.confidence, c.confidence)
		near(t, "lie below it", below, trials, side, side)
		near(t, "lie above it", above, trials, side, side)
		near(t, "hold it where there are ties", tied, trials, c.confidence, 1)
	}
}

// Goal: lots from one source are told apart in at most 5 of 100 comparisons, lots
// that differ by much always, and the interval of the ratio leaves 1 out exactly where
// a difference is shown.
// Method: draws with a known ratio.
func TestCompare(t *testing.T) {
	random := rand.New(rand.NewPCG(2, 1))
	draw := func(n int, level float64) []float64 {
		values := make([]float64, n)
		for i := range values {
			values[i] = level * math.Exp(0.1*random.NormFloat64())
		}
		return values
	}
	for _, n := range []int{4, 6, 10} {
		const trials = 1000
		alarms, found, held := 0, 0, 0
		for range trials {
			same := Compare(draw(n, 100), draw(n, 100))
			if same.Shown {
				alarms++
			}
			if outside := same.Interval.Low > 1 || same.Interval.High < 1; outside != same.Shown {
				t.Fatalf("shown %v, interval of the ratio %+v", same.Shown, same.Interval)
			}
			if same.Interval.Low <= 1 && 1 <= same.Interval.High {
				held++
			}
			if c := Compare(draw(n, 100), draw(n, 150)); c.Shown && c.Ratio > 1 {
				found++
			}
		}
		near(t, "false alarms", alarms, trials, 0, Alpha)
		near(t, "intervals hold 1", held, trials, Confidence, 1)
		near(t, "a difference of four sigmas", found, trials, 0.97, 1)
	}
}

// Goal: where a difference cannot be shown, that is said, and odd values make no
// ratio.
// Method: a table.
func TestCompareFew(t *testing.T) {
	for _, c := range []struct {
		why        string
		a, b       []float64
		possible   bool
		ratio      float64
		confidence float64
	}{
		{"nothing", nil, []float64{1}, false, 0, 0},
		{"one each", []float64{2}, []float64{4}, false, 2, 0},
		{"three each", []float64{1, 1.1, 1.2}, []float64{2, 2.1, 2.2}, false, 1.90909, 0.9},
		{"four each", []float64{1, 1.1, 1.2, 1.3}, []float64{2, 2.1, 2.2, 2.3}, true, 1.87121, 0.97142857},
		{"all equal", []float64{1, 1, 1, 1}, []float64{1, 1, 1, 1}, true, 1, 0.97142857},
		{"a zero", []float64{0, 1, 1, 1}, []float64{1, 1, 1, 1}, true, 0, 0},
	} {
		got := Compare(c.a, c.b)
		if got.Possible != c.possible || math.Abs(got.Ratio-c.ratio) > 1e-3 ||
			math.Abs(got.Interval.Confidence-c.confidence) > 1e-6 {
			t.Errorf("%s: %+v", c.why, got)
		}
	}
}

// Goal: of many comparisons that are read together, a false alarm is among them in at
// most 5 of 100 cases; order is kept.
// Method: a worked case, and uniform p values.
func TestHolm(t *testing.T) {
	got := Holm([]float64{0.04, 0.01, 0.03})
	for i, want := range []float64{0.06, 0.03, 0.06} {
		if math.Abs(got[i]-want) > 1e-12 {
			t.Errorf("got %v", got)
		}
	}
	random := rand.New(rand.NewPCG(3, 1))
	const trials = 2000
	alarms := 0
	for range trials {
		ps := make([]float64, 10)
		for i := range ps {
			ps[i] = random.Float64()
		}
		if slices.Min(Holm(ps)) < Alpha {
			alarms++
		}
	}
	near(t, "a false alarm among ten", alarms, trials, 0, Alpha)
}

// Goal: a mean of seconds that are like their neighbours has an interval that holds
// it about as often as it says, for as long as runs are and a little below for the
// shortest.
// Method: autoregressions of known mean.
func TestMeanIntervalCoverage(t *testing.T) {
	if _, ok := MeanInterval(make([]float64, SeriesMin-1)); ok {
		t.Error("a short series has an interval")
	}
	if i, ok := MeanInterval(slices.Repeat([]float64{7}, 20)); !ok || i.Low != 7 || i.High != 7 {
		t.Errorf("a constant series: %+v %v", i, ok)
	}
	for _, c := range []struct {
		n           int
		correlation float64
		least       float64
	}{{12, 0, 0.95}, {12, 0.5, 0.93}, {30, 0, 0.95}, {30, 0.5, 0.94}, {30, 0.8, 0.92}, {120, 0.8, 0.94}} {
		random := rand.New(rand.NewPCG(uint64(c.n), 4))
		z := make([]float64, c.n)
		const trials = 1500
		hits := 0
		for range trials {
			autoregression(z, c.correlation, random)
			if i, _ := MeanInterval(z); i.Low <= 0 && 0 <= i.High {
				hits++
			}
		}
		near(t, "hold the mean", hits, trials, c.least, 1)
	}
}
