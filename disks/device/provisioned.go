package device

import (
	"math/rand/v2"
	"time"

	"brokerlab/engine/env"
)

// Provisioned is a disk behind a limit: a network volume of a cloud, or a local
// drive of which a machine gets a part. Each command waits for its tokens, then
// takes a time drawn from a Spread, beside the Queue.Depth-1 others. With a depth
// of 1 and no limits it is the single server of queueing theory.
//
// What it acknowledged it keeps: no source says what such a disk loses. Its
// VolatileCache only says that it takes flushes, which then cost FlushTime.
type Provisioned struct {
	Total, Read, Write             Limit // a command needs tokens of Total and of its own kind
	ReadTime, WriteTime, FlushTime Spread
}

// Limit is two token buckets. Zero figures are no limit.
type Limit struct {
	OpsPerSec float64
	// OpBytes is what counts as one operation; a larger command counts as
	// several. 0: every command is one.
	OpBytes     int64
	BytesPerSec int64
	// Burst is how long the buckets take to fill: so much may go at once
	// after a pause.
	Burst time.Duration
}

func (l *Limit) check(c *checks, field string) {
	c.that(l.OpsPerSec >= 0 && l.OpsPerSec <= 1e9, field+".iops", "must be between 0 and 1000000000")
	c.that(l.OpBytes >= 0, field+".io-bytes", "must not be negative")
	c.that(l.BytesPerSec >= 0, field+".rate", "must not be negative")
	c.that(l.Burst >= 0, field+".burst", "must not be negative")
}

func (p *Provisioned) check(c *checks) {
	p.Total.check(c, "provisioned.total")
	p.Read.check(c, "provisioned.read")
	p.Write.check(c, "provisioned.write")
	p.ReadTime.check(c, "provisioned.read-time")
	p.WriteTime.check(c, "provisioned.write-time")
	p.FlushTime.check(c, "provisioned.flush-time")
}

// bucket is a Limit at work. It keeps the instants at which its buckets would be
// full again (the virtual scheduling form of the generic cell rate algorithm).
type bucket struct {
	Limit
	ops, bytes env.Time
}

// admit takes the tokens of a command of n bytes that arrives at now, and returns
// when it may go.
func (b *bucket) admit(now env.Time, n int64) env.Time {
	at := now
	if b.OpsPerSec > 0 {
		count := int64(1)
		if b.OpBytes > 0 {
			count = (n + b.OpBytes - 1) / b.OpBytes
		}
		cost := time.Duration(float64(count) * 1e9 / b.OpsPerSec)
		at = max(at, b.spend(&b.ops, now, cost))
	}
	if b.BytesPerSec > 0 {
		at = max(at, b.spend(&b.bytes, now, transferTime(n, b.BytesPerSec)))
	}
	return at
}

func (b *bucket) spend(full *env.Time, now env.Time, cost time.Duration) env.Time {
	*full = max(*full, now).Add(cost)
	return max(now, full.Add(-max(b.Burst, cost)))
}

// transferTime is what n bytes take at a rate.
func transferTime(n, bytesPerSec int64) time.Duration {
	return time.Duration(n * 1e9 / bytesPerSec)
}

// provisioned is the medium of KindProvisioned.
type provisioned struct {
	front              *front
	rng                *rand.Rand
	total, read, write bucket
	readTime           sampler
	writeTime          sampler
	flushTime          sampler
}

func newProvisioned(f *front, cfg *Config, rng *rand.Rand) *provisioned {
	p := &cfg.Provisioned
	return &provisioned{
		front: f, rng: rng,
		total: bucket{Limit: p.Total}, read: bucket{Limit: p.Read}, write: bucket{Limit: p.Write},
		readTime: newSampler(p.ReadTime), writeTime: newSampler(p.WriteTime), flushTime: newSampler(p.FlushTime),
	}
}

func (p *provisioned) begin(now env.Time, s int32) {
	r := &p.front.slots[s].req
	own, span := &p.read, &p.readTime
	if r.Op == Write {
		own, span = &p.write, &p.writeTime
	}
	at := max(p.total.admit(now, r.Bytes), own.admit(now, r.Bytes))
	p.front.finish(s, at.Add(time.Duration(span.draw(p.rng))))
}

func (p *provisioned) flush(now env.Time) {
	p.front.flushed(now.Add(time.Duration(p.flushTime.draw(p.rng))))
}

func (p *provisioned) next() env.Time                  { return env.Never }
func (p *provisioned) step(env.Time)                   {}
func (p *provisioned) stats(env.Time, *Stats)          {}
func (p *provisioned) powerLoss(env.Time, func(Range)) {}
