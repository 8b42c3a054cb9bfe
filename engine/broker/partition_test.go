package broker

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"brokerlab/engine/cluster"
	"brokerlab/engine/commitlog"
	"brokerlab/engine/env"
	"brokerlab/engine/protocol"
	"brokerlab/engine/replica"
	"brokerlab/engine/simworld"
)

// led2 is a partition that broker 1 leads in epoch 3 with two followers, of which
// two replicas must be in sync, with 10 records in its log. (There is no log.)
func led2(node env.Node) *partition {
	p := newPartition(node, protocol.TopicPartition{Topic: "t"}, nil, 2)
	p.mu.role = roleLeader
	p.mu.state = cluster.Partition{Leader: 1, LeaderEpoch: 3, PartitionEpoch: 5}
	p.mu.progress = replica.NewProgress(replica.Leadership{Leader: 1, Replicas: []int32{1, 2, 3}, ISR: []int32{1, 2, 3},
		PartitionEpoch: 5, LeaderEnd: 10, LagMax: time.Minute, MinInSync: 2})
	return p
}

// Goal: what a produce with acks=all is told that has waited for its replicas.
// Method: a table of what happens 5 ms after it began to wait for offset 10; the
// deadline is at 20 ms.
func TestWaitReplicated(t *testing.T) {
	const at = 5 * time.Millisecond
	replicated := func(p *partition) {
		for id := int32(2); id <= 3; id++ {
			p.mu.progress.Fetched(id, 10, 0)
		}
	}
	shrunk := func(p *partition) { p.mu.progress.Committed([]int32{1}, 6, 0) }
	for _, c := range []struct {
		why  string
		do   func(p *partition)
		want protocol.ErrorCode
		took time.Duration
	}{
		{"all have it", replicated, protocol.ErrNone, at},
		{"two have it, and the third, which lags, leaves the in-sync set", func(p *partition) {
			p.mu.progress.Fetched(2, 10, 0)
			p.mu.progress.Committed([]int32{1, 2}, 6, env.Time(2*time.Minute))
		}, protocol.ErrNone, at},
		{"all have it, and too few are in sync before anybody looks",
			func(p *partition) { replicated(p); shrunk(p) }, protocol.ErrNotEnoughReplicasAfterAppend, at},
		{"too few are in sync: the high watermark stays, and it waits in vain",
			func(p *partition) { shrunk(p) }, protocol.ErrRequestTimedOut, 4 * at},
		{"one has it", func(p *partition) { p.mu.progress.Fetched(2, 10, 0) }, protocol.ErrRequestTimedOut, 4 * at},
		{"another leads", func(p *partition) { p.mu.progress = nil }, protocol.ErrNotLeaderOrFollower, at},
		{"it leads again, in another epoch, and all have it",
			func(p *partition) { replicated(p); p.mu.state.LeaderEpoch++ }, protocol.ErrNotLeaderOrFollower, at},
		{"the log directory fails, though all have it",
			func(p *partition) { replicated(p); p.mu.offline = true }, protocol.ErrStorage, at},
		{"the broker ends", func(p *partition) { p.mu.closing = true }, protocol.ErrRequestTimedOut, at},
		{"nothing", func(*partition) {}, protocol.ErrRequestTimedOut, 4 * at},
	} {
		w := simworld.New(simworld.Config{Seed: 1})
		node := w.NewNode(env.NodeConfig{Name: "broker-1"})
		p := led2(node)
		err := w.Run(node, func() {
			node.Go("happens", func() {
				node.Sleep(at)
				p.mu.Lock()
				c.do(p)
				p.mu.hwRose.Broadcast()
				p.mu.Unlock()
			})
			got := p.waitReplicated(3, 10, env.Time(4*at))
			if took := node.Now().Sub(0); got != c.want || took != c.took {
				t.Errorf("%s: %v after %v, want %v after %v", c.why, got, took, c.want, c.took)
			}
		})
		w.Close()
		if err != nil {
			t.Errorf("%s: %v", c.why, err)
		}
	}
}

// Goal: an append begins only where it may: acks=all needs enough replicas in sync
// (NOT_ENOUGH_REPLICAS), acks=1 does not care. Method: table of states.
func TestBeginLeaderAppend(t *testing.T) {
	for _, c := range []struct {
		why      string
		do       func(p *partition)
		all, one protocol.ErrorCode
	}{
		{"all in sync", func(*partition) {}, 0, 0},
		{"just enough", func(p *partition) { p.mu.progress.Committed([]int32{1, 3}, 6, 0) }, 0, 0},
		{"too few", func(p *partition) { p.mu.progress.Committed([]int32{1}, 6, 0) }, protocol.ErrNotEnoughReplicas, 0},
		{"a follower", func(p *partition) { p.mu.role = roleFollower },
			protocol.ErrNotLeaderOrFollower, protocol.ErrNotLeaderOrFollower},
		{"its directory has failed", func(p *partition) { p.mu.offline = true }, protocol.ErrStorage, protocol.ErrStorage},
	} {
		w := simworld.New(simworld.Config{Seed: 1})
		node := w.NewNode(env.NodeConfig{Name: "broker-1"})
		p := led2(node)
		err := w.Run(node, func() {
			c.do(p)
			_, all := p.beginLeaderAppend(protocol.AcksAll)
			_, one := p.beginLeaderAppend(protocol.AcksLeader)
			if all != c.all || one != c.one {
				t.Errorf("%s: acks=all %v, acks=1 %v; want %v, %v", c.why, all, one, c.all, c.one)
			}
			want := 0
			for _, code := range []protocol.ErrorCode{all, one} {
				if code == protocol.ErrNone {
					want++
				}
			}
			if p.mu.appends != want {
				t.Errorf("%s: %d appends are under way, want %d", c.why, p.mu.appends, want)
			}
		})
		w.Close()
		if err != nil {
			t.Error(err)
		}
	}
}

