package simworld

import (
	"math/bits"
	"time"

	"brokerlab/engine/env"
)

const (
	// sliceMax is the longest piece of CPU work that runs without letting others
	// have the core.
	sliceMax = time.Millisecond
	// instantStepsMax is the number of steps in one instant that no correct run
	// takes.
	instantStepsMax = 1_000_000
	// suspectSteps is how many of the last steps name the tasks of a runaway.
	suspectSteps = 1000
	// sweepMin is the number of events below which stale ones are left alone.
	sweepMin = 256
)

// note adds a step to the running hash.
func (w *World) note(a, b uint64) {
	h := bits.RotateLeft64(w.hash^a, 31) * 0x9e3779b97f4a7c15
	w.hash = (h ^ b) * 0xd6e8feb86659fd93
}

// push adds an event, at now if its instant has passed.
func (w *World) push(e event) {
	w.seq++
	e.seq = w.seq
	e.at = max(e.at, w.now)
	if w.taken {
		w.taken = false
		w.events.sink(0, e)
	} else {
		w.events.push(e)
	}
	if w.staleEvents > len(w.events)/2 && len(w.events) >= sweepMin {
		w.events.sweep()
		w.staleEvents = 0
	}
}

// takeFirst takes the first event and leaves its place to the next one that is
// pushed: what runs for an event almost always sets another.
func (w *World) takeFirst() event {
	w.taken = true
	return w.events[0]
}

// settleEvents closes the place of an event that was taken.
func (w *World) settleEvents() {
	if w.taken {
		w.taken = false
		w.events.pop()
	}
}

// readyTask is a task that runs at this instant, in the order of seq among the
// events of this instant.
type readyTask struct {
	task *task
	seq  uint64
}

func (w *World) makeReady(t *task) {
	w.seq++
	w.ready.push(readyTask{task: t, seq: w.seq})
}

// loop runs the world until no task is left. It returns what is wrong if that
// cannot be reached.
func (w *World) loop() *stuck {
	for w.live > 0 || w.failure != nil {
		switch {
		case w.failure != nil:
			panic(w.failure)
		case w.runaway != nil:
			return w.runaway
		case w.runReady():
			continue
		}
		w.settleEvents()
		if len(w.events) == 0 {
			return &stuck{kind: ErrDeadlock, at: w.now}
		}
		e := w.takeFirst()
		if e.stale() {
			w.staleEvents--
			continue
		}
		if e.at > w.horizon {
			return &stuck{kind: ErrHorizon, at: w.now}
		}
		w.now = e.at
		if e.fn != nil {
			w.stats.Callbacks++
			w.note(^uint64(0), uint64(w.now))
			w.countStep(nil)
			e.fn()
			w.outside.debt = 0
		} else {
			w.ring(e.task)
			w.run(e.task)
		}
	}
	return nil
}

// runReady runs the next ready task unless an event of this instant is older.
func (w *World) runReady() bool {
	if w.ready.len() == 0 {
		return false
	}
	w.settleEvents()
	if len(w.events) > 0 && w.events[0].at <= w.now && w.events[0].seq < w.ready.at(0).seq {
		return false
	}
	if w.explore != nil && w.ready.len() > 1 {
		i := w.explore.IntN(w.ready.len())
		*w.ready.at(0), *w.ready.at(i) = *w.ready.at(i), *w.ready.at(0)
	}
	r := w.ready.pop()
	if !r.task.dead {
		w.run(r.task)
	}
	return true
}

// ring is the end of a park by its event rather than by a wake-up.
func (w *World) ring(t *task) {
	t.timed = false
	t.park++
	t.leaveList()
}

func (w *World) run(t *task) {
	w.stats.Switches++
	w.note(uint64(t.id), uint64(w.now))
	w.countStep(t)
	if w.runaway == nil {
		w.switchTo(t)
	}
}

