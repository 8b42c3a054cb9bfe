// Package replica holds what the leader of a partition knows of its followers
// and decides the high watermark and the in-sync set that the leader asks the
// controller for; and how far a follower cuts its log when it differs from the
// leader's. It is pure: methods take what happened and return what follows. It
// does not tell whether the controller agrees.
package replica

import (
	"fmt"
	"slices"
	"time"

	"brokerlab/engine/env"
)

// unknown is the log end offset of a follower that has not fetched yet.
const unknown int64 = -1

// Leadership is what a broker knows when it begins to lead a partition.
type Leadership struct {
	Leader         int32
	Replicas       []int32
	ISR            []int32 // in-sync replicas, the leader among them
	PartitionEpoch int32   // of the state that the ISR is from
	LeaderEnd      int64   // log end offset, where the leader epoch begins
	HighWatermark  int64   // as far as this broker has heard of it
	Now            env.Time
	LagMax         time.Duration // replica.lag.time.max.ms
	MinInSync      int           // min.insync.replicas
}

// Progress is the leader's view of a partition's replicas
// (kafka.cluster.Partition and Replica). The high watermark is the smallest log
// end offset of the replicas that are in sync or about to be; it never falls.
type Progress struct {
	leader         int32
	leaderEnd      int64
	epochStart     int64
	highWatermark  int64
	lagMax         time.Duration
	minInSync      int
	followers      []follower
	isr            []int32 // as the controller knows it
	partitionEpoch int32
	proposed       []int32 // what the controller was asked for; nil = nothing
}

// follower is Kafka's ReplicaState.
type follower struct {
	id        int32
	end       int64    // log end offset, known from the last fetch
	caughtUp  env.Time // when it was last known to have all that the leader had
	fetchTime env.Time // of the last fetch
	fetchEnd  int64    // the leader's log end offset at the last fetch
	inSync    bool
	joining   bool // in the set that was proposed
	fenced    bool // the controller would not take it into the in-sync set
}

// NewProgress starts a leadership. Where followers are is not known until they
// fetch (Partition.makeLeader and Replica.resetReplicaState); those in sync have
// replica.lag.time.max.ms to do so.
func NewProgress(l Leadership) *Progress {
	if !slices.Contains(l.Replicas, l.Leader) {
		panic(fmt.Sprintf("replica: leader %d is none of the replicas %v", l.Leader, l.Replicas))
	}
	p := &Progress{
		leader: l.Leader, leaderEnd: l.LeaderEnd, epochStart: l.LeaderEnd, highWatermark: l.HighWatermark,
		lagMax: l.LagMax, minInSync: min(l.MinInSync, len(l.Replicas)), partitionEpoch: l.PartitionEpoch - 1,
	}
	for _, id := range l.Replicas {
		if id == l.Leader {
			continue
		}
		f := follower{id: id, end: unknown, fetchEnd: unknown}
		f.caughtUp = l.Now
		if !slices.Contains(l.ISR, id) {
			f.caughtUp = l.Now.Add(-l.LagMax - 1) // it has to catch up first
		}
		p.followers = append(p.followers, f)
	}
	p.Committed(l.ISR, l.PartitionEpoch, l.Now)
	return p
}

// HighWatermark is the offset below which every in-sync replica has the log.
func (p *Progress) HighWatermark() int64 { return p.highWatermark }

// LeaderEnd is the leader's log end offset.
func (p *Progress) LeaderEnd() int64 { return p.leaderEnd }

// ISR is the in-sync set that the controller knows. It is not changed in place.
func (p *Progress) ISR() []int32 { return p.isr }

// PartitionEpoch is that of the state that ISR is from.
func (p *Progress) PartitionEpoch() int32 { return p.partitionEpoch }

// Proposed is the in-sync set that the controller has not agreed to yet; nil if
// there is none.
func (p *Progress) Proposed() []int32 { return p.proposed }

// EnoughInSync says whether min.insync.replicas are in sync. Where there are
// fewer replicas than that, all of them are enough (Partition.effectiveMinIsr).
func (p *Progress) EnoughInSync() bool { return len(p.isr) >= p.minInSync }

// Appended says that the leader's log reaches to end. It reports whether the
// high watermark rose.
func (p *Progress) Appended(end int64, now env.Time) (rose bool) {
	if end < p.leaderEnd {
		// Two appends may report in the other order; the later one counts.
		return false
	}
	p.leaderEnd = end
	return p.advance(now)
}

// Moves says whether Fetched would change where the follower is known to be.
func (p *Progress) Moves(id int32, offset int64) bool {
	f := p.follower(id)
	return f != nil && f.end != offset
}

