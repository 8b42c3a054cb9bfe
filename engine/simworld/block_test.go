package simworld_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"brokerlab/engine/env"
	"brokerlab/engine/simworld"
)

// Goal: a blocked task runs again after the wake-up and its price, its debt is
// paid before it blocks, and a wake-up within start costs nothing. Method: a table
// of what wakes the task, with 30 us of debt and wake-ups of 20 us.
func TestBlock(t *testing.T) {
	for _, row := range []struct {
		says   string
		wakeIn func(w *simworld.World, n env.Node, wake func())
		want   int // us
	}{
		{"a callback 100 us later", func(w *simworld.World, _ env.Node, wake func()) {
			w.At(w.Now().Add(100*time.Microsecond), wake)
		}, 150},
		{"another task 50 us later", func(_ *simworld.World, n env.Node, wake func()) {
			n.Go("waker", func() {
				n.Sleep(50 * time.Microsecond)
				wake()
			})
		}, 100},
		{"the task itself, in start", func(_ *simworld.World, _ env.Node, wake func()) { wake() }, 30},
	} {
		prices := microPrices()
		prices.Wake = simworld.Fixed(20 * time.Microsecond)
		w, nodes := newWorld(t, simworld.Config{Prices: prices}, "a")
		n := nodes[0]
		mustRun(t, w, n, func() {
			for range 3 { // the same task blocks again
				before := micros(n)
				n.Charge(env.OpCopy, 30)
				w.Block(func(wake func()) {
					if now := int(w.Now()) / 1000; now != before+30 {
						t.Errorf("%s: start runs at %d us, want %d", row.says, now, before+30)
					}
					row.wakeIn(w, n, wake)
				})
				if got := micros(n) - before; got != row.want {
					t.Errorf("%s: the task runs on after %d us, want %d", row.says, got, row.want)
				}
			}
		})
	}
}

// Goal: a task that is killed while it is blocked unwinds, and a wake-up after
// that does nothing. Method: a crash between the two.
func TestBlockIsKilled(t *testing.T) {
	w, nodes := newWorld(t, simworld.Config{}, "a", "b")
	n, operator := nodes[0], nodes[1]
	unwound := false
	mustRun(t, w, operator, func() {
		n.Go("reader", func() {
			defer func() { unwound = true }()
			w.Block(func(wake func()) { w.At(env.Time(2*time.Millisecond), wake) })
			t.Error("the task runs after its node went down")
		})
		operator.Sleep(time.Millisecond)
		w.Crash("a")
		if !unwound {
			t.Error("the task was not unwound by the crash")
		}
		operator.Sleep(2 * time.Millisecond)
	})
}

// Goal: a task that nobody wakes is named by the deadlock report, with what it
// waits for; a second wake-up is refused. Method: one world each.
func TestBlockMistakes(t *testing.T) {
	w, nodes := newWorld(t, simworld.Config{}, "a")
	err := w.Run(nodes[0], func() { w.Block(func(func()) {}) })
	if !errors.Is(err, simworld.ErrDeadlock) || !strings.Contains(err.Error(), "a/main: io since 0s") {
		t.Errorf("a task that nobody wakes gives %v", err)
	}
	w, nodes = newWorld(t, simworld.Config{}, "a")
	defer func() {
		if r, ok := recover().(*simworld.TaskPanic); !ok || !strings.Contains(r.Error(), "woken twice") {
			t.Errorf("two wake-ups give %v", r)
		}
	}()
	_ = w.Run(nodes[0], func() { // it panics
		w.Block(func(wake func()) { wake(); wake() })
	})
}

// Goal: blocking allocates nothing. Method: allocations of a Block whose start
// and waker are reused.
func TestBlockAllocates(t *testing.T) {
	w, nodes := newWorld(t, simworld.Config{}, "a")
	mustRun(t, w, nodes[0], func() {
		var wakeUp func()
		fire := func() { wakeUp() }
		start := func(wake func()) {
			wakeUp = wake
			w.At(w.Now()+1, fire)
		}
		if got := testing.AllocsPerRun(1000, func() { w.Block(start) }); got != 0 {
			t.Errorf("a Block makes %v allocations", got)
		}
	})
}
