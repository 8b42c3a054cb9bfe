package broker

import (
	"testing"
	"time"

	"brokerlab/engine/env"
	"brokerlab/engine/protocol"
	"brokerlab/engine/replica"
	"brokerlab/engine/simworld"
)

// watched runs body with a partition that broker 1 leads, with followers 2 and 3 in
// sync that have nothing yet, and its sessions with follower 2 and a consumer. Both
// sessions know all that there is.
func watched(t *testing.T, body func(n env.Node, p *partition, follower, consumer *sessionPartition)) {
	t.Helper()
	w := simworld.New(simworld.Config{Seed: 1})
	defer w.Close()
	n := w.NewNode(env.NodeConfig{Name: "a"})
	err := w.Run(n, func() {
		p := newPartition(n, protocol.TopicPartition{Topic: "t"}, nil, 1)
		p.mu.role = roleLeader
		p.mu.progress = replica.NewProgress(replica.Leadership{Leader: 1, Replicas: []int32{1, 2, 3},
			ISR: []int32{1, 2, 3}, LagMax: time.Second, MinInSync: 1})
		b := &Broker{node: n}
		of := func(id int32) *sessionPartition {
			e := &sessionPartition{session: b.newSession(&protocol.FetchRequest{ReplicaID: id}), p: p, watching: -1}
			p.watch(e)
			return e
		}
		follower, consumer := of(2), of(protocol.ConsumerReplicaID)
		reaches(p, 2, 0)
		reaches(p, 3, 0)
		body(n, p, follower, consumer)
	})
	if err != nil {
		t.Error(err)
	}
}

// reaches is partition.fetched without a log to wait for.
func reaches(p *partition, id int32, offset int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mu.progress.Fetched(id, offset, p.node.Now()) {
		p.hwRoseLocked()
	}
}

// Goal: each session is told of what may change its next answer, and waiting fetches
// wake up for what may end them. Method: each thing that can happen to a partition;
// who has news of it and who wakes up.
func TestPartitionTells(t *testing.T) {
	appendOne := func(p *partition) {
		p.mu.appends = 1
		p.endLeaderAppend(&protocol.BatchTimes{NextOffset: 1})
	}
	tests := []struct {
		says                        string
		happens                     func(p *partition)
		followerNews, followerWakes bool
		consumerNews, consumerWakes bool
	}{
		{"an append", appendOne, true, true, false, false},
		{"an append that fails", func(p *partition) { p.mu.appends = 1; p.endLeaderAppend(nil) }, true, false, true, false},
		{"a higher high watermark", func(p *partition) { appendOne(p); reaches(p, 2, 1); reaches(p, 3, 1) },
			true, true, true, true},
		{"a fetch that changes nothing", func(p *partition) { p.fetched(3, 0) }, false, false, false, false},
		{"another log start", (*partition).logChanged, true, false, true, false},
		{"a failed log directory", (*partition).goOffline, true, true, true, true},
		{"another in-sync set", func(p *partition) {
			p.answered(&protocol.AlterPartition{}, &protocol.AlterPartitionResult{
				PartitionState: protocol.PartitionState{ISR: []int32{1, 3}, PartitionEpoch: 1}})
		}, true, false, true, false},
		{"the end", (*partition).stop, true, true, true, true},
	}
	for _, test := range tests {
		watched(t, func(_ env.Node, p *partition, follower, consumer *sessionPartition) {
			test.happens(p)
			for _, who := range []struct {
				name        string
				e           *sessionPartition
				news, wakes bool
			}{
				{"the follower", follower, test.followerNews, test.followerWakes},
				{"the consumer", consumer, test.consumerNews, test.consumerWakes},
			} {
				if news := who.e.state == newsQueued; news != who.news || who.e.session.mu.woken != who.wakes {
					t.Errorf("%s: %s has news %v, wakes up %v", test.says, who.name, news, who.e.session.mu.woken)
				}
			}
		})
	}
}

// Goal: a follower that fetches without looking at an idle partition is not taken for
// one that lags when the leader appends. Method: longer than replica.lag.time.max.ms
// without an append, in which the follower's session fetched and another did not.
func TestIdleFollowersDoNotLag(t *testing.T) {
	watched(t, func(n env.Node, p *partition, follower, _ *sessionPartition) {
		n.Sleep(10 * time.Second)
		follower.session.mu.fetchedAt = n.Now()
		p.mu.appends = 1
		p.endLeaderAppend(&protocol.BatchTimes{NextOffset: 1})
		isr, _ := p.mu.progress.Shrink(n.Now())
		if len(isr) != 2 || isr[0] != 1 || isr[1] != 2 {
			t.Errorf("the leader wants %v in sync, not itself and the follower that fetches", isr)
		}
	})
}

// Goal: a partition tells the sessions that watch it, and no others, whatever the
// order in which they begin and end. Method: three sessions, of which the first and
// then the last end, one twice.
func TestUnwatch(t *testing.T) {
	watched(t, func(n env.Node, p *partition, first, _ *sessionPartition) {
		b := &Broker{node: n}
		var more [2]*sessionPartition
		for i := range more {
			more[i] = &sessionPartition{session: b.newSession(&protocol.FetchRequest{ReplicaID: 3}), p: p, watching: -1}
			p.watch(more[i])
		}
		p.unwatch(first)
		p.unwatch(first)
		p.unwatch(more[1])
		p.logChanged()
		if first.state != newsNone || more[0].state != newsQueued || more[1].state != newsNone || len(p.mu.followers) != 1 {
			t.Errorf("news of %d, %d, %d; %d watch", first.state, more[0].state, more[1].state, len(p.mu.followers))
		}
	})
}
