package simworld_test

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"brokerlab/engine/env"
	"brokerlab/engine/simworld"
)

const ms = time.Millisecond

// Goal: what faults of links do to a connection, as TCP has it. Method: table; "b"
// sends a message to "a" every 10 ms from 0 on and closes, at a delay of 1 ms; "a"
// receives for 10 s. What arrives when, in ms, is written down.
func TestLinkFaults(t *testing.T) {
	both := simworld.Both("a", "b")
	there, back := []simworld.Direction{{From: "b", To: "a"}}, []simworld.Direction{{From: "a", To: "b"}}
	cases := []struct {
		why    string
		fault  map[int]func(w *simworld.World) // by ms
		want   string
		end    error
		unsent error // of the sender, at last
	}{
		{"nothing happens", nil, "0@1 1@11 2@21 3@31 4@41", env.ErrReset, nil},
		{"a broken link holds what is sent, also its end, and gives it when it is whole again",
			map[int]func(*simworld.World){15: func(w *simworld.World) { w.Break(both...) },
				100: func(w *simworld.World) { w.Heal(both...) }},
			"0@1 1@11 2@101 3@101 4@101", env.ErrReset, nil},
		{"what is on its way when the link breaks is sent again",
			map[int]func(*simworld.World){10: func(w *simworld.World) { w.Break(there...) },
				100: func(w *simworld.World) { w.Heal(there...) }},
			"0@1 1@101 2@101 3@101 4@101", env.ErrReset, nil},
		{"a link that is not healed is silence",
			map[int]func(*simworld.World){15: func(w *simworld.World) { w.Break(both...) }},
			"0@1 1@11", env.ErrTimeout, nil},
		{"the other direction does not matter to a few bytes",
			map[int]func(*simworld.World){5: func(w *simworld.World) { w.Break(back...) }},
			"0@1 1@11 2@21 3@31 4@41", env.ErrReset, nil},
		{"healing one direction is not healing the other",
			map[int]func(*simworld.World){15: func(w *simworld.World) { w.Break(both...) },
				100: func(w *simworld.World) { w.Heal(back...) }},
			"0@1 1@11", env.ErrTimeout, nil},
		{"a reset loses what is on its way, and both ends see it",
			map[int]func(*simworld.World){20: func(w *simworld.World) { w.Reset("a", "b") }},
			"0@1 1@11", env.ErrReset, env.ErrReset},
		{"a reset gets through a broken link, and what it held is lost",
			map[int]func(*simworld.World){5: func(w *simworld.World) { w.Break(both...) },
				25: func(w *simworld.World) { w.Reset("b", "a"); w.Heal(both...) }},
			"0@1", env.ErrReset, env.ErrReset},
		{"a slow link delays what is sent from then on",
			map[int]func(*simworld.World){15: func(w *simworld.World) { w.Slow(50*ms, there...) }},
			"0@1 1@11 2@70 3@80 4@90", env.ErrReset, nil},
		{"nothing overtakes when it is fast again",
			map[int]func(*simworld.World){15: func(w *simworld.World) { w.Slow(50*ms, there...) },
				25: func(w *simworld.World) { w.Slow(ms, there...) }},
			"0@1 1@11 2@70 3@70 4@70", env.ErrReset, nil},
		{"a sender without power sends nothing again",
			map[int]func(*simworld.World){15: func(w *simworld.World) { w.Break(both...) },
				35:  func(w *simworld.World) { w.PowerOff("b") },
				100: func(w *simworld.World) { w.Heal(both...) }},
			"0@1 1@11", env.ErrTimeout, nil},
		{"a process that crashed has a kernel that does",
			map[int]func(*simworld.World){15: func(w *simworld.World) { w.Break(both...) },
				35:  func(w *simworld.World) { w.Crash("b") },
				100: func(w *simworld.World) { w.Heal(both...) }},
			"0@1 1@11 2@101 3@101", env.ErrReset, nil},
	}
	for _, c := range cases {
		t.Run(c.why, func(t *testing.T) {
			w, nodes := newWorld(t, simworld.Config{Link: simworld.Link{Delay: ms}}, "a", "b")
			var got []string
			var end, unsent error
			stream(t, w, nodes[0], nodes[1], func(conn env.Conn) {
				began := nodes[0].Now().Add(ms) // the answer to the dial is on its way
				for _, at := range slices.Sorted(maps.Keys(c.fault)) {
					w.At(began.Add(time.Duration(at)*ms), func() { c.fault[at](w) })
				}
				for {
					m, err := conn.Recv(began.Add(10 * time.Second))
					if err != nil {
						end = err
						return
					}
					got = append(got, fmt.Sprintf("%d@%d", m.(*message).id, nodes[0].Now().Sub(began)/ms))
				}
			}, func(conn env.Conn) {
				for i := range 5 {
					if err := conn.Send(&message{id: i, bytes: 10}); err != nil {
						unsent = err
					}
					nodes[1].Sleep(10 * ms)
				}
				conn.Close()
			})
			if s := strings.Join(got, " "); s != c.want || !errors.Is(end, c.end) {
				t.Errorf("received %s, then %v; want %s, then %v", s, end, c.want, c.end)
			}
			if !errors.Is(unsent, c.unsent) {
				t.Errorf("Send: %v, want %v", unsent, c.unsent)
			}
		})
	}
}

