package clustertest

import (
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"brokerlab/engine/consumer"
	"brokerlab/engine/producer"
	"brokerlab/engine/protocol"
	"brokerlab/engine/record"
)

// Batches of the test have some 500 records or more: an allocation for each record
// would be far above what a batch and its requests may take.
const (
	allocBatchBytes   = 64 << 10
	allocsPerRecord   = 0.25
	allocRecords      = 20_000
	allocWarmUpCycles = 2
)

// Goal: in steady state nothing is allocated for each record, by the producer, the
// brokers and the consumer. Method: all that the process allocates while records
// go through the path on real files, after it has run for a while, with keys and
// headers, each way to send, compression and replicas.
func TestNothingAllocatedPerRecord(t *testing.T) {
	for _, c := range []struct {
		why      string
		replicas int
		burst    int
		rec      producer.Record
		change   func(*producer.Config)
	}{
		{"values alone", 1, 1, producer.Record{}, nil},
		{"values alone, in bursts", 1, 50, producer.Record{}, nil},
		{"three replicas, idempotent", 3, 1, producer.Record{}, nil},
		{"keys", 1, 1, producer.Record{Key: []byte("a key")}, nil},
		{"headers", 3, 1, producer.Record{Key: []byte("a key"), Headers: []record.RecordHeader{
			{Key: "trace", Value: []byte("0123456789abcdef")}, {Key: "empty"}}}, nil},
		{"lz4", 1, 1, producer.Record{}, compressed("lz4")},
		{"zstd and headers", 1, 50, producer.Record{Headers: []record.RecordHeader{{Key: "h", Value: []byte("v")}}},
			compressed("zstd")},
	} {
		t.Run(c.why, func(t *testing.T) {
			run(t, onFiles, setup{brokers: c.replicas, partitions: 1, replicas: c.replicas}, func(r *rig) {
				p := r.producer(func(cfg *producer.Config) {
					cfg.BatchSize, cfg.BufferMemory = allocBatchBytes, 8*allocBatchBytes
					if c.change != nil {
						c.change(cfg)
					}
				})
				burst := make([]producer.Record, c.burst)
				for i := range burst {
					burst[i] = c.rec
					burst[i].Topic = topic
				}
				noise := make([]byte, 256<<10) // so that batches do not compress to nothing
				rand.NewChaCha8([32]byte{}).Read(noise)
				r.checkAllocs("produce", func() int { return produceBursts(r, p, burst, noise) })
				r.close(p)
				r.consumeAllocs()
			})
		})
	}
}

// produceBursts returns how many records it has sent.
func produceBursts(r *rig, p *producer.Producer, burst []producer.Record, noise []byte) (sent int) {
	const valueBytes = 60
	at := 0
	for ; sent < allocRecords; sent += len(burst) {
		for i := range burst {
			if at += valueBytes; at+valueBytes > len(noise) {
				at = 0
			}
			burst[i].Value = noise[at : at+valueBytes]
		}
		var err error
		if len(burst) == 1 {
			err = p.Send(&burst[0], nil)
		} else {
			_, err = p.SendAll(burst, nil)
		}
		if err != nil {
			r.t.Error(err)
			break
		}
	}
	p.Flush()
	return sent
}

// consumeAllocs reads what was produced.
func (r *rig) consumeAllocs() {
	c := r.consumer(0, func(c *consumer.Config) { c.MaxPartitionFetchBytes = 2 * allocBatchBytes })
	defer r.close(c)
	bytes := 0
	look := func(_ protocol.TopicPartition, rec *record.Record) { bytes += len(rec.Value) }
	got := 0
	r.checkAllocs("consume", func() (read int) {
		all := (allocWarmUpCycles + 1) * allocRecords
		for read < allocRecords && got < all { // a poll may go past the end of a cycle
			n, err := c.Poll(r.client.Now().Add(time.Second), look)
			if err != nil || n == 0 {
				r.t.Errorf("%d of %d records, %v", got, all, err)
				break
			}
			got += n
			read += n
		}
		return read
	})
}

// checkAllocs runs cycle, which returns how many records it has handled, and counts
// what the last run of it allocates.
func (r *rig) checkAllocs(what string, cycle func() (records int)) {
	for range allocWarmUpCycles {
		cycle()
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	records := cycle()
	runtime.ReadMemStats(&after)
	if records < allocRecords/2 {
		r.t.Errorf("%s: %d records in the last cycle are too few to tell", what, records)
	}
	if per := float64(after.Mallocs-before.Mallocs) / float64(records); per > allocsPerRecord {
		r.t.Errorf("%s: %.2f allocations a record", what, per)
	} else {
		r.t.Logf("%s: %.4f allocations a record", what, per)
	}
}
