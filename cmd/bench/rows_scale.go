package main

import (
	"path/filepath"

	"brokerlab/cmd/bench/path"
	"brokerlab/engine/protocol"
)

var partitionsRow = row{
	name: "partitions-1000",
	lines: []line{{what: "processor time a record: 1,000 partitions, R=3, at 20,000/s of 100 B",
		plain: "10 partitions", unit: "us", judged: ratioAtMost, target: 2}},
	run: func(s *session, out *samples) error {
		few := path.Config{Dir: filepath.Join(s.dir, "few"), Brokers: 3, Partitions: 10, Replicas: 3, Clients: 2}
		many := path.Config{Dir: filepath.Join(s.dir, "many"), Brokers: 3, Partitions: 1000, Replicas: 3, Clients: 2}
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
			out.add(0, sample{perRecord(b), perRecord(a), b.Usage, a.Usage.Others, b.Records})
		}
		return nil
	},
}

// perRecord is the processor time that a record took, in us.
func perRecord(p path.Produced) float64 {
	return float64((p.Usage.User + p.Usage.System).Nanoseconds()) / 1e3 / float64(p.Records)
}

// growthRow is long: it writes 20 GiB at a rate that disks sustain.
var growthRow = row{
	name: "log-20g",
	long: true,
	lines: []line{{what: "processor time a record: the last 1 GiB of a log of 20 GiB, at 200,000/s of 1 KiB",
		plain: "its second 1 GiB", unit: "us", judged: ratioAtMost, target: 2}},
	run: func(s *session, out *samples) error {
		const blocks, blockRecords = 20, 1 << 20
		cfg := path.Config{Dir: s.dir, Brokers: 1, Partitions: 1, Replicas: 1, Clients: 1}
		load := path.Load{Producers: 1, RecordBytes: 1024, BatchBytes: batchBytes, Acks: protocol.AcksLeader,
			RatePerSec: 200_000, Records: blockRecords}
		return path.Run(cfg, func(c *path.Cluster) error {
			var second path.Produced
			for block := range blocks {
				got, err := c.Produce(load)
				if err != nil {
					return err
				}
				switch block {
				case 1:
					second = got
				case blocks - 1:
					out.add(0, sample{perRecord(got), perRecord(second), got.Usage, second.Usage.Others, got.Records})
				}
			}
			return nil
		})
	},
}
