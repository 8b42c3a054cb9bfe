package device_test

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"brokerlab/disks/device"
	"brokerlab/disks/profiles"
	"brokerlab/engine/env"
)

func load(t testing.TB, name string) device.Config {
	t.Helper()
	p, err := profiles.Load(name)
	if err != nil {
		t.Fatal(err)
	}
	return p.Config
}

func open(t testing.TB, cfg device.Config, seed uint64) device.Device {
	t.Helper()
	d, err := device.New(cfg, rand.New(rand.NewPCG(seed, 1)))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// drain advances d until it is idle and returns the completions.
func drain(d device.Device) (done []device.Completion) {
	for d.NextEvent() != env.Never {
		d.Advance(d.NextEvent(), func(c device.Completion) { done = append(done, c) })
	}
	return done
}

// linkRate is what no device of cfg moves more of; 0: it has no such limit.
func linkRate(cfg *device.Config) int64 {
	switch cfg.Kind {
	case device.KindHardDisk:
		return cfg.HardDisk.InterfaceBytesPerSec
	case device.KindSSD:
		return cfg.SSD.LinkBytesPerSec
	}
	return 0
}

// minimum is what no request of cfg is faster than.
func minimum(cfg *device.Config, c *device.Completion) time.Duration {
	if c.Op == device.Flush {
		return 0
	}
	switch cfg.Kind {
	case device.KindHardDisk:
		return cfg.HardDisk.CommandTime + time.Duration(c.Bytes*1e9/cfg.HardDisk.InterfaceBytesPerSec)
	case device.KindSSD:
		s := &cfg.SSD
		return s.CommandTime + min(s.ReadLatency, s.WriteLatency) + time.Duration(c.Bytes*1e9/s.LinkBytesPerSec)
	}
	return 1
}

// randomRun submits count random requests at random instants, some in bursts, and
// returns all completions, in their order.
func randomRun(t *testing.T, cfg device.Config, seed uint64, count int) (done []device.Completion, stats device.Stats) {
	t.Helper()
	d := open(t, cfg, seed)
	rng := rand.New(rand.NewPCG(seed, 2))
	take := func(c device.Completion) { done = append(done, c) }
	var now env.Time
	scale := int64(20 * time.Millisecond)
	for i := range count {
		if rng.IntN(3) > 0 {
			now += env.Time(rng.Int64N(1 + rng.Int64N(scale)))
		}
		for d.NextEvent() <= now {
			next := d.NextEvent()
			if d.Advance(next, take); d.NextEvent() < next {
				t.Fatalf("seed %d: after an Advance to %d the next event is at %d", seed, next, d.NextEvent())
			}
		}
		r := device.Request{ID: uint64(i), Op: device.Op(rng.IntN(2)), Class: device.Class(rng.IntN(2))}
		r.Bytes = 512 * (1 + rng.Int64N(1<<rng.IntN(11)))
		if rng.IntN(100) == 0 { // more than any cache or buffer holds
			r.Bytes = 512 * (1 + rng.Int64N(160<<10))
		}
		r.Offset = 512 * rng.Int64N((cfg.CapacityBytes-r.Bytes)/512)
		if rng.IntN(2) == 0 { // near the others
			r.Offset %= 64 << 20
		}
		r.FUA = r.Op == device.Write && rng.IntN(8) == 0
		if rng.IntN(10) == 0 {
			r = device.Request{ID: uint64(i), Op: device.Flush}
		}
		d.Submit(now, r)
	}
	done = append(done, drain(d)...)
	return done, d.Stats()
}

// Goal: what holds for every device and load: each request completes once, not
// before its submission and the least it can take; no more bytes move than the
// interface lets pass, nor a hard disk's medium; the sum of the times agrees with
// the queue's area (Little's law); the same seed gives the same sequence. Method:
// random operations on every profile.
func TestInvariants(t *testing.T) {
	for _, name := range profiles.Names() {
		for seed := range uint64(3) {
			replay := fmt.Sprintf("seed %d; go test ./disks/device -run 'TestInvariants/%s'", seed, name)
			t.Run(fmt.Sprintf("%s/%d", name, seed), func(t *testing.T) {
				const count = 1500
				cfg := load(t, name)
				done, stats := randomRun(t, cfg, seed, count)
				checkOnce(t, replay, &cfg, done, count)
				checkSums(t, replay, &cfg, done, stats)
				again, _ := randomRun(t, cfg, seed, count)
				if !slices.Equal(done, again) {
					t.Errorf("two runs differ: %s", replay)
				}
			})
		}
	}
}

func checkOnce(t *testing.T, replay string, cfg *device.Config, done []device.Completion, count int) {
	t.Helper()
	seen := make([]bool, count)
	var last env.Time
	for i := range done {
		c := &done[i]
		if seen[c.ID] {
			t.Fatalf("request %d completes twice: %s", c.ID, replay)
		}
		seen[c.ID] = true
		if c.Started < c.Submitted || c.Done < c.Started || c.Done < last {
			t.Fatalf("request %d: submitted %d, started %d, done %d after %d: %s",
				c.ID, c.Submitted, c.Started, c.Done, last, replay)
		}
		if took := c.Done.Sub(c.Submitted); took < minimum(cfg, c) {
			t.Fatalf("%v of %d bytes takes %v, at least %v: %s", c.Op, c.Bytes, took, minimum(cfg, c), replay)
		}
		last = c.Done
	}
	if len(done) != count {
		t.Fatalf("%d of %d requests complete: %s", len(done), count, replay)
	}
}

func checkSums(t *testing.T, replay string, cfg *device.Config, done []device.Completion, stats device.Stats) {
	t.Helper()
	var sum time.Duration
	var moved [2]int64 // by operation: a link may be full duplex
	for i := range done {
		c := &done[i]
		sum += c.Done.Sub(c.Submitted)
		if c.Op == device.Flush {
			continue
		}
		moved[c.Op] += c.Bytes
		if rate := linkRate(cfg); rate > 0 && float64(moved[c.Op]) > c.Done.Sub(0).Seconds()*float64(rate)+1 {
			t.Fatalf("%d bytes of %vs in %v: %s", moved[c.Op], c.Op, c.Done.Sub(0), replay)
		}
	}
	if stats.QueueTime != sum || stats.Outstanding != 0 {
		t.Errorf("the queue's area is %v with %d left, the requests took %v: %s",
			stats.QueueTime, stats.Outstanding, sum, replay)
	}
	if n := stats.Reads + stats.Writes + stats.Flushes; n != int64(len(done)) ||
		stats.BytesRead != moved[device.Read] || stats.BytesWritten != moved[device.Write] {
		t.Errorf("stats %+v of %d completions, %v bytes: %s", stats, len(done), moved, replay)
	}
	if h := &cfg.HardDisk; cfg.Kind == device.KindHardDisk {
		// Each byte passes the head, but the few that are read from a cache or
		// replaced in one.
		bytes := moved[device.Read] + moved[device.Write]
		least := 0.75 * float64(bytes) / float64(h.OuterBytesPerSec)
		turn := 60 / float64(h.RPM)
		least *= turn / (turn + h.TrackSkew.Seconds()) // within a track the medium is faster
		if stats.TransferTime.Seconds() < least {
			t.Errorf("%d bytes pass the head in %v of transfers: %s", bytes, stats.TransferTime, replay)
		}
	}
	if end := done[len(done)-1].Done.Sub(0); stats.Busy <= 0 || stats.Busy > end {
		t.Errorf("busy for %v of %v: %s", stats.Busy, end, replay)
	}
}

// Goal: a seed decides everything that is drawn. Method: the sequences of two
// seeds for the same requests differ, where something is drawn.
func TestSeeds(t *testing.T) {
	for _, name := range []string{"hdd-7200", "nvme", "aws-gp3"} {
		cfg := load(t, name)
		var hashes []uint64
		for seed := range uint64(2) {
			d := open(t, cfg, seed)
			for i := range int64(50) {
				d.Submit(0, device.Request{Offset: i * 1e8, Bytes: 4096})
			}
			h := fnv.New64a()
			fmt.Fprint(h, drain(d))
			hashes = append(hashes, h.Sum64())
		}
		if hashes[0] == hashes[1] {
			t.Errorf("%s: two seeds give the same times", name)
		}
	}
}

// Goal: after a power loss, what a completed flush or a FUA write made durable is
// there, a protected drive loses nothing, and the others do lose something.
// Method: random writes, each to its own place, flushes, and a cut at a random
// instant, on every profile.
func TestPowerLoss(t *testing.T) {
	for _, name := range profiles.Names() {
		t.Run(name, func(t *testing.T) {
			cfg := load(t, name)
			losses := 0
			for seed := range uint64(60) {
				losses += cutPower(t, cfg, seed)
			}
			keeps := !cfg.VolatileCache || cfg.Kind == device.KindProvisioned
			if keeps && losses > 0 || !keeps && losses < 20 {
				t.Errorf("%d of 60 power losses lose an acknowledged write", losses)
			}
		})
	}
}

// cutPower returns 1 if an acknowledged write was lost.
func cutPower(t *testing.T, cfg device.Config, seed uint64) (losses int) {
	t.Helper()
	const place = 1 << 20
	d := open(t, cfg, seed)
	rng := rand.New(rand.NewPCG(seed, 3))
	var acked []uint64           // writes whose completion was seen, in order
	durable := map[uint64]bool{} // those that must be there
	covers := map[uint64]int{}   // of a flush: how many of acked it covers
	fail := func(format string, args ...any) {
		t.Fatalf("seed %d: %s; go test ./disks/device -run 'TestPowerLoss'", seed, fmt.Sprintf(format, args...))
	}
	take := func(c device.Completion) {
		switch {
		case c.Op == device.Flush:
			for _, id := range acked[:covers[c.ID]] {
				durable[id] = true
			}
		case c.FUA:
			durable[c.ID] = true
			fallthrough
		default:
			acked = append(acked, c.ID)
		}
	}
	var now env.Time
	count := 20 + rng.IntN(200)
	for i := range uint64(count) {
		now += env.Time(rng.Int64N(int64(time.Millisecond)))
		for d.NextEvent() <= now {
			d.Advance(d.NextEvent(), take)
		}
		if rng.IntN(12) == 0 {
			covers[i] = len(acked)
			d.Submit(now, device.Request{ID: i, Op: device.Flush})
			continue
		}
		d.Submit(now, device.Request{ID: i, Op: device.Write, FUA: rng.IntN(10) == 0,
			Offset: int64(i) * place, Bytes: 512 + 512*rng.Int64N(100)})
	}
	lost := map[uint64]bool{}
	d.PowerLoss(now, func(r device.Range) {
		for id := r.Offset / place; id <= (r.Offset+r.Bytes-1)/place; id++ {
			lost[uint64(id)] = true
			if _, flush := covers[uint64(id)]; flush || id >= int64(count) {
				fail("%v is lost, where nothing was written", r)
			}
		}
	})
	for _, id := range acked {
		if lost[id] && durable[id] {
			fail("write %d was durable and is lost", id)
		}
		if lost[id] {
			losses = 1
		}
	}
	if d.NextEvent() != env.Never || d.Stats().VolatileBytes != 0 || d.Stats().Outstanding != 0 {
		fail("the device is not idle after a power loss: %+v", d.Stats())
	}
	d.Submit(now, device.Request{ID: 1, Op: device.Write, Bytes: 4096})
	d.Submit(now, device.Request{ID: 2, Op: device.Flush})
	if after := drain(d); len(after) != 2 {
		fail("after a power loss %d of 2 requests complete", len(after))
	}
	return losses
}
