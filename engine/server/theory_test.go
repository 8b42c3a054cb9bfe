package server_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"brokerlab/engine/client"
	"brokerlab/engine/env"
	"brokerlab/engine/protocol"
	"brokerlab/engine/server"
	"brokerlab/engine/simworld"
	"brokerlab/engine/task"
)

// erlangC is the probability that an arrival finds all threads busy (M/M/c).
func erlangC(threads int, rho float64) float64 {
	offered := rho * float64(threads)
	term, sum := 1.0, 0.0
	for k := range threads {
		sum += term
		term *= offered / float64(k+1)
	}
	last := term / (1 - rho)
	return last / (sum + last)
}

// timed is a handler whose requests say how many microseconds they take.
type timed struct {
	node    env.Node
	waited  time.Duration // in the request queue
	waiting int           // requests that are there or on their way to it
}

func (h *timed) Parse(*protocol.Request) { h.waiting++ }

func (h *timed) Handle(req *protocol.Request, received env.Time) server.Answer {
	h.waiting--
	h.waited += h.node.Now().Sub(received)
	micros, _ := strconv.Atoi(req.Body.(*protocol.MetadataRequest).Topics[0])
	h.node.Sleep(time.Duration(micros) * time.Microsecond)
	return server.Answer{Body: &protocol.MetadataResponse{}}
}

// Goal: the request queue in front of num.io.threads is the textbook's, and Little's
// law holds on it. Method: 30,000 requests at Poisson instants, each on an idle
// connection, that take 1 ms each (M/D/1) or an exponential time with that mean
// (M/M/c), in a world where nothing else takes time. The mean wait is the closed
// form's within 10 %, about two standard deviations over seeds at a load of 0.8; an
// observer who looks at instants of its own finds as many requests in the queue as
// the rate by the mean wait, within 5 %.
func TestRequestQueueWaitingTimes(t *testing.T) {
	const requests, service = 30_000, 1000.0 // us
	for _, r := range []struct {
		name    string
		threads int
		rho     float64
		fixed   bool
		want    float64 // us
	}{
		{"M/D/1", 1, 0.5, true, 0.5 * service},
		{"M/D/1", 1, 0.8, true, 2 * service},
		{"M/M/1", 1, 0.5, false, service},
		{"M/M/1", 1, 0.8, false, 4 * service},
		{"M/M/8", 8, 0.8, false, erlangC(8, 0.8) * service / 8 / 0.2},
	} {
		t.Run(fmt.Sprintf("%s at %g", r.name, r.rho), func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(7, uint64(r.threads)))
			next := func() (gap time.Duration, micros int) {
				gap = time.Duration(rng.ExpFloat64() * 1e3 * service / r.rho / float64(r.threads))
				if r.fixed {
					return gap, service
				}
				return gap, int(rng.ExpFloat64()*service + 0.5)
			}
			h, found, elapsed := offer(t, r.threads, requests, next)
			got := float64(h.waited) / requests / 1e3
			t.Logf("mean wait %.1f us, want %.1f", got, r.want)
			if math.Abs(got/r.want-1) > 0.1 {
				t.Errorf("mean wait %.1f us, want %.1f", got, r.want)
			}
			if want := h.waited.Seconds() / elapsed.Seconds(); math.Abs(found/want-1) > 0.05 {
				t.Errorf("an observer finds %.4f requests in the queue; by their times there are %.4f", found, want)
			}
		})
	}
}

// offer sends requests to a server, and returns with its handler the mean number
// that an observer found in its queue.
func offer(t *testing.T, threads, requests int, next func() (time.Duration, int)) (h *timed, found float64,
	elapsed time.Duration) {
	t.Helper()
	w := simworld.New(simworld.Config{Seed: 1})
	defer w.Close()
	broker, source := w.NewNode(env.NodeConfig{Name: "broker"}), w.NewNode(env.NodeConfig{Name: "client"})
	h = &timed{node: broker}
	cfg := server.DefaultConfig()
	cfg.IOThreads, cfg.QueuedRequests, cfg.NetworkThreads = threads, requests, requests
	s := server.New(broker, cfg, func() server.Handler { return h })
	var idle []*client.Conn
	err := w.Run(source, func() {
		if err := s.Listen(addr); err != nil {
			t.Error(err)
			return
		}
		began, done := source.Now(), false
		source.Go("observer", func() {
			rng := rand.New(rand.NewPCG(6, 6))
			looks := 0
			for !done {
				source.Sleep(time.Duration(rng.ExpFloat64() * 1e5))
				found += float64(h.waiting)
				looks++
			}
			found /= float64(looks)
		})
		g := task.NewGroup(source)
		for range requests {
			gap, micros := next()
			source.Sleep(gap)
			g.Go("request", func() (err error) {
				var conn *client.Conn
				if n := len(idle) - 1; n >= 0 {
					conn, idle = idle[n], idle[:n]
				} else if conn, err = client.Dial(source, addr, "test", patience); err != nil {
					return err
				}
				_, err = conn.Call(&protocol.MetadataRequest{Topics: []string{strconv.Itoa(micros)}}, patience)
				idle = append(idle, conn)
				return err
			})
		}
		elapsed = source.Now().Sub(began)
		done = true
		if err := g.Wait(); err != nil {
			t.Error(err)
		}
		for _, c := range idle {
			c.Close()
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return h, found, elapsed
}
