package cluster

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"brokerlab/engine/env"
	"brokerlab/engine/protocol"
)

const second = env.Time(time.Second)

// bench is a controller of three brokers with one partition of all three, whose
// brokers have registered at 0 s.
type bench struct {
	*Controller
	epoch [4]int64 // by broker id
}

func newBench(t *testing.T, cfg ControllerConfig) *bench {
	t.Helper()
	plan, err := Assign(brokers(3), []Topic{{"t", 1, 3}})
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{Controller: NewController(cfg, plan, 0)}
	for id := int32(1); id <= 3; id++ {
		if code := b.register(id, 1, 0); code != protocol.ErrNone {
			t.Fatalf("broker %d: %v", id, code)
		}
	}
	return b
}

func (b *bench) register(id int32, incarnation uint64, now env.Time) protocol.ErrorCode {
	epoch, code := b.Register(&protocol.BrokerRegistrationRequest{BrokerID: id, Incarnation: incarnation}, now)
	if code == protocol.ErrNone {
		b.epoch[id] = epoch
	}
	return code
}

// beat sends heartbeats of brokers that have all metadata.
func (b *bench) beat(now env.Time, ids ...int32) {
	for _, id := range ids {
		b.Heartbeat(&protocol.BrokerHeartbeatRequest{BrokerID: id, BrokerEpoch: b.epoch[id], Version: b.Version()}, now)
	}
}

// alter asks for an in-sync set as the leader in the present epochs.
func (b *bench) alter(isr ...int32) protocol.ErrorCode {
	p := b.Plan().Partitions[0]
	return b.ask(p.Leader, protocol.AlterPartition{TopicPartition: p.TopicPartition, LeaderEpoch: p.LeaderEpoch,
		PartitionEpoch: p.PartitionEpoch, NewISR: isr})
}

func (b *bench) ask(from int32, want protocol.AlterPartition) protocol.ErrorCode {
	r := b.AlterPartition(&protocol.AlterPartitionRequest{BrokerID: from, BrokerEpoch: b.epoch[from],
		Partitions: []protocol.AlterPartition{want}})
	if r.Err != protocol.ErrNone {
		return r.Err
	}
	return r.Partitions[0].Err
}

func (b *bench) state() string {
	p := b.Plan().Partitions[0]
	return fmt.Sprint(p.Leader, " in epoch ", p.LeaderEpoch, " of ", p.ISR)
}

// TestController: elections and in-sync sets through the life of a cluster.
// Method: events with the partition's state after each.
func TestController(t *testing.T) {
	b := newBench(t, DefaultControllerConfig())
	for _, step := range []struct {
		why  string
		do   func()
		want string
	}{
		{"as assigned", func() {}, "1 in epoch 0 of [1 2 3]"},
		{"all heartbeats come", func() { b.beat(8*second, 1, 2, 3); b.Expire(16 * second) }, "1 in epoch 0 of [1 2 3]"},
		{"a follower falls silent: it is not in sync, and the leader stays",
			func() { b.beat(16*second, 1, 2); b.Expire(17 * second) }, "1 in epoch 0 of [1 2]"},
		{"it is back, and has to catch up first", func() { b.beat(18*second, 3); b.Expire(18 * second) },
			"1 in epoch 0 of [1 2]"},
		{"the leader says that it has", func() { b.alter(1, 2, 3) }, "1 in epoch 0 of [1 2 3]"},
		{"the leader falls silent: the next replica leads", func() { b.beat(24*second, 2, 3); b.Expire(25 * second) },
			"2 in epoch 1 of [2 3]"},
		{"a new process of the old leader follows", func() { b.register(1, 2, 26*second); b.beat(26*second, 1) },
			"2 in epoch 1 of [2 3]"},
		{"the next leader falls silent too: broker 1 is preferred but not in sync",
			func() { b.beat(32*second, 1, 3); b.Expire(33 * second) }, "3 in epoch 2 of [3]"},
		{"the last one in sync leaves: nobody leads, and it stays in the set (KIP-966)",
			func() { b.beat(40*second, 1); b.Expire(41 * second) }, "-1 in epoch 3 of [3]"},
		{"another replica comes back: it may not lead", func() { b.beat(42*second, 2) }, "-1 in epoch 3 of [3]"},
		{"the last one in sync comes back", func() { b.beat(43*second, 3) }, "3 in epoch 4 of [3]"},
		{"it wants to shut down, alone in sync", func() {
			b.Heartbeat(&protocol.BrokerHeartbeatRequest{BrokerID: 3, BrokerEpoch: b.epoch[3], WantShutDown: true}, 44*second)
		}, "-1 in epoch 5 of [3]"},
		{"a heartbeat on the way does not bring it back", func() { b.beat(45*second, 3) }, "-1 in epoch 5 of [3]"},
		{"its next process does, without waiting for the end of a session",
			func() { b.register(3, 2, 46*second); b.beat(46*second, 3) }, "3 in epoch 6 of [3]"},
	} {
		step.do()
		if got := b.state(); got != step.want {
			t.Fatalf("%s: %s, want %s", step.why, got, step.want)
		}
	}
}

