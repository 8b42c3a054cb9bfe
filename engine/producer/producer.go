// Package producer sends records as Kafka's producer does: Send puts a record
// into a batch of its partition and returns; a sender per broker takes batches
// that are full or have lingered and sends them, several requests in flight; what
// fails for a reason that may pass is sent again; a callback says, once, what
// became of each record. It promises no order between partitions.
//
//	Send -> accumulator -> sender (one task a broker) -> broker
//	             ^         receiver (one task a connection) -> callbacks
//	             |- again -'
//	refresher (one task): metadata and the producer id, when they are asked for
//	expirer   (one task): batches older than delivery.timeout.ms
//
// A batch that is full is compressed by the task that filled it, and one whose
// linger ended by the sender. Kafka's streams compress whole blocks (16 to 64
// KiB) while records are put in, under the partition's lock, and the rest when the
// batch is closed: by the task that found no room, else by the sender. The sender
// writes the header, which names the sequence.
//
// Not as in Kafka: no transactions; the topics are those that exist when the
// producer is made; metadata are not refreshed by age, but when a broker or an
// answer says that they are old. Lock order: Producer.mu alone.
package producer

import (
	"errors"
	"fmt"
	"math"
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
	// ErrAborted says that Abort gave a record up. It may have been written.
	ErrAborted = errors.New("given up by Abort")
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
	Idempotence    Idempotence   // enable.idempotence
	// Retries is how often a batch is sent again after an error that may pass.
	Retries         int           // retries
	RetryBackoff    time.Duration // retry.backoff.ms
	RetryBackoffMax time.Duration // retry.backoff.max.ms
	// DeliveryTimeout is delivery.timeout.ms, from the first record of a batch. 0 is
	// Kafka's behaviour without the setting: 2 minutes, or linger.ms +
	// request.timeout.ms if that is more.
	DeliveryTimeout     time.Duration
	ReconnectBackoff    time.Duration // reconnect.backoff.ms
	ReconnectBackoffMax time.Duration // reconnect.backoff.max.ms
	SetupTimeout        time.Duration // socket.connection.setup.timeout.ms
	Partitioner         string        // partitioner.class
	IgnoreKeys          bool          // partitioner.ignore.keys
	// AdaptivePartitioning is partitioner.adaptive.partitioning.enable.
	AdaptivePartitioning bool
	// Modelled, if set, makes batches that carry sizes.
	Modelled *Modelled
	// OnFailure, if set, is called for each attempt to send a batch that failed; again
	// says that the batch is sent once more.
	OnFailure func(err error, again bool)
	// OnBatch, if set, is called for each batch that was acknowledged or failed,
	// before the callbacks of its records. The Batch is valid during the call.
	OnBatch func(*Batch)
}

// deliveryTimeoutMin is Kafka's default of delivery.timeout.ms.
const deliveryTimeoutMin = 2 * time.Minute

// Idempotence is enable.idempotence.
type Idempotence uint8

// The values of Idempotence.
const (
	// IdempotenceAuto is Kafka's default: on, unless acks, retries or
	// max.in.flight.requests.per.connection do not allow it.
	IdempotenceAuto Idempotence = iota
	IdempotenceOn
	IdempotenceOff
)

// inFlightIdempotent is the largest max.in.flight.requests.per.connection with
// idempotence.
const inFlightIdempotent = 5

// idempotent says whether the producer asks for an id.
func (c *Config) idempotent() bool {
	return c.Idempotence != IdempotenceOff && c.mayBeIdempotent() == nil
}

func (c *Config) mayBeIdempotent() error {
	switch {
	case c.Acks != protocol.AcksAll:
		return errors.New("producer: enable.idempotence needs acks=all")
	case c.Retries == 0:
		return errors.New("producer: enable.idempotence needs retries above 0")
	case c.MaxInFlight > inFlightIdempotent:
		return fmt.Errorf("producer: enable.idempotence needs max.in.flight.requests.per.connection of at most %d",
			inFlightIdempotent)
	}
	return nil
}

