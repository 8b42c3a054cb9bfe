package clustertest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"go.uber.org/goleak"

	"brokerlab/disks/osfs"
	"brokerlab/disks/simfs"
	"brokerlab/engine/broker"
	"brokerlab/engine/cluster"
	"brokerlab/engine/commitlog"
	"brokerlab/engine/consumer"
	"brokerlab/engine/env"
	"brokerlab/engine/producer"
	"brokerlab/engine/protocol"
	"brokerlab/engine/realworld"
	"brokerlab/engine/record"
	"brokerlab/engine/simworld"
	"brokerlab/engine/task"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// world is one of the worlds with its storage.
type world struct {
	name string
	make func(t *testing.T) (w env.World, mount func(t *testing.T, node string) func(env.Node) env.FS)
}

var worlds = []world{
	{"real", func(*testing.T) (env.World, func(*testing.T, string) func(env.Node) env.FS) {
		return realworld.New(realworld.Config{Seed: 1, Poison: true}),
			func(t *testing.T, _ string) func(env.Node) env.FS {
				fs := osfs.New(t.TempDir())
				return func(env.Node) env.FS { return fs }
			}
	}},
	{"sim", func(t *testing.T) (env.World, func(*testing.T, string) func(env.Node) env.FS) {
		cfg := simworld.DefaultConfig()
		cfg.Seed, cfg.Poison = 1, true
		w := simworld.New(cfg)
		t.Cleanup(w.Close)
		return w, func(*testing.T, string) func(env.Node) env.FS { return simfs.NewDisk(simfs.DefaultConfig()).Mount }
	}},
}

const topic = "t"

// setup is a cluster that is not started yet.
type setup struct {
	brokers, partitions, replicas int
	log                           func(*commitlog.Config)
	broker                        func(*broker.Config)
}

// rig is a running cluster and a client node, as a test sees it.
type rig struct {
	t       *testing.T
	client  env.Node
	nodes   []env.Node
	plan    *cluster.Plan
	brokers []*broker.Broker
}

// run starts the cluster in the world, runs body as a task of the client node,
// closes the brokers and checks that every buffer was given back.
func run(t *testing.T, wd world, s setup, body func(r *rig)) {
	t.Helper()
	w, mount := wd.make(t)
	r := &rig{t: t}
	var ids []cluster.Broker
	for i := range s.brokers {
		name := fmt.Sprintf("broker-%d", i+1)
		ids = append(ids, cluster.Broker{ID: int32(i + 1), Addr: name + ":9092"})
		r.nodes = append(r.nodes, w.NewNode(env.NodeConfig{Name: name, Mount: mount(t, name)}))
	}
	var err error
	r.plan, err = cluster.Assign(ids, []cluster.Topic{{Name: topic, Partitions: s.partitions, ReplicationFactor: s.replicas}})
	if err != nil {
		t.Fatal(err)
	}
	r.client = w.NewNode(env.NodeConfig{Name: "client"})
	err = w.Run(r.client, func() {
		for i := range r.nodes {
			r.brokers = append(r.brokers, r.start(i, s))
		}
		body(r)
		for _, b := range r.brokers {
			if err := b.Close(); err != nil {
				t.Errorf("close a broker: %v", err)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range append(r.nodes, r.client) {
		if live := n.Pool().Live(); live != 0 && !t.Failed() && wd.name == "real" {
			t.Errorf("node %s: %d buffers were not released", n.Name(), live)
		}
	}
}

// start boots a broker on its own node.
func (r *rig) start(i int, s setup) *broker.Broker {
	cfg := broker.DefaultConfig()
	cfg.ID, cfg.Plan, cfg.LogDir = int32(i+1), r.plan, "logs"
	log := commitlog.DefaultConfig()
	if s.log != nil {
		s.log(&log)
	}
	cfg.Topics = []broker.TopicLog{{Topic: topic, Log: log}}
	if s.broker != nil {
		s.broker(&cfg)
	}
	b, err := broker.Start(r.nodes[i], cfg)
	if err != nil {
		r.t.Fatal(err)
	}
	return b
}

func (r *rig) producer(change func(*producer.Config)) *producer.Producer {
	cfg := producer.DefaultConfig()
	cfg.Bootstrap = []string{"broker-1:9092"}
	if change != nil {
		change(&cfg)
	}
	p, err := producer.New(r.client, cfg)
	if err != nil {
		r.t.Fatal(err)
	}
	return p
}

// readAll consumes all partitions from their beginning until count records were
// seen, and returns the values by partition in offset order.
func (r *rig) readAll(count int) [][]string {
	cfg := consumer.DefaultConfig()
	cfg.Bootstrap = []string{"broker-1:9092"}
	cfg.MaxPartitionFetchBytes = 8 << 10
	var assigned []consumer.Assignment
	for _, p := range r.plan.Partitions {
		assigned = append(assigned, consumer.Assignment{TopicPartition: p.TopicPartition, Offset: protocol.EarliestOffset})
	}
	c, err := consumer.New(r.client, cfg, assigned)
	if err != nil {
		r.t.Fatal(err)
	}
	out := make([][]string, len(assigned))
	deadline := r.client.Now().Add(20 * time.Second)
	for got := 0; got < count && r.client.Now() < deadline; {
		n, err := c.Poll(r.client.Now().Add(time.Second), func(tp protocol.TopicPartition, rec *record.Record) {
			if want := int64(len(out[tp.Partition])); rec.Offset != want {
				r.t.Errorf("partition %d: offset %d, want %d", tp.Partition, rec.Offset, want)
			}
			out[tp.Partition] = append(out[tp.Partition], string(rec.Value))
		})
		if err != nil {
			r.t.Fatal(err)
		}
		got += n
	}
	if err := c.Close(); err != nil {
		r.t.Errorf("close the consumer: %v", err)
	}
	return out
}

// inWorlds runs the test in each world.
func inWorlds(t *testing.T, s setup, body func(r *rig)) {
	for _, w := range worlds {
		t.Run(w.name, func(t *testing.T) { run(t, w, s, body) })
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
	if err := p.Close(); err != nil {
		r.t.Error(err)
	}
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
		if err := p.Close(); err != nil {
			r.t.Error(err)
		}
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
			{"a record above max.request.size", producer.Record{Topic: topic, Value: make([]byte, 1000)}, producer.ErrRecordTooLarge},
			{"a topic that is not there", producer.Record{Topic: "nosuch"}, nil},
			{"a partition that is not there", producer.Record{Topic: topic, Partition: 2}, nil},
		} {
			err := p.Send(&c.rec, nil)
			if err == nil || c.want != nil && !errors.Is(err, c.want) {
				r.t.Errorf("%s: got %v", c.why, err)
			}
		}
		if err := p.Close(); err != nil {
			r.t.Error(err)
		}
		if err := p.Send(&producer.Record{Topic: topic}, nil); !errors.Is(err, env.ErrClosed) {
			r.t.Errorf("send after close: %v", err)
		}
	})
}
