package arrival

import (
	"math"
	"math/bits"
)

// wide is a whole number of 128 bits.
type wide struct{ hi, lo uint64 }

// product is a * b.
func product(a, b uint64) wide {
	hi, lo := bits.Mul64(a, b)
	return wide{hi, lo}
}

func (a wide) plus(b wide) wide {
	lo, carry := bits.Add64(a.lo, b.lo, 0)
	hi, carry := bits.Add64(a.hi, b.hi, carry)
	if carry != 0 {
		panic("arrival: a sum of more than 128 bits")
	}
	return wide{hi, lo}
}

// minus is a - b, which is not negative.
func (a wide) minus(b wide) wide {
	lo, borrow := bits.Sub64(a.lo, b.lo, 0)
	hi, borrow := bits.Sub64(a.hi, b.hi, borrow)
	if borrow != 0 {
		panic("arrival: a difference below 0")
	}
	return wide{hi, lo}
}

func (a wide) less(b wide) bool { return a.hi < b.hi || a.hi == b.hi && a.lo < b.lo }

// over is a / b rounded down, and the rest. The quotient has 64 bits.
func (a wide) over(b uint64) (quotient, rest uint64) { return bits.Div64(a.hi, a.lo, b) }

// quotient is a / b rounded down, or the largest number of 64 bits if it is more.
func (a wide) quotient(b wide) uint64 {
	if b.hi == 0 {
		if a.hi >= b.lo {
			return math.MaxUint64
		}
		out, _ := a.over(b.lo)
		return out
	}
	// By the first 64 digits of b, which is a little too much.
	shift := bits.Len64(b.hi)
	first := b.hi<<(64-shift) | b.lo>>shift
	out, _ := bits.Div64(a.hi>>shift, a.hi<<(64-shift)|a.lo>>shift, first)
	for a.less(b.times(out)) {
		out--
	}
	return out
}

// overUp is a / b rounded up.
func (a wide) overUp(b uint64) uint64 {
	quotient, rest := a.over(b)
	if rest != 0 {
		quotient++
	}
	return quotient
}

// times is a * b.
func (a wide) times(b uint64) wide {
	out := product(a.lo, b)
	over, hi := bits.Mul64(a.hi, b)
	hi, carry := bits.Add64(out.hi, hi, 0)
	if over != 0 || carry != 0 {
		panic("arrival: a product of more than 128 bits")
	}
	return wide{hi, out.lo}
}

func (a wide) float() float64 { return float64(a.hi)*(1<<64) + float64(a.lo) }

// squared is a * x * x / of, rounded down, and whether something was left. x is at
// most of, so that the result is at most a * of.
func squared(a, x, of uint64) (quotient wide, exact bool) {
	ax := product(a, x)
	// Three words: ax * x.
	mid, low := bits.Mul64(ax.lo, x)
	high, top := bits.Mul64(ax.hi, x)
	mid, carry := bits.Add64(mid, top, 0)
	high += carry
	_, rest := bits.Div64(0, high, of) // the quotient of the first word is 0: ax * x / of fits in two
	hi, rest := bits.Div64(rest, mid, of)
	lo, rest := bits.Div64(rest, low, of)
	return wide{hi, lo}, rest == 0
}
