package main

import (
	"fmt"
	"runtime"
	"time"

	"brokerlab/cmd/bench/measure"
	"brokerlab/cmd/bench/path"
	"brokerlab/engine/env"
	"brokerlab/engine/protocol"
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
			for round := range s.rounds + 1 {
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
					out.add(0, got.PerSec()/1e6, 0, got.Usage, got.Records)
				}
			}
			return nil
		},
	}
}

var kernelRow = row{
	name:  "sim-kernel",
	lines: []line{{what: "kernel events of 1,000 tasks that sleep, one core", unit: "M events/s", judged: nothing}},
	run: func(s *session, out *samples) error {
		const tasks, sleeps = 1000, 1000
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
		for round := range s.rounds + 1 {
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
				out.add(0, float64(steps)/usage.Elapsed.Seconds()/1e6, 0, usage, int64(steps))
			}
		}
		return nil
	},
}

var partitionsRow = row{
	name: "partitions-1000",
	lines: []line{{what: "processor time a record: 1,000 partitions, R=3, at 20,000/s of 100 B",
		plain: "10 partitions", unit: "us", judged: ratioAtMost, target: 2}},
	run: func(s *session, out *samples) error {
		few := path.Config{Dir: s.dir + "/few", Brokers: 3, Partitions: 10, Replicas: 3, Clients: 2}
		many := path.Config{Dir: s.dir + "/many", Brokers: 3, Partitions: 1000, Replicas: 3, Clients: 2}
		load := path.Load{Producers: 2, First: -1, RecordBytes: 100, BatchBytes: 16384, Acks: protocol.AcksAll,
			RatePerSec: 20_000, Span: s.span}
		costs := make([][]path.Produced, 2)
		for i, cfg := range []path.Config{few, many} {
			err := path.Run(cfg, func(c *path.Cluster) error {
				for range s.rounds + 1 {
					s.patience.Quiet()
					got, err := c.Produce(load)
					if err != nil {
						return err
					}
					costs[i] = append(costs[i], got)
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
		for round := 1; round <= s.rounds; round++ {
			a, b := costs[0][round], costs[1][round]
			out.add(0, perRecord(b), perRecord(a), b.Usage, b.Records)
		}
		return nil
	},
}

// perRecord is the processor time that a record took, in us.
func perRecord(p path.Produced) float64 {
	return float64((p.Usage.User + p.Usage.System).Nanoseconds()) / 1e3 / float64(p.Records)
}
