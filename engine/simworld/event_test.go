package simworld

import (
	"math/rand/v2"
	"slices"
	"testing"

	"brokerlab/engine/env"
)

// Goal: events leave the heap by (instant, sequence number), whatever was swept
// in between. Method: random pushes, pops and sweeps against a sorted slice.
func TestEventHeapAgainstModel(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 0))
		alive, gone := &task{}, &task{dead: true}
		var h eventHeap
		var model []event // those that are not stale, in order
		stale := 0
		for seq := range uint64(2000) {
			switch {
			case r.IntN(5) < 3:
				e := event{at: env.Time(r.IntN(50)), seq: seq, task: alive}
				if r.IntN(3) == 0 {
					e.task = gone
					stale++
				} else {
					i, _ := slices.BinarySearchFunc(model, e, func(a, b event) int {
						if a.before(&b) {
							return -1
						}
						return 1
					})
					model = slices.Insert(model, i, e)
				}
				h.push(e)
			case r.IntN(50) == 0:
				h.sweep()
				stale = 0
			case len(h) > 0:
				e := h.pop()
				if e.stale() {
					stale--
					continue
				}
				if e.at != model[0].at || e.seq != model[0].seq {
					t.Fatalf("seed %d: popped %v/%d, want %v/%d", seed, e.at, e.seq, model[0].at, model[0].seq)
				}
				model = model[1:]
			}
			if len(h) != len(model)+stale {
				t.Fatalf("seed %d: %d events in the heap, want %d and %d stale", seed, len(h), len(model), stale)
			}
		}
	}
}

// Goal: a ring is a queue with two ends to take from. Method: random operations
// against a slice.
func TestRingAgainstModel(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 0))
	var q ring[int]
	var model []int
	for i := range 20_000 {
		switch op := r.IntN(7); {
		case op < 4-i/10_000: // grows in the first half, shrinks in the second
			q.push(i)
			model = append(model, i)
		case len(model) == 0:
		case op == 6:
			if got, want := q.popLast(), model[len(model)-1]; got != want {
				t.Fatalf("popLast is %d, want %d", got, want)
			}
			model = model[:len(model)-1]
		default:
			if got, want := q.pop(), model[0]; got != want {
				t.Fatalf("pop is %d, want %d", got, want)
			}
			model = model[1:]
		}
		if q.len() != len(model) {
			t.Fatalf("length is %d, want %d", q.len(), len(model))
		}
		if n := len(model); n > 0 && *q.at(n / 2) != model[n/2] {
			t.Fatalf("entry %d is %d, want %d", n/2, *q.at(n / 2), model[n/2])
		}
	}
}

// Goal: deadlines of waits that were woken do not pile up. Method: a wait of an
// hour that is woken again and again; the size of the heap.
func TestStaleEventsAreSwept(t *testing.T) {
	w := New(Config{})
	defer w.Close()
	n := w.NewNode(env.NodeConfig{Name: "a"})
	most := 0
	err := w.Run(n, func() {
		mu := n.NewMutex()
		c := n.NewCond(mu)
		stop := false
		n.Go("waiter", func() {
			mu.Lock()
			defer mu.Unlock()
			for !stop {
				c.WaitUntil(n.Now().Add(1 << 42))
			}
		})
		for range 10_000 {
			n.Sleep(1)
			mu.Lock()
			c.Signal()
			mu.Unlock()
			most = max(most, len(w.events))
		}
		mu.Lock()
		stop = true
		c.Signal()
		mu.Unlock()
	})
	if err != nil {
		t.Fatalf("Run: %v", err)
	}
	if most > sweepMin+2 {
		t.Errorf("the heap grew to %d events for one waiting task", most)
	}
	if w.Now() != 10_000 {
		t.Errorf("ended at %d", w.Now())
	}
}

// Goal: ended tasks are forgotten, and their coroutines run others.
func TestTasksAreReused(t *testing.T) {
	w := New(Config{})
	defer w.Close()
	n := w.NewNode(env.NodeConfig{Name: "a"})
	most := 0
	err := w.Run(n, func() {
		for range 5000 {
			n.Go("short", func() { n.Sleep(1) })
			n.Sleep(2)
			most = max(most, len(w.tasks))
		}
		if len(w.idle) != 1 {
			t.Errorf("%d idle coroutines after tasks that ran one at a time", len(w.idle))
		}
	})
	if err != nil {
		t.Fatalf("Run: %v", err)
	}
	if most > 200 {
		t.Errorf("%d tasks are kept, of which two live", most)
	}
}

func BenchmarkEventHeap(b *testing.B) {
	for _, pending := range []int{64, 1000, 100_000} {
		b.Run(map[int]string{64: "64", 1000: "1k", 100_000: "100k"}[pending], func(b *testing.B) {
			b.ReportAllocs()
			r := rand.New(rand.NewPCG(1, 0))
			var h eventHeap
			for i := range pending {
				h.push(event{at: env.Time(r.IntN(1 << 20)), seq: uint64(i)})
			}
			seq := uint64(pending)
			for b.Loop() {
				e := h.pop()
				seq++
				h.push(event{at: e.at + env.Time(seq*7919%(1<<20)), seq: seq})
			}
		})
	}
}
