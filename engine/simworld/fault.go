package simworld

import "brokerlab/engine/env"

// Crash ends the node's process at once. Its tasks unwind in the order of their
// ids by a panic of the kernel's own, and never act again: on a dead node every
// call panics again, and Unlock and Close do nothing. Peers receive what the
// node had sent, and then a reset; Dial is refused. What the node's file system
// holds stays as it is. It may be called from any task (one of the node itself
// does not return) or from a callback. Crash of a node that is down does nothing.
func (w *World) Crash(name string) {
	n := w.latestBoot(name)
	if !w.goDown(n) {
		return
	}
	for _, l := range append([]*listener(nil), n.ports...) {
		l.shut()
	}
	for _, c := range n.conns {
		c.shut()
	}
	w.leave(n)
}

// PowerOff is Crash with the machine: what had not left the node is lost, and
// peers see silence until their own deadlines. A peer that has sent something
// meanwhile sees a reset once the node runs again. The node's file system must
// be told by the caller.
func (w *World) PowerOff(name string) {
	n := w.latestBoot(name)
	wasUp := w.goDown(n)
	n.powerOff = true
	if !wasUp {
		return
	}
	for _, l := range append([]*listener(nil), n.ports...) {
		l.shut()
	}
	for _, c := range n.conns {
		c.closed = true
		c.in.discard()
		c.out.discardUnsent()
	}
	w.leave(n)
}

// Restart boots a node that is down: a new Node of the same name and as many
// cores, on the file system that mount returns. The caller starts its tasks.
// Generators of the same stream start again from the beginning.
func (w *World) Restart(name string, mount func(env.Node) env.FS) *Node {
	old := w.latestBoot(name)
	if !old.down {
		panic("simworld: restart of " + name + ", which is up")
	}
	w.pay(w.cur)
	n := w.boot(name, len(old.cores), mount)
	for _, c := range old.conns {
		if c.in.lost {
			c.in.reset()
		}
	}
	return n
}

func (w *World) latestBoot(name string) *Node {
	n := w.byName[name]
	if n == nil {
		panic("simworld: no node is called " + name)
	}
	return n
}

// goDown marks the node and unwinds its tasks, except for the running one. It
// returns false if the node was down.
func (w *World) goDown(n *Node) bool {
	w.pay(w.cur)
	if n.down {
		return false
	}
	n.down = true
	w.note(uint64(len(w.nodes)), uint64(w.now))
	for _, t := range w.liveTasks() {
		if t.node == n && t != w.cur {
			w.kill(t)
		}
	}
	return true
}

// leave unwinds the running task if it belongs to the node.
func (w *World) leave(n *Node) {
	if w.cur.node == n {
		panic(errKilled)
	}
}
