package realworld

import (
	"testing"
	"time"

	"brokerlab/engine/env"
)

// TestCardsAreShared: one node sends at once to two others, and two others to it,
// and nobody gets more than the card's rate. Messages of 20,000 bytes, 10 MB/s and 1
// ms: the last of ten that share an egress, or an ingress, is received no earlier
// than after 20 ms and the delay, and the cards were busy for exactly that.
func TestCardsAreShared(t *testing.T) {
	const bytes, each = 20_000, 5
	rows := []struct {
		name  string // a sentence
		links [2]ends
	}{
		{"two receivers share the egress of their sender", [2]ends{{"a", "b"}, {"a", "c"}}},
		{"two senders share the ingress of their receiver", [2]ends{{"b", "a"}, {"c", "a"}}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			w := New(Config{Link: Link{BytesPerSec: 10e6, Delay: time.Millisecond}})
			begin := w.now()
			var links []*link
			for _, e := range row.links {
				links = append(links, newLink(w, e))
			}
			for range each {
				for _, l := range links {
					if err := l.send(&parcel{bytes: bytes}); err != nil {
						t.Fatal(err)
					}
				}
			}
			for _, l := range links {
				for range each {
					if _, err := l.recv(env.Never); err != nil {
						t.Fatal(err)
					}
				}
			}
			const work = 2 * each * bytes * 100 * time.Nanosecond
			if took := w.now().Sub(begin); took < work+time.Millisecond {
				t.Errorf("all were there after %v, want %v or later", took, work+time.Millisecond)
			}
			s := w.NetStats("a")
			if busy := s.BusyOut + s.BusyIn; busy != work || s.BytesOut+s.BytesIn != 2*each*bytes {
				t.Errorf("the card did %+v, want %v of work", s, work)
			}
		})
	}
}

// TestShapedMessagesOfAClosedReceiver: what is on its way to a receiver that closes
// is released, and its sender learns of it when the news have come back.
func TestShapedMessagesOfAClosedReceiver(t *testing.T) {
	w := New(Config{Link: Link{BytesPerSec: 1e6, Delay: time.Millisecond}})
	l := newTestLink(w)
	begin := w.now()
	if err := l.send(&parcel{bytes: 50_000}); err != nil {
		t.Fatal(err)
	}
	l.back.tellEnd()
	for l.send(&parcel{bytes: 1}) == nil {
		w.sleep(100 * time.Microsecond)
	}
	if took := w.now().Sub(begin); took < time.Millisecond {
		t.Errorf("the sender knew after %v, want 1ms or later", took)
	}
	if l.mu.queue.count != 0 {
		t.Errorf("%d messages are kept for nobody", l.mu.queue.count)
	}
}
