// Package consumer reads partitions as Kafka's consumer does: a fetcher per
// broker long-polls for all assigned partitions that it leads and keeps one
// response ahead of the reader; Poll checks each batch's CRC, decompresses it and
// hands out its records. Partitions are assigned by the caller: there are no
// groups, and no offsets are committed.
package consumer

import (
	"errors"
	"fmt"
	"time"

	"brokerlab/engine/client"
	"brokerlab/engine/codec"
	"brokerlab/engine/env"
	"brokerlab/engine/protocol"
	"brokerlab/engine/record"
	"brokerlab/engine/task"
)

// Config is a consumer's settings. Start from DefaultConfig.
type Config struct {
	ClientID               string        // client.id
	Bootstrap              []string      // bootstrap.servers
	FetchMinBytes          int           // fetch.min.bytes
	FetchMaxWait           time.Duration // fetch.max.wait.ms
	FetchMaxBytes          int           // fetch.max.bytes
	MaxPartitionFetchBytes int           // max.partition.fetch.bytes
	RequestTimeout         time.Duration // request.timeout.ms
	ReconnectBackoff       time.Duration // reconnect.backoff.ms
	// Implementation is the library that decompresses the batches of Codec
	// (compression.implementation, ours); those of other codecs are decompressed
	// by their default. The zero value is the default for all of them.
	Codec          codec.Type
	Implementation codec.Implementation
}

// DefaultConfig returns Kafka's defaults.
func DefaultConfig() Config {
	return Config{
		ClientID: "consumer-1", FetchMinBytes: 1, FetchMaxWait: 500 * time.Millisecond,
		FetchMaxBytes: 52428800, MaxPartitionFetchBytes: 1048576,
		RequestTimeout: 30 * time.Second, ReconnectBackoff: 50 * time.Millisecond,
	}
}

// Validate says what is wrong with a configuration.
func (c *Config) Validate() error {
	switch {
	case len(c.Bootstrap) == 0:
		return errors.New("consumer: no bootstrap.servers")
	case c.FetchMinBytes < 0 || c.FetchMaxBytes < 1 || c.MaxPartitionFetchBytes < 1:
		return errors.New("consumer: fetch.max.bytes and max.partition.fetch.bytes must be positive, " +
			"fetch.min.bytes not negative")
	case c.FetchMaxWait < 0 || c.RequestTimeout <= c.FetchMaxWait:
		return errors.New("consumer: request.timeout.ms must be above fetch.max.wait.ms")
	case c.ReconnectBackoff <= 0:
		return errors.New("consumer: reconnect.backoff.ms must be positive")
	}
	return codec.CheckImplementation(c.Codec, c.Implementation)
}

// batchLimit is the largest size that a batch may decompress to. Kafka sets no
// limit; a hostile batch must not take all memory.
const batchLimit = 256 << 20

// Assignment is a partition and the offset to begin at, or
// protocol.EarliestOffset or LatestOffset.
type Assignment struct {
	protocol.TopicPartition
	Offset int64
}

// CorruptError is a batch that fails its checks. The consumer goes on after it.
type CorruptError struct {
	protocol.TopicPartition
	BaseOffset int64
	Records    int32 // that the batch's header claims
	Cause      error
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("corrupt batch of %d records at %s-%d offset %d: %v",
		e.Records, e.Topic, e.Partition, e.BaseOffset, e.Cause)
}

func (e *CorruptError) Unwrap() error { return e.Cause }

// Handler takes one record of Poll. The record's bytes are valid during the call.
type Handler func(tp protocol.TopicPartition, r *record.Record)

// Consumer is open until Close. One task polls.
type Consumer struct {
	node         env.Node
	cfg          Config
	md           *client.Metadata
	tasks        *task.Group
	fetchers     []*fetcher
	decompressor *codec.Decompressor
	expansion    float64  // room for decompressed records, in sizes of the compressed
	rest         *fetched // of which Poll has not handed out everything

	mu struct {
		env.Mutex
		arrived env.Cond // signalled when a fetcher has a response for Poll
		stopped env.Cond // broadcast when closing is set
		ready   []*fetched
		closing bool
		failure error // that ended a fetcher for good
	}
}

// position is how far one partition was read.
type position struct {
	protocol.TopicPartition
	epoch int32
	next  int64 // offset to fetch next; the fetcher's
	read  int64 // offset after the last record handed out; Poll's
}

