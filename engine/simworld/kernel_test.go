package simworld_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"brokerlab/engine/env"
	"brokerlab/engine/simworld"
)

// newWorld returns a world that is closed at the end of the test, with a node
// for each name.
func newWorld(t testing.TB, cfg simworld.Config, names ...string) (*simworld.World, []env.Node) {
	t.Helper()
	w := simworld.New(cfg)
	t.Cleanup(w.Close)
	var nodes []env.Node
	for _, name := range names {
		nodes = append(nodes, w.NewNode(env.NodeConfig{Name: name, Cores: 2}))
	}
	return w, nodes
}

func mustRun(t testing.TB, w *simworld.World, n env.Node, main func()) {
	t.Helper()
	if err := w.Run(n, main); err != nil {
		t.Fatalf("Run: %v", err)
	}
}

type message struct {
	id, bytes, released int
}

func (m *message) WireBytes() int { return m.bytes }
func (m *message) Release()       { m.released++ }

// mixedLoad has clients that think for random times, a server whose tasks share
// a lock, and a task that waits with a deadline. It returns a trace of its own.
func mixedLoad(t testing.TB, cfg simworld.Config) (w *simworld.World, trace string) {
	w, nodes := newWorld(t, cfg, "server", "a", "b", "c")
	server := nodes[0]
	var log strings.Builder
	mustRun(t, w, server, func() {
		l, err := server.Net().Listen("server")
		if err != nil {
			t.Errorf("Listen: %v", err)
			return
		}
		mu := server.NewMutex()
		work := server.NewCond(mu)
		pending, left := 0, 3
		server.Go("worker", func() {
			mu.Lock()
			defer mu.Unlock()
			for left > 0 || pending > 0 {
				if !work.WaitUntil(server.Now().Add(700 * time.Microsecond)) {
					fmt.Fprintf(&log, "idle at %d\n", server.Now())
				}
				server.Charge(env.OpCRC, 1000*pending)
				pending = 0
			}
		})
		for _, client := range nodes[1:] {
			client.Go("client", func() { mixedClient(t, client, &log) })
		}
		for range 3 {
			conn, err := l.Accept()
			if err != nil {
				t.Errorf("Accept: %v", err)
				return
			}
			server.Go("reader", func() {
				for {
					m, err := conn.Recv(env.Never)
					if err != nil {
						break
					}
					server.Charge(env.OpRequest, 1)
					mu.Lock()
					server.Charge(env.OpCopy, m.WireBytes())
					pending++
					work.Signal()
					mu.Unlock()
					if err := conn.Send(m); err != nil {
						t.Errorf("Send: %v", err)
					}
				}
				mu.Lock()
				left--
				work.Broadcast()
				mu.Unlock()
				conn.Close()
			})
		}
		l.Close()
	})
	return w, log.String()
}

func mixedClient(t testing.TB, n env.Node, log *strings.Builder) {
	conn, err := n.Net().Dial("server", time.Second)
	if err != nil {
		t.Errorf("Dial: %v", err)
		return
	}
	defer conn.Close()
	r := n.Rand("think")
	for i := range 40 {
		n.Sleep(time.Duration(r.IntN(200)) * time.Microsecond)
		n.Charge(env.OpRecordEncode, r.IntN(2000))
		if err := conn.Send(&message{id: i, bytes: 100 + r.IntN(1000)}); err != nil {
			t.Errorf("Send: %v", err)
		}
		m, err := conn.Recv(env.Never)
		if err != nil || m.(*message).id != i {
			t.Errorf("Recv: %v, %v", m, err)
			return
		}
		fmt.Fprintf(log, "%s %d at %d\n", n.Name(), i, n.Now())
	}
}

func mixedConfig(seed uint64, explore bool) simworld.Config {
	return simworld.Config{Seed: seed, Explore: explore, Prices: simworld.DefaultPrices(),
		Link: simworld.Link{BytesPerSec: 100e6, Delay: 50 * time.Microsecond}}
}

