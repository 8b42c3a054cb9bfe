// Package producer sends records as Kafka's producer does: Send puts a record
// into a batch of its partition and returns; a sender per broker takes batches
// that are full or have lingered and sends them, several requests in flight; a
// callback says what became of each. It does not retry: a failed batch is
// reported as failed.
//
//	Send -> accumulator -> sender (one task a broker) -> broker
//	                       receiver (one task a connection) -> callbacks
//
// A batch that is full is compressed by the task that filled it, and one whose
// linger ended by the sender. Kafka's streams compress whole blocks (16 to 64
// KiB) while records are put in, under the partition's lock, and the rest when the
// batch is closed: by the task that found no room, else by the sender.
//
// Not as in Kafka: no retries, and so no idempotence and no delivery.timeout.ms;
// keys choose no partition; the free choice is uniform. Lock order: Producer.mu
// alone.
package producer

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"brokerlab/engine/client"
	"brokerlab/engine/codec"
	"brokerlab/engine/env"
	"brokerlab/engine/protocol"
	"brokerlab/engine/record"
	"brokerlab/engine/task"
)

// Errors of Send.
var (
	// ErrNotSent says that the record got into no batch. Every error of Send is
	// one; an error of SendSync that is not is what the broker answered.
	ErrNotSent = errors.New("producer: record not sent")
	// ErrBufferExhausted says that buffer.memory stayed full for max.block.ms
	// (BufferExhaustedException).
	ErrBufferExhausted = errors.New("buffer.memory stayed full for max.block.ms")
	// ErrRecordTooLarge says that a record is above max.request.size or
	// buffer.memory (RecordTooLargeException).
	ErrRecordTooLarge = errors.New("record is too large")
)

// Config is a producer's settings. Start from DefaultConfig.
type Config struct {
	ClientID       string   // client.id
	Bootstrap      []string // bootstrap.servers
	Acks           int16    // acks
	BatchSize      int      // batch.size, bytes
	Linger         time.Duration
	BufferMemory   int64         // buffer.memory, bytes
	MaxBlock       time.Duration // max.block.ms
	MaxInFlight    int           // max.in.flight.requests.per.connection
	MaxRequestSize int           // max.request.size, bytes
	Compression    codec.Type    // compression.type
	Level          int           // compression.<type>.level
	// Implementation is the library that compresses (compression.implementation,
	// ours); the zero value is the codec's default.
	Implementation codec.Implementation
	RequestTimeout time.Duration // request.timeout.ms
	// OnBatch, if set, is called for each batch that was acknowledged or failed,
	// before the callbacks of its records. The Batch is valid during the call.
	OnBatch func(*Batch)
}

// DefaultConfig returns Kafka's defaults.
func DefaultConfig() Config {
	return Config{
		ClientID: "producer-1", Acks: protocol.AcksAll, BatchSize: 16384, Linger: 5 * time.Millisecond,
		BufferMemory: 33554432, MaxBlock: time.Minute, MaxInFlight: 5, MaxRequestSize: 1048576,
		Compression: codec.None, RequestTimeout: 30 * time.Second,
	}
}

// Validate says what is wrong with a configuration.
func (c *Config) Validate() error {
	switch {
	case len(c.Bootstrap) == 0:
		return errors.New("producer: no bootstrap.servers")
	case c.Acks < protocol.AcksAll || c.Acks > protocol.AcksLeader:
		return fmt.Errorf("producer: acks %d is none of 0, 1 and -1 (all)", c.Acks)
	case c.BatchSize < 0 || c.Linger < 0 || c.MaxBlock < 0:
		return errors.New("producer: batch.size, linger.ms and max.block.ms must not be negative")
	case c.BufferMemory < 1 || c.MaxInFlight < 1 || c.MaxRequestSize < 1 || c.RequestTimeout <= 0:
		return errors.New("producer: buffer.memory, max.in.flight.requests.per.connection, max.request.size " +
			"and request.timeout.ms must be positive")
	}
	if err := codec.CheckLevel(c.Compression, c.Level); err != nil {
		return err
	}
	return codec.CheckImplementation(c.Compression, c.Implementation)
}

// Record is what is sent. Key and Value are copied by Send.
type Record struct {
	Topic     string
	Partition int32 // -1: the producer chooses
	Key       []byte
	Value     []byte
	Headers   []record.RecordHeader
	// Intended is the instant at which the record was due; 0 means now. It comes
	// back in Batch, to measure latency from.
	Intended env.Time
	// Cookie comes back in Batch.
	Cookie uint64
}

// Ack says where a record is.
type Ack struct {
	protocol.TopicPartition
	Offset int64 // -1 with acks=0
}

// Batch is what became of one batch.
type Batch struct {
	protocol.TopicPartition
	BaseOffset  int64      // -1 if it failed, and with acks=0
	Err         error      // nil: acknowledged, or sent with acks=0
	Intended    []env.Time // of each record
	Cookies     []uint64   // of each record
	RecordBytes int64      // keys and values
	RawBytes    int64      // the batch before compression, header included
	WireBytes   int64      // the batch as sent
	Stamps      protocol.Stamps
}

