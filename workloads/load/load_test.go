package load_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"brokerlab/disks/osfs"
	"brokerlab/disks/simfs"
	"brokerlab/engine/broker"
	"brokerlab/engine/cluster"
	"brokerlab/engine/commitlog"
	"brokerlab/engine/consumer"
	"brokerlab/engine/env"
	"brokerlab/engine/producer"
	"brokerlab/engine/protocol"
	"brokerlab/engine/realworld"
	"brokerlab/engine/simworld"
	"brokerlab/engine/task"
	"brokerlab/workloads/arrival"
	"brokerlab/workloads/check"
	"brokerlab/workloads/load"
	"brokerlab/workloads/payload"
	"brokerlab/workloads/records"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const addr = "broker:9092"

var tp = protocol.TopicPartition{Topic: "t"}

// inWorlds runs body as a client of a broker with one partition.
func inWorlds(t *testing.T, disk simfs.Config, body func(t *testing.T, n env.Node)) {
	for _, c := range []struct {
		name string
		make func(t *testing.T) env.World
	}{
		{"real", func(*testing.T) env.World { return realworld.New(realworld.Config{Seed: 1, Poison: true}) }},
		{"sim", func(t *testing.T) env.World {
			cfg := simworld.DefaultConfig()
			cfg.Poison = true
			w := simworld.New(cfg)
			t.Cleanup(w.Close)
			return w
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := c.make(t)
			storage := simfs.NewDisk(disk)
			n := w.NewNode(env.NodeConfig{Name: "client"})
			besideBroker(t, w, n, storage.Mount, body)
			storage.Close() // it holds what was appended
			if live := n.Pool().Live(); live != 0 {
				t.Errorf("%d buffers were not released", live)
			}
		})
	}
}

