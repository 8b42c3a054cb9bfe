package simworld_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"brokerlab/engine/env"
	"brokerlab/engine/simworld"
)

// Goal: a crash unwinds every task of the node, in the order of ids, through its
// deferred calls, and nothing of it acts again. Method: tasks in each kind of
// wait, whose deferred calls ask the node for everything that it has.
func TestCrashUnwinds(t *testing.T) {
	for _, by := range []string{"another node", "a callback", "the node itself"} {
		t.Run("by "+by, func(t *testing.T) {
			w, nodes := newWorld(t, simworld.Config{Prices: simworld.DefaultPrices()}, "a", "driver")
			n, driver := nodes[0], nodes[1]
			var order []string
			task := func(name string, wait func()) {
				n.Go(name, func() {
					defer func() { order = append(order, name) }()
					wait()
					t.Errorf("task %s went on after the crash", name)
				})
			}
			mustRun(t, w, driver, func() {
				mu := n.NewMutex()
				c := n.NewCond(mu)
				n.Go("holder", func() {
					mu.Lock()
					defer mu.Unlock() // does nothing on a dead node
					n.Sleep(time.Hour)
				})
				task("locks", func() { mu.Lock() })
				task("waits", func() {
					other := n.NewMutex()
					other.Lock()
					defer other.Unlock()
					n.NewCond(other).WaitUntil(env.Never)
				})
				task("charges", func() {
					n.Charge(env.OpCompressGzip, 1<<30)
					n.Sleep(0)
				})
				for name, call := range everyCall(n, mu, c) { // in tasks of their own, so in any order
					n.Go(name, func() {
						defer func() {
							call()
							t.Errorf("%s of a dead node returned", name)
						}()
						n.Sleep(time.Hour)
					})
				}
				task("sleeps", func() { n.Sleep(time.Hour) })
				if by == "the node itself" {
					n.Go("suicide", func() {
						n.Sleep(time.Second)
						w.Crash("a")
						t.Errorf("a task returned from the crash of its own node")
					})
				}
				driver.Sleep(time.Second)
				switch by {
				case "another node":
					w.Crash("a")
				case "a callback":
					w.At(0, func() { w.Crash("a") })
				}
				driver.Sleep(1)
				w.Crash("a") // again, which does nothing
			})
			if want := []string{"locks", "waits", "charges", "sleeps"}; !slices.Equal(order, want) {
				t.Errorf("unwound in the order %v, want %v", order, want)
			}
			if now := w.Now(); now != env.Time(time.Second)+1 {
				t.Errorf("the run ended at %v", time.Duration(now))
			}
		})
	}
}

// everyCall is all that a task may ask of its node and that a dead one refuses.
func everyCall(n env.Node, mu env.Mutex, c env.Cond) map[string]func() {
	return map[string]func(){
		"Now":       func() { n.Now() },
		"Wall":      func() { n.Wall() },
		"Sleep":     func() { n.Sleep(1) },
		"Go":        func() { n.Go("x", func() {}) },
		"NewMutex":  func() { n.NewMutex() },
		"NewCond":   func() { n.NewCond(mu) },
		"Charge":    func() { n.Charge(env.OpCRC, 1) },
		"Rand":      func() { n.Rand("x") },
		"Lock":      mu.Lock,
		"Signal":    c.Signal,
		"Broadcast": c.Broadcast,
		"WaitUntil": func() { c.WaitUntil(0) },
		"Listen":    func() { n.Net().Listen("a:2") },
		"Dial":      func() { n.Net().Dial("driver", 1) },
	}
}

// Goal: a task killed before its first run is gone, and not a deadlock.
func TestKilledBeforeFirstRun(t *testing.T) {
	w, nodes := newWorld(t, simworld.Config{}, "a", "driver")
	mustRun(t, w, nodes[1], func() {
		nodes[0].Go("never", func() { t.Errorf("a task of a dead node ran") })
		w.Crash("a")
	})
}

