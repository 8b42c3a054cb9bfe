package task_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"brokerlab/engine/env"
	"brokerlab/engine/realworld"
	"brokerlab/engine/simworld"
	"brokerlab/engine/task"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var worlds = []struct {
	name string
	make func() env.World
}{
	{"real", func() env.World { return realworld.New(realworld.Config{Seed: 1}) }},
	{"sim", func() env.World { return simworld.New(simworld.Config{Seed: 1}) }},
	{"sim-priced", func() env.World {
		cfg := simworld.DefaultConfig()
		cfg.Seed = 1
		return simworld.New(cfg)
	}},
	{"sim-explored", func() env.World {
		return simworld.New(simworld.Config{Seed: 1, Prices: simworld.DefaultPrices(), Explore: true})
	}},
}

// inWorlds runs body as the main task of a node of every world.
func inWorlds(t *testing.T, body func(t *testing.T, n env.Node)) {
	t.Helper()
	for _, world := range worlds {
		t.Run(world.name, func(t *testing.T) {
			w := world.make()
			n := w.NewNode(env.NodeConfig{Name: "a"})
			if err := w.Run(n, func() { body(t, n) }); err != nil {
				t.Errorf("Run: %v", err)
			}
		})
	}
}

// pause lets other tasks of the node reach their next wait. It decides only
// which of two right orders a test sees.
func pause(n env.Node) { n.Sleep(time.Millisecond) }

// TestQueueHandsOutInOrder: one producer and one consumer pass 200 numbers
// through queues of several capacities; the consumer sees every number in order,
// and never more than the capacity lies in the queue.
func TestQueueHandsOutInOrder(t *testing.T) {
	for _, capacity := range []int{1, 2, 7, 8, 9, 1000} {
		t.Run(fmt.Sprint(capacity), func(t *testing.T) {
			inWorlds(t, func(t *testing.T, n env.Node) {
				const items = 200
				q := task.NewQueue[int](n, capacity)
				n.Go("producer", func() {
					for i := range items {
						if err := q.Put(i, env.Never); err != nil {
							t.Errorf("Put: %v", err)
						}
					}
					q.Close()
				})
				for i := range items {
					if length := q.Len(); length > capacity {
						t.Errorf("%d items in a queue of %d", length, capacity)
					}
					got, err := q.Get(env.Never)
					if err != nil || got != i {
						t.Errorf("Get: %d, %v, want %d", got, err, i)
						return
					}
				}
				if got, err := q.Get(env.Never); !errors.Is(err, env.ErrClosed) {
					t.Errorf("Get from a closed, empty queue: %d, %v", got, err)
				}
			})
		})
	}
}

// TestQueueManyTasks: four producers and three consumers share a small queue;
// every number arrives exactly once.
func TestQueueManyTasks(t *testing.T) {
	inWorlds(t, func(t *testing.T, n env.Node) {
		const producers, each = 4, 100
		q := task.NewQueue[int](n, 3)
		putters, getters := task.NewGroup(n), task.NewGroup(n)
		for p := range producers {
			putters.Go("producer", func() error {
				for i := range each {
					if err := q.Put(p*each+i, env.Never); err != nil {
						return err
					}
				}
				return nil
			})
		}
		var got [3][]int // each slice belongs to one consumer
		for c := range got {
			getters.Go("consumer", func() error {
				for {
					v, err := q.Get(env.Never)
					if errors.Is(err, env.ErrClosed) {
						return nil
					}
					got[c] = append(got[c], v)
				}
			})
		}
		if err := putters.Wait(); err != nil {
			t.Errorf("Put: %v", err)
		}
		q.Close()
		if err := getters.Wait(); err != nil {
			t.Errorf("Get: %v", err)
		}
		all := slices.Concat(got[:]...)
		slices.Sort(all)
		for i, v := range all {
			if v != i {
				t.Errorf("number %d is missing or came twice", i)
				return
			}
		}
		if len(all) != producers*each {
			t.Errorf("%d numbers arrived, want %d", len(all), producers*each)
		}
	})
}

