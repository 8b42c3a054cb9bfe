package envtest

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"brokerlab/engine/env"
)

var nodeChecks = []check{
	{"Name", "a node has the name that it was given", checkName},
	{"NowIsOneClock", "Now never goes back, and what follows by a message on another node is not earlier", checkNow},
	{"Wall", "Wall is a time of day after 2025 that moves on as Now does", checkWall},
	{"Sleep", "Sleep lasts at least as long as it was told, and not at all for 0 or less", checkSleep},
	{"Go", "Run returns after every task of every node has ended, also those started last", checkGo},
	{"Rand", "the world's seed, the node and the stream fix a generator", checkRand},
	{"Charge", "every operation may be charged, by any amount", checkCharge},
	{"Pool", "the node's pool serves its tasks at once and ends with nothing live", checkPool},
	{"Mount", "Mount is called once with the node, and FS is what it returned", checkMount},
}

func checkName(t *testing.T, newWorld NewWorld) {
	w := newWorld(t, Options{})
	a, b := w.NewNode(env.NodeConfig{Name: "a"}), w.NewNode(env.NodeConfig{Name: "b"})
	if err := w.Run(a, func() {}); err != nil {
		t.Errorf("Run of a main that does nothing: %v", err)
	}
	if a.Name() != "a" || b.Name() != "b" {
		t.Errorf("names are %q and %q, want a and b", a.Name(), b.Name())
	}
}

func checkNow(t *testing.T, newWorld NewWorld) {
	runPair(t, newWorld, Options{}, func(s *side) {
		last := s.node.Now()
		for range 50 {
			m, ok := s.recv()
			if !ok {
				return
			}
			now := s.node.Now()
			if sent := env.Time(m.seq); now < sent || now < last {
				t.Errorf("received at %d after a message sent at %d and an instant %d", now, sent, last)
			}
			last = now
			s.send(&note{seq: int(s.node.Now()), bytes: 10})
		}
	}, func(c *side) {
		for range 50 {
			c.node.Charge(env.OpCRC, 1<<16)
			sent := c.node.Now()
			c.send(&note{seq: int(sent), bytes: 10})
			m, ok := c.recv()
			if !ok {
				return
			}
			if now := c.node.Now(); now < env.Time(m.seq) || now < sent {
				t.Errorf("answered at %d, answer sent at %d, question at %d", now, m.seq, sent)
			}
		}
	})
}

func checkWall(t *testing.T, newWorld NewWorld) {
	runAlone(t, newWorld, func(n env.Node) {
		first := n.Wall()
		n.Sleep(20 * time.Millisecond)
		if first.Year() < 2025 {
			t.Errorf("Wall is %v", first)
		}
		// A real clock may be slewed while the test runs, so half of it will do.
		if moved := n.Wall().Sub(first); moved < 10*time.Millisecond {
			t.Errorf("Wall moved by %v in a sleep of 20 ms", moved)
		}
	})
}

func checkSleep(t *testing.T, newWorld NewWorld) {
	runAlone(t, newWorld, func(n env.Node) {
		b := newBoard(n)
		spans := []time.Duration{20 * time.Millisecond, time.Microsecond, 3 * time.Millisecond, 1, 700 * time.Microsecond}
		for _, d := range spans {
			n.Go("sleeper", func() {
				for range 3 {
					due := n.Now().Add(d)
					n.Sleep(d)
					if now := n.Now(); now < due {
						t.Errorf("sleep of %v ended %v early", d, due.Sub(now))
					}
				}
				b.add("done", 1)
			})
		}
		b.await(t, "done", len(spans))
		before := n.Now()
		for range 1000 {
			n.Sleep(0)
			n.Sleep(-time.Hour)
		}
		if took := n.Now().Sub(before); took > patience {
			t.Errorf("sleeps of no time took %v", took)
		}
	})
}

