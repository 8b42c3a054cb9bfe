package results

import (
	"math"

	"brokerlab/results/stats"
)

// MergeRepeats makes the measures of a cell out of its repeats:
//
//   - rates are medians: one slow repeat does not move them;
//   - counts, fsyncs, bytes and the measured seconds are sums;
//   - the compression ratio is that of all bytes together, a repeat weighing what it sent;
//   - LateMax is the worst of all;
//   - latency is taken as given, from the merged histograms (see Measured and
//     Summarize), since percentiles of repeats cannot be averaged.
//
// Without repeats all is 0 but latency.
func MergeRepeats(repeats []Repeat, latency map[string]Latency) Measures {
	m := Measures{Latency: latency}
	if m.Latency == nil {
		m.Latency = map[string]Latency{}
	}
	m.RecordsPerS = medianOf(repeats, func(r Repeat) float64 { return r.RecordsPerS })
	m.MBPerS = medianOf(repeats, func(r Repeat) float64 { return r.MBPerS })
	m.BatchesPerS = medianOf(repeats, func(r Repeat) float64 { return r.BatchesPerS })
	m.RequestsPerS = medianOf(repeats, func(r Repeat) float64 { return r.RequestsPerS })
	m.ConsumedPerS = medianOf(repeats, func(r Repeat) float64 { return r.ConsumedPerS })
	m.CompressionRatio = ratioOf(repeats)
	for _, r := range repeats {
		m.Fsyncs += r.Fsyncs
		m.Counts = m.Counts.plus(r.Counts)
		m.BytesRecords += r.BytesRecords
		m.BytesWire += r.BytesWire
		m.BytesDisk += r.BytesDisk
		m.LateMax = max(m.LateMax, r.LateMax)
		m.MeasuredS += r.MeasuredS
		m.Retries += r.Retries
		for name, n := range r.Errors {
			if m.Errors == nil {
				m.Errors = map[string]int64{}
			}
			m.Errors[name] += n
		}
	}
	return m
}

// plus adds counts, field by field.
func (c Counts) plus(o Counts) Counts {
	return Counts{
		Sent: c.Sent + o.Sent, Acked: c.Acked + o.Acked, Failed: c.Failed + o.Failed,
		Consumed: c.Consumed + o.Consumed, Lost: c.Lost + o.Lost, Duplicated: c.Duplicated + o.Duplicated,
		Reordered: c.Reordered + o.Reordered, Corrupted: c.Corrupted + o.Corrupted,
		Late: c.Late + o.Late, Unsent: c.Unsent + o.Unsent,
	}
}

// ratioOf is total bytes before over total bytes after. What a repeat has after
// compression follows from its ratio, so whatever a ratio counts as "after"
// (batch headers or not), the whole counts the same.
func ratioOf(repeats []Repeat) float64 {
	var before, after float64
	for _, r := range repeats {
		if r.CompressionRatio > 0 && r.BytesRecords > 0 {
			before += float64(r.BytesRecords)
			after += float64(r.BytesRecords) / r.CompressionRatio
		}
	}
	if after == 0 {
		return 0
	}
	return before / after
}

func medianOf(repeats []Repeat, figure func(Repeat) float64) float64 {
	values := make([]float64, 0, len(repeats))
	for _, r := range repeats {
		values = append(values, figure(r))
	}
	return Median(values)
}

// Median is the middle value, or the mean of the two middle ones; 0 when there
// is none. (gonum's interpolating quantile says 2 for 1, 2, 3, 4.)
func Median(values []float64) float64 { return stats.Median(values) }

// Range is the least and the greatest of a figure over repeats; 0 and 0 when
// there are none.
func Range(repeats []Repeat, figure func(Repeat) float64) (least, greatest float64) {
	if len(repeats) == 0 {
		return 0, 0
	}
	least, greatest = math.Inf(1), math.Inf(-1)
	for _, r := range repeats {
		least, greatest = min(least, figure(r)), max(greatest, figure(r))
	}
	return least, greatest
}
