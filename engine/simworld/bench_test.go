package simworld_test

import (
	"testing"
	"time"

	"brokerlab/engine/env"
	"brokerlab/engine/simworld"
)

// bench runs body in a task of a fresh world with the default prices.
func bench(b *testing.B, cfg simworld.Config, body func(w *simworld.World, n env.Node)) {
	b.ReportAllocs()
	w := simworld.New(cfg)
	defer w.Close()
	n := w.NewNode(env.NodeConfig{Name: "a"})
	var steps uint64
	err := w.Run(n, func() {
		n.Charge(env.OpCopy, 1)
		n.Sleep(1)
		before := w.Stats().Steps()
		body(w, n)
		steps = w.Stats().Steps() - before
	})
	if err != nil {
		b.Fatal(err)
	}
	if d := b.Elapsed(); d > 0 {
		b.ReportMetric(float64(steps)/d.Seconds()/1e6, "Mevents/s")
	}
}

// BenchmarkCondRoundTrip: two tasks hand the turn to each other; two switches an
// operation.
func BenchmarkCondRoundTrip(b *testing.B) {
	for _, wake := range []time.Duration{0, 20 * time.Microsecond} {
		b.Run("wake "+wake.String(), func(b *testing.B) {
			prices := simworld.DefaultPrices()
			prices.Wake = simworld.Fixed(wake)
			bench(b, simworld.Config{Prices: prices}, func(_ *simworld.World, n env.Node) {
				mu := n.NewMutex()
				c := n.NewCond(mu)
				stop := false
				n.Go("other", func() {
					mu.Lock()
					defer mu.Unlock()
					for !stop {
						n.Charge(env.OpCopy, 1000)
						c.Signal()
						c.WaitUntil(env.Never)
					}
				})
				mu.Lock()
				defer mu.Unlock()
				for b.Loop() {
					n.Charge(env.OpCopy, 1000)
					c.Signal()
					c.WaitUntil(env.Never)
				}
				stop = true
				c.Signal()
			})
		})
	}
}

func BenchmarkLockUnlock(b *testing.B) {
	bench(b, simworld.DefaultConfig(), func(_ *simworld.World, n env.Node) {
		mu := n.NewMutex()
		held := 0
		for b.Loop() {
			mu.Lock()
			held++
			mu.Unlock()
		}
	})
}

func BenchmarkCharge(b *testing.B) {
	bench(b, simworld.DefaultConfig(), func(_ *simworld.World, n env.Node) {
		for b.Loop() {
			n.Charge(env.OpCRC, 100)
		}
	})
}

// BenchmarkChargeTable charges a price by size, in the middle of its table.
func BenchmarkChargeTable(b *testing.B) {
	prices := simworld.DefaultPrices()
	var table []simworld.Point
	for size := 1 << 10; size <= 1<<20; size *= 4 {
		table = append(table, simworld.Point{Size: size, Ns: float64(size)})
	}
	prices.Ops[env.OpCompressZstd] = simworld.Price{Table: table}
	bench(b, simworld.Config{Prices: prices}, func(_ *simworld.World, n env.Node) {
		for b.Loop() {
			n.Charge(env.OpCompressZstd, 100_000)
		}
	})
}

func BenchmarkNow(b *testing.B) {
	var sum env.Time
	bench(b, simworld.DefaultConfig(), func(_ *simworld.World, n env.Node) {
		for b.Loop() {
			sum += n.Now()
		}
	})
}

// BenchmarkChargeLockInPlace pays work of 30 ns where nothing else is due.
func BenchmarkChargeLockInPlace(b *testing.B) {
	bench(b, simworld.DefaultConfig(), func(_ *simworld.World, n env.Node) {
		mu := n.NewMutex()
		held := 0
		for b.Loop() {
			n.Charge(env.OpRecordEncode, 100)
			mu.Lock()
			held++
			mu.Unlock()
		}
	})
}

func BenchmarkSleepInPlace(b *testing.B) {
	bench(b, simworld.DefaultConfig(), func(_ *simworld.World, n env.Node) {
		n.Go("sleeper", func() { n.Sleep(1 << 60) })
		n.Sleep(1)
		for b.Loop() {
			n.Sleep(100)
		}
	})
}

// BenchmarkSleepTwoTasks switches at every sleep.
func BenchmarkSleepTwoTasks(b *testing.B) {
	bench(b, simworld.DefaultConfig(), func(_ *simworld.World, n env.Node) {
		stop := false
		n.Go("other", func() {
			for !stop {
				n.Sleep(100)
			}
		})
		for b.Loop() {
			n.Sleep(100)
		}
		stop = true
	})
}

// BenchmarkChargeContended: eight tasks on four cores with work of their own.
func BenchmarkChargeContended(b *testing.B) {
	bench(b, simworld.DefaultConfig(), func(_ *simworld.World, n env.Node) {
		stop := false
		for range 7 {
			n.Go("other", func() {
				for !stop {
					n.Charge(env.OpCRC, 10_000)
					n.Sleep(0)
				}
			})
		}
		for b.Loop() {
			n.Charge(env.OpCRC, 10_000)
			n.Sleep(0)
		}
		stop = true
	})
}

// BenchmarkTimedWaitWoken leaves a stale deadline behind with every operation.
func BenchmarkTimedWaitWoken(b *testing.B) {
	bench(b, simworld.DefaultConfig(), func(_ *simworld.World, n env.Node) {
		mu := n.NewMutex()
		c := n.NewCond(mu)
		stop := false
		n.Go("waiter", func() {
			mu.Lock()
			defer mu.Unlock()
			for !stop {
				c.WaitUntil(n.Now().Add(time.Hour))
			}
		})
		for b.Loop() {
			n.Sleep(30 * time.Microsecond)
			mu.Lock()
			c.Signal()
			mu.Unlock()
		}
		mu.Lock()
		stop = true
		c.Signal()
		mu.Unlock()
	})
}

func BenchmarkLinkMessage(b *testing.B) {
	links := []struct {
		name string
		link simworld.Link
	}{
		{"ideal", simworld.Link{}},
		{"10 Gbit/s", simworld.Link{BytesPerSec: 1_250_000_000, Delay: 50 * time.Microsecond, InFlightBytes: 64 << 10}},
	}
	for _, l := range links {
		b.Run(l.name, func(b *testing.B) {
			cfg := simworld.DefaultConfig()
			cfg.Link = l.link
			bench(b, cfg, func(w *simworld.World, n env.Node) {
				peer := w.NewNode(env.NodeConfig{Name: "peer"})
				listener, _ := peer.Net().Listen("peer")
				conn, err := n.Net().Dial("peer", time.Second)
				if err != nil {
					b.Error(err)
					return
				}
				peer.Go("receiver", func() {
					c, _ := listener.Accept()
					for {
						if _, err := c.Recv(env.Never); err != nil {
							return
						}
						peer.Charge(env.OpRequest, 1)
					}
				})
				m := &message{bytes: 1000}
				for b.Loop() {
					n.Charge(env.OpRequest, 1)
					if err := conn.Send(m); err != nil {
						b.Error(err)
						return
					}
				}
				conn.Close()
			})
		})
	}
}

func BenchmarkGo(b *testing.B) {
	bench(b, simworld.DefaultConfig(), func(_ *simworld.World, n env.Node) {
		for b.Loop() {
			n.Go("short", func() {})
			n.Sleep(1)
		}
	})
}
