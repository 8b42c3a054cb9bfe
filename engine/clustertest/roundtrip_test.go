package clustertest

import (
	"errors"
	"fmt"
	"testing"

	"brokerlab/engine/codec"
	"brokerlab/engine/env"
	"brokerlab/engine/producer"
	"brokerlab/engine/protocol"
	"brokerlab/engine/task"
)

// compressed sets a codec with its default level.
func compressed(name string) func(*producer.Config) {
	return func(c *producer.Config) {
		kind, err := codec.Parse(name)
		if err != nil {
			panic(err)
		}
		c.Compression, c.Level = kind, codec.DefaultLevel(kind)
	}
}

// Goal: what is acknowledged is read back, in order, once. Method: every
// setting of acks, with one and three replicas, all codecs, several tasks that
// send to one producer; each record names its task and number.
func TestProduceAndConsume(t *testing.T) {
	const tasks, each = 3, 400
	for _, c := range []struct {
		why      string
		replicas int
		change   func(*producer.Config)
	}{
		{"one replica, leader acknowledges", 1, func(c *producer.Config) { c.Acks = protocol.AcksLeader }},
		{"three replicas, all acknowledge", 3, func(c *producer.Config) { c.Acks = protocol.AcksAll }},
		{"no acknowledgement", 3, func(c *producer.Config) { c.Acks = protocol.AcksNone }},
		{"no linger, one request in flight", 1, func(c *producer.Config) { c.Linger, c.MaxInFlight = 0, 1 }},
		{"gzip", 1, compressed("gzip")},
		{"snappy", 3, compressed("snappy")},
		{"lz4", 1, compressed("lz4")},
		{"zstd", 1, compressed("zstd")},
		{"batches of one record", 1, func(c *producer.Config) { c.BatchSize = 1 }},
		{"a buffer of two batches", 1, func(c *producer.Config) { c.BatchSize, c.BufferMemory = 1<<10, 2<<10 }},
	} {
		t.Run(c.why, func(t *testing.T) {
			inWorlds(t, setup{brokers: 3, partitions: 4, replicas: c.replicas}, func(r *rig) {
				produceAndConsume(r, tasks, each, c.change)
			})
		})
	}
}

func produceAndConsume(r *rig, tasks, each int, change func(*producer.Config)) {
	p := r.producer(change)
	mu := r.client.NewMutex()
	acked := 0
	g := task.NewGroup(r.client)
	for k := range tasks {
		g.Go("send", func() error {
			for i := range each {
				rec := &producer.Record{Topic: topic, Partition: -1, Value: fmt.Appendf(nil, "%d %06d some more text", k, i)}
				err := p.Send(rec, func(_ producer.Ack, err error) {
					mu.Lock()
					defer mu.Unlock()
					if err == nil {
						acked++
					}
				})
				if err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		r.t.Error(err)
	}
	r.close(p)
	if acked != tasks*each {
		r.t.Errorf("%d of %d records acknowledged", acked, tasks*each)
	}
	seen := make(map[string]bool)
	for part, values := range r.readAll(tasks * each) {
		last := make(map[string]string)
		for _, v := range values {
			if seen[v] {
				r.t.Errorf("%q was read twice", v)
			}
			seen[v] = true
			if v <= last[v[:1]] {
				r.t.Errorf("partition %d: %q after %q", part, v, last[v[:1]])
			}
			last[v[:1]] = v
		}
	}
	if len(seen) != tasks*each {
		r.t.Errorf("%d of %d records read back", len(seen), tasks*each)
	}
}

// Goal: the synchronous mode returns offsets in order. Method: one partition.
func TestSendSync(t *testing.T) {
	inWorlds(t, setup{brokers: 1, partitions: 1, replicas: 1}, func(r *rig) {
		p := r.producer(func(c *producer.Config) { c.Linger = 0 })
		for i := range int64(20) {
			ack, err := p.SendSync(&producer.Record{Topic: topic, Partition: 0, Value: []byte("v")})
			if err != nil || ack.Offset != i {
				r.t.Errorf("record %d: offset %d, error %v", i, ack.Offset, err)
			}
		}
		r.close(p)
	})
}

// Goal: what Send cannot take is an error at once. Method: table.
func TestSendErrors(t *testing.T) {
	inWorlds(t, setup{brokers: 1, partitions: 2, replicas: 1}, func(r *rig) {
		p := r.producer(func(c *producer.Config) { c.MaxRequestSize = 1000 })
		for _, c := range []struct {
			why  string
			rec  producer.Record
			want error
		}{
			{"a record above max.request.size", producer.Record{Topic: topic, Value: make([]byte, 1000)},
				producer.ErrRecordTooLarge},
			{"a topic that is not there", producer.Record{Topic: "nosuch"}, nil},
			{"a partition that is not there", producer.Record{Topic: topic, Partition: 2}, nil},
		} {
			err := p.Send(&c.rec, nil)
			if err == nil || c.want != nil && !errors.Is(err, c.want) {
				r.t.Errorf("%s: got %v", c.why, err)
			}
		}
		r.close(p)
		if err := p.Send(&producer.Record{Topic: topic}, nil); !errors.Is(err, env.ErrClosed) {
			r.t.Errorf("send after close: %v", err)
		}
	})
}
