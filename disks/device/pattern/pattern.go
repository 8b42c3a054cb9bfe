// Package pattern drives a modelled device with a named pattern of requests in
// virtual time, closed-loop, as the tool fio does with a real one: jobs that each
// have one request under way, so that as many are outstanding as there are jobs.
// It measures; it judges nothing. Closed loops hide what an open load would
// queue: the latencies are the device's at that depth and stand for no other.
package pattern

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"brokerlab/disks/device"
	"brokerlab/engine/env"
)

// Pattern is a load.
type Pattern struct {
	// ReadShare of the requests are reads, the others writes: 1 reads alone, 0
	// writes alone.
	ReadShare  float64
	Random     bool // at random offsets in the span; else file by file, on and on
	BlockBytes int64
	Depth      int // requests outstanding
	// Files are areas of equal size in the span, visited in turn; each is read or
	// appended from its beginning, over and over. Random patterns have none.
	Files int
	// SpanOffset and SpanBytes are the part of the device that is used. A span of
	// 0 bytes is all from the offset on.
	SpanOffset, SpanBytes int64
	Sync                  Sync
	SyncEvery             int           // writes of a job before it syncs; 0: never
	Think                 time.Duration // of a job, between a completion and its next request
	Warmup                time.Duration // not measured
	Duration              time.Duration // measured
	Seed                  uint64        // of the random offsets
}

// Sync is how a job makes its writes durable.
type Sync uint8

const (
	// SyncFlush sends a flush.
	SyncFlush Sync = iota
	// SyncFUA sets FUA on each write instead; SyncEvery is 1.
	SyncFUA
	// SyncJournal does what ext4 does for the fsync of an append: a write of 8
	// KiB to the journal, a flush, a commit block of 4 KiB, a flush. The
	// journal lies in the middle of the device.
	SyncJournal
)

// Result is what was measured.
type Result struct {
	Ops, Bytes int64
	OpsPerSec  float64
	MBPerSec   float64 // of 10^6 bytes
	// Latency of reads and writes, and of syncs: from the submission of the
	// write that the sync follows to its own end, as pg_test_fsync counts it.
	Latency, SyncLatency Latency
	Syncs                int64
	SyncsPerSec          float64
	Stats                device.Stats // of the device at the end, the warm-up included
}

// Latency describes a distribution; zeros if nothing was measured.
type Latency struct{ Mean, P50, P90, P99, P999, Max time.Duration }

// validate names the first contradiction.
func (p *Pattern) validate(capacityBytes int64) error {
	span := p.span(capacityBytes)
	switch {
	case p.ReadShare < 0 || p.ReadShare > 1:
		return fmt.Errorf("pattern: a share of %g reads is not between 0 and 1", p.ReadShare)
	case p.BlockBytes < 1 || p.BlockBytes > device.RequestBytesMax:
		return fmt.Errorf("pattern: blocks of %d bytes", p.BlockBytes)
	case p.Sync == SyncFUA && p.SyncEvery > 1:
		return fmt.Errorf("pattern: a FUA write syncs itself alone, not %d", p.SyncEvery)
	case p.Depth < 1 || p.Files < 0 || p.SyncEvery < 0:
		return fmt.Errorf("pattern: depth %d, %d files, sync every %d", p.Depth, p.Files, p.SyncEvery)
	case p.Duration <= 0 || p.Warmup < 0 || p.Think < 0:
		return fmt.Errorf("pattern: duration %v, warm-up %v, think time %v", p.Duration, p.Warmup, p.Think)
	case p.SpanOffset < 0 || p.SpanOffset+span > capacityBytes || span/int64(max(1, p.Files)) < p.BlockBytes:
		return fmt.Errorf("pattern: %d files of blocks of %d bytes do not fit into %d bytes from %d of %d",
			p.Files, p.BlockBytes, span, p.SpanOffset, capacityBytes)
	}
	return nil
}

func (p *Pattern) span(capacityBytes int64) int64 {
	if p.SpanBytes == 0 {
		return capacityBytes - p.SpanOffset
	}
	return p.SpanBytes
}

const (
	journalBytes      = 128 << 20
	journalBlockBytes = 4096
)

// job is one loop. Its stage counts the requests of a sync that were sent.
type job struct {
	written   int
	syncStage int
	syncSince env.Time
}

// runner is a Run under way.
type runner struct {
	p            Pattern
	d            device.Device
	rng          *rand.Rand
	now          env.Time
	from, end    env.Time // measured
	jobs         []job
	files        []int64 // next block of each
	nextFile     int
	blocks       int64 // of a file, or of the span
	fileBytes    int64
	journal      int64 // offset of the journal
	journalNext  int64
	thinking     []thought // in the order of time: all thoughts are equally long
	latency      *hdrhistogram.Histogram
	syncs        *hdrhistogram.Histogram
	r            Result
	onCompletion func(device.Completion)
}

type thought struct {
	at  env.Time
	job int
}

// Run drives a new device from the instant 0.
func Run(d device.Device, capacityBytes int64, p Pattern) (Result, error) {
	if err := p.validate(capacityBytes); err != nil {
		return Result{}, err
	}
	r := newRunner(d, capacityBytes, p)
	for j := range r.jobs {
		r.submitNext(j)
	}
	for r.now < r.end {
		next := d.NextEvent()
		if len(r.thinking) > 0 {
			next = min(next, r.thinking[0].at)
		}
		r.now = min(next, r.end)
		d.Advance(r.now, r.onCompletion)
		for len(r.thinking) > 0 && r.thinking[0].at <= r.now {
			j := r.thinking[0].job
			r.thinking = append(r.thinking[:0], r.thinking[1:]...)
			r.submitNext(j)
		}
	}
	return r.result(), nil
}

