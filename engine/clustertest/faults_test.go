package clustertest

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"brokerlab/disks/simfs"
	"brokerlab/engine/broker"
	"brokerlab/engine/cluster"
	"brokerlab/engine/commitlog"
	"brokerlab/engine/env"
	"brokerlab/engine/producer"
	"brokerlab/engine/protocol"
	"brokerlab/engine/task"
)

// logBytes is the content of a partition's .log files on a broker.
func (r *rig) logBytes(i int, tp protocol.TopicPartition) []byte {
	r.t.Helper()
	dir := fmt.Sprintf("logs/%s-%d", tp.Topic, tp.Partition)
	entries, err := r.nodes[i].FS().List(dir)
	if err != nil {
		r.t.Error(err)
		return nil
	}
	var out []byte
	for _, e := range entries {
		if !strings.HasSuffix(e.Name, ".log") || e.Bytes == 0 {
			continue
		}
		f, err := r.nodes[i].FS().Open(dir + "/" + e.Name)
		if err != nil {
			r.t.Error(err)
			return nil
		}
		b, err := f.Read(0, int(e.Bytes))
		part := make([]byte, b.Len())
		if err == nil {
			err = b.ReadAt(part, 0)
		}
		b.Release()
		if err = errors.Join(err, f.Close()); err != nil {
			r.t.Error(err)
		}
		out = append(out, part...)
	}
	return out
}

// sameLogs says where the replicas of a partition differ, all of whose records
// are acknowledged by all.
func (r *rig) sameLogs() {
	r.t.Helper()
	for _, p := range r.now().Partitions {
		if p.Leader == cluster.NoLeader {
			r.t.Errorf("partition %d has no leader", p.TopicPartition.Partition)
			continue
		}
		leader := r.logBytes(int(p.Leader)-1, p.TopicPartition)
		for _, id := range p.Replicas {
			if follower := r.logBytes(int(id)-1, p.TopicPartition); !bytes.Equal(leader, follower) {
				r.t.Errorf("partition %d: broker %d has %d bytes, the leader %d, and they differ", p.TopicPartition.Partition, id,
					len(follower), len(leader))
			}
		}
	}
}

// produceMany sends records from..to to partition 0, each a batch, with acks, and
// returns how many were acknowledged.
func (r *rig) produceMany(acks int16, from, to int) (acked int) {
	r.t.Helper()
	p := r.producer(func(c *producer.Config) { c.Acks, c.Linger, c.BatchSize = acks, 0, 1 })
	for i := from; i < to; i++ {
		value := fmt.Sprintf("%04d some more text to be alone in a batch", i)
		err := p.Send(&producer.Record{Topic: topic, Value: []byte(value)}, func(_ producer.Ack, err error) {
			if err == nil {
				acked++
			}
		})
		if err != nil {
			r.t.Error(err)
		}
	}
	r.close(p)
	return acked
}

// expectValues checks that partition 0 holds the records of produceMany up to a
// number, and nothing else.
func (r *rig) expectValues(count int) {
	r.t.Helper()
	values := r.readAll(count)[0]
	for i, v := range values {
		if want := fmt.Sprintf("%04d ", i); !strings.HasPrefix(v, want) {
			r.t.Errorf("offset %d holds %q, want %q", i, v, want)
			return
		}
	}
	if len(values) != count {
		r.t.Errorf("%d records read, want %d", len(values), count)
	}
}

// TestReplicasAreEqual: at the end the replicas hold the same bytes, with many
// segments and all partitions, in every codec's batches as the leaders wrote them.
func TestReplicasAreEqual(t *testing.T) {
	s := setup{brokers: 3, partitions: 4, replicas: 3, log: func(c *commitlog.Config) { c.SegmentBytes = 20_000 }}
	inWorlds(t, s, func(r *rig) {
		produceAndConsume(r, sending{3, 300, 1}, func(c *producer.Config) { compressed("lz4")(c); c.BatchSize = 2000 })
		r.sameLogs()
	})
}