// DefaultConfig returns Kafka's defaults.
func DefaultConfig() Config {
	return Config{
		ClientID: "producer-1", Acks: protocol.AcksAll, BatchSize: 16384, Linger: 5 * time.Millisecond,
		BufferMemory: 33554432, MaxBlock: time.Minute, MaxInFlight: 5, MaxRequestSize: 1048576,
		Compression: codec.None, RequestTimeout: 30 * time.Second,
		Retries: math.MaxInt32, RetryBackoff: 100 * time.Millisecond, RetryBackoffMax: time.Second,
		ReconnectBackoff: 50 * time.Millisecond, ReconnectBackoffMax: time.Second,
		SetupTimeout: 10 * time.Second, AdaptivePartitioning: true,
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
	case c.Retries < 0 || c.RetryBackoff < 0 || c.RetryBackoffMax < 0:
		return errors.New("producer: retries, retry.backoff.ms and retry.backoff.max.ms must not be negative")
	case c.ReconnectBackoff < 0 || c.ReconnectBackoffMax < 0 || c.SetupTimeout <= 0:
		return errors.New("producer: reconnect.backoff.ms and reconnect.backoff.max.ms must not be negative, " +
			"socket.connection.setup.timeout.ms must be positive")
	case c.DeliveryTimeout != 0 && c.DeliveryTimeout < c.Linger+c.RequestTimeout:
		return fmt.Errorf("producer: delivery.timeout.ms (%v) must be at least linger.ms (%v) + request.timeout.ms (%v)",
			c.DeliveryTimeout, c.Linger, c.RequestTimeout)
	case c.Partitioner != DefaultPartitioner && c.Partitioner != RoundRobinPartitioner:
		return fmt.Errorf("producer: partitioner.class %q is not known", c.Partitioner)
	}
	if c.Idempotence == IdempotenceOn {
		if err := c.mayBeIdempotent(); err != nil {
			return err
		}
	}
	if err := codec.CheckLevel(c.Compression, c.Level); err != nil {
		return err
	}
	return codec.CheckImplementation(c.Compression, c.Implementation)
}

// Record is what is sent. Key and Value are copied by Send.
type Record struct {
	Topic     string
	Partition int32 // -1: the partitioner chooses
	Key       []byte
	Value     []byte
	// ValueBytes is the size of the value, which is not given, of a Modelled producer.
	ValueBytes int
	Headers    []record.RecordHeader
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
	BaseOffset  int64 // -1 if it failed, and with acks=0
	Err         error // nil: acknowledged, or sent with acks=0
	Records     int
	Intended    []env.Time // of each record
	Cookies     []uint64   // of each record
	Stretches   []Stretch  // instead of Intended and Cookies, of a Modelled producer
	RecordBytes int64      // keys and values
	RawBytes    int64      // the batch before compression, header included
	WireBytes   int64      // the batch as sent, once
	Attempts    int        // that failed before
	// FirstOfRequest is set of one batch of each request of which any was acknowledged.
	FirstOfRequest bool
	Stamps         protocol.Stamps
	// Flushing is how much of the time from StageHandled to StageWritten was forced
	// flushes of the leader's logs.
	Flushing time.Duration
}

// Producer is open until Close. Its methods may be called by several tasks.
type Producer struct {
	node  env.Node
	cfg   Config
	tasks *task.Group

	mu struct {
		env.Mutex
		acc         accumulator
		topics      []topicState
		senders     []*sender // as acc.brokers
		refresh     refresh
		expirer     env.Cond // signalled when a batch may expire sooner than known, and at the end
		watched     env.Time // when the expirer wakes by itself
		completed   env.Cond // broadcast when batches are complete during a flush
		ratio       ratioEstimator
		compressors []*codec.Compressor
		// wallAhead is what the time of day, in ns since 1970, is ahead of Now. It is
		// taken anew with each batch, so that a record costs one reading of a clock.
		wallAhead int64
		closing   bool
	}
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
	if cfg.DeliveryTimeout == 0 {
		cfg.DeliveryTimeout = max(deliveryTimeoutMin, cfg.Linger+cfg.RequestTimeout)
	}
	p := &Producer{node: node, cfg: cfg, tasks: task.NewGroup(node)}
	p.mu.Mutex = node.NewMutex()
	p.mu.completed = node.NewCond(p.mu.Mutex)
	p.mu.expirer = node.NewCond(p.mu.Mutex)
	p.mu.ratio.ratio = 1
	p.mu.wallAhead = node.Wall().UnixNano() - int64(node.Now())
	p.mu.acc = accumulator{linger: cfg.Linger, memory: memory{limit: cfg.BufferMemory}, expiryAt: env.Never,
		retry: retryPolicy{retries: cfg.Retries, deliveryTimeout: cfg.DeliveryTimeout,
			backoff: client.Backoff{Initial: cfg.RetryBackoff, Max: cfg.RetryBackoffMax, Random: node.Rand("retry-backoff")}},
		ids:   identity{on: cfg.idempotent(), now: noProducer},
		muted: cfg.MaxInFlight == 1}
	p.mu.refresh = newRefresh(p)
	p.mu.Lock()
	p.applyLocked(md)
	p.mu.Unlock()
	p.tasks.Go("refresher", p.refreshLoop)
	p.tasks.Go("expirer", p.expireLoop)
	return p, nil
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

// Abort gives up what is not acknowledged or failed yet, and what is sent from now
// on, so that Close does not try for delivery.timeout.ms (KafkaProducer.close with
// a timeout of 0). The error of what it gives up is ErrAborted.
func (p *Producer) Abort() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mu.acc.aborted = true
	p.mu.acc.expiryAt = 0
	p.mu.expirer.Signal()
}

