package clustertest

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"brokerlab/disks/simfs"
	"brokerlab/engine/broker"
	"brokerlab/engine/cluster"
	"brokerlab/engine/commitlog"
	"brokerlab/engine/consumer"
	"brokerlab/engine/protocol"
	"brokerlab/engine/record"
)

// batches puts records into partition 0, whose values are their numbers, in batches
// of ten. Record n is of the nth second of 1970.
func (r *rig) batches(from, to int) {
	r.t.Helper()
	c, err := r.dialLeader(part0)
	if err != nil {
		r.t.Error(err)
		return
	}
	defer c.Close()
	for ; from < to; from += 10 {
		out, err := produceOne(r, c, protocol.AcksLeader, patience, 0, timedBatch(from, from+10))
		if err != nil || out.Err != protocol.ErrNone {
			r.t.Errorf("produce from %d on: %v, %v", from, out.Err, err)
		}
	}
}

func timedBatch(from, to int) []byte {
	records := make([]byte, record.HeaderSize)
	for i := from; i < to; i++ {
		records = record.AppendRecord(records, int32(i-from), int64(i-from)*1000, nil, fmt.Append(nil, i), nil)
	}
	h := record.Header{BatchLength: int32(len(records) - 12), Magic: 2, LastOffsetDelta: int32(to - from - 1),
		BaseTimestamp: int64(from) * 1000, MaxTimestamp: int64(to-1) * 1000,
		ProducerID: -1, ProducerEpoch: -1, BaseSequence: -1, RecordCount: int32(to - from)}
	h.Put(records)
	h.CRC = record.UpdateCRC(0, records[record.AttributesOffset:])
	h.Put(records)
	return records
}

// offsets polls until it has so many records, and returns their offsets; each must
// hold its number.
func (r *rig) offsets(c *consumer.Consumer, count int) (got []int64, final error) {
	r.t.Helper()
	deadline := r.client.Now().Add(10 * time.Second)
	for len(got) < count && r.client.Now() < deadline {
		_, err := c.Poll(r.client.Now().Add(time.Second), func(_ protocol.TopicPartition, rec *record.Record) {
			got = append(got, rec.Offset)
			if string(rec.Value) != fmt.Sprint(rec.Offset) {
				r.t.Errorf("offset %d holds %q", rec.Offset, rec.Value)
			}
		})
		if err != nil {
			return got, err
		}
	}
	return got, nil
}

// span is the numbers from one to before another.
func span(from, to int64) (out []int64) {
	for i := from; i < to; i++ {
		out = append(out, i)
	}
	return out
}

// TestSeek: from a new position on, no record of the one before follows: not of the
// batch that is half handed out, nor of the responses that wait for Poll or are on
// their way. Method: records 0 to 99 in batches of ten, fetched in pieces, of which
// Poll has handed out 15; and the same from within the handler.
func TestSeek(t *testing.T) {
	cases := []struct {
		why  string
		seek func(c *consumer.Consumer) error
		want []int64 // the next records
	}{
		{"forwards, within the batch", func(c *consumer.Consumer) error { return c.Seek(part0, 17) }, span(17, 40)},
		{"forwards, behind all that was fetched", func(c *consumer.Consumer) error { return c.Seek(part0, 91) },
			span(91, 100)},
		{"backwards", func(c *consumer.Consumer) error { return c.Seek(part0, 4) }, span(4, 40)},
		{"to where it is", func(c *consumer.Consumer) error { return c.Seek(part0, 15) }, span(15, 40)},
		{"twice", func(c *consumer.Consumer) error { return errors.Join(c.Seek(part0, 80), c.Seek(part0, 33)) },
			span(33, 60)},
		{"to the beginning", func(c *consumer.Consumer) error { return c.SeekToBeginning(part0) }, span(0, 40)},
		{"to the end", func(c *consumer.Consumer) error { return c.SeekToEnd(part0) }, span(100, 110)},
	}
	for _, c := range cases {
		t.Run(c.why, func(t *testing.T) {
			inWorlds(t, setup{brokers: 1, partitions: 1, replicas: 1}, func(r *rig) {
				r.batches(0, 100)
				change := func(cfg *consumer.Config) { cfg.MaxPartitionFetchBytes, cfg.MaxPollRecords = 400, 15 }
				outside, within := r.consumer(0, change), r.consumer(0, change)
				if got, err := r.offsets(outside, 15); err != nil || !slices.Equal(got, span(0, 15)) {
					t.Errorf("at first: %v, %v", got, err)
				}
				r.pass(10 * ms) // the fetcher gets ahead
				if err := c.seek(outside); err != nil {
					t.Error(err)
				}
				seen := 0
				n, err := within.Poll(r.client.Now().Add(patience), func(_ protocol.TopicPartition, rec *record.Record) {
					if seen++; rec.Offset == 14 {
						if err := c.seek(within); err != nil {
							t.Error(err)
						}
					}
				})
				if n != 15 || seen != 15 || err != nil {
					t.Errorf("poll with a seek in its handler: %d records, %d, %v", n, seen, err)
				}
				for _, cons := range []*consumer.Consumer{outside, within} {
					if err := cons.AwaitPositions(r.client.Now().Add(patience)); err != nil {
						t.Error(err)
					}
					if at, _ := cons.Position(part0); at != c.want[0] {
						t.Errorf("the position is %d, want %d", at, c.want[0])
					}
				}
				if c.want[0] == 100 {
					r.batches(100, 110)
				}
				for _, cons := range []*consumer.Consumer{outside, within} {
					got, err := r.offsets(cons, len(c.want))
					if err != nil || len(got) < len(c.want) || !slices.Equal(got[:len(c.want)], c.want) {
						t.Errorf("after the seek: %v, %v, want %v", got, err, c.want)
					}
					r.close(cons)
				}
			})
		})
	}
}

