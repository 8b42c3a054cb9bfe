package load

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"brokerlab/engine/env"
)

const start = env.Time(3 * time.Second)

// does counts records for a member at instants since the load began, each with a
// latency of 1 ms, and ends it.
func (m *member) does(end time.Duration, drained int, at ...time.Duration) {
	for _, d := range at {
		if d < end {
			m.at(start.Add(d))
		} else {
			m.end(start.Add(end))
		}
		m.rec.Record(int64(time.Millisecond))
		m.records++
		m.bytes += 10
	}
	m.end(start.Add(end))
	for range drained {
		m.rec.Record(int64(time.Second))
		m.records++
	}
	m.close()
}

// tell is intervals as text: start+length:records, in brackets while warming up.
func tell(tallies []Tally) string {
	var out []string
	for i := range tallies {
		t := &tallies[i]
		text := fmt.Sprintf("%v+%v:%d", t.Start, t.Length, t.Records)
		if t.Warmup {
			text = "[" + text + "]"
		}
		if count := t.Latency().Count; count != t.Records {
			text += fmt.Sprintf(" with %d latencies", count)
		}
		out = append(out, text)
	}
	return strings.Join(out, " ")
}

// TestIntervals: where intervals begin and end, and what falls into which. Method:
// one member that counts records at instants.
func TestIntervals(t *testing.T) {
	const s, ms = time.Second, time.Millisecond
	cases := []struct {
		why     string
		warmup  time.Duration
		end     time.Duration
		at      []time.Duration
		drained int
		want    string
	}{
		{"whole seconds", 0, 2 * s, []time.Duration{0, s - 1, s, 2*s - 1}, 0, "0s+1s:2 1s+1s:2"},
		{"the last one is as long as the load", 0, 1500 * ms, []time.Duration{0, 1200 * ms}, 0, "0s+1s:1 1s+500ms:1"},
		{"a warm-up of a whole second", s, 2 * s, []time.Duration{0, s}, 0, "[0s+1s:1] 1s+1s:1"},
		{"a warm-up that is none cuts a second in two", 1500 * ms, 3 * s,
			[]time.Duration{1400 * ms, 1500 * ms, 2 * s}, 0, "[0s+1s:0] [1s+500ms:1] 1.5s+500ms:1 2s+1s:1"},
		{"a warm-up below a second", 500 * ms, s, []time.Duration{499 * ms, 500 * ms}, 0, "[0s+500ms:1] 500ms+500ms:1"},
		{"seconds in which nothing happens are there", 0, 3 * s, []time.Duration{2500 * ms}, 0, "0s+1s:0 1s+1s:0 2s+1s:1"},
		{"what is drained is in no interval", 0, s, []time.Duration{0}, 5, "0s+1s:1"},
		{"nor is what is done after the end, by a task that Send held up", 0, s,
			[]time.Duration{0, s, 1800 * ms}, 0, "0s+1s:1"},
		{"a load that ends at once", 0, 0, nil, 0, "0s+0s:0"},
	}
	for _, c := range cases {
		for _, closed := range []bool{false, true} {
			series := NewSeries(SeriesConfig{Start: start, Warmup: c.warmup, Closed: closed})
			series.join().does(c.end, c.drained, c.at...)
			if got := tell(series.Intervals()); got != c.want {
				t.Errorf("%s: %s, want %s", c.why, got, c.want)
			}
			if got := series.Length(); got != c.end {
				t.Errorf("%s: the load lasted %v, want %v", c.why, got, c.end)
			}
		}
	}
}

// TestMembers: several members fill one series, whichever ends first, and a member
// that has nothing to count makes no interval longer.
func TestMembers(t *testing.T) {
	series := NewSeries(SeriesConfig{Start: start})
	one, two, idle := series.join(), series.join(), series.join()
	two.does(1500*time.Millisecond, 0, 0, 1200*time.Millisecond)
	one.does(2*time.Second, 0, 0, 0, 1800*time.Millisecond)
	idle.does(time.Second, 0)
	if got, want := tell(series.Intervals()), "0s+1s:3 1s+1s:2"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// TestDrain: the latencies of an open loop's drain count, as a last interval
// without a rate; those of a closed loop do not.
func TestDrain(t *testing.T) {
	for _, c := range []struct {
		closed bool
		want   int
	}{{false, 3}, {true, 2}} {
		series := NewSeries(SeriesConfig{Start: start, Warmup: time.Second, Closed: c.closed})
		series.join().does(2*time.Second, 4, 0, 1500*time.Millisecond)
		got := series.Latencies(7)
		if len(got) != c.want {
			t.Fatalf("closed %v: %d intervals, want %d", c.closed, len(got), c.want)
		}
		last := got[len(got)-1]
		if !c.closed && (last.Start != 2*time.Second || last.Warmup || last.Latency().Count != 4 || last.Repeat != 7) {
			t.Errorf("the drain is %+v with %d latencies", last, last.Latency().Count)
		}
	}
}
