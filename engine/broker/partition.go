package broker

import (
	"brokerlab/engine/cluster"
	"brokerlab/engine/commitlog"
	"brokerlab/engine/env"
	"brokerlab/engine/protocol"
	"brokerlab/engine/replica"
)

// role is what a broker is to a partition of which it has a replica.
type role int

const (
	roleNone role = iota // not known yet, between two roles, or no leader to follow
	roleLeader
	roleFollower
)

// partition is one replica of a partition on this broker. Its role is changed by
// one task, applied, and only while no append of the role before is under way
// (Kafka's Partition.leaderIsrUpdateLock, held by appends for reading).
type partition struct {
	protocol.TopicPartition
	node      env.Node
	log       *commitlog.Log
	dir       string // the log directory that it is in
	minInSync int    // min.insync.replicas
	// propose takes a partition whose leader wants another in-sync set; nil where
	// there is no controller to agree to one.
	propose func(*partition)

	mu struct {
		env.Mutex
		state    cluster.Partition // that the role is from
		role     role
		changing bool              // the role ends, and the next has not begun: requests wait
		settled  env.Cond          // broadcast when changing ends
		appends  int               // under way
		idle     env.Cond          // signalled when appends is 0 while changing
		progress *replica.Progress // of the leader; nil otherwise
		recent   recentBatches     // of the leader
		hw       int64             // of a follower, and between two roles
		hwRose   env.Cond          // broadcast when the high watermark rises or the role ends, and at the end
		closing  bool
		offline  bool // its log directory has failed
		// Sessions that fetch the partition.
		followers, consumers []*sessionPartition
	}
}

func newPartition(node env.Node, tp protocol.TopicPartition, log *commitlog.Log, minInSync int) *partition {
	p := &partition{TopicPartition: tp, node: node, log: log, minInSync: minInSync}
	p.mu.Mutex = node.NewMutex()
	p.mu.settled = node.NewCond(p.mu.Mutex)
	p.mu.idle, p.mu.hwRose = node.NewCond(p.mu.Mutex), node.NewCond(p.mu.Mutex)
	p.mu.state.PartitionEpoch = -1
	return p
}

// watch makes the partition tell a session what happens to it: a follower's of more
// log, a consumer's of a higher high watermark, and either of what else may change
// the answer to a fetch.
func (p *partition) watch(e *sessionPartition) {
	list := p.watchers(e)
	p.mu.Lock()
	e.watching = len(*list)
	*list = append(*list, e)
	p.mu.Unlock()
}

func (p *partition) unwatch(e *sessionPartition) {
	list := p.watchers(e)
	p.mu.Lock()
	defer p.mu.Unlock()
	if e.watching < 0 {
		return
	}
	last := (*list)[len(*list)-1]
	(*list)[e.watching], last.watching = last, e.watching
	(*list)[len(*list)-1] = nil
	*list = (*list)[:len(*list)-1]
	e.watching = -1
}

func (p *partition) watchers(e *sessionPartition) *[]*sessionPartition {
	if e.session.isFollower() {
		return &p.mu.followers
	}
	return &p.mu.consumers
}

// tellLocked tells sessions that something has happened. A follower that had all
// of the log has fetched with its session up to then: that is noted now, before
// what has happened counts.
func (p *partition) tellLocked(watchers []*sessionPartition, w wakes) {
	for _, e := range watchers {
		fetchedAt, first := e.session.tellFrom(e, w)
		if first && p.mu.progress != nil {
			p.mu.progress.Refetched(e.session.replicaID, fetchedAt)
		}
	}
}

func (p *partition) tellAllLocked(w wakes) {
	p.tellLocked(p.mu.followers, w)
	p.tellLocked(p.mu.consumers, w)
}

// logChanged tells sessions that the log has lost its first segments, or failed.
func (p *partition) logChanged() {
	p.mu.Lock()
	p.tellAllLocked(wakesNobody)
	p.mu.Unlock()
}

// isSettled is Progress.Settled; nothing is where this broker does not lead.
func (p *partition) isSettled(follower int32) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.mu.progress != nil && p.mu.progress.Settled(follower)
}

// view is what a request must know of a partition that this broker leads.
type view struct {
	epoch         int32
	highWatermark int64
	times         []protocol.BatchTimes // of what wanted asks for
}

// wanted is what a consumer would read: its view tells of the batches there.
type wanted struct {
	offset  int64
	bytes   int                   // 0: no times are wanted
	scratch []protocol.BatchTimes // that they are written to
}

// asLeader returns the view of a leader. A request that names a leader epoch, not
// -1, must name the present one (Partition.getLocalLog).
func (p *partition) asLeader(currentLeaderEpoch int32) (view, protocol.ErrorCode) {
	return p.asLeaderOf(currentLeaderEpoch, wanted{})
}

func (p *partition) asLeaderOf(currentLeaderEpoch int32, w wanted) (view, protocol.ErrorCode) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.awaitRoleLocked()
	epoch := p.mu.state.LeaderEpoch
	switch {
	case p.mu.offline:
		return view{}, protocol.ErrStorage
	case currentLeaderEpoch >= 0 && currentLeaderEpoch < epoch:
		return view{}, protocol.ErrFencedLeaderEpoch
	case currentLeaderEpoch > epoch:
		return view{}, protocol.ErrUnknownLeaderEpoch
	case p.mu.role != roleLeader:
		return view{}, protocol.ErrNotLeaderOrFollower
	default:
		v := view{epoch: epoch, highWatermark: p.mu.progress.HighWatermark()}
		if w.bytes > 0 {
			v.times = p.mu.recent.from(w.offset, w.bytes, w.scratch[:0])
		}
		return v, protocol.ErrNone
	}
}

