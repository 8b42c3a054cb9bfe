package arrival

import (
	"fmt"
	"math"
	"time"
)

// A search changes its rate after each period, as the OpenMessaging Benchmark does
// (RateController.java: up to twofold while the system keeps up, less after it did
// not), but brackets the rate instead of circling around it:
//
//	rising    twice as much each period, until one is not kept up with
//	draining  less than the system takes, until what piled up is worked off
//	again     what did not hold, if much less came through than had before: too much
//	          does not do that, and other programs on the machine do
//	closing   what it took then, then the middle of what held and what did not
//	holding   the highest rate that held, for the last quarter of the periods: what
//	          is slightly too much piles up over several of them, and is lowered
const (
	searchStart    = 1000 // records/s, of which no system keeps a long backlog
	searchRaise    = 2.0
	searchStep     = 1.1  // at most, when it is known what is too much
	searchReached  = 0.95 // of what was reached at too high a rate is tried next
	searchClose    = 1.05 // ends closing in
	searchLower    = 0.95 // when holding
	searchAgain    = 4    // periods that held before more is tried again
	searchTook     = 0.7  // of what held, at least, comes through of what is too much, if nothing disturbs it
	searchSlow     = 3    // periods in turn with less are no disturbance
	searchHoldPart = 4    // of the periods are for holding
)

// PeriodsOfSearch is how many periods a search has if it has time for them.
const PeriodsOfSearch = 40

// Bounds of a period: shorter ones measure batches and pauses, and longer ones pile up
// more than is worked off soon; the OpenMessaging Benchmark's are 3 s.
const (
	SearchPeriodMin = 500 * time.Millisecond
	SearchPeriodMax = 3 * time.Second
)

// searchLagPart is the part of a period by which records may be behind its end in a
// period that was kept up with.
const searchLagPart = 5

// SearchConfig describes a search.
type SearchConfig struct {
	Length time.Duration // of all periods together
	// Delay is how long a record takes on purpose: a batch that waits for others.
	Delay time.Duration
}

// Period is what became of the records of one period, while a rate held.
type Period struct {
	Done    int64 // records that came through in it, due in it or before
	Backlog int64 // records that were due at its end and had not come through
	Failed  int64 // records that failed in it, and never will
}

// Search looks for the highest rate with which a system keeps up: it is told what became
// of a rate, and says the next one. It is pure.
type Search struct {
	every   time.Duration
	periods int
	lag     time.Duration // records due in the last so much may be on their way

	seen     int
	rate     float64 // of the period that comes
	best     float64 // the highest one that held; 0: none did
	ceiling  float64 // the lowest one that did not
	reached  float64 // records/s that came through at it
	draining bool
	factor   float64 // of rising
	held     int     // periods in turn that best held
	doubted  float64 // the rate that did not hold once
	again    bool    // it comes next
	slow     int     // periods in turn since it did not
	last     bool    // the period before was kept up with
}

// NewSearch returns a search before its first period.
func NewSearch(cfg SearchConfig) (*Search, error) {
	if cfg.Length < SearchLengthMin {
		return nil, fmt.Errorf("arrival: a search of %v is shorter than %v", cfg.Length, SearchLengthMin)
	}
	every := min(SearchPeriodMax, max(SearchPeriodMin, cfg.Length/PeriodsOfSearch))
	return &Search{every: every, periods: int(cfg.Length / every), lag: every/searchLagPart + cfg.Delay,
		rate: searchStart, ceiling: math.Inf(1), factor: searchRaise}, nil
}

// SearchLengthMin is the shortest search: 40 periods of the shortest length.
const SearchLengthMin = PeriodsOfSearch * SearchPeriodMin

// Every is the length of a period, and Periods how many there are.
func (s *Search) Every() time.Duration { return s.every }

// Periods is how many there are; the last one may be longer than Every.
func (s *Search) Periods() int { return s.periods }

// Rate is that of the period that comes, in records per second.
func (s *Search) Rate() float64 { return s.rate }

