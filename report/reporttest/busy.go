package reporttest

import (
	"math"
	"math/rand/v2"
	"time"

	"brokerlab/results"
)

// Busy is a shape of what the resources of a cell did.
type Busy uint8

// The shapes.
const (
	BusyNothing  Busy = iota // nothing is told
	BusyHardDisk             // the page cache fills up to its limit, and the head goes to and fro
	BusyTwoDisks             // flash, with a network that has a rate
	BusyMachine              // what a real machine tells of itself
	BusyIdle                 // all samples are 0
	BusyPoint                // there is one sample
)

const (
	diskBytes  = 4e12
	limitBytes = 400 << 20
)

// use fills the usage of a repeat in: a broker and a client.
func (b Busy) use(r *results.Repeat, seconds float64) {
	if b == BusyNothing {
		return
	}
	flushes, throttled, hits := int64(40), 0.0, 0.9
	broker := results.Usage{CPU: &results.CPUUsage{Busy: 0.21, Cores: 4},
		Disk: &results.DiskUsage{Busy: 0.4, QueueMS: 3, Depth: 1.5, Requests: 1000, BytesWritten: 1e9, Flushes: &flushes}}
	switch b {
	case BusyHardDisk:
		seeks := int64(5000)
		throttled = 400 * seconds
		broker.Disk.Busy, broker.Disk.Seeks = 0.996, &seeks
		broker.PageCache = &results.PageCacheUsage{DirtyMaxBytes: limitBytes, ThrottledMS: &throttled, HitRatio: &hits,
			BackgroundBytes: limitBytes / 2, LimitBytes: limitBytes}
	case BusyTwoDisks:
		broker.Network = &results.NetworkUsage{Busy: 0.93, Bytes: 1e9}
	case BusyIdle, BusyPoint:
		broker.CPU.Busy, broker.Disk = 0.0002, &results.DiskUsage{}
	}
	name := "broker-1"
	if b == BusyMachine {
		name = "machine"
	} else {
		r.ClientCPU = &results.CPUUsage{Busy: 0.05, Cores: 4}
		r.Nodes = append(r.Nodes, results.NodeUsage{Name: "producer-1", Usage: results.Usage{ClientCPU: r.ClientCPU}})
	}
	r.Disk, r.PageCache, r.Network, r.CPU = broker.Disk, broker.PageCache, broker.Network, broker.CPU
	r.Nodes = append(r.Nodes, results.NodeUsage{Name: name, Usage: broker})
}

// Activities are what the nodes of a run's cells did over time; nil for a cell that
// does not tell.
func Activities(run Run) [][]results.Activity {
	all := make([][]results.Activity, len(run.Cells))
	for i, c := range run.Cells {
		for n := 1; n <= run.Repeats && c.Busy != BusyNothing; n++ {
			all[i] = append(all[i], c.Busy.activity(run, n))
		}
	}
	return all
}

// activity has samples of 100 ms, and a drain of a second behind the load.
func (b Busy) activity(run Run, repeat int) results.Activity {
	a := results.Activity{Repeat: repeat, Node: "broker-1", EveryS: 0.1, WarmupS: float64(warmupOf(run)),
		EndS: float64(run.Seconds), Disks: []results.DiskActivity{{Name: "disk-1"}}}
	samples := 10*run.Seconds + 10
	switch b {
	case BusyHardDisk:
		a.Disks[0].CapacityBytes, a.PageCache = diskBytes, &results.PageCacheActivity{}
	case BusyTwoDisks:
		a.Disks = append(a.Disks, results.DiskActivity{Name: "disk-2"})
		a.Network, a.PageCache = &results.NetworkActivity{}, &results.PageCacheActivity{}
	case BusyMachine:
		a.Node, a.PageCache = "machine", &results.PageCacheActivity{}
	case BusyIdle:
		a.PageCache = &results.PageCacheActivity{}
	case BusyPoint:
		samples = 1
	}
	random := rand.New(rand.NewPCG(42, uint64(b)<<8+uint64(repeat)))
	for i := range samples {
		b.sample(&a, i, random)
	}
	return a
}

// sample adds the one of index i.
func (b Busy) sample(a *results.Activity, i int, random *rand.Rand) {
	level := 0.0
	if b != BusyIdle {
		level = 0.5 + 0.3*math.Sin(float64(i)/9) + 0.1*random.Float64()
	}
	a.CPUBusy = append(a.CPUBusy, 0.4*level)
	if b == BusyHardDisk || b == BusyMachine { // forced each second, and never
		unflushed := int64(i%10+1) * 2000
		if b == BusyMachine {
			unflushed = int64(i+1) * 2000
		}
		a.UnflushedRecords, a.UnflushedBytes = append(a.UnflushedRecords, unflushed), append(a.UnflushedBytes, unflushed*400)
	}
	for k := range a.Disks {
		d := &a.Disks[k]
		d.Busy = append(d.Busy, level)
		d.Queue = append(d.Queue, 20*level/float64(k+1))
		d.Flushes = append(d.Flushes, int64(3*level))
		d.BytesWritten = append(d.BytesWritten, int64(15e6*level))
		d.BytesRead = append(d.BytesRead, 0)
		if d.CapacityBytes > 0 {
			at := random.Float64() * 0.02
			if random.IntN(3) == 0 {
				at = 0.5
			}
			d.HeadOffset = append(d.HeadOffset, int64(at*float64(d.CapacityBytes)))
		}
	}
	if n := a.Network; n != nil {
		n.SendBusy, n.ReceiveBusy = append(n.SendBusy, 0.9*level), append(n.ReceiveBusy, 0.3*level)
		n.SendBytes, n.RecvBytes = append(n.SendBytes, int64(9e6*level)), append(n.RecvBytes, int64(3e6*level))
	}
	c := a.PageCache
	if c == nil {
		return
	}
	dirty := int64(level * 8 * (1 << 20))
	held := 0.0
	if b == BusyHardDisk {
		dirty = min(int64(i)*(4<<20), limitBytes*9/10)
		if dirty > limitBytes*3/4 {
			held = 30
		}
	}
	c.DirtyBytes = append(c.DirtyBytes, dirty)
	if b == BusyMachine { // the system tells no thresholds over time
		return
	}
	c.BackgroundBytes = append(c.BackgroundBytes, limitBytes/2)
	c.FreeRunBytes = append(c.FreeRunBytes, limitBytes*3/4)
	c.LimitBytes = append(c.LimitBytes, limitBytes)
	c.ThrottledMS = append(c.ThrottledMS, held)
}

// Resources has cells that tell what their resources did, in every shape.
func Resources(perSecond int) Run {
	run := Run{Scenario: "resources", Title: "What was busy", Names: []string{"disk"}, Repeats: 2, Seconds: 12,
		Config: config()}
	for _, c := range []struct {
		disk, target string
		busy         Busy
	}{
		{"hdd-7200", results.TargetSim, BusyHardDisk}, {"nvme", results.TargetSim, BusyTwoDisks},
		{dir, results.TargetReal, BusyMachine}, {"nvme-plp", results.TargetSim, BusyIdle},
		{"sata-ssd", results.TargetSim, BusyPoint}, {"sim", results.TargetSim, BusyNothing},
	} {
		run.Cells = append(run.Cells, Cell{Labels: []Label{{"disk", c.disk}}, Target: c.target, MBPerS: 100,
			Median: 20 * time.Millisecond, Ratio: 2, PerSecond: perSecond, Busy: c.busy, Timed: true})
	}
	return run
}
