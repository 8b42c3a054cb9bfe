package simworld_test

import (
	"errors"
	"testing"
	"time"

	"brokerlab/engine/env"
	"brokerlab/engine/netmodel"
	"brokerlab/engine/simworld"
)

// Goal: what a card did is counted, per node, over restarts, and the connections
// of a node to itself are not. Method: 100 bytes at 1 us a byte from "b" to "a", 50
// bytes back, and 1 MB from "a" to itself.
func TestNetStats(t *testing.T) {
	for _, rate := range []int64{0, 1_000_000} {
		w, nodes := newWorld(t, simworld.Config{Link: simworld.Link{BytesPerSec: rate}}, "a", "b")
		a, b := nodes[0], nodes[1]
		mustRun(t, w, a, func() {
			l, _ := a.Net().Listen("a")
			b.Go("client", func() {
				conn, _ := b.Net().Dial("a", time.Second)
				conn.Send(&message{bytes: 100})
				conn.Recv(env.Never)
				conn.Close()
			})
			conn, _ := l.Accept()
			conn.Recv(env.Never)
			conn.Send(&message{bytes: 50})
			conn.Recv(env.Never)
			own, _ := a.Net().Dial("a", time.Second)
			far, _ := l.Accept()
			own.Send(&message{bytes: 1_000_000})
			far.Recv(env.Never)
		})
		w.Crash("b")
		w.Restart("b", nil)
		want := map[string]netmodel.Stats{
			"a": {BytesIn: 100, BytesOut: 50},
			"b": {BytesIn: 50, BytesOut: 100},
		}
		for name, s := range want {
			if rate > 0 {
				s.BusyIn, s.BusyOut = time.Duration(s.BytesIn)*1000, time.Duration(s.BytesOut)*1000
				s.QueueIn, s.QueueOut = s.BusyIn, s.BusyOut
			}
			if got := w.NetStats(name); got != s {
				t.Errorf("at %d bytes/s: %s did %+v, want %+v", rate, name, got, s)
			}
		}
	}
}

// flood sends messages at once and returns when each arrived after the dial, in us.
func flood(t *testing.T, link simworld.Link, seed uint64, count, bytes int) []int {
	t.Helper()
	w, nodes := newWorld(t, simworld.Config{Seed: seed, Link: link}, "a", "b")
	a, b := nodes[0], nodes[1]
	var got []int
	began := 0
	stream(t, w, a, b, func(conn env.Conn) {
		for {
			m, err := conn.Recv(env.Never)
			if errors.Is(err, env.ErrReset) {
				return
			}
			if id := m.(*message).id; id != len(got) {
				t.Fatalf("message %d came after %d others", id, len(got))
			}
			got = append(got, micros(a)-began)
		}
	}, func(conn env.Conn) {
		began = micros(b)
		for i := range count {
			conn.Send(&message{id: i, bytes: bytes})
		}
		conn.Close()
	})
	if len(got) != count {
		t.Errorf("%d of %d messages arrived", len(got), count)
	}
	return got
}

// Goal: with jitter and loss, with and without a rate, every message arrives once
// and in order, no earlier than without them, and the same seed gives the same
// instants. Method: 300 messages at once.
func TestJitterAndLossKeepOrder(t *testing.T) {
	for _, rate := range []int64{0, 10_000_000} {
		link := simworld.Link{BytesPerSec: rate, Delay: ms}
		plain := flood(t, link, 1, 300, 5000)
		link.Jitter, link.Loss = ms, 0.01
		first, again, other := flood(t, link, 1, 300, 5000), flood(t, link, 1, 300, 5000), flood(t, link, 2, 300, 5000)
		differ := false
		for i := range plain {
			if first[i] < plain[i] || first[i] != again[i] {
				t.Errorf("message %d at %d us, again at %d, without jitter at %d", i, first[i], again[i], plain[i])
			}
			differ = differ || first[i] != other[i]
		}
		if !differ {
			t.Errorf("two seeds give one run")
		}
	}
}

