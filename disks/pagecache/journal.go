package pagecache

import (
	"brokerlab/disks/device"
	"brokerlab/engine/env"
)

// Owner hears what becomes durable together.
type Owner interface {
	// Sealed says that a transaction takes no more changes: what is in the files up
	// to these sizes, and names up to the mark, will be durable when it is
	// committed. The slice is valid within the call.
	Sealed(sizes []FileSize, mark int64)
	// Committed says that the sealed transaction is durable.
	Committed()
}

// FileSize is a file with the bytes that a transaction makes durable.
type FileSize struct {
	File  *File
	Bytes int64
}

// transaction is what the journal makes durable together (jbd2's transaction, or
// a checkpoint of xfs's log).
type transaction struct {
	id          int64
	files       []*File
	allocations int
	names       int   // changes of names
	mark        int64 // of the newest one, as the owner counts
	dataPending int   // writes that a commit must wait for
	started     bool  // its blocks are on their way
	wanted      bool  // somebody waits for it, or it is old
	writing     bool  // the commit block is on its way
	waiters     []*Op
	began       env.Time
}

// join adds a file's inode to the running transaction.
func (v *Volume) join(now env.Time, f *File) {
	v.begin(now)
	if f.joined != v.running.id {
		f.joined = v.running.id
		v.running.files = append(v.running.files, f)
	}
}

// begin makes sure that there is a running transaction.
func (v *Volume) begin(now env.Time) {
	if v.running != nil {
		return
	}
	t := v.spareTxn
	v.spareTxn = nil
	if t == nil {
		t = &transaction{}
	}
	v.lastTID++
	*t = transaction{id: v.lastTID, files: t.files[:0], waiters: t.waiters[:0], began: now}
	v.running = t
	v.commitAt = now.Add(v.fs.CommitInterval)
}

// ChangeNames puts a change of names into the running transaction; the owner
// counts them by marks, which rise.
func (v *Volume) ChangeNames(now env.Time, mark int64) {
	v.begin(now)
	v.running.names++
	v.running.mark = mark
}

// Stalls reports whether an append to f would have to wait for the journal, since
// the blocks of its inode are just being written to it, and if so lets op wait.
func (v *Volume) Stalls(f *File, op *Op) bool {
	if v.shadowTID == 0 || f.joined != v.shadowTID {
		return false
	}
	v.shadowWaiters = append(v.shadowWaiters, op)
	return true
}

// SyncNames makes all changes of names durable so far, and with them, as file
// systems with a journal do, everything else that is in their transaction.
func (v *Volume) SyncNames(now env.Time, op *Op) {
	switch {
	case v.running != nil && v.running.names > 0:
		v.waitForCommit(now, v.running, op)
	case v.committing != nil && v.committing.names > 0:
		v.waitForCommit(now, v.committing, op)
	default:
		v.flush(now, op)
	}
}

func (v *Volume) waitForCommit(now env.Time, t *transaction, op *Op) {
	t.waiters = append(t.waiters, op)
	if t == v.running {
		v.wantCommit(now, t)
	}
}

// wantCommit lets the running transaction be committed as soon as no other one is.
func (v *Volume) wantCommit(now env.Time, t *transaction) {
	t.wanted = true
	v.commitAt = env.Never
	if v.committing == nil {
		v.seal(now)
	}
}

// seal begins the commit of the running transaction.
func (v *Volume) seal(now env.Time) {
	t := v.running
	v.running, v.committing = nil, t
	v.commitAt = env.Never
	t.began = now
	sizes := v.cache.sizes[:0]
	for _, f := range t.files {
		if !f.forgotten {
			sizes = append(sizes, FileSize{f, f.sealedSize()})
		}
	}
	v.owner.Sealed(sizes, t.mark)
	clear(sizes)
	v.cache.sizes = sizes
	v.dataOfTransaction(now, 0)
}

// sealedSize is what a commit makes durable of the file. Of bytes that were
// written over in place it counts those below the first that have not arrived.
func (f *File) sealedSize() int64 {
	size := f.diskSize
	if f.reusedTo == 0 {
		return size
	}
	first := f.reusedTo
	if len(f.dirty) > 0 {
		first = min(first, f.dirty[0].from)
	}
	for id := f.writes; id != none; id = f.volume.requests[id].next {
		first = min(first, f.volume.requests[id].from)
	}
	if first < f.reusedTo {
		size = min(size, first)
	}
	return size
}

// dataOfTransaction notes that a write has arrived which the transaction tid waits
// for (0: none), and goes on with the commit when it was the last one.
func (v *Volume) dataOfTransaction(now env.Time, tid int64) {
	if t := v.running; t != nil && t.id == tid {
		t.dataPending--
	}
	t := v.committing
	if t == nil {
		return
	}
	if t.id == tid {
		t.dataPending--
	}
	if t.started || t.dataPending > 0 {
		return
	}
	t.started = true
	if v.fs.OrderedData {
		v.shadowTID = t.id
		v.writeJournal(now, journalBlocks, t.blocks(), false)
		return
	}
	v.submit(now, v.take(journalFlush), device.Request{Op: device.Flush})
}

