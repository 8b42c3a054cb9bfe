package records

import (
	"fmt"

	"brokerlab/engine/codec"
	"brokerlab/engine/env"
	"brokerlab/engine/producer"
	"brokerlab/engine/record"
)

// CodecRatio is how often smaller a codec makes batches.
type CodecRatio struct {
	Codec string  `json:"codec"`
	Ratio float64 `json:"ratio"`
}

// ratioBatches is how many batches are packed, in different parts of the records.
const ratioBatches = stretches

// kafkaLevels are the levels that Kafka has unless told otherwise.
var kafkaLevels = []struct {
	kind  codec.Type
	level int
}{{codec.Gzip, -1}, {codec.Snappy, 0}, {codec.LZ4, 9}, {codec.Zstd, 3}}

// Ratios packs records sections of batches of about batchBytes with every codec at
// Kafka's levels, as a producer would send them.
func (s *Source) Ratios(batchBytes int) ([]CodecRatio, error) {
	var batches [][]byte
	for part := range ratioBatches {
		section, err := s.section(part, batchBytes)
		if err != nil {
			return nil, err
		}
		batches = append(batches, section)
	}
	out := make([]CodecRatio, 0, len(kafkaLevels))
	for _, l := range kafkaLevels {
		c, err := codec.NewCompressor(l.kind, l.level)
		if err != nil {
			return nil, fmt.Errorf("records: %w", err)
		}
		var before, after int64
		for _, b := range batches {
			packed, err := c.Append(nil, b)
			if err != nil {
				return nil, fmt.Errorf("records: %w", err)
			}
			before, after = before+int64(len(b)), after+int64(len(packed))
		}
		out = append(out, CodecRatio{Codec: l.kind.String(), Ratio: ratio(before, after)})
	}
	return out, nil
}

// section makes the records section of one batch.
func (s *Source) section(part, batchBytes int) (section []byte, err error) {
	st, err := s.streamAt(part)
	if err != nil {
		return nil, err
	}
	first := uint64(0)
	if s.cfg.Samples == nil {
		first = uint64(part) * stretchGap
	}
	var buf []byte
	for i := uint64(0); len(section) < batchBytes; i++ {
		rec := producer.Record{Cookie: first + i, Intended: env.Time(1e9 + (first+i)*corpusGap)}
		if buf, err = st.Fill(&rec, buf[:0]); err != nil {
			return nil, err
		}
		at := int64(i * corpusGap / 1e6)
		section = record.AppendRecord(section, int32(i), at, rec.Key, rec.Value, rec.Headers)
	}
	return section, nil
}
