package run

import (
	"slices"
	"time"

	"brokerlab/results"
	"brokerlab/workloads/arrival"
	"brokerlab/workloads/load"
)

// seriesOf are the series of groups, merged.
func seriesOf(groups []*clients, of func(*clients) *load.Series) *load.Series {
	var all []*load.Series
	for _, c := range groups {
		if s := of(c); s != nil && c.count > 0 {
			all = append(all, s)
		}
	}
	if len(all) == 1 {
		return all[0]
	}
	return load.MergeSeries(all...)
}

func inLoad(c *clients) *load.Series { return c.shared.Series }

func inReading(c *clients) *load.Series { return c.shared.Reading }

// tail are the groups that read along.
func tail(consumers []*clients) (out []*clients) {
	for _, c := range consumers {
		if !c.shared.Backlog {
			out = append(out, c)
		}
	}
	return out
}

func clientsIn(groups []*clients) (n int) {
	for _, c := range groups {
		n += c.count
	}
	return n
}

// sum is what tallies of the measured window hold, or of the warm-up.
func sum(s *load.Series, warmup bool) (records, bytes int64, length time.Duration) {
	for _, t := range s.Intervals() {
		if t.Warmup == warmup {
			records, bytes, length = records+t.Records, bytes+t.Bytes, length+t.Length
		}
	}
	return records, bytes, length
}

// requests are the record batches and the produce requests that were acknowledged in the
// measured window.
func requests(s *load.Series) (batches, requests int64) {
	for _, t := range s.Intervals() {
		if !t.Warmup {
			batches, requests = batches+t.Batches, requests+t.Requests
		}
	}
	return batches, requests
}

// perSec is a rate over a span; 0 over none.
func perSec(n int64, over time.Duration) float64 {
	if over <= 0 {
		return 0
	}
	return float64(n) / over.Seconds()
}

// lateness is that of all producers of a group.
func (c *clients) lateness() (late arrival.Lateness) {
	for _, p := range c.produced {
		late = late.Add(p.Lateness)
	}
	return late
}

// measuresOf are the measures of some groups of clients: of all of them, or of one.
// window is the measured one of the whole load.
func (r *repeat) measuresOf(producers, consumers []*clients, window time.Duration) results.Measures {
	var m results.Measures
	var raw int64
	var late arrival.Lateness
	for _, c := range producers {
		for _, p := range c.produced {
			m.BytesRecords += p.RecordBytes
			m.BytesWire += p.WireBytes
			raw += p.RawBytes
		}
		late = late.Add(c.lateness())
		found := r.check.OfProducers(c.first, c.count)
		m.Sent, m.Acked, m.Failed = m.Sent+found.Sent, m.Acked+found.Acked, m.Failed+found.Failed
		if r.found.Lost > 0 { // else retention deleted them
			m.Lost += found.Lost
		}
	}
	if m.BytesWire > 0 {
		m.CompressionRatio = float64(raw) / float64(m.BytesWire)
	}
	m.LateMax, m.Late, m.Unsent = int64(late.Max), late.Late, late.Unsent
	acked, bytes, _ := sum(seriesOf(producers, inLoad), false)
	m.RecordsPerS, m.MBPerS, m.MeasuredS = perSec(acked, window), perSec(bytes, window)/1e6, window.Seconds()
	sentBatches, sentRequests := requests(seriesOf(producers, inLoad))
	m.BatchesPerS, m.RequestsPerS = perSec(sentBatches, window), perSec(sentRequests, window)
	for _, c := range consumers {
		m.Consumed += c.shared.Read.Load()
		records, bytes, length := c.consumedIn(window)
		m.ConsumedPerS += perSec(records, length)
		if len(producers) == 0 {
			m.MBPerS += perSec(bytes, length) / 1e6
		}
	}
	return m
}

