package commitlog

import (
	"time"

	"brokerlab/engine/env"
)

// recentFlushesMax bounds the flushes that a log remembers: an append that waits for
// the lock while more than so many others flush tells of the last ones.
const recentFlushesMax = 64

// flushSpan is from one instant to another.
type flushSpan struct{ from, to env.Time }

// recentFlushes is when appends held the log's lock for a flush, oldest first. An
// append that waited for the lock learns from it how much of the wait was flushing,
// for measuring. Pure; the log's lock guards it.
type recentFlushes struct {
	spans []flushSpan // a ring, once it is full
	next  int         // where the next one goes
}

func (r *recentFlushes) add(s flushSpan) {
	if len(r.spans) < recentFlushesMax {
		r.spans = append(r.spans, s)
		return
	}
	r.spans[r.next] = s
	r.next = (r.next + 1) % recentFlushesMax
}

// since is how long flushes took after an instant. All of them have ended.
func (r *recentFlushes) since(at env.Time) (flushing time.Duration) {
	for i := len(r.spans) - 1; i >= 0; i-- {
		s := r.spans[(r.next+i)%len(r.spans)]
		if s.to <= at {
			break
		}
		flushing += s.to.Sub(max(s.from, at))
	}
	return flushing
}
