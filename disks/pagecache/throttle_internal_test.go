package pagecache

import (
	"testing"
	"time"

	"brokerlab/engine/env"
)

// Goal: the thresholds are those that Linux has. Method: worked values: those of the
// defaults, of tuned's latency-performance (3 and 10 percent) on 57 GiB of dirtyable
// memory, and of a background ratio that is not below the other one.
func TestLimits(t *testing.T) {
	const gib = 1 << 30
	for _, row := range []struct {
		says                      string
		memory                    int64
		background, ratio         int
		wantBack, wantFree, wantD float64 // GiB
	}{
		{"i3en.2xlarge with a heap of 6 GiB, latency-performance", 57 * gib, 3, 10, 1.71, 3.705, 5.7},
		{"28 GB under the defaults", 28_000_000_000, 10, 20, 2.608, 3.912, 5.215},
		{"a background ratio that is too high is half of the other", 10 * gib, 20, 20, 1, 1.5, 2},
	} {
		cfg := DefaultConfig()
		cfg.MemoryBytes, cfg.DirtyBackgroundRatio, cfg.DirtyRatio = row.memory, row.background, row.ratio
		l := cfg.Limits()
		for _, c := range []struct {
			name string
			got  int64
			want float64
		}{{"background", l.BackgroundBytes, row.wantBack}, {"free run", l.FreeRunBytes, row.wantFree},
			{"dirty", l.HardBytes, row.wantD}} {
			if got := float64(c.got) / gib; got < c.want-0.002 || got > c.want+0.002 {
				t.Errorf("%s: %s threshold is %.3f GiB, want %.3f", row.says, c.name, got, c.want)
			}
		}
	}
}

// Goal: the control line is Linux's polynomial. Method: its values between free run
// and limit, by hand: 1 + x^3 with x from 1 to -1.
func TestRatioPolynomial(t *testing.T) {
	const free, limit = 1500, 2000
	for _, row := range []struct {
		dirty int64
		want  float64
	}{{0, 2}, {1500, 2}, {1625, 1.125}, {1750, 1}, {1875, 0.875}, {1975, 0.271}, {2000, 0}, {3000, 0}} {
		got := float64(ratioPolynomial((free+limit)/2, row.dirty, limit)) / (1 << ratioShift)
		if got < row.want-0.02 || got > row.want+0.02 {
			t.Errorf("%d dirty pages: ratio is %.3f, want %.3f", row.dirty, got, row.want)
		}
	}
}

// Goal: the ratio of one volume falls as pages become dirty, is 0 at the limit, and
// lets a volume write on that has little dirty itself. Method: a volume alone, and
// one with a tenth of the completions.
func TestPositionRatio(t *testing.T) {
	const average = 10_000
	s := dirtyState{limit: 200_000, freeRun: 150_000, ownLimit: 200_000}
	last := int64(1 << 40)
	for dirty := int64(150_000); dirty < 200_000; dirty += 1000 {
		s.dirty, s.own = dirty, dirty
		ratio := positionRatio(s, average)
		if ratio > last {
			t.Fatalf("at %d dirty pages the ratio rises from %d to %d", dirty, last, ratio)
		}
		last = ratio
	}
	s.dirty = 200_000
	if got := positionRatio(s, average); got != 0 {
		t.Errorf("at the limit the ratio is %d, want 0", got)
	}
	small := dirtyState{dirty: 175_000, limit: 200_000, freeRun: 150_000, ownLimit: 20_000, own: 20_000}
	large := small
	small.own = 100
	if a, b := positionRatio(small, average), positionRatio(large, average); a < 4*b {
		t.Errorf("a volume with few dirty pages has the ratio %d, one at its own limit %d", a, b)
	}
}

// Goal: read-ahead windows start and grow as in mm/readahead.c. Method: a table, in
// KiB.
func TestWindows(t *testing.T) {
	for _, row := range []struct {
		says                       string
		request, most, first, next int64
	}{
		{"a page, with 128 KiB", 4, 128, 16, 32},
		{"three pages are four", 12, 128, 32, 64},
		{"a quarter is doubled", 32, 128, 64, 128},
		{"half is all", 64, 128, 128, 128},
		{"more than all", 1024, 128, 128, 128},
		{"a page, with 4 MiB", 4, 4096, 16, 64},
		{"windows grow by four below a sixteenth", 32, 4096, 128, 512},
	} {
		first := initialWindow(row.request<<10, row.most<<10) >> 10
		next := nextWindow(first<<10, row.most<<10) >> 10
		if first != row.first || next != row.next {
			t.Errorf("%s: windows are %d and %d KiB, want %d and %d", row.says, first, next, row.first, row.next)
		}
	}
}

// Goal: the bandwidth estimate goes from 100 MiB/s to what is written, within two
// periods, and one period that wrote nothing does not make it zero. Method: updates
// every 200 ms at 20 MiB/s.
func TestBandwidthEstimate(t *testing.T) {
	th := newThrottle()
	now := env.Time(0)
	for range 100 {
		now = now.Add(bandwidthInterval)
		th.written += 4 << 20 / PageBytes
		th.update(now, nil, 0)
	}
	if got := th.average * PageBytes >> 20; got < 19 || got > 22 {
		t.Errorf("20 MiB/s for 20 s are taken for %d MiB/s", got)
	}
	now = now.Add(10 * time.Second)
	th.update(now, nil, 0)
	if th.average < 1 {
		t.Errorf("the estimate is %d pages a second", th.average)
	}
}

