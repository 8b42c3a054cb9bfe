package results

// Usage is what disks, page cache, network and processors did during the
// measured window, warm-up left out. What a world does not tell is absent: the
// plain simulated disk has no page cache, and a real run knows its machine and
// its process but not its brokers apart, since they share one process.
//
// Of a cell and a repeat it is that of all brokers together (clients have
// ClientCPU): shares are those of the busiest disk, link or node, times and
// depths those of all requests, and the rest are sums.
type Usage struct {
	Disk      *DiskUsage      `json:"disk,omitempty"`
	PageCache *PageCacheUsage `json:"page_cache,omitempty"`
	Network   *NetworkUsage   `json:"network,omitempty"`
	CPU       *CPUUsage       `json:"cpu,omitempty"`
	// ClientCPU is that of producers and consumers, the busiest of them.
	ClientCPU *CPUUsage `json:"client_cpu,omitempty"`
}

// DiskUsage is the block devices below the log directories. A real one is that
// of the system's own counters for the whole device, whoever used it.
type DiskUsage struct {
	Busy float64 `json:"busy"` // share of the window with a request under way, 0 to 1
	// Seeks are moves of a hard disk's arm; only a model counts them.
	Seeks   *int64 `json:"seeks,omitempty"`
	Flushes *int64 `json:"flushes,omitempty"` // that the device did: cache to medium
	// QueueMS is what a request took on average, waiting included, in ms.
	QueueMS      float64 `json:"queue_ms"`
	Depth        float64 `json:"depth"` // requests under way on average, per device
	Requests     int64   `json:"requests"`
	BytesWritten int64   `json:"bytes_written"`
	BytesRead    int64   `json:"bytes_read"`
}

// PageCacheUsage is the memory between log and device. A real one is that of the
// whole machine.
type PageCacheUsage struct {
	DirtyMaxBytes int64 `json:"dirty_max_bytes"`
	// ThrottledMS is how long writers were held back (balance_dirty_pages) in all.
	ThrottledMS *float64 `json:"throttled_ms,omitempty"`
	// HitRatio is the share of bytes read that were in memory; absent without reads.
	HitRatio  *float64 `json:"hit_ratio,omitempty"`
	ReadBytes int64    `json:"read_bytes,omitempty"` // that files were read, from memory or not
	// BackgroundBytes and LimitBytes are the thresholds at the end of the window:
	// where write-back begins, and what dirty bytes may not exceed.
	BackgroundBytes int64 `json:"background_bytes,omitempty"`
	LimitBytes      int64 `json:"limit_bytes,omitempty"`
}

// NetworkUsage is the brokers' links.
type NetworkUsage struct {
	// Busy is the share of the window in which the busier direction sent; 0 where
	// links have no rate.
	Busy  float64 `json:"busy"`
	Bytes int64   `json:"bytes"` // sent and received by brokers, framing left out
}

// CPUUsage is processors.
type CPUUsage struct {
	Busy  float64 `json:"busy"`  // share of all cores, 0 to 1
	Cores int     `json:"cores"` // of each node
}

// NodeUsage is one node's. Log directories on several disks add up as in Usage.
type NodeUsage struct {
	Name string `json:"name"` // broker-1; "machine" for the whole of a real run
	// Client says that it is a producer or a consumer.
	Client bool `json:"client,omitempty"`
	Usage
}

// Resources that may bound a cell.
const (
	BoundDisk      = "disk"       // a device was busy most of the time
	BoundPageCache = "page-cache" // writers were held back to the device's rate
	BoundNetwork   = "network"    // a broker's link sent most of the time
	BoundCPU       = "cpu"        // a broker's cores worked most of the time; of a real run the machine's
	BoundClientCPU = "client-cpu" // a client's cores did
	// BoundClientThread: a client worked for as long as one thread can, at full speed;
	// its records are made and batched by one thread.
	BoundClientThread = "client-thread"
	BoundRate         = "rate"    // nothing was: the offered rate was all there was to do
	BoundLatency      = "latency" // nothing was, at full speed: waits in turn (linger, flushes, round trips)
)

