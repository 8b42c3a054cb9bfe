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