// Goal: a sender whose news of what was received do not come back stops at the
// limit of bytes in flight, and goes on when they do. Method: a limit of 30 bytes,
// messages of 10, the way back broken from 0 to 100 ms.
func TestBrokenWayBackBlocks(t *testing.T) {
	w, nodes := newWorld(t, simworld.Config{Link: simworld.Link{Delay: ms, InFlightBytes: 30}}, "a", "b")
	back := simworld.Direction{From: "a", To: "b"}
	var sent []int
	received := 0
	stream(t, w, nodes[0], nodes[1], func(conn env.Conn) {
		for {
			if _, err := conn.Recv(env.Never); err != nil {
				return
			}
			received++
		}
	}, func(conn env.Conn) {
		w.Break(back)
		began := nodes[1].Now()
		w.At(began.Add(100*ms), func() { w.Heal(back) })
		for i := range 5 {
			conn.Send(&message{id: i, bytes: 10})
			sent = append(sent, int(nodes[1].Now().Sub(began)/ms))
		}
		conn.Close()
	})
	if want := []int{0, 0, 0, 101, 101}; !slices.Equal(sent, want) || received != 5 {
		t.Errorf("sent at %v ms, want %v; %d received", sent, want, received)
	}
}

// Goal: a dial over a broken link is silence, tried again after 1, 3 and 7 s.
// Method: table of what is broken and when it is whole again.
func TestDialBroken(t *testing.T) {
	there, back := simworld.Direction{From: "b", To: "a"}, simworld.Direction{From: "a", To: "b"}
	cases := []struct {
		why     string
		broken  []simworld.Direction
		heal    time.Duration
		timeout time.Duration
		err     error
		took    time.Duration
	}{
		{"whole again before the second attempt", simworld.Both("a", "b"), 500 * ms, time.Minute, nil, 1002 * ms},
		{"before the fourth", simworld.Both("a", "b"), 5 * time.Second, time.Minute, nil, 7002 * ms},
		{"the request alone gets lost", []simworld.Direction{there}, 2 * time.Second, time.Minute, nil, 3002 * ms},
		{"the answer alone gets lost", []simworld.Direction{back}, 2 * time.Second, time.Minute, nil, 3004 * ms},
		{"whole again after the timeout", simworld.Both("a", "b"), 5 * time.Second, 2 * time.Second, env.ErrTimeout,
			2 * time.Second},
	}
	for _, c := range cases {
		t.Run(c.why, func(t *testing.T) {
			w, nodes := newWorld(t, simworld.Config{Link: simworld.Link{Delay: ms}}, "a", "b")
			a, b := nodes[0], nodes[1]
			mustRun(t, w, b, func() {
				a.Go("listen", func() {
					l, _ := a.Net().Listen("a")
					a.Sleep(20 * time.Second)
					l.Close()
				})
				b.Sleep(ms)
				w.Break(c.broken...)
				began := b.Now()
				w.At(began.Add(c.heal), func() { w.Heal(c.broken...) })
				conn, err := b.Net().Dial("a", c.timeout)
				if took := b.Now().Sub(began); !errors.Is(err, c.err) || took != c.took {
					t.Errorf("Dial: %v after %v, want %v after %v", err, took, c.err, c.took)
				}
				if err == nil {
					conn.Close()
				}
			})
		})
	}
}

