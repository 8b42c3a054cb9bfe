package consumer

import (
	"math/rand/v2"
	"testing"
	"time"

	"brokerlab/engine/client"
	"brokerlab/engine/env"
	"brokerlab/engine/protocol"
)

const second = env.Time(time.Second)

// subscribed returns a subscription to partitions that broker 1 leads in epoch 5,
// from the offsets on.
func subscribed(offsets ...int64) subscription {
	var assigned []Assignment
	for i, offset := range offsets {
		tp := protocol.TopicPartition{Topic: "t", Partition: int32(i)}
		assigned = append(assigned, Assignment{TopicPartition: tp, Offset: offset})
	}
	s := newSubscription(assigned, ResetLatest, client.Backoff{Initial: 100 * time.Millisecond, Max: time.Second,
		Random: rand.New(rand.NewPCG(1, 2))})
	for _, p := range s.partitions {
		s.lead(p, 1, 5)
	}
	return s
}

// TestDue: what a leader is asked next. Method: table of partitions, brought into
// their phases one by one.
func TestDue(t *testing.T) {
	cases := []struct {
		why   string
		make  func() subscription
		first int
		last  phase
		asked []int32
		at    env.Time // when nothing is asked
	}{
		{"all are fetched, beginning with the one whose turn it is", func() subscription { return subscribed(0, 3, 7) },
			1, phaseFetch, []int32{1, 2, 0}, 0},
		{"positions are looked up before others are fetched", func() subscription {
			return subscribed(0, protocol.EarliestOffset, ByPolicy)
		}, 0, phaseFetch, []int32{1, 2}, 0},
		{"while Poll is behind nothing is fetched", func() subscription { return subscribed(0, 3) }, 0, phaseValidate,
			nil, env.Never},
		{"but positions are looked up", func() subscription { return subscribed(0, protocol.LatestOffset) }, 0,
			phaseValidate, []int32{1}, 0},
		{"what a new leader may lack is asked for before fetching", func() subscription {
			s := subscribed(0, 0)
			s.fetched(s.partitions[1], position{offset: 4, epoch: 5})
			s.lead(s.partitions[1], 1, 6)
			return s
		}, 0, phaseFetch, []int32{1}, 0},
		{"what has failed waits, and holds up none of the others", func() subscription {
			s := subscribed(0, 0)
			s.failed(s.partitions[0], second)
			return s
		}, 0, phaseFetch, []int32{1}, 0},
		{"what waits for Poll is left alone", func() subscription {
			s := subscribed(0)
			s.partitions[0].phase = phaseHeld
			return s
		}, 0, phaseFetch, nil, env.Never},
		{"without partitions there is nothing to do", func() subscription { return subscribed() }, 3, phaseFetch, nil,
			env.Never},
	}
	for _, c := range cases {
		s := c.make()
		asks, at := s.due(s.partitions, c.first, c.last, second, nil)
		var asked []int32
		for _, a := range asks {
			asked = append(asked, a.p.Partition)
		}
		if len(asked) != len(c.asked) || len(asked) == 0 && at != c.at {
			t.Errorf("%s: asks %v at %d, want %v at %d", c.why, asked, at, c.asked, c.at)
			continue
		}
		for i := range asked {
			if asked[i] != c.asked[i] {
				t.Errorf("%s: asks %v, want %v", c.why, asked, c.asked)
			}
		}
	}
	s := subscribed(0)
	s.failed(s.partitions[0], second)
	_, at := s.due(s.partitions, 0, phaseFetch, second, nil)
	if wait := at.Sub(second); wait < 80*time.Millisecond || wait > 120*time.Millisecond {
		t.Errorf("the first failure is put off by %v", wait)
	}
	if asks, _ := s.due(s.partitions, 0, phaseFetch, at, nil); len(asks) != 1 {
		t.Errorf("at that time it is not asked for")
	}
}

// TestCurrent: which answers still count. Method: one question, one change, by
// table.
func TestCurrent(t *testing.T) {
	cases := []struct {
		why    string
		change func(s *subscription, p *partition)
		want   bool
	}{
		{"nothing has changed", func(*subscription, *partition) {}, true},
		{"another try is put off", func(s *subscription, p *partition) { s.failed(p, second) }, true},
		{"a seek, also to the same offset", func(s *subscription, p *partition) { s.seek(p, p.next) }, false},
		{"a reset", func(s *subscription, p *partition) { s.reset(p, ResetLatest) }, false},
		{"records were fetched by another request",
			func(s *subscription, p *partition) { s.fetched(p, position{offset: 9, epoch: 5}) }, false},
		{"another leader", func(s *subscription, p *partition) { s.lead(p, 2, 6) }, false},
		{"the same leader, elected again", func(s *subscription, p *partition) { s.lead(p, 1, 6) }, false},
		{"metadata that are older", func(s *subscription, p *partition) { s.lead(p, 3, 4) }, true},
	}
	for _, c := range cases {
		s := subscribed(3)
		asks, _ := s.due(s.partitions, 0, phaseFetch, second, nil)
		c.change(&s, s.partitions[0])
		if asks[0].current() != c.want {
			t.Errorf("%s: the answer counts: %v, want %v", c.why, !c.want, c.want)
		}
	}
}

