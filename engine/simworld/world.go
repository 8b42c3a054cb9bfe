// Package simworld is the simulated world: engine code runs as coroutines that a
// kernel resumes one at a time on a virtual clock. It promises nothing about
// races inside a node, which cannot show here, nor that its prices are those of
// your machine.
//
// Between two waits a task is alone in the world. What happens is ordered by
// (instant, sequence number), so that one seed and one commit give one run, with
// one hash, in any process. Models of disks and links are not tasks: they are
// callbacks (World.At), or instants that a node sleeps until.
//
// A World is used by one goroutine at a time; many Worlds run side by side.
package simworld

import (
	"fmt"
	"math/rand/v2"
	"time"

	"brokerlab/engine/env"
	"brokerlab/engine/netmodel"
)

// Link is what connects any two nodes, see netmodel: the rate is that of each
// node's card, which all its links share.
type Link = netmodel.Config

// Config describes a world. In the zero value CPU and network take no time.
type Config struct {
	// Seed fixes every random number.
	Seed uint64
	// Link describes the network.
	Link Link
	// Prices is the price list of CPU work and wake-ups.
	Prices Prices
	// Explore perturbs the order: ready tasks run in random order, and the delay of
	// a wake-up is drawn from 0 to twice its price. Off, the order is that of
	// arrival and nothing is perturbed.
	Explore bool
	// Poison makes the nodes' pools overwrite released memory.
	Poison bool
	// Horizon ends a run that goes on after it with an error; 0 means none.
	Horizon time.Duration
}

// DefaultConfig is a world with the default prices and an unlimited network.
func DefaultConfig() Config {
	return Config{Link: Link{InFlightBytes: netmodel.InFlightBytesDefault}, Prices: DefaultPrices()}
}

// Validate returns an error for values below 0.
func (c *Config) Validate() error {
	if err := c.Link.Validate(); err != nil {
		return fmt.Errorf("simworld: %w", err)
	}
	if c.Horizon < 0 {
		return fmt.Errorf("simworld: horizon is %v", c.Horizon)
	}
	return c.Prices.Validate()
}

// Stats counts what the kernel did.
type Stats struct {
	// Switches counts resumed tasks.
	Switches uint64
	// InPlace counts waits that only moved the clock, since nothing else was due.
	InPlace uint64
	// Callbacks counts fired callbacks, among them arrivals on links.
	Callbacks uint64
	// Messages counts messages sent.
	Messages uint64
}

// Steps is the number of all kernel events.
func (s Stats) Steps() uint64 { return s.Switches + s.InPlace + s.Callbacks }

// World is a virtual clock with the nodes and tasks under it.
type World struct {
	cfg      Config
	prices   [env.OpCount]fixedPrice
	wakes    delays
	timers   delays
	inFlight int64 // bytes, for each direction of a connection
	horizon  env.Time
	explore  *rand.Rand // nil when nothing is perturbed

	now         env.Time
	seq         uint64
	events      eventHeap
	taken       bool // the first of events is no more
	staleEvents int
	ready       ring[readyTask]
	cur         *task   // the running task, or outside
	outside     task    // stands for callbacks and for code around Run
	tasks       []*task // by id; ended ones are swept
	deadTasks   int
	live        int
	lastID      int
	idle        []*coroutine
	running     bool
	hash        uint64
	stats       Stats

	nodes     []*Node                   // every boot, in order
	byName    map[string]*Node          // latest boot; looked up, never ranged over
	cards     map[string]*netmodel.Card // by node; looked up, never ranged over
	links     map[Direction]*link       // looked up, never ranged over
	wires     []*link                   // the same, by number
	listeners map[string]*listener

	instant      env.Time
	instantSteps int
	suspects     []*task
	runaway      *stuck
	failure      *TaskPanic
	reporting    bool  // unwinding tasks note where they waited
	ended        error // why no further Run is possible
}

var _ env.World = (*World)(nil)

// New returns a world at instant 0. It panics if the configuration is not valid.
func New(cfg Config) *World {
	if err := cfg.Validate(); err != nil {
		panic(err.Error())
	}
	w := &World{
		cfg:       cfg,
		wakes:     newDelays(cfg.Prices.Wake, cfg.Seed, "wake"),
		timers:    newDelays(cfg.Prices.TimerLate, cfg.Seed, "timer"),
		inFlight:  cfg.Link.InFlightBytes,
		horizon:   env.Never - 1,
		byName:    map[string]*Node{},
		cards:     map[string]*netmodel.Card{},
		links:     map[Direction]*link{},
		listeners: map[string]*listener{},
	}
	for op, price := range cfg.Prices.Ops {
		w.prices[op] = price.fixed()
	}
	if w.inFlight == 0 {
		w.inFlight = netmodel.InFlightBytesDefault
	}
	if cfg.Horizon > 0 {
		w.horizon = env.Time(cfg.Horizon)
	}
	if cfg.Explore {
		w.explore = newRand(cfg.Seed, "explore")
	}
	w.outside.node = &Node{w: w}
	w.cur = &w.outside
	return w
}

