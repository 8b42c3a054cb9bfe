package load_test

import (
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"brokerlab/disks/simfs"
	"brokerlab/engine/broker"
	"brokerlab/engine/client"
	"brokerlab/engine/cluster"
	"brokerlab/engine/codec"
	"brokerlab/engine/commitlog"
	"brokerlab/engine/consumer"
	"brokerlab/engine/env"
	"brokerlab/engine/producer"
	"brokerlab/engine/protocol"
	"brokerlab/engine/simworld"
	"brokerlab/engine/task"
	"brokerlab/results"
	"brokerlab/workloads/arrival"
	"brokerlab/workloads/check"
	"brokerlab/workloads/keys"
	"brokerlab/workloads/load"
	"brokerlab/workloads/payload"
	"brokerlab/workloads/records"
)

// raceEnabled says whether the race detector is built in, which makes a simulation 20 times
// slower and finds nothing in it: its tasks take turns.
var raceEnabled bool

// skipUnderRace skips a test that only simulates.
func skipUnderRace(t *testing.T) {
	if raceEnabled {
		t.Skip("all is simulated; the plain tests run it")
	}
}

// setup is a load on three brokers with replicas on each.
type setup struct {
	name        string
	rate        float64 // 0 = closed loop
	recordBytes int
	batchBytes  int
	linger      time.Duration
	slice       time.Duration
	sync        bool
	acks        int16
	codec       codec.Type
	corpus      payload.Kind
	sizes       *payload.Sizes // nil: recordBytes
	keys        keys.Config
	length      time.Duration
	flushEach   int64 // flush.messages
	segment     int64 // bytes
}

// outcome is what is compared.
type outcome struct {
	hash      uint64
	steps     uint64
	acked     int64
	consumed  int64
	wireBytes int64
	disk      int64
	found     check.Result
	produce   results.Latency
	endToEnd  results.Latency
}

const producers = 2

// levels are Kafka's defaults.
var levels = map[codec.Type]int{codec.Gzip: -1, codec.LZ4: 9, codec.Zstd: 3}

