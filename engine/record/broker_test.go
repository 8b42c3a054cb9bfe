package record

import (
	"bytes"
	"encoding/hex"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// brokerRecord is one record as Kafka read it from a batch below.
type brokerRecord struct {
	Offset, Timestamp int64
	Key, Value        string
}

// brokerBatches are batches that Kafka's brokers write, from kafka-clients 4.1.0:
// two of MemoryRecords.withEndTransactionMarker, and one of MemoryRecordsBuilder
// before and after MutableRecordBatch.setMaxTimestamp(LOG_APPEND_TIME, ...). The
// wants are what its iterator and lastSequence gave.
var brokerBatches = []struct {
	name         string
	hex          string
	header       Header
	lastSequence int32
	control      bool
	records      []brokerRecord
}{
	{
		"a marker that commits", "00000000000007d00000004200000007028c539c19003000000000" +
			"0000019b76daa8000000019b76daa8000000000000000fa10002ffffffff00000001" +
			"2000000008000000010c00000000000900",
		Header{BaseOffset: 2000, BatchLength: 66, PartitionLeaderEpoch: 7, Magic: 2, CRC: 0x8c539c19, Attributes: 0x30,
			BaseTimestamp: 1767225600000, MaxTimestamp: 1767225600000, ProducerID: 4001, ProducerEpoch: 2,
			BaseSequence: NoSequence, RecordCount: 1},
		NoSequence, true, []brokerRecord{{2000, 1767225600000, "\x00\x00\x00\x01", "\x00\x00\x00\x00\x00\x09"}},
	}, {
		"a marker that aborts", "00000000000007d1000000420000000702606add2f003000000000" +
			"0000019b76daa8050000019b76daa8050000000000000fa10002ffffffff00000001" +
			"2000000008000000000c00000000000900",
		Header{BaseOffset: 2001, BatchLength: 66, PartitionLeaderEpoch: 7, Magic: 2, CRC: 0x606add2f, Attributes: 0x30,
			BaseTimestamp: 1767225600005, MaxTimestamp: 1767225600005, ProducerID: 4001, ProducerEpoch: 2,
			BaseSequence: NoSequence, RecordCount: 1},
		NoSequence, true, []brokerRecord{{2001, 1767225600005, "\x00\x00\x00\x00", "\x00\x00\x00\x00\x00\x09"}},
	}, {
		"create time, in a transaction, sequences that wrap", "0000000000000bb80000005d0000000702974d0dfa001000000003" +
			"0000019b76daa8000000019b76daa81e0000000000000fa100027ffffffe00000004" + fourRecordsHex,
		Header{BaseOffset: 3000, BatchLength: 93, PartitionLeaderEpoch: 7, Magic: 2, CRC: 0x974d0dfa, Attributes: 0x10,
			LastOffsetDelta: 3, BaseTimestamp: 1767225600000, MaxTimestamp: 1767225600030, ProducerID: 4001,
			ProducerEpoch: 2, BaseSequence: math.MaxInt32 - 1, RecordCount: 4},
		1, false, []brokerRecord{{3000, 1767225600000, "k0", "v0"}, {3001, 1767225600010, "k1", "v1"},
			{3002, 1767225600020, "k2", "v2"}, {3003, 1767225600030, "k3", "v3"}},
	}, {
		"the same with log append time", "0000000000000bb80000005d0000000702664e1a9b001800000003" +
			"0000019b76daa8000000019b76dc8a400000000000000fa100027ffffffe00000004" + fourRecordsHex,
		Header{BaseOffset: 3000, BatchLength: 93, PartitionLeaderEpoch: 7, Magic: 2, CRC: 0x664e1a9b, Attributes: 0x18,
			LastOffsetDelta: 3, BaseTimestamp: 1767225600000, MaxTimestamp: 1767225723456, ProducerID: 4001,
			ProducerEpoch: 2, BaseSequence: math.MaxInt32 - 1, RecordCount: 4},
		1, false, []brokerRecord{{3000, 1767225723456, "k0", "v0"}, {3001, 1767225723456, "k1", "v1"},
			{3002, 1767225723456, "k2", "v2"}, {3003, 1767225723456, "k3", "v3"}},
	},
}

const fourRecordsHex = "14000000046b300476300014001402046b310476310014002804046b320476320014003c06046b3304763300"

// Goal: we read what Kafka's brokers write: control batches, and the timestamps
// that they set. Method: captured batches, field by field and record by record;
// all are whole by CRC and by Validate.
func TestKafkaBrokerWrote(t *testing.T) {
	for _, test := range brokerBatches {
		b := unhex(t, test.hex)
		h, err := ParseHeader(b)
		if err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		if diff := cmp.Diff(test.header, h); diff != "" {
			t.Errorf("%s: header (-want +got):\n%s", test.name, diff)
		}
		if got := h.LastSequence(); got != test.lastSequence || h.Attributes.Control() != test.control {
			t.Errorf("%s: last sequence %d, want %d; control %v", test.name, got, test.lastSequence, h.Attributes.Control())
		}
		if crc := UpdateCRC(0, b[AttributesOffset:]); crc != h.CRC || !h.Attributes.Transactional() {
			t.Errorf("%s: CRC %#x, want %#x; attributes %#x", test.name, crc, h.CRC, h.Attributes)
		}
		if err := Validate(&h, b[HeaderSize:]); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		var got []brokerRecord
		var r Record
		it := NewIterator(&h, b[HeaderSize:])
		for it.Next(&r) {
			got = append(got, brokerRecord{r.Offset, r.Timestamp, string(r.Key), string(r.Value)})
		}
		if diff := cmp.Diff(test.records, got); diff != "" || it.Err() != nil {
			t.Errorf("%s: error %v; records (-want +got):\n%s", test.name, it.Err(), diff)
		}
	}
}

// Goal: a broker that sets log append time changes a batch as Kafka does. Method:
// the captured batch before it becomes, byte for byte, the one after it.
func TestSetLogAppendTime(t *testing.T) {
	b, want := unhex(t, brokerBatches[2].hex), unhex(t, brokerBatches[3].hex)
	h, err := ParseHeader(b)
	if err != nil {
		t.Fatal(err)
	}
	h.SetLogAppendTime(1767225723456)
	h.Put(b)
	h.CRC = UpdateCRC(0, b[AttributesOffset:])
	h.Put(b)
	if !bytes.Equal(b, want) {
		t.Errorf("written here:\n%x\nby Kafka:\n%x", b, want)
	}
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
