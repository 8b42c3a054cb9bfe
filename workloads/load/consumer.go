package load

import (
	"errors"
	"fmt"
	"time"

	"brokerlab/engine/consumer"
	"brokerlab/engine/env"
	"brokerlab/engine/producer"
	"brokerlab/engine/protocol"
	"brokerlab/engine/record"
	"brokerlab/workloads/check"
	"brokerlab/workloads/payload"
	"brokerlab/workloads/records"
)

// pollWait is how long one poll waits: how soon a consumer sees that it is done.
const pollWait = 100 * time.Millisecond

// clockEvery is how many records share one reading of the clock.
const clockEvery = 32

// Stall is how long a reader goes on without a record before it gives up on the
// rest.
const Stall = 30 * time.Second

// Target is where a consumer has read enough.
type Target struct {
	protocol.TopicPartition
	End int64 // offset after the last record wanted
}

// ConsumerConfig describes one consuming client.
type ConsumerConfig struct {
	Client   consumer.Config
	Assigned []consumer.Assignment
	Start    env.Time // when it begins; 0: at once
	// RatePerSec is how many records it takes a second at most, as a client does that has
	// something to do with each; 0 is no limit. It polls for at most pollShare of it.
	RatePerSec float64
	// Ends returns the targets once they are known.
	Ends func() ([]Target, bool)
}

// pollShare is the part of a limited consumer's second that one poll is for.
const pollShare = 0.1

// Consumed is what one consumer did.
type Consumed struct {
	Records int64
	Skipped int64 // offsets that were deleted before it came to them
	Unread  int64 // offsets up to the targets, when it gave up
}

// consuming is one consumer at work.
type consuming struct {
	node   env.Node
	shared *Group
	cfg    ConsumerConfig
	client *consumer.Consumer
	ledger *ledger
	m      *member  // where records count
	now    env.Time // at which they do
	since  int      // records for which now is the instant
	paid   env.Time // until when a limited consumer is busy with what it took
	out    Consumed
}

// Consume reads the assigned partitions during the load, and after it (or, of a
// backlog, only then) until it has reached the targets. It gives up when no record comes
// for Stall, or when the group gives up.
func Consume(node env.Node, shared *Group, cfg ConsumerConfig) (Consumed, error) {
	awaitStart(node, cfg.Start, func() bool {
		_, ended := shared.LoadEnded(node.Now())
		return ended
	})
	cfg.Client.AutoOffsetReset = consumer.ResetNone
	if cfg.RatePerSec > 0 {
		cfg.Client.MaxPollRecords = min(cfg.Client.MaxPollRecords, max(1, int(pollShare*cfg.RatePerSec)))
	}
	c := &consuming{node: node, shared: shared, cfg: cfg, ledger: newLedger(shared, (*Series).joinReader)}
	c.look()
	c.cfg.Client.OnModelled = func(_ protocol.TopicPartition, of *consumer.Modelled) {
		c.look()
		c.m.taken(c.now, of)
	}
	c.cfg.Client.OnBatch = func(_ protocol.TopicPartition, t *protocol.BatchTimes) { c.begins(t) }
	take := c.take
	if shared.Unmeasured {
		take = func(protocol.TopicPartition, *record.Record) {}
		c.cfg.Client.OnBatch, c.cfg.Client.OnModelled = nil, func(protocol.TopicPartition, *consumer.Modelled) {}
	}
	c.cfg.Client.OnFailure = shared.Failures.note
	var err error
	if c.client, err = consumer.New(node, c.cfg.Client, cfg.Assigned); err != nil {
		return Consumed{}, err
	}
	err = c.readAll(take)
	c.ledger.end(node.Now())
	return c.out, errors.Join(err, c.client.Close())
}

// awaitStart waits for an instant, unless it is over before.
func awaitStart(node env.Node, start env.Time, over func() bool) {
	for now := node.Now(); now < start && !over(); now = node.Now() {
		node.Sleep(min(start.Sub(now), pollWait))
	}
}

// look reads the clock for the records to come.
func (c *consuming) look() {
	c.now, c.since = c.node.Now(), 0
	c.m = c.ledger.at(c.now)
}

