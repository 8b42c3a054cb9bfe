package clustertest

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"brokerlab/disks/simfs"
	"brokerlab/engine/broker"
	"brokerlab/engine/client"
	"brokerlab/engine/cluster"
	"brokerlab/engine/commitlog"
	"brokerlab/engine/env"
	"brokerlab/engine/protocol"
	"brokerlab/engine/simworld"
	"brokerlab/engine/task"
)

var (
	electionSeed  = flag.Int64("election-seed", -1, "run TestElectionSwarm with this seed only")
	electionSeeds = flag.Uint64("election-seeds", 60, "how many seeds TestElectionSwarm runs")
)

// ill is what happens to brokers in a run.
type ill int

const (
	crashes      ill = iota // processes die, also several at once: page caches survive
	forcedPower             // power fails, also of several at once, and every batch is forced
	singlePower             // power fails, of one at a time, and nothing is forced
	restarts                // brokers are closed and started again, one at a time
	crashOrClose            // one at a time, either
	illCount
)

// electionPlan is what a seed decides.
type electionPlan struct {
	rand       *rand.Rand
	seed       uint64
	ill        ill
	brokers    int
	partitions int
	minInSync  int
	delay      time.Duration
	segment    int64
	rounds     int
}

func newElectionPlan(seed uint64) electionPlan {
	r := rand.New(rand.NewPCG(seed, 966))
	p := electionPlan{rand: r, seed: seed, ill: ill(r.IntN(int(illCount))), brokers: 3 + r.IntN(2),
		partitions: 1 + r.IntN(3), minInSync: 2, delay: time.Duration(r.IntN(3)) * 500 * time.Microsecond,
		segment: 300 + r.Int64N(3000), rounds: 2 + r.IntN(3)}
	if p.ill == crashes || p.ill == forcedPower {
		p.minInSync = 1 + r.IntN(2)
	}
	return p
}

// TestElectionSwarm: brokers crash, lose power and restart under load with
// acks=all, leaders are elected, and no record is gone that was acknowledged or
// that a consumer has read: its offset holds it at the end. Then all replicas are
// equal and in sync. What may be lost (KIP-966, TestLastReplicaStanding) the plans
// leave out: the power of replicas fails where all is forced, or of one at a time.
// Method: settings and faults from a seed, a simulated world that perturbs the
// order, and a checker that knows only what clients saw.
func TestElectionSwarm(t *testing.T) {
	if *electionSeed >= 0 {
		electionSwarm(t, uint64(*electionSeed))
		return
	}
	for seed := range *electionSeeds {
		if electionSwarm(t, seed); t.Failed() {
			t.Fatalf("to run this seed again: go test ./engine/clustertest -run TestElectionSwarm -election-seed %d", seed)
		}
	}
}

// TestElectionSwarmRepeats: one seed gives one run.
func TestElectionSwarmRepeats(t *testing.T) {
	if one, two := electionSwarm(t, 1), electionSwarm(t, 1); one != two {
		t.Errorf("hashes %016x and %016x", one, two)
	}
}

func electionSwarm(t *testing.T, seed uint64) (hash uint64) {
	p := newElectionPlan(seed)
	wd := simulated(func(c *simworld.Config) {
		c.Seed, c.Explore, c.Link.Delay, c.Horizon = seed, true, p.delay, time.Hour
	})
	s := setup{brokers: p.brokers, partitions: p.partitions, replicas: 3, minInSync: p.minInSync,
		disk: simfs.DefaultConfig(), elects: func(c *cluster.ControllerConfig) { c.SessionTimeout = 300 * ms },
		log: func(c *commitlog.Config) {
			c.SegmentBytes = p.segment
			if p.ill == forcedPower {
				c.FlushMessages = 1
			}
		},
		broker: func(c *broker.Config) {
			c.HeartbeatInterval, c.MetadataWaitMax, c.ControllerTimeout = 100*ms, 100*ms, 200*ms
			c.ReplicaLagTimeMax, c.ReplicaFetchWaitMax, c.ReplicaSocketTimeout = 400*ms, 100*ms, time.Second
			c.ReplicaFetchBackoff, c.ReconnectBackoff, c.HighWatermarkCheckpoint = 50*ms, 20*ms, 200*ms
		}}
	run(t, wd, s, func(r *rig) {
		h := p.drive(r)
		r.sameLogs()
		h.check(r)
		if t.Failed() {
			t.Logf("seed %d: %+v", seed, p)
		}
		hash = r.stage.sim.Hash()
	})
	return hash
}

