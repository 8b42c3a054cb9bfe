package simworld

import (
	"math/rand/v2"
	"time"

	"brokerlab/engine/env"
	"brokerlab/engine/netmodel"
)

// Direction is one link: what one node sends to another, by the names of both.
type Direction struct{ From, To string }

// Both is the link between two nodes in each direction.
func Both(a, b string) []Direction { return []Direction{{a, b}, {b, a}} }

// link is one direction between two nodes, from the card of one to that of the
// other. It survives restarts of the nodes.
type link struct {
	number  uint64 // in the order of first use
	delay   time.Duration
	from    *netmodel.Card
	to      *netmodel.Card
	free    bool       // of a node to itself: it takes no time and no card counts it
	chance  *rand.Rand // of jitter and loss; nil if there is neither
	broken  bool
	pipes   []*pipe // that hold packets, in the order in which they met the break
	credits []heldCredit
}

// heldCredit is a credit whose news does not get through.
type heldCredit struct {
	pipe  *pipe
	bytes int64
}

func (w *World) link(from, to string) *link {
	key := Direction{from, to}
	l := w.links[key]
	if l == nil {
		l = &link{number: uint64(len(w.wires)), from: w.card(from), to: w.card(to), free: from == to}
		if !l.free {
			l.delay = w.cfg.Link.Delay
			if w.cfg.Link.Chancy() {
				l.chance = newRand(w.cfg.Seed, "link "+from+" "+to)
			}
		}
		w.links[key] = l
		w.wires = append(w.wires, l)
	}
	return l
}

// card is the network card of a node, which may not exist yet.
func (w *World) card(name string) *netmodel.Card {
	c := w.cards[name]
	if c == nil {
		c = netmodel.NewCard(w)
		w.cards[name] = c
	}
	return c
}

// NetStats returns what a node's network card did so far, over all boots of the
// node. Its connections to itself do not use the card.
func (w *World) NetStats(node string) netmodel.Stats {
	return w.card(w.latestBoot(node).name).Stats()
}

// Break breaks links. It is as TCP has it: nothing tells either end. What is on
// its way, and what is sent from then on, waits for Heal in order, since the
// sender sends it again until then; a Send blocks when the limit of bytes in
// flight is reached, and that limit is reached also when only the way back is
// broken. A Dial over a broken link, in either direction, tries again after 1 s, 2
// s, 4 s, until its timeout. Linux gives a connection up after 15 minutes
// (tcp_retries2) and one that was closed after about two (tcp_orphan_retries); a
// World never does. It may be called from any task or a callback. Breaking a link
// that is broken does nothing.
func (w *World) Break(links ...Direction) {
	for _, l := range w.faultyLinks(links, 1) {
		l.broken = true
	}
}

// Heal ends Break. What was held is sent again, in the order in which each
// connection sent it, and arrives once. The real sender's next attempt may come
// later than that. Healing a link that is not broken does nothing.
func (w *World) Heal(links ...Direction) {
	for _, l := range w.faultyLinks(links, 2) {
		if !l.broken {
			continue
		}
		l.broken = false
		pipes, credits := l.pipes, l.credits
		l.pipes, l.credits = nil, nil
		for _, p := range pipes {
			p.sendAgain()
		}
		for _, c := range credits {
			c.pipe.received(c.bytes)
		}
	}
}

// Slow gives links another delay, for what is sent from now on. No message
// overtakes another of its connection.
func (w *World) Slow(delay time.Duration, links ...Direction) {
	if delay < 0 {
		panic("simworld: a link's delay is negative")
	}
	for _, l := range w.faultyLinks(links, 3) {
		l.delay = delay
	}
}

// Reset ends the connections between two nodes, as a firewall does that forgets
// them: what is on its way is lost, and both ends see a reset, even over broken
// links. What has arrived is received before that.
func (w *World) Reset(a, b string) {
	w.faultyLinks([]Direction{{a, b}}, 4)
	for _, n := range []*Node{w.latestBoot(a), w.latestBoot(b)} {
		for _, c := range n.conns {
			if peer := c.peer.node.name; c.closed || peer != a && peer != b {
				continue
			}
			c.in.cutOff()
			c.out.cutOff()
		}
	}
}

// faultyLinks finds links between nodes that exist, and notes what happens to
// them.
func (w *World) faultyLinks(links []Direction, fault uint64) []*link {
	w.pay(w.cur)
	found := make([]*link, len(links))
	for i, d := range links {
		if d.From == d.To {
			panic("simworld: the connections of " + d.From + " to itself have no link")
		}
		w.latestBoot(d.From)
		w.latestBoot(d.To)
		found[i] = w.link(d.From, d.To)
		w.note(found[i].number<<8|fault, uint64(w.now))
	}
	return found
}

// hold keeps what is in transit for when the wire is whole again.
func (p *pipe) hold() {
	p.clearWay()
	if !p.held {
		p.held = true
		p.wire.pipes = append(p.wire.pipes, p)
	}
}

// holdCredit keeps a credit for when the link is whole again.
func (l *link) holdCredit(p *pipe, bytes int64) {
	l.credits = append(l.credits, heldCredit{p, bytes})
}

// sendAgain puts all of what is in transit on a wire that is whole again.
func (p *pipe) sendAgain() {
	p.held = false
	for i := range p.transit.len() {
		k := p.transit.at(i)
		k.at = env.Never
		p.launch(k)
	}
	p.armArrive()
}

// cutOff ends one direction of a connection: what is in transit is lost.
func (p *pipe) cutOff() {
	p.clearWay()
	for p.transit.len() > 0 {
		k := p.transit.pop()
		k.drop()
	}
	p.finSent, p.finished = true, true
	p.wakeAll(&p.receiver)
	p.wakeAll(&p.to.out.sender)
}
