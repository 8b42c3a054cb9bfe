package simworld_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"brokerlab/engine/env"
	"brokerlab/engine/simworld"
)

// queueLink is 1 us a byte, with a window that never holds a sender back.
var queueLink = simworld.Link{BytesPerSec: 1_000_000, Delay: 50 * time.Microsecond, InFlightBytes: 1 << 50}

// stamped is a message that knows when it was sent.
type stamped struct {
	message
	sent env.Time
}

// exponential is a whole number of microseconds, 1 at least, with about that mean.
func exponential(rng *rand.Rand, micros float64) int {
	return int(max(1, math.Round(rng.ExpFloat64()*micros)))
}

// Goal: one link is the queue of the textbook. Method: messages on one connection
// at Poisson instants, of 1000 bytes each (M/D/1) or of exponential sizes with that
// mean (M/M/1), and what each waited before its first byte left. Each wait is
// exactly Lindley's, W' = max(0, W + S - A). Their mean is rho S / (2 (1-rho)) and
// rho S / (1-rho) within 5 %; it differs by 2 (at 0.3) to 5 % (at 0.9) from seed to
// seed, and the seed is fixed. The mean number at the egress, waiting or leaving, is
// the rate by the mean time there (Little).
func TestLinkWaitingTimes(t *testing.T) {
	fixed := func(*rand.Rand) int { return serviceMicros }
	random := func(rng *rand.Rand) int { return exponential(rng, serviceMicros) }
	for _, kind := range []struct {
		name   string
		size   func(*rand.Rand) int
		factor float64 // of rho S / (1-rho)
	}{{"M/D/1", fixed, 0.5}, {"M/M/1", random, 1}} {
		for _, row := range []struct {
			rho   float64
			count int
		}{{0.3, 30_000}, {0.5, 30_000}, {0.7, 40_000}, {0.8, 60_000}, {0.9, 100_000}} {
			t.Run(fmt.Sprintf("%s at %g", kind.name, row.rho), func(t *testing.T) {
				q := oneQueue(t, row.count, row.rho, kind.size)
				mean, want := q.waited/float64(row.count), kind.factor*row.rho*serviceMicros/(1-row.rho)
				t.Logf("mean wait %.1f us, want %.1f", mean, want)
				if math.Abs(mean/want-1) > 0.05 {
					t.Errorf("mean wait %.1f us, want %.1f within 5 %%", mean, want)
				}
				if q.area != q.there {
					t.Errorf("the egress held messages for %v, and these were there for %v", q.area, q.there)
				}
			})
		}
	}
}

const serviceMicros = 1000

// queueRun is what oneQueue saw.
type queueRun struct {
	waited float64       // us, sum
	there  time.Duration // sum of the times from Send until the last byte left
	area   time.Duration // what the egress says of that
}

// oneQueue sends messages from "b" to "a" at Poisson instants, and compares what
// each waited with Lindley's recursion.
func oneQueue(t *testing.T, count int, rho float64, size func(*rand.Rand) int) (q queueRun) {
	t.Helper()
	w, nodes := newWorld(t, simworld.Config{Link: queueLink}, "a", "b")
	a, b := nodes[0], nodes[1]
	rng := rand.New(rand.NewPCG(11, uint64(1000*rho)))
	var last env.Time
	var lindley time.Duration // what the next message finds in front of it
	stream(t, w, a, b, func(conn env.Conn) {
		for i := range count {
			got, err := conn.Recv(env.Never)
			if err != nil {
				t.Fatalf("Recv: %v", err)
			}
			m := got.(*stamped)
			service := time.Duration(m.bytes) * time.Microsecond
			there := a.Now().Sub(m.sent) - queueLink.Delay
			if lindley = max(0, lindley-m.sent.Sub(last)); there-service != lindley {
				t.Fatalf("message %d waited %v, want %v", i, there-service, lindley)
			}
			q.waited += float64(lindley) / 1e3
			q.there += there
			lindley += service
			last = m.sent
		}
	}, func(conn env.Conn) {
		last = b.Now()
		for range count {
			b.Sleep(time.Duration(rng.ExpFloat64() * serviceMicros * 1e3 / rho))
			conn.Send(&stamped{message{bytes: size(rng)}, b.Now()})
		}
	})
	q.area = w.NetStats("b").QueueOut
	return q
}

// Goal: the ingress of a node is a queue too, for all that send to it. Method: 40
// nodes send messages of 1000 bytes, in sum at Poisson instants, to one: each
// egress is nearly idle, so that they wait where they meet. The mean wait is M/D/1
// within 5 %, and the ingress was busy for what it received.
func TestIngressWaitingTime(t *testing.T) {
	const senders, each, rho, service = 40, 1000, 0.7, serviceMicros
	names := []string{"a"}
	for i := range senders {
		names = append(names, fmt.Sprintf("s%d", i))
	}
	w, nodes := newWorld(t, simworld.Config{Link: queueLink}, names...)
	a := nodes[0]
	var waited float64
	var began, ended env.Time
	received := 0
	mustRun(t, w, a, func() {
		l, _ := a.Net().Listen("a")
		for _, s := range nodes[1:] {
			rng := s.Rand("arrivals")
			s.Go("send", func() {
				conn, _ := s.Net().Dial("a", time.Second)
				s.Sleep(env.Time(time.Second).Sub(s.Now()))
				began = s.Now()
				for range each {
					s.Sleep(time.Duration(rng.ExpFloat64() * service * 1e3 * senders / rho))
					conn.Send(&stamped{message{bytes: int(service)}, s.Now()})
				}
				conn.Close()
			})
			conn, _ := l.Accept()
			a.Go("receive", func() {
				for {
					m, err := conn.Recv(env.Never)
					if err != nil {
						return
					}
					received++
					waited += float64(a.Now().Sub(m.(*stamped).sent)-queueLink.Delay)/1e3 - service
					ended = a.Now()
				}
			})
		}
	})
	// Senders end at different times: the load falls at the end, so take what was.
	load := float64(received) * service * 1e3 / float64(ended.Sub(began))
	if load < 0.6 || load > 0.75 {
		t.Errorf("the load was %.3f, want about %g", load, rho)
	}
	mean, want := waited/float64(received), rho*service/(1-rho)/2
	if math.Abs(mean/want-1) > 0.05 {
		t.Errorf("mean wait %.1f us, want %.1f within 5 %%", mean, want)
	}
	if busy := w.NetStats("a").BusyIn; busy != time.Duration(received)*time.Duration(service)*time.Microsecond {
		t.Errorf("busy for %v with %d messages", busy, received)
	}
}
