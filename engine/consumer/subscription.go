package consumer

import (
	"brokerlab/engine/client"
	"brokerlab/engine/env"
	"brokerlab/engine/protocol"
)

// phase is what a partition needs next (SubscriptionState.FetchStates).
type phase int8

const (
	phaseReset    phase = iota // its position is to be looked up (AWAIT_RESET)
	phaseValidate              // a new leader may lack records before its position (AWAIT_VALIDATION)
	phaseFetch                 // it has a position, to be fetched from
	phaseHeld                  // what was found at its position waits for Poll
)

// noOffset is the position of a partition that has none yet.
const noOffset int64 = -1

// unknown is a leader or an epoch that is not known.
const unknown int32 = -1

// position is how far a partition was fetched.
type position struct {
	offset int64 // of the next record
	epoch  int32 // leader epoch of the record before; unknown if none was read
}

// partition is what a consumer knows of one partition. Consumer.mu guards it.
//
// read is the polling task's while there are records for it, which is not in
// phaseReset; generation is written by the polling task only, under the lock, so
// that Poll reads it without.
type partition struct {
	protocol.TopicPartition
	phase       phase
	policy      ResetPolicy // of phaseReset
	next        position
	read        int64 // offset after the last record that Poll handed out
	generation  int32 // raised by each new position: what was fetched for an older one is dropped
	leader      int32
	leaderEpoch int32
	failures    int // in a row
	notBefore   env.Time
}

// ask is one partition of a request, as it was when the request was made.
type ask struct {
	p          *partition
	phase      phase
	generation int32
	from       position
	epoch      int32 // leader epoch
}

// subscription is the partitions that are read and how far (Kafka's
// SubscriptionState). It is pure.
type subscription struct {
	partitions []*partition // as they were assigned
	byName     map[protocol.TopicPartition]*partition
	backoff    client.Backoff // retry.backoff.ms
}

func newSubscription(assigned []Assignment, policy ResetPolicy, backoff client.Backoff) subscription {
	s := subscription{byName: make(map[protocol.TopicPartition]*partition, len(assigned)), backoff: backoff}
	for _, a := range assigned {
		p := &partition{TopicPartition: a.TopicPartition, leader: unknown, leaderEpoch: unknown}
		s.partitions = append(s.partitions, p)
		s.byName[a.TopicPartition] = p
		switch a.Offset {
		case protocol.EarliestOffset:
			s.reset(p, ResetEarliest)
		case protocol.LatestOffset:
			s.reset(p, ResetLatest)
		case ByPolicy:
			s.reset(p, policy)
		default:
			s.seek(p, position{offset: a.Offset, epoch: unknown})
		}
	}
	return s
}

// seek gives a partition a position. It is not held against the leader's log
// unless its epoch is known.
func (s *subscription) seek(p *partition, at position) {
	p.phase, p.next, p.read = phaseFetch, at, at.offset
	p.generation++
	p.failures, p.notBefore = 0, 0
}

// reset has a partition's position looked up.
func (s *subscription) reset(p *partition, policy ResetPolicy) {
	p.phase, p.policy = phaseReset, policy
	p.next, p.read = position{offset: noOffset, epoch: unknown}, noOffset
	p.generation++
	p.failures, p.notBefore = 0, 0
}

// lead notes who leads a partition; unknown is nobody. It reports whether that is
// news; what an earlier leader epoch says is not. A position whose epoch is known
// is held against a new leader's log before it is fetched (KIP-320).
func (s *subscription) lead(p *partition, leader, epoch int32) (news bool) {
	if epoch < p.leaderEpoch || epoch == p.leaderEpoch && leader == p.leader {
		return false
	}
	if epoch > p.leaderEpoch && p.phase == phaseFetch && p.next.epoch != unknown {
		p.phase = phaseValidate
	}
	p.leader, p.leaderEpoch = leader, epoch
	p.failures, p.notBefore = 0, 0
	return true
}

// due appends to asks what is to be asked next of the leader of the partitions,
// beginning with the one at first: those of the first phase, up to a last one, in
// which there is something to do. Without any it returns when to look again.
func (s *subscription) due(of []*partition, first int, last phase, now env.Time, asks []ask) ([]ask, env.Time) {
	at, work := env.Never, phaseHeld
	for _, p := range of {
		switch {
		case p.phase > last:
		case p.notBefore > now:
			at = min(at, p.notBefore)
		default:
			work = min(work, p.phase)
		}
	}
	if work == phaseHeld {
		return asks, at
	}
	for i := range of {
		p := of[(first+i)%len(of)]
		if p.phase == work && p.notBefore <= now {
			asks = append(asks, ask{p: p, phase: work, generation: p.generation, from: p.next, epoch: p.leaderEpoch})
		}
	}
	return asks, now
}

// current says whether the answer to a question still means something: the
// partition has the position, the leader and the need that it had.
func (a *ask) current() bool {
	p := a.p
	return p.generation == a.generation && p.phase == a.phase && p.next == a.from && p.leaderEpoch == a.epoch
}

// failed puts off the next question.
func (s *subscription) failed(p *partition, now env.Time) {
	p.failures++
	p.notBefore = now.Add(s.backoff.After(p.failures))
}

// fetched moves a partition past records that were fetched.
func (s *subscription) fetched(p *partition, next position) {
	p.next = next
	p.failures, p.notBefore = 0, 0
}

// located gives a partition in phaseReset the position that was looked up.
func (s *subscription) located(p *partition, at position) {
	p.phase, p.next, p.read = phaseFetch, at, at.offset
	p.failures, p.notBefore = 0, 0
}

// validated takes a leader's answer for a partition in phaseValidate. It reports
// false if the leader's log does not reach to the position in its epoch: records
// that were read are gone (SubscriptionState.maybeCompleteValidation).
func (s *subscription) validated(p *partition, end protocol.EpochEndOffset) (whole bool) {
	p.failures, p.notBefore = 0, 0
	if end.LeaderEpoch == unknown || end.EndOffset == noOffset || end.EndOffset < p.next.offset {
		p.phase = phaseHeld
		return false
	}
	p.phase = phaseFetch
	return true
}

// release lets a partition whose finding Poll has told go on.
func (s *subscription) release(p *partition, to phase, now env.Time) {
	p.phase = to
	s.failed(p, now)
}
