package chance

import (
	"math"
	"testing"
)

// Goal: an index is drawn as often as its weight says, whatever the others are.
// Method: tables of weights, a million hashes each, against five standard deviations.
func TestAlias(t *testing.T) {
	const draws = 1_000_000
	for _, weights := range [][]float64{
		{1}, {1, 1}, {1, 0}, {0, 3, 0}, {5, 3, 2}, {1e-9, 1}, {1000, 1, 1, 1, 1, 1, 1, 1},
	} {
		a, err := NewAlias(weights)
		if err != nil {
			t.Fatal(err)
		}
		counts, sum := make([]int, len(weights)), 0.0
		for _, w := range weights {
			sum += w
		}
		for i := range uint64(draws) {
			index, _ := a.Draw(Mix(i + 1)) // 0 is mixed to 0
			counts[index]++
		}
		for i, w := range weights {
			p := w / sum
			want, off := p*draws, 5*math.Sqrt(draws*p*(1-p))+1e-3
			if math.Abs(float64(counts[i])-want) > off {
				t.Errorf("%v: index %d was drawn %d times, want %.0f +- %.0f", weights, i, counts[i], want, off)
			}
		}
	}
}

// Goal: the bits that are left say nothing about the index. Method: their mean, for
// each index of a table.
func TestAliasLeavesBits(t *testing.T) {
	a, err := NewAlias([]float64{5, 3, 2})
	if err != nil {
		t.Fatal(err)
	}
	var sums [3]float64
	var counts [3]float64
	for i := range uint64(300_000) {
		index, left := a.Draw(Mix(i))
		sums[index] += float64(left) / (1 << 63) / 2
		counts[index]++
	}
	for i := range sums {
		if mean := sums[i] / counts[i]; math.Abs(mean-0.5) > 0.01 {
			t.Errorf("index %d leaves bits of mean %.3f", i, mean)
		}
	}
}

// Goal: weights that nothing can be drawn from are refused. Method: table.
func TestAliasRefuses(t *testing.T) {
	for _, weights := range [][]float64{nil, {0}, {0, 0}, {1, -1}, {math.NaN()}, {math.Inf(1)}} {
		if _, err := NewAlias(weights); err == nil {
			t.Errorf("%v is taken", weights)
		}
	}
}
