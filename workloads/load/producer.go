// Package load drives producers and consumers: open-loop producers that follow a
// rate curve, closed-loop ones at full speed, and consumers that follow them. Latency
// runs from the instant at which a record was due. It measures and counts; what
// the counts mean is for others.
//
// Open loop, every record that is due before the end of the load is sent, if need be
// after it. What stalls a producer - a Send that blocks for buffer.memory, a
// synchronous one that waits, a generator that got no processor - delays the records
// that come due meanwhile. Those delayed by more than a tolerance are given up and
// counted as unsent, unless the producer catches up (see arrival).
package load

import (
	"cmp"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"brokerlab/engine/env"
	"brokerlab/engine/producer"
	"brokerlab/engine/protocol"
	"brokerlab/workloads/arrival"
	"brokerlab/workloads/check"
	"brokerlab/workloads/payload"
	"brokerlab/workloads/records"
)

// Shared is what all clients of one repeat share. Its counters may be read at
// any time, for progress.
type Shared struct {
	Topic   string
	Records *records.Source
	// Model, if not nil, is in place of Records: records carry sizes instead of bytes.
	Model   *payload.Model
	Produce *Series // intended instant to acknowledgement
	Consume *Series // intended instant to the consumer
	End     env.Time
	// Backlog says that consumers begin when the load has ended: all that they read
	// is measured, whatever End is.
	Backlog bool
	// DiskLimit ends the load once so many bytes were sent to leaders, times
	// Replicas; 0 is no limit.
	DiskLimit int64
	Replicas  int64

	Acked    atomic.Int64
	Failed   atomic.Int64
	Consumed atomic.Int64
	Failures Failures
	wire     atomic.Int64
	stopped  atomic.Bool

	mu        sync.Mutex // never held while waiting, also not for a producer's lock
	producers []*producer.Producer
	aborted   bool
}

// Stop ends the load as soon as may be.
func (s *Shared) Stop() { s.stopped.Store(true) }

// Abort ends the load and gives up what is not acknowledged yet, for brokers that
// will not answer any more. The driver calls it, which stands outside the nodes.
func (s *Shared) Abort() {
	s.Stop()
	s.mu.Lock()
	s.aborted = true
	producers := s.producers
	s.mu.Unlock()
	for _, p := range producers {
		p.Abort()
	}
}

// join makes a producer known to Abort.
func (s *Shared) join(p *producer.Producer) {
	s.mu.Lock()
	s.producers = append(s.producers, p)
	aborted := s.aborted
	s.mu.Unlock()
	if aborted {
		p.Abort()
	}
}

// Over says whether no more records are to be sent.
func (s *Shared) Over() bool {
	return s.stopped.Load() || s.DiskLimit > 0 && s.wire.Load()*s.Replicas >= s.DiskLimit
}

// ProducerConfig describes one producing client.
type ProducerConfig struct {
	Arrival arrival.Config // Index is also the producer's number in its records
	Sync    bool           // one record at a time
	// Slice is the slack of the generator's timer: it wakes so long after a record was
	// due, hands over all that are due by then with one call, and sleeps again. Latency
	// still counts from each record's own instant. 0 is each record by itself, at its
	// instant, and a closed loop that hands over one at a time.
	Slice  time.Duration
	Client producer.Config
	Sender *check.Sender
}

// Produced is what one producer did.
type Produced struct {
	Sent        int64
	RecordBytes int64 // keys and values, of batches that were sent
	RawBytes    int64 // batches before compression
	WireBytes   int64 // batches as sent
	Lateness    arrival.Lateness
	Offered     []int64 // records that were due, by interval of the load
	Unsent      []int64 // of these
	FirstError  error   // of a batch or of Send
	SentAt      env.Time
}

// producing is one producer at work.
type producing struct {
	node   env.Node
	shared *Shared
	cfg    ProducerConfig
	client *producer.Producer
	stream *records.Stream // nil of a Model

	// The producer calls back from a task per broker.
	mu struct {
		env.Mutex
		member *member
		out    Produced
	}
}

// Produce sends records until the end of the load and returns when each is
// acknowledged or failed. It is the body of a task of node.
func Produce(node env.Node, shared *Shared, cfg ProducerConfig) (Produced, error) {
	if cfg.Sync {
		cfg.Slice = 0
	}
	p := &producing{node: node, shared: shared, cfg: cfg}
	p.mu.Mutex = node.NewMutex()
	p.mu.member = shared.Produce.joinProducer()
	pacer, err := arrival.New(p.arrival())
	if err != nil {
		return Produced{}, err
	}
	cfg.Client.OnBatch, cfg.Client.OnFailure = p.onBatch, shared.Failures.noteAttempt
	if m := shared.Model; m != nil {
		source := uint16(cfg.Arrival.Index)
		size := func(cookie uint64, intended env.Time, plainBytes int) int {
			return m.CompressedBytes(payload.ID{Producer: source, Sequence: cookie}, intended, plainBytes)
		}
		cfg.Client.Modelled = &producer.Modelled{Source: source, CompressedBytes: size}
	}
	if shared.Records != nil {
		if p.stream, err = shared.Records.Stream(uint16(cfg.Arrival.Index)); err != nil {
			return Produced{}, err
		}
	}
	if p.client, err = producer.New(node, cfg.Client); err != nil {
		return Produced{}, err
	}
	shared.join(p.client)
	node.Sleep(cfg.Arrival.Start.Sub(node.Now()))
	due := &Generator{Node: node, Pacer: pacer, End: shared.End, Slack: cfg.Slice, Over: shared.Over}
	var sent int64
	var broken error // of the records' source
	if cfg.Slice > 0 {
		sent, broken = p.sendSlices(due)
	} else {
		sent, broken = p.send(due)
	}
	p.mu.Lock()
	p.mu.member.end(min(node.Now(), shared.End))
	p.mu.Unlock()
	err = errors.Join(broken, p.client.Close())
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mu.member.close()
	p.mu.out.Sent, p.mu.out.Lateness = sent, pacer.Lateness()
	p.mu.out.Offered, p.mu.out.Unsent = pacer.Offered()
	return p.mu.out, err
}