// blocks is how many pages ext4 writes to its journal before the commit block: a
// descriptor, inode tables of 16 inodes a block, for allocations a block bitmap
// and a group descriptor of every eight, and the block of every name's directory.
func (t *transaction) blocks() int64 {
	n := 1 + (len(t.files)+15)/16 + t.names
	if t.allocations > 0 {
		n += 2 * (1 + t.allocations/8)
	}
	return int64(n)
}

// logBytes is what xfs writes: half a KiB for an inode, as much for an allocation
// (a leaf of the free space trees) and 1 KiB for a name, behind a header.
func (t *transaction) logBytes() int64 {
	return 512 + 512*int64(len(t.files)+t.allocations) + 1024*int64(t.names)
}

func (v *Volume) writeJournal(now env.Time, kind requestKind, blocks int64, fua bool) {
	n := min(blocks*PageBytes, v.journal.bytes/4)
	if v.journalHead+n > v.journal.bytes {
		v.journalHead = 0
	}
	at := v.journal.off + v.journalHead
	v.journalHead += n
	v.submit(now, v.take(kind), device.Request{Op: device.Write, FUA: fua, Offset: at, Bytes: n})
}

// commitStep goes on with the commit after one of its requests.
func (v *Volume) commitStep(now env.Time, done requestKind) {
	t := v.committing
	switch done {
	case journalBlocks:
		v.shadowTID = 0
		waiters := v.shadowWaiters
		v.shadowWaiters = v.shadowWaiters[:0]
		for _, op := range waiters {
			op.Done()
		}
		v.submit(now, v.take(journalFlush), device.Request{Op: device.Flush})
	case journalFlush:
		t.writing = true
		blocks := int64(1)
		if !v.fs.OrderedData {
			blocks = (t.logBytes() + PageBytes - 1) / PageBytes
		}
		v.writeJournal(now, journalCommit, blocks, true)
	case journalCommit:
		v.committed(now, t)
	}
}

// committed ends a commit, and begins the next one if it is wanted.
func (v *Volume) committed(now env.Time, t *transaction) {
	v.committing = nil
	v.commits++
	v.commitSum += now.Sub(t.began)
	v.owner.Committed()
	for _, op := range t.waiters {
		v.finish(op)
	}
	clear(t.waiters)
	clear(t.files)
	v.spareTxn = t
	if v.running != nil && v.running.wanted && v.committing == nil {
		v.seal(now)
	}
}

// flush lets op wait for a flush of the device.
func (v *Volume) flush(now env.Time, op *Op) {
	id := v.take(flushData)
	r := &v.requests[id]
	r.ops = append(r.ops, op)
	v.submit(now, id, device.Request{Op: device.Flush})
}

// Sync makes the file durable that it is now, and calls op.Done then (fdatasync).
func (v *Volume) Sync(now env.Time, f *File, op *Op) {
	op.file, op.pending, op.target = f, 1, pageUp(f.length)
	v.submitDirty(now, f, op)
	op.pending--
	if op.pending == 0 {
		v.dataDone(now, op)
	}
}

// submitDirty submits what is dirty below the target, up to the first page that is
// just being written, and lets op wait for all writes of the file.
func (v *Volume) submitDirty(now env.Time, f *File, op *Op) {
	op.again = false
	for id := f.writes; id != none; id = v.requests[id].next {
		r := &v.requests[id]
		r.ops = append(r.ops, op)
		op.pending++
	}
	for first := f.writes; !op.again; {
		s, ok := f.dirtyBelow(op.target)
		if !ok {
			return
		}
		for id := first; id != none; id = v.requests[id].next {
			if r := &v.requests[id]; r.overlaps(s) {
				s.to, op.again = max(s.from, min(s.to, r.from)), true
			}
		}
		for s.from < s.to {
			s.from += v.write(now, f, s, writeSync, op)
		}
	}
}

// dirtyBelow returns the first dirty pages below an offset.
func (f *File) dirtyBelow(to int64) (span, bool) {
	if len(f.dirty) == 0 || f.dirty[0].from >= to {
		return span{}, false
	}
	return span{f.dirty[0].from, min(f.dirty[0].to, to)}, true
}

// dataDone is the end of a wait for data: what could not be submitted then is now,
// and after that come the metadata or a flush.
func (v *Volume) dataDone(now env.Time, op *Op) {
	f := op.file
	if op.again && !f.forgotten {
		op.pending = 1
		v.submitDirty(now, f, op)
		op.pending--
		if op.pending > 0 {
			return
		}
	}
	switch t := f.sizeTID; {
	case v.running != nil && t == v.running.id:
		v.waitForCommit(now, v.running, op)
	case v.committing != nil && t == v.committing.id:
		v.waitForCommit(now, v.committing, op)
	default:
		v.flush(now, op)
	}
}

// CommitIsWritten reports whether the last block of a commit is on its way: a power
// loss now leaves all or nothing of it.
func (v *Volume) CommitIsWritten() bool { return v.committing != nil && v.committing.writing }
