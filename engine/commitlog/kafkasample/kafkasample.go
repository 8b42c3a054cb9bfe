// Package kafkasample is batches that Apache Kafka and we are both given to write,
// so that what each of the two wrote can be compared with what it was given, and
// with what the other one wrote. Null and empty keys and values, headers,
// timestamps out of order, leader epochs, sequence numbers and transactions with
// their markers are all in them. It is for tests and cmd/interop; it promises the
// same batches from the same Size.
package kafkasample

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"

	"brokerlab/engine/record"
)

// Input is a log to be written: what comes in, and where segments end.
type Input struct {
	SegmentBytes       int64   `json:"segment_bytes"`
	IndexIntervalBytes int64   `json:"index_interval_bytes"`
	Batches            []Batch `json:"batches"`
}

// Batch is one batch as a producer sends it, or the marker that a transaction
// coordinator writes, and the epoch of the leader that appends it.
type Batch struct {
	Epoch         int32    `json:"epoch"`
	ProducerID    int64    `json:"producer_id"`
	ProducerEpoch int16    `json:"producer_epoch"`
	Sequence      int32    `json:"sequence"`
	Transactional bool     `json:"transactional"`
	Marker        string   `json:"marker,omitempty"` // "commit" or "abort" ends a transaction
	Records       []Record `json:"records"`
}

// Record is one record; nil is null. A marker's has only a timestamp.
type Record struct {
	Timestamp int64    `json:"timestamp"` // ms since 1970
	Key       *string  `json:"key"`
	Value     *string  `json:"value"`
	Headers   []Header `json:"headers,omitempty"`
}

// Header is one header of a record; nil is null.
type Header struct {
	Key   string  `json:"key"`
	Value *string `json:"value"`
}

// Size says how much there is to write.
type Size struct {
	Batches, RecordsMax, ValueBytesMax int
	SegmentBytes, IndexIntervalBytes   int64
}

// Small is for files that are kept, Large for a judge who has a minute. Small's first
// batch has exactly the index interval's bytes if it is not compressed, and its first
// five the segment's: whoever writes >= for > makes other files.
var (
	Small = Size{Batches: 24, RecordsMax: 5, ValueBytesMax: 60, SegmentBytes: 1006, IndexIntervalBytes: 304}
	Large = Size{Batches: 2500, RecordsMax: 60, ValueBytesMax: 1500, SegmentBytes: 1 << 20, IndexIntervalBytes: 4096}
)

// firstTimestamp is 2026-01-01 00:00:00 UTC.
const firstTimestamp = 1767225600000

// coordinatorEpoch is in every marker.
const coordinatorEpoch = 7

// Make makes the input of a size.
func Make(size Size) *Input {
	m := maker{size: size, rand: rand.New(rand.NewPCG(1, 2)), now: firstTimestamp, sequences: map[int64]int32{}}
	in := &Input{SegmentBytes: size.SegmentBytes, IndexIntervalBytes: size.IndexIntervalBytes}
	for i := range size.Batches {
		switch i {
		case size.Batches / 3, size.Batches / 2:
			m.epoch += int32(1 + i%3) // epochs may be left out
		}
		in.Batches = append(in.Batches, m.batch(i))
	}
	return in
}

// Lines is the input as JSON, one batch a line.
func (in *Input) Lines() ([]byte, error) {
	out := fmt.Appendf(nil, "{\"segment_bytes\": %d, \"index_interval_bytes\": %d, \"batches\": [\n",
		in.SegmentBytes, in.IndexIntervalBytes)
	for i := range in.Batches {
		line, err := json.Marshal(&in.Batches[i])
		if err != nil {
			return nil, fmt.Errorf("kafkasample: batch %d: %w", i, err)
		}
		if i > 0 {
			out = append(out, ",\n"...)
		}
		out = append(out, line...)
	}
	return append(out, "\n]}\n"...), nil
}

// Producers of the sample: one without an id, one idempotent, one transactional.
const (
	idempotentID    = 4001
	transactionalID = 4002
)

type maker struct {
	size      Size
	rand      *rand.Rand
	now       int64
	epoch     int32
	sequences map[int64]int32
}

// batch makes the batch of an index. Every eighth belongs to a transaction, whose
// marker follows two batches later.
func (m *maker) batch(index int) Batch {
	b := Batch{Epoch: m.epoch, ProducerID: record.NoProducerID, ProducerEpoch: record.NoProducerEpoch,
		Sequence: record.NoSequence}
	switch index % 8 {
	case 3, 4:
		b.ProducerID, b.ProducerEpoch, b.Transactional = transactionalID, 1, true
	case 6:
		b.ProducerID, b.ProducerEpoch, b.Transactional = transactionalID, 1, true
		b.Marker = []string{"commit", "abort"}[index/8%2]
		m.now += 5
		b.Records = []Record{{Timestamp: m.now}}
		return b
	case 1, 5:
		b.ProducerID, b.ProducerEpoch = idempotentID, 3
	}
	count := 1 + m.rand.IntN(m.size.RecordsMax)
	if b.ProducerID != record.NoProducerID {
		b.Sequence = m.sequences[b.ProducerID]
		m.sequences[b.ProducerID] += int32(count)
	}
	for range count {
		b.Records = append(b.Records, m.record())
	}
	return b
}

func (m *maker) record() Record {
	if m.rand.IntN(2) == 0 { // else the batch before may have this timestamp too
		m.now += int64(m.rand.IntN(40))
	}
	r := Record{Timestamp: m.now, Key: m.text(20), Value: m.text(m.size.ValueBytesMax)}
	if m.rand.IntN(6) == 0 {
		r.Timestamp -= int64(m.rand.IntN(500))
	}
	if m.rand.IntN(3) == 0 {
		for i := range 1 + m.rand.IntN(3) {
			r.Headers = append(r.Headers, Header{Key: fmt.Sprintf("h%d", i), Value: m.text(12)})
		}
	}
	return r
}

var words = strings.Fields(
	"leader epoch offset replica segment \u00e9poque \u65e5\u5fd7 flush index batch 42 0 {\"n\":1}")

// text is null one time in seven, empty one time in seven, and else words.
func (m *maker) text(bytesMax int) *string {
	switch m.rand.IntN(7) {
	case 0:
		return nil
	case 1:
		return new(string)
	}
	var s strings.Builder
	for want := 1 + m.rand.IntN(bytesMax); s.Len() < want; {
		s.WriteString(words[m.rand.IntN(len(words))])
		s.WriteByte(' ')
	}
	out := strings.TrimSpace(s.String())
	return &out
}
