package simworld_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"brokerlab/engine/env"
	"brokerlab/engine/simworld"
)

// microPrices makes a copied byte cost one microsecond of CPU.
func microPrices() simworld.Prices {
	var p simworld.Prices
	p.Ops[env.OpCopy] = simworld.Price{PerUnitNs: 1000}
	return p
}

func micros(n env.Node) int { return int(n.Now()) / 1000 }

// Goal: CPU work queues for the cores of its node, exactly. Method: tasks that
// charge an amount of microseconds and then sleep for no time, which pays it.
func TestCoresAreShared(t *testing.T) {
	cases := []struct {
		name  string
		cores int
		work  []int // microseconds of each task
		want  []int // when each is done
	}{
		{"one task has the core for itself", 1, []int{300}, []int{300}},
		{"two tasks on one core follow each other", 1, []int{300, 500}, []int{300, 800}},
		{"two tasks on two cores do not meet", 2, []int{300, 500}, []int{300, 500}},
		{"three tasks on two cores: the third takes the core that is free first", 2,
			[]int{300, 500, 400}, []int{300, 500, 700}},
		{"work above 1 ms lets others in after each slice", 1, []int{2500, 1000}, []int{3500, 2000}},
		{"slices of two long tasks alternate", 1, []int{2000, 2000}, []int{3000, 4000}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := simworld.New(simworld.Config{Prices: microPrices()})
			defer w.Close()
			n := w.NewNode(env.NodeConfig{Name: "a", Cores: c.cores})
			got := make([]int, len(c.work))
			mustRun(t, w, n, func() {
				for i, work := range c.work {
					n.Go("worker", func() {
						n.Charge(env.OpCopy, work)
						if now := micros(n); now != work {
							t.Errorf("Now is %d us after a charge of %d", now, work)
						}
						n.Sleep(0)
						got[i] = micros(n)
					})
				}
			})
			if !slices.Equal(got, c.want) {
				t.Errorf("done at %v us, want %v", got, c.want)
			}
			total := 0
			for _, work := range c.work {
				total += work
			}
			if worked := w.Worked("a"); worked != time.Duration(total)*time.Microsecond {
				t.Errorf("the node worked %v, want %d us", worked, total)
			}
		})
	}
}

// Goal: work is paid where the task is seen by others, so that work under a lock
// makes others wait. Method: two tasks on two cores that work under one lock.
func TestWorkUnderLock(t *testing.T) {
	w, nodes := newWorld(t, simworld.Config{Prices: microPrices()}, "a")
	n := nodes[0]
	var got [2]int
	mustRun(t, w, n, func() {
		mu := n.NewMutex()
		for i := range 2 {
			n.Go("worker", func() {
				n.Charge(env.OpCopy, 10) // beside the other one
				mu.Lock()
				n.Charge(env.OpCopy, 100)
				mu.Unlock()
				got[i] = micros(n)
			})
		}
	})
	if got != [2]int{110, 210} {
		t.Errorf("done at %v us, want 110 and 210", got)
	}
}

// Goal: small charges are not lost, and work left at a task's end occupies its
// core. Method: a third of a nanosecond, 9000 times; and a task that ends at once.
func TestDebtIsExact(t *testing.T) {
	prices := microPrices()
	prices.Ops[env.OpCRC] = simworld.Price{PerCallNs: 1.0 / 3}
	w := simworld.New(simworld.Config{Prices: prices})
	defer w.Close()
	n := w.NewNode(env.NodeConfig{Name: "a", Cores: 1})
	mustRun(t, w, n, func() {
		for range 9000 {
			n.Charge(env.OpCRC, 1)
			n.Sleep(0)
		}
		if now := n.Now(); now != 2997 { // 333 ps each
			t.Errorf("9000 charges of 333 ps took %d ns", now)
		}
		n.Go("ends", func() { n.Charge(env.OpCopy, 50) })
		n.Sleep(1)
		n.Charge(env.OpCopy, 1)
		n.Sleep(0)
		if now := n.Now(); now != 2997+51_000 {
			t.Errorf("work behind an ended task was done at %d ns, want %d", now, 2997+51_000)
		}
	})
}

// Goal: a wake-up costs its price and no core; a deadline is exact.
func TestWakePrice(t *testing.T) {
	prices := microPrices()
	prices.Wake = simworld.Fixed(20 * time.Microsecond)
	w, nodes := newWorld(t, simworld.Config{Prices: prices}, "a")
	n := nodes[0]
	mustRun(t, w, n, func() {
		mu := n.NewMutex()
		c := n.NewCond(mu)
		n.Go("waiter", func() {
			mu.Lock()
			defer mu.Unlock()
			c.WaitUntil(env.Never)
			if now := micros(n); now != 120 {
				t.Errorf("woken at %d us, want 120", now)
			}
			c.WaitUntil(n.Now().Add(30 * time.Microsecond))
			if now := micros(n); now != 150 {
				t.Errorf("timed out at %d us, want 150", now)
			}
		})
		n.Sleep(100 * time.Microsecond)
		mu.Lock()
		c.Signal()
		mu.Unlock()
		n.Charge(env.OpCopy, 15)
		n.Sleep(0)
		if now := micros(n); now != 115 {
			t.Errorf("the waker went on at %d us, want 115", now)
		}
	})
}

