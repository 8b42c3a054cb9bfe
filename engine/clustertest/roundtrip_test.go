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
// send to one producer, one by one or in bursts; each record names its task and
// number.
func TestProduceAndConsume(t *testing.T) {
	const tasks, each = 3, 400
	for _, c := range []struct {
		why      string
		replicas int
		burst    int
		change   func(*producer.Config)
	}{
		{"one replica, leader acknowledges", 1, 1, func(c *producer.Config) { c.Acks = protocol.AcksLeader }},
		{"three replicas, all acknowledge", 3, 1, func(c *producer.Config) { c.Acks = protocol.AcksAll }},
		{"no acknowledgement", 3, 1, func(c *producer.Config) { c.Acks = protocol.AcksNone }},
		{"no linger, one request in flight", 1, 1, func(c *producer.Config) { c.Linger, c.MaxInFlight = 0, 1 }},
		{"gzip", 1, 1, compressed("gzip")},
		{"snappy", 3, 1, compressed("snappy")},
		{"lz4", 1, 7, compressed("lz4")},
		{"zstd", 1, 1, compressed("zstd")},
		{"batches of one record", 1, 1, func(c *producer.Config) { c.BatchSize = 1 }},
		{"a buffer of two batches", 1, 1, func(c *producer.Config) { c.BatchSize, c.BufferMemory = 1<<10, 2<<10 }},
		{"bursts larger than that buffer", 3, 80, func(c *producer.Config) { c.BatchSize, c.BufferMemory = 1<<10, 2<<10 }},
		{"bursts of which each fills many batches", 1, 80, func(c *producer.Config) { c.BatchSize = 1 }},
	} {
		t.Run(c.why, func(t *testing.T) {
			inWorlds(t, setup{brokers: 3, partitions: 4, replicas: c.replicas}, func(r *rig) {
				produceAndConsume(r, sending{tasks, each, c.burst}, c.change)
			})
		})
	}
}

// sending is what the tasks of a test send, each so many records.
type sending struct{ tasks, each, burst int }

// sendAll sends a task's records, by SendAll if they come in bursts.
func (s sending) sendAll(p *producer.Producer, k int, done func(producer.Ack, error)) error {
	var burst []producer.Record
	for i := range s.each {
		burst = append(burst, producer.Record{Topic: topic, Partition: -1,
			Value: fmt.Appendf(nil, "%d %06d some more text", k, i)})
		if len(burst) < s.burst && i < s.each-1 {
			continue
		}
		if s.burst == 1 {
			if err := p.Send(&burst[0], done); err != nil {
				return err
			}
		} else if sent, err := p.SendAll(burst, done); err != nil || sent != len(burst) {
			return fmt.Errorf("%d of %d sent: %w", sent, len(burst), err)
		}
		burst = burst[:0]
	}
	return nil
}

func produceAndConsume(r *rig, s sending, change func(*producer.Config)) {
	p := r.producer(change)
	mu := r.client.NewMutex()
	acked, all := 0, s.tasks*s.each
	g := task.NewGroup(r.client)
	for k := range s.tasks {
		g.Go("send", func() error {
			return s.sendAll(p, k, func(_ producer.Ack, err error) {
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					acked++
				}
			})
		})
	}
	if err := g.Wait(); err != nil {
		r.t.Error(err)
	}
	r.close(p)
	if acked != all {
		r.t.Errorf("%d of %d records acknowledged", acked, all)
	}
	seen := make(map[string]bool)
	for part, values := range r.readAll(all) {
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
	if len(seen) != all {
		r.t.Errorf("%d of %d records read back", len(seen), all)
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

// Goal: SendAll ends at the first record that Send would not take, and the
// callback tells of those before it alone. Method: one record that is too large in
// each place of three.
func TestSendAllErrors(t *testing.T) {
	inWorlds(t, setup{brokers: 1, partitions: 1, replicas: 1}, func(r *rig) {
		p := r.producer(func(c *producer.Config) { c.MaxRequestSize = 1000 })
		told := 0
		for bad := range 3 {
			burst := make([]producer.Record, 3)
			for i := range burst {
				burst[i] = producer.Record{Topic: topic, Value: []byte("v")}
			}
			burst[bad].Value = make([]byte, 1000)
			sent, err := p.SendAll(burst, func(producer.Ack, error) { told++ })
			if sent != bad || !errors.Is(err, producer.ErrNotSent) || !errors.Is(err, producer.ErrRecordTooLarge) {
				r.t.Errorf("the record at %d is too large: %d sent, %v", bad, sent, err)
			}
		}
		if sent, err := p.SendAll(nil, nil); sent != 0 || err != nil {
			r.t.Errorf("no records: %d sent, %v", sent, err)
		}
		r.close(p)
		if told != 0+1+2 {
			r.t.Errorf("%d records were told of, want 3", told)
		}
		sent, err := p.SendAll([]producer.Record{{Topic: topic}}, nil)
		if sent != 0 || !errors.Is(err, env.ErrClosed) {
			r.t.Errorf("after close: %d sent, %v", sent, err)
		}
	})
}
