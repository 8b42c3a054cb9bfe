package logdump

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"brokerlab/engine/codec"
	"brokerlab/engine/record"
)

// sealed makes a batch at offset 10 of one record that has a key, a value and two headers.
func sealed(attributes record.Attributes) []byte {
	return batch(attributes, record.AppendRecord(nil, 0, 0, []byte("k"), []byte("v"),
		[]record.RecordHeader{{Key: "a"}, {Key: "b"}}))
}

// control makes one of a control record of a type, whose value has a version and the epoch 7.
func control(kind byte) []byte {
	return batch(0x20, record.AppendRecord(nil, 0, 0, []byte{0, 0, 0, kind}, []byte{0, 0, 0, 0, 0, 7}, nil))
}

// batch makes one at offset 10 of one record.
func batch(attributes record.Attributes, records []byte) []byte {
	h := record.Header{BaseOffset: 10, BatchLength: int32(record.HeaderSize - 12 + len(records)), PartitionLeaderEpoch: 3,
		Magic: 2, Attributes: attributes, BaseTimestamp: 1000, MaxTimestamp: 2000, ProducerID: 5, ProducerEpoch: 1,
		BaseSequence: 1<<31 - 1, RecordCount: 1}
	b := make([]byte, record.HeaderSize, record.HeaderSize+len(records))
	h.Put(b)
	b = append(b, records...)
	h.CRC = record.UpdateCRC(0, b[record.AttributesOffset:])
	h.Put(b)
	return b
}

// What the lines of a batch say, and what is no batch. Whole files are compared
// with Kafka's own dump in engine/commitlog. Method: table.
func TestAppendLog(t *testing.T) {
	good := sealed(0)
	wrongCRC := append([]byte{}, good...)
	wrongCRC[len(wrongCRC)-8]++ // the value
	for _, row := range []struct {
		why  string
		log  []byte
		want string
		err  error
	}{
		{"a batch and its record", good, "sequence: 2147483647 headerKeys: [a,b] key: 1:aa326b08 payload: 1:0544e0b4\n", nil},
		{"the CRC is right", good, "isvalid: true\n", nil},
		{"a wrong CRC is told and not an error", wrongCRC, "isvalid: false\n", nil},
		{"log append time is the batch's max timestamp", sealed(8), "| offset: 10 LogAppendTime: 2000 ", nil},
		{"transactional", sealed(16), "isTransactional: true isControl: false", nil},
		{"a control batch whose record is no marker has no text", sealed(48), "headerKeys: [a,b]\n", nil},
		{"a delete horizon", sealed(0x40), "deleteHorizonMs: OptionalLong[1000] position: 0 ", nil},
		{"none", good, "deleteHorizonMs: OptionalLong.empty position: 0 ", nil},
		{"the end of a transaction", control(1), " endTxnMarker: COMMIT coordinatorEpoch: 7\n", nil},
		{"another control record is no end of a transaction", control(2),
			"headerKeys: [] controlType: LEADER_CHANGE(2)\n", nil},
		{"nor is one that nobody knows", control(99), " controlType: UNKNOWN(99)\n", nil},
		{"a torn batch", good[:len(good)-1], "Log starting offset: 10\n", record.ErrCorrupt},
		{"no batch", make([]byte, 100), "", record.ErrCorrupt},
		{"bytes that do not decompress", sealed(record.Attributes(codec.Gzip)), "compresscodec: gzip", codec.ErrCorrupt},
	} {
		got, err := NewPrinter(Digest).AppendLog(nil, row.log, 10)
		if !strings.Contains(string(got), row.want) || !errors.Is(err, row.err) {
			t.Errorf("%s: error %v, want %v\n%swant %q", row.why, err, row.err, got, row.want)
		}
	}
}

// Any bytes can be a log and its indexes without a panic. Method: fuzz, from
// Kafka's own files.
func FuzzDump(f *testing.F) {
	names, err := filepath.Glob("../commitlog/testdata/kafka/none/*00.*")
	if err != nil || len(names) == 0 {
		f.Fatalf("%d files, error %v", len(names), err)
	}
	for _, name := range names {
		p, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, p []byte) {
		out, err := NewPrinter(Plain).AppendLog(nil, p, 0)
		if err == nil && len(p) > 0 && len(out) < len(p)/record.HeaderSize {
			t.Errorf("%d bytes of output for %d without an error", len(out), len(p))
		}
		AppendTimeIndex(AppendIndex(nil, p, 0), p, 0)
	})
}
