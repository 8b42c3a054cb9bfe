package pagecache

import (
	"time"

	"brokerlab/engine/env"
)

// span is a range of a file, in whole pages.
type span struct{ from, to int64 }

func (s span) bytes() int64         { return s.to - s.from }
func (s span) overlaps(t span) bool { return s.from < t.to && t.from < s.to }

func pageDown(off int64) int64 { return off &^ (PageBytes - 1) }
func pageUp(off int64) int64   { return (off + PageBytes - 1) &^ (PageBytes - 1) }

// extentBytesMax bounds what is evicted at once. It is 1/64 of the memory if that
// is less.
const extentBytesMax = 1 << 20

// extent is a piece of a file that is in memory, in the list of least recent use.
type extent struct {
	span
	file       *File
	prev, next *extent
}

// Cache is the memory of one machine, shared by the files of its volumes.
type Cache struct {
	cfg       Config
	limits    Limits
	extentMax int64
	volumes   []*Volume

	cachedBytes    int64
	dirtyBytes     int64
	dirtyPeakBytes int64 // since TakeDirtyPeak
	writebackBytes int64
	oldest, newest *extent    // by use
	spare          *extent    // for reuse, linked by next
	sizes          []FileSize // for one commit at a time

	completed       uint64 // pages written lately, on all volumes; halved in every period
	completedPeriod int64

	stats Stats
}

// New returns an empty cache. It panics if cfg is not valid.
func New(cfg Config) *Cache {
	if err := cfg.Validate(); err != nil {
		panic("pagecache: " + err.Error())
	}
	most := max(PageBytes, pageDown(cfg.MemoryBytes/64))
	return &Cache{cfg: cfg, limits: cfg.Limits(), extentMax: min(extentBytesMax, most)}
}

// Limits returns the thresholds of dirty memory.
func (c *Cache) Limits() Limits { return c.limits }

// Stats are counts, and sizes of the instant.
type Stats struct {
	CachedBytes    int64
	DirtyBytes     int64 // not yet on their way
	WritebackBytes int64 // on their way to a device
	DirtyMaxBytes  int64 // the most that the two were together
	Throttled      time.Duration
	Pauses         int64
	PauseMax       time.Duration
	HitBytes       int64 // of reads, in memory when they were asked for
	MissBytes      int64 // of reads, waited for
	EvictedBytes   int64
}

// Stats returns the figures of the whole machine.
func (c *Cache) Stats() Stats {
	s := c.stats
	s.CachedBytes, s.DirtyBytes, s.WritebackBytes = c.cachedBytes, c.dirtyBytes, c.writebackBytes
	return s
}

// TakeDirtyPeak returns the most bytes that were dirty or under way since it was last
// called, and begins again at what they are now.
func (c *Cache) TakeDirtyPeak() int64 {
	peak := c.dirtyPeakBytes
	c.dirtyPeakBytes = c.dirtyBytes + c.writebackBytes
	return peak
}

// unlink takes e out of the list of use.
func (c *Cache) unlink(e *extent) {
	if e.prev == nil {
		c.oldest = e.next
	} else {
		e.prev.next = e.next
	}
	if e.next == nil {
		c.newest = e.prev
	} else {
		e.next.prev = e.prev
	}
	e.prev, e.next = nil, nil
}

// link makes e the last one to be evicted.
func (c *Cache) link(e *extent) {
	e.prev, e.next = c.newest, nil
	if c.newest == nil {
		c.oldest = e
	} else {
		c.newest.next = e
	}
	c.newest = e
}

// touch notes a use.
func (c *Cache) touch(e *extent) {
	if c.newest != e {
		c.unlink(e)
		c.link(e)
	}
}

// newExtent is in the list and not yet in its file.
func (c *Cache) newExtent(f *File, s span) *extent {
	e := c.spare
	if e == nil {
		e = &extent{}
	} else {
		c.spare = e.next
	}
	*e = extent{span: s, file: f}
	c.link(e)
	c.cachedBytes += s.bytes()
	f.volume.stats.CachedBytes += s.bytes()
	return e
}

// shrink makes e the given part of itself, which may be empty: then it is gone.
func (c *Cache) shrink(e *extent, to span) {
	less := e.bytes() - max(0, to.bytes())
	c.cachedBytes -= less
	e.file.volume.stats.CachedBytes -= less
	if to.bytes() > 0 {
		e.span = to
		return
	}
	c.unlink(e)
	*e = extent{next: c.spare}
	c.spare = e
}

// evictTries bounds how many extents one call looks at.
const evictTries = 16

// evict forgets what was not used for longest until the memory holds the rest. What
// is dirty or under way stays, and is looked at again later.
func (c *Cache) evict() {
	for range evictTries {
		e := c.oldest
		if c.cachedBytes <= c.cfg.MemoryBytes || e == nil {
			return
		}
		f := e.file
		if f.busy(e.span) {
			c.touch(e)
			continue
		}
		c.stats.EvictedBytes += e.bytes()
		f.volume.stats.EvictedBytes += e.bytes()
		f.dropExtent(e)
	}
}

// dirtied adds to the dirty bytes; less than none where they are forgotten.
func (c *Cache) dirtied(v *Volume, bytes int64) {
	c.dirtyBytes += bytes
	v.stats.DirtyBytes += bytes
	c.stats.DirtyMaxBytes = max(c.stats.DirtyMaxBytes, c.dirtyBytes+c.writebackBytes)
	c.dirtyPeakBytes = max(c.dirtyPeakBytes, c.dirtyBytes+c.writebackBytes)
	v.stats.DirtyMaxBytes = max(v.stats.DirtyMaxBytes, v.stats.DirtyBytes+v.stats.WritebackBytes)
}

// underWay adds to the bytes that are being written.
func (c *Cache) underWay(v *Volume, bytes int64) {
	c.writebackBytes += bytes
	v.stats.WritebackBytes += bytes
}

// completionPeriod is the span in which the weight of old completions is halved
// (VM_COMPLETIONS_PERIOD_LEN).
const completionPeriod = 3 * time.Second

// noteCompleted counts pages that a volume has written.
func (c *Cache) noteCompleted(now env.Time, v *Volume, pages int64) {
	c.age(now, v)
	c.completed += uint64(pages)
	v.completed += uint64(pages)
}

// age halves the counts as often as periods have begun.
func (c *Cache) age(now env.Time, v *Volume) {
	period := int64(now) / int64(completionPeriod)
	c.completed >>= min(63, uint64(period-c.completedPeriod))
	c.completedPeriod = period
	v.completed >>= min(63, uint64(period-v.completedPeriod))
	v.completedPeriod = period
}

// share is v's part of a number of pages: that of its recent completions among
// all (__wb_calc_thresh). Without any, the volumes have equal parts.
func (c *Cache) share(now env.Time, v *Volume, pages int64) int64 {
	c.age(now, v)
	if len(c.volumes) == 1 {
		return pages
	}
	if c.completed == 0 {
		return pages / int64(len(c.volumes))
	}
	const scale = 1 << 16
	part := min(scale, v.completed*scale/c.completed)
	return pages * int64(part) / scale
}