// NewNode implements env.World. It panics if the name is taken.
func (w *World) NewNode(cfg env.NodeConfig) env.Node {
	if cfg.Name == "" || w.byName[cfg.Name] != nil {
		panic(fmt.Sprintf("simworld: node name %q is empty or taken", cfg.Name))
	}
	cores := cfg.Cores
	if cores == 0 {
		cores = defaultCores
	}
	return w.boot(cfg.Name, cores, cfg.Mount)
}

func (w *World) boot(name string, cores int, mount func(env.Node) env.FS) *Node {
	n := &Node{w: w, name: name, cores: make([]env.Time, cores)}
	for i := range n.cores {
		n.cores[i] = w.now
	}
	n.pool = env.NewPool()
	if w.cfg.Poison {
		n.pool = env.NewPoisonedPool()
	}
	w.nodes = append(w.nodes, n)
	w.byName[name] = n
	if mount != nil {
		n.fs = mount(n)
	}
	return n
}

func (w *World) spawn(n *Node, name string, fn func()) {
	if w.deadTasks > 64 && w.deadTasks > len(w.tasks)/2 {
		kept := w.tasks[:0]
		for _, t := range w.tasks {
			if !t.dead {
				kept = append(kept, t)
			}
		}
		clear(w.tasks[len(kept):])
		w.tasks, w.deadTasks = kept, 0
	}
	w.lastID++
	t := &task{id: w.lastID, name: name, node: n, fn: fn}
	w.tasks = append(w.tasks, t)
	w.live++
	w.makeReady(t)
}

// Run implements env.World. The error is ErrDeadlock, ErrRunaway or ErrHorizon
// with a line for every task that had not ended; these are unwound. A panic in a
// task comes out of Run as a *TaskPanic, and t.Fatal in a task ends the
// goroutine that called Run. After any of these the world cannot run again.
// Callbacks that are not due when the last task ends are left for the next Run.
func (w *World) Run(n env.Node, main func()) error {
	if w.running {
		panic("simworld: Run inside of Run")
	}
	if w.ended != nil {
		return fmt.Errorf("simworld: run: %w", w.ended)
	}
	node, ok := n.(*Node)
	if !ok || node.w != w {
		panic("simworld: Run with a node of another world")
	}
	w.running = true
	clean := false
	defer func() {
		w.running = false
		if !clean { // also when a panic or a Goexit passes through
			w.unwind()
		}
		w.stopIdle()
	}()
	node.Go("main", main)
	stuck := w.loop()
	if stuck != nil {
		live := w.liveTasks()
		w.reporting = true
		w.unwind()
		return stuck.report(live, w.failure)
	}
	clean = true
	return nil
}

// Close unwinds tasks that were started and never run, and releases messages
// that were never received. The world cannot be used afterwards.
func (w *World) Close() {
	if w.running {
		panic("simworld: Close inside of Run")
	}
	w.unwind()
	w.stopIdle()
}

// unwind ends every task in the order of ids and takes every node down.
func (w *World) unwind() {
	if w.ended == nil {
		w.ended = errEnded
	}
	for _, n := range w.nodes {
		n.down = true
	}
	for _, t := range w.liveTasks() {
		w.kill(t)
	}
	for _, n := range w.nodes {
		for _, c := range n.conns {
			c.in.discard()
		}
	}
	for _, l := range w.wires {
		for _, p := range l.pipes {
			p.discard()
		}
	}
	w.events, w.taken, w.staleEvents, w.ready = nil, false, 0, ring[readyTask]{}
}

func (w *World) liveTasks() []*task {
	live := make([]*task, 0, w.live)
	for _, t := range w.tasks {
		if !t.dead {
			live = append(live, t)
		}
	}
	return live
}

func (w *World) stopIdle() {
	for _, co := range w.idle {
		co.stop()
	}
	w.idle = nil
}

// At fires fn at instant t, or now if t has passed, after everything that was
// set for that instant before. fn runs outside of any task: it may start tasks
// and cause faults, and must not wait.
func (w *World) At(t env.Time, fn func()) { w.push(event{at: t, fn: fn}) }

// Now is the instant that the kernel has reached.
func (w *World) Now() env.Time { return w.now }

// Hash digests every step so far: who ran when, and what sizes were sent.
func (w *World) Hash() uint64 { return w.hash }

// Stats returns the counters so far.
func (w *World) Stats() Stats { return w.stats }
