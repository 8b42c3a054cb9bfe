package arrival

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// queueing is a dumb model of a system: it takes so much a second, and the rest waits.
type queueing struct {
	capacity func(second float64) float64 // records/s
	delay    time.Duration                // that each record takes anyhow
	nowS     float64
	waiting  float64
}

// period offers a rate for a period.
func (q *queueing) period(rate float64, every time.Duration) Period {
	s := every.Seconds()
	done := min(q.waiting+rate*s, q.capacity(q.nowS)*s)
	q.waiting += rate*s - done
	q.nowS += s
	return Period{Done: int64(done), Backlog: int64(q.waiting + rate*q.delay.Seconds())}
}

func searched(t *testing.T, cfg SearchConfig, q *queueing) (*Search, []float64) {
	t.Helper()
	s, err := NewSearch(cfg)
	if err != nil {
		t.Fatal(err)
	}
	var rates []float64
	for range s.Periods() {
		rates = append(rates, s.Rate())
		s.Saw(q.period(s.Rate(), s.Every()))
	}
	return s, rates
}

// Goal: the rate that is found is the capacity of the system, whatever that is, within
// 12 % below it and never noticeably above. Method: a queue of constant capacity.
func TestSearchFindsCapacity(t *testing.T) {
	for _, capacity := range []float64{90, 999, 1000, 1500, 12_345, 99_000, 1_000_000, 3_700_000} {
		for _, length := range []time.Duration{20 * time.Second, time.Minute, 10 * time.Minute} {
			q := &queueing{capacity: func(float64) float64 { return capacity }, delay: 20 * time.Millisecond}
			s, rates := searched(t, SearchConfig{Length: length}, q)
			found, settled := s.Found()
			if !settled || found < 0.88*capacity || found > 1.021*capacity {
				t.Errorf("capacity %v in %v: found %v, settled %v, by %.0f", capacity, length, found, settled, rates)
			}
			if q.waiting > float64(s.Allowed(found)) {
				t.Errorf("capacity %v in %v: %v records are left at the end", capacity, length, q.waiting)
			}
		}
	}
}

// Goal: a disturbance of a second does not decide what is found, and a capacity that
// falls is followed. Method: queues whose capacity changes once.
func TestSearchFollowsCapacity(t *testing.T) {
	for _, c := range []struct {
		name     string
		capacity func(second float64) float64
		want     float64
	}{
		{"nothing is taken for a moment while the rate rises", func(s float64) float64 {
			if s >= 6 && s < 7 {
				return 100
			}
			return 50_000
		}, 50_000},
		{"the page cache is full after a while", func(s float64) float64 {
			if s > 40 {
				return 20_000
			}
			return 60_000
		}, 20_000},
	} {
		s, rates := searched(t, SearchConfig{Length: time.Minute}, &queueing{capacity: c.capacity})
		if found, settled := s.Found(); !settled || found < 0.8*c.want || found > 1.021*c.want {
			t.Errorf("%s: found %v, settled %v, by %.0f", c.name, found, settled, rates)
		}
	}
}

// Goal: a machine on which others run takes less than usual now and then, and is not taken
// for one that always does. Method: many queues that lose most of one period in ten, at
// random, and what is found in nine of ten of them.
func TestSearchDisturbed(t *testing.T) {
	const capacity, runs = 200_000, 400
	for _, length := range []time.Duration{SearchLengthMin, time.Minute} {
		var all []float64
		for seed := range uint64(runs) {
			random := rand.New(rand.NewPCG(seed, 7))
			q := &queueing{capacity: func(float64) float64 {
				if random.Float64() < 0.1 {
					return capacity * 0.3
				}
				return capacity
			}}
			s, _ := searched(t, SearchConfig{Length: length}, q)
			found, _ := s.Found()
			all = append(all, found/capacity)
		}
		slices.Sort(all)
		if low, middle := all[runs/10], all[runs/2]; low < 0.8 || middle < 0.9 {
			t.Errorf("in %v: %.2f of the capacity in nine of ten searches, %.2f in half of them", length, low, middle)
		}
	}
}

// Goal: a search that ends before it knew says so. Method: a system that takes anything,
// one that takes nothing, and one in which records fail.
func TestSearchNotSettled(t *testing.T) {
	for name, capacity := range map[string]float64{"anything": math.Inf(1), "nothing": 0} {
		s, rates := searched(t, SearchConfig{Length: 20 * time.Second},
			&queueing{capacity: func(float64) float64 { return capacity }})
		if found, settled := s.Found(); settled || found < 1 || found > RateMax {
			t.Errorf("%s: found %v, settled %v, by %.0f", name, found, settled, rates)
		}
	}
	s, err := NewSearch(SearchConfig{Length: SearchLengthMin})
	if err != nil {
		t.Fatal(err)
	}
	if s.Saw(Period{Done: 499, Failed: 1}) {
		t.Error("a period in which a record failed was kept up with")
	}
	if _, err := NewSearch(SearchConfig{Length: SearchLengthMin - 1}); err == nil {
		t.Error("a search that is too short is none")
	}
}

// Goal: records that wait on purpose are no backlog. Method: a delay of a second, told
// and not told.
func TestSearchDelay(t *testing.T) {
	for _, told := range []time.Duration{0, time.Second} {
		q := &queueing{capacity: func(float64) float64 { return 40_000 }, delay: time.Second}
		s, _ := searched(t, SearchConfig{Length: time.Minute, Delay: told}, q)
		found, _ := s.Found()
		if ok := found > 30_000 && found < 42_000; ok != (told > 0) {
			t.Errorf("delay of %v told: found %v", told, found)
		}
	}
}

// Goal: whatever is seen, the rate is one that a pacer takes. Method: random periods.
func TestSearchRates(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		s, err := NewSearch(SearchConfig{Length: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		for range 60 {
			s.Saw(Period{Done: random.Int64N(1 << 40), Backlog: random.Int64N(1<<random.IntN(40)) - 10,
				Failed: random.Int64N(10) / 9})
			if r := s.Rate(); !(r >= 1 && r <= RateMax) {
				t.Fatalf("rate of %v", r)
			}
		}
	}
}
