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
	End env.Time // of the load at the latest
	// DiskLimit ends the load once so many bytes were sent to leaders, times
	// Replicas, and RoomLimit whatever comes after it; 0 is no limit.
	DiskLimit, RoomLimit int64
	Replicas             int64
	// AckedLimit ends the load once so many bytes of records were acknowledged; 0 is no
	// limit.
	AckedLimit int64
	// Search, if not nil, gives the rate of producers until their Arrival begins, and then.
	Search *Search
	// Unmeasured leaves out all that is done for each record to measure it: latencies,
	// stages and seconds. Records are counted and checked all the same. It is for the
	// benchmark of what measuring costs.
	Unmeasured bool

	Acked      atomic.Int64
	AckedBytes atomic.Int64 // keys and values
	Failed     atomic.Int64
	Consumed   atomic.Int64 // by all groups together
	Failures   Failures
	wire       atomic.Int64
	ends       atomic.Int32 // stopped, abandoned, or both
	loadEnd    atomic.Int64 // env.Time; 0: it goes on
	readEnd    atomic.Int64 // the same of the reading

	mu        sync.Mutex // never held while waiting, also not for a producer's lock
	producers []*producer.Producer
}

// What ends a load from outside.
const (
	stopped   = 1 << iota // by Stop
	abandoned             // its producers, by AbortProducers
)

// Stop ends the load as soon as may be.
func (s *Shared) Stop() { s.ends.Or(stopped) }

// Abort ends the load and gives up what is not acknowledged yet, for brokers that
// will not answer any more. The driver calls it, which stands outside the nodes.
func (s *Shared) Abort() {
	s.Stop()
	s.AbortProducers()
}

// AbortProducers gives up what is not acknowledged yet, for producers that had their
// time; what they have not sent by then stays unsent. The driver calls it when the load
// has ended.
func (s *Shared) AbortProducers() {
	s.mu.Lock()
	s.ends.Or(abandoned)
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
	given := s.abandoned()
	s.mu.Unlock()
	if given {
		p.Abort()
	}
}

// abandoned says whether producers were given up.
func (s *Shared) abandoned() bool { return s.ends.Load()&abandoned != 0 }

// Over says whether the load is over before its time, or producers were given up.
func (s *Shared) Over() bool {
	return s.ends.Load() != 0 || s.full(s.DiskLimit) || s.AckedLimit > 0 && s.AckedBytes.Load() >= s.AckedLimit
}

// full says whether the logs have reached a limit of bytes.
func (s *Shared) full(limit int64) bool { return limit > 0 && s.wire.Load()*s.Replicas >= limit }

// ProducerConfig describes one producing client.
type ProducerConfig struct {
	Arrival arrival.Config // of the load
	// Warmup, if not nil, is in place of Arrival from its own start to that of Arrival.
	Warmup *arrival.Config
	// Reading, if not nil, is the arrival when the load has ended, from then on: the
	// producer goes on while a backlog is read.
	Reading *arrival.Config
	// Number is the producer's in its records: 0 and up, over all groups.
	Number uint16
	Topic  string
	Sync   bool // one record at a time
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
	shared *Group
	cfg    ProducerConfig
	client *producer.Producer
	stream *records.Stream // nil of a Model
	// Of all steps together.
	sent            int64
	late            arrival.Lateness
	offered, unsent []int64

	// The producer calls back from a task per broker.
	mu struct {
		env.Mutex
		ledger *ledger
		out    Produced
	}
}

// Produce sends records until the end of the load, or of the reading that follows it,
// and returns when each is acknowledged or failed. It is the body of a task of node.
func Produce(node env.Node, shared *Group, cfg ProducerConfig) (Produced, error) {
	if cfg.Sync {
		cfg.Slice = 0
	}
	p := &producing{node: node, shared: shared, cfg: cfg}
	p.mu.Mutex = node.NewMutex()
	p.mu.ledger = newLedger(shared, (*Series).joinProducer)
	cfg.Client.OnBatch, cfg.Client.OnFailure = p.onBatch, shared.Failures.noteAttempt
	if m := shared.Model; m != nil {
		size := func(cookie uint64, intended env.Time, plainBytes int) int {
			return m.CompressedBytes(payload.ID{Producer: cfg.Number, Sequence: cookie}, intended, plainBytes)
		}
		cfg.Client.Modelled = &producer.Modelled{Source: cfg.Number, CompressedBytes: size}
	}
	var err error
	if shared.Records != nil {
		if p.stream, err = shared.Records.Stream(cfg.Number); err != nil {
			return Produced{}, err
		}
	}
	if p.client, err = producer.New(node, cfg.Client); err != nil {
		return Produced{}, err
	}
	shared.join(p.client)
	err = errors.Join(p.sendAll(), p.client.Close())
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mu.ledger.end(node.Now())
	p.mu.out.Sent, p.mu.out.Lateness, p.mu.out.Offered, p.mu.out.Unsent = p.sent, p.late, p.offered, p.unsent
	return p.mu.out, err
}

