package arrival

import (
	"errors"
	"fmt"
	"math"
	"time"

	"brokerlab/engine/env"
)

// Limits of a constant rate, over all producers. That of a curve may be less, and 0.
const (
	RateMax = 1e9  // records per second
	RateMin = 1e-3 // records per second
)

// PieceMax is the longest piece of a curve, and the longest curve.
const PieceMax = 1000 * time.Hour

// rateUnit: rates are kept in whole millionths of a record per second.
const rateUnit = 1_000_000

// recordParts is one record in parts, of which a rate of one rateUnit makes two in a
// nanosecond: so that the area under a line between two rates is a whole number too.
const recordParts = 2 * 1_000_000_000 * rateUnit

// forever is the length of what follows a curve's last piece.
const forever = math.MaxInt64

// Piece is a part of a rate curve: a rate that goes in a straight line from one
// figure to another.
type Piece struct {
	Length   time.Duration
	From, To float64 // records per second over all producers
}

// After is what follows the last piece of a curve.
type After int

// What may follow a curve.
const (
	Hold After = iota // the last rate goes on
	Loop              // the curve begins again
	Stop              // nothing comes any more
)

// Curve is a rate over time, from the start of a load. It does not change, so that
// all producers of a load share it. Its integral is kept exactly.
type Curve struct {
	source []Piece
	pieces []piece // with what follows the last one of Hold and Stop
	after  After
	length uint64 // ns of the source
	area   wide   // records within it, in recordParts
}

// piece is a Piece in the units of a curve.
type piece struct {
	start, length uint64 // ns
	from, to      uint64 // in rateUnit
	before, area  wide   // records before it and in it, in recordParts
}

// Steady returns the curve of one rate.
func Steady(ratePerSec float64) (*Curve, error) {
	return NewCurve([]Piece{{time.Second, ratePerSec, ratePerSec}}, Hold)
}

// NewCurve returns the curve of these pieces.
func NewCurve(pieces []Piece, after After) (*Curve, error) {
	c := &Curve{source: append([]Piece(nil), pieces...), after: after}
	for i, p := range pieces {
		for _, rate := range []float64{p.From, p.To} {
			if !(rate >= 0 && rate <= RateMax) {
				return nil, fmt.Errorf("arrival: rate of %v records/s is not within 0 and %v", rate, RateMax)
			}
		}
		if p.Length <= 0 || p.Length > PieceMax || c.length+uint64(p.Length) > uint64(PieceMax) {
			return nil, fmt.Errorf("arrival: piece %d of a curve has a length of %v: it is above 0, and the whole at most "+
				"%v", i+1, p.Length, PieceMax)
		}
		c.add(uint64(p.Length), inUnits(p.From), inUnits(p.To))
	}
	if c.area == (wide{}) {
		return nil, errors.New("arrival: a curve has no rate above 0")
	}
	c.goOn()
	return c, nil
}

// goOn adds what follows the last piece.
func (c *Curve) goOn() {
	length, area := c.length, c.area
	last := &c.pieces[len(c.pieces)-1]
	switch {
	case c.after == Hold && last.from == last.to:
		last.length, last.area = forever, product(2*last.to, forever)
	case c.after == Hold:
		c.add(forever, last.to, last.to)
	case c.after == Stop:
		c.add(forever, 0, 0)
	}
	c.length, c.area = length, area
}

func inUnits(ratePerSec float64) uint64 { return uint64(math.Round(ratePerSec * rateUnit)) }

func (c *Curve) add(length, from, to uint64) {
	p := piece{start: c.length, length: length, from: from, to: to, before: c.area, area: product(from+to, length)}
	c.pieces = append(c.pieces, p)
	c.length, c.area = c.length+length, c.area.plus(p.area)
}

// upTo is how many records are due before x ns of a piece have passed, in
// recordParts, rounded up.
func (p *piece) upTo(x uint64) wide {
	flat := product(2*p.from, x)
	switch {
	case p.to > p.from:
		bend, exact := squared(p.to-p.from, x, p.length)
		if !exact {
			bend = bend.plus(wide{lo: 1})
		}
		return flat.plus(bend)
	case p.to < p.from:
		bend, _ := squared(p.from-p.to, x, p.length)
		return flat.minus(bend)
	}
	return flat
}

