package realworld

import (
	"math/rand/v2"
	"sync"
	"time"

	"brokerlab/engine/env"
	"brokerlab/engine/netmodel"
)

// link is one direction of a connection: a queue of messages that holds a limited
// number of bytes. Nothing runs in it. On a shaped link without a rate, send
// computes the instant at which the message arrives; with one, the shaper does,
// since other connections take their turns on the cards of the two nodes. recv waits
// for that instant.
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
	flow     *netmodel.Flow // through the cards, under the shaper's lock; nil without a rate
	from, to *netmodel.Card // these and the next three too
	arrived  int            // of what the flow was given
	sent     int            // and that
	finSent  bool           // the end is the last of it
	back     *link          // the other direction
	readable *cond          // for the receiver: a first message, or the end
	writable *cond          // for the sender: room, or the end
	mu       struct {
		sync.Mutex
		queue   packetRing
		known   int        // packets whose arrival the flow has told
		chance  *rand.Rand // of jitter and loss; nil if there is neither
		bytes   int64      // sent and not received
		wanted  int64      // by the sender, while it waits for room
		arrival env.Time   // of the last message sent; none overtakes it
		// received is the arrival of the last message that was received, or of one before
		// it: what arrives early waits for those before it.
		received env.Time
		ended    bool     // the sender has closed
		endAt    env.Time // when the receiver learns that; Never before
		reset    bool     // the receiver has closed
		resetAt  env.Time // when the sender learns that; Never before
	}
}

// packet is a message on its way.
type packet struct {
	message env.Message
	bytes   int64
	arrival env.Time // 0 on an unshaped link; Never while that is not known
	tail    bool     // one of its last segments was lost
}

// ends are the names of the nodes of a link.
type ends struct{ from, to string }

func newLink(w *World, e ends) *link {
	cfg := &w.cfg.Link
	l := &link{world: w, limit: cfg.InFlightBytes, shaped: cfg.Shaped() && e.from != e.to}
	l.readable, l.writable = newCond(w, &l.mu.Mutex), newCond(w, &l.mu.Mutex)
	l.mu.endAt, l.mu.resetAt = env.Never, env.Never
	if l.shaped && cfg.Chancy() {
		l.mu.chance = w.stream("link " + e.from + " " + e.to)
	}
	if l.shaped && cfg.BytesPerSec > 0 {
		s := w.shaper
		s.enter()
		l.from, l.to = s.cardLocked(e.from), s.cardLocked(e.to)
		l.flow = netmodel.NewFlow(s, cfg, l.from, l.to, l.arrives)
		s.leave()
	}
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
	l.mu.bytes += bytes
	if l.flow != nil {
		l.mu.Unlock()
		l.launch(m, bytes)
		return nil
	}
	p := packet{message: m, bytes: bytes}
	if l.shaped {
		fate := l.fateLocked(bytes)
		p.arrival, p.tail = l.arrivalLocked(fate.Extra), fate.TailLost
	} else if a, ok := m.(env.Arriver); ok {
		a.Arrived(l.world.now())
	}
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
			if !l.tailLostLocked() {
				break
			}
			continue
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
	l.mu.known = max(0, l.mu.known-1)
	l.mu.bytes -= p.bytes
	if l.roomLocked(l.mu.wanted) {
		l.writable.Signal()
	}
	l.mu.received = max(l.mu.received, p.arrival)
	arrived := l.mu.received
	l.mu.Unlock()
	if a, ok := p.message.(env.Arriver); ok && p.arrival > 0 {
		a.Arrived(arrived)
	}
	return p.message, nil
}

// launch gives a message, for which there is room, to the cards.
func (l *link) launch(m env.Message, bytes int64) {
	s := l.world.shaper
	s.enter()
	defer s.leave()
	l.mu.Lock()
	dropped := l.mu.reset
	fate := netmodel.Fate{}
	if !dropped {
		fate = l.fateLocked(bytes)
		l.mu.queue.push(packet{message: m, bytes: bytes, arrival: env.Never, tail: fate.TailLost})
	}
	l.mu.Unlock()
	if dropped {
		m.Release()
		return
	}
	l.from.BytesOut += bytes
	l.from.Retransmitted += int64(fate.Resent)
	l.sent++
	l.flow.Send(bytes, l.world.cfg.Link.Delay, fate)
}

// arrives is the flow's: it knows when the next message arrives, or the end.
func (l *link) arrives(at env.Time) {
	l.arrived++
	if l.finSent && l.arrived == l.sent {
		l.back.closeReceiver(at)
		l.closeSender(at)
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.mu.reset {
		return // it was dropped
	}
	p := l.mu.queue.at(l.mu.known)
	p.arrival = at
	l.to.BytesIn += p.bytes
	l.mu.known++
	l.readable.Signal()
}

// tellEnd lets the other end of the connection learn that this end, which sends on
// the link, has closed.
func (l *link) tellEnd() {
	if l.flow == nil {
		at := l.newsAt()
		l.back.closeReceiver(at)
		l.closeSender(at)
		return
	}
	s := l.world.shaper
	s.enter()
	defer s.leave()
	if l.finSent {
		return
	}
	l.back.closeReceiver(env.Never)
	l.closeSender(env.Never)
	l.finSent = true
	l.sent++
	l.flow.Send(0, l.world.cfg.Link.Delay, netmodel.Fate{})
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
		l.mu.resetAt = min(l.mu.resetAt, resetAt)
		l.writable.Broadcast()
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

// arrivalLocked is when a message arrives that is sent now, on a link without a
// rate.
func (l *link) arrivalLocked(extra time.Duration) env.Time {
	l.mu.arrival = max(l.mu.arrival, l.world.now().Add(l.world.cfg.Link.Delay+extra))
	return l.mu.arrival
}

// fateLocked draws what jitter and loss do to a message.
func (l *link) fateLocked(bytes int64) netmodel.Fate {
	if l.mu.chance == nil {
		return netmodel.Fate{}
	}
	cfg := &l.world.cfg.Link
	return cfg.Draw(l.mu.chance, bytes, 2*cfg.Delay)
}

// tailLostLocked makes a message wait for its retransmission that would arrive now,
// if nothing follows it whose acknowledgement could tell the sender of the loss.
func (l *link) tailLostLocked() bool {
	if l.mu.queue.count == 0 || !l.mu.queue.front().tail {
		return false
	}
	first := l.mu.queue.front()
	first.tail = false
	if l.mu.queue.count > 1 || l.mu.ended {
		return false
	}
	first.arrival = first.arrival.Add(netmodel.TailTimeout)
	l.mu.arrival = max(l.mu.arrival, first.arrival)
	return true
}

// packetRing is a first-in first-out queue that keeps its memory.
type packetRing struct {
	slots []packet // a power of two
	first int
	count int
}

func (r *packetRing) front() *packet { return &r.slots[r.first] }

func (r *packetRing) at(i int) *packet { return &r.slots[(r.first+i)&(len(r.slots)-1)] }

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
