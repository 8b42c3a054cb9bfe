package device

import "brokerlab/engine/env"

// buffer is an SSD's write buffer: the units that dies are programming or will,
// oldest first, and the bytes of the unit that is not yet full.
type buffer struct {
	open      int64
	openSince env.Time

	units    ring[unit]
	forgot   uint64 // units that came before units' first
	admitted int    // of units, those whose room the last admit has used again
	held     int64  // bytes of the units behind them

	notes ring[note] // writes that a power loss may take; none in a protected drive
}

// unit is what a die programs at once.
type unit struct {
	bytes int64
	done  env.Time
}

// note is a write and the numbers of the first and the last unit with its bytes.
type note struct {
	Range
	first, last uint64
}

// number is that of the open unit.
func (b *buffer) number() uint64 { return b.forgot + uint64(b.units.count) }

// admit finds room for n bytes, which fit into the open unit, and returns the
// instant: that of now, or when the units that must go first are done.
func (b *buffer) admit(now env.Time, n, bytesMax int64) env.Time {
	for b.admitted < b.units.count {
		u := b.units.at(b.admitted)
		if u.done > now && b.held+b.open+n <= bytesMax {
			break
		}
		now = max(now, u.done)
		b.held -= u.bytes
		b.admitted++
	}
	return now
}

// hand notes that the open unit, of n bytes, will be programmed at done.
func (b *buffer) hand(n int64, done env.Time) {
	b.units.push(unit{bytes: n, done: done})
	b.held += n
	b.open = 0
}

// note remembers a write whose last byte has come in.
func (b *buffer) note(offset, bytes int64, first uint64) {
	last := b.number()
	if b.open == 0 {
		last-- // its last byte filled the unit
	}
	b.notes.push(note{Range: Range{offset, bytes}, first: first, last: last})
}

// forget drops what is programmed.
func (b *buffer) forget(now env.Time) {
	for b.admitted > 0 && b.units.at(0).done <= now {
		b.dropUnit()
		b.admitted--
	}
	for b.admitted == 0 && b.units.count > 0 && b.units.at(0).done <= now {
		b.held -= b.units.at(0).bytes
		b.dropUnit()
	}
	for b.notes.count > 0 && b.notes.at(0).last < b.forgot {
		b.notes.pop()
	}
}

func (b *buffer) dropUnit() {
	b.units.pop()
	b.forgot++
}

// isVolatile reports whether a byte of the write is not programmed at now.
func (b *buffer) isVolatile(n *note, now env.Time) bool {
	for i := max(n.first, b.forgot); i <= n.last; i++ {
		if i == b.number() || b.units.at(int(i-b.forgot)).done > now {
			return true
		}
	}
	return false
}

func (b *buffer) volatileBytes(now env.Time) (bytes int64) {
	for i := range b.notes.count {
		if n := b.notes.at(i); b.isVolatile(n, now) {
			bytes += n.Bytes
		}
	}
	return bytes
}

func (b *buffer) lose(now env.Time, lost func(Range)) {
	for i := range b.notes.count {
		if n := b.notes.at(i); b.isVolatile(n, now) {
			lost(n.Range)
		}
	}
}

func (b *buffer) clear() {
	b.units.count, b.notes.count = 0, 0
	b.forgot, b.admitted, b.held, b.open = 0, 0, 0, 0
}

// ring is a queue in an array that grows to what was ever in it.
type ring[T any] struct {
	items []T // its length is a power of two
	first int
	count int
}

func (r *ring[T]) at(i int) *T { return &r.items[(r.first+i)&(len(r.items)-1)] }

func (r *ring[T]) push(v T) {
	if r.count == len(r.items) {
		grown := make([]T, max(16, 2*len(r.items)))
		for i := range r.count {
			grown[i] = *r.at(i)
		}
		r.items, r.first = grown, 0
	}
	r.count++
	*r.at(r.count - 1) = v
}

func (r *ring[T]) pop() {
	r.first = (r.first + 1) & (len(r.items) - 1)
	r.count--
}
