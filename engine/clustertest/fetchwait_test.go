package clustertest

import (
	"testing"
	"time"

	"brokerlab/disks/simfs"
	"brokerlab/engine/consumer"
	"brokerlab/engine/protocol"
	"brokerlab/engine/record"
)

// TestFetchWait: when a consumer gets records, by fetch.min.bytes and
// fetch.max.wait.ms. Method: a world in which only links take time, a consumer that
// waits, and batches of about 150 bytes, put 10 ms after one another from 100 ms
// after its first fetch on.
func TestFetchWait(t *testing.T) {
	cases := []struct {
		why      string
		minBytes int
		maxWait  time.Duration
		first    time.Duration // when the first records come, after the fetch
		records  int           // that come then
	}{
		{"the first bytes are enough", 1, 500 * ms, 100 * ms, 10},
		{"more is waited for", 400, 500 * ms, 120 * ms, 30},
		{"no longer than fetch.max.wait.ms", 4000, 125 * ms, 125 * ms, 30},
		{"which begins anew with each fetch", 4000, 60 * ms, 120 * ms, 30},
		{"0 bytes are always there", 0, 500 * ms, 100 * ms, 10},
	}
	const delay = 500 * time.Microsecond
	for _, c := range cases {
		t.Run(c.why, func(t *testing.T) {
			s := setup{brokers: 1, partitions: 1, replicas: 1, disk: simfs.DefaultConfig()}
			run(t, exact(delay), s, func(r *rig) {
				cons := r.consumer(0, func(cfg *consumer.Config) { cfg.FetchMinBytes, cfg.FetchMaxWait = c.minBytes, c.maxWait })
				began := r.client.Now()
				r.client.Go("put", func() {
					r.client.Sleep(100 * ms)
					for from := 0; from < 50; from += 10 {
						r.batches(from, from+10)
						r.client.Sleep(began.Add(time.Duration(100+from+10) * ms).Sub(r.client.Now()))
					}
				})
				n, err := cons.Poll(began.Add(time.Second), func(protocol.TopicPartition, *record.Record) {})
				took := r.client.Now().Sub(began)
				if err != nil || n != c.records || took < c.first || took > c.first+10*ms {
					t.Errorf("%d records, %v, after %v, want %d after %v and some links' delays", n, err, took, c.records, c.first)
				}
				r.client.Sleep(time.Second)
				r.close(cons)
			})
		})
	}
}
