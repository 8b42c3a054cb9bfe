package run

import (
	"slices"
	"time"

	"brokerlab/engine/env"
	"brokerlab/results"
	"brokerlab/results/selfcheck"
)

// sampleEvery is how often a meter reads at first, since the load began.
const sampleEvery = 100 * time.Millisecond

// meter reads the counters of a stage from the start of the load to the end of its
// drain. When a run is so long that it would hold more than ActivitySamplesMax
// readings, it drops every second one and goes on at half the pace. It is pure: its
// caller says when to read.
type meter struct {
	start     env.Time // of the load
	warmupEnd env.Time
	every     time.Duration
	readings  []reading // at start + i*every
	endsOnly  bool      // read at the end of the warm-up and of the load alone
	warm      *reading  // at the end of the warm-up
	end       *reading  // of the load
	// dirtyMost are the most dirty bytes that were seen in the phase that goes on, by
	// node; dirtyWarm and dirtyLoad those of phases that have ended.
	dirtyMost, dirtyWarm, dirtyLoad []int64
}

func newMeter(start env.Time, warmup time.Duration) *meter {
	return &meter{start: start, warmupEnd: start.Add(warmup), every: sampleEvery}
}

// next is the instant at which to read again.
func (m *meter) next() env.Time {
	switch {
	case m.endsOnly && m.warm != nil:
		return env.Never
	case m.endsOnly:
		return m.warmupEnd
	}
	at := m.start.Add(time.Duration(len(m.readings)) * m.every)
	if m.warm == nil && m.end == nil && m.warmupEnd < at {
		return m.warmupEnd
	}
	return at
}

// take keeps a reading of the instant that next named, or a little later.
func (m *meter) take(r reading) {
	if m.end == nil && m.warm == nil && r.at >= m.warmupEnd {
		m.warm, m.dirtyWarm = &r, m.cutDirty(&r)
	} else {
		m.seeDirty(&r)
	}
	if r.at < m.start.Add(time.Duration(len(m.readings))*m.every) {
		return // of the warm-up's end alone
	}
	m.readings = append(m.readings, r)
	if len(m.readings) <= results.ActivitySamplesMax {
		return
	}
	half := m.readings[:0]
	for i := 0; i < len(m.readings); i += 2 {
		half = append(half, m.readings[i])
	}
	clear(m.readings[len(half):])
	m.readings, m.every = half, 2*m.every
}

// seeDirty notes the dirty bytes of a reading. Nodes may have come since the one before.
func (m *meter) seeDirty(r *reading) {
	for len(m.dirtyMost) < len(r.nodes) {
		m.dirtyMost = append(m.dirtyMost, 0)
	}
	for i := range r.nodes {
		if c := r.nodes[i].cache; c != nil {
			m.dirtyMost[i] = max(m.dirtyMost[i], c.dirty, c.dirtyPeak)
		}
	}
}

// cutDirty ends a phase with a reading, and returns the most dirty bytes in it. Those of
// this instant are of the next phase too.
func (m *meter) cutDirty(r *reading) (most []int64) {
	m.seeDirty(r)
	most = m.dirtyMost
	m.dirtyMost = make([]int64, len(r.nodes))
	for i := range r.nodes {
		if c := r.nodes[i].cache; c != nil {
			m.dirtyMost[i] = c.dirty
		}
	}
	return most
}

// endLoad keeps the reading at the end of the load.
func (m *meter) endLoad(r reading) {
	if m.end == nil {
		m.end, m.dirtyLoad = &r, m.cutDirty(&r)
	}
}

// usage is what every node did in the measured window, from the end of the warm-up
// (or the start of a load that ended before that) to the end of the load.
func (m *meter) usage() (nodes []results.NodeUsage) {
	from, to := m.window()
	if to == nil {
		return nil
	}
	for _, n := range usagesBetween(from, to, m.dirtyLoad) {
		if n.Usage != (results.Usage{}) {
			nodes = append(nodes, n)
		}
	}
	return nodes
}

// window is the readings at both ends of the measured window; nil if there are none.
func (m *meter) window() (from, to *reading) {
	from = m.warm
	if from == nil || m.end != nil && from.at >= m.end.at {
		if len(m.readings) == 0 {
			return nil, nil
		}
		from = &m.readings[0]
	}
	if m.end == nil {
		return nil, nil
	}
	return from, m.end
}

// first is the reading at the start of the load; nil if there is none.
func (m *meter) first() *reading {
	if len(m.readings) == 0 {
		return nil
	}
	return &m.readings[0]
}

