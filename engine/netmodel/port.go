package netmodel

import (
	"time"

	"brokerlab/engine/env"
)

const (
	// sliceBytes is what one connection sends before others have their turn: the
	// largest packet that Linux hands to a card (GSO_LEGACY_MAX_SIZE), which cuts
	// it into frames. Its fair queues (fq, fq_codel) and the limit of what a
	// connection may have queued (TCP small queues) let connections take turns.
	sliceBytes = 64 << 10
	// slicesMax limits the slices, and so the events, of one message: those of more
	// than 16 MiB have larger ones.
	slicesMax = 256
)

// Clock is what the model needs of its world: the instant, and callbacks at
// instants, in the order in which they were asked for if these are the same.
type Clock interface {
	Now() env.Time
	At(t env.Time, fn func())
}

// Stats is what a card did so far. Bytes are those of messages.
type Stats struct {
	BytesOut, BytesIn int64
	// BusyOut and BusyIn are how long it sent and received, so that their part of
	// the elapsed time is its utilisation. 0 without a rate.
	BusyOut, BusyIn time.Duration
	// QueueOut and QueueIn are the integrals over time of the number of messages
	// that wait or are being sent (received): divided by the elapsed time, the mean
	// number. 0 without a rate.
	QueueOut, QueueIn time.Duration
	// Retransmitted is the number of segments that it sent again.
	Retransmitted int64
}

// Card is the network card of a node. It survives restarts of the node.
type Card struct {
	// BytesOut, BytesIn and Retransmitted are counted by the world.
	BytesOut, BytesIn, Retransmitted int64
	egress, ingress                  port
}

// NewCard returns an idle card.
func NewCard(clock Clock) *Card {
	c := &Card{}
	c.egress.init(clock)
	c.ingress.init(clock)
	return c
}

// Stats returns the counters, up to now.
func (c *Card) Stats() Stats {
	s := Stats{BytesOut: c.BytesOut, BytesIn: c.BytesIn, Retransmitted: c.Retransmitted}
	s.BusyOut, s.QueueOut = c.egress.stats()
	s.BusyIn, s.QueueIn = c.ingress.stats()
	return s
}

// port is one direction of a card: a server whose customers, the lanes, take turns
// of one slice, be it of several messages or of a part of one (deficit round robin
// with messages that can be cut). A lane that is alone sends on without a cut, and
// is cut at the end of its slice when another one comes: so a message that shares
// with nobody takes one event, and one that shares takes slicesMax or so at most.
type port struct {
	clock   Clock
	waiting queue[*lane]
	serving *lane
	begin   env.Time // of what is being served
	end     env.Time
	endFn   func()

	busy     time.Duration
	messages int
	since    env.Time // when messages changed
	area     time.Duration
}

// lane is one connection at one port.
type lane struct {
	port  *port
	flow  *Flow         // nil when nobody needs it any more
	side  side          // which end of the flow it is
	left  time.Duration // of the message in front
	slice time.Duration
	turn  time.Duration // what is left of its turn
	fresh bool          // nothing of that message was served
}

type side int

const (
	sideOut side = iota
	sideIn
)

func (p *port) init(clock Clock) {
	p.clock = clock
	p.endFn = p.ended
}

func (p *port) stats() (busy, area time.Duration) {
	now := p.clock.Now()
	busy, area = p.busy, p.area
	if p.serving != nil {
		busy += now.Sub(p.begin)
	}
	return busy, area + time.Duration(p.messages)*now.Sub(p.since)
}

// count changes the number of messages.
func (p *port) count(by int) {
	now := p.clock.Now()
	p.area += time.Duration(p.messages) * now.Sub(p.since)
	p.since = now
	p.messages += by
}

// join puts a lane at the end of the line.
func (p *port) join(l *lane) {
	p.waiting.push(l)
	if p.serving == nil {
		p.serve()
		return
	}
	p.cut()
}

// cut lets what is being served end with its slice.
func (p *port) cut() {
	l := p.serving
	slices := p.clock.Now().Sub(p.begin)/l.slice + 1
	if end := p.begin.Add(slices * l.slice); end < p.end {
		p.end = end
		p.clock.At(end, p.endFn)
	}
}

// serve begins with the next lane, if there is one.
func (p *port) serve() {
	for p.waiting.len() > 0 {
		l := p.waiting.pop()
		if l.flow == nil {
			continue
		}
		l.turn = l.slice
		p.start(l)
		return
	}
}

// start begins with a message, or goes on with it.
func (p *port) start(l *lane) {
	run := l.left
	if p.waiting.len() > 0 {
		run = min(run, l.turn)
	}
	p.serving, p.begin = l, p.clock.Now()
	p.end = p.begin.Add(run)
	p.clock.At(p.end, p.endFn)
	if l.fresh && l.side == sideOut {
		l.flow.leaves()
	}
	l.fresh = false
}

// ended is the end of a slice or a message, or nothing if that was moved to
// another instant meanwhile.
func (p *port) ended() {
	if p.serving == nil || p.clock.Now() != p.end {
		return
	}
	l := p.serving
	run := p.end.Sub(p.begin)
	p.serving = nil
	p.busy += run
	l.left -= run
	l.turn -= run
	if l.flow != nil && l.left <= 0 {
		l.flow.served(l.side)
	}
	more := l.flow != nil && (l.left > 0 || l.next())
	if more && l.turn > 0 && p.serving == nil {
		p.start(l)
		return
	}
	if more {
		p.waiting.push(l)
	}
	if p.serving == nil {
		p.serve()
	}
}

// settle lets what ends at this very instant have ended.
func (p *port) settle() {
	for p.serving != nil && p.end <= p.clock.Now() {
		p.ended()
	}
}

// next takes the next message of the flow, if it is there.
func (l *lane) next() bool {
	service, ok := l.flow.next(l.side)
	if !ok {
		return false
	}
	l.left, l.fresh = service, true
	l.slice = max(l.flow.slice, (service+slicesMax-1)/slicesMax)
	return true
}

// leave takes a lane with so many messages out of the line for ever.
func (l *lane) leave(messages int) {
	p := l.port
	l.flow = nil
	p.count(-messages)
	if p.serving == l {
		p.cut()
	}
}
