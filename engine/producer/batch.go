package producer

import (
	"fmt"
	"time"

	"brokerlab/engine/codec"
	"brokerlab/engine/env"
	"brokerlab/engine/protocol"
	"brokerlab/engine/record"
)

// batchState says who may touch a batch.
type batchState uint8

const (
	batchOpen    batchState = iota // takes records, under the producer's lock
	batchSealing                   // a task compresses it or writes its header, without the lock
	batchSealed                    // compressed; or sent, and not answered yet
	batchExpired                   // given up, and told so
)

// batch is a record batch on its way (ProducerBatch and MemoryRecordsBuilder).
// Its records lie behind room for the header, so that an uncompressed batch is
// sent from where it was written.
type batch struct {
	tp      protocol.TopicPartition
	number  int64 // of all batches of the producer
	state   batchState
	mem     *env.Mem
	used    int // bytes of mem in use, the header's room included
	count   int32
	base    int64 // timestamp of the first record, ms
	max     int64 // largest timestamp, ms
	limit   int   // batch.size, or more for a single larger record
	ratio   float64
	cost    int64 // of buffer.memory
	bytes   int64 // keys and values
	created env.Time

	intended []env.Time
	cookies  []uint64
	// stretches are instead of intended and cookies in a modelled batch, which has no mem.
	stretches []Stretch
	modelled  *Modelled
	dones     []func(Ack, error) // as long as the last record that has one

	kind       codec.Type // when compressed, as the next two
	wireSize   int
	recordsCRC uint32  // of what follows the header
	wire       env.Buf // with the header; kept for retries
	headed     bool    // the header of wire is that of id and sequence
	stamps     protocol.Stamps
	// firstOfRequest is Batch.FirstOfRequest, of the request that was answered.
	firstOfRequest bool
	flushing       time.Duration // of the request that was answered

	queue     *partitionQueue
	id        producerID
	sequence  int32    // of the first record; record.NoSequence before it is drained
	attempts  int      // that failed
	notBefore env.Time // when it may be sent again
	holders   int      // who refers to a batch that expired in flight
	err       error    // the outcome, or why the last attempt failed
	offset    int64    // that the broker gave it
}

// reset makes b an empty batch again and keeps its slices.
func (b *batch) reset() {
	clear(b.dones)
	*b = batch{intended: b.intended[:0], cookies: b.cookies[:0], stretches: b.stretches[:0], dones: b.dones[:0],
		id: noProducer, sequence: record.NoSequence, offset: -1}
}

// stampDrained notes that the sender takes the batch.
func (b *batch) stampDrained(now env.Time) {
	b.stamps[protocol.StageDrained] = now
	if b.attempts == 0 {
		b.stamps[protocol.StageTaken] = now
	}
	if b.state == batchOpen {
		b.stamps[protocol.StageClosed] = now
	}
}

// release gives the batch's memory back.
func (b *batch) release() {
	if b.mem != nil {
		b.mem.Release()
		b.mem = nil
	}
	b.wire.Release()
	b.wire = env.Buf{}
}

// ratioMargin is COMPRESSION_RATE_ESTIMATION_FACTOR of MemoryRecordsBuilder.
const ratioMargin = 1.05

// estimate is the size that the batch will have when compressed.
func (b *batch) estimate() int { return b.estimateOf(b.used) }

// estimateOf is the size that the batch would have with so many bytes in use.
func (b *batch) estimateOf(used int) int {
	if b.ratio == 1 {
		return used
	}
	return record.HeaderSize + int(float64(used-record.HeaderSize)*b.ratio*ratioMargin)
}

// size is what the batch takes in a request: exact once it is compressed.
func (b *batch) size() int {
	if b.wireSize > 0 {
		return b.wireSize
	}
	return b.estimate()
}

// hasRoom says whether one more record joins a batch that has some
// (MemoryRecordsBuilder.hasRoomFor). Almost always the bound of its size fits, and
// nobody needs to know the size itself.
func (b *batch) hasRoom(j *joining) bool {
	if b.count == 0 {
		return true
	}
	room := b.limit - b.estimate()
	return j.bound <= room || b.sizeOf(j) <= room
}

// isFull says whether nothing more fits.
func (b *batch) isFull() bool { return b.count > 0 && b.estimate() >= b.limit }

// joining is a record on its way into a batch, with what Send knows of it.
type joining struct {
	*Record
	fields    int   // record.FieldsSize
	bytes     int   // of key and value
	bound     int   // record.SizeUpperBound
	timestamp int64 // ms since 1970
	now       env.Time
	done      func(Ack, error)
}

// sizeOf is what the record takes as the batch's next one.
func (b *batch) sizeOf(j *joining) int {
	if b.count == 0 {
		return record.SizeWith(j.fields, 0, 0)
	}
	return record.SizeWith(j.fields, b.count, j.timestamp-b.base)
}

// add appends a record. The batch's memory grows as needed: with compression it
// takes several times batch.size before it is full.
func (b *batch) add(pool *env.Pool, j *joining) {
	if b.count == 0 {
		b.base, b.max = j.timestamp, j.timestamp
	}
	b.max = max(b.max, j.timestamp)
	intended := j.Intended
	if intended == 0 {
		intended = j.now
	}
	if b.modelled != nil {
		b.used += b.sizeOf(j)
		b.stretch(j.Cookie, intended)
	} else {
		b.put(pool, j)
		b.intended = append(b.intended, intended)
		b.cookies = append(b.cookies, j.Cookie)
	}
	b.count++
	b.bytes += int64(j.bytes)
	if j.done != nil {
		for len(b.dones) < int(b.count)-1 {
			b.dones = append(b.dones, nil)
		}
		b.dones = append(b.dones, j.done)
	}
}

