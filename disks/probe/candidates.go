package probe

import (
	"time"

	"brokerlab/disks/device"
	"brokerlab/disks/device/pattern"
)

// queue is that of a disk about which nothing is known: deep enough for every row.
var queue = device.Queue{Depth: 256, BackgroundDepth: 128, BackgroundWaitMax: 5 * time.Second}

// flushOf is the part of a sync that the write before it does not explain: its
// median, and a tail as far above it as that of the sync.
func flushOf(sync, write pattern.Result) device.Spread {
	low := max(time.Microsecond, sync.SyncLatency.P50-write.Latency.P50)
	return device.Spread{P50: low, P99: max(low, sync.SyncLatency.P99)}
}

func spreadOf(r pattern.Result) device.Spread {
	low := max(1, r.Latency.P50)
	return device.Spread{P50: low, P99: max(low, r.Latency.P99)}
}

// provisionedCandidate is a disk behind limits: times that are drawn, and rates and
// operations per second that nothing passes. Reads and writes together get no more
// than the one of them that got more alone.
var provisionedCandidate = candidate{
	start: func(f *findings, capacity int64) device.Config {
		cfg := device.Config{Kind: device.KindProvisioned, CapacityBytes: capacity, VolatileCache: true, Queue: queue}
		_, reads := f.direct(true, true, 1)
		_, writes := f.direct(false, true, 1)
		_, syncs := f.synced()
		_, deepReads := f.direct(true, true, f.deepest())
		_, deepWrites := f.direct(false, true, f.deepest())
		_, seqReads := f.direct(true, false, sequentialDepth)
		_, seqWrites := f.direct(false, false, sequentialDepth)
		cfg.Provisioned = device.Provisioned{
			Total: device.Limit{OpsPerSec: max(deepReads.OpsPerSec, deepWrites.OpsPerSec, 1),
				BytesPerSec: int64(max(1e5, rate(seqReads), rate(seqWrites)))},
			Read:     device.Limit{OpsPerSec: max(deepReads.OpsPerSec, 1), BytesPerSec: int64(max(1e5, rate(seqReads)))},
			Write:    device.Limit{OpsPerSec: max(deepWrites.OpsPerSec, 1), BytesPerSec: int64(max(1e5, rate(seqWrites)))},
			ReadTime: spreadOf(reads), WriteTime: spreadOf(writes), FlushTime: flushOf(syncs, writes),
		}
		return cfg
	},
	knobs: func(f *findings) (all []knob) {
		for _, reads := range []bool{true, false} {
			limit := func(c *device.Config) *device.Limit { return &c.Provisioned.Write }
			span := func(c *device.Config) *device.Spread { return &c.Provisioned.WriteTime }
			if reads {
				limit = func(c *device.Config) *device.Limit { return &c.Provisioned.Read }
				span = func(c *device.Config) *device.Spread { return &c.Provisioned.ReadTime }
			}
			row, seen := f.direct(reads, true, 1)
			all = append(all, spreadKnobs(row, seen, p50, p99, span)...)
			row, seen = f.direct(reads, true, f.deepest())
			all = append(all, knobOf(row, seen, ops, func(c *device.Config) float64 { return limit(c).OpsPerSec },
				func(c *device.Config, v float64) { limit(c).OpsPerSec = max(1, v) }))
			row, seen = f.direct(reads, false, sequentialDepth)
			all = append(all, knobOf(row, seen, rate, func(c *device.Config) float64 { return float64(limit(c).BytesPerSec) },
				func(c *device.Config, v float64) { limit(c).BytesPerSec = int64(max(1e5, v)) }))
		}
		row, seen := f.synced()
		return append(all, spreadKnobs(row, seen, syncP50, syncP99,
			func(c *device.Config) *device.Spread { return &c.Provisioned.FlushTime })...)
	},
}

// ssdCandidate is flash behind a link: a read takes the time of a die and of its
// bytes on the link, a write that of its bytes alone, and both pass one controller.
// Its buffer is so large that programming never shows: what was measured is too
// short for that.
var ssdCandidate = candidate{
	start: func(f *findings, capacity int64) device.Config {
		const program = 64 * kib
		cfg := device.Config{Kind: device.KindSSD, CapacityBytes: capacity, VolatileCache: true, Queue: queue}
		_, reads := f.direct(true, true, 1)
		_, writes := f.direct(false, true, 1)
		_, syncs := f.synced()
		_, deepReads := f.direct(true, true, f.deepest())
		_, seqReads := f.direct(true, false, sequentialDepth)
		_, seqWrites := f.direct(false, false, sequentialDepth)
		link := int64(max(1e6, rate(seqReads), rate(seqWrites)))
		const dies = 64
		cfg.SSD = device.SSD{
			LinkBytesPerSec: link, CommandTime: time.Duration(1e9 / max(1, deepReads.OpsPerSec)),
			WriteLatency: max(0, writes.Latency.P50), Channels: 8, DiesPerChannel: dies / 8, ChannelBytesPerSec: link,
			StripeBytes: 16 * kib, ReadTime: spreadOf(reads), SuspendTime: 50 * time.Microsecond, ReadStreams: 32,
			ProgramBytes: program, BitsPerCell: 1,
			ProgramTime: device.Spread{P50: time.Duration(dies * program * 1e9 / max(1e6, rate(seqWrites)))},
			BufferBytes: 16 * mib, BufferHold: 100 * time.Millisecond, RegionBytes: max(64*mib, capacity>>19),
			OverProvisioning: 0.1, FlushTime: flushOf(syncs, writes),
		}
		return cfg
	},
	knobs: func(f *findings) (all []knob) {
		row, seen := f.direct(true, true, 1)
		all = append(all, spreadKnobs(row, seen, p50, p99,
			func(c *device.Config) *device.Spread { return &c.SSD.ReadTime })...)
		row, seen = f.direct(true, true, f.deepest())
		k := knobOf(row, seen, ops, func(c *device.Config) float64 { return float64(max(1, c.SSD.CommandTime)) },
			func(c *device.Config, v float64) { c.SSD.CommandTime = time.Duration(v) })
		k.inverse = true
		all = append(all, k)
		row, seen = f.direct(true, false, sequentialDepth)
		all = append(all, knobOf(row, seen, rate, func(c *device.Config) float64 { return float64(c.SSD.LinkBytesPerSec) },
			func(c *device.Config, v float64) {
				c.SSD.LinkBytesPerSec = int64(max(1e6, v))
				c.SSD.ChannelBytesPerSec = c.SSD.LinkBytesPerSec
			}))
		row, seen = f.direct(false, true, 1)
		all = append(all, knobOf(row, seen, p50,
			func(c *device.Config) float64 { return float64(max(1, c.SSD.WriteLatency)) },
			func(c *device.Config, v float64) { c.SSD.WriteLatency = time.Duration(v) }))
		row, seen = f.direct(false, false, sequentialDepth)
		k = knobOf(row, seen, rate, func(c *device.Config) float64 { return float64(c.SSD.ProgramTime.P50) },
			func(c *device.Config, v float64) { c.SSD.ProgramTime.P50 = max(1, time.Duration(v)) })
		k.inverse = true
		all = append(all, k)
		row, seen = f.synced()
		return append(all, spreadKnobs(row, seen, syncP50, syncP99,
			func(c *device.Config) *device.Spread { return &c.SSD.FlushTime })...)
	},
}
