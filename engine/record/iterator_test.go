package record

import (
	"bytes"
	"errors"
	"math"
	"testing"
)

// rec writes a record with a key "k" and the given deltas.
func rec(offsetDelta int32, timestampDelta int64) []byte {
	return AppendRecord(nil, offsetDelta, timestampDelta, []byte("k"), []byte("some value"), nil)
}

// raw puts a length before the bytes of a record.
func raw(body ...byte) []byte { return append([]byte{byte(len(body) << 1)}, body...) }

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// Goal: a records section that is malformed or does not agree with its header is
// refused by the iterator and by Validate. Method: a row for each way; Validate
// also refuses what only compaction may leave.
func TestBadRecords(t *testing.T) {
	long := AppendRecord(nil, 0, 0, nil, make([]byte, 9000), nil)
	headers := AppendRecord(nil, 0, 0, nil, []byte("value"), []RecordHeader{{"a", []byte("b")}})
	for _, test := range []struct {
		name               string
		count, last        int32
		records            []byte
		iterates, validate bool
	}{
		{"two records", 2, 1, join(rec(0, 0), rec(1, 5)), true, true},
		{"a record with headers", 1, 0, headers, true, true},
		{"a value of 9000 bytes", 1, 0, long, true, true},
		{"no records", 0, 0, nil, true, false},
		{"a gap, after compaction", 2, 5, join(rec(0, 0), rec(5, 0)), true, false},
		{"the last record compacted away", 1, 5, rec(0, 0), true, false},
		{"the first record compacted away", 1, 1, rec(1, 0), true, false},
		{"fewer records than said", 3, 2, join(rec(0, 0), rec(1, 0)), false, false},
		{"more records than said", 1, 0, join(rec(0, 0), rec(1, 0)), false, false},
		{"bytes where no record is", 0, 0, []byte{0}, false, false},
		{"a zero byte after the last record", 1, 0, join(rec(0, 0), []byte{0}), false, false},
		{"an offset twice", 2, 1, join(rec(0, 0), rec(0, 0)), false, false},
		{"offsets that fall", 2, 1, join(rec(1, 0), rec(0, 0)), false, false},
		{"an offset above the last one", 2, 1, join(rec(0, 0), rec(2, 0)), false, false},
		{"a negative offset delta", 1, 0, rec(-1, 0), false, false},
		{"a body of no bytes", 1, 0, raw(), false, false},
		{"a body that ends in its integers", 1, 0, raw(0, 0, 0, 1), false, false},
		{"a body one byte too long", 1, 0, raw(0, 0, 0, 1, 1, 0, 0), false, false},
		{"the shortest record: null key, null value", 1, 0, raw(0, 0, 0, 1, 1, 0), true, true},
		{"lengths that are more negative are null too", 1, 0, raw(0, 0, 0, 3, 0x81, 1, 0), true, true},
		{"a negative length", 1, 0, join([]byte{1}, rec(0, 0)), false, false},
		{"a length of 5 bytes with more than 32 bits", 1, 0, []byte{0xff, 0xff, 0xff, 0xff, 0x1f, 0, 0, 0}, false, false},
		{"a length of 6 bytes", 1, 0, join([]byte{0x8c, 0x80, 0x80, 0x80, 0x80, 0}, raw(0, 0, 0, 1, 1, 0)[1:]), false, false},
		{"a length of 5 bytes where 1 would do", 1, 0,
			join([]byte{0x8c, 0x80, 0x80, 0x80, 0}, raw(0, 0, 0, 1, 1, 0)[1:]), true, true},
		{"a timestamp of 11 bytes", 1, 0,
			raw(0, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1, 0, 1, 1, 0), false, false},
		{"a key longer than the record", 1, 0, raw(0, 0, 0, 20, 'k', 0, 0), false, false},
		{"a key that takes the value's place", 1, 0, raw(0, 0, 0, 4, 'k', 1, 0), false, false},
		{"a value longer than the record", 1, 0, raw(0, 0, 0, 1, 20, 'v', 0), false, false},
		{"a huge value", 1, 0, raw(0, 0, 0, 1, 0xfe, 0xff, 0xff, 0xff, 0x0f, 'v', 0), false, false},
		{"a negative count of headers", 1, 0, raw(0, 0, 0, 1, 1, 1), false, false},
		{"bytes after a count of no headers", 1, 0, raw(0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), false, false},
		{"a null header key", 1, 0, raw(0, 0, 0, 1, 1, 2, 1, 1), false, false},
		{"a header cut short", 1, 0, raw(0, 0, 0, 1, 1, 2, 2, 'a', 4, 'b'), false, false},
		{"bytes after the headers", 1, 0, raw(0, 0, 0, 1, 1, 2, 2, 'a', 2, 'b', 0), false, false},
		{"2^31-1 headers in no bytes", 1, 0, raw(0, 0, 0, 1, 1, 0xfe, 0xff, 0xff, 0xff, 0x0f), false, false},
	} {
		h := Header{RecordCount: test.count, LastOffsetDelta: test.last}
		check := func(what string, err error, ok bool) {
			if ok != (err == nil) || err != nil && !errors.Is(err, ErrInvalid) {
				t.Errorf("%s: %s: error %v", test.name, what, err)
			}
		}
		_, err := readAll(&h, test.records)
		check("iterator", err, test.iterates)
		check("validate", Validate(&h, test.records), test.validate)
	}
}

