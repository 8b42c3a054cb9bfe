package realworld

import (
	"slices"
	"sync"
	"time"

	"brokerlab/engine/env"
	"brokerlab/engine/netmodel"
)

// shaper is what makes in-process links share network cards with a rate: the
// model of netmodel, in real time. It computes with the instants at which things
// are due, however late it runs, so that lateness shifts a message and does not add
// up: while a sender always has something to send, its rate is exact. One
// goroutine, which lives while something is due, sleeps until the next instant. It
// does not spin: what it delivers is late by what a thread's wake-up takes, 25 to 50
// us at the median (2 virtual cores, both busy), and by milliseconds at the 99th
// percentile when no core is free. Links without a rate do without it, and are 2 us
// late at the median. Less than that, delays of 10 us in a rack say, the real world
// cannot shape.
//
// Lock order: shaper.mu, then link.mu.
type shaper struct {
	world   *World
	mu      sync.Mutex
	now     env.Time // of what happens, not of the clock on the wall
	due     []event  // the next one last
	cards   map[string]*netmodel.Card
	target  env.Time // of the pump's sleep
	pumping bool
	halted  bool  // outside of Run
	changed *cond // something earlier is due, or halted has changed
	ended   *cond // the pump has ended
}

// event is a callback of the model.
type event struct {
	at env.Time
	fn func()
}

// pumpStep is how long the pump does not look whether something earlier is due.
const pumpStep = 200 * time.Microsecond

func newShaper(w *World) *shaper {
	s := &shaper{world: w, cards: map[string]*netmodel.Card{}}
	s.changed, s.ended = newCond(w, &s.mu), newCond(w, &s.mu)
	return s
}

// Now implements netmodel.Clock, under the lock.
func (s *shaper) Now() env.Time { return s.now }

// At implements netmodel.Clock, under the lock.
func (s *shaper) At(t env.Time, fn func()) {
	i, _ := slices.BinarySearchFunc(s.due, t, func(e event, t env.Time) int {
		if e.at > t {
			return -1
		}
		return 1 // in front of those of the same instant, which come first
	})
	s.due = slices.Insert(s.due, i, event{t, fn})
}

// card is the card of a node.
func (s *shaper) cardLocked(node string) *netmodel.Card {
	c := s.cards[node]
	if c == nil {
		c = netmodel.NewCard(s)
		s.cards[node] = c
	}
	return c
}

// enter locks the model, brought up to now.
func (s *shaper) enter() {
	s.mu.Lock()
	s.advanceLocked()
}

// leave unlocks it, after the pump knows what is due.
func (s *shaper) leave() {
	switch {
	case len(s.due) == 0 || s.halted:
	case !s.pumping:
		s.pumping = true
		go s.pump()
	case s.due[len(s.due)-1].at < s.target:
		s.changed.Signal()
	}
	s.mu.Unlock()
}

// advanceLocked does what is due.
func (s *shaper) advanceLocked() {
	now := s.world.now()
	for n := len(s.due) - 1; n >= 0 && s.due[n].at <= now; n = len(s.due) - 1 {
		e := s.due[n]
		s.due[n] = event{}
		s.due = s.due[:n]
		s.now = max(s.now, e.at)
		e.fn()
	}
	s.now = max(s.now, now)
}

// pump does what is due when it is, until nothing is.
func (s *shaper) pump() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.advanceLocked(); len(s.due) > 0 && !s.halted; s.advanceLocked() {
		s.target = s.due[len(s.due)-1].at
		left := s.target.Sub(s.world.now())
		if left > preciseSpan {
			s.changed.WaitUntil(s.target - env.Time(preciseSpan))
			continue
		}
		s.mu.Unlock()
		if left > 0 {
			parkThread(min(left, pumpStep))
		}
		s.mu.Lock()
	}
	s.pumping = false
	s.ended.Broadcast()
}

// halt ends the pump; what is due stays so.
func (s *shaper) halt() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.halted = true
	s.changed.Signal()
	for s.pumping {
		s.ended.WaitUntil(env.Never)
	}
}

// resume ends halt.
func (s *shaper) resume() {
	s.enter()
	s.halted = false
	s.leave()
}
