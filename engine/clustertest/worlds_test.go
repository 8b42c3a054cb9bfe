package clustertest

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"go.uber.org/goleak"

	"brokerlab/disks/osfs"
	"brokerlab/disks/simfs"
	"brokerlab/engine/broker"
	"brokerlab/engine/cluster"
	"brokerlab/engine/commitlog"
	"brokerlab/engine/consumer"
	"brokerlab/engine/controller"
	"brokerlab/engine/env"
	"brokerlab/engine/producer"
	"brokerlab/engine/protocol"
	"brokerlab/engine/realworld"
	"brokerlab/engine/record"
	"brokerlab/engine/simworld"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// stage is one world with its storage.
type stage struct {
	env.World
	sim   *simworld.World // nil in the real world
	disks []*simfs.Disk   // of the brokers in order; nil in the real world
}

// world makes stages of one kind.
type world struct {
	name string
	make func(t testing.TB) *stage
}

// mount returns the storage of the next broker.
func (s *stage) mount(t testing.TB, cfg simfs.Config) func(env.Node) env.FS {
	if s.sim == nil {
		fs := osfs.New(t.TempDir())
		return func(env.Node) env.FS { return fs }
	}
	s.disks = append(s.disks, simfs.NewDisk(cfg))
	return s.disks[len(s.disks)-1].Mount
}

var onFiles = world{"real", func(testing.TB) *stage {
	return &stage{World: realworld.New(realworld.Config{Seed: 1, Poison: true})}
}}

// simulated is the simulated world with a changed configuration.
func simulated(change func(*simworld.Config)) world {
	return world{"sim", func(t testing.TB) *stage {
		cfg := simworld.DefaultConfig()
		cfg.Seed, cfg.Poison = 1, true
		if change != nil {
			change(&cfg)
		}
		w := simworld.New(cfg)
		t.Cleanup(w.Close)
		return &stage{World: w, sim: w}
	}}
}

// exact is a simulated world in which nothing but the links takes time, so that
// instants can be compared.
func exact(delay time.Duration) world {
	return simulated(func(c *simworld.Config) {
		*c = simworld.Config{Seed: 1, Poison: true, Link: simworld.Link{Delay: delay}}
	})
}

var worlds = []world{onFiles, simulated(nil)}

// inWorlds runs the test in each world.
func inWorlds(t *testing.T, s setup, body func(r *rig)) {
	t.Helper()
	if s.disk == (simfs.Config{}) {
		s.disk = simfs.DefaultConfig()
	}
	for _, w := range worlds {
		t.Run(w.name, func(t *testing.T) { run(t, w, s, body) })
	}
}

const topic = "t"

var part0 = protocol.TopicPartition{Topic: topic}

// setup is a cluster that is not started yet.
type setup struct {
	brokers, partitions, replicas int
	started                       int // how many of the brokers the rig starts; 0 means all
	disk                          simfs.Config
	diskOf                        map[int]simfs.Config // of single brokers, by index
	// modelled, if not nil, makes the disk of the broker of that index, in a simulated world.
	modelled  func(i int, w *simworld.World) *simfs.Disk
	wrap      func(i int, fs env.FS) env.FS // the file system of the broker of that index; or nil
	log       func(*commitlog.Config)
	broker    func(*broker.Config)
	minInSync int
	// elects, if not nil, starts a controller and changes its configuration.
	elects func(*cluster.ControllerConfig)
}

// rig is a running cluster and a client node, as a test sees it.
type rig struct {
	t       testing.TB
	stage   *stage
	setup   setup
	client  env.Node
	nodes   []env.Node
	plan    *cluster.Plan
	brokers []*broker.Broker // nil where none runs
	crashed bool             // a node ended without giving its buffers back
	losses  uint64           // part of the seed of what power failures leave

	controllerNode env.Node // nil without a controller
	controller     *controller.Controller
}

