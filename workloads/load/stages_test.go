package load

import (
	"encoding/binary"
	"fmt"
	"testing"
	"time"

	"brokerlab/disks/simfs"
	"brokerlab/engine/broker"
	"brokerlab/engine/cluster"
	"brokerlab/engine/codec"
	"brokerlab/engine/commitlog"
	"brokerlab/engine/consumer"
	"brokerlab/engine/env"
	"brokerlab/engine/producer"
	"brokerlab/engine/protocol"
	"brokerlab/engine/realworld"
	"brokerlab/engine/record"
	"brokerlab/engine/simworld"
	"brokerlab/results"
)

// bed is a cluster without a controller, one partition and a client.
type bed struct {
	t       *testing.T
	client  env.Node
	nodes   []env.Node
	plan    *cluster.Plan
	brokers []*broker.Broker
	log     commitlog.Config
	recent  int
}

// inBeds runs body in both worlds, on brokers that all have the partition.
func inBeds(t *testing.T, brokers int, change func(*bed), body func(*bed)) {
	for _, sim := range []bool{false, true} {
		t.Run(map[bool]string{false: "real", true: "sim"}[sim], func(t *testing.T) {
			var w env.World = realworld.New(realworld.Config{Seed: 1})
			if sim {
				s := simworld.New(simworld.DefaultConfig())
				t.Cleanup(s.Close)
				w = s
			}
			b := &bed{t: t, log: commitlog.DefaultConfig(), recent: 1 << 12, brokers: make([]*broker.Broker, brokers)}
			var ids []cluster.Broker
			for i := range brokers {
				name := fmt.Sprintf("broker-%d", i+1)
				ids = append(ids, cluster.Broker{ID: int32(i + 1), Addr: name + ":9092"})
				disk := simfs.NewDisk(simfs.Config{SyncCost: 300 * time.Microsecond})
				b.nodes = append(b.nodes, w.NewNode(env.NodeConfig{Name: name, Mount: disk.Mount}))
			}
			b.client = w.NewNode(env.NodeConfig{Name: "client"})
			var err error
			b.plan, err = cluster.Assign(ids, []cluster.Topic{{Name: "t", Partitions: 1, ReplicationFactor: brokers}})
			if err != nil {
				t.Fatal(err)
			}
			if change != nil {
				change(b)
			}
			err = w.Run(b.client, func() {
				body(b)
				for i := range b.brokers {
					b.stop(i)
				}
			})
			if err != nil {
				t.Fatal(err)
			}
		})
	}
}

func (b *bed) start(i int) {
	cfg := broker.DefaultConfig()
	cfg.ID, cfg.Plan, cfg.LogDirs, cfg.RecentBatches = int32(i+1), b.plan, []string{"logs"}, b.recent
	cfg.ReplicaFetchBackoff = 10 * time.Millisecond // a leader may have no role yet
	cfg.Topics = []broker.TopicLog{{Topic: "t", Log: b.log}}
	var err error
	if b.brokers[i], err = broker.Start(b.nodes[i], cfg); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bed) stop(i int) {
	if b.brokers[i] == nil {
		return
	}
	if err := b.brokers[i].Close(); err != nil {
		b.t.Error(err)
	}
	b.brokers[i] = nil
}

// tallied is the stages of records, once as a member adds them up and once record by
// record.
type tallied struct {
	stager
	latencies, accumulator int64 // ns
	records                int64
	unknown                int64
}

// count notes one record, of a batch whose stamps are known or not.
func (a *tallied) count(now, intended env.Time, at *protocol.Stamps) {
	a.latency += int64(now - intended)
	a.latencies += int64(now - intended)
	a.records++
	if at == nil {
		a.unknown += int64(now - intended)
		return
	}
	a.accumulator += int64(at[protocol.StageClosed] - intended)
}

// check compares the two: where a stage has a gap to the next, or overlaps it, the
// accumulator, which is what the others leave, is not that of the records.
func (a *tallied) check(t *testing.T, what string) {
	t.Helper()
	if a.sums.Sum() != a.latencies || a.sums[stageAccumulator] != a.accumulator || a.sums[stageUnknown] != a.unknown {
		t.Errorf("%s: the stages of %d records add up to %d ns of %d, accumulator %d of %d, unknown %d of %d", what,
			a.records, a.sums.Sum(), a.latencies, a.sums[stageAccumulator], a.accumulator, a.sums[stageUnknown], a.unknown)
	}
	for i, ns := range a.sums {
		if ns < 0 {
			t.Errorf("%s: stage %s took %d ns", what, results.StageOrder[i], ns)
		}
	}
}

