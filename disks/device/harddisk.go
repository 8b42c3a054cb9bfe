package device

import (
	"math/rand/v2"
	"time"

	"brokerlab/engine/env"
)

// HardDisk is a disk with one arm. All times come out of its mechanics: the
// arm moves along a seekCurve, then waits for the angle of the first sector,
// which follows from the clock, then transfers at the rate of its zone.
//
// Reads wait in the drive's queue; the one that the arm and the angle reach first
// goes next, unless one has grown old. After a read the head reads on into the
// segment buffer until something else is asked of it, so that a sequential
// reader loses no revolution.
//
// With a write cache, writes are acknowledged when they are in it. The cache
// joins what lies side by side and is emptied by an elevator, from the head's
// position inwards and then from the outer edge again, when no read waits; when
// it is full, and during a flush, it takes turns with the reads. Without one (and
// with FUA), writes wait in the drive's queue as reads do.
type HardDisk struct {
	RPM                                int
	Heads                              int
	Zones                              int
	OuterBytesPerSec, InnerBytesPerSec int64 // sequential, head switches included

	SeekTrack, SeekAverage, SeekFull time.Duration // of a read
	WriteSettle                      time.Duration // added to the seek before a write
	HeadSwitch                       time.Duration // between tracks of a cylinder
	TrackSkew                        time.Duration // of rotation, between the beginnings of tracks
	// PlanMargin is how much too early the head must be for the drive to count
	// on a sector when it chooses what goes next: seeks do not last exactly as
	// long as foreseen.
	PlanMargin time.Duration

	CommandTime          time.Duration // of the drive's controller, for each command
	InterfaceBytesPerSec int64
	WriteCacheBytes      int64 // 0: write-through
	WriteCacheExtents    int   // how many separate ranges the cache can hold
	ReadSegments         int
	ReadSegmentBytes     int64
	AgeMax               time.Duration // of a command in the drive's queue, before it goes first
}

func (h *HardDisk) revolutionNs() int64 { return 60e9 / int64(h.RPM) }

func (h *HardDisk) check(c *checks, capacity int64) {
	const bytesPerSecMax = 10e9
	c.that(h.RPM >= 1000 && h.RPM <= 100000, "hdd.rpm", "must be between 1000 and 100000")
	c.that(h.Heads >= 1 && h.Heads <= 64, "hdd.heads", "must be between 1 and 64")
	c.that(h.Zones >= 1 && h.Zones <= 1000, "hdd.zones", "must be between 1 and 1000")
	c.that(h.InnerBytesPerSec >= 1e5, "hdd.inner-rate", "must be at least 100kB/s")
	c.that(h.OuterBytesPerSec >= h.InnerBytesPerSec && h.OuterBytesPerSec <= bytesPerSecMax, "hdd.outer-rate",
		"must be between hdd.inner-rate and 10GB/s")
	c.that(h.SeekTrack > 0 && h.SeekTrack < time.Second, "hdd.seek-track", "must be between 1ns and 1s")
	c.that(h.SeekAverage > h.SeekTrack, "hdd.seek-average", "must be above hdd.seek-track")
	c.that(h.SeekFull > h.SeekAverage && h.SeekFull < time.Second, "hdd.seek-full",
		"must be between hdd.seek-average and 1s")
	c.that(h.WriteSettle >= 0 && h.WriteSettle < time.Second, "hdd.write-settle", "must be between 0 and 1s")
	c.that(h.HeadSwitch >= 0, "hdd.head-switch", "must not be negative")
	c.that(h.TrackSkew >= max(h.HeadSwitch, h.SeekTrack)+h.WriteSettle, "hdd.track-skew",
		"must not be below hdd.head-switch or hdd.seek-track, with hdd.write-settle: the sector would have passed")
	c.that(h.RPM <= 0 || int64(h.TrackSkew) < h.revolutionNs(), "hdd.track-skew", "must be below one revolution")
	c.that(h.PlanMargin >= 0, "hdd.plan-margin", "must not be negative")
	c.that(h.CommandTime >= 0, "hdd.command-time", "must not be negative")
	c.positive(h.InterfaceBytesPerSec, "hdd.interface-rate")
	c.that(h.WriteCacheBytes >= 0, "hdd.write-cache", "must not be negative")
	c.that(h.WriteCacheBytes == 0 || h.WriteCacheExtents > 0, "hdd.write-cache-extents", "must be above 0")
	c.that(h.ReadSegments >= 1 && h.ReadSegments <= 256, "hdd.read-segments", "must be between 1 and 256")
	c.that(h.ReadSegmentBytes >= 0, "hdd.read-segment", "must not be negative")
	c.that(h.AgeMax > 0, "hdd.age-max", "must be above 0")
	c.that(capacity >= int64(h.Zones)*int64(h.Heads)*(1<<20), "capacity", "must be at least 1 MiB for each head and zone")
}

// arrival is a command in the drive's queue, which the medium must serve.
type arrival struct {
	slot  int32
	write bool
	ready env.Time // when the controller has understood it
	since env.Time // when it came
	place place
}