// Goal: one seed gives one run. Method: the same load in two worlds, one after
// the other, and in eight worlds at once; hash, trace, clock and counters.
func TestSameSeedSameRun(t *testing.T) {
	for _, explore := range []bool{false, true} {
		want, wantTrace := mixedLoad(t, mixedConfig(7, explore))
		if wantTrace == "" || want.Hash() == 0 {
			t.Fatalf("explore %v: no trace or no hash", explore)
		}
		var wg sync.WaitGroup
		for range 9 {
			wg.Go(func() {
				got, trace := mixedLoad(t, mixedConfig(7, explore))
				if got.Hash() != want.Hash() || trace != wantTrace {
					t.Errorf("explore %v: another run of the same seed differs", explore)
				}
				if got.Now() != want.Now() || got.Stats() != want.Stats() {
					t.Errorf("explore %v: %+v, want %+v", explore, got.Stats(), want.Stats())
				}
			})
			if !explore {
				wg.Wait() // one after the other
			}
		}
		wg.Wait()
	}
}

// Goal: explore mode explores. Method: a load without random numbers of its own,
// whose order is noted, under ten seeds; measure mode gives one order for all.
func TestExploreDependsOnSeed(t *testing.T) {
	orders := func(explore bool) (int, int) {
		seen, hashes := map[string]bool{}, map[uint64]bool{}
		for seed := range uint64(10) {
			w, nodes := newWorld(t, simworld.Config{Seed: seed, Explore: explore}, "a")
			order := ""
			mustRun(t, w, nodes[0], func() {
				for i := range 6 {
					nodes[0].Go("task", func() { order += fmt.Sprint(i) })
				}
			})
			seen[order], hashes[w.Hash()] = true, true
		}
		return len(seen), len(hashes)
	}
	if o, h := orders(false); o != 1 || h != 1 {
		t.Errorf("measure mode: %d orders and %d hashes under ten seeds, want 1", o, h)
	}
	if o, h := orders(true); o < 8 || h < 8 {
		t.Errorf("explore mode: %d orders and %d hashes under ten seeds, want 8 or more", o, h)
	}
	a, _ := mixedLoad(t, mixedConfig(1, true))
	b, _ := mixedLoad(t, mixedConfig(2, true))
	if a.Hash() == b.Hash() {
		t.Errorf("two seeds have one hash")
	}
}

// Goal: a deadlock is an error that says who waits for what and where. Method: a
// task for each kind of wait that can block for ever.
func TestDeadlockReport(t *testing.T) {
	w, nodes := newWorld(t, simworld.Config{Link: simworld.Link{InFlightBytes: 100}}, "a", "b")
	a, b := nodes[0], nodes[1]
	unwound := 0
	err := w.Run(a, func() {
		defer func() { unwound++ }()
		l, _ := a.Net().Listen("a:1")
		a.Go("acceptor", func() {
			defer func() { unwound++ }()
			l.Accept()
			l.Accept()
		})
		b.Go("sender", func() {
			conn, _ := b.Net().Dial("a:1", time.Second)
			b.Go("filler", func() {
				conn.Recv(env.Never)
			})
			for range 3 {
				conn.Send(&message{bytes: 60})
			}
		})
		a.Sleep(time.Millisecond)
		mu := a.NewMutex()
		c := a.NewCond(mu)
		mu.Lock()
		a.Go("locker", mu.Lock)
		a.Sleep(time.Second)
		a.Go("waiter", func() {
			defer func() { panic("in a deferred call") }()
			other := a.NewMutex()
			other.Lock()
			a.NewCond(other).WaitUntil(env.Never)
		})
		mu.Lock()
		c.Signal()
	})
	if !errors.Is(err, simworld.ErrDeadlock) {
		t.Fatalf("Run: %v, want a deadlock", err)
	}
	for _, want := range []string{
		"at 1.001s", "every task is blocked and nothing is due",
		"a/main: lock held by a/main since 1.001s, in simworld_test.TestDeadlockReport",
		"(kernel_test.go:",
		"a/acceptor: accept on a:1 since 0s",
		"b/filler: recv from a since 0s",
		"b/sender: send to a since 0s",
		"a/locker: lock held by a/main since 1ms\n",
		"a/waiter: cond since 1.001s",
		"and while it unwound: task a/waiter panicked at 1.001s: in a deferred call",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the report lacks %q:\n%v", want, err)
		}
	}
	if lines := strings.Count(err.Error(), " since "); lines != 6 {
		t.Errorf("the report has %d tasks, want 6:\n%v", lines, err)
	}
	if unwound != 2 {
		t.Errorf("%d of 2 deferred calls ran", unwound)
	}
	if err := w.Run(a, func() {}); err == nil {
		t.Errorf("a world that ended in a deadlock ran again")
	}
}

