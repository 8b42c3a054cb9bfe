package device_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"brokerlab/disks/device"
	"brokerlab/engine/env"
)

// server is a disk that takes a fixed time, or one drawn from s, for a request at
// a time.
func server(s device.Spread, depth int) device.Config {
	return device.Config{
		Kind: device.KindProvisioned, CapacityBytes: 1 << 30, VolatileCache: true,
		Queue:       device.Queue{Depth: depth, BackgroundDepth: depth, BackgroundWaitMax: time.Second},
		Provisioned: device.Provisioned{ReadTime: s, WriteTime: s, FlushTime: s},
	}
}

// Goal: the mean wait in front of one server under Poisson arrivals is the
// textbook's: for a load rho and a mean service time s, rho*s/(2*(1-rho)) for
// fixed times (M/D/1) and rho*s/(1-rho) for exponential ones (M/M/1); and by
// Little's law the mean number in the device is the rate by the mean time.
// Method: 200,000 arrivals at three loads, within 4 %.
func TestWaitingTimes(t *testing.T) {
	const service = time.Millisecond
	const arrivals = 200000
	fixed := device.Spread{P50: service}
	exponential := device.Spread{Shape: device.Exponential, P50: 693147 * time.Nanosecond} // by ln 2
	for _, row := range []struct {
		name   string
		spread device.Spread
		factor float64
	}{{"M/D/1", fixed, 0.5}, {"M/M/1", exponential, 1}} {
		for _, rho := range []float64{0.3, 0.6, 0.8} {
			d := open(t, server(row.spread, 1), 1)
			rng := rand.New(rand.NewPCG(7, 7))
			var waited, took time.Duration
			take := func(c device.Completion) {
				waited += c.Started.Sub(c.Submitted)
				took += c.Done.Sub(c.Submitted)
			}
			at := 0.0
			for range arrivals {
				at += rng.ExpFloat64() * float64(service) / rho
				for d.NextEvent() <= env.Time(at) {
					d.Advance(d.NextEvent(), take)
				}
				d.Submit(env.Time(at), device.Request{Bytes: 1})
			}
			for d.NextEvent() != env.Never {
				d.Advance(d.NextEvent(), take)
			}
			want := rho / (1 - rho) * row.factor * float64(service)
			got := float64(waited) / arrivals
			if math.Abs(got/want-1) > 0.04 {
				t.Errorf("%s at load %g: mean wait %.3f ms, want %.3f", row.name, rho, got/1e6, want/1e6)
			}
			if area := d.Stats().QueueTime; area != took {
				t.Errorf("%s at load %g: the queue's area is %v, the times are %v", row.name, rho, area, took)
			}
		}
	}
}

// Goal: flushes are served as the block layer does it: one at a time, and the next
// one serves all that came meanwhile. Method: eleven flushes, 0.1 ms apart, on a
// device whose flush takes 2 ms: one for the first, one for the ten.
func TestFlushesShare(t *testing.T) {
	d := open(t, server(device.Spread{P50: 2 * time.Millisecond}, 8), 1)
	for i := range 11 {
		d.Submit(env.Time(i)*1e5, device.Request{ID: uint64(i), Op: device.Flush})
	}
	for i, c := range drain(d) {
		want := env.Time(4e6)
		if i == 0 {
			want = 2e6
		}
		if c.ID != uint64(i) || c.Done != want || c.Started != want-2e6 {
			t.Errorf("flush %d runs from %d to %d, want to %d", c.ID, c.Started, c.Done, want)
		}
	}
	if s := d.Stats(); s.Flushes != 11 || s.FlushesServed != 2 {
		t.Errorf("%d flushes are served by %d, want 11 by 2", s.Flushes, s.FlushesServed)
	}
}

