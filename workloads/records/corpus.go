package records

import (
	"fmt"
	"math"

	"github.com/klauspost/compress/zstd"

	"brokerlab/engine/env"
	"brokerlab/engine/producer"
	"brokerlab/results"
	"brokerlab/workloads/keys"
)

// What Corpus looks at.
const (
	// together is how many records are packed together.
	together = 1000
	// togetherBytes bounds their bytes.
	togetherBytes = 4 << 20
	// stretches is from how many parts of the records that many are taken.
	stretches = 4
	// stretchGap is how many records of those that are made lie between two of them.
	stretchGap = 1_000_000
	// corpusGap is how far apart records are due, in ns: a number without a pattern that
	// would compress. What names a made record is part of its value.
	corpusGap = 333_331
)

// Corpus computes how compressible the values of records are: what a codec saves
// depends on it more than on the codec. It looks at four stretches of 1,000 records that
// one producer sends one after the other, in different parts of the file or of what is
// made, or of fewer where they are large; which takes some 100 ms. The same records
// give the same figures.
func (s *Source) Corpus() (results.Corpus, error) {
	encoder, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedDefault),
		zstd.WithEncoderCRC(false)) // batches have none, and of a small record it would be a tenth
	if err != nil {
		return results.Corpus{}, err
	}
	defer encoder.Close()
	c := corpus{encoder: encoder}
	for i := range stretches {
		if err := c.stretch(s, i); err != nil {
			return results.Corpus{}, err
		}
		if f := s.cfg.Samples; f != nil && f.Records() <= together {
			break // the others are the same
		}
	}
	out := results.Corpus{
		EntropyBits: c.entropy(), RatioAlone: ratio(c.bytes, c.alone), RatioTogether: ratio(c.bytes, c.packed),
		Records: c.records, Together: c.most,
	}
	if f := s.cfg.Samples; f != nil {
		out.Payload, out.MeanBytes = "file:"+f.Name(), f.MeanBytes()
		out.File = &results.CorpusFile{Path: f.Name(), Format: string(f.Format()), Bytes: f.FileBytes(),
			Records: int64(f.Records()), SHA256: f.SHA256()}
	} else {
		out.Payload, out.MeanBytes = string(s.cfg.Payload.Kind), s.values.Sizes().Mean()
	}
	if s.cfg.KeyFrom != nil {
		out.WithoutKey = float64(c.keyless) / float64(c.records)
	}
	return out, nil
}

// corpus gathers what records hold.
type corpus struct {
	encoder *zstd.Encoder
	values  []byte // of one stretch
	buf     []byte
	counts  [256]int64
	bytes   int64
	alone   int64 // packed one by one
	packed  int64 // packed together
	records int
	most    int // of one stretch
	keyless int
}

// stretch takes the records of one part.
func (c *corpus) stretch(s *Source, part int) error {
	st, err := s.streamAt(part)
	if err != nil {
		return err
	}
	limit := together
	if f := s.cfg.Samples; f != nil {
		limit = int(min(together, f.Records()))
	}
	first := uint64(0)
	if s.cfg.Samples == nil {
		first = uint64(part) * stretchGap
	}
	c.values = c.values[:0]
	taken := 0
	for i := range limit {
		if i > 1 && len(c.values) > togetherBytes {
			break
		}
		rec := producer.Record{Cookie: first + uint64(i), Intended: env.Time(1e9 + (first+uint64(i))*corpusGap)}
		if c.buf, err = st.Fill(&rec, c.buf[:0]); err != nil {
			return err
		}
		if rec.Key == nil {
			c.keyless++
		}
		from := len(c.values)
		c.values = append(c.values, rec.Value...)
		c.buf = c.encoder.EncodeAll(c.values[from:], c.buf[:0])
		c.alone += int64(len(c.buf))
		taken++
	}
	for _, b := range c.values {
		c.counts[b]++
	}
	c.bytes += int64(len(c.values))
	c.buf = c.encoder.EncodeAll(c.values, c.buf[:0])
	c.packed += int64(len(c.buf))
	c.records += taken
	c.most = max(c.most, taken)
	return nil
}

// streamAt begins a stream in one of the parts of a file.
func (s *Source) streamAt(part int) (*Stream, error) {
	if s.cfg.Samples == nil {
		return s.Stream(uint16(s.cfg.First))
	}
	all := *s
	all.cfg.First, all.cfg.Producers = 0, stretches
	return all.Stream(uint16(part))
}

// entropy is the Shannon entropy of the single bytes, in bits per byte.
func (c *corpus) entropy() float64 {
	sum := 0.0
	for _, n := range c.counts {
		if n > 0 {
			p := float64(n) / float64(c.bytes)
			sum -= float64(p * math.Log2(p))
		}
	}
	return sum
}

// ratio is 0 where there is nothing.
func ratio(before, after int64) float64 {
	if before == 0 || after == 0 {
		return 0
	}
	return float64(before) / float64(after)
}

// CheckKey returns an error that says what is missing if there is no key in what a
// record holds.
func CheckKey(from KeyFrom, content []byte) error {
	if _, ok := from.Of(content); ok {
		return nil
	}
	return fmt.Errorf("it has no key: %s", what(from))
}

func what(from KeyFrom) string {
	switch k := from.(type) {
	case keys.Path:
		return "no field " + k.String()
	case keys.Column:
		return fmt.Sprintf("no column %d", k.Number)
	}
	return "nothing in it is one"
}