// Goal: what peers see of a crash and of a power loss. Method: a server that goes
// down at 100.005 ms, when one answer has just left it and another one has not; a
// client that receives until 1 s, and then dials; at a delay of 1 ms.
func TestWhatPeersSee(t *testing.T) {
	cases := []struct {
		name     string
		fault    func(w *simworld.World)
		received int   // answers
		recv     error // behind them
		at       time.Duration
		dial     error // of a dial with a timeout of 100 ms
		dialFor  time.Duration
	}{
		{"a crash leaves what was sent, then is a reset, and refusal", func(w *simworld.World) { w.Crash("server") },
			2, env.ErrReset, 102_005 * time.Microsecond, env.ErrRefused, 2 * time.Millisecond},
		{"a power loss is silence until the deadlines", func(w *simworld.World) { w.PowerOff("server") },
			1, env.ErrTimeout, time.Second, env.ErrTimeout, 100 * time.Millisecond},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			link := simworld.Link{Delay: time.Millisecond, BytesPerSec: 1_000_000}
			w, nodes := newWorld(t, simworld.Config{Link: link}, "client", "server")
			client, server := nodes[0], nodes[1]
			sent := []*message{{id: 0, bytes: 10}, {id: 1, bytes: 10}} // the second is never received
			answers := []*message{{id: 0, bytes: 10}, {id: 1, bytes: 1000}}
			server.Go("server", func() {
				l, _ := server.Net().Listen("server")
				conn, _ := l.Accept()
				conn.Recv(env.Never)
				server.Sleep(env.Time(99_995 * time.Microsecond).Sub(server.Now()))
				for _, m := range answers {
					conn.Send(m)
				}
				server.Sleep(time.Hour)
			})
			w.At(env.Time(100_005*time.Microsecond), func() { c.fault(w) })
			mustRun(t, w, client, func() {
				client.Sleep(time.Millisecond)
				conn, err := client.Net().Dial("server", time.Second)
				if err != nil {
					t.Errorf("Dial: %v", err)
					return
				}
				for _, m := range sent {
					conn.Send(m)
				}
				received := 0
				for ; err == nil; received++ {
					_, err = conn.Recv(env.Time(time.Second))
				}
				if received-1 != c.received || !errors.Is(err, c.recv) || client.Now() != env.Time(c.at) {
					t.Errorf("Recv: %d answers, then %v at %v, want %d, %q at %v",
						received-1, err, time.Duration(client.Now()), c.received, c.recv, c.at)
				}
				began := client.Now()
				_, err = client.Net().Dial("server", 100*time.Millisecond)
				if took := client.Now().Sub(began); !errors.Is(err, c.dial) || took != c.dialFor {
					t.Errorf("Dial: %v after %v, want %q after %v", err, took, c.dial, c.dialFor)
				}
				conn.Close()
			})
			if sent[0].released != 0 || sent[1].released != 1 {
				t.Errorf("released %d and %d times, want 0 and 1", sent[0].released, sent[1].released)
			}
			if lost := 2 - c.received; answers[0].released != 0 || answers[1].released != lost {
				t.Errorf("answers were released %d and %d times, want 0 and %d",
					answers[0].released, answers[1].released, lost)
			}
		})
	}
}

