package producer

import (
	"fmt"
	"time"

	"brokerlab/engine/codec"
	"brokerlab/engine/env"
	"brokerlab/engine/protocol"
	"brokerlab/engine/record"
	"brokerlab/engine/task"
)

// Send puts a record into a batch and returns. done, if not nil, is called once,
// from a task of the producer, when the record is acknowledged or failed. While
// buffer.memory is full Send waits, at most max.block.ms. After an error, which
// is an ErrNotSent, done is not called.
func (p *Producer) Send(r *Record, done func(Ack, error)) error {
	if err := p.put(r, done); err != nil {
		return fmt.Errorf("%w: %w", ErrNotSent, err)
	}
	return nil
}

func (p *Producer) put(r *Record, done func(Ack, error)) error {
	now := p.node.Now()
	intended := r.Intended
	if intended == 0 {
		intended = now
	}
	// As Kafka, by an upper bound (AbstractRecords.estimateSizeInBytesUpperBound).
	size := record.SizeUpperBound(r.Key, r.Value, r.Headers)
	if size+record.HeaderSize > p.cfg.MaxRequestSize || int64(size+record.HeaderSize) > p.cfg.BufferMemory {
		return fmt.Errorf("%w: %d bytes, with max.request.size %d and buffer.memory %d",
			ErrRecordTooLarge, size+record.HeaderSize, p.cfg.MaxRequestSize, p.cfg.BufferMemory)
	}
	p.node.Charge(env.OpRecordEncode, size)
	p.mu.Lock()
	defer p.mu.Unlock()
	timestamp := (p.mu.wallAhead + int64(now)) / int64(time.Millisecond)
	at, err := p.placeLocked(r, placing{size: size, timestamp: timestamp, since: now})
	if err != nil {
		return err
	}
	b, before := at.batch, 0
	if b.count > 0 {
		before = b.estimate()
	}
	b.add(p.node.Pool(), r, timestamp, intended, done)
	full := b.isFull()
	if r.Partition < 0 {
		at.topic.appended(b.estimate()-before, p.cfg.BatchSize, full)
	}
	switch {
	case full:
		p.sealLocked(at.queue, b)
	case b.count == 1 && len(at.queue.batches) == 1:
		p.senders[at.queue.broker].dueLocked(p.mu.acc.dueAt(at.queue))
	}
	return nil
}

// partitionLocked finds the record's partition.
func (p *Producer) partitionLocked(r *Record) (*topicState, *partitionQueue, error) {
	for i := range p.mu.topics {
		t := &p.mu.topics[i]
		if t.name != r.Topic {
			continue
		}
		if r.Partition >= int32(len(t.partitions)) {
			return nil, nil, fmt.Errorf("topic %q has %d partitions, not partition %d",
				r.Topic, len(t.partitions), r.Partition)
		}
		if r.Partition >= 0 {
			return t, t.partitions[r.Partition], nil
		}
		return t, t.partitions[t.sticky], nil
	}
	return nil, nil, fmt.Errorf("unknown topic %q", r.Topic)
}

// appended counts bytes for the sticky partition and chooses another one after
// batch.size of them, once the batch is full, or after twice as many
// (BuiltInPartitioner.updatePartitionInfo).
func (t *topicState) appended(bytes, batchSize int, batchFull bool) {
	t.stuckBytes += bytes
	if t.stuckBytes >= batchSize && batchFull || t.stuckBytes >= 2*batchSize {
		t.stickTo()
	}
}

// changed chooses another partition, if it is due, before a batch is begun: no
// batch of the old one is left half full then (RecordAccumulator.partitionChanged).
func (t *topicState) changed(batchSize int) bool {
	if t.stuckBytes < batchSize {
		return false
	}
	t.stickTo()
	return true
}

// stickTo chooses the next sticky partition (BuiltInPartitioner.nextPartition).
func (t *topicState) stickTo() {
	t.stuckBytes = 0
	t.sticky = t.random.IntN(len(t.partitions))
}

// placing is what placeLocked must know of a record.
type placing struct {
	size      int // upper bound, without the batch's header
	timestamp int64
	since     env.Time // when Send began
}

// place is where a record goes.
type place struct {
	topic *topicState
	queue *partitionQueue
	batch *batch
}

