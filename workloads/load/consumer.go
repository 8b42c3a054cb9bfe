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

// Consume reads the assigned partitions during the load, and after it (or, of a
// backlog, only then) until it has reached the targets, which ends() returns once they are known. It gives up
// when no record comes for Stall. It returns how many records it read.
func Consume(node env.Node, shared *Shared, cfg consumer.Config, assigned []consumer.Assignment,
	ends func() ([]Target, bool)) (taken int64, err error) {
	cfg.AutoOffsetReset = consumer.ResetNone
	m, end := shared.Consume.joinReader(), shared.End
	if shared.Backlog {
		end = env.Never
	}
	now, since := node.Now(), 0
	cfg.OnModelled = func(_ protocol.TopicPartition, of *consumer.Modelled) {
		now, since = node.Now(), 0
		m.within(now, end)
		m.taken(now, of)
	}
	cfg.OnFailure = shared.Failures.note
	cfg.OnBatch = func(_ protocol.TopicPartition, t *protocol.BatchTimes) {
		if m.reads(t, m.records); now < m.visible { // the batch is younger than the clock's reading
			now, since = node.Now(), 0
			m.within(now, end)
		}
	}
	c, err := consumer.New(node, cfg, assigned)
	if err != nil {
		return 0, err
	}
	take := func(_ protocol.TopicPartition, r *record.Record) {
		if since++; since >= clockEvery {
			now, since = node.Now(), 0
			m.within(now, end)
		}
		_, intended, ok := shared.Records.Decode(r)
		if !ok {
			return // what was read back decides whether it is corrupted
		}
		m.record(int64(now.Sub(intended)))
		m.fetch += int64(now - m.visible)
		m.records++
		m.bytes += int64(len(r.Key) + len(r.Value))
	}
	last := node.Now()
	for {
		before := node.Now()
		now, since = before, clockEvery
		if before >= end || !shared.Backlog && shared.Over() {
			m.end(min(before, end))
		}
		n, err := c.Poll(before.Add(pollWait), take)
		var corrupt *consumer.CorruptError
		if err != nil && !errors.As(err, &corrupt) {
			return taken, errors.Join(err, c.Close())
		}
		taken += int64(n)
		shared.Consumed.Add(int64(n))
		if n > 0 {
			last = node.Now()
		}
		targets, known := ends()
		if known && (reached(c, targets) || node.Now() > last.Add(Stall)) {
			break
		}
	}
	m.end(node.Now())
	m.close()
	return taken, c.Close()
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

// ReadBack reads the targets' partitions from their beginning to their ends and
// tells the observer of each record; source is nil if they carry sizes. It returns how many offsets retention had
// deleted: those in front of where a partition began, or begins since.
func ReadBack(node env.Node, source *records.Source, cfg consumer.Config, targets []Target,
	o *check.Observer) (deleted int64, err error) {
	assigned := make([]consumer.Assignment, len(targets))
	for i, t := range targets {
		assigned[i] = consumer.Assignment{TopicPartition: t.TopicPartition, Offset: protocol.EarliestOffset}
	}
	cfg.AutoOffsetReset = consumer.ResetNone                     // what is not there must not be stepped over
	read := make(map[protocol.TopicPartition]bool, len(targets)) // a record of it
	begin := func(tp protocol.TopicPartition, offset int64) {
		if !read[tp] {
			read[tp] = true
			deleted += offset
		}
	}
	cfg.OnModelled = func(tp protocol.TopicPartition, of *consumer.Modelled) {
		begin(tp, of.Header.BaseOffset+int64(of.First))
		observeModelled(o, tp.Partition, of)
	}
	c, err := consumer.New(node, cfg, assigned)
	if err != nil {
		return 0, fmt.Errorf("read back: %w", err)
	}
	observe := func(tp protocol.TopicPartition, r *record.Record) {
		begin(tp, r.Offset)
		id, _, ok := source.Decode(r)
		o.Observed(tp.Partition, r.Offset, id, !ok || source.Verify(r) != nil)
	}
	last := node.Now()
	for !reached(c, targets) && node.Now() < last.Add(Stall) {
		n, err := c.Poll(node.Now().Add(pollWait), observe)
		var corrupt *consumer.CorruptError
		var gone *consumer.OutOfRangeError
		switch {
		case errors.As(err, &corrupt):
			for i := range int64(corrupt.Records) {
				o.Observed(corrupt.Partition, corrupt.BaseOffset+i, payload.ID{}, true)
			}
			n = 1
		case errors.As(err, &gone) && gone.Deleted(): // since we read up to there
			if read[gone.TopicPartition] {
				deleted += gone.LogStart - gone.Offset
			}
			if err := c.Seek(gone.TopicPartition, gone.LogStart); err != nil {
				return deleted, errors.Join(fmt.Errorf("read back: %w", err), c.Close())
			}
			n = 1
		case err != nil:
			return deleted, errors.Join(fmt.Errorf("read back: %w", err), c.Close())
		}
		if n > 0 {
			last = node.Now()
		}
	}
	for _, t := range targets {
		if at, assigned := c.Position(t.TopicPartition); assigned && !read[t.TopicPartition] {
			deleted += at // all of it
		}
	}
	return deleted, c.Close()
}

// observeModelled tells the observer of records without bytes.
func observeModelled(o *check.Observer, partition int32, of *consumer.Modelled) {
	c := contentsOf(of)
	eachStretch(c, int(of.First), int(of.Count), func(s *producer.Stretch, at, from, count int) {
		o.ObservedAll(partition, of.Header.BaseOffset+int64(at), idOf(c, s, from), count)
	})
}
