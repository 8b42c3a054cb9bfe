package simworld

import (
	"fmt"
	"math"
	"time"

	"brokerlab/engine/env"
)

// Price is what one Charge of an operation costs in CPU time: PerCallNs, and
// PerUnitNs for each unit of its size (the unit is the env.Op's).
type Price struct {
	PerCallNs float64
	PerUnitNs float64
}

// Prices is the price list of a world. The zero value makes all work free.
type Prices struct {
	// Ops are the prices of the operations.
	Ops [env.OpCount]Price
	// Wake is the delay from a wake-up (Signal, Broadcast, Unlock, a message, an
	// accepted connection) until the woken task runs. It occupies no core.
	// Deadlines are exact: a sleep or a wait that times out does not pay it.
	Wake time.Duration
}

// DefaultPrices is a current server core. Most figures were measured on one core
// of a virtual machine (Linux 6.18, Go 1.26, 128 KiB of JSON log lines for the
// codecs); those of a request are estimates.
//
//	record encode   30 ns + 0.1 ns/B
//	record decode   25 ns a record
//	CRC-32C         25 GB/s from cache, 10 from memory; 15 taken: 0.067 ns/B
//	copy            19 GB/s in reused memory: 0.053 ns/B
//	request         5 us + 0.3 us a partition (estimates)
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
			env.OpRequest:          {PerCallNs: 5000, PerUnitNs: 300},
			env.OpSyscall:          {PerUnitNs: 1000},
			env.OpCompressGzip:     perByte(180),
			env.OpCompressSnappy:   perByte(849),
			env.OpCompressLZ4:      perByte(608),
			env.OpCompressZstd:     perByte(265),
			env.OpDecompressGzip:   perByte(505),
			env.OpDecompressSnappy: perByte(1911),
			env.OpDecompressLZ4:    perByte(3084),
			env.OpDecompressZstd:   perByte(1483),
		},
		Wake: 20 * time.Microsecond,
	}
}

// Validate returns an error for a price that is negative or not a number.
func (p *Prices) Validate() error {
	for op, price := range p.Ops {
		for _, ns := range []float64{price.PerCallNs, price.PerUnitNs} {
			if !(ns >= 0 && ns <= 1e9) {
				return fmt.Errorf("simworld: price of operation %d is %v ns", op, ns)
			}
		}
	}
	if p.Wake < 0 {
		return fmt.Errorf("simworld: price of a wake-up is %v", p.Wake)
	}
	return nil
}

// picos is CPU time in picoseconds. Debts are whole numbers, since a compiler
// may fuse floating-point operations on one machine and not on another.
type picos int64

const picosPerNano picos = 1000

type fixedPrice struct {
	perCall picos
	perUnit picos
}

func (p Price) fixed() fixedPrice {
	return fixedPrice{
		perCall: picos(math.Round(p.PerCallNs * float64(picosPerNano))),
		perUnit: picos(math.Round(p.PerUnitNs * float64(picosPerNano))),
	}
}