// TestRestart: a broker that is closed and started again recovers its own logs; a
// follower goes on from where it was, and a leader serves what it had.
func TestRestart(t *testing.T) {
	inWorlds(t, setup{brokers: 2, partitions: 1, replicas: 2}, func(r *rig) {
		r.produceMany(protocol.AcksAll, 0, 50)
		r.stop(1)
		before := r.brokers[0].Stats().BytesAppended
		if acked := r.produceMany(protocol.AcksLeader, 50, 70); acked != 20 {
			t.Errorf("without the follower %d of 20 records were acknowledged by the leader", acked)
		}
		r.start(1)
		if acked := r.produceMany(protocol.AcksAll, 70, 80); acked != 10 {
			t.Errorf("with the follower back %d of 10 records were acknowledged", acked)
		}
		missed := r.brokers[0].Stats().BytesAppended - before
		if got := r.brokers[1].Stats().BytesAppended; got != missed {
			t.Errorf("the follower appended %d bytes after its restart, and had missed %d", got, missed)
		}
		r.stop(0)
		r.start(0)
		r.expectValues(80)
		if got := r.brokers[0].Stats().BytesAppended + r.brokers[1].Stats().BytesAppended; got != missed {
			t.Errorf("%d bytes were copied after the leader's restart", got-missed)
		}
		r.sameLogs()
	})
}

// TestCrashedFollower: acks=all times out without the follower, to the
// nanosecond, and works again once it has caught up. Method: links of 1 ms.
func TestCrashedFollower(t *testing.T) {
	run(t, exact(ms), setup{brokers: 3, partitions: 1, replicas: 3}, func(r *rig) {
		conn := r.dial(0)
		r.client.Sleep(100 * ms)
		r.down(2, false)
		began := r.client.Now()
		out, err := produceOne(r, conn, protocol.AcksAll, 200*ms, 0, batchOf(0, "alone"))
		if took := r.client.Now().Sub(began); err != nil || out.Err != protocol.ErrRequestTimedOut || took != 202*ms {
			t.Errorf("without a follower: %v, %v after %v", out.Err, err, took)
		}
		r.reboot(2)
		out, err = produceOne(r, conn, protocol.AcksAll, patience, 0, batchOf(0, "together"))
		if err != nil || out.Err != protocol.ErrNone || out.BaseOffset != 1 {
			t.Errorf("with it: offset %d, %v, %v", out.BaseOffset, out.Err, err)
		}
		conn.Close()
		r.sameLogs()
	})
}

// TestCrashOfLeader: what waits on a leader that crashes is sent again when it is
// back, and all is there once and in order: the process died, the page cache did
// not, and the producer is idempotent.
func TestCrashOfLeader(t *testing.T) {
	run(t, simulated(nil), setup{brokers: 3, partitions: 1, replicas: 3, disk: simfs.DefaultConfig()}, func(r *rig) {
		p, o := r.producer(func(c *producer.Config) { c.Linger, c.BatchSize = 0, 1 }), newOutcomes(r)
		for i := range 20 {
			o.send(p, 0, fmt.Sprint(i))
		}
		r.client.Sleep(6 * ms) // of which 4 are the followers' first leader epoch, which they force to disk
		r.down(0, false)
		acked := len(o.mu.of)
		if acked == 0 || acked == 20 {
			t.Errorf("%d of 20 records were acknowledged before the crash: it came too early or too late", acked)
		}
		r.client.Sleep(100 * ms)
		r.reboot(0)
		o.send(p, 0, "20")
		r.close(p)
		read := r.readAll(21)[0]
		for i := range 21 {
			o.expect(fmt.Sprint(i), fmt.Sprint(i))
			if i >= len(read) || read[i] != fmt.Sprint(i) {
				t.Errorf("record %d was acknowledged and is not at its offset: %q", i, read)
				break
			}
		}
	})
}

// TestPowerLoss: what a power loss of one of three brokers takes. Method: 300
// records with acks=all, the power goes in the middle of 100 more; some of the
// leader's log is forced by time.
func TestPowerLoss(t *testing.T) {
	for _, c := range []struct {
		why    string
		victim int
		log    func(*commitlog.Config)
		keeps  bool // all that was acknowledged is read back from the leader
	}{
		{"a follower: it catches up", 1, nil, true},
		{"the leader, when each batch is forced before it is acknowledged", 0,
			func(c *commitlog.Config) { c.FlushMessages = 1 }, true},
		{"the leader, when the page cache is trusted: its own log decides, and the others have it all", 0, nil, false},
	} {
		t.Run(c.why, func(t *testing.T) {
			s := setup{brokers: 3, partitions: 1, replicas: 3, disk: simfs.DefaultConfig(), log: c.log}
			run(t, simulated(nil), s, func(r *rig) { powerLoss(r, c.victim, c.keeps) })
		})
	}
}

