package commitlog

import (
	"errors"
	"math"
	"testing"

	"brokerlab/engine/record"
)

// idempotent is a header of a batch of 3 records of producer 7.
func idempotent(epoch int16, sequence int32, base int64) *record.Header {
	return &record.Header{ProducerID: 7, ProducerEpoch: epoch, BaseSequence: sequence, BaseOffset: base,
		LastOffsetDelta: 2, RecordCount: 3}
}

// TestProducerStateCheck: which batches of an idempotent producer are taken, known
// or refused (ProducerAppendInfo.checkSequence, ProducerStateEntry.findDuplicateBatch).
// Method: table, after seven batches of epoch 1 with sequences 0 to 20.
func TestProducerStateCheck(t *testing.T) {
	cases := []struct {
		why       string
		h         *record.Header
		duplicate int64 // base offset of the batch that it repeats; -1 for none
		want      error
		deleted   bool // the log does not begin at 0
	}{
		{"the next sequence", idempotent(1, 21, 0), -1, nil, false},
		{"a gap", idempotent(1, 22, 0), -1, ErrOutOfOrderSequence, false},
		{"the last batch again", idempotent(1, 18, 0), 118, nil, false},
		{"the oldest of the five that are remembered", idempotent(1, 6, 0), 106, nil, false},
		{"one that is forgotten", idempotent(1, 3, 0), -1, ErrOutOfOrderSequence, false},
		{"a batch that overlaps two", idempotent(1, 17, 0), -1, ErrOutOfOrderSequence, false},
		{"a new epoch begins with 0", idempotent(2, 0, 0), -1, nil, false},
		{"a new epoch that does not", idempotent(2, 21, 0), -1, ErrOutOfOrderSequence, false},
		{"an epoch that is over", idempotent(0, 21, 0), -1, ErrProducerEpoch, false},
		{"an unknown producer begins with 0", &record.Header{ProducerID: 8, BaseSequence: 0}, -1, nil, false},
		{"it does not", &record.Header{ProducerID: 8, BaseSequence: 9}, -1, ErrOutOfOrderSequence, false},
		{"it may where records were deleted", &record.Header{ProducerID: 8, BaseSequence: 9}, -1, nil, true},
		{"a producer without an id", &record.Header{ProducerID: -1, ProducerEpoch: -1, BaseSequence: -1}, -1, nil, false},
	}
	var p producerStates
	for i := range int32(7) {
		p.add(idempotent(1, 3*i, 100+3*int64(i)))
	}
	for _, c := range cases {
		found, duplicate, err := p.check(c.h, c.deleted)
		if !errors.Is(err, c.want) || duplicate != (c.duplicate >= 0) || duplicate && found.baseOffset != c.duplicate {
			t.Errorf("%s: %+v, duplicate %v, %v", c.why, found, duplicate, err)
		}
	}
}

// TestProducerStateWraps: 0 follows the largest sequence, also inside a batch.
func TestProducerStateWraps(t *testing.T) {
	var p producerStates
	p.add(idempotent(0, math.MaxInt32-2, 0))
	if _, _, err := p.check(idempotent(0, 0, 0), false); err != nil {
		t.Errorf("0 after the largest: %v", err)
	}
	p.add(idempotent(0, math.MaxInt32-1, 3)) // sequences MaxInt32-1, MaxInt32, 0
	if _, _, err := p.check(idempotent(0, 1, 0), false); err != nil {
		t.Errorf("1 after a batch that ends with 0: %v", err)
	}
	if _, duplicate, err := p.check(idempotent(0, math.MaxInt32-1, 0), false); err != nil || !duplicate {
		t.Errorf("that batch again: duplicate %v, %v", duplicate, err)
	}
}

// TestProducerStateCut: what a truncation leaves. Method: batches at offsets 0, 3, 6
// and so on, then a cut.
func TestProducerStateCut(t *testing.T) {
	cases := []struct {
		why     string
		batches int
		cut     int64
		known   bool
		next    int32 // sequence that is taken
	}{
		{"behind the end nothing changes", 3, 9, true, 9},
		{"the last batch goes", 3, 6, true, 6},
		{"all go: the producer is not known", 3, 0, true, 77},
		{"more than are remembered: the log must be read", 9, 3, false, 77},
		{"all that are remembered but one", 9, 15, true, 15},
	}
	for _, c := range cases {
		var p producerStates
		for i := range int32(c.batches) {
			p.add(idempotent(0, 3*i, 3*int64(i)))
		}
		known := p.cutEnd(c.cut)
		if _, _, err := p.check(idempotent(0, c.next, 0), true); known != c.known || err != nil {
			t.Errorf("%s: known is %v, sequence %d: %v", c.why, known, c.next, err)
		}
	}
}
