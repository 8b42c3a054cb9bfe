package envtest

import (
	"testing"
	"time"

	"brokerlab/engine/env"
)

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
