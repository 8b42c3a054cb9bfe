package consumer

import (
	"fmt"

	"brokerlab/engine/client"
	"brokerlab/engine/env"
	"brokerlab/engine/protocol"
)

// Seek has the partition read from an offset on. What was fetched for the position
// before is dropped. Whether the log has the offset shows when it is fetched.
func (c *Consumer) Seek(tp protocol.TopicPartition, offset int64) error {
	if offset < 0 {
		return fmt.Errorf("consumer %s: seek %s-%d to offset %d, which is below 0",
			c.cfg.ClientID, tp.Topic, tp.Partition, offset)
	}
	return c.move(tp, func(s *subscription, p *partition) { s.seek(p, position{offset: offset, epoch: unknown}) })
}

// SeekToBeginning has the partition read from the first offset that its log has
// when it is fetched next.
func (c *Consumer) SeekToBeginning(tp protocol.TopicPartition) error {
	return c.move(tp, func(s *subscription, p *partition) { s.reset(p, ResetEarliest) })
}

// SeekToEnd has the partition read from its high watermark at the time that it is
// fetched next.
func (c *Consumer) SeekToEnd(tp protocol.TopicPartition) error {
	return c.move(tp, func(s *subscription, p *partition) { s.reset(p, ResetLatest) })
}

func (c *Consumer) move(tp protocol.TopicPartition, to func(*subscription, *partition)) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.mu.subscription.byName[tp]
	if p == nil {
		return fmt.Errorf("consumer %s: seek: %s-%d is not assigned", c.cfg.ClientID, tp.Topic, tp.Partition)
	}
	to(&c.mu.subscription, p)
	c.wakeLocked(p)
	return nil
}

// Position is the offset after the last record of the partition that Poll handed
// out, or -1 while it has no position; ok is false if it is not assigned.
func (c *Consumer) Position(tp protocol.TopicPartition) (offset int64, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.mu.subscription.byName[tp]
	if p == nil {
		return noOffset, false
	}
	return p.read, true
}

// AwaitPositions waits until every partition has a position. The error names one
// that has none at the deadline, and is an env.ErrTimeout.
func (c *Consumer) AwaitPositions(deadline env.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		p := c.lostLocked()
		if p == nil {
			return nil
		}
		if !c.mu.arrived.WaitUntil(deadline) && c.lostLocked() != nil {
			return fmt.Errorf("consumer %s: %s-%d has no position: %w", c.cfg.ClientID, p.Topic, p.Partition, env.ErrTimeout)
		}
	}
}

// lostLocked is the first partition without a position.
func (c *Consumer) lostLocked() *partition {
	for _, p := range c.mu.subscription.partitions {
		if p.phase == phaseReset {
			return p
		}
	}
	return nil
}

// TimeQuery asks for the first record of a partition at or after a time.
type TimeQuery struct {
	protocol.TopicPartition
	TimestampMs int64 // since 1970
}

// TimeOffset is the record that a TimeQuery found.
type TimeOffset struct {
	Found       bool // false: no record is so young
	Offset      int64
	TimestampMs int64 // of the record
	LeaderEpoch int32
}

// OffsetsForTimes finds, for each query, the first record at or after its time. It
// looks for leaders until default.api.timeout.ms is over.
func (c *Consumer) OffsetsForTimes(queries []TimeQuery) ([]TimeOffset, error) {
	q := client.OffsetsQuery{ReplicaID: protocol.ConsumerReplicaID, Timeout: c.cfg.DefaultAPITimeout}
	for _, t := range queries {
		if t.TimestampMs < 0 {
			return nil, fmt.Errorf("consumer %s: offset for time %d of %s-%d, which is below 0",
				c.cfg.ClientID, t.TimestampMs, t.Topic, t.Partition)
		}
		q.Partitions = append(q.Partitions, protocol.ListOffsetsPartition{TopicPartition: t.TopicPartition,
			Timestamp: t.TimestampMs})
	}
	c.mu.Lock()
	addrs := c.addressesLocked()
	c.mu.Unlock()
	md, err := c.asker.Metadata(addrs, nil)
	if err != nil {
		return nil, fmt.Errorf("consumer %s: %w", c.cfg.ClientID, err)
	}
	found, err := c.asker.ListOffsets(md, q)
	if err != nil {
		return nil, fmt.Errorf("consumer %s: %w", c.cfg.ClientID, err)
	}
	out := make([]TimeOffset, len(found))
	for i, f := range found {
		if f.Offset >= 0 {
			out[i] = TimeOffset{Found: true, Offset: f.Offset, TimestampMs: f.Timestamp, LeaderEpoch: f.LeaderEpoch}
		}
	}
	return out, nil
}
