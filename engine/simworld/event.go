package simworld

import "brokerlab/engine/env"

// event is a callback, or the instant at which a parked task goes on (its
// deadline, the end of its slice of CPU, the end of its wake-up).
type event struct {
	at   env.Time
	seq  uint64
	fn   func()
	task *task
	park uint64 // the park of the task that the event is meant for
}

// stale says that the task was woken or died since. A stale event must not move
// the clock.
func (e *event) stale() bool {
	return e.task != nil && (e.task.park != e.park || e.task.dead)
}

func (e *event) before(o *event) bool {
	return e.at < o.at || e.at == o.at && e.seq < o.seq
}

// eventHeap is a 4-ary heap of values ordered by (at, seq). No two events share
// a sequence number, so the order in which they leave does not depend on the
// heap's layout. container/heap boxes every element and takes twice as long.
type eventHeap []event

func (h *eventHeap) push(e event) {
	s := append(*h, e)
	i := len(s) - 1
	for i > 0 {
		parent := (i - 1) / 4
		if !e.before(&s[parent]) {
			break
		}
		s[i] = s[parent]
		i = parent
	}
	s[i] = e
	*h = s
}

func (h *eventHeap) pop() event {
	s := *h
	top := s[0]
	last := len(s) - 1
	e := s[last]
	s[last] = event{}
	s = s[:last]
	*h = s
	if last > 0 {
		s.sink(0, e)
	}
	return top
}

// second is the event behind the first, nil if there is none.
func (h eventHeap) second() *event {
	if len(h) < 2 {
		return nil
	}
	least := &h[1]
	for i := 2; i < min(5, len(h)); i++ {
		if h[i].before(least) {
			least = &h[i]
		}
	}
	return least
}

// sink puts e at i or below it.
func (h eventHeap) sink(i int, e event) {
	for {
		child := 4*i + 1
		if child >= len(h) {
			break
		}
		least := child
		for c := child + 1; c < min(child+4, len(h)); c++ {
			if h[c].before(&h[least]) {
				least = c
			}
		}
		if !h[least].before(&e) {
			break
		}
		h[i] = h[least]
		i = least
	}
	h[i] = e
}

// sweep drops the stale events.
func (h *eventHeap) sweep() {
	s := *h
	kept := s[:0]
	for i := range s {
		if !s[i].stale() {
			kept = append(kept, s[i])
		}
	}
	clear(s[len(kept):])
	for i := (len(kept) - 2) / 4; i >= 0 && len(kept) > 1; i-- {
		kept.sink(i, kept[i])
	}
	*h = kept
}