// Goal: all work counts as the node's, however it is paid. Method: work that a lock
// pays, work that a sleep pays, and work longer than a slice.
func TestWorked(t *testing.T) {
	w, nodes := newWorld(t, simworld.Config{Prices: microPrices()}, "a")
	n := nodes[0]
	mustRun(t, w, n, func() {
		mu := n.NewMutex()
		n.Charge(env.OpCopy, 3)
		mu.Lock()
		if got := w.Worked("a"); got != 3*time.Microsecond {
			t.Errorf("a lock paid %v, want 3us", got)
		}
		mu.Unlock()
		n.Charge(env.OpCopy, 5)
		n.Sleep(50 * time.Microsecond)
		if now := micros(n); now != 58 {
			t.Errorf("it slept until %d us, want 58", now)
		}
		n.Charge(env.OpCopy, 2500)
		n.Sleep(time.Microsecond)
	})
	if worked := w.Worked("a"); worked != 2508*time.Microsecond {
		t.Errorf("the node worked for %v, want 2.508ms", worked)
	}
	by := w.Charged("a")
	if copied := by[env.OpCopy]; copied != 2508*time.Microsecond || by[env.OpCRC] != 0 {
		t.Errorf("%v of it was copying and %v checksums, want all and none", copied, by[env.OpCRC])
	}
}

// Goal: a mutex barges, and after a millisecond of waiting it is handed over, as
// with sync.Mutex. Method: a task that holds the mutex nearly all the time, and
// one whose wake-ups come too late.
func TestMutexBargesAndStarves(t *testing.T) {
	prices := microPrices()
	prices.Wake = simworld.Fixed(20 * time.Microsecond)
	w, nodes := newWorld(t, simworld.Config{Prices: prices}, "a")
	n := nodes[0]
	held, order := 0, ""
	mustRun(t, w, n, func() {
		mu := n.NewMutex()
		n.Go("greedy", func() {
			for range 30 {
				mu.Lock()
				held++
				n.Charge(env.OpCopy, 90)
				mu.Unlock()
			}
			order += "greedy"
		})
		n.Sleep(time.Microsecond)
		mu.Lock()
		if held < 11 || held > 13 {
			t.Errorf("the mutex was handed over after %d turns of 90 us, want about 1 ms", held)
		}
		if now := micros(n); now < 1000 || now > 1200 {
			t.Errorf("the mutex was handed over at %d us", now)
		}
		order += "waiter "
		mu.Unlock()
	})
	if order != "waiter greedy" || held != 30 {
		t.Errorf("order %q, %d turns", order, held)
	}
}

// Goal: a price by size is a straight line between its points, and goes on beyond
// them as it says. Method: sizes below, at, between and above the points.
func TestPriceTable(t *testing.T) {
	three := []simworld.Point{{Size: 100, Ns: 1000}, {Size: 300, Ns: 1400}, {Size: 1300, Ns: 5400}}
	cases := []struct {
		name  string
		table []simworld.Point
		size  int
		want  int // ns
	}{
		{"nothing costs what little costs", three, 0, 1000},
		{"below the first point", three, 99, 1000},
		{"at the first point", three, 100, 1000},
		{"between the first two", three, 150, 1100},
		{"at the second point", three, 300, 1400},
		{"between the last two", three, 400, 1800},
		{"at the last point", three, 1300, 5400},
		{"above it rises as before", three, 2300, 9400},
		{"far above, where products are longer than 64 bits", three, 1<<31 - 1, (1<<31-1-1300)*4 + 5400},
		{"one point is a rate", three[:1], 1000, 10_000},
	}
	for _, c := range cases {
		var prices simworld.Prices
		prices.Ops[env.OpCRC] = simworld.Price{Table: c.table}
		w, nodes := newWorld(t, simworld.Config{Prices: prices}, "a")
		n := nodes[0]
		mustRun(t, w, n, func() {
			n.Charge(env.OpCRC, c.size)
			if got := int(n.Now()); got != c.want {
				t.Errorf("%s: %d ns, want %d", c.name, got, c.want)
			}
		})
	}
}