// history is what clients saw: by partition and offset, the values.
type history struct {
	acked, read []map[int64]string
	failed      int
}

// drive runs the load and the faults, and ends with all brokers up and in sync.
func (p *electionPlan) drive(r *rig) *history {
	h := &history{}
	for range p.partitions {
		h.acked, h.read = append(h.acked, map[int64]string{}), append(h.read, map[int64]string{})
	}
	ending := false // tasks of one node, between waits: no lock is needed
	g := task.NewGroup(r.client)
	for part := range p.partitions {
		for w := range 2 {
			c := &caller{r: r, part: int32(part)}
			g.Go("write", func() error { c.write(h, w, &ending); return nil })
		}
		c := &caller{r: r, part: int32(part)}
		g.Go("read", func() error { c.readOn(h, &ending); return nil })
	}
	r.client.Sleep(50 * ms)
	for range p.rounds {
		p.round(r)
	}
	ending = true
	if err := g.Wait(); err != nil {
		r.t.Error(err)
	}
	for part := range r.plan.Partitions {
		tp := r.plan.Partitions[part].TopicPartition
		r.untilOf(tp, "in the end all are in sync", func(p *cluster.Partition) bool { return len(p.ISR) == 3 })
	}
	r.client.Sleep(time.Second)
	return h
}

// round is one fault, or two that overlap.
func (p *electionPlan) round(r *rig) {
	victims := p.rand.Perm(p.brokers)[:1]
	if p.ill == crashes || p.ill == forcedPower {
		victims = p.rand.Perm(p.brokers)[:1+p.rand.IntN(3)]
	}
	closed := p.ill == restarts || p.ill == crashOrClose && p.rand.IntN(2) == 0
	for _, v := range victims {
		switch {
		case closed:
			r.stop(v)
		default:
			r.down(v, p.ill == forcedPower || p.ill == singlePower)
		}
		r.client.Sleep(time.Duration(p.rand.IntN(500)) * ms)
	}
	for _, v := range victims {
		if closed {
			r.start(v)
		} else {
			r.reboot(v)
		}
		r.client.Sleep(time.Duration(p.rand.IntN(300)) * ms)
	}
	if p.ill == singlePower {
		for part := range r.plan.Partitions {
			tp := r.plan.Partitions[part].TopicPartition
			r.untilOf(tp, "in sync between faults", func(p *cluster.Partition) bool { return len(p.ISR) == 3 })
		}
	}
}

// check holds the logs against the history.
func (h *history) check(r *rig) {
	acked := 0
	for i := range r.plan.Partitions {
		p := r.now().Partitions[i]
		if p.Leader == cluster.NoLeader {
			continue
		}
		log := valuesOf(r.t, env.StaticBuf(r.logBytes(int(p.Leader)-1, p.TopicPartition)))
		for offset := range int64(len(log)) {
			for _, seen := range []map[int64]string{h.acked[i], h.read[i]} {
				if v, ok := seen[offset]; ok && v != log[offset] {
					r.t.Errorf("partition %d offset %d holds %q, a client was told %q", i, offset, log[offset], v)
				}
			}
		}
		acked += len(h.acked[i])
		for _, seen := range []map[int64]string{h.acked[i], h.read[i]} {
			for offset, v := range seen {
				if offset >= int64(len(log)) {
					r.t.Errorf("partition %d ends at %d, and offset %d held %q", i, len(log), offset, v)
				}
			}
		}
		if len(h.read[i]) < len(h.acked[i]) {
			r.t.Errorf("partition %d: %d records are acknowledged, and a consumer has read %d",
				i, len(h.acked[i]), len(h.read[i]))
		}
	}
	if acked == 0 {
		r.t.Errorf("no record was acknowledged, %d failed: the run shows nothing", h.failed)
	}
}

