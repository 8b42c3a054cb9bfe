package load

import (
	"sync/atomic"

	"brokerlab/engine/env"
	"brokerlab/workloads/payload"
	"brokerlab/workloads/records"
)

// Group is what the clients of one group share: producers or consumers.
type Group struct {
	*Shared
	Records *records.Source // of producers
	// Model, if not nil, is in place of Records: records carry sizes instead of bytes.
	Model *payload.Model
	// Series is what they did in the load: of producers from a record's intended instant
	// to its acknowledgement, of consumers to its arrival.
	Series *Series
	// Reading is the same of the time in which a backlog is read while producers go on;
	// nil if there is none. Of consumers with Backlog it is all that they do.
	Reading *Series
	// Backlog says that consumers begin when the load has ended.
	Backlog bool

	Read    atomic.Int64 // records that consumers of the group took
	Skipped atomic.Int64 // that were deleted before
	giveUp  atomic.Int64 // env.Time; 0: never
}

// GiveUp has the group's consumers end at an instant, whatever they have not read then.
func (g *Group) GiveUp(at env.Time) { g.giveUp.Store(int64(at)) }

// givesUp is when the consumers end at the latest.
func (g *Group) givesUp() env.Time {
	if at := g.giveUp.Load(); at != 0 {
		return env.Time(at)
	}
	return env.Never
}

// LoadEnded says whether the load has ended at now, and when. It has ended for all
// clients at the instant at which the first one finds that it is over.
func (s *Shared) LoadEnded(now env.Time) (at env.Time, ended bool) {
	if at := s.loadEnd.Load(); at != 0 {
		return env.Time(at), true
	}
	if now < s.End && !s.Over() {
		return 0, false
	}
	s.loadEnd.CompareAndSwap(0, int64(min(now, s.End)))
	return env.Time(s.loadEnd.Load()), true
}

// EndReading ends the time in which a backlog is read, for producers that go on in it
// and for what is measured of it.
func (s *Shared) EndReading(now env.Time) { s.readEnd.CompareAndSwap(0, int64(now)) }

// ReadingEnded is LoadEnded for the reading.
func (s *Shared) ReadingEnded(now env.Time) (at env.Time, ended bool) {
	if at := s.readEnd.Load(); at != 0 {
		return env.Time(at), true
	}
	if s.ends.Load()&stopped == 0 && !s.full(s.RoomLimit) {
		return 0, false
	}
	s.EndReading(now)
	return env.Time(s.readEnd.Load()), true
}

// ledger is what one client counts: in the load, and in the reading of a backlog that
// follows it. Its caller locks.
type ledger struct {
	group         *Group
	join          func(*Series) *member
	load, reading *member // nil until it counts there
}

func newLedger(g *Group, join func(*Series) *member) *ledger {
	l := &ledger{group: g, join: join}
	if !g.Backlog {
		l.load = join(g.Series)
	}
	return l
}

// at is where something that happens at now counts.
func (l *ledger) at(now env.Time) *member {
	if l.load != nil {
		end, ended := l.group.LoadEnded(now)
		if !ended {
			l.load.at(now)
			return l.load
		}
		l.load.end(end)
		if l.group.Reading == nil {
			return l.load // as drain
		}
		if l.reading == nil {
			l.group.Reading.Begin(end, 0)
		}
	}
	if l.reading == nil {
		l.reading = l.join(l.group.Reading)
	}
	if end, ended := l.group.ReadingEnded(now); ended {
		l.reading.end(end)
	} else {
		l.reading.at(now)
	}
	return l.reading
}

// of is where a record counts that was due at an instant and is answered at now: what was
// due in the load is of the load, and drain if it was answered later.
func (l *ledger) of(due, now env.Time) *member {
	m := l.at(now)
	if m == l.reading && l.load != nil && due < l.group.Reading.cfg.Start {
		return l.load
	}
	return m
}

// end says that nothing comes after now, and delivers all that was counted.
func (l *ledger) end(now env.Time) {
	m := l.at(now)
	m.end(now)
	for _, m := range []*member{l.load, l.reading} {
		if m != nil {
			m.close()
		}
	}
}
