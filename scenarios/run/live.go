package run

import (
	"sync/atomic"
	"time"

	"brokerlab/workloads/load"
)

// Live is what can be seen of a run while it goes on, and how it is stopped from
// outside. Its methods may be called from any goroutine.
type Live struct {
	stopped atomic.Bool
	where   atomic.Pointer[where]
	shared  atomic.Pointer[load.Shared]
	now     atomic.Int64 // ns of the world since the load of the repeat began
}

// where a run is.
type where struct {
	cell, cells, repeat, repeats int
	label, target, phase         string
	duration                     time.Duration
}

// Stop ends the run soon; what was measured so far is kept and marked incomplete.
func (l *Live) Stop() { l.stopped.Store(true) }

// Status is a moment of a run.
type Status struct {
	Cell, Cells     int // from 1
	Repeat, Repeats int // from 1
	Label           string
	Target          string
	Phase           string
	Elapsed         time.Duration // of the load; in a simulated cell, of virtual time
	Duration        time.Duration // that the load may last
	Acked           int64
	Failed          int64
	Consumed        int64
}

// Status returns the moment; ok is false before the first cell.
func (l *Live) Status() (s Status, ok bool) {
	w := l.where.Load()
	if w == nil {
		return s, false
	}
	s = Status{Cell: w.cell, Cells: w.cells, Repeat: w.repeat, Repeats: w.repeats, Label: w.label, Target: w.target,
		Phase: w.phase, Duration: w.duration, Elapsed: max(0, time.Duration(l.now.Load()))}
	if shared := l.shared.Load(); shared != nil {
		s.Acked, s.Failed, s.Consumed = shared.Acked.Load(), shared.Failed.Load(), shared.Consumed.Load()
	}
	return s, true
}

func (l *Live) phase(name string) {
	w := *l.where.Load()
	w.phase = name
	l.where.Store(&w)
}

func (l *Live) begin(w where, shared *load.Shared) {
	l.now.Store(0)
	l.where.Store(&w)
	l.shared.Store(shared)
}