// Bound names the resource that bounds a cell, as far as its usage tells.
type Bound struct {
	Resource string  `json:"resource"`
	Share    float64 `json:"share"`          // of the window that the busiest of them was used
	Node     string  `json:"node,omitempty"` // whose it was
}

// boundShare is the share from which a resource counts as bounding: queues of
// random arrivals are long above it, and a resource that others wait for in
// turn stays below 1.
const boundShare = 0.8

// throttledShare is the share of the window that writers of one broker were held
// back, from which the page cache counts as bounding.
const throttledShare = 0.1

// BoundOf decides which resource bounds a cell with these figures: of those that
// are used for 80 % of the window or more the one that is used most. Throttled
// writers stand for the disk behind the page cache, which is named as such. It
// is nil where no usage is known. Closed says that the load ran at full speed.
func BoundOf(nodes []NodeUsage, windowS float64, closed bool) *Bound {
	var known bool
	best, busiest := Bound{}, Bound{}
	consider := func(resource, node string, share float64) {
		known = true
		if share > busiest.Share {
			busiest = Bound{Resource: resource, Share: share, Node: node}
		}
		if share >= boundShare && share > best.Share {
			best = Bound{Resource: resource, Share: share, Node: node}
		}
	}
	for i := range nodes {
		n := &nodes[i]
		if n.Disk != nil {
			consider(BoundDisk, n.Name, n.Disk.Busy)
		}
		if n.Network != nil {
			consider(BoundNetwork, n.Name, n.Network.Busy)
		}
		if n.CPU != nil {
			consider(BoundCPU, n.Name, n.CPU.Busy)
		}
		if n.ClientCPU != nil {
			consider(BoundClientCPU, n.Name, n.ClientCPU.Busy)
		}
	}
	if !known {
		return nil
	}
	for i := range nodes {
		n := &nodes[i]
		if n.PageCache == nil || n.PageCache.ThrottledMS == nil || windowS <= 0 {
			continue
		}
		if share := *n.PageCache.ThrottledMS / 1000 / windowS; share >= throttledShare &&
			(best.Resource == "" || best.Resource == BoundDisk) {
			return &Bound{Resource: BoundPageCache, Share: share, Node: n.Name}
		}
	}
	switch {
	case best.Resource != "":
		return &best
	case closed:
		if b := threadBound(nodes); b != nil {
			return b
		}
		busiest.Resource = BoundLatency
	default:
		busiest.Resource = BoundRate
	}
	busiest.Node = ""
	return &busiest
}

// threadBound is the client that worked for as long as one thread can, if one did.
func threadBound(nodes []NodeUsage) *Bound {
	var best *Bound
	for i := range nodes {
		if c := nodes[i].ClientCPU; c != nil {
			share := c.Busy * float64(c.Cores)
			if share >= boundShare && (best == nil || share > best.Share) {
				best = &Bound{Resource: BoundClientThread, Share: share, Node: nodes[i].Name}
			}
		}
	}
	if best != nil {
		best.Share = min(1, best.Share) // what other threads of it did is no part of the one
	}
	return best
}

// mergeUsage is the usage of a cell: shares, times and depths are medians over
// its repeats, dirty bytes the most of all, and the rest sums.
func mergeUsage(all []Usage) Usage {
	var out Usage
	out.Disk = mergeParts(all, func(u *Usage) *DiskUsage { return u.Disk }, mergeDisk)
	out.PageCache = mergeParts(all, func(u *Usage) *PageCacheUsage { return u.PageCache }, mergePageCache)
	out.Network = mergeParts(all, func(u *Usage) *NetworkUsage { return u.Network }, mergeNetwork)
	out.CPU = mergeParts(all, func(u *Usage) *CPUUsage { return u.CPU }, mergeCPU)
	out.ClientCPU = mergeParts(all, func(u *Usage) *CPUUsage { return u.ClientCPU }, mergeCPU)
	return out
}

