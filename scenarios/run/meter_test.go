package run

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"brokerlab/engine/env"
	"brokerlab/engine/realworld"
	"brokerlab/results"
)

// counted is a machine whose counters grow evenly: half of two cores, 30 % of a disk
// that takes 2 requests at once, and dirty bytes that peak between two readings.
func counted(at env.Time) reading {
	d := time.Duration(at)
	c := &cacheReading{dirty: 100, dirtyPeak: 100, limit: 1000, background: 500, counts: true, throttled: d / 10,
		hitBytes: 3 * int64(at), missBytes: int64(at)}
	switch at {
	case env.Time(5 * time.Second):
		c.dirtyPeak = 700
	case env.Time(500 * time.Millisecond): // in the warm-up
		c.dirtyPeak = 900
	}
	return reading{at: at, nodes: []nodeReading{
		{name: "broker-1", cores: 2, cpu: true, worked: d, cache: c, disks: []diskReading{{name: "disk-1",
			busy: d * 3 / 10, queueTime: 2 * d, requests: int64(at / 1e6), bytesWritten: int64(at), seeks: 7,
			hasSeeks: true, flushes: int64(at / 1e9), hasFlushes: true, headOffset: int64(at)}}},
		{name: "producer-1", client: true, cores: 4, cpu: true, worked: d / 4,
			net: netReading{known: true, bytesOut: int64(at), busyOut: d / 5}},
	}}
}

// metered runs a meter over a load and returns it.
func metered(warmup, load, drain time.Duration) *meter {
	m := newMeter(0, warmup)
	end := env.Time(load)
	for ended := false; ; {
		at := m.next()
		if !ended && at > end {
			m.endLoad(counted(end))
			ended = true
		}
		if at > end.Add(drain) {
			return m
		}
		m.take(counted(at))
	}
}

// windowOf is how long the window is that a meter has measured.
func windowOf(m *meter) time.Duration {
	from, to := m.window()
	return to.at.Sub(from.at)
}

// Goal: the most dirty bytes of a phase are those between its ends, also of peaks that
// lie between two readings. Method: peaks in the warm-up and in the load, none in the
// drain.
func TestDirtyMostOfPhases(t *testing.T) {
	m := metered(1050*time.Millisecond, 10*time.Second, time.Second)
	last := counted(env.Time(11 * time.Second))
	drain := m.cutDirty(&last)
	for i, phase := range []struct {
		from, to *reading
		most     []int64
		want     int64
	}{{m.first(), m.warm, m.dirtyWarm, 900}, {m.warm, m.end, m.dirtyLoad, 700}, {m.end, &last, drain, 100}} {
		u := together(usagesBetween(phase.from, phase.to, phase.most))
		if u.PageCache.DirtyMaxBytes != phase.want {
			t.Errorf("phase %d: %d dirty bytes at most, want %d", i, u.PageCache.DirtyMaxBytes, phase.want)
		}
	}
}

