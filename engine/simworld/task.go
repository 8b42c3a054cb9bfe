package simworld

import (
	"errors"
	"iter"
	"runtime/debug"

	"brokerlab/engine/env"
)

// errKilled unwinds the stack of a task whose node went down.
var errKilled = errors.New("simworld: node is down")

// waitKind is what a parked task waits for.
type waitKind uint8

const (
	waitNothing waitKind = iota
	waitSleep
	waitCPU
	waitLock
	waitCond
	waitRecv
	waitSend
	waitAccept
	waitDial
	waitIO
)

// task is one thread of engine code.
type task struct {
	id   int
	name string
	node *Node
	fn   func()
	co   *coroutine // nil until it first runs and after it has ended

	debt    picos  // CPU work that was charged and not yet paid
	park    uint64 // rises at every wake-up, so that events of older parks are stale
	timed   bool   // an event of the current park is in the heap
	woken   bool   // how the last park ended: by a wake-up, or by its event
	handed  bool   // the mutex that it waited for was handed over
	killed  bool
	holding env.Message // taken over by a Send that has not ended
	blocked bool        // in Block, and not woken yet
	wakeUp  func()      // ends a Block; made by the first one
	dead    bool

	next, prev *task // in the list of those who wait for the same thing
	in         *taskList

	kind  waitKind // for reports
	on    any      // *mutex, *conn, *listener or an address
	since env.Time
	where string
}

// path names the task in reports and errors.
func (t *task) path() string { return t.node.name + "/" + t.name }

// taskList is a queue of parked tasks, longest wait first.
type taskList struct {
	head, tail *task
}

func (l *taskList) empty() bool { return l.head == nil }

func (l *taskList) pushBack(t *task) {
	t.in, t.prev, t.next = l, l.tail, nil
	if l.tail == nil {
		l.head = t
	} else {
		l.tail.next = t
	}
	l.tail = t
}

func (l *taskList) pushFront(t *task) {
	t.in, t.prev, t.next = l, nil, l.head
	if l.head == nil {
		l.tail = t
	} else {
		l.head.prev = t
	}
	l.head = t
}

// leaveList takes t out of the list that it waits in, if any.
func (t *task) leaveList() {
	l := t.in
	if l == nil {
		return
	}
	if t.prev == nil {
		l.head = t.next
	} else {
		t.prev.next = t.next
	}
	if t.next == nil {
		l.tail = t.prev
	} else {
		t.next.prev = t.prev
	}
	t.in, t.next, t.prev = nil, nil, nil
}

// coroutine runs tasks, one after the other.
type coroutine struct {
	resume func() (struct{}, bool)
	stop   func()
	yield  func(struct{}) bool
	task   *task
}

func (w *World) newCoroutine() *coroutine {
	co := &coroutine{}
	co.resume, co.stop = iter.Pull(func(yield func(struct{}) bool) {
		co.yield = yield
		for {
			w.runTask(co.task)
			co.task = nil
			w.idle = append(w.idle, co)
			if !yield(struct{}{}) {
				return
			}
		}
	})
	return co
}

// runTask runs a task to its end. A panic is kept for Run to raise: iter.Pull
// would hand it on without the stack that it came from.
func (w *World) runTask(t *task) {
	returned := false
	defer func() {
		t.dead, t.co, t.fn = true, nil, nil
		w.live--
		w.deadTasks++
		if returned {
			return
		}
		if t.holding != nil {
			t.holding.Release()
			t.holding = nil
		}
		// nil is runtime.Goexit (t.Fatal): iter.Pull repeats it in Run.
		if r := recover(); r != nil && r != any(errKilled) && w.failure == nil {
			w.failure = &TaskPanic{Node: t.node.name, Task: t.name, At: w.now, Value: r, Stack: debug.Stack()}
		}
	}()
	t.fn()
	w.pay(t)
	returned = true
}

// switchTo runs t until it parks or ends.
func (w *World) switchTo(t *task) {
	if t.co == nil {
		if last := len(w.idle) - 1; last >= 0 {
			t.co, w.idle[last] = w.idle[last], nil
			w.idle = w.idle[:last]
		} else {
			t.co = w.newCoroutine()
		}
		t.co.task = t
	}
	from := w.cur
	w.cur = t
	t.co.resume()
	w.cur = from
}

// kill unwinds t, which must not be the running task.
func (w *World) kill(t *task) {
	if t.dead {
		return
	}
	t.leaveList()
	if t.timed {
		w.staleEvents++
		t.timed = false
	}
	if t.co == nil { // it never ran: there is nothing to unwind
		t.dead, t.fn = true, nil
		w.live--
		w.deadTasks++
		return
	}
	t.killed = true
	w.switchTo(t)
	if !t.dead {
		panic("simworld: task " + t.path() + " waited while it was unwound")
	}
}
