package producer

import (
	"fmt"

	"brokerlab/engine/codec"
	"brokerlab/engine/env"
	"brokerlab/engine/protocol"
	"brokerlab/engine/record"
)

// batchState says who may touch a batch.
type batchState uint8

const (
	batchOpen    batchState = iota // takes records, under the producer's lock
	batchSealing                   // a task compresses it, without the lock
	batchSealed                    // ready to be sent
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
	dones    []func(Ack, error) // as long as the last record that has one

	wire     env.Buf // when sealed
	wireSize int
	stamps   protocol.Stamps
}

// reset makes b an empty batch again and keeps its slices.
func (b *batch) reset() {
	clear(b.dones)
	*b = batch{intended: b.intended[:0], cookies: b.cookies[:0], dones: b.dones[:0]}
}

// ratioMargin is COMPRESSION_RATE_ESTIMATION_FACTOR of MemoryRecordsBuilder.
const ratioMargin = 1.05

// estimate is the size that the batch will have when compressed.
func (b *batch) estimate() int {
	if b.ratio == 1 {
		return b.used
	}
	return record.HeaderSize + int(float64(b.used-record.HeaderSize)*b.ratio*ratioMargin)
}

// size is what the batch takes in a request: exact once it is sealed.
func (b *batch) size() int {
	if b.state == batchSealed {
		return b.wireSize
	}
	return b.estimate()
}

// hasRoom says whether a record may still join (MemoryRecordsBuilder.hasRoomFor).
func (b *batch) hasRoom(r *Record, timestamp int64) bool {
	if b.count == 0 {
		return true
	}
	return b.estimate()+record.RecordSize(b.count, timestamp-b.base, r.Key, r.Value, r.Headers) <= b.limit
}

// isFull says whether nothing more fits.
func (b *batch) isFull() bool { return b.count > 0 && b.estimate() >= b.limit }

// add appends a record. Its memory grows as needed: with compression a batch
// takes several times batch.size before it is full.
func (b *batch) add(pool *env.Pool, r *Record, timestamp int64, intended env.Time, done func(Ack, error)) {
	if b.count == 0 {
		b.base, b.max = timestamp, timestamp
	}
	b.max = max(b.max, timestamp)
	buf := b.mem.Bytes()
	if need := b.used + record.RecordSize(b.count, timestamp-b.base, r.Key, r.Value, r.Headers); need > len(buf) {
		larger := pool.Get(max(need, 2*len(buf)))
		copy(larger.Bytes(), buf[:b.used])
		b.mem.Release()
		b.mem, buf = larger, larger.Bytes()
	}
	b.used = len(record.AppendRecord(buf[:b.used], b.count, timestamp-b.base, r.Key, r.Value, r.Headers))
	b.count++
	b.bytes += int64(len(r.Key) + len(r.Value))
	b.intended = append(b.intended, intended)
	b.cookies = append(b.cookies, r.Cookie)
	if done != nil {
		for len(b.dones) < int(b.count)-1 {
			b.dones = append(b.dones, nil)
		}
		b.dones = append(b.dones, done)
	}
}

// seal compresses the records and writes the header. The batch's memory becomes,
// or is replaced by, wire.
func (b *batch) seal(node env.Node, c *codec.Compressor, kind codec.Type) error {
	h := record.Header{
		Magic: 2, Attributes: record.Attributes(kind), LastOffsetDelta: b.count - 1,
		PartitionLeaderEpoch: -1, BaseTimestamp: b.base, MaxTimestamp: b.max,
		ProducerID: -1, ProducerEpoch: -1, BaseSequence: -1, RecordCount: b.count,
	}
	mem, size := b.mem, b.used
	b.mem = nil
	if kind != codec.None {
		raw := mem
		records := raw.Bytes()[record.HeaderSize:size]
		mem = node.Pool().Get(record.HeaderSize + codec.MaxCompressedSize(kind, len(records)))
		out, err := c.Append(mem.Bytes()[:record.HeaderSize], records)
		if op, ok := codec.CompressOp(kind); ok {
			node.Charge(op, len(records))
		}
		raw.Release()
		if err != nil {
			mem.Release()
			return fmt.Errorf("compress a batch of %s-%d: %w", b.tp.Topic, b.tp.Partition, err)
		}
		size = len(out)
	}
	buf := mem.Bytes()[:size]
	h.BatchLength = int32(size - 12) // what follows baseOffset and batchLength
	h.Put(buf)
	node.Charge(env.OpCRC, size)
	h.CRC = record.UpdateCRC(0, buf[record.AttributesOffset:])
	h.Put(buf)
	b.wire, b.wireSize = env.MemBuf(mem, buf), size
	b.stamps[protocol.StageCompressed] = node.Now()
	return nil
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