// produce sends records one by one, of which every 20 share an instant, and tallies
// their batches. It returns when all are acknowledged.
func (b *bed) produce(records int, change func(*producer.Config), meanwhile func()) *tallied {
	a := &tallied{}
	mu := b.client.NewMutex()
	cfg := producer.DefaultConfig()
	cfg.Bootstrap, cfg.BatchSize, cfg.Linger = []string{"broker-1:9092"}, 2000, time.Millisecond
	cfg.ReconnectBackoff, cfg.RetryBackoff = 5*time.Millisecond, 5*time.Millisecond
	cfg.OnBatch = func(batch *producer.Batch) {
		mu.Lock()
		defer mu.Unlock()
		if batch.Err != nil {
			b.t.Errorf("a batch failed: %v", batch.Err)
			return
		}
		now, before := b.client.Now(), a.latency
		for _, intended := range batch.Intended {
			a.count(now, intended, &batch.Stamps)
		}
		a.produced(batch, now, before)
	}
	if change != nil {
		change(&cfg)
	}
	p, err := producer.New(b.client, cfg)
	if err != nil {
		b.t.Fatal(err)
	}
	value := make([]byte, 100)
	for i := range records {
		now := b.client.Now()
		if i%20 == 0 {
			binary.BigEndian.PutUint64(value, uint64(now-500)) // as if it had been due a little before
			b.client.Sleep(50 * time.Microsecond)
		}
		err := p.Send(&producer.Record{Topic: "t", Partition: 0, Value: value,
			Intended: env.Time(binary.BigEndian.Uint64(value))}, nil)
		if err != nil {
			b.t.Error(err)
		}
	}
	if meanwhile != nil {
		meanwhile()
	}
	if err := p.Close(); err != nil {
		b.t.Error(err)
	}
	if a.records != int64(records) {
		b.t.Errorf("%d of %d records were acknowledged", a.records, records)
	}
	return a
}

// consume reads so many records and tallies them.
func (b *bed) consume(records int) *tallied {
	a := &tallied{}
	var at *protocol.Stamps
	cfg := consumer.DefaultConfig()
	cfg.Bootstrap, cfg.AutoOffsetReset = []string{"broker-1:9092"}, consumer.ResetNone
	cfg.OnBatch = func(_ protocol.TopicPartition, times *protocol.BatchTimes) {
		a.reads(times, a.records)
		if at = nil; times != nil {
			stamps := times.Stamps
			at = &stamps
		}
	}
	c, err := consumer.New(b.client, cfg, []consumer.Assignment{{TopicPartition: protocol.TopicPartition{Topic: "t"}}})
	if err != nil {
		b.t.Fatal(err)
	}
	for a.records < int64(records) {
		n, err := c.Poll(b.client.Now().Add(5*time.Second), func(_ protocol.TopicPartition, r *record.Record) {
			now := b.client.Now()
			a.fetch += int64(now - a.visible)
			a.count(now, env.Time(binary.BigEndian.Uint64(r.Value)), at)
		})
		if n == 0 || err != nil {
			b.t.Fatalf("%d of %d records were read: %v", a.records, records, err)
		}
	}
	a.settle(a.records)
	if err := c.Close(); err != nil {
		b.t.Error(err)
	}
	return a
}

