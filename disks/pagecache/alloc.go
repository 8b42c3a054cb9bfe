package pagecache

import (
	"slices"
	"sort"
)

// deviceRange is a piece of the device.
type deviceRange struct{ off, bytes int64 }

func (r deviceRange) end() int64 { return r.off + r.bytes }

// mapping says where a piece of a file lies.
type mapping struct {
	from int64 // in the file
	dev  deviceRange
}

// regionBytes is the piece in which free blocks are looked for together: 16 block
// groups of 128 MiB, ext4's flex_bg.
const regionBytes = 2 << 30

// region is a piece of the device with its free ranges, sorted.
type region struct {
	free      []deviceRange
	freeBytes int64
}

// allocator hands out blocks: the first free ones at or behind a goal.
type allocator struct {
	journal   deviceRange
	regions   []region
	freeBytes int64
}

// newAllocator has the whole device but the journal.
func newAllocator(capacityBytes int64, journal deviceRange) *allocator {
	capacityBytes = pageDown(capacityBytes)
	a := &allocator{journal: journal, regions: make([]region, (capacityBytes+regionBytes-1)/regionBytes)}
	for i := range a.regions {
		from := int64(i) * regionBytes
		to := min(from+regionBytes, capacityBytes)
		before := min(max(journal.off, from), to)
		after := max(min(journal.end(), to), from)
		if before >= after { // the journal is elsewhere
			a.give(deviceRange{from, to - from})
			continue
		}
		a.give(deviceRange{from, before - from})
		a.give(deviceRange{after, to - after})
	}
	return a
}

// take returns up to want bytes near the goal: all of them from the first region
// that has such a range, from the goal's on; else the largest range that is left.
// An empty range says that the device is full.
func (a *allocator) take(goal, want int64) deviceRange {
	first := int(goal / regionBytes)
	for i := range a.regions {
		r := &a.regions[(first+i)%len(a.regions)]
		if r.freeBytes < want {
			continue
		}
		if i > 0 {
			goal = 0
		}
		if at := r.find(goal, want); at >= 0 {
			return a.cut(r, at, goal, want)
		}
	}
	var largest *region
	at := 0
	for i := range a.regions {
		r := &a.regions[i]
		for j := range r.free {
			if largest == nil || r.free[j].bytes > largest.free[at].bytes {
				largest, at = r, j
			}
		}
	}
	if largest == nil {
		return deviceRange{}
	}
	return a.cut(largest, at, 0, min(want, largest.free[at].bytes))
}

// find returns the index of the free range to take want bytes from: the first one
// that has them from the goal on, else the first one that has them.
func (r *region) find(goal, want int64) int {
	start := sort.Search(len(r.free), func(i int) bool { return r.free[i].end() > goal })
	for i := start; i < len(r.free); i++ {
		if r.free[i].end()-max(goal, r.free[i].off) >= want {
			return i
		}
	}
	for i := 0; i < min(start+1, len(r.free)); i++ {
		if r.free[i].bytes >= want {
			return i
		}
	}
	return -1
}

// cut takes want bytes out of a free range, from the goal on if that lies within
// and enough is behind it.
func (a *allocator) cut(r *region, at int, goal, want int64) deviceRange {
	f := r.free[at]
	got := deviceRange{f.off, want}
	if goal > f.off && f.end()-goal >= want {
		got.off = goal
	}
	r.freeBytes -= want
	a.freeBytes -= want
	before := deviceRange{f.off, got.off - f.off}
	after := deviceRange{got.end(), f.end() - got.end()}
	switch {
	case before.bytes > 0 && after.bytes > 0:
		r.free[at] = after
		r.free = slices.Insert(r.free, at, before)
	case before.bytes > 0:
		r.free[at] = before
	case after.bytes > 0:
		r.free[at] = after
	default:
		r.free = slices.Delete(r.free, at, at+1)
	}
	return got
}

// give makes a range free. Blocks that were given twice (mapUpTo) lie in the
// journal, and are not.
func (a *allocator) give(d deviceRange) {
	if d.off >= a.journal.off && d.off < a.journal.end() {
		return
	}
	for d.bytes > 0 {
		part := min(d.bytes, regionBytes-d.off%regionBytes)
		a.regions[d.off/regionBytes].give(deviceRange{d.off, part})
		a.freeBytes += part
		d = deviceRange{d.off + part, d.bytes - part}
	}
}

