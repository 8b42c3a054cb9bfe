package check

import (
	"fmt"
	"slices"
	"time"

	"brokerlab/engine/env"
)

// noticed is how long after something those whom it concerns may not know of it: a
// producer with acks=0, to which nobody answers, writes into a connection that
// ended with a fault until the reset comes; a response was sent before the fault; a
// leader that is no longer one, and stays in sync, has not heard of it.
const noticed = time.Second

// losses answers why Kafka may have lost a record of a partition.
type losses struct {
	h      *History
	states []State // of the partition
}

func (h *History) losses(partition int32) losses {
	l := losses{h: h}
	for _, s := range h.States {
		if s.Partition == partition {
			l.states = append(l.states, s)
		}
	}
	return l
}

// until is when a state ends.
func (l losses) until(i int) env.Time {
	if i+1 < len(l.states) {
		return l.states[i+1].At
	}
	return env.Never
}

// ofRecord says what excuses the loss of a record that was acknowledged.
func (l losses) ofRecord(since env.Time) (e Excuse, facts string, ok bool) {
	if e, facts, ok = l.ofCommitted(since); ok || l.h.Settings.Acks == acksAll {
		return e, facts, ok
	}
	if facts, ok = l.ofLeader(since); ok {
		return AcksOne, facts, true
	}
	if l.h.Settings.Acks != acksNone {
		return "", "", false
	}
	for _, f := range l.h.Faults {
		if f.Until.Add(noticed) >= since {
			return AcksNone, fmt.Sprintf("something failed at %s", seconds(f.At)), true
		}
	}
	return "", "", false
}

// ofCommitted says what excuses the loss of a record, sent at an instant, that was
// below the high watermark. At that time all replicas in sync had it, and who joins
// them has it: it is gone if at some time all that were in sync had lost it, or
// one led that was not in sync.
func (l losses) ofCommitted(since env.Time) (e Excuse, facts string, ok bool) {
	for i, s := range l.states {
		if i > 0 && s.Leader >= 0 && !slices.Contains(l.states[i-1].ISR, s.Leader) &&
			(s.At > since || l.deposed(i, since)) {
			return Unclean, fmt.Sprintf("broker %d leads from %s on, and in sync were %v",
				s.Leader, seconds(s.At), l.states[i-1].ISR), true
		}
		if l.until(i) <= since {
			continue
		}
		lostAt, lost := l.allLost(i, since)
		switch {
		case !lost:
		case len(s.ISR) == 1:
			return KIP966, fmt.Sprintf("broker %d, alone in sync from %s on, lost power at %s", s.ISR[0],
				seconds(s.At), seconds(lostAt)), true
		default:
			return AllCopies, fmt.Sprintf("brokers %v were in sync from %s on, and all lost power, the last at %s",
				s.ISR, seconds(s.At), seconds(lostAt)), true
		}
	}
	return "", "", false
}

// deposed says whether a leader of before state i may not have known of it at an
// instant later than that: none of it was in sync again by then.
func (l losses) deposed(i int, at env.Time) bool {
	for _, id := range l.states[i-1].ISR {
		back := false
		for k := i; k < len(l.states) && l.states[k].At <= at; k++ {
			back = back || slices.Contains(l.states[k].ISR, id)
		}
		if !back {
			return true
		}
	}
	return false
}

// allLost says whether all replicas in sync in state i have lost, since an instant
// and before the state ended, what they had not forced, and were in sync ever since.
func (l losses) allLost(i int, since env.Time) (last env.Time, all bool) {
	for _, id := range l.states[i].ISR {
		at, lost := l.lost(id, i, since)
		if !lost {
			return 0, false
		}
		last = max(last, at)
	}
	return last, len(l.states[i].ISR) > 0
}

func (l losses) lost(id int32, i int, since env.Time) (at env.Time, lost bool) {
	if l.h.Settings.Forced {
		return 0, false
	}
	for _, f := range l.h.Faults {
		if f.Kind != PowerLoss || f.Broker != id || f.At < since || f.At >= l.until(i) {
			continue
		}
		member := true
		for k := 0; k <= i; k++ {
			member = member && (l.until(k) <= f.At || slices.Contains(l.states[k].ISR, id))
		}
		if member {
			return f.At, true
		}
	}
	return 0, false
}

// ofLeader says whether the leader that took a record, sent at an instant, alone
// may be gone: another leads, or its power failed.
func (l losses) ofLeader(since env.Time) (facts string, ok bool) {
	for i, s := range l.states {
		if i > 0 && s.LeaderEpoch != l.states[i-1].LeaderEpoch &&
			(s.At.Add(noticed) > since || l.formerLeader(i, since)) {
			return fmt.Sprintf("the leader of epoch %d was another from %s on", s.LeaderEpoch, seconds(s.At)), true
		}
		if l.until(i) <= since {
			continue
		}
		for _, f := range l.h.Faults {
			if f.Kind == PowerLoss && f.Broker == s.Leader && f.At >= since && f.At < l.until(i) && !l.h.Settings.Forced {
				return fmt.Sprintf("broker %d, which led, lost power at %s", s.Leader, seconds(f.At)), true
			}
		}
	}
	return "", false
}

// formerLeader says whether the leader before state i may not have known of it at
// an instant later than that: it was not in sync again.
func (l losses) formerLeader(i int, at env.Time) bool {
	id := l.states[i-1].Leader
	if id < 0 {
		return false // the one before that was looked at
	}
	for k := i; k < len(l.states) && l.states[k].At <= at; k++ {
		if slices.Contains(l.states[k].ISR, id) && l.states[k].Leader >= 0 {
			return false
		}
	}
	return true
}

// restarted says whether a broker began anew between two instants, of which the
// first is when something came that it may have said somewhat before.
func (h *History) restarted(id int32, from, to env.Time) bool {
	return slices.ContainsFunc(h.Faults, func(f Fault) bool {
		return f.Broker == id && f.Kind != LinkFault && f.Until.Add(noticed) >= from && f.At <= to
	})
}

// leaderAt is who leads a partition at an instant.
func (l losses) leaderAt(at env.Time) int32 {
	leader := int32(-1)
	for _, s := range l.states {
		if s.At <= at {
			leader = s.Leader
		}
	}
	return leader
}
