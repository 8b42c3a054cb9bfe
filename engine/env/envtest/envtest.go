// Package envtest checks that a world keeps what env promises. Every world runs
// it (the real one under the race detector too). It measures nothing, and asks
// nothing about speed: waits are checked from below only, so that a slow or busy
// machine cannot fail it.
package envtest

import (
	"sync/atomic"
	"testing"
	"time"

	"brokerlab/engine/env"
)

// Options is what a check asks of the world that it gets.
type Options struct {
	// InFlightBytes is the limit of bytes in flight on every link; 0 means the
	// world's own default, which must be 64 KiB or more.
	InFlightBytes int64
}

// NewWorld makes a fresh world with the seed that all worlds of this run have.
// It closes the world, if that is needed, in a cleanup of t.
type NewWorld func(t *testing.T, o Options) env.World

// patience bounds waits that end at once in a correct world: a broken one then
// fails with a sentence rather than hang. It is virtual in a simulated world.
const patience = 20 * time.Second

// TestWorld runs every check in a subtest of its own, each on a fresh world.
func TestWorld(t *testing.T, newWorld NewWorld) {
	for _, group := range [][]check{nodeChecks, lockChecks, condChecks, connChecks, netChecks} {
		for _, c := range group {
			t.Run(c.name, func(t *testing.T) {
				t.Log("promise: " + c.promise)
				c.body(t, newWorld)
			})
		}
	}
}

// check is one promise and the code that tries to find it broken.
type check struct {
	name    string
	promise string
	body    func(t *testing.T, newWorld NewWorld)
}

// runAlone runs main on the only node, "a", of a fresh world.
func runAlone(t *testing.T, newWorld NewWorld, main func(n env.Node)) {
	t.Helper()
	w := newWorld(t, Options{})
	n := w.NewNode(env.NodeConfig{Name: "a"})
	if err := w.Run(n, func() { main(n) }); err != nil {
		t.Errorf("Run: %v", err)
	}
}

// note is the message of these checks. It counts its releases.
type note struct {
	seq      int
	bytes    int
	releases atomic.Int32
}

func newNotes(count, bytes int) []*note {
	notes := make([]*note, count)
	for i := range notes {
		notes[i] = &note{seq: i, bytes: bytes}
	}
	return notes
}

// WireBytes implements env.Message.
func (n *note) WireBytes() int { return n.bytes }

// Release implements env.Message.
func (n *note) Release() { n.releases.Add(1) }

// expectReleases checks that each note was released count times.
func expectReleases(t *testing.T, notes []*note, count int32) {
	t.Helper()
	for _, n := range notes {
		if got := n.releases.Load(); got != count {
			t.Errorf("message %d was released %d times, want %d", n.seq, got, count)
		}
	}
}

// board is what tasks of one node tell each other: a mutex, a condition on it
// for every change, and marks by name.
type board struct {
	n       env.Node
	mu      env.Mutex
	changed env.Cond
	marks   map[string]int
}

func newBoard(n env.Node) *board {
	b := &board{n: n, mu: n.NewMutex(), marks: map[string]int{}}
	b.changed = n.NewCond(b.mu)
	return b
}

func (b *board) addLocked(mark string, count int) {
	b.marks[mark] += count
	b.changed.Broadcast()
}

func (b *board) add(mark string, count int) {
	b.mu.Lock()
	b.addLocked(mark, count)
	b.mu.Unlock()
}

func (b *board) get(mark string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.marks[mark]
}

// awaitLocked waits until the mark has reached count, and reports an error if it
// did not within patience.
func (b *board) awaitLocked(t *testing.T, mark string, count int) bool {
	t.Helper()
	deadline := b.n.Now().Add(patience)
	for b.marks[mark] < count {
		if !b.changed.WaitUntil(deadline) && b.marks[mark] < count {
			t.Errorf("%q is at %d after %v, want %d", mark, b.marks[mark], patience, count)
			return false
		}
	}
	return true
}

func (b *board) await(t *testing.T, mark string, count int) bool {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.awaitLocked(t, mark, count)
}