func (r *region) give(d deviceRange) {
	r.freeBytes += d.bytes
	i := sort.Search(len(r.free), func(i int) bool { return r.free[i].off > d.off })
	j := i
	if i > 0 && r.free[i-1].end() == d.off {
		i--
		d = deviceRange{r.free[i].off, r.free[i].bytes + d.bytes}
	}
	if j < len(r.free) && d.end() == r.free[j].off {
		d.bytes += r.free[j].bytes
		j++
	}
	r.free = slices.Replace(r.free, i, j, d)
}

// Place is where the files of a new directory go, whose parent's go to another
// place. On ext4 (find_group_orlov) that is the first region from the parent's on
// that has room: three quarters of the mean. On xfs allocation groups take turns
// (xfs_dialloc).
func (v *Volume) Place(parent int64) int64 {
	if n := v.fs.PlacesBySlot; n > 0 {
		v.places++
		return pageDown(v.capacity / int64(n) * int64(v.places%n))
	}
	a := v.alloc
	mean := a.freeBytes / int64(len(a.regions))
	for i := range a.regions {
		at := (int(parent/regionBytes) + i) % len(a.regions)
		if a.regions[at].freeBytes >= mean/4*3 {
			return int64(at) * regionBytes
		}
	}
	return parent
}

// window is how many bytes are set aside for a file that is to be mapped up to an
// end: on ext4 by ext4_mb_normalize_request, which rounds sizes up to a power of
// two until 1 MiB and takes 2, 4 and 8 MiB after that; on xfs as much again as
// the file has (xfs_iomap_prealloc_size).
func (v *Volume) window(mappedBytes, end int64) int64 {
	const mib = 1 << 20
	if v.fs.OrderedData {
		switch {
		case end <= mib:
			size := int64(16 << 10)
			for size < end {
				size *= 2
			}
			return size - mappedBytes
		case end <= 4*mib:
			return 2 * mib
		case end <= 8*mib:
			return 4 * mib
		}
		return 8 * mib
	}
	const least, most = 64 << 10, 1 << 30
	return min(max(mappedBytes, least), most)
}

// mapUpTo gives the file blocks up to an end, and reports whether it had to. At most
// a 64th of what is free is set aside. When there is none, since others have set it
// aside, blocks in the journal stand for those that Linux would take back from
// them: only their place matters here, and the owner counts what is free.
func (f *File) mapUpTo(end int64) (allocated bool) {
	v := f.volume
	from := int64(0)
	if n := len(f.mapped); n > 0 {
		from = f.mapped[n-1].from + f.mapped[n-1].dev.bytes
	}
	for from < end {
		allocated = true
		if f.reserved.bytes == 0 {
			goal := f.goal
			if n := len(f.mapped); n > 0 {
				goal = f.mapped[n-1].dev.end()
			}
			goal = min(goal, v.capacity-PageBytes)
			window := min(v.window(from, end), pageDown(v.alloc.freeBytes/64))
			f.reserved = v.alloc.take(goal, max(window, end-from))
			if f.reserved.bytes == 0 {
				f.reserved = deviceRange{v.journal.off, PageBytes}
			}
		}
		part := deviceRange{f.reserved.off, min(f.reserved.bytes, end-from)}
		f.reserved = deviceRange{part.end(), f.reserved.bytes - part.bytes}
		if n := len(f.mapped); n > 0 && f.mapped[n-1].dev.end() == part.off {
			f.mapped[n-1].dev.bytes += part.bytes
		} else {
			f.mapped = append(f.mapped, mapping{from, part})
		}
		from += part.bytes
	}
	return allocated
}

// unmap frees the blocks from an offset on, and the reserved ones.
func (f *File) unmap(from int64) {
	f.Close()
	for n := len(f.mapped); n > 0; n = len(f.mapped) {
		m := &f.mapped[n-1]
		keep := max(0, from-m.from)
		if keep >= m.dev.bytes {
			return
		}
		f.volume.alloc.give(deviceRange{m.dev.off + keep, m.dev.bytes - keep})
		m.dev.bytes = keep
		if keep > 0 {
			return
		}
		f.mapped = f.mapped[:n-1]
	}
}

// place returns where an offset of the file lies, and how many bytes lie there in
// one piece.
func (f *File) place(off int64) deviceRange {
	i := len(f.mapped) - 1
	if f.mapped[i].from > off {
		i = sort.Search(len(f.mapped), func(i int) bool { return f.mapped[i].from > off }) - 1
	}
	m := f.mapped[i]
	skip := off - m.from
	return deviceRange{m.dev.off + skip, m.dev.bytes - skip}
}
