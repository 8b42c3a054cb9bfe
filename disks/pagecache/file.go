package pagecache

import (
	"slices"
	"sort"

	"brokerlab/engine/env"
)

// File is one file's pages and its place on the device.
type File struct {
	// Ref is the owner's own.
	Ref any

	volume    *Volume
	length    int64  // of the file, former lives included (i_size)
	dirty     []span // to be written: sorted, apart
	cached    []*extent
	writes    int32 // first of its data requests under way
	loads     []*load
	dirtiedAt env.Time // when it became dirty
	due       bool     // it has expired, and is written until it is clean
	queue     *fileList
	prev      *File
	next      *File

	goal      int64 // where its first block should go
	mapped    []mapping
	reserved  deviceRange // behind the last mapping, for this file alone
	submitted int64       // the end of the bytes that were ever given to the device
	diskSize  int64       // what the file system will say at the next commit (i_disksize)
	reusedTo  int64       // below this, bytes lie over those of a former life
	joined    int64       // the transaction that has its inode
	sizeTID   int64       // the transaction that an fdatasync needs
	forgotten bool
}

// NewFile returns an empty file, to be placed near goal.
func (v *Volume) NewFile(goal int64) *File { return &File{volume: v, goal: goal, writes: none} }

// Append dirties n bytes from off, which is the end of the file's present life.
// It says how many bytes became dirty.
func (f *File) Append(now env.Time, off, n int64) (dirtiedBytes int64) {
	v := f.volume
	f.length = max(f.length, off+n)
	s := span{pageDown(off), pageUp(off + n)}
	before := v.stats.DirtyBytes
	f.cacheTail(s)
	f.markDirty(now, s)
	dirtiedBytes = v.stats.DirtyBytes - before
	v.throttle.dirtied += dirtiedBytes / PageBytes
	v.join(now, f) // the time of the change
	v.kick(now)
	return dirtiedBytes
}

// markDirty adds pages to the dirty ones.
func (f *File) markDirty(now env.Time, s span) {
	v := f.volume
	if len(f.dirty) == 0 {
		f.dirtiedAt, f.due = now, false
		v.dirtyFiles.pushBack(f)
		v.armWriteback(now)
		f.dirty = append(f.dirty, s)
		v.cache.dirtied(v, s.bytes())
		return
	}
	last := &f.dirty[len(f.dirty)-1]
	if s.from >= last.from && s.from <= last.to { // the usual case
		if s.to > last.to {
			v.cache.dirtied(v, s.to-last.to)
			last.to = s.to
		}
		return
	}
	before := spanBytes(f.dirty)
	f.dirty = addSpan(f.dirty, s)
	v.cache.dirtied(v, spanBytes(f.dirty)-before)
}

// clean removes pages from the dirty ones, since they are written or forgotten.
func (f *File) clean(s span) {
	v := f.volume
	if len(f.dirty) == 0 {
		return
	}
	before := spanBytes(f.dirty)
	f.dirty = cutSpan(f.dirty, s)
	v.cache.dirtied(v, spanBytes(f.dirty)-before)
	if len(f.dirty) == 0 && f.queue != nil {
		f.queue.remove(f)
		f.due = false
	}
}

// busy reports whether pages are dirty or on their way to the device.
func (f *File) busy(s span) bool {
	for i := range f.dirty {
		if f.dirty[i].overlaps(s) {
			return true
		}
	}
	return f.underWay(s)
}

// underWay reports whether pages are on their way to the device.
func (f *File) underWay(s span) bool {
	for id := f.writes; id != none; id = f.volume.requests[id].next {
		if f.volume.requests[id].span.overlaps(s) {
			return true
		}
	}
	return false
}

// cacheTail puts appended pages into memory.
func (f *File) cacheTail(s span) {
	c := f.volume.cache
	if n := len(f.cached); n > 0 {
		e := f.cached[n-1]
		if e.from <= s.from && s.from <= e.to {
			grown := max(e.to, min(s.to, e.from+c.extentMax))
			c.cachedBytes += grown - e.to
			f.volume.stats.CachedBytes += grown - e.to
			e.to = grown
			s.from = grown
			c.touch(e)
		}
	}
	if s.from < s.to {
		f.cache(s)
	}
	c.evict()
}

// cache puts pages into memory that are not there yet, and keeps those that are.
func (f *File) cache(s span) {
	c := f.volume.cache
	i := f.findCached(s.from)
	for s.from < s.to {
		to := s.to
		if i < len(f.cached) {
			e := f.cached[i]
			if e.from <= s.from {
				c.touch(e)
				s.from = e.to
				i++
				continue
			}
			to = min(to, e.from)
		}
		to = min(to, s.from+c.extentMax)
		f.cached = slices.Insert(f.cached, i, c.newExtent(f, span{s.from, to}))
		s.from = to
		i++
	}
}

// findCached returns the index of the first extent that ends after off.
func (f *File) findCached(off int64) int {
	if n := len(f.cached); n == 0 || f.cached[n-1].to <= off {
		return n
	}
	return sort.Search(len(f.cached), func(i int) bool { return f.cached[i].to > off })
}

// dropExtent forgets a whole extent.
func (f *File) dropExtent(e *extent) {
	i := f.findCached(e.from)
	f.volume.cache.shrink(e, span{})
	if i == 0 {
		f.cached[0] = nil
		f.cached = f.cached[1:]
		return
	}
	f.cached = slices.Delete(f.cached, i, i+1)
}

