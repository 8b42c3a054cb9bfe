package envtest

import (
	"errors"
	"testing"
	"time"

	"brokerlab/engine/env"
)

var netChecks = []check{
	{"Refused", "Dial to an address on which nobody listens is ErrRefused", checkRefused},
	{"Addresses", "a node has as many addresses as it listens on, and each only once", checkAddresses},
	{"AcceptAfterClose", "after the listener's Close, Accept is ErrClosed, also if it blocks then", checkAcceptAfterClose},
	{"Backlog", "Dial does not wait for Accept; Close of the listener resets what was not accepted", checkBacklog},
	{"Connect", "Close of what Connect gives ends Wait, or the connection", checkConnect},
	{"ManyClients", "connections of many clients do not mix", checkManyClients},
}

func checkRefused(t *testing.T, newWorld NewWorld) {
	w := newWorld(t, Options{})
	a, b := w.NewNode(env.NodeConfig{Name: "a"}), w.NewNode(env.NodeConfig{Name: "b"})
	err := w.Run(a, func() {
		for _, addr := range []string{"b", "b:1", "a:1", b.Name() + ":9092"} {
			if c, err := a.Net().Dial(addr, patience); !errors.Is(err, env.ErrRefused) {
				t.Errorf("Dial of %s: %v, %v, want %q", addr, c, err, env.ErrRefused)
			}
		}
		l, err := a.Net().Listen("a:1")
		if err != nil {
			t.Errorf("Listen: %v", err)
			return
		}
		l.Close()
		if _, err := a.Net().Dial("a:1", patience); !errors.Is(err, env.ErrRefused) {
			t.Errorf("Dial of a closed listener: %v, want %q", err, env.ErrRefused)
		}
	})
	if err != nil {
		t.Errorf("Run: %v", err)
	}
}

func checkAddresses(t *testing.T, newWorld NewWorld) {
	runAlone(t, newWorld, func(n env.Node) {
		for i, addr := range []string{"a", "a:1", "a:2", "a:1"} { // the last one again after its Close
			l, err := n.Net().Listen(addr)
			if err != nil {
				t.Errorf("Listen %s: %v", addr, err)
				return
			}
			if _, err := n.Net().Listen(addr); err == nil {
				t.Errorf("%s is listened on twice", addr)
			}
			dialed, err := n.Net().Dial(addr, patience)
			if err != nil {
				t.Errorf("Dial %s: %v", addr, err)
				return
			}
			accepted, err := l.Accept()
			if err != nil {
				t.Errorf("Accept on %s: %v", addr, err)
				return
			}
			c, s := &side{t: t, node: n, conn: dialed}, &side{t: t, node: n, conn: accepted}
			c.send(&note{seq: i, bytes: 10})
			if m, ok := s.recv(); ok && m.seq != i {
				t.Errorf("%s received what was sent elsewhere", addr)
			}
			c.conn.Close()
			s.conn.Close()
			l.Close()
		}
	})
}

func checkAcceptAfterClose(t *testing.T, newWorld NewWorld) {
	runAlone(t, newWorld, func(n env.Node) {
		l, err := n.Net().Listen("a")
		if err != nil {
			t.Errorf("Listen: %v", err)
			return
		}
		b := newBoard(n)
		n.Go("acceptor", func() {
			b.add("accepting", 1)
			if _, err := l.Accept(); !errors.Is(err, env.ErrClosed) {
				t.Errorf("blocked Accept: %v, want %q", err, env.ErrClosed)
			}
			b.add("ended", 1)
		})
		b.await(t, "accepting", 1)
		n.Sleep(2 * time.Millisecond) // Accept blocks by then, or not: both must do
		if err := l.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		b.await(t, "ended", 1)
		if _, err := l.Accept(); !errors.Is(err, env.ErrClosed) {
			t.Errorf("Accept after Close: %v, want %q", err, env.ErrClosed)
		}
	})
}