// TestQueueEnds: what each call on a queue that is full, empty or closed
// returns, a row per state and call.
func TestQueueEnds(t *testing.T) {
	soon := func(n env.Node) env.Time { return n.Now().Add(time.Millisecond) }
	rows := []struct {
		name string // a sentence
		puts int    // into a queue of 2
		call func(n env.Node, q *task.Queue[string]) error
		want error
	}{
		{"Get from an empty queue times out", 0,
			func(n env.Node, q *task.Queue[string]) error { _, err := q.Get(soon(n)); return err }, env.ErrTimeout},
		{"Get with a past deadline tries once", 0,
			func(n env.Node, q *task.Queue[string]) error { _, err := q.Get(0); return err }, env.ErrTimeout},
		{"Get with a past deadline takes what is there", 1,
			func(n env.Node, q *task.Queue[string]) error { _, err := q.Get(0); return err }, nil},
		{"Put into a full queue times out", 2,
			func(n env.Node, q *task.Queue[string]) error { return q.Put("x", soon(n)) }, env.ErrTimeout},
		{"Put with a past deadline finds room", 1,
			func(n env.Node, q *task.Queue[string]) error { return q.Put("x", 0) }, nil},
		{"Put into a closed queue fails although there is room", 0,
			func(n env.Node, q *task.Queue[string]) error { q.Close(); return q.Put("x", env.Never) }, env.ErrClosed},
		{"Close ends a blocked Put", 2,
			func(n env.Node, q *task.Queue[string]) error {
				n.Go("closer", func() { pause(n); q.Close() })
				return q.Put("x", env.Never)
			}, env.ErrClosed},
		{"Close ends a blocked Get, twice is allowed", 0,
			func(n env.Node, q *task.Queue[string]) error {
				n.Go("closer", func() { pause(n); q.Close(); q.Close() })
				_, err := q.Get(env.Never)
				return err
			}, env.ErrClosed},
		{"Get after Close hands out what is left", 1,
			func(n env.Node, q *task.Queue[string]) error { q.Close(); _, err := q.Get(env.Never); return err }, nil},
		{"TryGet after Close hands out what is left", 1,
			func(n env.Node, q *task.Queue[string]) error {
				q.Close()
				if v, ok := q.TryGet(); v != "item" || !ok {
					return fmt.Errorf("TryGet: %q, %v", v, ok)
				}
				if v, ok := q.TryGet(); ok {
					return fmt.Errorf("TryGet from an empty queue: %q", v)
				}
				return nil
			}, nil},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			inWorlds(t, func(t *testing.T, n env.Node) {
				q := task.NewQueue[string](n, 2)
				for range row.puts {
					if err := q.Put("item", 0); err != nil {
						t.Errorf("Put: %v", err)
					}
				}
				if err := row.call(n, q); !errors.Is(err, row.want) {
					t.Errorf("got %v, want %v", err, row.want)
				}
			})
		})
	}
}

// TestFuture: tasks that wait before and after Set all get what was set, and a
// wait that is over before Set times out.
func TestFuture(t *testing.T) {
	failure := errors.New("leader is gone")
	inWorlds(t, func(t *testing.T, n env.Node) {
		f, g := task.NewFuture[int](n), task.NewGroup(n)
		if _, err := f.Wait(n.Now().Add(time.Millisecond)); !errors.Is(err, env.ErrTimeout) || f.Done() {
			t.Errorf("Wait before Set: %v, done %v", err, f.Done())
		}
		for range 3 {
			g.Go("waiter", func() error {
				if v, err := f.Wait(env.Never); v != 42 || !errors.Is(err, failure) {
					return fmt.Errorf("the future is %d, %v", v, err)
				}
				return nil
			})
		}
		pause(n)
		f.Set(42, failure)
		if err := g.Wait(); err != nil {
			t.Error(err)
		}
		if v, err := f.Wait(0); v != 42 || !errors.Is(err, failure) || !f.Done() {
			t.Errorf("Wait after Set: %d, %v, done %v", v, err, f.Done())
		}
		expectPanic(t, "task: future set twice", func() { f.Set(1, nil) })
	})
}

// TestSemaphoreServesInOrder: three tasks ask, in order, for 3, 1 and 1 of 3
// permits of which one is free. The first is not overtaken by those that would
// fit; a newcomer that would fit waits behind them.
func TestSemaphoreServesInOrder(t *testing.T) {
	inWorlds(t, func(t *testing.T, n env.Node) {
		s, g := task.NewSemaphore(n, 3), task.NewGroup(n)
		order := task.NewQueue[int64](n, 10)
		if err := s.Acquire(2, env.Never); err != nil {
			t.Errorf("Acquire: %v", err)
		}
		for i, wanted := range []int64{3, 1, 1} {
			g.Go("asker", func() error {
				n.Sleep(time.Duration(i) * 5 * time.Millisecond)
				if err := s.Acquire(wanted, env.Never); err != nil {
					return err
				}
				if err := order.Put(wanted, 0); err != nil {
					return err
				}
				s.Release(wanted)
				return nil
			})
		}
		n.Sleep(20 * time.Millisecond)
		if free, length := s.Free(), order.Len(); free != 1 || length != 0 {
			t.Errorf("%d permits are free and %d tasks were served behind a large request", free, length)
		}
		if err := s.Acquire(1, n.Now().Add(time.Millisecond)); !errors.Is(err, env.ErrTimeout) {
			t.Errorf("a newcomer overtook the waiting tasks: %v", err)
		}
		s.Release(2)
		if err := g.Wait(); err != nil {
			t.Error(err)
		}
		if first, ok := order.TryGet(); first != 3 || !ok {
			t.Errorf("the first to be served wanted %d, want 3", first)
		}
		if free := s.Free(); free != 3 {
			t.Errorf("%d permits are free at the end, want 3", free)
		}
	})
}

