package device

import (
	"sort"
	"time"

	"brokerlab/engine/env"
)

// extent is a range of the write cache.
type extent struct {
	start, end int64
	marked     bool // a flush waits for it
}

// writeCache is what a hard disk has acknowledged and not written: extents in the
// order of the disk that neither overlap nor touch, and the one piece that is
// being written.
type writeCache struct {
	bytesMax   int64
	extentsMax int
	extents    []extent
	writing    extent // empty: nothing is
	bytes      int64  // of all of them
}

func newWriteCache(bytesMax int64, extentsMax int) writeCache {
	return writeCache{bytesMax: bytesMax, extentsMax: extentsMax}
}

func (c *writeCache) empty() bool { return len(c.extents) == 0 }

// find returns the index of the first extent that ends at offset or behind it.
func (c *writeCache) find(offset int64) int {
	return sort.Search(len(c.extents), func(i int) bool { return c.extents[i].end >= offset })
}

// room reports whether a write of the range fits. What it replaces is not deducted.
func (c *writeCache) room(start, end int64) bool {
	if c.bytes+end-start > c.bytesMax {
		return false
	}
	if len(c.extents) < c.extentsMax {
		return true
	}
	i := c.find(start)
	return i < len(c.extents) && c.extents[i].start <= end
}

// add takes a range in and joins it with what it overlaps or touches.
func (c *writeCache) add(start, end int64) {
	i := c.find(start)
	joined, j := extent{start: start, end: end}, i
	for ; j < len(c.extents) && c.extents[j].start <= end; j++ {
		e := &c.extents[j]
		c.bytes -= e.end - e.start
		joined.start, joined.end = min(joined.start, e.start), max(joined.end, e.end)
		joined.marked = joined.marked || e.marked
	}
	c.bytes += joined.end - joined.start
	c.replace(i, j, joined)
}

// replace puts e in the place of extents i to j.
func (c *writeCache) replace(i, j int, e extent) {
	if i == j {
		c.extents = append(c.extents, extent{})
		copy(c.extents[i+1:], c.extents[i:])
		c.extents[i] = e
		return
	}
	c.extents[i] = e
	c.extents = append(c.extents[:i+1], c.extents[j:]...)
}

// drop forgets a range that was written in another way.
func (c *writeCache) drop(start, end int64) {
	for i := c.find(start + 1); i < len(c.extents) && c.extents[i].start < end; {
		e := c.extents[i]
		c.bytes -= min(e.end, end) - max(e.start, start)
		head, tail := e, e
		head.end, tail.start = start, end
		switch {
		case head.start < head.end && tail.start < tail.end:
			c.extents[i] = tail
			c.replace(i, i, head)
			return
		case head.start < head.end:
			c.extents[i] = head
			i++
		case tail.start < tail.end:
			c.extents[i] = tail
			return
		default:
			c.extents = append(c.extents[:i], c.extents[i+1:]...)
		}
	}
}

// holds reports whether the range can be read from the cache.
func (c *writeCache) holds(start, end int64) bool {
	if c.writing.start <= start && end <= c.writing.end && start < end {
		return true
	}
	i := c.find(start + 1)
	return i < len(c.extents) && c.extents[i].start <= start && end <= c.extents[i].end
}

// after is the elevator: the beginning of the first extent at offset or behind
// it, else of the first of all. There is one.
func (c *writeCache) after(offset int64) int64 {
	i := sort.Search(len(c.extents), func(i int) bool { return c.extents[i].start >= offset })
	if i == len(c.extents) {
		i = 0
	}
	return c.extents[i].start
}

// take begins to write the extent that begins at start, or its first bytesMax
// bytes, and returns the end of the piece.
func (c *writeCache) take(start, bytesMax int64) (end int64) {
	i := c.find(start + 1)
	e := &c.extents[i]
	c.writing = *e
	if e.end-start > bytesMax {
		c.writing.end = start + bytesMax
		e.start = c.writing.end
		return c.writing.end
	}
	c.extents = append(c.extents[:i], c.extents[i+1:]...)
	return c.writing.end
}

