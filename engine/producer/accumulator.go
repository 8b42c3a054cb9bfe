package producer

import (
	"slices"
	"time"

	"brokerlab/engine/env"
	"brokerlab/engine/protocol"
)

// accumulator holds the batches that are not acknowledged yet, by partition and
// by the broker that leads it (RecordAccumulator). It is a core: it is told the
// time and decides; the producer's lock is held around every call.
type accumulator struct {
	linger     time.Duration
	retry      retryPolicy
	memory     memory
	ids        identity
	muted      bool  // one batch of a partition at a time: max.in.flight 1 without idempotence
	added      int64 // batches ever added
	incomplete int   // batches that are not acknowledged or failed yet
	flushes    []*flush
	brokers    []brokerQueue
	leaderless []*partitionQueue
	expiryAt   env.Time // no batch expires before
	aborted    bool     // every batch has expired
	free       []*batch
}

// flush waits for the batches that were incomplete when it began, as Kafka's
// awaitFlushCompletion: what is sent meanwhile does not hold it up.
type flush struct {
	before int64 // it covers the batches numbered below
	left   int   // of them
}

// brokerQueue is what one broker leads.
type brokerQueue struct {
	partitions []*partitionQueue
	lengths    []int32 // of the partitions' queues, side by side, so that empty ones cost nothing
	next       int     // partition where the next drain begins, so that none starves
	batches    int
}

// noBroker is the broker of a partition without a leader.
const noBroker = -1

// partitionQueue is a partition's batches in order. Only the last can be open;
// those that are to be sent again stand first.
type partitionQueue struct {
	tp          protocol.TopicPartition
	broker      int   // index into brokers, or noBroker
	leaderEpoch int32 // as the metadata say
	batches     []*batch
	flying      []*batch      // drained and not answered yet, in order
	slot        int           // index into the broker's partitions
	lengths     *queueLengths // of the topic; nil counts nothing
	sequences   sequences
}

// open returns the batch that takes records, if there is one.
func (q *partitionQueue) open() *batch {
	if n := len(q.batches); n > 0 && q.batches[n-1].state == batchOpen {
		return q.batches[n-1]
	}
	return nil
}

// add puts a new batch at the end of its partition's queue.
func (a *accumulator) add(q *partitionQueue, b *batch) {
	b.queue = q
	q.batches = append(q.batches, b)
	a.count(q, 1)
	b.number = a.added
	a.added++
	a.incomplete++
	a.expiryAt = min(a.expiryAt, b.created.Add(a.retry.deliveryTimeout))
	if a.aborted {
		a.expiryAt = 0
	}
}

// count notes that the partition's queue has n batches more than before.
func (a *accumulator) count(q *partitionQueue, n int) {
	if q.lengths != nil {
		q.lengths.changed(len(q.batches)-n, len(q.batches))
	}
	if q.broker != noBroker {
		a.brokers[q.broker].batches += n
		a.brokers[q.broker].lengths[q.slot] = int32(len(q.batches))
	}
}

// place puts a partition into the queue of its leader.
func (a *accumulator) place(q *partitionQueue, broker int) {
	q.broker = broker
	list := &a.leaderless
	if broker != noBroker {
		bq := &a.brokers[broker]
		list = &bq.partitions
		bq.batches += len(q.batches)
		q.slot = len(bq.lengths)
		bq.lengths = append(bq.lengths, int32(len(q.batches)))
	} else if q.lengths != nil {
		q.lengths.leaderless++
	}
	*list = append(*list, q)
}

// move gives a partition to another leader. What waits to be sent again need not
// wait longer for the new one (KIP-951).
func (a *accumulator) move(q *partitionQueue, broker int) {
	list := &a.leaderless
	if q.broker != noBroker {
		list = &a.brokers[q.broker].partitions
		a.brokers[q.broker].batches -= len(q.batches)
	} else if q.lengths != nil {
		q.lengths.leaderless--
	}
	i := slices.Index(*list, q)
	*list = slices.Delete(*list, i, i+1)
	if q.broker != noBroker {
		lengths := &a.brokers[q.broker].lengths
		*lengths = slices.Delete(*lengths, i, i+1)
		for _, behind := range (*list)[i:] {
			behind.slot--
		}
	}
	a.place(q, broker)
	for _, b := range q.batches {
		b.notBefore = 0
	}
}

// beginFlush makes every batch due until endFlush.
func (a *accumulator) beginFlush() *flush {
	f := &flush{before: a.added, left: a.incomplete}
	a.flushes = append(a.flushes, f)
	return f
}

