package envtest

import (
	"errors"
	"testing"
	"time"

	"brokerlab/engine/env"
)

var connChecks = []check{
	{"Order", "messages arrive once and in order, both directions at the same time", checkOrder},
	{"Arrival", "a message that asks for it is told when it arrived, however late it is received", checkArrival},
	{"Self", "a node can connect to itself", checkSelf},
	{"RecvDeadline", "Recv with nothing to receive ends at its deadline, and the connection goes on", checkRecvDeadline},
	{"PeerCloses", "the peer's messages are received after its Close, then ErrReset", checkPeerCloses},
	{"SendToClosed", "Send to a peer that has closed is ErrReset, and releases the message", checkSendToClosed},
	{"OwnClose", "after Close, Send and Recv are ErrClosed, and Close may be repeated", checkOwnClose},
	{"CloseEndsRecv", "Close ends this side's blocked Recv with ErrClosed", checkCloseEndsRecv},
	{"CloseReleases", "messages that Close finds unreceived are released once, received ones never", checkCloseReleases},
	{"InFlight", "Send blocks while the link holds its limit, and goes on as the peer receives", checkInFlight},
	{"LargeMessage", "a message above the limit passes an empty link", checkLargeMessage},
	{"CloseEndsSend", "Close ends this side's blocked Send with ErrClosed", checkCloseEndsSend},
	{"ResetEndsSend", "the peer's Close ends a blocked Send with ErrReset", checkResetEndsSend},
}

// side is one end of a connection, with the test's errors around it. ctl is the
// same end of a second connection, over which the sides agree on their steps.
type side struct {
	t    *testing.T
	node env.Node
	conn env.Conn
	ctl  env.Conn
}

// recv returns the next message, or false after reporting what came instead.
func (s *side) recv() (*note, bool) {
	s.t.Helper()
	m, err := s.conn.Recv(s.node.Now().Add(patience))
	if err != nil {
		s.t.Errorf("Recv on %s: %v", s.node.Name(), err)
		return nil, false
	}
	return m.(*note), true
}

// send sends m, and reports an error.
func (s *side) send(m *note) bool {
	s.t.Helper()
	if err := s.conn.Send(m); err != nil {
		s.t.Errorf("Send of message %d on %s: %v", m.seq, s.node.Name(), err)
		return false
	}
	return true
}

// recvFails checks that Recv fails with want.
func (s *side) recvFails(want error) {
	s.t.Helper()
	m, err := s.conn.Recv(s.node.Now().Add(patience))
	if err == nil {
		s.t.Errorf("Recv on %s got message %d, want the error %q", s.node.Name(), m.(*note).seq, want)
	} else if !errors.Is(err, want) {
		s.t.Errorf("Recv on %s: %v, want %q", s.node.Name(), err, want)
	}
}

// sendFails checks that Send fails with want and releases the message.
func (s *side) sendFails(want error) {
	s.t.Helper()
	m := &note{seq: -1, bytes: 10}
	if err := s.conn.Send(m); !errors.Is(err, want) {
		s.t.Errorf("Send on %s: %v, want %q", s.node.Name(), err, want)
	}
	expectReleases(s.t, []*note{m}, 1)
}

// tell and told are one step on the control connection.
func (s *side) tell() {
	s.t.Helper()
	(&side{t: s.t, node: s.node, conn: s.ctl}).send(&note{bytes: 1})
}

func (s *side) told() {
	s.t.Helper()
	(&side{t: s.t, node: s.node, conn: s.ctl}).recv()
}

func (s *side) close() {
	s.t.Helper()
	if err := s.ctl.Close(); err != nil {
		s.t.Errorf("Close of the control connection on %s: %v", s.node.Name(), err)
	}
	// The check may have closed it, and what a second Close returns is not promised.
	_ = s.conn.Close()
}

// runPair runs serve on node "server" and dial on node "client" of a fresh
// world, at the two ends of one connection, which it closes after them.
func runPair(t *testing.T, newWorld NewWorld, o Options, serve, dial func(*side)) {
	t.Helper()
	w := newWorld(t, o)
	server, client := w.NewNode(env.NodeConfig{Name: "server"}), w.NewNode(env.NodeConfig{Name: "client"})
	runEnds(t, w, server, client, serve, dial)
}

