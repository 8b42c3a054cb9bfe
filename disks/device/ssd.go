package device

import (
	"math/rand/v2"
	"time"

	"brokerlab/engine/env"
)

// SSD is a flash drive: a controller, a link to the host, a write buffer, and
// channels of dies that read and program beside each other.
//
// A read goes to the die that holds its address (addresses are dealt out over the
// dies in stripes), waits while that die reads for others, suspends a program
// that runs there, takes a time drawn from ReadTime, and passes the channel and
// the link. A read that continues one of the last streams finds the dies already
// at work on it.
//
// A write is acknowledged when it is in the buffer, which is a queue of program
// units dealt out over the dies; with a full buffer it waits for the oldest unit.
// The units go to the fast cache (flash used at one bit per cell) while that has
// room, else straight to its final place, which takes longer; the fast cache is
// emptied when the drive has been idle. What the collector of dead pages costs is
// analytic: see collector.
//
// A flush programs what is in the buffer, then takes a time drawn from FlushTime.
// That is a property of its own, and the one in which products differ most: the
// writing of the mapping tables, which no datasheet shows.
//
// Everything but the host queue is computed when a command begins: a resource is
// the instant at which it will be free. Commands are served in order on each die,
// with reads before writes, and never reordered for the link. Reads of what is
// still in the buffer go to the dies all the same.
type SSD struct {
	LinkBytesPerSec int64
	HalfDuplex      bool          // the link carries reads and writes in turn: SATA
	CommandTime     time.Duration // of the controller, one command after another
	ReadLatency     time.Duration // of a command, beside others: submission, completion
	WriteLatency    time.Duration

	Channels, DiesPerChannel int
	ChannelBytesPerSec       int64
	StripeBytes              int64  // that lie together on a die, and are read at once
	ReadTime                 Spread // of a die, for up to a stripe
	SuspendTime              time.Duration
	ReadStreams              int // that are recognised as sequential

	ProgramBytes     int64  // that a die programs at once, at their final place
	BitsPerCell      int    // so many steps has a program of as many bytes in the fast cache
	ProgramTime      Spread // of ProgramBytes, and of less too, at the final place
	FastProgramTime  Spread // of ProgramBytes, in the fast cache; of less as many steps as it needs
	FastCacheBytes   int64
	FoldBytesPerSec  int64         // at which the idle drive empties the fast cache
	FoldAfter        time.Duration // of idleness
	BufferBytes      int64
	BufferHold       time.Duration // after which a unit that is not full is programmed
	RegionBytes      int64         // that are erased together; see collector
	OverProvisioning float64       // flash beyond the capacity, as a share of it

	FlushTime Spread
	FUATime   Spread // added to a FUA write, beside its program; for Queue.NativeFUA

	// The state in which the drive begins, from 0 to 1: how much of it holds
	// data, how much of that was written in random order, how much of the fast
	// cache is used. 0, 0, 0 is a new drive.
	StartFilled, StartScattered, StartFastUsed float64
}

func (d *SSD) check(c *checks, capacity int64) {
	c.that(d.LinkBytesPerSec >= 1e6, "ssd.link-rate", "must be at least 1MB/s")
	c.that(d.CommandTime >= 0, "ssd.command-time", "must not be negative")
	c.that(d.ReadLatency >= 0, "ssd.read-latency", "must not be negative")
	c.that(d.WriteLatency >= 0, "ssd.write-latency", "must not be negative")
	c.that(d.Channels >= 1 && d.Channels <= 256, "ssd.channels", "must be between 1 and 256")
	c.that(d.DiesPerChannel >= 1 && d.DiesPerChannel <= 256, "ssd.dies-per-channel", "must be between 1 and 256")
	c.that(d.ChannelBytesPerSec >= 1e6, "ssd.channel-rate", "must be at least 1MB/s")
	c.that(d.StripeBytes >= 512, "ssd.stripe", "must be at least 512 bytes")
	d.ReadTime.check(c, "ssd.read-time")
	c.that(d.SuspendTime >= 0, "ssd.suspend-time", "must not be negative")
	c.that(d.ReadStreams >= 0 && d.ReadStreams <= 1024, "ssd.read-streams", "must be between 0 and 1024")
	c.that(d.ProgramBytes >= 512, "ssd.program-unit", "must be at least 512 bytes")
	c.that(d.BitsPerCell >= 1 && d.BitsPerCell <= 8, "ssd.bits-per-cell", "must be between 1 and 8")
	d.ProgramTime.check(c, "ssd.program-time")
	c.that(d.ProgramTime.P50 > 0, "ssd.program-time", "must be above 0")
	d.FastProgramTime.check(c, "ssd.fast-program-time")
	c.that(d.FastCacheBytes >= 0 && d.FastCacheBytes <= capacity, "ssd.fast-cache", "must be between 0 and the capacity")
	c.that(d.FastCacheBytes == 0 || d.FastProgramTime.P50 > 0, "ssd.fast-program-time", "must be above 0")
	c.that(d.FoldBytesPerSec >= 0, "ssd.fold-rate", "must not be negative")
	c.that(d.FoldAfter >= 0, "ssd.fold-after", "must not be negative")
	c.that(d.BufferBytes >= d.ProgramBytes, "ssd.buffer", "must hold at least one ssd.program-unit")
	c.that(d.BufferHold > 0, "ssd.buffer-hold", "must be above 0")
	c.that(d.RegionBytes >= 4096 && capacity/max(1, d.RegionBytes) <= 1<<20, "ssd.region",
		"must be at least 4KiB and a millionth of the capacity")
	c.that(d.OverProvisioning >= 0.01 && d.OverProvisioning <= 10, "ssd.over-provisioning", "must be between 0.01 and 10")
	d.FlushTime.check(c, "ssd.flush-time")
	d.FUATime.check(c, "ssd.fua-time")
	c.share(d.StartFilled, "ssd.start-filled")
	c.share(d.StartScattered, "ssd.start-scattered")
	c.share(d.StartFastUsed, "ssd.start-fast-used")
}

