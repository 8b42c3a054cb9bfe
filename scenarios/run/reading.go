package run

import (
	"time"

	"brokerlab/disks/device"
	"brokerlab/disks/simfs"
	"brokerlab/engine/env"
	"brokerlab/engine/netmodel"
	"brokerlab/results"
)

// reading is what the counters of a stage say at one instant. All count up from the
// beginning; what a world does not count is absent.
type reading struct {
	at    env.Time
	nodes []nodeReading // always the same ones in the same order
	acked int64         // records
}

// nodeReading is one node's counters, or those of the whole machine in a real run.
type nodeReading struct {
	name   string
	client bool // a producer or a consumer
	cores  int
	worked time.Duration // of all cores
	cpu    bool          // worked is known
	net    netReading
	cache  *cacheReading
	disks  []diskReading
	// charged is of a simulated node, unflushed of one with logs; nil elsewhere.
	charged   *charged
	unflushed *unflushedReading
}

// netReading is a node's network card.
type netReading struct {
	known             bool
	bytesOut, bytesIn int64
	busyOut, busyIn   time.Duration
}

func netReadingOf(s netmodel.Stats) netReading {
	return netReading{known: true, bytesOut: s.BytesOut, bytesIn: s.BytesIn, busyOut: s.BusyOut, busyIn: s.BusyIn}
}

// cacheReading is a machine's page cache.
type cacheReading struct {
	dirty                      int64 // dirty and under write-back
	dirtyPeak                  int64 // the most of it since the reading before; 0 if not known
	background, freeRun, limit int64 // thresholds; 0 if not known
	counts                     bool  // the counts below are known
	throttled                  time.Duration
	hitBytes, missBytes        int64
}

// diskReading is one device.
type diskReading struct {
	name                 string
	busy                 time.Duration // with a request under way
	queueTime            time.Duration // of all requests, waiting included
	requests             int64
	bytesWritten         int64
	bytesRead            int64
	flushes, seeks       int64
	hasFlushes, hasSeeks bool
	headOffset, capacity int64 // of a hard disk
}

// readCache takes the figures of a modelled page cache.
func readCache(h *simfs.Host) *cacheReading {
	s := h.Stats()
	return &cacheReading{dirty: s.DirtyBytes + s.WritebackBytes, dirtyPeak: h.TakeDirtyPeak(),
		background: s.BackgroundBytes, freeRun: s.FreeRunBytes, limit: s.HardBytes,
		counts: true, throttled: s.Throttled, hitBytes: s.HitBytes, missBytes: s.MissBytes}
}

// readDevice takes the figures of a modelled device.
func readDevice(name string, cfg *device.Config, s device.Stats) diskReading {
	r := diskReading{name: name, busy: s.Busy, queueTime: s.QueueTime, requests: s.Reads + s.Writes + s.Flushes,
		bytesWritten: s.BytesWritten, bytesRead: s.BytesRead, flushes: s.FlushesServed, hasFlushes: true}
	if cfg.Kind == device.KindHardDisk {
		r.seeks, r.hasSeeks = s.Seeks, true
		r.headOffset, r.capacity = s.HeadOffset, cfg.CapacityBytes
	}
	return r
}

// shareOf is part of span, between 0 and 1.
func shareOf(part, span time.Duration) float64 {
	if span <= 0 {
		return 0
	}
	return min(1, max(0, float64(part)/float64(span)))
}

// usageOf is what a node did between two readings; dirtyMax is the most dirty bytes
// that were seen between them.
func usageOf(from, to *nodeReading, span time.Duration, dirtyMax int64) results.Usage {
	var u results.Usage
	if to.cpu {
		cpu := &results.CPUUsage{Busy: shareOf(to.worked-from.worked, span*time.Duration(to.cores)), Cores: to.cores}
		if to.client {
			u.ClientCPU = cpu
		} else {
			u.CPU = cpu
		}
	}
	if to.net.known {
		u.Network = &results.NetworkUsage{
			Busy:  max(shareOf(to.net.busyOut-from.net.busyOut, span), shareOf(to.net.busyIn-from.net.busyIn, span)),
			Bytes: to.net.bytesOut - from.net.bytesOut + to.net.bytesIn - from.net.bytesIn,
		}
	}
	if to.cache != nil && from.cache != nil {
		u.PageCache = cacheUsage(from.cache, to.cache, dirtyMax)
	}
	u.Disk = diskUsage(from.disks, to.disks, span)
	return u
}

func cacheUsage(from, to *cacheReading, dirtyMax int64) *results.PageCacheUsage {
	p := &results.PageCacheUsage{DirtyMaxBytes: max(dirtyMax, to.dirty), BackgroundBytes: to.background,
		LimitBytes: to.limit}
	if to.counts {
		throttled := (to.throttled - from.throttled).Seconds() * 1000
		p.ThrottledMS = &throttled
		if hits, misses := to.hitBytes-from.hitBytes, to.missBytes-from.missBytes; hits+misses > 0 {
			p.ReadBytes = hits + misses
			ratio := float64(hits) / float64(hits+misses)
			p.HitRatio = &ratio
		}
	}
	return p
}

