package client

import (
	"fmt"
	"time"

	"brokerlab/engine/env"
	"brokerlab/engine/protocol"
)

// OffsetsQuery asks where partitions begin or end, or which of their records is
// the first at or after a time.
type OffsetsQuery struct {
	// ReplicaID is protocol.ConsumerReplicaID, whose latest offset is the high
	// watermark, or protocol.DebuggingReplicaID, whose is the log end.
	ReplicaID  int32
	Partitions []protocol.ListOffsetsPartition
	// Timeout is how long a leader is looked for in all (default.api.timeout.ms).
	Timeout time.Duration
}

// offsetsCall is one ListOffsets under way (Kafka's OffsetFetcher).
type offsetsCall struct {
	c      *Caller
	q      *OffsetsQuery
	md     *Metadata
	out    []protocol.ListOffsetsResult
	known  []bool
	failed error // of the last partition that has no answer
}

// ListOffsets asks each partition's leader, by the metadata. One that does not
// lead any more, does not answer or is not there yet is looked for again until the
// timeout. The error then names a partition that has no answer and why.
func (c *Caller) ListOffsets(md *Metadata, q OffsetsQuery) ([]protocol.ListOffsetsResult, error) {
	call := &offsetsCall{c: c, q: &q, md: md, out: make([]protocol.ListOffsetsResult, len(q.Partitions)),
		known: make([]bool, len(q.Partitions))}
	deadline := c.node.Now().Add(q.Timeout)
	for {
		done, err := call.round()
		if done || err != nil {
			return call.out, err
		}
		next := c.node.Now().Add(retryBackoff)
		if next >= deadline {
			return nil, fmt.Errorf("list offsets: not within %v: %w", q.Timeout, call.failed)
		}
		if !c.pause(next) {
			return nil, fmt.Errorf("list offsets: %w", env.ErrClosed)
		}
		call.refresh()
	}
}

// round asks the leaders of all partitions that have no answer. The error is one
// that will not pass.
func (o *offsetsCall) round() (done bool, err error) {
	done = true
	for i, want := range o.q.Partitions {
		if o.known[i] {
			continue
		}
		p, ok := o.md.Partition(want.TopicPartition)
		if !ok {
			return false, fmt.Errorf("list offsets: no partition %s-%d", want.Topic, want.Partition)
		}
		if _, err := o.md.Addr(p.Leader); err != nil {
			done = false
			o.failed = fmt.Errorf("partition %s-%d has no leader: %w", want.Topic, want.Partition,
				protocol.ErrLeaderNotAvailable)
		}
	}
	for _, b := range o.md.Brokers {
		req := &protocol.ListOffsetsRequest{ReplicaID: o.q.ReplicaID}
		var at []int
		for i, want := range o.q.Partitions {
			if p, _ := o.md.Partition(want.TopicPartition); !o.known[i] && p.Leader == b.ID {
				at = append(at, i)
				req.Partitions = append(req.Partitions, want)
			}
		}
		if len(at) == 0 {
			continue
		}
		whole, err := o.ask(b.Addr, req, at)
		if err != nil {
			return false, err
		}
		done = done && whole
	}
	return done, nil
}

// ask asks one leader. It reports whether all have an answer.
func (o *offsetsCall) ask(addr string, req *protocol.ListOffsetsRequest, at []int) (whole bool, err error) {
	body, err := o.c.call(addr, req)
	if err != nil {
		if !IsConnectionError(err) {
			return false, err
		}
		o.failed = fmt.Errorf("partition %s-%d: %w", req.Partitions[0].Topic, req.Partitions[0].Partition, err)
		return false, nil
	}
	resp, ok := body.(*protocol.ListOffsetsResponse)
	if !ok || len(resp.Partitions) != len(at) {
		body.Release()
		return false, fmt.Errorf("broker %s answered list offsets with %T", addr, body)
	}
	whole = true
	for i, p := range resp.Partitions {
		switch {
		case p.Err == protocol.ErrNone:
			o.out[at[i]], o.known[at[i]] = p, true
		case p.Err.Retriable():
			whole = false
			o.failed = fmt.Errorf("partition %s-%d at broker %s: %w", p.Topic, p.Partition, addr, p.Err)
		default:
			return false, fmt.Errorf("list offsets of %s-%d at broker %s: %w", p.Topic, p.Partition, addr, p.Err)
		}
	}
	return whole, nil
}

// refresh asks for newer metadata. If nobody answers the old ones serve on.
func (o *offsetsCall) refresh() {
	addrs := make([]string, len(o.md.Brokers))
	for i, b := range o.md.Brokers {
		addrs[i] = b.Addr
	}
	md, err := o.c.Metadata(addrs, nil)
	if err != nil {
		o.failed = err
		return
	}
	o.md = md
}

// ListOffsets is ListOffsets of a Caller, for one timestamp of all partitions:
// protocol.EarliestOffset, LatestOffset, or ms since 1970. It returns the offsets;
// -1 is that no record is so young.
func ListOffsets(node env.Node, md *Metadata, clientID string, replicaID int32, partitions []protocol.TopicPartition,
	timestamp int64, timeout time.Duration) ([]int64, error) {
	q := OffsetsQuery{ReplicaID: replicaID, Timeout: timeout}
	for _, tp := range partitions {
		q.Partitions = append(q.Partitions, protocol.ListOffsetsPartition{TopicPartition: tp, Timestamp: timestamp})
	}
	found, err := NewCaller(node, clientID, timeout).ListOffsets(md, q)
	if err != nil {
		return nil, err
	}
	out := make([]int64, len(found))
	for i := range found {
		out[i] = found[i].Offset
	}
	return out, nil
}
