package simworld

import (
	"fmt"

	"brokerlab/engine/env"
	"brokerlab/engine/netmodel"
)

// packet is a message on its way, or the end of the stream if fin is set.
type packet struct {
	msg   env.Message
	bytes int64
	at    env.Time // when its last byte arrives; Never if that is not known yet
	fin   bool
	tail  bool // one of its last segments was lost
}

// credit is room in the window of a pipe, of which the sender learns at an
// instant.
type credit struct {
	bytes int64
	at    env.Time
}

// pipe is one direction of a connection.
//
//	Send -> transit -> (arrive) -> arrived -> Recv -> credits -> room for Send
type pipe struct {
	w        *World
	wire     *link
	back     *link          // on which the sender learns what was received
	flow     *netmodel.Flow // through the cards; nil if there is no rate
	to       *conn
	transit  ring[packet]
	known    int // packets of transit whose arrival is known; without a flow all
	arrived  ring[packet]
	credits  ring[credit]
	inFlight int64 // bytes sent, of which the sender does not know that they were received
	sender   taskList
	wants    int64 // bytes of the message that the blocked sender has
	receiver taskList
	finSent  bool // the end of the stream is on its way
	finished bool // and has arrived
	lost     bool // something was sent to a node without power
	held     bool // the wire is broken, and something of transit waits for it

	arriveArmed bool // one event stands for the whole of transit
	creditArmed bool
	arriveFn    func()
	creditFn    func()
}

func (w *World) newPipe(from, to *conn) *pipe {
	p := &pipe{w: w, wire: w.link(from.node.name, to.node.name), to: to}
	p.back = w.link(to.node.name, from.node.name)
	if !p.wire.free && w.cfg.Link.BytesPerSec > 0 {
		p.flow = netmodel.NewFlow(w, &w.cfg.Link, p.wire.from, p.wire.to, p.arrives)
	}
	p.arriveFn = func() {
		p.arriveArmed = false
		p.arrive()
	}
	p.creditFn = func() {
		p.creditArmed = false
		p.settle()
	}
	return p
}

// put sends a packet down the wire.
func (p *pipe) put(k packet) {
	w := p.w
	if !p.wire.free {
		p.wire.from.BytesOut += k.bytes
	}
	k.at = env.Never
	p.transit.push(k)
	if p.flow != nil && p.wire.broken {
		p.hold()
	} else {
		p.launch(p.transit.at(p.transit.len() - 1))
	}
	w.note(uint64(k.bytes), uint64(w.now))
	if p.transit.len() == 1 && p.transit.at(0).at == w.now {
		p.arrive()
		return
	}
	p.armArrive()
}

// launch puts a packet of transit on its way: through the cards, or past them if
// they have no rate. Then it is known when its last byte arrives.
func (p *pipe) launch(k *packet) {
	var fate netmodel.Fate
	if p.wire.chance != nil {
		fate = p.w.cfg.Link.Draw(p.wire.chance, k.bytes, p.wire.delay+p.back.delay)
		p.wire.from.Retransmitted += int64(fate.Resent)
	}
	k.tail = fate.TailLost
	if p.flow != nil {
		p.flow.Send(k.bytes, p.wire.delay, fate)
		return
	}
	k.at = p.w.now.Add(p.wire.delay + fate.Extra)
}

// arrives learns when the next packet through the cards arrives.
func (p *pipe) arrives(at env.Time) {
	p.transit.at(p.known).at = at
	p.known++
	if p.known == 1 && at <= p.w.now {
		p.arrive()
		return
	}
	p.armArrive()
}

// arrive moves what has arrived by now to the receiver.
func (p *pipe) arrive() {
	w := p.w
	if p.wire.broken {
		p.hold()
		return
	}
	for p.transit.len() > 0 && p.transit.at(0).at <= w.now {
		first := p.transit.at(0)
		if first.tail && p.transit.len() == 1 {
			first.tail = false
			first.at = w.now.Add(netmodel.TailTimeout)
			break
		}
		p.known = max(0, p.known-1)
		p.take(p.transit.pop())
	}
	p.armArrive()
}

// armArrive comes back when the first packet arrives, if that is known.
func (p *pipe) armArrive() {
	if p.transit.len() > 0 && !p.arriveArmed && p.transit.at(0).at != env.Never {
		p.arriveArmed = true
		p.w.push(event{at: p.transit.at(0).at, fn: p.arriveFn})
	}
}

// clearWay takes what is in transit off the cards.
func (p *pipe) clearWay() {
	if p.flow != nil {
		p.flow.Reset()
		p.known = 0
	}
}

// take is the arrival of one packet at the receiving node.
func (p *pipe) take(k packet) {
	if !p.wire.free {
		p.wire.to.BytesIn += k.bytes
	}
	switch {
	case p.to.node.powerOff:
		k.drop()
		p.lost = true
		if p.w.byName[p.to.node.name] != p.to.node {
			p.reset() // the node runs again and does not know the connection
		}
		return
	case p.to.closed:
		k.drop()
		return
	case k.fin:
		p.finished = true
		p.wakeAll(&p.receiver)
		p.wakeAll(&p.to.out.sender)
	default:
		if m, ok := k.msg.(env.Arriver); ok {
			m.Arrived(p.w.now)
		}
		p.arrived.push(k)
		p.wakeAll(&p.receiver)
	}
}

// reset answers what was sent to a node that lost its connections: the sender
// sees the end of its stream.
func (p *pipe) reset() { p.to.out.finish() }