// Goal: what flushes and FUA cost follows from the drive's queue and cache.
// Method: one row for each rule, on a device whose every operation takes 1 ms.
func TestFlushRules(t *testing.T) {
	read, flush := device.Request{ID: 1, Bytes: 1}, device.Request{ID: 2, Op: device.Flush}
	fua := device.Request{ID: 3, Op: device.Write, Bytes: 1, FUA: true}
	for _, row := range []struct {
		name   string
		change func(*device.Config)
		submit []device.Request // at 0, 0.1 ms, 0.2 ms, ...
		want   map[uint64]time.Duration
	}{
		{"a flush runs beside a read", nil, []device.Request{read, flush},
			map[uint64]time.Duration{1: 1e6, 2: 1.1e6}},
		{"an exclusive flush waits for a read that runs", exclusive, []device.Request{read, flush},
			map[uint64]time.Duration{1: 1e6, 2: 2e6}},
		{"a read waits for an exclusive flush that runs", exclusive, []device.Request{flush, read},
			map[uint64]time.Duration{2: 1e6, 1: 2e6}},
		{"a flush takes no time without a volatile cache", protected, []device.Request{read, flush},
			map[uint64]time.Duration{1: 1e6, 2: 0.1e6}},
		{"FUA takes nothing more without a volatile cache", protected, []device.Request{fua},
			map[uint64]time.Duration{3: 1e6}},
		{"FUA without the drive's help is a write and a flush", nil, []device.Request{fua},
			map[uint64]time.Duration{3: 2e6}},
		{"such a flush serves others too", nil, []device.Request{fua, fua},
			map[uint64]time.Duration{3: 3e6}}, // of the second: written at 1.1 ms, its flush runs from 2 ms
	} {
		cfg := server(device.Spread{P50: time.Millisecond}, 8)
		if row.change != nil {
			row.change(&cfg)
		}
		d := open(t, cfg, 1)
		got := map[uint64]env.Time{}
		for i, r := range row.submit {
			now := env.Time(i) * 1e5
			d.Submit(now, r)
		}
		for _, c := range drain(d) {
			got[c.ID] = c.Done
			if c.Request != row.submit[min(1, len(row.submit)-1)] && c.Request != row.submit[0] {
				t.Errorf("%s: %+v comes back", row.name, c.Request)
			}
		}
		for id, want := range row.want {
			if got[id].Sub(0) != want {
				t.Errorf("%s: request %d is done at %v, want %v", row.name, id, got[id].Sub(0), want)
			}
		}
	}
}

func exclusive(c *device.Config) { c.Queue.ExclusiveFlush = true }
func protected(c *device.Config) { c.VolatileCache = false }

// Goal: tasks that flush without a pause do not starve readers of a SATA drive.
// Method: two closed loops of flushes and one of reads, for a virtual second.
func TestFlushesStarveNobody(t *testing.T) {
	cfg := server(device.Spread{P50: time.Millisecond}, 8)
	exclusive(&cfg)
	d := open(t, cfg, 1)
	var count [3]int
	request := func(job uint64) device.Request {
		if job == 0 {
			return device.Request{ID: job, Bytes: 1}
		}
		return device.Request{ID: job, Op: device.Flush}
	}
	again := func(c device.Completion) {
		count[c.ID]++
		d.Submit(c.Done, request(c.ID))
	}
	for _, job := range []uint64{1, 2, 0} { // the second flush waits for the first
		d.Submit(0, request(job))
	}
	for d.NextEvent() < 1e9 {
		d.Advance(d.NextEvent(), again)
	}
	for job, n := range count {
		if n < 300 {
			t.Errorf("job %d of a reader and two flushers gets %d turns in a second of 1 ms each", job, n)
		}
	}
}

// Goal: requests that somebody waits for go first, background ones get no more
// than their part of the queue, and none waits for ever. Method: 100 background
// writes, then reads without a pause, on a device of depth 4 and 1 ms.
func TestClasses(t *testing.T) {
	cfg := server(device.Spread{P50: time.Millisecond}, 4)
	cfg.Queue.BackgroundDepth, cfg.Queue.BackgroundWaitMax = 2, 20*time.Millisecond
	d := open(t, cfg, 1)
	for i := range uint64(100) {
		d.Submit(0, device.Request{ID: i, Op: device.Write, Class: device.Background, Bytes: 1})
	}
	const readID = 1000
	for range 4 {
		d.Submit(0, device.Request{ID: readID, Bytes: 1})
	}
	var readMax time.Duration
	written, early := 0, 0
	for written < 100 && d.NextEvent() < env.Time(time.Second) {
		d.Advance(d.NextEvent(), func(c device.Completion) {
			if c.ID < readID {
				if written++; c.Done < 20e6 {
					early++
				}
				return
			}
			readMax = max(readMax, c.Done.Sub(c.Submitted))
			d.Submit(c.Done, device.Request{ID: readID, Bytes: 1})
		})
	}
	if written < 100 {
		t.Errorf("%d of 100 background writes are done in a second", written)
	}
	if early != 2 {
		t.Errorf("%d background writes go before they are old, want the 2 that found the drive idle", early)
	}
	if readMax > 3*time.Millisecond {
		t.Errorf("a read takes %v beside the background's half of the drive", readMax)
	}
}

