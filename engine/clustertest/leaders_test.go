package clustertest

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"brokerlab/disks/simfs"
	"brokerlab/engine/broker"
	"brokerlab/engine/client"
	"brokerlab/engine/cluster"
	"brokerlab/engine/consumer"
	"brokerlab/engine/env"
	"brokerlab/engine/producer"
	"brokerlab/engine/protocol"
	"brokerlab/engine/record"
	"brokerlab/engine/task"
)

// quick makes a client that finds out soon about leaders that are gone.
func quick(c *consumer.Config) {
	c.FetchMaxWait, c.RequestTimeout = 20*ms, 2*time.Second
	c.RetryBackoff, c.ReconnectBackoff = 5*ms, 5*ms
}

// TestFollowLeaders: while leaders move, a consumer reads every record once and in
// order. Method: brokers that are closed and started again in turn under a producer
// with acks=all; each partition's values count up.
func TestFollowLeaders(t *testing.T) {
	const partitions, each = 3, 60
	s := setup{brokers: 3, partitions: partitions, replicas: 3, elects: standard, minInSync: 1}
	inWorlds(t, s, func(r *rig) {
		c := r.consumerOf(r.all(), quick)
		g := task.NewGroup(r.client)
		g.Go("write", func() error { return r.countUp(partitions, each) })
		var next [partitions]int
		moves := 0
		reading := func(until int) {
			deadline := r.client.Now().Add(20 * time.Second)
			for next[0]+next[1]+next[2] < until && r.client.Now() < deadline {
				_, err := c.Poll(r.client.Now().Add(100*ms), func(tp protocol.TopicPartition, rec *record.Record) {
					if at := next[tp.Partition]; rec.Offset != int64(at) || string(rec.Value) != fmt.Sprint(at) {
						t.Errorf("partition %d: offset %d holds %q, want the one of %d", tp.Partition, rec.Offset, rec.Value, at)
					}
					next[tp.Partition]++
				})
				if err != nil {
					t.Error(err)
					return
				}
			}
		}
		for i := range r.nodes {
			reading(partitions * each * (i + 1) / 5)
			r.stop(i)
			r.client.Sleep(20 * ms)
			r.start(i)
			r.until("broker is back", isr(1, 2, 3))
		}
		reading(partitions * each)
		if next != [partitions]int{each, each, each} {
			t.Errorf("read %v of each partition, want %d", next, each)
		}
		for _, p := range r.now().Partitions {
			moves += int(p.LeaderEpoch)
		}
		if moves < partitions {
			t.Errorf("leaders have moved %d times: the run shows nothing", moves)
		}
		if err := g.Wait(); err != nil {
			t.Error(err)
		}
		r.close(c)
	})
}

// countUp produces so many records to each partition, some at a time.
func (r *rig) countUp(partitions int32, each int) error {
	p := r.producer(func(c *producer.Config) { c.Linger, c.RetryBackoff, c.ReconnectBackoff = 0, 5*ms, 5*ms })
	for i := range each {
		for part := range partitions {
			err := p.Send(&producer.Record{Topic: topic, Partition: part, Value: fmt.Append(nil, i)},
				func(_ producer.Ack, err error) {
					if err != nil {
						r.t.Errorf("record %d of partition %d: %v", i, part, err)
					}
				})
			if err != nil {
				return errors.Join(err, p.Close())
			}
		}
		r.client.Sleep(2 * ms)
	}
	return p.Close()
}

// TestCrashedLeader: a leader that crashes or whose power fails is left for the next
// one, with the position. After a crash its peers see a reset and ask again; behind
// a power failure there is silence, until request.timeout.ms is over.
func TestCrashedLeader(t *testing.T) {
	for _, c := range []struct {
		why     string
		power   bool
		timeout time.Duration
		atLeast time.Duration // from the failure to the next record; the session lasts 9 s
		atMost  time.Duration
	}{
		{"its process crashes", false, 2 * time.Second, 7 * time.Second, 10*time.Second + 500*ms},
		{"its power fails", true, 2 * time.Second, 7 * time.Second, 14 * time.Second},
		{"its power fails, and a request waits long", true, 30 * time.Second, 29 * time.Second, 41 * time.Second},
	} {
		t.Run(c.why, func(t *testing.T) {
			s := setup{brokers: 3, partitions: 1, replicas: 3, disk: simfs.DefaultConfig(), elects: standard}
			run(t, simulated(nil), s, func(r *rig) {
				r.must(r.put(protocol.AcksAll, "0"))
				cons := r.consumer(0, func(cfg *consumer.Config) { cfg.RequestTimeout = c.timeout })
				if got, err := r.offsets(cons, 1); err != nil || len(got) != 1 {
					t.Errorf("before: %v, %v", got, err)
				}
				began := r.client.Now()
				r.down(0, c.power)
				g := task.NewGroup(r.client)
				g.Go("put", func() error {
					r.until("an election", func(p *cluster.Partition) bool { return p.Leader > 1 })
					_, err := r.put(protocol.AcksAll, "1")
					return err
				})
				var got []int64
				var err error
				for range 5 {
					if len(got) == 0 && err == nil {
						got, err = r.offsets(cons, 1)
					}
				}
				took := r.client.Now().Sub(began)
				if err != nil || len(got) != 1 || got[0] != 1 || took < c.atLeast || took > c.atMost {
					t.Errorf("read %v, %v, %v after the failure, want the next record after %v to %v", got, err, took,
						c.atLeast, c.atMost)
				}
				if err := g.Wait(); err != nil {
					t.Error(err)
				}
				r.close(cons)
				r.reboot(0)
				r.until("all are back", isr(1, 2, 3))
			})
		})
	}
}

