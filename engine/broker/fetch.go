package broker

import (
	"brokerlab/engine/commitlog"
	"brokerlab/engine/env"
	"brokerlab/engine/protocol"
	"brokerlab/engine/server"
)

// fetch reads what is asked for (ReplicaManager.fetchMessages). A request that finds
// less than MinBytes waits for more. A follower's fetch first tells how far its log
// reaches.
func (b *Broker) fetch(r *protocol.FetchRequest, received env.Time, f *fetching) server.Answer {
	s, code := b.openSession(r, received)
	if code != protocol.ErrNone {
		return server.Answer{Body: &protocol.FetchResponse{Err: code}}
	}
	f.r, f.s, f.epoch, f.deadline = r, s, firstEpoch, received.Add(r.MaxWait)
	if !r.IsFull() {
		f.epoch = protocol.NextFetchEpoch(r.SessionEpoch)
	}
	s.begin()
	if s.isFollower() {
		f.noteFollower()
	}
	f.read()
	if !f.mayWait() {
		return server.Answer{Body: f.respond()}
	}
	f.giveBack()
	return server.Answer{Delayed: f}
}

// fetching is the request of a connection that is worked on. It may wait until its
// deadline for MinBytes (DelayedFetch).
type fetching struct {
	b        *Broker
	r        *protocol.FetchRequest
	s        *fetchSession
	epoch    int32 // that the client's next request names
	deadline env.Time
	enough   bool                  // to answer: MinBytes, or an error
	times    []protocol.BatchTimes // scratch
}

// Await implements server.Delayed.
func (f *fetching) Await() protocol.Body {
	for {
		f.s.wait(f.deadline)
		f.s.begin()
		// Read after begin, or an append in between would be missed.
		f.read()
		if !f.mayWait() {
			return f.respond()
		}
		f.giveBack()
	}
}

// readResult is what a read of one partition gave.
type readResult struct {
	out    protocol.FetchPartitionResult
	unread bool // there was no room left for it
	told   bool // it is in the response
	turn   turn
}

func (f *fetching) noteFollower() {
	for _, e := range f.s.working {
		f.note(e)
	}
}

func (f *fetching) note(e *sessionPartition) {
	if e.p == nil {
		return
	}
	if _, code := e.p.asLeader(e.in.CurrentLeaderEpoch); code != protocol.ErrNone {
		return
	}
	if _, parts := diverges(e.p, &e.in); !parts {
		e.p.fetched(f.s.replicaID, e.in.FetchOffset)
	}
}

// mayWait says whether the request goes on waiting for more.
func (f *fetching) mayWait() bool {
	return !f.enough && len(f.s.all) > 0 && f.b.node.Now() < f.deadline && !f.b.isClosing() &&
		f.s.standing(f.epoch) == standingOpen
}

// read reads the partitions with news until MaxBytes are found.
func (f *fetching) read() {
	if n := len(f.s.working); cap(f.s.results) < n {
		f.s.results = make([]readResult, n)
	}
	f.s.results = f.s.results[:len(f.s.working)]
	f.b.node.Charge(env.OpHandle, len(f.s.working))
	bytes, failed := 0, false
	for i, e := range f.s.working {
		res := &f.s.results[i]
		*res = readResult{}
		f.readPartition(e, res, int(f.r.MaxBytes)-bytes, bytes == 0)
		bytes += res.out.Records.Len()
		failed = failed || res.out.Err != protocol.ErrNone || res.out.Diverges
	}
	f.enough = failed || bytes >= int(min(f.r.MinBytes, f.r.MaxBytes)) // as KafkaApis.handleFetchRequest
}