func checkGo(t *testing.T, newWorld NewWorld) {
	w := newWorld(t, Options{})
	a, b := w.NewNode(env.NodeConfig{Name: "a"}), w.NewNode(env.NodeConfig{Name: "b"})
	var last [3]bool // each written by one task, read after Run
	err := w.Run(a, func() {
		for i := range last {
			b.Go("outer", func() {
				b.Sleep(time.Duration(i) * time.Millisecond)
				b.Go("inner", func() {
					b.Sleep(5 * time.Millisecond)
					last[i] = true
				})
			})
		}
	})
	if err != nil {
		t.Errorf("Run: %v", err)
	}
	if last != [3]bool{true, true, true} {
		t.Errorf("Run returned before all tasks had ended: %v", last)
	}
}

func checkRand(t *testing.T, newWorld NewWorld) {
	draw := func(r *rand.Rand) (out [4]uint64) {
		for i := range out {
			out[i] = r.Uint64()
		}
		return out
	}
	first := newWorld(t, Options{})
	a, b := first.NewNode(env.NodeConfig{Name: "a"}), first.NewNode(env.NodeConfig{Name: "b"})
	second := newWorld(t, Options{})
	again := second.NewNode(env.NodeConfig{Name: "a"})
	err := first.Run(a, func() {
		want := draw(a.Rand("keys"))
		if got := draw(a.Rand("keys")); got != want {
			t.Errorf("the same stream gives %v and then %v", want, got)
		}
		if draw(a.Rand("sizes")) == want {
			t.Errorf("another stream gives the same numbers")
		}
		if draw(b.Rand("keys")) == want {
			t.Errorf("another node gives the same numbers")
		}
		if got := draw(again.Rand("keys")); got != want {
			t.Errorf("a second world of the same seed gives %v, want %v", got, want)
		}
	})
	if err != nil {
		t.Errorf("Run: %v", err)
	}
	if err := second.Run(again, func() {}); err != nil {
		t.Errorf("Run: %v", err)
	}
}

func checkCharge(t *testing.T, newWorld NewWorld) {
	runAlone(t, newWorld, func(n env.Node) {
		for op := range env.OpCount {
			before := n.Now()
			n.Charge(op, 0)
			n.Charge(op, 1)
			n.Charge(op, 1<<20)
			if now := n.Now(); now < before {
				t.Errorf("charging operation %d moved the clock from %d to %d", op, before, now)
			}
			n.Sleep(time.Microsecond)
		}
	})
}

func checkPool(t *testing.T, newWorld NewWorld) {
	w := newWorld(t, Options{})
	n := w.NewNode(env.NodeConfig{Name: "a"})
	err := w.Run(n, func() {
		for i := range 4 {
			n.Go("user", func() {
				for j := range 100 {
					m := n.Pool().Get(1 + 37*j)
					buf := m.Bytes()[:1+37*j]
					for at := range buf {
						buf[at] = byte(i)
					}
					if j%10 == 0 {
						n.Sleep(time.Microsecond)
					}
					if slices.IndexFunc(buf, func(c byte) bool { return c != byte(i) }) >= 0 {
						t.Errorf("memory of the pool was given to two tasks")
					}
					m.Release()
				}
			})
		}
	})
	if err != nil {
		t.Errorf("Run: %v", err)
	}
	if live := n.Pool().Live(); live != 0 {
		t.Errorf("%d buffers are live at the end", live)
	}
}

// mounted is an FS that is only ever compared.
type mounted struct {
	env.FS
	owner env.Node
}

func checkMount(t *testing.T, newWorld NewWorld) {
	w := newWorld(t, Options{})
	var made []*mounted
	a := w.NewNode(env.NodeConfig{Name: "a", Mount: func(n env.Node) env.FS {
		made = append(made, &mounted{owner: n})
		return made[len(made)-1]
	}})
	b := w.NewNode(env.NodeConfig{Name: "b"})
	err := w.Run(a, func() {
		if len(made) != 1 || made[0].owner != a || a.FS() != env.FS(made[0]) {
			t.Errorf("Mount was called %d times, or with another node, or FS is something else", len(made))
		}
		if b.FS() != nil {
			t.Errorf("a node without Mount has the file system %v", b.FS())
		}
	})
	if err != nil {
		t.Errorf("Run: %v", err)
	}
}
