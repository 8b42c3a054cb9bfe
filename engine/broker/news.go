package broker

// newsState is where a partition of a session stands.
type newsState int8

const (
	newsNone    newsState = iota // nothing has happened since the client was told
	newsQueued                   // something may have
	newsWorking                  // the request under way looks at it
	newsAgain                    // and since it does, something may have happened
)

// newsQueue is the partitions of a session that may have news, in the order in
// which they are looked at. Pure.
type newsQueue struct{ list, spare []*sessionPartition }

// put says that something may have happened to a partition. It reports whether
// nothing had before.
func (q *newsQueue) put(e *sessionPartition) (first bool) {
	switch e.state {
	case newsNone:
		e.state = newsQueued
		q.list = append(q.list, e)
		return true
	case newsWorking:
		e.state = newsAgain
	}
	return false
}

// take moves all partitions that are still in the session to working.
func (q *newsQueue) take(working []*sessionPartition) []*sessionPartition {
	for _, e := range q.list {
		if !e.gone {
			e.state = newsWorking
			working = append(working, e)
		}
	}
	clear(q.list)
	q.list = q.list[:0]
	return working
}

// turn is where a partition that was worked on goes.
type turn int8

const (
	turnFirst turn = iota // it keeps its place before those that have come since
	turnLast              // behind all others: it was served
	turnOver              // nothing more to tell, unless something has happened since
)

// putBack queues what was worked on. A partition that gave records goes behind all
// that gave none for want of room, so that none starves; Kafka moves what is in a
// response to the end of its session.
func (q *newsQueue) putBack(working []*sessionPartition, of func(i int) turn) {
	came := q.list
	q.list = q.spare[:0]
	for i, e := range working {
		switch t := of(i); {
		case t == turnFirst, t == turnOver && e.state == newsAgain:
			e.state = newsQueued
			q.list = append(q.list, e)
		case t == turnOver:
			e.state = newsNone
		}
	}
	q.list = append(q.list, came...)
	for i, e := range working {
		if of(i) == turnLast {
			e.state = newsQueued
			q.list = append(q.list, e)
		}
	}
	clear(came)
	q.spare = came[:0]
}
