package clustertest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"brokerlab/disks/simfs"
	"brokerlab/engine/broker"
	"brokerlab/engine/client"
	"brokerlab/engine/commitlog"
	"brokerlab/engine/env"
	"brokerlab/engine/producer"
	"brokerlab/engine/protocol"
	"brokerlab/engine/task"
)

// TestIOThreads: an append holds an I/O thread, also while it writes and flushes, so
// that appends to different partitions take turns where there are fewer threads; and
// batches say how long they stood in the queue. Method: four partitions on a disk of
// 10 ms a write, in a world where nothing else takes time.
func TestIOThreads(t *testing.T) {
	for _, c := range []struct {
		threads int
		want    []time.Duration
	}{
		{1, []time.Duration{10 * ms, 20 * ms, 30 * ms, 40 * ms}},
		{2, []time.Duration{10 * ms, 10 * ms, 20 * ms, 20 * ms}},
		{4, []time.Duration{10 * ms, 10 * ms, 10 * ms, 10 * ms}},
	} {
		s := setup{brokers: 1, partitions: 4, replicas: 1, disk: simfs.Config{AppendCost: 10 * ms},
			broker: func(b *broker.Config) { b.Server.IOThreads = c.threads }}
		run(t, exact(0), s, func(r *rig) {
			for part := range int32(4) { // what a first append does besides
				r.mustProduce(r.dial(0), part)
			}
			began := r.client.Now()
			took, queued := make([]time.Duration, 4), make([]time.Duration, 4)
			g := task.NewGroup(r.client)
			for part := range int32(4) {
				g.Go("produce", func() error {
					out := r.mustProduce(r.dial(0), part)
					took[part] = r.client.Now().Sub(began)
					queued[part] = out.Stamps[protocol.StageHandled].Sub(out.Stamps[protocol.StageReceived])
					return nil
				})
			}
			_ = g.Wait()
			slices.Sort(took)
			slices.Sort(queued)
			if !slices.Equal(took, c.want) {
				t.Errorf("%d threads: answered after %v, want %v", c.threads, took, c.want)
			}
			for i := range queued {
				if queued[i] != c.want[i]-10*ms {
					t.Errorf("%d threads: queued for %v, answered after %v", c.threads, queued, c.want)
				}
			}
		})
	}
}

func (r *rig) mustProduce(c *client.Conn, part int32) protocol.ProducePartitionResult {
	r.t.Helper()
	defer c.Close()
	out, err := produceOne(r, c, protocol.AcksLeader, patience, part, batchOf(0, "v"))
	if err != nil || out.Err != protocol.ErrNone {
		r.t.Errorf("produce to %d: %v, %v", part, out.Err, err)
	}
	return out
}

// one is a broker of one thread of each kind and a queue of one request.
func one(c *broker.Config) {
	c.Server.IOThreads, c.Server.NetworkThreads, c.Server.QueuedRequests = 1, 1, 1
}

// TestPurgatoryHoldsNoThread: requests that wait for replicas or for more log hold
// none. Method: a broker of one thread, produces with acks=all that no follower
// takes and fetches that find nothing; then a request that is answered at once.
func TestPurgatoryHoldsNoThread(t *testing.T) {
	s := setup{brokers: 2, started: 1, partitions: 1, replicas: 2, broker: one}
	run(t, exact(0), s, func(r *rig) {
		var conns []*client.Conn
		for range 3 {
			fetch, produce := r.dial(0), r.dial(0)
			conns = append(conns, fetch, produce)
			for _, err := range []error{
				fetch.Send(&protocol.FetchRequest{ReplicaID: -1, MaxWait: time.Minute, MinBytes: 1, MaxBytes: 1 << 20,
					Partitions: []protocol.FetchPartition{{TopicPartition: part0, CurrentLeaderEpoch: -1, MaxBytes: 1 << 20}}}),
				produce.Send(&protocol.ProduceRequest{Acks: protocol.AcksAll, Timeout: time.Minute,
					Partitions: []protocol.ProducePartition{{TopicPartition: part0, Records: env.StaticBuf(batchOf(0, "v"))}}}),
			} {
				if err != nil {
					t.Error(err)
				}
			}
		}
		r.client.Sleep(ms)
		began := r.client.Now()
		c := r.dial(0)
		if _, err := c.Call(&protocol.MetadataRequest{}, patience); err != nil || r.client.Now() != began {
			t.Errorf("a request beside them: %v after %v", err, r.client.Now().Sub(began))
		}
		for _, c := range append(conns, c) {
			c.Close()
		}
	})
}

