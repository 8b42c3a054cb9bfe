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

var lockChecks = []check{
	{"MutexExcludes", "one task at a time holds a mutex, also while the holder waits for something else", checkMutex},
	{"MutexesAreApart", "a mutex does not lock another one", checkTwoMutexes},
}

var condChecks = []check{
	{"Signal", "Signal ends a wait, which reports that it was woken and holds the mutex", checkSignal},
	{"Timeout", "without a signal a wait ends at its deadline, not before, and says so", checkTimeout},
	{"PastDeadline", "a wait whose deadline has passed still lets others have the mutex, and ends", checkPastDeadline},
	{"SignalIsNotKept", "a signal that nobody waits for is lost", checkSignalIsNotKept},
	{"SignalOrder", "signals wake in the order in which the waits began", checkSignalOrder},
	{"Broadcast", "Broadcast wakes all that wait, and nobody who waits later", checkBroadcast},
	{"TimedOutEatsNoSignal", "a wait that timed out takes no signal from one that goes on", checkTimedOut},
	{"SignalRacesTimeout", "when signals and deadlines race, every signal wakes exactly one task", checkSignalRace},
	{"TwoConds", "a signal wakes no task that waits on another condition of the same mutex", checkTwoConds},
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

func checkMutex(t *testing.T, newWorld NewWorld) {
	runAlone(t, newWorld, func(n env.Node) {
		b := newBoard(n)
		mu := n.NewMutex()
		inside, total := 0, 0
		for range 8 {
			n.Go("worker", func() {
				for i := range 50 {
					mu.Lock()
					inside++
					if inside != 1 {
						t.Errorf("%d tasks hold the mutex", inside)
					}
					if i%10 == 0 {
						n.Sleep(20 * time.Microsecond)
					}
					n.Charge(env.OpCopy, 1000)
					total++
					inside--
					mu.Unlock()
				}
				b.add("done", 1)
			})
		}
		b.await(t, "done", 8)
		mu.Lock()
		defer mu.Unlock()
		if total != 8*50 {
			t.Errorf("%d of %d additions under the mutex arrived", total, 8*50)
		}
	})
}

func checkTwoMutexes(t *testing.T, newWorld NewWorld) {
	runAlone(t, newWorld, func(n env.Node) {
		b := newBoard(n)
		outer := n.NewMutex()
		outer.Lock()
		n.Go("other", func() {
			inner := n.NewMutex()
			inner.Lock()
			b.add("inner", 1)
			inner.Unlock()
		})
		b.await(t, "inner", 1)
		outer.Unlock()
	})
}

func checkSignal(t *testing.T, newWorld NewWorld) {
	runAlone(t, newWorld, func(n env.Node) {
		b := newBoard(n)
		c := n.NewCond(b.mu)
		for i := range 2 {
			deadline := env.Never
			if i == 1 {
				deadline = n.Now().Add(100 * patience)
			}
			n.Go("waiter", func() {
				b.mu.Lock()
				defer b.mu.Unlock()
				b.addLocked("waiting", 1)
				if !c.WaitUntil(deadline) {
					t.Errorf("a wait with deadline %d ended without a signal", deadline)
				}
				b.addLocked("woken", 1) // the race detector sees it if the mutex is not held
			})
			b.mu.Lock()
			b.awaitLocked(t, "waiting", i+1)
			if b.marks["woken"] != i {
				t.Errorf("woken before the signal")
			}
			c.Signal()
			b.awaitLocked(t, "woken", i+1)
			b.mu.Unlock()
		}
	})
}

func checkTimeout(t *testing.T, newWorld NewWorld) {
	runAlone(t, newWorld, func(n env.Node) {
		mu := n.NewMutex()
		c := n.NewCond(mu)
		mu.Lock()
		defer mu.Unlock()
		for _, d := range []time.Duration{time.Microsecond, 300 * time.Microsecond, 5 * time.Millisecond} {
			deadline := n.Now().Add(d)
			if c.WaitUntil(deadline) {
				t.Errorf("a wait of %v was woken by nobody", d)
			}
			if now := n.Now(); now < deadline {
				t.Errorf("a wait of %v ended %v early", d, deadline.Sub(now))
			}
		}
	})
}

func checkPastDeadline(t *testing.T, newWorld NewWorld) {
	runAlone(t, newWorld, func(n env.Node) {
		b := newBoard(n)
		n.Go("other", func() { b.add("arrived", 1) })
		b.mu.Lock()
		defer b.mu.Unlock()
		c := n.NewCond(b.mu)
		n.Sleep(time.Microsecond)
		for start := n.Now(); b.marks["arrived"] == 0; {
			if c.WaitUntil(n.Now()) || c.WaitUntil(0) {
				t.Errorf("woken by nobody")
			}
			if n.Now().Sub(start) > patience {
				t.Errorf("another task did not get the mutex")
				return
			}
			n.Sleep(time.Microsecond) // the instant must move where time is virtual
		}
	})
}

func checkSignalIsNotKept(t *testing.T, newWorld NewWorld) {
	runAlone(t, newWorld, func(n env.Node) {
		mu := n.NewMutex()
		c := n.NewCond(mu)
		mu.Lock()
		defer mu.Unlock()
		c.Signal()
		c.Broadcast()
		if c.WaitUntil(n.Now().Add(2 * time.Millisecond)) {
			t.Errorf("a wait was woken by a signal from before it")
		}
	})
}

func checkSignalOrder(t *testing.T, newWorld NewWorld) {
	runAlone(t, newWorld, func(n env.Node) {
		b := newBoard(n)
		c := n.NewCond(b.mu)
		var order []int // guarded by b.mu
		const waiters = 20
		for i := range waiters {
			n.Go("waiter", func() {
				b.mu.Lock()
				defer b.mu.Unlock()
				b.addLocked("waiting", 1)
				deadline := env.Never
				if i%3 == 0 {
					deadline = n.Now().Add(100 * patience)
				}
				c.WaitUntil(deadline)
				order = append(order, i)
				b.addLocked("woken", 1)
			})
			b.await(t, "waiting", i+1)
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		for i := range waiters {
			c.Signal()
			if !b.awaitLocked(t, "woken", i+1) {
				return
			}
		}
		for i, w := range order {
			if w != i {
				t.Errorf("woken in the order %v", order)
				return
			}
		}
	})
}

func checkBroadcast(t *testing.T, newWorld NewWorld) {
	runAlone(t, newWorld, func(n env.Node) {
		b := newBoard(n)
		c := n.NewCond(b.mu)
		for i := range 10 {
			n.Go("waiter", func() {
				b.mu.Lock()
				defer b.mu.Unlock()
				b.addLocked("waiting", 1)
				deadline := env.Never
				if i%2 == 0 {
					deadline = n.Now().Add(100 * patience)
				}
				if !c.WaitUntil(deadline) {
					t.Errorf("waiter %d was not woken", i)
				}
				b.addLocked("woken", 1)
			})
		}
		b.await(t, "waiting", 10)
		b.mu.Lock()
		defer b.mu.Unlock()
		c.Broadcast()
		if c.WaitUntil(n.Now().Add(2 * time.Millisecond)) {
			t.Errorf("a wait after the broadcast was woken by it")
		}
		b.awaitLocked(t, "woken", 10)
	})
}

func checkTimedOut(t *testing.T, newWorld NewWorld) {
	runAlone(t, newWorld, func(n env.Node) {
		b := newBoard(n)
		c := n.NewCond(b.mu)
		for i := range 3 {
			n.Go("short", func() {
				b.mu.Lock()
				defer b.mu.Unlock()
				b.addLocked("waiting", 1)
				if c.WaitUntil(n.Now().Add(time.Millisecond)) {
					t.Errorf("short wait %d was woken", i)
				}
				b.addLocked("timed out", 1)
			})
		}
		b.await(t, "waiting", 3)
		n.Go("long", func() {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.addLocked("waiting", 1)
			c.WaitUntil(env.Never)
			b.addLocked("woken", 1)
		})
		b.mu.Lock()
		defer b.mu.Unlock()
		b.awaitLocked(t, "waiting", 4)
		b.awaitLocked(t, "timed out", 3)
		c.Signal()
		if !b.awaitLocked(t, "woken", 1) {
			c.Broadcast()
		}
	})
}

// checkSignalRace: some tasks wait for ever and so are always there to be woken;
// others wait for microseconds. Whoever is woken counts, so that a signal that
// went to a wait which then says it timed out is missing.
func checkSignalRace(t *testing.T, newWorld NewWorld) {
	const signals = 300
	runAlone(t, newWorld, func(n env.Node) {
		b := newBoard(n)
		c := n.NewCond(b.mu)
		wait := func(deadline func() env.Time) {
			b.mu.Lock()
			defer b.mu.Unlock()
			for b.marks["stop"] == 0 {
				b.addLocked("waits", 1)
				if c.WaitUntil(deadline()) {
					b.addLocked("woken", 1)
				}
			}
		}
		for i := range 3 {
			n.Go("timed", func() {
				wait(func() env.Time { return n.Now().Add(time.Duration(1+i*13) * time.Microsecond) })
			})
		}
		n.Go("patient", func() { wait(func() env.Time { return env.Never }) })
		n.Go("patient", func() { wait(func() env.Time { return env.Never }) })
		b.mu.Lock()
		defer b.mu.Unlock()
		b.awaitLocked(t, "waits", 5)
		for i := range signals {
			// A woken task waits again before it lets go of the mutex, so the two
			// that wait for ever are always there when this task signals.
			c.Signal()
			if !b.awaitLocked(t, "woken", i+1) {
				break
			}
			if b.marks["woken"] > i+1 {
				t.Errorf("%d waits were woken by %d signals", b.marks["woken"], i+1)
				break
			}
		}
		b.addLocked("stop", 1)
		c.Broadcast()
	})
}

func checkTwoConds(t *testing.T, newWorld NewWorld) {
	runAlone(t, newWorld, func(n env.Node) {
		b := newBoard(n)
		full, empty := n.NewCond(b.mu), n.NewCond(b.mu)
		n.Go("waiter", func() {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.addLocked("waiting", 1)
			full.WaitUntil(env.Never)
			b.addLocked("woken", 1)
		})
		b.await(t, "waiting", 1)
		b.mu.Lock()
		empty.Signal()
		empty.Broadcast()
		b.mu.Unlock()
		n.Sleep(2 * time.Millisecond)
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.marks["woken"] != 0 {
			t.Errorf("a signal on one condition ended a wait on another")
		}
		full.Signal()
		b.awaitLocked(t, "woken", 1)
	})
}
