package validate

import (
	"math"
	"slices"
	"testing"

	"brokerlab/results"
)

// Goal: errors and aims mean what the documentation says. Method: a table of figures.
func TestCompare(t *testing.T) {
	share, factor := results.Aim{Share: 0.15}, results.Aim{Factor: 2}
	for _, row := range []struct {
		sentence                        string
		predicted, observed, resolution float64
		aim                             results.Aim
		err                             float64
		within                          bool
	}{
		{"the observed value itself", 100, 100, 0, share, 0, true},
		{"a share too much, within", 114, 100, 0, share, 0.14, true},
		{"a share too much, outside", 116, 100, 0, share, 0.16, false},
		{"too little counts alike", 84, 100, 0, share, -0.16, false},
		{"twice as much is a factor of 2", 2, 1, 0, factor, 1, true},
		{"half is a factor of 2", 0.5, 1, 0, factor, -0.5, true},
		{"more than twice is not", 2.1, 1, 0, factor, 1.1, false},
		{"less than half is not", 0.49, 1, 0, factor, -0.51, false},
		{"a printed step stands for what was cut", 1.9, 1, 1, share, 0, true},
		{"and for what was rounded up", 0.6, 1, 1, share, 0, true},
		{"beyond it counts from its end", 2.2, 1, 1, share, 0.1, true},
		{"without an aim nothing is within", 1, 1, 0, results.Aim{}, 0, false},
		{"nothing predicted is all wrong", 0, 5, 0, factor, -1, false},
	} {
		f := results.ValidationFigure{Observed: row.observed, Predicted: row.predicted, Resolution: row.resolution,
			Aim: row.aim}
		compare(&f)
		if math.Abs(f.Error-row.err) > 1e-9 || f.Within != row.within {
			t.Errorf("%s: error %v, within %v; want %v, %v", row.sentence, f.Error, f.Within, row.err, row.within)
		}
	}
}

// figures makes rows of one table with an observed and a predicted throughput.
func figures(pairs ...[2]float64) (rows []results.ValidationRow) {
	for i, p := range pairs {
		rows = append(rows, results.ValidationRow{Table: "t", Row: string(rune('a' + i)), Figures: []results.ValidationFigure{
			{Quantity: results.QuantityThroughput, Observed: p[0], Predicted: p[1], Aim: aimThroughput}}})
	}
	return rows
}

// Goal: a ranking is another one only if rows that differ come in another order.
// Method: a table of pairs of observed and predicted.
func TestRankings(t *testing.T) {
	for _, row := range []struct {
		sentence string
		rows     []results.ValidationRow
		same     bool
	}{
		{"the same order", figures([2]float64{10, 1}, [2]float64{20, 2}, [2]float64{30, 3}), true},
		{"two change places", figures([2]float64{10, 2}, [2]float64{20, 1}), false},
		{"equals may come either way", figures([2]float64{100, 2}, [2]float64{102, 1}), true},
		{"what differs must not become equal", figures([2]float64{10, 1}, [2]float64{20, 1}), false},
	} {
		got := rankings(row.rows)
		if len(got) != 1 || got[0].Same != row.same {
			t.Errorf("%s: %+v", row.sentence, got)
		}
	}
	if got := rankings(figures([2]float64{1, 1})); len(got) != 0 {
		t.Errorf("one row was ranked: %+v", got)
	}
	got := rankings(figures([2]float64{30, 3}, [2]float64{10, 4}))
	if !slices.Equal(got[0].Observed, []string{"b", "a"}) || !slices.Equal(got[0].Predicted, []string{"a", "b"}) {
		t.Errorf("orders %+v", got[0])
	}
}