// Close flushes and ends the producer. With acks=0 it returns when the brokers
// have taken up all that was sent.
func (p *Producer) Close() error {
	p.Flush()
	p.mu.Lock()
	p.mu.closing = true
	p.mu.acc.beginFlush() // which never ends: nothing lingers any more
	p.wakeSendersLocked()
	for _, w := range p.mu.acc.memory.waiters {
		w.cond.Signal()
	}
	p.mu.refresh.wake.Signal()
	p.mu.expirer.Signal()
	p.mu.Unlock()
	return p.tasks.Wait()
}

func (p *Producer) wakeSendersLocked() {
	for _, s := range p.mu.senders {
		s.wake.Signal()
	}
}

// wakeLocked lets the sender of a partition look at it.
func (p *Producer) wakeLocked(q *partitionQueue) {
	if q.broker == noBroker {
		p.wantMetadataLocked()
		return
	}
	p.mu.senders[q.broker].wake.Signal()
}

// dueLocked tells the sender of a partition about its new first batch.
func (p *Producer) dueLocked(q *partitionQueue) {
	if q.broker == noBroker {
		p.wantMetadataLocked()
		return
	}
	p.mu.senders[q.broker].dueLocked(p.mu.acc.dueAt(q))
}

// complete ends a request of a sender: its batches are acknowledged, failed, or
// put back to be sent again. err counts for all of them; results, if there are
// any, for each.
func (p *Producer) complete(s *sender, batches []*batch, results []protocol.ProducePartitionResult, err error) {
	now := p.node.Now()
	told := batches[:0]
	first := true // of those that were acknowledged
	var failed []failure
	p.mu.Lock()
	s.inFlight--
	for i, b := range batches {
		if b.state == batchExpired {
			p.letGoLocked(b)
			continue
		}
		cause := err
		if results != nil {
			if cause = results[i].Err.Err(); cause == nil {
				b.offset, b.stamps, b.flushing = results[i].BaseOffset, results[i].Stamps, results[i].Flushing
			}
		}
		if client.IsStale(cause) {
			p.wantMetadataLocked()
		}
		q := b.queue
		final := p.mu.acc.settle(b, cause, now)
		if final {
			told = append(told, b)
			b.firstOfRequest = first && cause == nil
			first = first && !b.firstOfRequest
		}
		if cause != nil && p.cfg.OnFailure != nil {
			failed = append(failed, failure{err: cause, again: !final})
		}
		if q.broker != s.broker {
			p.wakeLocked(q)
		}
	}
	s.wake.Signal()
	p.mu.Unlock()
	for _, f := range failed {
		p.cfg.OnFailure(f.err, f.again)
	}
	p.finish(told, now)
}

// failure is an attempt to send a batch that failed.
type failure struct {
	err   error
	again bool
}

// finish tells the outcome of batches and gives their memory back.
func (p *Producer) finish(batches []*batch, now env.Time) {
	for _, b := range batches {
		b.release()
		p.node.Charge(env.OpRecordAck, int(b.count))
		p.tell(b, now)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, b := range batches {
		p.mu.acc.finish(b)
		p.letGoLocked(b)
	}
	if len(p.mu.acc.flushes) > 0 {
		p.mu.completed.Broadcast()
	}
	if p.mu.closing { // its tasks wait for the last batch, whoever tells its outcome
		p.wakeSendersLocked()
		p.mu.expirer.Signal()
	}
}

// letGoLocked recycles a batch when nobody refers to it any more.
func (p *Producer) letGoLocked(b *batch) {
	if b.holders--; b.holders <= 0 {
		p.mu.acc.recycle(b)
	}
}

// expireLoop gives up batches that are older than delivery.timeout.ms.
func (p *Producer) expireLoop() error {
	for {
		batches := p.awaitExpired()
		if batches == nil {
			return nil
		}
		p.finish(batches, p.node.Now())
	}
}

// awaitExpired waits for batches to expire; nil means the end.
func (p *Producer) awaitExpired() []*batch {
	p.mu.Lock()
	defer p.mu.Unlock()
	for !p.mu.closing || p.mu.acc.incomplete > 0 {
		now := p.node.Now()
		if p.mu.acc.expiryAt <= now {
			if batches := p.mu.acc.expire(now, nil); batches != nil {
				return batches
			}
		}
		p.mu.watched = p.mu.acc.expiryAt
		p.mu.expirer.WaitUntil(p.mu.watched)
		p.mu.watched = 0 // awake: nobody needs to wake it
	}
	return nil
}
