package producer

import (
	"fmt"
	"slices"
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
	j := joining{Record: r, now: p.node.Now(), done: done}
	err := p.measure(&j)
	if err == nil {
		p.mu.Lock()
		err = p.putLocked(&j)
		p.mu.Unlock()
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrNotSent, err)
	}
	return nil
}

// SendAll does what Send does for each of the records, in order, for a caller that
// has several at once: it looks at the clock and takes the producer's lock once for
// all of them. It is ours; Kafka's producer takes records one by one. At the first
// error it ends: sent says how many records went before, and done is called for
// these alone.
func (p *Producer) SendAll(records []Record, done func(Ack, error)) (sent int, err error) {
	j := joining{now: p.node.Now(), done: done}
	p.mu.Lock()
	for ; sent < len(records) && err == nil; sent++ {
		j.Record = &records[sent]
		if err = p.measure(&j); err == nil {
			err = p.putLocked(&j)
		}
	}
	p.mu.Unlock()
	if err != nil {
		return sent - 1, fmt.Errorf("%w: %w", ErrNotSent, err)
	}
	return sent, nil
}

// measure takes the record's size, which must be within the limits.
func (p *Producer) measure(j *joining) error {
	if p.cfg.Modelled == nil {
		j.bytes = len(j.Key) + len(j.Value)
		j.fields = record.FieldsSize(j.Key, j.Value, j.Headers)
	} else {
		j.bytes = len(j.Key) + j.ValueBytes
		j.fields = record.FieldsSizeOf(j.Key, j.ValueBytes, j.Headers)
	}
	// As Kafka, by an upper bound (AbstractRecords.estimateSizeInBytesUpperBound).
	j.bound = record.SizeUpperBound(j.fields)
	if need := j.bound + record.HeaderSize; need > p.cfg.MaxRequestSize || int64(need) > p.cfg.BufferMemory {
		return fmt.Errorf("%w: %d bytes, with max.request.size %d and buffer.memory %d",
			ErrRecordTooLarge, need, p.cfg.MaxRequestSize, p.cfg.BufferMemory)
	}
	p.node.Charge(env.OpRecordEncode, j.bound)
	return nil
}

// putLocked puts a record into a batch, and seals the batch if it is full then. It
// may release the lock meanwhile.
func (p *Producer) putLocked(j *joining) error {
	j.timestamp = (p.mu.wallAhead + int64(j.now)) / int64(time.Millisecond)
	topic, partition, err := p.partitionLocked(j.Record)
	if err != nil {
		return err
	}
	q := topic.queue(partition)
	b := q.open()
	if b == nil || p.mu.closing || !b.hasRoom(j) { // seldom
		if q, b, err = p.placeLocked(j, topic, partition); err != nil {
			return err
		}
	}
	before := 0
	if b.count > 0 {
		before = b.estimate()
	}
	b.add(p.node.Pool(), j)
	full := b.isFull()
	if partition < 0 {
		topic.appended(b.estimate()-before, p.cfg.BatchSize, full)
	}
	switch {
	case full:
		p.sealLocked(q, b)
	case b.count == 1 && len(q.batches) == 1:
		p.dueLocked(q)
	}
	return nil
}

// placeLocked finds a batch with room for the record, in the queue of a
// partition; -1 is the sticky one. It seals an open batch that has none, and
// releases the lock while it does and while it waits for memory: when it has it
// again, another task may have made a batch or the sticky partition may be another
// one.
func (p *Producer) placeLocked(j *joining, t *topicState, partition int32) (*partitionQueue, *batch, error) {
	for {
		q := t.queue(partition)
		b := q.open()
		switch {
		case b != nil && b.hasRoom(j):
			if p.mu.closing {
				return nil, nil, env.ErrClosed
			}
			return q, b, nil
		case b != nil:
			p.sealLocked(q, b)
			continue
		case partition < 0 && t.changed(p.cfg.BatchSize):
			continue
		}
		cost := int64(max(p.cfg.BatchSize, j.bound+record.HeaderSize))
		if err := p.awaitMemoryLocked(cost, j.now); err != nil {
			return nil, nil, err
		}
		if q.open() == nil && t.queue(partition) == q {
			return q, p.newBatchLocked(q, cost), nil
		}
		p.mu.acc.memory.give(cost)
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
	if b.modelled = p.cfg.Modelled; b.modelled == nil {
		b.mem = p.node.Pool().Get(int(cost))
	}
	b.used = record.HeaderSize
	p.mu.acc.add(q, b)
	if p.mu.acc.expiryAt < p.mu.watched {
		p.mu.expirer.Signal()
	}
	return b
}

// awaitMemoryLocked takes cost bytes of buffer.memory, and waits for them behind
// those that came before, until max.block.ms after since.
func (p *Producer) awaitMemoryLocked(cost int64, since env.Time) error {
	if p.mu.closing {
		return env.ErrClosed
	}
	m := &p.mu.acc.memory
	if m.take(cost) {
		return nil
	}
	w := &memoryWaiter{cost: cost, cond: p.node.NewCond(p.mu.Mutex)}
	m.waiters = append(m.waiters, w)
	p.wakeSendersLocked() // a full buffer sends without linger
	deadline := since.Add(p.cfg.MaxBlock)
	for !w.given {
		woken := w.cond.WaitUntil(deadline)
		switch {
		case w.given:
		case p.mu.closing:
			m.leave(w)
			return env.ErrClosed
		case !woken && p.node.Now() >= deadline:
			used, ahead := m.used, slices.Index(m.waiters, w)
			m.leave(w)
			return fmt.Errorf("%w: %d bytes wanted for %v, %d of %d in use, %d callers ahead",
				ErrBufferExhausted, cost, p.cfg.MaxBlock, used, m.limit, ahead)
		}
	}
	if p.mu.closing {
		m.give(cost)
		return env.ErrClosed
	}
	return nil
}

// sealLocked closes an open batch and compresses it without the lock. A batch
// that cannot be compressed is a fault of ours: nothing in a record can cause it.
func (p *Producer) sealLocked(q *partitionQueue, b *batch) {
	b.state = batchSealing
	b.stamps[protocol.StageClosed] = p.node.Now()
	p.mu.Unlock()
	p.seal(b)
	p.mu.Lock()
	b.state = batchSealed
	p.wakeLocked(q)
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
		raw, wire := b.used-record.HeaderSize, b.wireSize-record.HeaderSize
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
	if p.cfg.Modelled != nil {
		return nil
	}
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

// tell reports the outcome of a batch, b.err.
func (p *Producer) tell(b *batch, now env.Time) {
	b.stamps[protocol.StageAcked] = now
	if p.cfg.OnBatch != nil {
		p.cfg.OnBatch(&Batch{TopicPartition: b.tp, BaseOffset: b.offset, Err: b.err, Intended: b.intended,
			Cookies: b.cookies, Stretches: b.stretches, Records: int(b.count),
			RecordBytes: b.bytes, RawBytes: int64(b.used), WireBytes: int64(b.wireSize),
			Stamps: b.stamps, Flushing: b.flushing, Attempts: b.attempts, FirstOfRequest: b.firstOfRequest})
	}
	for i, done := range b.dones {
		if done == nil {
			continue
		}
		ack := Ack{TopicPartition: b.tp, Offset: -1}
		if b.offset >= 0 {
			ack.Offset = b.offset + int64(i)
		}
		done(ack, b.err)
	}
}
