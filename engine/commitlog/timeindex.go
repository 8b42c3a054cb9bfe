package commitlog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"sort"

	"brokerlab/engine/codec"
	"brokerlab/engine/record"
)

// timeEntryBytes is the size of an entry in a .timeindex file.
const timeEntryBytes = 12

// timeEntry says that no batch up to an offset has a later timestamp: Kafka's
// TimestampOffset. The offset is the last one of the batch that has it, relative
// to the segment.
type timeEntry struct {
	timestamp int64 // ms since 1970
	offset    uint32
}

// noTime is before any entry.
var noTime = timeEntry{timestamp: -1}

// timeIndex finds batches by time: the decisions of Kafka's TimeIndex and of
// LogSegment.append. Pure.
type timeIndex struct {
	entries []timeEntry // timestamps strictly increasing, offsets too or equal
	largest timeEntry   // of the segment; noTime if it has no batch with a timestamp
}

// see tells the index of a batch at the end of its segment.
func (x *timeIndex) see(timestamp int64, lastOffset uint32) {
	if timestamp > x.largest.timestamp {
		x.largest = timeEntry{timestamp: timestamp, offset: lastOffset}
	}
}

// note makes an entry of the largest timestamp, if it is later than the last
// entry's: when the offset index gets one, at a roll and at Close.
func (x *timeIndex) note() {
	if x.largest.timestamp > x.last().timestamp {
		x.entries = append(x.entries, x.largest)
	}
}

// last is the last entry.
func (x *timeIndex) last() timeEntry {
	if len(x.entries) == 0 {
		return noTime
	}
	return x.entries[len(x.entries)-1]
}

// before returns the entries below an offset, in memory that a note does not
// write again.
func (x *timeIndex) before(offset uint32) []timeEntry {
	n := sort.Search(len(x.entries), func(i int) bool { return x.entries[i].offset >= offset })
	return x.entries[:n:n]
}

// floorTime returns the last of entries that is not later than timestamp, and
// noTime if there is none.
func floorTime(entries []timeEntry, timestamp int64) timeEntry {
	i := sort.Search(len(entries), func(i int) bool { return entries[i].timestamp > timestamp })
	if i == 0 {
		return noTime
	}
	return entries[i-1]
}

// putTimes appends the file form of entries to dst.
func putTimes(dst []byte, entries []timeEntry) []byte {
	for _, e := range entries {
		dst = binary.BigEndian.AppendUint64(dst, uint64(e.timestamp))
		dst = binary.BigEndian.AppendUint32(dst, e.offset)
	}
	return dst
}

// parseTimes returns the entries at the start of a time index file that can be
// true for a segment.
func parseTimes(file []byte) []timeEntry {
	var entries []timeEntry
	last := noTime
	for ; len(file) >= timeEntryBytes; file = file[timeEntryBytes:] {
		e := timeEntry{
			timestamp: int64(binary.BigEndian.Uint64(file)),
			offset:    binary.BigEndian.Uint32(file[8:]),
		}
		if e.timestamp <= last.timestamp || e.offset < last.offset || e.offset > math.MaxInt32 {
			break
		}
		entries = append(entries, e)
		last = e
	}
	return entries
}

// TimeOffset is a record found by its time.
type TimeOffset struct {
	Timestamp   int64 // ms since 1970
	Offset      int64
	LeaderEpoch int32 // of its batch
}

// OffsetForTime finds the first record whose timestamp is at least timestampMs,
// for ListOffsets: Kafka's UnifiedLog.fetchOffsetByTimestamp. found is false if
// there is none. In a batch that is only a length the first record is taken for
// it.
func (l *Log) OffsetForTime(timestampMs int64) (o TimeOffset, found bool, err error) {
	for range readTriesMax {
		var truncated bool
		o, found, truncated, err = l.offsetForTime(timestampMs)
		if !truncated {
			break
		}
		err = fmt.Errorf("%w: truncated during each of %d tries", ErrOffsetOutOfRange, readTriesMax)
	}
	if err != nil {
		return TimeOffset{}, false, l.wrap("find time in", err)
	}
	return o, found, nil
}

