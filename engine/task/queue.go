// Package task holds the few ways in which tasks of one node work together:
// Queue, Future, Semaphore and Group. They are built once on env.Mutex and
// env.Cond, so that they exist in every world.
//
// The package promises no fairness beyond what is written on each type, and it
// does nothing between nodes: what crosses a node boundary is a message on
// env.Net.
package task

import (
	"fmt"

	"brokerlab/engine/env"
)

// Queue is a bounded first-in first-out queue between tasks of one node. Any
// number of tasks may put and get.
type Queue[T any] struct {
	capacity int
	notEmpty env.Cond
	notFull  env.Cond
	mu       struct {
		env.Mutex
		ring   []T // grows by doubling up to the capacity
		first  int // index of the oldest item in ring
		count  int
		closed bool
	}
}

// NewQueue returns an empty queue that holds at most capacity items. It panics
// if capacity is not positive.
func NewQueue[T any](node env.Node, capacity int) *Queue[T] {
	if capacity <= 0 {
		panic(fmt.Sprintf("task: queue of capacity %d", capacity))
	}
	q := &Queue[T]{capacity: capacity}
	q.mu.Mutex = node.NewMutex()
	q.notEmpty = node.NewCond(q.mu.Mutex)
	q.notFull = node.NewCond(q.mu.Mutex)
	return q
}

// Put adds v at the end, and waits for room until the deadline. It returns
// env.ErrTimeout if there was no room by then and env.ErrClosed on a closed
// queue; the queue has not taken v in either case. A deadline in the past tries
// without waiting.
func (q *Queue[T]) Put(v T, deadline env.Time) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.mu.count == q.capacity && !q.mu.closed {
		if !q.notFull.WaitUntil(deadline) && q.mu.count == q.capacity && !q.mu.closed {
			return env.ErrTimeout
		}
	}
	if q.mu.closed {
		return env.ErrClosed
	}
	q.pushLocked(v)
	q.notEmpty.Signal()
	return nil
}

// Get takes the oldest item, and waits for one until the deadline. It returns
// env.ErrTimeout if there was none by then, and env.ErrClosed when the queue is
// closed and empty: what was put before Close is still handed out. A deadline in
// the past tries without waiting.
func (q *Queue[T]) Get(deadline env.Time) (T, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for q.mu.count == 0 && !q.mu.closed {
		if !q.notEmpty.WaitUntil(deadline) && q.mu.count == 0 && !q.mu.closed {
			var none T
			return none, env.ErrTimeout
		}
	}
	if q.mu.count == 0 {
		var none T
		return none, env.ErrClosed
	}
	return q.popLocked(), nil
}

// TryGet takes the oldest item if there is one. It never waits, and it empties
// a closed queue too.
func (q *Queue[T]) TryGet() (v T, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.mu.count == 0 {
		return v, false
	}
	return q.popLocked(), true
}

// Len is the number of items in the queue.
func (q *Queue[T]) Len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.mu.count
}

// Close ends the queue: every later Put fails, every waiting task wakes up, and
// Get hands out what is left. Closing twice is allowed.
func (q *Queue[T]) Close() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.mu.closed = true
	q.notEmpty.Broadcast()
	q.notFull.Broadcast()
}

func (q *Queue[T]) pushLocked(v T) {
	if q.mu.count == len(q.mu.ring) {
		q.growLocked()
	}
	last := q.mu.first + q.mu.count
	if last >= len(q.mu.ring) {
		last -= len(q.mu.ring)
	}
	q.mu.ring[last] = v
	q.mu.count++
}

func (q *Queue[T]) popLocked() T {
	var none T
	v := q.mu.ring[q.mu.first]
	q.mu.ring[q.mu.first] = none // the queue must not keep what it handed out alive
	q.mu.first++
	if q.mu.first == len(q.mu.ring) {
		q.mu.first = 0
	}
	q.mu.count--
	q.notFull.Signal()
	return v
}

func (q *Queue[T]) growLocked() {
	const sizeMin = 8
	size := min(q.capacity, max(sizeMin, 2*len(q.mu.ring)))
	ring := make([]T, size)
	n := copy(ring, q.mu.ring[q.mu.first:])
	copy(ring[n:], q.mu.ring[:q.mu.first])
	q.mu.ring, q.mu.first = ring, 0
}