// die is one flash chip. Reads go before programs, which they suspend.
type die struct {
	readFree, programFree env.Time
}

// channel joins some dies to the controller. Bytes for programs are booked long
// before they move, so that reads have a channel of their own.
type channel struct{ reads, writes env.Time }

// stream is a sequential reader.
type stream struct {
	end  int64    // where its next read begins
	seen env.Time // when the last one came
}

// ssd is the medium of KindSSD.
type ssd struct {
	front *front
	rng   *rand.Rand
	cfg   SSD

	controllerFree   env.Time
	up, down         env.Time // the link, towards the drive and from it
	accepted         env.Time // when the last write was in the buffer
	channels         []channel
	dies             []die
	streams          []stream
	nextStream       int
	readTime         sampler
	program, fast    sampler
	flushTime, fua   sampler
	buffer           buffer
	collector        collector
	track            bool // of writes in the buffer, for a power loss
	nextDie          int
	fastUsed         int64
	lastUse          env.Time
	mediumBytes      float64
	programmedAtMost env.Time // when all units that were handed out are programmed
}

func newSSD(f *front, cfg *Config, rng *rand.Rand) *ssd {
	c := &cfg.SSD
	return &ssd{
		front: f, rng: rng, cfg: *c,
		channels: make([]channel, c.Channels),
		dies:     make([]die, c.Channels*c.DiesPerChannel),
		streams:  make([]stream, c.ReadStreams),
		readTime: newSampler(c.ReadTime), program: newSampler(c.ProgramTime), fast: newSampler(c.FastProgramTime),
		flushTime: newSampler(c.FlushTime), fua: newSampler(c.FUATime),
		track:     cfg.VolatileCache,
		collector: newCollector(c, cfg.CapacityBytes),
		fastUsed:  int64(c.StartFastUsed * float64(c.FastCacheBytes)),
	}
}

func (d *ssd) next() env.Time { return env.Never }
func (d *ssd) step(env.Time)  {}

// begin implements medium.
func (d *ssd) begin(now env.Time, s int32) {
	r := &d.front.slots[s].req
	d.settle(now)
	d.controllerFree = max(d.controllerFree, now).Add(d.cfg.CommandTime)
	if r.Op == Read {
		d.front.finish(s, d.read(now, d.controllerFree, r).Add(d.cfg.ReadLatency))
		return
	}
	at := d.write(d.controllerFree, r)
	if d.front.nativeFUA(s) {
		d.closeUnit(at)
		at = max(at, d.programmedAtMost).Add(time.Duration(d.fua.draw(d.rng)))
	}
	d.front.finish(s, at.Add(d.cfg.WriteLatency))
}

// read returns when the bytes have passed the link.
func (d *ssd) read(now, ready env.Time, r *Request) env.Time {
	from := ready
	if st := d.streamAt(r.Offset); st != nil {
		from = min(st.seen, ready) // read ahead since then
		st.end, st.seen = r.Offset+r.Bytes, now
	} else if len(d.streams) > 0 {
		d.streams[d.nextStream] = stream{end: r.Offset + r.Bytes, seen: now}
		d.nextStream = (d.nextStream + 1) % len(d.streams)
	}
	first, end := r.Offset, r.Offset+r.Bytes
	last := ready
	for first < end {
		stripe := first / d.cfg.StripeBytes
		n := min(end, (stripe+1)*d.cfg.StripeBytes) - first
		last = max(last, d.readStripe(from, int(stripe%int64(len(d.dies))), n))
		first += n
	}
	span := transferTime(r.Bytes, d.cfg.LinkBytesPerSec)
	link := &d.down
	if d.cfg.HalfDuplex {
		link = &d.up
	}
	*link = max(*link, ready).Add(span)
	return max(last.Add(span), *link)
}

func (d *ssd) streamAt(offset int64) *stream {
	for i := range d.streams {
		if d.streams[i].end == offset && offset > 0 {
			return &d.streams[i]
		}
	}
	return nil
}