// Goal: a price list that cannot be meant is refused. Method: one fault a row.
func TestPricesThatAreWrong(t *testing.T) {
	table := func(points ...simworld.Point) func(*simworld.Prices) {
		return func(p *simworld.Prices) { p.Ops[env.OpCRC] = simworld.Price{Table: points} }
	}
	cases := []struct {
		name  string
		spoil func(*simworld.Prices)
	}{
		{"a negative price", func(p *simworld.Prices) { p.Ops[env.OpCopy].PerCallNs = -1 }},
		{"a price that is no number", func(p *simworld.Prices) { p.Ops[env.OpCopy].PerUnitNs = math.NaN() }},
		{"a table beside a price per unit", func(p *simworld.Prices) {
			p.Ops[env.OpCopy] = simworld.Price{PerUnitNs: 1, Table: []simworld.Point{{Size: 1, Ns: 1}}}
		}},
		{"a size of nothing", table(simworld.Point{Size: 0, Ns: 1})},
		{"sizes that do not rise", table(simworld.Point{Size: 2, Ns: 1}, simworld.Point{Size: 2, Ns: 1})},
		{"times that fall", table(simworld.Point{Size: 2, Ns: 2}, simworld.Point{Size: 3, Ns: 1})},
		{"a negative wake-up", func(p *simworld.Prices) { p.Wake = simworld.Fixed(-1) }},
		{"quantiles that fall", func(p *simworld.Prices) {
			p.TimerLate = simworld.Spread{P10: 2, P50: 1, P90: 3, P99: 3, P999: 3}
		}},
	}
	for _, c := range cases {
		prices := simworld.DefaultPrices()
		c.spoil(&prices)
		if prices.Validate() == nil {
			t.Errorf("%s was taken", c.name)
		}
	}
}

// Goal: wake-ups and late timers vary as their quantiles say, and the same seed
// gives the same delays. Method: 20,000 of each; the share below each quantile.
func TestSpread(t *testing.T) {
	spread := simworld.Spread{P10: 10_000, P50: 20_000, P90: 50_000, P99: 200_000, P999: 1_000_000}
	draw := func(seed uint64) (wakes, timers []time.Duration) {
		w, nodes := newWorld(t, simworld.Config{Seed: seed, Prices: simworld.Prices{Wake: spread, TimerLate: spread}}, "a")
		n := nodes[0]
		mustRun(t, w, n, func() {
			mu := n.NewMutex()
			c := n.NewCond(mu)
			var sent env.Time
			n.Go("waker", func() {
				for range 20_000 {
					n.Sleep(10 * time.Millisecond)
					mu.Lock()
					sent = n.Now()
					c.Signal()
					mu.Unlock()
				}
			})
			mu.Lock()
			defer mu.Unlock()
			for range 20_000 {
				c.WaitUntil(env.Never)
				wakes = append(wakes, n.Now().Sub(sent))
				deadline := n.Now().Add(time.Millisecond)
				if c.WaitUntil(deadline) {
					t.Error("woken by nobody")
				}
				timers = append(timers, n.Now().Sub(deadline))
			}
		})
		return wakes, timers
	}
	wakes, timers := draw(1)
	again, _ := draw(1)
	other, _ := draw(2)
	if !slices.Equal(wakes, again) || slices.Equal(wakes, other) {
		t.Error("delays do not come from the seed")
	}
	for _, got := range [][]time.Duration{wakes, timers} {
		slices.Sort(got)
		if got[0] != spread.P10 || got[len(got)-1] != spread.P999 {
			t.Errorf("delays from %v to %v", got[0], got[len(got)-1])
		}
		for _, q := range []struct {
			share float64
			want  time.Duration
		}{{0.5, spread.P50}, {0.9, spread.P90}, {0.99, spread.P99}} {
			if at := got[int(q.share*float64(len(got)))]; math.Abs(float64(at)/float64(q.want)-1) > 0.15 {
				t.Errorf("a share of %v is below %v, want %v", q.share, at, q.want)
			}
		}
	}
}

// Goal: the price list is usable as it is. Method: rates that are known.
func TestDefaultPrices(t *testing.T) {
	cases := []struct {
		name string
		op   env.Op
		n    int
		want time.Duration
	}{
		{"snappy takes 849 MB/s", env.OpCompressSnappy, 849_000_000, time.Second},
		{"copying takes 19 GB/s", env.OpCopy, 19_000_000, time.Millisecond},
		{"ten records out of a batch", env.OpRecordDecode, 10, 250 * time.Nanosecond},
		{"a request with four partitions", env.OpRequest, 4, 3100 * time.Nanosecond},
		{"a record of 1000 bytes", env.OpRecordEncode, 1000, 130 * time.Nanosecond},
	}
	w, nodes := newWorld(t, simworld.DefaultConfig(), "a")
	n := nodes[0]
	mustRun(t, w, n, func() {
		for _, c := range cases {
			before := n.Now()
			n.Charge(c.op, c.n)
			// A price is a whole number of picoseconds.
			if got := n.Now().Sub(before); (got - c.want).Abs() > c.want/100 {
				t.Errorf("%s: %v, want %v", c.name, got, c.want)
			}
			n.Sleep(0)
		}
	})
}
