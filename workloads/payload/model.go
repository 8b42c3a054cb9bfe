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
	// AppendKey, if not nil, appends a record's key; all keys have KeyBytes.
	AppendKey func(dst []byte, id ID) []byte
	KeyBytes  int
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
// Of records of many sizes, or with keys, the ratio is interpolated instead: batches of
// as many bytes hold more or fewer of them, and what is told may be off by 5 %.
type Model struct {
	cfg        ModelConfig
	sizes      *Sizes
	salt       uint64
	source     *Source // nil without a codec
	compressor *codec.Compressor
	// points are by age and class; those that are not measured have no bytes.
	points  [64][]point
	records []byte // scratch
	value   []byte
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
	m := &Model{cfg: cfg, sizes: cfg.sizes(), salt: saltOf(cfg.Seed)}
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

// Alike says whether records differ in nothing but who they are: they have one size and
// no keys.
func (m *Model) Alike() bool { return m.sizes.fixed > 0 && m.cfg.AppendKey == nil }

// Size is the length of a record's value in bytes.
func (m *Model) Size(id ID) int {
	if m.sizes.fixed > 0 {
		return m.sizes.fixed
	}
	return m.sizes.Of(mix(mix(id.pack()^m.salt) ^ sizeSalt))
}

// AppendKey appends a record's key to dst; ok is false if records have none.
func (m *Model) AppendKey(dst []byte, id ID) (_ []byte, ok bool) {
	if m.cfg.AppendKey == nil {
		return dst, false
	}
	return m.cfg.AppendKey(dst, id), true
}

// recordBytes is about what a record takes in a batch.
func (m *Model) recordBytes() int { return int(m.sizes.Mean()) + m.cfg.KeyBytes + recordRest }

// CompressedBytes is the size that the codec makes of a records section of
// plainBytes that begins with a record that was due at an instant. The first calls of
// a size take some ten milliseconds.
func (m *Model) CompressedBytes(first ID, intended env.Time, plainBytes int) int {
	if m.source == nil {
		return plainBytes
	}
	class, records := 1, 2 // the first one that is larger
	for records*m.recordBytes() < plainBytes {
		class, records = class+1, nextClass(records)
	}
	age := ageOf(intended)
	m.measure(age, class) // both exist from here on
	m.measure(age, class-1)
	low, high := &m.points[age][class-1], &m.points[age][class]
	if !m.Alike() {
		return m.byRatio(low, high, first, plainBytes)
	}
	slope := (high.bytes - low.bytes) / (high.plainBytes - low.plainBytes)
	bytes := low.bytes + float64(slope*(float64(plainBytes)-low.plainBytes)) // never fused: one result everywhere
	like := low
	if float64(plainBytes)-low.plainBytes > high.plainBytes-float64(plainBytes) {
		like = high
	}
	return m.likeOne(like, bytes, first, plainBytes)
}

// likeOne differs from the mean as one of the batches that were measured did.
func (m *Model) likeOne(like *point, bytes float64, first ID, plainBytes int) int {
	bytes *= like.shares[scale(mix(first.pack()^m.salt), len(like.shares))]
	return min(max(1, int(bytes+0.5)), codec.MaxCompressedSize(m.cfg.Codec, plainBytes))
}

// byRatio interpolates between the ratios of two classes.
func (m *Model) byRatio(low, high *point, first ID, plainBytes int) int {
	part := 0.5
	if gap := high.plainBytes - low.plainBytes; gap > 0 {
		part = min(max((float64(plainBytes)-low.plainBytes)/gap, 0), 1)
	}
	of, to := low.bytes/low.plainBytes, high.bytes/high.plainBytes
	share := of + float64(part*(to-of)) // never fused
	like := low
	if part > 0.5 {
		like = high
	}
	return m.likeOne(like, float64(share*float64(plainBytes)), first, plainBytes)
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
// producer in the order of their sequences. Where records differ in size a batch is as
// large as so many of the mean size.
func (m *Model) sample(from env.Time, records int) point {
	batch := records * m.recordBytes()
	samples := min(max(sampleBytes/batch, samplesMin), samplesMax)
	var p point
	var plain []float64
	sequence := uint64(0)
	for range samples {
		m.records = m.records[:0]
		for i := 0; m.Alike() && i < records || !m.Alike() && len(m.records) < batch-m.recordBytes()/2; i++ {
			m.appendRecord(i, sequence, from+env.Time(sequence*sampleGap))
			sequence++
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
		plain = append(plain, float64(len(m.records)))
	}
	for i := range p.shares {
		p.shares[i] /= p.bytes
		if !m.Alike() {
			p.shares[i] *= p.plainBytes / plain[i]
		}
	}
	return p
}

// appendRecord appends a record to the section that is to be packed.
func (m *Model) appendRecord(i int, sequence uint64, due env.Time) {
	id := ID{Producer: 1, Sequence: sequence}
	m.value = m.source.Append(m.value[:0], id, due)
	var key []byte
	if at := len(m.value); m.cfg.AppendKey != nil {
		m.value = m.cfg.AppendKey(m.value, id)
		key = m.value[at:]
		m.value = m.value[:at]
	}
	m.records = record.AppendRecord(m.records, int32(i), int64(i)*sampleGap/1_000_000, key, m.value, nil)
}
