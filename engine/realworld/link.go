package realworld

import (
	"math/bits"
	"sync"
	"time"

	"brokerlab/engine/env"
)

// link is one direction of a connection: a queue of messages that holds a limited
// number of bytes. Nothing runs in it. On a shaped link, Send computes the
// instant at which the message arrives and Recv waits for that instant.
//
// A message counts against the limit until it is received, so that a receiver
// that does not read stops its sender, as a full TCP window does. For a receiver
// that does read, that is until the message arrives.
//
// One task sends and one receives, so that each side needs one place to wait.
type link struct {
	world  *World
	limit  int64 // bytes
	shaped bool
	mu     struct {
		sync.Mutex
		queue     packetRing
		bytes     int64    // in the queue
		wanted    int64    // by the sender, while it waits
		busyUntil env.Time // when the last bit of what was sent has left
		endAt     env.Time // when the receiver learns that the sender has closed
		resetAt   env.Time // when the sender learns that the receiver has closed
		sender    side
		receiver  side
	}
}

// side is one of the two tasks that use a link.
type side struct {
	wake    chan struct{} // holds one wake-up
	timer   *time.Timer   // made when first needed; stopped between waits
	waiting bool          // cleared by whoever sends the wake-up
	closed  bool
}

// packet is a message on its way.
type packet struct {
	message env.Message
	bytes   int64
	arrival env.Time // 0 on an unshaped link
}

func newLink(w *World) *link {
	cfg := w.cfg.Link
	l := &link{world: w, limit: cfg.InFlightBytes, shaped: cfg.BytesPerSec > 0 || cfg.Delay > 0}
	l.mu.endAt, l.mu.resetAt = env.Never, env.Never
	l.mu.sender.wake = make(chan struct{}, 1)
	l.mu.receiver.wake = make(chan struct{}, 1)
	return l
}

// send queues m, or fails and leaves m to the caller.
func (l *link) send(m env.Message) error {
	bytes := int64(m.WireBytes())
	l.mu.Lock()
	for !l.mu.sender.closed && !l.resetLocked() && !l.roomLocked(bytes) {
		l.mu.wanted = bytes
		l.waitLocked(&l.mu.sender, l.mu.resetAt)
	}
	switch {
	case l.mu.sender.closed:
		l.mu.Unlock()
		return env.ErrClosed
	case l.resetLocked():
		l.mu.Unlock()
		return env.ErrReset
	case l.mu.receiver.closed:
		// The sender cannot know yet. What it sends fills the link and is lost.
		l.mu.bytes += bytes
		l.mu.Unlock()
		m.Release()
		return nil
	}
	p := packet{message: m, bytes: bytes}
	if l.shaped {
		p.arrival = l.arrivalLocked(bytes)
	}
	l.mu.bytes += bytes
	l.mu.queue.push(p)
	l.unlockAndWake(&l.mu.receiver, l.mu.queue.count == 1)
	return nil
}

// arrivalLocked takes the link for a message of that size, and returns when its
// last byte arrives.
func (l *link) arrivalLocked(bytes int64) env.Time {
	begin := max(l.world.now(), l.mu.busyUntil)
	l.mu.busyUntil = begin.Add(transmission(bytes, l.world.cfg.Link.BytesPerSec))
	return l.mu.busyUntil.Add(l.world.cfg.Link.Delay)
}

// transmission is bytes / rate, without overflow on the way.
func transmission(bytes, bytesPerSec int64) time.Duration {
	if bytesPerSec == 0 {
		return 0
	}
	hi, lo := bits.Mul64(uint64(bytes), uint64(time.Second))
	if hi >= uint64(bytesPerSec) {
		return time.Duration(env.Never)
	}
	nanos, _ := bits.Div64(hi, lo, uint64(bytesPerSec))
	return time.Duration(min(nanos, uint64(env.Never)))
}

// recv returns the oldest message once it has arrived.
func (l *link) recv(deadline env.Time) (env.Message, error) {
	l.mu.Lock()
	for {
		if l.mu.receiver.closed {
			l.mu.Unlock()
			return nil, env.ErrClosed
		}
		due := l.dueLocked()
		if due == 0 {
			break // on an unshaped link nobody needs to know the time
		}
		if due == env.Never && deadline == env.Never {
			l.waitLocked(&l.mu.receiver, env.Never)
			continue
		}
		now := l.world.now()
		if due <= now {
			break
		}
		if deadline <= now {
			l.mu.Unlock()
			return nil, env.ErrTimeout
		}
		l.waitForArrivalLocked(now, due, deadline)
	}
	if l.mu.queue.count == 0 {
		l.mu.Unlock()
		return nil, env.ErrReset
	}
	p := l.mu.queue.pop()
	l.mu.bytes -= p.bytes
	l.unlockAndWake(&l.mu.sender, l.roomLocked(l.mu.wanted))
	return p.message, nil
}

