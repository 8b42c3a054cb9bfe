// Package arrival says when records are due. A pacer is asked with an instant
// and answers with instants: it never waits, and does not promise that whoever
// asks is in time. It counts how late they were instead.
//
// Open loop: a rate curve says how many records are due by when. Record i of the
// load is due at the last nanosecond up to which the integral of the curve is at most
// i: at a constant rate, at start + i / rate, rounded down to a nanosecond. It is so
// exactly, whatever the curve and however long, and whatever became of the records
// before it: the schedule does not slip when the system under test stalls, so that
// latency measured from the intended instant holds the stall (no coordinated
// omission). Several producers share one schedule: record i belongs to producer i
// modulo their number.
//
// Poisson: the gaps between records are drawn from an exponential distribution, on
// the scale of the curve's integral instead of on that of time, which makes it a
// Poisson process of that rate whatever its curve (Cinlar, Introduction to Stochastic
// Processes, 1975: time change). Each producer draws its own at its share of the rate:
// Poisson processes together are one.
//
// Closed loop: a record is due whenever it is asked for, and the system sets the pace.
//
// A generator that was held up for longer than a tolerance does not catch up unless
// it is told to: what was due before that is given up, and counted as unsent. Its
// latencies are in no histogram, which is what coordinated omission is about, so that
// whoever shows a percentile shows that count beside it.
package arrival

import (
	"fmt"
	"math/rand/v2"
	"time"

	"brokerlab/engine/env"
)

// producersMax is what a record's name has room for.
const producersMax = 1 << 16

// DefaultLateAfter is the delay from which a record counts as late: what a
// precise sleep and a busy processor explain is below.
const DefaultLateAfter = time.Millisecond

// DefaultTolerance is how late a record may be sent at most unless the generator
// catches up. It is twice the period in which Linux hands out processor time to a
// container (cpu.cfs_period_us, 100 ms), so that a generator that was throttled, or
// that a busy machine took off its processor, loses nothing.
const DefaultTolerance = 200 * time.Millisecond

// Config describes one producer's share of a load.
type Config struct {
	// Start is when the load begins. Nothing is due at or after End; 0 means no end.
	Start, End env.Time
	// RatePerSec is a constant rate of records per second over all producers, kept to
	// a millionth. Curve is in place of it. Neither means closed loop.
	RatePerSec float64
	Curve      *Curve
	// Producers share the rate, and Index is which one this is, from 0. Evenly spaced,
	// record i of the load belongs to producer i modulo Producers: phases are staggered,
	// and all producers together keep the schedule of one.
	Producers int
	Index     int
	// Poisson, if not nil, draws the gaps of a Poisson process. Each producer has a
	// generator of its own.
	Poisson *rand.Rand
	// LateAfter is the delay from which a record counts as late; 0 means
	// DefaultLateAfter.
	LateAfter time.Duration
	// Tolerance is how late a record may be taken; 0 means DefaultTolerance. With
	// CatchUp it may be taken however late.
	Tolerance time.Duration
	CatchUp   bool
	// Intervals are ends of intervals, ascending, by which the pacer counts what was
	// due; what is due at or after the last of them is not counted.
	Intervals []env.Time
}

// Validate returns an error that names the first bad field.
func (c Config) Validate() error {
	switch {
	case c.Start < 0 || c.Start == env.Never:
		return fmt.Errorf("arrival: start at %d ns", c.Start)
	case c.End < 0:
		return fmt.Errorf("arrival: end at %d ns", c.End)
	case c.RatePerSec != 0 && !(c.RatePerSec >= RateMin && c.RatePerSec <= RateMax):
		return fmt.Errorf("arrival: rate of %v records/s is neither 0 nor within %v and %v", c.RatePerSec, RateMin, RateMax)
	case c.RatePerSec != 0 && c.Curve != nil:
		return fmt.Errorf("arrival: rate of %v records/s beside a curve", c.RatePerSec)
	case c.Producers < 1 || c.Producers > producersMax:
		return fmt.Errorf("arrival: %d producers are not within 1 and %d", c.Producers, producersMax)
	case c.Index < 0 || c.Index >= c.Producers:
		return fmt.Errorf("arrival: producer %d of %d", c.Index, c.Producers)
	case c.LateAfter < 0:
		return fmt.Errorf("arrival: late after %v", c.LateAfter)
	case c.Tolerance < 0:
		return fmt.Errorf("arrival: tolerance of %v", c.Tolerance)
	}
	return nil
}

