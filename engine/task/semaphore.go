package task

import (
	"fmt"
	"slices"

	"brokerlab/engine/env"
)

// Semaphore counts permits. Waiters are served in the order in which they came,
// so that a large request is not starved by small ones; Kafka's BufferPool
// serves the waiters for buffer.memory in the same way.
type Semaphore struct {
	capacity int64
	node     env.Node
	mu       struct {
		env.Mutex
		free    int64
		closed  bool
		waiters []*permitWaiter // oldest first
		idle    []*permitWaiter // for reuse: a waiter keeps its Cond
	}
}

// permitWaiter is one blocked Acquire. It has a Cond of its own so that a
// Release wakes those whom it can serve, and nobody else.
type permitWaiter struct {
	wanted int64
	given  bool
	cond   env.Cond
}

// NewSemaphore returns a semaphore with capacity free permits. It panics if
// capacity is not positive.
func NewSemaphore(node env.Node, capacity int64) *Semaphore {
	if capacity <= 0 {
		panic(fmt.Sprintf("task: semaphore of %d permits", capacity))
	}
	s := &Semaphore{capacity: capacity, node: node}
	s.mu.Mutex = node.NewMutex()
	s.mu.free = capacity
	return s
}

// Acquire takes n permits, and waits for them until the deadline. It returns
// env.ErrTimeout if it did not get them by then and env.ErrClosed on a closed
// semaphore. It panics if n is negative or more than there will ever be. A
// deadline in the past tries without waiting.
func (s *Semaphore) Acquire(n int64, deadline env.Time) error {
	if n < 0 || n > s.capacity {
		panic(fmt.Sprintf("task: %d of %d permits wanted", n, s.capacity))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.closed {
		return env.ErrClosed
	}
	if len(s.mu.waiters) == 0 && s.mu.free >= n {
		s.mu.free -= n
		return nil
	}
	w := s.enqueueLocked(n)
	for !w.given && !s.mu.closed {
		if !w.cond.WaitUntil(deadline) && !w.given && !s.mu.closed {
			s.leaveLocked(w)
			s.serveLocked() // w may have stood in front of a smaller request
			return env.ErrTimeout
		}
	}
	if !w.given {
		s.leaveLocked(w)
		return env.ErrClosed
	}
	s.mu.idle = append(s.mu.idle, w)
	return nil
}

// Release gives n permits back. It panics if more come back than were taken.
func (s *Semaphore) Release(n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n < 0 || n > s.capacity-s.mu.free {
		panic(fmt.Sprintf("task: %d permits released, %d of %d are free", n, s.mu.free, s.capacity))
	}
	s.mu.free += n
	s.serveLocked()
}

// Free is the number of permits that nobody holds.
func (s *Semaphore) Free() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mu.free
}

// Close fails every waiting and every later Acquire with env.ErrClosed. Permits
// may still be released. Closing twice is allowed.
func (s *Semaphore) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.closed = true
	for _, w := range s.mu.waiters {
		w.cond.Signal()
	}
}

func (s *Semaphore) enqueueLocked(n int64) *permitWaiter {
	var w *permitWaiter
	if last := len(s.mu.idle) - 1; last >= 0 {
		w, s.mu.idle = s.mu.idle[last], s.mu.idle[:last]
	} else {
		w = &permitWaiter{cond: s.node.NewCond(s.mu.Mutex)}
	}
	w.wanted, w.given = n, false
	s.mu.waiters = append(s.mu.waiters, w)
	return w
}

// serveLocked hands free permits to the oldest waiters. The permits are taken
// here, for the waiter, so that a newcomer cannot take them before it runs.
func (s *Semaphore) serveLocked() {
	served := 0
	for _, w := range s.mu.waiters {
		if s.mu.closed || s.mu.free < w.wanted {
			break
		}
		s.mu.free -= w.wanted
		w.given = true
		w.cond.Signal()
		served++
	}
	s.mu.waiters = slices.Delete(s.mu.waiters, 0, served)
}

func (s *Semaphore) leaveLocked(w *permitWaiter) {
	if i := slices.Index(s.mu.waiters, w); i >= 0 {
		s.mu.waiters = slices.Delete(s.mu.waiters, i, i+1)
	}
	s.mu.idle = append(s.mu.idle, w)
}
