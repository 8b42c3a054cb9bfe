package run

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"brokerlab/workloads/load"
)

// Live is what can be seen of a run while it goes on, and how it is stopped from
// outside. Its methods may be called from any goroutine.
type Live struct {
	stopped atomic.Bool
	mu      struct {
		sync.Mutex
		running []*progress
		ended   int // repeats
		total   int
	}
}

// progress is what can be seen of one repeat.
type progress struct {
	live   *Live
	where  atomic.Pointer[where]
	shared atomic.Pointer[load.Shared]
	now    atomic.Int64 // ns of the world since the load of the repeat began
}

// where a repeat is.
type where struct {
	cell, cells, repeat, repeats int
	label, target, phase         string
	duration                     time.Duration
}

// Stop ends the run soon; what was measured so far is kept and marked incomplete.
func (l *Live) Stop() { l.stopped.Store(true) }

// Status is a moment of one repeat of one cell.
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

// Statuses returns a moment of every repeat that goes on, by repeat and cell, and
// how many of all have ended.
func (l *Live) Statuses() (all []Status, ended, total int) {
	l.mu.Lock()
	running := slices.Clone(l.mu.running)
	ended, total = l.mu.ended, l.mu.total
	l.mu.Unlock()
	for _, p := range running {
		all = append(all, p.status())
	}
	slices.SortFunc(all, func(a, b Status) int {
		return cmp.Or(cmp.Compare(a.Repeat, b.Repeat), cmp.Compare(a.Cell, b.Cell))
	})
	return all, ended, total
}

// Status returns a moment of the first repeat that goes on; ok is false if none does.
func (l *Live) Status() (s Status, ok bool) {
	all, _, _ := l.Statuses()
	if len(all) == 0 {
		return s, false
	}
	return all[0], true
}

// plan says how many repeats there will be.
func (l *Live) plan(total int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.total = total
}

// begin adds a repeat.
func (l *Live) begin(w where) *progress {
	p := &progress{live: l}
	p.where.Store(&w)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.running = append(l.mu.running, p)
	return p
}

// end takes a repeat out.
func (p *progress) end() {
	l := p.live
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.running = slices.DeleteFunc(l.mu.running, func(q *progress) bool { return q == p })
	l.mu.ended++
}

func (p *progress) status() Status {
	w := p.where.Load()
	s := Status{Cell: w.cell, Cells: w.cells, Repeat: w.repeat, Repeats: w.repeats, Label: w.label, Target: w.target,
		Phase: w.phase, Duration: w.duration, Elapsed: max(0, time.Duration(p.now.Load()))}
	if shared := p.shared.Load(); shared != nil {
		s.Acked, s.Failed, s.Consumed = shared.Acked.Load(), shared.Failed.Load(), shared.Consumed.Load()
	}
	return s
}

func (p *progress) phase(name string) {
	w := *p.where.Load()
	w.phase = name
	p.where.Store(&w)
}

// stopped says whether the run is to end.
func (p *progress) stopped() bool { return p.live.stopped.Load() }