// Goal: usage is that of the window between warm-up and end of load. Method: counters
// that grow evenly, so that every figure is known.
func TestMeterUsage(t *testing.T) {
	m := metered(1050*time.Millisecond, 10*time.Second, time.Second)
	nodes := m.usage()
	if span := windowOf(m); span != 8950*time.Millisecond || len(nodes) != 2 {
		t.Fatalf("a window of %v with %d nodes", span, len(nodes))
	}
	near := func(what string, got, want float64) {
		t.Helper()
		if got < want*0.999 || got > want*1.001 {
			t.Errorf("%s is %v, want %v", what, got, want)
		}
	}
	b, p := nodes[0], nodes[1]
	near("the broker's CPU", b.CPU.Busy, 0.5)
	near("the disk's share", b.Disk.Busy, 0.3)
	near("the disk's depth", b.Disk.Depth, 2)
	near("a request, in ms", b.Disk.QueueMS, 2)
	near("bytes written", float64(b.Disk.BytesWritten), 8.95e9)
	near("throttled ms", *b.PageCache.ThrottledMS, 895)
	near("hits", *b.PageCache.HitRatio, 0.75)
	if b.PageCache.DirtyMaxBytes != 700 || *b.Disk.Seeks != 0 || *b.Disk.Flushes != 9 ||
		b.ClientCPU != nil || b.Network != nil {
		t.Errorf("the broker's %+v, %+v", b.PageCache, b.Disk)
	}
	near("the producer's CPU", p.ClientCPU.Busy, 1.0/16)
	near("the producer's link", p.Network.Busy, 0.2)
	if p.CPU != nil || p.Disk != nil || p.PageCache != nil {
		t.Errorf("the producer's %+v", p)
	}
	all := together(nodes)
	near("all CPUs", all.CPU.Busy, 0.5)
	near("all disks", all.Disk.Depth, 2)
	if all.Network != nil || all.ClientCPU == nil {
		t.Errorf("together: network %v, clients %v", all.Network, all.ClientCPU)
	}
}

// Goal: a load that ends within its warm-up is measured whole. Method: one that does.
func TestMeterWithoutWindow(t *testing.T) {
	m := metered(5*time.Second, 2*time.Second, time.Second)
	if span := windowOf(m); span != 2*time.Second || m.usage()[0].PageCache.DirtyMaxBytes != 900 {
		t.Errorf("a window of %v, %+v", span, m.usage()[0].PageCache)
	}
}

// Goal: activity is in even samples, and a long run is thinned and not cut. Method:
// two loads, and what their samples add up to.
func TestMeterActivity(t *testing.T) {
	for _, load := range []time.Duration{10 * time.Second, 500 * time.Second} {
		all := metered(time.Second, load, 3*time.Second).activity(1, nil)
		if len(all) != 2 {
			t.Fatalf("%d nodes", len(all))
		}
		a := all[0]
		n := a.Samples()
		if got := time.Duration(float64(n) * a.EveryS * 1e9); got < load || got > load+3*time.Second ||
			n > results.ActivitySamplesMax || n < 100 {
			t.Errorf("%d samples of %v s for a load of %v", n, a.EveryS, load)
		}
		var written int64
		for i, w := range a.Disks[0].BytesWritten {
			written += w
			if busy := a.Disks[0].Busy[i]; busy < 0.299 || busy > 0.301 {
				t.Fatalf("sample %d: busy %v", i, busy)
			}
		}
		if head := a.Disks[0].HeadOffset[n-1]; written != head {
			t.Errorf("samples add up to %d bytes of %d", written, head)
		}
		if a.Node != "broker-1" || a.WarmupS != 1 || a.EndS != load.Seconds() || len(a.PageCache.DirtyBytes) != n {
			t.Errorf("%s, warm-up %v, end %v", a.Node, a.WarmupS, a.EndS)
		}
	}
}

// Goal: a real run with shaped links tells what each node's card did, and one without
// tells of the machine alone. Method: readings of both, with two nodes.
func TestRealCardsAreRead(t *testing.T) {
	machine := reading{nodes: []nodeReading{{name: "machine", cpu: true, cores: 2}}}
	for _, row := range []struct {
		bytesPerSec int64
		want        []nodeReading
	}{
		{0, machine.nodes},
		{1e6, []nodeReading{machine.nodes[0], {name: "broker-1", net: netReading{known: true}},
			{name: "producer-1", client: true, net: netReading{known: true}}}},
	} {
		cards := &cardReader{world: realworld.New(realworld.Config{}), shaped: row.bytesPerSec > 0}
		cards.add("broker-1", false)
		cards.add("producer-1", true)
		got := cards.read(machine).nodes
		if diff := cmp.Diff(row.want, got, cmp.AllowUnexported(nodeReading{}, netReading{})); diff != "" {
			t.Errorf("links of %d bytes/s (-want +got):\n%s", row.bytesPerSec, diff)
		}
	}
}