// Goal: a lost segment costs a round trip when others follow, and a timeout of 200
// ms more when it was the last one. Method: a connection that loses half of its
// segments sends one message a second, or two at once; the delay is 1 ms, so that
// the arrivals tell which happened.
func TestLossIsDelay(t *testing.T) {
	const count = 200
	w, nodes := newWorld(t, simworld.Config{Link: simworld.Link{Delay: ms, Loss: 0.5}}, "a", "b")
	a, b := nodes[0], nodes[1]
	var single, pairs []time.Duration // from Send to arrival
	var sent env.Time
	stream(t, w, a, b, func(conn env.Conn) {
		for i := 0; ; i++ {
			if _, err := conn.Recv(env.Never); err != nil {
				return
			}
			switch {
			case i < count:
				single = append(single, a.Now().Sub(sent))
			case i%2 == 0:
				pairs = append(pairs, a.Now().Sub(sent))
			}
		}
	}, func(conn env.Conn) {
		for i := range 3 * count {
			if i < count || i%2 == 0 {
				b.Sleep(10 * time.Minute)
				sent = b.Now()
			}
			conn.Send(&message{bytes: 100})
		}
		conn.Close()
	})
	unhurt := 0
	for _, took := range single {
		switch {
		case took == ms:
			unhurt++
		case took < 203*ms:
			t.Errorf("a lost message arrived after %v: only a timeout can find it", took)
		}
	}
	prompt := 0
	for _, took := range pairs {
		if took == 3*ms {
			prompt++
		}
	}
	// Half of the messages get through; half of those lost arrive at the second
	// attempt. 4 standard deviations.
	if unhurt < 72 || unhurt > 128 || prompt < 25 || prompt > 75 {
		t.Errorf("%d of %d messages were not lost, want about 100; %d of %d pairs waited for a round trip, want about 50",
			unhurt, count, prompt, len(pairs))
	}
	if again := w.NetStats("b").Retransmitted; again < 500 || again > 700 {
		t.Errorf("%d segments were sent again, want about 600", again)
	}
}

// Goal: three followers share the egress of their leader evenly, and nothing is
// lost of its rate. Method: three connections that always have something, over
// 1 GbE with frames; bytes that arrived in a second.
func TestFollowersShareEgress(t *testing.T) {
	link := simworld.Link{BytesPerSec: 125_000_000, MTU: 1500, Delay: 50 * time.Microsecond}
	w, nodes := newWorld(t, simworld.Config{Link: link}, "leader", "f1", "f2", "f3")
	leader, followers := nodes[0], nodes[1:]
	sizes := []int{1 << 20, 1 << 18, 100_000}
	mustRun(t, w, leader, func() {
		l, _ := leader.Net().Listen("leader")
		for _, f := range followers {
			f.Go("fetcher", func() {
				conn, _ := f.Net().Dial("leader", time.Second)
				for {
					if _, err := conn.Recv(env.Time(time.Second)); err != nil {
						conn.Close()
						return
					}
				}
			})
			conn, _ := l.Accept()
			size := sizes[0]
			sizes = sizes[1:]
			leader.Go("send", func() {
				for leader.Now() < env.Time(time.Second) {
					conn.Send(&message{bytes: size})
				}
			})
		}
		leader.Sleep(time.Second)
	})
	sum := 0.0
	for _, f := range followers {
		got := float64(w.NetStats(f.Name()).BytesIn)
		sum += got
		if want := link.Goodput() / 3; got < 0.96*want || got > 1.04*want {
			t.Errorf("%s received %.1f MB/s, want %.1f within 4 %%", f.Name(), got/1e6, want/1e6)
		}
	}
	if want := link.Goodput(); sum < 0.98*want || sum > 1.001*want {
		t.Errorf("they received %.1f MB/s, want %.1f within 2 %%", sum/1e6, want/1e6)
	}
}
