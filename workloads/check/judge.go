package check

import (
	"cmp"
	"fmt"
	"slices"

	"brokerlab/engine/env"
	"brokerlab/workloads/payload"
)

// Judge holds a history against what Kafka promises for its settings:
//
//   - What was acknowledged is at its offset in every replica. With acks=all it may
//     be gone only if at some time every replica that was in sync had lost its
//     unforced copy, or a replica led that was not in sync; with acks=1 also after
//     another leader, or a power failure of the leader; with acks=0 also after any
//     fault. What a reader has got was below the high watermark, and stays as what
//     acks=all acknowledged.
//   - With idempotence no record is there twice, unless a broker restarted since it
//     was sent and the producer began a new epoch; and each producer's records are in
//     the order in which they were sent; without it, order holds for what was
//     acknowledged with one request in flight.
//   - The high watermark that the leader of one epoch tells never falls, and no
//     record comes from beyond it. That of a new leader may be lower: it knows of the
//     old one's only from its last fetch.
//   - At the end all replicas of a partition are equal, and each reader has got all.
//
// What is not promised and happened is counted apart, by its name.
func Judge(h *History) *Verdict {
	j := &judge{h: h, v: &Verdict{}, sent: map[payload.ID]*Sent{}}
	for i := range h.Sent {
		s := &h.Sent[i]
		if j.sent[s.ID] != nil {
			j.v.violate(Misreported, "%v was sent twice by the test", s.ID)
		}
		j.sent[s.ID] = s
		switch s.Outcome {
		case Acked:
			j.v.Acked++
		case Refused:
			j.v.Refused++
		}
	}
	j.v.Read = len(h.Read)
	j.byPartition()
	for i := range j.parts {
		p := &j.parts[i]
		j.replicas(p)
		j.content(p)
		j.acked(p)
		j.readers(p)
		j.watermarks(p)
	}
	return j.v
}

type judge struct {
	h     *History
	v     *Verdict
	sent  map[payload.ID]*Sent
	parts []judged
}

// judged is one partition.
type judged struct {
	number  int32
	losses  losses
	logs    []FinalLog
	log     []Stored // the leader's, or the first
	at      map[payload.ID]int
	reads   []Read
	fetched []Fetched
	lost    bool // something, and that was pardoned: readers may have missed what came instead
}

func (j *judge) byPartition() {
	h := j.h
	index := map[int32]int{}
	for _, l := range h.Logs {
		i, ok := index[l.Partition]
		if !ok {
			i = len(j.parts)
			index[l.Partition] = i
			j.parts = append(j.parts, judged{number: l.Partition, losses: h.losses(l.Partition), log: l.Records,
				at: map[payload.ID]int{}})
		}
		p := &j.parts[i]
		p.logs = append(p.logs, l)
		if l.Broker == p.losses.leaderAt(env.Never) {
			p.log = l.Records
		}
	}
	for _, r := range h.Read {
		if i, ok := index[r.Partition]; ok {
			j.parts[i].reads = append(j.parts[i].reads, r)
		} else {
			j.v.violate(Misreported, "partition %d was read and has no log", r.Partition)
		}
	}
	for _, f := range h.Fetched {
		if i, ok := index[f.Partition]; ok {
			j.parts[i].fetched = append(j.parts[i].fetched, f)
		}
	}
	slices.SortFunc(j.parts, func(a, b judged) int { return cmp.Compare(a.number, b.number) })
}

// replicas compares the logs of a partition.
func (j *judge) replicas(p *judged) {
	for _, l := range p.logs {
		if l.Unreadable != "" {
			j.v.violate(Unreadable, "partition %d of broker %d, behind %d records: %s", p.number, l.Broker, len(l.Records),
				l.Unreadable)
		}
		if slices.Equal(l.Records, p.log) {
			continue
		}
		at := 0
		for at < min(len(l.Records), len(p.log)) && l.Records[at] == p.log[at] {
			at++
		}
		j.v.violate(Differing, "partition %d: broker %d has %d records and the leader %d, and they part at offset %d",
			p.number, l.Broker, len(l.Records), len(p.log), at)
	}
}

// content looks for what was never sent, is there twice, or in another order.
func (j *judge) content(p *judged) {
	set := &j.h.Settings
	last := map[uint16]*Sent{}
	for offset, r := range p.log {
		s := j.sent[r.ID]
		if s == nil {
			j.v.violate(NeverSent, "partition %d offset %d holds %v", p.number, offset, r.ID)
			continue
		}
		if before, again := p.at[r.ID]; again {
			j.duplicated(p, s, before, offset)
			continue
		}
		p.at[r.ID] = offset
		if !set.Idempotent && s.Outcome != Acked {
			continue // a request that was given up may come late
		}
		if ahead := last[r.Producer]; ahead != nil && ahead.Sequence > r.Sequence {
			j.reordered(p, offset, s, ahead)
			continue
		}
		last[r.Producer] = s
	}
}

// duplicated judges a record that is at two offsets.
func (j *judge) duplicated(p *judged, s *Sent, first, second int) {
	where := fmt.Sprintf("%v is at offsets %d and %d of partition %d", s.ID, first, second, p.number)
	switch {
	case !j.h.Settings.Idempotent:
		j.v.pardon(NotIdempotent, "%s", where)
	case p.log[first].ProducerEpoch != p.log[second].ProducerEpoch && j.h.restartedAfter(p, s.At):
		j.v.pardon(Forgotten, "%s, under epochs %d and %d of its producer", where, p.log[first].ProducerEpoch,
			p.log[second].ProducerEpoch)
	default:
		j.v.violate(Duplicated, "%s", where)
	}
}