// Goal: the rate limit goes to the bandwidth over the number of writers, and the dirty
// pages to the set point. Method: the loop that they form, in steps of 2 ms for two
// minutes: writers dirty what they may, the device writes 50 MiB/s.
func TestRateLimit(t *testing.T) {
	const bandwidth = 50 << 20 / PageBytes
	for _, writers := range []int64{1, 10, 100} {
		s := dirtyState{limit: 200_000, freeRun: 150_000, dirty: 175_000, ownLimit: 200_000}
		th := newThrottle()
		now := env.Time(0)
		for range 60_000 {
			now = now.Add(2 * time.Millisecond)
			s.own = s.dirty
			ratio := positionRatio(s, th.average)
			dirtied := writers * (th.rateLimit * ratio >> ratioShift) / 500
			th.written += bandwidth / 500
			th.dirtied += dirtied
			s.dirty = min(max(0, s.dirty+dirtied-bandwidth/500), s.limit)
			th.update(now, &s, ratio)
		}
		if want := bandwidth / writers; th.rateLimit < want*7/10 || th.rateLimit > want*13/10 {
			t.Errorf("%d writers may dirty %d pages a second each, want about %d", writers, th.rateLimit, want)
		}
		if s.dirty < 165_000 || s.dirty > 190_000 {
			t.Errorf("%d writers: %d pages are dirty, want about 175000", writers, s.dirty)
		}
	}
}

// Goal: pauses are at most 200 ms, and shorter where little is dirty, so that the
// device does not run dry. Method: a table of dirty pages of a volume of 100 MiB/s.
func TestLongestPause(t *testing.T) {
	v := &Volume{throttle: newThrottle()}
	for _, row := range []struct {
		own  int64
		want time.Duration
	}{{0, time.Millisecond}, {25_600, 128 * time.Millisecond}, {1 << 20, 200 * time.Millisecond}} {
		if got := v.longestPause(row.own); got < row.want*95/100 || got > row.want*105/100 {
			t.Errorf("with %d dirty pages a pause is %v at most, want %v", row.own, got, row.want)
		}
	}
}

// Goal: blocks are given from the goal on, near it, and come back whole. Method: a
// device of 10 GiB with a journal in the middle; files that take turns; their end.
func TestAllocator(t *testing.T) {
	const gib = 1 << 30
	journal := deviceRange{5 * gib, 128 << 20}
	a := newAllocator(10*gib, journal)
	all := a.freeBytes
	if all != 10*gib-128<<20 {
		t.Fatalf("%d bytes are free", all)
	}
	var got []deviceRange
	for _, row := range []struct{ goal, want, off int64 }{
		{0, 1 << 20, 0},
		{0, 1 << 20, 1 << 20},                // behind the first
		{3 * gib, 8 << 20, 3 * gib},          // its own place
		{3*gib + 8<<20, 4096, 3*gib + 8<<20}, // contiguous
		{5 * gib, 4096, 5*gib + 128<<20},     // not in the journal
		{2 * gib, 2 * gib, 6 * gib},          // the first whole region behind
	} {
		d := a.take(row.goal, row.want)
		if d.off != row.off || d.bytes != row.want {
			t.Errorf("%d bytes from %d on are given at %d, %d bytes; want %d", row.want, row.goal, d.off, d.bytes, row.off)
		}
		got = append(got, d)
	}
	for _, d := range got {
		a.give(d)
	}
	if a.freeBytes != all {
		t.Errorf("%d bytes are free at the end, want %d", a.freeBytes, all)
	}
	for i := range a.regions {
		if n := len(a.regions[i].free); n > 2 || n == 2 && i != 2 {
			t.Errorf("region %d is in %d pieces", i, n)
		}
	}
}

// Goal: spans stay sorted and apart. Method: unions and cuts against a bitmap.
func TestSpans(t *testing.T) {
	var spans []span
	var bits [64]bool
	r := uint32(1)
	for range 5000 {
		r = r*1664525 + 1013904223
		from := int64(r >> 26)
		to := min(64, from+1+int64(r>>8&7))
		add := r>>20&1 == 0
		if add {
			spans = addSpan(spans, span{from, to})
		} else {
			spans = cutSpan(spans, span{from, to})
		}
		for i := from; i < to; i++ {
			bits[i] = add
		}
		var want []span
		for i := int64(0); i < 64; i++ {
			switch n := len(want); {
			case !bits[i]:
			case n > 0 && want[n-1].to == i:
				want[n-1].to++
			default:
				want = append(want, span{i, i + 1})
			}
		}
		if len(want) != len(spans) {
			t.Fatalf("spans are %v, want %v", spans, want)
		}
		for i := range want {
			if want[i] != spans[i] {
				t.Fatalf("spans are %v, want %v", spans, want)
			}
		}
	}
}
