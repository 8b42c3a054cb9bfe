package clustertest

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"brokerlab/disks/simfs"
	"brokerlab/engine/broker"
	"brokerlab/engine/cluster"
	"brokerlab/engine/codec"
	"brokerlab/engine/commitlog"
	"brokerlab/engine/producer"
	"brokerlab/engine/protocol"
	"brokerlab/engine/simworld"
	"brokerlab/workloads/check"
)

var (
	swarmSeed  = flag.Int64("seed", -1, "run TestSwarm with this seed only")
	swarmSeeds = flag.Uint64("seeds", 400, "how many seeds TestSwarm runs")
	swarmFirst = flag.Uint64("first", 0, "the first seed that TestSwarm runs")
)

// ill is something that happens in a run.
type ill int

const (
	crashes ill = iota // a process dies: page caches survive
	powerLosses
	chases   // a leader's process dies, and the next one's as soon as it leads
	restarts // a broker is closed and started again
	brokenLinks
	resets
	slowLinks
	illCount
)

// swarmPlan is what a seed decides.
type swarmPlan struct {
	rand       *rand.Rand
	seed       uint64
	controlled bool // with a controller
	unclean    bool
	ills       []ill
	together   int // how many brokers may be down at a time
	rounds     int
	brokers    int
	partitions int
	replicas   int
	minInSync  int
	delay      time.Duration
	segment    int64
	forced     bool // flush.messages=1
	group      bool // flush.group.commit
	slowDisk   int  // broker with a slow disk; -1: none
	fetchMin   int  // replica.fetch.min.bytes: followers lag, each in its own way
	index      int64
	preferred  time.Duration // how often leaderships go back to preferred leaders
	flushEvery time.Duration // flush.ms; 0 = never
	allocate   bool          // preallocate
	producers  int
	sizeMax    int
	keyed      bool
	client     producer.Config
}

func newSwarmPlan(seed uint64) swarmPlan {
	r := rand.New(rand.NewPCG(seed, 2026))
	p := swarmPlan{rand: r, seed: seed, controlled: r.IntN(6) > 0, rounds: 2 + r.IntN(3), brokers: 3 + r.IntN(2),
		partitions: 1 + r.IntN(3), replicas: 3, minInSync: 1 + r.IntN(2), together: 1 + r.IntN(3),
		delay: time.Duration(r.IntN(3)) * 500 * time.Microsecond, segment: 500 + r.Int64N(20_000),
		forced: r.IntN(2) == 0, group: r.IntN(2) == 0, slowDisk: -1, producers: 1 + r.IntN(2), sizeMax: 1 + r.IntN(200),
		keyed: r.IntN(2) == 0}
	if r.IntN(5) == 0 {
		p.replicas = 1 + r.IntN(2)
	}
	if r.IntN(4) == 0 {
		p.slowDisk = r.IntN(p.brokers)
	}
	if r.IntN(3) == 0 {
		p.fetchMin = r.IntN(4000)
	}
	p.unclean = p.controlled && r.IntN(8) == 0
	for i := range illCount {
		if r.IntN(2) == 0 && (p.controlled || i != powerLosses && i != chases) {
			p.ills = append(p.ills, i)
		}
	}
	if r.IntN(20) == 0 {
		p.ills = nil
	}
	p.client = p.newClient(r)
	p.index, p.preferred, p.allocate = 1+r.Int64N(4096), time.Duration(100+r.IntN(3000))*ms, r.IntN(4) == 0
	if r.IntN(4) == 0 {
		p.flushEvery = time.Duration(1+r.IntN(500)) * ms
	}
	return p
}

// newClient draws the producers' settings.
func (p *swarmPlan) newClient(r *rand.Rand) producer.Config {
	c := producer.DefaultConfig()
	c.Acks = []int16{protocol.AcksNone, protocol.AcksLeader, protocol.AcksAll}[min(2, r.IntN(5))]
	if r.IntN(4) == 0 {
		c.Idempotence = producer.IdempotenceOff
	}
	c.Compression = codec.Types()[r.IntN(5)]
	c.Level = codec.DefaultLevel(c.Compression)
	c.BatchSize = 1 + r.IntN(2000)
	c.Linger = time.Duration(r.IntN(6)) * ms
	c.MaxInFlight = 1 + r.IntN(5)
	c.BufferMemory = int64(20_000 + r.IntN(100_000))
	c.MaxBlock = time.Duration(100+r.IntN(1000)) * ms
	c.RequestTimeout = time.Duration(100+r.IntN(400)) * ms
	c.DeliveryTimeout = c.Linger + c.RequestTimeout + time.Duration(r.IntN(3000))*ms
	c.RetryBackoff, c.RetryBackoffMax = time.Duration(1+r.IntN(50))*ms, 200*ms
	c.ReconnectBackoff, c.ReconnectBackoffMax = time.Duration(1+r.IntN(50))*ms, 200*ms
	c.SetupTimeout = 300 * ms
	if r.IntN(3) == 0 {
		c.Retries = r.IntN(3)
	}
	return c
}

