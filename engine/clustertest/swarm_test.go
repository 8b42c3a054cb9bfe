package clustertest

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"brokerlab/disks/simfs"
	"brokerlab/engine/client"
	"brokerlab/engine/codec"
	"brokerlab/engine/commitlog"
	"brokerlab/engine/consumer"
	"brokerlab/engine/producer"
	"brokerlab/engine/protocol"
	"brokerlab/engine/simworld"
	"brokerlab/engine/task"
	"brokerlab/workloads/arrival"
	"brokerlab/workloads/check"
	"brokerlab/workloads/load"
	"brokerlab/workloads/payload"
)

var swarmSeed = flag.Int64("seed", -1, "run TestSwarm with this seed only")

const swarmSeeds = 30

// swarmPlan is what a seed decides.
type swarmPlan struct {
	seed       uint64
	replicas   int
	partitions int
	producers  int
	size       int
	delay      time.Duration
	segment    int64
	victim     int // broker that crashes in the middle of the load; -1: none
	crashAfter time.Duration
	client     producer.Config
}

func newSwarmPlan(seed uint64) swarmPlan {
	r := rand.New(rand.NewPCG(seed, 2026))
	s := swarmPlan{
		seed: seed, replicas: 1 + r.IntN(3), partitions: 1 + r.IntN(5), producers: 1 + r.IntN(2),
		size: 24 + r.IntN(600), delay: time.Duration(r.IntN(3)) * 500 * time.Microsecond,
		segment: 30_000 + r.Int64N(200_000), victim: -1, crashAfter: time.Duration(5+r.IntN(40)) * ms,
	}
	c := producer.DefaultConfig()
	c.Bootstrap = []string{"broker-1:9092"}
	c.Acks = []int16{protocol.AcksNone, protocol.AcksLeader, protocol.AcksAll}[r.IntN(3)]
	c.Compression = codec.Types()[r.IntN(5)]
	c.Level = codec.DefaultLevel(c.Compression)
	c.BatchSize = 1 + r.IntN(20_000)
	c.Linger = time.Duration(r.IntN(4)) * ms
	c.MaxInFlight = 1 + r.IntN(5)
	c.BufferMemory = int64(4 * max(c.BatchSize, 2*s.size+200))
	if c.Acks != protocol.AcksAll {
		c.Retries = 0 // without idempotence they make duplicates
	}
	s.client = c
	if c.Acks != protocol.AcksNone && r.IntN(2) == 0 { // without acks a crash loses records, and nobody knows
		s.victim = r.IntN(3)
	}
	return s
}

// TestSwarm: whatever the settings, the order of events and the moment at which a
// broker crashes, what was acknowledged is read back once and in order, and the
// replicas are equal; with acks=all, which makes producers idempotent, nothing
// fails. Method: settings from a seed, a simulated world that
// perturbs the order by the seed, and a checker that knows only the history.
func TestSwarm(t *testing.T) {
	if *swarmSeed >= 0 {
		swarm(t, uint64(*swarmSeed))
		return
	}
	for seed := range uint64(swarmSeeds) {
		if swarm(t, seed); t.Failed() {
			t.Fatalf("to run this seed again: go test ./engine/clustertest -run TestSwarm -seed %d", seed)
		}
	}
}

// TestSwarmRepeats: one seed gives one run.
func TestSwarmRepeats(t *testing.T) {
	for _, seed := range []uint64{3, 4} {
		if one, two := swarm(t, seed), swarm(t, seed); one != two {
			t.Errorf("seed %d: hashes %016x and %016x", seed, one, two)
		}
	}
}

func swarm(t *testing.T, seed uint64) (hash uint64) {
	s := newSwarmPlan(seed)
	wd := simulated(func(c *simworld.Config) {
		c.Seed, c.Explore, c.Link.Delay, c.Horizon = seed, true, s.delay, time.Hour
	})
	cluster := setup{brokers: 3, partitions: s.partitions, replicas: s.replicas, disk: simfs.DefaultConfig(),
		log: func(c *commitlog.Config) { c.SegmentBytes = s.segment }}
	run(t, wd, cluster, func(r *rig) {
		found, err := s.work(r)
		if err != nil || found.Bad() != 0 || found.Acked == 0 ||
			(s.victim < 0 || s.client.Acks == protocol.AcksAll) && found.Failed > 0 {
			t.Errorf("seed %d, %d replicas, acks %d, %v, crash of %d: %v, %+v", seed, s.replicas, s.client.Acks,
				s.client.Compression, s.victim, err, found)
		}
		r.sameLogs()
		hash = r.stage.sim.Hash()
	})
	return hash
}

// work drives the load, the fault and the read-back.
func (s *swarmPlan) work(r *rig) (check.Result, error) {
	source, err := payload.New(payload.Config{Kind: payload.JSONLogs, Size: s.size, Seed: s.seed})
	if err != nil {
		return check.Result{}, err
	}
	checker, err := check.New(check.Config{Producers: s.producers, Partitions: s.partitions})
	if err != nil {
		return check.Result{}, err
	}
	start := r.client.Now().Add(20 * ms)
	shared := &load.Shared{Topic: topic, Payload: source, End: start.Add(60 * ms), DiskLimit: 600_000, Replicas: 1,
		Produce: load.NewSeries(load.SeriesConfig{Start: start, Closed: true})}
	g := task.NewGroup(r.client)
	for i := range s.producers {
		g.Go("produce", func() error {
			_, err := load.Produce(r.client, shared, load.ProducerConfig{Client: s.client, Sender: checker.Sender(uint16(i)),
				Arrival: arrival.Config{Start: start, Producers: s.producers, Index: i}})
			return err
		})
	}
	if s.victim >= 0 {
		r.client.Sleep(start.Add(s.crashAfter).Sub(r.client.Now()))
		r.down(s.victim, false)
		r.client.Sleep(20 * ms)
		r.reboot(s.victim)
	}
	if err := g.Wait(); err != nil {
		return check.Result{}, err
	}
	cfg := consumer.DefaultConfig()
	cfg.Bootstrap = []string{"broker-1:9092"}
	targets, err := logEnds(r, cfg)
	if err != nil {
		return check.Result{}, err
	}
	err = load.ReadBack(r.client, source, cfg, targets, checker.Observer())
	return checker.Result(), err
}

// logEnds is where the leaders' logs end.
func logEnds(r *rig, cfg consumer.Config) ([]load.Target, error) {
	md, err := client.FetchMetadata(r.client, cfg.Bootstrap, cfg.ClientID, nil, cfg.RequestTimeout)
	if err != nil {
		return nil, err
	}
	var tps []protocol.TopicPartition
	for _, p := range md.Partitions {
		tps = append(tps, p.TopicPartition)
	}
	ends, err := client.ListOffsets(r.client, md, cfg.ClientID, protocol.DebuggingReplicaID, tps,
		protocol.LatestOffset, cfg.RequestTimeout)
	if err != nil {
		return nil, fmt.Errorf("log ends: %w", err)
	}
	targets := make([]load.Target, len(tps))
	for i := range tps {
		targets[i] = load.Target{TopicPartition: tps[i], End: ends[i]}
	}
	return targets, nil
}
