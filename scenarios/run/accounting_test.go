package run

import (
	"math"
	"testing"

	"brokerlab/results"
)

// same says whether two figures are the same but for rounding.
func same(a, b float64) bool { return math.Abs(a-b) <= 1e-6*max(1, math.Abs(a), math.Abs(b)) }

// checkSums holds the figures of a cell's repeats against each other. What they say of one
// run is exact, however busy the machine is: each acknowledged record is in one second, or
// was drained, and rates are those of the seconds, of the groups and of the phases.
func checkSums(t *testing.T, c *results.Cell) {
	t.Helper()
	for i := range c.Repeats {
		r := &c.Repeats[i]
		var measured, outside results.Second
		for k := range r.Seconds {
			s, sum := &r.Seconds[k], &outside
			if s.Measured() {
				sum = &measured
			}
			sum.Acked, sum.Bytes, sum.Consumed, sum.Length = sum.Acked+s.Acked, sum.Bytes+s.Bytes, sum.Consumed+s.Consumed,
				sum.Length+s.Length
			if s.Length <= 0 || s.Length > 1+1e-9 {
				t.Errorf("%v: a second of %v s", c.Labels, s.Length)
			}
		}
		if !same(measured.Length, r.MeasuredS) || !same(float64(measured.Acked), r.RecordsPerS*r.MeasuredS) ||
			!same(float64(measured.Bytes), r.MBPerS*r.MeasuredS*1e6) {
			t.Errorf("%v: the seconds have %d records and %d bytes in %v s, the repeat %v/s, %v MB/s in %v s", c.Labels,
				measured.Acked, measured.Bytes, measured.Length, r.RecordsPerS, r.MBPerS, r.MeasuredS)
		}
		checkDrained(t, c, r, &measured, &outside)
		checkGroupSums(t, c, r, float64(measured.Consumed))
	}
}

// checkDrained follows every acknowledged record: into a second, or a drain.
func checkDrained(t *testing.T, c *results.Cell, r *results.Repeat, measured, outside *results.Second) {
	t.Helper()
	drained := r.Latency[results.Produce].Count - measured.Acked
	read := int64(0)
	for k := range r.Seconds {
		if r.Seconds[k].Phase == results.PhaseRead {
			read += r.Seconds[k].Acked
		}
	}
	for k := range r.Phases {
		if p := &r.Phases[k]; p.Name == results.PhaseRead {
			drained += p.Latency[results.Produce].Count - read
		}
	}
	if c.Load == results.LoadClosed { // drained latencies do not count
		drained = r.Acked - measured.Acked - outside.Acked
	}
	if drained < 0 || measured.Acked+outside.Acked+drained != r.Acked {
		t.Errorf("%v: of %d acknowledged records %d are in measured seconds, %d in others, and %d were drained", c.Labels,
			r.Acked, measured.Acked, outside.Acked, drained)
	}
	if b := r.Breakdown; b != nil && b.ProduceRecords != r.Latency[results.Produce].Count {
		t.Errorf("%v: stages of %d records, latencies of %d", c.Labels, b.ProduceRecords, r.Latency[results.Produce].Count)
	}
}

// checkGroupSums adds up the groups of a repeat, and holds the phase of the load against
// the whole, of which its consumers that read along took so many records.
func checkGroupSums(t *testing.T, c *results.Cell, r *results.Repeat, consumed float64) {
	t.Helper()
	var sum results.Measures
	var along float64 // consumed a second by groups that read along
	for i := range r.Groups {
		g := &r.Groups[i]
		sum.RecordsPerS, sum.ConsumedPerS = sum.RecordsPerS+g.RecordsPerS, sum.ConsumedPerS+g.ConsumedPerS
		sum.BatchesPerS, sum.RequestsPerS = sum.BatchesPerS+g.BatchesPerS, sum.RequestsPerS+g.RequestsPerS
		sum.Sent, sum.Acked, sum.Consumed = sum.Sent+g.Sent, sum.Acked+g.Acked, sum.Consumed+g.Consumed
		sum.BytesRecords, sum.BytesWire = sum.BytesRecords+g.BytesRecords, sum.BytesWire+g.BytesWire
		if g.Read == "tail" {
			along += g.ConsumedPerS
		}
	}
	if len(r.Groups) > 0 && (!same(sum.RecordsPerS, r.RecordsPerS) || !same(sum.ConsumedPerS, r.ConsumedPerS) ||
		!same(sum.BatchesPerS, r.BatchesPerS) || !same(sum.RequestsPerS, r.RequestsPerS) ||
		!same(along*r.MeasuredS, consumed) || sum.Sent != r.Sent || sum.Acked != r.Acked || sum.Consumed != r.Consumed ||
		sum.BytesRecords != r.BytesRecords || sum.BytesWire != r.BytesWire) {
		t.Errorf("%v: the groups add up to %+v, all to %+v; %v/s were read along", c.Labels, sum, r.Measures, along)
	}
	for i := range r.Phases {
		p := &r.Phases[i]
		if p.Name == results.PhaseLoad && (!same(p.RecordsPerS, r.RecordsPerS) || !same(p.MBPerS, r.MBPerS) ||
			!same(p.ConsumedPerS*r.MeasuredS, consumed) ||
			p.Latency[results.Produce].Count != r.Latency[results.Produce].Count) {
			t.Errorf("%v: the phase of the load has %+v", c.Labels, p.PhaseFigures)
		}
	}
}
