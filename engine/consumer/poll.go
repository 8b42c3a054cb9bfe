package consumer

import (
	"errors"
	"fmt"

	"brokerlab/engine/codec"
	"brokerlab/engine/env"
	"brokerlab/engine/record"
)

// Poll waits for records until the deadline and gives what has arrived to handle,
// at most max.poll.records, partition by partition in offset order. It returns how
// many there were. Polling may go on after a CorruptError, which says that one
// batch was left out, and after an OutOfRangeError or a TruncatedError, which come
// where auto.offset.reset is none, and again until the partition is given another
// position; other errors are final.
func (c *Consumer) Poll(deadline env.Time, handle Handler) (records int, err error) {
	for records < c.cfg.MaxPollRecords {
		if c.rest == nil {
			if records > 0 {
				c.rest = c.take()
			} else {
				c.rest, err = c.await(deadline)
			}
			if c.rest == nil {
				return records, err
			}
		}
		n, err := c.handOut(c.rest, handle, c.cfg.MaxPollRecords-records)
		records += n
		if c.rest.done() {
			c.rest.release()
			c.rest = nil
		}
		if err != nil {
			return records, err
		}
	}
	return records, nil
}

// await takes the next response, nil at the deadline.
func (c *Consumer) await(deadline env.Time) (*fetched, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.mu.ready) == 0 {
		if c.failure != nil {
			return nil, c.failure
		}
		if c.mu.closing {
			return nil, env.ErrClosed
		}
		if !c.mu.arrived.WaitUntil(deadline) && len(c.mu.ready) == 0 {
			return nil, nil
		}
	}
	return c.takeLocked(), nil
}

// take takes the next response, nil if there is none now.
func (c *Consumer) take() *fetched {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.mu.ready) == 0 {
		return nil
	}
	return c.takeLocked()
}

func (c *Consumer) takeLocked() *fetched {
	f := c.mu.ready[0]
	copy(c.mu.ready, c.mu.ready[1:])
	last := len(c.mu.ready) - 1
	c.mu.ready[last] = nil
	c.mu.ready = c.mu.ready[:last]
	if f.fetcher != nil {
		f.fetcher.full = false
		f.fetcher.wake.Signal()
	}
	return f
}

// handOut hands out records of the next batch of a response, or steps to the next
// partition after the last one, or over one that has another position by now.
func (c *Consumer) handOut(f *fetched, handle Handler, count int) (records int, err error) {
	p := &f.parts[f.part]
	switch {
	case p.ask.p.generation != p.ask.generation:
	case p.err != nil:
		err = c.found(p)
	case c.batch.open:
		return c.handOutBatch(p, handle, count)
	case p.at < p.end:
		return 0, c.nextBatch(p)
	default:
		p.ask.p.read = p.next.offset
	}
	c.batch.close()
	p.records.Release()
	p.records = env.Buf{}
	f.part++
	return 0, err
}

// found tells of what was found at the position of a partition, or resets it by
// policy. What was truncated is read again from where the logs part.
func (c *Consumer) found(part *fetchedPart) error {
	p, policy := part.ask.p, c.cfg.AutoOffsetReset
	var outOfRange *OutOfRangeError
	var truncated *TruncatedError
	isOutOfRange, isTruncated := errors.As(part.err, &outOfRange), errors.As(part.err, &truncated)
	if !isOutOfRange && !isTruncated {
		c.failure = fmt.Errorf("consumer %s: %w", c.cfg.ClientID, part.err)
		return c.failure
	}
	err := part.err
	c.mu.Lock()
	switch {
	case policy == ResetNone && isOutOfRange:
		c.mu.subscription.release(p, phaseFetch, c.node.Now())
	case policy == ResetNone:
		c.mu.subscription.release(p, phaseValidate, c.node.Now())
	case isTruncated && truncated.End.EndOffset >= 0:
		c.mu.subscription.seek(p, position{offset: truncated.End.EndOffset, epoch: truncated.End.LeaderEpoch})
	default:
		c.mu.subscription.reset(p, policy)
	}
	c.wakeLocked(p)
	c.mu.Unlock()
	if policy == ResetNone {
		return fmt.Errorf("consumer %s: %w, and auto.offset.reset is none", c.cfg.ClientID, err)
	}
	if c.cfg.OnReset != nil {
		c.cfg.OnReset(err)
	}
	return nil
}

// openBatch is the batch that is being handed out.
type openBatch struct {
	open    bool
	header  record.Header
	body    env.Buf  // as it was fetched
	mem     *env.Mem // of the decompressed records; nil if they are not compressed
	records record.Iterator
	stub    *env.Stub // instead of records
	handed  int32     // records of stub that were handed out or skipped
}

// Modelled is some records, which follow one another, of a batch without bytes.
type Modelled struct {
	Header *record.Header
	Stub   *env.Stub
	First  int32 // the first of them, counted from 0 in the batch
	Count  int32
}

func (b *openBatch) close() {
	if !b.open {
		return
	}
	b.body.Release()
	if b.mem != nil {
		b.mem.Release()
	}
	*b = openBatch{}
}

