package producer

import (
	"fmt"

	"brokerlab/engine/env"
	"brokerlab/engine/record"
)

// Modelled makes a producer whose batches carry sizes: a real header, and a body
// that is an env.Stub of the size that the records would have. A record then has
// ValueBytes instead of a Value. All work is charged as if the bytes were there, so
// that without compression a run takes the same steps. Only a simulated cluster
// takes such batches: real files and sockets want bytes.
type Modelled struct {
	// CompressedBytes is the size that the codec makes of a records section, not above
	// codec.MaxCompressedSize; it is not called without one. It is told with which
	// record the batch begins, and is to be a function of its arguments alone.
	CompressedBytes func(cookie uint64, intended env.Time, plainBytes int) int
	// Source comes back in Contents.
	Source uint16
}

// Contents is what a stub's Records are: what a reader would find in the batch.
type Contents struct {
	Source      uint16
	RecordBytes int64 // keys and values
	Stretches   []Stretch
}

// Stretch is records that follow one another in a batch and in a load: their
// cookies count up, and their intended instants are evenly apart.
type Stretch struct {
	Cookie uint64   // of the first record
	First  env.Time // intended instant of the first record
	Last   env.Time // and of the last one
	Count  int
}

// Walk returns the intended instants of a stretch one after the other, from that of
// record i on: to the nanosecond those of the load, or one beside. Where the rate changes
// so slowly that each gap is within a nanosecond of the mean of those before (join), it is
// a quarter of a nanosecond for each record of the stretch.
func (s *Stretch) Walk(i int) Walk {
	w := Walk{at: s.First}
	if s.Count > 1 {
		gaps := int64(s.Count - 1)
		w.gaps = gaps
		w.step, w.over = int64(s.Last-s.First)/gaps, int64(s.Last-s.First)%gaps
		w.at += env.Time(int64(i)*w.step + int64(i)*w.over/gaps)
		w.rest = int64(i) * w.over % gaps
	}
	return w
}

// Walk is a position in a Stretch.
type Walk struct {
	at         env.Time
	step, over int64 // of a gap: ns, and ns / gaps
	gaps, rest int64
}

// Next returns an instant and goes on to the next.
func (w *Walk) Next() env.Time {
	at := w.at
	w.at += env.Time(w.step)
	if w.rest += w.over; w.rest >= w.gaps {
		w.rest -= w.gaps
		w.at++
	}
	return at
}

// join adds a record if it continues the stretch.
func (s *Stretch) join(cookie uint64, intended env.Time) bool {
	if cookie != s.Cookie+uint64(s.Count) {
		return false
	}
	if s.Count > 1 {
		step := int64(s.Last-s.First) / int64(s.Count-1)
		if off := int64(intended-s.Last) - step; off < -1 || off > 1 {
			return false
		}
	}
	s.Last = intended
	s.Count++
	return true
}

// SendAlike does what SendAll does for s.Count records that are like r but for
// their cookies and instants. The producer is Modelled.
func (p *Producer) SendAlike(r *Record, s Stretch) (sent int, err error) {
	j := joining{Record: r, now: p.node.Now()}
	instants := s.Walk(0)
	r.Cookie = s.Cookie
	p.mu.Lock()
	defer p.mu.Unlock()
	for sent < s.Count {
		r.Intended = instants.Next()
		if err = p.measure(&j); err == nil {
			err = p.putLocked(&j)
		}
		if err != nil {
			return sent, fmt.Errorf("%w: %w", ErrNotSent, err)
		}
		sent++
		r.Cookie++
		sent += p.fillLocked(&j, &instants, s.Count-sent)
	}
	return sent, nil
}

// fillLocked puts records that are like the last one into the open batch as long as
// nothing else comes of it: the batch has room and is not full then, and the partition
// stays. What it does not take goes the way of all records. It returns how many it took.
func (p *Producer) fillLocked(j *joining, instants *Walk, most int) (taken int) {
	t, partition, err := p.partitionLocked(j.Record)
	if err != nil || partition >= 0 && p.cfg.Partitioner == RoundRobinPartitioner {
		return 0
	}
	b := t.queue(partition).open()
	if b == nil || b.count == 0 || p.mu.closing {
		return 0
	}
	estimate := b.estimate()
	for taken < most {
		size := b.sizeOf(j)
		grown := b.estimateOf(b.used + size)
		if size > b.limit-estimate || grown >= b.limit {
			break
		}
		if partition < 0 {
			if t.stuckBytes+grown-estimate >= 2*p.cfg.BatchSize {
				break
			}
			t.stuckBytes += grown - estimate
		}
		p.node.Charge(env.OpRecordEncode, j.bound)
		b.used, estimate = b.used+size, grown
		b.count++
		b.bytes += int64(j.bytes)
		intended := instants.Next()
		if last := len(b.stretches) - 1; taken > 0 {
			b.stretches[last].Last = intended
			b.stretches[last].Count++
		} else {
			b.stretch(j.Cookie, intended)
		}
		taken++
		j.Cookie++
	}
	return taken
}

// modelledBody is what a modelled batch has in place of bytes.
type modelledBody struct {
	stub     env.Stub
	contents Contents
}

// body makes the stub of a batch that takes no more records.
func (b *batch) body() env.Buf {
	m := &modelledBody{contents: Contents{Source: b.modelled.Source, RecordBytes: b.bytes,
		Stretches: append([]Stretch(nil), b.stretches...)}}
	m.stub = env.Stub{PlainBytes: b.used - record.HeaderSize, Records: &m.contents}
	return env.StubBuf(b.wireSize-record.HeaderSize, &m.stub)
}
