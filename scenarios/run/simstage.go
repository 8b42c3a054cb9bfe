package run

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"path"

	"brokerlab/disks/device"
	"brokerlab/disks/simfs"
	"brokerlab/disks/spanfs"
	"brokerlab/engine/codec"
	"brokerlab/engine/env"
	"brokerlab/engine/simworld"
	"brokerlab/scenarios/hosts"
	"brokerlab/scenarios/spec"
)

// simStage is a simulated world with the machines of its brokers.
type simStage struct {
	world *simworld.World
	spec  *spec.Scenario
	seed  uint64
	disk  *device.Config // nil: the plain disk of fixed cost
	nodes []simNode      // in the order in which they were made
}

// simNode is a node that is metered.
type simNode struct {
	name   string
	client bool
	host   *simfs.Host // nil on the plain disk, and of clients
	disks  []*simfs.Disk
}

// newSimStage makes the world of a scenario on a modelled disk, or on the plain one
// if disk is nil.
func newSimStage(disk *device.Config, seed uint64, s *spec.Scenario) (*stage, error) {
	cfg := simworld.DefaultConfig()
	cfg.Seed = seed
	var err error
	if cfg.Link, err = networkOf(&s.Network); err != nil {
		return nil, err
	}
	if cfg.Prices, err = pricesOf(s); err != nil {
		return nil, err
	}
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	sim := &simStage{world: simworld.New(cfg), spec: s, seed: seed, disk: disk}
	st := &stage{
		world:  sim.world,
		mount:  sim.mount,
		client: func(name string) { sim.nodes = append(sim.nodes, simNode{name: name, client: true}) },
		read:   sim.read,
		hash:   func() string { return fmt.Sprintf("%016x", sim.world.Hash()) },
		events: func() uint64 { return sim.world.Stats().Steps() },
		now:    sim.world.Now,
		plain:  disk == nil,
		close:  sim.world.Close,
	}
	st.logDirs = []string{logDir}
	if disk != nil && s.Host.Disks > 1 {
		st.logDirs = nil
		for i := range s.Host.Disks {
			st.logDirs = append(st.logDirs, path.Join(memberName(i), logDir))
		}
	}
	return st, nil
}

// pricesOf is the price list of a scenario's host profile.
func pricesOf(s *spec.Scenario) (simworld.Prices, error) {
	p, err := hosts.Load(s.Host.Profile)
	if err != nil {
		return simworld.Prices{}, err
	}
	levels := hosts.Levels{
		codec.Gzip: {Level: s.Producers.GzipLevel}, codec.LZ4: {Level: s.Producers.LZ4Level},
		codec.Zstd: {Level: s.Producers.ZstdLevel},
	}
	groups := s.ProducerGroups()
	for i := len(groups) - 1; i >= 0; i-- { // of groups that share a codec the first one's price holds
		g := &groups[i].Producers
		kind, err := codec.Parse(g.Compression)
		level, priced := levels[kind]
		if err != nil || g.Count == 0 || !priced && g.Implementation == "default" {
			continue
		}
		switch kind {
		case codec.Gzip:
			level.Level = g.GzipLevel
		case codec.LZ4:
			level.Level = g.LZ4Level
		case codec.Zstd:
			level.Level = g.ZstdLevel
		}
		if g.Implementation != "default" {
			level.Implementation = codec.Implementation(g.Implementation)
		}
		levels[kind] = level
	}
	return p.Prices(levels), nil
}

// mount makes the machine of a broker with its disks, which outlive the node.
func (sim *simStage) mount(broker string) func(env.Node) env.FS {
	node := simNode{name: broker}
	if sim.disk == nil {
		sim.nodes = append(sim.nodes, node)
		return simfs.NewDisk(simfs.DefaultConfig()).Mount
	}
	h := &sim.spec.Host
	node.host = simfs.NewHost(sim.world, simfs.HostConfig{
		MemoryBytes: h.CacheBytes(), DirtyBackgroundRatio: h.DirtyBackground, DirtyRatio: h.DirtyLimit,
		DirtyExpire: h.DirtyExpire, DirtyWriteback: h.DirtyWriteback, ReadAheadBytes: h.ReadAhead,
	})
	for i := range h.Disks {
		node.disks = append(node.disks, node.host.NewDisk(simfs.DiskConfig{
			Name: diskName(i), Device: *sim.disk, FileSystem: h.FileSystem, Rand: sim.rand(broker + "/" + diskName(i)),
		}))
	}
	sim.nodes = append(sim.nodes, node)
	if len(node.disks) == 1 {
		return node.disks[0].Mount
	}
	return func(n env.Node) env.FS {
		members := make([]spanfs.Member, len(node.disks))
		for i, d := range node.disks {
			members[i] = spanfs.Member{Name: memberName(i), FS: d.Mount(n)}
		}
		return spanfs.New(members...)
	}
}

func diskName(index int) string { return fmt.Sprintf("disk-%d", index+1) }

// rand is the generator of one device.
func (sim *simStage) rand(device string) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte("device " + device))
	return rand.New(rand.NewPCG(sim.seed, h.Sum64()))
}

// read takes the counters of all brokers and clients.
func (sim *simStage) read(now env.Time) reading {
	r := reading{at: now, nodes: make([]nodeReading, len(sim.nodes))}
	for i := range sim.nodes {
		r.nodes[i] = sim.readNode(&sim.nodes[i])
	}
	return r
}

func (sim *simStage) readNode(n *simNode) nodeReading {
	out := nodeReading{name: n.name, client: n.client, cores: sim.spec.Host.Cores, cpu: true,
		worked: sim.world.Worked(n.name)}
	if n.client {
		out.cores = sim.spec.Host.ClientCores
	}
	spent := charged(sim.world.Charged(n.name))
	out.charged = &spent
	out.net = netReadingOf(sim.world.NetStats(n.name))
	if n.host == nil {
		return out
	}
	out.cache = readCache(n.host)
	for i, d := range n.disks {
		out.disks = append(out.disks, readDevice(diskName(i), sim.disk, d.Stats().Volume.Device))
	}
	return out
}