// simulate runs a setup with bytes, or with sizes.
func simulate(t *testing.T, s setup, modelled bool) (out outcome) {
	t.Helper()
	w := simworld.New(simworld.DefaultConfig())
	defer w.Close()
	sim := &simulation{t: t, s: s, out: &out}
	var disks []*simfs.Disk
	var ids []cluster.Broker
	var nodes []env.Node
	for i := range 3 {
		name := fmt.Sprintf("broker-%d", i+1)
		disks = append(disks, simfs.NewDisk(simfs.DefaultConfig()))
		nodes = append(nodes, w.NewNode(env.NodeConfig{Name: name, Mount: disks[i].Mount}))
		ids = append(ids, cluster.Broker{ID: int32(i + 1), Addr: name + ":9092"})
	}
	var err error
	sim.plan, err = cluster.Assign(ids, []cluster.Topic{{Name: "t", Partitions: 4, ReplicationFactor: 3}})
	must(t, err)
	for i := range producers {
		sim.clients = append(sim.clients, w.NewNode(env.NodeConfig{Name: fmt.Sprintf("producer-%d", i)}))
	}
	sim.reader = w.NewNode(env.NodeConfig{Name: "reader"})
	sim.prepare(modelled)
	must(t, w.Run(sim.reader, func() {
		var brokers []*broker.Broker
		for i, n := range nodes {
			log := commitlog.DefaultConfig()
			log.FlushMessages, log.SegmentBytes = s.flushEach, s.segment
			cfg := broker.DefaultConfig()
			cfg.ID, cfg.Plan, cfg.LogDirs = int32(i+1), sim.plan, []string{"logs"}
			cfg.Topics = []broker.TopicLog{{Topic: "t", Log: log}}
			b, err := broker.Start(n, cfg)
			must(t, err)
			brokers = append(brokers, b)
		}
		sim.run()
		for _, b := range brokers {
			out.disk += b.Stats().BytesAppended
			must(t, b.Close())
		}
	}))
	out.hash, out.steps = w.Hash(), w.Stats().Steps()
	for _, d := range disks {
		d.Close()
	}
	for _, n := range nodes {
		if live := n.Pool().Live(); live != 0 {
			t.Errorf("%s: %d buffers were not released", n.Name(), live)
		}
	}
	return out
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// simulation is one run of a setup.
type simulation struct {
	t       *testing.T
	s       setup
	out     *outcome
	plan    *cluster.Plan
	clients []env.Node
	reader  env.Node
	shared  load.Shared
	produce load.Group
	consume load.Group
	checker *check.Checker
}

func (m *simulation) prepare(modelled bool) {
	t, s := m.t, m.s
	var err error
	all := records.Config{Payload: payload.Config{Kind: s.corpus, Size: s.recordBytes, Sizes: s.sizes, Seed: 1},
		Keys: s.keys}
	if modelled {
		m.produce.Model, err = records.NewModel(all, payload.ModelConfig{Codec: s.codec, Level: levels[s.codec]})
	} else {
		m.produce.Records, err = records.New(all)
	}
	must(t, err)
	m.checker, err = check.New(check.Config{Producers: producers, Partitions: 4})
	must(t, err)
	begin := env.Time(100 * time.Millisecond)
	series := load.SeriesConfig{Start: begin, Closed: s.rate == 0}
	m.shared.End, m.shared.Replicas = begin.Add(s.length), 3
	m.produce.Shared, m.consume.Shared = &m.shared, &m.shared
	m.produce.Series, m.consume.Series = load.NewSeries(series), load.NewSeries(series)
}

func (m *simulation) run() {
	t, s, n := m.t, m.s, m.reader
	reads := consumer.DefaultConfig()
	reads.Bootstrap, reads.Codec = []string{"broker-1:9092"}, s.codec
	var assigned []consumer.Assignment
	for _, p := range m.plan.Partitions {
		assigned = append(assigned, consumer.Assignment{TopicPartition: p.TopicPartition})
	}
	ends := task.NewFuture[[]load.Target](n)
	g := task.NewGroup(n)
	g.Go("consume", func() (err error) {
		got, err := load.Consume(n, &m.consume, load.ConsumerConfig{Client: reads, Assigned: assigned,
			Ends: func() ([]load.Target, bool) {
				targets, err := ends.Wait(0)
				return targets, !errors.Is(err, env.ErrTimeout)
			}})
		m.out.consumed = got.Records
		return err
	})
	done := task.NewSemaphore(n, producers)
	must(t, done.Acquire(producers, env.Never))
	for i, node := range m.clients {
		cfg := load.ProducerConfig{Number: uint16(i), Topic: "t", Sync: s.sync, Slice: s.slice,
			Sender: m.checker.Sender(uint16(i)),
			Client: producer.DefaultConfig(), Arrival: arrival.Config{Start: env.Time(100 * time.Millisecond),
				RatePerSec: s.rate, Producers: producers, Index: i}}
		c := &cfg.Client
		c.Bootstrap, c.Acks, c.Compression = reads.Bootstrap, s.acks, s.codec
		c.Level = levels[s.codec]
		c.BatchSize, c.Linger = s.batchBytes, s.linger
		node.Go("produce", func() {
			got, err := load.Produce(node, &m.produce, cfg)
			if err != nil || got.FirstError != nil {
				t.Errorf("produce: %v, %v", err, got.FirstError)
			}
			m.out.wireBytes += got.WireBytes
			done.Release(1)
		})
	}
	must(t, done.Acquire(producers, env.Never))
	m.finish(g, ends, reads)
}

// finish waits for the consumer and reads all back.
func (m *simulation) finish(g *task.Group, ends *task.Future[[]load.Target], reads consumer.Config) {
	t, n := m.t, m.reader
	md, err := client.FetchMetadata(n, reads.Bootstrap, "ends", nil, time.Second)
	must(t, err)
	var tps []protocol.TopicPartition
	for _, p := range m.plan.Partitions {
		tps = append(tps, p.TopicPartition)
	}
	offsets, err := client.ListOffsets(n, md, "ends", protocol.DebuggingReplicaID, tps, protocol.LatestOffset, time.Second)
	must(t, err)
	var targets []load.Target
	for i, end := range offsets {
		targets = append(targets, load.Target{TopicPartition: tps[i], End: end})
	}
	ends.Set(targets, nil)
	must(t, g.Wait())
	must(t, readBack(n, m.produce.Records, reads, targets, m.checker.Observer()))
	m.out.found, m.out.acked = m.checker.Result(), m.shared.Acked.Load()
	m.out.produce = results.Summarize(results.Measured(m.produce.Series.Latencies(1)))
	m.out.endToEnd = results.Summarize(results.Measured(m.consume.Series.Latencies(1)))
}

// logNormal is sizes of 300 bytes on average.
var logNormal = func() *payload.Sizes {
	s, err := payload.LogNormal(payload.LogNormalConfig{Mean: 300, Sigma: 1, Min: payload.SizeMin, Max: 8000})
	if err != nil {
		panic(err)
	}
	return s
}()

var plain = []setup{
	{name: "record by record", rate: 20_000, recordBytes: 100, batchBytes: 4 << 10, linger: time.Millisecond,
		acks: protocol.AcksAll, length: 100 * time.Millisecond},
	{name: "slices, leader only", rate: 50_000, recordBytes: 300, batchBytes: 16 << 10, linger: 2 * time.Millisecond,
		slice: 200 * time.Microsecond, acks: protocol.AcksLeader, length: 100 * time.Millisecond},
	{name: "full speed, forced, segments that roll", recordBytes: 1000, batchBytes: 32 << 10, flushEach: 100,
		slice: time.Microsecond, acks: protocol.AcksAll, length: 10 * time.Millisecond, segment: 1 << 18},
	{name: "many sizes and hot keys", rate: 20_000, sizes: logNormal, batchBytes: 8 << 10, linger: time.Millisecond,
		acks: protocol.AcksAll, length: 100 * time.Millisecond,
		keys: keys.Config{Kind: keys.Zipf, Count: 1000, Exponent: 1.2, Seed: 1}},
	{name: "many sizes and keys, slices", rate: 20_000, sizes: logNormal, batchBytes: 8 << 10, linger: time.Millisecond,
		slice: 300 * time.Microsecond, acks: protocol.AcksLeader, length: 100 * time.Millisecond,
		keys: keys.Config{Kind: keys.Sequential, Producers: producers}},
	{name: "one at a time, sync", rate: 500, recordBytes: 100, batchBytes: 4 << 10, sync: true,
		acks: protocol.AcksAll, length: 100 * time.Millisecond},
}

// Goal: a run that carries sizes is the run that carries bytes. Method: one
// scenario, both ways, without compression: one event hash, the same steps, bytes
// and findings, and nothing lost.
func TestModelledIsFull(t *testing.T) {
	skipUnderRace(t)
	for _, s := range plain {
		t.Run(s.name, func(t *testing.T) {
			s.corpus = payload.Random
			if s.segment == 0 {
				s.segment = commitlog.DefaultConfig().SegmentBytes
			}
			if s.flushEach == 0 {
				s.flushEach = commitlog.DefaultConfig().FlushMessages
			}
			full, got := simulate(t, s, false), simulate(t, s, true)
			if full.hash != got.hash || full.steps != got.steps {
				t.Errorf("hash %x after %d steps, modelled %x after %d", full.hash, full.steps, got.hash, got.steps)
			}
			if got.acked == 0 || got.found.Bad() != 0 || got.found.Acked != got.acked || got.found.Observed != got.acked {
				t.Errorf("%d acknowledged, found %+v", got.acked, got.found)
			}
			if full.acked != got.acked || full.consumed != got.consumed || full.wireBytes != got.wireBytes ||
				full.disk != got.disk || fmt.Sprint(full.found) != fmt.Sprint(got.found) {
				t.Errorf("full %+v, modelled %+v", full, got)
			}
			within(t, "produce p50", full.produce.P50, got.produce.P50, 0.001)
			within(t, "produce p99", full.produce.P99, got.produce.P99, 0.001)
			within(t, "end to end p50", full.endToEnd.P50, got.endToEnd.P50, 0.002)
			within(t, "end to end p99", full.endToEnd.P99, got.endToEnd.P99, 0.002)
		})
	}
}

// Goal: with a codec, results are within 2 % of those of a full run. Method: each
// codec on log lines, both ways, batches that linger. Where they fill instead, the
// producer's estimate of the ratio wanders: there p50 and p99 of two full runs that
// differ in their seed are 3 and 6 % apart (snappy, 16 KiB, 3 s), and such a run and
// its modelled one 0 and 8 %.
func TestModelledIsNearFull(t *testing.T) {
	skipUnderRace(t)
	for _, kind := range []codec.Type{codec.Gzip, codec.Snappy, codec.LZ4, codec.Zstd} {
		t.Run(kind.String(), func(t *testing.T) {
			s := setup{rate: 60_000, recordBytes: 500, batchBytes: 128 << 10, linger: 4 * time.Millisecond,
				slice: 100 * time.Microsecond, acks: protocol.AcksAll, length: 200 * time.Millisecond, codec: kind,
				corpus: payload.JSONLogs, segment: 1 << 30, flushEach: math.MaxInt64}
			full, got := simulate(t, s, false), simulate(t, s, true)
			if got.found.Bad() != 0 || got.acked == 0 || got.found.Observed != got.acked {
				t.Errorf("%d acknowledged, found %+v", got.acked, got.found)
			}
			within(t, "records", full.acked, got.acked, 0.02)
			within(t, "bytes on the wire", full.wireBytes, got.wireBytes, 0.02)
			within(t, "bytes in logs", full.disk, got.disk, 0.02)
			within(t, "produce p50", full.produce.P50, got.produce.P50, 0.02)
			within(t, "produce p99", full.produce.P99, got.produce.P99, 0.02)
			within(t, "end to end p50", full.endToEnd.P50, got.endToEnd.P50, 0.02)
			within(t, "end to end p99", full.endToEnd.P99, got.endToEnd.P99, 0.02)
		})
	}
}

// Goal: with many sizes and keys and a codec, results are near those of a full run.
// Method: each codec on access logs and on chat, both ways, with batches that linger.
func TestModelledOfManySizes(t *testing.T) {
	skipUnderRace(t)
	for _, kind := range []codec.Type{codec.Snappy, codec.Zstd} {
		for _, corpus := range []payload.Kind{payload.AccessLog, payload.Chat} {
			t.Run(kind.String()+" "+string(corpus), func(t *testing.T) {
				s := setup{rate: 60_000, sizes: logNormal, batchBytes: 64 << 10, linger: 4 * time.Millisecond,
					acks: protocol.AcksAll, length: 150 * time.Millisecond, codec: kind,
					corpus: corpus, segment: 1 << 30, flushEach: math.MaxInt64,
					keys: keys.Config{Kind: keys.Zipf, Count: 100_000, Exponent: 0.99, Seed: 1}}
				full, got := simulate(t, s, false), simulate(t, s, true)
				if got.found.Bad() != 0 || got.acked == 0 || got.found.Observed != got.acked {
					t.Errorf("%d acknowledged, found %+v", got.acked, got.found)
				}
				within(t, "records", full.acked, got.acked, 0.02)
				within(t, "bytes on the wire", full.wireBytes, got.wireBytes, 0.03)
				within(t, "bytes in logs", full.disk, got.disk, 0.03)
				within(t, "produce p50", full.produce.P50, got.produce.P50, 0.03)
				within(t, "end to end p50", full.endToEnd.P50, got.endToEnd.P50, 0.03)
			})
		}
	}
}

// within says that two figures differ by more than a share of the first.
func within(t *testing.T, what string, full, modelled int64, share float64) {
	t.Helper()
	off := float64(modelled-full) / float64(full)
	t.Logf("%s: full %d, modelled %d (%+.2f %%)", what, full, modelled, 100*off)
	if !(math.Abs(off) <= share) {
		t.Errorf("%s: full %d, modelled %d", what, full, modelled)
	}
}