// besideBroker runs body as a client of a broker with one partition on a file system.
func besideBroker(t *testing.T, w env.World, n env.Node, mount func(env.Node) env.FS, body func(*testing.T, env.Node)) {
	t.Helper()
	server := w.NewNode(env.NodeConfig{Name: "broker", Mount: mount})
	plan, err := cluster.Assign([]cluster.Broker{{ID: 1, Addr: addr}},
		[]cluster.Topic{{Name: "t", Partitions: 1, ReplicationFactor: 1}})
	if err != nil {
		t.Fatal(err)
	}
	err = w.Run(n, func() {
		cfg := broker.DefaultConfig()
		cfg.ID, cfg.Plan, cfg.LogDirs = 1, plan, []string{"logs"}
		cfg.Topics = []broker.TopicLog{{Topic: "t", Log: commitlog.DefaultConfig()}}
		b, err := broker.Start(server, cfg)
		if err != nil {
			t.Error(err)
			return
		}
		body(t, n)
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
}

// loaded is one load with its checker.
type loaded struct {
	shared             load.Shared
	produces, consumes load.Group
	checker            *check.Checker
	produced           load.Produced
	consumed           load.Consumed
}

// newLoaded prepares a load of 200 ms.
func newLoaded(t *testing.T, n env.Node, closed bool) *loaded {
	l := &loaded{}
	l.produces.Shared, l.consumes.Shared = &l.shared, &l.shared
	var err error
	if l.produces.Records, err = records.Of(payload.Config{Kind: payload.JSONLogs, Size: 200, Seed: 1}); err != nil {
		t.Error(err)
	}
	if l.checker, err = check.New(check.Config{Producers: 1, Partitions: 1}); err != nil {
		t.Error(err)
	}
	begin := n.Now().Add(300 * time.Millisecond) // a busy machine takes that long to connect
	series := load.SeriesConfig{Start: begin, Closed: closed}
	l.shared.End, l.shared.Replicas = begin.Add(200*time.Millisecond), 1
	l.produces.Series, l.consumes.Series = load.NewSeries(series), load.NewSeries(series)
	return l
}

// run produces and consumes until all that was sent is read, and reads it back.
func (l *loaded) run(t *testing.T, n env.Node, cfg load.ProducerConfig) check.Result {
	cfg.Client, cfg.Topic = producer.DefaultConfig(), "t"
	cfg.Client.Bootstrap, cfg.Sender = []string{addr}, l.checker.Sender(0)
	cfg.Arrival.Start, cfg.Arrival.Producers = l.shared.End-env.Time(200*time.Millisecond), 1
	reads := consumer.DefaultConfig()
	reads.Bootstrap = []string{addr}
	ends := task.NewFuture[[]load.Target](n)
	g := task.NewGroup(n)
	g.Go("consume", func() (err error) {
		l.consumed, err = load.Consume(n, &l.consumes, load.ConsumerConfig{Client: reads,
			Assigned: []consumer.Assignment{{TopicPartition: tp}},
			Ends: func() ([]load.Target, bool) {
				targets, err := ends.Wait(0)
				return targets, !errors.Is(err, env.ErrTimeout)
			}})
		return err
	})
	var err error
	if l.produced, err = load.Produce(n, &l.produces, cfg); err != nil {
		t.Error(err)
	}
	targets := []load.Target{{TopicPartition: tp, End: l.shared.Acked.Load()}}
	ends.Set(targets, nil)
	if err := errors.Join(g.Wait(), readBack(n, l.produces.Records, reads, targets, l.checker.Observer())); err != nil {
		t.Error(err)
	}
	return l.checker.Result()
}

// TestLoad: what producers and consumers count is what was sent, acknowledged and
// read, in both loops and modes.
func TestLoad(t *testing.T) {
	for _, c := range []struct {
		why   string
		rate  float64
		sync  bool
		limit int64
	}{
		{"an open loop", 2000, false, 0},
		{"one record at a time", 100, true, 0},
		{"full speed, to a limit of bytes", 0, false, 300_000},
	} {
		t.Run(c.why, func(t *testing.T) {
			inWorlds(t, simfs.DefaultConfig(), func(t *testing.T, n env.Node) {
				l := newLoaded(t, n, c.rate == 0)
				l.shared.DiskLimit = c.limit
				found := l.run(t, n, load.ProducerConfig{Sync: c.sync, Arrival: arrival.Config{RatePerSec: c.rate}})
				sent := l.produced.Sent
				if found.Bad() != 0 || found.Sent != sent || found.Acked != sent || l.consumed.Records != sent || sent == 0 {
					t.Errorf("%d sent, %d consumed, found %+v", sent, l.consumed.Records, found)
				}
				if l.shared.Acked.Load() != sent || l.shared.Consumed.Load() != sent || l.shared.Failed.Load() != 0 {
					t.Errorf("shown are %d, %d, %d of %d", l.shared.Acked.Load(), l.shared.Consumed.Load(),
						l.shared.Failed.Load(), sent)
				}
				// A record has 200 bytes of value; half a batch and the buffer may come on top of a limit.
				if l.produced.RecordBytes != 200*sent || l.produced.WireBytes <= l.produced.RecordBytes {
					t.Errorf("%d bytes of records, %d on the wire", l.produced.RecordBytes, l.produced.WireBytes)
				}
				simulated := strings.HasSuffix(t.Name(), "/sim") // nothing else keeps it from being on time
				if due := int64(c.rate / 5); c.rate > 0 && (sent > due || simulated && sent < due) {
					t.Errorf("%d records sent, %d were due", sent, due)
				}
				if c.limit > 0 && l.produced.WireBytes < c.limit {
					t.Errorf("%d bytes sent, the limit is %d", l.produced.WireBytes, c.limit)
				}
				for _, s := range []*load.Series{l.produces.Series, l.consumes.Series} {
					var all load.Tally
					for _, i := range s.Intervals() {
						all.Records += i.Records
						all.Batches += i.Batches
						all.Requests += i.Requests
					}
					if all.Records > sent {
						t.Errorf("%d of %d records are in intervals", all.Records, sent)
					}
					// Of one partition a request holds one batch.
					if s == l.produces.Series && (all.Batches == 0 || all.Requests != all.Batches || all.Batches > all.Records ||
						c.sync != (all.Batches == all.Records)) {
						t.Errorf("%d requests of %d batches of %d records", all.Requests, all.Batches, all.Records)
					}
				}
			})
		})
	}
}

// TestFullDisk: records that a full disk refuses are failed, not lost, and the
// first error says why.
func TestFullDisk(t *testing.T) {
	inWorlds(t, simfs.Config{CapacityBytes: 50_000}, func(t *testing.T, n env.Node) {
		l := newLoaded(t, n, false)
		begin := l.shared.End - env.Time(200*time.Millisecond)
		cfg := load.ProducerConfig{Topic: "t", Client: producer.DefaultConfig(), Sender: l.checker.Sender(0),
			Arrival: arrival.Config{Start: begin, RatePerSec: 5000, Producers: 1}}
		cfg.Client.Bootstrap, cfg.Client.Retries = []string{addr}, 0 // else each batch is tried for delivery.timeout.ms
		out, err := load.Produce(n, &l.produces, cfg)
		if err != nil || !errors.Is(out.FirstError, protocol.ErrStorage) {
			t.Errorf("produce: %v, first error %v", err, out.FirstError)
		}
		acked, failed := l.shared.Acked.Load(), l.shared.Failed.Load()
		if acked == 0 || failed == 0 || acked+failed != out.Sent {
			t.Errorf("%d acknowledged and %d failed of %d", acked, failed, out.Sent)
		}
	})
}

// TestStop: a load that is stopped from outside ends before its time, with every
// record answered.
func TestStop(t *testing.T) {
	inWorlds(t, simfs.DefaultConfig(), func(t *testing.T, n env.Node) {
		l := newLoaded(t, n, false)
		l.shared.End = env.Never
		l.shared.Stop()
		cfg := load.ProducerConfig{Topic: "t", Client: producer.DefaultConfig(), Sender: l.checker.Sender(0),
			Arrival: arrival.Config{RatePerSec: 1000, Producers: 1}}
		cfg.Client.Bootstrap = []string{addr}
		out, err := load.Produce(n, &l.produces, cfg)
		if err != nil || out.Sent != l.shared.Acked.Load() {
			t.Errorf("%d sent, %d acknowledged, %v", out.Sent, l.shared.Acked.Load(), err)
		}
	})
}

// Goal: a load that is stopped ends soon, however far its next record and its next step
// are. Method: one record at once, the next in 100 s and the load in 5 s, stopped in the
// warm-up.
func TestStopBetweenRecords(t *testing.T) {
	inWorlds(t, simfs.DefaultConfig(), func(t *testing.T, n env.Node) {
		l := newLoaded(t, n, false)
		rare := arrival.Config{Start: l.shared.End - env.Time(200*time.Millisecond), RatePerSec: 0.01, Producers: 1}
		cfg := load.ProducerConfig{Topic: "t", Client: producer.DefaultConfig(), Sender: l.checker.Sender(0),
			Warmup: &rare, Arrival: rare}
		cfg.Arrival.Start = rare.Start.Add(5 * time.Second)
		l.shared.End = cfg.Arrival.Start.Add(time.Second)
		cfg.Client.Bootstrap = []string{addr}
		g := task.NewGroup(n)
		g.Go("stop", func() error {
			for l.shared.Acked.Load() == 0 && n.Now() < l.shared.End {
				n.Sleep(time.Millisecond)
			}
			l.shared.Stop()
			return nil
		})
		out, err := load.Produce(n, &l.produces, cfg)
		if err := errors.Join(err, g.Wait()); err != nil || out.Sent != 1 || l.shared.Acked.Load() != 1 {
			t.Errorf("%d sent, %d acknowledged, %v", out.Sent, l.shared.Acked.Load(), err)
		}
		if n.Now() >= cfg.Arrival.Start {
			t.Error("the producer waited for the load")
		}
	})
}

// Goal: records of a batch whose bytes went bad are corrupted and lost; that nothing intact is
// in front of the first intact record does not say that retention deleted it. Method: a load on
// real files, of which a byte of the first batch is turned over before they are read back.
func TestReadBackOfBadBytes(t *testing.T) {
	dir := t.TempDir()
	w := realworld.New(realworld.Config{Seed: 1})
	n := w.NewNode(env.NodeConfig{Name: "client"})
	mount := func(env.Node) env.FS { return osfs.New(dir) }
	besideBroker(t, w, n, mount, func(t *testing.T, n env.Node) {
		l := newLoaded(t, n, false)
		cfg := load.ProducerConfig{Topic: "t", Client: producer.DefaultConfig(), Sender: l.checker.Sender(0),
			Arrival: arrival.Config{Start: l.shared.End - env.Time(200*time.Millisecond), RatePerSec: 2000, Producers: 1}}
		cfg.Client.Bootstrap = []string{addr}
		if _, err := load.Produce(n, &l.produces, cfg); err != nil {
			t.Error(err)
		}
		turnOver(t, filepath.Join(dir, "logs", "t-0", "00000000000000000000.log"), 100)
		reads := consumer.DefaultConfig()
		reads.Bootstrap = []string{addr}
		acked := l.shared.Acked.Load()
		targets := []load.Target{{TopicPartition: tp, End: acked}}
		if err := readBack(n, l.produces.Records, reads, targets, l.checker.Observer()); err != nil {
			t.Error(err)
		}
		found := l.checker.Result()
		if found.Corrupted == 0 || found.Corrupted != found.Lost || found.Lost == acked || found.Observed != acked {
			t.Errorf("of %d records found %+v", acked, found)
		}
	})
}

// turnOver changes a byte of a file.
func turnOver(t *testing.T, path string, offset int64) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Error(err)
		return
	}
	b := make([]byte, 1)
	_, err = f.ReadAt(b, offset)
	b[0] = ^b[0]
	if _, wrong := f.WriteAt(b, offset); errors.Join(err, wrong, f.Close()) != nil {
		t.Error(err, wrong)
	}
}

// readBack is load.ReadBack where nothing is deleted.
func readBack(n env.Node, source *records.Source, cfg consumer.Config, targets []load.Target, o *check.Observer) error {
	deleted, err := load.ReadBack(n, []*records.Source{source, source}, cfg, targets, o)
	if err == nil && deleted != 0 {
		err = fmt.Errorf("%d offsets are told of as deleted", deleted)
	}
	return err
}