// TestUncleanElection: when no replica in sync is alive another one leads, if that
// is allowed, and is the whole in-sync set then.
func TestUncleanElection(t *testing.T) {
	b := newBench(t, ControllerConfig{SessionTimeout: 9 * time.Second, UncleanElection: true})
	b.alter(1, 3)
	b.beat(7*second, 3)
	b.beat(8*second, 2)
	b.Expire(9 * second)
	if got := b.state(); got != "3 in epoch 1 of [3]" {
		t.Errorf("with one in sync alive: %s", got)
	}
	b.Expire(16 * second)
	if got := b.state(); got != "2 in epoch 2 of [2]" {
		t.Errorf("%s", got)
	}
}

// TestRegistration: a broker's new process is refused while the old one may live,
// and may lead nothing before it knows the cluster.
func TestRegistration(t *testing.T) {
	b := newBench(t, DefaultControllerConfig())
	if code := b.register(1, 2, 8*second); code != protocol.ErrDuplicateBrokerRegistration {
		t.Errorf("within the session: %v", code)
	}
	if code := b.register(1, 1, 8*second); code != protocol.ErrNone {
		t.Errorf("the same process again: %v", code)
	}
	if code := b.register(7, 1, 0); code != protocol.ErrBrokerIDNotRegistered {
		t.Errorf("a broker that nobody knows: %v", code)
	}
	old := b.epoch[1]
	b.beat(8*second, 2, 3)
	if code := b.register(1, 2, 10*second); code != protocol.ErrNone || b.state() != "2 in epoch 1 of [2 3]" {
		t.Errorf("after the session, though it was not ended yet: %v, %s", code, b.state())
	}
	for _, c := range []struct {
		why    string
		epoch  int64
		behind int64
		code   protocol.ErrorCode
		fenced bool
	}{
		{"a heartbeat of the process before", old, 0, protocol.ErrStaleBrokerEpoch, true},
		{"metadata from before its registration", b.epoch[1], b.Version() - b.epoch[1] + 1, protocol.ErrNone, true},
		{"all metadata", b.epoch[1], 0, protocol.ErrNone, false},
	} {
		r := b.Heartbeat(&protocol.BrokerHeartbeatRequest{BrokerID: 1, BrokerEpoch: c.epoch, Version: b.Version() - c.behind},
			11*second)
		if r.Err != c.code || r.IsFenced != c.fenced {
			t.Errorf("%s: %v, fenced %v", c.why, r.Err, r.IsFenced)
		}
	}
}

