package producer

import (
	"slices"

	"brokerlab/engine/env"
)

// memory counts buffer.memory. Waiters are served in the order in which they
// came, and newcomers queue behind them (BufferPool).
type memory struct {
	limit   int64
	used    int64
	waiters []*memoryWaiter // oldest first
}

// memoryWaiter is a Send that waits for memory.
type memoryWaiter struct {
	cost  int64
	given bool
	cond  env.Cond
}

// awaited says that somebody waits.
func (m *memory) awaited() bool { return len(m.waiters) > 0 }

// take takes cost bytes, or reports that they are not there. One batch always
// fits into an empty buffer.
func (m *memory) take(cost int64) bool {
	if m.awaited() || !m.fits(cost) {
		return false
	}
	m.used += cost
	return true
}

func (m *memory) fits(cost int64) bool { return m.used == 0 || m.used+cost <= m.limit }

// give gives bytes back, and to the oldest waiters what they wait for.
func (m *memory) give(cost int64) {
	m.used -= cost
	m.serve()
}

func (m *memory) serve() {
	served := 0
	for _, w := range m.waiters {
		if !m.fits(w.cost) {
			break
		}
		m.used += w.cost
		w.given = true
		w.cond.Signal()
		served++
	}
	m.waiters = slices.Delete(m.waiters, 0, served)
}

// leave ends a wait in vain. A smaller one behind it may fit.
func (m *memory) leave(w *memoryWaiter) {
	i := slices.Index(m.waiters, w)
	m.waiters = slices.Delete(m.waiters, i, i+1)
	m.serve()
}
