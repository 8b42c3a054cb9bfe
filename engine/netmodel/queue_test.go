package netmodel

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// Goal: the queue is a slice that forgets its beginning, and its memory stays within
// four times of what it held at most. Method: random operations against a slice.
func TestQueueAgainstSlice(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	var q queue[int]
	var model []int
	most := 0
	for i := range 20_000 {
		switch n := len(model); {
		case n > 0 && rng.IntN(100) == 0:
			keep := rng.IntN(n + 1)
			q.cut(keep)
			model = model[:keep]
		case n > 0 && rng.IntN(2) == 0:
			if got := q.pop(); got != model[0] {
				t.Fatalf("step %d: popped %d, want %d", i, got, model[0])
			}
			model = model[1:]
		default:
			q.push(i)
			model = append(model, i)
		}
		most = max(most, len(model))
		if q.len() != len(model) {
			t.Fatalf("step %d: %d items, want %d", i, q.len(), len(model))
		}
		if n := len(model); n > 0 {
			if at := rng.IntN(n); *q.at(at) != model[at] {
				t.Fatalf("step %d: item %d is %d, want %d", i, at, *q.at(at), model[at])
			}
		}
	}
	if cap(q.items) > 4*most {
		t.Errorf("%d places for %d items at most", cap(q.items), most)
	}
	if got := q.items[:q.head]; slices.ContainsFunc(got, func(v int) bool { return v != 0 }) {
		t.Errorf("items that left are kept: %v", got)
	}
}
