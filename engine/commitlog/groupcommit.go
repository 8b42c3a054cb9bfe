package commitlog

import (
	"fmt"
	"math"
	"time"

	"brokerlab/engine/env"
)

// groupShare and gatherMin bound how long a group commit gathers appends: this
// part of the flush before it, or what 16 tasks take to come back with their next
// batch if that is more, but never longer than that flush. On two cores they take
// 95 to 130 us; a quarter of a flush of 215 us is over when 11 of them are back.
const (
	groupShare = 4
	gatherMin  = 150 * time.Microsecond
)

// groupCommit is what the appends share that wait for a flush
// (flush.group.commit). Log.mu guards it.
type groupCommit struct {
	running  bool  // one of them flushes, or gathers others for it
	begun    int64 // flushes
	done     int64 // those of them that have ended
	waiting  int   // appends that no flush has covered
	covered  int   // those of them that the flush covers that runs
	expected int   // as many were waiting when the last flush ended, and it released some
	began    env.Time
	ended    env.Time // of the last flush
	flushed  env.Cond // broadcast when the recovery point rises, and at the end
	gathered env.Cond // signalled when as many wait as are expected
}

// commit waits until all that an append wrote is flushed: by a flush that began
// after it, which the first of those that wait runs. The caller does not hold
// writer.
//
// Whoever was released by the last flush likely appends again at once, so that a
// flush that began at once too would cover only the other half. It gathers first:
// until as many wait as then, or gatherMax has passed.
func (l *Log) commit(a *Appended, truncations int64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	g := &l.mu.group
	if g.waiting++; g.waiting == g.expected {
		g.gathered.Signal()
	}
	defer g.leave(g.begun)
	for {
		if l.mu.truncations != truncations {
			return fmt.Errorf("%w: %d was truncated before it was flushed", ErrOffsetOutOfRange, a.BaseOffset)
		}
		if l.mu.flush.recovery >= a.NextOffset {
			return nil
		}
		if err := l.usableLocked(); err != nil {
			return err
		}
		if g.running {
			g.flushed.WaitUntil(env.Never)
			continue
		}
		if err := l.flushGroupLocked(); err != nil {
			return err
		}
	}
}

// leave counts out an append that joined when so many flushes had begun, unless
// the end of one did.
func (g *groupCommit) leave(joined int64) {
	if joined < g.done {
		return
	}
	g.waiting--
	if joined < g.begun {
		g.covered--
	}
}

// gatherMax is how long after a flush that took so long the next one may gather.
func gatherMax(flush time.Duration) time.Duration {
	return min(flush, max(flush/groupShare, gatherMin))
}

// flushGroupLocked gathers appends and flushes them. It needs mu, and releases it
// meanwhile.
func (l *Log) flushGroupLocked() error {
	g := &l.mu.group
	g.running = true
	deadline := g.ended.Add(gatherMax(g.ended.Sub(g.began)))
	for g.waiting < g.expected && g.gathered.WaitUntil(deadline) {
	}
	g.began = l.node.Now()
	g.begun++
	g.covered = g.waiting
	l.mu.Unlock()
	err := l.flush(flushScope{before: math.MaxInt64})
	l.mu.Lock()
	g.running = false
	g.done = g.begun
	g.ended, g.expected = l.node.Now(), g.waiting
	g.waiting -= g.covered
	g.flushed.Broadcast()
	return err
}
