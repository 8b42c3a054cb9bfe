package client

import (
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"brokerlab/engine/env"
)

// TestBackoff: powers of two up to the limit, within a fifth (ExponentialBackoff).
func TestBackoff(t *testing.T) {
	b := Backoff{Initial: 100 * time.Millisecond, Max: time.Second, Random: rand.New(rand.NewPCG(1, 2))}
	for failures, want := range []time.Duration{1: 100, 2: 200, 3: 400, 4: 800, 5: 1000, 6: 1000, 1000: 1000} {
		if want == 0 {
			continue
		}
		want *= time.Millisecond
		low, high := 2*time.Hour, time.Duration(0)
		for range 200 {
			d := b.After(failures)
			low, high = min(low, d), max(high, d)
		}
		if low < want*8/10 || low > want*9/10 || high > min(want*12/10, time.Second) || high < want*95/100 {
			t.Errorf("after %d failures between %v and %v, want about %v", failures, low, high, want)
		}
	}
	none := Backoff{}
	if d := none.After(3); d != 0 {
		t.Errorf("a backoff of 0 waits %v", d)
	}
}

// TestRefresh: when metadata are asked for. Method: one clock, step by step.
func TestRefresh(t *testing.T) {
	const ms = time.Millisecond
	at := func(d time.Duration) env.Time { return env.Time(d) }
	r := Refresh{Backoff: Backoff{Initial: 100 * ms, Max: time.Second, Random: rand.New(rand.NewPCG(1, 2))}}
	if r.Due() != env.Never {
		t.Errorf("nobody wants metadata, and they are due at %d", r.Due())
	}
	if !r.Want() || r.Want() {
		t.Error("that they are wanted is news once")
	}
	if r.Due() != 0 {
		t.Errorf("what is wanted for the first time is due at %d", r.Due())
	}
	r.Begin()
	r.End(at(10*ms), errors.New("no answer"))
	r.Want()
	if due := r.Due(); due < at(90*ms) || due > at(130*ms) {
		t.Errorf("after one failure at 10 ms the next try is at %d", due)
	}
	r.Begin()
	r.End(at(200*ms), errors.New("no answer"))
	r.Want()
	if due := r.Due(); due < at(360*ms) || due > at(440*ms) {
		t.Errorf("after a second one at 200 ms it is at %d", due)
	}
	r.Begin()
	r.Fresh(at(400 * ms))
	r.End(at(400*ms), nil)
	if r.Due() != env.Never || r.NotBefore() != at(500*ms) {
		t.Errorf("after a success: due %d, not before %d", r.Due(), r.NotBefore())
	}
	r.MaxAge = 50 * ms
	r.Fresh(at(400 * ms))
	if r.Due() != at(500*ms) {
		t.Errorf("metadata that age within the backoff are due at %d", r.Due())
	}
	r.MaxAge = time.Minute
	r.Fresh(at(400 * ms))
	if r.Due() != at(60*time.Second+400*ms) {
		t.Errorf("metadata of a maximal age are due at %d", r.Due())
	}
}
