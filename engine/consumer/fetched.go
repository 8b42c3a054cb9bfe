package consumer

import (
	"errors"
	"fmt"

	"brokerlab/engine/codec"
	"brokerlab/engine/env"
	"brokerlab/engine/protocol"
	"brokerlab/engine/record"
)

// fetched is one response on its way through Poll.
type fetched struct {
	fetcher *fetcher
	parts   []fetchedPart
	part    int // that is being handed out
}

// fetchedPart is what a response holds of one partition.
type fetchedPart struct {
	pos     *position
	records env.Buf // whole batches
	at      int     // where the next batch begins
	from    int64   // records below are left out: the batch begins before them
	next    int64   // offset after the last batch
}

// newFetched takes over the response. It returns nil if there are no records,
// and moves the fetcher's positions past those that there are.
func newFetched(f *fetcher, resp *protocol.FetchResponse) (*fetched, error) {
	defer resp.Release()
	got := &fetched{fetcher: f}
	for i := range resp.Partitions {
		out := &resp.Partitions[i]
		pos := f.positions[(f.first+i)%len(f.positions)]
		if out.Err != protocol.ErrNone {
			got.release()
			return nil, fmt.Errorf("fetch %s-%d at offset %d from broker %s: %w",
				out.Topic, out.Partition, pos.next, f.addr, out.Err)
		}
		if out.Records.Len() == 0 {
			continue
		}
		records, err := out.Records.Load(f.c.node.Pool()) // what a socket would copy
		out.Records = env.Buf{}
		next := int64(0)
		if err == nil {
			next, err = endOf(records)
		}
		if err != nil {
			records.Release()
			got.release()
			return nil, fmt.Errorf("fetch %s-%d at offset %d from broker %s: %w",
				out.Topic, out.Partition, pos.next, f.addr, err)
		}
		got.parts = append(got.parts, fetchedPart{pos: pos, records: records, from: pos.next, next: next})
		pos.next = next
	}
	f.first = (f.first + 1) % len(f.positions)
	if len(got.parts) == 0 {
		return nil, nil
	}
	return got, nil
}

// endOf walks the batch headers and returns the offset after the last batch.
func endOf(records env.Buf) (next int64, err error) {
	var head [record.HeaderSize]byte
	for at := 0; at < records.Len(); {
		if records.Len()-at < record.HeaderSize {
			return 0, errors.New("response ends inside a batch header")
		}
		if err := records.ReadAt(head[:], at); err != nil {
			return 0, err
		}
		h, err := record.ParseHeader(head[:])
		if err != nil {
			return 0, err
		}
		if at += h.SizeBytes(); at > records.Len() {
			return 0, errors.New("response ends inside a batch")
		}
		next = h.NextOffset()
	}
	return next, nil
}

func (f *fetched) done() bool { return f.part == len(f.parts) }

func (f *fetched) release() {
	for i := range f.parts {
		f.parts[i].records.Release()
		f.parts[i].records = env.Buf{}
	}
}

// handOut hands out the next batch of a response, and steps to the next partition
// after the last one.
func (c *Consumer) handOut(f *fetched, handle Handler) (records int, err error) {
	p := &f.parts[f.part]
	if p.at >= p.records.Len() {
		p.pos.read = p.next
		p.records.Release()
		p.records = env.Buf{}
		f.part++
		return 0, nil
	}
	var head [record.HeaderSize]byte
	if err := p.records.ReadAt(head[:], p.at); err != nil {
		return 0, err
	}
	h, err := record.ParseHeader(head[:])
	if err != nil {
		return 0, err
	}
	batch := p.records.Slice(p.at, h.SizeBytes())
	p.at += h.SizeBytes()
	records, err = c.handOutBatch(p, &h, batch, handle)
	batch.Release()
	p.pos.read = h.NextOffset()
	if err != nil {
		err = &CorruptError{TopicPartition: p.pos.TopicPartition, BaseOffset: h.BaseOffset,
			Records: h.RecordCount, Cause: err}
	}
	return records, err
}

// roomMargin is how much more room a batch gets than the most that any before it
// needed for its size, so that decompression seldom has to allocate.
const roomMargin = 1.25

// errCRC says that a batch's bytes are not those that were sealed.
var errCRC = errors.New("CRC does not match")

// handOutBatch checks and decompresses one batch and hands out its records.
func (c *Consumer) handOutBatch(p *fetchedPart, h *record.Header, batch env.Buf, handle Handler) (int, error) {
	c.node.Charge(env.OpCRC, batch.Len())
	if crc, ok := record.BufCRC(batch); ok && crc != h.CRC {
		return 0, errCRC
	}
	if h.Attributes.Control() {
		return 0, nil
	}
	body := batch.Slice(record.HeaderSize, batch.Len()-record.HeaderSize)
	body, err := body.Flat(c.node.Pool())
	if err != nil {
		return 0, err
	}
	defer body.Release()
	plain, _ := body.Contiguous()
	if kind := h.Attributes.Codec(); kind != codec.None {
		mem := c.node.Pool().Get(int(float64(len(plain)) * c.expansion))
		defer mem.Release()
		if plain, err = c.decompressor.Append(mem.Bytes()[:0], kind, plain); err != nil {
			return 0, err
		}
		c.expansion = max(c.expansion, roomMargin*float64(len(plain))/float64(body.Len()))
		if op, ok := codec.DecompressOp(kind); ok {
			c.node.Charge(op, len(plain))
		}
	}
	c.node.Charge(env.OpRecordDecode, int(h.RecordCount))
	it := record.NewIterator(h, plain)
	var r record.Record
	count := 0
	for it.Next(&r) {
		if r.Offset < p.from {
			continue
		}
		handle(p.pos.TopicPartition, &r)
		count++
	}
	return count, it.Err()
}
