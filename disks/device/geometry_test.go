package device

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// testHardDisk is a small fast-to-compute disk with whole figures: 6000 rpm is
// 10 ms a revolution.
func testHardDisk() (HardDisk, int64) {
	return HardDisk{
		RPM: 6000, Heads: 4, Zones: 8, OuterBytesPerSec: 200e6, InnerBytesPerSec: 100e6,
		SeekTrack: 500 * time.Microsecond, SeekAverage: 8 * time.Millisecond, SeekFull: 16 * time.Millisecond,
		WriteSettle: 100 * time.Microsecond, HeadSwitch: 500 * time.Microsecond, TrackSkew: time.Millisecond,
		CommandTime: 50 * time.Microsecond, InterfaceBytesPerSec: 500e6,
		WriteCacheBytes: 32 << 20, WriteCacheExtents: 256, ReadSegments: 8, ReadSegmentBytes: 2 << 20, AgeMax: time.Second,
	}, 100e9
}

// Goal: a transfer over many tracks takes what the rate of its zone says, from the
// outer rate at the beginning to the inner one at the end. Method: 100 MiB at
// offsets across the disk, within 1 % (a track is not a whole number of them).
func TestGeometryRates(t *testing.T) {
	h, capacity := testHardDisk()
	g := newGeometry(&h, capacity)
	const n = 100 << 20
	last := math.Inf(1)
	for i := range h.Zones {
		rate := n / (float64(g.transferNs(g.zones[i].start, n)) / 1e9)
		want := 200e6 - 100e6*float64(i)/float64(h.Zones-1)
		if math.Abs(rate/want-1) > 0.01 {
			t.Errorf("zone %d transfers %.1f MB/s, want %.1f", i, rate/1e6, want/1e6)
		}
		if rate >= last {
			t.Errorf("zone %d is not slower than the one outside of it", i)
		}
		last = rate
	}
	if end := g.at(capacity - 1); end.cylinder >= g.cylinders {
		t.Errorf("the last byte lies in cylinder %d of %d", end.cylinder, g.cylinders)
	}
}

// Goal: a transfer that goes on where another ended finds its sector there, in all
// cases: within a track, over tracks, cylinders and zones. Method: random pieces;
// the angle after a piece is that of the byte behind it, but for a head switch.
func TestGeometryContinues(t *testing.T) {
	h, capacity := testHardDisk()
	g := newGeometry(&h, capacity)
	rng := rand.New(rand.NewPCG(1, 1))
	for i := range 20000 {
		offset, n := rng.Int64N(capacity-(16<<20)), 1+rng.Int64N(8<<20)
		if i%4 == 0 { // around the edge of a zone
			offset = g.zones[1+rng.IntN(len(g.zones)-1)].start - rng.Int64N(4<<20)
		}
		from, to := g.at(offset), g.at(offset+n)
		ns := g.transferNs(offset, n)
		if to.track != g.at(offset+n-1).track {
			ns += g.skewNs
		}
		late := (from.angleNs + ns - to.angleNs) % g.revNs
		if late > g.revNs/2 {
			late -= g.revNs
		}
		if late < -8 || late > 0 { // late by 1 ns would cost a turn
			t.Fatalf("%d bytes from %d end %d ns beside the byte behind them", n, offset, late)
		}
		if g.transferNs(offset, 1+n/2) > ns {
			t.Fatalf("half of %d bytes from %d takes longer than all", n, offset)
		}
	}
}

// Goal: the seek curve has the datasheet's three figures, rises, and its mean over
// random moves is the average that the datasheet states. Method: by value.
func TestSeekCurve(t *testing.T) {
	h, capacity := testHardDisk()
	g := newGeometry(&h, capacity)
	s := newSeekCurve(&h, g.cylinders)
	near := func(what string, got int64, want time.Duration, tolerance float64) {
		if math.Abs(float64(got)/float64(want)-1) > tolerance {
			t.Errorf("%s takes %v, want %v", what, time.Duration(got), want)
		}
	}
	near("one track", s.ns(1), h.SeekTrack, 0.001)
	near("a third of the stroke", s.ns(g.cylinders/3), h.SeekAverage, 0.01)
	near("the full stroke", s.ns(g.cylinders-1), h.SeekFull, 0.001)
	if s.ns(0) != 0 {
		t.Errorf("no move takes %d ns", s.ns(0))
	}
	for d := int64(1); d < g.cylinders-1; d++ {
		if s.ns(d+1) < s.ns(d) {
			t.Fatalf("a move by %d takes longer than one by %d", d, d+1)
		}
	}
	rng := rand.New(rand.NewPCG(1, 1))
	var sum int64
	const draws = 100000
	for range draws {
		a, b := rng.Int64N(g.cylinders), rng.Int64N(g.cylinders)
		sum += s.ns(max(a-b, b-a))
	}
	near("a random move", sum/draws, h.SeekAverage, 0.05) // a little less: the curve is concave
}