// hardDisk is the medium of KindHardDisk.
type hardDisk struct {
	front *front
	cfg   HardDisk
	geo   geometry
	seek  seekCurve
	phase int64 // angle at time 0

	controllerFree, linkFree env.Time

	queue []arrival
	space list // writes that wait for room in the cache
	cache writeCache
	ahead readAhead

	// The arm: what it does, and where it will then be.
	doing           doing
	operation       operation
	track, cylinder int64
	head            int64    // offset just behind the operation
	wake            env.Time // end of the operation, or when a command is ready; else env.Never
	drainTurn       bool     // the cache's turn, when it takes turns with the queue
	draining        bool     // a flush runs

	seeks, hits                        int64
	seekTime, rotateTime, transferTime int64
}

// doing is what the arm is busy with.
type doing uint8

const (
	idle doing = iota
	serving
	destaging
)

// operation is one stretch of the medium that passes under the head.
type operation struct {
	start, end int64
	write      bool
}

func newHardDisk(f *front, cfg *Config, rng *rand.Rand) *hardDisk {
	d := &hardDisk{front: f, cfg: cfg.HardDisk, space: emptyList, wake: env.Never}
	d.geo = newGeometry(&d.cfg, cfg.CapacityBytes)
	d.seek = newSeekCurve(&d.cfg, d.geo.cylinders)
	d.phase = rng.Int64N(d.geo.revNs)
	d.cache = newWriteCache(d.cfg.WriteCacheBytes, d.cfg.WriteCacheExtents)
	d.ahead = newReadAhead(d.cfg.ReadSegments, d.cfg.ReadSegmentBytes)
	return d
}

// begin implements medium.
func (d *hardDisk) begin(now env.Time, s int32) {
	r := &d.front.slots[s].req
	d.controllerFree = max(d.controllerFree, now).Add(d.cfg.CommandTime)
	ready := d.controllerFree
	if r.Op == Write {
		if d.ahead.meets(r.Offset, r.Offset+r.Bytes) {
			d.halt(now)
		}
		d.ahead.forget(r.Offset, r.Offset+r.Bytes)
		if !d.front.nativeFUA(s) && r.Bytes <= d.cache.bytesMax {
			d.front.push(&d.space, s)
			d.fill(ready)
			if d.doing == idle {
				d.wake = min(d.wake, d.linkFree) // not before the bytes are there
			}
			return
		}
		d.enqueue(arrival{slot: s, write: true, ready: ready, since: now, place: d.geo.at(r.Offset)})
		d.consider(now)
		return
	}
	start, end := r.Offset, r.Offset+r.Bytes
	if d.cache.holds(start, end) || d.ahead.holds(start, end) {
		d.hits++
		d.front.finish(s, d.transfer(ready, r.Bytes))
		return
	}
	if at, ok := d.ahead.passing(&d.geo, ready, start, end); ok && (at <= ready || d.doing == idle) {
		d.hits++
		d.ahead.extend(&d.geo, end)
		at = max(at, d.transfer(ready, r.Bytes))
		d.front.finish(s, at)
		if d.doing == idle && at > now { // the head is not free before
			d.doing, d.operation, d.wake = serving, operation{start: start, end: end}, at
		}
		return
	}
	d.enqueue(arrival{slot: s, ready: ready, since: now, place: d.geo.at(start)})
	d.consider(now)
}

func (d *hardDisk) enqueue(a arrival) { d.queue = append(d.queue, a) }

// transfer takes n bytes over the interface, from now at the earliest.
func (d *hardDisk) transfer(now env.Time, n int64) env.Time {
	d.linkFree = max(d.linkFree, now).Add(transferTime(n, d.cfg.InterfaceBytesPerSec))
	return d.linkFree
}

// fill takes the writes that wait into the cache while it has room, in order.
func (d *hardDisk) fill(now env.Time) {
	for d.space.first != none {
		r := &d.front.slots[d.space.first].req
		if !d.cache.room(r.Offset, r.Offset+r.Bytes) {
			return
		}
		d.cache.add(r.Offset, r.Offset+r.Bytes)
		d.front.finish(d.front.pop(&d.space), d.transfer(now, r.Bytes))
	}
}

// flush implements medium.
func (d *hardDisk) flush(now env.Time) {
	d.controllerFree = max(d.controllerFree, now).Add(d.cfg.CommandTime)
	d.cache.mark()
	if d.cache.marked() == 0 {
		d.front.flushed(d.controllerFree)
		return
	}
	d.draining = true
	d.consider(now)
}

func (d *hardDisk) next() env.Time { return d.wake }

// step ends what the arm was doing and begins the next thing.
func (d *hardDisk) step(now env.Time) {
	op := &d.operation
	switch {
	case d.doing == destaging:
		d.cache.written()
		d.fill(now)
		if d.draining && d.cache.marked() == 0 {
			d.draining = false
			d.front.flushed(now)
		}
	case d.doing == serving && op.write:
		d.cache.drop(op.start, op.end)
	}
	d.doing = idle
	d.choose(now)
}

// consider begins something if the arm is idle.
func (d *hardDisk) consider(now env.Time) {
	if d.doing == idle {
		d.choose(now)
	}
}

