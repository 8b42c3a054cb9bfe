package payload

import (
	"fmt"
	"math"

	"brokerlab/workloads/chance"
)

// Sizes says how large records are, in bytes. The size of a record is a function of
// the bits that its name is hashed to. The zero value has no sizes; a Sizes never
// changes.
type Sizes struct {
	fixed    int
	min, max int
	mean     float64
	levels   [][]uint32    // log-normal
	weights  *chance.Alias // empirical
	values   []uint32
}

// Fixed is one size.
func Fixed(bytes int) *Sizes {
	return &Sizes{fixed: bytes, min: bytes, max: bytes, mean: float64(bytes)}
}

// Uniform is each size of min to max as often as any other.
func Uniform(min, max int) (*Sizes, error) {
	if min < 0 || max < min {
		return nil, fmt.Errorf("payload: no size is within %d and %d bytes", min, max)
	}
	return &Sizes{min: min, max: max, mean: (float64(min) + float64(max)) / 2}, nil
}

// Weighted is a size and how often there are records of it.
type Weighted struct {
	Bytes  int
	Weight float64
}

// Empirical is the sizes of a list by their weights.
func Empirical(list []Weighted) (*Sizes, error) {
	s := &Sizes{}
	weights := make([]float64, len(list))
	sum := 0.0
	for i, w := range list {
		if w.Bytes < 0 || w.Bytes > math.MaxInt32 {
			return nil, fmt.Errorf("payload: size %d is not within 0 and %d bytes", w.Bytes, math.MaxInt32)
		}
		weights[i] = w.Weight
		s.values = append(s.values, uint32(w.Bytes))
		if w.Weight > 0 && sum == 0 {
			s.min = w.Bytes
		}
		if w.Weight > 0 {
			s.min, s.max = min(s.min, w.Bytes), max(s.max, w.Bytes)
		}
		s.mean += w.Weight * float64(w.Bytes)
		sum += w.Weight
	}
	var err error
	if s.weights, err = chance.NewAlias(weights); err != nil {
		return nil, fmt.Errorf("payload: sizes: %w", err)
	}
	s.mean /= sum
	return s, nil
}

// Limits of LogNormal.
const (
	SigmaMin = 0.01
	SigmaMax = 5
)

// LogNormalConfig describes sizes whose logarithms are normally distributed.
type LogNormalConfig struct {
	Mean  float64 // of the sizes, in bytes, before Min and Max cut it
	Sigma float64 // of the logarithms
	// Min is the size of what would be smaller. Sizes above Max are drawn anew.
	Min, Max int
}

// Log-normal sizes lie in tables: one of the lower half of all records, one of the
// lower half of the rest, and so on, so that the rare large ones are as exact as the
// others. Within a table one in levelSteps is interpolated.
const (
	levelSteps = 256
	levelsMax  = 40
)

// LogNormal is sizes whose logarithms are normally distributed.
func LogNormal(cfg LogNormalConfig) (*Sizes, error) {
	if !(cfg.Sigma >= SigmaMin && cfg.Sigma <= SigmaMax) {
		return nil, fmt.Errorf("payload: sigma %v is not within %v and %v", cfg.Sigma, SigmaMin, float64(SigmaMax))
	}
	if cfg.Min < 0 || float64(cfg.Max) <= cfg.Mean || float64(cfg.Min) > cfg.Mean || cfg.Max > math.MaxInt32 {
		return nil, fmt.Errorf("payload: mean size %v is not within %d and %d bytes", cfg.Mean, cfg.Min, cfg.Max)
	}
	mu := math.Log(cfg.Mean) - cfg.Sigma*cfg.Sigma/2
	below := normalBelow((math.Log(float64(cfg.Max)) - mu) / cfg.Sigma) // the share that is kept
	s := &Sizes{min: cfg.Min, max: cfg.Max}
	at := func(share float64) uint32 { // the size that a share of the records is below
		z := math.Sqrt2 * math.Erfinv(2*share*below-1)
		return uint32(math.Round(min(max(math.Exp(mu+cfg.Sigma*z), float64(cfg.Min)), float64(cfg.Max))))
	}
	for level := range levelsMax {
		from, width := 1-math.Ldexp(1, -level), math.Ldexp(1, -level-1)
		table := make([]uint32, levelSteps+1)
		for i := range table {
			table[i] = at(from + width*float64(i)/levelSteps)
		}
		mean := 0.0
		for i := range levelSteps {
			mean += (float64(table[i]) + float64(table[i+1])) / 2 / levelSteps
		}
		s.levels = append(s.levels, table)
		s.mean += mean * width
	}
	return s, nil
}

// normalBelow is the share of a normal distribution below z.
func normalBelow(z float64) float64 { return math.Erfc(-z/math.Sqrt2) / 2 }

// Mean is the mean size in bytes.
func (s *Sizes) Mean() float64 { return s.mean }

// Min and Max are the smallest and the largest size that there may be, in bytes.
func (s *Sizes) Min() int { return s.min }

// Max is the largest size that there may be, in bytes.
func (s *Sizes) Max() int { return s.max }

// Of is the size that the bits of a hash stand for.
func (s *Sizes) Of(hash uint64) int {
	switch {
	case s.fixed > 0:
		return s.fixed
	case s.levels != nil:
		return s.ofLevels(hash)
	case s.weights != nil:
		index, _ := s.weights.Draw(hash)
		return int(s.values[index])
	default:
		return s.min + int(chance.Scale(hash, uint64(s.max-s.min)+1))
	}
}

func (s *Sizes) ofLevels(hash uint64) int {
	level := 0
	for hash>>63 == 1 && level < levelsMax-1 {
		hash <<= 1
		level++
	}
	hash <<= 1
	if level >= levelsMax-1-8 { // few bits are left
		hash = chance.Mix(hash | 1)
	}
	table := s.levels[level]
	step := hash >> 56
	low, high := int64(table[step]), int64(table[step+1])
	part := int64(hash << 8 >> 32)
	return int(low + ((high-low)*part+1<<31)>>32) // rounded: rounding down would take half a byte off the mean
}
