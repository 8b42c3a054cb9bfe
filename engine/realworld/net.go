package realworld

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"brokerlab/engine/env"
)

// backlogMax is how many connections a listener holds that nobody has accepted.
// Further dials wait for room, as they do behind a full backlog of TCP.
const backlogMax = 1024

// network is the addresses of a world. Connections do not go through it.
type network struct {
	sync.Mutex
	listeners map[string]*listener
}

// Listen opens an address of this node. It is an error if the address is another
// node's or in use.
func (n *node) Listen(addr string) (env.Listener, error) {
	if host, _, _ := strings.Cut(addr, ":"); host != n.name {
		return nil, fmt.Errorf("listen on %q: not an address of node %q", addr, n.name)
	}
	l := &listener{world: n.world, addr: addr}
	l.changed = newCond(n.world, &l.mu)
	net := &n.world.network
	net.Lock()
	defer net.Unlock()
	if net.listeners[addr] != nil {
		return nil, fmt.Errorf("listen on %q: address in use", addr)
	}
	net.listeners[addr] = l
	return l, nil
}

// Dial takes one round trip of the link, and then as long as the listener's
// backlog is full.
func (n *node) Dial(addr string, timeout time.Duration) (env.Conn, error) {
	deadline := n.Now().Add(timeout)
	if roundTrip := 2 * n.world.cfg.Link.Delay; roundTrip > timeout {
		n.Sleep(timeout)
		return nil, fmt.Errorf("dial %s: %w", addr, env.ErrTimeout)
	} else if roundTrip > 0 {
		n.Sleep(roundTrip)
	}
	net := &n.world.network
	net.Lock()
	l := net.listeners[addr]
	net.Unlock()
	if l == nil {
		return nil, fmt.Errorf("dial %s: %w", addr, env.ErrRefused)
	}
	near, far := newConnPair(n.world, n.name, addr)
	if err := l.offer(far, deadline); err != nil {
		return nil, fmt.Errorf("dial %s: %w", addr, err)
	}
	return near, nil
}

// listener is an address and the connections that wait to be accepted.
type listener struct {
	world   *World
	addr    string
	mu      sync.Mutex
	changed *cond   // backlog or closed
	backlog []*conn // oldest first
	closed  bool
}

// offer puts a connection into the backlog.
func (l *listener) offer(c *conn, deadline env.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.backlog) == backlogMax && !l.closed {
		if !l.changed.WaitUntil(deadline) && len(l.backlog) == backlogMax && !l.closed {
			return env.ErrTimeout
		}
	}
	if l.closed {
		return env.ErrRefused
	}
	l.backlog = append(l.backlog, c)
	l.changed.Broadcast() // accepting and dialling tasks wait on one condition
	return nil
}

func (l *listener) Accept() (env.Conn, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.backlog) == 0 && !l.closed {
		l.changed.WaitUntil(env.Never)
	}
	if l.closed {
		return nil, fmt.Errorf("accept on %s: %w", l.addr, env.ErrClosed)
	}
	c := l.backlog[0]
	l.backlog[0] = nil
	l.backlog = l.backlog[1:]
	l.changed.Broadcast()
	return c, nil
}

// Close may be called twice.
func (l *listener) Close() error {
	net := &l.world.network
	net.Lock()
	if net.listeners[l.addr] == l {
		delete(net.listeners, l.addr)
	}
	net.Unlock()
	l.mu.Lock()
	waiting := l.backlog
	l.backlog, l.closed = nil, true
	l.changed.Broadcast()
	l.mu.Unlock()
	for _, c := range waiting {
		if err := c.Close(); err != nil {
			return err
		}
	}
	return nil
}

// conn is one end of a connection: a link of each direction.
type conn struct {
	peer   string // for errors
	out    *link
	in     *link
	closed atomic.Bool // set before the links, so that the peer's answer cannot overtake it
}

// newConnPair returns the dialling and the accepted end of a connection.
func newConnPair(w *World, dialler, addr string) (near, far *conn) {
	there, back := newLink(w), newLink(w)
	near = &conn{peer: addr, out: there, in: back}
	far = &conn{peer: dialler, out: back, in: there}
	return near, far
}

func (c *conn) Send(m env.Message) error {
	if err := c.out.send(m); err != nil {
		m.Release()
		return fmt.Errorf("send to %s: %w", c.peer, c.reason(err))
	}
	return nil
}

func (c *conn) Recv(deadline env.Time) (env.Message, error) {
	m, err := c.in.recv(deadline)
	if err != nil {
		return nil, fmt.Errorf("receive from %s: %w", c.peer, c.reason(err))
	}
	return m, nil
}

// reason is err, unless this side has closed: Close works on one link after the
// other, and the peer may have answered the first before the second was done.
func (c *conn) reason(err error) error {
	if c.closed.Load() {
		return env.ErrClosed
	}
	return err
}

// Close may be called twice. It closes the link on which the peer sends first: a
// peer that has received the end of this side's messages must not be able to send.
func (c *conn) Close() error {
	c.closed.Store(true)
	at := c.out.newsAt()
	c.in.closeReceiver(at)
	c.out.closeSender(at)
	return nil
}