// Goal: runs that never end are errors. Method: tasks that go on in one instant,
// by each way there is, and one that lets time pass for ever.
func TestRunaway(t *testing.T) {
	cases := []struct {
		name string // why it does not end
		body func(n env.Node)
		want error
		text string
	}{
		{"a loop of sleeps that take no time", func(n env.Node) {
			for {
				n.Sleep(0)
			}
		}, simworld.ErrRunaway, "a/spinner"},
		{"a loop of waits whose deadline has passed", func(n env.Node) {
			mu := n.NewMutex()
			c := n.NewCond(mu)
			mu.Lock()
			for {
				c.WaitUntil(0)
			}
		}, simworld.ErrRunaway, "a/spinner"},
		{"two tasks that wake each other", func(n env.Node) {
			mu := n.NewMutex()
			c := n.NewCond(mu)
			pass := func() {
				mu.Lock()
				for {
					c.Signal()
					c.WaitUntil(env.Never)
				}
			}
			n.Go("second", pass)
			pass()
		}, simworld.ErrRunaway, "a/second"},
		{"a task that sleeps again and again", func(n env.Node) {
			for {
				n.Sleep(time.Second)
			}
		}, simworld.ErrHorizon, "a/spinner: sleep since 59m59s"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w, nodes := newWorld(t, simworld.Config{Horizon: time.Hour - time.Millisecond}, "a")
			err := w.Run(nodes[0], func() {
				nodes[0].Go("bystander", func() { nodes[0].Sleep(2 * time.Hour) })
				nodes[0].Go("spinner", func() { c.body(nodes[0]) })
			})
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.text) {
				t.Errorf("Run: %v, want %q and %q", err, c.want, c.text)
			}
			if c.want == simworld.ErrRunaway && strings.Contains(err.Error(), "bystander") {
				t.Errorf("the report names a task that sleeps: %v", err)
			}
		})
	}
}

// Goal: a panic in a task comes out of Run with the task's name and the stack
// that it came from, and leaves nothing running.
func TestTaskPanic(t *testing.T) {
	w, nodes := newWorld(t, simworld.Config{}, "a")
	cause := errors.New("invariant broken")
	unwound := false
	defer func() {
		p, ok := recover().(*simworld.TaskPanic)
		if !ok || p.Node != "a" || p.Task != "boom" || p.At != env.Time(time.Second) || !errors.Is(p, cause) {
			t.Errorf("Run panicked with %v", p)
		}
		if !strings.Contains(p.Error(), "task a/boom panicked at 1s: invariant broken") ||
			!strings.Contains(p.Error(), "explode") {
			t.Errorf("the text lacks the name or the task's stack:\n%v", p)
		}
		if !unwound {
			t.Errorf("the other task was not unwound")
		}
	}()
	w.Run(nodes[0], func() {
		defer func() { unwound = true }()
		nodes[0].Go("boom", func() { explode(nodes[0], cause) })
		nodes[0].Sleep(time.Hour)
	})
	t.Errorf("Run returned")
}

func explode(n env.Node, cause error) {
	n.Sleep(time.Second)
	panic(cause)
}

// Goal: t.Fatal in a task ends the test and leaves nothing running (goleak looks
// at the end). Method: runtime.Goexit, which t.Fatal ends in, by a skipped
// subtest.
func TestGoexitEndsKernel(t *testing.T) {
	var after, unwound, skipped bool
	t.Run("skips in a task", func(t *testing.T) {
		defer func() { skipped = t.Skipped() }()
		w, nodes := newWorld(t, simworld.Config{}, "a")
		w.Run(nodes[0], func() {
			defer func() { unwound = true }()
			nodes[0].Go("skips", func() {
				nodes[0].Sleep(time.Second)
				t.SkipNow()
			})
			nodes[0].Sleep(time.Hour)
		})
		after = true
	})
	if after || !unwound || !skipped {
		t.Errorf("went on after Run: %v; other task unwound: %v; skipped: %v", after, unwound, skipped)
	}
}