// begins notes that records of a batch come next.
func (c *consuming) begins(t *protocol.BatchTimes) {
	c.m.reads(t, c.m.records)
	if c.now >= c.m.visible {
		return
	}
	before := c.m // the batch is younger than the clock's reading
	if c.look(); c.m != before {
		c.m.reads(t, c.m.records)
	}
}

func (c *consuming) readAll(take func(protocol.TopicPartition, *record.Record)) error {
	last := c.node.Now()
	for {
		n, err := c.poll(take)
		if err != nil {
			return err
		}
		now := c.node.Now()
		if n > 0 {
			last = now
		}
		targets, known := c.cfg.Ends()
		if known && (reached(c.client, targets) || now > last.Add(Stall)) || now >= c.shared.givesUp() {
			c.out.Unread = unread(c.client, targets)
			return nil
		}
	}
}

// poll waits for records, and while the consumer is busy with those before.
func (c *consuming) poll(take func(protocol.TopicPartition, *record.Record)) (records int, err error) {
	now := c.node.Now()
	until := min(now.Add(pollWait), c.shared.givesUp())
	if c.paid > now {
		c.node.Sleep(min(c.paid, until).Sub(now))
		return 1, nil // it is at work
	}
	c.look()
	c.since = clockEvery // the first record comes later
	records, err = c.client.Poll(until, take)
	c.out.Records += int64(records)
	c.shared.Read.Add(int64(records))
	c.shared.Consumed.Add(int64(records))
	if c.cfg.RatePerSec > 0 {
		c.paid = max(c.paid, now).Add(time.Duration(float64(records) / c.cfg.RatePerSec * float64(time.Second)))
	}
	var corrupt *consumer.CorruptError
	var gone *consumer.OutOfRangeError
	switch {
	case err == nil || errors.As(err, &corrupt): // what was read back decides whether it is
		return records, nil
	case errors.As(err, &gone) && gone.Deleted():
		c.out.Skipped += gone.LogStart - gone.Offset
		c.shared.Skipped.Add(gone.LogStart - gone.Offset)
		return records + 1, c.client.Seek(gone.TopicPartition, gone.LogStart)
	}
	return records, err
}

// take notes one record.
func (c *consuming) take(_ protocol.TopicPartition, r *record.Record) {
	if c.since++; c.since >= clockEvery {
		c.look()
	}
	_, intended, ok := records.Decode(r)
	if !ok {
		return // what was read back decides whether it is corrupted
	}
	c.m.record(int64(c.now.Sub(intended)))
	c.m.fetch += int64(c.now - c.m.visible)
	c.m.records++
	c.m.bytes += int64(len(r.Key) + len(r.Value))
}

// taken notes records without bytes that a consumer was given at now.
func (m *member) taken(now env.Time, of *consumer.Modelled) {
	c := contentsOf(of)
	eachStretch(c, int(of.First), int(of.Count), func(s *producer.Stretch, _, from, count int) {
		m.recordAll(now, s, from, count)
	})
	m.fetch += int64(of.Count) * int64(now-m.visible)
	m.records += int64(of.Count)
	m.bytes += bytesOf(c, of.First+of.Count, of.Header.RecordCount) - bytesOf(c, of.First, of.Header.RecordCount)
}

// contentsOf is what the producers of a load put into their stubs.
func contentsOf(of *consumer.Modelled) *producer.Contents {
	c, ok := of.Stub.Records.(*producer.Contents)
	if !ok {
		panic("load: a batch without bytes is not of a modelled producer")
	}
	return c
}

// reached says whether the consumer has read up to the targets that it is
// assigned.
func reached(c *consumer.Consumer, targets []Target) bool {
	for _, t := range targets {
		if at, assigned := c.Position(t.TopicPartition); assigned && at < t.End {
			return false
		}
	}
	return true
}

// unread is how many offsets the consumer has left up to the targets.
func unread(c *consumer.Consumer, targets []Target) (offsets int64) {
	for _, t := range targets {
		if at, assigned := c.Position(t.TopicPartition); assigned {
			offsets += max(0, t.End-max(0, at))
		}
	}
	return offsets
}

// readPartitions are the partitions that are read back.
type readPartitions struct {
	all map[protocol.TopicPartition]*readPartition
	// last is the one that was found last: neighbours of a record are mostly of its partition.
	last *readPartition
	// deleted are the offsets in front of where partitions begin.
	deleted int64
}

