package device_test

import (
	"testing"
	"time"

	"brokerlab/disks/device"
	"brokerlab/disks/device/pattern"
	"brokerlab/engine/env"
)

// testSSD has four dies, a fixed 1 ms per program of 64 KiB (256 MiB/s), 250 us in
// the fast cache, and 100 us per read.
func testSSD() device.Config {
	return device.Config{
		Kind: device.KindSSD, CapacityBytes: 64 << 30, VolatileCache: true,
		Queue: device.Queue{Depth: 256, BackgroundDepth: 256, NativeFUA: true},
		SSD: device.SSD{
			LinkBytesPerSec: 4e9, CommandTime: time.Microsecond,
			ReadLatency: 10 * time.Microsecond, WriteLatency: 10 * time.Microsecond,
			Channels: 2, DiesPerChannel: 2, ChannelBytesPerSec: 1e9, StripeBytes: 16 << 10,
			ReadTime: device.Spread{P50: 100 * time.Microsecond}, SuspendTime: 50 * time.Microsecond, ReadStreams: 4,
			ProgramBytes: 64 << 10, BitsPerCell: 1, ProgramTime: device.Spread{P50: time.Millisecond},
			BufferBytes: 4 << 20, BufferHold: 100 * time.Millisecond, RegionBytes: 1 << 20, OverProvisioning: 0.07,
			FlushTime: device.Spread{P50: 700 * time.Microsecond}, FUATime: device.Spread{P50: 300 * time.Microsecond},
		},
	}
}

const programRate = 4 * (64 << 10) / 1e-3 / 1e6 // MB/s of the four dies of testSSD

// Goal: what bounds an SSD is what its figures say. Method: a pattern for each
// resource, against the figure, within 3 %.
func TestSSDBounds(t *testing.T) {
	second := time.Second
	for _, row := range []struct {
		name    string
		change  func(*device.SSD)
		pattern pattern.Pattern
		want    float64 // MB/s
	}{
		{"the programs of all dies", nil, pattern.Pattern{BlockBytes: 128 << 10, Depth: 8, Warmup: second}, programRate},
		{"one die alone", func(s *device.SSD) { s.Channels, s.DiesPerChannel = 1, 1 },
			pattern.Pattern{BlockBytes: 128 << 10, Depth: 8, Warmup: second}, programRate / 4},
		{"the link", func(s *device.SSD) { s.LinkBytesPerSec = 100e6 },
			pattern.Pattern{BlockBytes: 128 << 10, Depth: 8}, 100},
		{"a link that takes turns", func(s *device.SSD) { s.LinkBytesPerSec, s.HalfDuplex = 100e6, true },
			pattern.Pattern{ReadShare: 0.5, BlockBytes: 128 << 10, Depth: 8}, 100},
		{"the reads of all dies", nil, pattern.Pattern{ReadShare: 1, Random: true, BlockBytes: 16 << 10, Depth: 256},
			4 * (16 << 10) / 100.0},
		{"the controller", func(s *device.SSD) { s.CommandTime = 100 * time.Microsecond },
			pattern.Pattern{ReadShare: 1, Random: true, BlockBytes: 4096, Depth: 64}, 4096 / 100.0},
		{"one read at a time: command, die, channel, link, latency", nil,
			pattern.Pattern{ReadShare: 1, Random: true, BlockBytes: 4096, Depth: 1}, 4096 / (1 + 100 + 4.096 + 1.024 + 10)},
	} {
		cfg := testSSD()
		if row.change != nil {
			row.change(&cfg.SSD)
		}
		row.pattern.Duration = second
		r := run(t, cfg, row.pattern)
		within(t, "MB/s bound by "+row.name, r.MBPerSec, 0.97*row.want, 1.03*row.want)
	}
}

// Goal: the fast cache serves until it is used up, then the dies' own rate holds,
// and an idle drive gets it back. Method: writes in order for 2 GiB of a cache of
// 1 GiB, a pause, and writes again.
func TestSSDFastCache(t *testing.T) {
	cfg := testSSD()
	s := &cfg.SSD
	s.FastProgramTime, s.FastCacheBytes = device.Spread{P50: 250 * time.Microsecond}, 1<<30
	s.FoldBytesPerSec, s.FoldAfter = 200<<20, time.Second
	l := loner{d: open(t, cfg, 1)}
	var at int64
	write := func(bytes int64) (mbPerSec float64) {
		start := l.now
		for end := at + bytes; at < end; at += 1 << 20 {
			l.do(device.Request{Op: device.Write, Offset: at, Bytes: 1 << 20})
		}
		return float64(bytes) / l.now.Sub(start).Seconds() / 1e6
	}
	within(t, "MB/s into the fast cache", write(900<<20), 3.6*programRate, 4.1*programRate)
	write(200 << 20)
	within(t, "MB/s when it is used up", write(900<<20), 0.97*programRate, 1.03*programRate)
	l.now += env.Time(4 * time.Second)
	l.do(device.Request{Op: device.Write, Offset: at, Bytes: 4096})
	used := float64(l.d.Stats().FastCacheUsedBytes)
	within(t, "MiB used after 4 s of which 3 s count as idle", used/(1<<20), 415, 430)
	within(t, "MB/s into what became free", write(500<<20), 3.5*programRate, 4.1*programRate)
}

