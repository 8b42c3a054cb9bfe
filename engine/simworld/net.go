package simworld

import (
	"fmt"
	"strings"
	"time"

	"brokerlab/engine/env"
)

// backlogMax is how many connections wait to be accepted; more are refused
// (Linux's net.core.somaxconn).
const backlogMax = 4096

// network implements env.Net for one boot of a node.
type network struct{ n *Node }

// nodeOf is the node's part of an address.
func nodeOf(addr string) string {
	name, _, _ := strings.Cut(addr, ":")
	return name
}

type listener struct {
	w        *World
	node     *Node
	addr     string
	closed   bool
	backlog  ring[*conn]
	acceptor taskList
}

// enter starts a call of a task of n that does I/O: it fails on a node that is
// down, and pays the task's debt.
func (n *Node) enter() *task {
	if n.down {
		n.refuse()
	}
	n.w.pay(n.w.cur)
	return n.w.cur
}

// enterHolding is enter for a call that takes m over: a task that is killed in it
// releases m.
func (n *Node) enterHolding(m env.Message) *task {
	if n.down {
		n.refuse()
	}
	n.w.cur.holding = m
	n.w.pay(n.w.cur)
	return n.w.cur
}

// Listen implements env.Net.
func (net network) Listen(addr string) (env.Listener, error) {
	n := net.n
	n.enter()
	if nodeOf(addr) != n.name {
		return nil, fmt.Errorf("simworld: listen on %s: not an address of %s", addr, n.name)
	}
	if n.w.listeners[addr] != nil {
		return nil, fmt.Errorf("simworld: listen on %s: already in use", addr)
	}
	l := &listener{w: n.w, node: n, addr: addr}
	n.w.listeners[addr] = l
	n.ports = append(n.ports, l)
	return l, nil
}

// Accept implements env.Listener.
func (l *listener) Accept() (env.Conn, error) {
	t := l.node.enter()
	for {
		if l.backlog.len() > 0 {
			return l.backlog.pop(), nil
		}
		if l.closed {
			return nil, fmt.Errorf("simworld: accept on %s: %w", l.addr, env.ErrClosed)
		}
		l.acceptor.pushBack(t)
		t.kind, t.on = waitAccept, l
		l.w.park(t, env.Never)
	}
}

// Close implements env.Listener.
func (l *listener) Close() error {
	if l.node.down {
		return nil
	}
	l.node.enter()
	l.shut()
	for l.backlog.len() > 0 {
		l.backlog.pop().shut()
	}
	for first := l.acceptor.head; first != nil; first = l.acceptor.head {
		l.w.wake(first)
	}
	return nil
}

// shut frees the address.
func (l *listener) shut() {
	if l.closed {
		return
	}
	l.closed = true
	delete(l.w.listeners, l.addr)
	for i, p := range l.node.ports {
		if p == l {
			l.node.ports = append(l.node.ports[:i], l.node.ports[i+1:]...)
			break
		}
	}
}

// setupRetry is how long a request to connect waits for its answer before it is
// sent again, the first time; it doubles from then on (RFC 6298; Linux's
// TCP_TIMEOUT_INIT).
const setupRetry = time.Second

// handshake is a Dial on its way.
type handshake struct {
	from     *Node
	addr     string
	out      *link
	back     *link
	retry    time.Duration
	deadline env.Time
	caller   taskList // the dialing task; empty once it has given up
	closed   bool     // by a task of the node
	gaveUp   bool     // Wait has returned
	refused  bool
	conn     *conn
}

// Dial implements env.Net. It takes the delays of both directions.
func (net network) Dial(addr string, timeout time.Duration) (env.Conn, error) {
	return net.Connect(addr, timeout).Wait()
}

// Connect implements env.Net.
func (net network) Connect(addr string, timeout time.Duration) env.Connecting {
	n, w := net.n, net.n.w
	n.enter()
	to := nodeOf(addr)
	return &handshake{from: n, addr: addr, out: w.link(n.name, to), back: w.link(to, n.name), retry: setupRetry,
		deadline: w.now.Add(timeout)}
}

// Wait implements env.Connecting.
func (h *handshake) Wait() (env.Conn, error) {
	t := h.from.enter()
	if !h.closed {
		h.send()
		if !h.refused && h.conn == nil {
			h.caller.pushBack(t)
			t.kind, t.on = waitDial, h.addr
			h.from.w.park(t, h.deadline)
		}
	}
	h.gaveUp = true
	switch {
	case h.closed:
		return nil, fmt.Errorf("simworld: dial %s: %w", h.addr, env.ErrClosed)
	case h.conn != nil:
		return h.conn, nil
	case h.refused:
		return nil, fmt.Errorf("simworld: dial %s: %w", h.addr, env.ErrRefused)
	default:
		return nil, fmt.Errorf("simworld: dial %s: %w", h.addr, env.ErrTimeout)
	}
}

// Close implements env.Connecting.
func (h *handshake) Close() error {
	if h.from.down {
		return nil
	}
	h.from.enter()
	h.closed = true
	if h.conn != nil {
		h.conn.shut()
		return nil
	}
	h.wakeCaller()
	return nil
}

// send puts the request to connect on the wire.
func (h *handshake) send() {
	if h.out.broken {
		h.sendLater()
		return
	}
	h.from.w.after(h.out.delay, h.arrive)
}

// sendLater is what happens to a request that gets no answer.
func (h *handshake) sendLater() {
	w := h.from.w
	w.At(w.now.Add(h.retry), func() {
		if !h.gaveUp && !h.from.down {
			h.send()
		}
	})
	h.retry *= 2
}

// arrive is the request to connect at the other node. An answer that has left
// gets through.
func (h *handshake) arrive() {
	w := h.from.w
	target := w.byName[nodeOf(h.addr)]
	if h.from.down || target != nil && target.powerOff {
		return // nobody to answer, or nobody who answers
	}
	if h.out.broken || h.back.broken {
		h.sendLater()
		return
	}
	l := w.listeners[h.addr]
	if l == nil || l.backlog.len() >= backlogMax {
		w.after(h.back.delay, func() {
			h.refused = true
			h.wakeCaller()
		})
		return
	}
	near, far := w.connect(h.from, l.node)
	l.backlog.push(far)
	if first := l.acceptor.head; first != nil {
		w.wake(first)
	}
	w.after(h.back.delay, func() {
		if h.gaveUp || h.closed || h.from.down {
			near.shut()
			return
		}
		h.conn = near
		h.wakeCaller()
	})
}

func (h *handshake) wakeCaller() {
	if t := h.caller.head; t != nil {
		h.from.w.wake(t)
	}
}

// after is At for a delay from now, which does not go through the heap if it is 0.
func (w *World) after(delay time.Duration, fn func()) {
	if delay == 0 {
		fn()
		return
	}
	w.At(w.now.Add(delay), fn)
}
