package device

import "brokerlab/engine/env"

// dueHeap holds the ends of commands that are known, the first one on top; of
// ends at one instant the one that was pushed first. It is a binary heap.
type dueHeap struct {
	ends   []due
	pushed uint64
}

type due struct {
	at   env.Time
	seq  uint64
	slot int32
}

func (d *due) before(e *due) bool { return d.at < e.at || d.at == e.at && d.seq < e.seq }

// next is the instant of the first end; env.Never without one.
func (h *dueHeap) next() env.Time {
	if len(h.ends) == 0 {
		return env.Never
	}
	return h.ends[0].at
}

func (h *dueHeap) clear() { h.ends = h.ends[:0] }

func (h *dueHeap) push(at env.Time, s int32) {
	h.pushed++
	e := due{at: at, seq: h.pushed, slot: s}
	h.ends = append(h.ends, e)
	i := len(h.ends) - 1
	for i > 0 {
		parent := (i - 1) / 2
		if !e.before(&h.ends[parent]) {
			break
		}
		h.ends[i] = h.ends[parent]
		i = parent
	}
	h.ends[i] = e
}

// pop removes the first end, which exists, and returns its slot.
func (h *dueHeap) pop() int32 {
	first := h.ends[0].slot
	n := len(h.ends) - 1
	e := h.ends[n]
	h.ends = h.ends[:n]
	if n == 0 {
		return first
	}
	i := 0
	for {
		child := 2*i + 1
		if child >= n {
			break
		}
		if child+1 < n && h.ends[child+1].before(&h.ends[child]) {
			child++
		}
		if !h.ends[child].before(&e) {
			break
		}
		h.ends[i] = h.ends[child]
		i = child
	}
	h.ends[i] = e
	return first
}