// loner submits one request at a time.
type loner struct {
	d   device.Device
	now env.Time
}

// do submits r and returns it when it is done.
func (l *loner) do(r device.Request) (done device.Completion) {
	l.d.Submit(l.now, r)
	for done.Done == 0 {
		l.d.Advance(l.d.NextEvent(), func(c device.Completion) { done = c })
	}
	l.now = done.Done
	return done
}

// Goal: sustained random writes cost what the collector says, writes in order
// nothing. Method: a drive that is full of scattered data, and one of data in order.
func TestSSDCollects(t *testing.T) {
	cfg := testSSD()
	cfg.SSD.StartFilled, cfg.SSD.StartScattered = 1, 1
	random := pattern.Pattern{Random: true, BlockBytes: 4096, Depth: 32, Warmup: time.Second, Duration: 4 * time.Second}
	r := run(t, cfg, random)
	within(t, "MB/s of random writes to a worn drive", r.MBPerSec, programRate/8.2, programRate/7.4)
	amplification := func(s device.Stats) float64 { return float64(s.MediumBytesWritten) / float64(s.BytesWritten) }
	within(t, "bytes programmed for one written", amplification(r.Stats), 7.2, 8)
	cfg.SSD.StartScattered = 0
	r = run(t, cfg, pattern.Pattern{BlockBytes: 1 << 20, Depth: 4, Warmup: time.Second, Duration: 4 * time.Second})
	within(t, "MB/s of writes in order to a full drive", r.MBPerSec, 0.98*programRate, 1.02*programRate)
	within(t, "bytes programmed for one written in order", amplification(r.Stats), 0.98, 1.02)
}

// Goal: a flush waits for the unit that is open and then takes its own time, a FUA
// write too, and a second flush of nothing its own time alone. Method: single
// requests and their times: 1.024 us to the drive, 1 us of the controller.
func TestSSDFlush(t *testing.T) {
	l := loner{d: open(t, testSSD(), 1)}
	for _, row := range []struct {
		name string
		r    device.Request
		want time.Duration
	}{
		{"a write", device.Request{Op: device.Write, Bytes: 4096}, 12*time.Microsecond + 24},
		{"the flush after it", device.Request{Op: device.Flush}, time.Microsecond + 4096 + 1700*time.Microsecond},
		{"a flush of nothing", device.Request{Op: device.Flush}, 701 * time.Microsecond},
		{"a FUA write", device.Request{Op: device.Write, Bytes: 4096, FUA: true},
			12*time.Microsecond + 24 + 4096 + 1300*time.Microsecond},
		{"a flush after it", device.Request{Op: device.Flush}, 701 * time.Microsecond},
	} {
		if c := l.do(row.r); c.Done.Sub(c.Submitted) != row.want {
			t.Errorf("%s takes %v, want %v", row.name, c.Done.Sub(c.Submitted), row.want)
		}
	}
}

// Goal: what does not fill a unit stays in the buffer for the time that the figure
// says, and is then programmed. Method: one write, and the power cut at instants
// around the end of both.
func TestSSDHolds(t *testing.T) {
	for _, row := range []struct {
		at   time.Duration
		want int
	}{
		{time.Millisecond, 1}, {100 * time.Millisecond, 1},
		{101 * time.Millisecond, 1}, {102 * time.Millisecond, 0},
	} {
		d := open(t, testSSD(), 1)
		d.Submit(0, device.Request{Op: device.Write, Bytes: 4096})
		drain(d)
		lost := 0
		d.PowerLoss(env.Time(row.at), func(device.Range) { lost++ })
		if lost != row.want {
			t.Errorf("%v after a write of 4 KiB the power loss takes %d writes, want %d", row.at, lost, row.want)
		}
	}
}

// Goal: a read waits for a program no longer than the suspend time. Method: reads of
// one die while the drive writes all the time.
func TestSSDSuspend(t *testing.T) {
	cfg := testSSD()
	d := open(t, cfg, 1)
	for i := range int64(64) {
		d.Submit(0, device.Request{Op: device.Write, Offset: i << 20, Bytes: 64 << 10})
	}
	d.Submit(0, device.Request{ID: 7, Offset: 1 << 35, Bytes: 4096})
	for _, c := range drain(d) {
		if c.ID == 7 {
			// the commands before it, the suspend, then as any read
			within(t, "us of a read beside writes", c.Done.Sub(0).Seconds()*1e6, 64+50+100, 64+50+100+20)
		}
	}
}

// Goal: a reader in order finds the dies at work, one at random does not. Method:
// reads of a stripe at depth 1 with pauses longer than a die takes.
func TestSSDReadsAhead(t *testing.T) {
	cfg := testSSD()
	for _, row := range []struct {
		random    bool
		low, high float64
	}{{false, 10, 40}, {true, 110, 140}} {
		r := run(t, cfg, pattern.Pattern{ReadShare: 1, Random: row.random, BlockBytes: 16 << 10, Depth: 1,
			Think: 200 * time.Microsecond, Duration: time.Second})
		within(t, "us of a read", r.Latency.P50.Seconds()*1e6, row.low, row.high)
	}
}
