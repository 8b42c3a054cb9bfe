package simworld

import (
	"time"

	"brokerlab/engine/env"
)

// starvingAfter is how long a task waits for a mutex before the mutex is handed
// to it, as sync.Mutex does.
const starvingAfter = time.Millisecond

// mutex barges as sync.Mutex does: Unlock frees it and wakes the task that has
// waited longest, which tries again and may find that another one was faster.
// Only a task that has waited for starvingAfter gets it handed over.
type mutex struct {
	w        *World
	node     *Node
	owner    *task // for reports
	held     bool
	waking   bool // a woken waiter has not tried again yet
	starving bool
	waiters  taskList
}

// Lock implements env.Mutex.
func (m *mutex) Lock() {
	t := m.w.cur
	if m.node.down {
		m.node.refuse()
	}
	if t.debt >= picosPerNano {
		m.w.pay(t)
	}
	m.lockPaid(t)
}

func (m *mutex) lockPaid(t *task) {
	if m.held {
		m.wait(t)
		return
	}
	m.held = true
	m.owner = t
}

func (m *mutex) wait(t *task) {
	began := m.w.now
	m.waiters.pushBack(t)
	for {
		t.kind, t.on = waitLock, m
		m.w.park(t, env.Never)
		starved := m.w.now.Sub(began) >= starvingAfter
		if t.handed {
			t.handed = false
			m.starving = starved && !m.waiters.empty()
			return
		}
		m.waking = false
		if !m.held {
			m.held = true
			m.owner = t
			return
		}
		m.starving = m.starving || starved
		m.waiters.pushFront(t)
	}
}

// Unlock implements env.Mutex.
func (m *mutex) Unlock() {
	if m.node.down {
		return // deferred unlocks of an unwinding task mean nothing any more
	}
	if !m.held {
		panic("simworld: unlock of an unlocked mutex")
	}
	if t := m.w.cur; t.debt >= picosPerNano {
		m.w.pay(t)
	}
	m.unlockPaid()
}

func (m *mutex) unlockPaid() {
	first := m.waiters.head
	switch {
	case first == nil:
		m.held, m.owner = false, nil
	case m.starving:
		m.owner = first
		first.handed = true
		m.w.wake(first)
	default:
		m.held, m.owner = false, nil
		if !m.waking {
			m.waking = true
			m.w.wake(first)
		}
	}
}

type cond struct {
	m       *mutex
	waiters taskList
}

// WaitUntil implements env.Cond.
func (c *cond) WaitUntil(deadline env.Time) (woken bool) {
	m, w := c.m, c.m.w
	t := w.cur
	if m.node.down {
		m.node.refuse()
	}
	if !m.held {
		panic("simworld: WaitUntil without the mutex")
	}
	w.pay(t)
	c.waiters.pushBack(t)
	m.unlockPaid()
	t.kind, t.on = waitCond, nil
	if deadline > w.now && deadline != env.Never {
		deadline = deadline.Add(time.Duration(w.timers.next()))
	}
	woken = w.park(t, deadline)
	m.lockPaid(t)
	return woken
}

// Signal implements env.Cond.
func (c *cond) Signal() {
	c.beforeWaking()
	if first := c.waiters.head; first != nil {
		c.m.w.wake(first)
	}
}

// Broadcast implements env.Cond.
func (c *cond) Broadcast() {
	c.beforeWaking()
	for first := c.waiters.head; first != nil; first = c.waiters.head {
		c.m.w.wake(first)
	}
}

func (c *cond) beforeWaking() {
	m := c.m
	if m.node.down {
		m.node.refuse()
	}
	if !m.held {
		panic("simworld: Signal or Broadcast without the mutex")
	}
	if t := m.w.cur; t.debt >= picosPerNano {
		m.w.pay(t)
	}
}
