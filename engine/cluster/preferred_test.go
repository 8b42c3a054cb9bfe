package cluster

import (
	"fmt"
	"testing"
	"time"

	"brokerlab/engine/env"
	"brokerlab/engine/protocol"
)

var t0 = protocol.TopicPartition{Topic: "t"}

// TestPreferredLeaders: who leads after elections of preferred leaders, asked for
// and by time. Method: events with the partition's state after each.
func TestPreferredLeaders(t *testing.T) {
	cfg := DefaultControllerConfig()
	cfg.RebalanceInterval = 20 * time.Second
	b := newBench(t, cfg)
	elect := func(tps ...protocol.TopicPartition) func() string {
		return func() string {
			r := b.ElectLeaders(&protocol.ElectLeadersRequest{Partitions: tps})
			return fmt.Sprint(r.Partitions)
		}
	}
	rebalance := func(now env.Time) func() string {
		return func() string { return fmt.Sprint(int64(b.Rebalance(now) / second)) }
	}
	away := func(now env.Time) func() string { // of broker 1, which comes back out of sync
		return func() string {
			b.Heartbeat(&protocol.BrokerHeartbeatRequest{BrokerID: 1, BrokerEpoch: b.epoch[1], WantShutDown: true}, now)
			b.register(1, uint64(now), now)
			b.beat(now, 1, 2, 3)
			return ""
		}
	}
	inSync := func() string { b.alter(2, 3, 1); return "" }
	for _, step := range []struct {
		why         string
		do          func() string
		says, state string
	}{
		{"the preferred one leads", elect(t0), "[{{t 0} ELECTION_NOT_NEEDED}]", "1 in epoch 0 of [1 2 3]"},
		{"of all there is nothing to tell", elect(), "[]", "1 in epoch 0 of [1 2 3]"},
		{"not due", rebalance(19 * second), "20", "1 in epoch 0 of [1 2 3]"},
		{"it leaves and comes back", away(19 * second), "", "2 in epoch 1 of [2 3]"},
		{"it is not in sync", elect(), "[{{t 0} PREFERRED_LEADER_NOT_AVAILABLE}]", "2 in epoch 1 of [2 3]"},
		{"nor by time", rebalance(20 * second), "40", "2 in epoch 1 of [2 3]"},
		{"it is in sync", inSync, "", "2 in epoch 1 of [2 3 1]"},
		{"asked for", elect(t0), "[{{t 0} NONE}]", "1 in epoch 2 of [2 3 1]"},
		{"a partition that is not there", elect(protocol.TopicPartition{Topic: "u"}),
			"[{{u 0} UNKNOWN_TOPIC_OR_PARTITION}]", "1 in epoch 2 of [2 3 1]"},
		{"it leaves and comes back again", away(25 * second), "", "2 in epoch 3 of [2 3]"},
		{"in sync again", inSync, "", "2 in epoch 3 of [2 3 1]"},
		{"not due yet", rebalance(39 * second), "40", "2 in epoch 3 of [2 3 1]"},
		{"due, and late", rebalance(45 * second), "65", "1 in epoch 4 of [2 3 1]"},
	} {
		version := b.Version()
		before := b.state()
		says := step.do()
		if got := b.state(); says != step.says || got != step.state {
			t.Fatalf("%s: says %s, %s; want %s, %s", step.why, says, got, step.says, step.state)
		}
		if (b.Version() > version) != (b.state() != before) && step.says != "" {
			t.Errorf("%s: version %d after %d", step.why, b.Version(), version)
		}
	}
	off := newBench(t, ControllerConfig{SessionTimeout: time.Hour})
	if next := off.Rebalance(1000 * second); next != env.Never {
		t.Errorf("switched off, the next time is %d", next)
	}
}

