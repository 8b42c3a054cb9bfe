package netmodel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"brokerlab/engine/env"
)

// tick is a clock for tests: callbacks in the order of (instant, request).
type tick struct {
	now    env.Time
	due    []callback
	events int
}

type callback struct {
	at env.Time
	fn func()
}

func (k *tick) Now() env.Time { return k.now }

func (k *tick) At(t env.Time, fn func()) {
	i := len(k.due)
	for i > 0 && k.due[i-1].at > t {
		i--
	}
	k.due = slices.Insert(k.due, i, callback{max(t, k.now), fn})
}

// run fires everything that is due up to the instant.
func (k *tick) run(until env.Time) {
	for len(k.due) > 0 && k.due[0].at <= until {
		c := k.due[0]
		k.due = slices.Delete(k.due, 0, 1)
		k.now = c.at
		k.events++
		c.fn()
	}
	if until != env.Never {
		k.now = until
	}
}

// net is some nodes and the flows between them.
type net struct {
	clock tick
	cfg   Config
	cards map[string]*Card
	log   []string // "<flow><n>@<us>" for each arrival, as it becomes known
}

func newNet(cfg Config) *net { return &net{cfg: cfg, cards: map[string]*Card{}} }

func (n *net) card(name string) *Card {
	if n.cards[name] == nil {
		n.cards[name] = NewCard(&n.clock)
	}
	return n.cards[name]
}

// flow makes a way between two nodes, the letters of its name.
func (n *net) flow(name string) *Flow {
	count := 0
	return NewFlow(&n.clock, &n.cfg, n.card(name[:1]), n.card(name[1:2]), func(at env.Time) {
		n.log = append(n.log, fmt.Sprintf("%s%d@%d", name, count, at/1000))
		count++
	})
}

// Goal: what the cards do to messages. Method: table; messages of some thousand
// bytes at 1 us a byte and a delay of 5 us, sent at instants in us; arrivals in us
// are written down. A slice is 65,536 bytes.
func TestFlows(t *testing.T) {
	type send struct {
		flow  string
		bytes int64
		at    int // us
	}
	rows := []struct {
		why   string
		sends []send
		want  []string
	}{
		{"a message alone takes its transmission once, although two cards have a rate",
			[]send{{"ab", 100, 0}}, []string{"ab0@105"}},
		{"a large one too", []send{{"ab", 500_000, 0}}, []string{"ab0@500005"}},
		{"messages of a connection take one another's time, and the delay in parallel",
			[]send{{"ab", 100, 0}, {"ab", 100, 0}, {"ab", 10, 300}}, []string{"ab0@105", "ab1@205", "ab2@315"}},
		{"two receivers share the egress of their sender",
			[]send{{"ab", 100, 0}, {"ac", 100, 0}}, []string{"ab0@105", "ac0@205"}},
		{"two senders share the ingress of their receiver",
			[]send{{"ac", 100, 0}, {"bc", 100, 0}}, []string{"ac0@105", "bc0@205"}},
		{"other pairs of nodes share nothing, and the way back is another one",
			[]send{{"ab", 100, 0}, {"cd", 100, 0}, {"ba", 100, 0}}, []string{"ab0@105", "cd0@105", "ba0@105"}},
		{"a queue at one receiver holds up no message to another",
			[]send{{"ac", 100, 0}, {"bc", 100, 0}, {"bd", 100, 0}}, []string{"ac0@105", "bc0@205", "bd0@205"}},
		{"a small message waits for a slice of a large one, not for its end",
			[]send{{"ab", 500_000, 0}, {"ac", 100, 10}}, []string{"ac0@65641", "ab0@500105"}},
		{"the same at the ingress",
			[]send{{"ac", 500_000, 0}, {"bc", 100, 10}}, []string{"bc0@65641", "ac0@500105"}},
		{"a turn may be of several messages",
			[]send{{"ab", 100, 0}, {"ab", 100, 0}, {"ac", 100, 0}, {"ab", 65_400, 1}},
			[]string{"ab0@105", "ab1@205", "ab2@65705", "ac0@65641"}},
		{"behind a large one of its own connection it waits to the end",
			[]send{{"ab", 500_000, 0}, {"ab", 100, 10}}, []string{"ab0@500005", "ab1@500105"}},
		{"two large ones end together, in turns of a slice",
			[]send{{"ab", 131_072, 0}, {"ac", 131_072, 0}}, []string{"ab0@196613", "ac0@262149"}},
		{"who comes later to the wire is not overtaken by a message that is not there yet",
			[]send{{"ab", 60_000, 0}, {"ac", 60_000, 0}, {"dc", 100, 1}}, []string{"dc0@106", "ab0@60005", "ac0@120005"}},
	}
	for _, r := range rows {
		t.Run(r.why, func(t *testing.T) {
			n := newNet(Config{BytesPerSec: 1_000_000})
			flows := map[string]*Flow{}
			for _, s := range r.sends {
				if flows[s.flow] == nil {
					flows[s.flow] = n.flow(s.flow)
				}
				n.clock.At(env.Time(s.at*1000), func() {
					flows[s.flow].Send(s.bytes, 5*time.Microsecond, Fate{})
				})
			}
			n.clock.run(env.Never)
			slices.Sort(n.log)
			want := slices.Sorted(slices.Values(r.want))
			if !slices.Equal(n.log, want) {
				t.Errorf("arrivals %v, want %v", n.log, want)
			}
		})
	}
}

