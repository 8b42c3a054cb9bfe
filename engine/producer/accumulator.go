package producer

import (
	"slices"
	"time"

	"brokerlab/engine/env"
	"brokerlab/engine/protocol"
)

// accumulator holds the batches that are not sent yet, by partition and by the
// broker that leads it (RecordAccumulator). It is a core: it is told the time
// and decides; the producer's lock is held around every call.
type accumulator struct {
	linger      time.Duration
	memoryLimit int64 // buffer.memory
	memoryUsed  int64
	waiting     int   // callers that wait for memory
	added       int64 // batches ever added
	incomplete  int   // batches that are not acknowledged or failed yet
	flushes     []*flush
	brokers     []brokerQueue
	free        []*batch
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
	next       int // partition where the next drain begins, so that none starves
	batches    int
}

// partitionQueue is a partition's batches in order. Only the last can be open.
type partitionQueue struct {
	tp      protocol.TopicPartition
	broker  int // index into brokers
	batches []*batch
}

// open returns the batch that takes records, if there is one.
func (q *partitionQueue) open() *batch {
	if n := len(q.batches); n > 0 && q.batches[n-1].state == batchOpen {
		return q.batches[n-1]
	}
	return nil
}

// takeMemory takes cost bytes of buffer.memory, or reports that they are not
// there. One batch always fits into an empty buffer.
func (a *accumulator) takeMemory(cost int64) bool {
	if a.memoryUsed > 0 && a.memoryUsed+cost > a.memoryLimit {
		return false
	}
	a.memoryUsed += cost
	return true
}

// add puts a new batch at the end of its partition's queue.
func (a *accumulator) add(q *partitionQueue, b *batch) {
	q.batches = append(q.batches, b)
	a.brokers[q.broker].batches++
	b.number = a.added
	a.added++
	a.incomplete++
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
	return &batch{}
}

// recycle takes back a batch that is acknowledged or failed.
func (a *accumulator) recycle(b *batch) {
	a.memoryUsed -= b.cost
	a.incomplete--
	for _, f := range a.flushes {
		if b.number < f.before {
			f.left--
		}
	}
	b.reset()
	a.free = append(a.free, b)
}

// dueAt is the instant at which a partition's first batch may be sent; Never if
// there is none or it is being sealed (its sealer wakes the sender).
func (a *accumulator) dueAt(q *partitionQueue) env.Time {
	if len(q.batches) == 0 {
		return env.Never
	}
	switch first := q.batches[0]; {
	case first.state == batchSealed:
		return 0
	case first.state == batchSealing:
		return env.Never
	case len(a.flushes) > 0 || a.waiting > 0:
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
	for _, q := range bq.partitions {
		at = min(at, a.dueAt(q))
		if at == 0 {
			break
		}
	}
	return at
}

// drain takes the first batch of each of the broker's partitions, also of those
// that are not due, up to maxBytes (RecordAccumulator.drain). Open batches
// become sealing: the caller seals them. It appends to out.
func (a *accumulator) drain(broker, maxBytes int, now env.Time, out []*batch) []*batch {
	bq := &a.brokers[broker]
	size, taken := 0, len(out)
	for range bq.partitions {
		q := bq.partitions[bq.next%len(bq.partitions)]
		if len(q.batches) == 0 || q.batches[0].state == batchSealing {
			bq.next++
			continue
		}
		b := q.batches[0]
		if len(out) > taken && size+b.size() > maxBytes {
			break
		}
		bq.next++
		size += b.size()
		copy(q.batches, q.batches[1:])
		q.batches = q.batches[:len(q.batches)-1]
		bq.batches--
		if b.state == batchOpen {
			b.state = batchSealing
		}
		b.stamps[protocol.StageDrained] = now
		out = append(out, b)
	}
	bq.next %= len(bq.partitions)
	return out
}
