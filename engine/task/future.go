package task

import "brokerlab/engine/env"

// Future is a value or an error that one task sets once and any number of tasks
// wait for.
type Future[T any] struct {
	isSet env.Cond
	mu    struct {
		env.Mutex
		set   bool
		value T
		err   error
	}
}

// NewFuture returns a future that is not set.
func NewFuture[T any](node env.Node) *Future[T] {
	f := &Future[T]{}
	f.mu.Mutex = node.NewMutex()
	f.isSet = node.NewCond(f.mu.Mutex)
	return f
}

// Set gives the future its value and its error and wakes all who wait. Setting
// twice panics: two tasks believed that the answer was theirs to give.
func (f *Future[T]) Set(value T, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.mu.set {
		panic("task: future set twice")
	}
	f.mu.set, f.mu.value, f.mu.err = true, value, err
	f.isSet.Broadcast()
}

// Wait returns what Set was given, or env.ErrTimeout if the future was not set
// by the deadline.
func (f *Future[T]) Wait(deadline env.Time) (T, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for !f.mu.set {
		if !f.isSet.WaitUntil(deadline) && !f.mu.set {
			var none T
			return none, env.ErrTimeout
		}
	}
	return f.mu.value, f.mu.err
}

// Done reports whether the future is set.
func (f *Future[T]) Done() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.mu.set
}
