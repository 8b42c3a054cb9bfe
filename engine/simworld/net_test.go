package simworld_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"brokerlab/engine/env"
	"brokerlab/engine/simworld"
)

// stream connects "b" to "a" and runs both ends in tasks of their nodes.
func stream(t *testing.T, w *simworld.World, a, b env.Node, recv, send func(env.Conn)) {
	t.Helper()
	mustRun(t, w, a, func() {
		l, err := a.Net().Listen("a")
		if err != nil {
			t.Errorf("Listen: %v", err)
			return
		}
		b.Go("sender", func() {
			conn, err := b.Net().Dial("a", time.Minute)
			if err != nil {
				t.Errorf("Dial: %v", err)
				l.Close()
				return
			}
			send(conn)
		})
		conn, err := l.Accept()
		if err != nil {
			return
		}
		recv(conn)
		conn.Close()
		l.Close()
	})
}

// Goal: bandwidth and delay of a link are exact. Method: messages of known sizes
// at known instants, and when each arrives, in microseconds after the dial.
func TestLinkArithmetic(t *testing.T) {
	mbit := simworld.Link{BytesPerSec: 1_000_000, Delay: 500 * time.Microsecond} // 1 us a byte
	cases := []struct {
		name  string
		link  simworld.Link
		sizes []int
		pause time.Duration // between sends
		want  []int         // arrivals
	}{
		{"an ideal network takes no time", simworld.Link{}, []int{100, 100}, 0, []int{0, 0}},
		{"delay alone", simworld.Link{Delay: time.Millisecond}, []int{100, 9999}, 0, []int{1000, 1000}},
		{"the rate serialises by bytes", simworld.Link{BytesPerSec: 1_000_000}, []int{100, 200, 1}, 0,
			[]int{100, 300, 301}},
		{"delay comes on top, once for each", mbit, []int{100, 200}, 0, []int{600, 800}},
		{"a pause that the wire needs anyway costs nothing", mbit, []int{100, 200}, 60 * time.Microsecond,
			[]int{600, 800}},
		{"a pause longer than that shows", mbit, []int{100, 200}, 150 * time.Microsecond, []int{600, 850}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w, nodes := newWorld(t, simworld.Config{Link: c.link}, "a", "b")
			a, b := nodes[0], nodes[1]
			var began int
			var got []int
			stream(t, w, a, b, func(conn env.Conn) {
				for range c.sizes {
					if _, err := conn.Recv(env.Never); err != nil {
						t.Errorf("Recv: %v", err)
					}
					got = append(got, micros(a)-began)
				}
			}, func(conn env.Conn) {
				began = micros(b)
				if want := 2 * int(c.link.Delay.Microseconds()); began != want {
					t.Errorf("Dial took %d us, want %d", began, want)
				}
				for _, size := range c.sizes {
					conn.Send(&message{bytes: size})
					b.Sleep(c.pause)
				}
			})
			if !slices.Equal(got, c.want) {
				t.Errorf("arrivals at %v us, want %v", got, c.want)
			}
		})
	}
}

// Goal: connections between two nodes share the wire of their direction, the
// other direction has its own, and a node to itself has none. Method: 1 us a byte.
func TestLinkIsShared(t *testing.T) {
	w, nodes := newWorld(t, simworld.Config{Link: simworld.Link{BytesPerSec: 1_000_000}}, "a", "b")
	a, b := nodes[0], nodes[1]
	mustRun(t, w, a, func() {
		l, _ := a.Net().Listen("a")
		for i := range 2 {
			b.Go("client", func() {
				conn, _ := b.Net().Dial("a", time.Second)
				conn.Send(&message{bytes: 100})
				conn.Recv(env.Never)
				if now := micros(b); now != 200+50*(i+1) {
					t.Errorf("answer %d came at %d us", i, now)
				}
			})
		}
		first, _ := l.Accept()
		second, _ := l.Accept()
		first.Recv(env.Never)
		if now := micros(a); now != 100 {
			t.Errorf("first message at %d us, want 100", now)
		}
		second.Recv(env.Never)
		if now := micros(a); now != 200 {
			t.Errorf("second message at %d us, want 200", now)
		}
		first.Send(&message{bytes: 50})
		second.Send(&message{bytes: 50})
		own, _ := a.Net().Dial("a", time.Second)
		far, _ := l.Accept()
		own.Send(&message{bytes: 1 << 20})
		far.Recv(env.Never)
		if now := micros(a); now != 200 {
			t.Errorf("a message to itself came at %d us, want 200", now)
		}
	})
}

