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
	if nodeOf(addr) != n.name {
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

// nodeOf is the node's part of an address.
func nodeOf(addr string) string {
	name, _, _ := strings.Cut(addr, ":")
	return name
}

// Dial implements env.Net.
func (n *node) Dial(addr string, timeout time.Duration) (env.Conn, error) {
	return n.Connect(addr, timeout).Wait()
}

// Connect implements env.Net.
func (n *node) Connect(addr string, timeout time.Duration) env.Connecting {
	c := &connecting{node: n, addr: addr, began: n.Now()}
	c.deadline = c.began.Add(timeout)
	c.woken = newCond(n.world, &c.mu.Mutex)
	return c
}

// connecting is a connection that is being made. It takes one round trip of the
// link, and then as long as the listener's backlog is full.
type connecting struct {
	node     *node
	addr     string
	began    env.Time
	deadline env.Time
	closed   atomic.Bool
	woken    *cond // signalled when closed is set
	mu       struct {
		sync.Mutex
		listener *listener // whose backlog is waited for
		conn     *conn
	}
}

// Wait implements env.Connecting.
func (c *connecting) Wait() (env.Conn, error) {
	near, err := c.wait()
	if err != nil {
		return nil, fmt.Errorf("dial %s: %w", c.addr, err)
	}
	return near, nil
}

func (c *connecting) wait() (*conn, error) {
	n := c.node
	arrival := c.began
	if nodeOf(c.addr) != n.name {
		arrival = c.began.Add(2 * n.world.cfg.Link.Delay)
	}
	c.sleepUntil(min(arrival, c.deadline))
	switch {
	case c.closed.Load():
		return nil, env.ErrClosed
	case arrival > c.deadline:
		return nil, env.ErrTimeout
	}
	net := &n.world.network
	net.Lock()
	l := net.listeners[c.addr]
	net.Unlock()
	if l == nil {
		return nil, env.ErrRefused
	}
	c.mu.Lock()
	c.mu.listener = l
	c.mu.Unlock()
	near, far := newConnPair(n.world, n.name, c.addr)
	if err := l.offer(far, c); err != nil {
		return nil, err
	}
	c.mu.Lock()
	c.mu.conn = near
	c.mu.Unlock()
	if c.closed.Load() {
		_ = near.Close() // which returns no error
		return nil, env.ErrClosed
	}
	return near, nil
}

// sleepUntil is as precise as Sleep, of which it does the last part.
func (c *connecting) sleepUntil(at env.Time) {
	c.mu.Lock()
	for !c.closed.Load() && at.Sub(c.node.Now()) > preciseSpan {
		c.woken.WaitUntil(at - env.Time(preciseSpan))
	}
	c.mu.Unlock()
	if !c.closed.Load() {
		c.node.Sleep(at.Sub(c.node.Now()))
	}
}

// Close implements env.Connecting.
func (c *connecting) Close() error {
	c.closed.Store(true)
	c.mu.Lock()
	l, near := c.mu.listener, c.mu.conn
	c.woken.Signal()
	c.mu.Unlock()
	if near != nil {
		return near.Close()
	}
	if l != nil {
		l.mu.Lock()
		l.changed.Broadcast()
		l.mu.Unlock()
	}
	return nil
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

// offer puts the far end of a connection into the backlog.
func (l *listener) offer(far *conn, c *connecting) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.backlog) == backlogMax && !l.closed && !c.closed.Load() {
		if !l.changed.WaitUntil(c.deadline) && len(l.backlog) == backlogMax && !l.closed {
			return env.ErrTimeout
		}
	}
	switch {
	case c.closed.Load():
		return env.ErrClosed
	case l.closed:
		return env.ErrRefused
	}
	l.backlog = append(l.backlog, far)
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
	to := nodeOf(addr)
	there, back := newLink(w, ends{dialler, to}), newLink(w, ends{to, dialler})
	there.back, back.back = back, there
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
	c.out.tellEnd()
	return nil
}