// run starts the cluster in the world, runs body as a task of the client node,
// closes the brokers and checks that every buffer was given back.
func run(t testing.TB, wd world, s setup, body func(r *rig)) {
	t.Helper()
	r := &rig{t: t, stage: wd.make(t), setup: s}
	r.boot(func(i int) func(env.Node) env.FS {
		disk, ok := s.diskOf[i]
		if !ok {
			disk = s.disk
		}
		var mount func(env.Node) env.FS
		if s.modelled != nil {
			d := s.modelled(i, r.stage.sim)
			r.stage.disks = append(r.stage.disks, d)
			mount = d.Mount
		} else {
			mount = r.stage.mount(t, disk)
		}
		if s.wrap == nil {
			return mount
		}
		return func(n env.Node) env.FS { return s.wrap(i, mount(n)) }
	})
	r.brokers = make([]*broker.Broker, s.brokers)
	err := r.stage.Run(r.client, func() {
		r.startController()
		for i := range r.nodes {
			if s.started == 0 || i < s.started {
				r.start(i)
			}
		}
		body(r)
		for i := range r.brokers {
			r.stop(i)
		}
		if r.controller != nil {
			r.close(r.controller)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	r.checkPools()
}

const controllerAddr = "controller:9093"

func (r *rig) startController() {
	if r.controllerNode == nil {
		return
	}
	cfg := controller.Config{ControllerConfig: cluster.DefaultControllerConfig(), Addr: controllerAddr, Plan: r.plan}
	r.setup.elects(&cfg.ControllerConfig)
	var err error
	if r.controller, err = controller.Start(r.controllerNode, cfg); err != nil {
		r.t.Fatal(err)
	}
}

// boot makes the nodes and the plan.
func (r *rig) boot(mount func(i int) func(env.Node) env.FS) {
	var ids []cluster.Broker
	for i := range r.setup.brokers {
		name := fmt.Sprintf("broker-%d", i+1)
		ids = append(ids, cluster.Broker{ID: int32(i + 1), Addr: name + ":9092"})
		r.nodes = append(r.nodes, r.stage.NewNode(env.NodeConfig{Name: name, Mount: mount(i)}))
	}
	var err error
	r.plan, err = cluster.Assign(ids, []cluster.Topic{
		{Name: topic, Partitions: r.setup.partitions, ReplicationFactor: r.setup.replicas}})
	if err != nil {
		r.t.Fatal(err)
	}
	r.client = r.stage.NewNode(env.NodeConfig{Name: "client"})
	if r.setup.elects != nil {
		r.controllerNode = r.stage.NewNode(env.NodeConfig{Name: "controller"})
	}
}

// checkPools says which node has not given its buffers back.
func (r *rig) checkPools() {
	r.t.Helper()
	for _, d := range r.stage.disks {
		d.Close()
	}
	for _, n := range append(r.nodes, r.client) {
		if live := n.Pool().Live(); live != 0 && !r.crashed && !r.t.Failed() {
			r.t.Errorf("node %s: %d buffers were not released", n.Name(), live)
		}
	}
}

// start boots a broker on its own node.
func (r *rig) start(i int) {
	cfg := broker.DefaultConfig()
	cfg.ID, cfg.Plan, cfg.LogDirs = int32(i+1), r.plan, []string{"logs"}
	log := commitlog.DefaultConfig()
	if r.setup.log != nil {
		r.setup.log(&log)
	}
	cfg.Topics = []broker.TopicLog{{Topic: topic, Log: log, MinInSync: r.setup.minInSync}}
	if r.controller != nil {
		cfg.Controller = controllerAddr
	}
	if r.setup.broker != nil {
		r.setup.broker(&cfg)
	}
	b, err := broker.Start(r.nodes[i], cfg)
	if err != nil {
		r.t.Fatal(err)
	}
	r.brokers[i] = b
}

// stop closes a broker, if it runs.
func (r *rig) stop(i int) {
	if b := r.brokers[i]; b != nil {
		r.brokers[i] = nil
		if err := b.Close(); err != nil {
			r.t.Errorf("close broker %d: %v", i+1, err)
		}
	}
}

// down ends a broker's node: its process, or its power too.
func (r *rig) down(i int, power bool) {
	r.crashed = true
	r.brokers[i] = nil
	name := r.nodes[i].Name()
	if !power {
		r.stage.sim.Crash(name)
		r.stage.disks[i].Crash()
		return
	}
	r.stage.sim.PowerOff(name)
	r.stage.disks[i].PowerLoss(rand.New(rand.NewPCG(7+r.losses, uint64(i))))
}

// reboot starts the node of a broker that is down, and the broker.
func (r *rig) reboot(i int) {
	r.nodes[i] = r.stage.sim.Restart(r.nodes[i].Name(), r.stage.disks[i].Mount)
	r.start(i)
}

func (r *rig) producer(change func(*producer.Config)) *producer.Producer {
	cfg := producer.DefaultConfig()
	cfg.Bootstrap = r.bootstrap()
	if change != nil {
		change(&cfg)
	}
	p, err := producer.New(r.client, cfg)
	if err != nil {
		r.t.Fatal(err)
	}
	return p
}

// bootstrap is the address of every broker.
func (r *rig) bootstrap() (addrs []string) {
	for _, b := range r.plan.Brokers {
		addrs = append(addrs, b.Addr)
	}
	return addrs
}

// now is the cluster as it is: the plan, or what the controller made of it.
func (r *rig) now() *cluster.Plan {
	if r.controller == nil {
		return r.plan
	}
	return r.controller.Plan()
}

// close closes what a test has opened.
func (r *rig) close(c interface{ Close() error }) {
	r.t.Helper()
	if err := c.Close(); err != nil {
		r.t.Errorf("close: %v", err)
	}
}

// consumer reads partition 0 from an offset on.
func (r *rig) consumer(offset int64, change func(*consumer.Config)) *consumer.Consumer {
	return r.consumerOf([]consumer.Assignment{{TopicPartition: part0, Offset: offset}}, change)
}

func (r *rig) consumerOf(assigned []consumer.Assignment, change func(*consumer.Config)) *consumer.Consumer {
	cfg := consumer.DefaultConfig()
	cfg.Bootstrap, cfg.AutoOffsetReset = r.bootstrap(), consumer.ResetNone
	if change != nil {
		change(&cfg)
	}
	c, err := consumer.New(r.client, cfg, assigned)
	if err != nil {
		r.t.Fatal(err)
	}
	return c
}

// pass lets virtual time pass; the real world does not wait.
func (r *rig) pass(d time.Duration) {
	if r.stage.sim != nil {
		r.client.Sleep(d)
	}
}

// all assigns every partition from its beginning.
func (r *rig) all() []consumer.Assignment {
	var assigned []consumer.Assignment
	for _, p := range r.plan.Partitions {
		assigned = append(assigned, consumer.Assignment{TopicPartition: p.TopicPartition, Offset: protocol.EarliestOffset})
	}
	return assigned
}

// readAll consumes all partitions from their beginning until count records were
// seen, and returns the values by partition in offset order.
func (r *rig) readAll(count int) [][]string {
	c := r.consumerOf(r.all(), func(c *consumer.Config) { c.MaxPartitionFetchBytes = 8 << 10 })
	defer r.close(c)
	out := make([][]string, len(r.plan.Partitions))
	deadline := r.client.Now().Add(20 * time.Second)
	for got := 0; got < count && r.client.Now() < deadline; {
		n, err := c.Poll(r.client.Now().Add(time.Second), func(tp protocol.TopicPartition, rec *record.Record) {
			if want := int64(len(out[tp.Partition])); rec.Offset != want {
				r.t.Errorf("partition %d: offset %d, want %d", tp.Partition, rec.Offset, want)
			}
			out[tp.Partition] = append(out[tp.Partition], string(rec.Value))
		})
		if err != nil {
			r.t.Error(err)
			break
		}
		got += n
	}
	return out
}