// TestOneThread: with one thread of each kind and a queue of one request a cluster
// still replicates and elects, in both worlds: nothing that runs on a thread waits
// for another request.
func TestOneThread(t *testing.T) {
	s := setup{brokers: 3, partitions: 4, replicas: 3, elects: standard, broker: func(c *broker.Config) {
		one(c)
		c.Server.RequestBytesMax, c.Server.QueuedBytes = 20_000, 20_000
	}}
	inWorlds(t, s, func(r *rig) {
		small := func(c *producer.Config) { c.BatchSize, c.MaxRequestSize = 2000, 10_000 }
		produceAndConsume(r, sending{tasks: 3, each: 300}, small)
		r.stop(0)
		r.must(r.put(protocol.AcksAll, "x"))
		r.start(0)
		r.until("broker 1 is back", isr(1, 2, 3))
	})
}

// TestGroupCommitWithOneThread: appends that wait for an fsync hold their I/O
// threads, so that with one thread none shares its fsync, and with as many as
// producers they do.
func TestGroupCommitWithOneThread(t *testing.T) {
	for _, c := range []struct{ threads, fsyncs int }{{1, 8}, {8, 2}} {
		s := setup{brokers: 1, partitions: 1, replicas: 1, disk: simfs.Config{SyncCost: 10 * ms},
			log:    func(l *commitlog.Config) { l.FlushMessages, l.FlushGroupCommit = 1, true },
			broker: func(b *broker.Config) { b.Server.IOThreads = c.threads }}
		run(t, exact(0), s, func(r *rig) {
			r.mustProduce(r.dial(0), 0)
			before := r.brokers[0].Stats().Fsyncs
			g := task.NewGroup(r.client)
			for range 8 {
				g.Go("produce", func() error { r.mustProduce(r.dial(0), 0); return nil })
			}
			_ = g.Wait()
			if got := r.brokers[0].Stats().Fsyncs - before; got != int64(c.fsyncs) {
				t.Errorf("%d I/O threads: %d fsyncs, want %d", c.threads, got, c.fsyncs)
			}
		})
	}
}

// TestLimitsOfRequests: a broker ends the connection of a request above
// socket.request.max.bytes, takes none of it, counts it, and serves others.
func TestLimitsOfRequests(t *testing.T) {
	s := setup{brokers: 1, partitions: 1, replicas: 1, broker: func(c *broker.Config) { c.Server.RequestBytesMax = 500 }}
	inWorlds(t, s, func(r *rig) {
		c := r.dial(0)
		if _, err := produceOne(r, c, protocol.AcksLeader, patience, 0, batchOf(0, string(make([]byte, 500)))); !errors.Is(
			err, env.ErrReset) {
			t.Errorf("too large: %v", err)
		}
		c.Close()
		if out := r.mustProduce(r.dial(0), 0); out.BaseOffset != 0 {
			t.Errorf("the next one has offset %d", out.BaseOffset)
		}
		if got := r.brokers[0].Stats().TooLarge; got != 1 {
			t.Errorf("%d requests were too large", got)
		}
	})
}

// TestCloseBesideSilence: a broker ends whatever does not answer it, within the time
// in which it gives up to tell the controller that it does, 2 s. Method: the
// controller and the other brokers have no power, and a client does not read.
func TestCloseBesideSilence(t *testing.T) {
	s := setup{brokers: 3, partitions: 3, replicas: 3, disk: simfs.DefaultConfig(), elects: standard}
	for _, after := range []time.Duration{0, 100 * ms, time.Minute} {
		run(t, simulated(nil), s, func(r *rig) {
			r.must(r.put(protocol.AcksAll, "a"))
			deaf := r.dial(0)
			for range 3 {
				if err := deaf.Send(&protocol.MetadataRequest{}); err != nil {
					t.Error(err)
				}
			}
			r.down(1, true)
			r.down(2, true)
			r.controller = nil
			r.stage.sim.PowerOff(r.controllerNode.Name())
			r.client.Sleep(after)
			began := r.client.Now()
			r.stop(0)
			if took := r.client.Now().Sub(began); took > 2*time.Second+100*ms {
				t.Errorf("%v after the silence began Close took %v", after, took)
			}
			deaf.Close()
		})
	}
}