// countStep finds runs that go on without the clock.
func (w *World) countStep(t *task) {
	if w.now != w.instant {
		w.instant, w.instantSteps = w.now, 0
		return
	}
	w.instantSteps++
	if w.instantSteps > instantStepsMax-suspectSteps {
		w.suspect(t)
	}
}

func (w *World) suspect(t *task) {
	if w.runaway == nil && w.instantSteps > instantStepsMax {
		w.runaway = &stuck{kind: ErrRunaway, at: w.now, tasks: w.suspects}
		return
	}
	if w.instantSteps == instantStepsMax-suspectSteps+1 {
		w.suspects = nil // of an earlier instant
	}
	if t == nil {
		return // a callback
	}
	for _, s := range w.suspects {
		if s == t {
			return
		}
	}
	w.suspects = append(w.suspects, t)
}

// idleUntil says that nothing else can happen up to and at the instant. An event
// at the very instant was set earlier and goes first.
func (w *World) idleUntil(at env.Time) bool {
	if w.ready.len() > 0 || at > w.horizon {
		return false
	}
	if w.taken {
		first := w.events.second()
		switch {
		case first == nil || first.at > at:
			return true
		case !first.stale():
			return false
		}
		w.settleEvents()
	}
	for len(w.events) > 0 {
		first := &w.events[0]
		if first.at > at {
			return true
		}
		if !first.stale() {
			return false
		}
		w.events.pop()
		w.staleEvents--
	}
	return true
}

// park stops the running task until it is woken or the deadline has come, and
// says which. A killed task does not return from it.
func (w *World) park(t *task, deadline env.Time) (woken bool) {
	if t == &w.outside {
		panic("simworld: a call that has to wait was made outside of a task")
	}
	if deadline != env.Never {
		deadline = max(deadline, w.now)
		if w.idleUntil(deadline) {
			w.now = deadline
			w.stats.InPlace++
			w.note(uint64(t.id), uint64(deadline))
			t.leaveList()
			w.countStep(t)
			if w.runaway == nil {
				return false
			}
		}
		w.push(event{at: deadline, task: t, park: t.park})
		t.timed = true
	}
	t.woken = false
	t.since = w.now
	t.co.yield(struct{}{})
	if t.killed {
		if w.reporting {
			t.where = whereParked()
		}
		panic(errKilled)
	}
	t.kind, t.on = waitNothing, nil
	return t.woken
}

// wake makes a parked task run after the price of a wake-up.
func (w *World) wake(t *task) {
	t.leaveList()
	t.park++
	t.woken = true
	if t.timed {
		w.staleEvents++
		t.timed = false
	}
	delay := w.wakes.next()
	if delay == 0 {
		w.makeReady(t)
		return
	}
	if w.explore != nil {
		delay = w.explore.Int64N(2 * delay)
	}
	w.push(event{at: w.now + env.Time(delay), task: t, park: t.park})
	t.timed = true
}

// book takes a core for the task's debt, which is below sliceMax, and says when the
// work is done.
func (w *World) book(t *task) env.Time {
	slice := time.Duration(t.debt / picosPerNano)
	if slice == 0 {
		return w.now
	}
	t.debt -= picos(slice) * picosPerNano
	free := t.node.firstFree()
	*free = max(*free, w.now).Add(slice)
	t.node.worked += slice
	return *free
}

// pay turns the task's debt into time on the cores of its node.
func (w *World) pay(t *task) {
	if t == &w.outside {
		t.debt = 0
	}
	for t.debt >= picosPerNano {
		slice := min(time.Duration(t.debt/picosPerNano), sliceMax)
		t.debt -= picos(slice) * picosPerNano
		free := t.node.firstFree()
		end := max(*free, w.now).Add(slice)
		*free = end
		t.node.worked += slice
		if w.idleUntil(end) { // park would do the same, more slowly
			w.now = end
			w.stats.InPlace++
			w.note(uint64(t.id), uint64(end))
			continue
		}
		t.kind = waitCPU
		w.park(t, end)
	}
}