// written ends what take began.
func (c *writeCache) written() {
	c.bytes -= c.writing.end - c.writing.start
	c.writing = extent{}
}

// mark lets a flush wait for everything that is in the cache.
func (c *writeCache) mark() {
	for i := range c.extents {
		c.extents[i].marked = true
	}
	c.writing.marked = c.writing.start < c.writing.end
}

// marked counts what the flush still waits for.
func (c *writeCache) marked() (count int) {
	for i := range c.extents {
		if c.extents[i].marked {
			count++
		}
	}
	if c.writing.marked {
		count++
	}
	return count
}

// lose reports everything in the order of the disk, and forgets it.
func (c *writeCache) lose(lost func(Range)) {
	if c.writing.start < c.writing.end {
		lost(Range{c.writing.start, c.writing.end - c.writing.start})
	}
	for _, e := range c.extents {
		lost(Range{e.start, e.end - e.start})
	}
	c.extents, c.writing, c.bytes = c.extents[:0], extent{}, 0
}

// readAhead is the segment buffer of a hard disk: what the head reads on after a
// read, and what it had read before it was called away. The head stops when it is
// bytesMax ahead of the last read.
type readAhead struct {
	segments []segment
	oldest   int // the next to be replaced
	bytesMax int64

	active     bool
	start, end int64    // what was asked for
	from       int64    // the transfer passes this offset ...
	since      env.Time // ... at this instant
	full       env.Time // when the buffer is full and the head stops
	place      place    // of from
}

type segment struct{ start, end int64 }

func newReadAhead(segments int, bytesMax int64) readAhead {
	return readAhead{segments: make([]segment, segments), bytesMax: bytesMax}
}

// begin starts to read on behind [start, end), which has passed at since.
func (a *readAhead) begin(g *geometry, start, end int64, since env.Time) {
	if a.bytesMax == 0 {
		return
	}
	a.active, a.start, a.end, a.from, a.since = true, start, end, end, since
	a.place = g.at(end)
	a.extend(g, end)
}

// extend moves the point from which the head may be ahead.
func (a *readAhead) extend(g *geometry, end int64) {
	a.end = max(a.end, end)
	a.start = max(a.start, a.end-a.bytesMax)
	a.full = a.since.Add(time.Duration(g.transferNs(a.from, a.end+a.bytesMax-a.from)))
}

// passing returns when the head will have passed the end of a range, if it does so
// without a stop: the range continues what was read, or has passed already.
func (a *readAhead) passing(g *geometry, now env.Time, start, end int64) (env.Time, bool) {
	if !a.active || start < a.start {
		return 0, false
	}
	at := a.since
	if end > a.from {
		at = a.since.Add(time.Duration(g.transferNs(a.from, end-a.from)))
	}
	return at, at <= min(now, a.full) || start <= a.end && now <= a.full
}

// passed is about where the head is.
func (a *readAhead) passed(g *geometry, now env.Time) int64 {
	read := int64(min(now, a.full).Sub(a.since))
	return a.from + g.passedBytes(a.place, max(0, read))
}

// stop calls the head away from the offset that it returns; what it has read
// becomes a segment.
func (a *readAhead) stop(g *geometry, now env.Time) (end int64) {
	a.active = false
	end = a.passed(g, now)
	a.segments[a.oldest] = segment{max(a.start, end-a.bytesMax), end}
	a.oldest = (a.oldest + 1) % len(a.segments)
	return end
}

// holds reports whether a segment has the range.
func (a *readAhead) holds(start, end int64) bool {
	for i := range a.segments {
		if a.segments[i].start <= start && end <= a.segments[i].end {
			return true
		}
	}
	return false
}

// forget drops segments that a write of the range has made stale.
func (a *readAhead) forget(start, end int64) {
	for i := range a.segments {
		if a.segments[i].start < end && start < a.segments[i].end {
			a.segments[i] = segment{}
		}
	}
}

// meets reports whether the head reads, or may come to read, what a write of the
// range changes.
func (a *readAhead) meets(start, end int64) bool {
	return a.active && a.start < end && start < a.end+a.bytesMax
}

func (a *readAhead) clear() {
	a.active = false
	clear(a.segments)
}
