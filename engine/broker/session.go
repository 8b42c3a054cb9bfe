package broker

import (
	"math"
	"math/rand/v2"

	"brokerlab/engine/env"
	"brokerlab/engine/protocol"
)

// fetchSession is the partitions that one client fetches again and again, and
// which of them may have news (KIP-227; Kafka's FetchSession). A fetch costs as
// much as there are partitions with news: partitions tell the sessions that watch
// them, and the others are not looked at. In Kafka each fetch reads all partitions
// of its session and leaves out of the response those without news.
//
// One request at a time has the session; what is not in mu belongs to it. A fetch
// without a session has one of its own, which ends with it.
type fetchSession struct {
	cached    cachedSession
	replicaID int32 // of the client; protocol.ConsumerReplicaID, or a follower's
	all       []*sessionPartition
	byName    map[protocol.TopicPartition]*sessionPartition
	working   []*sessionPartition // of the request under way
	results   []readResult        // by index in working

	mu struct {
		env.Mutex
		epoch   int32    // that the next request must name
		busy    bool     // a request has the session
		left    env.Cond // broadcast when busy ends
		woken   bool
		changed env.Cond // signalled when woken is set
		news    newsQueue
		// fetchedAt is when the last request came. It is the time of that fetch also
		// for the partitions that it did not look at.
		fetchedAt env.Time
		closed    bool // nothing is told to the session any more
	}
}

// sessionPartition is one partition of a session: what was asked for last, and
// what was told (Kafka's CachedPartition).
type sessionPartition struct {
	session *fetchSession
	p       *partition // nil if this broker has no replica
	code    protocol.ErrorCode
	in      protocol.FetchPartition
	told    marks
	index   int  // in fetchSession.all
	gone    bool // forgotten

	state newsState // guarded by fetchSession.mu
	// watching is the index in the partition's list of watchers; -1 = none. Guarded
	// by partition.mu.
	watching int
}

// marks is what a client is told of a partition besides records.
type marks struct{ highWatermark, logStart int64 }

// firstEpoch is that of the first request after the full one.
const firstEpoch = protocol.InitialFetchEpoch + 1

func (b *Broker) newSession(r *protocol.FetchRequest) *fetchSession {
	s := &fetchSession{replicaID: r.ReplicaID}
	s.byName = make(map[protocol.TopicPartition]*sessionPartition, len(r.Partitions))
	s.cached.session, s.cached.privileged = s, s.isFollower()
	s.mu.Mutex = b.node.NewMutex()
	s.mu.left, s.mu.changed = b.node.NewCond(s.mu.Mutex), b.node.NewCond(s.mu.Mutex)
	s.mu.epoch = firstEpoch
	s.mu.busy = true
	return s
}

func (s *fetchSession) isFollower() bool { return s.replicaID >= 0 }

// enter gives the session to a request. One that is under way is a request that
// the client has given up: it leaves first.
func (s *fetchSession) enter(epoch int32) protocol.ErrorCode {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.closed {
		return protocol.ErrFetchSessionIDNotFound
	}
	if s.mu.epoch != epoch {
		return protocol.ErrInvalidFetchSessionEpoch
	}
	s.mu.epoch = protocol.NextFetchEpoch(epoch)
	s.wakeLocked()
	for s.mu.busy {
		s.mu.left.WaitUntil(env.Never)
	}
	s.mu.busy = true
	return protocol.ErrNone
}

// leave ends a request's hold of the session.
func (s *fetchSession) leave() {
	s.mu.Lock()
	s.mu.busy = false
	s.mu.left.Broadcast()
	s.mu.Unlock()
}

// standing is what has become of a session while a request has it.
type standing int8

const (
	standingOpen       standing = iota
	standingClosed              // its slot went to another, or the client wants another
	standingSuperseded          // the client has sent the next request
)

// standing says whether the client still waits for the answer to the request of an
// epoch.
func (s *fetchSession) standing(epoch int32) standing {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.mu.closed:
		return standingClosed
	case s.mu.epoch != epoch:
		return standingSuperseded
	default:
		return standingOpen
	}
}

// update takes over what a request names (FetchSession.update), and notes when it
// came.
func (s *fetchSession) update(b *Broker, r *protocol.FetchRequest, received env.Time) {
	s.mu.Lock()
	s.mu.fetchedAt = received
	s.mu.Unlock()
	for i := range r.Partitions {
		in := &r.Partitions[i]
		e := s.byName[in.TopicPartition]
		if e == nil {
			e = &sessionPartition{session: s, index: len(s.all), told: untold, watching: -1}
			e.p, e.code = b.hosted(in.TopicPartition)
			s.byName[in.TopicPartition] = e
			s.all = append(s.all, e)
			if e.p != nil {
				e.p.watch(e)
			}
		}
		if e.in.CurrentLeaderEpoch != in.CurrentLeaderEpoch {
			e.told = untold // what it was told in another epoch it may not have heeded
		}
		e.in = *in
		s.tell(e)
	}
	for _, tp := range r.Forgotten {
		if e := s.byName[tp]; e != nil {
			s.forget(e)
		}
	}
}

// untold is what a client knows that was told nothing.
var untold = marks{-1, -1}

func (s *fetchSession) forget(e *sessionPartition) {
	e.gone = true
	if e.p != nil {
		e.p.unwatch(e)
	}
	delete(s.byName, e.in.TopicPartition)
	last := s.all[len(s.all)-1]
	s.all[e.index], last.index = last, e.index
	s.all[len(s.all)-1] = nil
	s.all = s.all[:len(s.all)-1]
}

