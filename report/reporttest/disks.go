package reporttest

import "brokerlab/results"

// Disks are comparisons of disks, by name: one of several disks of which one is real,
// one of a single disk without most figures, and an empty one.
func Disks() map[string]*results.DiskComparison {
	pattern := func(group, name, short string, metric results.DiskMetric, block int64, depth int) results.DiskPattern {
		return results.DiskPattern{Name: name, Short: short, Group: group, Metric: metric, BlockBytes: block, Depth: depth}
	}
	patterns := []results.DiskPattern{
		pattern("sequential", "read 1 MiB", "read", results.MetricMBPerS, 1<<20, 4),
		pattern("sequential", "write 1 MiB", "write", results.MetricMBPerS, 1<<20, 4),
		pattern("random 4 KiB", "read, depth 1", "read 1", results.MetricOpsPerS, 4096, 1),
		pattern("random 4 KiB", "read, depth 32", "read 32", results.MetricOpsPerS, 4096, 32),
		pattern("append of 4 KiB", "with a flush", "flush", results.MetricSyncP50, 4096, 1),
	}
	disk := func(name, target string, mb, ops float64, sync int64) results.ComparedDisk {
		rate := results.DiskFigure{MBPerS: mb, OpsPerS: mb}
		deep := results.DiskFigure{MBPerS: ops * 32 * 4096 / 1e6, OpsPerS: ops * 32}
		return results.ComparedDisk{Name: name, Title: "A disk", Target: target, Figures: []results.DiskFigure{
			rate, rate, {MBPerS: ops * 4096 / 1e6, OpsPerS: ops}, deep,
			{Sync: results.Latency{P50: sync, P99: 3 * sync, Count: 100}}}}
	}
	lone := disk("./a/file/with/a/name/of/some/length/my-own-disk.yaml", results.TargetSim, 0.4, 0, 0)
	lone.Figures[2].Missing, lone.Figures[3].Missing = "it does not fit", "it does not fit"
	return map[string]*results.DiskComparison{
		"disks": {Patterns: patterns, Seed: 1, SpanBytes: 1 << 30, Notes: []string{"A note."}, Disks: []results.ComparedDisk{
			disk("hdd", results.TargetSim, 175, 81.2, 8_400_000), disk("nvme", results.TargetSim, 7000, 15_600, 731_000),
			disk("dir:/mnt/disk", results.TargetReal, 1234, 9876, 123_456)}},
		"disks-lone":  {Patterns: patterns, Seed: 1, Disks: []results.ComparedDisk{lone}},
		"disks-empty": {Seed: 1},
	}
}

// Probes are measured disks with their models, by name: one with lines of many points
// and a row that is missing, one with a single point, one without any figure.
func Probes() map[string]*results.DiskComparison {
	make := func(blocks []int64, seen func(block int64, k int) results.DiskFigure) *results.DiskComparison {
		c := &results.DiskComparison{SpanBytes: 1 << 28, Seed: 1, Notes: []string{"* a note."}}
		c.Disks = []results.ComparedDisk{{Name: "dir", Target: results.TargetReal},
			{Name: "probe", Target: results.TargetSim}}
		for _, group := range []string{"random reads", "overwriting, fdatasync"} {
			for _, block := range blocks {
				p := results.DiskPattern{Name: "a block", Group: group, Metric: results.MetricOpsPerS, BlockBytes: block,
					Panel: "by block", Line: group, Fitted: block == 4096}
				if group != "random reads" {
					p.Metric, p.Panel = results.MetricSyncP50, "syncs by block"
				}
				c.Patterns = append(c.Patterns, p)
				for k := range c.Disks {
					c.Disks[k].Figures = append(c.Disks[k].Figures, seen(block, k))
				}
			}
		}
		return c
	}
	figure := func(block int64, k int) results.DiskFigure {
		rate := 1e9 / float64(block+int64(30_000*(k+1)))
		l := results.Latency{P50: int64(1e9 / rate), P99: int64(3e9 / rate), Count: 10}
		return results.DiskFigure{OpsPerS: rate, MBPerS: rate * float64(block) / 1e6, Latency: l, Sync: l, SyncsPerS: rate}
	}
	many := make([]int64{4 << 10, 16 << 10, 64 << 10, 256 << 10, 1 << 20}, figure)
	many.Disks[0].Figures[2] = results.DiskFigure{Missing: "the time was up before"}
	return map[string]*results.DiskComparison{
		"probe": many, "probe-point": make([]int64{4 << 10}, figure),
		"probe-empty": make([]int64{4 << 10, 1 << 20}, func(int64, int) results.DiskFigure {
			return results.DiskFigure{Missing: "nothing ended"}
		}),
	}
}
