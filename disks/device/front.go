package device

import (
	"fmt"
	"time"

	"brokerlab/engine/env"
)

// medium is what stands behind the host queue.
type medium interface {
	// begin takes the command in slot s. The medium calls front.finish once, then
	// or in a later step.
	begin(now env.Time, s int32)
	// flush begins a flush of what was acknowledged. The medium calls
	// front.flushed once, then or in a later step.
	flush(now env.Time)
	// next is the instant of the next step; env.Never without one.
	next() env.Time
	// step does what is due at now, which is next().
	step(now env.Time)
	// stats adds the medium's own figures.
	stats(now env.Time, s *Stats)
	// powerLoss reports what is lost and forgets everything under way.
	powerLoss(now env.Time, lost func(Range))
}

// none ends lists of slots, and is the slot of the drive's own flush.
const none = int32(-1)

// slot is a request under way.
type slot struct {
	req                Request
	fua                bool // req.FUA, if the drive has a volatile cache
	submitted, started env.Time
	next               int32 // in its list
}

// list is a queue of slots, linked through slot.next.
type list struct{ first, last int32 }

var emptyList = list{none, none}

// front is the host's side of every device: it keeps the requests, hands them
// to the medium and collects them.
type front struct {
	queue    Queue
	volatile bool
	capacity int64
	medium   medium
	slots    []slot
	free     list
	waiting  [classCount]list
	started  [classCount]int // commands that the medium has
	flushes  flushState
	due      dueHeap
	now      env.Time // the last instant seen
	inside   bool     // Advance is running

	count     Stats
	busySince env.Time
	areaSince env.Time // QueueTime is summed up to here
}

// flushState is blk-flush's: one in flight, and all that came since then wait for
// the next one. Emulated FUA writes are in its lists too, when written.
type flushState struct {
	running  bool
	draining bool // an exclusive flush waits for the drive to be empty
	started  env.Time
	served   list // by the running one
	waiting  list
}

func newFront(cfg *Config) *front {
	f := &front{
		queue: cfg.Queue, volatile: cfg.VolatileCache, capacity: cfg.CapacityBytes,
		free: emptyList, flushes: flushState{served: emptyList, waiting: emptyList},
	}
	for c := range f.waiting {
		f.waiting[c] = emptyList
	}
	return f
}

// Submit implements Device.
func (f *front) Submit(now env.Time, r Request) {
	f.check(now, &r)
	f.see(now)
	s := f.take()
	f.slots[s] = slot{req: r, fua: r.FUA && f.volatile, submitted: now, started: now, next: none}
	if f.count.Outstanding == 0 {
		f.busySince = now
	}
	f.count.Outstanding++
	switch {
	case r.Op != Flush:
		f.push(&f.waiting[r.Class], s)
		f.dispatch(now)
	case f.volatile:
		f.push(&f.flushes.waiting, s)
		f.startFlush(now)
	default:
		f.finish(s, now)
	}
}

func (f *front) check(now env.Time, r *Request) {
	if now < f.now {
		panic(fmt.Sprintf("device: submit at %d ns, before %d ns, which the device has seen", now, f.now))
	}
	if next := f.NextEvent(); next < now {
		panic(fmt.Sprintf("device: submit at %d ns without an Advance to what is due at %d ns", now, next))
	}
	if r.Op > Flush || r.Class >= classCount {
		panic(fmt.Sprintf("device: request of operation %d, class %d", r.Op, r.Class))
	}
	if r.Op != Flush && (r.Bytes < 1 || r.Bytes > RequestBytesMax || r.Offset < 0 || r.Offset > f.capacity-r.Bytes) {
		panic(fmt.Sprintf("device: %v of %d bytes at %d, on a device of %d bytes", r.Op, r.Bytes, r.Offset, f.capacity))
	}
}

// NextEvent implements Device.
func (f *front) NextEvent() env.Time { return min(f.due.next(), f.medium.next()) }

// Advance implements Device. The medium's steps at an instant come before the
// completions at it.
func (f *front) Advance(now env.Time, done func(Completion)) {
	if f.inside {
		panic("device: Advance in the callback of Advance")
	}
	f.inside = true
	for {
		step, due := f.medium.next(), f.due.next()
		if min(step, due) > now {
			break
		}
		if step <= due {
			f.see(step)
			f.medium.step(step)
			continue
		}
		f.see(due)
		if s := f.due.pop(); s == none {
			f.endFlush(due, done)
		} else {
			f.end(due, s, done)
		}
	}
	if now != env.Never {
		f.see(max(now, f.now))
	}
	f.inside = false
}

// see moves the sums up to now.
func (f *front) see(now env.Time) {
	f.count.QueueTime += now.Sub(f.areaSince) * time.Duration(f.count.Outstanding)
	f.areaSince, f.now = now, now
}

// nativeFUA reports whether the medium must make the write of slot s durable
// before it ends.
func (f *front) nativeFUA(s int32) bool { return f.slots[s].fua && f.queue.NativeFUA }

