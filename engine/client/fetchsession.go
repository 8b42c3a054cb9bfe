package client

import "brokerlab/engine/protocol"

// FetchSession is a client's side of a fetch session with one broker (KIP-227;
// FetchSessionHandler): which partitions are fetched, and what of them the broker
// has still to be told. T is what the client keeps of a partition. The zero value
// has no partitions and no session. Pure; one task uses it.
//
// A request names only partitions that have changed, as long as the broker keeps
// the session; otherwise all of them, those first that were changed least lately, so
// that none starves.
type FetchSession[T any] struct {
	id, epoch   int32 // of the next request
	byName      map[protocol.TopicPartition]*fetchedPartition[T]
	first, last *fetchedPartition[T] // of all partitions, in the order of Set
	count       int
	changed     []*fetchedPartition[T] // since the last request
	forgotten   []*fetchedPartition[T]
}

// fetchedPartition is a partition of a session.
type fetchedPartition[T any] struct {
	in, sent   protocol.FetchPartition // sent counts if isSent
	of         T
	prev, next *fetchedPartition[T]
	isChanged  bool // it is in FetchSession.changed
	isSent     bool // the broker knows it, if it keeps the session
	isGone     bool // it was forgotten
}

// Set says how a partition is to be fetched from now on.
func (s *FetchSession[T]) Set(in protocol.FetchPartition, of T) {
	if s.byName == nil {
		s.byName = make(map[protocol.TopicPartition]*fetchedPartition[T])
	}
	f := s.byName[in.TopicPartition]
	switch {
	case f == nil:
		f = &fetchedPartition[T]{}
		s.byName[in.TopicPartition] = f
	case f.isGone:
		f.isGone = false
	default:
		f.of = of
		if f.in == in {
			return
		}
		s.unlink(f)
	}
	f.in, f.of = in, of
	s.link(f)
	if !f.isChanged {
		f.isChanged = true
		s.changed = append(s.changed, f)
	}
}

// Forget says that a partition is fetched no more.
func (s *FetchSession[T]) Forget(tp protocol.TopicPartition) {
	f := s.byName[tp]
	if f == nil || f.isGone {
		return
	}
	f.isGone = true
	s.unlink(f)
	s.forgotten = append(s.forgotten, f)
}

// ForgetUnless forgets the partitions for which keep says no.
func (s *FetchSession[T]) ForgetUnless(keep func(of T) bool) {
	for f := s.first; f != nil; {
		next := f.next // Forget takes f out of the list
		if !keep(f.of) {
			s.Forget(f.in.TopicPartition)
		}
		f = next
	}
}

// Len is the number of partitions that are fetched.
func (s *FetchSession[T]) Len() int { return s.count }

// Get finds what the client keeps of a partition that is fetched.
func (s *FetchSession[T]) Get(tp protocol.TopicPartition) (of T, ok bool) {
	f := s.byName[tp]
	if f == nil || f.isGone {
		return of, false
	}
	return f.of, true
}

func (s *FetchSession[T]) link(f *fetchedPartition[T]) {
	f.prev, f.next = s.last, nil
	if s.last != nil {
		s.last.next = f
	} else {
		s.first = f
	}
	s.last = f
	s.count++
}

func (s *FetchSession[T]) unlink(f *fetchedPartition[T]) {
	if f.prev != nil {
		f.prev.next = f.next
	} else {
		s.first = f.next
	}
	if f.next != nil {
		f.next.prev = f.prev
	} else {
		s.last = f.prev
	}
	f.prev, f.next = nil, nil
	s.count--
}

// Fill puts the session and what the broker has to be told into the next request.
func (s *FetchSession[T]) Fill(r *protocol.FetchRequest) {
	r.SessionID, r.SessionEpoch = s.id, s.epoch
	if r.IsFull() {
		r.Partitions = make([]protocol.FetchPartition, 0, s.count)
		for f := s.first; f != nil; f = f.next {
			f.isSent, f.sent = true, f.in
			r.Partitions = append(r.Partitions, f.in)
		}
	} else if len(s.changed) > 0 {
		r.Partitions = make([]protocol.FetchPartition, 0, len(s.changed))
	}
	for i, f := range s.forgotten {
		s.forgotten[i] = nil
		if !f.isGone || s.byName[f.in.TopicPartition] != f {
			continue // it came back, or was forgotten twice
		}
		if f.isSent && !r.IsFull() {
			r.Forgotten = append(r.Forgotten, f.in.TopicPartition)
		}
		delete(s.byName, f.in.TopicPartition)
	}
	s.forgotten = s.forgotten[:0]
	for i, f := range s.changed {
		s.changed[i] = nil
		f.isChanged = false
		if !f.isGone && !r.IsFull() && !(f.isSent && f.sent == f.in) {
			f.isSent, f.sent = true, f.in
			r.Partitions = append(r.Partitions, f.in)
		}
	}
	s.changed = s.changed[:0]
}

// Answered takes the response of the last request. ok is false if there is nothing
// in it, since the broker does not know the session as the client does, or answers
// what it was not asked for: the next request names all partitions, and may go out
// at once.
func (s *FetchSession[T]) Answered(resp *protocol.FetchResponse) (ok bool) {
	full := s.epoch == protocol.InitialFetchEpoch
	switch {
	case resp.Err == protocol.ErrFetchSessionIDNotFound:
		s.id, s.epoch = protocol.NoFetchSession, protocol.InitialFetchEpoch
		return false
	case resp.Err != protocol.ErrNone || !s.asked(resp, full):
		s.Reset()
		return false
	case resp.SessionID == protocol.NoFetchSession:
		s.id, s.epoch = protocol.NoFetchSession, protocol.InitialFetchEpoch
	default:
		s.id, s.epoch = resp.SessionID, protocol.NextFetchEpoch(s.epoch)
	}
	return true
}

// asked says whether a response is about the session's partitions, and if it must
// be, about all.
func (s *FetchSession[T]) asked(resp *protocol.FetchResponse, all bool) bool {
	if all && len(resp.Partitions) != s.count {
		return false
	}
	for i := range resp.Partitions {
		if _, ok := s.Get(resp.Partitions[i].TopicPartition); !ok {
			return false
		}
	}
	return true
}

// Reset says that the last request got no answer: the next one closes the session
// and asks for another.
func (s *FetchSession[T]) Reset() { s.epoch = protocol.InitialFetchEpoch }

// Close puts into a request that the client fetches no more.
func (s *FetchSession[T]) Close(r *protocol.FetchRequest) {
	r.SessionID, r.SessionEpoch = s.id, protocol.FinalFetchEpoch
}