// activity is what the first nodes did over time, brokers before clients. The last
// reading may be less than a sample after the one before it, and is left out.
func (m *meter) activity(repeat int, phases []results.PhaseSpan) (all []results.Activity) {
	if len(m.readings) < 2 || m.end == nil {
		return nil
	}
	order := make([]int, len(m.readings[0].nodes))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return int(rank(&m.readings[0].nodes[a]) - rank(&m.readings[0].nodes[b]))
	})
	for _, node := range order[:min(len(order), results.ActivityNodesMax)] {
		a := results.Activity{Repeat: repeat, Node: m.readings[0].nodes[node].name, EveryS: m.every.Seconds(),
			WarmupS: m.warmupEnd.Sub(m.start).Seconds(), EndS: m.end.at.Sub(m.start).Seconds(),
			Phases: phases}
		for i := 1; i < len(m.readings); i++ {
			from, to := &m.readings[i-1], &m.readings[i]
			addSample(&a, &from.nodes[node], &to.nodes[node], to.at.Sub(from.at))
		}
		if a.Samples() > 0 {
			all = append(all, a)
		}
	}
	return all
}

// rate is the acknowledged records a second of the measured window, by its ends alone,
// and its length.
func (m *meter) rate() (perSec float64, window time.Duration) {
	if m.warm == nil || m.end == nil || m.end.at <= m.warm.at {
		return 0, 0
	}
	window = m.end.at.Sub(m.warm.at)
	return float64(m.end.acked-m.warm.acked) / window.Seconds(), window
}

// rates are the acknowledged records a second of each sample of the measured window.
func (m *meter) rates() selfcheck.Series {
	out := selfcheck.Series{StartS: max(0, m.warmupEnd.Sub(m.start).Seconds()), EveryS: m.every.Seconds()}
	if m.end == nil {
		return out
	}
	for i := 1; i < len(m.readings); i++ {
		from, to := &m.readings[i-1], &m.readings[i]
		if from.at < m.warmupEnd || to.at > m.end.at || to.at <= from.at {
			continue
		}
		if len(out.Values) == 0 {
			out.StartS = from.at.Sub(m.start).Seconds()
		}
		out.Values = append(out.Values, float64(to.acked-from.acked)/to.at.Sub(from.at).Seconds())
	}
	return out
}

func rank(n *nodeReading) int8 {
	if n.client {
		return 1
	}
	return 0
}

// addSample adds what a node did between two readings to its activity.
func addSample(a *results.Activity, from, to *nodeReading, span time.Duration) {
	if to.cpu {
		a.CPUBusy = append(a.CPUBusy, shareOf(to.worked-from.worked, span*time.Duration(to.cores)))
	}
	if to.unflushed != nil {
		a.UnflushedRecords = append(a.UnflushedRecords, to.unflushed.records)
		a.UnflushedBytes = append(a.UnflushedBytes, to.unflushed.bytes)
	}
	if to.net.known {
		if a.Network == nil {
			a.Network = &results.NetworkActivity{}
		}
		n := a.Network
		n.SendBusy = append(n.SendBusy, shareOf(to.net.busyOut-from.net.busyOut, span))
		n.ReceiveBusy = append(n.ReceiveBusy, shareOf(to.net.busyIn-from.net.busyIn, span))
		n.SendBytes = append(n.SendBytes, to.net.bytesOut-from.net.bytesOut)
		n.RecvBytes = append(n.RecvBytes, to.net.bytesIn-from.net.bytesIn)
	}
	if to.cache != nil && from.cache != nil {
		if a.PageCache == nil {
			a.PageCache = &results.PageCacheActivity{}
		}
		addCacheSample(a.PageCache, from.cache, to.cache)
	}
	if len(a.Disks) == 0 && len(to.disks) > 0 {
		a.Disks = make([]results.DiskActivity, len(to.disks))
	}
	for i := range to.disks {
		addDiskSample(&a.Disks[i], &from.disks[i], &to.disks[i], span)
	}
}

func addCacheSample(p *results.PageCacheActivity, from, to *cacheReading) {
	p.DirtyBytes = append(p.DirtyBytes, to.dirty)
	if to.limit > 0 {
		p.BackgroundBytes = append(p.BackgroundBytes, to.background)
		p.LimitBytes = append(p.LimitBytes, to.limit)
	}
	if to.freeRun > 0 {
		p.FreeRunBytes = append(p.FreeRunBytes, to.freeRun)
	}
	if to.counts {
		p.ThrottledMS = append(p.ThrottledMS, (to.throttled-from.throttled).Seconds()*1000)
	}
}

func addDiskSample(d *results.DiskActivity, from, to *diskReading, span time.Duration) {
	d.Name, d.CapacityBytes = to.name, to.capacity
	d.Busy = append(d.Busy, shareOf(to.busy-from.busy, span))
	d.Queue = append(d.Queue, (to.queueTime-from.queueTime).Seconds()/span.Seconds())
	d.BytesWritten = append(d.BytesWritten, to.bytesWritten-from.bytesWritten)
	d.BytesRead = append(d.BytesRead, to.bytesRead-from.bytesRead)
	if to.hasFlushes {
		d.Flushes = append(d.Flushes, to.flushes-from.flushes)
	}
	if to.hasSeeks {
		d.Seeks = append(d.Seeks, to.seeks-from.seeks)
		d.HeadOffset = append(d.HeadOffset, to.headOffset)
	}
}