func runEnds(t *testing.T, w env.World, server, client env.Node, serve, dial func(*side)) {
	t.Helper()
	addrs := []string{"server", "server:9092"}
	err := w.Run(server, func() {
		var listeners []env.Listener
		closeAll := func() {
			for _, l := range listeners {
				if err := l.Close(); err != nil {
					t.Errorf("Close of a listener: %v", err)
				}
			}
		}
		for _, addr := range addrs {
			l, err := server.Net().Listen(addr)
			if err != nil {
				t.Errorf("Listen: %v", err)
				return
			}
			listeners = append(listeners, l)
		}
		client.Go("client", func() {
			var conns []env.Conn
			for _, addr := range addrs {
				conn, err := client.Net().Dial(addr, patience)
				if err != nil {
					t.Errorf("Dial of %s: %v", addr, err)
					closeAll() // or Accept would wait for ever
					return
				}
				conns = append(conns, conn)
			}
			c := &side{t, client, conns[0], conns[1]}
			dial(c)
			c.close()
		})
		var conns []env.Conn
		for _, l := range listeners {
			conn, err := l.Accept()
			if err != nil {
				t.Errorf("Accept: %v", err)
				return
			}
			conns = append(conns, conn)
		}
		s := &side{t, server, conns[0], conns[1]}
		serve(s)
		s.close()
		closeAll()
	})
	if err != nil {
		t.Errorf("Run: %v", err)
	}
}

// exchange sends notes from a task of its own while it receives count messages
// in order.
func exchange(s *side, notes []*note, count int) {
	b := newBoard(s.node)
	s.node.Go("sender", func() {
		for _, m := range notes {
			if !s.send(m) {
				break
			}
		}
		b.add("sent", 1)
	})
	for i := range count {
		m, ok := s.recv()
		if !ok {
			break
		}
		if m.seq != i {
			s.t.Errorf("message %d came as number %d on %s", m.seq, i, s.node.Name())
			break
		}
	}
	b.await(s.t, "sent", 1)
}

func checkOrder(t *testing.T, newWorld NewWorld) {
	there, back := newNotes(500, 100), newNotes(300, 70)
	runPair(t, newWorld, Options{InFlightBytes: 2000}, func(s *side) {
		exchange(s, back, len(there))
		s.recvFails(env.ErrReset) // so that neither side closes before the other has all
	}, func(c *side) {
		exchange(c, there, len(back))
	})
	expectReleases(t, there, 0)
	expectReleases(t, back, 0)
}

func checkSelf(t *testing.T, newWorld NewWorld) {
	w := newWorld(t, Options{})
	n := w.NewNode(env.NodeConfig{Name: "server"})
	there, back := newNotes(50, 100), newNotes(50, 100)
	runEnds(t, w, n, n, func(s *side) {
		exchange(s, back, len(there))
		s.recvFails(env.ErrReset)
	}, func(c *side) {
		exchange(c, there, len(back))
	})
}

func checkRecvDeadline(t *testing.T, newWorld NewWorld) {
	runPair(t, newWorld, Options{}, func(s *side) {
		for _, d := range []time.Duration{0, time.Microsecond, 3 * time.Millisecond} {
			deadline := s.node.Now().Add(d)
			if _, err := s.conn.Recv(deadline); !errors.Is(err, env.ErrTimeout) {
				t.Errorf("Recv until %v from now: %v, want %q", d, err, env.ErrTimeout)
			}
			if now := s.node.Now(); now < deadline {
				t.Errorf("Recv ended %v before its deadline", deadline.Sub(now))
			}
		}
		s.send(&note{seq: 1, bytes: 10}) // only now may the client send
		s.recv()
		if m, err := s.conn.Recv(env.Never); err != nil || m.(*note).seq != 7 {
			t.Errorf("Recv after timeouts: %v, %v", m, err)
		}
	}, func(c *side) {
		c.recv()
		c.send(&note{seq: 6, bytes: 10})
		c.node.Sleep(time.Millisecond)
		c.send(&note{seq: 7, bytes: 10})
		c.recvFails(env.ErrReset)
	})
}

func checkPeerCloses(t *testing.T, newWorld NewWorld) {
	notes := newNotes(20, 100)
	runPair(t, newWorld, Options{}, func(s *side) {
		s.node.Sleep(2 * time.Millisecond) // the client has closed by then, or not: both must do
		for i := range notes {
			if m, ok := s.recv(); !ok || m.seq != i {
				t.Errorf("message %d is missing after the peer's Close", i)
				return
			}
		}
		s.recvFails(env.ErrReset)
		s.recvFails(env.ErrReset)
	}, func(c *side) {
		for _, m := range notes {
			c.send(m)
		}
	})
	expectReleases(t, notes, 0)
}

func checkSendToClosed(t *testing.T, newWorld NewWorld) {
	runPair(t, newWorld, Options{}, func(s *side) {
		s.recvFails(env.ErrReset) // once this is seen, Send must see it as well
		s.sendFails(env.ErrReset)
		s.sendFails(env.ErrReset)
	}, func(*side) {})
}

func checkOwnClose(t *testing.T, newWorld NewWorld) {
	runPair(t, newWorld, Options{}, func(s *side) {
		s.send(&note{seq: 0, bytes: 10})
		s.recvFails(env.ErrReset)
	}, func(c *side) {
		c.recv()
		if err := c.conn.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		c.recvFails(env.ErrClosed)
		c.sendFails(env.ErrClosed)
		// What a second Close returns is not promised.
		_ = c.conn.Close()
		c.recvFails(env.ErrClosed)
	})
}

