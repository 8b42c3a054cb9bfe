package main

import (
	"fmt"
	"runtime"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"brokerlab/cmd/bench/measure"
	"brokerlab/cmd/bench/path"
	"brokerlab/cmd/bench/plain"
	"brokerlab/engine/env"
	"brokerlab/engine/realworld"
	"brokerlab/workloads/arrival"
	"brokerlab/workloads/load"
)

// pacing is a row of one generator by itself: how long after its instant it takes a
// record, and what of a core that costs.
type pacing struct {
	perSec      int
	errorTarget float64 // us, at the 99th percentile
	coreTarget  float64 // percent of a core
}

func pacingRow(name string, p pacing) row {
	const beside = "clock_nanosleep(2) to the same instants"
	return row{
		name: name,
		lines: []line{
			{what: fmt.Sprintf("pacing error p99 of the load generator, %s/s", thousands(p.perSec)), plain: beside,
				unit: "us", judged: atMost, target: p.errorTarget},
			{what: "and of a core", plain: beside, unit: "%", judged: atMost, target: p.coreTarget},
		},
		run: func(s *session, out *samples) error { return p.run(s, out) },
	}
}

func thousands(n int) string { return fmt.Sprintf("%d,%03d", n/1000, n%1000) }

func (p pacing) run(s *session, out *samples) error {
	count := int(2 * s.span.Seconds() * float64(p.perSec))
	interval := time.Second / time.Duration(p.perSec)
	return s.each(out, func(round int) error {
		runtime.GC()
		s.patience.Quiet()
		plainLate := path.NewHistogram()
		watch := measure.Start()
		plain.PacedSleep{Interval: interval, Count: count,
			Done: func(d time.Duration) { _ = plainLate.RecordValue(int64(d)) }, // 10 s hold all of it
		}.Run()
		plainUsage := watch.Stop()
		late := path.NewHistogram()
		watch = measure.Start()
		if err := p.generate(count, late); err != nil {
			return err
		}
		usage := watch.Stop()
		if round > 0 {
			for i, of := range []func(*hdrhistogram.Histogram, measure.Usage) float64{
				func(h *hdrhistogram.Histogram, _ measure.Usage) float64 {
					return float64(h.ValueAtPercentile(99)) / 1e3
				},
				func(_ *hdrhistogram.Histogram, u measure.Usage) float64 { return 100 * u.Cores() },
			} {
				out.add(i, sample{of(late, usage), of(plainLate, plainUsage), usage, plainUsage.Others, int64(count)})
			}
		}
		return nil
	})
}

// generate takes the records of a schedule in the real world.
func (p pacing) generate(count int, late *hdrhistogram.Histogram) error {
	w := realworld.New(realworld.Config{Seed: 1})
	node := w.NewNode(env.NodeConfig{Name: "generator"})
	var failed error
	err := w.Run(node, func() {
		begin := node.Now()
		pacer, err := arrival.New(arrival.Config{Start: begin, RatePerSec: float64(p.perSec), Producers: 1, CatchUp: true})
		if err != nil {
			failed = err
			return
		}
		g := load.Generator{Node: node, Pacer: pacer, End: env.Never}
		for range count {
			now, _ := g.Await()
			intended := pacer.Take(now)
			_ = late.RecordValue(int64(node.Now().Sub(intended)))
		}
	})
	if err == nil {
		err = failed
	}
	return err
}
