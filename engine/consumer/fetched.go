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
	records env.Buf
	at      int   // where the next batch begins
	end     int   // of the last whole batch
	from    int64 // records below are left out: the batch begins before them
	next    int64 // offset after the last batch
}

// errNoBatch says that a response holds bytes that are no record batch: what
// would be fetched again is the same.
var errNoBatch = errors.New("no whole record batch")

// newFetched takes over the response. It returns nil if there are no records,
// and moves the fetcher's positions past those that there are. The error of one
// partition holds back none of the others: it comes with their records, and is
// the first that is final, or else the first.
func newFetched(f *fetcher, resp *protocol.FetchResponse) (*fetched, error) {
	defer resp.Release()
	got := &fetched{fetcher: f}
	var failed error
	for i := range resp.Partitions {
		out := &resp.Partitions[i]
		pos := f.positions[(f.first+i)%len(f.positions)]
		err := got.add(pos, out)
		if err == nil {
			continue
		}
		err = fmt.Errorf("fetch %s-%d at offset %d from broker %s: %w",
			pos.Topic, pos.Partition, pos.next, f.addr, err)
		if failed == nil || !isFinal(failed) && isFinal(err) {
			failed = err
		}
	}
	f.first = (f.first + 1) % len(f.positions)
	if len(got.parts) == 0 {
		return nil, failed
	}
	return got, failed
}

// isFinal says that fetching again would give the same error.
func isFinal(err error) bool {
	var refused protocol.ErrorCode
	return errors.Is(err, errNoBatch) || errors.As(err, &refused) && !refused.Retriable()
}

// add takes one partition's records.
func (f *fetched) add(pos *position, out *protocol.FetchPartitionResult) error {
	if out.Err != protocol.ErrNone {
		return out.Err
	}
	if out.Records.Len() == 0 {
		return nil
	}
	records, err := out.Records.Load(f.fetcher.c.node.Pool()) // what a socket would copy
	out.Records = env.Buf{}
	if err != nil {
		return err
	}
	part := fetchedPart{pos: pos, records: records, from: pos.next}
	if err := part.measure(); err != nil {
		records.Release()
		return err
	}
	f.parts = append(f.parts, part)
	pos.next = part.next
	return nil
}

// measure walks the batch headers and finds the end of the last whole batch. A
// broker may end a response inside a batch: as in Kafka, what is there of the
// last one is fetched again.
func (p *fetchedPart) measure() error {
	var head [record.HeaderSize]byte
	for p.records.Len()-p.end >= record.HeaderSize {
		if err := p.records.ReadAt(head[:], p.end); err != nil {
			return fmt.Errorf("%w: %w", errNoBatch, err)
		}
		h, err := record.ParseHeader(head[:])
		if err != nil {
			if p.end > 0 {
				break // the next fetch begins there
			}
			return fmt.Errorf("%w: %w", errNoBatch, err)
		}
		if p.end+h.SizeBytes() > p.records.Len() {
			break
		}
		p.end += h.SizeBytes()
		p.next = h.NextOffset()
	}
	if p.end == 0 || p.next <= p.from {
		return fmt.Errorf("%w: %d bytes before offset %d", errNoBatch, p.records.Len(), p.from)
	}
	return nil
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
	if p.at >= p.end {
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