// Lateness is how far a pacer's records were taken after their intended instants.
// All zero in a closed loop, where nothing is intended.
type Lateness struct {
	Taken  int64         // records
	Late   int64         // of these, taken LateAfter or more after their instant
	Unsent int64         // records that were due and given up
	Max    time.Duration // the worst of those taken
	Sum    time.Duration // over all records taken; Sum / Taken is the mean
}

// Add returns the lateness of two pacers together.
func (l Lateness) Add(m Lateness) Lateness {
	return Lateness{Taken: l.Taken + m.Taken, Late: l.Late + m.Late, Unsent: l.Unsent + m.Unsent,
		Max: max(l.Max, m.Max), Sum: l.Sum + m.Sum}
}

// Pacer is the schedule of one producer. It belongs to one task.
type Pacer struct {
	cfg    Config
	closed bool
	taken  int64
	late   Lateness

	next     env.Time // intended instant of the next record
	position wide     // of the next record in the load, in recordParts, but for fixed.gone
	stride   wide     // from one record of this producer to its next; evenly spaced
	at       cursor   // of the next record
	fixed    fixed

	offered  []int64  // by interval
	unsent   []int64  // of these
	interval int      // of next
	until    env.Time // its end
}

// fixed is what makes evenly spaced instants cheap while the rate does not change.
type fixed struct {
	rate uint64 // 2 rate of the piece, in rateUnit; 0: the rate changes
	step uint64 // ns between two records of this producer
	up   uint64 // and what that was rounded down by, in 1 / rate ns
	rest uint64 // what next was rounded down by
	left uint64 // records of this producer in the piece, after the next one
	gone uint64 // strides that position does not hold yet
}

// New returns the schedule from its start on.
func New(cfg Config) (*Pacer, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if cfg.LateAfter == 0 {
		cfg.LateAfter = DefaultLateAfter
	}
	if cfg.End == 0 {
		cfg.End = env.Never
	}
	if cfg.Tolerance == 0 {
		cfg.Tolerance = DefaultTolerance
	}
	p := &Pacer{cfg: cfg, closed: cfg.RatePerSec == 0 && cfg.Curve == nil}
	if p.closed {
		return p, nil
	}
	if cfg.Curve == nil {
		steady, err := Steady(cfg.RatePerSec)
		if err != nil {
			return nil, err
		}
		p.cfg.Curve = steady
	}
	p.at = p.cfg.Curve.begin()
	p.offered, p.unsent = make([]int64, len(cfg.Intervals)), make([]int64, len(cfg.Intervals))
	p.stride = product(uint64(cfg.Producers), recordParts)
	p.position = product(uint64(cfg.Index), recordParts)
	if cfg.Poisson != nil {
		p.position = p.gap()
	}
	p.nextInterval()
	p.locate()
	return p, nil
}

// gap draws the distance to the next record of a Poisson process.
func (p *Pacer) gap() wide {
	records := p.cfg.Poisson.ExpFloat64() * float64(p.cfg.Producers)
	whole := uint64(records)
	return product(whole, recordParts).plus(wide{lo: uint64((records - float64(whole)) * recordParts)})
}

// advance goes on to the next record.
func (p *Pacer) advance() {
	if len(p.offered) > 0 {
		p.count()
	}
	if p.cfg.Poisson != nil {
		p.position = p.position.plus(p.gap())
		p.locate()
		return
	}
	f := &p.fixed
	f.gone++
	if f.left == 0 {
		p.locate()
		return
	}
	f.left--
	step := f.step
	f.rest += f.up
	if f.rest >= f.rate {
		f.rest -= f.rate
		step++
	}
	p.due(add(p.next, step))
}

// due sets the instant of the next record, if it comes before the end.
func (p *Pacer) due(next env.Time) {
	if next >= p.cfg.End {
		next = env.Never
	}
	p.next = next
}

// locate finds the instant of the next record on the curve.
func (p *Pacer) locate() {
	p.position = p.position.plus(p.stride.times(p.fixed.gone))
	p.fixed = fixed{}
	piece, ok := p.at.seek(p.position)
	if !ok {
		p.next = env.Never
		return
	}
	x, rest := piece.instant(p.at.within(p.position))
	p.due(add(p.cfg.Start, p.at.start+x))
	if piece.from != piece.to || p.cfg.Poisson != nil {
		return
	}
	f := &p.fixed
	f.rate, f.rest = 2*piece.from, rest
	f.step, f.up = p.stride.over(f.rate)
	f.left = p.at.end.minus(p.position).minus(wide{lo: 1}).quotient(p.stride)
}