// TestSwarm: whatever the settings, the order of events and the faults (brokers
// that crash, lose power, and restart, links that break, reset and slow down, in
// any mixture), what Kafka promises for the settings is kept, and in the end the
// cluster is whole: replicas equal and in sync, consumers at the end. Method:
// settings and faults from a seed, a simulated world that perturbs the order, real
// producers, and a checker that knows the history alone (check.Judge). Seeds run
// beside each other, as many as there are processors.
func TestSwarm(t *testing.T) {
	if *swarmSeed >= 0 {
		out := swarm(t, uint64(*swarmSeed))
		t.Logf("seed %d: %v", *swarmSeed, out)
		return
	}
	seeds := *swarmSeeds
	if raceEnabled {
		seeds /= 40 // what runs here is one task at a time
	}
	var mu sync.Mutex // of what follows
	next, done, began := *swarmFirst, uint64(0), time.Now()
	told := began // when the progress was
	total := &swarmTotal{}
	take := func() (seed uint64, ok bool) {
		mu.Lock()
		defer mu.Unlock()
		seed = next
		next++
		return seed, seed-*swarmFirst < seeds && !t.Failed()
	}
	note := func(out *swarmOutcome) {
		mu.Lock()
		defer mu.Unlock()
		done++
		total.add(out)
		if time.Since(told) > 5*time.Second {
			told = time.Now()
			fmt.Fprintf(os.Stderr, "%d of %d seeds, %.0f a second\n", done, seeds, float64(done)/time.Since(began).Seconds())
		}
	}
	t.Run("seeds", func(t *testing.T) {
		for range runtime.GOMAXPROCS(0) {
			t.Run("worker", func(t *testing.T) {
				t.Parallel()
				for seed, ok := take(); ok; seed, ok = take() {
					t.Run(fmt.Sprint(seed), func(t *testing.T) {
						defer func() {
							if t.Failed() {
								t.Logf("to run this seed again: go test ./engine/clustertest -run 'TestSwarm$' -seed %d", seed)
							}
						}()
						note(swarm(t, seed))
					})
				}
			})
		}
	})
	t.Logf("%d seeds: %v", done, total)
	if told.After(began) {
		fmt.Fprintf(os.Stderr, "%d seeds: %v\n", done, total) // who has seen the progress wants the end too
	}
	if done >= 200 && total.acked < 100*int(done) {
		t.Errorf("in %d seeds %d records were acknowledged: they show nothing", done, total.acked)
	}
	for _, e := range []check.Excuse{check.KIP966, check.AllCopies, check.Unclean, check.AcksOne, check.NotIdempotent} {
		if done >= 200 && total.pardons.Pardoned(e) == 0 {
			t.Errorf("in %d seeds nothing was %s: the plans are too kind to show anything", done, e)
		}
	}
}

// TestSwarmRepeats: one seed gives one run.
func TestSwarmRepeats(t *testing.T) {
	for _, seed := range []uint64{3, 4, 5} {
		if one, two := swarm(t, seed), swarm(t, seed); one.hash != two.hash {
			t.Errorf("seed %d: hashes %016x and %016x", seed, one.hash, two.hash)
		}
	}
}

// TestSwarmOnSlowNetworks: the same holds where network cards are shared and slow,
// and where there is jitter and loss. Method: as TestSwarm, with 10 Mbit/s and frames,
// 10 seeds each; the network with loss may make requests time out, so that its seeds
// are ones in which something is ill anyway.
func TestSwarmOnSlowNetworks(t *testing.T) {
	networks := []struct {
		name string
		loss float64
	}{{"slow, with jitter", 0}, {"slow, with jitter and loss", 0.005}}
	for _, n := range networks {
		t.Run(n.name, func(t *testing.T) {
			t.Parallel()
			total := &swarmTotal{}
			for seed, done := uint64(0), 0; done < 10; seed++ {
				if plan := newSwarmPlan(seed); n.loss > 0 && len(plan.ills) == 0 {
					continue
				}
				done++
				total.add(swarmOn(t, seed, swarmPlace{link: func(delay time.Duration) simworld.Link {
					return simworld.Link{BytesPerSec: 1_250_000, MTU: 1500, Delay: delay, Jitter: delay / 2, Loss: n.loss}
				}}))
			}
			t.Logf("%v", total)
			if total.acked < 1000 {
				t.Errorf("%d records were acknowledged: they show nothing", total.acked)
			}
		})
	}
}

// swarmOutcome is what a run gives.
type swarmOutcome struct {
	hash    uint64
	verdict *check.Verdict
}

