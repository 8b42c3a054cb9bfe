package server

import "brokerlab/engine/env"

// memory limits the bytes of requests that are queued or worked on: Kafka's
// SimpleMemoryPool, not strict. A request gets what it needs as long as anything is
// free, also more than that. Here it has been taken off its connection before it
// waits, where Kafka has read its length alone.
type memory struct {
	limited bool
	mu      struct {
		env.Mutex
		free int64
		some env.Cond // signalled when some is free
	}
}

// newMemory returns a pool; a size of -1 has no limit.
func newMemory(node env.Node, size int64) *memory {
	m := &memory{limited: size >= 0}
	m.mu.Mutex = node.NewMutex()
	m.mu.some = node.NewCond(m.mu.Mutex)
	m.mu.free = size
	return m
}

// take waits until any memory is free. Those who hold some wait for nobody's request.
func (m *memory) take(bytes int64) {
	if !m.limited {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for m.mu.free <= 0 {
		m.mu.some.WaitUntil(env.Never)
	}
	m.mu.free -= bytes
	m.passLocked() // there may be some left for the next
}

func (m *memory) give(bytes int64) {
	if !m.limited {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mu.free += bytes
	m.passLocked()
}

func (m *memory) passLocked() {
	if m.mu.free > 0 {
		m.mu.some.Signal()
	}
}