func (a *accumulator) endFlush(f *flush) {
	a.flushes = slices.DeleteFunc(a.flushes, func(g *flush) bool { return g == f })
}

// newBatch returns an empty batch, a used one if there is one.
func (a *accumulator) newBatch() *batch {
	if n := len(a.free) - 1; n >= 0 {
		b := a.free[n]
		a.free = a.free[:n]
		return b
	}
	b := &batch{}
	b.reset()
	return b
}

// finish counts a batch whose outcome was told, and gives its memory back.
func (a *accumulator) finish(b *batch) {
	a.memory.give(b.cost)
	a.incomplete--
	for _, f := range a.flushes {
		if b.number < f.before {
			f.left--
		}
	}
}

// recycle takes back a batch that nobody refers to any more.
func (a *accumulator) recycle(b *batch) {
	b.reset()
	a.free = append(a.free, b)
}

// dueAt is the instant at which a partition's first batch may be sent; Never if
// there is none, if it is being sealed (its sealer wakes the sender), or if it has
// to wait for the answers to others.
func (a *accumulator) dueAt(q *partitionQueue) env.Time {
	if len(q.batches) == 0 {
		return env.Never
	}
	switch first := q.batches[0]; {
	case first.state == batchSealing || a.blocked(q, first):
		return env.Never
	case first.state == batchSealed:
		return first.notBefore
	case len(a.flushes) > 0 || a.memory.awaited():
		return 0
	default:
		return first.created.Add(a.linger)
	}
}

// ready says when the broker may be sent something: now or earlier, or at the
// end of the shortest linger (RecordAccumulator.ready).
func (a *accumulator) ready(broker int) (at env.Time) {
	at = env.Never
	bq := &a.brokers[broker]
	if bq.batches == 0 {
		return at
	}
	for i, length := range bq.lengths {
		if length == 0 {
			continue
		}
		if at = min(at, a.dueAt(bq.partitions[i])); at == 0 {
			break
		}
	}
	return at
}

// drain takes the first batch of each of the broker's partitions, also of those
// that are not due, up to maxBytes (RecordAccumulator.drain). They are sealing:
// the caller compresses those that are not yet and writes their headers. It
// appends to out.
func (a *accumulator) drain(broker, maxBytes int, now env.Time, out []*batch) []*batch {
	bq := &a.brokers[broker]
	size, taken := 0, len(out)
	for range bq.partitions {
		at := bq.next % len(bq.partitions)
		if bq.lengths[at] == 0 {
			bq.next++
			continue
		}
		q := bq.partitions[at]
		b := q.batches[0]
		if b.state == batchSealing || b.notBefore > now || a.blocked(q, b) {
			bq.next++
			continue
		}
		if len(out) > taken && size+b.size() > maxBytes {
			break
		}
		bq.next++
		size += b.size()
		a.take(q)
		b.stampDrained(now)
		b.state = batchSealing
		out = append(out, b)
	}
	bq.next %= max(1, len(bq.partitions))
	return out
}

// take makes a partition's first batch fly.
func (a *accumulator) take(q *partitionQueue) {
	b := q.batches[0]
	a.ids.assign(q, b)
	copy(q.batches, q.batches[1:])
	q.batches = q.batches[:len(q.batches)-1]
	a.count(q, -1)
	at := len(q.flying)
	for at > 0 && q.flying[at-1].number > b.number { // one that is sent again may be older
		at--
	}
	q.flying = slices.Insert(q.flying, at, b)
}

// blocked says that a partition's first batch has to wait for the answers to
// others (RecordAccumulator.shouldStopDrainBatchesForPartition).
func (a *accumulator) blocked(q *partitionQueue, first *batch) bool {
	if a.ids.on {
		return a.ids.blocked(q, first)
	}
	return a.muted && len(q.flying) > 0
}

// land takes a batch off the flying ones.
func (q *partitionQueue) land(b *batch) {
	i := slices.Index(q.flying, b)
	q.flying = slices.Delete(q.flying, i, i+1)
}

// requeue puts a batch back, in front of the younger ones
// (RecordAccumulator.reenqueue).
func (a *accumulator) requeue(q *partitionQueue, b *batch) {
	at := 0
	for at < len(q.batches) && q.batches[at].number < b.number {
		at++
	}
	q.batches = slices.Insert(q.batches, at, b)
	a.count(q, 1)
}
