package run

import (
	"fmt"
	"hash/fnv"
	"maps"
	"time"

	"brokerlab/results"
	"brokerlab/results/selfcheck"
	"brokerlab/scenarios/spec"
	"brokerlab/workloads/load"
)

// measured is a repeat's result with its histograms.
type measured struct {
	repeat   results.Repeat
	activity []results.Activity
	produce  []results.Interval
	consume  []results.Interval
	more     map[string][]results.Interval // of other latencies, by name
	rates    selfcheck.Series
	warnings []string
}

// measure makes a result out of a repeat that has ended. number counts from 1.
func (r *repeat) measure(number int, began time.Time) measured {
	m := measured{warnings: r.measuredOrAll()}
	m.fill(r, number)
	m.repeat.Wall.Start, m.repeat.Wall.Seconds = began.UTC(), time.Since(began).Seconds()
	m.repeat.Wall.Machine = Machine()
	if seconds := m.repeat.Wall.Seconds; seconds > 0 {
		m.repeat.Wall.EventsPerS = float64(r.stage.events()) / seconds
	}
	return m
}

// measuredOrAll makes sure that there is a measured window: a load that ended
// within its warm-up is measured whole, and that is said.
func (r *repeat) measuredOrAll() (warnings []string) {
	produced := r.shared.Produce.Intervals()
	if n := len(produced); n > 0 && produced[n-1].Warmup {
		r.shared.Produce.MeasureAll()
		r.shared.Consume.MeasureAll()
		r.timing.flushed.MeasureAll()
		warning := fmt.Sprintf("the load ended within its warm-up of %v, which is therefore measured too", r.s.Load.Warmup)
		if !r.live.stopped() {
			warning += ": lower load.warmup or raise load.max-bytes"
		}
		warnings = append(warnings, warning)
	}
	return warnings
}

// fill takes the figures of a repeat that has ended.
func (m *measured) fill(r *repeat, number int) {
	m.produce, m.consume = r.shared.Produce.Latencies(number), r.shared.Consume.Latencies(number)
	out := &m.repeat
	out.Seed, out.Hash, out.VirtualS = r.seed, r.stage.hash(), time.Duration(r.stage.now()).Seconds()
	out.Counts = results.Counts{
		Sent: r.found.Sent, Acked: r.found.Acked, Failed: r.found.Failed, Consumed: r.shared.Consumed.Load(),
		Lost: r.found.Lost, Duplicated: r.found.Duplicated, Reordered: r.found.Reordered, Corrupted: r.found.Corrupted,
	}
	var raw int64
	var first error
	for _, p := range r.produced {
		out.BytesRecords += p.RecordBytes
		out.BytesWire += p.WireBytes
		raw += p.RawBytes
		if first == nil {
			first = p.FirstError
		}
	}
	if first != nil {
		m.warnings = append(m.warnings, fmt.Sprintf("%d records failed, for example: %v", r.found.Failed, first))
	}
	if out.BytesWire > 0 {
		out.CompressionRatio = float64(raw) / float64(out.BytesWire)
	}
	if targets := r.targets.Load(); targets != nil {
		out.Partitions = partitions(*targets)
	}
	out.Fsyncs, out.BytesDisk = r.logs.Fsyncs, r.logs.BytesAppended
	m.warnings = append(m.warnings, r.rates(out)...)
	m.warnings = append(m.warnings, m.lateness(r)...)
	if r.found.Deleted > 0 {
		m.warnings = append(m.warnings, fmt.Sprintf("retention deleted %d acknowledged records before they were read back: "+
			"they are neither checked nor counted as lost", r.found.Deleted))
	}
	for _, example := range r.found.Examples.All() {
		m.warnings = append(m.warnings, "read back: "+example)
	}
	if r.meter != nil {
		out.Nodes, _ = r.meter.usage()
		out.Usage = together(out.Nodes)
		m.activity = r.meter.activity(number)
		m.rates = r.meter.rates()
	}
	m.fillTiming(r, number)
	out.Wall.Surroundings = r.around.result()
	m.summarize()
}

// lateShare is the share of late records from which a result is warned about.
const lateShare = 0.01