// DropCache forgets the pages that are clean, and says how many bytes these were
// (POSIX_FADV_DONTNEED).
func (f *File) DropCache() (bytes int64) {
	c := f.volume.cache
	before := f.volume.stats.CachedBytes
	var keep []span
	for _, s := range f.dirty {
		keep = addSpan(keep, s)
	}
	for id := f.writes; id != none; id = f.volume.requests[id].next {
		keep = addSpan(keep, f.volume.requests[id].span)
	}
	var kept []span
	for _, e := range f.cached {
		for _, s := range keep {
			if part := (span{max(s.from, e.from), min(s.to, e.to)}); part.from < part.to {
				kept = addSpan(kept, part)
			}
		}
		c.shrink(e, span{})
	}
	f.cached = nil
	for _, s := range kept {
		f.cache(s)
	}
	return before - f.volume.stats.CachedBytes
}

// Truncate cuts the file.
func (f *File) Truncate(now env.Time, size int64) {
	v := f.volume
	end := span{pageUp(size), pageUp(max(f.length, size)) + PageBytes}
	f.cutPages(end)
	f.length = size
	f.reusedTo = min(f.reusedTo, size)
	f.diskSize = min(f.diskSize, size)
	f.submitted = min(f.submitted, size)
	f.unmap(end.from)
	v.join(now, f)
	f.sizeTID = v.running.id
}

// cutPages forgets pages, dirty or not.
func (f *File) cutPages(s span) {
	f.clean(s)
	for len(f.cached) > 0 {
		e := f.cached[len(f.cached)-1]
		if e.to <= s.from {
			return
		}
		f.volume.cache.shrink(e, span{e.from, max(e.from, s.from)})
		if e.file == f { // it is still there
			return
		}
		f.cached = f.cached[:len(f.cached)-1]
	}
}

// Reuse begins a new life at 0. The old bytes stay where they are, and those that
// were dirty stay so.
func (f *File) Reuse(now env.Time) {
	f.reusedTo = f.length
	f.volume.join(now, f)
}

// Allocate gives the file blocks up to an end beyond its length (fallocate).
func (f *File) Allocate(now env.Time, end int64) {
	if f.mapUpTo(pageUp(end)) {
		f.volume.join(now, f)
		f.volume.running.allocations++
	}
}

// Submitted is up to where no page of the file is dirty: all below it was given to
// the device, or has been there before.
func (f *File) Submitted() int64 {
	if len(f.dirty) > 0 {
		return min(f.dirty[0].from, f.length)
	}
	return f.length
}

// Length is the file's, with what a life before Reuse left behind its end.
func (f *File) Length() int64 { return f.length }

// DirtyBytes is what a Sync would write now.
func (f *File) DirtyBytes() int64 { return spanBytes(f.dirty) }

// Forget ends the file: nobody can reach it any more. What is dirty is never
// written, and its blocks are free.
func (f *File) Forget() {
	if f.forgotten {
		return
	}
	f.forgotten = true
	f.cutPages(span{0, pageUp(f.length) + PageBytes})
	f.unmap(0)
}

// Close gives back what was reserved behind the file's end
// (ext4_discard_preallocations).
func (f *File) Close() {
	f.volume.alloc.give(f.reserved)
	f.reserved = deviceRange{}
}

// Reset makes the file clean, of that size, out of memory and on the device, as
// after a power loss.
func (f *File) Reset(size int64) {
	f.cutPages(span{0, pageUp(max(f.length, size)) + PageBytes})
	*f = File{Ref: f.Ref, volume: f.volume, goal: f.goal, mapped: f.mapped, reserved: f.reserved,
		cached: f.cached[:0], dirty: f.dirty[:0], writes: none, length: size, diskSize: size,
		submitted: size}
	f.unmap(pageUp(size))
	f.mapUpTo(pageUp(size))
}

func spanBytes(spans []span) (sum int64) {
	for i := range spans {
		sum += spans[i].bytes()
	}
	return sum
}

// addSpan returns the union, sorted and apart.
func addSpan(spans []span, s span) []span {
	i := sort.Search(len(spans), func(i int) bool { return spans[i].to >= s.from })
	j := i
	for j < len(spans) && spans[j].from <= s.to {
		s.from, s.to = min(s.from, spans[j].from), max(s.to, spans[j].to)
		j++
	}
	return slices.Replace(spans, i, j, s)
}

// cutSpan returns what is left without s.
func cutSpan(spans []span, s span) []span {
	if len(spans) == 1 { // the usual case: nothing moves
		switch t := spans[0]; {
		case !t.overlaps(s):
			return spans
		case s.from <= t.from && s.to >= t.to:
			return spans[:0]
		case s.from <= t.from:
			spans[0].from = s.to
			return spans
		case s.to >= t.to:
			spans[0].to = s.from
			return spans
		}
	}
	var out []span
	for _, t := range spans {
		if !t.overlaps(s) {
			out = append(out, t)
			continue
		}
		if t.from < s.from {
			out = append(out, span{t.from, s.from})
		}
		if t.to > s.to {
			out = append(out, span{s.to, t.to})
		}
	}
	return out
}
