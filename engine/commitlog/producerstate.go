package commitlog

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"brokerlab/engine/record"
)

// Errors of appends by idempotent producers; test with errors.Is.
var (
	// ErrOutOfOrderSequence says that batches before this one are missing (Kafka's
	// OUT_OF_ORDER_SEQUENCE_NUMBER).
	ErrOutOfOrderSequence = errors.New("out of order sequence number")
	// ErrProducerEpoch says that the producer has begun a later epoch (Kafka's
	// INVALID_PRODUCER_EPOCH).
	ErrProducerEpoch = errors.New("invalid producer epoch")
)

// producerBatchesMax is how many batches of a producer are remembered
// (ProducerStateEntry.NUM_BATCHES_TO_RETAIN).
const producerBatchesMax = 5

// producerBatch is a batch that the log has.
type producerBatch struct {
	epoch      int16
	first      int32 // sequence
	last       int32 // sequence
	baseOffset int64
	nextOffset int64
	timestamp  int64 // the largest of its records
}

// producerEntry is what the log knows of one producer: its last batches, oldest
// first.
type producerEntry struct {
	batches [producerBatchesMax]producerBatch
	count   int
	// more says that the log may have older ones.
	more bool
}

// producerStates is the state of a partition's idempotent producers: a core,
// Kafka's ProducerStateManager without transactions. It is a function of the
// batches in the log, on the leader and on followers alike. Snapshot files hold
// it as of a segment's base and of the end of a log that was
// closed, so that a log that is opened reads only the headers behind the latest one.
// Kafka forgets producers that were silent for producer.id.expiration.ms (a day); this
// does not.
type producerStates struct {
	byID map[int64]*producerEntry
}

// last is the latest batch.
func (e *producerEntry) last() *producerBatch { return &e.batches[e.count-1] }

// check says what to do with a produced batch: it is found if the log has it
// already; an error if it must not be appended (ProducerAppendInfo.checkSequence).
// A producer that is not known may begin with any sequence if records were deleted:
// its own may have been among them. Kafka lets it do so in a whole log too, but for
// transactions (KIP-890). Then a first batch that is refused for a passing reason (the
// broker does not lead yet) while the next one in flight is taken can never be sent
// again: it is out of order until delivery.timeout.ms. Here it is the later one that
// waits. A producer whose records a new leader has lost, all of them, goes on under a
// new epoch, as in Kafka one does that has lost some.
func (p *producerStates) check(h *record.Header, deleted bool) (found producerBatch, duplicate bool, err error) {
	e := p.byID[h.ProducerID]
	switch {
	case !h.HasProducerID():
		return producerBatch{}, false, nil
	case e == nil && h.BaseSequence != 0 && !deleted:
		return producerBatch{}, false, fmt.Errorf("%w: producer %d, of which the log has nothing, begins with %d",
			ErrOutOfOrderSequence, h.ProducerID, h.BaseSequence)
	case e == nil:
		return producerBatch{}, false, nil
	}
	for _, b := range e.batches[:e.count] {
		if b.epoch == h.ProducerEpoch && b.first == h.BaseSequence && b.last == h.LastSequence() {
			return b, true, nil
		}
	}
	last := e.last()
	switch {
	case h.ProducerEpoch < last.epoch:
		err = fmt.Errorf("%w: producer %d has epoch %d, the batch %d", ErrProducerEpoch, h.ProducerID, last.epoch,
			h.ProducerEpoch)
	case h.ProducerEpoch > last.epoch && h.BaseSequence != 0:
		err = fmt.Errorf("%w: producer %d begins epoch %d with %d", ErrOutOfOrderSequence, h.ProducerID,
			h.ProducerEpoch, h.BaseSequence)
	case h.ProducerEpoch == last.epoch && h.BaseSequence != record.IncrementSequence(last.last, 1):
		err = fmt.Errorf("%w: producer %d goes on with %d after %d", ErrOutOfOrderSequence, h.ProducerID,
			h.BaseSequence, last.last)
	}
	return producerBatch{}, false, err
}

// add notes a batch that the log has. One without a sequence, which no leader takes
// and only a file that somebody made can hold, says nothing.
func (p *producerStates) add(h *record.Header) {
	if !h.HasProducerID() || h.Attributes.Control() || h.BaseSequence < 0 || h.LastOffsetDelta < 0 {
		return
	}
	e := p.byID[h.ProducerID]
	if e == nil {
		if p.byID == nil {
			p.byID = make(map[int64]*producerEntry)
		}
		e = &producerEntry{}
		p.byID[h.ProducerID] = e
	}
	if e.count == producerBatchesMax {
		copy(e.batches[:], e.batches[1:])
		e.count--
		e.more = true
	}
	e.batches[e.count] = producerBatch{epoch: h.ProducerEpoch, first: h.BaseSequence, last: h.LastSequence(),
		baseOffset: h.BaseOffset, nextOffset: h.NextOffset(), timestamp: h.MaxTimestamp}
	e.count++
}

// cutEnd forgets the batches from an offset on. It reports false if what is left of
// a producer is not known any more: then the state must be read from the log.
func (p *producerStates) cutEnd(offset int64) (known bool) {
	known = true
	for _, id := range slices.Sorted(maps.Keys(p.byID)) {
		e := p.byID[id]
		for e.count > 0 && e.last().nextOffset > offset {
			e.count--
		}
		if e.count == 0 {
			known = known && !e.more
			delete(p.byID, id)
		}
	}
	return known
}

// readProducers makes the state of the producers from the latest snapshot and the
// log's headers behind it: Kafka's UnifiedLog.rebuildProducerState. The caller holds
// writer, or nobody else has the log yet.
func (l *Log) readProducers() error {
	start := l.mu.segments[0].base
	beyond, err := l.removeSnapshots(l.active().end+1, math.MaxInt64)
	if err != nil {
		return err
	}
	if beyond { // their offsets are given out again: none of them may come back
		if err := l.forceNames(); err != nil {
			return err
		}
	}
	if _, err := l.removeSnapshots(0, start+1); err != nil {
		return err
	}
	from, err := l.loadSnapshot(start)
	if err != nil {
		return err
	}
	for _, s := range l.mu.segments {
		if s.end <= from {
			continue
		}
		if err := l.readProducersOf(s, from); err != nil {
			return fmt.Errorf("read the state of producers: %w", err)
		}
	}
	return nil
}

// readProducersOf adds the batches of a segment that do not lie before an offset.
func (l *Log) readProducersOf(s *segment, from int64) error {
	w := headerWalk{log: s.log, pool: l.node.Pool(), base: s.base, size: s.size}
	defer w.close()
	position := int64(0)
	if from > s.base {
		e := floorOffset(s.sparse.entries, uint32(from-s.base))
		if _, err := w.headerOf(e); err == nil {
			position = int64(e.position)
		}
	}
	for position < s.size {
		h, err := w.header(position)
		if err != nil {
			return err
		}
		if h.BaseOffset >= from {
			l.writer.producers.add(&h)
		}
		position += int64(h.SizeBytes())
	}
	return nil
}

// cutProducers makes the state that of a log that ends at an offset, without reading
// if that is not needed.
func (l *Log) cutProducers(offset int64) error {
	if l.writer.producers.cutEnd(offset) {
		removed, err := l.removeSnapshots(offset+1, math.MaxInt64)
		if err == nil && removed {
			err = l.forceNames()
		}
		return err
	}
	return l.readProducers()
}