// restartedAfter says whether a broker with a replica began anew after an instant.
func (h *History) restartedAfter(p *judged, since env.Time) bool {
	return slices.ContainsFunc(h.Faults, func(f Fault) bool {
		return f.Kind != LinkFault && f.Until >= since &&
			slices.ContainsFunc(p.logs, func(l FinalLog) bool { return l.Broker == f.Broker })
	})
}

// reordered judges a record that comes after one that was sent later.
func (j *judge) reordered(p *judged, offset int, s, ahead *Sent) {
	set := &j.h.Settings
	if !set.Idempotent {
		if set.MaxInFlight > 1 {
			j.v.pardon(ManyInFlight, "%v is at offset %d of partition %d, behind sequence %d", s.ID, offset, p.number,
				ahead.Sequence)
			return
		}
		// Its first copy may be gone, and this be a second one.
		if e, facts, ok := p.losses.ofRecord(s.At); ok {
			j.v.pardon(LostBefore, "%v is at offset %d of partition %d, behind sequence %d (%s: %s)", s.ID, offset,
				p.number, ahead.Sequence, e, facts)
			return
		}
	}
	j.v.violate(Reordered, "%v is at offset %d of partition %d, behind sequence %d", s.ID, offset, p.number,
		ahead.Sequence)
}

// acked looks for what was acknowledged and is not where it was said to be.
func (j *judge) acked(p *judged) {
	for i := range j.h.Sent {
		s := &j.h.Sent[i]
		if s.Outcome != Acked || s.Partition != p.number {
			continue
		}
		at, there := p.at[s.ID]
		switch {
		case there && s.Offset < 0, s.Offset >= 0 && p.holds(s.Offset, s.ID):
			continue
		}
		if e, facts, ok := p.losses.ofRecord(s.At); ok {
			p.lost = true
			j.v.pardon(e, "%v, sent at %s to offset %d of partition %d: %s", s.ID, seconds(s.At), s.Offset, p.number, facts)
			continue
		}
		where := "nowhere"
		if there {
			where = fmt.Sprintf("offset %d", at)
		}
		j.v.violate(Lost, "%v, sent at %s, was acknowledged at offset %d of partition %d, which ends at %d; it is at %s",
			s.ID, seconds(s.At), s.Offset, p.number, len(p.log), where)
	}
}

func (p *judged) holds(offset int64, id payload.ID) bool {
	return offset < int64(len(p.log)) && p.log[offset].ID == id
}

// readers looks for what readers got and is gone, was two things, or was missed.
func (j *judge) readers(p *judged) {
	seen := map[int][]bool{}
	var readers []int
	values := map[int64]payload.ID{}
	for _, r := range p.reads {
		if seen[r.Reader] == nil {
			seen[r.Reader] = make([]bool, len(p.log))
			readers = append(readers, r.Reader)
		}
		if p.holds(r.Offset, r.ID) {
			seen[r.Reader][r.Offset] = true
		}
		s := j.sent[r.ID]
		if s == nil {
			j.v.violate(NeverSent, "reader %d got %v at offset %d of partition %d", r.Reader, r.ID, r.Offset, p.number)
			continue
		}
		before, again := values[r.Offset]
		values[r.Offset] = r.ID
		if p.holds(r.Offset, r.ID) && (!again || before == r.ID) {
			continue
		}
		e, facts, ok := p.losses.ofCommitted(s.At)
		if first := j.sent[before]; !ok && again && first != nil {
			e, facts, ok = p.losses.ofCommitted(first.At) // it was the other one that got lost
		}
		switch {
		case ok:
			p.lost = true
			j.v.pardon(e, "reader %d got %v at offset %d of partition %d: %s", r.Reader, r.ID, r.Offset, p.number, facts)
		case again && before != r.ID:
			j.v.violate(TwoValues, "readers got %v and %v at offset %d of partition %d", before, r.ID, r.Offset, p.number)
		default:
			j.v.violate(Vanished, "reader %d got %v at offset %d of partition %d, which ends at %d and does not hold it",
				r.Reader, r.ID, r.Offset, p.number, len(p.log))
		}
	}
	if len(readers) == 0 && len(p.log) > 0 && !p.lost {
		j.v.violate(NeverRead, "nobody got anything of partition %d", p.number)
	}
	for _, reader := range readers {
		if missed := slices.Index(seen[reader], false); missed >= 0 && !p.lost {
			j.v.violate(NeverRead, "reader %d did not get offset %d of partition %d, which ends at %d", reader, missed,
				p.number, len(p.log))
		}
	}
}

// watermarks looks at the high watermarks that one leader told one reader.
func (j *judge) watermarks(p *judged) {
	type told struct {
		reader int
		epoch  int32
	}
	last := map[told]Fetched{}
	for _, f := range p.fetched {
		if f.Next > f.HighWatermark {
			j.v.violate(BeyondHW, "reader %d got records of partition %d up to offset %d, and the high watermark was %d",
				f.Reader, p.number, f.Next, f.HighWatermark)
		}
		key := told{f.Reader, f.LeaderEpoch}
		before, again := last[key]
		last[key] = f
		if !again || before.HighWatermark <= f.HighWatermark {
			continue
		}
		leader := p.losses.leaderAt(before.At)
		if j.h.restarted(leader, before.At, f.At) {
			j.v.pardon(RestartedHW, "broker %d told %d and then %d of partition %d", leader, before.HighWatermark,
				f.HighWatermark, p.number)
			continue
		}
		j.v.violate(FallenHW, "the leader of epoch %d told reader %d high watermark %d of partition %d, and then %d",
			f.LeaderEpoch, f.Reader, before.HighWatermark, p.number, f.HighWatermark)
	}
}