// Fetched says that a follower asked for offset, so that its log reaches there
// (Replica.updateFetchStateOrThrow). It reports whether the high watermark rose. A
// broker that is no replica of the partition changes nothing.
func (p *Progress) Fetched(id int32, offset int64, now env.Time) (rose bool) {
	f := p.follower(id)
	if f == nil {
		return false
	}
	switch {
	case offset >= p.leaderEnd:
		f.caughtUp = max(f.caughtUp, now)
	case f.fetchEnd != unknown && offset >= f.fetchEnd:
		// It has all that there was when it fetched the last time.
		f.caughtUp = max(f.caughtUp, f.fetchTime)
	}
	f.end, f.fetchTime, f.fetchEnd = offset, now, max(f.fetchEnd, p.leaderEnd)
	return p.advance(now)
}

// Settled says that a follower is where all its fetches are alike: in sync, with
// all that the leader has, and with nothing that waits for another replica. Until
// the leader appends, or the in-sync set changes, another Fetched from there would
// note nothing but the time.
func (p *Progress) Settled(id int32) bool {
	f := p.follower(id)
	return f != nil && f.inSync && f.end == p.leaderEnd && p.highWatermark == p.leaderEnd
}

// Refetched notes the time of the last fetch of a follower that was Settled then
// and has fetched from the same offset since, without a Fetched each time.
func (p *Progress) Refetched(id int32, at env.Time) {
	f := p.follower(id)
	if f == nil || f.end != p.leaderEnd {
		return
	}
	f.caughtUp, f.fetchTime, f.fetchEnd = max(f.caughtUp, at), max(f.fetchTime, at), p.leaderEnd
}

// Fence says whether the controller would take a broker into an in-sync set.
func (p *Progress) Fence(id int32, fenced bool) {
	if f := p.follower(id); f != nil {
		f.fenced = fenced
	}
}

// Shrink proposes an in-sync set without the followers that have not caught up
// for replica.lag.time.max.ms (Partition.maybeShrinkIsr). ok is false if there is
// nothing to change, or a proposal under way.
func (p *Progress) Shrink(now env.Time) (isr []int32, ok bool) {
	if p.proposed != nil {
		return nil, false
	}
	kept := slices.DeleteFunc(slices.Clone(p.isr), func(id int32) bool {
		f := p.follower(id)
		return f != nil && !p.isCaughtUp(f, now)
	})
	if len(kept) == len(p.isr) {
		return nil, false
	}
	p.proposed = kept
	return kept, true
}

// Expand proposes an in-sync set with a follower that has reached the high
// watermark and the offset at which the leader's epoch began
// (Partition.maybeExpandIsr). From then on the high watermark waits for it, also
// before the controller agrees. ok is false if there is nothing to change.
func (p *Progress) Expand(id int32) (isr []int32, ok bool) {
	f := p.follower(id)
	if p.proposed != nil || f == nil || f.inSync || f.fenced || f.end < p.highWatermark || f.end < p.epochStart {
		return nil, false
	}
	f.joining = true
	p.proposed = append(slices.Clone(p.isr), id)
	return p.proposed, true
}

// Committed says what the in-sync set is: the controller's answer, or news. A
// state that is not newer than the last is ignored: a proposal may be under way
// from that one, and the controller have agreed to it by now. It reports whether
// the high watermark rose.
func (p *Progress) Committed(isr []int32, partitionEpoch int32, now env.Time) (rose bool) {
	if partitionEpoch <= p.partitionEpoch {
		return false
	}
	p.isr, p.partitionEpoch = isr, partitionEpoch
	for i := range p.followers {
		p.followers[i].inSync = slices.Contains(isr, p.followers[i].id)
	}
	p.Rejected()
	return p.advance(now)
}

// Rejected says that the controller knows the partition as the leader does and
// did not agree to what was proposed. After any other error the proposal stays,
// since it may have been agreed to.
func (p *Progress) Rejected() {
	p.proposed = nil
	for i := range p.followers {
		p.followers[i].joining = false
	}
}

func (p *Progress) follower(id int32) *follower {
	for i := range p.followers {
		if p.followers[i].id == id {
			return &p.followers[i]
		}
	}
	return nil
}

// isCaughtUp is ReplicaState.isCaughtUp.
func (p *Progress) isCaughtUp(f *follower, now env.Time) bool {
	return f.end == p.leaderEnd || now.Sub(f.caughtUp) <= p.lagMax
}

// advance is Partition.maybeIncrementLeaderHW: the high watermark waits for
// replicas in sync, for those that the controller is being asked to take in, and
// for those that have caught up and will be; and it does not move with fewer in
// sync than min.insync.replicas (KIP-966).
func (p *Progress) advance(now env.Time) (rose bool) {
	if !p.EnoughInSync() {
		return false
	}
	low := p.leaderEnd
	for i := range p.followers {
		f := &p.followers[i]
		if f.end < low && (f.inSync || f.joining || !f.fenced && p.isCaughtUp(f, now)) {
			low = f.end
		}
	}
	if low <= p.highWatermark {
		return false
	}
	p.highWatermark = low
	return true
}
