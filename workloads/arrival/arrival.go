// Package arrival says when records are due. A pacer is asked with an instant
// and answers with instants: it never waits, and does not promise that whoever
// asks is in time. It counts how late they were instead.
//
// Open loop: record i of the load is due at start + i / rate, exactly, rounded
// down to a nanosecond, whatever became of the records before it. The schedule
// does not slip when the system under test stalls, so that latency measured from
// the intended instant holds the stall (no coordinated omission). Closed loop: a
// record is due whenever it is asked for, and the system sets the pace.
package arrival

import (
	"fmt"
	"math"
	"math/bits"
	"time"

	"brokerlab/engine/env"
)

// Limits of a rate, over all producers.
const (
	RateMax = 1e9  // records per second
	RateMin = 1e-3 // records per second
)

// rateUnit: rates are kept in whole millionths of a record per second.
const rateUnit = 1_000_000

// nanosPerUnit is the numerator of the span between records: 10^9 ns, in rateUnit.
const nanosPerUnit = 1_000_000_000 * rateUnit

// producersMax is what a record's name has room for.
const producersMax = 1 << 16

// DefaultLateAfter is the delay from which a record counts as late: what a
// precise sleep and a busy processor explain is below.
const DefaultLateAfter = time.Millisecond

// Config describes one producer's share of a load.
type Config struct {
	// Start is when the first record of the load is due.
	Start env.Time
	// RatePerSec is records per second over all producers, kept to a millionth;
	// 0 means closed loop.
	RatePerSec float64
	// Producers share the rate, and Index is which one this is, from 0. Record i
	// of the load belongs to producer i modulo Producers: phases are staggered,
	// and all producers together keep the schedule of one.
	Producers int
	Index     int
	// LateAfter is the delay from which a record counts as late; 0 means
	// DefaultLateAfter.
	LateAfter time.Duration
}

// Validate returns an error that names the first bad field.
func (c Config) Validate() error {
	switch {
	case c.Start < 0 || c.Start == env.Never:
		return fmt.Errorf("arrival: start at %d ns", c.Start)
	case c.RatePerSec != 0 && !(c.RatePerSec >= RateMin && c.RatePerSec <= RateMax):
		return fmt.Errorf("arrival: rate of %v records/s is neither 0 nor within %v and %v", c.RatePerSec, RateMin, RateMax)
	case c.Producers < 1 || c.Producers > producersMax:
		return fmt.Errorf("arrival: %d producers are not within 1 and %d", c.Producers, producersMax)
	case c.Index < 0 || c.Index >= c.Producers:
		return fmt.Errorf("arrival: producer %d of %d", c.Index, c.Producers)
	case c.LateAfter < 0:
		return fmt.Errorf("arrival: late after %v", c.LateAfter)
	}
	return nil
}

// Lateness is how far a pacer's records were taken after their intended instants.
// All zero in a closed loop, where nothing is intended.
type Lateness struct {
	Taken int64         // records
	Late  int64         // of these, taken LateAfter or more after their instant
	Max   time.Duration // the worst
	Sum   time.Duration // over all records; Sum / Taken is the mean
}

// Add returns the lateness of two pacers together.
func (l Lateness) Add(m Lateness) Lateness {
	return Lateness{Taken: l.Taken + m.Taken, Late: l.Late + m.Late, Max: max(l.Max, m.Max), Sum: l.Sum + m.Sum}
}

// Pacer is the schedule of one producer. It belongs to one task.
type Pacer struct {
	cfg    Config
	rate   uint64 // in rateUnit; 0 in a closed loop
	taken  int64
	next   env.Time // intended instant of the next record
	rest   uint64   // what next was rounded down by, in nanoseconds / rate
	step   uint64   // nanoseconds between two records of this producer
	stepUp uint64   // and what that was rounded down by, in nanoseconds / rate
	late   Lateness
}

// New returns the schedule from its start on.
func New(cfg Config) (*Pacer, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if cfg.LateAfter == 0 {
		cfg.LateAfter = DefaultLateAfter
	}
	p := &Pacer{cfg: cfg, rate: uint64(math.Round(cfg.RatePerSec * rateUnit))}
	if p.rate == 0 {
		return p, nil
	}
	hi, lo := bits.Mul64(uint64(cfg.Producers), nanosPerUnit)
	p.step, p.stepUp = bits.Div64(hi, lo, p.rate)
	hi, lo = bits.Mul64(uint64(cfg.Index), nanosPerUnit)
	phase, rest := bits.Div64(hi, lo, p.rate)
	p.next, p.rest = add(cfg.Start, phase), rest
	return p, nil
}

// Closed reports whether the loop is closed.
func (p *Pacer) Closed() bool { return p.rate == 0 }

// Next is the intended instant of the next record, which may lie in the past. In
// a closed loop it is now.
func (p *Pacer) Next(now env.Time) env.Time {
	if p.rate == 0 {
		return now
	}
	return p.next
}

// Take takes the next record at now and returns its intended instant, from which
// its latency runs. Taking a record before it is due is a bug of the caller.
func (p *Pacer) Take(now env.Time) (intended env.Time) {
	p.taken++
	if p.rate == 0 {
		return now
	}
	intended = p.next
	if now < intended {
		panic(fmt.Sprintf("arrival: record due at %d ns taken at %d ns", intended, now))
	}
	delay := now.Sub(intended)
	p.late.Sum += delay
	p.late.Max = max(p.late.Max, delay)
	if delay >= p.cfg.LateAfter {
		p.late.Late++
	}
	step := p.step
	p.rest += p.stepUp
	if p.rest >= p.rate {
		p.rest -= p.rate
		step++
	}
	p.next = add(p.next, step)
	return intended
}

// TakeDue takes the records that are due at now, at most max of them, and returns
// the instants of the first and the last. In a closed loop it takes max.
func (p *Pacer) TakeDue(now env.Time, max int) (first, last env.Time, count int) {
	for count < max && p.Next(now) <= now {
		if last = p.Take(now); count == 0 {
			first = last
		}
		count++
	}
	return first, last, count
}

// Due is how many records are due at now and not taken: what a generator that
// ends at now leaves unsent. In a closed loop it is 1, whatever was taken.
func (p *Pacer) Due(now env.Time) int64 {
	switch {
	case p.rate == 0:
		return 1
	case now < p.next:
		return 0
	}
	// Of the load's records, those with i / rate rounded down <= elapsed are due,
	// which is i < (elapsed + 1) * rate.
	hi, lo := bits.Mul64(uint64(now-p.cfg.Start)+1, p.rate)
	last, rest := bits.Div64(hi, lo, nanosPerUnit)
	if rest == 0 {
		last--
	}
	mine := (int64(last)-int64(p.cfg.Index))/int64(p.cfg.Producers) + 1
	return mine - p.taken
}

// Taken is how many records were taken.
func (p *Pacer) Taken() int64 { return p.taken }

// Lateness is what was counted so far.
func (p *Pacer) Lateness() Lateness {
	late := p.late
	if p.rate != 0 {
		late.Taken = p.taken
	}
	return late
}

// add is Time.Add for spans that may exceed a Duration.
func add(t env.Time, span uint64) env.Time {
	if span >= uint64(env.Never-t) {
		return env.Never
	}
	return t + env.Time(span)
}