// Goal: however messages of several connections take turns, an egress does the
// work of a single queue: it is busy exactly when that would be, and all messages
// arrive, in order, no earlier than alone. Method: random sends from one node to
// three, against a first-in first-out queue of three lines.
func TestCardsAgainstQueue(t *testing.T) {
	const delay = 20 * time.Microsecond
	for seed := range uint64(50) {
		rng := rand.New(rand.NewPCG(seed, 1))
		n := newNet(Config{BytesPerSec: 10_000_000, MTU: 1500})
		var sent [3][]env.Time // earliest arrival of each message
		var got [3]int
		var flows [3]*Flow
		for i := range flows {
			flows[i] = NewFlow(&n.clock, &n.cfg, n.card("a"), n.card(string(rune('b'+i))), func(at env.Time) {
				if earliest := sent[i][got[i]]; at < earliest {
					t.Errorf("seed %d: message %d arrives at %d, earlier than alone, %d", seed, got[i], at, earliest)
				}
				got[i]++
			})
		}
		var free env.Time
		var work time.Duration
		for range 200 {
			n.clock.run(n.clock.now.Add(time.Duration(rng.IntN(20_000_000))))
			queued := max(0, free.Sub(n.clock.now))
			if busy := n.card("a").Stats().BusyOut; busy != work-queued {
				t.Fatalf("seed %d at %d: busy for %v, want %v", seed, n.clock.now, busy, work-queued)
			}
			i, bytes := rng.IntN(3), rng.Int64N(1<<rng.IntN(20)+1)
			service := n.cfg.Transmission(bytes)
			free = max(free, n.clock.now).Add(service)
			work += service
			sent[i] = append(sent[i], n.clock.now.Add(service+delay))
			flows[i].Send(bytes, delay, Fate{})
		}
		n.clock.run(env.Never)
		for i := range got {
			if got[i] != len(sent[i]) {
				t.Errorf("seed %d: %d of %d messages arrived", seed, got[i], len(sent[i]))
			}
		}
		if s := n.card("a").Stats(); s.BusyOut != work {
			t.Errorf("seed %d: busy for %v, want %v", seed, s.BusyOut, work)
		}
	}
}