// readStripe returns when n bytes of one die have passed its channel.
func (d *ssd) readStripe(from env.Time, i int, n int64) env.Time {
	e := &d.dies[i]
	at := max(from, e.readFree)
	busy := e.programFree > at
	if busy {
		at = min(e.programFree, at.Add(d.cfg.SuspendTime))
	}
	span := time.Duration(d.readTime.draw(d.rng))
	e.readFree = at.Add(span)
	if busy {
		e.programFree = max(e.programFree.Add(span), e.readFree)
	}
	ch := &d.channels[i%len(d.channels)].reads
	transfer := transferTime(n, d.cfg.ChannelBytesPerSec)
	*ch = max(*ch, at).Add(transfer)
	return max(e.readFree.Add(transfer), *ch)
}

// write returns when the bytes are in the buffer. A write larger than the buffer
// passes through it in pieces.
func (d *ssd) write(ready env.Time, r *Request) env.Time {
	d.up = max(d.up, ready).Add(transferTime(r.Bytes, d.cfg.LinkBytesPerSec))
	at := max(d.up, d.accepted)
	d.collector.wrote(r.Offset, r.Bytes)
	firstUnit := d.buffer.number()
	for left := r.Bytes; left > 0; {
		n := min(left, d.cfg.ProgramBytes-d.buffer.open)
		at = d.buffer.admit(at, n, d.cfg.BufferBytes)
		if d.buffer.open == 0 {
			d.buffer.openSince = at
		}
		d.buffer.open += n
		if d.buffer.open == d.cfg.ProgramBytes {
			d.programUnit(at, d.cfg.ProgramBytes)
		}
		left -= n
	}
	if d.track {
		d.buffer.note(r.Offset, r.Bytes, firstUnit)
	}
	d.accepted = at
	d.lastUse = max(d.lastUse, at)
	return at
}

// closeUnit programs the bytes of the unit that is open; the rest of it stays
// empty.
func (d *ssd) closeUnit(now env.Time) {
	if d.buffer.open > 0 {
		d.programUnit(now, d.buffer.open)
	}
}

// programUnit hands the open unit, of n bytes, to the next die.
func (d *ssd) programUnit(now env.Time, n int64) {
	var ns int64
	if d.fastUsed+n <= d.cfg.FastCacheBytes {
		d.fastUsed += n
		bits := int64(d.cfg.BitsPerCell)
		steps := (n*bits + d.cfg.ProgramBytes - 1) / d.cfg.ProgramBytes
		ns = d.fast.draw(d.rng) * steps / bits
		d.mediumBytes += float64(n)
	} else {
		amplification := d.collector.amplification()
		ns = int64(float64(d.program.draw(d.rng)) * amplification)
		d.mediumBytes += float64(n) * amplification
	}
	i := d.nextDie
	d.nextDie = (d.nextDie + 1) % len(d.dies)
	e := &d.dies[i]
	ch := &d.channels[i%len(d.channels)].writes
	*ch = max(*ch, now).Add(transferTime(n, d.cfg.ChannelBytesPerSec))
	e.programFree = max(*ch, e.programFree, e.readFree).Add(time.Duration(ns))
	d.programmedAtMost = max(d.programmedAtMost, e.programFree)
	d.buffer.hand(n, e.programFree)
}

// settle brings what goes on by itself up to now: units that were held long
// enough, and the emptying of the fast cache.
func (d *ssd) settle(now env.Time) {
	if at := d.buffer.openSince.Add(d.cfg.BufferHold); d.buffer.open > 0 && at <= now {
		d.closeUnit(at)
	}
	d.buffer.forget(now)
	if idle := now.Sub(d.lastUse.Add(d.cfg.FoldAfter)); idle > 0 && d.fastUsed > 0 {
		d.fastUsed = max(0, d.fastUsed-int64(idle.Seconds()*float64(d.cfg.FoldBytesPerSec)))
	}
	d.lastUse = max(d.lastUse, now)
}

// flush implements medium.
func (d *ssd) flush(now env.Time) {
	d.settle(now)
	d.controllerFree = max(d.controllerFree, now).Add(d.cfg.CommandTime)
	d.closeUnit(d.controllerFree)
	d.front.flushed(max(d.controllerFree, d.programmedAtMost).Add(time.Duration(d.flushTime.draw(d.rng))))
}

func (d *ssd) stats(now env.Time, s *Stats) {
	s.MediumBytesWritten = int64(d.mediumBytes)
	s.FastCacheUsedBytes = d.fastUsed
	if d.track {
		s.VolatileBytes = d.buffer.volatileBytes(now)
	}
}

// powerLoss implements medium. The drive rebuilds its tables from what was
// programmed, so that the buffer alone is lost.
func (d *ssd) powerLoss(now env.Time, lost func(Range)) {
	d.settle(now)
	if d.track {
		d.buffer.lose(now, lost)
	}
	d.buffer.clear()
	d.controllerFree, d.up, d.down, d.accepted, d.programmedAtMost = now, now, now, now, now
	for i := range d.channels {
		d.channels[i] = channel{now, now}
	}
	for i := range d.dies {
		d.dies[i] = die{readFree: now, programFree: now}
	}
	clear(d.streams)
}