// measuredMin is the measured window below which a result is warned about.
const measuredMin = 300 * time.Millisecond

// rates fills in the seconds, and the rates of the window after the warm-up.
func (r *repeat) rates(out *results.Repeat) (warnings []string) {
	produced, consumed := r.shared.Produce.Intervals(), r.shared.Consume.Intervals()
	var window time.Duration
	var acked, bytes, taken int64
	for i := range produced {
		t := &produced[i]
		l := t.Latency()
		second := results.Second{At: t.Start.Seconds(), Length: t.Length.Seconds(), Warmup: t.Warmup,
			Acked: t.Records, Bytes: t.Bytes, P50: l.P50, P99: l.P99}
		second.Offered, second.Unsent = r.offered(i)
		if i < len(consumed) && !r.shared.Backlog {
			second.Consumed = consumed[i].Records
			l := consumed[i].Latency()
			second.E2E50, second.E2E99 = l.P50, l.P99
		}
		out.Seconds = append(out.Seconds, second)
		if t.Warmup {
			continue
		}
		window += t.Length
		acked, bytes, taken = acked+t.Records, bytes+t.Bytes, taken+second.Consumed
	}
	length := r.shared.Produce.Length()
	if r.live.stopped() && length < r.s.Load.Duration {
		warnings = append(warnings, fmt.Sprintf("interrupted after %v of the load", length.Round(time.Millisecond)))
	} else if window < measuredMin {
		warnings = append(warnings, fmt.Sprintf("only %v were measured after the warm-up of %v: "+
			"raise load.max-bytes or load.duration", window.Round(time.Millisecond), r.s.Load.Warmup))
	}
	out.MeasuredS = window.Seconds()
	if window > 0 {
		out.RecordsPerS = float64(acked) / window.Seconds()
		out.MBPerS = float64(bytes) / 1e6 / window.Seconds()
		out.ConsumedPerS = float64(taken) / window.Seconds()
	}
	if r.shared.Backlog {
		var warning string
		if out.ConsumedPerS, warning = r.backlogRate(); warning != "" {
			warnings = append(warnings, warning)
		}
	}
	if r.cpuFrom.ok && r.cpuTo.ok && r.stage.hash() == "" && out.BytesRecords > 0 {
		perGB := (r.cpuTo.total - r.cpuFrom.total).Seconds() / (float64(out.BytesRecords) / 1e9)
		out.Wall.CPUSecondsPerGB = &perGB
	}
	return warnings
}

// backlogRate is what consumers read a second after a load that had ended.
func (r *repeat) backlogRate() (perSec float64, warning string) {
	var records int64
	for _, t := range r.shared.Consume.Intervals() {
		records += t.Records
	}
	took := r.shared.Consume.Length()
	switch {
	case r.s.Consumers.Read == spec.ReadCold && r.stage.plain:
		warning = "consumers.read cold: the plain simulated disk has no page cache, so that nothing is cold"
	case took < measuredMin:
		warning = fmt.Sprintf("the backlog was read within %v, connecting included: raise load.duration or load.max-bytes",
			took.Round(time.Millisecond))
	}
	if took > 0 {
		perSec = float64(records) / took.Seconds()
	}
	return perSec, warning
}

// summarize fills in the latencies.
func (m *measured) summarize() {
	m.repeat.Latency = map[string]results.Latency{
		results.Produce:  results.Summarize(results.Measured(m.produce)),
		results.EndToEnd: results.Summarize(results.Measured(m.consume)),
	}
	summaries(m.repeat.Latency, m.more)
}

// cellOf makes the empty cell of a result.
func cellOf(c *spec.Cell, disk string) results.Cell {
	out := results.Cell{
		Labels: map[string]string{DiskLabel: disk}, Target: Target(disk), Repeats: []results.Repeat{}, Warnings: []string{},
		Config: make(map[string]string),
	}
	for _, l := range c.Labels {
		out.Labels[l.Name] = l.Value
	}
	said := c.Scenario
	said.Records = said.Records.Settled()
	for _, s := range said.Settings() {
		out.Config[s.Path] = s.Value
	}
	out.Measures = results.MergeRepeats(nil, nil)
	return out
}