// choose gives the idle arm something to do, or lets it wait. The cache gives way
// to the queue, and takes turns with it while somebody waits for the cache.
func (d *hardDisk) choose(now env.Time) {
	d.wake = env.Never
	urgent := d.draining || d.space.first != none
	drain := !d.cache.empty() && (len(d.queue) == 0 || urgent && d.drainTurn)
	if drain {
		d.drainTurn = false
		d.halt(now)
		d.destage(now)
		return
	}
	d.drainTurn = true
	if len(d.queue) == 0 {
		return
	}
	d.wake = d.queue[0].ready // the controller understands one after another
	if d.wake > now {
		return
	}
	d.halt(now)
	i := d.nearest(now)
	a := d.queue[i]
	d.queue = append(d.queue[:i], d.queue[i+1:]...)
	r := &d.front.slots[a.slot].req
	op := operation{start: r.Offset, end: r.Offset + r.Bytes, write: a.write}
	until := d.move(now, op, a.place)
	d.doing = serving
	d.front.finish(a.slot, max(until, d.transfer(a.ready, r.Bytes)))
	if !a.write {
		d.ahead.begin(&d.geo, op.start, op.end, until)
	}
}

// halt ends what the head reads ahead.
func (d *hardDisk) halt(now env.Time) {
	if d.ahead.active {
		d.head = d.ahead.stop(&d.geo, now)
		p := d.geo.at(d.head - 1)
		d.track, d.cylinder = p.track, p.cylinder
	}
}

// nearest returns the index of the command that the head reaches first, or of one
// that is too old. The first of the queue is ready.
func (d *hardDisk) nearest(now env.Time) int {
	if now.Sub(d.queue[0].since) > d.cfg.AgeMax {
		return 0 // the oldest: the queue is in the order of arrival
	}
	best, bestNs := -1, int64(0)
	for i := range d.queue {
		a := &d.queue[i]
		if a.ready > now {
			break // and so are the others behind it
		}
		seekNs, waitNs := d.position(now, &a.place, a.write)
		if seekNs > 0 && waitNs < int64(d.cfg.PlanMargin) {
			waitNs += d.geo.revNs
		}
		if best < 0 || seekNs+waitNs < bestNs {
			best, bestNs = i, seekNs+waitNs
		}
	}
	return best
}

// destage writes the next piece of the cache: at most a track, so that reads need
// not wait for all of a long extent.
func (d *hardDisk) destage(now env.Time) {
	start := d.cache.after(d.head)
	p := d.geo.at(start)
	end := d.cache.take(start, p.trackBytes)
	d.move(now, operation{start: start, end: end, write: true}, p)
	d.doing = destaging
}

// position is how long the arm moves to p, and how long the head then waits. What
// goes on where the last transfer ended must not come late by rounding, which
// would cost a turn. It cannot: angles and times round down, so that a transfer
// ends at the angle of the byte behind it or a few ns before.
func (d *hardDisk) position(now env.Time, p *place, write bool) (seekNs, waitNs int64) {
	if p.track != d.track {
		seekNs = int64(d.cfg.HeadSwitch)
		if p.cylinder != d.cylinder {
			seekNs = d.seek.ns(max(p.cylinder-d.cylinder, d.cylinder-p.cylinder))
		}
		if write {
			seekNs += int64(d.cfg.WriteSettle)
		}
	}
	angle := (int64(now) + seekNs + d.phase) % d.geo.revNs
	waitNs = p.angleNs - angle
	if waitNs < 0 {
		waitNs += d.geo.revNs
	}
	return seekNs, waitNs
}

// move begins an operation and returns when it ends.
func (d *hardDisk) move(now env.Time, op operation, p place) env.Time {
	seekNs, waitNs := d.position(now, &p, op.write)
	transferNs := d.geo.transferNs(op.start, op.end-op.start)
	if p.cylinder != d.cylinder {
		d.seeks++
	}
	d.seekTime += seekNs
	d.rotateTime += waitNs
	d.transferTime += transferNs
	last := d.geo.at(op.end - 1)
	d.track, d.cylinder, d.head = last.track, last.cylinder, op.end
	d.operation = op
	d.wake = now.Add(time.Duration(seekNs + waitNs + transferNs))
	return d.wake
}

func (d *hardDisk) stats(now env.Time, s *Stats) {
	s.CacheHits, s.Seeks, s.HeadOffset = d.hits, d.seeks, d.head
	if d.ahead.active {
		s.HeadOffset = d.ahead.passed(&d.geo, now)
	}
	s.SeekTime, s.RotateTime = time.Duration(d.seekTime), time.Duration(d.rotateTime)
	s.TransferTime = time.Duration(d.transferTime)
	s.VolatileBytes = d.cache.bytes
}

// powerLoss implements medium. Of a piece that is being written everything counts
// as lost, although a part of it may be on the medium.
func (d *hardDisk) powerLoss(_ env.Time, lost func(Range)) {
	d.cache.lose(lost)
	d.ahead.clear()
	d.queue, d.space = d.queue[:0], emptyList
	d.doing, d.wake, d.draining = idle, env.Never, false
}
