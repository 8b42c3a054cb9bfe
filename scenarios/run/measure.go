package run

import (
	"fmt"
	"hash/fnv"
	"math"
	"slices"
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
	// hists are by the names of latencies: of all, of groups and of the reading.
	hists    map[string][]results.Interval
	rates    selfcheck.Series
	warnings []string
	cut      bool // its load was interrupted
}

// measure makes a result out of a repeat that has ended. number counts from 1.
func (r *repeat) measure(number int, began time.Time) measured {
	m := measured{warnings: r.measuredOrAll()}
	m.fill(r, number)
	if r.unmeasured {
		var window time.Duration
		m.repeat.RecordsPerS, window = r.meter.rate()
		m.repeat.MeasuredS, m.warnings = window.Seconds(), nil
	}
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
	produced := seriesOf(r.producers, inLoad).Intervals()
	if n := len(produced); n > 0 && produced[n-1].Warmup {
		for _, c := range slices.Concat(r.producers, r.consumers) {
			c.shared.Series.MeasureAll()
		}
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
	out := &m.repeat
	out.Seed, out.Hash, out.VirtualS = r.seed, r.stage.hash(), time.Duration(r.stage.now()).Seconds()
	_, _, window := sum(seriesOf(r.producers, inLoad), false)
	out.Measures = r.measuresOf(r.producers, r.consumers, window)
	out.Lost, out.Duplicated, out.Reordered = r.found.Lost, r.found.Duplicated, r.found.Reordered
	out.Corrupted = r.found.Corrupted
	if targets := r.targets.Load(); targets != nil {
		out.Partitions = partitions(*targets)
	}
	out.Fsyncs, out.BytesDisk = r.logs.Fsyncs, r.logs.BytesAppended
	out.Seconds = r.seconds()
	out.Search = r.searchOf()
	if r.cpuFrom.ok && r.cpuTo.ok && r.stage.hash() == "" && out.BytesRecords > 0 {
		perGB := (r.cpuTo.total - r.cpuFrom.total).Seconds() / (float64(out.BytesRecords) / 1e9)
		out.Wall.CPUSecondsPerGB = &perGB
	}
	for _, c := range r.named() {
		out.Groups = append(out.Groups, r.groupOf(c, window))
	}
	m.cut = r.cutOff
	m.warnings = append(m.warnings, r.warnings(window)...)
	var spans []results.PhaseSpan
	if r.meter != nil {
		out.Nodes = r.meter.usage()
		out.Usage = together(out.Nodes)
		out.Phases = r.phasesDone()
		for i := range out.Phases {
			spans = append(spans, out.Phases[i].PhaseSpan)
		}
		m.activity = r.meter.activity(number, spans)
		m.rates = r.meter.rates()
	}
	r.fillTiming(out)
	out.Wall.Surroundings = r.around.result()
	m.takeHistograms(r, number)
	out.Latency = latenciesOf(m.hists, false, itself)
}

// groupOf is what one group did.
func (r *repeat) groupOf(c *clients, window time.Duration) results.Group {
	g := results.Group{Name: c.name, Kind: c.kind, Clients: c.count}
	g.Measures = r.measuresOf(c.only(results.GroupProducers), c.only(results.GroupConsumers), window)
	if c.kind == results.GroupConsumers {
		g.Read, g.Skipped = c.s.Consumers.Read, c.shared.Skipped.Load()
		for _, one := range c.consumed {
			g.Unread += one.Unread
		}
	} else {
		of := r.recorded.groupLoad(&c.s.Load)
		g.Load, g.Arrival, g.CatchUp, g.OfferedPerS = of.Load, of.Arrival, of.CatchUp, of.OfferedPerS
		if found := r.foundRate(&c.s.Load); found > 0 {
			g.OfferedPerS = found
		}
	}
	g.Latency = map[string]results.Latency{}
	for name, hs := range c.histograms(1) {
		addLatency(g.Latency, name, summaryOf(hs, false))
	}
	return g
}

// histograms are those of what the group does: in the load or, of a backlog, after it.
func (c *clients) histograms(repeat int) map[string][]results.Interval {
	phase := results.PhaseLoad
	if c.shared.Backlog {
		phase = results.PhaseRead
	}
	return histograms(phase, c.only(results.GroupProducers), c.only(results.GroupConsumers), repeat)
}

// takeHistograms takes the histograms of all clients, and of each group that has a name.
func (m *measured) takeHistograms(r *repeat, number int) {
	m.hists = map[string][]results.Interval{
		results.Produce:  seriesOf(r.producers, inLoad).Latencies(number),
		results.EndToEnd: endToEnd(r.consumers).Latencies(number),
		results.Service:  seriesOf(r.producers, inLoad).Services(number),
		results.Fsync:    r.timing.flushed.Latencies(number),
	}
	reading := slices.ContainsFunc(r.stretches, func(s stretch) bool { return s.name == results.PhaseRead })
	if reading {
		for name, hs := range histograms(results.PhaseRead, r.producers, r.consumers, number) {
			m.hists[results.ReadLatency(name)] = hs
		}
	}
	for _, c := range r.named() {
		for name, hs := range c.histograms(number) {
			m.hists[results.GroupLatency(c.kind, c.name, name)] = hs
		}
		if !reading {
			continue
		}
		producers, consumers := c.only(results.GroupProducers), c.only(results.GroupConsumers)
		for name, hs := range histograms(results.PhaseRead, producers, consumers, number) {
			m.hists[results.ReadLatency(results.GroupLatency(c.kind, c.name, name))] = hs
		}
	}
}

// latencies are the names of those that are measured.
var latencies = []string{results.Produce, results.EndToEnd, results.Service, results.Fsync}

// latenciesOf summarises the histograms that there are under the keys that they are given,
// of the measured window or of the warm-up.
func latenciesOf(hists map[string][]results.Interval, warmup bool, key func(string) string) map[string]results.Latency {
	out := map[string]results.Latency{}
	for _, name := range latencies {
		if hs, ok := hists[key(name)]; ok {
			addLatency(out, name, summaryOf(hs, warmup))
		}
	}
	return out
}

// addLatency adds a summary, also an empty one of the latencies that every load has.
func addLatency(to map[string]results.Latency, name string, l results.Latency) {
	if name == results.Produce || name == results.EndToEnd || l.Count+l.Overflow > 0 {
		to[name] = l
	}
}

func itself(name string) string { return name }

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

// DiskLabel is the label that every cell has.
const DiskLabel = "disk"

// cellData is a cell with the histograms of its repeats so far.
type cellData struct {
	hists    map[string][]results.Interval // as of measured
	activity []results.Activity
	rates    []selfcheck.Series // of each repeat
	waiting  []numbered         // repeats that ended before an earlier one
	cut      bool               // the load of a repeat was interrupted
}

// add puts one more repeat into a cell.
func (d *cellData) add(c *results.Cell, m *measured) {
	if d.hists == nil {
		d.hists = map[string][]results.Interval{}
	}
	for name, hs := range m.hists {
		d.hists[name] = append(d.hists[name], hs...)
	}
	d.activity = append(d.activity, m.activity...)
	d.rates = append(d.rates, m.rates)
	d.cut = d.cut || m.cut
	c.Repeats = append(c.Repeats, m.repeat)
	c.Warnings = append(c.Warnings, m.warnings...)
	c.Measures = results.MergeRepeats(c.Repeats, latenciesOf(d.hists, false, itself))
	c.Groups = results.MergeGroups(c.Repeats, func(g *results.Group) map[string]results.Latency {
		return latenciesOf(d.hists, false, func(name string) string { return results.GroupLatency(g.Kind, g.Name, name) })
	})
	c.Phases = results.MergePhases(c.Repeats, d.inPhase)
	if c.Searched {
		c.OfferedPerS = results.FoundPerS(c.Repeats)
	}
	own := map[string][]results.Interval{}
	for _, name := range latencies {
		if hs, ok := d.hists[name]; ok {
			own[name] = hs
		}
	}
	c.Intervals = results.IntervalsOf(c, own)
	c.Partitions = results.MergePartitions(c.Repeats)
	c.Usage, c.Nodes = results.MergeUsage(c.Repeats)
	c.Bound = results.BoundOf(c.Nodes, c.MeasuredS/float64(len(c.Repeats)), c.Load == results.LoadClosed)
	if b := c.Bound; b != nil && b.Resource == results.BoundRate && fellShort(c) {
		b.Resource = results.BoundLatency // the rate was not all that there was to do
	}
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

// inPhase are the latencies of a phase, of all clients or of a group.
func (d *cellData) inPhase(phase string, group *results.PhaseGroup) map[string]results.Latency {
	return latenciesOf(d.hists, phase == results.PhaseWarmup, func(name string) string {
		if group != nil {
			name = results.GroupLatency(group.Kind, group.Name, name)
		}
		if phase == results.PhaseRead {
			name = results.ReadLatency(name)
		}
		return name
	})
}

// keptUp is the share of the offered rate below which a cell did not reach it, and
// chanceSigmas how far the number of records of a Poisson process may lie below its mean.
const (
	keptUp       = 0.99
	chanceSigmas = 3
)

// fellShort says that a cell did not reach the offered rate. Of a Poisson process fewer
// records than the mean may have come due.
func fellShort(c *results.Cell) bool {
	least := keptUp * c.OfferedPerS
	if windowS := c.MeasuredS / float64(len(c.Repeats)); c.Arrival == spec.ArrivalPoisson && windowS > 0 {
		least = min(least, c.OfferedPerS-chanceSigmas*math.Sqrt(c.OfferedPerS/windowS))
	}
	return c.RecordsPerS < least
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
	held := int64(0)
	for _, g := range s.ProducerGroups() {
		held += int64(g.Producers.Count) * g.Producers.BufferMemory
	}
	return held * int64(s.Topic.ReplicationFactor)
}

// newShared is what the clients of a repeat share.
func (r *repeat) newShared(room int64) *load.Shared {
	after := *r.s // what load.max-bytes ends is the load alone
	after.Load.MaxBytes = 0
	return &load.Shared{DiskLimit: diskLimit(r.s, room), RoomLimit: diskLimit(&after, room),
		AckedLimit: r.s.Load.ReadAfter, Replicas: int64(r.s.Topic.ReplicationFactor), Unmeasured: r.unmeasured}
}
