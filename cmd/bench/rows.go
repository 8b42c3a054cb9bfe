package main

import (
	"fmt"
	"runtime"
	"time"

	"brokerlab/cmd/bench/measure"
	"brokerlab/cmd/bench/path"
	"brokerlab/cmd/bench/plain"
	"brokerlab/engine/protocol"
)

// Sizes of the measurements.
const (
	batchBytes = plain.PieceBytes // batch.size: what the plain loop writes at a time
	// blockBytes is what one measurement writes at most, replicas included. The
	// memory behind it is given back after each, so that the page cache neither
	// grows into memory that the host has not backed nor reaches the kernel's
	// limits of dirty pages. No segment is filled by it: Kafka forces a segment to
	// disk when it rolls, and this would be measured instead.
	blockBytes = 768 << 20
	// bufferBytes is buffer.memory where producers run at full speed: more than the 5
	// requests of one batch that are in flight, and no more than a processor's second
	// cache, so that a batch is still there when write(2) copies it. Kafka's default
	// of 32 MiB fills up, and each step then reads its batches from farther away.
	bufferBytes = 16 * batchBytes
	// burstRecords are handed over by one call, as a service does that is handed
	// several records at once.
	burstRecords = 32
	readBytes    = 256 << 20 // what consumers read again and again
	plainBytes   = 1 << 30   // what the rolling write writes
)

// rows are in the order of the table.
var rows = []row{
	produceRow("produce-1k", producing{1024, 1, protocol.AcksLeader, 0.5, 0.7}),
	produceRow("produce-100b", producing{100, 1, protocol.AcksLeader, 0.18, 0.3}),
	produceRow("produce-1k-r3", producing{1024, 3, protocol.AcksAll, 0.2, 0.29}),
	produceRow("produce-100b-r3", producing{100, 3, protocol.AcksAll, 0.13, 0.22}),
	consumeRow("consume-1k", consuming{recordBytes: 1024, target: 4, aim: 8}),
	consumeRow("consume-100b", consuming{recordBytes: 100, target: 15, aim: 30}),
	fsyncRow,
	fsyncManyRow("fsync-16-producers", fsyncMany{target: 6, producers: 16, partitions: 1}),
	fsyncManyRow("fsync-8-partitions", fsyncMany{target: 2.5, producers: 8, partitions: 8}),
	latencyRow,
	pacingRow("pacing-2k", pacing{perSec: 2000, errorTarget: 100, coreTarget: 10}),
	pacingRow("pacing-20k", pacing{perSec: 20000, errorTarget: 150, coreTarget: 50}),
	recordingRow,
	measuringRow("measuring-1k", 1024),
	measuringRow("measuring-100b", 100),
	simulatedRow("sim-100b", 1, protocol.AcksLeader),
	simulatedRow("sim-100b-r3", 3, protocol.AcksAll),
	kernelRow,
	offerRow,
	hundredRow,
	partitionsRow,
	growthRow,
}

// producing is a row of two producers at full speed.
type producing struct {
	recordBytes, replicas int
	acks                  int16
	target, aim           float64 // of the ratio
}

func produceRow(name string, p producing) row {
	what := "produce " + sizeName(p.recordBytes) + ", R=1, acks=1"
	if p.replicas > 1 {
		what = "produce " + sizeName(p.recordBytes) + ", R=3, acks=all"
	}
	what += fmt.Sprintf(", bursts of %d", burstRecords)
	return row{
		name: name,
		lines: []line{{what: what, plain: "rolling write(2) of the values, one thread", unit: "MB/s",
			target: p.target, aim: p.aim}},
		run: func(s *session, out *samples) error { return p.run(s, out) },
	}
}

func sizeName(bytes int) string {
	if bytes == 1024 {
		return "1 KiB"
	}
	return "100 B"
}