func powerLoss(r *rig, victim int, keeps bool) {
	t := r.t
	acked := r.produceMany(protocol.AcksAll, 0, 300)
	g := task.NewGroup(r.client)
	if keeps {
		g.Go("during", func() error { acked += r.produceMany(protocol.AcksAll, 300, 400); return nil })
		r.client.Sleep(3 * ms)
	}
	r.down(victim, true)
	r.client.Sleep(50 * ms)
	if others := batchesIn(t, r.logBytes(2, part0)); others < acked {
		t.Errorf("%d records are acknowledged, broker 3 has %d", acked, others)
	}
	was := len(r.logBytes(2, part0))
	appended := r.brokers[2].Stats().BytesAppended
	r.reboot(victim)
	if err := g.Wait(); err != nil {
		t.Error(err)
	}
	r.client.Sleep(time.Minute) // longer than the followers wait for a leader that fell silent
	r.sameLogs()
	held := batchesIn(t, r.logBytes(0, part0))
	switch {
	case keeps && held < acked:
		t.Errorf("%d records were acknowledged, %d are left", acked, held)
	case !keeps && (held >= acked || held == 0):
		t.Errorf("%d records were acknowledged, %d are left: the test shows nothing", acked, held)
	case !keeps:
		// The follower that was ahead gave up what the leader lacks, and no more.
		if again := r.brokers[2].Stats().BytesAppended - appended; again != 0 || len(r.logBytes(2, part0)) >= was {
			t.Errorf("a follower of %d bytes has %d and fetched %d bytes again", was, len(r.logBytes(2, part0)), again)
		}
	}
	if values := r.readAll(held)[0]; len(values) != held {
		t.Errorf("%d of %d records are read back", len(values), held)
	}
}

// batchesIn counts the batches of a log, each of which holds one record.
func batchesIn(t testing.TB, log []byte) int { return len(valuesOf(t, env.StaticBuf(log))) }

// TestDiskFull: a full disk is KAFKA_STORAGE_ERROR for producers and the broker
// says why; the other broker's partition goes on.
func TestDiskFull(t *testing.T) {
	s := setup{brokers: 2, partitions: 2, replicas: 1, diskOf: map[int]simfs.Config{0: {CapacityBytes: 2000}}}
	run(t, simulated(nil), s, func(r *rig) {
		full, other := r.dial(0), r.dial(1)
		var code protocol.ErrorCode
		for i := 0; i < 50 && code == protocol.ErrNone; i++ {
			out, err := produceOne(r, full, protocol.AcksLeader, patience, 0, batchOf(0, "0123456789"))
			if err != nil {
				t.Error(err)
			}
			code = out.Err
		}
		if code != protocol.ErrStorage || !errors.Is(r.brokers[0].Err(), env.ErrNoSpace) {
			t.Errorf("answer %v, the broker says %v", code, r.brokers[0].Err())
		}
		if out, err := produceOne(r, full, protocol.AcksLeader, patience, 0, batchOf(0, "x")); err != nil ||
			out.Err != protocol.ErrStorage {
			t.Errorf("the next one: %v, %v", out.Err, err)
		}
		if out, err := produceOne(r, other, protocol.AcksLeader, patience, 1, batchOf(0, "x")); err != nil ||
			out.Err != protocol.ErrNone || r.brokers[1].Err() != nil {
			t.Errorf("the other broker: %v, %v, %v", out.Err, err, r.brokers[1].Err())
		}
		full.Close()
		other.Close()
	})
}

// TestFollowerDiskFull: a follower whose disk is full holds up acks=all of its
// partition, says so, and does not make its leader's other followers or clients
// wait.
func TestFollowerDiskFull(t *testing.T) {
	s := setup{brokers: 2, partitions: 1, replicas: 2, diskOf: map[int]simfs.Config{1: {CapacityBytes: 2000}},
		broker: func(c *broker.Config) { c.ReplicaFetchBackoff = ms }}
	run(t, simulated(nil), s, func(r *rig) {
		if acked := r.produceMany(protocol.AcksLeader, 0, 100); acked != 100 {
			t.Errorf("the leader acknowledged %d of 100", acked)
		}
		c := r.dial(0)
		out, err := produceOne(r, c, protocol.AcksAll, 100*ms, 0, batchOf(0, "v"))
		if err != nil || out.Err != protocol.ErrRequestTimedOut || !errors.Is(r.brokers[1].Err(), env.ErrNoSpace) {
			t.Errorf("acks=all: %v, %v; the follower says %v", out.Err, err, r.brokers[1].Err())
		}
		c.Close()
	})
}