// placeLocked finds a batch with room for the record. It seals an open one that
// has none, and releases the lock while it does and while it waits for memory:
// when it has it again, another task may have made a batch or the sticky
// partition may be another one.
func (p *Producer) placeLocked(r *Record, in placing) (place, error) {
	for {
		t, q, err := p.partitionLocked(r)
		if err != nil {
			return place{}, err
		}
		b := q.open()
		switch {
		case b != nil && b.hasRoom(r, in.timestamp):
			if p.mu.closing {
				return place{}, env.ErrClosed
			}
			return place{t, q, b}, nil
		case b != nil:
			p.sealLocked(q, b)
			continue
		case r.Partition < 0 && t.changed(p.cfg.BatchSize):
			continue
		}
		cost := int64(max(p.cfg.BatchSize, in.size+record.HeaderSize))
		if err := p.awaitMemoryLocked(cost, in.since); err != nil {
			return place{}, err
		}
		if q.open() == nil && (r.Partition >= 0 || t.partitions[t.sticky] == q) {
			return place{t, q, p.newBatchLocked(q, cost)}, nil
		}
		p.mu.acc.memoryUsed -= cost
	}
}

func (p *Producer) newBatchLocked(q *partitionQueue, cost int64) *batch {
	now := p.node.Now() // not when Send began: it may have waited for memory
	p.mu.wallAhead = p.node.Wall().UnixNano() - int64(now)
	b := p.mu.acc.newBatch()
	b.tp, b.cost, b.limit, b.created = q.tp, cost, int(cost), now
	b.stamps[protocol.StageCreated] = now
	b.ratio = 1
	if p.cfg.Compression != codec.None {
		b.ratio = p.mu.ratio.ratio
	}
	b.mem = p.node.Pool().Get(int(cost))
	b.used = record.HeaderSize
	p.mu.acc.add(q, b)
	return b
}

// awaitMemoryLocked takes cost bytes of buffer.memory, and waits for them until
// max.block.ms after since.
func (p *Producer) awaitMemoryLocked(cost int64, since env.Time) error {
	deadline := since.Add(p.cfg.MaxBlock)
	for !p.mu.acc.takeMemory(cost) {
		if p.mu.closing {
			return env.ErrClosed
		}
		p.mu.acc.waiting++
		p.wakeSendersLocked() // a full buffer sends without linger
		woken := p.mu.memoryFreed.WaitUntil(deadline)
		p.mu.acc.waiting--
		if !woken && p.node.Now() >= deadline {
			return ErrBufferExhausted
		}
	}
	if p.mu.closing {
		p.mu.acc.memoryUsed -= cost
		return env.ErrClosed
	}
	return nil
}

// sealLocked closes an open batch and compresses it without the lock. A batch
// that cannot be compressed is a fault of ours: nothing in a record can cause it.
func (p *Producer) sealLocked(q *partitionQueue, b *batch) {
	b.state = batchSealing
	p.mu.Unlock()
	p.seal(b)
	p.mu.Lock()
	b.state = batchSealed
	p.senders[q.broker].wake.Signal()
}

// seal makes the batch ready to be sent. Call it without the lock.
func (p *Producer) seal(b *batch) {
	c := p.compressor()
	if err := b.seal(p.node, c, p.cfg.Compression); err != nil {
		panic(fmt.Sprintf("producer: a batch of valid records does not compress: %v", err))
	}
	p.mu.Lock()
	p.mu.compressors = append(p.mu.compressors, c)
	if p.cfg.Compression != codec.None {
		raw, wire := b.used-record.HeaderSize, b.wire.Len()-record.HeaderSize
		p.mu.ratio.observe(float64(wire) / float64(raw))
	}
	p.mu.Unlock()
}

func (p *Producer) compressor() *codec.Compressor {
	p.mu.Lock()
	if n := len(p.mu.compressors) - 1; n >= 0 {
		c := p.mu.compressors[n]
		p.mu.compressors = p.mu.compressors[:n]
		p.mu.Unlock()
		return c
	}
	p.mu.Unlock()
	c, err := codec.NewCompressorOf(p.cfg.Compression, p.cfg.Level, p.cfg.Implementation)
	if err != nil {
		panic(fmt.Sprintf("producer: a validated codec has no compressor: %v", err))
	}
	return c
}

// SendSync sends one record and returns when it is acknowledged or failed: the
// synchronous mode, as Kafka's send(...).get(). The record lingers as any other.
func (p *Producer) SendSync(r *Record) (Ack, error) {
	f := task.NewFuture[Ack](p.node)
	if err := p.Send(r, f.Set); err != nil {
		return Ack{}, err
	}
	return f.Wait(env.Never)
}

// callBack calls the callbacks of the batch's records.
func (b *batch) callBack(out *Batch) {
	for i, done := range b.dones {
		if done == nil {
			continue
		}
		ack := Ack{TopicPartition: b.tp, Offset: -1}
		if out.BaseOffset >= 0 {
			ack.Offset = out.BaseOffset + int64(i)
		}
		done(ack, out.Err)
	}
}
