package realworld

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"brokerlab/engine/env"
)

// parcel is a message of a size.
type parcel struct{ bytes int }

func (p *parcel) WireBytes() int { return p.bytes }
func (p *parcel) Release()       {}

// newTestLink is one direction of a connection between two nodes.
func newTestLink(w *World) *link {
	there, back := newLink(w, ends{"a", "b"}), newLink(w, ends{"b", "a"})
	there.back, back.back = back, there
	return there
}

// TestShapedLinkIsNeverEarly: five messages of 20,000 bytes are sent at once. On
// a link of 10 MB/s and 3 ms each is received no earlier than its bytes and those
// before it took, plus the delay; the end of the connection comes behind the last
// one. On a link without a delay or without a rate only the other counts.
func TestShapedLinkIsNeverEarly(t *testing.T) {
	const bytes, count = 20_000, 5
	rows := []struct {
		name  string // a sentence
		link  Link
		first time.Duration // until the first message is there
		each  time.Duration // between two
	}{
		{"a rate and a delay add up", Link{BytesPerSec: 10e6, Delay: 3 * time.Millisecond},
			5 * time.Millisecond, 2 * time.Millisecond},
		{"a rate alone spaces the messages", Link{BytesPerSec: 10e6},
			2 * time.Millisecond, 2 * time.Millisecond},
		{"a delay alone shifts them all", Link{Delay: 4 * time.Millisecond}, 4 * time.Millisecond, 0},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			w := New(Config{Link: row.link})
			l := newTestLink(w)
			begin := w.now()
			for range count {
				if err := l.send(&parcel{bytes: bytes}); err != nil {
					t.Fatal(err)
				}
			}
			l.tellEnd()
			for i := range count {
				if _, err := l.recv(env.Never); err != nil {
					t.Fatal(err)
				}
				due := row.first + time.Duration(i)*row.each
				if took := w.now().Sub(begin); took < due {
					t.Errorf("message %d was there after %v, want %v or later", i, took, due)
				}
			}
			if _, err := l.recv(env.Never); !errors.Is(err, env.ErrReset) {
				t.Errorf("behind the last message: %v, want %v", err, env.ErrReset)
			}
		})
	}
}

// TestShapedLinkTimesOutBeforeArrival: a deadline before the arrival is a
// timeout, and the message is not lost by it.
func TestShapedLinkTimesOutBeforeArrival(t *testing.T) {
	w := New(Config{Link: Link{Delay: 20 * time.Millisecond}})
	l := newTestLink(w)
	if err := l.send(&parcel{bytes: 1}); err != nil {
		t.Fatal(err)
	}
	if _, err := l.recv(w.now().Add(time.Millisecond)); !errors.Is(err, env.ErrTimeout) {
		t.Errorf("receive before the arrival: %v, want %v", err, env.ErrTimeout)
	}
	if _, err := l.recv(env.Never); err != nil {
		t.Errorf("receive after the arrival: %v", err)
	}
}

// TestBacklogIsLimited: dials beyond the backlog wait for room and time out;
// Accept makes room for one more.
func TestBacklogIsLimited(t *testing.T) {
	w := New(Config{})
	n := w.NewNode(env.NodeConfig{Name: "a"})
	l, err := n.Net().Listen("a")
	if err != nil {
		t.Fatal(err)
	}
	for range backlogMax {
		if _, err := n.Net().Dial("a", 0); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := n.Net().Dial("a", time.Millisecond); !errors.Is(err, env.ErrTimeout) {
		t.Errorf("dial behind a full backlog: %v, want %v", err, env.ErrTimeout)
	}
	if _, err := l.Accept(); err != nil {
		t.Fatal(err)
	}
	if _, err := n.Net().Dial("a", 0); err != nil {
		t.Errorf("dial after Accept has made room: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

// TestSteadyStateAllocatesNothing: after the first of each, waits that are
// woken, waits that time out, sleeps and messages take no memory.
func TestSteadyStateAllocatesNothing(t *testing.T) {
	w := New(Config{})
	n := w.NewNode(env.NodeConfig{Name: "a"})
	mu := n.NewMutex()
	c := n.NewCond(mu)
	l := newTestLink(w)
	m := &parcel{bytes: 10}
	turn := 0
	play := func(me int) {
		for turn != me {
			c.WaitUntil(n.Now().Add(time.Minute))
		}
		turn = 1 - me
		c.Broadcast()
	}
	const runs = 50
	err := w.Run(n, func() {
		n.Go("other", func() {
			mu.Lock()
			defer mu.Unlock()
			for range runs + 1 { // AllocsPerRun warms up once
				play(1)
			}
		})
		allocs := testing.AllocsPerRun(runs, func() {
			mu.Lock()
			play(0)
			mu.Unlock()
			n.Sleep(10 * time.Microsecond)
			if err := l.send(m); err != nil {
				t.Error(err)
			}
			if _, err := l.recv(env.Never); err != nil {
				t.Error(err)
			}
		})
		if allocs >= 1 {
			t.Errorf("%v allocations a round", allocs)
		}
		alone := n.NewCond(mu)
		mu.Lock()
		defer mu.Unlock()
		// A timer that fires starts a goroutine, which the runtime may have to make.
		allocs = testing.AllocsPerRun(runs, func() { alone.WaitUntil(n.Now().Add(time.Microsecond)) })
		if allocs >= 1 {
			t.Errorf("%v allocations a wait that times out", allocs)
		}
	})
	if err != nil {
		t.Error(err)
	}
}

// TestPanicNamesItsTask runs this test's binary again, in which a task panics,
// and reads what it prints before it dies.
func TestPanicNamesItsTask(t *testing.T) {
	const variable = "REALWORLD_TEST_PANIC"
	if os.Getenv(variable) != "" {
		w := New(Config{})
		n := w.NewNode(env.NodeConfig{Name: "broker-1"})
		_ = w.Run(n, func() {
			n.Go("fetcher", func() { panic(fmt.Errorf("offset %d is behind the log", 7)) })
			n.Sleep(time.Hour)
		})
		return
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestPanicNamesItsTask$")
	cmd.Env = append(os.Environ(), variable+"=1")
	out, err := cmd.CombinedOutput()
	if err == nil {
		t.Fatalf("the process survived:\n%s", out)
	}
	for _, want := range []string{`task "fetcher" of node "broker-1": offset 7 is behind the log`, "link_test.go:"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("%q is not in what the process printed:\n%s", want, out)
		}
	}
}
