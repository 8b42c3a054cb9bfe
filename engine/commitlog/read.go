package commitlog

import (
	"errors"
	"fmt"
	"math"
	"sort"

	"brokerlab/engine/env"
	"brokerlab/engine/record"
)

// headerChunkBytes is how much is read from a file to see batch headers: the
// distance of two index entries, so that small batches need one read.
const headerChunkBytes = 4096

// errIndexLies says that an index entry points at something else than the batch
// that it names.
var errIndexLies = errors.New("index entry does not match the log")

// Read returns whole batches from the one that contains r.Offset on, from one
// segment, as Kafka's LogSegment.read (which may end inside a batch). It is
// empty if there is nothing below r.Limit or nothing fits in r.MaxBytes.
// ErrOffsetOutOfRange says that r.Offset is not in the log. The bytes of the
// file are read when the Buf is loaded or sent; if they are truncated before
// that, loading fails or returns other batches, as in Kafka.
func (l *Log) Read(r ReadRequest) (env.Buf, error) {
	b, err := l.read(r)
	if err != nil {
		return env.Buf{}, l.wrap("read", err)
	}
	return b, nil
}

func (l *Log) read(r ReadRequest) (env.Buf, error) {
	for range readTriesMax {
		v, err := l.view(r)
		if err != nil || v.segment == nil {
			return env.Buf{}, err
		}
		b, err := l.readView(&v)
		truncated, closeErr := l.closeView(&v)
		switch {
		case err == nil && closeErr == nil && !truncated && b.Len() == v.found.size:
			return b, nil
		case err == nil:
			b.Release()
			err = closeErr
		}
		if !truncated {
			if err == nil {
				err = fmt.Errorf("%w: the file is shorter than the log", ErrCorrupt)
			}
			return env.Buf{}, err
		}
	}
	return env.Buf{}, fmt.Errorf("%w: truncated during each of %d tries", ErrOffsetOutOfRange, readTriesMax)
}

// view is what a read needs to work without the lock. The segment is pinned.
type view struct {
	segment     *segment // nil: there is nothing to read
	entries     []indexEntry
	size        int64
	read        segmentRead
	found       span
	known       bool // found is valid
	truncations int64
}

// view finds the segment, and from the recent batches the place, of a read.
func (l *Log) view(r ReadRequest) (view, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.usableLocked(); err != nil {
		return view{}, err
	}
	segments := l.mu.segments
	if r.Offset < segments[0].base || r.Offset > l.mu.end {
		return view{}, fmt.Errorf("%w: %d is not in %d to %d", ErrOffsetOutOfRange, r.Offset, segments[0].base, l.mu.end)
	}
	if r.Offset >= min(r.Limit, l.mu.end) {
		return view{}, nil
	}
	i := sort.Search(len(segments), func(i int) bool { return segments[i].base > r.Offset }) - 1
	for r.Offset >= segments[i].end && i < len(segments)-1 { // a gap between segments
		i++
		r.Offset = segments[i].base
	}
	if r.Offset >= min(r.Limit, l.mu.end) {
		return view{}, nil
	}
	s := segments[i]
	v := view{
		segment: s, entries: s.sparse.entries, size: s.size, truncations: l.mu.truncations,
		read: segmentRead{
			offset:     uint32(r.Offset - s.base),
			limit:      uint32(min(r.Limit, s.end) - s.base),
			maxBytes:   int64(max(r.MaxBytes, 0)),
			atLeastOne: r.AtLeastOne,
		},
	}
	v.found, v.known = recentRead(s.recent, v.read)
	if v.known && v.found.size == 0 {
		return view{}, nil
	}
	s.pins++
	return v, nil
}

// closeView unpins a view's segment and says whether a Truncate ran since.
func (l *Log) closeView(v *view) (truncated bool, err error) {
	l.mu.Lock()
	truncated = v.truncations != l.mu.truncations
	idle := l.unpinLocked(v.segment)
	l.mu.Unlock()
	if idle {
		err = v.segment.log.Close()
	}
	return truncated, err
}

