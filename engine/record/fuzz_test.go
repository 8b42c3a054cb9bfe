package record

import (
	"bytes"
	"math"
	"reflect"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Goal: no header makes ParseHeader panic, and what it accepts it understands
// as kmsg does. Method: fuzzing from the golden header; Put must write back the
// bytes that were read.
func FuzzParseHeader(f *testing.F) {
	golden := goldenHeader
	records := AppendRecord(nil, 0, 0, nil, []byte("value"), nil)
	for _, h := range []Header{golden, {Magic: 2, BatchLength: 49}, {Magic: 1}} {
		b := make([]byte, HeaderSize)
		h.Put(b)
		f.Add(append(b, records...))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := ParseHeader(b)
		if err != nil {
			return
		}
		out := make([]byte, HeaderSize)
		if h.Put(out); !bytes.Equal(out, b[:HeaderSize]) {
			t.Fatalf("read %x, wrote %x", b[:HeaderSize], out)
		}
		if h.NextOffset() <= h.BaseOffset || h.SizeBytes() < HeaderSize {
			t.Fatalf("next offset %d, size %d", h.NextOffset(), h.SizeBytes())
		}
		var k kmsg.RecordBatch
		if k.ReadFrom(b) != nil {
			return // kmsg wants the records too
		}
		theirs := Header{
			k.FirstOffset, k.Length, k.PartitionLeaderEpoch, k.Magic, uint32(k.CRC), Attributes(k.Attributes),
			k.LastOffsetDelta, k.FirstTimestamp, k.MaxTimestamp, k.ProducerID, k.ProducerEpoch, k.FirstSequence,
			k.NumRecords,
		}
		if h != theirs {
			t.Fatalf("read %+v, kmsg %+v", h, theirs)
		}
	})
}

// Goal: no records section makes the iterator panic, and what it accepts it
// understands as kmsg does. Method: fuzzing from good sections and from a value
// of each kind of damage; whatever Validate accepts the iterator accepts too, and
// writing the messages again gives messages that read the same.
func FuzzIterator(f *testing.F) {
	some := []RecordHeader{{"h", []byte("v1")}, {"", nil}}
	for _, ms := range [][]message{
		nil,
		{{0, 0, nil, []byte("value"), nil}},
		{{0, 0, []byte("k1"), nil, nil}, {1, -70, nil, nil, some}},
		{{0, 9000, nil, make([]byte, 100), some[:1]}, {7, math.MinInt64, []byte{}, []byte{}, nil}},
	} {
		h := randomHeader(generator(0), ms)
		f.Add(h.RecordCount, h.LastOffsetDelta, encode(&h, ms)[HeaderSize:])
	}
	f.Add(int32(1), int32(0), raw(0, 0, 0, 1, 1, 0xfe, 0xff, 0xff, 0xff, 0x0f))
	f.Add(int32(1), int32(0), []byte{0x8c, 0x80, 0x80, 0x80, 0, 0, 0, 0, 1, 1, 0})
	f.Fuzz(func(t *testing.T, count, last int32, records []byte) {
		h := Header{RecordCount: count, LastOffsetDelta: last}
		got, err := readAll(&h, records)
		valid := Validate(&h, records) == nil
		if err != nil {
			if valid {
				t.Fatalf("Validate accepts what the iterator refuses: %v", err)
			}
			return
		}
		if dense := count > 0 && last == count-1; valid != dense {
			t.Fatalf("%d records up to %d: valid is %v", count, last, valid)
		}
		if int32(len(got)) != max(count, 0) {
			t.Fatalf("%d records of %d", len(got), count)
		}
		theirs, err := readKmsg(records)
		if err != nil {
			t.Fatalf("kmsg refuses what the iterator accepts: %v", err)
		}
		if !reflect.DeepEqual(got, theirs) {
			t.Fatalf("read %+v, kmsg %+v", got, theirs)
		}
		again, err := readAll(&h, encode(&h, got)[HeaderSize:])
		if err != nil || !reflect.DeepEqual(got, again) {
			t.Fatalf("read %+v, after writing it %+v (error %v)", got, again, err)
		}
	})
}
