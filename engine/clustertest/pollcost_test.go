package clustertest

import (
	"runtime"
	"testing"

	"brokerlab/engine/producer"
	"brokerlab/engine/protocol"
	"brokerlab/engine/record"
)

// TestPollAllocates: reading allocates nothing per record, whatever max.poll.records
// is. Method: what the whole process allocates while a consumer reads 60,000 small
// records in batches of about 150, a second time, over what it allocates per batch.
func TestPollAllocates(t *testing.T) {
	const count = 60_000
	run(t, onFiles, setup{brokers: 1, partitions: 1, replicas: 1}, func(r *rig) {
		p := r.producer(func(c *producer.Config) { c.BatchSize = 16 << 10 })
		value := make([]byte, 100)
		for range count {
			if err := p.Send(&producer.Record{Topic: topic, Value: value}, nil); err != nil {
				t.Error(err)
			}
		}
		r.close(p)
		c := r.consumer(0, nil)
		var before, after runtime.MemStats
		for range 2 {
			if err := c.Seek(part0, 0); err != nil {
				t.Error(err)
			}
			runtime.ReadMemStats(&before)
			for read := 0; read < count; {
				n, err := c.Poll(r.client.Now().Add(patience), func(protocol.TopicPartition, *record.Record) {})
				if err != nil || n == 0 {
					t.Errorf("%d records, %v", n, err)
					break
				}
				read += n
			}
			runtime.ReadMemStats(&after)
		}
		if perRecord := float64(after.Mallocs-before.Mallocs) / count; perRecord > 0.1 {
			t.Errorf("%.3f allocations a record", perRecord)
		} else {
			t.Logf("%.4f allocations a record", perRecord)
		}
		r.close(c)
	})
}