// Goal: deadlines of waits that ended otherwise do not move the clock. Method: a
// wait of an hour that is woken at once, and the instant at which Run ends.
func TestStaleDeadlineDoesNotMoveClock(t *testing.T) {
	w, nodes := newWorld(t, simworld.Config{}, "a", "b")
	a := nodes[0]
	mustRun(t, w, a, func() {
		mu := a.NewMutex()
		c := a.NewCond(mu)
		for range 1000 {
			a.Go("waiter", func() {
				mu.Lock()
				c.WaitUntil(env.Time(time.Hour))
				mu.Unlock()
			})
		}
		nodes[1].Go("sleeper", func() { nodes[1].Sleep(2 * time.Hour) })
		a.Sleep(time.Second)
		mu.Lock()
		c.Broadcast()
		mu.Unlock()
		w.Crash("b")
		a.Sleep(time.Second)
	})
	if w.Now() != env.Time(2*time.Second) {
		t.Errorf("the run ended at %v, want 2s", time.Duration(w.Now()))
	}
}

// Goal: callbacks fire at their instant in the order in which they were set, and
// between tasks.
func TestAt(t *testing.T) {
	w, nodes := newWorld(t, simworld.Config{}, "a")
	order := ""
	for i := range 3 {
		w.At(env.Time(time.Millisecond), func() { order += fmt.Sprintf("callback %d at %d; ", i, w.Now()) })
	}
	mustRun(t, w, nodes[0], func() {
		nodes[0].Sleep(time.Millisecond)
		order += "task; "
		w.At(0, func() { order += "late; " })
		nodes[0].Sleep(1)
	})
	want := "callback 0 at 1000000; callback 1 at 1000000; callback 2 at 1000000; task; late; "
	if order != want {
		t.Errorf("order is %q, want %q", order, want)
	}
}

// Goal: our own mistakes are panics with a sentence.
func TestMisuse(t *testing.T) {
	cases := []struct {
		name string
		want string
		body func(w *simworld.World, a, b env.Node)
	}{
		{"a name is given twice", `node name "a" is empty or taken`,
			func(w *simworld.World, a, b env.Node) { w.NewNode(env.NodeConfig{Name: "a"}) }},
		{"unlock of a free mutex", "unlock of an unlocked mutex",
			func(w *simworld.World, a, b env.Node) { a.NewMutex().Unlock() }},
		{"signal without the mutex", "Signal or Broadcast without the mutex",
			func(w *simworld.World, a, b env.Node) { a.NewCond(a.NewMutex()).Signal() }},
		{"wait without the mutex", "WaitUntil without the mutex",
			func(w *simworld.World, a, b env.Node) { a.NewCond(a.NewMutex()).WaitUntil(0) }},
		{"a condition on another node's mutex", "with a mutex of another node",
			func(w *simworld.World, a, b env.Node) { a.NewCond(b.NewMutex()) }},
		{"a wait in a callback", "outside of a task",
			func(w *simworld.World, a, b env.Node) {
				w.At(0, func() { a.Sleep(1) })
				a.Sleep(1)
			}},
		{"use of a node that has crashed", "b was used after it went down",
			func(w *simworld.World, a, b env.Node) {
				w.Crash("b")
				b.Go("boot", func() {})
			}},
		{"restart of a node that is up", "restart of b, which is up",
			func(w *simworld.World, a, b env.Node) { w.Restart("b", nil) }},
		{"Run inside of Run", "Run inside of Run",
			func(w *simworld.World, a, b env.Node) { w.Run(a, func() {}) }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w, nodes := newWorld(t, simworld.Config{}, "a", "b")
			defer func() {
				if r := fmt.Sprint(recover()); !strings.Contains(r, c.want) {
					t.Errorf("panic is %.200q, want %q", r, c.want)
				}
			}()
			w.Run(nodes[0], func() { c.body(w, nodes[0], nodes[1]) })
		})
	}
	if cfg := (simworld.Config{Prices: simworld.Prices{Wake: simworld.Fixed(-1)}}); cfg.Validate() == nil {
		t.Errorf("a negative price is valid")
	}
	if cfg := simworld.DefaultConfig(); cfg.Validate() != nil {
		t.Errorf("the default is not valid: %v", cfg.Validate())
	}
}
