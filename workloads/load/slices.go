package load

import (
	"brokerlab/engine/env"
	"brokerlab/engine/producer"
	"brokerlab/workloads/payload"
)

// sliceRecordsMax is the most that is handed over by one call.
const sliceRecordsMax = 256

// sendSlices is send with a timer that has slack: all that is due when it goes off is
// handed over by one call, or by several: of sliceRecordsMax, or where instants are not
// evenly apart, since a Stretch is. A closed loop hands over sliceRecordsMax at a time.
func (p *producing) sendSlices(g *Generator) error {
	s := slice{p: p, records: make([]producer.Record, 0, sliceRecordsMax)}
	for {
		now, ok := g.Await()
		if !ok {
			return nil
		}
		due := producer.Stretch{Cookie: uint64(p.sent)}
		due.First, due.Last, due.Count = g.Pacer.TakeDue(now, sliceRecordsMax)
		p.cfg.Sender.SentAll(due.Cookie, due.Count)
		p.sent += int64(due.Count)
		if err := s.send(due); err != nil {
			return err
		}
	}
}

// slice hands over records that are due together.
type slice struct {
	p       *producing
	records []producer.Record
	values  []byte
}

// send hands over a stretch. One that finds no room is noted, and the rest is tried.
func (s *slice) send(due producer.Stretch) error {
	s.records, s.values = s.records[:0], s.values[:0]
	if err := s.fill(&due); err != nil {
		return err
	}
	for due.Count > 0 {
		sent, err := s.hand(&due)
		if err == nil {
			return nil
		}
		s.p.sendFailed(due.Cookie+uint64(sent), err)
		walk := due.Walk(min(sent+1, due.Count-1))
		due = producer.Stretch{Cookie: due.Cookie + uint64(sent) + 1, First: walk.Next(), Last: due.Last,
			Count: due.Count - sent - 1}
	}
	return nil
}

// fill makes the records of a stretch, unless they carry sizes and are alike. All or none of them
// are handed over: one that cannot be made ends the load.
func (s *slice) fill(due *producer.Stretch) (err error) {
	if s.p.alike() {
		return nil
	}
	walk := due.Walk(0)
	for i := range due.Count {
		rec := producer.Record{Topic: s.p.cfg.Topic, Partition: -1, Cookie: due.Cookie + uint64(i), Intended: walk.Next()}
		if s.values, err = s.p.fill(&rec, s.values); err != nil {
			return err
		}
		s.records = append(s.records, rec)
	}
	return nil
}

// alike says whether records carry sizes and differ in nothing else.
func (p *producing) alike() bool { return p.shared.Model != nil && p.shared.Model.Alike() }

// hand hands over what is left of a stretch.
func (s *slice) hand(due *producer.Stretch) (sent int, err error) {
	p := s.p
	if !p.alike() {
		return p.client.SendAll(s.records[len(s.records)-due.Count:], nil)
	}
	rec := producer.Record{Topic: p.cfg.Topic, Partition: -1}
	for range due.Count {
		if _, err := p.fill(&rec, nil); err != nil {
			return 0, err
		}
	}
	return p.client.SendAlike(&rec, *due)
}

// recordAll records the latencies of count records of a stretch, from record i on.
func (m *member) recordAll(now env.Time, s *producer.Stretch, i, count int) {
	walk := s.Walk(i)
	for range count {
		m.record(int64(now.Sub(walk.Next())))
	}
}

// eachStretch calls with the pieces of stretches that make up count records of a
// batch, from record first on. at is the piece's first record in the batch, from its
// first record in the stretch.
func eachStretch(c *producer.Contents, first, count int, call func(s *producer.Stretch, at, from, count int)) {
	start := 0
	for i := range c.Stretches {
		s := &c.Stretches[i]
		from, to := max(0, first-start), min(s.Count, first+count-start)
		if from < to {
			call(s, start+from, from, to-from)
		}
		start += s.Count
	}
}

// bytesOf is what the first records of a batch hold, of all its records' bytes.
func bytesOf(c *producer.Contents, first, of int32) int64 {
	return c.RecordBytes * int64(first) / int64(of)
}

// idOf names a record of a stretch.
func idOf(c *producer.Contents, s *producer.Stretch, i int) payload.ID {
	return payload.ID{Producer: c.Source, Sequence: s.Cookie + uint64(i)}
}
