package consumer

import (
	"errors"
	"fmt"

	"brokerlab/engine/env"
	"brokerlab/engine/protocol"
	"brokerlab/engine/record"
)

// fetched is one response on its way through Poll, or something that was found.
type fetched struct {
	fetcher *fetcher // nil for what was found
	parts   []fetchedPart
	part    int // that is being handed out
}

// fetchedPart is what a response holds of one partition: records or an error.
type fetchedPart struct {
	ask     ask
	err     error
	records env.Buf
	at      int      // where the next batch begins
	end     int      // of the last whole batch
	next    position // behind the last batch
	times   []protocol.BatchTimes
}

// timesOf finds what is known of a batch; batches are asked for in order.
func (p *fetchedPart) timesOf(baseOffset int64) *protocol.BatchTimes {
	for len(p.times) > 0 && p.times[0].BaseOffset < baseOffset {
		p.times = p.times[1:]
	}
	if len(p.times) == 0 || p.times[0].BaseOffset != baseOffset {
		return nil
	}
	return &p.times[0]
}

// errNoBatch says that a response holds bytes that are no record batch: what
// would be fetched again is the same.
var errNoBatch = errors.New("no whole record batch")

// newFetched takes the records out of the response to the fetcher's asks.
func newFetched(f *fetcher, resp *protocol.FetchResponse) *fetched {
	got := &fetched{fetcher: f}
	for i := range resp.Partitions {
		out := &resp.Partitions[i]
		if out.Err != protocol.ErrNone || out.Records.Len() == 0 {
			continue
		}
		part := fetchedPart{ask: *f.askFor(out.TopicPartition), times: out.Times}
		records, err := out.Records.Load(f.c.node.Pool()) // what a socket would copy
		out.Records = env.Buf{}
		if err == nil {
			part.records = records
			err = part.measure()
		}
		if err != nil {
			part.records.Release()
			part.records = env.Buf{}
			part.err = fmt.Errorf("fetch %s-%d at offset %d: %w",
				part.ask.p.Topic, part.ask.p.Partition, part.ask.from.offset, err)
		}
		got.parts = append(got.parts, part)
	}
	return got
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
		p.next = position{offset: h.NextOffset(), epoch: h.PartitionLeaderEpoch}
	}
	if from := p.ask.from.offset; p.end == 0 || p.next.offset <= from {
		return fmt.Errorf("%w: %d bytes before offset %d", errNoBatch, p.records.Len(), from)
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