// Allowed is how many records may be on their way at a rate that is kept up with.
func (s *Search) Allowed(rate float64) int64 { return int64(math.Ceil(rate * s.lag.Seconds())) }

// Found is the highest rate that held, and whether it is known to be about the highest
// one: it held in the last period too, and little more did not. If none held it is the
// last one that was tried.
func (s *Search) Found() (rate float64, settled bool) {
	if s.best == 0 {
		return s.rate, false
	}
	return s.best, s.last && !math.IsInf(s.ceiling, 1)
}

// Saw ends a period, chooses the rate of the next one, and says whether it was kept up
// with.
func (s *Search) Saw(p Period) (kept bool) {
	s.seen++
	kept = p.Failed == 0 && p.Backlog <= s.Allowed(s.rate)
	s.last = kept && !s.draining
	switch {
	case s.draining && kept:
		s.draining = false
		s.rate = s.next()
	case s.draining:
		s.drain(p)
		s.rate = s.below(p)
	case kept:
		s.hold()
		s.rate = s.next()
	case s.rate != s.doubted && s.through(p) < s.best*searchTook:
		s.doubt(p)
		s.rate = s.below(p)
	default:
		s.miss(p)
		s.rate = s.below(p)
	}
	s.rate = min(RateMax, max(1, s.rate))
	return kept
}

// through is how many records came through, per second.
func (s *Search) through(p Period) float64 { return float64(p.Done) / s.every.Seconds() }

func (s *Search) holding() bool { return s.seen >= s.periods-s.periods/searchHoldPart }

// hold notes that the present rate held.
func (s *Search) hold() {
	s.doubted = 0
	if s.rate > s.best {
		s.best, s.held = s.rate, 0
	}
	s.held++
	if s.held > searchAgain && !s.holding() && s.best*searchClose >= s.ceiling {
		// What did not hold may have been a disturbance: there is time to see.
		s.ceiling, s.reached, s.factor, s.held = math.Inf(1), 0, searchStep, 0
	}
}

// doubt lets a rate be tried again that did not hold.
func (s *Search) doubt(p Period) {
	s.doubted, s.again, s.draining, s.slow = s.rate, true, true, 1
	s.reached = s.through(p)
}

// drain notes a period in which what piled up was not worked off.
func (s *Search) drain(p Period) {
	if s.through(p) >= s.best*searchTook {
		s.slow = 0
		return
	}
	if s.slow++; s.again && s.slow == searchSlow {
		s.reached, s.again = max(s.reached, s.through(p)), false
		s.best, s.ceiling = s.reached*searchReached, s.doubted
	}
}

// miss notes that a rate is too much.
func (s *Search) miss(p Period) {
	s.draining, s.held, s.doubted = true, 0, 0
	s.reached = s.through(p)
	if s.rate <= s.best {
		s.best = min(s.best*searchLower, max(s.reached*searchReached, s.best/searchRaise))
		s.ceiling = s.rate
		return
	}
	s.ceiling = min(s.ceiling, s.rate)
}

// below is a rate at which what piled up is worked off within a period, if it may be.
func (s *Search) below(p Period) float64 {
	perSec := s.every.Seconds()
	return max(s.reached/10, min(s.reached, s.rate)-float64(p.Backlog)/perSec)
}

// next is the rate to be tried when nothing is left of the one before.
func (s *Search) next() float64 {
	if s.again {
		s.again = false
		return s.doubted
	}
	switch reached := s.reached * searchReached; {
	case s.best == 0: // not even the first one held
		return max(1, min(reached, s.ceiling/searchRaise))
	case s.holding(), s.best*searchClose >= s.ceiling:
		return s.best
	case math.IsInf(s.ceiling, 1):
		rate := s.best * s.factor
		s.factor = min(searchRaise, s.factor*s.factor)
		return rate
	case reached > s.best*searchClose && reached < s.ceiling/searchClose:
		s.reached = 0 // it is tried once
		return reached
	}
	return min(s.best*searchStep, (s.best+s.ceiling)/2)
}
