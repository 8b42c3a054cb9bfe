// Package device models block devices: hard disks, solid state disks and disks
// behind a provisioned limit. A device is a pure state machine in virtual time:
// it is told what is submitted and when, and says when each request completes.
// It knows no clock, no task and no bytes, only ranges.
//
// # Use
//
//	d, err := device.New(cfg, rng)
//	d.Submit(now, device.Request{ID: 7, Op: device.Write, Offset: 0, Bytes: 4096})
//	for d.NextEvent() != env.Never {
//		d.Advance(d.NextEvent(), func(c device.Completion) { ... })
//	}
//
// Time never goes back. What is due must be taken by Advance before a later
// Submit; the callback of Advance may Submit at the instant Completion.Done.
// Not every event completes a request: a hard disk empties its write cache when
// nobody waits. A Device is used by one task at a time, and its sequence of
// completions depends on the configuration, the generator and the calls alone.
// In a steady state nothing is allocated.
//
// # The path of a request
//
//	Submit --> host queue --> queue of the drive --> medium --> Completion
//	           sync first,    at most Queue.Depth    see HardDisk, SSD,
//	           then writes                           Provisioned
//	           behind it
//
// The host queue stands for the block layer: two classes, first come first
// served in each, and the state machine of flushes (Linux block/blk-flush.c): one
// flush at a time, and the next one serves every request that came meanwhile.
// It does not sort; the drive does, in its queue and in its cache.
//
// # What is durable
//
// A drive without a volatile cache makes every write durable before it
// acknowledges it; its flushes take no time, as the block layer drops them. With
// one, a write is durable when a Flush that was submitted after the write's
// completion has completed, or when the write had FUA set. PowerLoss says which
// of the others were still in the cache alone. Requests whose ranges overlap, of
// which one writes, must not be under way together: their order is not defined.
//
// The package promises no more than Validate checks: a figure of a profile may be
// wrong, and profiles say where theirs come from. Bad sectors, trim, thermal
// limits and vibration are not modelled.
package device

import (
	"fmt"
	"math/rand/v2"
	"time"

	"brokerlab/engine/env"
)

// Op is what a request asks for.
type Op uint8

// The operations. A Flush has no range: it makes durable what was acknowledged
// before it was submitted.
const (
	Read Op = iota
	Write
	Flush
)

// String returns the word for op.
func (op Op) String() string { return [...]string{"read", "write", "flush"}[op] }

// Class says whether somebody waits for the request.
type Class uint8

// The classes of requests. Flushes have no class: they go as soon as they may.
const (
	// Sync is what a task waits for: a read, or the writes of an fsync.
	Sync Class = iota
	// Background is write-back and read-ahead that nobody waits for.
	Background
	classCount = iota
)

// RequestBytesMax bounds one request.
const RequestBytesMax = 1 << 28

// Request is one command for a device.
type Request struct {
	ID     uint64 // the caller's own; its Completion has it too
	Op     Op
	Class  Class
	FUA    bool  // of a Write: durable when it completes (force unit access)
	Offset int64 // of the first byte, below the capacity
	Bytes  int64 // 1 to RequestBytesMax; not used by Flush
}

// Completion is a request that is done.
type Completion struct {
	Request
	Submitted env.Time
	Started   env.Time // when it left the host queue; its flush's start for a Flush
	Done      env.Time
}

// Range is a piece of a device.
type Range struct{ Offset, Bytes int64 }

// Device is one block device. See the package's doc for the rules of use; what
// breaks them is the caller's bug and panics.
type Device interface {
	// Submit takes a request at now, which is not before any earlier instant
	// that the device has seen, nor after NextEvent.
	Submit(now env.Time, r Request)
	// NextEvent is the instant of the next Advance that does something;
	// env.Never if the device is idle.
	NextEvent() env.Time
	// Advance does what is due up to now, in order, and calls done for each
	// request that completes. The callback may Submit, at the instant that the
	// completion names, and must not call Advance.
	Advance(now env.Time, done func(Completion))
	// Stats returns what the device has done up to the last instant that it has
	// seen.
	Stats() Stats
	// PowerLoss cuts the power at now, after an Advance to now. It calls lost for
	// each range that was in the volatile cache alone: of these bytes the
	// newest version is gone, and any older one since the last flush may be
	// what a read will find. Ranges may repeat, and may contain writes that
	// were not yet acknowledged. Requests under way never complete; the bytes
	// of such a write are each old or new. The device is idle afterwards and
	// can be used again.
	PowerLoss(now env.Time, lost func(Range))
}

// Kind is a family of models.
type Kind uint8

// The kinds of devices.
const (
	KindHardDisk Kind = iota
	KindSSD
	KindProvisioned
)

// String returns the kind's name, as profiles write it.
func (k Kind) String() string { return [...]string{"hdd", "ssd", "provisioned"}[k] }

