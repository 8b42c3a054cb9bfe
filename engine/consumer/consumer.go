// Package consumer reads partitions as Kafka's consumer does: a fetcher per
// broker long-polls for all assigned partitions that it leads and keeps one
// response ahead of the reader; Poll checks each batch's CRC, decompresses it and
// hands out its records. Partitions follow their leaders: metadata are asked for
// again when a broker says that it does not lead, or is silent. Partitions are
// assigned by the caller: there are no groups, and no offsets are committed.
//
// What decides (subscription) is pure and guarded by Consumer.mu, the only lock.
package consumer

import (
	"fmt"

	"brokerlab/engine/client"
	"brokerlab/engine/codec"
	"brokerlab/engine/env"
	"brokerlab/engine/protocol"
	"brokerlab/engine/record"
	"brokerlab/engine/task"
)

// batchLimit is the largest size that a batch may decompress to. Kafka sets no
// limit; a hostile batch must not take all memory.
const batchLimit = 256 << 20

// ByPolicy as the offset of an Assignment leaves it to auto.offset.reset.
const ByPolicy int64 = -3

// Assignment is a partition and the offset to begin at, or
// protocol.EarliestOffset, LatestOffset or ByPolicy.
type Assignment struct {
	protocol.TopicPartition
	Offset int64
}

// Handler takes one record of Poll. The record's bytes are valid during the call,
// which may Seek: then no record of the position before follows.
type Handler func(tp protocol.TopicPartition, r *record.Record)

// Consumer is open until Close. One task uses it.
type Consumer struct {
	node         env.Node
	cfg          Config
	tasks        *task.Group
	caller       *client.Caller // of the refresher
	asker        *client.Caller // of the task that uses the consumer
	decompressor *codec.Decompressor
	expansion    float64       // room for decompressed records, in sizes of the compressed
	rest         *fetched      // of which Poll has not handed out everything
	batch        openBatch     // of rest
	record       record.Record // that the handler is given
	failure      error         // that ended polling for good

	mu struct {
		env.Mutex
		subscription subscription
		fetchers     []*fetcher
		brokers      []protocol.BrokerMetadata
		refresh      client.Refresh
		stale        env.Cond // signalled when metadata are wanted, and at the end
		arrived      env.Cond // signalled when there is something for Poll, or a position
		ready        []*fetched
		closing      bool
	}
}

// New asks the cluster who leads the partitions and starts to fetch them.
// Partitions without a leader, and those whose offset has to be looked up, follow
// when they can: AwaitPositions waits for them.
func New(node env.Node, cfg Config, assigned []Assignment) (*Consumer, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	c := &Consumer{node: node, cfg: cfg, tasks: task.NewGroup(node),
		caller:       client.NewCaller(node, cfg.ClientID, cfg.RequestTimeout),
		asker:        client.NewCaller(node, cfg.ClientID, cfg.RequestTimeout),
		decompressor: codec.NewDecompressor(batchLimit),
		expansion:    4}
	if err := c.decompressor.Use(cfg.Codec, cfg.Implementation); err != nil {
		panic(fmt.Sprintf("consumer: a validated implementation is none: %v", err))
	}
	c.mu.Mutex = node.NewMutex()
	c.mu.arrived = node.NewCond(c.mu.Mutex)
	c.mu.stale = node.NewCond(c.mu.Mutex)
	c.mu.refresh = client.Refresh{MaxAge: cfg.MetadataMaxAge, Backoff: client.Backoff{
		Initial: cfg.RetryBackoff, Max: cfg.RetryBackoffMax, Random: node.Rand("metadata-backoff")}}
	c.mu.subscription = newSubscription(assigned, cfg.AutoOffsetReset, client.Backoff{
		Initial: cfg.RetryBackoff, Max: cfg.RetryBackoffMax, Random: node.Rand("retry-backoff")})
	if err := c.begin(assigned); err != nil {
		return nil, fmt.Errorf("consumer %s: %w", cfg.ClientID, err)
	}
	return c, nil
}

// begin checks the assignment against the cluster and starts the tasks.
func (c *Consumer) begin(assigned []Assignment) error {
	for i, a := range assigned {
		switch {
		case a.Offset < ByPolicy:
			return fmt.Errorf("%s-%d: offset %d is below 0", a.Topic, a.Partition, a.Offset)
		case c.mu.subscription.byName[a.TopicPartition] != c.mu.subscription.partitions[i]:
			return fmt.Errorf("%s-%d is assigned twice", a.Topic, a.Partition)
		case a.Offset == ByPolicy && c.cfg.AutoOffsetReset == ResetNone:
			return fmt.Errorf("%s-%d has no position, and auto.offset.reset is none", a.Topic, a.Partition)
		}
	}
	md, err := c.asker.Metadata(c.cfg.Bootstrap, nil)
	if err != nil {
		return err
	}
	for _, a := range assigned {
		if _, ok := md.Partition(a.TopicPartition); !ok {
			return fmt.Errorf("no partition %s-%d", a.Topic, a.Partition)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.applyLocked(md)
	c.mu.refresh.Fresh(c.node.Now())
	if c.leaderlessLocked() {
		c.mu.refresh.Want()
	}
	c.tasks.Go("refresher", c.refreshLoop)
	return nil
}

// Close ends the fetchers. Call it from the task that uses the consumer.
func (c *Consumer) Close() error {
	c.caller.Close()
	c.mu.Lock()
	c.mu.closing = true
	c.mu.stale.Signal()
	for _, f := range c.mu.fetchers {
		f.stopLocked()
	}
	c.mu.Unlock()
	err := c.tasks.Wait()
	for _, f := range c.mu.ready { // no task of the consumer is left
		f.release()
	}
	c.mu.ready = nil
	c.batch.close()
	if c.rest != nil {
		c.rest.release()
		c.rest = nil
	}
	return err
}