// Goal: flows that forget what they hold, at any instant, disturb neither the
// cards nor each other: afterwards the cards are empty, and what is sent then takes
// the time that it takes. Method: random sends, resets and withdrawals, then one
// message each.
func TestForgettingFlows(t *testing.T) {
	for seed := range uint64(100) {
		rng := rand.New(rand.NewPCG(seed, 2))
		n := newNet(Config{BytesPerSec: 1_000_000})
		names := []string{"ab", "ac", "bc", "cb"}
		flows := map[string]*Flow{}
		for _, name := range names {
			flows[name] = n.flow(name)
		}
		for range 300 {
			f := flows[names[rng.IntN(len(names))]]
			switch rng.IntN(8) {
			case 0:
				f.Reset()
			case 1:
				before, held := len(n.log), f.loads.len()
				unsent := f.Withdraw()
				if f.loads.len()+unsent+len(n.log)-before != held {
					t.Errorf("seed %d: withdrew %d of %d, kept %d", seed, unsent, held, f.loads.len())
				}
			default:
				f.Send(rng.Int64N(200_000), time.Duration(rng.IntN(100_000)), Fate{Extra: time.Duration(rng.IntN(1000))})
			}
			n.clock.run(n.clock.now.Add(time.Duration(rng.IntN(100_000_000))))
		}
		n.clock.run(env.Never)
		for name, c := range n.cards {
			if c.egress.messages != 0 || c.ingress.messages != 0 || c.egress.serving != nil || c.ingress.serving != nil {
				t.Fatalf("seed %d: card %s is not empty: %+v", seed, name, c)
			}
		}
		n.log = nil
		flows["ab"].Send(1000, 0, Fate{})
		at := n.clock.now.Add(time.Millisecond)
		n.clock.run(env.Never)
		if n.clock.now != at || len(n.log) != 1 {
			t.Fatalf("seed %d: %v at %d, want it at %d", seed, n.log, n.clock.now, at)
		}
	}
}

// Goal: a message of any size takes a bounded number of events, alone or not.
// Method: 1 GB alone, and beside another connection that always has something.
func TestEventsOfOneMessage(t *testing.T) {
	for _, r := range []struct {
		name   string
		others int
		most   int
	}{
		{"alone: it ends at both cards, and arrives at one", 0, 3},
		{"in turns with another one", 1, 2 * 2 * (slicesMax + 2)},
	} {
		t.Run(r.name, func(t *testing.T) {
			n := newNet(Config{BytesPerSec: 125_000_000, MTU: 1500})
			n.flow("ab").Send(1e9, time.Millisecond, Fate{})
			for range r.others {
				n.flow("ab").Send(1e9, time.Millisecond, Fate{})
			}
			n.clock.run(env.Never)
			if n.clock.events > r.most {
				t.Errorf("%d events, want %d at most", n.clock.events, r.most)
			}
		})
	}
}

// Goal: jitter and loss come as often and as large as the configuration says, and
// the same seed gives the same. Method: many draws against the expected shares, at
// 4 standard deviations.
func TestDraw(t *testing.T) {
	const draws, roundTrip = 200_000, time.Millisecond
	rows := []struct {
		name    string
		cfg     Config
		bytes   int64
		resent  float64 // per message, mean
		tail    float64 // share of messages
		delayed float64 // share later than a round trip
		jitter  float64 // ns, mean of those that lost nothing
	}{
		{"nothing", Config{MTU: 1500}, 1000, 0, 0, 0, 0},
		{"jitter alone", Config{MTU: 1500, Jitter: 100}, 1000, 0, 0, 0, 100},
		{"one segment is its own tail", Config{MTU: 1500, Loss: 0.01}, 100, 0.01 / 0.99, 0.01, 0.01, 0},
		{"ten segments, of which three are the tail", Config{MTU: 1500, Loss: 0.01}, 14480,
			10 * 0.01 / 0.99, 1 - 0.99*0.99*0.99, 1 - 0.904382, 0},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			rng := rand.New(rand.NewPCG(7, 7))
			var resent, tail, delayed, clean, jitter float64
			for range draws {
				f := r.cfg.Draw(rng, r.bytes, roundTrip)
				resent += float64(f.Resent)
				if f.TailLost {
					tail++
				}
				if f.Extra >= roundTrip {
					delayed++
				}
				if f.Resent == 0 {
					clean++
					jitter += float64(f.Extra)
				}
			}
			within(t, "segments sent again", resent/draws, r.resent, draws*r.resent)
			within(t, "share that lost its tail", tail/draws, r.tail, draws*r.tail)
			within(t, "share that waits for a round trip", delayed/draws, r.delayed, draws*r.delayed)
			within(t, "mean jitter", jitter/clean, r.jitter, draws)
		})
	}
}

// within checks a mean over so many events, at 4 standard deviations of a Poisson
// or an exponential distribution.
func within(t *testing.T, what string, got, want, events float64) {
	t.Helper()
	if math.Abs(got-want)*math.Sqrt(events) > 4*want {
		t.Errorf("%s: %.5g, want %.5g", what, got, want)
	}
}
