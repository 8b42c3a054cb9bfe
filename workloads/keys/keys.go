// Package keys says which key each record of a run has: none, one of N evenly or by
// Zipf's law with any exponent, or one after the other. A key is a function of the
// seed, the producer and the record's sequence, so that whoever reads a record back
// knows its key, whatever the order in which producers ran. Keys that come from what a
// record holds are found by Path and Column. The package is pure and chooses no
// partition: keys go through the producer's partitioner.
//
// A key is text: "key-" and its number in as many digits as the highest has. By Zipf's
// law number 0 is the most frequent.
package keys

import (
	"fmt"
	"math"

	"brokerlab/workloads/chance"
)

// Kind says how keys are distributed.
type Kind string

// The kinds that need nothing of the record.
const (
	None       Kind = "none"
	Uniform    Kind = "uniform"
	Zipf       Kind = "zipf"
	Sequential Kind = "sequential"
)

// CountMax bounds how many keys there may be.
const CountMax = 1_000_000_000_000

// ExponentMax bounds the exponent of Zipf's law: beyond it all records have the first
// key.
const ExponentMax = 20

// Config describes the keys of a run.
type Config struct {
	Kind Kind
	// Count is how many keys there are; Sequential keys begin anew after so many, and
	// with 0 never.
	Count     uint64
	Exponent  float64 // of Zipf's law: key k is drawn as often as 1/(k+1)^Exponent
	First     int     // number of the first producer
	Producers int     // that share the keys of Sequential
	Seed      uint64
}

// Validate returns an error that names the first bad field.
func (c *Config) Validate() error {
	switch c.Kind {
	case None:
		return nil
	case Uniform, Zipf, Sequential:
	default:
		return fmt.Errorf("keys: kind %q is none of %s, %s, %s, %s", c.Kind, None, Uniform, Zipf, Sequential)
	}
	if c.Count > CountMax || c.Count == 0 && c.Kind != Sequential {
		return fmt.Errorf("keys: %d keys are not within 1 and %d", c.Count, uint64(CountMax))
	}
	if c.Kind == Zipf && !(c.Exponent >= 0 && c.Exponent <= ExponentMax) {
		return fmt.Errorf("keys: exponent %v is not within 0 and %d", c.Exponent, ExponentMax)
	}
	if c.Kind == Sequential && c.Producers < 1 {
		return fmt.Errorf("keys: %d producers share the keys", c.Producers)
	}
	return nil
}

// prefix is what every key begins with.
const prefix = "key-"

// sequentialDigits is of keys that never begin anew.
const sequentialDigits = 12

// Keys makes keys. It never changes: any number of tasks may use it at once.
type Keys struct {
	cfg    Config
	salt   uint64
	digits int
	zipf   *zipf
}

// New makes the tables; for Zipf some 100 KB for a million keys, and 300 KB for CountMax.
func New(cfg Config) (*Keys, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	k := &Keys{cfg: cfg, salt: chance.Mix(cfg.Seed ^ 0x6b65797300000001), digits: digitsOf(cfg.Count)}
	if cfg.Kind == Zipf {
		var err error
		if k.zipf, err = newZipf(cfg.Count, cfg.Exponent); err != nil {
			return nil, err
		}
	}
	return k, nil
}

// digitsOf is how many digits a key's number has.
func digitsOf(count uint64) int {
	if count == 0 {
		return sequentialDigits
	}
	digits := 1
	for most := count - 1; most > 9; most /= 10 {
		digits++
	}
	return digits
}

// Bytes is the length of every key; 0 without keys.
func (c *Config) Bytes() int {
	if c.Kind == None {
		return 0
	}
	return len(prefix) + digitsOf(c.Count)
}

// Number is the number of a record's key, for records that have one.
func (k *Keys) Number(producer uint16, sequence uint64) uint64 {
	if k.cfg.Kind == Sequential {
		number := sequence*uint64(k.cfg.Producers) + uint64(max(0, int(producer)-k.cfg.First))
		if k.cfg.Count > 0 {
			number %= k.cfg.Count
		}
		return number
	}
	hash := chance.Mix((uint64(producer)<<48 | sequence) ^ k.salt)
	if k.cfg.Kind == Uniform {
		return chance.Scale(hash, k.cfg.Count)
	}
	return k.zipf.draw(hash)
}

// Append appends a record's key to dst; without keys it returns dst.
func (k *Keys) Append(dst []byte, producer uint16, sequence uint64) []byte {
	if k.cfg.Kind == None {
		return dst
	}
	number := k.Number(producer, sequence)
	dst = append(dst, prefix...)
	at := len(dst)
	for range k.digits {
		dst = append(dst, '0')
	}
	for i := len(dst) - 1; i >= at; i-- {
		dst[i] = byte('0' + number%10)
		number /= 10
	}
	return dst
}

// zipf draws ranks by Zipf's law in constant time: the first ranks each by themselves,
// and behind them ranges of ranks that grow by one in 512, whose ranks count as
// equally frequent. Within a range they differ by exponent/512 at most.
type zipf struct {
	ranges *chance.Alias
	starts []uint64 // of the ranges; one more is where the last one ends
}

const (
	// zipfAlone is how many ranks are drawn by themselves.
	zipfAlone = 1024
	// zipfGrowth is a range's share of the ranks before it, as its inverse.
	zipfGrowth = 512
)

func newZipf(count uint64, exponent float64) (*zipf, error) {
	z := &zipf{}
	var weights []float64
	for at := uint64(0); at < count; {
		length := uint64(1)
		if at >= zipfAlone {
			length = min(at/zipfGrowth, count-at)
		}
		z.starts = append(z.starts, at)
		weights = append(weights, zipfWeight(at, length, exponent))
		at += length
	}
	z.starts = append(z.starts, count)
	var err error
	z.ranges, err = chance.NewAlias(weights)
	return z, err
}

// zipfWeight is the sum of 1/(k+1)^exponent over a range; of a long one the integral,
// which is off by less than 1e-5 of itself from zipfAlone on.
func zipfWeight(at, length uint64, exponent float64) float64 {
	if length == 1 {
		return math.Pow(float64(at+1), -exponent)
	}
	from, to := float64(at)+0.5, float64(at+length)+0.5
	if exponent == 1 {
		return math.Log(to / from)
	}
	return math.Pow(from, 1-exponent) * math.Expm1((1-exponent)*math.Log(to/from)) / (1 - exponent)
}

func (z *zipf) draw(hash uint64) uint64 {
	index, left := z.ranges.Draw(hash)
	from := z.starts[index]
	if length := z.starts[index+1] - from; length > 1 {
		return from + chance.Scale(left, length)
	}
	return from
}