// TestAlterPartitionErrors: what the controller does not agree to has Kafka's
// code and changes nothing. Method: table, leader 2 in epoch 1 after broker 1 fell
// silent.
func TestAlterPartitionErrors(t *testing.T) {
	b := newBench(t, DefaultControllerConfig())
	b.beat(8*second, 2, 3)
	b.Expire(9 * second)
	before, version := b.state(), b.Version()
	for _, c := range []struct {
		why                    string
		from                   int32
		leaderEpoch, partEpoch int32
		isr                    []int32
		want                   protocol.ErrorCode
	}{
		{"the leader before, in its epoch", 1, 0, 0, []int32{1}, protocol.ErrFencedLeaderEpoch},
		{"another broker", 3, 1, 1, []int32{3}, protocol.ErrInvalidRequest},
		{"an older state", 2, 1, 0, []int32{2}, protocol.ErrInvalidUpdateVersion},
		{"a state that is not known", 2, 1, 2, []int32{2}, protocol.ErrNotController},
		{"an epoch that is not known", 2, 2, 1, []int32{2}, protocol.ErrNotController},
		{"without the leader", 2, 1, 1, []int32{3}, protocol.ErrInvalidRequest},
		{"a broker twice", 2, 1, 1, []int32{2, 3, 3}, protocol.ErrInvalidRequest},
		{"a broker that is no replica", 2, 1, 1, []int32{2, 9}, protocol.ErrInvalidRequest},
		{"a broker that is fenced", 2, 1, 1, []int32{2, 3, 1}, protocol.ErrIneligibleReplica},
	} {
		got := b.ask(c.from, protocol.AlterPartition{TopicPartition: protocol.TopicPartition{Topic: "t"},
			LeaderEpoch: c.leaderEpoch, PartitionEpoch: c.partEpoch, NewISR: c.isr})
		if got != c.want || b.state() != before || b.Version() != version {
			t.Errorf("%s: %v, want %v; %s", c.why, got, c.want, b.state())
		}
	}
	if got := b.ask(2, protocol.AlterPartition{TopicPartition: protocol.TopicPartition{Topic: "u"}}); got !=
		protocol.ErrUnknownTopicOrPartition {
		t.Errorf("no such partition: %v", got)
	}
	b.epoch[2]--
	if got := b.alter(2); got != protocol.ErrStaleBrokerEpoch {
		t.Errorf("a process before: %v", got)
	}
}

// TestNewsAddUp: who applies what has changed since its version has the same
// cluster as the controller, whenever it asks; plans that were given out do not
// change; and the invariants hold: epochs only rise, leaders are alive and in
// sync. Method: random events.
func TestNewsAddUp(t *testing.T) {
	for seed := range uint64(50) {
		r := rand.New(rand.NewPCG(seed, 1))
		plan, err := Assign(brokers(4), []Topic{{"t", 6, 3}})
		if err != nil {
			t.Fatal(err)
		}
		c := NewController(DefaultControllerConfig(), plan, 0)
		copies := []*Plan{plan, plan}
		var epochs [5]int64
		for step := range 200 {
			now := env.Time(step) * second
			id := int32(1 + r.IntN(4))
			switch r.IntN(4) {
			case 0:
				if e, code := c.Register(&protocol.BrokerRegistrationRequest{BrokerID: id, Incarnation: r.Uint64N(2)},
					now); code == protocol.ErrNone {
					epochs[id] = e
				}
			case 1, 2:
				c.Heartbeat(&protocol.BrokerHeartbeatRequest{BrokerID: id, BrokerEpoch: epochs[id], Version: c.Version()}, now)
			case 3:
				p := c.Plan().Partitions[r.IntN(6)]
				c.AlterPartition(&protocol.AlterPartitionRequest{BrokerID: p.Leader, BrokerEpoch: epochs[max(0, p.Leader)],
					Partitions: []protocol.AlterPartition{{TopicPartition: p.TopicPartition, LeaderEpoch: p.LeaderEpoch,
						PartitionEpoch: p.PartitionEpoch, NewISR: p.Replicas[:1+r.IntN(3)]}}})
			}
			c.Expire(now)
			k := r.IntN(2)
			before := copies[k]
			copies[k] = before.Updated(c.Since(before.Version))
			if got, want := fmt.Sprint(*copies[k]), fmt.Sprint(*c.Plan()); got != want {
				t.Fatalf("seed %d step %d:\n got %s\nwant %s", seed, step, got, want)
			}
			holds(t, before, copies[k])
		}
	}
}

func holds(t *testing.T, before, after *Plan) {
	t.Helper()
	for i := range after.Partitions {
		b, a := &before.Partitions[i], &after.Partitions[i]
		if a.LeaderEpoch < b.LeaderEpoch || a.PartitionEpoch < b.PartitionEpoch ||
			a.Leader != b.Leader && a.LeaderEpoch == b.LeaderEpoch {
			t.Fatalf("from %+v to %+v", *b, *a)
		}
		dead := slices.ContainsFunc(after.Brokers, func(x Broker) bool { return x.ID == a.Leader && x.Fenced })
		if a.Leader != NoLeader && (dead || !slices.Contains(a.ISR, a.Leader)) || len(a.ISR) == 0 {
			t.Fatalf("%+v with brokers %+v", *a, after.Brokers)
		}
	}
}
