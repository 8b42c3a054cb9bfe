package payload

import (
	"fmt"
	"math/bits"

	"brokerlab/engine/codec"
	"brokerlab/engine/env"
	"brokerlab/engine/record"
)

// ModelConfig says what records a run has that carries sizes instead of bytes.
type ModelConfig struct {
	Config // the corpus of Kind stands behind the sizes
	Codec  codec.Type
	Level  int // of the codec
	// Implementation is the library that compresses; the zero value is the default.
	Implementation codec.Implementation
}

// Model tells the sizes of batches whose records nobody makes. Without a codec
// there is nothing to tell, and no corpus is made. With one, what it makes of
// records sections of several sizes is measured, once each, with the real codec on
// real records; between two of them the mean is interpolated. Batches of one size
// differ in what they compress to, and producers close batches by what they expect:
// so a modelled batch differs from the mean as one of those that were measured did.
// The result depends on the configuration and the arguments alone, whatever is asked
// first. Of batches of fewer than ten records the mean may be off by 4 %: there names
// and instants, whose bytes depend on how records are numbered and paced, weigh more.
type Model struct {
	cfg        ModelConfig
	source     *Source // nil without a codec
	compressor *codec.Compressor
	// points are by age and class; those that are not measured have no bytes.
	points  [64][]point
	records []byte // scratch
	packed  []byte
}

// point is what records sections of a class, so many records, are compressed to on
// average.
type point struct {
	plainBytes float64
	bytes      float64
	shares     []float64 // of each batch: its compressed size in those of the mean
}

const (
	// sampleBytes is how much is compressed, at least, to measure one point.
	sampleBytes = 2 << 20
	// samplesMin and samplesMax bound the number of batches of a point.
	samplesMin, samplesMax = 16, 128
	// sampleGap is how far apart, in ns, the records of a sample are due: a number
	// without a pattern that would compress.
	sampleGap = 33_331
)

// ageOf is the number of bits of the instant at which a batch begins. The bytes that
// are not zero, and their values, are 3 % of what is left of a record in a small batch.
func ageOf(intended env.Time) int { return bits.Len64(uint64(intended)) }

// instantOf is one of an age.
func instantOf(age int) env.Time { return env.Time(uint64(1)<<age*3/4 + 1) }

// NewModel returns a model that has measured nothing yet.
func NewModel(cfg ModelConfig) (*Model, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	m := &Model{cfg: cfg}
	if cfg.Codec == codec.None {
		return m, nil
	}
	var err error
	if m.compressor, err = codec.NewCompressorOf(cfg.Codec, cfg.Level, cfg.Implementation); err != nil {
		return nil, fmt.Errorf("payload: %w", err)
	}
	m.source, err = New(cfg.Config)
	return m, err
}

// Size is the length of every value in bytes.
func (m *Model) Size() int { return m.cfg.Size }

// CompressedBytes is the size that the codec makes of a records section of
// plainBytes that begins with a record that was due at an instant. The first calls of
// a size take some ten milliseconds.
func (m *Model) CompressedBytes(first ID, intended env.Time, plainBytes int) int {
	if m.source == nil {
		return plainBytes
	}
	class, records := 1, 2 // the first one that is larger
	for records*(m.cfg.Size+recordRest) < plainBytes {
		class, records = class+1, nextClass(records)
	}
	age := ageOf(intended)
	m.measure(age, class) // both exist from here on
	m.measure(age, class-1)
	low, high := &m.points[age][class-1], &m.points[age][class]
	slope := (high.bytes - low.bytes) / (high.plainBytes - low.plainBytes)
	bytes := low.bytes + float64(slope*(float64(plainBytes)-low.plainBytes)) // never fused: one result everywhere
	like := low
	if float64(plainBytes)-low.plainBytes > high.plainBytes-float64(plainBytes) {
		like = high
	}
	bytes *= like.shares[scale(mix(first.pack()^m.source.salt), len(like.shares))]
	return min(max(1, int(bytes+0.5)), codec.MaxCompressedSize(m.cfg.Codec, plainBytes))
}

// recordRest is about what a record takes besides its value.
const recordRest = 8

// nextClass is the number of records of the next larger class, of which 0 has one:
// one in eight more. Codecs that cut their input into blocks compress a little less
// well behind each cut, so that the ratio goes up and down with the size.
func nextClass(records int) int { return records + max(1, records/8) }

// measure measures a class if it is not known.
func (m *Model) measure(age, class int) {
	for class >= len(m.points[age]) {
		m.points[age] = append(m.points[age], point{})
	}
	if m.points[age][class].bytes > 0 {
		return
	}
	records := 1
	for range class {
		records = nextClass(records)
	}
	m.points[age][class] = m.sample(instantOf(age), records)
}

// sample compresses batches of so many records, as they would be sent: those of one
// producer in the order of their sequences.
func (m *Model) sample(from env.Time, records int) point {
	batch := records * (m.cfg.Size + recordRest)
	samples := min(max(sampleBytes/batch, samplesMin), samplesMax)
	var p point
	var value []byte
	sequence := uint64(0)
	for range samples {
		m.records = m.records[:0]
		for i := range records {
			due := from + env.Time(sequence*sampleGap)
			value = m.source.Append(value[:0], ID{Producer: 1, Sequence: sequence}, due)
			sequence++
			m.records = record.AppendRecord(m.records, int32(i), int64(i)*sampleGap/1_000_000, nil, value, nil)
		}
		need := codec.MaxCompressedSize(m.cfg.Codec, len(m.records))
		if cap(m.packed) < need {
			m.packed = make([]byte, 0, need)
		}
		out, err := m.compressor.Append(m.packed[:0], m.records)
		if err != nil {
			panic(fmt.Sprintf("payload: valid records do not compress: %v", err))
		}
		p.plainBytes += float64(len(m.records)) / float64(samples)
		p.bytes += float64(len(out)) / float64(samples)
		p.shares = append(p.shares, float64(len(out)))
	}
	for i := range p.shares {
		p.shares[i] /= p.bytes
	}
	return p
}