// TestSeekDropsFlight: a response that was asked for before a seek and comes after
// it is not handed out. Method: a script that takes its time for the first fetch,
// and a second partition whose record says that its answer has arrived.
func TestSeekDropsFlight(t *testing.T) {
	for _, wd := range worlds {
		t.Run(wd.name, func(t *testing.T) {
			serve := fetchScript(func(_ *peer, in protocol.FetchPartition) protocol.FetchPartitionResult {
				if in.Partition == 1 {
					return stored(batchOf(0, "other"))(in)
				}
				return stored(batchOf(0, "a", "b"), batchOf(2, "c", "d"))(in)
			})
			handle := func(p *peer, req *protocol.Request) {
				if req.Body.(*protocol.FetchRequest).Partitions[0].FetchOffset == 0 {
					p.s.r.nodes[0].Sleep(20 * ms)
				}
				serve(p, req)
			}
			runScript(t, wd, 2, handle, func(r *rig, _ *script) {
				c := r.consumerOf(r.all(), nil)
				if err := c.AwaitPositions(r.client.Now().Add(patience)); err != nil {
					t.Error(err)
				}
				r.client.Sleep(5 * ms)
				if err := c.Seek(part0, 3); err != nil {
					t.Error(err)
				}
				got, err := pollAll(r, c, 2)
				if want := []string{"1/0:other", "0/3:d"}; err != nil || !slices.Equal(got, want) {
					t.Errorf("got %q, %v, want %q", got, err, want)
				}
				r.close(c)
			})
		})
	}
}

// TestOffsetsForTimes: the first record at or after a time, none said so, and a
// position by it. Method: record n is of the nth second.
func TestOffsetsForTimes(t *testing.T) {
	inWorlds(t, setup{brokers: 2, partitions: 2, replicas: 1}, func(r *rig) {
		r.batches(0, 50)
		c := r.consumer(0, nil)
		part1 := protocol.TopicPartition{Topic: topic, Partition: 1}
		got, err := c.OffsetsForTimes([]consumer.TimeQuery{
			{TopicPartition: part0, TimestampMs: 0}, {TopicPartition: part0, TimestampMs: 23_000},
			{TopicPartition: part0, TimestampMs: 23_001}, {TopicPartition: part0, TimestampMs: 49_001},
			{TopicPartition: part1, TimestampMs: 0},
		})
		want := []consumer.TimeOffset{{Found: true}, {Found: true, Offset: 23, TimestampMs: 23_000},
			{Found: true, Offset: 24, TimestampMs: 24_000}, {}, {}}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("got %+v, %v, want %+v", got, err, want)
		}
		if err := c.Seek(part0, got[2].Offset); err != nil {
			t.Error(err)
		}
		if got, err := r.offsets(c, 26); err != nil || !slices.Equal(got, span(24, 50)) {
			t.Errorf("from there: %v, %v", got, err)
		}
		if _, err := c.OffsetsForTimes([]consumer.TimeQuery{{TopicPartition: part0, TimestampMs: -1}}); err == nil {
			t.Error("a time before 1970 is no error")
		}
		for _, err := range []error{c.Seek(part0, -1), c.Seek(part1, 0), c.SeekToEnd(part1)} {
			if err == nil {
				t.Error("an offset below 0, or a partition that is not assigned, is no error")
			}
		}
		r.close(c)
	})
}

