package record

import (
	"bytes"
	"fmt"
	"os"
	"reflect"
	"testing"

	"brokerlab/engine/codec"

	"github.com/google/go-cmp/cmp"
)

// kafkaMessages are the records of the batches in testdata; its README says how.
func kafkaMessages() (out []message) {
	for i := range 30 {
		m := message{OffsetDelta: int32(i), TimestampDelta: int64(250 * i)}
		m.Value = fmt.Appendf(nil, `{"n":%d,"level":"INFO","text":"request %d served"}`, i, i*7919%1000)
		switch i {
		case 3:
			m.TimestampDelta -= 2000
		case 7:
			m.Value = nil
		case 8:
			m.Value = []byte{}
		}
		if i%3 != 0 {
			m.Key = fmt.Appendf(nil, "key-%d", i)
		}
		if i%5 == 0 {
			m.Headers = []RecordHeader{{"trace", fmt.Appendf(nil, "t-%d", i)}, {"empty", []byte{}}, {"null", nil}}
		}
		out = append(out, m)
	}
	return out
}

// Goal: we read what Apache Kafka's own client writes, with every codec, and write
// the same records as the same bytes. Method: batches captured from Kafka.
func TestKafkaWrote(t *testing.T) {
	want := kafkaMessages()
	for _, typ := range codec.Types() {
		b, err := os.ReadFile("testdata/" + typ.String() + ".batch")
		if err != nil {
			t.Fatal(err)
		}
		h, err := ParseHeader(b)
		if err != nil {
			t.Fatalf("%v: %v", typ, err)
		}
		wantHeader := Header{
			BaseOffset: 1000, BatchLength: int32(len(b) - 12), PartitionLeaderEpoch: 3, Magic: 2, CRC: h.CRC,
			Attributes: Attributes(typ), LastOffsetDelta: 29, BaseTimestamp: 1767225600000,
			MaxTimestamp: 1767225600000 + 29*250, ProducerID: 4001, ProducerEpoch: 2, BaseSequence: 100, RecordCount: 30,
		}
		if h != wantHeader || UpdateCRC(0, b[AttributesOffset:]) != h.CRC {
			t.Fatalf("%v: header %+v, want %+v; CRC %#x", typ, h, wantHeader, UpdateCRC(0, b[AttributesOffset:]))
		}
		records, err := codec.NewDecompressor(1<<16).Append(nil, typ, b[HeaderSize:])
		if err != nil {
			t.Fatal(err)
		}
		if err := Validate(&h, records); err != nil {
			t.Errorf("%v: %v", typ, err)
		}
		got, err := readAll(&h, records)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%v: error %v; records (-want +got):\n%s", typ, err, cmp.Diff(want, got))
		}

		plain := wantHeader
		if section := encode(&plain, want)[HeaderSize:]; !bytes.Equal(section, records) {
			t.Errorf("%v: the same records, written here:\n%x\nby Kafka:\n%x", typ, section, records)
		}
		if typ == codec.LZ4 { // the one codec whose compressed bytes are Kafka's too
			c, err := codec.NewCompressor(typ, codec.DefaultLevel(typ))
			if err != nil {
				t.Fatal(err)
			}
			if packed, err := c.Append(nil, records); err != nil || !bytes.Equal(packed, b[HeaderSize:]) {
				t.Errorf("%v: error %v; compressed here:\n%x\nby Kafka:\n%x", typ, err, packed, b[HeaderSize:])
			}
		}
	}
}
