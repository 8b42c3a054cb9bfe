package server

import (
	"math"

	"brokerlab/engine/env"
	"brokerlab/engine/task"
)

// unboundedQueue is the length of a queue that cannot be full.
const unboundedQueue = math.MaxInt

// threads is a fixed number of threads that do jobs in the order in which they
// came. A thread is a place: the task that brings a job takes a free one and does
// the job itself. A job that finds none free waits; the task that then ends its own
// starts one that does all that waits, without a hand-over in between, and ends.
type threads struct {
	name     string
	tasks    *task.Group
	node     env.Node
	queueMax int

	mu struct {
		env.Mutex
		free  int
		queue []*job // that wait for a thread, oldest first; from queue[first] on
		first int
		room  env.Cond // signalled when the queue has room, or a thread is free
	}
}

// job is a place for one job at a time.
type job struct {
	do    func()
	ended env.Cond
	done  bool
}

func newThreads(node env.Node, tasks *task.Group, name string, count, queueMax int) *threads {
	t := &threads{name: name, tasks: tasks, node: node, queueMax: queueMax}
	t.mu.Mutex = node.NewMutex()
	t.mu.room = node.NewCond(t.mu.Mutex)
	t.mu.free = count
	return t
}

func (t *threads) newJob(do func()) *job { return &job{do: do, ended: t.node.NewCond(t.mu.Mutex)} }

// run has a job done.
func (t *threads) run(j *job) {
	if t.enter(j) {
		j.do()
		t.next()
		return
	}
	t.await(j)
}

// enter takes a free thread for a job, which the caller then does before it calls
// next. If none is free, the job waits in the queue, and the caller may await it. It
// waits for room in the queue.
func (t *threads) enter(j *job) (begins bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for t.mu.free == 0 && t.waitingLocked() >= t.queueMax {
		t.mu.room.WaitUntil(env.Never)
	}
	if t.mu.free > 0 { // then nobody waits
		t.mu.free--
		return true
	}
	t.mu.queue = append(t.mu.queue, j)
	return false
}

// await returns when a job that was queued is done.
func (t *threads) await(j *job) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for !j.done {
		j.ended.WaitUntil(env.Never)
	}
	j.done = false
}

// next leaves a thread to whoever has waited longest.
func (t *threads) next() {
	t.mu.Lock()
	waiting := t.waitingLocked() > 0
	if !waiting {
		t.freeLocked()
	}
	t.mu.Unlock()
	if waiting {
		t.tasks.Go(t.name, t.drain)
	}
}

// drain is a thread with a task of its own, until nobody waits.
func (t *threads) drain() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	for t.waitingLocked() > 0 {
		j := t.popLocked()
		t.mu.Unlock()
		j.do()
		t.mu.Lock()
		j.done = true
		j.ended.Signal()
	}
	t.freeLocked()
	return nil
}

// freeLocked is for a thread that found nobody waiting in the queue. Somebody may
// still be about to enter it.
func (t *threads) freeLocked() {
	t.mu.free++
	t.mu.room.Signal()
}

func (t *threads) waitingLocked() int { return len(t.mu.queue) - t.mu.first }

func (t *threads) popLocked() *job {
	j := t.mu.queue[t.mu.first]
	t.mu.queue[t.mu.first] = nil
	t.mu.first++
	switch {
	case t.mu.first == len(t.mu.queue):
		t.mu.queue, t.mu.first = t.mu.queue[:0], 0
	case 2*t.mu.first >= len(t.mu.queue):
		n := copy(t.mu.queue, t.mu.queue[t.mu.first:])
		clear(t.mu.queue[n:])
		t.mu.queue, t.mu.first = t.mu.queue[:n], 0
	}
	t.mu.room.Signal()
	return j
}