// mergeParts merges one part of every usage that has it.
func mergeParts[T any](all []Usage, part func(*Usage) *T, merge func([]*T) *T) *T {
	var parts []*T
	for i := range all {
		if p := part(&all[i]); p != nil {
			parts = append(parts, p)
		}
	}
	if len(parts) == 0 {
		return nil
	}
	return merge(parts)
}

// medianBy is the median of one figure of several parts.
func medianBy[T any](parts []*T, figure func(*T) float64) float64 {
	values := make([]float64, len(parts))
	for i, p := range parts {
		values[i] = figure(p)
	}
	return Median(values)
}

// sumKnown adds counts up; absent where no part has one.
func sumKnown[T any](parts []*T, count func(*T) *int64) *int64 {
	var sum *int64
	for _, p := range parts {
		if n := count(p); n != nil {
			if sum == nil {
				sum = new(int64)
			}
			*sum += *n
		}
	}
	return sum
}

func mergeDisk(parts []*DiskUsage) *DiskUsage {
	out := &DiskUsage{
		Busy:    medianBy(parts, func(d *DiskUsage) float64 { return d.Busy }),
		QueueMS: medianBy(parts, func(d *DiskUsage) float64 { return d.QueueMS }),
		Depth:   medianBy(parts, func(d *DiskUsage) float64 { return d.Depth }),
		Seeks:   sumKnown(parts, func(d *DiskUsage) *int64 { return d.Seeks }),
		Flushes: sumKnown(parts, func(d *DiskUsage) *int64 { return d.Flushes }),
	}
	for _, d := range parts {
		out.Requests += d.Requests
		out.BytesWritten += d.BytesWritten
		out.BytesRead += d.BytesRead
	}
	return out
}

// medianKnown is the median of a figure over the parts that have it.
func medianKnown[T any](parts []*T, figure func(*T) *float64) *float64 {
	var values []float64
	for _, p := range parts {
		if v := figure(p); v != nil {
			values = append(values, *v)
		}
	}
	if len(values) == 0 {
		return nil
	}
	m := Median(values)
	return &m
}

func mergePageCache(parts []*PageCacheUsage) *PageCacheUsage {
	out := &PageCacheUsage{
		ThrottledMS: medianKnown(parts, func(p *PageCacheUsage) *float64 { return p.ThrottledMS }),
		HitRatio:    medianKnown(parts, func(p *PageCacheUsage) *float64 { return p.HitRatio }),
	}
	for _, p := range parts {
		out.DirtyMaxBytes = max(out.DirtyMaxBytes, p.DirtyMaxBytes)
		out.ReadBytes += p.ReadBytes
		out.BackgroundBytes, out.LimitBytes = p.BackgroundBytes, p.LimitBytes
	}
	return out
}

func mergeNetwork(parts []*NetworkUsage) *NetworkUsage {
	out := &NetworkUsage{Busy: medianBy(parts, func(n *NetworkUsage) float64 { return n.Busy })}
	for _, n := range parts {
		out.Bytes += n.Bytes
	}
	return out
}

func mergeCPU(parts []*CPUUsage) *CPUUsage {
	return &CPUUsage{Busy: medianBy(parts, func(c *CPUUsage) float64 { return c.Busy }), Cores: parts[0].Cores}
}

// MergeUsage makes the usage of a cell out of that of its repeats, node by node
// too: shares and times are medians, counts are sums, dirty bytes the most of all.
func MergeUsage(repeats []Repeat) (all Usage, nodes []NodeUsage) {
	usages := make([]Usage, len(repeats))
	byName := map[string][]Usage{}
	for i := range repeats {
		usages[i] = repeats[i].Usage
		for _, n := range repeats[i].Nodes {
			if byName[n.Name] == nil {
				nodes = append(nodes, NodeUsage{Name: n.Name, Client: n.Client})
			}
			byName[n.Name] = append(byName[n.Name], n.Usage)
		}
	}
	for i := range nodes {
		nodes[i].Usage = mergeUsage(byName[nodes[i].Name])
	}
	return mergeUsage(usages), nodes
}
