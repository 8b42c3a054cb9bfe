package main

import (
	"fmt"
	"runtime"
	"time"

	"brokerlab/cmd/bench/measure"
	"brokerlab/cmd/bench/path"
	"brokerlab/engine/env"
	"brokerlab/engine/simworld"
)

// simulatedRow is the whole path in the simulated world, held to one core.
func simulatedRow(name string, replicas int, acks int16) row {
	what := "simulate 100 B, R=1, acks=1, one core"
	if replicas > 1 {
		what = "simulate 100 B, R=3, acks=all, one core"
	}
	return row{
		name:  name,
		lines: []line{{what: what, unit: "M records/s", judged: atLeast, target: 1}},
		run: func(s *session, out *samples) error {
			const records = 1_000_000
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
			return s.each(out, func(round int) error {
				s.settle(256 << 20)
				cfg := path.Config{Brokers: replicas, Partitions: 6, Replicas: replicas, Clients: 2}
				var got path.Produced
				err := path.Run(cfg, func(c *path.Cluster) (err error) {
					got, err = c.Produce(path.Load{Producers: 2, First: 0, Step: 1, RecordBytes: 100,
						BatchBytes: batchBytes, Acks: acks, Records: records})
					return err
				})
				if err != nil {
					return err
				}
				if round > 0 {
					out.add(0, sample{ours: got.PerSec() / 1e6, usage: got.Usage, records: got.Records})
				}
				return nil
			})
		},
	}
}

var kernelRow = row{
	name: "sim-kernel",
	lines: []line{{what: "kernel events of 1,000 tasks that sleep, one core", unit: "M events/s", judged: atLeast,
		target: 1, aim: 2}},
	run: func(s *session, out *samples) error {
		const tasks, sleeps = 1000, 1000
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
		return s.each(out, func(round int) error {
			s.patience.Quiet()
			w := simworld.New(simworld.Config{Seed: 1})
			n := w.NewNode(env.NodeConfig{Name: "sleepers"})
			watch := measure.Start()
			err := w.Run(n, func() {
				for i := range tasks {
					spans := n.Rand(fmt.Sprint("spans-", i))
					n.Go("sleeper", func() {
						for range sleeps {
							n.Sleep(time.Duration(1 + spans.IntN(1000)))
						}
					})
				}
			})
			usage := watch.Stop()
			steps := w.Stats().Steps()
			w.Close()
			if err != nil {
				return err
			}
			if round > 0 {
				out.add(0, sample{ours: float64(steps) / usage.Elapsed.Seconds() / 1e6, usage: usage, records: int64(steps)})
			}
			return nil
		})
	},
}
