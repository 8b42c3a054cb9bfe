package run

import (
	"errors"

	"brokerlab/engine/env"
	"brokerlab/engine/realworld"
	"brokerlab/results"
	"brokerlab/scenarios/spec"
)

// stage is the world of one repeat.
type stage struct {
	world env.World
	// mount gives a broker's node its storage.
	mount func(broker string) func(env.Node) env.FS
	// client says that the node of a producer or a consumer has this name.
	client func(name string)
	// logDirs are a broker's log directories on it.
	logDirs []string
	// read takes the counters of this instant, which it is told.
	read func(now env.Time) reading
	// hash digests a simulated run; "" for a real one.
	hash func() string
	// events are those of a simulated world's kernel so far; 0 in a real one.
	events func() uint64
	// now is the instant that a simulated world has reached; 0 in a real one.
	now func() env.Time
	// real says that the time is the wall clock's, and files are.
	real bool
	// plain says that the disk is simulated and has no page cache.
	plain bool
	close func()
}

// newStage makes the world of a scenario: a real one on directories, or a simulated
// one on a modelled device, or on the plain disk if there is none.
func newStage(at place, seed uint64, s *spec.Scenario) (*stage, error) {
	if Target(at.disk) == results.TargetSim {
		return newSimStage(at.device, seed, s)
	}
	n, err := networkOf(&s.Network)
	if err != nil {
		return nil, err
	}
	w := realworld.New(realworld.Config{Seed: seed, Link: n})
	logDirs, mount := spread(at.dirs)
	machine, cards := newMachineReader(at.dirs), &cardReader{world: w, shaped: n.BytesPerSec > 0}
	return &stage{
		world: w, logDirs: logDirs, real: true,
		mount: func(broker string) func(env.Node) env.FS {
			cards.add(broker, false)
			return mount(broker)
		},
		client: func(name string) { cards.add(name, true) },
		read:   func(now env.Time) reading { return cards.read(machine.read(now)) },
		hash:   func() string { return "" }, events: func() uint64 { return 0 }, now: func() env.Time { return 0 },
		close: func() {},
	}, nil
}

// cardReader reads the network cards of a real world whose links are shaped: all else
// is that of the machine, which the nodes share.
type cardReader struct {
	world  *realworld.World
	shaped bool
	nodes  []nodeReading
}

func (c *cardReader) add(name string, client bool) {
	if c.shaped {
		c.nodes = append(c.nodes, nodeReading{name: name, client: client})
	}
}

// read adds the nodes' cards to a reading of the machine.
func (c *cardReader) read(r reading) reading {
	for _, n := range c.nodes {
		n.net = netReadingOf(c.world.NetStats(n.name))
		r.nodes = append(r.nodes, n)
	}
	return r
}

// join starts tasks on any nodes and waits for them from the driver's. It is the
// one place where tasks of several nodes share a lock: what drives a run stands
// outside of the machines that it drives.
type join struct {
	mu struct {
		env.Mutex
		ended   env.Cond
		running int
		errs    []error
	}
}

func newJoin(driver env.Node) *join {
	j := &join{}
	j.mu.Mutex = driver.NewMutex()
	j.mu.ended = driver.NewCond(j.mu.Mutex)
	return j
}

// start runs fn as a task of node.
func (j *join) start(node env.Node, name string, fn func() error) {
	j.mu.Lock()
	j.mu.running++
	j.mu.Unlock()
	node.Go(name, func() {
		err := fn()
		j.mu.Lock()
		defer j.mu.Unlock()
		j.mu.running--
		if err != nil {
			j.mu.errs = append(j.mu.errs, err)
		}
		j.mu.ended.Broadcast()
	})
}

// wait returns when all tasks have ended, with those errors that no wait has returned yet.
func (j *join) wait() error {
	j.mu.Lock()
	defer j.mu.Unlock()
	for j.mu.running > 0 {
		j.mu.ended.WaitUntil(env.Never)
	}
	errs := j.mu.errs
	j.mu.errs = nil
	return errors.Join(errs...)
}

// ended says whether all tasks that were started have ended.
func (j *join) ended() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.mu.running == 0
}