// TestOfflineDirectories: a broker leads and is in sync only where its replica's
// directory is well. Method: two partitions, of which broker 1 leads both, in two
// directories; heartbeats that name the failed ones.
func TestOfflineDirectories(t *testing.T) {
	for _, c := range []struct {
		why     string
		dirs    map[int32]string // as the broker assigned them; nil = it did not
		offline []string
		want    string
	}{
		{"none has failed", map[int32]string{0: "a", 1: "b"}, nil, "1 of [1 2 3], 1 of [1 2 3]"},
		{"one of two has", map[int32]string{0: "a", 1: "b"}, []string{"a"}, "2 of [2 3], 1 of [1 2 3]"},
		{"the other one", map[int32]string{0: "a", 1: "b"}, []string{"b"}, "1 of [1 2 3], 2 of [2 3]"},
		{"both have", map[int32]string{0: "a", 1: "b"}, []string{"a", "b"}, "2 of [2 3], 2 of [2 3]"},
		{"a replica whose directory is not known may be there", map[int32]string{1: "b"}, []string{"a"},
			"2 of [2 3], 1 of [1 2 3]"},
		{"a broker of one directory names none", nil, []string{"a"}, "2 of [2 3], 2 of [2 3]"},
	} {
		plan := &Plan{Brokers: brokers(3)}
		for k := range int32(2) {
			tp := protocol.TopicPartition{Topic: "t", Partition: k}
			plan.Partitions = append(plan.Partitions, Partition{TopicPartition: tp, Leader: 1,
				Replicas: []int32{1, 2, 3}, ISR: []int32{1, 2, 3}})
		}
		b := &bench{Controller: NewController(DefaultControllerConfig(), plan, 0)}
		for id := range int32(3) {
			b.register(id+1, 1, 0)
		}
		req := &protocol.AssignReplicasToDirsRequest{BrokerID: 1, BrokerEpoch: b.epoch[1]}
		for k := range int32(2) {
			if dir, ok := c.dirs[k]; ok {
				req.Partitions = append(req.Partitions, protocol.ReplicaDir{
					TopicPartition: protocol.TopicPartition{Topic: "t", Partition: k}, Dir: dir})
			}
		}
		if len(req.Partitions) > 0 && b.AssignReplicasToDirs(req).Err != protocol.ErrNone {
			t.Errorf("%s: the assignment is refused", c.why)
		}
		state := func() string {
			p := b.Plan().Partitions
			return fmt.Sprint(p[0].Leader, " of ", p[0].ISR, ", ", p[1].Leader, " of ", p[1].ISR)
		}
		beat := &protocol.BrokerHeartbeatRequest{BrokerID: 1, BrokerEpoch: b.epoch[1], Version: 100,
			OfflineLogDirs: c.offline}
		b.Heartbeat(beat, second)
		if got := state(); got != c.want {
			t.Errorf("%s: %s, want %s", c.why, got, c.want)
		}
		version := b.Version()
		b.Heartbeat(beat, 2*second)
		b.ElectLeaders(&protocol.ElectLeadersRequest{})
		if got := state(); got != c.want || b.Version() != version {
			t.Errorf("%s, told again and asked to elect: %s, version %d after %d", c.why, got, b.Version(), version)
		}
	}
}

// TestAssignmentOfAnotherLife: directories of an earlier process count for nothing.
func TestAssignmentOfAnotherLife(t *testing.T) {
	b := newBench(t, DefaultControllerConfig())
	r := b.AssignReplicasToDirs(&protocol.AssignReplicasToDirsRequest{BrokerID: 1, BrokerEpoch: b.epoch[1] + 1})
	if r.Err != protocol.ErrStaleBrokerEpoch {
		t.Errorf("a wrong epoch: %v", r.Err)
	}
	beat := &protocol.BrokerHeartbeatRequest{BrokerID: 1, BrokerEpoch: b.epoch[1], OfflineLogDirs: []string{"a"}}
	b.Heartbeat(beat, second)
	if got := b.state(); got != "2 in epoch 1 of [2 3]" {
		t.Errorf("its directory has failed: %s", got)
	}
	b.register(1, 2, 20*second)
	b.beat(20*second, 1)
	if code := b.alter(1, 2, 3); code != protocol.ErrNone {
		t.Errorf("in sync again, with another disk: %v", code)
	}
	b.ElectLeaders(&protocol.ElectLeadersRequest{})
	if got := b.state(); got != "1 in epoch 2 of [1 2 3]" {
		t.Errorf("it is well again: %s", got)
	}
}
