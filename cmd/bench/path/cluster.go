// Package path is the whole path that benchmarks drive: brokers with their logs,
// producers and consumers, on real files or in the simulated world. It measures
// the path and does not check what comes out of it: tests do that.
package path

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"brokerlab/disks/osfs"
	"brokerlab/disks/simfs"
	"brokerlab/engine/broker"
	"brokerlab/engine/cluster"
	"brokerlab/engine/commitlog"
	"brokerlab/engine/env"
	"brokerlab/engine/realworld"
	"brokerlab/engine/simworld"
)

const topic = "bench"

// Config describes a cluster.
type Config struct {
	Dir        string // for the logs, which are removed at the end; "" = the simulated world
	Brokers    int
	Partitions int
	Replicas   int
	Clients    int                     // machines for producers and consumers
	Log        func(*commitlog.Config) // changes of Kafka's defaults; may be nil
	IOThreads  int                     // num.io.threads; 0 = Kafka's default
}

// Cluster is running. Its methods are for the body of Run.
type Cluster struct {
	cfg     Config
	world   env.World
	sim     *simworld.World
	disks   []*simfs.Disk
	plan    *cluster.Plan
	nodes   []env.Node
	brokers []*broker.Broker
	driver  env.Node
	clients []env.Node
	values  []byte
}

// Run starts a cluster, runs body with it and removes the logs.
func Run(cfg Config, body func(*Cluster) error) (err error) {
	c := &Cluster{cfg: cfg, values: values()}
	defer func() { err = errors.Join(err, c.remove()) }()
	if err := c.build(); err != nil {
		return err
	}
	var failure error
	err = c.world.Run(c.driver, func() {
		failure = c.start()
		if failure == nil {
			failure = body(c)
		}
		for _, b := range c.brokers {
			if b != nil {
				failure = errors.Join(failure, b.Err(), b.Discard())
			}
		}
	})
	return errors.Join(err, failure)
}

// build makes the world with its nodes.
func (c *Cluster) build() error {
	if c.cfg.Dir == "" {
		cfg := simworld.DefaultConfig()
		cfg.Seed = 1
		c.sim = simworld.New(cfg)
		c.world = c.sim
	} else {
		c.world = realworld.New(realworld.Config{Seed: 1})
	}
	var ids []cluster.Broker
	for i := range c.cfg.Brokers {
		name := fmt.Sprintf("broker-%d", i+1)
		ids = append(ids, cluster.Broker{ID: int32(i + 1), Addr: name + ":9092"})
		c.nodes = append(c.nodes, c.world.NewNode(env.NodeConfig{Name: name, Mount: c.mount(name)}))
	}
	c.driver = c.world.NewNode(env.NodeConfig{Name: "driver"})
	for i := range c.cfg.Clients {
		c.clients = append(c.clients, c.world.NewNode(env.NodeConfig{Name: fmt.Sprintf("client-%d", i+1)}))
	}
	var err error
	c.plan, err = cluster.Assign(ids, []cluster.Topic{
		{Name: topic, Partitions: c.cfg.Partitions, ReplicationFactor: c.cfg.Replicas}})
	return err
}

func (c *Cluster) mount(name string) func(env.Node) env.FS {
	if c.sim == nil {
		fs := osfs.New(filepath.Join(c.cfg.Dir, name))
		return func(env.Node) env.FS { return fs }
	}
	disk := simfs.NewDisk(simfs.DefaultConfig())
	c.disks = append(c.disks, disk)
	return disk.Mount
}

// start starts all brokers at once, each from a task of its own node.
func (c *Cluster) start() error {
	started, err := newGate(c.driver, len(c.nodes))
	if err != nil {
		return err
	}
	c.brokers = make([]*broker.Broker, len(c.nodes))
	failures := make([]error, len(c.nodes))
	for i, node := range c.nodes {
		node.Go("boot", func() {
			c.brokers[i], failures[i] = broker.Start(node, c.brokerConfig(i))
			started.Release(1)
		})
	}
	err = started.Acquire(int64(len(c.nodes)), env.Never)
	return errors.Join(err, errors.Join(failures...))
}

func (c *Cluster) brokerConfig(i int) broker.Config {
	cfg := broker.DefaultConfig()
	cfg.ID, cfg.Plan, cfg.LogDirs = int32(i+1), c.plan, []string{"logs"}
	log := commitlog.DefaultConfig()
	if c.cfg.Log != nil {
		c.cfg.Log(&log)
	}
	cfg.Topics = []broker.TopicLog{{Topic: topic, Log: log}}
	if c.cfg.IOThreads > 0 {
		cfg.Server.IOThreads = c.cfg.IOThreads
	}
	return cfg
}

// remove ends the simulated world, or removes what is left of the logs.
func (c *Cluster) remove() error {
	if c.sim == nil {
		var err error
		for _, node := range c.nodes {
			err = errors.Join(err, os.RemoveAll(filepath.Join(c.cfg.Dir, node.Name())))
		}
		return err
	}
	c.sim.Close()
	for _, d := range c.disks {
		d.Close()
	}
	return nil
}

// Files are the log files of a partition, of all its replicas, on real files.
func (c *Cluster) Files(partition int) ([]string, error) {
	return filepath.Glob(filepath.Join(c.cfg.Dir, "*", "logs", fmt.Sprintf("%s-%d", topic, partition), "*.log"))
}

// Recycle empties the log files of partitions that are done with, behind the
// brokers' backs, so that the memory behind the page cache is used again. Neither
// the brokers nor a client may look at these partitions any more.
func (c *Cluster) Recycle(partitions ...int) error {
	for _, partition := range partitions {
		files, err := c.Files(partition)
		if err != nil {
			return err
		}
		for _, file := range files {
			if err := os.Truncate(file, 0); err != nil {
				return err
			}
		}
	}
	return nil
}

// Steps is how many kernel events the simulated world has had.
func (c *Cluster) Steps() uint64 { return c.sim.Stats().Steps() }

// Driver is the node that the body runs on.
func (c *Cluster) Driver() env.Node { return c.driver }

// valueBytes is the size of the memory that record values are taken from: more
// than a processor's first cache, less than its last.
const valueBytes = 1 << 20

// values is what records are made of: bytes that differ. Nothing is compressed,
// so that they need not be more than that.
func values() []byte {
	b := make([]byte, valueBytes)
	x := uint64(88172645463325252)
	for i := range b {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		b[i] = byte(x)
	}
	return b
}