// Goal: the window holds a sender back for a round trip, as TCP's does. Method: a
// delay of 1 ms, a limit of 1000 bytes, messages of 500; instants at which each
// Send returns, in microseconds after the first.
func TestWindow(t *testing.T) {
	link := simworld.Link{Delay: time.Millisecond, InFlightBytes: 1000}
	cases := []struct {
		name  string
		slow  time.Duration // what the receiver does between two messages
		sizes []int
		want  []int
	}{
		{"two fit, and the next two wait for the round trip", 0,
			[]int{500, 500, 500, 500, 500}, []int{0, 0, 2000, 2000, 4000}},
		{"a message above the limit waits for an empty link", 0, []int{500, 3000, 10}, []int{0, 2000, 4000}},
		{"unreceived messages hold the window", 5 * time.Millisecond,
			[]int{500, 500, 500, 500}, []int{0, 0, 2000, 7000}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w, nodes := newWorld(t, simworld.Config{Link: link}, "a", "b")
			a, b := nodes[0], nodes[1]
			var got []int
			stream(t, w, a, b, func(conn env.Conn) {
				for i := range c.sizes {
					m, err := conn.Recv(env.Never)
					if err != nil || m.(*message).id != i {
						t.Errorf("Recv: %v, %v", m, err)
					}
					a.Sleep(c.slow)
				}
			}, func(conn env.Conn) {
				began := micros(b)
				for i, size := range c.sizes {
					if err := conn.Send(&message{id: i, bytes: size}); err != nil {
						t.Errorf("Send: %v", err)
					}
					got = append(got, micros(b)-began)
				}
			})
			if !slices.Equal(got, c.want) {
				t.Errorf("sends returned at %v us, want %v", got, c.want)
			}
		})
	}
}

// Goal: a Dial that gives up leaves nothing behind: the listener gets a
// connection that is at its end.
func TestDialTimeout(t *testing.T) {
	w, nodes := newWorld(t, simworld.Config{Link: simworld.Link{Delay: time.Millisecond}}, "a", "b")
	a, b := nodes[0], nodes[1]
	mustRun(t, w, a, func() {
		l, _ := a.Net().Listen("a")
		b.Go("client", func() {
			if _, err := b.Net().Dial("a", 1500*time.Microsecond); !errors.Is(err, env.ErrTimeout) {
				t.Errorf("Dial: %v, want %q", err, env.ErrTimeout)
			}
			if now := micros(b); now != 1500 {
				t.Errorf("Dial gave up at %d us", now)
			}
		})
		conn, err := l.Accept()
		if err != nil {
			t.Errorf("Accept: %v", err)
			return
		}
		if _, err := conn.Recv(env.Never); !errors.Is(err, env.ErrReset) {
			t.Errorf("Recv: %v, want %q", err, env.ErrReset)
		}
		if _, err := a.Net().Listen("b:1"); err == nil {
			t.Errorf("a listens on an address of b")
		}
	})
}

// Goal: a message that crosses the peer's Close on the wire is taken, and released
// where it arrives.
func TestMessageCrossesClose(t *testing.T) {
	w, nodes := newWorld(t, simworld.Config{Link: simworld.Link{Delay: time.Millisecond}}, "a", "b")
	crossing := &message{bytes: 10}
	stream(t, w, nodes[0], nodes[1], func(env.Conn) {
		nodes[0].Sleep(500 * time.Microsecond)
	}, func(conn env.Conn) { // at 2 ms; the other side has closed at 1.5 ms
		if err := conn.Send(crossing); err != nil {
			t.Errorf("Send: %v", err)
		}
		if crossing.released != 0 {
			t.Errorf("released before it arrived")
		}
		if _, err := conn.Recv(env.Never); !errors.Is(err, env.ErrReset) || micros(nodes[1]) != 2500 {
			t.Errorf("Recv: %v at %d us, want %q at 2500", err, micros(nodes[1]), env.ErrReset)
		}
		nodes[1].Sleep(time.Second)
	})
	if crossing.released != 1 {
		t.Errorf("released %d times, want once", crossing.released)
	}
}

// Goal: Close of the world releases what nobody received.
func TestCloseReleasesMessages(t *testing.T) {
	w, nodes := newWorld(t, simworld.Config{Link: simworld.Link{Delay: time.Millisecond}}, "a")
	n := nodes[0]
	m := &message{bytes: 10}
	mustRun(t, w, n, func() {
		l, _ := n.Net().Listen("a")
		conn, _ := n.Net().Dial("a", time.Second)
		l.Accept()
		conn.Send(m)
	})
	w.Close()
	w.Close()
	if m.released != 1 {
		t.Errorf("released %d times", m.released)
	}
}