func checkBacklog(t *testing.T, newWorld NewWorld) {
	notes := newNotes(2, 10)
	runPair(t, newWorld, Options{}, func(s *side) {
		l, err := s.node.Net().Listen("server:1")
		if err != nil {
			t.Errorf("Listen: %v", err)
			return
		}
		s.tell()
		s.told()
		if err := l.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
		s.recvFails(env.ErrReset)
	}, func(c *side) {
		c.told()
		conn, err := c.node.Net().Dial("server:1", patience)
		if err != nil {
			t.Errorf("Dial of an address where nobody accepts yet: %v", err)
			return
		}
		late := &side{t: t, node: c.node, conn: conn}
		for _, m := range notes {
			late.send(m)
		}
		c.tell()
		late.recvFails(env.ErrReset)
		late.sendFails(env.ErrReset)
		conn.Close()
	})
	expectReleases(t, notes, 1)
}

func checkConnect(t *testing.T, newWorld NewWorld) {
	runAlone(t, newWorld, func(n env.Node) {
		if _, err := n.Net().Connect("a", patience).Wait(); !errors.Is(err, env.ErrRefused) {
			t.Errorf("Wait where nobody listens: %v, want %q", err, env.ErrRefused)
		}
		l, err := n.Net().Listen("a")
		if err != nil {
			t.Errorf("Listen: %v", err)
			return
		}
		before := n.Net().Connect("a", patience)
		before.Close()
		if _, err := before.Wait(); !errors.Is(err, env.ErrClosed) {
			t.Errorf("Wait after Close: %v, want %q", err, env.ErrClosed)
		}
		after := n.Net().Connect("a", patience)
		dialed, err := after.Wait()
		if err != nil {
			t.Errorf("Wait: %v", err)
			return
		}
		accepted, err := l.Accept()
		if err != nil {
			t.Errorf("Accept: %v", err)
			return
		}
		c, s := &side{t: t, node: n, conn: dialed}, &side{t: t, node: n, conn: accepted}
		c.send(&note{seq: 7, bytes: 10})
		if m, ok := s.recv(); ok && m.seq != 7 {
			t.Errorf("received %d, want 7: the connection is that of the closed attempt", m.seq)
		}
		for range 2 { // closing again changes nothing
			after.Close()
		}
		c.recvFails(env.ErrClosed)
		s.recvFails(env.ErrReset)
		accepted.Close()
		l.Close()
	})
}

func checkManyClients(t *testing.T, newWorld NewWorld) {
	const clients, rounds = 6, 30
	w := newWorld(t, Options{})
	server := w.NewNode(env.NodeConfig{Name: "server"})
	err := w.Run(server, func() {
		l, err := server.Net().Listen("server")
		if err != nil {
			t.Errorf("Listen: %v", err)
			return
		}
		for i := range clients {
			client := w.NewNode(env.NodeConfig{Name: string(rune('a' + i))})
			client.Go("client", func() {
				conn, err := client.Net().Dial("server", patience)
				if err != nil {
					t.Errorf("Dial: %v", err)
					return
				}
				c := &side{t: t, node: client, conn: conn}
				for r := range rounds {
					c.send(&note{seq: i*rounds + r, bytes: 50})
					if m, ok := c.recv(); !ok || m.seq != i*rounds+r {
						t.Errorf("client %d got another answer than its own in round %d", i, r)
						break
					}
				}
				conn.Close()
			})
		}
		for range clients {
			conn, err := l.Accept()
			if err != nil {
				t.Errorf("Accept: %v", err)
				return
			}
			server.Go("echo", func() {
				for {
					m, err := conn.Recv(server.Now().Add(patience))
					if err != nil {
						if !errors.Is(err, env.ErrReset) {
							t.Errorf("Recv: %v", err)
						}
						conn.Close()
						return
					}
					if err := conn.Send(m); err != nil {
						t.Errorf("Send: %v", err)
					}
				}
			})
		}
		l.Close()
	})
	if err != nil {
		t.Errorf("Run: %v", err)
	}
}
