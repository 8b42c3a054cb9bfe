package clustertest

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"brokerlab/disks/simfs"
	"brokerlab/engine/broker"
	"brokerlab/engine/client"
	"brokerlab/engine/cluster"
	"brokerlab/engine/env"
	"brokerlab/engine/protocol"
)

// standard is a controller with Kafka's defaults.
func standard(*cluster.ControllerConfig) {}

// until waits until the controller's view of partition 0 is as wanted.
func (r *rig) until(why string, want func(p *cluster.Partition) bool) {
	r.t.Helper()
	r.untilOf(part0, why, want)
}

func (r *rig) untilOf(tp protocol.TopicPartition, why string, want func(p *cluster.Partition) bool) {
	r.t.Helper()
	deadline := r.client.Now().Add(2 * time.Minute)
	for r.client.Now() < deadline {
		if p, _ := r.now().Partition(tp); want(p) {
			return
		}
		r.client.Sleep(10 * ms)
	}
	p, _ := r.now().Partition(tp)
	r.t.Errorf("%s: not within two minutes; it is %+v", why, *p)
}

func isr(ids ...int32) func(p *cluster.Partition) bool {
	return func(p *cluster.Partition) bool {
		have := slices.Sorted(slices.Values(p.ISR))
		return slices.Equal(have, ids)
	}
}

// put produces single records to a partition's leader until one is acknowledged,
// as a client that asks again for the leader. It returns the offset.
func (r *rig) put(acks int16, value string) (int64, error) {
	var failed error
	for range 400 {
		offset, err := r.putOnce(acks, value)
		if err == nil {
			return offset, nil
		}
		failed = err
		r.client.Sleep(50 * ms)
	}
	return -1, failed
}

func (r *rig) putOnce(acks int16, value string) (int64, error) {
	c, err := r.dialLeader(part0)
	if err != nil {
		return -1, err
	}
	defer c.Close()
	out, err := produceOne(r, c, acks, 2*time.Second, 0, batchOf(0, value))
	if err == nil {
		err = out.Err.Err()
	}
	return out.BaseOffset, err
}

func (r *rig) dialLeader(tp protocol.TopicPartition) (*client.Conn, error) {
	p, _ := r.now().Partition(tp)
	if p.Leader == cluster.NoLeader {
		return nil, protocol.ErrLeaderNotAvailable
	}
	addr, _ := r.plan.Addr(p.Leader)
	return client.Dial(r.client, addr, "by-hand", patience)
}

// TestElection: a leader that crashes is replaced by the next replica in sync when
// its session is over. What it alone had, acknowledged by acks=1, is cut from its
// log by epoch when it comes back, and it is in sync again. Method: followers that
// fetch every 500 ms, so that the leader is ahead when it crashes.
func TestElection(t *testing.T) {
	s := setup{brokers: 3, partitions: 1, replicas: 3, disk: simfs.DefaultConfig(), elects: standard,
		broker: func(c *broker.Config) { c.ReplicaFetchMinBytes = 1 << 20 }}
	run(t, simulated(nil), s, func(r *rig) {
		r.must(r.put(protocol.AcksAll, "a"))
		r.client.Sleep(time.Second)
		r.must(r.put(protocol.AcksLeader, "lost"))
		crashed := r.client.Now()
		r.down(0, false)
		r.until("an election", func(p *cluster.Partition) bool { return p.Leader == 2 && p.LeaderEpoch == 1 })
		if took := r.client.Now().Sub(crashed); took < 7*time.Second || took > 9*time.Second+20*ms {
			t.Errorf("the election came %v after the crash; the session lasts 9 s and a heartbeat was up to 2 s ago", took)
		}
		if offset, err := r.put(protocol.AcksAll, "b"); err != nil || offset != 1 {
			t.Errorf("the new leader: offset %d, %v", offset, err)
		}
		r.reboot(0)
		r.until("the old leader is back", isr(1, 2, 3))
		r.must(r.put(protocol.AcksAll, "c"))
		r.client.Sleep(time.Second)
		r.sameLogs()
		if got := valuesOf(t, env.StaticBuf(r.logBytes(0, part0))); !slices.Equal(got, []string{"a", "b", "c"}) {
			t.Errorf("its log holds %q", got)
		}
	})
}

func (r *rig) must(_ int64, err error) {
	r.t.Helper()
	if err != nil {
		r.t.Error(err)
	}
}

// TestNotEnoughReplicas: a follower that is gone leaves the in-sync set after
// replica.lag.time.max.ms or when its session is over, whatever is first; with
// min.insync.replicas=2 of two replicas, acks=all is refused until it is back, and
// acks=1 is not.
func TestNotEnoughReplicas(t *testing.T) {
	for _, c := range []struct {
		why   string
		lag   time.Duration
		after time.Duration
	}{
		{"the session ends first", 30 * time.Second, 7 * time.Second},
		{"the lag is found first", 2 * time.Second, 2 * time.Second},
	} {
		t.Run(c.why, func(t *testing.T) {
			s := setup{brokers: 2, partitions: 1, replicas: 2, disk: simfs.DefaultConfig(), elects: standard, minInSync: 2,
				broker: func(b *broker.Config) { b.ReplicaLagTimeMax = c.lag }}
			run(t, simulated(nil), s, func(r *rig) {
				r.must(r.put(protocol.AcksAll, "a"))
				began := r.client.Now()
				r.down(1, false)
				r.must(r.put(protocol.AcksLeader, "b")) // from here on the follower lags
				r.until("the follower is out of sync", isr(1))
				if took := r.client.Now().Sub(began); took < c.after || took > c.after+2*time.Second+20*ms {
					t.Errorf("it left the in-sync set after %v, want %v or somewhat more", took, c.after)
				}
				if _, err := r.putOnce(protocol.AcksAll, "c"); !errors.Is(err, protocol.ErrNotEnoughReplicas) {
					t.Errorf("acks=all with one of two in sync: %v", err)
				}
				if _, err := r.putOnce(protocol.AcksLeader, "d"); err != nil {
					t.Errorf("acks=1: %v", err)
				}
				r.reboot(1)
				r.until("the follower is back", isr(1, 2))
				if offset, err := r.put(protocol.AcksAll, "e"); err != nil || offset != 3 {
					t.Errorf("with it back: offset %d, %v", offset, err)
				}
				r.sameLogs()
			})
		})
	}
}

