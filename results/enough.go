package results

import "math"

// SamplesNeeded is how many samples a percentile needs to be told, SamplesBeyond of
// them above it: 1,000 for 99, 10,000 for 99.9.
func SamplesNeeded(percentile float64) int64 {
	return int64(math.Ceil(SamplesBeyond/((100-percentile)/100) - 1e-6)) // 100-99.9 is not quite 0.1
}

// Enough says whether so many samples give the percentile.
func Enough(count int64, percentile float64) bool { return count >= SamplesNeeded(percentile) }
