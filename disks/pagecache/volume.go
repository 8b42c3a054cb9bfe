package pagecache

import (
	"time"

	"brokerlab/disks/device"
	"brokerlab/engine/env"
)

// none ends lists of requests.
const none = int32(-1)

// requestBytesMax bounds one request for the device (max_sectors_kb is 1280 by
// default; extents of ext4 and read-ahead are powers of two).
const requestBytesMax = 1 << 20

// VolumeConfig is a disk with a file system on it.
type VolumeConfig struct {
	Device        device.Device
	CapacityBytes int64
	FileSystem    FileSystem
	// WritebackDepth is how many write-back requests are under way at most, as
	// writeback throttling has it (block/blk-wbt.c), and 128 at most, the default
	// of nr_requests.
	WritebackDepth int
	// Owner hears of commits.
	Owner Owner
}

// Op is one wait. Done is set by its user and called once for each use.
type Op struct {
	Done func()

	// Loaded is, after a read, the end of what was loaded for it.
	Loaded int64

	file    *File
	pending int   // requests to wait for
	target  int64 // pages below it are to be written
	again   bool  // not all of them could be submitted
}

// requestKind is what a request of the device is for.
type requestKind uint8

const (
	writeBack     requestKind = iota // data, for the flusher
	writeSync                        // data, for an fsync
	readPages                        // for a load
	flushData                        // for an fsync that needs no commit
	journalBlocks                    // the three steps of a commit
	journalFlush
	journalCommit
)

// request is one under way, by the ID that the device knows.
type request struct {
	kind requestKind
	span
	file  *File
	next  int32 // data requests of the same file, and the free ones
	fresh int64 // from here to end, the file's bytes had not been submitted before
	end   int64 // of the file's bytes when they were submitted
	tid   int64 // the transaction that waits for the data
	ops   []*Op
	load  *load
}

// Volume is one disk: a device with a file system.
type Volume struct {
	cache    *Cache
	dev      device.Device
	fs       FileSystem
	owner    Owner
	capacity int64
	alloc    *allocator
	places   int
	depth    int
	journal  deviceRange

	requests []request
	freed    int32 // first free request

	dirtyFiles  fileList // in the order in which they became dirty
	dueFiles    fileList // to be written now, since they have expired
	current     *File    // of the chunk that is being written
	chunkLeft   int64
	inFlight    int  // write-back requests under way
	blocked     bool // every dirty file has pages under way: wait for a completion
	writebackAt env.Time
	throttle    throttle

	completed       uint64 // pages written lately; see Cache
	completedPeriod int64

	lastTID       int64
	running       *transaction // nil when nothing has changed
	committing    *transaction
	spareTxn      *transaction
	shadowTID     int64 // its blocks are being written to the journal
	shadowWaiters []*Op
	journalHead   int64
	commitAt      env.Time

	advancing func(device.Completion)
	stats     Stats
	commits   int64
	commitSum time.Duration
}

// NewVolume adds a disk to the machine.
func (c *Cache) NewVolume(cfg VolumeConfig) *Volume {
	journal := deviceRange{pageDown(cfg.CapacityBytes / 2), 0}
	journal.bytes = max(1<<20, pageDown(min(cfg.FileSystem.JournalBytes, cfg.CapacityBytes/16)))
	v := &Volume{
		cache: c, dev: cfg.Device, fs: cfg.FileSystem, owner: cfg.Owner, capacity: cfg.CapacityBytes,
		alloc: newAllocator(cfg.CapacityBytes, journal), depth: min(cfg.WritebackDepth, 128), journal: journal,
		freed: none, writebackAt: env.Never, commitAt: env.Never, throttle: newThrottle(),
	}
	v.advancing = v.complete
	c.volumes = append(c.volumes, v)
	return v
}

// UsableBytes is what files may take of the capacity: without the journal, and
// without the twentieth that ext4 keeps for root and for its tables.
func (v *Volume) UsableBytes() int64 { return (v.capacity - v.journal.bytes) / 20 * 19 }

// NextEvent is the instant of the next Advance; env.Never if the volume is idle
// and nothing is dirty.
func (v *Volume) NextEvent() env.Time {
	return min(v.dev.NextEvent(), v.writebackAt, v.commitAt)
}

// Advance does what is due up to now.
func (v *Volume) Advance(now env.Time) {
	for {
		next := v.NextEvent()
		if next > now {
			return
		}
		v.dev.Advance(next, v.advancing)
		if v.writebackAt <= next {
			v.tick(next)
		}
		if v.commitAt <= next {
			v.commitAt = env.Never
			v.wantCommit(next, v.running)
		}
	}
}