// TestLeaderless: what a consumer does about a partition without a leader: it
// starts, reads the others, and this one once it is led; a question about its
// offsets waits until default.api.timeout.ms is over, and then says why.
func TestLeaderless(t *testing.T) {
	s := setup{brokers: 2, started: 1, partitions: 2, replicas: 1, disk: simfs.DefaultConfig(), elects: standard}
	run(t, simulated(nil), s, func(r *rig) {
		part1 := r.plan.Partitions[1].TopicPartition
		r.untilOf(part1, "nobody leads", func(p *cluster.Partition) bool { return p.Leader == cluster.NoLeader })
		r.must(r.put(protocol.AcksAll, "here"))
		c := r.consumerOf(r.all(), func(c *consumer.Config) { quick(c); c.DefaultAPITimeout = time.Second })
		got, err := pollAll(r, c, 1)
		if err != nil || len(got) != 1 || got[0] != "0/0:here" {
			t.Errorf("of the partition that is led: %q, %v", got, err)
		}
		began := r.client.Now()
		_, err = c.OffsetsForTimes([]consumer.TimeQuery{{TopicPartition: part1}})
		took := r.client.Now().Sub(began)
		if !errors.Is(err, protocol.ErrLeaderNotAvailable) || !strings.Contains(err.Error(), "t-1") || took < 800*ms ||
			took > time.Second {
			t.Errorf("offsets without a leader: %v after %v", err, took)
		}
		err = c.AwaitPositions(r.client.Now().Add(100 * ms))
		if !errors.Is(err, env.ErrTimeout) || !strings.Contains(err.Error(), "t-1") {
			t.Errorf("its position: %v", err)
		}
		g := task.NewGroup(r.client)
		g.Go("ask", func() error {
			md, err := client.FetchMetadata(r.client, r.bootstrap(), "c", nil, patience)
			if err != nil {
				return err
			}
			ends, err := client.ListOffsets(r.client, md, "c", protocol.ConsumerReplicaID,
				[]protocol.TopicPartition{part1, part0}, protocol.LatestOffset, 30*time.Second)
			if err == nil && (ends[0] != 0 || ends[1] != 1) {
				err = fmt.Errorf("the partitions end at %v", ends)
			}
			return err
		})
		r.client.Sleep(time.Second)
		r.start(1)
		r.untilOf(part1, "somebody leads", func(p *cluster.Partition) bool { return p.Leader == 2 })
		if err := g.Wait(); err != nil {
			t.Error(err)
		}
		p := r.producer(nil)
		if err := p.Send(&producer.Record{Topic: topic, Partition: 1, Value: []byte("there")}, nil); err != nil {
			t.Error(err)
		}
		r.close(p)
		got, err = pollAll(r, c, 1)
		if err != nil || len(got) != 1 || got[0] != "1/0:there" {
			t.Errorf("of the one that was not: %q, %v", got, err)
		}
		r.close(c)
	})
}

// TestSilentBroker: a request that gets no answer is given up after
// request.timeout.ms, and made again on a new connection. Method: a script that
// answers nothing on its first connection.
func TestSilentBroker(t *testing.T) {
	for _, wd := range worlds {
		t.Run(wd.name, func(t *testing.T) {
			serve := fetchScript(func(_ *peer, in protocol.FetchPartition) protocol.FetchPartitionResult {
				return stored(batchOf(0, "a"))(in)
			})
			handle := func(p *peer, req *protocol.Request) {
				if p.number > 0 {
					serve(p, req)
				}
			}
			runScript(t, wd, 1, handle, func(r *rig, _ *script) {
				began := r.client.Now()
				c := r.consumer(0, func(c *consumer.Config) {
					c.FetchMaxWait, c.RequestTimeout, c.ReconnectBackoff = 10*ms, 60*ms, ms
				})
				got, err := pollAll(r, c, 1)
				if took := r.client.Now().Sub(began); err != nil || len(got) != 1 || took < 60*ms {
					t.Errorf("got %q, %v after %v", got, err, took)
				}
				r.close(c)
			})
		})
	}
}

// TestMetadataAge: metadata are asked for again when they are older than
// metadata.max.age.ms, also if nobody misses them. Method: a leader whose power
// fails, and a fetch of it that waits for 30 s.
func TestMetadataAge(t *testing.T) {
	for _, c := range []struct {
		age  time.Duration
		late bool // it learns of the new leader when the fetch is over
	}{{time.Second, false}, {time.Hour, true}} {
		s := setup{brokers: 2, partitions: 1, replicas: 2, disk: simfs.DefaultConfig(),
			elects: func(c *cluster.ControllerConfig) { c.SessionTimeout = 300 * ms },
			broker: func(b *broker.Config) {
				b.HeartbeatInterval, b.MetadataWaitMax, b.ControllerTimeout = 100*ms, 100*ms, 200*ms
			}}
		run(t, simulated(nil), s, func(r *rig) {
			r.must(r.put(protocol.AcksAll, "0"))
			cons := r.consumer(0, func(cfg *consumer.Config) { cfg.MetadataMaxAge = c.age })
			if got, err := r.offsets(cons, 1); err != nil || len(got) != 1 {
				t.Errorf("before: %v, %v", got, err)
			}
			r.down(0, true)
			r.until("an election", func(p *cluster.Partition) bool { return p.Leader == 2 })
			r.must(r.put(protocol.AcksAll, "1"))
			r.client.Sleep(10 * time.Second) // that a dial of the old leader takes
			got, err := r.offsets(cons, 1)
			if late := len(got) == 0; err != nil || late != c.late {
				t.Errorf("metadata.max.age.ms %v: read %v, %v within 20 s", c.age, got, err)
			}
			r.close(cons)
			r.reboot(0)
			r.until("it is back", isr(1, 2))
		})
	}
}