func checkCloseEndsRecv(t *testing.T, newWorld NewWorld) {
	runPair(t, newWorld, Options{}, func(s *side) {
		s.recvFails(env.ErrReset)
	}, func(c *side) {
		b := newBoard(c.node)
		c.node.Go("receiver", func() {
			b.add("receiving", 1)
			if _, err := c.conn.Recv(env.Never); !errors.Is(err, env.ErrClosed) {
				t.Errorf("blocked Recv: %v, want %q", err, env.ErrClosed)
			}
			b.add("ended", 1)
		})
		b.await(t, "receiving", 1)
		c.node.Sleep(2 * time.Millisecond) // Recv blocks by then, or not: both must do
		if err := c.conn.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		b.await(t, "ended", 1)
	})
}

func checkCloseReleases(t *testing.T, newWorld NewWorld) {
	there, back := newNotes(10, 100), newNotes(10, 100)
	runPair(t, newWorld, Options{}, func(s *side) {
		for _, m := range back {
			s.send(m)
		}
		for range 4 {
			s.recv()
		}
		// Close finds messages that the client sent, or the client's Send finds
		// that this side has closed: released once either way.
	}, func(c *side) {
		for range 3 {
			c.recv()
		}
		for _, m := range there {
			if err := c.conn.Send(m); err != nil && !errors.Is(err, env.ErrReset) {
				t.Errorf("Send: %v, want nil or %q", err, env.ErrReset)
			}
		}
		c.node.Sleep(time.Millisecond)
	})
	expectReleases(t, there[:4], 0)
	expectReleases(t, there[4:], 1)
	expectReleases(t, back[:3], 0)
	expectReleases(t, back[3:], 1)
}

func checkInFlight(t *testing.T, newWorld NewWorld) {
	notes := newNotes(12, 400)
	runPair(t, newWorld, Options{InFlightBytes: 1000}, func(s *side) {
		b := newBoard(s.node)
		s.node.Go("sender", func() {
			for _, m := range notes {
				if !s.send(m) {
					break
				}
				b.add("sent", 1)
			}
		})
		b.await(t, "sent", 2)
		s.node.Sleep(20 * time.Millisecond) // enough to send them all, if nothing blocked
		// A world may count a message before or after it looks at the limit.
		if sent := b.get("sent"); sent > 3 {
			t.Errorf("%d messages of 400 bytes sent into a link of 1000 bytes", sent)
		}
		s.tell()
		b.await(t, "sent", len(notes))
		s.recvFails(env.ErrReset)
	}, func(c *side) {
		c.told()
		for i := range notes {
			if m, ok := c.recv(); !ok || m.seq != i {
				t.Errorf("message %d is missing", i)
				return
			}
		}
	})
	expectReleases(t, notes, 0)
}

func checkLargeMessage(t *testing.T, newWorld NewWorld) {
	notes := newNotes(3, 5000)
	runPair(t, newWorld, Options{InFlightBytes: 1000}, func(s *side) {
		exchange(s, notes, 0)
		s.recvFails(env.ErrReset)
	}, func(c *side) {
		exchange(c, nil, len(notes))
	})
	expectReleases(t, notes, 0)
}

// sendUntilError fills the link, which nobody empties, until Send fails.
func sendUntilError(s *side, b *board, want error) []*note {
	notes := newNotes(20, 400)
	for i, m := range notes {
		if err := s.conn.Send(m); err != nil {
			if !errors.Is(err, want) {
				s.t.Errorf("blocked Send: %v, want %q", err, want)
			}
			b.add("failed", 1)
			return notes[:i+1]
		}
		b.add("sent", 1)
	}
	s.t.Errorf("all messages were sent into a link that holds 1000 bytes")
	b.add("failed", 1)
	return notes
}

func checkCloseEndsSend(t *testing.T, newWorld NewWorld) {
	var sent []*note // written by one task, read after Run
	runPair(t, newWorld, Options{InFlightBytes: 1000}, func(s *side) {
		b := newBoard(s.node)
		s.node.Go("sender", func() { sent = sendUntilError(s, b, env.ErrClosed) })
		b.await(t, "sent", 2)
		s.node.Sleep(2 * time.Millisecond) // Send blocks by then, or not: both must do
		if err := s.conn.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		b.await(t, "failed", 1)
		s.tell()
	}, func(c *side) {
		c.told()
		for range 2 {
			if m, ok := c.recv(); ok {
				m.Release()
			}
		}
	})
	expectReleases(t, sent, 1)
}

func checkResetEndsSend(t *testing.T, newWorld NewWorld) {
	var sent []*note // written by one task, read after Run
	runPair(t, newWorld, Options{InFlightBytes: 1000}, func(s *side) {
		sent = sendUntilError(s, newBoard(s.node), env.ErrReset)
	}, func(c *side) {
		c.node.Sleep(5 * time.Millisecond)
	})
	expectReleases(t, sent, 1)
}
