package realworld

import (
	"math/bits"
	"sync"
	"time"

	"brokerlab/engine/env"
)

// link is one direction of a connection: a queue of messages that holds a limited
// number of bytes. Nothing runs in it. On a shaped link, send computes the
// instant at which the message arrives and recv waits for that instant.
//
// A message counts against the limit until it is received, so that a receiver
// that does not read stops its sender, as a full TCP window does. For a receiver
// that does read, that is until the message arrives.
//
// A message to a receiver that is behind costs what it costs over a Go channel
// (28 ns against 32); if both sides wait every time, a round trip costs 0.41 us
// against 0.30. Handing the message over with the wake-up, past the queue, would
// save a tenth of that.
type link struct {
	world    *World
	limit    int64 // bytes
	shaped   bool
	readable *cond // for the receiver: a first message, or the end
	writable *cond // for the sender: room, or the end
	mu       struct {
		sync.Mutex
		queue     packetRing
		bytes     int64    // sent and not received
		wanted    int64    // by the sender, while it waits for room
		busyUntil env.Time // when the last bit of what was sent has left
		ended     bool     // the sender has closed
		endAt     env.Time // when the receiver learns that; Never before
		reset     bool     // the receiver has closed
		resetAt   env.Time // when the sender learns that; Never before
	}
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
	l.readable, l.writable = newCond(w, &l.mu.Mutex), newCond(w, &l.mu.Mutex)
	l.mu.endAt, l.mu.resetAt = env.Never, env.Never
	return l
}

// send queues m, or fails and leaves m to the caller.
func (l *link) send(m env.Message) error {
	bytes := int64(m.WireBytes())
	l.mu.Lock()
	for !l.mu.ended && !l.resetLocked() && !l.roomLocked(bytes) {
		l.mu.wanted = bytes
		l.writable.WaitUntil(l.mu.resetAt)
	}
	switch {
	case l.mu.ended:
		l.mu.Unlock()
		return env.ErrClosed
	case l.resetLocked():
		l.mu.Unlock()
		return env.ErrReset
	case l.mu.reset:
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
	if l.mu.queue.count == 1 {
		l.readable.Signal()
	}
	l.mu.Unlock()
	return nil
}

// recv returns the oldest message once it has arrived.
func (l *link) recv(deadline env.Time) (env.Message, error) {
	l.mu.Lock()
	for {
		if l.mu.reset {
			l.mu.Unlock()
			return nil, env.ErrClosed
		}
		due := l.dueLocked()
		if due == 0 {
			break // on an unshaped link nobody needs to know the time
		}
		if due == env.Never && deadline == env.Never {
			l.readable.WaitUntil(env.Never)
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
	if l.roomLocked(l.mu.wanted) {
		l.writable.Signal()
	}
	l.mu.Unlock()
	return p.message, nil
}

// newsAt is when the other end of the connection learns of what this end, which
// sends on the link, does now.
func (l *link) newsAt() env.Time {
	if !l.shaped {
		return 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.arrivalLocked(0)
}

// closeSender ends the link behind what was sent.
func (l *link) closeSender(endAt env.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.ended, l.mu.endAt = true, min(l.mu.endAt, endAt)
	l.writable.Broadcast()
	l.readable.Broadcast()
}

// closeReceiver drops what was not received. The link stays as full as it is:
// the sender learns at resetAt that nobody will empty it.
func (l *link) closeReceiver(resetAt env.Time) {
	l.mu.Lock()
	if l.mu.reset {
		l.mu.Unlock()
		return
	}
	l.mu.reset, l.mu.resetAt = true, resetAt
	dropped := l.mu.queue
	l.mu.queue = packetRing{}
	l.writable.Broadcast()
	l.readable.Broadcast()
	l.mu.Unlock()
	for dropped.count > 0 {
		dropped.pop().message.Release()
	}
}

// dueLocked is when the receiver has something to learn: the oldest message, or
// the end behind the last one. It is Never if nothing is on its way.
func (l *link) dueLocked() env.Time {
	if l.mu.queue.count > 0 {
		return l.mu.queue.front().arrival
	}
	return l.mu.endAt
}

// resetLocked reports whether the sender knows that the receiver has closed.
func (l *link) resetLocked() bool {
	return l.mu.reset && (l.mu.resetAt == 0 || l.mu.resetAt <= l.world.now())
}

// roomLocked: a message larger than the limit may travel alone.
func (l *link) roomLocked(bytes int64) bool {
	return l.mu.bytes == 0 || l.mu.bytes+bytes <= l.limit
}

// waitForArrivalLocked waits for due or the deadline, whichever is first. It may
// return early: after a wake-up, and close to a due instant, which it then
// reaches as precisely as Sleep does.
func (l *link) waitForArrivalLocked(now, due, deadline env.Time) {
	switch left := due.Sub(now); {
	case deadline < due:
		l.readable.WaitUntil(deadline)
	case left > preciseSpan:
		l.readable.WaitUntil(due - env.Time(preciseSpan))
	default:
		l.mu.Unlock()
		l.world.sleep(left)
		l.mu.Lock()
	}
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
