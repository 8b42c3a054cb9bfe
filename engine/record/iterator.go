package record

import "fmt"

// Record is one record of a batch. Key and Value point into the records section
// that the Iterator was given and are valid as long as it is.
type Record struct {
	Offset    int64
	Timestamp int64  // ms since 1970
	Key       []byte // nil is null
	Value     []byte // nil is null

	headers     []byte // encoded
	headerCount int32
}

// Headers decodes the record's headers, nil if there are none; their values
// point into the records section. It allocates. Malformed headers are ErrInvalid.
func (r *Record) Headers() ([]RecordHeader, error) {
	if r.headerCount == 0 {
		return nil, nil
	}
	// A header takes 2 bytes at least: the input bounds what is allocated.
	out := make([]RecordHeader, 0, min(int(r.headerCount), len(r.headers)/2))
	err := eachHeader(r.headers, r.headerCount, func(key, value []byte) {
		out = append(out, RecordHeader{Key: string(key), Value: value})
	})
	if err != nil {
		return nil, fmt.Errorf("record: offset %d: %w", r.Offset, err)
	}
	return out, nil
}

// HasHeaders says whether the record has any.
func (r *Record) HasHeaders() bool { return r.headerCount > 0 }

// Header returns the value of the record's first header of that key, which points into
// the records section; ok is false if there is none, or if headers before it are
// malformed. It does not allocate.
func (r *Record) Header(key string) (value []byte, ok bool) {
	at := 0
	for range r.headerCount {
		keyAt, keyEnd, next := nullable(r.headers, at)
		valueAt, valueEnd, next := nullable(r.headers, next)
		if next == bad || keyEnd < keyAt {
			return nil, false
		}
		if string(r.headers[keyAt:keyEnd]) == key {
			return cut(r.headers, valueAt, valueEnd), true
		}
		at = next
	}
	return nil, false
}

// Iterator walks through the records of one batch, which may have been compacted:
// offsets rise, with gaps. It gives the marker of a control batch as any record:
// ask Attributes.Control before. It is a value to be kept on the caller's stack.
type Iterator struct {
	rest          []byte
	baseOffset    int64
	baseTimestamp int64 // the max timestamp if appendTime
	deltaMin      int64 // of the next record's offset
	deltaMax      int64
	count         int32 // records of the batch
	index         int32 // of the next record
	appendTime    bool
	err           error
}

// NewIterator returns an iterator over the decompressed records section of the
// batch with header h.
func NewIterator(h *Header, records []byte) Iterator {
	it := Iterator{
		rest:          records,
		baseOffset:    h.BaseOffset,
		baseTimestamp: h.BaseTimestamp,
		deltaMax:      int64(h.LastOffsetDelta),
		count:         h.RecordCount,
		appendTime:    h.Attributes.LogAppendTime(),
	}
	if it.appendTime {
		it.baseTimestamp = h.MaxTimestamp
	}
	return it
}

// Next puts the next record into r and reports whether there was one. After
// false, Err says whether the batch was read to its end. Next does not allocate,
// and does not look into a record's headers.
func (it *Iterator) Next(r *Record) bool {
	if it.index >= it.count || it.err != nil {
		it.finish()
		return false
	}
	var l layout
	b := it.rest
	n := parse(b, &l)
	delta := int64(l.offsetDelta)
	if n == bad || delta < it.deltaMin || delta > it.deltaMax {
		it.fail(n, delta)
		return false
	}
	r.Offset = it.baseOffset + delta
	r.Timestamp = it.baseTimestamp
	if !it.appendTime {
		r.Timestamp += l.timestampDelta
	}
	r.Key, r.Value = cut(b, l.keyAt, l.keyEnd), cut(b, l.valueAt, l.valueEnd)
	r.headers, r.headerCount = b[l.headersAt:n], l.headerCount
	it.rest = b[n:]
	it.deltaMin = delta + 1
	it.index++
	return true
}

// Err returns nil if the batch had as many records as its header says, with
// rising offsets within its range, and no bytes after them; else ErrInvalid.
// It means something after Next has returned false.
func (it *Iterator) Err() error { return it.err }

func (it *Iterator) finish() {
	if it.err == nil && len(it.rest) > 0 {
		it.err = fmt.Errorf("record: %d bytes after the last of %d records: %w", len(it.rest), it.count, ErrInvalid)
	}
}

func (it *Iterator) fail(n int, delta int64) {
	if n == bad {
		it.err = fmt.Errorf("record: record %d of %d, %d bytes left: %w", it.index, it.count, len(it.rest), ErrInvalid)
		return
	}
	it.err = fmt.Errorf("record: record %d of %d: offset delta %d outside %d to %d: %w",
		it.index, it.count, delta, it.deltaMin, it.deltaMax, ErrInvalid)
}