func (o *swarmOutcome) String() string {
	return fmt.Sprintf("hash %016x, %d acknowledged, %d refused, %d read, %v", o.hash, o.verdict.Acked, o.verdict.Refused,
		o.verdict.Read, o.verdict.Pardons)
}

// swarmTotal sums outcomes up.
type swarmTotal struct {
	acked, refused, read int
	pardons              check.Verdict // of all
}

func (s *swarmTotal) add(o *swarmOutcome) {
	s.acked += o.verdict.Acked
	s.refused += o.verdict.Refused
	s.read += o.verdict.Read
	s.pardons.Merge(o.verdict.Pardons)
}

func (s *swarmTotal) String() string {
	text := fmt.Sprintf("%d records acknowledged, %d refused, %d read", s.acked, s.refused, s.read)
	for _, p := range s.pardons.Pardons {
		text += "\n" + p.String()
	}
	return text
}

// swarm runs one seed, on links that have a delay alone.
func swarm(t *testing.T, seed uint64) *swarmOutcome {
	return swarmOn(t, seed, swarmPlace{})
}

// swarmPlace is where a plan runs. The zero value is links that have a delay alone, and
// plain disks.
type swarmPlace struct {
	link func(delay time.Duration) simworld.Link // for the delay of the plan
	disk func(i int, w *simworld.World) *simfs.Disk
}

// swarmOn runs one seed.
func swarmOn(t *testing.T, seed uint64, place swarmPlace) *swarmOutcome {
	p := newSwarmPlan(seed)
	link := place.link
	if link == nil {
		link = func(delay time.Duration) simworld.Link { return simworld.Link{Delay: delay} }
	}
	set := p.setup()
	set.modelled = place.disk
	wd := simulated(func(c *simworld.Config) {
		c.Seed, c.Explore, c.Link, c.Horizon = seed, true, link(p.delay), time.Hour
	})
	out := &swarmOutcome{verdict: &check.Verdict{}}
	run(t, wd, set, func(r *rig) {
		s := newSwarmRun(r, &p)
		s.drive()
		out.verdict = check.Judge(&s.history)
		out.hash = r.stage.sim.Hash()
	})
	told := map[check.Kind]int{}
	for _, f := range out.verdict.Violations {
		if told[f.Kind]++; told[f.Kind] <= 3 {
			t.Errorf("seed %d: %v", seed, f)
		}
	}
	v := out.verdict
	if len(p.ills) == 0 && p.slowDisk < 0 && p.fetchMin == 0 && (v.Acked == 0 || v.Refused+len(v.Pardons) > 0) {
		t.Errorf("seed %d: nothing was ill, %d records were acknowledged and %d refused, %v", seed, v.Acked, v.Refused,
			v.Pardons)
	}
	if t.Failed() {
		p.rand = nil
		t.Logf("seed %d: %d violations, of which three of each kind are told; %v; the plan is %+v", seed,
			len(out.verdict.Violations), out, p)
	}
	return out
}

// setup is the cluster of a plan.
func (p *swarmPlan) setup() setup {
	s := setup{brokers: p.brokers, partitions: p.partitions, replicas: p.replicas, minInSync: p.minInSync,
		disk: simfs.DefaultConfig(), diskOf: map[int]simfs.Config{},
		log: func(c *commitlog.Config) {
			c.SegmentBytes = max(p.segment, int64(4*p.sizeMax+4*p.client.BatchSize))
			c.IndexIntervalBytes, c.FlushInterval, c.Preallocate = p.index, p.flushEvery, p.allocate
			if p.forced {
				c.FlushMessages, c.FlushGroupCommit = 1, p.group
			}
		},
		broker: func(c *broker.Config) {
			c.HeartbeatInterval, c.MetadataWaitMax, c.ControllerTimeout = 100*ms, 100*ms, 200*ms
			c.ReplicaLagTimeMax, c.ReplicaFetchWaitMax, c.ReplicaSocketTimeout = 400*ms, 100*ms, time.Second
			c.ReplicaFetchBackoff, c.ReconnectBackoff, c.HighWatermarkCheckpoint = 50*ms, 20*ms, 200*ms
			c.FlushScheduler = p.flushEvery
			c.OffsetCheckpoint, c.ReplicaFetchMinBytes = 300*ms, int32(max(1, p.fetchMin))
		}}
	if p.slowDisk >= 0 {
		slow := simfs.DefaultConfig()
		slow.AppendCost, slow.SyncCost = ms, 15*ms
		s.diskOf[p.slowDisk] = slow
	}
	if p.controlled {
		s.elects = func(c *cluster.ControllerConfig) {
			c.SessionTimeout, c.UncleanElection, c.RebalanceInterval = 300*ms, p.unclean, p.preferred
		}
	}
	return s
}