// caller is one client of one partition's leader, by hand.
type caller struct {
	r    *rig
	part int32
	conn *client.Conn
	at   int32 // leader that conn is to
}

func (c *caller) tp() protocol.TopicPartition {
	return protocol.TopicPartition{Topic: topic, Partition: c.part}
}

// call sends a request to the present leader.
func (c *caller) call(req protocol.Body) (protocol.Body, error) {
	p, _ := c.r.now().Partition(c.tp())
	if p.Leader == cluster.NoLeader {
		return nil, protocol.ErrLeaderNotAvailable
	}
	if c.conn != nil && c.at != p.Leader {
		c.close()
	}
	if c.conn == nil {
		addr, _ := c.r.plan.Addr(p.Leader)
		conn, err := client.Dial(c.r.client, addr, "by-hand", 300*ms)
		if err != nil {
			return nil, err
		}
		c.conn, c.at = conn, p.Leader
	}
	body, err := c.conn.Call(req, 300*ms)
	if err != nil {
		c.close()
	}
	return body, err
}

func (c *caller) close() {
	if c.conn != nil {
		c.conn.Close()
		c.conn = nil
	}
}

// write produces one record after the other, each value once.
func (c *caller) write(h *history, writer int, ending *bool) {
	defer c.close()
	for i := 0; !*ending; i++ {
		value := fmt.Sprintf("%d-%d", writer, i)
		body, err := c.call(&protocol.ProduceRequest{Acks: protocol.AcksAll, Timeout: 200 * ms,
			Partitions: []protocol.ProducePartition{{TopicPartition: c.tp(), Records: env.StaticBuf(batchOf(0, value))}}})
		if err == nil {
			out := body.(*protocol.ProduceResponse).Partitions[0]
			if err = out.Err.Err(); err == nil {
				if before, ok := h.acked[c.part][out.BaseOffset]; ok {
					c.r.t.Errorf("partition %d offset %d is given to %q and to %q", c.part, out.BaseOffset, before, value)
				}
				h.acked[c.part][out.BaseOffset] = value
			}
		}
		pause := 3 * ms
		if err != nil {
			h.failed++
			pause = 10 * ms
		}
		c.r.client.Sleep(pause)
	}
}

// readOn consumes until the writers have ended and there is nothing left.
func (c *caller) readOn(h *history, ending *bool) {
	defer c.close()
	next := int64(0)
	for quiet := 0; !*ending || quiet < 20; {
		body, err := c.call(&protocol.FetchRequest{ReplicaID: protocol.ConsumerReplicaID, MinBytes: 1, MaxWait: 50 * ms,
			MaxBytes: 1 << 20, Partitions: []protocol.FetchPartition{{TopicPartition: c.tp(), CurrentLeaderEpoch: -1,
				FetchOffset: next, MaxBytes: 1 << 20}}})
		if err == nil {
			out := body.(*protocol.FetchResponse).Partitions[0]
			if out.Err == protocol.ErrOffsetOutOfRange {
				c.r.t.Errorf("partition %d: offset %d is out of range, and the one before was read", c.part, next)
				return
			}
			values := valuesOf(c.r.t, out.Records)
			for _, v := range values {
				h.read[c.part][next] = v
				next++
			}
			body.Release()
			err = out.Err.Err()
			quiet++
			if len(values) > 0 {
				quiet = 0
			}
		}
		if err != nil {
			quiet = 0
			c.r.client.Sleep(10 * ms)
		}
	}
}
