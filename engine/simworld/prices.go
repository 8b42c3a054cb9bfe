package simworld

import (
	"fmt"
	"math"
	"time"

	"brokerlab/engine/env"
)

// Price is what one Charge of an operation costs in CPU time: PerCallNs, and
// PerUnitNs for each unit of its size (the unit is the env.Op's). Where that is no
// straight line, Table says the time by size instead, and the other two are 0.
type Price struct {
	PerCallNs float64
	PerUnitNs float64
	Table     []Point
}

// Point is the time of one call of a certain size. A table has its points by rising
// size, from 1, with times that do not fall. Between two points the price lies on a
// straight line; below the first it is that of the first, and above the last it
// rises as it did before, or in proportion to the size if there is one point only.
type Point struct {
	Size int
	Ns   float64
}

// Prices is the price list of a world. The zero value makes all work free.
type Prices struct {
	// Ops are the prices of the operations.
	Ops [env.OpCount]Price
	// Wake is the delay from a wake-up (Signal, Broadcast, Unlock, a message, an
	// accepted connection) until the woken task runs. It occupies no core.
	// A sleep or a wait that times out does not pay it.
	Wake Spread
	// TimerLate is how much later than its deadline a WaitUntil ends that nobody
	// woke. Sleeps are exact, as they nearly are in the real world.
	TimerLate Spread
}

// DefaultPrices is a current server core. Most figures were measured on one core
// of a virtual machine (Linux 6.18, Go 1.26, 128 KiB of JSON log lines for the
// codecs); those of a request are estimates.
//
//	record encode   30 ns + 0.1 ns/B
//	record decode   25 ns a record
//	CRC-32C         25 GB/s from cache, 10 from memory; 15 taken: 0.067 ns/B
//	record check    25 ns a record
//	record ack      10 ns a record (an estimate)
//	copy, append    19 GB/s in reused memory: 0.053 ns/B; of an append the file
//	                system knows the rest
//	request         2.5 us + 0.15 us a partition (estimates)
//	handling        as much again, by who answers (estimates)
//	message         0.3 us at each end (an estimate: through memory)
//	system call     1 us
//	gzip 6          180 / 505 MB/s (klauspost/compress)
//	snappy          849 / 1911 MB/s (golang/snappy)
//	lz4             608 / 3084 MB/s (pierrec/lz4, frame on the way back)
//	zstd 3          265 / 1483 MB/s (klauspost/compress)
//	wake-up         20 us: a parked thread took 80 us on the virtual machine, where
//	                a halted core must be brought back, and hand-overs between
//	                threads that had just run took about 5 (loopback round
//	                trip of 17 us with two of them); a loaded broker is between
func DefaultPrices() Prices {
	perByte := func(mbPerSec float64) Price { return Price{PerUnitNs: 1000 / mbPerSec} }
	return Prices{
		Ops: [env.OpCount]Price{
			env.OpRecordEncode:     {PerCallNs: 30, PerUnitNs: 0.1},
			env.OpRecordDecode:     {PerUnitNs: 25},
			env.OpCRC:              perByte(15_000),
			env.OpCopy:             perByte(19_000),
			env.OpRequest:          {PerCallNs: 2500, PerUnitNs: 150},
			env.OpSyscall:          {PerUnitNs: 1000},
			env.OpCompressGzip:     perByte(180),
			env.OpCompressSnappy:   perByte(849),
			env.OpCompressLZ4:      perByte(608),
			env.OpCompressZstd:     perByte(265),
			env.OpDecompressGzip:   perByte(505),
			env.OpDecompressSnappy: perByte(1911),
			env.OpDecompressLZ4:    perByte(3084),
			env.OpDecompressZstd:   perByte(1483),
			env.OpRecordCheck:      {PerUnitNs: 25},
			env.OpRecordAck:        {PerUnitNs: 10},
			env.OpHandle:           {PerCallNs: 2500, PerUnitNs: 150},
			env.OpSend:             {PerCallNs: 300},
			env.OpReceive:          {PerCallNs: 300},
			env.OpAppend:           perByte(19_000),
		},
		Wake: Fixed(20 * time.Microsecond),
	}
}

// Validate returns an error for a price that is negative or not a number, and for
// tables and quantiles that fall.
func (p *Prices) Validate() error {
	for op := range p.Ops {
		if err := p.Ops[op].validate(); err != nil {
			return fmt.Errorf("simworld: price of operation %d: %w", op, err)
		}
	}
	if err := p.Wake.validate("a wake-up"); err != nil {
		return err
	}
	return p.TimerLate.validate("a late timer")
}

// nsMax bounds the price of a call: ten minutes.
const nsMax = 600e9

func (p *Price) validate() error {
	for _, ns := range []float64{p.PerCallNs, p.PerUnitNs} {
		if !(ns >= 0 && ns <= nsMax) {
			return fmt.Errorf("is %v ns", ns)
		}
	}
	if len(p.Table) > 0 && (p.PerCallNs != 0 || p.PerUnitNs != 0) {
		return fmt.Errorf("has a table and %v ns a call and %v ns a unit", p.PerCallNs, p.PerUnitNs)
	}
	var last Point
	for _, at := range p.Table {
		if !(at.Ns >= last.Ns && at.Ns <= nsMax) || at.Size <= last.Size || at.Size > math.MaxInt32 {
			return fmt.Errorf("size %d with %v ns follows size %d with %v ns", at.Size, at.Ns, last.Size, last.Ns)
		}
		last = at
	}
	return nil
}

// picos is CPU time in picoseconds. Debts are whole numbers, since a compiler
// may fuse floating-point operations on one machine and not on another.
type picos int64

const picosPerNano picos = 1000

func picosOf(ns float64) picos { return picos(math.Round(ns * float64(picosPerNano))) }

// fixedPrice is a Price in whole numbers. What has no table, which is nearly all
// that is charged, has an endless first piece.
type fixedPrice struct {
	perCall picos
	perUnit picos
	upTo    int // the last size that perCall and perUnit are right for
	table   []fixedPoint
}

type fixedPoint struct {
	size int
	cost picos
}

func (p Price) fixed() fixedPrice {
	if len(p.Table) == 0 {
		return fixedPrice{perCall: picosOf(p.PerCallNs), perUnit: picosOf(p.PerUnitNs), upTo: math.MaxInt}
	}
	f := fixedPrice{perCall: picosOf(p.Table[0].Ns), upTo: p.Table[0].Size}
	for _, at := range p.Table {
		f.table = append(f.table, fixedPoint{at.Size, picosOf(at.Ns)})
	}
	return f
}

// Ns is the price of one call of a size, in nanoseconds.
func (p Price) Ns(size int) float64 {
	f := p.fixed()
	if size > f.upTo {
		return float64(f.of(size)) / float64(picosPerNano)
	}
	return float64(f.perCall+f.perUnit*picos(size)) / float64(picosPerNano)
}

// of is the price of a size above upTo.
func (p *fixedPrice) of(size int) picos {
	i := 1
	for i < len(p.table)-1 && p.table[i].size < size {
		i++
	}
	from, to := fixedPoint{}, p.table[0]
	if len(p.table) > 1 {
		from, to = p.table[i-1], p.table[i]
	}
	return from.cost + picos(mulDiv(uint64(to.cost-from.cost), uint64(size-from.size), uint64(to.size-from.size)))
}