// Goal: the limits of a provisioned disk hold, and a burst goes through at once.
// Method: closed loops of 64 for a virtual second; the counts are the limits' sum.
func TestProvisionedLimits(t *testing.T) {
	for _, row := range []struct {
		name  string
		limit device.Limit
		bytes int64
		want  int
	}{
		{"1000 operations a second", device.Limit{OpsPerSec: 1000}, 4096, 1000},
		{"and a burst of 0.2 s", device.Limit{OpsPerSec: 1000, Burst: 200 * time.Millisecond}, 4096, 1200},
		{"large ones count twice", device.Limit{OpsPerSec: 1000, OpBytes: 256 << 10}, 512 << 10, 500},
		{"10 MB a second", device.Limit{BytesPerSec: 10e6}, 100e3, 100},
		{"the tighter of both limits", device.Limit{OpsPerSec: 1000, BytesPerSec: 10e6}, 100e3, 100},
	} {
		cfg := server(device.Spread{P50: time.Microsecond}, 64)
		cfg.Provisioned.Total = row.limit
		d := open(t, cfg, 1)
		count := 0
		request := device.Request{Op: device.Write, Bytes: row.bytes}
		for range 64 {
			d.Submit(0, request)
		}
		for d.NextEvent() <= 1e9 {
			d.Advance(d.NextEvent(), func(c device.Completion) {
				count++
				d.Submit(c.Done, request)
			})
		}
		if count < row.want-1 || count > row.want+1 {
			t.Errorf("%s: %d in a second, want %d", row.name, count, row.want)
		}
	}
}

// Goal: wrong use panics with the rule that was broken. Method: a row for each.
func TestWrongUse(t *testing.T) {
	for _, row := range []struct {
		name, want string
		use        func(device.Device)
	}{
		{"a submission in the past", "which the device has seen", func(d device.Device) {
			d.Submit(5, device.Request{Bytes: 1})
			d.Submit(4, device.Request{Bytes: 1})
		}},
		{"a submission past what is due", "without an Advance", func(d device.Device) {
			d.Submit(0, device.Request{Bytes: 1})
			d.Submit(2e6, device.Request{Bytes: 1})
		}},
		{"a read beyond the end", "on a device of", func(d device.Device) {
			d.Submit(0, device.Request{Offset: 1 << 30, Bytes: 1})
		}},
		{"a write of nothing", "of 0 bytes", func(d device.Device) { d.Submit(0, device.Request{Op: device.Write}) }},
		{"no operation", "of operation 3", func(d device.Device) { d.Submit(0, device.Request{Op: 3, Bytes: 1}) }},
		{"an Advance within one", "in the callback", func(d device.Device) {
			d.Submit(0, device.Request{Bytes: 1})
			d.Advance(1e6, func(device.Completion) { d.Advance(1e6, nil) })
		}},
		{"a power loss before what is due", "before an Advance", func(d device.Device) {
			d.Submit(0, device.Request{Bytes: 1})
			d.PowerLoss(2e6, nil)
		}},
	} {
		func() {
			defer func() {
				if r, ok := recover().(string); !ok || !strings.Contains(r, row.want) {
					t.Errorf("%s panics with %q, want %q", row.name, r, row.want)
				}
			}()
			row.use(open(t, server(device.Spread{P50: time.Millisecond}, 1), 1))
		}()
	}
}