// Producer is open until Close. Its methods may be called by several tasks.
type Producer struct {
	node    env.Node
	cfg     Config
	md      *client.Metadata
	tasks   *task.Group
	senders []*sender // by index of md.Brokers

	mu struct {
		env.Mutex
		acc         accumulator
		topics      []topicState
		memoryFreed env.Cond // broadcast when buffer.memory is given back
		completed   env.Cond // broadcast when batches are complete during a flush
		ratio       ratioEstimator
		compressors []*codec.Compressor
		// wallAhead is what the time of day, in ns since 1970, is ahead of Now. It is
		// taken anew with each batch, so that a record costs one reading of a clock.
		wallAhead int64
		closing   bool
	}
}

// topicState is a topic's partitions and the one that records without a
// partition stick to (BuiltInPartitioner, KIP-794). The choice is uniform:
// partitioner.adaptive.partitioning.enable is false here.
type topicState struct {
	name       string
	partitions []*partitionQueue
	sticky     int
	stuckBytes int // appended to the sticky partition since it was chosen
	random     *rand.Rand
}

// New asks the cluster for its partitions and starts a sender for each broker.
func New(node env.Node, cfg Config) (*Producer, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	md, err := client.FetchMetadata(node, cfg.Bootstrap, cfg.ClientID, nil, cfg.RequestTimeout)
	if err != nil {
		return nil, fmt.Errorf("producer %s: %w", cfg.ClientID, err)
	}
	cfg.BatchSize = max(1, cfg.BatchSize) // as Kafka: 0 means a batch for each record
	p := &Producer{node: node, cfg: cfg, md: md, tasks: task.NewGroup(node)}
	p.mu.Mutex = node.NewMutex()
	p.mu.memoryFreed = node.NewCond(p.mu.Mutex)
	p.mu.completed = node.NewCond(p.mu.Mutex)
	p.mu.ratio.ratio = 1
	p.mu.wallAhead = node.Wall().UnixNano() - int64(node.Now())
	p.mu.acc = accumulator{linger: cfg.Linger, memoryLimit: cfg.BufferMemory,
		brokers: make([]brokerQueue, len(md.Brokers))}
	for i := range md.Partitions {
		if err := p.addPartition(&md.Partitions[i]); err != nil {
			return nil, fmt.Errorf("producer %s: %w", cfg.ClientID, err)
		}
	}
	for i := range p.mu.topics {
		p.mu.topics[i].stickTo()
	}
	for i := range md.Brokers {
		s := newSender(p, i, md.Brokers[i].Addr)
		p.senders = append(p.senders, s)
		p.tasks.Go(fmt.Sprintf("sender-%d", md.Brokers[i].ID), s.loop)
	}
	return p, nil
}

func (p *Producer) addPartition(pm *protocol.PartitionMetadata) error {
	topics := &p.mu.topics
	if n := len(*topics); n == 0 || (*topics)[n-1].name != pm.Topic {
		t := topicState{name: pm.Topic, random: p.node.Rand("partitioner/" + pm.Topic)}
		*topics = append(*topics, t)
	}
	t := &(*topics)[len(*topics)-1]
	for i := range p.md.Brokers {
		if p.md.Brokers[i].ID == pm.Leader {
			q := &partitionQueue{tp: pm.TopicPartition, broker: i}
			t.partitions = append(t.partitions, q)
			bq := &p.mu.acc.brokers[i]
			bq.partitions = append(bq.partitions, q)
			return nil
		}
	}
	return fmt.Errorf("partition %s-%d has no leader", pm.Topic, pm.Partition)
}

// Flush sends what was put in, without linger, and returns when all of it is
// acknowledged or failed. It does not wait for what other tasks send meanwhile.
func (p *Producer) Flush() {
	p.mu.Lock()
	defer p.mu.Unlock()
	f := p.mu.acc.beginFlush()
	defer p.mu.acc.endFlush(f)
	p.wakeSendersLocked()
	for f.left > 0 {
		p.mu.completed.WaitUntil(env.Never)
	}
}

// Close flushes and ends the producer. With acks=0 it returns when the brokers
// have taken up all that was sent.
func (p *Producer) Close() error {
	p.Flush()
	p.mu.Lock()
	p.mu.closing = true
	p.mu.acc.beginFlush() // which never ends: nothing lingers any more
	p.wakeSendersLocked()
	p.mu.memoryFreed.Broadcast()
	p.mu.Unlock()
	return p.tasks.Wait()
}

func (p *Producer) wakeSendersLocked() {
	for _, s := range p.senders {
		s.wake.Signal()
	}
}

// complete reports batches and gives their memory back. err counts for all of
// them; results, if there are any, for each.
func (p *Producer) complete(s *sender, batches []*batch, results []protocol.ProducePartitionResult, err error) {
	now := p.node.Now()
	for i, b := range batches {
		out := Batch{TopicPartition: b.tp, BaseOffset: -1, Err: err, Intended: b.intended, Cookies: b.cookies,
			RecordBytes: b.bytes, RawBytes: int64(b.used), WireBytes: int64(b.wireSize), Stamps: b.stamps}
		if results != nil {
			out.Stamps = results[i].Stamps
			if out.Err = results[i].Err.Err(); out.Err == nil {
				out.BaseOffset = results[i].BaseOffset
			}
		}
		out.Stamps[protocol.StageAcked] = now
		if p.cfg.OnBatch != nil {
			p.cfg.OnBatch(&out)
		}
		b.callBack(&out)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, b := range batches {
		p.mu.acc.recycle(b)
	}
	s.inFlight--
	s.wake.Signal()
	if p.mu.acc.waiting > 0 {
		p.mu.memoryFreed.Broadcast()
	}
	if len(p.mu.acc.flushes) > 0 {
		p.mu.completed.Broadcast()
	}
}
