package producer

import (
	"math"

	"brokerlab/engine/protocol"
	"brokerlab/engine/record"
)

// producerID is what InitProducerId gives, and the epoch, which the producer
// raises itself (ProducerIdAndEpoch).
type producerID struct {
	id    int64
	epoch int16
}

// noProducer is the state before the first InitProducerId, and of batches that
// are not idempotent.
var noProducer = producerID{id: -1, epoch: -1}

// identity is the idempotent producer as a core: Kafka's TransactionManager
// without transactions (KIP-98, KIP-360). Sequences are given to batches when they
// are drained and stay with them through all retries, so that the broker can tell
// a batch that it has from a new one.
//
// A gap that the broker will never see filled (a batch that was given up after it
// may have been sent, or one that was refused) is closed by a new epoch, under
// which the partition counts from 0 again. Kafka renumbers batches in flight at
// once; here a partition first waits for their answers, so that none is in the air
// under two names.
type identity struct {
	on  bool
	now producerID
}

// sequences is one partition's part of it (TxnPartitionEntry).
type sequences struct {
	of        producerID // under which they count
	next      int32
	lastAcked int32 // last sequence of the last batch that was acknowledged; record.NoSequence if there is none
	// unresolved says that a batch was given up of which nobody knows whether the
	// broker has it (TransactionManager.markSequenceUnresolved).
	unresolved bool
	// restart says that the partition must begin a new epoch.
	restart bool
}

// inFlightMax is how many batches of a producer a broker remembers for each
// partition (ProducerStateEntry.NUM_BATCHES_TO_RETAIN), and so how many may wait
// for an answer.
const inFlightMax = 5

// blocked says that a partition's first batch has to wait.
func (i *identity) blocked(q *partitionQueue, first *batch) bool {
	s := &q.sequences
	switch {
	case i.wanted():
		return true
	case len(q.flying) == 0:
		return false
	case s.restart:
		return true
	case first.sequence != record.NoSequence:
		return q.flying[0].number < first.number // retries go one by one
	default:
		return len(q.flying) >= inFlightMax || s.unresolved || s.of != i.now
	}
}

// assign gives the partition's first batch, which is not blocked, its sequence.
func (i *identity) assign(q *partitionQueue, b *batch) {
	if !i.on {
		b.id, b.sequence = noProducer, record.NoSequence
		return
	}
	s := &q.sequences
	if s.restart || b.sequence == record.NoSequence && s.unresolved && !s.resolved() {
		i.restart(q)
	}
	if b.sequence != record.NoSequence {
		return
	}
	if len(q.flying) == 0 {
		s.unresolved = false
		if s.of != i.now {
			*s = sequences{of: i.now, lastAcked: record.NoSequence}
		}
	}
	b.id, b.sequence, b.headed = s.of, s.next, false
	s.next = record.IncrementSequence(s.next, b.count)
}

// restart begins a new epoch for a partition of which nothing is in flight. The
// others follow as soon as nothing of theirs is (bumpIdempotentProducerEpoch).
func (i *identity) restart(q *partitionQueue) {
	for _, b := range q.batches {
		b.sequence = record.NoSequence
	}
	if q.sequences.of == i.now {
		i.now.epoch++
	}
	q.sequences = sequences{of: i.now, lastAcked: record.NoSequence}
}

// wanted says that a producer id must be asked for: there is none, or its epochs
// are used up.
func (i *identity) wanted() bool {
	return i.on && (i.now == noProducer || i.now.epoch == math.MaxInt16)
}

// acked notes that the broker has a batch.
func (i *identity) acked(b *batch) {
	s := &b.queue.sequences
	if b.sequence == record.NoSequence || b.id != s.of {
		return
	}
	if last := record.IncrementSequence(b.sequence, b.count-1); !s.covers(last) {
		s.lastAcked = last
	}
}

// covers says that a sequence, or one behind it, was acknowledged. Sequences wrap
// around: what is less than half of them away lies before.
func (s *sequences) covers(sequence int32) bool {
	return s.lastAcked != record.NoSequence && record.DecrementSequence(s.lastAcked, sequence) < 1<<30
}

// refused notes that the broker will never have a batch, so that those behind it
// would leave a gap.
func (i *identity) refused(b *batch) {
	if s := &b.queue.sequences; b.sequence != record.NoSequence && b.id == s.of {
		s.restart = true
	}
}

// givenUp notes that nobody knows whether the broker has a batch.
func (i *identity) givenUp(b *batch) {
	if s := &b.queue.sequences; b.sequence != record.NoSequence && b.id == s.of {
		s.unresolved = true
	}
}

// outOfOrder notes that the broker missed the batches before b. If one of them is
// still to be sent again, b waits for it. If later ones are acknowledged it is b
// that the broker has had: it remembers only so many, and a new leader may have
// taken more of them while b's answer was waited for from the old one; then b is
// tried until it is given up, as Kafka does (TransactionManager.canRetry), since
// under another name it would be there twice. Else they are gone.
func (i *identity) outOfOrder(b *batch) {
	q := b.queue
	earlier := len(q.flying) > 0 && q.flying[0].number < b.number ||
		len(q.batches) > 0 && q.batches[0].number < b.number
	if !earlier && !(b.id == q.sequences.of && q.sequences.covers(b.sequence)) {
		i.refused(b)
	}
}

// resolved says that all sequences that were given out are acknowledged.
func (s *sequences) resolved() bool {
	return s.next == 0 && s.lastAcked == record.NoSequence ||
		s.lastAcked != record.NoSequence && s.next == record.IncrementSequence(s.lastAcked, 1)
}

// mayRetry says whether a batch with a sequence may be sent again after an answer.
func mayRetry(code protocol.ErrorCode, b *batch) bool {
	return code.Retriable() || code == protocol.ErrOutOfOrderSequence && b.sequence != record.NoSequence
}
