package simworld

import (
	"hash/fnv"
	"math/rand/v2"
	"time"

	"brokerlab/engine/env"
)

// defaultCores is the number of cores of a node whose configuration says 0.
const defaultCores = 4

// epoch is the time of day at which a simulated world begins.
var epoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// Node is one boot of one simulated process: after a crash, Restart makes a new
// one of the same name.
type Node struct {
	w        *World
	name     string
	down     bool // crashed or without power: nothing of this boot acts again
	powerOff bool
	cores    []env.Time // when each core is free again
	worked   time.Duration
	charged  [env.OpCount]picos
	pool     *env.Pool
	fs       env.FS
	conns    []*conn // in the order in which they were made; closed ones are swept
	ports    []*listener
}

// Name implements env.Node.
func (n *Node) Name() string { return n.name }

// Now implements env.Node. It includes the work that the running task was
// charged and has not paid yet.
func (n *Node) Now() env.Time {
	if n.down && n.w.cur.node == n {
		n.refuse()
	}
	return n.w.now + env.Time(n.w.cur.debt/picosPerNano)
}

// Wall implements env.Node.
func (n *Node) Wall() time.Time { return epoch.Add(time.Duration(n.Now())) }

// Sleep implements env.Node.
func (n *Node) Sleep(d time.Duration) {
	w := n.w
	t := w.cur
	if n.down {
		n.refuse()
	}
	if d > 0 && t.debt < picos(sliceMax)*picosPerNano && t != &w.outside {
		// One wait for the work and the sleep behind it: the core is taken now in
		// either case.
		t.kind = waitSleep
		w.park(t, w.book(t).Add(d))
		return
	}
	w.pay(t)
	if d <= 0 {
		w.countStep(t)
		if w.runaway == nil {
			return
		}
		d = 1 // a loop of sleeps that take no time: let Run end it
	}
	t.kind = waitSleep
	w.park(t, w.now.Add(d))
}

// Go implements env.Node.
func (n *Node) Go(name string, fn func()) {
	if n.down {
		n.refuse()
	}
	n.w.spawn(n, name, fn)
}

// NewMutex implements env.Node.
func (n *Node) NewMutex() env.Mutex {
	if n.down {
		n.refuse()
	}
	return &mutex{w: n.w, node: n}
}

// NewCond implements env.Node.
func (n *Node) NewCond(mu env.Mutex) env.Cond {
	if n.down {
		n.refuse()
	}
	m, ok := mu.(*mutex)
	if !ok || m.node != n {
		panic("simworld: NewCond on " + n.name + " with a mutex of another node")
	}
	return &cond{m: m}
}

// Charge implements env.Node.
func (n *Node) Charge(op env.Op, count int) {
	if n.down {
		n.refuse()
	}
	p := &n.w.prices[op]
	cost := p.perCall + p.perUnit*picos(count)
	if count > p.upTo {
		cost = p.of(count)
	}
	n.w.cur.debt += cost
	n.charged[op] += cost
}

// Rand implements env.Node.
func (n *Node) Rand(stream string) *rand.Rand {
	if n.down {
		n.refuse()
	}
	return newRand(n.w.cfg.Seed, n.name+"/"+stream)
}

// newRand is a generator for one use of one seed. FNV is the same in every
// process, which maphash is not.
func newRand(seed uint64, stream string) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(stream))
	return rand.New(rand.NewPCG(seed, h.Sum64()))
}

// Pool implements env.Node.
func (n *Node) Pool() *env.Pool { return n.pool }

// FS implements env.Node.
func (n *Node) FS() env.FS { return n.fs }

// Net implements env.Node.
func (n *Node) Net() env.Net { return network{n} }

// refuse ends a call on a node that is down: it unwinds a task of the node, and
// is our own mistake anywhere else.
func (n *Node) refuse() {
	if n.w.cur.node == n {
		panic(errKilled)
	}
	panic("simworld: " + n.name + " was used after it went down")
}

// Worked is the processor time that a node's latest boot was charged and has paid so
// far, on all cores, up to a slice of 1 ms that may lie ahead.
func (w *World) Worked(node string) time.Duration { return w.latestBoot(node).worked }

// Charged is the processor time that a node's latest boot was charged so far, by
// operation. It may be ahead of what is paid by what its tasks owe.
func (w *World) Charged(node string) (by [env.OpCount]time.Duration) {
	for op, cost := range w.latestBoot(node).charged {
		by[op] = time.Duration(cost / picosPerNano)
	}
	return by
}

// firstFree is the core that can start work first.
func (n *Node) firstFree() *env.Time {
	first := &n.cores[0]
	for i := 1; i < len(n.cores); i++ {
		if n.cores[i] < *first {
			first = &n.cores[i]
		}
	}
	return first
}