// readPartition reads one partition. The first one that has records gives at
// least one batch, however large (KIP-74).
func (f *fetching) readPartition(e *sessionPartition, res *readResult, room int, first bool) {
	out := &res.out
	out.TopicPartition = e.in.TopicPartition
	if e.p == nil {
		out.Err = e.code
		return
	}
	want := wanted{offset: e.in.FetchOffset, scratch: f.times}
	if !f.s.isFollower() {
		want.bytes = min(room, int(e.in.MaxBytes))
	}
	lead, code := e.p.asLeaderOf(e.in.CurrentLeaderEpoch, want)
	if code != protocol.ErrNone {
		out.Err = code
		return
	}
	out.HighWatermark = lead.highWatermark
	out.LogStartOffset = e.p.log.StartOffset()
	limit := out.HighWatermark
	if f.s.isFollower() {
		limit = e.p.log.EndOffset()
		if out.Diverging, out.Diverges = diverges(e.p, &e.in); out.Diverges {
			return
		}
	}
	if room <= 0 {
		res.unread = true
		return
	}
	records, err := e.p.log.Read(commitlog.ReadRequest{
		Offset: e.in.FetchOffset, MaxBytes: min(room, int(e.in.MaxBytes)), Limit: limit, AtLeastOne: first,
	})
	if err != nil {
		out.Err = f.b.errorCode(err)
		return
	}
	// A batch that did not fit may be waiting behind the others of this response.
	res.unread = records.Len() == 0 && e.in.FetchOffset < limit
	out.Records = records
	if want.bytes > 0 {
		f.times = lead.times[:0]
		out.Times = within(lead.times, records.Len())
	}
}

// diverges says whether a follower's log ends in records that the leader's does
// not have: where the epoch of its last record ends in the leader's log
// (Partition.readRecords; KIP-595). An epoch that the leader does not know says
// nothing: then the offset decides.
func diverges(p *partition, in *protocol.FetchPartition) (protocol.EpochEndOffset, bool) {
	if in.LastFetchedEpoch < 0 {
		return protocol.EpochEndOffset{}, false
	}
	end := p.log.EndOffsetFor(in.LastFetchedEpoch)
	if end.Epoch < 0 || end.EndOffset < 0 {
		return protocol.EpochEndOffset{}, false
	}
	return protocol.EpochEndOffset{LeaderEpoch: end.Epoch, EndOffset: end.EndOffset},
		end.Epoch < in.LastFetchedEpoch || end.EndOffset < in.FetchOffset
}

// giveBack drops what was read. All of it is read again with what comes next.
func (f *fetching) giveBack() {
	for i := range f.s.results {
		f.s.results[i].out.Records.Release()
		f.s.results[i] = readResult{}
	}
	f.s.putBack(func(int) turn { return turnFirst })
}

// respond makes the response of what was read, and ends the request's hold of the
// session.
func (f *fetching) respond() *protocol.FetchResponse {
	s := f.s
	if s.standing(f.epoch) == standingSuperseded {
		f.giveBack()
		s.leave()
		return &protocol.FetchResponse{Err: protocol.ErrInvalidFetchSessionEpoch, SessionID: s.cached.id}
	}
	count := 0
	for i, e := range s.working {
		res := &s.results[i]
		res.turn = f.turnOf(e, res)
		if res.told = f.r.IsFull() || e.hasNews(&res.out); res.told {
			count++
		}
	}
	resp := &protocol.FetchResponse{Partitions: make([]protocol.FetchPartitionResult, 0, count)}
	for i, e := range s.working {
		if res := &s.results[i]; res.told {
			e.told = marksOf(&res.out)
			resp.Partitions = append(resp.Partitions, res.out)
			res.out = protocol.FetchPartitionResult{}
		}
	}
	s.putBack(func(i int) turn { return s.results[i].turn })
	resp.SessionID = f.b.closeRequest(f.r, s)
	return resp
}

// turnOf says where a partition goes after the response. It is looked at again
// unless the next fetch from the same offset would find the same nothing.
func (f *fetching) turnOf(e *sessionPartition, res *readResult) turn {
	switch {
	case res.out.Records.Len() > 0:
		return turnLast
	case res.out.Err != protocol.ErrNone, res.out.Diverges, res.unread:
		return turnFirst
	case f.s.isFollower() && !e.p.isSettled(f.s.replicaID):
		return turnFirst
	default:
		return turnOver
	}
}

// hasNews says whether a partition is in the response of a session
// (CachedPartition.maybeUpdateResponseData).
func (e *sessionPartition) hasNews(out *protocol.FetchPartitionResult) bool {
	return out.Records.Len() > 0 || out.Err != protocol.ErrNone || out.Diverges || e.told != marksOf(out)
}

// marksOf is what a result tells. After an error, or where logs part, the client
// is told again.
func marksOf(out *protocol.FetchPartitionResult) marks {
	if out.Err != protocol.ErrNone || out.Diverges {
		return untold
	}
	return marks{out.HighWatermark, out.LogStartOffset}
}