// finish sends the end of the stream, behind all that was sent.
func (p *pipe) finish() {
	if !p.finSent {
		p.finSent = true
		p.put(packet{fin: true})
	}
}

// received gives room back for a message that Recv returned.
func (p *pipe) received(bytes int64) {
	switch {
	case p.back.broken:
		p.back.holdCredit(p, bytes)
	case p.back.delay == 0 && p.credits.len() == 0:
		p.inFlight -= bytes
	default:
		p.credits.push(credit{bytes: bytes, at: p.w.now.Add(p.back.delay)})
	}
	if !p.sender.empty() {
		p.settle()
	}
}

// hasRoom says whether a message may be sent now.
func (p *pipe) hasRoom(bytes int64) bool {
	for p.credits.len() > 0 && p.credits.at(0).at <= p.w.now {
		p.inFlight -= p.credits.pop().bytes
	}
	return p.inFlight == 0 || p.inFlight+bytes <= p.w.inFlight
}

// settle wakes the blocked sender if there is room, or comes back when there may
// be. Without a blocked sender nobody needs to know.
func (p *pipe) settle() {
	switch {
	case p.sender.empty():
	case p.hasRoom(p.wants):
		p.wakeAll(&p.sender)
	case p.credits.len() > 0 && !p.creditArmed:
		p.creditArmed = true
		p.w.push(event{at: p.credits.at(0).at, fn: p.creditFn})
	}
}

func (p *pipe) wakeAll(l *taskList) {
	for t := l.head; t != nil; t = l.head {
		p.w.wake(t)
	}
}

// discard releases what was sent and not received.
func (p *pipe) discard() {
	for p.arrived.len() > 0 {
		k := p.arrived.pop()
		k.drop()
	}
	p.clearWay()
	for p.transit.len() > 0 {
		k := p.transit.pop()
		k.drop()
	}
}

// discardUnsent releases what has not left the sender, whose power went off; on a
// broken wire that is all, since nobody is left to send it again.
func (p *pipe) discardUnsent() {
	unsent := 0
	switch {
	case p.wire.broken:
		p.clearWay()
		unsent = p.transit.len()
	case p.flow != nil:
		unsent = p.flow.Withdraw()
	}
	for range unsent {
		k := p.transit.popLast()
		p.finSent = p.finSent && !k.fin // so that a reset can still be told
		k.drop()
	}
}

func (k *packet) drop() {
	if k.msg != nil {
		k.msg.Release()
		k.msg = nil
	}
}

// conn is one end of a connection.
type conn struct {
	w       *World
	node    *Node
	peer    *conn
	in, out *pipe
	closed  bool
}

// connect makes both ends of a connection.
func (w *World) connect(a, b *Node) (near, far *conn) {
	near, far = a.newConn(), b.newConn()
	near.peer, far.peer = far, near
	near.out, far.out = w.newPipe(near, far), w.newPipe(far, near)
	near.in, far.in = far.out, near.out
	return near, far
}

func (n *Node) newConn() *conn {
	if len(n.conns) == cap(n.conns) {
		kept := n.conns[:0]
		for _, c := range n.conns {
			if !c.closed {
				kept = append(kept, c)
			}
		}
		clear(n.conns[len(kept):])
		n.conns = kept
	}
	c := &conn{w: n.w, node: n}
	n.conns = append(n.conns, c)
	return c
}

// fail wraps err once with the operation and its subject.
func (c *conn) fail(op string, err error) error {
	return fmt.Errorf("simworld: %s on the connection from %s to %s: %w", op, c.node.name, c.peer.node.name, err)
}

// Send implements env.Conn.
func (c *conn) Send(m env.Message) error {
	if c.node.down {
		m.Release()
	}
	t := c.node.enterHolding(m)
	bytes := int64(m.WireBytes())
	var err error
	for {
		if c.closed {
			err = c.fail("send", env.ErrClosed)
			break
		}
		if c.in.finished {
			err = c.fail("send", env.ErrReset)
			break
		}
		if c.out.hasRoom(bytes) {
			break
		}
		c.out.wants = bytes
		c.out.sender.pushBack(t)
		c.out.settle()
		t.kind, t.on = waitSend, c
		c.w.park(t, env.Never)
	}
	t.holding = nil
	if err != nil {
		m.Release()
		return err
	}
	c.w.stats.Messages++
	c.out.inFlight += bytes
	c.out.put(packet{msg: m, bytes: bytes})
	return nil
}

// Recv implements env.Conn.
func (c *conn) Recv(deadline env.Time) (env.Message, error) {
	t := c.node.enter()
	for {
		switch {
		case c.closed:
			return nil, c.fail("recv", env.ErrClosed)
		case c.in.arrived.len() > 0:
			k := c.in.arrived.pop()
			c.in.received(k.bytes)
			return k.msg, nil
		case c.in.finished:
			return nil, c.fail("recv", env.ErrReset)
		}
		c.in.receiver.pushBack(t)
		t.kind, t.on = waitRecv, c
		if !c.w.park(t, deadline) {
			return nil, c.fail("recv", env.ErrTimeout)
		}
	}
}

// Close implements env.Conn. Closing again does nothing.
func (c *conn) Close() error {
	if c.node.down {
		return nil
	}
	c.node.enter()
	c.shut()
	return nil
}

// shut ends both directions. The peer still receives what was sent.
func (c *conn) shut() {
	if c.closed {
		return
	}
	c.closed = true
	c.in.discard()
	c.out.finish()
	c.in.wakeAll(&c.in.receiver)
	c.out.wakeAll(&c.out.sender)
}
