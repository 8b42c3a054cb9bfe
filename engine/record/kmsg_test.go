package record

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// message is one record as a user sees it.
type message struct {
	OffsetDelta    int32
	TimestampDelta int64
	Key, Value     []byte // nil is null
	Headers        []RecordHeader
}

// cases is how many random batches a test draws. Batch i comes from seed i.
const cases = 400

func generator(i int) *rand.Rand { return rand.New(rand.NewPCG(uint64(i), 0)) }

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

// randomBytes draws null, empty and longer values, up to a length whose varint
// takes 3 bytes.
func randomBytes(r *rand.Rand) []byte {
	n := pick(r, -1, 0, 1, r.IntN(80), r.IntN(300), 8180+r.IntN(30))
	if n < 0 {
		return nil
	}
	return bytes.Repeat([]byte{byte(r.Uint32())}, n)
}

func randomMessages(r *rand.Rand) []message {
	out := make([]message, r.IntN(9))
	delta := int32(0)
	for i := range out {
		m := &out[i]
		m.OffsetDelta = delta
		m.TimestampDelta = pick(r, 0, r.Int64N(140)-70, r.Int64N(40000)-20000, int64(r.Uint64()),
			math.MinInt64, math.MaxInt64, math.MinInt32, math.MaxInt32)
		m.Key, m.Value = randomBytes(r), randomBytes(r)
		for range pick(r, 0, 0, 0, 1, 3, 70) {
			key := pick(r, "", "a", "trace-id", "\u20ac", "not \xff utf-8")
			m.Headers = append(m.Headers, RecordHeader{key, randomBytes(r)})
		}
		delta += 1 + pick[int32](r, 0, 0, 0, 0, 0, 5, 100, 1<<20)
	}
	return out
}

func randomHeader(r *rand.Rand, ms []message) Header {
	h := Header{
		BaseOffset:           pick(r, 0, r.Int64N(1<<62)),
		PartitionLeaderEpoch: int32(r.Uint32()),
		Magic:                2,
		Attributes:           Attributes(r.Uint32()) &^ attrCodecMask,
		BaseTimestamp:        int64(r.Uint64()),
		MaxTimestamp:         int64(r.Uint64()),
		ProducerID:           int64(r.Uint64()),
		ProducerEpoch:        int16(r.Uint32()),
		BaseSequence:         int32(r.Uint32()),
		RecordCount:          int32(len(ms)),
	}
	if len(ms) > 0 {
		h.LastOffsetDelta = ms[len(ms)-1].OffsetDelta
	}
	return h
}

func kmsgHeaders(in []RecordHeader) (out []kmsg.Header) {
	for _, h := range in {
		out = append(out, kmsg.Header{Key: h.Key, Value: h.Value})
	}
	return out
}

// encode writes a batch with this package, length and CRC included.
func encode(h *Header, ms []message) []byte {
	b := make([]byte, HeaderSize)
	for _, m := range ms {
		b = AppendRecord(b, m.OffsetDelta, m.TimestampDelta, m.Key, m.Value, m.Headers)
	}
	h.BatchLength = int32(len(b) - lengthEnd)
	h.Put(b)
	h.CRC = UpdateCRC(0, b[AttributesOffset:])
	h.Put(b)
	return b
}

// encodeKmsg writes a batch with kmsg only.
func encodeKmsg(h *Header, ms []message) []byte {
	var records []byte
	for _, m := range ms {
		r := kmsg.Record{
			TimestampDelta64: m.TimestampDelta, OffsetDelta: m.OffsetDelta,
			Key: m.Key, Value: m.Value, Headers: kmsgHeaders(m.Headers),
		}
		r.Length = int32(len(r.AppendTo(nil)) - 1) // the length itself takes one byte while it is 0
		records = r.AppendTo(records)
	}
	batch := kmsg.RecordBatch{
		FirstOffset: h.BaseOffset, Length: int32(len(records) + 49), PartitionLeaderEpoch: h.PartitionLeaderEpoch,
		Magic: 2, Attributes: int16(h.Attributes), LastOffsetDelta: h.LastOffsetDelta,
		FirstTimestamp: h.BaseTimestamp, MaxTimestamp: h.MaxTimestamp, ProducerID: h.ProducerID,
		ProducerEpoch: h.ProducerEpoch, FirstSequence: h.BaseSequence, NumRecords: h.RecordCount, Records: records,
	}
	batch.CRC = int32(UpdateCRC(0, batch.AppendTo(nil)[AttributesOffset:]))
	return batch.AppendTo(nil)
}