// Goal: a node restarts with its name, without what it had, and old connections
// do not reach the new boot. Method: a server that answers with the number of its
// boot, through a crash and a power loss.
func TestRestart(t *testing.T) {
	for _, power := range []bool{false, true} {
		t.Run(fmt.Sprintf("power loss %v", power), func(t *testing.T) {
			w, nodes := newWorld(t, simworld.Config{Link: simworld.Link{Delay: time.Millisecond}}, "client", "server")
			client := nodes[0]
			boot := func(n env.Node, number int) {
				n.Go("server", func() {
					l, err := n.Net().Listen("server")
					if err != nil {
						t.Errorf("boot %d: Listen: %v", number, err)
						return
					}
					for {
						conn, err := l.Accept()
						if err != nil {
							return
						}
						conn.Send(&message{id: number, bytes: 10})
					}
				})
			}
			boot(nodes[1], 1)
			mustRun(t, w, client, func() {
				old := dialAndRecv(t, client, 1)
				if power {
					w.PowerOff("server")
				} else {
					w.Crash("server")
				}
				client.Sleep(10 * time.Millisecond)
				mounts := 0
				again := w.Restart("server", func(n env.Node) env.FS {
					mounts++
					return nil
				})
				if mounts != 1 || again.Name() != "server" || again == nodes[1] {
					t.Errorf("restart mounted %d times, as %q", mounts, again.Name())
				}
				boot(again, 2)
				if power { // nothing was sent meanwhile, so nothing came back
					if _, err := old.Recv(client.Now().Add(time.Second)); !errors.Is(err, env.ErrTimeout) {
						t.Errorf("Recv on an old connection: %v, want %q", err, env.ErrTimeout)
					}
					old.Send(&message{bytes: 10})
				}
				if _, err := old.Recv(client.Now().Add(time.Second)); !errors.Is(err, env.ErrReset) {
					t.Errorf("Recv on an old connection: %v, want %q", err, env.ErrReset)
				}
				dialAndRecv(t, client, 2)
				w.Crash("server")
			})
		})
	}
}

func dialAndRecv(t *testing.T, client env.Node, want int) env.Conn {
	t.Helper()
	conn, err := client.Net().Dial("server", time.Second)
	if err != nil {
		t.Errorf("Dial: %v", err)
		return nil
	}
	if m, err := conn.Recv(client.Now().Add(time.Second)); err != nil || m.(*message).id != want {
		t.Errorf("Recv: %v, %v, want boot %d", m, err, want)
	}
	return conn
}

// Goal: what was sent to a node without power is answered with a reset once the
// node runs again, also if nothing is sent after that.
func TestResetAfterPowerReturns(t *testing.T) {
	w, nodes := newWorld(t, simworld.Config{Link: simworld.Link{Delay: time.Millisecond}}, "client", "server")
	client, server := nodes[0], nodes[1]
	server.Go("server", func() {
		l, _ := server.Net().Listen("server")
		for {
			l.Accept()
		}
	})
	lost := &message{bytes: 10}
	mustRun(t, w, client, func() {
		conn, err := client.Net().Dial("server", time.Second)
		if err != nil {
			t.Errorf("Dial: %v", err)
			return
		}
		w.PowerOff("server")
		conn.Send(lost)
		client.Sleep(time.Second)
		w.Restart("server", nil)
		at := client.Now()
		if _, err := conn.Recv(env.Never); !errors.Is(err, env.ErrReset) || client.Now().Sub(at) != time.Millisecond {
			t.Errorf("Recv: %v after %v, want %q after 1ms", err, client.Now().Sub(at), env.ErrReset)
		}
	})
	if lost.released != 1 {
		t.Errorf("the lost message was released %d times", lost.released)
	}
}

// Goal: a task that is killed inside of Send does not keep its message.
func TestKilledSenderReleases(t *testing.T) {
	w, nodes := newWorld(t, simworld.Config{Link: simworld.Link{InFlightBytes: 10}}, "a", "b")
	a, b := nodes[0], nodes[1]
	messages := []*message{{bytes: 10}, {bytes: 10}, {bytes: 10}}
	mustRun(t, w, a, func() {
		l, _ := a.Net().Listen("a")
		b.Go("sender", func() {
			conn, _ := b.Net().Dial("a", time.Second)
			defer func() { conn.Send(messages[2]) }() // on the dead node
			for _, m := range messages[:2] {
				conn.Send(m)
			}
		})
		conn, _ := l.Accept()
		a.Sleep(1)
		w.Crash("b")
		if m, err := conn.Recv(env.Never); err != nil || m != env.Message(messages[0]) {
			t.Errorf("Recv: %v, %v", m, err)
		}
		if _, err := conn.Recv(env.Never); !errors.Is(err, env.ErrReset) {
			t.Errorf("Recv: %v, want %q", err, env.ErrReset)
		}
	})
	for i, want := range []int{0, 1, 1} {
		if got := messages[i].released; got != want {
			t.Errorf("message %d was released %d times, want %d", i, got, want)
		}
	}
}
