package reporttest

import "brokerlab/results"

// Disks are comparisons of disks, by name: one of several disks of which one is real,
// one of a single disk without most figures, and an empty one.
func Disks() map[string]*results.DiskComparison {
	patterns := []results.DiskPattern{
		{Name: "read 1 MiB", Short: "read", Group: "sequential", Metric: results.MetricMBPerS, BlockBytes: 1 << 20, Depth: 4},
		{Name: "write 1 MiB", Short: "write", Group: "sequential", Metric: results.MetricMBPerS, BlockBytes: 1 << 20, Depth: 4},
		{Name: "read, depth 1", Short: "read 1", Group: "random 4 KiB", Metric: results.MetricOpsPerS, BlockBytes: 4096, Depth: 1},
		{Name: "read, depth 32", Short: "read 32", Group: "random 4 KiB", Metric: results.MetricOpsPerS, BlockBytes: 4096,
			Depth: 32},
		{Name: "with a flush", Short: "flush", Group: "append of 4 KiB", Metric: results.MetricSyncP50, BlockBytes: 4096, Depth: 1},
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