// stretch notes a record of a modelled batch.
func (b *batch) stretch(cookie uint64, intended env.Time) {
	if n := len(b.stretches); n > 0 && b.stretches[n-1].join(cookie, intended) {
		return
	}
	b.stretches = append(b.stretches, Stretch{Cookie: cookie, First: intended, Last: intended, Count: 1})
}

// put writes a record behind the others.
func (b *batch) put(pool *env.Pool, j *joining) {
	if room := len(b.mem.Bytes()) - b.used; j.bound > room {
		if size := b.sizeOf(j); size > room {
			b.grow(pool, b.used+size)
		}
	}
	buf := b.mem.Bytes()[b.used:]
	b.used += record.PutRecord(buf, j.fields, b.count, j.timestamp-b.base, j.Key, j.Value, j.Headers)
}

// grow gives the batch memory of at least need bytes, and of twice what it has.
func (b *batch) grow(pool *env.Pool, need int) {
	buf := b.mem.Bytes()
	larger := pool.Get(max(need, 2*len(buf)))
	copy(larger.Bytes(), buf[:b.used])
	b.mem.Release()
	b.mem = larger
}

// seal compresses the records. The batch's memory may become another one. Their
// CRC is taken here, where they lie in the cache; that of the header, which is
// known only when the batch is sent, is combined with it.
func (b *batch) seal(node env.Node, c *codec.Compressor, kind codec.Type) error {
	b.kind, b.wireSize = kind, b.used
	switch {
	case kind != codec.None && b.modelled != nil:
		plain := b.used - record.HeaderSize
		first := &b.stretches[0]
		b.wireSize = record.HeaderSize + b.modelled.CompressedBytes(first.Cookie, first.First, plain)
		if op, ok := codec.CompressOp(kind); ok {
			node.Charge(op, plain)
		}
	case kind != codec.None:
		raw := b.mem
		records := raw.Bytes()[record.HeaderSize:b.used]
		b.mem = node.Pool().Get(record.HeaderSize + codec.MaxCompressedSize(kind, len(records)))
		out, err := c.Append(b.mem.Bytes()[:record.HeaderSize], records)
		if op, ok := codec.CompressOp(kind); ok {
			node.Charge(op, len(records))
		}
		raw.Release()
		if err != nil {
			return fmt.Errorf("compress a batch of %s-%d: %w", b.tp.Topic, b.tp.Partition, err)
		}
		b.wireSize = len(out)
	}
	node.Charge(env.OpCRC, b.wireSize)
	if b.modelled == nil {
		b.recordsCRC = record.UpdateCRC(0, b.mem.Bytes()[record.HeaderSize:b.wireSize])
	}
	b.stamps[protocol.StageCompressed] = node.Now()
	return nil
}

// head writes the header, which names the producer and the sequence, and makes
// the batch one piece. A batch that was sent under another name gets a header of
// its own in front of the shared records: what was sent is never written again.
func (b *batch) head(node env.Node) {
	if b.headed {
		return
	}
	b.headed = true
	h := record.Header{
		Magic: 2, Attributes: record.Attributes(b.kind), LastOffsetDelta: b.count - 1,
		BatchLength:          int32(b.wireSize - 12), // what follows baseOffset and batchLength
		PartitionLeaderEpoch: -1, BaseTimestamp: b.base, MaxTimestamp: b.max,
		ProducerID: b.id.id, ProducerEpoch: b.id.epoch, BaseSequence: b.sequence, RecordCount: b.count,
	}
	if b.modelled != nil {
		b.headModelled(node, &h)
		return
	}
	var header [record.HeaderSize]byte
	h.Put(header[:])
	h.CRC = record.CombineCRC(record.UpdateCRC(0, header[record.AttributesOffset:]), b.recordsCRC,
		b.wireSize-record.HeaderSize)
	if b.mem != nil {
		buf := b.mem.Bytes()[:b.wireSize]
		h.Put(buf)
		b.wire, b.mem = env.MemBuf(b.mem, buf), nil
		return
	}
	m := node.Pool().Get(record.HeaderSize)
	h.Put(m.Bytes())
	sent := b.wire
	records := sent.Slice(record.HeaderSize, sent.Len()-record.HeaderSize)
	b.wire = env.Join(env.MemBuf(m, m.Bytes()[:record.HeaderSize]), records)
	sent.Release()
}

// headModelled is head for a batch that has a stub for its records.
func (b *batch) headModelled(node env.Node, h *record.Header) {
	m := node.Pool().Get(record.HeaderSize)
	h.PutModelled(m.Bytes())
	sent := b.wire
	var body env.Buf
	if sent.Len() > 0 {
		body = sent.Slice(record.HeaderSize, sent.Len()-record.HeaderSize)
	} else {
		body = b.body()
	}
	b.wire = env.Join(env.MemBuf(m, m.Bytes()[:record.HeaderSize]), body)
	sent.Release()
}

// ratioEstimator follows the compression ratio as Kafka's
// CompressionRatioEstimator: quickly up, slowly down.
type ratioEstimator struct{ ratio float64 }

func (e *ratioEstimator) observe(ratio float64) {
	const improving, deteriorating = 0.005, 0.05
	switch {
	case ratio > e.ratio:
		e.ratio = max(e.ratio+deteriorating, ratio)
	case ratio < e.ratio:
		e.ratio = max(e.ratio-improving, ratio)
	}
}
