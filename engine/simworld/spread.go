package simworld

import (
	"fmt"
	"math/bits"
	"math/rand/v2"
	"time"
)

// Spread is how a delay varies, by its quantiles, which do not fall. The zero value
// is no delay.
//
// A delay that is drawn lies on straight lines through them: a tenth of all delays
// take P10 and one in a thousand takes P999, beyond which the model does not go.
type Spread struct {
	P10, P50, P90, P99, P999 time.Duration
}

// Fixed is a delay that does not vary.
func Fixed(d time.Duration) Spread { return Spread{P10: d, P50: d, P90: d, P99: d, P999: d} }

func (s *Spread) list() [5]time.Duration { return [5]time.Duration{s.P10, s.P50, s.P90, s.P99, s.P999} }

// validate returns an error for quantiles that are negative or fall.
func (s *Spread) validate(what string) error {
	last := time.Duration(0)
	for _, d := range s.list() {
		if d < last {
			return fmt.Errorf("simworld: quantiles of %s are negative or fall: %v", what, s.list())
		}
		last = d
	}
	return nil
}

// quantileShares are the shares of delays below the quantiles, of 2^32.
var quantileShares = [5]uint64{429496730, 2147483648, 3865470566, 4252017623, 4290672329}

// delays draws from a Spread.
type delays struct {
	fixed     int64 // ns; the median of what varies
	rand      *rand.Rand
	quantiles [5]int64 // ns
}

// newDelays needs a generator of its own for what varies, so that others' numbers
// stay the same.
func newDelays(s Spread, seed uint64, stream string) delays {
	d := delays{fixed: int64(s.P50)}
	for i, q := range s.list() {
		d.quantiles[i] = int64(q)
	}
	if s != Fixed(s.P50) {
		d.rand = newRand(seed, stream)
	}
	return d
}

// next is a delay in ns.
func (d *delays) next() int64 {
	if d.rand == nil {
		return d.fixed
	}
	u := uint64(d.rand.Uint32())
	if u < quantileShares[0] {
		return d.quantiles[0]
	}
	for i := 1; i < len(quantileShares); i++ {
		if u < quantileShares[i] {
			return d.quantiles[i-1] + int64(mulDiv(uint64(d.quantiles[i]-d.quantiles[i-1]),
				u-quantileShares[i-1], quantileShares[i]-quantileShares[i-1]))
		}
	}
	return d.quantiles[len(d.quantiles)-1]
}

// mulDiv is a*b/c, exactly and rounded down; a*b may be longer than 64 bits.
func mulDiv(a, b, c uint64) uint64 {
	high, low := bits.Mul64(a, b)
	if high >= c {
		panic(fmt.Sprintf("simworld: %d * %d / %d is longer than 64 bits", a, b, c))
	}
	quotient, _ := bits.Div64(high, low, c)
	return quotient
}
