package record

import "fmt"

// layout is where the parts of one encoded record lie. It holds positions and no
// slices, so that whoever wants only some parts pays only for these.
type layout struct {
	timestampDelta    int64
	keyAt, keyEnd     int // keyEnd < keyAt is null
	valueAt, valueEnd int // likewise
	headersAt         int // headers end where the record ends
	offsetDelta       int32
	headerCount       int32
}

// fastRoom is more than the integers before a record's key take when each is
// short (2 bytes at most).
const fastRoom = 16

// parse reads the record at the start of b into l and returns its size, or bad.
// It does not look into the headers. This half takes the records that almost all
// are, with short integers and no headers, and is twice as fast on them as
// parseAny, which takes all and says what is bad.
func parse(b []byte, l *layout) (size int) {
	if len(b) < fastRoom {
		return parseAny(b, l)
	}
	body, start := short(b, 0)
	timestamp, at := short(b, start+1) // after the attributes: none is defined
	offset, at := short(b, at)
	key, at := short(b, at)
	end := start + int(body>>1)
	if body&1 != 0 || end > len(b) {
		return parseAny(b, l)
	}
	l.keyAt, l.keyEnd = at, at-1
	if key&1 == 0 {
		at += int(key >> 1)
		l.keyEnd = at
	}
	if at+2 > end {
		return parseAny(b, l)
	}
	value, at := short(b, at)
	l.valueAt, l.valueEnd = at, at-1
	if value&1 == 0 {
		at += int(value >> 1)
		l.valueEnd = at
	}
	if (body|timestamp|offset|key|value) > shortMax || at != end-1 || b[at] != 0 {
		return parseAny(b, l)
	}
	l.timestampDelta, l.offsetDelta = unzigzag64(uint64(timestamp)), unzigzag32(offset)
	l.headersAt, l.headerCount = end, 0
	return end
}

func parseAny(b []byte, l *layout) (size int) {
	body, at := varint32(b, 0)
	// A negative length is a huge unsigned one, and a position of bad comes with
	// a body of 0.
	if uint(body) > uint(len(b)-at) || body == 0 {
		return bad
	}
	b = b[:at+int(body)]
	l.timestampDelta, at = varint64(b, at+1)
	l.offsetDelta, at = varint32(b, at)
	l.keyAt, l.keyEnd, at = nullable(b, at)
	l.valueAt, l.valueEnd, at = nullable(b, at)
	l.headerCount, l.headersAt = varint32(b, at)
	if l.headersAt == bad || l.headerCount < 0 || l.headerCount == 0 && l.headersAt != len(b) {
		return bad
	}
	return len(b)
}

// nullable reads a length n at b[at:] and returns where the n bytes after it
// start and end, and the position after them. A negative length is null: then
// the end lies before the start.
func nullable(b []byte, at int) (start, end, next int) {
	n, at := varint32(b, at)
	if n < 0 {
		return at, at - 1, at
	}
	if at == bad || int(n) > len(b)-at {
		return 0, 0, bad
	}
	return at, at + int(n), at + int(n)
}

// cut returns b[start:end], or nil if end < start.
func cut(b []byte, start, end int) []byte {
	if end < start {
		return nil
	}
	return b[start:end:end]
}

// eachHeader decodes count headers from b, calls fn for each (if there is one),
// and returns ErrInvalid unless they fill b.
func eachHeader(b []byte, count int32, fn func(key, value []byte)) error {
	at := 0
	for i := range count {
		keyAt, keyEnd, next := nullable(b, at)
		valueAt, valueEnd, next := nullable(b, next)
		if next == bad || keyEnd < keyAt {
			return fmt.Errorf("header %d of %d: %w", i, count, ErrInvalid)
		}
		if fn != nil {
			fn(cut(b, keyAt, keyEnd), cut(b, valueAt, valueEnd))
		}
		at = next
	}
	if at != len(b) {
		return fmt.Errorf("%d bytes after header %d: %w", len(b)-at, count, ErrInvalid)
	}
	return nil
}