// count counts the next record as due in its interval.
func (p *Pacer) count() {
	for p.next >= p.until {
		if p.interval >= len(p.offered) {
			return
		}
		p.interval++
		p.nextInterval()
	}
	if p.interval < len(p.offered) {
		p.offered[p.interval]++
	}
}

func (p *Pacer) nextInterval() {
	p.until = env.Never
	if p.interval < len(p.cfg.Intervals) {
		p.until = p.cfg.Intervals[p.interval]
	}
}

// Closed reports whether the loop is closed.
func (p *Pacer) Closed() bool { return p.closed }

// Next is the intended instant of the next record, which may lie in the past. In
// a closed loop it is now.
func (p *Pacer) Next(now env.Time) env.Time {
	if p.closed {
		return now
	}
	return p.next
}

// Take takes the next record at now and returns its intended instant, from which
// its latency runs. Taking a record before it is due is a bug of the caller.
func (p *Pacer) Take(now env.Time) (intended env.Time) {
	p.taken++
	if p.closed {
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
	p.advance()
	return intended
}

// TakeDue takes records that are due at now and whose instants are evenly apart, at
// most max of them, and returns the instants of the first and the last. Where the
// rate changes, and in a Poisson process, it takes at most two. In a closed loop it
// takes max.
func (p *Pacer) TakeDue(now env.Time, max int) (first, last env.Time, count int) {
	const pair = 2 // any two are evenly apart
	piece, even := p.at.start, p.closed || p.fixed.rate != 0
	for count < max && p.Next(now) <= now {
		if even && p.at.start != piece || !even && count == pair {
			break
		}
		if last = p.Take(now); count == 0 {
			first = last
		}
		count++
	}
	return first, last, count
}

// GiveUp gives up the records that are due for longer than the tolerance at now, and
// returns how many they were. It does nothing if the generator catches up.
func (p *Pacer) GiveUp(now env.Time) (unsent int64) {
	if p.cfg.CatchUp {
		return 0
	}
	return p.Abandon(now)
}

// Abandon does the same also if the generator catches up: for a load that is ended
// before its time.
func (p *Pacer) Abandon(now env.Time) (unsent int64) {
	return p.giveUpBefore(now, p.cfg.Tolerance)
}

// GiveUpAll gives up all that is due at now: for a generator that is not to send any
// more, though the load had its time.
func (p *Pacer) GiveUpAll(now env.Time) (unsent int64) {
	return p.giveUpBefore(now, -1)
}

// giveUpBefore gives up what is due at now for longer than a span.
func (p *Pacer) giveUpBefore(now env.Time, span time.Duration) (unsent int64) {
	if p.closed {
		return 0
	}
	for p.next <= now && now.Sub(p.next) > span {
		p.advance()
		if p.interval < len(p.unsent) {
			p.unsent[p.interval]++
		}
		unsent++
	}
	p.late.Unsent += unsent
	return unsent
}

// Due is how many records are due at now and were neither taken nor given up. In a
// closed loop it is 1, whatever was taken. It is not known of a Poisson process, whose
// records are drawn one by one.
func (p *Pacer) Due(now env.Time) int64 {
	switch {
	case p.closed:
		return 1
	case now < p.next:
		return 0
	case p.cfg.Poisson != nil:
		panic("arrival: Due of a Poisson process")
	}
	// Those at positions below the integral up to the end of this nanosecond.
	now = min(now, p.cfg.End-1)
	load := p.cfg.Curve.before(uint64(now-p.cfg.Start) + 1).overUp(recordParts)
	mine := (int64(load) - int64(p.cfg.Index) + int64(p.cfg.Producers) - 1) / int64(p.cfg.Producers)
	return mine - p.taken - p.late.Unsent
}

// Taken is how many records were taken.
func (p *Pacer) Taken() int64 { return p.taken }

// Lateness is what was counted so far.
func (p *Pacer) Lateness() Lateness {
	late := p.late
	if !p.closed {
		late.Taken = p.taken
	}
	return late
}

// Offered is how many records were due in each of Config.Intervals, of those that
// were taken or given up, and how many of them were given up.
func (p *Pacer) Offered() (due, unsent []int64) { return p.offered, p.unsent }

// add is Time.Add for spans that may exceed a Duration.
func add(t env.Time, span uint64) env.Time {
	if span >= uint64(env.Never-t) {
		return env.Never
	}
	return t + env.Time(span)
}
