package clustertest

import (
	"testing"
	"time"

	"brokerlab/disks/simfs"
	"brokerlab/engine/client"
	"brokerlab/engine/commitlog"
	"brokerlab/engine/protocol"
	"brokerlab/engine/task"
)

// TestFlushHoldsUpFollowers: while the leader flushes, a follower's fetch that
// says something new waits, as in Kafka, and other fetches do not. Method: fetches
// by hand 2 ms after the begin of an append that flushes for 10 ms, in a world
// where nothing else takes time.
func TestFlushHoldsUpFollowers(t *testing.T) {
	for _, c := range []struct {
		why     string
		replica int32
		offset  int64
		waited  time.Duration
		hw      int64
	}{
		{"a follower that has the first record now", 2, 1, 8 * ms, 1},
		{"a follower that says what it said before", 2, 0, 0, 0},
		{"a consumer", protocol.ConsumerReplicaID, 0, 0, 0},
	} {
		s := setup{brokers: 2, started: 1, partitions: 1, replicas: 2, disk: simfs.Config{SyncCost: 10 * ms},
			log: func(l *commitlog.Config) { l.FlushMessages = 1 }}
		run(t, exact(0), s, func(r *rig) {
			producer, fetcher := r.dial(0), r.dial(0)
			send := func(producer *client.Conn) {
				out, err := produceOne(r, producer, protocol.AcksLeader, patience, 0, batchOf(0, "a"))
				if err != nil || out.Err != protocol.ErrNone {
					t.Errorf("%s: produce: %v, %v", c.why, out.Err, err)
				}
			}
			send(producer)
			fetchOne(r, fetcher, fetchAsk{replica: 2, epoch: -1})
			second := task.NewGroup(r.client)
			second.Go("second", func() error {
				send(producer)
				return nil
			})
			r.client.Sleep(2 * ms)
			began := r.client.Now()
			out, _ := fetchOne(r, fetcher, fetchAsk{replica: c.replica, epoch: -1, offset: c.offset})
			if waited := r.client.Now().Sub(began); waited != c.waited || out.HighWatermark != c.hw {
				t.Errorf("%s: waited %v, high watermark %d; want %v, %d", c.why, waited, out.HighWatermark, c.waited, c.hw)
			}
			if err := second.Wait(); err != nil {
				t.Error(err)
			}
			producer.Close()
			fetcher.Close()
		})
	}
}
