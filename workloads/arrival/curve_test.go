package arrival

import (
	"math/big"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"brokerlab/engine/env"
)

// exactCurve is a curve's integral in rational numbers, of any size: records due in
// the first ns of it.
func exactCurve(pieces []Piece, after After, ns int64) *big.Rat {
	sum := new(big.Rat)
	length := int64(0)
	for _, p := range pieces {
		length += int64(p.Length)
	}
	lap := func(ns int64) *big.Rat {
		sum := new(big.Rat)
		for _, p := range pieces {
			x := min(ns, int64(p.Length))
			from, to := int64(inUnits(p.From)), int64(inUnits(p.To))
			// from x + (to - from) x^2 / 2 length, rates in millionths a second, x in ns.
			area := new(big.Rat).SetFrac64(from, rateUnit)
			area.Mul(area, new(big.Rat).SetInt64(x))
			bend := new(big.Rat).SetFrac64(to-from, rateUnit)
			bend.Mul(bend, new(big.Rat).SetFrac64(x, 2*int64(p.Length)))
			bend.Mul(bend, new(big.Rat).SetInt64(x))
			sum.Add(sum, area.Add(area, bend))
			if ns -= x; ns == 0 {
				break
			}
		}
		return sum
	}
	switch {
	case ns <= length:
		sum = lap(ns)
	case after == Loop:
		sum = lap(length)
		sum.Mul(sum, new(big.Rat).SetInt64(ns/length))
		sum.Add(sum, lap(ns%length))
	default:
		sum = lap(length)
		if after == Hold {
			last := new(big.Rat).SetFrac64(int64(inUnits(pieces[len(pieces)-1].To)), rateUnit)
			sum.Add(sum, last.Mul(last, new(big.Rat).SetInt64(ns-length)))
		}
	}
	return sum.Quo(sum, new(big.Rat).SetInt64(1e9))
}

// drawCurve draws a curve with pieces of all kinds, and its pieces.
func drawCurve(t *rapid.T) (*Curve, []Piece, After) {
	after := rapid.SampledFrom([]After{Hold, Loop, Stop}).Draw(t, "after")
	rate := func(name string) float64 {
		scale := rapid.SampledFrom([]float64{0, 1e-6, 1e-3, 1, 1e3, 1e6, 1e9}).Draw(t, name+" scale")
		return float64(inUnits(scale*rapid.Float64Range(0, 1).Draw(t, name))) / rateUnit
	}
	var pieces []Piece
	for range rapid.IntRange(1, 6).Draw(t, "pieces") {
		p := Piece{From: rate("from")}
		if p.To = p.From; rapid.Bool().Draw(t, "ramp") {
			p.To = rate("to")
		}
		unit := rapid.SampledFrom([]time.Duration{1, time.Microsecond, time.Second, time.Hour}).Draw(t, "unit")
		p.Length = unit * time.Duration(rapid.IntRange(1, 100).Draw(t, "length"))
		pieces = append(pieces, p)
	}
	c, err := NewCurve(pieces, after)
	if err != nil {
		if !strings.Contains(err.Error(), "no rate above 0") {
			t.Fatal(err)
		}
		t.Skip()
	}
	return c, pieces, after
}

// Goal: records due before any instant are the integral of the curve, rounded up, and
// record i is due at the last nanosecond up to which the integral is at most i.
// Method: random curves of steps and ramps against rational numbers, at random
// instants, and the records of several producers from random ones on.
func TestCurveAgainstExactIntegral(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, pieces, after := drawCurve(t)
		for range 5 {
			ns := rapid.Int64Range(0, 1000*int64(time.Hour)).Draw(t, "ns")
			if rapid.Bool().Draw(t, "near") {
				ns %= 3*int64(c.length) + 1
			}
			if want := ceil(exactCurve(pieces, after, ns)); c.Count(time.Duration(ns)) != want {
				t.Fatalf("%+v, %v: %d records before %d ns, want %d", pieces, after, c.Count(time.Duration(ns)), ns, want)
			}
		}
		producers := rapid.IntRange(1, 3).Draw(t, "producers")
		index := rapid.IntRange(0, producers-1).Draw(t, "index")
		p, err := New(Config{Start: 7, Curve: c, Producers: producers, Index: index})
		if err != nil {
			t.Fatal(err)
		}
		for i := int64(index); i < int64(index)+60*int64(producers); i += int64(producers) {
			at := p.Next(0)
			if at == env.Never {
				if total := exactCurve(pieces, after, 1<<62); total.Cmp(new(big.Rat).SetInt64(i)) > 0 {
					t.Fatalf("%+v, %v: record %d of %v never comes", pieces, after, i, total)
				}
				return
			}
			record := new(big.Rat).SetInt64(i)
			before, behind := exactCurve(pieces, after, int64(at-7)), exactCurve(pieces, after, int64(at-7)+1)
			if before.Cmp(record) > 0 || behind.Cmp(record) <= 0 {
				t.Fatalf("%+v, %v: record %d is due at %d ns, where the integral goes from %v to %v", pieces, after, i,
					at-7, before, behind)
			}
			if due := p.Due(at); due < 1 {
				t.Fatalf("%d records are due when the next one is", due)
			}
			p.Take(at)
		}
	})
}