// awaitRoleLocked waits while the role changes, as requests wait for Kafka's
// leaderIsrUpdateLock.
func (p *partition) awaitRoleLocked() {
	for p.mu.changing {
		p.mu.settled.WaitUntil(env.Never)
	}
}

// beginLeaderAppend keeps the leader's role until endLeaderAppend. With acks=all
// enough replicas must be in sync (Partition.appendRecordsToLeader).
func (p *partition) beginLeaderAppend(acks int16) (epoch int32, code protocol.ErrorCode) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.awaitRoleLocked()
	switch {
	case p.mu.offline:
		return 0, protocol.ErrStorage
	case p.mu.role != roleLeader:
		return 0, protocol.ErrNotLeaderOrFollower
	case acks == protocol.AcksAll && !p.mu.progress.EnoughInSync():
		return 0, protocol.ErrNotEnoughReplicas
	}
	p.mu.appends++
	return p.mu.state.LeaderEpoch, protocol.ErrNone
}

// endLeaderAppend tells the partition that its log reaches to the end of a batch, and
// when it was appended; nil if the append failed.
func (p *partition) endLeaderAppend(t *protocol.BatchTimes) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.endAppendLocked()
	if t == nil {
		p.tellAllLocked(wakesNobody)
		return
	}
	if t.Bytes > 0 { // else the log had it already
		p.mu.recent.add(t)
	}
	p.tellLocked(p.mu.followers, wakesFetches)
	if p.mu.progress.Appended(t.NextOffset, p.node.Now()) {
		p.hwRoseLocked()
	}
}

// beginFollowerAppend keeps the follower's role of a leader epoch until
// endFollowerAppend. ok is false if it has ended.
func (p *partition) beginFollowerAppend(epoch int32) (ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mu.role != roleFollower || p.mu.changing || p.mu.state.LeaderEpoch != epoch {
		return false
	}
	p.mu.appends++
	return true
}

func (p *partition) endFollowerAppend() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.endAppendLocked()
}

func (p *partition) endAppendLocked() {
	p.mu.appends--
	if p.mu.appends == 0 && p.mu.changing {
		p.mu.idle.Signal()
	}
}

// fetched tells the leader's partition how far a follower's log reaches. If that
// is news it waits for the log's lock, which an append holds also while it
// flushes: Kafka raises the high watermark under that lock
// (UnifiedLog.maybeIncrementHighWatermark), so that a follower's fetch waits for
// the leader's disk.
func (p *partition) fetched(id int32, offset int64) {
	p.mu.Lock()
	news := p.mu.progress != nil && p.mu.progress.Moves(id, offset)
	if news {
		p.mu.Unlock()
		p.log.AwaitAppend()
		p.mu.Lock()
	}
	defer p.mu.Unlock()
	if p.mu.progress == nil {
		return // it does not lead any more
	}
	if p.mu.progress.Fetched(id, offset, p.node.Now()) {
		p.hwRoseLocked()
	}
	if p.propose == nil {
		return
	}
	if _, ok := p.mu.progress.Expand(id); ok {
		p.propose(p)
	}
}

// maybeShrink asks for an in-sync set without the followers that lag, if there
// are any and this broker leads.
func (p *partition) maybeShrink() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.mu.progress == nil {
		return
	}
	if _, ok := p.mu.progress.Shrink(p.node.Now()); ok {
		p.propose(p)
	}
}

// hwRoseLocked tells that the high watermark is higher. Followers learn it with
// their next fetch.
func (p *partition) hwRoseLocked() {
	p.mu.recent.seen(p.mu.progress.HighWatermark(), p.node.Now())
	p.mu.hwRose.Broadcast()
	p.tellLocked(p.mu.consumers, wakesFetches)
	p.tellLocked(p.mu.followers, wakesNobody)
}

// followed sets the high watermark that the leader told a follower; no higher
// than the follower's own log, and lower than before if the leader says so
// (UnifiedLog.maybeUpdateHighWatermark).
func (p *partition) followed(leaderHW int64) {
	end := p.log.EndOffset()
	p.mu.Lock()
	p.mu.hw = min(leaderHW, end)
	p.mu.Unlock()
}

// highWatermark is the offset below which consumers may read.
func (p *partition) highWatermark() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.highWatermarkLocked()
}

func (p *partition) highWatermarkLocked() int64 {
	if p.mu.progress != nil {
		return p.mu.progress.HighWatermark()
	}
	return p.mu.hw
}

// waitReplicated waits until the high watermark of the leadership that appended
// has reached offset (Partition.checkEnoughReplicasReachOffset). The error says
// that the leadership ended, that too few replicas are in sync by then, or that
// the deadline has passed.
func (p *partition) waitReplicated(epoch int32, offset int64, deadline env.Time) protocol.ErrorCode {
	p.mu.Lock()
	defer p.mu.Unlock()
	woken := true
	for {
		switch progress := p.mu.progress; {
		case p.mu.offline:
			return protocol.ErrStorage
		case progress == nil || p.mu.state.LeaderEpoch != epoch:
			return protocol.ErrNotLeaderOrFollower
		case progress.HighWatermark() < offset:
		case progress.EnoughInSync():
			return protocol.ErrNone
		default:
			return protocol.ErrNotEnoughReplicasAfterAppend
		}
		if p.mu.closing || !woken {
			return protocol.ErrRequestTimedOut
		}
		woken = p.mu.hwRose.WaitUntil(deadline)
	}
}

// stop wakes whatever waits on the partition.
func (p *partition) stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mu.closing = true
	p.mu.hwRose.Broadcast()
	p.tellAllLocked(wakesFetches)
}
