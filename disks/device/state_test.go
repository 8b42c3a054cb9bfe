package device

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"brokerlab/engine/env"
)

// Goal: ends come out by instant, and at one instant in the order of their
// pushes. Method: random pushes and pops against a sorted slice.
func TestDueHeap(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	var h dueHeap
	var want []due
	for i := range 20000 {
		if rng.IntN(2) == 0 || len(want) == 0 {
			e := due{at: env.Time(rng.IntN(50)), slot: int32(i)}
			h.push(e.at, e.slot)
			at, _ := slices.BinarySearchFunc(want, e, func(a, b due) int {
				if a.at <= b.at {
					return -1
				}
				return 1
			})
			want = slices.Insert(want, at, e)
			continue
		}
		at := h.next()
		if got := h.pop(); got != want[0].slot || at != want[0].at {
			t.Fatalf("step %d: slot %d at %d, want %d at %d", i, got, at, want[0].slot, want[0].at)
		}
		want = want[1:]
	}
}

// Goal: the write cache holds exactly the bytes that were added and not taken or
// dropped, in extents that neither overlap nor touch, and a flush waits for those
// that it found. Method: random operations against an array of bytes.
func TestWriteCache(t *testing.T) {
	const size = 64
	const absent, dirty = 0, 1
	rng := rand.New(rand.NewPCG(1, 1))
	c := newWriteCache(1<<20, 1<<20)
	var bytes [size]int
	fill := func(start, end int64, v int) {
		for i := start; i < end; i++ {
			bytes[i] = v
		}
	}
	for step := range 50000 {
		start := rng.Int64N(size)
		end := start + 1 + rng.Int64N(min(9, size-start))
		switch rng.IntN(6) {
		case 0, 1:
			c.add(start, end)
			fill(start, end, dirty)
		case 2:
			c.drop(start, end)
			fill(start, end, absent)
		case 3:
			if !c.empty() && c.writing == (extent{}) {
				from := c.after(start)
				to := c.take(from, 5)
				fill(from, to, absent)
				c.written()
			}
		case 4:
			if want := !slices.Contains(bytes[start:end], absent); c.holds(start, end) != want {
				t.Fatalf("step %d: holds %d to %d says %v: %v", step, start, end, !want, bytes)
			}
		case 5:
			if rng.IntN(20) == 0 {
				c.mark()
				if c.marked() != len(c.extents) {
					t.Fatalf("step %d: %d of %d extents are marked", step, c.marked(), len(c.extents))
				}
			}
		}
		var total int64
		previous := int64(-1)
		for _, e := range c.extents {
			if e.start <= previous || e.end <= e.start {
				t.Fatalf("step %d: extents %v", step, c.extents)
			}
			for i := e.start; i < e.end; i++ {
				if bytes[i] == absent {
					t.Fatalf("step %d: byte %d is held: %v", step, i, c.extents)
				}
			}
			previous, total = e.end, total+e.end-e.start
		}
		held := int64(size - count(bytes[:], absent))
		if total != held || c.bytes != held {
			t.Fatalf("step %d: %d bytes in extents, %d counted, want %d", step, total, c.bytes, held)
		}
	}
}

func count(values []int, v int) (n int) {
	for _, x := range values {
		if x == v {
			n++
		}
	}
	return n
}

// Goal: the elevator goes inwards and begins again outside. Method: three extents
// and heads at each place.
func TestElevator(t *testing.T) {
	c := newWriteCache(1<<20, 10)
	for _, start := range []int64{100, 300, 500} {
		c.add(start, start+10)
	}
	for _, row := range []struct{ head, want int64 }{{0, 100}, {100, 100}, {101, 300}, {310, 500}, {501, 100}} {
		if got := c.after(row.head); got != row.want {
			t.Errorf("from %d the elevator goes to %d, want %d", row.head, got, row.want)
		}
	}
}

// Goal: a flush waits for what it found and for nothing later, also when a later
// write joins an extent that it waits for. Method: by hand.
func TestMarks(t *testing.T) {
	c := newWriteCache(1<<20, 10)
	c.add(0, 10)
	c.add(20, 30)
	if c.take(0, 100); c.marked() != 0 {
		t.Fatal("something is marked before a flush")
	}
	c.mark()
	if c.marked() != 2 {
		t.Fatalf("a flush waits for %d, want the extent and the piece that is written", c.marked())
	}
	c.add(40, 50)
	if c.written(); c.marked() != 1 {
		t.Fatalf("a flush waits for %d, want 1", c.marked())
	}
	if c.add(30, 40); c.marked() != 1 || len(c.extents) != 1 {
		t.Fatalf("a flush waits for %d of %v, want all of the joined extent", c.marked(), c.extents)
	}
}

// Goal: the write amplification of uniformly random writes has the values of the
// literature; blocks overwritten from end to end cost nothing, scattered ones do,
// and the cost goes when they are overwritten in order. Method: by value.
func TestCollector(t *testing.T) {
	for _, row := range []struct{ spare, want float64 }{{0.07, 7.8}, {0.28, 2.5}, {1, 1.26}} {
		if got := uniformAmplification(1 + row.spare); math.Abs(got/row.want-1) > 0.02 {
			t.Errorf("%g spare gives an amplification of %.2f, want %.2f", row.spare, got, row.want)
		}
	}
	const region, capacity, block = 1 << 20, 64 << 20, 64 << 10
	c := newCollector(&SSD{RegionBytes: region, OverProvisioning: 0.07}, capacity)
	inOrder := func() {
		for at := int64(0); at < capacity; at += block {
			c.wrote(at, block)
		}
	}
	for range 3 {
		if inOrder(); c.amplification() != 1 {
			t.Errorf("writes in order give %.2f, want 1", c.amplification())
		}
	}
	rng := rand.New(rand.NewPCG(1, 1))
	for range 2 * capacity / block {
		c.wrote(rng.Int64N(capacity/block)*block, block)
	}
	if a := c.amplification(); a < 5 || a > 7.9 {
		t.Errorf("after random writes the amplification is %.2f, want nearly 7.8", a)
	}
	if inOrder(); c.amplification() != 1 {
		t.Errorf("after writes in order the amplification is %.2f, want 1", c.amplification())
	}
}

// Goal: a Spread has its percentiles. Method: 100,000 draws of each shape.
func TestSpread(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, row := range []struct {
		name     string
		s        Spread
		p50, p99 time.Duration
	}{
		{"one value", Spread{P50: 80}, 80, 80},
		{"nothing", Spread{}, 0, 0},
		{"log-normal", Spread{P50: 10000, P99: 40000}, 10000, 40000},
		{"exponential: its p99 is 6.64 medians", Spread{Shape: Exponential, P50: 10000}, 10000, 66400},
	} {
		d := newSampler(row.s)
		draws := make([]int64, 100000)
		for i := range draws {
			draws[i] = d.draw(rng)
		}
		slices.Sort(draws)
		p50, p99 := draws[len(draws)/2], draws[len(draws)*99/100]
		if math.Abs(float64(p50)-float64(row.p50)) > 0.02*float64(row.p50) ||
			math.Abs(float64(p99)-float64(row.p99)) > 0.04*float64(row.p99) {
			t.Errorf("%s: p50 %d, p99 %d, want %d and %d", row.name, p50, p99, row.p50, row.p99)
		}
	}
}
