package load

import (
	"sync"
	"testing"
	"time"

	"brokerlab/engine/env"
	"brokerlab/workloads/arrival"
)

// newTestSearch is one of 20 s, from second 1 on, beside two groups of consumers.
func newTestSearch(t *testing.T) *Search {
	t.Helper()
	from := env.Time(time.Second)
	s, err := NewSearch(&Shared{}, []*Group{{}, {}}, from, from.Add(arrival.SearchLengthMin), arrival.SearchConfig{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Goal: what the slowest group of consumers reads is the rate that is found; what failed
// is no backlog for ever. Method: counters of a system in which producers get everything
// acknowledged, one group reads at most 5,000/s, and some records fail early.
func TestSearchCountsTheSlowest(t *testing.T) {
	s := newTestSearch(t)
	const capacity = 5000.0
	waiting := 0.0
	for i := 0; ; i++ {
		at, end, ok := s.step(i, s.endOf(len(s.steps)-1)-1)
		if !ok {
			break
		}
		seconds := end.Sub(at.Start).Seconds()
		due := at.Rate * seconds
		read := min(waiting+due, capacity*seconds)
		waiting += due - read
		if i == 0 {
			s.shared.Failed.Add(100)
			due, read = due-100, read-100
		}
		s.shared.Acked.Add(int64(due))
		s.readers[0].Read.Add(int64(due))
		s.readers[1].Read.Add(int64(read) - 1)
		s.readers[1].Skipped.Add(1)
		s.See(end)
	}
	steps := s.Steps()
	if len(steps) != arrival.PeriodsOfSearch || steps[0].KeptUp || !steps[len(steps)-1].Ended {
		t.Fatalf("steps: %v", steps)
	}
	rate, settled := s.Found()
	if !settled || rate < 0.85*capacity || rate > 1.021*capacity {
		t.Errorf("found %v, settled %v, by %v", rate, settled, steps)
	}
	behind, allowed := s.Left(s.to)
	if behind < 0 || behind > allowed {
		t.Errorf("%d records are left of %d", behind, allowed)
	}
	if later, _ := s.Left(s.to.Add(time.Second)); later != behind+int64(rate) && later != behind+int64(rate)+1 {
		t.Errorf("a second later %d are left, and %d before", later, behind)
	}
}

// Goal: a step begins when the one before has ended, whoever asks first, and its rate is
// decided once. Method: many clients ask for the same steps at once (and -race).
func TestSearchDecidesOnce(t *testing.T) {
	s := newTestSearch(t)
	for i := range arrival.PeriodsOfSearch {
		start := s.from.Add(time.Duration(i) * arrival.SearchPeriodMin)
		if _, _, ok := s.step(i, start-1); ok != (i == 0) {
			t.Fatalf("step %d is there before it begins: %v", i, ok)
		}
		s.shared.Acked.Add(400)
		for _, g := range s.readers {
			g.Read.Add(400)
		}
		rates := make([]float64, 8)
		var clients sync.WaitGroup
		for c := range rates {
			clients.Go(func() {
				at, end, ok := s.step(i, start)
				if !ok || at.Start != start || end != start.Add(arrival.SearchPeriodMin) {
					t.Errorf("step %d: %v until %v, %v", i, at, end, ok)
				}
				rates[c] = at.Rate
			})
		}
		clients.Wait()
		for _, r := range rates {
			if r != rates[0] {
				t.Fatalf("rates of step %d: %v", i, rates)
			}
		}
	}
	if _, _, ok := s.step(arrival.PeriodsOfSearch, s.to); ok {
		t.Error("there is a step after the last one")
	}
}