// Goal: producer ids are new whatever the clock does, and no other broker's. Method:
// many ids of brokers whose time of day stands still, jumps and goes back.
func TestProducerIDs(t *testing.T) {
	seen := map[int64]string{}
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for broker := range int32(3) {
		var ids producerIDs
		for _, at := range []time.Duration{0, 0, time.Hour, time.Minute, time.Hour, 2 * time.Hour} {
			for n := range 5000 {
				id := ids.next(start.Add(at), broker)
				who := fmt.Sprint(broker, at, n)
				if other, there := seen[id]; there || id < 0 {
					t.Fatalf("%s got %d, as did %s", who, id, other)
				}
				seen[id] = who
			}
		}
		var reborn producerIDs // a second later than any time before
		if id := reborn.next(start.Add(2*time.Hour+time.Second), broker); seen[id] != "" {
			t.Errorf("after a restart broker %d gives %d again", broker, id)
		}
	}
}

// Goal: a log's error has its code, and only one that says that the log has failed
// is remembered as the broker's.
func TestErrorCode(t *testing.T) {
	for _, c := range []struct {
		err    error
		want   protocol.ErrorCode
		failed bool
	}{
		{commitlog.ErrCorrupt, protocol.ErrCorruptMessage, false},
		{commitlog.ErrTooLarge, protocol.ErrMessageTooLarge, false},
		{commitlog.ErrInvalid, protocol.ErrInvalidRecord, false},
		{commitlog.ErrOutOfOrderSequence, protocol.ErrOutOfOrderSequence, false},
		{commitlog.ErrProducerEpoch, protocol.ErrInvalidProducerEpoch, false},
		{commitlog.ErrOffsetOutOfRange, protocol.ErrOffsetOutOfRange, false},
		{commitlog.ErrFailed, protocol.ErrStorage, true},
	} {
		w := simworld.New(simworld.Config{Seed: 1})
		node := w.NewNode(env.NodeConfig{Name: "broker-1"})
		b := &Broker{node: node}
		b.mu.Mutex = node.NewMutex()
		b.mu.stopped = node.NewCond(b.mu.Mutex)
		err := w.Run(node, func() {
			if got := b.errorCode(fmt.Errorf("append t-0: %w", c.err)); got != c.want {
				t.Errorf("%v: %v, want %v", c.err, got, c.want)
			}
			if failed := b.Err(); (failed != nil) != c.failed || failed != nil && !errors.Is(failed, c.err) {
				t.Errorf("%v: the broker says %v", c.err, failed)
			}
		})
		w.Close()
		if err != nil {
			t.Error(err)
		}
	}
}

// Goal: wrong settings are refused, by the name that the user knows. Method: one
// wrong setting a row.
func TestConfigValidate(t *testing.T) {
	plan, err := cluster.Assign([]cluster.Broker{{ID: 1, Addr: "b:1"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		change func(*Config)
		want   string // part of the error; "" = none
	}{
		{func(*Config) {}, ""},
		{func(c *Config) { c.Plan = nil }, "no cluster plan"},
		{func(c *Config) { c.ID = 2 }, "not in the cluster plan"},
		{func(c *Config) { c.LogDirs = nil }, "no log directory"},
		{func(c *Config) { c.ReplicaFetchers = 0 }, "num.replica.fetchers"},
		{func(c *Config) { c.ReplicaLagTimeMax = 0 }, "replica.lag.time.max.ms"},
		{func(c *Config) { c.ReplicaSocketTimeout = c.ReplicaFetchWaitMax }, "replica.socket.timeout.ms"},
		{func(c *Config) { c.ReconnectBackoff = 0 }, "backoffs"},
		{func(c *Config) { c.LogDirFailureTimeout = 0 }, "times of the controller"},
		{func(c *Config) { c.RetentionCheck = 0 }, "retention checks"},
		{func(c *Config) { c.FlushScheduler = -1 }, "log.flush.scheduler.interval.ms"},
		{func(c *Config) { c.Server.IOThreads = 0 }, "num.io.threads"},
		{func(c *Config) { c.Server.QueuedBytes = 1 }, "queued.max.request.bytes"},
	} {
		cfg := DefaultConfig()
		cfg.ID, cfg.Plan, cfg.LogDirs = 1, plan, []string{"logs"}
		c.change(&cfg)
		err := cfg.Validate()
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%v, want %q", err, c.want)
		}
	}
}
