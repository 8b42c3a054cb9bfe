package broker

import (
	"slices"
	"time"

	"brokerlab/engine/env"
)

// sessionEvictionAge is how long a session must be unused before any other may
// take its slot, and how old before a larger one may (KafkaServer's
// MIN_INCREMENTAL_FETCH_SESSION_EVICTION_MS).
const sessionEvictionAge = 2 * time.Minute

// sessionCache holds the fetch sessions of a broker, at most
// max.incremental.fetch.session.cache.slots, and decides which of them a new one
// may push out: Kafka's FetchSessionCache, of one shard. Pure.
type sessionCache struct {
	slots int
	byID  map[int32]*cachedSession
	all   []*cachedSession // in no order that counts
}

// cachedSession is what the cache knows of a session.
type cachedSession struct {
	session *fetchSession
	id      int32
	// privileged sessions are followers': they may push out consumers'.
	privileged bool
	size       int // partitions, when it was used last
	created    env.Time
	lastUsed   env.Time
	slot       int // index in sessionCache.all
}

func newSessionCache(slots int) sessionCache {
	return sessionCache{slots: slots, byID: make(map[int32]*cachedSession)}
}

// add takes a session in if there is a free slot or another session that must
// yield to it: that one comes back as evicted. The id is drawn until it is new.
func (c *sessionCache) add(s *cachedSession, now env.Time, draw func() int32) (evicted *cachedSession, ok bool) {
	if len(c.all) >= c.slots {
		if evicted = c.victim(s, now); evicted == nil {
			return nil, false
		}
		c.remove(evicted)
	}
	for s.id = draw(); s.id <= 0 || c.byID[s.id] != nil; {
		s.id = draw()
	}
	s.created, s.lastUsed, s.slot = now, now, len(c.all)
	c.byID[s.id] = s
	c.all = append(c.all, s)
	return evicted, true
}

// victim is FetchSessionCache.tryEvict: the session that has been unused for
// longest, if that is long; or else the smallest of those that may be pushed out,
// if the new one is worth more.
func (c *sessionCache) victim(s *cachedSession, now env.Time) *cachedSession {
	if c.slots == 0 {
		return nil
	}
	oldest := slices.MinFunc(c.all, func(a, b *cachedSession) int {
		if a.lastUsed != b.lastUsed {
			return int(min(max(a.lastUsed-b.lastUsed, -1), 1))
		}
		return int(a.id - b.id)
	})
	if now.Sub(oldest.lastUsed) > sessionEvictionAge {
		return oldest
	}
	var least *cachedSession
	for _, have := range c.all {
		settled := have.lastUsed.Sub(have.created) > sessionEvictionAge
		if !settled && (have.privileged || !s.privileged) {
			continue
		}
		if least == nil || have.compare(least) < 0 {
			least = have
		}
	}
	if least == nil || s.compare(least) < 0 {
		return nil
	}
	return least
}

// compare is EvictableKey.compareTo: a follower's session is worth more than a
// consumer's, and a larger one more than a smaller. The id of a session that is
// not in the cache yet is 0.
func (s *cachedSession) compare(other *cachedSession) int {
	switch {
	case s.privileged != other.privileged && s.privileged:
		return 1
	case s.privileged != other.privileged:
		return -1
	case s.size != other.size:
		return s.size - other.size
	default:
		return int(s.id - other.id)
	}
}

// get finds a session; nil if it is not there.
func (c *sessionCache) get(id int32) *cachedSession { return c.byID[id] }

// touch says that a session is used. One that has left the cache stays out.
func (c *sessionCache) touch(s *cachedSession, size int, now env.Time) {
	s.size, s.lastUsed = size, now
}

// remove takes a session out, if it is in.
func (c *sessionCache) remove(s *cachedSession) {
	if c.byID[s.id] != s {
		return
	}
	delete(c.byID, s.id)
	last := c.all[len(c.all)-1]
	c.all[s.slot], last.slot = last, s.slot
	c.all = c.all[:len(c.all)-1]
}