func newRunner(d device.Device, capacityBytes int64, p Pattern) *runner {
	const slowest, digits = int64(10 * time.Minute), 3
	span := p.span(capacityBytes)
	p.Files = max(1, p.Files)
	r := &runner{
		p: p, d: d, rng: rand.New(rand.NewPCG(p.Seed, 0)),
		from: env.Time(p.Warmup), end: env.Time(p.Warmup + p.Duration),
		jobs: make([]job, p.Depth), files: make([]int64, p.Files),
		fileBytes: span / int64(p.Files) / p.BlockBytes * p.BlockBytes,
		latency:   hdrhistogram.New(1, slowest, digits), syncs: hdrhistogram.New(1, slowest, digits),
		journal: max(0, capacityBytes/2-journalBytes),
	}
	r.blocks = r.fileBytes / p.BlockBytes
	if p.Random {
		r.blocks = span / p.BlockBytes
	}
	r.onCompletion = r.complete
	return r
}

// submitNext sends a job's next read or write.
func (r *runner) submitNext(j int) {
	q := device.Request{ID: uint64(j), Op: device.Write, Bytes: r.p.BlockBytes,
		FUA: r.p.Sync == SyncFUA && r.p.SyncEvery == 1}
	if r.p.ReadShare == 1 || r.p.ReadShare > 0 && r.rng.Float64() < r.p.ReadShare {
		q.Op, q.FUA = device.Read, false
	}
	if r.p.Random {
		q.Offset = r.p.SpanOffset + r.rng.Int64N(r.blocks)*r.p.BlockBytes
	} else {
		f := r.nextFile
		r.nextFile = (f + 1) % len(r.files)
		q.Offset = r.p.SpanOffset + int64(f)*r.fileBytes + r.files[f]*r.p.BlockBytes
		r.files[f] = (r.files[f] + 1) % r.blocks
	}
	r.d.Submit(r.now, q)
}

// complete takes a completion and goes on with its job.
func (r *runner) complete(c device.Completion) {
	r.now = c.Done
	b := &r.jobs[c.ID]
	if b.syncStage > 0 {
		r.sync(int(c.ID))
		return
	}
	if r.now > r.from {
		r.r.Ops++
		r.r.Bytes += c.Bytes
		record(r.latency, c.Done.Sub(c.Submitted))
	}
	if c.Op == device.Write {
		b.written++
	}
	if r.p.SyncEvery > 0 && b.written == r.p.SyncEvery {
		b.written = 0
		b.syncSince = c.Submitted
		r.sync(int(c.ID))
		return
	}
	r.proceed(int(c.ID))
}

// sync sends the next request of a job's sync, or ends it.
func (r *runner) sync(j int) {
	b := &r.jobs[j]
	b.syncStage++
	flush := device.Request{ID: uint64(j), Op: device.Flush}
	switch {
	case r.p.Sync == SyncFlush && b.syncStage == 1:
		r.d.Submit(r.now, flush)
		return
	case r.p.Sync == SyncJournal && b.syncStage%2 == 0 && b.syncStage <= 4:
		r.d.Submit(r.now, flush)
		return
	case r.p.Sync == SyncJournal && b.syncStage <= 4:
		n := int64(2*journalBlockBytes) / int64(1+b.syncStage/2) // 8 KiB, then 4
		r.d.Submit(r.now, device.Request{ID: uint64(j), Op: device.Write, Offset: r.journal + r.journalNext, Bytes: n})
		r.journalNext = (r.journalNext + n) % (3 * journalBlockBytes * (journalBytes / (3 * journalBlockBytes)))
		return
	}
	b.syncStage = 0
	if r.now > r.from {
		r.r.Syncs++
		record(r.syncs, r.now.Sub(b.syncSince))
	}
	r.proceed(j)
}

// proceed lets a job think, then send again. Nothing is sent after the end.
func (r *runner) proceed(j int) {
	switch {
	case r.now >= r.end:
	case r.p.Think > 0:
		r.thinking = append(r.thinking, thought{at: r.now.Add(r.p.Think), job: j})
	default:
		r.submitNext(j)
	}
}

// record counts a latency. Ten virtual minutes for one request are no device.
func record(h *hdrhistogram.Histogram, d time.Duration) {
	if err := h.RecordValue(int64(d)); err != nil {
		panic("pattern: a request took " + d.String())
	}
}

func (r *runner) result() Result {
	seconds := r.p.Duration.Seconds()
	r.r.OpsPerSec = float64(r.r.Ops) / seconds
	r.r.MBPerSec = float64(r.r.Bytes) / seconds / 1e6
	r.r.SyncsPerSec = float64(r.r.Syncs) / seconds
	r.r.Latency, r.r.SyncLatency = Describe(r.latency), Describe(r.syncs)
	r.r.Stats = r.d.Stats()
	return r.r
}

// Describe summarises a histogram of nanoseconds.
func Describe(h *hdrhistogram.Histogram) Latency {
	if h.TotalCount() == 0 {
		return Latency{}
	}
	at := func(percent float64) time.Duration { return time.Duration(h.ValueAtPercentile(percent)) }
	return Latency{
		Mean: time.Duration(h.Mean()), P50: at(50), P90: at(90), P99: at(99), P999: at(99.9),
		Max: time.Duration(h.Max()),
	}
}
