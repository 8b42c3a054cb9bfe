package record

import (
	"fmt"
	"math"
)

// What a batch without a producer id has in its header (RecordBatch.NO_PRODUCER_ID
// and so on).
const (
	NoProducerID    int64 = -1
	NoProducerEpoch int16 = -1
	NoSequence      int32 = -1
)

// HasProducerID says that the producer is idempotent or transactional.
func (h *Header) HasProducerID() bool { return h.ProducerID > NoProducerID }

// LastSequence is the sequence number of the batch's last record, also if
// compaction has removed it (DefaultRecordBatch.lastSequence); NoSequence if the
// batch has none. It may be below BaseSequence: numbers wrap around.
func (h *Header) LastSequence() int32 {
	if h.BaseSequence == NoSequence {
		return NoSequence
	}
	return IncrementSequence(h.BaseSequence, h.LastOffsetDelta)
}

// IncrementSequence is the sequence number n records after sequence: 0 follows
// 2^31-1 (DefaultRecordBatch.incrementSequence). Neither may be negative.
func IncrementSequence(sequence, n int32) int32 {
	checkSequence(sequence, n)
	return int32((uint32(sequence) + uint32(n)) & math.MaxInt32)
}

// DecrementSequence is the sequence number n records before sequence
// (DefaultRecordBatch.decrementSequence). Neither may be negative.
func DecrementSequence(sequence, n int32) int32 {
	checkSequence(sequence, n)
	return int32((uint32(sequence) - uint32(n)) & math.MaxInt32)
}

func checkSequence(sequence, n int32) {
	if sequence < 0 || n < 0 {
		panic(fmt.Sprintf("record: negative sequence %d or step %d", sequence, n))
	}
}