// readView reads what a view says, after finding the place if it has to.
func (l *Log) readView(v *view) (env.Buf, error) {
	if !v.known {
		w := headerWalk{log: v.segment.log, pool: l.node.Pool(), base: v.segment.base, size: v.size}
		found, err := w.find(v.entries, v.read)
		if errors.Is(err, errIndexLies) {
			// The headers say all that the index can say.
			found, err = w.find(nil, v.read)
		}
		w.close()
		if err != nil {
			return env.Buf{}, err
		}
		v.found = found
	}
	if v.found.size == 0 {
		return env.Buf{}, nil
	}
	return v.segment.log.Read(v.found.position, v.found.size)
}

// headerWalk reads batch headers of a segment from its file.
type headerWalk struct {
	log   env.File
	pool  *env.Pool
	base  int64
	size  int64   // of the segment
	chunk env.Buf // in memory
	at    int64   // position of chunk
}

func (w *headerWalk) close() {
	w.chunk.Release()
	w.chunk = env.Buf{}
}

// header returns the header of the batch at position, which must lie wholly in
// the segment.
func (w *headerWalk) header(position int64) (record.Header, error) {
	if position < w.at || position+record.HeaderSize > w.at+int64(w.chunk.Len()) {
		w.close()
		b, err := w.log.Read(position, int(min(headerChunkBytes, w.size-position)))
		if err == nil {
			b, err = b.Load(w.pool)
		}
		if err != nil {
			return record.Header{}, err
		}
		w.chunk, w.at = b, position
	}
	off := int(position - w.at)
	if w.chunk.Len()-off < record.HeaderSize {
		return record.Header{}, fmt.Errorf("%w: no room for a header at %d", ErrCorrupt, position)
	}
	h, err := parseHeader(w.chunk, off)
	if err != nil {
		return record.Header{}, err
	}
	if position+int64(h.SizeBytes()) > w.size || h.BaseOffset < w.base || h.LastOffset()-w.base > math.MaxInt32 {
		return record.Header{}, fmt.Errorf("%w: the batch at %d does not fit into the segment", ErrCorrupt, position)
	}
	return h, nil
}

// headerOf returns the header of the batch that an index entry names, or that of
// the first batch for the zero entry.
func (w *headerWalk) headerOf(e indexEntry) (record.Header, error) {
	h, err := w.header(int64(e.position))
	if e.position > 0 && (errors.Is(err, ErrCorrupt) || err == nil && h.LastOffset() != w.base+int64(e.lastOffset)) {
		err = errIndexLies
	}
	return h, err
}

// find is Kafka's LogSegment.translateOffset and read: it finds the batch with
// the offset, and the end of the last one that fits, each from the index entry
// before it on.
func (w *headerWalk) find(entries []indexEntry, r segmentRead) (span, error) {
	e := floorOffset(entries, r.offset)
	position := int64(e.position)
	h, err := w.headerOf(e)
	for err == nil && h.LastOffset() < w.base+int64(r.offset) {
		position += int64(h.SizeBytes())
		h, err = w.header(position)
	}
	if err != nil {
		return span{}, err
	}
	limit := w.base + int64(r.limit)
	first := int64(h.SizeBytes())
	if h.NextOffset() > limit || first > r.maxBytes && !r.atLeastOne {
		return span{}, nil
	}
	last := position + r.maxBytes
	end := position + first
	if e := floorEnd(entries, uint32(min(last, math.MaxUint32)), r.limit); int64(e.position) > position {
		if _, err = w.headerOf(e); err != nil {
			return span{}, err
		}
		end = int64(e.position)
	}
	for end < w.size && end < last {
		h, err = w.header(end)
		if err != nil {
			return span{}, err
		}
		if h.NextOffset() > limit || end+int64(h.SizeBytes()) > last {
			break
		}
		end += int64(h.SizeBytes())
	}
	return span{position: position, size: int(end - position)}, nil
}
