package load

import (
	"sync"

	"brokerlab/engine/env"
	"brokerlab/workloads/arrival"
)

// Search looks for the rate that producers then keep: from the start of the load to that
// of their Arrival. All that comes due in it is sent, however late: what counts is whether
// it comes through. The first client that asks for the rate of a period decides it, by
// what all of them have done by then; the driver asks too, for producers that are stalled.
type Search struct {
	shared  *Shared
	readers []*Group // of consumers; what the slowest of them has read is through
	from    env.Time
	to      env.Time

	mu     sync.Mutex // never held while waiting
	core   *arrival.Search
	steps  []SearchStep
	due    float64 // in all steps but the last
	done   int64   // when the last one began
	failed int64
}

// SearchStep is one period of a search.
type SearchStep struct {
	Start   env.Time
	Rate    float64 // records per second
	Ended   bool
	KeptUp  bool
	Backlog int64 // records that were due at its end and had not come through
}

// NewSearch begins a search at an instant; it is over at another one.
func NewSearch(shared *Shared, readers []*Group, from, to env.Time, cfg arrival.SearchConfig) (*Search, error) {
	cfg.Length = to.Sub(from)
	core, err := arrival.NewSearch(cfg)
	if err != nil {
		return nil, err
	}
	return &Search{shared: shared, readers: readers, from: from, to: to, core: core,
		steps: []SearchStep{{Start: from, Rate: core.Rate()}}}, nil
}

// endOf is when a step ends; the last one has what is left.
func (s *Search) endOf(step int) env.Time {
	if step >= s.core.Periods()-1 {
		return s.to
	}
	return s.steps[step].Start.Add(s.core.Every())
}

// step returns a step that has begun at now, and when it ends; ok is false if there is
// none any more. Steps are asked for in turn.
func (s *Search) step(index int, now env.Time) (at SearchStep, end env.Time, ok bool) {
	s.See(now)
	s.mu.Lock()
	defer s.mu.Unlock()
	if index >= len(s.steps) {
		return SearchStep{}, 0, false
	}
	return s.steps[index], s.endOf(index), true
}

// See ends the steps that are over at now.
func (s *Search) See(now env.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		last := len(s.steps) - 1
		at, end := &s.steps[last], s.endOf(last)
		if now < end || at.Ended {
			return
		}
		s.due += at.Rate * end.Sub(at.Start).Seconds()
		done, failed := s.through(), s.shared.Failed.Load()
		at.Backlog, at.Ended = max(0, int64(s.due)-failed-done), true
		at.KeptUp = s.core.Saw(arrival.Period{Done: done - s.done, Backlog: at.Backlog, Failed: failed - s.failed})
		s.done, s.failed = done, failed
		if end < s.to {
			s.steps = append(s.steps, SearchStep{Start: end, Rate: s.core.Rate()})
		}
	}
}

// through is how many records were acknowledged, and read by all groups that read along.
func (s *Search) through() int64 {
	done := s.shared.Acked.Load()
	for _, g := range s.readers {
		done = min(done, g.Read.Load()+g.Skipped.Load())
	}
	return done
}

// Found is the rate that producers keep, and whether it is known to be about the highest
// one. It is settled when all steps have ended.
func (s *Search) Found() (rate float64, settled bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	rate, settled = s.core.Found()
	return rate, settled && s.steps[len(s.steps)-1].Ended
}

// Steps are those that have begun.
func (s *Search) Steps() []SearchStep {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]SearchStep(nil), s.steps...)
}

// Left is how many records are due at an instant after the search, at the rate that was
// found, and had not come through, and how many of them a load that keeps up may have.
func (s *Search) Left(at env.Time) (records, allowed int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	rate, _ := s.core.Found()
	due := s.due + rate*max(0, at.Sub(s.to).Seconds())
	return int64(due) - s.shared.Failed.Load() - s.through(), s.core.Allowed(rate)
}

// search sends at the rates of a search, and returns the schedule that follows it.
func (p *producing) search(s *Search) (load arrival.Config, err error) {
	load = p.cfg.Arrival
	late := p.late
	for i := 0; !p.shared.Over(); i++ {
		at, end, ok := s.step(i, p.node.Now())
		if !ok {
			break
		}
		step := load
		step.Start, step.RatePerSec, step.CatchUp = at.Start, at.Rate, true
		if err := p.sendStep(step, end, p.shared.Over); err != nil {
			return load, err
		}
	}
	p.late = late // what is late in a search is its way to see
	load.Start = s.to
	load.RatePerSec, _ = s.Found()
	return load, nil
}
