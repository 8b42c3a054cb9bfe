package run

import (
	"fmt"
	"time"

	"brokerlab/results"
	"brokerlab/results/quantity"
	"brokerlab/scenarios/spec"
	"brokerlab/workloads/arrival"
	"brokerlab/workloads/load"
)

// prepareSearch begins the search for load.rate sustainable, in the warm-up.
func (r *repeat) prepareSearch() error {
	var producers *clients
	for _, c := range r.producers {
		if c.count > 0 && c.s.Load.Searched() {
			producers = c
		}
	}
	if producers == nil {
		return nil
	}
	cfg := arrival.SearchConfig{Delay: producers.s.Producers.Linger + producers.s.Load.Slack}
	var readers []*load.Group
	fetches := time.Duration(0)
	for _, c := range r.consumers {
		if c.count == 0 {
			continue
		}
		readers = append(readers, c.shared)
		if c.s.Consumers.FetchMinBytes > 1 {
			fetches = max(fetches, c.s.Consumers.FetchMaxWait)
		}
	}
	cfg.Delay += fetches
	var err error
	r.shared.Search, err = load.NewSearch(r.shared, readers, r.loadFrom, r.loadFrom.Add(r.s.Load.Warmup), cfg)
	return err
}

// seeSearch lets a search see that one of its steps has ended, if that is so.
func (r *repeat) seeSearch() {
	if s := r.shared.Search; s != nil {
		s.See(r.driver.Now())
	}
}

// endSearch notes at the end of the load whether the rate that was found was kept up with.
func (r *repeat) endSearch() {
	s := r.shared.Search
	if s == nil {
		return
	}
	at, _ := r.shared.LoadEnded(r.driver.Now())
	r.left, r.leftMost = s.Left(at)
	window := at.Sub(r.loadFrom.Add(r.s.Load.Warmup))
	rate, _ := s.Found()
	r.leftMost += int64((1 - keptUp) * rate * max(0, window.Seconds()))
}

// searchOf is the search of a repeat that has ended; nil if it had none.
func (r *repeat) searchOf() *results.Search {
	s := r.shared.Search
	if s == nil {
		return nil
	}
	out := &results.Search{}
	out.FoundPerS, out.Settled = s.Found()
	out.Held = r.left <= r.leftMost
	for _, step := range s.Steps() {
		if step.Ended {
			out.Steps = append(out.Steps, results.SearchStep{At: step.Start.Sub(r.loadFrom).Seconds(), RatePerS: step.Rate,
				KeptUp: step.KeptUp, Backlog: step.Backlog})
		}
	}
	return out
}

// searchWarnings tell of a rate that is not what was looked for.
func (r *repeat) searchWarnings() (all []string) {
	s := r.searchOf()
	if s == nil || r.cutOff {
		return nil
	}
	if !s.Settled {
		all = append(all, fmt.Sprintf("load.rate sustainable: the search had not settled when the warm-up of %v ended, and "+
			"%s/s is where it was: a longer load.warmup gives it more time", r.s.Load.Warmup, quantity.Digits(s.FoundPerS)))
	}
	if !s.Held {
		all = append(all, fmt.Sprintf("load.rate sustainable: %s/s was found in the warm-up and was not kept up with "+
			"for the whole load: %s were behind at its end, so that the sustainable rate is lower; a longer load.warmup sees "+
			"more of what changes over time", quantity.Digits(s.FoundPerS),
			quantity.Plural(r.left, "record")))
	}
	return all
}

// foundRate is the rate of producers that was looked for; 0 if it was given.
func (r *repeat) foundRate(l *spec.Load) float64 {
	if r.shared.Search == nil || !l.Searched() {
		return 0
	}
	rate, _ := r.shared.Search.Found()
	return rate
}