// Config describes a device. Of HardDisk, SSD and Provisioned the one that Kind
// names counts.
type Config struct {
	Kind          Kind
	CapacityBytes int64
	// VolatileCache says that the drive reports a write cache which a flush
	// empties ("write back" in Linux). Without one flushes take no time.
	VolatileCache bool
	Queue         Queue
	HardDisk      HardDisk
	SSD           SSD
	Provisioned   Provisioned
}

// Queue is how the host drives the device.
type Queue struct {
	Depth int // commands that the drive holds at once: 32 for NCQ
	// BackgroundDepth is how many of them may be of class Background, as
	// Linux's write-back throttling has it.
	BackgroundDepth int
	// BackgroundWaitMax is the age from which a waiting Background request goes
	// before Sync ones.
	BackgroundWaitMax time.Duration
	// ExclusiveFlush: a flush goes when the drive's queue is empty, and nothing
	// goes beside it, as SATA's FLUSH CACHE does, which is no queued command.
	ExclusiveFlush bool
	// NativeFUA: the drive takes FUA writes; else the host sends a write and
	// then a flush, as Linux does for SATA.
	NativeFUA bool
}

// New makes a device. The generator is the device's alone; it gives what differs
// from one operation to the next, and a hard disk's first angle.
func New(cfg Config, rng *rand.Rand) (Device, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	f := newFront(&cfg)
	switch cfg.Kind {
	case KindHardDisk:
		f.medium = newHardDisk(f, &cfg, rng)
	case KindSSD:
		f.medium = newSSD(f, &cfg, rng)
	case KindProvisioned:
		f.medium = newProvisioned(f, &cfg, rng)
	}
	return f, nil
}

// Stats are counts and sums since the device was made.
type Stats struct {
	Reads, Writes, Flushes  int64 // requests completed
	FlushesServed           int64 // flushes that the drive did; each may serve many requests
	BytesRead, BytesWritten int64 // of completed requests
	Outstanding             int   // requests submitted and not completed
	// QueueTime is the sum, over all requests, of the time since their Submit,
	// up to now for those under way: divided by the time that has passed, the
	// mean number of requests outstanding.
	QueueTime time.Duration
	// Busy is the time with a request outstanding. A hard disk that empties its
	// cache for nobody is not busy; its arm is: SeekTime, RotateTime, TransferTime.
	Busy time.Duration
	// VolatileBytes are in the volatile cache alone.
	VolatileBytes int64
	CacheHits     int64 // reads without the medium

	// Of hard disks.
	Seeks        int64 // moves of the arm to another cylinder
	SeekTime     time.Duration
	RotateTime   time.Duration // waiting for the sector
	TransferTime time.Duration // on the medium, with head switches within a request
	HeadOffset   int64         // where the head was last: a byte of the device

	// Of SSDs.
	MediumBytesWritten int64 // host and collector together
	FastCacheUsedBytes int64
}

// FieldError is a wrong figure of a Config.
type FieldError struct {
	Field  string // as profiles write it: "hdd.rpm"
	Reason string
}

// Error returns "hdd.rpm: must be ...".
func (e *FieldError) Error() string { return e.Field + ": " + e.Reason }

func wrong(field, format string, args ...any) error {
	return &FieldError{Field: field, Reason: fmt.Sprintf(format, args...)}
}

// checks finds the first wrong figure.
type checks struct{ err error }

func (c *checks) that(ok bool, field, format string, args ...any) {
	if !ok && c.err == nil {
		c.err = wrong(field, format, args...)
	}
}

func (c *checks) positive(v int64, field string) { c.that(v > 0, field, "must be above 0") }

func (c *checks) share(v float64, field string) {
	c.that(v >= 0 && v <= 1, field, "must be between 0 and 1")
}

// Validate returns nil or a *FieldError.
func (cfg *Config) Validate() error {
	const capacityMax = 1 << 50
	var c checks
	c.that(cfg.Kind <= KindProvisioned, "kind", "must be hdd, ssd or provisioned")
	c.that(cfg.CapacityBytes > 0 && cfg.CapacityBytes <= capacityMax, "capacity", "must be between 1 B and 1 PiB")
	q := &cfg.Queue
	c.that(q.Depth > 0 && q.Depth <= 1<<16, "queue.depth", "must be between 1 and 65536")
	c.that(q.BackgroundDepth > 0 && q.BackgroundDepth <= q.Depth, "queue.background-depth",
		"must be between 1 and queue.depth")
	c.that(q.BackgroundWaitMax >= 0, "queue.background-wait-max", "must not be negative")
	if c.err != nil {
		return c.err
	}
	switch cfg.Kind {
	case KindHardDisk:
		cfg.HardDisk.check(&c, cfg.CapacityBytes)
		c.that(cfg.VolatileCache == (cfg.HardDisk.WriteCacheBytes > 0), "volatile-cache",
			"of a hard disk must be yes with a write cache (hdd.write-cache above 0) and no without one")
	case KindSSD:
		cfg.SSD.check(&c, cfg.CapacityBytes)
	case KindProvisioned:
		cfg.Provisioned.check(&c)
	}
	return c.err
}
