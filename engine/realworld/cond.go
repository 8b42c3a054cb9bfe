package realworld

import (
	"sync"
	"time"

	"brokerlab/engine/env"
)

// cond is a condition variable with deadlines, and first-in first-out. Tasks that
// wait without a deadline cost what they cost in a sync.Cond: they wait in one.
// Tasks with a deadline stand in a list, so that one that timed out leaves at
// once, and each knows how many of the others are ahead of it.
type cond struct {
	world       *World
	mu          *sync.Mutex
	untimed     sync.Cond
	entered     uint64  // waits without a deadline that have begun
	left        uint64  // and those that were woken
	first, last *waiter // with a deadline
	idle        *waiter // list by next, for reuse: a wait allocates nothing in the steady state
}

// waiter is a blocked WaitUntil with a deadline. It parks in a sync.Cond of its
// own, and its timer wakes it there as Signal does. (A channel for the signal and
// one for the timer take a third longer.)
type waiter struct {
	cond       *cond
	parked     sync.Cond
	timer      *time.Timer
	prev, next *waiter
	ahead      uint64 // woken after this many waits without a deadline
	queued     bool   // false as soon as somebody has woken it
	timedOut   bool
}

func newCond(w *World, mu *sync.Mutex) *cond {
	c := &cond{world: w, mu: mu}
	c.untimed.L = mu
	return c
}

// WaitUntil wakes up to about 1 ms after the deadline: Go's timers are as coarse
// as epoll_wait. Only Sleep is precise.
func (c *cond) WaitUntil(deadline env.Time) (woken bool) {
	if deadline == env.Never {
		c.entered++
		c.untimed.Wait()
		return true
	}
	left := deadline.Sub(c.world.now())
	if left <= 0 {
		c.mu.Unlock() // as every wait does: who spins on the past lets others in
		c.mu.Lock()
		return false
	}
	w := c.enqueue()
	if w.timer == nil {
		w.timer = time.AfterFunc(left, w.expire)
	} else {
		w.timer.Reset(left)
	}
	for w.queued {
		w.parked.Wait()
	}
	if w.timedOut {
		c.recycle(w) // expire was the last to use it
		return false
	}
	if w.timer.Stop() {
		c.recycle(w)
	}
	// Otherwise expire is about to run. It will find the waiter woken, and must
	// not find it in another wait: leave it to the garbage collector.
	return true
}

// expire runs in a goroutine of its own at the deadline.
func (w *waiter) expire() {
	w.cond.mu.Lock()
	defer w.cond.mu.Unlock()
	if w.queued {
		w.timedOut = true
		w.cond.wake(w)
	}
}

func (c *cond) Signal() {
	switch w := c.first; {
	case w != nil && w.ahead <= c.left:
		c.wake(w)
	case c.left < c.entered:
		c.left++
		c.untimed.Signal()
	}
}

func (c *cond) Broadcast() {
	c.left = c.entered
	c.untimed.Broadcast()
	for c.first != nil {
		c.wake(c.first)
	}
}

// enqueue puts a waiter at the end of the list.
func (c *cond) enqueue() *waiter {
	w := c.idle
	if w == nil {
		w = &waiter{cond: c}
		w.parked.L = c.mu
	} else {
		c.idle = w.next
	}
	w.ahead = c.entered
	w.queued, w.timedOut, w.prev, w.next = true, false, c.last, nil
	if c.last == nil {
		c.first = w
	} else {
		c.last.next = w
	}
	c.last = w
	return w
}

// wake takes a waiter out of the list and lets it run.
func (c *cond) wake(w *waiter) {
	if w.prev == nil {
		c.first = w.next
	} else {
		w.prev.next = w.next
	}
	if w.next == nil {
		c.last = w.prev
	} else {
		w.next.prev = w.prev
	}
	w.queued = false
	w.parked.Signal()
}

func (c *cond) recycle(w *waiter) {
	w.next = c.idle
	c.idle = w
}
