package run

import (
	"cmp"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"brokerlab/results"
	"brokerlab/scenarios/spec"
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
		planned time.Time
		work    Work // less what goes on
	}
}

// Work is how much of a run there is, or of several, and how much of it is done: planned
// spans are the durations of loads, of the virtual clock where it is simulated; others
// are of the wall clock.
type Work struct {
	SimPlanned, SimDone  time.Duration
	SimTook              time.Duration // for what is done of them
	RealTotal, RealEnded int           // repeats
	RealPlanned          time.Duration
	RealEndedPlanned     time.Duration // of those that have ended
	RealEndedTook        time.Duration
	RealRunning          time.Duration // what the one that goes on has taken so far
}

// PlannedWork is that of a scenario that has not begun, with its cells.
func PlannedWork(file *spec.File, cells []spec.Cell) (w Work) {
	for _, p := range file.Place(cells) {
		repeats := max(1, file.Base.Repeat)
		planned := time.Duration(repeats) * p.Cell.Scenario.Load.Duration
		if Target(p.Disk) == results.TargetSim {
			w.SimPlanned += planned
		} else {
			w.RealTotal += repeats
			w.RealPlanned += planned
		}
	}
	return w
}

// Plus is the work of both.
func (w Work) Plus(o Work) Work {
	return Work{
		SimPlanned: w.SimPlanned + o.SimPlanned, SimDone: w.SimDone + o.SimDone, SimTook: w.SimTook + o.SimTook,
		RealTotal: w.RealTotal + o.RealTotal, RealEnded: w.RealEnded + o.RealEnded,
		RealPlanned: w.RealPlanned + o.RealPlanned, RealEndedPlanned: w.RealEndedPlanned + o.RealEndedPlanned,
		RealEndedTook: w.RealEndedTook + o.RealEndedTook, RealRunning: w.RealRunning + o.RealRunning,
	}
}

// Over is the work of a run that is over, whether or not it came to its end: nothing is
// left of it.
func (w Work) Over() Work {
	w.SimPlanned, w.RealTotal, w.RealPlanned, w.RealRunning = w.SimDone, w.RealEnded, w.RealEndedPlanned, 0
	return w
}

// progress is what can be seen of one repeat.
type progress struct {
	live   *Live
	where  atomic.Pointer[where]
	shared atomic.Pointer[load.Shared]
	now    atomic.Int64 // ns of the world since the load of the repeat began
	began  time.Time
	// series are of the producers, once there are some.
	series atomic.Pointer[[]*load.Series]
}

// where a repeat is.
type where struct {
	cell, cells, repeat, repeats int
	label, target, phase         string
	duration                     time.Duration
}

// Stop ends the run soon; what was measured so far is kept and marked incomplete.
func (l *Live) Stop() { l.stopped.Store(true) }

// isStopped says whether the run is to end; nil, it is not.
func (l *Live) isStopped() bool { return l != nil && l.stopped.Load() }

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
	// P99 is that of produce latency in the last second that is over; 0 with too few
	// records to tell.
	P99 time.Duration
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

// Work returns how much there is and how much is done.
func (l *Live) Work() Work {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := l.mu.work
	for _, p := range l.mu.running {
		if at := p.where.Load(); at.target == results.TargetSim {
			w.SimDone += min(at.duration, max(0, time.Duration(p.now.Load())))
			w.SimTook = time.Since(l.mu.planned) // simulated repeats run first
		} else {
			w.RealRunning += time.Since(p.began)
		}
	}
	return w
}

// plan says how many repeats there will be, and what they are planned to take.
func (l *Live) plan(total int, w Work) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.total, l.mu.work, l.mu.planned = total, w, time.Now()
}

// begin adds a repeat.
func (l *Live) begin(w where) *progress {
	p := &progress{live: l, began: time.Now()}
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
	if at := p.where.Load(); at.target == results.TargetSim {
		l.mu.work.SimDone += at.duration
		l.mu.work.SimTook = time.Since(l.mu.planned)
	} else {
		l.mu.work.RealEnded++
		l.mu.work.RealEndedPlanned += at.duration
		l.mu.work.RealEndedTook += time.Since(p.began)
	}
}

func (p *progress) status() Status {
	w := p.where.Load()
	s := Status{Cell: w.cell, Cells: w.cells, Repeat: w.repeat, Repeats: w.repeats, Label: w.label, Target: w.target,
		Phase: w.phase, Duration: w.duration, Elapsed: max(0, time.Duration(p.now.Load()))}
	if shared := p.shared.Load(); shared != nil {
		s.Acked, s.Failed, s.Consumed = shared.Acked.Load(), shared.Failed.Load(), shared.Consumed.Load()
	}
	s.P99 = p.p99()
	return s
}

// p99 merges what producers have of the last second that is over.
func (p *progress) p99() time.Duration {
	all := p.series.Load()
	if all == nil {
		return 0
	}
	h := results.NewHistogram()
	for _, s := range *all {
		s.AddRecent(h)
	}
	if l := results.Summarize(h, 0); l.Supports("p99") {
		return time.Duration(l.P99)
	}
	return 0
}

func (p *progress) phase(name string) {
	w := *p.where.Load()
	w.phase = name
	p.where.Store(&w)
}

// stopped says whether the run is to end.
func (p *progress) stopped() bool { return p.live.isStopped() }