// take returns a free request.
func (v *Volume) take(kind requestKind) int32 {
	id := v.freed
	if id == none {
		v.requests = append(v.requests, request{})
		id = int32(len(v.requests) - 1)
	} else {
		v.freed = v.requests[id].next
	}
	r := &v.requests[id]
	*r = request{kind: kind, next: none, ops: r.ops[:0]}
	return id
}

func (v *Volume) submit(now env.Time, id int32, r device.Request) {
	r.ID = uint64(id)
	v.dev.Submit(now, r)
}

// complete is the end of a request.
func (v *Volume) complete(c device.Completion) {
	id := int32(c.ID)
	r := &v.requests[id]
	switch r.kind {
	case writeBack, writeSync:
		v.dataWritten(c.Done, id)
		return
	case readPages:
		v.loaded(c.Done, r.load)
	case flushData:
		v.finish(r.ops[0])
	default:
		kind := r.kind
		v.release(id)
		v.commitStep(c.Done, kind)
		return
	}
	v.release(id)
}

func (v *Volume) release(id int32) {
	r := &v.requests[id]
	clear(r.ops)
	r.file, r.load, r.ops = nil, nil, r.ops[:0]
	r.next, v.freed = v.freed, id
}

// finish ends an operation.
func (v *Volume) finish(op *Op) {
	op.file, op.pending = nil, 0
	op.Done()
}

// dataWritten is the end of a write of a file's pages.
func (v *Volume) dataWritten(now env.Time, id int32) {
	r := &v.requests[id]
	kind, f, s, tid, ops := r.kind, r.file, r.span, r.tid, r.ops
	at := &f.writes
	for *at != id {
		at = &v.requests[*at].next
	}
	*at = r.next
	v.cache.underWay(v, -s.bytes())
	pages := s.bytes() / PageBytes
	v.throttle.written += pages
	v.cache.noteCompleted(now, v, pages)
	if kind == writeBack {
		v.inFlight--
	}
	v.blocked = false
	if !f.forgotten && !v.fs.OrderedData {
		v.sizeArrived(now, f)
	}
	for _, op := range ops {
		op.pending--
		if op.pending == 0 {
			v.dataDone(now, op)
		}
	}
	v.release(id)
	v.dataOfTransaction(now, tid)
	if now.Sub(v.throttle.since) >= 2*bandwidthInterval { // no writer has done it
		v.throttle.update(now, nil, 0)
	}
	v.writeOut(now)
}

// sizeArrived moves the size that the next commit makes durable, up to the first byte
// that is under way for the first time (xfs_setfilesize). Pages are first submitted in
// their order, so that there are no gaps below File.submitted.
func (v *Volume) sizeArrived(now env.Time, f *File) {
	size := f.submitted
	for id := f.writes; id != none; id = v.requests[id].next {
		if r := &v.requests[id]; r.fresh < r.end {
			size = min(size, r.fresh)
		}
	}
	if size > f.diskSize {
		f.diskSize = size
		v.join(now, f)
		f.sizeTID = v.running.id
	}
}

// PowerLoss forgets everything under way. Files must be Reset by the owner. It
// reports whether a commit was just being written, which may have happened or not.
func (v *Volume) PowerLoss(now env.Time) (inFlightCommit bool) {
	if v.NextEvent() <= now {
		v.Advance(now)
	}
	inFlightCommit = v.CommitIsWritten()
	ops := v.waiting()
	v.dev.PowerLoss(now, func(device.Range) {})
	for id := range v.requests {
		r := &v.requests[id]
		if r.file != nil {
			r.file.writes = none
			v.cache.underWay(v, -r.bytes())
		}
		clear(r.ops)
		v.requests[id] = request{}
	}
	v.requests, v.freed = v.requests[:0], none
	v.dirtyFiles.clear()
	v.dueFiles.clear()
	v.current, v.inFlight, v.blocked = nil, 0, false
	v.throttle = newThrottle()
	v.writebackAt, v.commitAt = env.Never, env.Never
	v.running, v.committing, v.spareTxn, v.shadowTID = nil, nil, nil, 0
	v.shadowWaiters = nil
	for _, op := range ops { // for tasks that outlive the power loss
		v.finish(op)
	}
	return inFlightCommit
}

// waiting returns the operations that have not ended, each once.
func (v *Volume) waiting() []*Op {
	var ops []*Op
	add := func(more []*Op) {
		for _, op := range more {
			if op.pending >= 0 {
				op.pending = -1
				ops = append(ops, op)
			}
		}
	}
	for i := range v.requests {
		add(v.requests[i].ops)
		if l := v.requests[i].load; l != nil {
			add(l.ops)
		}
	}
	add(v.shadowWaiters)
	for _, t := range []*transaction{v.running, v.committing} {
		if t != nil {
			add(t.waiters)
		}
	}
	return ops
}
