package record

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"hash/crc32"
	"math"
	"strings"
	"testing"

	"brokerlab/engine/codec"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// goldenHex is a batch of two records with every field set, in the order of the
// diagram in the package doc. It was written by a short Python program made from
// Kafka's documentation of the format, with its own bitwise CRC-32C.
const goldenHex = `
0000000000000100 0000005b 00000007 02 b91e6dd8 0018 00000001
0000019b76daa800 0000019b76daacd2 00000000000003e9 0002 0000000a 00000002
24 00 00 00 04 6b31 0a 68656c6c6f 02 02 68 04 7631
2c 00 a413 02 01 00 06 02 61 01 04 6262 00 06 e282ac 06 010203
`

func goldenBytes(t *testing.T) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.Join(strings.Fields(goldenHex), ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

var goldenHeader = Header{
	BaseOffset: 256, BatchLength: 91, PartitionLeaderEpoch: 7, Magic: 2, CRC: 0xb91e6dd8,
	Attributes: 0x18, LastOffsetDelta: 1, BaseTimestamp: 1767225600000, MaxTimestamp: 1767225601234,
	ProducerID: 1001, ProducerEpoch: 2, BaseSequence: 10, RecordCount: 2,
}

// Goal: the layout is Kafka's. Method: a batch spelt out in hex is read, field
// by field, by this package and by kmsg, and both write the same bytes again.
func TestGoldenBatch(t *testing.T) {
	golden := goldenBytes(t)
	h, err := ParseHeader(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(goldenHeader, h); diff != "" {
		t.Fatalf("header (-want +got):\n%s", diff)
	}
	if h.SizeBytes() != len(golden) || h.LastOffset() != 257 || h.NextOffset() != 258 {
		t.Errorf("size %d, last %d, next %d", h.SizeBytes(), h.LastOffset(), h.NextOffset())
	}
	if sum := crc32.Checksum(golden[21:], crc32.MakeTable(crc32.Castagnoli)); sum != h.CRC {
		t.Errorf("CRC %#x, in the header %#x", sum, h.CRC)
	}
	var theirs kmsg.RecordBatch
	if err := theirs.ReadFrom(golden); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(golden, theirs.AppendTo(nil)); diff != "" {
		t.Errorf("kmsg writes (-want +got):\n%s", diff)
	}

	ours := make([]byte, HeaderSize)
	h.Put(ours)
	ours = AppendRecord(ours, 0, 0, []byte("k1"), []byte("hello"), []RecordHeader{{"h", []byte("v1")}})
	ours = AppendRecord(ours, 1, 1234, nil, []byte{},
		[]RecordHeader{{"a", nil}, {"bb", []byte{}}, {"\u20ac", []byte{1, 2, 3}}})
	if diff := cmp.Diff(golden, ours); diff != "" {
		t.Errorf("this package writes (-want +got):\n%s", diff)
	}
}

// Goal: a header that cannot be one is refused. Method: a good header with one
// field changed at a time.
func TestParseHeaderRejects(t *testing.T) {
	put32 := func(at int, v int32) func([]byte) {
		return func(b []byte) { binary.BigEndian.PutUint32(b[at:], uint32(v)) }
	}
	put64 := func(at int, v int64) func([]byte) {
		return func(b []byte) { binary.BigEndian.PutUint64(b[at:], uint64(v)) }
	}
	for _, test := range []struct {
		name   string
		change func(b []byte)
		ok     bool
	}{
		{"the golden header as it is", func([]byte) {}, true},
		{"magic 1 is the old format", func(b []byte) { b[16] = 1 }, false},
		{"a length that does not cover the header", put32(8, 48), false},
		{"a negative length", put32(8, -1), false},
		{"a length whose whole batch overflows an int32", put32(8, math.MaxInt32-11), false},
		{"the largest length", put32(8, math.MaxInt32-12), true},
		{"a negative last offset delta", put32(23, -1), false},
		{"a negative count", put32(57, -1), false},
		{"more records than offsets", put32(57, 3), false},
		{"fewer records than offsets, after compaction", put32(57, 1), true},
		{"no record left after compaction", put32(57, 0), true},
		{"more records than fit in its bytes", func(b []byte) { put32(23, 6)(b); put32(57, 7)(b) }, false},
		{"as many, but compressed", func(b []byte) { put32(23, 6)(b); put32(57, 7)(b); b[22] |= 4 }, true},
		{"a negative offset", put64(0, -1), false},
		{"offsets that overflow", put64(0, math.MaxInt64-1), false},
		{"the largest offset whose next one exists", put64(0, math.MaxInt64-2), true},
	} {
		b := goldenBytes(t)
		test.change(b)
		switch h, err := ParseHeader(b); {
		case test.ok != (err == nil):
			t.Errorf("%s: error %v", test.name, err)
		case err != nil && !errors.Is(err, ErrCorrupt):
			t.Errorf("%s: %v is not ErrCorrupt", test.name, err)
		case err == nil && h.NextOffset() <= h.BaseOffset:
			t.Errorf("%s: next offset %d after base offset %d", test.name, h.NextOffset(), h.BaseOffset)
		}
	}
	for n := range HeaderSize {
		if _, err := ParseHeader(goldenBytes(t)[:n]); !errors.Is(err, ErrCorrupt) {
			t.Fatalf("a header cut to %d bytes: error %v", n, err)
		}
	}
}

// Goal: attributes are read bit by bit. Method: a row for each bit.
func TestAttributes(t *testing.T) {
	type flags struct {
		Codec                              codec.Type
		LogAppendTime, Transactional, Ctrl bool
	}
	for _, test := range []struct {
		name string
		a    Attributes
		want flags
	}{
		{"no bit", 0, flags{}},
		{"bits 0 to 2 are the codec", 0x04, flags{Codec: codec.Zstd}},
		{"bit 3 is log append time", 0x08, flags{LogAppendTime: true}},
		{"bit 4 is transactional", 0x10, flags{Transactional: true}},
		{"bit 5 is control", 0x20, flags{Ctrl: true}},
		{"the delete horizon and unknown bits do not matter", -0x40, flags{}},
		{"all together", 0x3a, flags{codec.Snappy, true, true, true}},
	} {
		got := flags{test.a.Codec(), test.a.LogAppendTime(), test.a.Transactional(), test.a.Control()}
		if got != test.want {
			t.Errorf("%s: %+v, want %+v", test.name, got, test.want)
		}
	}
}