// finish lets the command in slot s end at an instant that is not before now.
func (f *front) finish(s int32, at env.Time) { f.due.push(at, s) }

// flushed lets the running flush end.
func (f *front) flushed(at env.Time) { f.due.push(at, none) }

// end completes the command of slot s, or hands an emulated FUA write on.
func (f *front) end(now env.Time, s int32, done func(Completion)) {
	q := &f.slots[s]
	if q.req.Op != Flush {
		f.started[q.req.Class]--
		if q.fua && !f.queue.NativeFUA {
			f.push(&f.flushes.waiting, s)
		} else {
			f.complete(now, s, done)
		}
		f.startFlush(now)
		f.dispatch(now)
		return
	}
	f.complete(now, s, done)
}

// complete frees the slot, then tells the caller, who may submit.
func (f *front) complete(now env.Time, s int32, done func(Completion)) {
	q := &f.slots[s]
	c := Completion{Request: q.req, Submitted: q.submitted, Started: q.started, Done: now}
	f.push(&f.free, s)
	f.count.Outstanding--
	if f.count.Outstanding == 0 {
		f.count.Busy += now.Sub(f.busySince)
	}
	switch c.Op {
	case Read:
		f.count.Reads++
		f.count.BytesRead += c.Bytes
	case Write:
		f.count.Writes++
		f.count.BytesWritten += c.Bytes
	case Flush:
		f.count.Flushes++
	}
	done(c)
}

// dispatch hands waiting commands to the medium while it has room.
func (f *front) dispatch(now env.Time) {
	if f.queue.ExclusiveFlush && (f.flushes.draining || f.flushes.running) {
		return
	}
	for f.started[Sync]+f.started[Background] < f.queue.Depth {
		class := f.nextClass(now)
		if f.waiting[class].first == none {
			return
		}
		s := f.pop(&f.waiting[class])
		f.slots[s].started = now
		f.started[class]++
		f.medium.begin(now, s)
	}
}

// nextClass is the class whose turn it is; nothing waits in it if none can go.
func (f *front) nextClass(now env.Time) Class {
	old := f.waiting[Background].first
	if old == none || f.started[Background] >= f.queue.BackgroundDepth {
		return Sync
	}
	if f.waiting[Sync].first == none || now.Sub(f.slots[old].submitted) > f.queue.BackgroundWaitMax {
		return Background
	}
	return Sync
}

// startFlush begins a flush for all who wait, if it may.
func (f *front) startFlush(now env.Time) {
	fl := &f.flushes
	if fl.running || fl.waiting.first == none {
		return
	}
	if f.queue.ExclusiveFlush && f.started[Sync]+f.started[Background] > 0 {
		fl.draining = true
		return
	}
	fl.running, fl.draining, fl.started = true, false, now
	fl.served, fl.waiting = fl.waiting, emptyList
	f.medium.flush(now)
}

// endFlush completes all that the flush served. Commands that waited for an
// exclusive flush go before the next one, so that flushes cannot starve them.
func (f *front) endFlush(now env.Time, done func(Completion)) {
	fl := &f.flushes
	fl.running = false
	f.count.FlushesServed++
	served, started := fl.served, fl.started
	fl.served = emptyList
	f.dispatch(now)
	f.startFlush(now)
	for served.first != none {
		s := f.pop(&served)
		if f.slots[s].req.Op == Flush {
			f.slots[s].started = started
		}
		f.complete(now, s, done)
	}
}

// Stats implements Device.
func (f *front) Stats() Stats {
	s := f.count
	if s.Outstanding > 0 {
		s.Busy += f.now.Sub(f.busySince)
	}
	f.medium.stats(f.now, &s)
	return s
}

// PowerLoss implements Device.
func (f *front) PowerLoss(now env.Time, lost func(Range)) {
	if f.inside || now < f.now || f.NextEvent() < now {
		panic("device: PowerLoss in the callback of Advance, in the past, or before an Advance to it")
	}
	f.see(now)
	f.medium.powerLoss(now, lost)
	if f.count.Outstanding > 0 {
		f.count.Busy += now.Sub(f.busySince)
	}
	f.count.Outstanding = 0
	f.slots, f.free = f.slots[:0], emptyList
	f.waiting = [classCount]list{emptyList, emptyList}
	f.started = [classCount]int{}
	f.flushes = flushState{served: emptyList, waiting: emptyList}
	f.due.clear()
}

// take returns a free slot.
func (f *front) take() int32 {
	if f.free.first != none {
		return f.pop(&f.free)
	}
	f.slots = append(f.slots, slot{})
	return int32(len(f.slots) - 1)
}

func (f *front) push(l *list, s int32) {
	f.slots[s].next = none
	if l.last == none {
		l.first = s
	} else {
		f.slots[l.last].next = s
	}
	l.last = s
}

func (f *front) pop(l *list) int32 {
	s := l.first
	l.first = f.slots[s].next
	if l.first == none {
		l.last = none
	}
	return s
}