// sendAll goes through the steps of the load.
func (p *producing) sendAll() error {
	load := p.cfg.Arrival
	if s := p.shared.Search; s != nil {
		var err error
		if load, err = p.search(s); err != nil {
			return err
		}
	}
	if p.cfg.Warmup != nil {
		if err := p.sendStep(*p.cfg.Warmup, load.Start, p.shared.Over); err != nil {
			return err
		}
	}
	if err := p.sendStep(load, p.shared.End, p.shared.Over); err != nil || p.cfg.Reading == nil {
		return err
	}
	reading := *p.cfg.Reading
	reading.Start, _ = p.shared.LoadEnded(p.node.Now())
	return p.sendStep(reading, env.Never, func() bool {
		_, ended := p.shared.ReadingEnded(p.node.Now())
		return ended
	})
}

// sendStep sends the records that are due before the end of a stretch of the load that
// has a schedule of its own. What the slice delays on purpose is neither late nor given
// up.
func (p *producing) sendStep(cfg arrival.Config, end env.Time, over func() bool) error {
	if end != env.Never {
		cfg.End, cfg.Intervals = end, p.shared.Series.ends(end)
	}
	cfg.LateAfter = cmp.Or(cfg.LateAfter, arrival.DefaultLateAfter) + p.cfg.Slice
	cfg.Tolerance = cmp.Or(cfg.Tolerance, arrival.DefaultTolerance) + p.cfg.Slice
	pacer, err := arrival.New(cfg)
	if err != nil {
		return err
	}
	awaitStart(p.node, cfg.Start, over)
	due := &Generator{Node: p.node, Pacer: pacer, End: end, Slack: p.cfg.Slice, Over: over}
	if p.cfg.Slice > 0 {
		err = p.sendSlices(due)
	} else {
		err = p.send(due)
	}
	if p.shared.abandoned() {
		pacer.GiveUpAll(p.node.Now())
	}
	p.late = p.late.Add(pacer.Lateness())
	offered, unsent := pacer.Offered()
	p.offered, p.unsent = plusEach(p.offered, offered), plusEach(p.unsent, unsent)
	return err
}

// plusEach adds counts of the same intervals up.
func plusEach(sum, more []int64) []int64 {
	for i, n := range more {
		if i == len(sum) {
			sum = append(sum, 0)
		}
		sum[i] += n
	}
	return sum
}

// send sends one record after another until the step is over.
func (p *producing) send(due *Generator) (err error) {
	var value []byte
	rec := producer.Record{Topic: p.cfg.Topic, Partition: -1}
	for {
		now, ok := due.Await()
		if !ok {
			return nil
		}
		rec.Intended = due.Pacer.Take(now)
		rec.Cookie = uint64(p.sent)
		if value, err = p.fill(&rec, value[:0]); err != nil {
			return err
		}
		p.cfg.Sender.Sent(rec.Cookie)
		p.sent++
		if err := p.sendOne(&rec); err != nil {
			p.sendFailed(rec.Cookie, err)
		}
	}
}

// fill gives a record its key and value, which are written behind scratch, or the
// value's size.
func (p *producing) fill(rec *producer.Record, scratch []byte) (used []byte, err error) {
	if m := p.shared.Model; m != nil {
		id := payload.ID{Producer: p.cfg.Number, Sequence: rec.Cookie}
		rec.ValueBytes = m.Size(id)
		used, keyed := m.AppendKey(scratch, id)
		if keyed {
			rec.Key = used[len(scratch):]
		}
		p.node.Charge(env.OpCopy, rec.ValueBytes+len(rec.Key))
		return used, nil
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
		p.mu.out.FirstError = fmt.Errorf("producer %d: %w", p.cfg.Number, err)
	}
}

// onBatch records what became of a batch.
func (p *producing) onBatch(b *producer.Batch) {
	now := p.node.Now()
	count := int64(b.Records)
	p.mu.Lock()
	defer p.mu.Unlock()
	if b.Stamps[protocol.StageSent] != 0 { // of those that were given up some never were
		out := &p.mu.out
		out.RecordBytes += b.RecordBytes
		out.RawBytes += b.RawBytes
		out.WireBytes += b.WireBytes
		p.shared.wire.Add(b.WireBytes)
	}
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
	for _, sequence := range b.Cookies {
		p.cfg.Sender.Acked(sequence, now)
	}
	for i := range b.Stretches {
		p.cfg.Sender.AckedAll(b.Stretches[i].Cookie, b.Stretches[i].Count, now)
	}
	if !p.shared.Unmeasured {
		p.mu.ledger.of(firstDue(b), now).acked(b, now)
	}
	p.shared.Acked.Add(count)
	p.shared.AckedBytes.Add(b.RecordBytes)
}

// acked measures the records of a batch that was acknowledged at now.
func (m *member) acked(b *producer.Batch, now env.Time) {
	before := m.latency
	for _, intended := range b.Intended {
		m.record(int64(now.Sub(intended)))
	}
	for i := range b.Stretches {
		m.recordAll(now, &b.Stretches[i], 0, b.Stretches[i].Count)
	}
	count := int64(b.Records)
	m.service.RecordMany(int64(now.Sub(b.Stamps[protocol.StageSent])), count)
	m.produced(b, now, before)
	m.records += count
	m.bytes += b.RecordBytes
	m.batches++
	if b.FirstOfRequest {
		m.requests++
	}
}

// firstDue is when the first of a batch's records was due.
func firstDue(b *producer.Batch) env.Time {
	switch {
	case len(b.Intended) > 0:
		return b.Intended[0]
	case len(b.Stretches) > 0:
		return b.Stretches[0].First
	}
	return env.Never // there are none
}
