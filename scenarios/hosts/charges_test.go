package hosts_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"brokerlab/disks/profiles"
	"brokerlab/disks/simfs"
	"brokerlab/engine/broker"
	"brokerlab/engine/cluster"
	"brokerlab/engine/codec"
	"brokerlab/engine/commitlog"
	"brokerlab/engine/consumer"
	"brokerlab/engine/env"
	"brokerlab/engine/producer"
	"brokerlab/engine/protocol"
	"brokerlab/engine/record"
	"brokerlab/engine/simworld"
)

// nodes are a leader, a follower and a client of both.
var nodeNames = []string{"broker-1", "broker-2", "client"}

// workOf runs a producer and a consumer of a replicated partition in a world in
// which one operation costs a microsecond and all else is free. It returns how many
// of it each node was charged.
func workOf(t *testing.T, op env.Op, kind codec.Type) (charged []int) {
	t.Helper()
	var prices simworld.Prices
	prices.Ops[op] = simworld.Price{PerCallNs: 1000}
	w := simworld.New(simworld.Config{Prices: prices})
	defer w.Close()
	disk, err := profiles.Load("nvme")
	if err != nil {
		t.Fatal(err)
	}
	var ids []cluster.Broker
	var nodes []env.Node
	for i, name := range nodeNames {
		cfg := env.NodeConfig{Name: name}
		if name != "client" {
			ids = append(ids, cluster.Broker{ID: int32(i + 1), Addr: name + ":9092"})
			host := simfs.NewHost(w, simfs.HostConfig{MemoryBytes: 1 << 30, DirtyBackgroundRatio: 10, DirtyRatio: 20,
				DirtyExpire: 30 * time.Second, DirtyWriteback: 5 * time.Second, ReadAheadBytes: 128 << 10})
			cfg.Mount = host.NewDisk(simfs.DiskConfig{Name: "disk", Device: disk.Config, FileSystem: "ext4",
				Rand: w.NewNode(env.NodeConfig{Name: "rand of " + name}).Rand("disk")}).Mount
		}
		nodes = append(nodes, w.NewNode(cfg))
	}
	plan, err := cluster.Assign(ids, []cluster.Topic{{Name: "t", Partitions: 1, ReplicationFactor: 2}})
	if err != nil {
		t.Fatal(err)
	}
	client := nodes[2]
	err = w.Run(client, func() {
		var brokers []*broker.Broker
		for i, node := range nodes[:2] {
			cfg := broker.DefaultConfig()
			cfg.ID, cfg.Plan, cfg.LogDirs = int32(i+1), plan, []string{"logs"}
			cfg.Topics = []broker.TopicLog{{Topic: "t", Log: commitlog.DefaultConfig()}}
			b, err := broker.Start(node, cfg)
			if err != nil {
				t.Error(err)
				return
			}
			brokers = append(brokers, b)
		}
		worked := func() (all []int) {
			client.Sleep(0) // which pays what this task was charged
			for _, name := range nodeNames {
				all = append(all, int(w.Worked(name)/time.Microsecond))
			}
			return all
		}
		began := worked() // this task has started the brokers
		if err := sendAndRead(client, kind); err != nil {
			t.Error(err)
		}
		charged = worked()
		for i := range charged {
			charged[i] -= began[i]
		}
		for _, b := range brokers {
			if err := b.Close(); err != nil {
				t.Error(err)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return charged
}

// sendAndRead sends ten records with acks=all, one batch, and reads them.
func sendAndRead(client env.Node, kind codec.Type) error {
	const count = 10
	bootstrap := []string{"broker-1:9092"}
	cfg := producer.DefaultConfig()
	cfg.Bootstrap, cfg.Acks, cfg.Compression = bootstrap, protocol.AcksAll, kind
	cfg.Level, cfg.Linger = codec.DefaultLevel(kind), time.Millisecond
	p, err := producer.New(client, cfg)
	if err != nil {
		return err
	}
	for range count {
		if err := p.Send(&producer.Record{Topic: "t", Partition: 0, Value: make([]byte, 100)}, nil); err != nil {
			return err
		}
	}
	if err := p.Close(); err != nil {
		return err
	}
	reads := consumer.DefaultConfig()
	reads.Bootstrap = bootstrap
	c, err := consumer.New(client, reads, []consumer.Assignment{{
		TopicPartition: protocol.TopicPartition{Topic: "t"}, Offset: protocol.EarliestOffset}})
	if err != nil {
		return err
	}
	got := 0
	for got < count {
		n, err := c.Poll(client.Now().Add(time.Second), func(protocol.TopicPartition, *record.Record) {})
		if err != nil || n == 0 {
			return fmt.Errorf("%d records after %d: %w", n, got, err)
		}
		got += n
	}
	return c.Close()
}

// Goal: everything that a profile prices is charged by the nodes that do it, so that
// no figure of a profile is without effect. Method: one produce and one consume of a
// replicated batch, with one operation priced at a time.
func TestEveryOperationIsCharged(t *testing.T) {
	const leader, follower, client = 0, 1, 2
	rows := []struct {
		op   env.Op
		kind codec.Type
		on   []int
	}{
		{env.OpRecordEncode, codec.None, []int{client}},
		{env.OpRecordAck, codec.None, []int{client}},
		{env.OpRecordCheck, codec.None, []int{leader}},
		{env.OpRecordDecode, codec.None, []int{client}},
		{env.OpCRC, codec.None, []int{leader, follower, client}},
		{env.OpCopy, codec.None, []int{follower, client}},
		{env.OpAppend, codec.None, []int{leader, follower}},
		{env.OpRequest, codec.None, []int{leader, follower, client}},
		{env.OpHandle, codec.None, []int{leader}},
		{env.OpSend, codec.None, []int{leader, follower, client}},
		{env.OpReceive, codec.None, []int{leader, follower, client}},
		{env.OpSyscall, codec.None, []int{leader, follower}},
	}
	for _, kind := range codec.Types() {
		if compress, ok := codec.CompressOp(kind); ok {
			decompress, _ := codec.DecompressOp(kind)
			rows = append(rows, []struct {
				op   env.Op
				kind codec.Type
				on   []int
			}{{compress, kind, []int{client}}, {decompress, kind, []int{leader, client}}}...)
		}
	}
	if len(rows) != int(env.OpCount) {
		t.Errorf("%d operations are looked at, there are %d", len(rows), env.OpCount)
	}
	for _, row := range rows {
		charged := workOf(t, row.op, row.kind)
		for i, n := range charged {
			if must := slices.Contains(row.on, i); must && n == 0 {
				t.Errorf("operation %d: %s was charged nothing", row.op, nodeNames[i])
			} else if !must && n > 0 && row.op != env.OpHandle { // a follower has other requests
				t.Errorf("operation %d: %s was charged %d of it", row.op, nodeNames[i], n)
			}
		}
	}
}
