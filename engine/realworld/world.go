// Package realworld is env.World on goroutines, the wall clock and links inside
// one process; its nodes mount real file systems.
//
// It promises no determinism, it cannot crash a node (goroutines cannot be
// killed), and it does not price CPU work: Charge does nothing, since the work
// itself takes the time.
//
// Lock order: shaper.mu, then link.mu. No method holds two others of the package's
// locks at once.
package realworld

import (
	"context"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"runtime/pprof"
	"sync"
	"sync/atomic"
	"time"

	"brokerlab/engine/env"
	"brokerlab/engine/netmodel"
)

// Link is what connects two nodes, as in the simulated world, see netmodel. The zero
// Link is unshaped: as fast as memory. A rate is that of each node's card, which all
// its links to other nodes share.
type Link = netmodel.Config

// Config describes a world. The zero Config is a world of seed 0 with unshaped
// links.
type Config struct {
	Seed   uint64 // of every stream of random numbers
	Link   Link   // every connection is made of two such links
	Poison bool   // overwrite buffers at their last Release, to catch late readers
}

// World is a process-wide set of nodes that share one clock.
type World struct {
	cfg      Config
	began    time.Time // with its monotonic reading
	wallBase time.Time // the time of day at began
	tasks    sync.WaitGroup
	precise  atomic.Int32 // tasks in the precise part of Sleep
	network  network
	shaper   *shaper // of links with a rate
	mu       struct {
		sync.Mutex
		names map[string]bool
	}
}

// New returns a world without nodes. It panics if the link is not valid.
func New(cfg Config) *World {
	if err := cfg.Link.Validate(); err != nil {
		panic("realworld: " + err.Error())
	}
	if cfg.Link.InFlightBytes == 0 {
		cfg.Link.InFlightBytes = netmodel.InFlightBytesDefault
	}
	began := time.Now()
	w := &World{cfg: cfg, began: began, wallBase: began.Round(0)}
	w.network.listeners = make(map[string]*listener)
	w.shaper = newShaper(w)
	w.mu.names = make(map[string]bool)
	return w
}

// NewNode adds a node. It panics if the name is empty or taken.
func (w *World) NewNode(cfg env.NodeConfig) env.Node {
	w.mu.Lock()
	if cfg.Name == "" || w.mu.names[cfg.Name] {
		w.mu.Unlock()
		panic(fmt.Sprintf("realworld: a node named %q is not new", cfg.Name))
	}
	w.mu.names[cfg.Name] = true
	w.mu.Unlock()
	n := &node{world: w, name: cfg.Name, pool: env.NewPool()}
	if w.cfg.Poison {
		n.pool = env.NewPoisonedPool()
	}
	if cfg.Mount != nil {
		n.fs = cfg.Mount(n)
	}
	return n
}

// Run starts main as a task of n and returns when no task of any node is left.
// The error is always nil: a panic in a task ends the process, with the task's
// name in front of the stack, and tasks that block for ever make Run wait for
// ever.
func (w *World) Run(n env.Node, main func()) error {
	w.shaper.resume()
	defer w.shaper.halt()
	n.Go("main", main)
	w.tasks.Wait()
	return nil
}

// NetStats returns what a node's network card did so far; nothing without a rate,
// since links then use no card.
func (w *World) NetStats(node string) netmodel.Stats {
	w.shaper.enter()
	defer w.shaper.leave()
	return w.shaper.cardLocked(node).Stats()
}

func (w *World) now() env.Time { return env.Time(time.Since(w.began)) }

// node is one process of the world, in name only: nodes share the process.
type node struct {
	world *World
	name  string
	pool  *env.Pool
	fs    env.FS
}

func (n *node) Name() string          { return n.name }
func (n *node) Now() env.Time         { return n.world.now() }
func (n *node) Sleep(d time.Duration) { n.world.sleep(d) }
func (n *node) Charge(env.Op, int)    {}
func (n *node) Pool() *env.Pool       { return n.pool }
func (n *node) FS() env.FS            { return n.fs }
func (n *node) Net() env.Net          { return n }
func (n *node) NewMutex() env.Mutex   { return new(sync.Mutex) }

// Wall follows the monotonic clock from the world's beginning, so that a step of
// the system's clock does not reach record timestamps in the middle of a run.
func (n *node) Wall() time.Time { return n.world.wallBase.Add(time.Duration(n.Now())) }

// NewCond panics if mu did not come from NewMutex.
func (n *node) NewCond(mu env.Mutex) env.Cond {
	return newCond(n.world, mu.(*sync.Mutex))
}

func (n *node) Rand(stream string) *rand.Rand { return n.world.stream(n.name + "/" + stream) }

func (w *World) stream(name string) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(name))
	return rand.New(rand.NewPCG(w.cfg.Seed, h.Sum64()))
}

// Go labels the goroutine for CPU profiles, and puts the task's name in front of
// the message of a panic.
func (n *node) Go(name string, fn func()) {
	n.world.tasks.Add(1)
	go func() {
		labels := pprof.Labels("node", n.name, "task", name)
		pprof.SetGoroutineLabels(pprof.WithLabels(context.Background(), labels))
		defer func() {
			if cause := recover(); cause != nil {
				// Still on top of the stack that panicked: the trace shows both.
				panic(&taskPanic{node: n.name, task: name, cause: cause})
			}
			n.world.tasks.Done() // also after runtime.Goexit, which is t.FailNow
		}()
		fn()
	}()
}

// taskPanic says which task panicked.
type taskPanic struct {
	node, task string
	cause      any
}

func (p *taskPanic) Error() string {
	return fmt.Sprintf("task %q of node %q: %v", p.task, p.node, p.cause)
}

// Unwrap returns the cause if it is an error.
func (p *taskPanic) Unwrap() error {
	err, _ := p.cause.(error)
	return err
}