// dueLocked is when the receiver has something to learn: the oldest message, or
// the reset behind the last one. It is Never if nothing is on its way.
func (l *link) dueLocked() env.Time {
	if l.mu.queue.count > 0 {
		return l.mu.queue.front().arrival
	}
	return l.mu.endAt
}

// resetLocked reports whether the sender knows that the receiver has closed.
func (l *link) resetLocked() bool {
	return l.mu.receiver.closed && (l.mu.resetAt == 0 || l.mu.resetAt <= l.world.now())
}

// roomLocked: a message larger than the limit may travel alone.
func (l *link) roomLocked(bytes int64) bool {
	return l.mu.bytes == 0 || l.mu.bytes+bytes <= l.limit
}

// closeSender ends the link behind what was sent, and returns when the receiver
// learns of it.
func (l *link) closeSender() (endAt env.Time) {
	l.mu.Lock()
	if l.mu.sender.closed {
		defer l.mu.Unlock()
		return l.mu.endAt
	}
	l.mu.sender.closed = true
	l.mu.endAt = 0
	if l.shaped {
		l.mu.endAt = l.arrivalLocked(0)
	}
	endAt = l.mu.endAt
	// A receiver that waits for a message in the queue need not know yet.
	wakeReceiver := l.mu.queue.count == 0 && l.mu.receiver.stopWaiting()
	l.unlockAndWake(&l.mu.sender, true)
	if wakeReceiver {
		l.mu.receiver.wake <- struct{}{}
	}
	return endAt
}

// closeReceiver drops what was not received. The link stays as full as it is:
// the sender learns at resetAt that nobody will empty it.
func (l *link) closeReceiver(resetAt env.Time) {
	l.mu.Lock()
	if l.mu.receiver.closed {
		l.mu.Unlock()
		return
	}
	l.mu.receiver.closed, l.mu.resetAt = true, resetAt
	dropped := l.mu.queue
	l.mu.queue = packetRing{}
	wakeReceiver := l.mu.receiver.stopWaiting()
	l.unlockAndWake(&l.mu.sender, true)
	if wakeReceiver {
		l.mu.receiver.wake <- struct{}{}
	}
	for dropped.count > 0 {
		dropped.pop().message.Release()
	}
}

// waitForArrivalLocked waits for due or the deadline, whichever is first. It may
// return early: after a wake-up, and close to a due instant, which it then
// reaches as precisely as Sleep does.
func (l *link) waitForArrivalLocked(now, due, deadline env.Time) {
	switch left := due.Sub(now); {
	case deadline < due:
		l.waitLocked(&l.mu.receiver, deadline)
	case left > preciseSpan:
		l.waitLocked(&l.mu.receiver, due-env.Time(preciseSpan))
	default:
		l.mu.Unlock()
		l.world.sleep(left)
		l.mu.Lock()
	}
}

// waitLocked waits until the side is woken or the deadline passes.
func (l *link) waitLocked(s *side, deadline env.Time) {
	if s.waiting {
		panic("realworld: two tasks in the same call on one side of a connection")
	}
	s.waiting = true
	if deadline == env.Never {
		l.mu.Unlock()
		<-s.wake
		l.mu.Lock()
		return
	}
	if s.timer == nil {
		s.timer = newStoppedTimer()
	}
	s.timer.Reset(deadline.Sub(l.world.now()))
	l.mu.Unlock()
	woken := false
	select {
	case <-s.wake:
		woken = true
	case <-s.timer.C:
	}
	s.timer.Stop()
	l.mu.Lock()
	if !woken && !s.stopWaiting() {
		<-s.wake // the timer and the wake-up raced: leave none behind
	}
}

// unlockAndWake wakes s, if it should be woken and waits, after the mutex is
// free: the woken task wants it at once.
func (l *link) unlockAndWake(s *side, should bool) {
	wake := should && s.stopWaiting()
	l.mu.Unlock()
	if wake {
		s.wake <- struct{}{}
	}
}

// stopWaiting reports whether the side was waiting. The caller then owes it one
// wake-up.
func (s *side) stopWaiting() bool {
	was := s.waiting
	s.waiting = false
	return was
}

// packetRing is a first-in first-out queue that keeps its memory.
type packetRing struct {
	slots []packet // a power of two
	first int
	count int
}

func (r *packetRing) front() *packet { return &r.slots[r.first] }

func (r *packetRing) push(p packet) {
	if r.count == len(r.slots) {
		slots := make([]packet, max(4, 2*len(r.slots)))
		n := copy(slots, r.slots[r.first:])
		copy(slots[n:], r.slots[:r.first])
		r.slots, r.first = slots, 0
	}
	r.slots[(r.first+r.count)&(len(r.slots)-1)] = p
	r.count++
}

func (r *packetRing) pop() packet {
	p := r.slots[r.first]
	r.slots[r.first] = packet{} // keeps no message alive
	r.first = (r.first + 1) & (len(r.slots) - 1)
	r.count--
	return p
}