// TestLead: which news of leaders ask for validation (KIP-320).
func TestLead(t *testing.T) {
	cases := []struct {
		why           string
		epoch         int32 // of the record before the position
		leader, leads int32
		news          bool
		want          phase
	}{
		{"the same again", 5, 1, 5, false, phaseFetch},
		{"an older epoch", 5, 2, 4, false, phaseFetch},
		{"a new leader", 5, 2, 6, true, phaseValidate},
		{"a new epoch of the same leader", 5, 1, 6, true, phaseValidate},
		{"nobody", 5, unknown, 6, true, phaseValidate},
		{"a new leader of a position that was sought", unknown, 2, 6, true, phaseFetch},
	}
	for _, c := range cases {
		s := subscribed(0)
		p := s.partitions[0]
		s.seek(p, position{offset: 8, epoch: c.epoch})
		if news := s.lead(p, c.leader, c.leads); news != c.news || p.phase != c.want {
			t.Errorf("%s: news %v, phase %d, want %v, %d", c.why, news, p.phase, c.news, c.want)
		}
		if p.next.offset != 8 || p.read != 8 {
			t.Errorf("%s: the position is %d, %d", c.why, p.next.offset, p.read)
		}
	}
}

// TestValidated: what a new leader's answer means for position 8 behind a record
// of epoch 5 (maybeCompleteValidation).
func TestValidated(t *testing.T) {
	cases := []struct {
		why   string
		end   protocol.EpochEndOffset
		whole bool
	}{
		{"epoch 5 goes on behind the position", protocol.EpochEndOffset{LeaderEpoch: 5, EndOffset: 20}, true},
		{"it ends at the position", protocol.EpochEndOffset{LeaderEpoch: 5, EndOffset: 8}, true},
		{"it ends before", protocol.EpochEndOffset{LeaderEpoch: 5, EndOffset: 7}, false},
		{"the leader does not know it, and an older one ends before", protocol.EpochEndOffset{LeaderEpoch: 3, EndOffset: 2},
			false},
		{"the leader knows none", protocol.EpochEndOffset{LeaderEpoch: unknown, EndOffset: noOffset}, false},
	}
	for _, c := range cases {
		s := subscribed(0)
		p := s.partitions[0]
		s.seek(p, position{offset: 8, epoch: 5})
		s.lead(p, 2, 6)
		whole := s.validated(p, c.end)
		if whole != c.whole || whole && p.phase != phaseFetch || !whole && p.phase != phaseHeld {
			t.Errorf("%s: whole %v, phase %d, want %v", c.why, whole, p.phase, c.whole)
		}
	}
}

// TestParseResetPolicy: Kafka's notation, and what is none.
func TestParseResetPolicy(t *testing.T) {
	for text, want := range map[string]ResetPolicy{
		"earliest": ResetEarliest, "latest": ResetLatest, "none": ResetNone,
		"by_duration:PT1H30M":   ResetByDuration(90 * time.Minute),
		"by_duration:P1D":       ResetByDuration(24 * time.Hour),
		"by_duration:P1DT0.25S": ResetByDuration(24*time.Hour + 250*time.Millisecond),
		"by_duration:PT0S":      ResetByDuration(0),
		"":                      {}, "Latest": {}, "by_duration:": {}, "by_duration:P": {}, "by_duration:PT": {},
		"by_duration:1H": {}, "by_duration:PT-1H": {}, "by_duration:PT1.5H": {}, "by_duration:PT1M1H": {},
		"by_duration:PT1": {}, "by_duration:PTS": {}, "by_duration:PTNaNS": {}, "by_duration:P1DT": {},
		"by_duration:PT9999999999S": {},
	} {
		got, err := ParseResetPolicy(text)
		if got != want || (err == nil) != (want != ResetPolicy{}) {
			t.Errorf("%q is %v, %v, want %v", text, got, err, want)
		}
		if err == nil {
			if again, err := ParseResetPolicy(got.String()); err != nil || again != got {
				t.Errorf("%q is printed as %q, which is %v, %v", text, got, again, err)
			}
		}
	}
}

// TestLookup: what each policy asks the leader for.
func TestLookup(t *testing.T) {
	wall := time.UnixMilli(1_000_000)
	for _, c := range []struct {
		policy ResetPolicy
		want   int64
	}{
		{ResetEarliest, protocol.EarliestOffset}, {ResetLatest, protocol.LatestOffset},
		{ResetByDuration(time.Second), 999_000}, {ResetByDuration(time.Hour), 0},
	} {
		if got := c.policy.lookup(wall); got != c.want {
			t.Errorf("%v looks up %d, want %d", c.policy, got, c.want)
		}
	}
}