// instant is the last nanosecond of a piece, from its start, up to which no more than
// position is due. It lies within the piece: position is below its area. rest is what
// was rounded down, in 1 / (2 rate) ns, of a piece of one rate.
func (p *piece) instant(position wide) (x, rest uint64) {
	if p.from == p.to {
		return position.over(2 * p.from)
	}
	// 2 from x + slope x^2 = position, solved without cancellation; then exactly.
	from, slope := float64(p.from), (float64(p.to)-float64(p.from))/float64(p.length)
	root := math.Sqrt(math.Max(0, from*from+slope*position.float()))
	guess := math.Min(position.float()/(from+root), float64(p.length-1))
	if !(guess >= 0) {
		guess = 0 // of 0 / 0
	}
	fits := func(x uint64) bool { return !position.less(p.upTo(x)) }
	low, high := uint64(guess), p.length // fits(low), not fits(high)
	for step := uint64(1); !fits(low); step *= 2 {
		high, low = low, low-min(step, low)
	}
	for step := uint64(1); low+step < high; step *= 2 {
		if !fits(low + step) {
			high = low + step
			break
		}
		low += step
	}
	for high-low > 1 {
		if middle := low + (high-low)/2; fits(middle) {
			low = middle
		} else {
			high = middle
		}
	}
	return low, 0
}

// before is how many records are due before an offset, in recordParts, rounded up.
func (c *Curve) before(offset uint64) wide {
	var out wide
	if c.after == Loop {
		laps := offset / c.length
		out, offset = c.area.times(laps), offset%c.length
	}
	low, high := 0, len(c.pieces)-1 // the last piece that begins at or before the offset
	for low < high {
		if middle := (low + high + 1) / 2; c.pieces[middle].start <= offset {
			low = middle
		} else {
			high = middle - 1
		}
	}
	p := &c.pieces[low]
	return out.plus(p.before).plus(p.upTo(min(offset-p.start, p.length)))
}

// Count is how many records of an evenly spaced load are due before an offset from
// its start: the integral of the rate, rounded up, since the first is due at once.
func (c *Curve) Count(offset time.Duration) int64 {
	return int64(c.before(uint64(max(0, offset))).overUp(recordParts))
}

// Mean is the mean rate between two offsets, in records per second.
func (c *Curve) Mean(from, to time.Duration) float64 {
	if to <= from {
		return 0
	}
	area := c.before(uint64(to)).minus(c.before(uint64(from)))
	return area.float() / recordParts / (to - from).Seconds()
}

// Length is that of the pieces.
func (c *Curve) Length() time.Duration { return time.Duration(c.length) }

// Scaled is the curve with all rates times one factor, with which its mean over the
// first part of that length is meanPerSec.
func (c *Curve) Scaled(meanPerSec float64, over time.Duration) (*Curve, error) {
	mean := c.Mean(0, over)
	if mean == 0 {
		return nil, fmt.Errorf("arrival: nothing is due within %v, which no factor makes a mean of %v records/s",
			over, meanPerSec)
	}
	pieces := append([]Piece(nil), c.source...)
	for i := range pieces {
		pieces[i].From *= meanPerSec / mean
		pieces[i].To *= meanPerSec / mean
	}
	return NewCurve(pieces, c.after)
}

// cursor is a place on a curve, which only moves on.
type cursor struct {
	curve *Curve
	lap   uint64 // ns from the start of the load to that of the lap
	base  wide   // records before the lap
	index int    // of the piece
	end   wide   // records up to the end of the piece
	start uint64 // of the piece, since the start of the load
}

func (c *Curve) begin() cursor {
	at := cursor{curve: c}
	at.enter()
	return at
}

func (at *cursor) enter() {
	p := &at.curve.pieces[at.index]
	at.start, at.end = at.lap+p.start, at.base.plus(p.before).plus(p.area)
}

// seek moves on to the piece in which a position is due; ok is false if it never is.
func (at *cursor) seek(position wide) (p *piece, ok bool) {
	c := at.curve
	if c.after == Loop && !position.less(at.base.plus(c.area)) {
		laps := position.minus(at.base).quotient(c.area)
		if laps > (uint64(env.Never)-at.lap)/c.length {
			return nil, false
		}
		at.lap, at.base, at.index = at.lap+laps*c.length, at.base.plus(c.area.times(laps)), 0
		at.enter()
	}
	for !position.less(at.end) {
		if at.index++; at.index == len(c.pieces) {
			at.index--
			return nil, false
		}
		at.enter()
	}
	return &c.pieces[at.index], true
}

// within is a position from the start of the piece.
func (at *cursor) within(position wide) wide {
	return position.minus(at.base.plus(at.curve.pieces[at.index].before))
}