// New connects to the cluster and starts to fetch.
func New(node env.Node, cfg Config, assigned []Assignment) (*Consumer, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	md, err := client.FetchMetadata(node, cfg.Bootstrap, cfg.ClientID, nil, cfg.RequestTimeout)
	if err != nil {
		return nil, fmt.Errorf("consumer %s: %w", cfg.ClientID, err)
	}
	c := &Consumer{node: node, cfg: cfg, md: md, tasks: task.NewGroup(node),
		decompressor: codec.NewDecompressor(batchLimit),
		expansion:    4}
	c.mu.Mutex = node.NewMutex()
	c.mu.arrived = node.NewCond(c.mu.Mutex)
	c.mu.stopped = node.NewCond(c.mu.Mutex)
	if err := c.decompressor.Use(cfg.Codec, cfg.Implementation); err != nil {
		panic(fmt.Sprintf("consumer: a validated implementation is none: %v", err))
	}
	if err := c.assign(assigned); err != nil {
		return nil, fmt.Errorf("consumer %s: %w", cfg.ClientID, err)
	}
	for _, f := range c.fetchers {
		c.tasks.Go("fetcher-"+f.addr, f.loop)
	}
	return c, nil
}

// assign looks up the offsets and gives each partition to its leader's fetcher.
func (c *Consumer) assign(assigned []Assignment) error {
	positions := make([]*position, len(assigned))
	for i, a := range assigned {
		pm, ok := c.md.Partition(a.TopicPartition)
		if !ok {
			return fmt.Errorf("no partition %s-%d", a.Topic, a.Partition)
		}
		positions[i] = &position{TopicPartition: a.TopicPartition, epoch: pm.LeaderEpoch, next: a.Offset}
	}
	for _, special := range []int64{protocol.EarliestOffset, protocol.LatestOffset} {
		var tps []protocol.TopicPartition
		var at []int
		for i, a := range assigned {
			if a.Offset == special {
				tps, at = append(tps, a.TopicPartition), append(at, i)
			}
		}
		offsets, err := client.ListOffsets(c.node, c.md, c.cfg.ClientID, protocol.ConsumerReplicaID, tps, special,
			c.cfg.RequestTimeout)
		if err != nil {
			return err
		}
		for i, offset := range offsets {
			positions[at[i]].next = offset
		}
	}
	for _, b := range c.md.Brokers {
		f := &fetcher{c: c, addr: b.Addr}
		for _, pos := range positions {
			pos.read = pos.next
			if pm, _ := c.md.Partition(pos.TopicPartition); pm.Leader == b.ID {
				f.positions = append(f.positions, pos)
			}
		}
		if len(f.positions) > 0 {
			c.fetchers = append(c.fetchers, f)
		}
	}
	return nil
}

// Poll waits for a response until the deadline and gives each of its records to
// handle, partition by partition in offset order. It returns how many there
// were. A CorruptError says that one batch was left out and that polling may go
// on; other errors are final.
func (c *Consumer) Poll(deadline env.Time, handle Handler) (records int, err error) {
	if c.rest == nil {
		c.rest, err = c.await(deadline)
		if c.rest == nil {
			return 0, err
		}
	}
	f := c.rest
	for !f.done() {
		n, err := c.handOut(f, handle)
		records += n
		if err != nil {
			return records, err
		}
	}
	c.rest = nil
	f.release()
	return records, nil
}

// await takes the next response, nil at the deadline.
func (c *Consumer) await(deadline env.Time) (*fetched, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.mu.ready) == 0 {
		if c.mu.failure != nil {
			return nil, c.mu.failure
		}
		if c.mu.closing {
			return nil, env.ErrClosed
		}
		if !c.mu.arrived.WaitUntil(deadline) && len(c.mu.ready) == 0 {
			return nil, nil
		}
	}
	f := c.mu.ready[0]
	copy(c.mu.ready, c.mu.ready[1:])
	c.mu.ready = c.mu.ready[:len(c.mu.ready)-1]
	f.fetcher.taken.Signal()
	f.fetcher.full = false
	return f, nil
}

// Position is the offset after the last record of the partition that Poll handed
// out; ok is false if the partition is not assigned. It is for the polling task.
func (c *Consumer) Position(tp protocol.TopicPartition) (offset int64, ok bool) {
	for _, f := range c.fetchers {
		for _, pos := range f.positions {
			if pos.TopicPartition == tp {
				return pos.read, true
			}
		}
	}
	return 0, false
}

// Close ends the fetchers. Call it from the polling task.
func (c *Consumer) Close() error {
	c.mu.Lock()
	c.mu.closing = true
	c.mu.stopped.Broadcast()
	c.mu.arrived.Broadcast()
	for _, f := range c.fetchers {
		f.stopLocked()
	}
	c.mu.Unlock()
	err := c.tasks.Wait()
	for _, f := range c.mu.ready { // no task of the consumer is left
		f.release()
	}
	c.mu.ready = nil
	if c.rest != nil {
		c.rest.release()
		c.rest = nil
	}
	return err
}
