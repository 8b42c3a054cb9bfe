package netmodel

import (
	"time"

	"brokerlab/engine/env"
)

// Flow is the way of messages from one end of a connection to the other, through
// the egress of one card and the ingress of another. The ingress begins when the
// first byte is there, after the delay: a message alone takes its transmission
// once, not twice. Where the egress is the slower one, since others share it, the
// ingress still serves the message as if all of it were there, so that it ends
// early on that side and not at its last byte's: no bytes are lost or counted
// twice, and the message arrives by the later of both.
//
// In order of the messages, each count includes the next one:
//
//	sent >= started >= joined >= received, and started >= left
type Flow struct {
	clock   Clock
	cfg     *Config
	from    *Card
	to      *Card
	out     *lane
	in      *lane
	slice   time.Duration
	arrives func(at env.Time)

	loads    queue[load] // whose arrival is not known yet
	started  int         // loads that began to leave
	left     int         // loads that left the egress
	joined   int         // loads of which the first byte is at the ingress
	received int         // loads that the ingress is done with
	active   [2]bool     // the lane stands in line or is served
	armed    bool        // one event stands for all loads between the cards
	joinFn   func()
}

// load is a message for the cards.
type load struct {
	service time.Duration
	delay   time.Duration
	extra   time.Duration // after both cards
	joinAt  env.Time
	leftAt  env.Time
}

// NewFlow returns the way from one card to another. arrives is called once for
// each message, in their order, as soon as it is known when its last byte arrives;
// that may be now.
func NewFlow(clock Clock, cfg *Config, from, to *Card, arrives func(at env.Time)) *Flow {
	f := &Flow{clock: clock, cfg: cfg, from: from, to: to, arrives: arrives, slice: cfg.Transmission(sliceBytes)}
	f.out = f.lane(sideOut)
	f.in = f.lane(sideIn)
	f.joinFn = f.join
	return f
}

func (f *Flow) lane(s side) *lane {
	f.active[s] = false
	if s == sideOut {
		return &lane{port: &f.from.egress, flow: f, side: s}
	}
	return &lane{port: &f.to.ingress, flow: f, side: s}
}

// Send puts a message into the egress.
func (f *Flow) Send(bytes int64, delay time.Duration, fate Fate) {
	service := f.cfg.Transmission(bytes) + f.cfg.again(bytes, fate.Resent)
	f.loads.push(load{service: service, delay: delay, extra: fate.Extra})
	f.from.egress.count(1)
	f.activate(f.out)
}

// Withdraw forgets the messages that have not left the sender, and returns their
// number.
func (f *Flow) Withdraw() int {
	f.from.egress.settle()
	unsent := f.loads.len() - f.left
	f.out.leave(unsent)
	f.out = f.lane(sideOut)
	if late := f.joined - f.left; late > 0 {
		if f.received >= f.left {
			f.in.leave(f.joined - f.received)
			f.in = f.lane(sideIn)
		} else {
			f.to.ingress.count(-late)
		}
		f.joined, f.received = f.left, min(f.received, f.left)
	}
	f.started = f.left
	f.loads.cut(f.left)
	return unsent
}

// Reset forgets all messages whose arrival is not known.
func (f *Flow) Reset() {
	if f.loads.len() == 0 {
		return
	}
	f.out.leave(f.loads.len() - f.left)
	f.in.leave(f.joined - f.received)
	f.out, f.in = f.lane(sideOut), f.lane(sideIn)
	f.started, f.left, f.joined, f.received = 0, 0, 0, 0
	f.armed = false
	f.loads.cut(0)
}

// activate puts a lane in line if it has something.
func (f *Flow) activate(l *lane) {
	if f.active[l.side] || !l.next() {
		return
	}
	l.port.join(l)
}

// next is how long the next message of a lane takes, if there is one.
func (f *Flow) next(s side) (service time.Duration, ok bool) {
	i, limit := f.left, f.loads.len()
	if s == sideIn {
		i, limit = f.received, f.joined
	}
	f.active[s] = i < limit
	if i == limit {
		return 0, false
	}
	return f.loads.at(i).service, true
}

// leaves is the first byte of a message at the wire.
func (f *Flow) leaves() {
	k := f.loads.at(f.started)
	k.joinAt = f.clock.Now().Add(k.delay)
	f.started++
	if !f.armed {
		f.armed = true
		f.arm(k.joinAt)
	}
}

func (f *Flow) arm(at env.Time) {
	if at <= f.clock.Now() {
		f.join()
		return
	}
	f.clock.At(at, f.joinFn)
}

// join is the first byte of a message, or of several, at the receiver's card.
func (f *Flow) join() {
	f.armed = false
	for f.joined < f.started && f.loads.at(f.joined).joinAt <= f.clock.Now() {
		f.joined++
		f.to.ingress.count(1)
	}
	if f.joined < f.started {
		f.armed = true
		f.arm(f.loads.at(f.joined).joinAt)
	}
	f.activate(f.in)
}

// served is the last byte of a message at one of the ports.
func (f *Flow) served(s side) {
	now := f.clock.Now()
	if s == sideOut {
		f.from.egress.count(-1)
		f.loads.at(f.left).leftAt = now
		f.left++
	} else {
		f.to.ingress.count(-1)
		f.received++
	}
	if min(f.left, f.received) == 0 {
		return
	}
	k := f.loads.pop()
	f.started--
	f.left--
	f.joined--
	f.received--
	f.arrives(max(now, k.leftAt.Add(k.delay)).Add(k.extra))
}