// TestResetByPolicy: what a consumer without a position does, by policy, and one
// whose position retention has deleted: it is told what became of the position.
// Method: a log of which retention keeps a part.
func TestResetByPolicy(t *testing.T) {
	cases := []struct {
		policy consumer.ResetPolicy
		from   string // of the log: start or end
	}{
		{consumer.ResetEarliest, "start"}, {consumer.ResetLatest, "end"}, {consumer.ResetNone, ""},
		{consumer.ResetByDuration(0), "end"}, {consumer.ResetByDuration(100 * 365 * 24 * time.Hour), "start"},
	}
	s := setup{brokers: 1, partitions: 1, replicas: 1, disk: simfs.DefaultConfig(),
		log:    func(c *commitlog.Config) { c.SegmentBytes, c.RetentionBytes = 1000, 2500 },
		broker: func(c *broker.Config) { c.RetentionCheck = 20 * ms }}
	inWorlds(t, s, func(r *rig) {
		r.batches(0, 200)
		start := r.awaitRetention()
		for _, c := range cases {
			var told []error
			change := func(cfg *consumer.Config) {
				cfg.AutoOffsetReset, cfg.OnReset = c.policy, func(cause error) { told = append(told, cause) }
			}
			want := map[string]int64{"start": start, "end": 200}[c.from]
			if c.policy != consumer.ResetNone {
				cons := r.consumer(consumer.ByPolicy, change)
				if err := cons.AwaitPositions(r.client.Now().Add(patience)); err != nil {
					t.Error(err)
				}
				if at, _ := cons.Position(part0); at != want || len(told) > 0 {
					t.Errorf("%v: without a position it begins at %d, want %d; told %v", c.policy, at, want, told)
				}
				r.close(cons)
			}
			cons := r.consumer(3, change)
			n, err := cons.Poll(r.client.Now().Add(100*ms), func(protocol.TopicPartition, *record.Record) {})
			var out *consumer.OutOfRangeError
			if c.policy == consumer.ResetNone {
				if !errors.As(err, &out) || n > 0 || len(told) > 0 {
					t.Errorf("none: %d records, %v, told %v", n, err, told)
				}
			} else if err != nil || len(told) != 1 || !errors.As(told[0], &out) {
				t.Errorf("%v: %v, told %v", c.policy, err, told)
			}
			if out != nil && (out.Offset != 3 || out.LogStart != start || out.HighWatermark != 200 || !out.Deleted()) {
				t.Errorf("%v: told %+v, the log begins at %d", c.policy, out, start)
			}
			if c.policy == consumer.ResetNone {
				if err := cons.Seek(part0, start); err != nil { // the way out
					t.Error(err)
				}
				want = start
			}
			if err := cons.AwaitPositions(r.client.Now().Add(patience)); err != nil {
				t.Error(err)
			}
			if want == start {
				if got, err := r.offsets(cons, int(200-start)-n); err != nil || int64(n+len(got)) != 200-start {
					t.Errorf("%v: %d records and then %v, %v, want them from %d on", c.policy, n, got, err, start)
				}
			}
			if at, _ := cons.Position(part0); at != 200 {
				t.Errorf("%v: it ends at %d", c.policy, at)
			}
			r.close(cons)
		}
	})
}

// awaitRetention waits until retention is done, and returns where the log begins.
func (r *rig) awaitRetention() (start int64) {
	last := int64(-1)
	for last <= 0 || last != start {
		last = start
		r.client.Sleep(60 * ms)
		c := r.consumer(protocol.EarliestOffset, nil)
		if err := c.AwaitPositions(r.client.Now().Add(patience)); err != nil {
			r.t.Error(err)
			return 0
		}
		start, _ = c.Position(part0)
		r.close(c)
	}
	return start
}

