package results

import "math"

// SamplesBeyond is how many samples a percentile needs beyond it to be told (and
// one below the median as many below it): with fewer, it is one or two records that
// decide it, and the next run's is elsewhere. It is more than a distribution-free
// interval of 95 % needs for an upper end (3.7), since records of one batch wait
// together and count for less than so many.
const SamplesBeyond = 10

// SamplesNeeded is how many samples a percentile of more than 0 and less than 100 needs
// to be told: 1,000 for 99 and for 1, 10,000 for 99.9.
func SamplesNeeded(percentile float64) int64 {
	beyond := min(percentile, 100-percentile) / 100
	return int64(math.Ceil(SamplesBeyond/beyond - 1e-6)) // 100-99.9 is not quite 0.1
}

// Enough says whether so many samples give the percentile.
func Enough(count int64, percentile float64) bool { return count >= SamplesNeeded(percentile) }
