package pagecache

import (
	"brokerlab/disks/device"
	"brokerlab/engine/env"
)

// fileList is a queue of dirty files.
type fileList struct {
	head, tail *File
	count      int
}

func (l *fileList) pushBack(f *File) {
	f.queue, f.prev, f.next = l, l.tail, nil
	if l.tail == nil {
		l.head = f
	} else {
		l.tail.next = f
	}
	l.tail = f
	l.count++
}

func (l *fileList) remove(f *File) {
	if f.prev == nil {
		l.head = f.next
	} else {
		f.prev.next = f.next
	}
	if f.next == nil {
		l.tail = f.prev
	} else {
		f.next.prev = f.prev
	}
	f.queue, f.prev, f.next = nil, nil, nil
	l.count--
}

func (l *fileList) clear() {
	for l.head != nil {
		l.remove(l.head)
	}
}

// armWriteback makes the flusher wake up in a period, now that something is dirty.
func (v *Volume) armWriteback(now env.Time) {
	if v.writebackAt == env.Never {
		v.writebackAt = now.Add(v.cache.cfg.DirtyWriteback)
	}
}

// tick is the flusher's periodic wake-up (wb_check_old_data_flush): files whose
// first dirty page has expired are written until they are clean.
func (v *Volume) tick(now env.Time) {
	v.writebackAt = env.Never
	for f := v.dirtyFiles.head; f != nil; {
		next := f.next
		if now.Sub(f.dirtiedAt) >= v.cache.cfg.DirtyExpire {
			v.dirtyFiles.remove(f)
			f.due = true
			v.dueFiles.pushBack(f)
		}
		f = next
	}
	if v.dirtyFiles.count+v.dueFiles.count > 0 {
		v.armWriteback(now)
	}
	v.writeOut(now)
}

// overBackground reports whether so much is dirty that it must be written at once
// (wb_over_bg_thresh).
func (v *Volume) overBackground(now env.Time) bool {
	c := v.cache
	limit := c.limits.BackgroundBytes
	if c.dirtyBytes > limit {
		return v.stats.DirtyBytes > 0
	}
	return len(c.volumes) > 1 && v.stats.DirtyBytes > c.share(now, v, limit/PageBytes)*PageBytes
}

// kick starts the flusher if there is something to do.
func (v *Volume) kick(now env.Time) {
	if v.inFlight < v.depth && !v.blocked && v.overBackground(now) {
		v.writeOut(now)
	}
}

// chunkBytes is how much of one file is written before the next one's turn: half a
// second of bandwidth, an eighth of the limit at most, in units of 4 MiB
// (writeback_chunk_size).
func (v *Volume) chunkBytes() int64 {
	const unit = 4 << 20
	n := min(v.BandwidthBytes()/2, v.cache.limits.HardBytes/8)
	return (n + unit) / unit * unit
}

// writeOut submits write-back requests while the device takes them.
func (v *Volume) writeOut(now env.Time) {
	if v.blocked {
		return
	}
	for skipped := 0; v.inFlight < v.depth; {
		f := v.nextFile(now)
		if f == nil {
			return
		}
		s := f.dirty[0]
		s.to = min(s.to, s.from+min(v.chunkLeft, requestBytesMax))
		if f.underWay(s) {
			v.endChunk()
			if skipped++; skipped > v.dirtyFiles.count+v.dueFiles.count {
				v.blocked = true
				return
			}
			continue
		}
		if v.inFlight == 0 {
			v.throttle.rest(now)
		}
		written := v.write(now, f, s, writeBack, nil)
		if v.chunkLeft -= written; v.chunkLeft <= 0 || len(f.dirty) == 0 {
			v.endChunk()
		}
	}
}

// nextFile is the file to write from now: that of the chunk begun, else the first
// expired one, else, above the background limit, the first dirty one.
func (v *Volume) nextFile(now env.Time) *File {
	over := v.overBackground(now)
	if f := v.current; f != nil && f.queue != nil && (f.due || over) {
		return f
	}
	v.current = v.dueFiles.head
	if v.current == nil && over {
		v.current = v.dirtyFiles.head
	}
	v.chunkLeft = v.chunkBytes()
	return v.current
}

// endChunk gives the next file its turn.
func (v *Volume) endChunk() {
	f := v.current
	v.current = nil
	if q := f.queue; q != nil {
		q.remove(f)
		q.pushBack(f)
	}
}

// write submits one request for the beginning of a dirty span, and says how many
// bytes that are. The file gets blocks for it, if it has none yet.
func (v *Volume) write(now env.Time, f *File, s span, kind requestKind, op *Op) int64 {
	allocated := f.mapUpTo(s.to)
	at := f.place(s.from)
	s.to = min(s.to, s.from+min(at.bytes, requestBytesMax))
	id := v.take(kind)
	r := &v.requests[id]
	r.file, r.span, r.fresh, r.end = f, s, max(s.from, f.submitted), min(s.to, f.length)
	f.submitted = max(f.submitted, r.end)
	r.next, f.writes = f.writes, id
	if op != nil {
		op.pending++
		r.ops = append(r.ops, op)
	}
	if allocated {
		v.join(now, f)
		v.running.allocations++
		f.sizeTID = v.running.id
	}
	if end := r.end; v.fs.OrderedData && end > f.diskSize {
		v.join(now, f)
		f.diskSize = end
		f.sizeTID = v.running.id
		v.running.dataPending++
		r.tid = v.running.id
	}
	class := device.Sync
	if kind == writeBack {
		class = device.Background
		v.inFlight++
	}
	v.cache.underWay(v, s.bytes())
	f.clean(s)
	v.submit(now, id, device.Request{Op: device.Write, Class: class, Offset: at.off, Bytes: s.bytes()})
	return s.bytes()
}