// Goal: the stages of records add up to their latencies, to the nanosecond, whatever
// stages there are. Method: records with instants of their own go to real brokers of
// both worlds and back; the time in the accumulator, which a member takes for what the
// other stages leave, is compared with that of each record.
func TestStagesAddUp(t *testing.T) {
	const records = 400
	for _, c := range []struct {
		why     string
		brokers int
		acks    int16
		flush   int64
		kind    codec.Type
		group   bool
		want    []int // stages that took time
	}{
		{"one broker", 1, protocol.AcksLeader, 0, codec.None, false, []int{stageAccumulator, stageNetwork, stageAppend}},
		{"no answers", 1, protocol.AcksNone, 0, codec.None, false, []int{stageAccumulator}},
		{"compression", 1, protocol.AcksLeader, 0, codec.Gzip, false, []int{stageCompress}},
		{"forced", 1, protocol.AcksLeader, 1, codec.None, false, []int{stageFsync, stageQueue}},
		{"forced together", 1, protocol.AcksAll, 1, codec.None, true, []int{stageFsync}},
		{"three replicas, forced", 3, protocol.AcksAll, 1, codec.Snappy, false, []int{stageReplicate, stageFsync}},
		{"three replicas that nobody waits for", 3, protocol.AcksLeader, 0, codec.None, false, nil},
	} {
		t.Run(c.why, func(t *testing.T) {
			inBeds(t, c.brokers, func(b *bed) {
				b.log.FlushMessages, b.log.FlushGroupCommit = c.flush, c.group
			}, func(b *bed) {
				for i := range b.brokers {
					b.start(i)
				}
				sent := b.produce(records, func(cfg *producer.Config) {
					cfg.Acks, cfg.Compression, cfg.Level = c.acks, c.kind, codec.DefaultLevel(c.kind)
				}, nil)
				sent.check(b.t, "produce")
				for _, stage := range c.want {
					if sent.sums[stage] == 0 {
						b.t.Errorf("stage %s took no time", results.StageOrder[stage])
					}
				}
				read := b.consume(records)
				read.check(b.t, "end to end")
				if read.unknown != 0 || read.sums[stageFetch] == 0 {
					b.t.Errorf("end to end: %d ns are unknown, fetch took %d", read.unknown, read.sums[stageFetch])
				}
			})
		})
	}
}

// Goal: stages are called what they are. Method: each index by its name.
func TestStageNames(t *testing.T) {
	for stage, name := range map[int]string{
		stageAccumulator: results.StageAccumulator, stageCompress: results.StageCompress,
		stageQueue: results.StageQueue, stageRetry: results.StageRetry, stageNetwork: results.StageNetwork,
		stageAppend: results.StageAppend, stageFsync: results.StageFsync, stageReplicate: results.StageReplicate,
		stageFetch: results.StageFetch, stageUnknown: results.StageUnknown} {
		if results.StageOrder[stage] != name {
			t.Errorf("stage %d is called %s, want %s", stage, results.StageOrder[stage], name)
		}
	}
	if len(results.StageOrder) != stageCount {
		t.Errorf("%d stages have %d names", stageCount, len(results.StageOrder))
	}
}

// Goal: what a batch that is sent again did before is a stage of its own, and the sum
// is still that of the latencies; a leader that has forgotten its batches says so.
// Method: the leader waits for a follower that does not run, and is stopped meanwhile;
// then both start.
func TestStagesOfRetries(t *testing.T) {
	const records = 10
	inBeds(t, 2, nil, func(b *bed) {
		b.start(0)
		retried := false
		sent := b.produce(records, func(cfg *producer.Config) {
			cfg.BatchSize = 1 << 14
			cfg.OnFailure = func(_ error, again bool) { retried = retried || again }
		}, func() {
			for b.brokers[0].Stats().BytesAppended == 0 {
				b.client.Sleep(time.Millisecond)
			}
			b.client.Sleep(3 * time.Millisecond)
			b.stop(0)
			b.start(0)
			b.start(1)
		})
		sent.check(b.t, "produce")
		if !retried || sent.sums[stageRetry] < int64(3*time.Millisecond) {
			b.t.Errorf("retried: %v, and the attempts took %v", retried, time.Duration(sent.sums[stageRetry]))
		}
		read := b.consume(records)
		read.check(b.t, "end to end")
		if read.unknown != read.latencies {
			b.t.Errorf("a leader that restarted tells of %d ns of %d", read.latencies-read.unknown, read.latencies)
		}
	})
}

// Goal: readers that are far behind are told nothing of batches that the leader has
// forgotten, and all of the younger ones. Method: more batches than the least that a
// leader remembers, read afterwards.
func TestStagesOfOldBatches(t *testing.T) {
	const records = 300
	inBeds(t, 1, func(b *bed) { b.recent = 1 }, func(b *bed) {
		b.start(0)
		b.produce(records, func(cfg *producer.Config) { cfg.BatchSize = 1 }, nil).check(b.t, "produce")
		read := b.consume(records)
		read.check(b.t, "end to end")
		known := read.latencies - read.unknown
		if read.unknown == 0 || known == 0 || known > read.unknown {
			b.t.Errorf("%d ns are known and %d unknown; 64 of %d batches are remembered", known, read.unknown, records)
		}
	})
}
