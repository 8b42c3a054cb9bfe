package payload

import (
	"encoding/binary"
	"math"
)

// A sample of Metrics, all integers big-endian:
//
//	byte  0      1         5            13
//	      +------+---------+------------+------------------------------------------+
//	      | type | series  | at         | gauge: float64; counter: uvarint;        |
//	      | 1..3 | 32 bits | 64 bits ms | histogram: 10 uvarints, float64 (sum)    |
//	      +------+---------+------------+------------------------------------------+
//
// One scrape of a host follows another, each with all series of the host; a host is
// scraped every ten seconds, some milliseconds more or less.
const (
	sampleGauge     = 1
	sampleCounter   = 2
	sampleHistogram = 3

	metricHosts   = 60
	metricsOfHost = 40
	metricBuckets = 10
	scrapeEvery   = 10_000 // ms
)

// series is one time series between two scrapes.
type series struct {
	id      uint32
	kind    byte
	value   float64
	digits  float64 // of what is rounded, 1/unit; 0: not
	count   uint64
	rate    int // of a counter, at most, per scrape; 0: idle
	buckets [metricBuckets]uint64
}

// appendSamples makes the corpus of Metrics.
func appendSamples(dst []byte, draw *draws) ([]byte, []uint32) {
	all := make([]series, metricHosts*metricsOfHost)
	for i := range all {
		all[i] = newSeries(draw, i)
	}
	starts := make([]uint32, 0, corpusBytes/20)
	at := uint64(1_767_225_600_000) // 2026-01-01, in ms
	for len(dst) < corpusBytes {
		for host := 0; host < metricHosts && len(dst) < corpusBytes; host++ {
			at += scrapeEvery / metricHosts
			scraped := at + uint64(draw.skewed(120))
			for i := range metricsOfHost {
				starts = append(starts, uint32(len(dst)))
				dst = all[host*metricsOfHost+i].appendNext(dst, draw, scraped)
			}
		}
	}
	for starts[len(starts)-1] >= corpusBytes {
		starts = starts[:len(starts)-1]
	}
	return dst, starts
}

func newSeries(draw *draws, i int) series {
	s := series{id: uint32(0x01000000 + 37*i), value: float64(draw.below(100_000)) / 1000}
	switch metric := i % metricsOfHost; {
	case metric < 22:
		s.kind = sampleGauge
		s.digits = [...]float64{0, 0, 1, 100, 1000}[metric%5]
	case metric < 36:
		s.kind, s.count = sampleCounter, draw.pcg.Uint64()>>(24+draw.below(30))
		if draw.chance(75) {
			s.rate = 1 << draw.below(22)
		}
	default:
		s.kind, s.rate = sampleHistogram, 1<<draw.below(12)
	}
	return s
}

// appendNext appends the series' value after another ten seconds.
func (s *series) appendNext(dst []byte, draw *draws, at uint64) []byte {
	dst = append(dst, s.kind)
	dst = binary.BigEndian.AppendUint32(dst, s.id)
	dst = binary.BigEndian.AppendUint64(dst, at)
	switch s.kind {
	case sampleGauge:
		if !draw.chance(35) { // else it has not changed
			step := float64(draw.below(2001)-1000) / 1000
			s.value = math.Abs(s.value + float64(step*(1+s.value/50)))
		}
		shown := s.value
		if s.digits > 0 {
			shown = math.Round(shown*s.digits) / s.digits
		}
		return binary.BigEndian.AppendUint64(dst, math.Float64bits(shown))
	case sampleCounter:
		if s.rate > 0 {
			s.count += uint64(draw.below(s.rate + 1))
		}
		return binary.AppendUvarint(dst, s.count)
	}
	for range draw.below(8) {
		at := draw.skewed(metricBuckets)
		seen := draw.below(s.rate + 1)
		s.value += float64(float64(seen) * float64(uint(1)<<at) * 0.0005)
		for i := at; i < metricBuckets; i++ { // cumulative
			s.buckets[i] += uint64(seen)
		}
	}
	for _, n := range s.buckets {
		dst = binary.AppendUvarint(dst, n)
	}
	return binary.BigEndian.AppendUint64(dst, math.Float64bits(s.value))
}