// spoilAtRandom breaks, heals and slows down links between "a" and "b".
func spoilAtRandom(w *simworld.World, n env.Node, r *rand.Rand, faults int) {
	for range faults {
		d := simworld.Both("a", "b")[r.IntN(2)]
		switch r.IntN(3) {
		case 0:
			w.Slow(time.Duration(r.IntN(20))*ms, d)
		default:
			w.Break(d)
			n.Sleep(time.Duration(r.IntN(50)) * ms)
			w.Heal(d)
		}
		n.Sleep(time.Duration(r.IntN(30)) * ms)
	}
}

// Goal: whatever happens to a link, a connection gives each message once and in
// order, and one seed is one run. Method: random breaks, healings and delays
// beside random sends of two connections to "a", of which one is whole, without
// and with a rate, jitter and loss; the run is made twice, and once without the last
// fault, which must be another hash.
func TestLinkFaultsAtRandom(t *testing.T) {
	links := []simworld.Link{
		{Delay: ms, InFlightBytes: 500},
		{Delay: ms, BytesPerSec: 100_000, InFlightBytes: 500},
		{Delay: ms, BytesPerSec: 100_000, MTU: 1500, Jitter: 2 * ms, Loss: 0.1, InFlightBytes: 2000},
		{Delay: ms, Jitter: 5 * ms, Loss: 0.1},
	}
	play := func(link simworld.Link, seed uint64, faults int) uint64 {
		w, nodes := newWorld(t, simworld.Config{Link: link, Seed: seed}, "a", "b", "c")
		got := map[string]int{}
		a := nodes[0]
		mustRun(t, w, a, func() {
			l, _ := a.Net().Listen("a")
			for _, n := range nodes[1:] {
				n.Go("sender", func() {
					conn, _ := n.Net().Dial("a", time.Minute)
					sends := n.Rand("sends")
					for i := range 100 {
						conn.Send(&message{id: i, bytes: 1 + sends.IntN(200)})
						n.Sleep(time.Duration(sends.IntN(10)) * ms)
					}
					conn.Close()
				})
				conn, _ := l.Accept()
				a.Go("receiver", func() {
					for m, err := conn.Recv(env.Never); err == nil; m, err = conn.Recv(env.Never) {
						if id := m.(*message).id; id != got[n.Name()] {
							t.Errorf("seed %d: message %d of %s came, want %d", seed, id, n.Name(), got[n.Name()])
						}
						got[n.Name()]++
					}
				})
			}
			nodes[2].Go("faults", func() { spoilAtRandom(w, nodes[2], rand.New(rand.NewPCG(seed, 1)), faults) })
		})
		if got["b"] != 100 || got["c"] != 100 {
			t.Errorf("seed %d on %+v: %v of 100 messages each came", seed, link, got)
		}
		return w.Hash()
	}
	for _, link := range links {
		for seed := range uint64(20) {
			if one, two := play(link, seed, 10), play(link, seed, 10); one != two {
				t.Errorf("seed %d: hashes %016x and %016x", seed, one, two)
			}
			if one, other := play(link, seed, 10), play(link, seed, 9); one == other {
				t.Errorf("seed %d: a fault more, and the same hash %016x", seed, one)
			}
		}
	}
}