// readPartition is a partition that is read back.
type readPartition struct {
	protocol.TopicPartition
	number int32 // of its target
	read   bool  // something of it
}

func newReadPartitions(targets []Target) *readPartitions {
	p := &readPartitions{all: make(map[protocol.TopicPartition]*readPartition, len(targets)), last: &readPartition{}}
	for i, t := range targets {
		p.all[t.TopicPartition] = &readPartition{TopicPartition: t.TopicPartition, number: int32(i)}
	}
	return p
}

// at is the number of a partition of which something at an offset was read, whether it is
// intact or not.
func (p *readPartitions) at(tp protocol.TopicPartition, offset int64) (number int32) {
	if p.last.TopicPartition != tp {
		p.last = p.all[tp]
	}
	if !p.last.read {
		p.last.read = true
		p.deleted += offset
	}
	return p.last.number
}

// ReadBack reads the targets' partitions from their beginning to their ends and
// tells the observer of each record; sources are those of the producers by their
// numbers, nil of those whose records carry sizes. The observer's partitions are numbered
// as the targets are. It returns how many offsets retention
// had deleted: those in front of where a partition began, or begins since.
func ReadBack(node env.Node, sources []*records.Source, cfg consumer.Config, targets []Target,
	o *check.Observer) (deleted int64, err error) {
	assigned := make([]consumer.Assignment, len(targets))
	for i, t := range targets {
		assigned[i] = consumer.Assignment{TopicPartition: t.TopicPartition, Offset: protocol.EarliestOffset}
	}
	cfg.AutoOffsetReset = consumer.ResetNone // what is not there must not be stepped over
	partitions := newReadPartitions(targets)
	cfg.OnModelled = func(tp protocol.TopicPartition, of *consumer.Modelled) {
		observeModelled(o, partitions.at(tp, of.Header.BaseOffset+int64(of.First)), of)
	}
	c, err := consumer.New(node, cfg, assigned)
	if err != nil {
		return 0, fmt.Errorf("read back: %w", err)
	}
	observe := func(tp protocol.TopicPartition, r *record.Record) {
		number := partitions.at(tp, r.Offset)
		id, _, ok := records.Decode(r)
		ok = ok && int(id.Producer) < len(sources) && sources[id.Producer].Verify(r) == nil
		o.Observed(number, r.Offset, id, !ok)
	}
	last := node.Now()
	for !reached(c, targets) && node.Now() < last.Add(Stall) {
		n, err := c.Poll(node.Now().Add(pollWait), observe)
		var corrupt *consumer.CorruptError
		var gone *consumer.OutOfRangeError
		switch {
		case errors.As(err, &corrupt):
			number := partitions.at(corrupt.TopicPartition, corrupt.BaseOffset)
			for i := range int64(corrupt.Records) {
				o.Observed(number, corrupt.BaseOffset+i, payload.ID{}, true)
			}
			n = 1
		case errors.As(err, &gone) && gone.Deleted(): // since we read up to there
			if partitions.all[gone.TopicPartition].read {
				partitions.deleted += gone.LogStart - gone.Offset
			}
			if err := c.Seek(gone.TopicPartition, gone.LogStart); err != nil {
				return 0, errors.Join(fmt.Errorf("read back: %w", err), c.Close())
			}
			n = 1
		case err != nil:
			return 0, errors.Join(fmt.Errorf("read back: %w", err), c.Close())
		}
		if n > 0 {
			last = node.Now()
		}
	}
	for _, t := range targets {
		if at, assigned := c.Position(t.TopicPartition); assigned && !partitions.all[t.TopicPartition].read {
			partitions.deleted += at // all of it
		}
	}
	return partitions.deleted, c.Close()
}

// observeModelled tells the observer of records without bytes.
func observeModelled(o *check.Observer, partition int32, of *consumer.Modelled) {
	c := contentsOf(of)
	eachStretch(c, int(of.First), int(of.Count), func(s *producer.Stretch, at, from, count int) {
		o.ObservedAll(partition, of.Header.BaseOffset+int64(at), idOf(c, s, from), count)
	})
}
