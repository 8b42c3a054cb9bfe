package envtest

import (
	"testing"
	"time"

	"brokerlab/engine/env"
)

// letter is a note that knows when it was sent and when it arrived.
type letter struct {
	note
	sent    env.Time
	arrived env.Time
	told    int
}

// Arrived implements env.Arriver.
func (l *letter) Arrived(at env.Time) {
	l.arrived = at
	l.told++
}

// checkArrival: a receiver that comes late is told when each message was there, once
// and in order.
func checkArrival(t *testing.T, newWorld NewWorld) {
	const count, late = 20, 4 * time.Millisecond
	runPair(t, newWorld, Options{}, func(s *side) {
		s.told() // all are sent
		s.node.Sleep(late)
		from := s.node.Now()
		before := env.Time(0)
		for range count {
			m, err := s.conn.Recv(from.Add(patience))
			if err != nil {
				t.Errorf("Recv: %v", err)
				return
			}
			l := m.(*letter)
			if l.told != 1 || l.arrived < l.sent || l.arrived < before || l.arrived.Add(late/2) > from {
				t.Errorf("sent at %d, received from %d on, and told %d times that it arrived at %d; the one before at %d",
					l.sent, from, l.told, l.arrived, before)
			}
			before = l.arrived
		}
		s.tell()
	}, func(c *side) {
		for range count {
			l := &letter{note: note{bytes: 10}, sent: c.node.Now()}
			if err := c.conn.Send(l); err != nil {
				t.Errorf("Send: %v", err)
			}
		}
		c.tell()
		c.told()
	})
}