// diskUsage is that of a node's disks together, the busiest one's share.
func diskUsage(from, to []diskReading, span time.Duration) *results.DiskUsage {
	if len(to) == 0 || len(from) != len(to) {
		return nil
	}
	out := &results.DiskUsage{}
	var queue time.Duration
	for i := range to {
		a, b := &from[i], &to[i]
		out.Busy = max(out.Busy, shareOf(b.busy-a.busy, span))
		queue += b.queueTime - a.queueTime
		out.Requests += b.requests - a.requests
		out.BytesWritten += b.bytesWritten - a.bytesWritten
		out.BytesRead += b.bytesRead - a.bytesRead
		if b.hasFlushes {
			out.Flushes = plus(out.Flushes, b.flushes-a.flushes)
		}
		if b.hasSeeks {
			out.Seeks = plus(out.Seeks, b.seeks-a.seeks)
		}
	}
	if out.Requests > 0 {
		out.QueueMS = queue.Seconds() * 1000 / float64(out.Requests)
	}
	if span > 0 {
		out.Depth = queue.Seconds() / span.Seconds() / float64(len(to))
	}
	return out
}

func plus(sum *int64, n int64) *int64 {
	if sum == nil {
		sum = new(int64)
	}
	*sum += n
	return sum
}

// usagesBetween is what every node did between two readings; dirtyMost are the most dirty
// bytes that were seen between them, by node. Clients that began between them are in the
// second one only.
func usagesBetween(from, to *reading, dirtyMost []int64) (nodes []results.NodeUsage) {
	for i := range to.nodes {
		before := nodeReading{}
		if i < len(from.nodes) {
			before = from.nodes[i]
		}
		u := usageOf(&before, &to.nodes[i], to.at.Sub(from.at), dirtyMost[i])
		nodes = append(nodes, results.NodeUsage{Name: to.nodes[i].name, Client: to.nodes[i].client, Usage: u})
	}
	return nodes
}

// together is the usage of all nodes: the busiest share of each kind, and sums.
func together(nodes []results.NodeUsage) results.Usage {
	var u results.Usage
	var queueMS, depth float64 // weighted by requests; summed
	disks := 0
	var hits float64 // bytes
	for i := range nodes {
		n := &nodes[i]
		u.CPU, u.ClientCPU = busierCPU(u.CPU, n.CPU), busierCPU(u.ClientCPU, n.ClientCPU)
		if n.Network != nil && !n.Client { // those of clients are in it as the brokers' peers
			if u.Network == nil {
				u.Network = &results.NetworkUsage{}
			}
			u.Network.Busy = max(u.Network.Busy, n.Network.Busy)
			u.Network.Bytes += n.Network.Bytes
		}
		if d := n.Disk; d != nil {
			if u.Disk == nil {
				u.Disk = &results.DiskUsage{}
			}
			disks++
			addDisk(u.Disk, d)
			queueMS += d.QueueMS * float64(d.Requests)
			depth += d.Depth
		}
		if p := n.PageCache; p != nil {
			if u.PageCache == nil {
				u.PageCache = &results.PageCacheUsage{BackgroundBytes: p.BackgroundBytes, LimitBytes: p.LimitBytes}
			}
			addCache(u.PageCache, p)
			if p.HitRatio != nil {
				hits += *p.HitRatio * float64(p.ReadBytes)
			}
		}
	}
	if disks > 0 {
		u.Disk.Depth = depth / float64(disks)
		if u.Disk.Requests > 0 {
			u.Disk.QueueMS = queueMS / float64(u.Disk.Requests)
		}
	}
	if u.PageCache != nil && u.PageCache.ReadBytes > 0 {
		ratio := hits / float64(u.PageCache.ReadBytes)
		u.PageCache.HitRatio = &ratio
	}
	return u
}

func addDisk(sum, d *results.DiskUsage) {
	sum.Busy = max(sum.Busy, d.Busy)
	sum.Requests += d.Requests
	sum.BytesWritten += d.BytesWritten
	sum.BytesRead += d.BytesRead
	if d.Flushes != nil {
		sum.Flushes = plus(sum.Flushes, *d.Flushes)
	}
	if d.Seeks != nil {
		sum.Seeks = plus(sum.Seeks, *d.Seeks)
	}
}

func addCache(sum, p *results.PageCacheUsage) {
	sum.DirtyMaxBytes = max(sum.DirtyMaxBytes, p.DirtyMaxBytes)
	sum.ReadBytes += p.ReadBytes
	if p.ThrottledMS != nil {
		total := *p.ThrottledMS
		if sum.ThrottledMS != nil {
			total += *sum.ThrottledMS
		}
		sum.ThrottledMS = &total
	}
}

func busierCPU(a, b *results.CPUUsage) *results.CPUUsage {
	if a == nil || b != nil && b.Busy > a.Busy {
		return b
	}
	return a
}
