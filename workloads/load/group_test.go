package load

import (
	"testing"
	"time"

	"brokerlab/engine/env"
)

// Goal: what a client does counts in the phase in which it was due, and once. Method: a
// producer's ledger at instants around the ends of the load and of the reading.
func TestLedger(t *testing.T) {
	const s = time.Second
	shared := &Shared{End: start.Add(2 * s)}
	g := &Group{Shared: shared, Series: NewSeries(SeriesConfig{Start: start}), Reading: NewSeries(SeriesConfig{})}
	l := newLedger(g, (*Series).join)
	count := func(due, at time.Duration) {
		m := l.of(start.Add(due), start.Add(at))
		m.record(int64(at - due))
		m.records++
	}
	count(0, 500*time.Millisecond)
	count(1900*time.Millisecond, 2100*time.Millisecond) // answered in the reading, due in the load
	count(2200*time.Millisecond, 2300*time.Millisecond)
	shared.EndReading(start.Add(3500 * time.Millisecond))
	count(3400*time.Millisecond, 3600*time.Millisecond) // drain of the reading
	l.end(start.Add(4 * s))
	if got, want := tell(g.Series.Intervals()), "0s+1s:1 1s+1s:0"; got != want {
		t.Errorf("load: %s, want %s", got, want)
	}
	if got, want := tell(g.Reading.Intervals()), "0s+1s:1 1s+500ms:0"; got != want {
		t.Errorf("reading: %s, want %s", got, want)
	}
	if got := g.Series.Latencies(1); len(got) != 3 || got[2].Latency().Count != 1 {
		t.Errorf("load with its drain: %d intervals", len(got))
	}
}

// Goal: the load ends for all at one instant, early if it is stopped or has reached a
// limit. Method: table.
func TestLoadEnded(t *testing.T) {
	for _, tt := range []struct {
		sentence string
		change   func(*Shared)
		want     env.Time // 0: it goes on
	}{
		{"It goes on.", func(*Shared) {}, 0},
		{"It is stopped.", (*Shared).Stop, start},
		{"Its logs are full.", func(s *Shared) { s.DiskLimit, s.Replicas = 10, 2; s.wire.Store(5) }, start},
		{"Enough is acknowledged.", func(s *Shared) { s.AckedLimit = 10; s.AckedBytes.Store(10) }, start},
		{"Enough is not.", func(s *Shared) { s.AckedLimit = 10; s.AckedBytes.Store(9) }, 0},
		{"Its time is over.", func(s *Shared) { s.End = start.Add(-1) }, start.Add(-1)},
	} {
		s := &Shared{End: env.Never}
		tt.change(s)
		at, ended := s.LoadEnded(start)
		again, _ := s.LoadEnded(start.Add(time.Second))
		if ended != (tt.want != 0) || at != tt.want || ended && again != at {
			t.Errorf("%s %v, %v, later %v", tt.sentence, at, ended, again)
		}
	}
}

// Goal: several series are one, without loss, and stay as they are. Method: two of which
// one has a drain that counts.
func TestMergeSeries(t *testing.T) {
	one := NewSeries(SeriesConfig{Start: start, Warmup: time.Second})
	one.join().does(2*time.Second, 3, 0, 1500*time.Millisecond)
	two := NewSeries(SeriesConfig{Start: start, Warmup: time.Second, Closed: true})
	two.join().does(3*time.Second, 5, 0, 0, 2500*time.Millisecond)
	for range 2 { // the second time shows that nothing was changed
		all := MergeSeries(one, two)
		if got, want := tell(all.Intervals()), "[0s+1s:3] 1s+1s:1 2s+1s:1"; got != want {
			t.Errorf("%s, want %s", got, want)
		}
		if hs := all.Latencies(1); len(hs) != 4 || hs[3].Latency().Count != 3 {
			t.Errorf("%d intervals with the drain", len(hs))
		}
	}
}