// What Cell.Load may be.
const (
	loadOpen   = "open"
	loadClosed = "closed"
)

// DiskLabel is the label that every cell has.
const DiskLabel = "disk"

// cellData is a cell with the histograms of its repeats so far.
type cellData struct {
	produce, consume []results.Interval
	more             map[string][]results.Interval
	activity         []results.Activity
	rates            []selfcheck.Series // of each repeat
	waiting          []numbered         // repeats that ended before an earlier one
}

// add puts one more repeat into a cell.
func (d *cellData) add(c *results.Cell, m *measured) {
	d.produce = append(d.produce, m.produce...)
	d.consume = append(d.consume, m.consume...)
	d.activity = append(d.activity, m.activity...)
	d.rates = append(d.rates, m.rates)
	c.Repeats = append(c.Repeats, m.repeat)
	c.Warnings = append(c.Warnings, m.warnings...)
	latency := map[string]results.Latency{
		results.Produce:  results.Summarize(results.Measured(d.produce)),
		results.EndToEnd: results.Summarize(results.Measured(d.consume)),
	}
	d.addMore(m.more)
	summaries(latency, d.more)
	c.Measures = results.MergeRepeats(c.Repeats, latency)
	all := map[string][]results.Interval{results.Produce: d.produce, results.EndToEnd: d.consume}
	maps.Copy(all, d.more)
	c.Intervals = results.IntervalsOf(c, all)
	c.Partitions = results.MergePartitions(c.Repeats)
	c.Usage, c.Nodes = results.MergeUsage(c.Repeats)
	c.Bound = results.BoundOf(c.Nodes, c.MeasuredS/float64(len(c.Repeats)), c.Load == loadClosed)
	c.Hash, c.VirtualS = hashOf(c.Repeats)
	c.Wall = results.CellWall{Start: c.Repeats[0].Wall.Start, Machine: c.Repeats[0].Wall.Machine}
	results.MergeTiming(c)
	c.Trust = selfcheck.Of(selfcheck.Input{Cell: c, Activity: d.activity, Rates: d.rates})
	var cpu, events []float64
	for _, r := range c.Repeats {
		if r.Wall.EventsPerS > 0 {
			events = append(events, r.Wall.EventsPerS)
		}
		c.Wall.Seconds += r.Wall.Seconds
		if r.Wall.CPUSecondsPerGB != nil {
			cpu = append(cpu, *r.Wall.CPUSecondsPerGB)
		}
	}
	c.Wall.EventsPerS = results.Median(events)
	if len(cpu) > 0 {
		median := results.Median(cpu)
		c.Wall.CPUSecondsPerGB = &median
	}
}

// hashOf is the hash of a simulated cell, and its virtual seconds: of one repeat its
// hash, of several a digest of theirs in turn.
func hashOf(repeats []results.Repeat) (hash string, virtualS float64) {
	h := fnv.New64a()
	for _, r := range repeats {
		h.Write([]byte(r.Hash))
		virtualS += r.VirtualS
	}
	if len(repeats) == 1 || repeats[0].Hash == "" {
		return repeats[0].Hash, virtualS
	}
	return fmt.Sprintf("%016x", h.Sum64()), virtualS
}

// diskLimit is how much a cell may write to disk before its load is ended: what
// the scenario says, and at most what the disk leaves room for.
func diskLimit(s *spec.Scenario, room int64) int64 {
	limit := s.Load.MaxBytes
	if room > 0 {
		room = max(1, room-heldBytes(s))
		if limit == 0 || room < limit {
			limit = room
		}
	}
	return limit
}

// heldBytes is the most that producers hold when the load ends: it is still
// written, with its replicas.
func heldBytes(s *spec.Scenario) int64 {
	return int64(s.Producers.Count) * s.Producers.BufferMemory * int64(s.Topic.ReplicationFactor)
}

// newShared is what the clients of a repeat share.
func (r *repeat) newShared(room int64) *load.Shared {
	return &load.Shared{Topic: r.s.Topic.Name, Records: r.source, Model: r.model, DiskLimit: diskLimit(r.s, room),
		Replicas: int64(r.s.Topic.ReplicationFactor)}
}