// consumedIn is what a group of consumers took in the measured window or, of a backlog,
// in its reading, and how long that was.
func (c *clients) consumedIn(window time.Duration) (records, bytes int64, length time.Duration) {
	if c.shared.Backlog {
		return sum(c.shared.Reading, false)
	}
	records, bytes, _ = sum(c.shared.Series, false)
	return records, bytes, window
}

// offered is how many records of some groups came due in an interval of the load, and how
// many of them were not sent.
func offered(producers []*clients, interval int) (records, unsent int64) {
	for _, c := range producers {
		for _, p := range c.produced {
			if interval < len(p.Offered) {
				records, unsent = records+p.Offered[interval], unsent+p.Unsent[interval]
			}
		}
	}
	return records, unsent
}

// seconds are those of the load, and of the reading that followed it.
func (r *repeat) seconds() (out []results.Second) {
	produced, consumed := seriesOf(r.producers, inLoad).Intervals(), seriesOf(tail(r.consumers), inLoad).Intervals()
	for i := range produced {
		t := &produced[i]
		s := results.Second{At: t.Start.Seconds(), Length: t.Length.Seconds(), Warmup: t.Warmup, Phase: results.PhaseLoad}
		s.Offered, s.Unsent = offered(r.producers, i)
		if t.Warmup {
			s.Phase = results.PhaseWarmup
		}
		addProduced(&s, t)
		if i < len(consumed) {
			addConsumed(&s, &consumed[i], true)
		}
		out = append(out, s)
	}
	return append(out, r.readSeconds()...)
}

func addProduced(s *results.Second, t *load.Tally) {
	l := t.Latency()
	s.Acked, s.Bytes, s.P50, s.P99 = t.Records, t.Bytes, l.P50, l.P99
}

func addConsumed(s *results.Second, t *load.Tally, latency bool) {
	s.Consumed += t.Records
	if latency {
		l := t.Latency()
		s.E2E50, s.E2E99 = l.P50, l.P99
	}
}

// readSeconds are those of the reading, from when its phase began: nobody reads while logs
// are made cold, so that the first ones may have nothing.
func (r *repeat) readSeconds() (out []results.Second) {
	at := slices.IndexFunc(r.stretches, func(s stretch) bool { return s.name == results.PhaseRead })
	if at < 0 {
		return nil
	}
	start := r.stretches[at].from.at.Sub(r.loadFrom).Seconds()
	each := func(s *load.Series, add func(*results.Second, *load.Tally)) {
		tallies := s.Intervals()
		for i := range tallies {
			t := &tallies[i]
			index := int(t.Start / time.Second)
			for index >= len(out) {
				out = append(out, results.Second{At: start + float64(len(out)), Phase: results.PhaseRead})
			}
			out[index].Length = max(out[index].Length, (t.Start + t.Length - time.Duration(index)*time.Second).Seconds())
			add(&out[index], t)
		}
	}
	each(seriesOf(r.producers, inReading), addProduced)
	along := tail(r.consumers)
	each(seriesOf(along, inReading), func(s *results.Second, t *load.Tally) { addConsumed(s, t, true) })
	backlog := slices.DeleteFunc(slices.Clone(r.consumers), func(c *clients) bool { return !c.shared.Backlog })
	alone := clientsIn(along) == 0
	each(seriesOf(backlog, inReading), func(s *results.Second, t *load.Tally) { addConsumed(s, t, alone) })
	return out
}