// Goal: this package writes what kmsg reads. Method: random batches written by
// both are the same bytes, and kmsg reads ours field by field and writes them
// again.
func TestKmsgReadsOurs(t *testing.T) {
	for i := range cases {
		r := generator(i)
		ms := randomMessages(r)
		h := randomHeader(r, ms)
		ours := encode(&h, ms)
		if theirs := encodeKmsg(&h, ms); !bytes.Equal(ours, theirs) {
			t.Fatalf("seed %d: written here:\n%x\nby kmsg:\n%x", i, ours, theirs)
		}
		var batch kmsg.RecordBatch
		if err := batch.ReadFrom(ours); err != nil {
			t.Fatalf("seed %d: %v", i, err)
		}
		if !bytes.Equal(batch.AppendTo(nil), ours) {
			t.Fatalf("seed %d: kmsg read %+v", i, batch)
		}
		got, err := readKmsg(batch.Records)
		if err != nil {
			t.Fatalf("seed %d: %v", i, err)
		}
		if !reflect.DeepEqual(got, ms) {
			t.Fatalf("seed %d: records (-want +got):\n%s", i, cmp.Diff(ms, got))
		}
		size := 0
		for _, m := range ms {
			size += RecordSize(m.OffsetDelta, m.TimestampDelta, m.Key, m.Value, m.Headers)
		}
		if size != len(batch.Records) {
			t.Fatalf("seed %d: sizes sum to %d, the records are %d bytes", i, size, len(batch.Records))
		}
	}
}

// Goal: this package reads what kmsg writes. Method: random batches of kmsg,
// read with ParseHeader and Iterator, give the messages that went in; Validate
// accepts exactly those without gaps.
func TestReadsKmsg(t *testing.T) {
	for i := range cases {
		r := generator(i)
		ms := randomMessages(r)
		want := randomHeader(r, ms)
		b := encodeKmsg(&want, ms)
		h, err := ParseHeader(b)
		if err != nil {
			t.Fatalf("seed %d: %v", i, err)
		}
		want.BatchLength, want.CRC = int32(len(b)-12), UpdateCRC(0, b[AttributesOffset:])
		if h != want {
			t.Fatalf("seed %d: header %+v, want %+v", i, h, want)
		}
		got, err := readAll(&h, b[HeaderSize:])
		if err != nil {
			t.Fatalf("seed %d: %v", i, err)
		}
		if h.Attributes.LogAppendTime() {
			ms = withoutTimestamps(ms)
		}
		if !reflect.DeepEqual(got, ms) {
			t.Fatalf("seed %d: records (-want +got):\n%s", i, cmp.Diff(ms, got))
		}
		dense := len(ms) > 0 && int(h.LastOffsetDelta) == len(ms)-1
		if err := Validate(&h, b[HeaderSize:]); dense != (err == nil) {
			t.Fatalf("seed %d: validate: %v", i, err)
		}
	}
}

// readKmsg reads a records section with kmsg. It wants kmsg's lengths to be true,
// which kmsg itself does not check.
func readKmsg(records []byte) ([]message, error) {
	out := []message{}
	for len(records) > 0 {
		var r kmsg.Record
		if err := r.ReadFrom(records); err != nil {
			return out, err
		}
		m := message{OffsetDelta: r.OffsetDelta, TimestampDelta: r.TimestampDelta64, Key: r.Key, Value: r.Value}
		for _, h := range r.Headers {
			m.Headers = append(m.Headers, RecordHeader{h.Key, h.Value})
		}
		length, n := binary.Varint(records)
		if length != int64(r.Length) || length < 0 || length > int64(len(records)-n) {
			return out, fmt.Errorf("record %d has length %d in %d bytes", len(out), length, len(records)-n)
		}
		out, records = append(out, m), records[n+int(length):]
	}
	return out, nil
}

// withoutTimestamps is what is left of messages in a batch with log append time.
func withoutTimestamps(in []message) []message {
	out := make([]message, len(in))
	for i, m := range in {
		m.TimestampDelta = 0
		out[i] = m
	}
	return out
}

// readAll reads a records section back into messages.
func readAll(h *Header, records []byte) ([]message, error) {
	base := h.BaseTimestamp
	if h.Attributes.LogAppendTime() {
		base = h.MaxTimestamp
	}
	out := []message{}
	it := NewIterator(h, records)
	var r Record
	for it.Next(&r) {
		headers, err := r.Headers()
		if err != nil {
			return out, err
		}
		out = append(out, message{int32(r.Offset - h.BaseOffset), r.Timestamp - base, r.Key, r.Value, headers})
	}
	return out, it.Err()
}