// Goal: no prefix of a batch passes for the whole. Method: the golden batch's
// records, cut at every place.
func TestCutRecords(t *testing.T) {
	records := goldenBytes(t)[HeaderSize:]
	for n := range records {
		if err := Validate(&goldenHeader, records[:n]); !errors.Is(err, ErrInvalid) {
			t.Errorf("validate %d of %d bytes: %v", n, len(records), err)
		}
		if _, err := readAll(&goldenHeader, records[:n:n]); !errors.Is(err, ErrInvalid) {
			t.Errorf("iterate %d of %d bytes: %v", n, len(records), err)
		}
	}
}

// Goal: both ways to parse a record agree. Method: records whose integers lie
// around the limits of the fast one, parsed by both.
func TestParseAgreesWithParseAny(t *testing.T) {
	sizes := []int{-1, 0, 1, 62, 63, 64, 65, 8180, 8190, 8191, 8192, 8193}
	deltas := []int64{0, -1, 63, -64, 64, 8191, -8192, 8192, -8193, math.MaxInt32, math.MinInt64}
	value := make([]byte, sizes[len(sizes)-1])
	part := func(n int) []byte {
		if n < 0 {
			return nil
		}
		return value[:n]
	}
	for _, key := range sizes {
		for _, size := range sizes {
			for _, delta := range deltas {
				b := AppendRecord(nil, int32(delta), delta, part(key), part(size), nil)
				b = append(b, rec(1, 1)...)
				var fast, slow layout
				n, m := parse(b, &fast), parseAny(b, &slow)
				if n != m || n == bad || fast != slow {
					t.Fatalf("key %d, value %d, delta %d: %d %+v, want %d %+v", key, size, delta, n, fast, m, slow)
				}
			}
		}
	}
}

// Goal: timestamps are the record's own, or the broker's. Method: one section
// under both kinds of attributes.
func TestTimestamps(t *testing.T) {
	records := join(rec(0, 0), rec(1, -7))
	for _, test := range []struct {
		name       string
		attributes Attributes
		want       [2]int64
	}{
		{"create time adds the delta, which may be negative", 0, [2]int64{1000, 993}},
		{"log append time is the max timestamp for all", attrLogAppendTime, [2]int64{5000, 5000}},
	} {
		h := Header{Attributes: test.attributes, BaseTimestamp: 1000, MaxTimestamp: 5000, RecordCount: 2, LastOffsetDelta: 1}
		var got [2]int64
		var r Record
		it := NewIterator(&h, records)
		for i := 0; it.Next(&r); i++ {
			got[i] = r.Timestamp
		}
		if got != test.want || it.Err() != nil {
			t.Errorf("%s: %v, want %v (error %v)", test.name, got, test.want, it.Err())
		}
	}
}

// Goal: the hot paths do not allocate. Method: AllocsPerRun over a batch with
// null and long values and headers.
func TestNoAllocations(t *testing.T) {
	headers := []RecordHeader{{"trace", []byte("0123456789abcdef")}}
	value := make([]byte, 9000)
	dst := make([]byte, 0, 20000)
	h := Header{RecordCount: 3, LastOffsetDelta: 2}
	allocs := testing.AllocsPerRun(100, func() {
		dst = AppendRecord(dst[:0], 0, 0, nil, value[:100], nil)
		dst = AppendRecord(dst, 1, 10, value[:8], value, nil)
		dst = AppendRecord(dst, 2, 1<<40, nil, nil, headers)
		if Validate(&h, dst) != nil {
			t.Fatal("records are invalid")
		}
		var r Record
		it := NewIterator(&h, dst)
		for it.Next(&r) {
		}
		if it.Err() != nil {
			t.Fatal(it.Err())
		}
		UpdateCRC(0, dst)
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}