// phasesDone are the phases of the repeat with what was done in each.
func (r *repeat) phasesDone() (out []results.Phase) {
	total := seriesOf(r.producers, inLoad)
	_, _, warmup := sum(total, true)
	_, _, window := sum(total, false)
	add := func(name string, begin, end time.Duration, from, to *reading, dirtyMost []int64) {
		p := results.Phase{PhaseSpan: results.PhaseSpan{Name: name, StartS: begin.Seconds(), EndS: end.Seconds()}}
		if from != nil && to != nil {
			p.Usage = together(usagesBetween(from, to, dirtyMost))
		}
		if name != results.PhaseDrain {
			p.PhaseFigures = figuresIn(name, r.producers, r.consumers, end-begin)
			for _, c := range r.named() {
				g := results.PhaseGroup{Name: c.name, Kind: c.kind}
				g.PhaseFigures = figuresIn(name, c.only(results.GroupProducers), c.only(results.GroupConsumers), end-begin)
				p.Groups = append(p.Groups, g)
			}
		}
		out = append(out, p)
	}
	warm, end := r.meter.window()
	if warmup > 0 {
		add(results.PhaseWarmup, 0, warmup, r.meter.first(), warm, r.meter.dirtyWarm)
	}
	add(results.PhaseLoad, warmup, warmup+window, warm, end, r.meter.dirtyLoad)
	for i := range r.stretches {
		s := &r.stretches[i]
		add(s.name, s.from.at.Sub(r.loadFrom), s.to.at.Sub(r.loadFrom), &s.from, &s.to, s.dirtyMost)
	}
	return out
}

// named are the groups that have names.
func (r *repeat) named() (out []*clients) {
	for _, c := range slices.Concat(r.producers, r.consumers) {
		if c.name != "" {
			out = append(out, c)
		}
	}
	return out
}

// only is the group alone if it is of a kind.
func (c *clients) only(kind string) []*clients {
	if c.kind != kind {
		return nil
	}
	return []*clients{c}
}

// figuresIn are rates and latencies of some groups in one phase.
func figuresIn(phase string, producers, consumers []*clients, length time.Duration) results.PhaseFigures {
	var f results.PhaseFigures
	of := inLoad
	if phase == results.PhaseRead {
		of = inReading
	}
	warmup := phase == results.PhaseWarmup
	records, bytes, _ := sum(seriesOf(producers, of), warmup)
	f.RecordsPerS, f.MBPerS = perSec(records, length), perSec(bytes, length)/1e6
	for _, c := range consumers {
		if c.shared.Backlog && phase != results.PhaseRead || of(c) == nil {
			continue
		}
		records, bytes, took := sum(of(c), warmup)
		if !c.shared.Backlog {
			took = length
		}
		f.ConsumedPerS += perSec(records, took)
		f.ConsumedMBPerS += perSec(bytes, took) / 1e6
	}
	f.Latency = map[string]results.Latency{}
	for name, hs := range histograms(phase, producers, consumers, 1) {
		addLatency(f.Latency, name, summaryOf(hs, warmup))
	}
	return f
}

// histograms are those of some groups in one phase, by the name of the latency: those of
// the load hold the warm-up too. Ages of a backlog's records count where nobody reads
// along.
func histograms(phase string, producers, consumers []*clients, repeat int) map[string][]results.Interval {
	out := map[string][]results.Interval{}
	of := inLoad
	if phase == results.PhaseRead {
		of = inReading
	}
	if len(producers) > 0 {
		s := seriesOf(producers, of)
		out[results.Produce], out[results.Service] = s.Latencies(repeat), s.Services(repeat)
	}
	switch along := tail(consumers); {
	case clientsIn(along) > 0:
		out[results.EndToEnd] = seriesOf(along, of).Latencies(repeat)
	case len(consumers) > 0 && phase == results.PhaseRead:
		out[results.EndToEnd] = seriesOf(consumers, of).Latencies(repeat)
	}
	return out
}

// endToEnd is what consumers did that counts for all: those that read along or, where
// there are none, those that read a backlog, whose latencies are the records' ages.
func endToEnd(consumers []*clients) *load.Series {
	if along := tail(consumers); clientsIn(along) > 0 || len(along) == len(consumers) {
		return seriesOf(along, inLoad)
	}
	return seriesOf(consumers, inReading)
}

// summaryOf is what the intervals of the measured window say, or those of the warm-up.
func summaryOf(hs []results.Interval, warmup bool) results.Latency {
	if warmup {
		var own []results.Interval
		for _, i := range hs {
			if i.Warmup {
				i.Warmup = false
				own = append(own, i)
			}
		}
		hs = own
	}
	return results.Summarize(results.Measured(hs))
}
