package record

import (
	"errors"
	"fmt"
)

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

// Headers decodes the record's headers; their values point into the records
// section. It allocates. Malformed headers are ErrCorrupt.
func (r *Record) Headers() ([]RecordHeader, error) {
	if r.headerCount == 0 {
		return nil, nil
	}
	// A header takes 2 bytes at least, so the capacity is bounded by the input.
	if int(r.headerCount) > len(r.headers)/2 {
		return nil, fmt.Errorf("record: %d headers in %d bytes: %w", r.headerCount, len(r.headers), ErrCorrupt)
	}
	out := make([]RecordHeader, 0, r.headerCount)
	at := 0
	for range r.headerCount {
		key, next := lengthPrefixed(r.headers, at)
		value, end := lengthPrefixed(r.headers, next)
		if end == bad || key == nil {
			return nil, fmt.Errorf("record: header %d of %d: %w", len(out), r.headerCount, ErrCorrupt)
		}
		out = append(out, RecordHeader{Key: string(key), Value: value})
		at = end
	}
	return out, nil
}

// Iterator walks through the records of one batch. It is a value to be kept on
// the caller's stack.
type Iterator struct {
	rest          []byte
	baseOffset    int64
	baseTimestamp int64
	deltaMin      int64 // of the next record's offset
	deltaMax      int64
	count         int32 // records still to come
	index         int32 // of the next record
	appendTime    bool  // baseTimestamp holds for every record
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
// false, Err says whether the batch was read to its end. Next does not allocate.
func (it *Iterator) Next(r *Record) bool {
	if it.count <= 0 || it.err != nil {
		it.finish()
		return false
	}
	var f fields
	n := parse(it.rest, &f)
	if n == bad || int64(f.offsetDelta) < it.deltaMin || int64(f.offsetDelta) > it.deltaMax {
		it.fail(n, &f)
		return false
	}
	r.Offset = it.baseOffset + int64(f.offsetDelta)
	r.Timestamp = it.baseTimestamp
	if !it.appendTime {
		r.Timestamp += f.timestampDelta
	}
	r.Key, r.Value = f.key, f.value
	r.headers, r.headerCount = f.headers, f.headerCount
	it.rest = it.rest[n:]
	it.deltaMin = int64(f.offsetDelta) + 1
	it.count--
	it.index++
	return true
}

// Err returns nil if the batch had as many records as its header says, with
// rising offsets within its range, and no bytes after them; else ErrCorrupt.
// It means something after Next has returned false.
func (it *Iterator) Err() error { return it.err }

func (it *Iterator) finish() {
	if it.err == nil && len(it.rest) > 0 {
		it.err = fmt.Errorf("record: %d bytes after record %d: %w", len(it.rest), it.index, ErrCorrupt)
	}
}

func (it *Iterator) fail(n int, f *fields) {
	if n == bad {
		it.err = fmt.Errorf("record: record %d, with %d bytes left: %w", it.index, len(it.rest), ErrCorrupt)
		return
	}
	it.err = fmt.Errorf("record: record %d: offset delta %d outside %d to %d: %w",
		it.index, f.offsetDelta, it.deltaMin, it.deltaMax, ErrCorrupt)
}

// Validate checks what Kafka demands of the records of a batch that a producer
// sends (LogValidator, DefaultRecordBatch.ensureValid): records are well-formed,
// their offset deltas are 0, 1, 2 ..., and the header's last offset delta and
// count say the same. Errors are ErrCorrupt or ErrInvalid. Whether control or
// transactional batches are welcome is the caller's affair.
func Validate(h *Header, records []byte) error {
	if h.RecordCount <= 0 || h.LastOffsetDelta != h.RecordCount-1 {
		return fmt.Errorf("record: validate: %d records, last offset delta %d: %w",
			h.RecordCount, h.LastOffsetDelta, ErrInvalid)
	}
	var f fields
	for i := range h.RecordCount {
		n := parse(records, &f)
		if n == bad {
			return fmt.Errorf("record: validate record %d, with %d bytes left: %w", i, len(records), ErrCorrupt)
		}
		if f.offsetDelta != i {
			return fmt.Errorf("record: validate record %d: offset delta %d: %w", i, f.offsetDelta, ErrInvalid)
		}
		if f.headerCount != 0 {
			if err := checkHeaders(&f); err != nil {
				return fmt.Errorf("record: validate record %d: %w", i, err)
			}
		}
		records = records[n:]
	}
	if len(records) > 0 {
		return fmt.Errorf("record: validate: %d bytes after the last record: %w", len(records), ErrInvalid)
	}
	return nil
}

var errHeaders = errors.New("malformed headers")

func checkHeaders(f *fields) error {
	at := 0
	for range f.headerCount {
		key, next := lengthPrefixed(f.headers, at)
		_, end := lengthPrefixed(f.headers, next)
		if end == bad || key == nil {
			return fmt.Errorf("%w: %w", errHeaders, ErrCorrupt)
		}
		at = end
	}
	if at != len(f.headers) {
		return fmt.Errorf("%w: %w", errHeaders, ErrCorrupt)
	}
	return nil
}

// fields are the parts of one encoded record.
type fields struct {
	key, value, headers []byte
	timestampDelta      int64
	offsetDelta         int32
	headerCount         int32
}

// parse reads the record at the start of b into f and returns its size, or bad.
func parse(b []byte, f *fields) int {
	body, at := varint32(b, 0)
	if at == bad || body < 0 || int(body) > len(b)-at {
		return bad
	}
	end := at + int(body)
	b = b[:end]
	if at == end {
		return bad
	}
	at++ // attributes
	f.timestampDelta, at = varint64(b, at)
	f.offsetDelta, at = varint32(b, at)
	f.key, at = lengthPrefixed(b, at)
	f.value, at = lengthPrefixed(b, at)
	f.headerCount, at = varint32(b, at)
	if at == bad || f.headerCount < 0 {
		return bad
	}
	f.headers = b[at:]
	if f.headerCount == 0 && at != end {
		return bad
	}
	return end
}

// lengthPrefixed reads a length and as many bytes; a negative length is nil.
func lengthPrefixed(b []byte, at int) (p []byte, next int) {
	n, at := varint32(b, at)
	switch {
	case at == bad || int(n) > len(b)-at:
		return nil, bad
	case n < 0:
		return nil, at
	default:
		return b[at : at+int(n) : at+int(n)], at + int(n)
	}
}