func (p producing) run(s *session, out *samples) error {
	const producers = 2
	cfg := path.Config{Dir: s.dir, Brokers: p.replicas, Partitions: producers * s.attempts(),
		Replicas: p.replicas, Clients: producers}
	load := path.Load{Producers: producers, Step: 1, RecordBytes: p.recordBytes, BatchBytes: batchBytes,
		BufferBytes: bufferBytes, Burst: burstRecords,
		Acks: p.acks, Span: s.span, Records: blockBytes / int64(p.replicas) / int64(p.recordBytes)}
	return path.Run(cfg, func(c *path.Cluster) error {
		return s.each(out, func(round int) error {
			s.settle(plainBytes)
			watch := measure.Start()
			took, err := plain.RollingWrite(s.dir, plainBytes)
			others := watch.Stop().Others
			if err != nil {
				return err
			}
			load.First = round * producers
			s.settle(blockBytes)
			got, err := c.Produce(load)
			if err != nil {
				return err
			}
			if err := c.Recycle(load.First, load.First+1); err != nil {
				return err
			}
			if round > 0 {
				out.add(0, sample{got.PerSec() * float64(p.recordBytes) / 1e6, plainBytes / took.Seconds() / 1e6,
					got.Usage, others, got.Records})
			}
			return nil
		})
	})
}

// settle waits for the machine and backs the memory that follows.
func (s *session) settle(bytes int64) {
	runtime.GC()
	s.patience.Quiet()
	measure.Warm(bytes)
}

// consuming is a row of one consumer on one core.
type consuming struct {
	recordBytes int
	target, aim float64
}

func consumeRow(name string, p consuming) row {
	return row{
		name: name,
		lines: []line{{what: "consume " + sizeName(p.recordBytes) + ", CRC checked and decoded, one core",
			plain: "pread of the same files, one core", unit: "M records/s", judged: atLeast, target: p.target, aim: p.aim}},
		run: func(s *session, out *samples) error { return p.run(s, out) },
	}
}

func (p consuming) run(s *session, out *samples) error {
	records := int64(readBytes / p.recordBytes)
	cfg := path.Config{Dir: s.dir, Brokers: 1, Partitions: 1, Replicas: 1, Clients: 1}
	return path.Run(cfg, func(c *path.Cluster) error {
		s.settle(2 * readBytes)
		if _, err := c.Produce(path.Load{Producers: 1, RecordBytes: p.recordBytes, BatchBytes: batchBytes,
			Acks: protocol.AcksLeader, Records: records}); err != nil {
			return err
		}
		files, err := c.Files(0)
		if err != nil {
			return err
		}
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
		return s.each(out, func(round int) error {
			s.patience.Quiet()
			watch := measure.Start()
			bytes, took, err := plain.ReadAll(files, s.span/2)
			others := watch.Stop().Others
			if err != nil {
				return err
			}
			got, err := c.Consume(0, records, s.span)
			if err != nil {
				return err
			}
			if round > 0 {
				plainPerSec := float64(bytes) / took.Seconds() / float64(p.recordBytes)
				out.add(0, sample{got.PerSec() / 1e6, plainPerSec / 1e6, got.Usage, others, got.Records})
			}
			return nil
		})
	})
}

var latencyRow = row{
	name: "latency",
	lines: []line{
		{what: "produce latency p50, 2,000/s of 1 KiB, linger 0", plain: "write(2) at the same instants", unit: "us",
			judged: atMost, target: 150, aim: 60},
		{what: "produce latency p99, from the intended instant", plain: "write(2) at the same instants", unit: "us",
			judged: atMost, target: 600, aim: 300},
	},
	run: func(s *session, out *samples) error {
		const recordBytes, interval = 1024, time.Second / 2000
		count := int(2 * s.span / interval)
		return path.Run(path.Config{Dir: s.dir, Brokers: 1, Partitions: 1, Replicas: 1, Clients: 1},
			func(c *path.Cluster) error {
				return s.each(out, func(round int) error {
					s.settle(64 << 20)
					late := path.NewHistogram()
					watch := measure.Start()
					err := plain.PacedWrite{Dir: s.dir, PieceBytes: recordBytes, Interval: interval, Count: count,
						Sleep: c.Driver().Sleep,
						Done:  func(d time.Duration) { _ = late.RecordValue(int64(d)) }, // 10 s hold all of it
					}.Run()
					others := watch.Stop().Others
					if err != nil {
						return err
					}
					got, err := c.ProducePaced(path.Pace{RecordBytes: recordBytes, Interval: interval, Count: count})
					if err != nil {
						return err
					}
					for i, percentile := range []float64{50, 99} {
						if round > 0 {
							out.add(i, sample{float64(got.Latency.ValueAtPercentile(percentile)) / 1e3,
								float64(late.ValueAtPercentile(percentile)) / 1e3, got.Usage, others, int64(count)})
						}
					}
					return nil
				})
			})
	},
}
