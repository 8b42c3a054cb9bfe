package pagecache

import (
	"math/bits"

	"brokerlab/disks/device"
	"brokerlab/engine/env"
)

// load is a read from the device that is under way.
type load struct {
	span
	file    *File
	pending int // requests
	ops     []*Op
}

// ReadAhead is what an open file remembers of its reads (struct file_ra_state). The
// zero value is that of a file just opened.
type ReadAhead struct {
	start, size int64 // the window that was read last
	async       int64 // the last bytes of it: who comes there starts the next one
	previous    int64 // where the last read ended
}

// initialWindow is the first window for a request (get_init_ra_size).
func initialWindow(request, most int64) int64 {
	pages := (request + PageBytes - 1) / PageBytes
	window := int64(PageBytes) << bits.Len64(uint64(max(pages, 1)-1))
	switch {
	case window <= most/32:
		return window * 4
	case window <= most/4:
		return window * 2
	}
	return most
}

// nextWindow is the one after a window (get_next_ra_size).
func nextWindow(window, most int64) int64 {
	switch {
	case window < most/16:
		return window * 4
	case window <= most/2:
		return window * 2
	}
	return most
}

// Read is a read of n bytes from off, of which those before pos were there already.
// It returns where it came to: at the end nothing is left to wait for. Before that
// op waits until the page there has been loaded; go on at op.Loaded then.
func (f *File) Read(now env.Time, ra *ReadAhead, off, n, pos int64, op *Op) (next int64) {
	v, end := f.volume, min(off+n, f.length)
	for pos < end {
		i := f.findCached(pos)
		if i == len(f.cached) || f.cached[i].from > pos {
			v.miss(now, f, ra, span{pageDown(off), pageUp(end)}, pageDown(pos), op)
			return pos
		}
		e := f.cached[i]
		to := min(e.to, end)
		v.stats.HitBytes += to - pos
		v.cache.stats.HitBytes += to - pos
		v.cache.touch(e)
		f.ahead(now, ra, pos, to)
		pos = to
	}
	ra.previous = end
	return pos
}

// ahead reads the next window if the reader, who goes from one offset to another,
// comes to the mark of the last one.
func (f *File) ahead(now env.Time, ra *ReadAhead, from, to int64) {
	if mark := ra.start + ra.size - ra.async; ra.async > 0 && from <= mark && mark < to {
		ra.start, ra.size = ra.start+ra.size, nextWindow(ra.size, pageDown(f.volume.cache.cfg.ReadAheadBytes))
		ra.async = ra.size
		f.load(now, span{ra.start, ra.start + ra.size})
	}
}

// miss reads the page at pos and what read-ahead adds (ondemand_readahead), and
// lets op wait for it.
func (v *Volume) miss(now env.Time, f *File, ra *ReadAhead, want span, pos int64, op *Op) {
	l := f.loading(pos)
	if l == nil {
		most := pageDown(v.cache.cfg.ReadAheadBytes)
		rest := want.to - pos
		switch sequential := pageDown(ra.previous) == pos || pos > want.from; {
		case most == 0:
			ra.start, ra.size, ra.async = pos, rest, 0
		case ra.size > 0 && pos == ra.start+ra.size:
			ra.start, ra.size = pos, nextWindow(ra.size, most)
			ra.async = ra.size
		case pos == 0 || sequential || rest > most:
			ra.start, ra.size = pos, initialWindow(rest, most)
			ra.async = ra.size
			if ra.size > rest {
				ra.async = ra.size - rest
			}
		default: // a random read
			ra.start, ra.size, ra.async = pos, rest, 0
		}
		f.load(now, span{pos, ra.start + ra.size})
		l = f.loading(pos)
	}
	op.Loaded = min(l.to, want.to)
	missed := op.Loaded - pos
	v.stats.MissBytes += missed
	v.cache.stats.MissBytes += missed
	l.ops = append(l.ops, op)
	f.ahead(now, ra, pos, op.Loaded)
}

// loading returns the load that brings the page at pos, if any.
func (f *File) loading(pos int64) *load {
	for _, l := range f.loads {
		if l.from <= pos && pos < l.to {
			return l
		}
	}
	return nil
}

// load reads the pages of a span that are neither in memory nor on their way.
func (f *File) load(now env.Time, s span) {
	s.to = min(s.to, pageUp(f.length))
	for s.from < s.to {
		to := s.to
		if l := f.loading(s.from); l != nil {
			s.from = l.to
			continue
		}
		for _, l := range f.loads {
			if l.from > s.from {
				to = min(to, l.from)
			}
		}
		if i := f.findCached(s.from); i < len(f.cached) {
			if e := f.cached[i]; e.from <= s.from {
				s.from = e.to
				continue
			}
			to = min(to, f.cached[i].from)
		}
		f.startLoad(now, span{s.from, to})
		s.from = to
	}
}

func (f *File) startLoad(now env.Time, s span) {
	v := f.volume
	f.mapUpTo(s.to) // what was never written was never evicted
	l := &load{span: s, file: f}
	f.loads = append(f.loads, l)
	for off := s.from; off < s.to; {
		at := f.place(off)
		n := min(at.bytes, s.to-off, requestBytesMax)
		id := v.take(readPages)
		v.requests[id].load = l
		l.pending++
		v.submit(now, id, device.Request{Op: device.Read, Offset: at.off, Bytes: n})
		off += n
	}
}

// loaded is the end of one request of a load.
func (v *Volume) loaded(_ env.Time, l *load) {
	l.pending--
	if l.pending > 0 {
		return
	}
	f := l.file
	for i := range f.loads {
		if f.loads[i] == l {
			f.loads = append(f.loads[:i], f.loads[i+1:]...)
			break
		}
	}
	if s := (span{l.from, min(l.to, pageUp(f.length))}); !f.forgotten && s.from < s.to {
		f.cache(s)
		v.cache.evict()
	}
	for _, op := range l.ops {
		v.finish(op)
	}
}
