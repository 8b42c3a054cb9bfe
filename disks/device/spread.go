package device

import (
	"math"
	"math/rand/v2"
	"time"
)

// Shape is a family of distributions.
type Shape uint8

// The shapes of a Spread.
const (
	// LogNormal goes through the two percentiles; P99 of 0 means that every
	// value is P50.
	LogNormal Shape = iota
	// Exponential has the median P50, and so the mean P50 / ln 2; P99 is not
	// used. It is for checks against queueing theory.
	Exponential
)

// Spread is how long something takes, which differs from time to time. The zero
// Spread takes no time.
type Spread struct {
	Shape    Shape
	P50, P99 time.Duration
}

// normalP99 is the 99th percentile of the standard normal distribution.
const normalP99 = 2.3263478740408408

func (s Spread) check(c *checks, field string) {
	c.that(s.P50 >= 0, field, "must not be negative")
	c.that(s.P99 == 0 || s.P99 >= s.P50 && s.P50 > 0, field, "must have a p99 that is not below the p50")
	c.that(s.Shape == LogNormal || s.P99 == 0, field, "of exponential shape has no p99")
}

// sampler draws from a Spread.
type sampler struct {
	shape  Shape
	median float64 // ns
	sigma  float64 // of the logarithm; 0 for a fixed value
}

func newSampler(s Spread) sampler {
	d := sampler{shape: s.Shape, median: float64(s.P50)}
	if s.P99 > s.P50 && s.P50 > 0 {
		d.sigma = math.Log(float64(s.P99)/float64(s.P50)) / normalP99
	}
	return d
}

// draw returns the next value in ns. A fixed value draws nothing.
func (d *sampler) draw(rng *rand.Rand) int64 {
	switch {
	case d.median == 0:
		return 0
	case d.shape == Exponential:
		return int64(d.median / math.Ln2 * rng.ExpFloat64())
	case d.sigma == 0:
		return int64(d.median)
	}
	return int64(d.median * math.Exp(d.sigma*rng.NormFloat64()))
}
