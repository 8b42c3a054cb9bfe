package load

import (
	"sync"

	"brokerlab/engine/env"
)

// Flushes times the fsyncs of all logs in a Series. It is a commitlog.Observer's part,
// and is called by the tasks of several nodes.
type Flushes struct {
	end    env.Time // of the load
	start  env.Time
	mu     sync.Mutex // never held while waiting
	member *member
}

// NewFlushes times those that end during a load, which the series is of.
func NewFlushes(s *Series, end env.Time) *Flushes {
	return &Flushes{start: s.cfg.Start, end: end, member: s.join()}
}

// Fsync counts one. A nil Flushes counts none.
func (f *Flushes) Fsync(began, ended env.Time) {
	if f == nil || ended < f.start {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	m := f.member
	if m.within(ended, f.end); m.ended {
		return
	}
	m.rec.Record(int64(ended.Sub(began)))
	m.records++
}

// End closes the load at now, the first time that it is told.
func (f *Flushes) End(now env.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.member.end(min(now, f.end))
}
