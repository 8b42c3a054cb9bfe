package payload

import (
	"math"
	"time"

	"github.com/klauspost/compress/zstd"

	"brokerlab/engine/env"
)

// StatsBatchBytes is how many bytes of records Stats packs together.
const StatsBatchBytes = 128 << 10

// Stats says how compressible a source's values are, so that a result can state
// it: what a codec saves depends on it more than on the codec.
type Stats struct {
	// EntropyBitsPerByte is the Shannon entropy of the single bytes of the
	// content: what a coder without any memory could reach. Random has 8. Taken
	// from a megabyte of the corpus.
	EntropyBitsPerByte float64 `json:"entropy_bits_per_byte"`
	// ZstdRatioAlone is bytes before / after zstd's default level when each
	// record is packed by itself.
	ZstdRatioAlone float64 `json:"zstd_ratio_alone"`
	// ZstdRatioBatch is the same when StatsBatchBytes of records are packed
	// together.
	ZstdRatioBatch float64 `json:"zstd_ratio_batch"`
	// Redundancy is ZstdRatioBatch / ZstdRatioAlone: what records have in common.
	// 1 is nothing; a payload that repeats one message has hundreds.
	Redundancy float64 `json:"redundancy"`
}

// Stats packs the first records of producer 0 and takes a few
// milliseconds. The same source gives the same figures.
func (s *Source) Stats() (Stats, error) {
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedDefault))
	if err != nil {
		return Stats{}, err
	}
	defer encoder.Close()
	var batch, packed []byte
	alone := 0
	count := max(StatsBatchBytes/int(s.sizes.Mean()), 2)
	for i := range count {
		from := len(batch)
		// Due 1 ms apart: the header of real values counts too.
		batch = s.Append(batch, ID{Sequence: uint64(i)}, env.Time(i)*env.Time(time.Millisecond))
		packed = encoder.EncodeAll(batch[from:], packed[:0])
		alone += len(packed)
	}
	packed = encoder.EncodeAll(batch, packed[:0])
	st := Stats{
		EntropyBitsPerByte: entropy(s.corpus[:1<<20]),
		ZstdRatioAlone:     float64(len(batch)) / float64(alone),
		ZstdRatioBatch:     float64(len(batch)) / float64(len(packed)),
	}
	st.Redundancy = st.ZstdRatioBatch / st.ZstdRatioAlone
	return st, nil
}

// entropy is the Shannon entropy of b's single bytes, in bits per byte.
func entropy(b []byte) float64 {
	var counts [256]int
	for _, c := range b {
		counts[c]++
	}
	sum := 0.0
	for _, n := range counts {
		if n > 0 {
			p := float64(n) / float64(len(b))
			sum -= p * math.Log2(p)
		}
	}
	return sum
}
