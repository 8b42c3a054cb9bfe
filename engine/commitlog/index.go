package commitlog

import (
	"encoding/binary"
	"math"
	"sort"
)

// indexEntryBytes is the size of an entry in an .index file.
const indexEntryBytes = 8

// indexEntry says where a batch lies, by its last offset, as Kafka's
// OffsetPosition. Both are relative to the segment. A position of 0 is no entry:
// the first batch of a segment is never indexed.
type indexEntry struct {
	lastOffset uint32
	position   uint32
}

// sparseIndex decides which batches get an index entry and finds them. Pure.
type sparseIndex struct {
	intervalBytes int64
	sinceBytes    int64        // appended since the last entry
	entries       []indexEntry // both fields strictly increasing
}

// add tells the index of a batch at the end of its segment. It is the loop body
// of Kafka's LogSegment.append. It reports whether there is a new entry.
func (x *sparseIndex) add(lastOffset, position uint32, sizeBytes int) (entry bool) {
	entry = x.sinceBytes > x.intervalBytes
	if entry {
		x.entries = append(x.entries, indexEntry{lastOffset: lastOffset, position: position})
		x.sinceBytes = 0
	}
	x.sinceBytes += int64(sizeBytes)
	return entry
}

// floorOffset returns the last of entries whose offset is at most offset, and
// the zero entry (the start of the segment) if there is none.
func floorOffset(entries []indexEntry, offset uint32) indexEntry {
	i := sort.Search(len(entries), func(i int) bool { return entries[i].lastOffset > offset })
	if i == 0 {
		return indexEntry{}
	}
	return entries[i-1]
}

// floorEnd returns the last of entries whose position is at most position and
// whose offset is below limit, and the zero entry if there is none.
func floorEnd(entries []indexEntry, position, limit uint32) indexEntry {
	i := sort.Search(len(entries), func(i int) bool {
		return entries[i].position > position || entries[i].lastOffset >= limit
	})
	if i == 0 {
		return indexEntry{}
	}
	return entries[i-1]
}

// cut makes position, where a batch begins, the end of the segment. Readers may
// hold the old entries, so that their memory is not written again.
func (x *sparseIndex) cut(position uint32) {
	n := sort.Search(len(x.entries), func(i int) bool { return x.entries[i].position >= position })
	x.entries = x.entries[:n:n]
	x.sinceBytes = int64(position)
	if n > 0 {
		x.sinceBytes -= int64(x.entries[n-1].position) // an entry's own batch counts
	}
}

// putEntries appends the file form of entries to dst.
func putEntries(dst []byte, entries []indexEntry) []byte {
	for _, e := range entries {
		dst = binary.BigEndian.AppendUint32(dst, e.lastOffset)
		dst = binary.BigEndian.AppendUint32(dst, e.position)
	}
	return dst
}

// parseEntries returns the entries at the start of an index file that can be
// true for a segment of segmentBytes bytes. Kafka preallocates the active
// segment's index with zeros, which end it here as garbage does.
func parseEntries(file []byte, segmentBytes int64) []indexEntry {
	var entries []indexEntry
	last := indexEntry{}
	for len(file) >= indexEntryBytes {
		e := indexEntry{
			lastOffset: binary.BigEndian.Uint32(file),
			position:   binary.BigEndian.Uint32(file[4:]),
		}
		file = file[indexEntryBytes:]
		follows := e.position > last.position && (len(entries) == 0 || e.lastOffset > last.lastOffset)
		if !follows || e.lastOffset > math.MaxInt32 || int64(e.position) >= segmentBytes {
			break
		}
		entries = append(entries, e)
		last = e
	}
	return entries
}

// batchRef is the place of one batch, by its first offset. Both are relative to
// the segment.
type batchRef struct {
	baseOffset uint32
	position   uint32
}

// span is a piece of a segment that holds whole batches.
type span struct {
	position int64
	size     int
}

// recentRead finds the batches of a read among refs, the places of consecutive
// batches of a segment; the last ref is where the segment ends. ok is false if
// the batch with the offset lies before refs. Pure.
func recentRead(refs []batchRef, r segmentRead) (s span, ok bool) {
	if len(refs) == 0 || r.offset < refs[0].baseOffset {
		return span{}, false
	}
	end := len(refs) - 1
	first := sort.Search(len(refs), func(i int) bool { return refs[i].baseOffset > r.offset }) - 1
	if first == end {
		return span{}, true
	}
	start := refs[first]
	tail := refs[first+1:]
	// within counts the batches that end at or before the limit, fit those that
	// end within maxBytes.
	within := sort.Search(len(tail), func(i int) bool { return tail[i].baseOffset > r.limit })
	fit := sort.Search(within, func(i int) bool { return int64(tail[i].position-start.position) > r.maxBytes })
	if fit == 0 && within > 0 && r.atLeastOne {
		fit = 1
	}
	if fit == 0 {
		return span{}, true
	}
	return span{position: int64(start.position), size: int(tail[fit-1].position - start.position)}, true
}

// segmentRead is a ReadRequest in offsets relative to a segment.
type segmentRead struct {
	offset     uint32
	limit      uint32 // exclusive, at most the segment's end
	maxBytes   int64
	atLeastOne bool
}
