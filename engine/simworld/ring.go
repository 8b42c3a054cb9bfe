package simworld

// ring is a queue in a circular buffer that grows and is never given back.
type ring[T any] struct {
	buf   []T // its length is 0 or a power of two
	head  int
	count int
}

func (r *ring[T]) len() int { return r.count }

func (r *ring[T]) at(i int) *T { return &r.buf[(r.head+i)&(len(r.buf)-1)] }

func (r *ring[T]) push(v T) {
	if r.count == len(r.buf) {
		r.grow()
	}
	r.buf[(r.head+r.count)&(len(r.buf)-1)] = v
	r.count++
}

func (r *ring[T]) pop() T {
	var zero T
	p := &r.buf[r.head]
	v := *p
	*p = zero // so that the garbage collector can have what it refers to
	r.head = (r.head + 1) & (len(r.buf) - 1)
	r.count--
	return v
}

// popLast takes the youngest entry.
func (r *ring[T]) popLast() T {
	var zero T
	p := r.at(r.count - 1)
	v := *p
	*p = zero
	r.count--
	return v
}

func (r *ring[T]) grow() {
	bigger := make([]T, max(8, 2*len(r.buf)))
	for i := range r.count {
		bigger[i] = *r.at(i)
	}
	r.buf, r.head = bigger, 0
}
