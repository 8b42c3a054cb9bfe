package load

import (
	"sync"
	"time"

	hdrhistogram "github.com/HdrHistogram/hdrhistogram-go"

	"brokerlab/engine/env"
	"brokerlab/results"
)

// Series is what several members (producers, or consumers) of one repeat did in
// each interval: whole seconds since the load began, cut once more where the
// warm-up ends. What is counted after a member's load has ended is drain, which
// is in no rate. Of an open loop its latencies count: those records were due
// during the load. Of a closed loop they do not: nothing comes after them, so
// they are not what waits at full speed.
type Series struct {
	cfg SeriesConfig

	mu        sync.Mutex // members are on several nodes; it is never held while waiting
	intervals []Tally
	drain     Tally
}

// Tally is what one interval holds.
type Tally struct {
	Start   time.Duration // since the load began
	Length  time.Duration
	Warmup  bool
	Records int64
	Bytes   int64 // keys and values
	// Batches and Requests are of producers: record batches that were acknowledged, and
	// the produce requests in which they were.
	Batches, Requests int64

	latency *hdrhistogram.PackedHistogram
	over    int64 // latencies outside the histogram's range
	stages  StageSums
	tail    []tailSums // of producers
	// service is of producers: the time from sending a batch to its acknowledgement.
	service     *hdrhistogram.PackedHistogram
	serviceOver int64
}

// SeriesConfig describes a load to its series.
type SeriesConfig struct {
	Start  env.Time      // when the load begins
	Warmup time.Duration // of the load, from its start
	Closed bool          // a closed loop
}

// NewSeries returns an empty series.
func NewSeries(cfg SeriesConfig) *Series { return &Series{cfg: cfg} }

// MergeSeries is what the members of several series did together. They are of one load:
// they start together, with one warm-up.
func MergeSeries(all ...*Series) *Series {
	out := &Series{}
	out.cfg.Closed = true // unless there is a drain whose latencies count
	for _, s := range all {
		out.cfg.Start, out.cfg.Warmup = s.cfg.Start, s.cfg.Warmup
		for i := range s.intervals {
			from := &s.intervals[i]
			if i == len(out.intervals) {
				out.intervals = append(out.intervals, Tally{Start: from.Start, Warmup: from.Warmup})
			}
			out.intervals[i].add(from)
		}
		if !s.cfg.Closed && s.drain.Records > 0 {
			out.cfg.Closed = false
			out.drain.add(&s.drain)
		}
	}
	return out
}

// add puts what another tally of the same interval holds into this one.
func (t *Tally) add(o *Tally) {
	t.Length = max(t.Length, o.Length)
	t.Records += o.Records
	t.Bytes += o.Bytes
	t.Batches += o.Batches
	t.Requests += o.Requests
	t.over += o.over
	t.stages.add(&o.stages, 1)
	t.tail = mergedTails(t.tail, o.tail)
	t.latency = merged(t.latency, o.latency.Clone())
	if o.service != nil {
		t.service, t.serviceOver = merged(t.service, o.service.Clone()), t.serviceOver+o.serviceOver
	}
}

// Begin says when a series begins that was made without a start, and how long its
// warm-up is; the first one counts.
func (s *Series) Begin(at env.Time, warmup time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cfg.Start == 0 {
		s.cfg.Start, s.cfg.Warmup = at, warmup
	}
}

// startOf is where an interval begins: at each whole second, and at the end of
// the warm-up if that is none.
func (s *Series) startOf(index int) time.Duration {
	whole := time.Duration(index) * time.Second
	if s.cfg.Warmup%time.Second == 0 || whole <= s.cfg.Warmup {
		return whole
	}
	if before := whole - time.Second; before > s.cfg.Warmup {
		return before
	}
	return s.cfg.Warmup
}

// ends are the ends of the intervals of a load that lasts until end.
func (s *Series) ends(end env.Time) (all []env.Time) {
	if end == env.Never {
		return nil
	}
	for i := 1; len(all) == 0 || all[len(all)-1] < end; i++ {
		all = append(all, min(end, s.cfg.Start.Add(s.startOf(i))))
	}
	return all
}

// member records for one task group; its caller locks.
type member struct {
	s                 *Series
	rec               *results.Recorder
	index             int
	until             env.Time // end of the interval
	records           int64
	bytes             int64
	batches, requests int64 // of a producer
	ended             bool
	stager
	reader  bool              // of a consumer
	service *results.Recorder // nil unless of a producer
}

func (s *Series) join() *member {
	return &member{s: s, rec: results.NewRecorder(), until: s.cfg.Start.Add(s.startOf(1))}
}

