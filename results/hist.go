package results

import (
	"fmt"
	"math/bits"
	"time"

	hdrhistogram "github.com/HdrHistogram/hdrhistogram-go"
)

// The range of every latency histogram, in nanoseconds. Three digits up to a
// minute cost 216 KiB; four would cost 2.9 MiB and tell nothing more.
const (
	HistogramLowest  int64 = 1
	HistogramHighest int64 = 60_000_000_000
	HistogramDigits        = 3
)

// NewHistogram makes an empty latency histogram, in nanoseconds. It holds its
// whole range (216 KiB), so that recording never allocates.
func NewHistogram() *hdrhistogram.Histogram {
	return hdrhistogram.New(HistogramLowest, HistogramHighest, HistogramDigits)
}

// Distribution is what Summarize asks of a histogram; the dense and the packed
// kind both have it.
type Distribution interface {
	TotalCount() int64
	ValueAtPercentile(percentile float64) int64
	Max() int64
	Mean() float64
}

// Summarize gives the figures of one histogram in nanoseconds, and overflow, the
// number of values that were outside its range. Percentiles and Max are the
// highest value that three digits cannot tell from the recorded one, so at most
// 0.1 % above it: an exact maximum beside them could be below the p99.9. All
// figures of an empty histogram are 0.
func Summarize(h Distribution, overflow int64) Latency {
	l := Latency{Count: h.TotalCount(), Overflow: overflow}
	if l.Count == 0 {
		return l
	}
	l.P50 = h.ValueAtPercentile(50)
	l.P90 = h.ValueAtPercentile(90)
	l.P99 = h.ValueAtPercentile(99)
	l.P999 = h.ValueAtPercentile(99.9)
	l.Max = h.Max()
	l.Mean = h.Mean()
	l.TooFew = tooFew(l.Count)
	return l
}

// Interval is a finished stretch of one repeat, usually a second, with the
// latencies that ended in it. It is packed: it costs memory for the values that
// occurred (some kilobytes), not for the range, so that hours of seconds are
// kept. It is not to be changed once made.
type Interval struct {
	Repeat int           // counts from 1
	Start  time.Duration // since the load of this repeat began
	Length time.Duration
	Warmup bool // not part of any measure
	// Overflow counts values outside the histogram's range; Hist has none of them.
	Overflow int64
	Hist     *hdrhistogram.PackedHistogram
}

// Latency summarises the interval.
func (i Interval) Latency() Latency { return Summarize(i.Hist, i.Overflow) }

// Measured merges the intervals that are not warm-up, of all repeats among them,
// into one histogram, and adds up their overflows. Histograms merge without
// loss; percentiles cannot be averaged.
func Measured(hs []Interval) (merged *hdrhistogram.Histogram, overflow int64) {
	merged = NewHistogram()
	for _, i := range hs {
		if i.Warmup {
			continue
		}
		if dropped := i.Hist.MergeInto(merged); dropped != 0 {
			panic(fmt.Sprintf("results: an interval of repeat %d has %d values outside the range of all histograms",
				i.Repeat, dropped))
		}
		overflow += i.Overflow
	}
	return merged, overflow
}

// OfRepeat gives the intervals of one repeat, which counts from 1.
func OfRepeat(hs []Interval, repeat int) []Interval {
	var of []Interval
	for _, i := range hs {
		if i.Repeat == repeat {
			of = append(of, i)
		}
	}
	return of
}

// Recorder counts latencies of the current interval. It has no lock: each task
// has its own, and whoever samples takes the interval at its end while the task
// cannot record. The zero value is not ready; use NewRecorder.
//
// It is the counters of a histogram alone, in the places that this gives them, which
// makes counting three times as fast.
type Recorder struct {
	counts   []int64 // by place
	overflow int64
}

// The places of a latency histogram, of the range and digits above: a latency up to
// 2,048 ns has its own, and each power of two from there on has 1,024.
const (
	placeBits = 11 // of a latency, that its place is made of
	places    = (36-placeBits)<<(placeBits-1) + 1<<placeBits
)

// placeOf is the place of a latency from 0 to HistogramHighest, which has 36 bits.
func placeOf(ns int64) int {
	shift := bits.Len64(uint64(ns)|(1<<placeBits-1)) - placeBits
	return shift<<(placeBits-1) + int(uint64(ns)>>(shift&63))
}

// lowestAt is the least latency of a place, in ns.
func lowestAt(place int) int64 {
	shift := max(0, place>>(placeBits-1)-1)
	return int64(place-shift<<(placeBits-1)) << shift
}

// NewRecorder makes an empty recorder of 216 KiB.
func NewRecorder() *Recorder { return &Recorder{counts: make([]int64, places)} }

// Record counts one latency in nanoseconds. One outside 0..HistogramHighest is
// counted as overflow: it is neither clamped nor dropped. It never allocates.
func (r *Recorder) Record(ns int64) {
	if uint64(ns) > uint64(HistogramHighest) {
		r.overflow++
		return
	}
	r.counts[placeOf(ns)]++
}

// RecordMany counts several latencies of the same length, as Record does.
func (r *Recorder) RecordMany(ns, count int64) {
	if uint64(ns) > uint64(HistogramHighest) {
		r.overflow += count
		return
	}
	r.counts[placeOf(ns)] += count
}

// Reset empties the current interval.
func (r *Recorder) Reset() {
	clear(r.counts)
	r.overflow = 0
}

// Span says which stretch of a run an interval is; see Interval.
type Span struct {
	Repeat int
	Start  time.Duration
	Length time.Duration
	Warmup bool
}

// Snapshot packs the current interval, which goes on.
func (r *Recorder) Snapshot(s Span) Interval {
	packed := hdrhistogram.NewPacked(HistogramLowest, HistogramHighest, HistogramDigits)
	for place, count := range r.counts {
		if count == 0 {
			continue
		}
		if err := packed.RecordValues(lowestAt(place), count); err != nil {
			panic("results: a latency within the range was refused: " + err.Error())
		}
	}
	packed.Compact()
	return Interval{Repeat: s.Repeat, Start: s.Start, Length: s.Length, Warmup: s.Warmup,
		Overflow: r.overflow, Hist: packed}
}

// Take packs the current interval and empties the recorder for the next one.
func (r *Recorder) Take(s Span) Interval {
	i := r.Snapshot(s)
	r.Reset()
	return i
}
