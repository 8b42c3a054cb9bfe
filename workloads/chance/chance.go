// Package chance turns the bits of a hash into draws, so that what a record holds is
// a function of the record's name and the run's seed: nobody needs to know what was
// drawn before. It is pure, allocates nothing after a table is made, and promises
// nothing to cryptographers.
package chance

import (
	"fmt"
	"math/bits"
)

// Mix is the finalizer of splitmix64: every input bit changes half of the output.
func Mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// Scale maps a hash evenly onto 0..n-1.
func Scale(hash, n uint64) uint64 {
	hi, _ := bits.Mul64(hash, n)
	return hi
}

// Alias draws an index with the frequency of its weight, in constant time (Walker's
// alias method): of as many equally wide columns, each belongs to one index up to a
// height, and to another one above it.
type Alias struct {
	columns []column
}

type column struct {
	height uint64 // of 2^64
	above  uint32
}

// NewAlias makes the table of weights, of which none is negative and one is positive.
func NewAlias(weights []float64) (*Alias, error) {
	sum := 0.0
	for i, w := range weights {
		if !(w >= 0) || w > 1e300 {
			return nil, fmt.Errorf("chance: weight %d is %v", i, w)
		}
		sum += w
	}
	if !(sum > 0) || sum > 1e300 || len(weights) > 1<<31 {
		return nil, fmt.Errorf("chance: %d weights of together %v cannot be drawn from", len(weights), sum)
	}
	n := len(weights)
	a := &Alias{columns: make([]column, n)}
	share := make([]float64, n) // of a column's area
	var small, large []uint32
	for i, w := range weights {
		share[i] = w / sum * float64(n)
		if share[i] < 1 {
			small = append(small, uint32(i))
		} else {
			large = append(large, uint32(i))
		}
	}
	for len(small) > 0 && len(large) > 0 {
		s, l := small[len(small)-1], large[len(large)-1]
		small = small[:len(small)-1]
		a.columns[s] = column{height: uint64(share[s] * (1 << 63) * 2), above: l}
		share[l] -= 1 - share[s]
		if share[l] < 1 {
			large = large[:len(large)-1]
			small = append(small, l)
		}
	}
	// What is left is 1 but for rounding.
	for _, rest := range [][]uint32{small, large} {
		for _, i := range rest {
			a.columns[i] = column{height: 1<<64 - 1, above: i}
		}
	}
	return a, nil
}

// Len is how many weights there are.
func (a *Alias) Len() int { return len(a.columns) }

// Draw returns an index for the bits of a hash, and bits that are left for other use.
func (a *Alias) Draw(hash uint64) (index int, left uint64) {
	hi, lo := bits.Mul64(hash, uint64(len(a.columns)))
	c := &a.columns[hi]
	if lo < c.height {
		return int(hi), Mix(lo ^ 0x9e3779b97f4a7c15)
	}
	return int(c.above), Mix(lo ^ 0x9e3779b97f4a7c15)
}
