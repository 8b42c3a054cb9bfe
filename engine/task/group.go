package task

import "brokerlab/engine/env"

// Group starts tasks and waits for them.
type Group struct {
	node env.Node
	none env.Cond
	mu   struct {
		env.Mutex
		running int
		err     error // of the task that failed first
	}
}

// NewGroup returns a group without tasks.
func NewGroup(node env.Node) *Group {
	g := &Group{node: node}
	g.mu.Mutex = node.NewMutex()
	g.none = node.NewCond(g.mu.Mutex)
	return g
}

// Go starts fn as a task of the group's node. It may be called from a task of
// the group, and after a Wait that has returned.
func (g *Group) Go(name string, fn func() error) {
	g.mu.Lock()
	g.mu.running++
	g.mu.Unlock()
	g.node.Go(name, func() {
		var err error
		// Deferred, so that a test's t.FailNow in fn does not leave Wait waiting.
		defer func() { g.end(err) }()
		err = fn()
	})
}

// Wait returns when no task of the group is running, with the first error that
// one of them returned. It does not stop the others: close what they wait for.
func (g *Group) Wait() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	for g.mu.running > 0 {
		g.none.WaitUntil(env.Never)
	}
	return g.mu.err
}

func (g *Group) end(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.mu.running--
	if g.mu.err == nil {
		g.mu.err = err
	}
	if g.mu.running == 0 {
		g.none.Broadcast()
	}
}
