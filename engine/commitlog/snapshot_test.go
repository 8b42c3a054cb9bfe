package commitlog

import (
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"brokerlab/engine/record"
)

// Goal: snapshots are Kafka's bytes, and whatever is wrong with one is an error.
// Method: files that Kafka wrote are read; states of ours are written, read and written
// again; a table of damages.
func TestSnapshots(t *testing.T) {
	names, err := filepath.Glob("testdata/kafka/none/*.snapshot")
	if err != nil || len(names) < 3 {
		t.Fatalf("%d files of Kafka's: %v", len(names), err)
	}
	for _, name := range names {
		file, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		p, err := parseSnapshot(file)
		if err != nil || len(p.byID) != 2 || p.byID[4001].last().epoch != 3 {
			t.Errorf("%s: %v, %d producers", name, err, len(p.byID))
		}
	}
	var p producerStates
	for i := range int32(7) {
		p.add(idempotent(1, 3*i, 100+3*int64(i)))
	}
	p.add(&record.Header{ProducerID: 9, ProducerEpoch: 2, BaseSequence: math.MaxInt32, BaseOffset: 121,
		LastOffsetDelta: 1, RecordCount: 2, MaxTimestamp: 77})
	file := p.snapshot()
	back, err := parseSnapshot(file)
	if err != nil {
		t.Fatal(err)
	}
	for id, e := range p.byID {
		if got := back.byID[id]; got == nil || got.count != e.count || !got.more || got.batches != e.batches {
			t.Errorf("producer %d was %+v and comes back as %+v", id, e, got)
		}
	}
	if !bytes.Equal(back.snapshot(), file) {
		t.Error("what was read is not written as it was")
	}
	if empty, err := parseSnapshot((&producerStates{}).snapshot()); err != nil || len(empty.byID) != 0 {
		t.Errorf("a snapshot of nothing: %v", err)
	}
	for _, damage := range []struct {
		name string
		do   func(p []byte) []byte
	}{
		{"nothing", func([]byte) []byte { return nil }},
		{"a byte less", func(p []byte) []byte { return p[:len(p)-1] }},
		{"a byte more", func(p []byte) []byte { return append(p, 0) }},
		{"another version", func(p []byte) []byte { p[1]++; return p }},
		{"another CRC", func(p []byte) []byte { p[3]++; return p }},
		{"more entries than there are", func(p []byte) []byte { p[9] += 9; return sealed(p) }},
		{"older batches out of order", func(p []byte) []byte {
			older := p[snapshotHeaderSize+2*snapshotEntrySize:]
			copy(older[snapshotEntrySize:], older[:snapshotEntrySize])
			return sealed(p)
		}},
		{"an older batch of an unknown producer", func(p []byte) []byte {
			p[snapshotHeaderSize+2*snapshotEntrySize+7]++
			return sealed(p)
		}},
		{"very many entries", func(p []byte) []byte { p[6] = 0xff; return sealed(p) }},
		{"a producer twice", func(p []byte) []byte {
			copy(p[snapshotHeaderSize+snapshotEntrySize:], p[snapshotHeaderSize:][:snapshotEntrySize])
			return sealed(p)
		}},
		{"a negative epoch", func(p []byte) []byte { p[snapshotHeaderSize+8] = 0x80; return sealed(p) }},
		{"a batch before offset 0", func(p []byte) []byte { p[snapshotHeaderSize+22] = 0x7f; return sealed(p) }},
	} {
		if _, err := parseSnapshot(damage.do(slices.Clone(file))); !errors.Is(err, errSnapshot) {
			t.Errorf("%s: the error is %v", damage.name, err)
		}
	}
}

// sealed puts the right CRC into a snapshot.
func sealed(p []byte) []byte {
	crc := record.UpdateCRC(0, p[snapshotDataOffset:])
	p[2], p[3], p[4], p[5] = byte(crc>>24), byte(crc>>16), byte(crc>>8), byte(crc)
	return p
}

// FuzzSnapshot: hostile files give an error, never a panic or memory beyond their own
// size; what is accepted is written as it was, but for transactions.
func FuzzSnapshot(f *testing.F) {
	names, _ := filepath.Glob("testdata/kafka/none/*.snapshot")
	for _, name := range names {
		file, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(file)
	}
	f.Add((&producerStates{}).snapshot())
	f.Fuzz(func(t *testing.T, file []byte) {
		if len(file) > snapshotDataOffset {
			file = sealed(slices.Clone(file)) // or nothing gets past the CRC
		}
		p, err := parseSnapshot(file)
		if err != nil {
			return
		}
		if len(p.byID) > len(file)/snapshotEntrySize {
			t.Fatalf("%d producers in %d bytes", len(p.byID), len(file))
		}
		back, err := parseSnapshot(p.snapshot())
		if err != nil || len(back.byID) != len(p.byID) {
			t.Fatalf("written again it gives %v", err)
		}
	})
}