// TestTruncated: a consumer that has read what an unclean election loses is told so
// and goes on where the logs part, or tells it where auto.offset.reset is none; one
// that has no epoch to compare, and a position behind the new leader's end, is reset
// by policy (KIP-320). Method: a follower that misses records 10 to 19 leads, and
// gets five others.
func TestTruncated(t *testing.T) {
	policies := []consumer.ResetPolicy{consumer.ResetEarliest, consumer.ResetNone}
	s := setup{brokers: 2, partitions: 1, replicas: 2, disk: simfs.DefaultConfig(),
		elects: func(c *cluster.ControllerConfig) { c.UncleanElection = true }}
	run(t, simulated(nil), s, func(r *rig) {
		for i := range 10 {
			r.must(r.put(protocol.AcksAll, fmt.Sprint(i)))
		}
		r.down(1, false)
		r.until("the follower is out of sync", isr(1))
		for i := range 10 {
			r.must(r.put(protocol.AcksAll, fmt.Sprint(i+10)))
		}
		var told []error
		var readers, seekers []*consumer.Consumer
		for _, policy := range policies {
			change := func(c *consumer.Config) {
				c.AutoOffsetReset, c.OnReset = policy, func(cause error) { told = append(told, cause) }
				c.FetchMaxWait, c.RequestTimeout = 50*ms, time.Second
			}
			c := r.consumer(0, change)
			if got, err := r.offsets(c, 20); err != nil || len(got) != 20 {
				t.Errorf("%v: read %v, %v", policy, got, err)
			}
			readers, seekers = append(readers, c), append(seekers, r.consumer(20, change))
		}
		r.down(0, false)
		r.reboot(1)
		r.until("an unclean election", func(p *cluster.Partition) bool { return p.Leader == 2 && isr(2)(p) })
		for i := range 5 {
			r.must(r.put(protocol.AcksAll, fmt.Sprint(i+10)))
		}
		r.expectTold(readers[0], &told, 10, 10, 15)
		r.expectTold(seekers[0], &told, -1, 0, 15)
		for _, c := range []*consumer.Consumer{readers[1], seekers[1]} {
			got, err := r.offsets(c, 1)
			var truncated *consumer.TruncatedError
			var out *consumer.OutOfRangeError
			switch {
			case len(got) > 0:
				t.Errorf("none: read %v", got)
			case c == readers[1] && (!errors.As(err, &truncated) || truncated.Offset != 20 || truncated.End.EndOffset != 10):
				t.Errorf("none: %v", err)
			case c == seekers[1] && (!errors.As(err, &out) || out.Deleted() || out.Offset != 20 || out.HighWatermark != 15):
				t.Errorf("none, without an epoch: %v", err)
			}
			r.close(c)
		}
		r.reboot(0)
		r.until("both are in sync", isr(1, 2))
	})
}

// expectTold polls and checks that the consumer is told of a truncation at an
// offset, or of a position that is out of range if that is -1, and that it reads
// the records of a range.
func (r *rig) expectTold(c *consumer.Consumer, told *[]error, parts, from, to int64) {
	r.t.Helper()
	*told = nil
	got, err := r.offsets(c, int(to-from))
	if err != nil || !slices.Equal(got, span(from, to)) || len(*told) != 1 {
		r.t.Errorf("read %v, %v, want %d to %d; told %v", got, err, from, to, *told)
	} else {
		var truncated *consumer.TruncatedError
		var out *consumer.OutOfRangeError
		switch {
		case parts >= 0 && (!errors.As((*told)[0], &truncated) || truncated.End.EndOffset != parts):
			r.t.Errorf("told %v, want a truncation at %d", (*told)[0], parts)
		case parts < 0 && (!errors.As((*told)[0], &out) || out.Deleted()):
			r.t.Errorf("told %v, want a position behind the end", (*told)[0])
		}
	}
	r.close(c)
}

// TestMaxPollRecords: a poll gives no more than max.poll.records, in the middle of a
// batch too, and as many if they are there.
func TestMaxPollRecords(t *testing.T) {
	inWorlds(t, setup{brokers: 1, partitions: 1, replicas: 1}, func(r *rig) {
		r.batches(0, 100)
		for _, most := range []int{1, 7, 10, 64, 500} {
			c := r.consumer(0, func(c *consumer.Config) { c.MaxPollRecords = most })
			next := int64(0)
			for next < 100 {
				n, err := c.Poll(r.client.Now().Add(patience), func(_ protocol.TopicPartition, rec *record.Record) {
					if rec.Offset != next {
						t.Errorf("offset %d, want %d", rec.Offset, next)
					}
					next++
				})
				if at, _ := c.Position(part0); err != nil || n != min(most, n) || n == 0 || at != next {
					t.Errorf("max.poll.records %d: %d records, %v, then at %d, want %d", most, n, err, at, next)
					break
				}
				if n < most && next < 100 {
					t.Errorf("max.poll.records %d: only %d, and all were fetched at once", most, n)
				}
			}
			r.close(c)
		}
		c := r.consumer(100, nil) // the end
		if n, err := c.Poll(r.client.Now(), nil); n != 0 || err != nil {
			t.Errorf("a poll that does not wait, where nothing is: %d, %v", n, err)
		}
		r.close(c)
	})
}
