package realworld

import (
	"sync"
	"time"

	"brokerlab/engine/env"
)

// cond is sync.Cond with a deadline. Its waiters stand in a doubly linked list
// under mu, so that Signal is first-in first-out and a waiter that timed out
// leaves at once.
type cond struct {
	world       *World
	mu          *sync.Mutex
	first, last *waiter
}

// waiter is one blocked WaitUntil. Waiters are pooled, timer and all: a wait
// allocates nothing in the steady state.
type waiter struct {
	wake       chan struct{} // of one wake-up, so that the waker never blocks
	timer      *time.Timer   // stopped whenever the waiter is in the pool
	prev, next *waiter
	queued     bool
}

func newWaiter() *waiter {
	return &waiter{wake: make(chan struct{}, 1), timer: newStoppedTimer()}
}

// newStoppedTimer returns a timer to Reset. Since Go 1.23, nothing stale can be
// received from a timer after Stop or Reset.
func newStoppedTimer() *time.Timer {
	timer := time.NewTimer(time.Hour)
	timer.Stop()
	return timer
}

// WaitUntil wakes up to about 1 ms after the deadline: Go's timers are as coarse
// as epoll_wait. Only Sleep is precise.
func (c *cond) WaitUntil(deadline env.Time) (woken bool) {
	if deadline == env.Never {
		w := c.world.waiters.Get().(*waiter)
		c.push(w)
		c.mu.Unlock()
		<-w.wake
		c.mu.Lock()
		c.world.waiters.Put(w)
		return true
	}
	left := deadline.Sub(c.world.now())
	if left <= 0 {
		c.mu.Unlock() // as every wait does: who spins on the past lets others in
		c.mu.Lock()
		return false
	}
	w := c.world.waiters.Get().(*waiter)
	c.push(w)
	c.mu.Unlock()
	w.timer.Reset(left)
	select {
	case <-w.wake:
		woken = true
	case <-w.timer.C:
	}
	w.timer.Stop()
	c.mu.Lock()
	switch {
	case woken:
	case w.queued:
		c.remove(w)
	default:
		// The wake-up and the timer raced. Whoever signalled counts on this task:
		// take the wake-up, or it would be lost.
		<-w.wake
		woken = true
	}
	c.world.waiters.Put(w)
	return woken
}

// Signal never blocks: a waiter leaves the list with its only wake-up.
func (c *cond) Signal() {
	if w := c.first; w != nil {
		c.remove(w)
		w.wake <- struct{}{}
	}
}

func (c *cond) Broadcast() {
	for c.first != nil {
		c.Signal()
	}
}

func (c *cond) push(w *waiter) {
	w.queued, w.prev = true, c.last
	if c.last == nil {
		c.first = w
	} else {
		c.last.next = w
	}
	c.last = w
}

func (c *cond) remove(w *waiter) {
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
	w.queued, w.prev, w.next = false, nil, nil
}