// TestLastReplicaStanding: Kafka's known loss without eligible leader replicas
// (KIP-966): the last in-sync replica stays in the set when its power fails, and
// leads when it is back, without what it had not flushed, although another replica
// has it all. When its process crashes instead, nothing is lost.
func TestLastReplicaStanding(t *testing.T) {
	for _, c := range []struct {
		why   string
		power bool
		want  []string
	}{
		{"its process crashes", false, []string{"a", "b"}},
		{"its power fails", true, []string{"b"}},
	} {
		t.Run(c.why, func(t *testing.T) {
			s := setup{brokers: 2, partitions: 1, replicas: 2, disk: simfs.DefaultConfig(), elects: standard, minInSync: 1}
			run(t, simulated(nil), s, func(r *rig) {
				r.must(r.put(protocol.AcksAll, "a"))
				r.down(1, false)
				r.until("the follower is out of sync", isr(1))
				r.down(0, c.power)
				r.until("nobody leads", func(p *cluster.Partition) bool { return p.Leader == cluster.NoLeader })
				r.reboot(1)
				r.client.Sleep(20 * time.Second)
				if p, _ := r.now().Partition(part0); p.Leader != cluster.NoLeader {
					t.Errorf("broker %d leads, which is not in sync", p.Leader)
				}
				r.reboot(0)
				r.until("both are in sync", isr(1, 2))
				r.must(r.put(protocol.AcksAll, "b"))
				if got := valuesOf(t, env.StaticBuf(r.logBytes(1, part0))); !slices.Equal(got, c.want) {
					t.Errorf("the logs hold %q, want %q", got, c.want)
				}
				r.sameLogs()
			})
		})
	}
}

// TestUncleanElection: with unclean.leader.election.enable a replica that is not
// in sync leads when no other can, and what it lacks is cut from the others.
func TestUncleanElection(t *testing.T) {
	s := setup{brokers: 2, partitions: 1, replicas: 2, disk: simfs.DefaultConfig(),
		elects: func(c *cluster.ControllerConfig) { c.UncleanElection = true }}
	run(t, simulated(nil), s, func(r *rig) {
		r.must(r.put(protocol.AcksAll, "a"))
		r.down(1, false)
		r.until("the follower is out of sync", isr(1))
		r.must(r.put(protocol.AcksAll, "lost"))
		r.down(0, false)
		r.reboot(1)
		r.until("an unclean election", func(p *cluster.Partition) bool { return p.Leader == 2 && isr(2)(p) })
		r.must(r.put(protocol.AcksAll, "b"))
		r.reboot(0)
		r.until("both are in sync", isr(1, 2))
		r.must(r.put(protocol.AcksAll, "c"))
		if got := valuesOf(t, env.StaticBuf(r.logBytes(0, part0))); !slices.Equal(got, []string{"a", "b", "c"}) {
			t.Errorf("the log holds %q", got)
		}
		r.sameLogs()
	})
}

// TestControlledShutdown: a broker that is closed hands its leaderships over at
// once, and is in sync again soon after it has started: no session has to end.
func TestControlledShutdown(t *testing.T) {
	inWorlds(t, setup{brokers: 3, partitions: 3, replicas: 3, elects: standard}, func(r *rig) {
		r.must(r.put(protocol.AcksAll, "a"))
		r.stop(0)
		for _, p := range r.now().Partitions {
			if p.Leader == 1 || slices.Contains(p.ISR, 1) {
				t.Errorf("broker 1 has left, and partition %d is led by %d, in sync %v",
					p.TopicPartition.Partition, p.Leader, p.ISR)
			}
		}
		if offset, err := r.put(protocol.AcksAll, "b"); err != nil || offset != 1 {
			t.Errorf("the next leader: offset %d, %v", offset, err)
		}
		r.start(0)
		r.until("broker 1 is back", isr(1, 2, 3))
		if offset, err := r.put(protocol.AcksAll, "c"); err != nil || offset != 2 {
			t.Errorf("with it back: offset %d, %v", offset, err)
		}
		r.sameLogs()
	})
}

// TestHighWatermarkSurvives: a broker knows after a restart what was committed,
// from replication-offset-checkpoint, before its followers have said where they
// are. Method: a leader that starts again while its follower is down.
func TestHighWatermarkSurvives(t *testing.T) {
	run(t, simulated(nil), setup{brokers: 2, partitions: 1, replicas: 2, disk: simfs.DefaultConfig()}, func(r *rig) {
		for i := range 5 {
			r.must(r.put(protocol.AcksAll, fmt.Sprint(i)))
		}
		r.client.Sleep(6 * time.Second)
		r.stop(1)
		r.must(r.put(protocol.AcksLeader, "not committed"))
		r.down(0, false)
		r.reboot(0)
		c := r.dial(0)
		if out, _ := fetchOne(r, c, fetchAsk{replica: protocol.ConsumerReplicaID, epoch: -1}); out.HighWatermark != 5 {
			t.Errorf("the high watermark is %d, want 5", out.HighWatermark)
		}
		c.Close()
	})
}
