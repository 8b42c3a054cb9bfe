package device_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"brokerlab/disks/device"
	"brokerlab/disks/device/pattern"
	"brokerlab/engine/env"
)

// run drives a device of cfg with p.
func run(t testing.TB, cfg device.Config, p pattern.Pattern) pattern.Result {
	t.Helper()
	r, err := pattern.Run(open(t, cfg, 1), cfg.CapacityBytes, p)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func within(t testing.TB, what string, got, low, high float64) {
	t.Helper()
	if got < low || got > high {
		t.Errorf("%s: %.4g, want %.4g to %.4g", what, got, low, high)
	}
}

const turn = 60 * time.Second / 7200

// Goal: a read costs its seek and its rotation, on average half a turn, and
// nothing is left over. Method: random reads at depth 1; the parts of Stats add up to
// the time that passed, and the mean wait is half a turn.
func TestHardDiskParts(t *testing.T) {
	cfg := load(t, "hdd-7200")
	r := run(t, cfg, pattern.Pattern{ReadShare: 1, Random: true, BlockBytes: 4096, Depth: 1, Duration: time.Minute})
	s := r.Stats
	n := float64(s.Reads)
	within(t, "rotation of a read in turns", s.RotateTime.Seconds()/n/turn.Seconds(), 0.48, 0.52)
	within(t, "seek of a read in ms", s.SeekTime.Seconds()/n*1e3, 7.3, 8.3)
	within(t, "seeks of a read", float64(s.Seeks)/n, 0.999, 1.001)
	parts := s.SeekTime + s.RotateTime + s.TransferTime + time.Duration(s.Reads)*cfg.HardDisk.CommandTime
	within(t, "time of the parts in s", parts.Seconds(), 59.9, 60.1)
}

// Goal: a sequential reader loses no turn, whether it reads at once or pauses less
// than the disk takes to fill its buffer; with longer pauses it is bound by them.
// Method: 128 KiB reads at the outer edge, with a pause after each.
func TestHardDiskReadsAhead(t *testing.T) {
	cfg := load(t, "hdd-7200")
	for _, row := range []struct {
		think time.Duration
		low   float64
		high  float64
	}{{0, 173, 176}, {100 * time.Microsecond, 173, 176}, {20 * time.Millisecond, 6.4, 6.6}} {
		r := run(t, cfg, pattern.Pattern{ReadShare: 1, BlockBytes: 128 << 10, Depth: 1, Think: row.think,
			Duration: 5 * time.Second})
		within(t, "MB/s with pauses of "+row.think.String(), r.MBPerSec, row.low, row.high)
	}
	cfg.HardDisk.ReadSegmentBytes = 0
	r := run(t, cfg, pattern.Pattern{ReadShare: 1, BlockBytes: 128 << 10, Depth: 1, Duration: 5 * time.Second})
	aTurnEach := 0.131 / turn.Seconds()
	within(t, "MB/s without a buffer: a turn for each read", r.MBPerSec, 0.9*aTurnEach, 1.02*aTurnEach)
}

// Goal: a write behind the last one, each flushed, costs one turn: its sector has
// just passed. In a journal, two places and two flushes, it costs three to four,
// by the way between them. Method: the rate of appends of 4 KiB.
func TestHardDiskAppendsWithFlush(t *testing.T) {
	cfg := load(t, "hdd-7200")
	p := pattern.Pattern{BlockBytes: 4096, Depth: 1, SyncEvery: 1, Duration: 20 * time.Second}
	r := run(t, cfg, p)
	within(t, "turns of an append and a flush", r.SyncLatency.P50.Seconds()/turn.Seconds(), 0.95, 1.05)
	p.Sync = pattern.SyncJournal
	p.SpanOffset, p.SpanBytes = cfg.CapacityBytes/2, 1<<30
	r = run(t, cfg, p)
	within(t, "turns of an fsync beside the journal", r.SyncLatency.P50.Seconds()/turn.Seconds(), 1.9, 3.1)
	cfg.HardDisk.WriteCacheBytes, cfg.VolatileCache = 0, false
	p.Sync = pattern.SyncFlush
	r = run(t, cfg, p)
	within(t, "appends a second, written through", r.OpsPerSec, 0.98/turn.Seconds(), 1.02/turn.Seconds())
}

// Goal: a write is as quick as the interface while the cache has room, and as slow
// as the medium when it is full; an idle disk empties it. Method: random writes of
// 64 KiB at depth 1, then nothing.
func TestHardDiskCacheFills(t *testing.T) {
	cfg := load(t, "hdd-7200")
	d := open(t, cfg, 1)
	var took []time.Duration
	next := func(i int) device.Request {
		return device.Request{ID: uint64(i), Op: device.Write, Offset: int64(i) * 7919 % 40000 * 1e8, Bytes: 64 << 10}
	}
	d.Submit(0, next(0))
	for len(took) < 2000 {
		d.Advance(d.NextEvent(), func(c device.Completion) {
			if took = append(took, c.Done.Sub(c.Submitted)); len(took) < 2000 {
				d.Submit(c.Done, next(len(took)))
			}
		})
	}
	var early, late time.Duration
	for i := range 100 {
		early += took[i] / 100
		late += took[len(took)-1-i] / 100
	}
	within(t, "us of a write into the cache", early.Seconds()*1e6, 100, 200)
	within(t, "ms of a write into the full cache", late.Seconds()*1e3, 3, 12)
	if v := d.Stats().VolatileBytes; v > cfg.HardDisk.WriteCacheBytes || v < 16<<20 {
		t.Errorf("%d bytes are in the cache of %d", v, cfg.HardDisk.WriteCacheBytes)
	}
	if drain(d); d.Stats().VolatileBytes != 0 {
		t.Errorf("an idle disk keeps %d bytes in its cache", d.Stats().VolatileBytes)
	}
}

// Goal: reading what was just written needs no medium, what was read before
// neither, and a write makes it stale. Method: single reads and their times.
func TestHardDiskHits(t *testing.T) {
	l := loner{d: open(t, load(t, "hdd-7200"), 1)}
	quick := func(what string, r device.Request, want bool) {
		c := l.do(r)
		took := c.Done.Sub(c.Submitted)
		if got := took < time.Millisecond; got != want {
			t.Errorf("%s takes %v", what, took)
		}
	}
	const far = 1e12
	quick("a write into the cache", device.Request{Op: device.Write, Offset: far, Bytes: 1 << 16}, true)
	quick("a read from the write cache", device.Request{Offset: far + 4096, Bytes: 4096}, true)
	drain(l.d)
	l.now += 1e9
	quick("a first read", device.Request{Offset: 2 * far, Bytes: 1 << 16}, false)
	quick("a read elsewhere", device.Request{Offset: far / 2, Bytes: 4096}, false)
	quick("another read", device.Request{Offset: far / 8, Bytes: 4096}, false)
	quick("one more read", device.Request{Offset: far / 16, Bytes: 4096}, false)
	quick("the first read again", device.Request{Offset: 2*far + 4096, Bytes: 4096}, true)
	quick("a write over it", device.Request{Op: device.Write, Offset: 2 * far, Bytes: 4096, FUA: true}, false)
	quick("a third read elsewhere", device.Request{Offset: far / 4, Bytes: 4096}, false)
	quick("the first read, which is stale", device.Request{Offset: 2 * far, Bytes: 4096}, false)
}

// Goal: the queue gains from choosing, and nobody starves. Method: a closed loop
// of 31 reads in the outer hundredth and one at the inner edge; the latter's age
// is bounded.
func TestHardDiskAge(t *testing.T) {
	cfg := load(t, "hdd-7200")
	cfg.HardDisk.AgeMax = 300 * time.Millisecond
	d := open(t, cfg, 1)
	near := pattern.Pattern{ReadShare: 1, Random: true, BlockBytes: 4096, Depth: 32, SpanBytes: cfg.CapacityBytes / 100}
	var farMax time.Duration
	far, count := 0, 0
	request := func(job uint64) device.Request {
		count++
		r := device.Request{ID: job, Offset: int64(count) * 7919 % 10000 * (near.SpanBytes / 10000), Bytes: 4096}
		if job == 0 {
			r.Offset = cfg.CapacityBytes - int64(1+count%1000)*4096
		}
		return r
	}
	for job := range uint64(32) {
		d.Submit(0, request(job))
	}
	for d.NextEvent() < env.Time(20*time.Second) {
		d.Advance(d.NextEvent(), func(c device.Completion) {
			if c.ID == 0 {
				far++
				farMax = max(farMax, c.Done.Sub(c.Submitted))
			}
			d.Submit(c.Done, request(c.ID))
		})
	}
	if far < 20 || farMax > 400*time.Millisecond {
		t.Errorf("the lone reader gets %d turns in 20 s, the longest after %v", far, farMax)
	}
	within(t, "reads a second in a hundredth of the disk", float64(d.Stats().Reads)/20, 200, 600)
}

// Goal: readers that never pause and writers that wait for room in the cache take
// turns at the arm. Method: 16 random readers and three writers for 40
// virtual seconds; the cache is full after the first.
func TestHardDiskTakesTurns(t *testing.T) {
	cfg := load(t, "hdd-7200")
	cfg.HardDisk.WriteCacheBytes = 1 << 20
	d := open(t, cfg, 1)
	rng := rand.New(rand.NewPCG(1, 1))
	var count [2]int
	request := func(job uint64) device.Request {
		r := device.Request{ID: job, Offset: rng.Int64N(cfg.CapacityBytes/65536) * 65536, Bytes: 4096}
		if job < 3 {
			r.Op, r.Bytes = device.Write, 65536
		}
		return r
	}
	for job := range uint64(19) {
		d.Submit(0, request(job))
	}
	for d.NextEvent() < env.Time(40*time.Second) {
		d.Advance(d.NextEvent(), func(c device.Completion) {
			count[c.Op]++
			d.Submit(c.Done, request(c.ID))
		})
	}
	within(t, "reads for a write", float64(count[device.Read])/float64(count[device.Write]), 0.9, 1.1)
	within(t, "reads a second", float64(count[device.Read])/40, 40, 100)
}

// Goal: the arm is where the sequential reader has led it, also when a write
// replaces what it would read next. Method: 1 GiB in order, then a write behind it:
// the same cylinder, so no seek.
func TestHardDiskFollowsReader(t *testing.T) {
	l := loner{d: open(t, load(t, "hdd-7200"), 1)}
	const read = 1 << 30
	for at := int64(0); at < read; at += 1 << 20 {
		l.do(device.Request{Offset: at, Bytes: 1 << 20})
	}
	before := l.d.Stats()
	within(t, "MiB where the head is", float64(before.HeadOffset)/(1<<20), 1023, 1027)
	l.do(device.Request{Op: device.Write, Offset: read, Bytes: 4096})
	l.do(device.Request{Op: device.Flush})
	if after := l.d.Stats(); after.Seeks != before.Seeks {
		t.Errorf("a write behind the reader costs %d seeks", after.Seeks-before.Seeks)
	}
}

// Goal: appends to many files drift from sequential to random, and for reads the
// size of a piece decides: a seek for each. Method: more and more files in turn.
func TestHardDiskDrift(t *testing.T) {
	cfg := load(t, "hdd-7200")
	last := math.Inf(1)
	for _, files := range []int{1, 10, 100, 1000, 5000} {
		r := run(t, cfg, pattern.Pattern{BlockBytes: 64 << 10, Depth: 1, Files: files,
			Warmup: 20 * time.Second, Duration: 20 * time.Second})
		if r.MBPerSec >= last {
			t.Errorf("%d files are appended at %.1f MB/s, fewer at %.1f", files, r.MBPerSec, last)
		}
		last = r.MBPerSec
	}
	within(t, "MB/s of 5000 files", last, 5, 20)
	for _, row := range []struct{ blockBytes, low, high int64 }{{128 << 10, 9, 20}, {4 << 20, 80, 135}} {
		r := run(t, cfg, pattern.Pattern{ReadShare: 1, BlockBytes: row.blockBytes, Depth: 1, Files: 50,
			Duration: 20 * time.Second})
		within(t, "MB/s of 50 readers in turn", r.MBPerSec, float64(row.low), float64(row.high))
	}
}
