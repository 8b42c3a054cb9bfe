package pattern_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"brokerlab/disks/device"
	"brokerlab/disks/device/pattern"
	"brokerlab/engine/env"
)

const capacity = 1 << 30

// recorder is a device that takes 1 ms for each request and notes them.
type recorder struct {
	device.Device
	at       []env.Time
	requests []device.Request
}

func (r *recorder) Submit(now env.Time, q device.Request) {
	r.at, r.requests = append(r.at, now), append(r.requests, q)
	r.Device.Submit(now, q)
}

func record(t *testing.T, p pattern.Pattern) (*recorder, pattern.Result) {
	t.Helper()
	every := device.Spread{P50: time.Millisecond}
	d, err := device.New(device.Config{
		Kind: device.KindProvisioned, CapacityBytes: capacity, VolatileCache: true,
		Queue:       device.Queue{Depth: 64, BackgroundDepth: 64, NativeFUA: true},
		Provisioned: device.Provisioned{ReadTime: every, WriteTime: every, FlushTime: every},
	}, rand.New(rand.NewPCG(1, 1)))
	if err != nil {
		t.Fatal(err)
	}
	r := &recorder{Device: d}
	result, err := pattern.Run(r, capacity, p)
	if err != nil {
		t.Fatal(err)
	}
	return r, result
}

// Goal: a pattern sends the requests that it names, in its order. Method: the
// first requests of a row, as text: operation, block, time in ms.
func TestRequests(t *testing.T) {
	const mib = 1 << 20
	for _, row := range []struct {
		sentence string
		p        pattern.Pattern
		want     string
	}{
		{"in order, over and over", pattern.Pattern{ReadShare: 1, SpanBytes: 3 * mib},
			"read 0 @0, read 1 @1, read 2 @2, read 0 @3"},
		{"as many at once as the depth says", pattern.Pattern{Depth: 3},
			"write 0 @0, write 1 @0, write 2 @0, write 3 @1"},
		{"file by file", pattern.Pattern{Files: 2, SpanBytes: 8 * mib}, "write 0 @0, write 4 @1, write 1 @2, write 5 @3"},
		{"with pauses", pattern.Pattern{Think: 2 * time.Millisecond}, "write 0 @0, write 1 @3, write 2 @6"},
		{"from an offset", pattern.Pattern{SpanOffset: 100 * mib}, "write 100 @0, write 101 @1"},
		{"with a flush after every second write", pattern.Pattern{SyncEvery: 2},
			"write 0 @0, write 1 @1, flush 0 @2, write 2 @3, write 3 @4, flush 0 @5"},
		{"with FUA", pattern.Pattern{SyncEvery: 1, Sync: pattern.SyncFUA}, "write 0 fua @0, write 1 fua @1"},
		{"with a journal in the middle less 128 MiB: two writes, two flushes",
			pattern.Pattern{SyncEvery: 1, Sync: pattern.SyncJournal},
			"write 0 @0, write 384 @1, flush 0 @2, write 384 @3, flush 0 @4, write 1 @5"},
	} {
		p := row.p
		p.BlockBytes, p.Depth, p.Duration = mib, max(1, p.Depth), 10*time.Millisecond
		r, _ := record(t, p)
		var got []string
		for i, q := range r.requests[:strings.Count(row.want, ",")+1] {
			fua := ""
			if q.FUA {
				fua = " fua"
			}
			got = append(got, fmt.Sprintf("%v %d%s @%d", q.Op, q.Offset/mib, fua, r.at[i]/1e6))
		}
		if text := strings.Join(got, ", "); text != row.want {
			t.Errorf("%s: got  %s\nwant %s", row.sentence, text, row.want)
		}
	}
}

// Goal: rates and latencies are those of the measured time. Method: a device of 1
// ms, by hand; HDR's three digits are exact enough.
func TestResult(t *testing.T) {
	_, r := record(t, pattern.Pattern{BlockBytes: 1e6, Depth: 4, SyncEvery: 1,
		Warmup: time.Second, Duration: 2 * time.Second})
	if r.Ops != 4000 || r.OpsPerSec != 2000 || r.MBPerSec != 2000 || r.Syncs != 4000 || r.SyncsPerSec != 2000 {
		t.Errorf("4 jobs of 1 ms writes and 1 ms flushes: %+v", r)
	}
	ms := func(d time.Duration) string { return d.Round(10 * time.Microsecond).String() }
	if ms(r.Latency.P50) != "1ms" || ms(r.Latency.Max) != "1ms" || ms(r.SyncLatency.Mean) != "2ms" {
		t.Errorf("latencies %+v, %+v", r.Latency, r.SyncLatency)
	}
	_, r = record(t, pattern.Pattern{ReadShare: 0.25, BlockBytes: 4096, Depth: 8, Duration: time.Second, Random: true})
	if share := float64(r.Stats.Reads) / float64(r.Stats.Reads+r.Stats.Writes); share < 0.23 || share > 0.27 {
		t.Errorf("a share of %g is reads, want a quarter", share)
	}
}

// Goal: random offsets fill the span and differ by seed. Method: all blocks of a
// span of 64 are met, none beyond.
func TestRandomOffsets(t *testing.T) {
	p := pattern.Pattern{ReadShare: 1, Random: true, BlockBytes: 4096, Depth: 8, Duration: time.Second,
		SpanOffset: 1 << 20, SpanBytes: 64 * 4096}
	a, _ := record(t, p)
	p.Seed = 1
	b, _ := record(t, p)
	seen := map[int64]bool{}
	for _, q := range a.requests {
		seen[q.Offset] = true
		if q.Offset < 1<<20 || q.Offset >= 1<<20+64*4096 || q.Offset%4096 != 0 {
			t.Fatalf("a read at %d", q.Offset)
		}
	}
	if len(seen) != 64 {
		t.Errorf("%d of 64 blocks are read", len(seen))
	}
	if slices.Equal(a.requests, b.requests) {
		t.Error("two seeds read the same")
	}
}

// Goal: a pattern that contradicts itself is refused. Method: a row each.
func TestRefused(t *testing.T) {
	good := pattern.Pattern{BlockBytes: 4096, Depth: 1, Duration: 1}
	for _, row := range []struct {
		change func(*pattern.Pattern)
		want   string
	}{
		{func(p *pattern.Pattern) { p.ReadShare = 1.5 }, "a share of 1.5 reads"},
		{func(p *pattern.Pattern) { p.BlockBytes = 0 }, "blocks of 0 bytes"},
		{func(p *pattern.Pattern) { p.Depth = 0 }, "depth 0"},
		{func(p *pattern.Pattern) { p.Duration = 0 }, "duration 0s"},
		{func(p *pattern.Pattern) { p.Files = capacity }, "do not fit"},
		{func(p *pattern.Pattern) { p.SpanOffset = capacity }, "do not fit"},
		{func(p *pattern.Pattern) { p.Sync, p.SyncEvery = pattern.SyncFUA, 2 }, "syncs itself alone"},
	} {
		p := good
		row.change(&p)
		if _, err := pattern.Run(nil, capacity, p); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%+v: %v, want %q", p, err, row.want)
		}
	}
}