// arrival is the schedule of the records that are due before the end of the load. What
// the slice delays on purpose is neither late nor given up.
func (p *producing) arrival() arrival.Config {
	cfg := p.cfg.Arrival
	cfg.End, cfg.Intervals = p.shared.End, p.shared.Produce.ends(p.shared.End)
	cfg.LateAfter = cmp.Or(cfg.LateAfter, arrival.DefaultLateAfter) + p.cfg.Slice
	cfg.Tolerance = cmp.Or(cfg.Tolerance, arrival.DefaultTolerance) + p.cfg.Slice
	return cfg
}

// send sends one record after another until the load is over.
func (p *producing) send(due *Generator) (sent int64, err error) {
	var value []byte
	rec := producer.Record{Topic: p.shared.Topic, Partition: -1}
	for {
		now, ok := due.Await()
		if !ok {
			return sent, nil
		}
		rec.Intended = due.Pacer.Take(now)
		rec.Cookie = uint64(sent)
		if value, err = p.fill(&rec, value[:0]); err != nil {
			return sent, err
		}
		p.cfg.Sender.Sent(rec.Cookie)
		sent++
		if err := p.sendOne(&rec); err != nil {
			p.sendFailed(rec.Cookie, err)
		}
	}
}

// fill gives a record its key and value, which are written behind scratch, or the
// value's size.
func (p *producing) fill(rec *producer.Record, scratch []byte) (used []byte, err error) {
	if m := p.shared.Model; m != nil {
		rec.ValueBytes = m.Size()
		p.node.Charge(env.OpCopy, rec.ValueBytes)
		return scratch, nil
	}
	used, err = p.stream.Fill(rec, scratch)
	p.node.Charge(env.OpCopy, len(used)-len(scratch))
	return used, err
}

// sendOne sends a record, and in the synchronous mode waits for it. What became
// of it is told to onBatch in either case.
func (p *producing) sendOne(rec *producer.Record) error {
	if !p.cfg.Sync {
		return p.client.Send(rec, nil)
	}
	_, err := p.client.SendSync(rec)
	if errors.Is(err, producer.ErrNotSent) {
		return err
	}
	return nil
}

// sendFailed notes a record that never got into a batch.
func (p *producing) sendFailed(sequence uint64, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cfg.Sender.Failed(sequence)
	p.shared.Failures.note(err)
	p.failedLocked(1, err)
}

func (p *producing) failedLocked(records int64, err error) {
	p.shared.Failed.Add(records)
	if p.mu.out.FirstError == nil {
		p.mu.out.FirstError = fmt.Errorf("producer %d: %w", p.cfg.Arrival.Index, err)
	}
}

// onBatch records what became of a batch.
func (p *producing) onBatch(b *producer.Batch) {
	now := p.node.Now()
	count := int64(b.Records)
	p.mu.Lock()
	defer p.mu.Unlock()
	out := &p.mu.out
	out.RecordBytes += b.RecordBytes
	out.RawBytes += b.RawBytes
	out.WireBytes += b.WireBytes
	p.shared.wire.Add(b.WireBytes)
	if b.Err != nil {
		p.shared.Failures.noteGivenUp(b.Err)
		for _, sequence := range b.Cookies {
			p.cfg.Sender.Failed(sequence)
		}
		for i := range b.Stretches {
			p.cfg.Sender.FailedAll(b.Stretches[i].Cookie, b.Stretches[i].Count)
		}
		p.failedLocked(count, b.Err)
		return
	}
	m := p.mu.member
	m.within(now, p.shared.End) // Send may block past the end
	before := m.latency
	for _, intended := range b.Intended {
		m.record(int64(now.Sub(intended)))
	}
	for _, sequence := range b.Cookies {
		p.cfg.Sender.Acked(sequence, now)
	}
	for i := range b.Stretches {
		s := &b.Stretches[i]
		m.recordAll(now, s, 0, s.Count)
		p.cfg.Sender.AckedAll(s.Cookie, s.Count, now)
	}
	m.service.RecordMany(int64(now.Sub(b.Stamps[protocol.StageSent])), count)
	m.produced(b, now, before)
	m.records += count
	m.bytes += b.RecordBytes
	p.shared.Acked.Add(count)
}