// TestSemaphoreTimeoutLetsOthersPass: a large request in front times out; the
// small one behind it, which fits, is served at once.
func TestSemaphoreTimeoutLetsOthersPass(t *testing.T) {
	inWorlds(t, func(t *testing.T, n env.Node) {
		s, g := task.NewSemaphore(n, 3), task.NewGroup(n)
		if err := s.Acquire(2, env.Never); err != nil {
			t.Errorf("Acquire: %v", err)
		}
		g.Go("large", func() error {
			if err := s.Acquire(3, n.Now().Add(10*time.Millisecond)); !errors.Is(err, env.ErrTimeout) {
				return fmt.Errorf("large: %w", err)
			}
			return nil
		})
		g.Go("small", func() error {
			n.Sleep(5 * time.Millisecond)
			return s.Acquire(1, n.Now().Add(time.Hour))
		})
		if err := g.Wait(); err != nil {
			t.Error(err)
		}
		if free := s.Free(); free != 0 {
			t.Errorf("%d permits are free, want 0", free)
		}
	})
}

// TestSemaphoreEnds: Close ends those who wait and those who come later; wrong
// numbers are our bugs and panic.
func TestSemaphoreEnds(t *testing.T) {
	inWorlds(t, func(t *testing.T, n env.Node) {
		s, g := task.NewSemaphore(n, 2), task.NewGroup(n)
		if err := s.Acquire(2, env.Never); err != nil {
			t.Errorf("Acquire: %v", err)
		}
		for range 2 {
			g.Go("waiter", func() error { return s.Acquire(1, env.Never) })
		}
		pause(n)
		s.Close()
		if err := g.Wait(); !errors.Is(err, env.ErrClosed) {
			t.Errorf("Acquire that waited: %v, want %v", err, env.ErrClosed)
		}
		if err := s.Acquire(0, 0); !errors.Is(err, env.ErrClosed) {
			t.Errorf("Acquire after Close: %v, want %v", err, env.ErrClosed)
		}
		s.Release(2)
		expectPanic(t, "task: 1 permits released, 2 of 2 are free", func() { s.Release(1) })
		expectPanic(t, "task: 3 of 2 permits wanted", func() { _ = s.Acquire(3, env.Never) })
		expectPanic(t, "task: semaphore of 0 permits", func() { task.NewSemaphore(n, 0) })
		expectPanic(t, "task: queue of capacity 0", func() { task.NewQueue[int](n, 0) })
	})
}

// TestGroup: Wait returns after all tasks, also those that a task of the group
// started, with the error of the task that failed first.
func TestGroup(t *testing.T) {
	inWorlds(t, func(t *testing.T, n env.Node) {
		g := task.NewGroup(n)
		if err := g.Wait(); err != nil {
			t.Errorf("Wait without tasks: %v", err)
		}
		first := errors.New("first")
		ended := 0 // one task adds at a time, the last one before Wait returns
		g.Go("outer", func() error {
			g.Go("inner", func() error {
				n.Sleep(5 * time.Millisecond)
				ended++
				return errors.New("second")
			})
			return first
		})
		if err := g.Wait(); !errors.Is(err, first) || ended != 1 {
			t.Errorf("Wait: %v after %d inner tasks, want %v after 1", err, ended, first)
		}
	})
}

// expectPanic calls fn, which must panic with that sentence. A mutex that fn held
// must be free again, or the next call of the test would hang.
func expectPanic(t *testing.T, want string, fn func()) {
	t.Helper()
	defer func() {
		t.Helper()
		if got := recover(); got != want {
			t.Errorf("panic with %v, want %q", got, want)
		}
	}()
	fn()
}

// BenchmarkQueue passes numbers from one task to another through a queue of 64.
// The charge lets virtual time pass: a simulated world stops a run that does a
// million steps in one instant.
func BenchmarkQueue(b *testing.B) {
	for _, world := range worlds {
		if world.name == "sim" {
			continue // nothing has a price there
		}
		b.Run(world.name, func(b *testing.B) {
			b.ReportAllocs()
			w := world.make()
			n := w.NewNode(env.NodeConfig{Name: "a"})
			if err := w.Run(n, func() { passNumbers(b, n) }); err != nil {
				b.Fatal(err)
			}
		})
	}
}

func passNumbers(b *testing.B, n env.Node) {
	q := task.NewQueue[int](n, 64)
	n.Go("producer", func() {
		for i := range b.N {
			n.Charge(env.OpRecordEncode, 100)
			if err := q.Put(i, env.Never); err != nil {
				b.Error(err)
			}
		}
		q.Close()
	})
	for {
		if _, err := q.Get(env.Never); err != nil {
			return
		}
	}
}
