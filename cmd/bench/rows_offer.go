package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"time"

	"brokerlab/cmd/bench/path"
	"brokerlab/engine/protocol"
)

// minute is the virtual time for which the rows below are judged.
const minute = 60 * time.Second

// offerRow simulates 3 brokers under a million records a second, on one core. It
// measures a part of the minute and tells the whole.
var offerRow = row{
	name: "sim-1m",
	lines: []line{
		{what: "60 virtual s (6, times 10): 3 brokers, R=3, 1,000,000/s of 100 B as sizes, one core",
			unit: "s", judged: atMost, target: 60},
		{what: "the same with bytes", unit: "s", judged: nothing},
	},
	run: func(s *session, out *samples) error {
		const span = minute / 10
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
		return s.each(out, func(round int) error {
			for i, modelled := range []bool{true, false} {
				s.settle(256 << 20)
				cfg := path.Config{Brokers: 3, Partitions: 12, Replicas: 3, Clients: 3}
				got, err := offer(cfg, path.Offer{RatePerSec: 1e6, RecordBytes: 100, BatchBytes: batchBytes,
					Linger: 5 * time.Millisecond, Acks: protocol.AcksAll, Slice: 100 * time.Microsecond,
					Modelled: modelled, Span: span})
				if err != nil {
					return err
				}
				if round > 0 {
					out.add(i, sample{ours: got.Usage.Elapsed.Seconds() * float64(minute/span), usage: got.Usage,
						records: got.Records})
				}
			}
			return nil
		})
	},
}

// hundredRow is long: minutes, and gibibytes. It runs once.
var hundredRow = row{
	name: "hundred-brokers",
	long: true,
	lines: []line{
		{what: "60 virtual s: 100 brokers, 10,000 partitions, R=3, 10 GB/s of 1 KiB in 128 KiB batches, one core",
			unit: "s", judged: atMost, target: 300},
		{what: "memory taken from the system", unit: "GiB", judged: atMost, target: 8},
		{what: "kernel events", unit: "M events/s", judged: atLeast, target: 1, aim: 2},
	},
	run: func(s *session, out *samples) error {
		const gbPerSec, recordBytes = 10, 1024
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
		// Twice what lives would be more than the target: the collector works harder
		// near its end instead.
		defer debug.SetMemoryLimit(debug.SetMemoryLimit(7 << 30))
		cfg := path.Config{Brokers: 100, Partitions: 10_000, Replicas: 3, Clients: 100}
		got, err := offer(cfg, path.Offer{RatePerSec: gbPerSec * 1e9 / recordBytes, RecordBytes: recordBytes,
			BatchBytes: 128 << 10, Linger: 5 * time.Millisecond, Acks: protocol.AcksAll, Slice: 500 * time.Microsecond,
			Modelled: true, Span: minute})
		if err != nil {
			return err
		}
		var memory runtime.MemStats
		runtime.ReadMemStats(&memory)
		seconds := got.Usage.Elapsed.Seconds()
		for i, ours := range []float64{seconds, float64(memory.Sys) / (1 << 30), float64(got.Steps) / 1e6 / seconds} {
			out.add(i, sample{ours: ours, usage: got.Usage, records: got.Records})
		}
		return nil
	},
}

// offeredMin is the share of what was offered that must have been acknowledged.
const offeredMin = 0.999

// offer runs one load on a cluster of its own, and says so if it was not what it
// should have been.
func offer(cfg path.Config, o path.Offer) (got path.Offered, err error) {
	err = path.Run(cfg, func(c *path.Cluster) error {
		var err error
		got, err = c.Offer(o)
		return err
	})
	want := o.RatePerSec * o.Span.Seconds()
	if err == nil && (got.Failed > 0 || float64(got.Records) < offeredMin*want) {
		err = fmt.Errorf("%d records acknowledged and %d failed of %.0f", got.Records, got.Failed, want)
	}
	return got, err
}