// roomMargin is how much more room a batch gets than the most that any before it
// needed for its size, so that decompression seldom has to allocate.
const roomMargin = 1.25

// errCRC says that a batch's bytes are not those that were sealed.
var errCRC = errors.New("CRC does not match")

// nextBatch opens the next batch of a response. One that is corrupt is stepped over.
func (c *Consumer) nextBatch(p *fetchedPart) error {
	b := &c.batch
	var head [record.HeaderSize]byte
	err := p.records.ReadAt(head[:], p.at)
	if err == nil {
		b.header, err = record.ParseHeader(head[:])
	}
	if err != nil {
		panic(fmt.Sprintf("consumer: a batch that was measured cannot be read: %v", err))
	}
	batch := p.records.Slice(p.at, b.header.SizeBytes())
	defer batch.Release()
	p.at += batch.Len()
	if err := c.unpack(batch); err != nil {
		p.ask.p.read = b.header.NextOffset()
		return c.corrupt(p, err)
	}
	if c.cfg.OnBatch != nil {
		c.cfg.OnBatch(p.ask.p.TopicPartition, p.timesOf(b.header.BaseOffset))
	}
	return nil
}

// unpack checks and decompresses a batch. The records of a control batch are not
// for readers.
func (c *Consumer) unpack(batch env.Buf) error {
	b := &c.batch
	c.node.Charge(env.OpCopy, batch.Len()) // out of the broker's page cache, or of a socket
	c.node.Charge(env.OpCRC, batch.Len())
	if crc, ok := record.BufCRC(batch); !ok || crc != b.header.CRC {
		return errCRC
	}
	if b.header.Attributes.Control() {
		b.open = true
		return nil
	}
	if b.stub = batch.Stub(record.HeaderSize, batch.Len()-record.HeaderSize); b.stub != nil && c.cfg.OnModelled != nil {
		if op, ok := codec.DecompressOp(b.header.Attributes.Codec()); ok {
			c.node.Charge(op, b.stub.PlainBytes)
		}
		c.node.Charge(env.OpRecordDecode, int(b.header.RecordCount))
		b.open = true
		return nil
	}
	body, err := batch.Slice(record.HeaderSize, batch.Len()-record.HeaderSize).Flat(c.node.Pool())
	if err != nil {
		return err
	}
	plain, _ := body.Contiguous()
	var mem *env.Mem
	if kind := b.header.Attributes.Codec(); kind != codec.None {
		mem = c.node.Pool().Get(int(float64(len(plain)) * c.expansion))
		if plain, err = c.decompressor.Append(mem.Bytes()[:0], kind, plain); err != nil {
			mem.Release()
			body.Release()
			return err
		}
		c.expansion = max(c.expansion, roomMargin*float64(len(plain))/float64(body.Len()))
		if op, ok := codec.DecompressOp(kind); ok {
			c.node.Charge(op, len(plain))
		}
	}
	c.node.Charge(env.OpRecordDecode, int(b.header.RecordCount))
	b.open, b.body, b.mem, b.records = true, body, mem, record.NewIterator(&b.header, plain)
	return nil
}

func (c *Consumer) corrupt(p *fetchedPart, cause error) error {
	h := &c.batch.header
	return &CorruptError{TopicPartition: p.ask.p.TopicPartition, BaseOffset: h.BaseOffset, Records: h.RecordCount,
		Cause: cause}
}

// handOutBatch hands out at most so many records of the open batch, and closes it
// behind its last one.
func (c *Consumer) handOutBatch(p *fetchedPart, handle Handler, count int) (records int, err error) {
	of, generation, from := p.ask.p, p.ask.generation, p.ask.from.offset
	if c.batch.stub != nil {
		return c.handOutModelled(p, int32(count)), nil
	}
	it, r := c.batch.records, &c.record // the iterator works on the stack
	for records < count {
		if !it.Next(r) {
			of.read = c.batch.header.NextOffset()
			if err = it.Err(); err != nil {
				err = c.corrupt(p, err)
			}
			c.batch.close()
			return records, err
		}
		if r.Offset < from {
			continue
		}
		handle(of.TopicPartition, r)
		records++
		if of.generation != generation {
			return records, nil
		}
	}
	of.read, c.batch.records = r.Offset+1, it
	return records, nil
}

// handOutModelled is handOutBatch for a batch without bytes. It closes the batch when
// it is asked for more than there is, as that does.
func (c *Consumer) handOutModelled(p *fetchedPart, count int32) (records int) {
	of, b := p.ask.p, &c.batch
	if skip := p.ask.from.offset - b.header.BaseOffset; skip > int64(b.handed) {
		b.handed = int32(min(skip, int64(b.header.RecordCount)))
	}
	m := Modelled{Header: &b.header, Stub: b.stub, First: b.handed, Count: min(count, b.header.RecordCount-b.handed)}
	if m.Count > 0 {
		b.handed += m.Count
		c.cfg.OnModelled(of.TopicPartition, &m)
		if of.generation != p.ask.generation {
			return int(m.Count)
		}
	}
	if of.read = b.header.BaseOffset + int64(b.handed); m.Count < count {
		of.read = b.header.NextOffset()
		b.close()
	}
	return int(m.Count)
}