// joinProducer is join of a producer, which has a service time too.
func (s *Series) joinProducer() *member {
	m := s.join()
	m.service, m.tails = results.NewRecorder(), &tails{}
	return m
}

// joinReader is join of a consumer, which is told of batches.
func (s *Series) joinReader() *member {
	m := s.join()
	m.reader = true
	return m
}

// record counts the latency of one record.
func (m *member) record(ns int64) {
	m.rec.Record(ns)
	m.latency += ns
}

// within moves on to the interval of now, or ends the load at its end.
func (m *member) within(now, loadEnd env.Time) {
	if now >= loadEnd {
		m.end(loadEnd)
		return
	}
	m.at(now)
}

// at moves on to the interval of now.
func (m *member) at(now env.Time) {
	for now >= m.until && !m.ended {
		m.deliver(m.until)
		m.index++
		m.until = m.s.cfg.Start.Add(m.s.startOf(m.index + 1))
	}
}

// end closes the load at now: what comes later is drain.
func (m *member) end(now env.Time) {
	if m.ended {
		return
	}
	m.at(now)
	// An interval that would begin where the load ends is none.
	if m.index == 0 || m.records > 0 || now > m.s.cfg.Start.Add(m.s.startOf(m.index)) {
		m.deliver(now)
	}
	m.ended = true
}

// close delivers what came after the end.
func (m *member) close() { m.deliver(m.until) }

func (m *member) deliver(until env.Time) {
	s := m.s
	part := m.rec.Take(results.Span{})
	if m.reader {
		m.settle(m.records)
	}
	stages := m.stager.take()
	s.mu.Lock()
	defer s.mu.Unlock()
	t := &s.drain
	if !m.ended {
		for m.index >= len(s.intervals) {
			from := s.startOf(len(s.intervals))
			s.intervals = append(s.intervals, Tally{Start: from, Warmup: from < s.cfg.Warmup})
		}
		t = &s.intervals[m.index]
		t.Length = max(t.Length, until.Sub(s.cfg.Start.Add(t.Start)))
	}
	t.Records += m.records
	t.Bytes += m.bytes
	t.Batches += m.batches
	t.Requests += m.requests
	t.over += part.Overflow
	t.stages.add(&stages, 1)
	t.latency = merged(t.latency, part.Hist)
	if m.service != nil {
		t.tail = mergedTails(t.tail, m.tails.take())
		part = m.service.Take(results.Span{})
		t.service, t.serviceOver = merged(t.service, part.Hist), t.serviceOver+part.Overflow
	}
	m.records, m.bytes, m.batches, m.requests = 0, 0, 0, 0
}

func merged(sum, part *hdrhistogram.PackedHistogram) *hdrhistogram.PackedHistogram {
	if sum == nil {
		return part
	}
	if dropped := sum.Merge(part); dropped != 0 {
		panic("load: latency histograms of one range do not merge")
	}
	return sum
}

// Intervals returns the tallies of the load in order. Call it when all members
// have ended.
func (s *Series) Intervals() []Tally { return s.intervals }

// AddRecent adds the latencies of the last interval that is over to a histogram, for
// who watches from outside.
func (s *Series) AddRecent(to *hdrhistogram.Histogram) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.intervals); n > 1 && s.intervals[n-2].latency != nil {
		if dropped := s.intervals[n-2].latency.MergeInto(to); dropped != 0 {
			panic("load: latency histograms of one range do not merge")
		}
	}
}

// Length is how long the load lasted.
func (s *Series) Length() time.Duration {
	if len(s.intervals) == 0 {
		return 0
	}
	last := &s.intervals[len(s.intervals)-1]
	return last.Start + last.Length
}

// MeasureAll counts the warm-up as measured, for a load that ended within it.
func (s *Series) MeasureAll() {
	for i := range s.intervals {
		s.intervals[i].Warmup = false
	}
}

// Latencies returns the intervals' histograms for results, and at the end that
// of an open loop's drain.
func (s *Series) Latencies(repeat int) []results.Interval {
	var out []results.Interval
	for _, t := range s.measured() {
		out = append(out, t.interval(repeat))
	}
	return out
}

func (t *Tally) interval(repeat int) results.Interval {
	return results.Interval{Repeat: repeat, Start: t.Start, Length: t.Length, Warmup: t.Warmup,
		Overflow: t.over, Hist: t.latency}
}

// Latency summarises the tally's latencies.
func (t *Tally) Latency() results.Latency { return results.Summarize(t.latency, t.over) }