// tell says that a partition may have news.
func (s *fetchSession) tell(e *sessionPartition) {
	s.mu.Lock()
	s.mu.news.put(e)
	s.mu.Unlock()
}

// tellFrom is tell by the partition, and of something that waiting fetches wake up
// for. It returns when the partition was fetched last, if there was no news before.
func (s *fetchSession) tellFrom(e *sessionPartition, w wakes) (fetchedAt env.Time, first bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if w == wakesFetches {
		s.wakeLocked()
	}
	return s.mu.fetchedAt, s.mu.news.put(e)
}

// wakes says whether news are such that a waiting fetch looks at them at once, or
// only with the next that are.
type wakes int8

const (
	wakesFetches wakes = iota
	wakesNobody
)

func (s *fetchSession) wakeLocked() {
	if !s.mu.woken {
		s.mu.woken = true
		s.mu.changed.Signal()
	}
}

// begin takes the partitions with news into work. News that come later wake the
// next wait.
func (s *fetchSession) begin() []*sessionPartition {
	s.mu.Lock()
	s.mu.woken = false
	s.working = s.mu.news.take(s.working[:0])
	s.mu.Unlock()
	return s.working
}

// putBack ends the work on partitions.
func (s *fetchSession) putBack(of func(i int) turn) {
	s.mu.Lock()
	s.mu.news.putBack(s.working, of)
	s.mu.Unlock()
}

// wait returns when there may be news, also if they came since begin, or at the
// deadline. Nothing else of a fetch waits for long.
func (s *fetchSession) wait(deadline env.Time) {
	s.mu.Lock()
	for !s.mu.woken && s.mu.changed.WaitUntil(deadline) {
	}
	s.mu.Unlock()
}

// close ends what partitions tell the session. A request that waits answers with
// what it has.
func (s *fetchSession) close() {
	s.mu.Lock()
	s.mu.closed = true
	s.wakeLocked()
	for s.mu.busy {
		s.mu.left.WaitUntil(env.Never)
	}
	s.mu.busy = true
	s.mu.Unlock()
	for _, e := range s.all {
		if e.p != nil {
			e.p.unwatch(e)
		}
	}
	s.leave()
}

// sessions are those that clients may come back to.
type sessions struct {
	mu struct {
		env.Mutex
		cache sessionCache
		rand  *rand.Rand
	}
}

func (ss *sessions) init(node env.Node, slots int) {
	ss.mu.Mutex = node.NewMutex()
	ss.mu.cache, ss.mu.rand = newSessionCache(slots), node.Rand("fetch-session")
}

// openSession finds the session of a request, or makes one, and takes over what the
// request names (FetchManager.newContext). The session is the request's until
// closeRequest.
func (b *Broker) openSession(r *protocol.FetchRequest, received env.Time) (*fetchSession, protocol.ErrorCode) {
	if r.IsFull() {
		b.endSession(r.SessionID)
		s := b.newSession(r)
		s.update(b, r, received)
		return s, protocol.ErrNone
	}
	b.sessions.mu.Lock()
	cached := b.sessions.mu.cache.get(r.SessionID)
	b.sessions.mu.Unlock()
	if cached == nil {
		return nil, protocol.ErrFetchSessionIDNotFound
	}
	s := cached.session
	if code := s.enter(r.SessionEpoch); code != protocol.ErrNone {
		return nil, code
	}
	s.update(b, r, received)
	b.sessions.mu.Lock()
	defer b.sessions.mu.Unlock()
	b.sessions.mu.cache.touch(cached, len(s.all), received)
	if len(s.all) == 0 {
		b.sessions.mu.cache.remove(cached)
	}
	return s, protocol.ErrNone
}

// closeRequest ends a request's hold of its session. A full request's session is
// kept if the client wants that and the cache has room. It returns the session's
// id, NoFetchSession if there is none any more.
func (b *Broker) closeRequest(r *protocol.FetchRequest, s *fetchSession) (id int32) {
	if !r.IsFull() {
		defer s.leave()
		if len(s.all) == 0 {
			return protocol.NoFetchSession
		}
		return s.cached.id
	}
	kept := false
	var evicted *cachedSession
	if r.SessionEpoch == protocol.InitialFetchEpoch {
		b.sessions.mu.Lock()
		s.cached.size = len(s.all)
		evicted, kept = b.sessions.mu.cache.add(&s.cached, b.node.Now(), b.drawSessionIDLocked)
		b.sessions.mu.Unlock()
	}
	s.leave()
	if evicted != nil {
		evicted.session.close()
	}
	if !kept {
		s.close()
		return protocol.NoFetchSession
	}
	return s.cached.id
}

// endSession closes the session that a client wants no more, if there is one.
func (b *Broker) endSession(id int32) {
	b.sessions.mu.Lock()
	cached := b.sessions.mu.cache.get(id)
	if cached != nil {
		b.sessions.mu.cache.remove(cached)
	}
	b.sessions.mu.Unlock()
	if cached != nil {
		cached.session.close()
	}
}

// drawSessionIDLocked draws an id that earlier lives of the broker, which draw from the
// same stream, have hardly used.
func (b *Broker) drawSessionIDLocked() int32 {
	return int32((b.sessions.mu.rand.Uint64() ^ uint64(b.node.Now())) & math.MaxInt32)
}