func ceil(r *big.Rat) int64 {
	n, rest := new(big.Int).QuoRem(r.Num(), r.Denom(), new(big.Int))
	if rest.Sign() > 0 {
		return n.Int64() + 1
	}
	return n.Int64()
}

// Goal: the producers of a curve together are due when one producer alone would be,
// and what TakeDue returns is evenly apart. Method: random curves; records of all
// producers merged, one taken singly and one in stretches.
func TestProducersShareACurve(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, _, _ := drawCurve(t)
		producers := rapid.IntRange(1, 4).Draw(t, "producers")
		alone, err := New(Config{Curve: c, Producers: 1})
		if err != nil {
			t.Fatal(err)
		}
		shares := make([]*Pacer, producers)
		for i := range shares {
			if shares[i], err = New(Config{Curve: c, Producers: producers, Index: i}); err != nil {
				t.Fatal(err)
			}
		}
		for i := 0; i < 100 && alone.Next(0) != env.Never; i++ {
			want := alone.Next(0)
			if got := shares[i%producers].Next(0); got != want {
				t.Fatalf("record %d at %d ns, want %d", i, got, want)
			}
			alone.Take(want)
			shares[i%producers].Take(want)
		}
		whole, err := New(Config{Curve: c, Producers: 1})
		if err != nil {
			t.Fatal(err)
		}
		single, err := New(Config{Curve: c, Producers: 1})
		if err != nil {
			t.Fatal(err)
		}
		for range 20 {
			at := whole.Next(0)
			if at == env.Never {
				return
			}
			now := at.Add(time.Duration(rapid.Int64Range(0, int64(c.length)).Draw(t, "slack")))
			first, last, count := whole.TakeDue(now, 9)
			for i := range count {
				even := first + (last-first)*env.Time(i)/env.Time(max(1, count-1))
				if got := single.Take(now); got < even-1 || got > even+1 {
					t.Fatalf("record %d of %d between %d and %d is due at %d", i, count, first, last, got)
				}
			}
		}
	})
}

// Goal: curves that mean something are taken, and others are refused. Method: table.
func TestCurveErrors(t *testing.T) {
	rows := []struct {
		sentence string
		pieces   []Piece
		want     string
	}{
		{"no pieces", nil, "arrival: a curve has no rate above 0"},
		{"nothing is ever due", []Piece{{time.Second, 0, 0}}, "arrival: a curve has no rate above 0"},
		{"a rate below 0", []Piece{{time.Second, 1, -1}}, "arrival: rate of -1 records/s is not within 0 and 1e+09"},
		{"a piece without length", []Piece{{time.Second, 1, 1}, {0, 1, 1}},
			"arrival: piece 2 of a curve has a length of 0s: it is above 0, and the whole at most 1000h0m0s"},
		{"too long in all", []Piece{{PieceMax, 1, 1}, {1, 1, 1}},
			"arrival: piece 2 of a curve has a length of 1ns: it is above 0, and the whole at most 1000h0m0s"},
	}
	for _, row := range rows {
		if _, err := NewCurve(row.pieces, Hold); err == nil || err.Error() != row.want {
			t.Errorf("%s: %v, want %s", row.sentence, err, row.want)
		}
	}
}

// Goal: a scaled curve has its shape and the mean that was asked for. Method: steps, a
// ramp and a loop, with the means of parts.
func TestScaled(t *testing.T) {
	c, err := NewCurve([]Piece{{time.Second, 100, 100}, {time.Second, 0, 600}, {2 * time.Second, 0, 0}}, Loop)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Mean(0, 8*time.Second); got != 100 {
		t.Errorf("a mean of %v, want 100", got)
	}
	// Of the first 6 s all of a lap and the first half of the next count: 800 records.
	s, err := c.Scaled(1000, 6*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		from, to time.Duration
		want     float64
	}{{0, 6 * time.Second, 1000}, {0, time.Second, 750}, {5 * time.Second, 6 * time.Second, 2250},
		{2 * time.Second, 4 * time.Second, 0}} {
		if got := s.Mean(row.from, row.to); got < row.want-1e-3 || got > row.want+1e-3 {
			t.Errorf("a mean of %v from %v to %v, want %v", got, row.from, row.to, row.want)
		}
	}
	empty, err := NewCurve([]Piece{{time.Second, 0, 0}, {time.Second, 1, 1}}, Stop)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := empty.Scaled(5, time.Second); err == nil {
		t.Error("a curve without records is scaled")
	}
	if c.Length() != 4*time.Second {
		t.Errorf("a length of %v", c.Length())
	}
}

func BenchmarkTakeRamp(b *testing.B) {
	c, err := NewCurve([]Piece{{time.Hour, 1e6, 2e6}, {time.Hour, 2e6, 1e6}}, Loop)
	if err != nil {
		b.Fatal(err)
	}
	p := newPacer(b, Config{Curve: c, Producers: 3, Index: 1})
	b.ReportAllocs()
	for b.Loop() {
		p.Take(p.Next(0))
	}
}

func BenchmarkTakeBursts(b *testing.B) {
	c, err := NewCurve([]Piece{{900 * time.Millisecond, 1000, 1000}, {100 * time.Millisecond, 1e4, 1e4}}, Loop)
	if err != nil {
		b.Fatal(err)
	}
	p := newPacer(b, Config{Curve: c, Producers: 3, Index: 1})
	b.ReportAllocs()
	for b.Loop() {
		p.Take(p.Next(0))
	}
}