// timeView is what a search by time needs to work without the lock.
type timeView struct {
	view
	times []timeEntry
}

func (l *Log) offsetForTime(timestamp int64) (o TimeOffset, found, truncated bool, err error) {
	v, err := l.viewAtTime(timestamp)
	if err != nil || v.segment == nil {
		return TimeOffset{}, false, false, err
	}
	w := headerWalk{log: v.segment.log, pool: l.node.Pool(), base: v.segment.base, size: v.size}
	floor := floorTime(v.times, timestamp)
	position := int64(0)
	if e := floorOffset(v.entries, floor.offset); floor != noTime && e.position > 0 {
		if _, err = w.headerOf(e); err == nil {
			position = int64(e.position)
		} else if errors.Is(err, errIndexLies) {
			err = nil // the headers say all that the index can say
		}
	}
	for err == nil && !found && position < v.size {
		var h record.Header
		if h, err = w.header(position); err != nil {
			break
		}
		if h.MaxTimestamp >= timestamp {
			o, found, err = l.recordAtTime(&v.view, &h, span{position: position, size: h.SizeBytes()}, timestamp)
		}
		position += int64(h.SizeBytes())
	}
	w.close()
	truncated, closeErr := l.closeView(&v.view)
	if err == nil {
		err = closeErr
	}
	return o, found, truncated, err
}

// viewAtTime pins the first segment that reaches to a timestamp.
func (l *Log) viewAtTime(timestamp int64) (timeView, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.usableLocked(); err != nil {
		return timeView{}, err
	}
	for _, s := range l.mu.segments {
		if s.size > 0 && s.times.largest.timestamp >= timestamp {
			s.pins++
			return timeView{
				view:  view{segment: s, entries: s.sparse.entries, size: s.size, truncations: l.mu.truncations},
				times: s.times.entries,
			}, nil
		}
	}
	return timeView{}, nil
}

// recordAtTime finds the first record of a batch that is not before timestamp. Of a
// modelled batch it is the first one: the others' timestamps are not known.
func (l *Log) recordAtTime(v *view, h *record.Header, at span, timestamp int64) (o TimeOffset, found bool, err error) {
	b, err := v.segment.log.Read(at.position, at.size)
	if err == nil {
		b, err = b.Load(l.node.Pool())
	}
	if err != nil {
		return TimeOffset{}, false, err
	}
	defer b.Release()
	if b.Stub(record.HeaderSize, b.Len()-record.HeaderSize) != nil {
		if op, ok := codec.DecompressOp(h.Attributes.Codec()); ok {
			l.node.Charge(op, b.Len()-record.HeaderSize)
		}
		return TimeOffset{Timestamp: h.MaxTimestamp, Offset: h.BaseOffset, LeaderEpoch: h.PartitionLeaderEpoch}, true, nil
	}
	records, m, err := l.recordsSection(b)
	if err != nil {
		return TimeOffset{}, false, err
	}
	if m != nil {
		defer m.Release()
	}
	if t := h.Attributes.Codec(); t != codec.None {
		if op, ok := codec.DecompressOp(t); ok {
			l.node.Charge(op, len(records))
		}
		if records, err = l.newDecompressor().Append(nil, t, records); err != nil {
			return TimeOffset{}, false, fmt.Errorf("%w: %w", ErrCorrupt, err)
		}
	}
	it := record.NewIterator(h, records)
	var r record.Record
	for it.Next(&r) {
		if r.Timestamp >= timestamp {
			return TimeOffset{Timestamp: r.Timestamp, Offset: r.Offset, LeaderEpoch: h.PartitionLeaderEpoch}, true, nil
		}
	}
	if err := it.Err(); err != nil {
		return TimeOffset{}, false, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return TimeOffset{}, false, nil
}
