package results

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

func count(n int64) *int64         { return &n }
func figure(v float64) *float64    { return &v }
func disk(busy float64) *DiskUsage { return &DiskUsage{Busy: busy} }

// Goal: the resource that bounds a cell follows from what was used, and nothing is
// named where nothing is known. Method: a table of usages, a sentence each.
func TestBoundOf(t *testing.T) {
	cpu := func(busy float64) *CPUUsage { return &CPUUsage{Busy: busy, Cores: 4} }
	throttled := func(ms float64) *PageCacheUsage { return &PageCacheUsage{ThrottledMS: &ms} }
	node := func(name string, u Usage) NodeUsage { return NodeUsage{Name: name, Usage: u} }
	for _, row := range []struct {
		sentence string
		nodes    []NodeUsage
		closed   bool
		want     *Bound
	}{
		{"nothing is known", []NodeUsage{node("broker-1", Usage{})}, true, nil},
		{"the busiest disk is named with its broker", []NodeUsage{
			node("broker-1", Usage{Disk: disk(0.3), CPU: cpu(0.5)}),
			node("broker-2", Usage{Disk: disk(0.97), CPU: cpu(0.85)})}, true,
			&Bound{Resource: BoundDisk, Share: 0.97, Node: "broker-2"}},
		{"of two that are nearly full the fuller one bounds", []NodeUsage{
			node("broker-1", Usage{Network: &NetworkUsage{Busy: 0.91}, CPU: cpu(0.95)})}, true,
			&Bound{Resource: BoundCPU, Share: 0.95, Node: "broker-1"}},
		{"a client's cores bound as well", []NodeUsage{
			node("broker-1", Usage{CPU: cpu(0.2)}), node("producer-1", Usage{ClientCPU: cpu(0.99)})}, true,
			&Bound{Resource: BoundClientCPU, Share: 0.99, Node: "producer-1"}},
		{"writers that are held back stand for the disk", []NodeUsage{
			node("broker-1", Usage{Disk: disk(1), PageCache: throttled(4000)})}, true,
			&Bound{Resource: BoundPageCache, Share: 0.4, Node: "broker-1"}},
		{"a little throttling does not bound", []NodeUsage{
			node("broker-1", Usage{Disk: disk(0.95), PageCache: throttled(50)})}, true,
			&Bound{Resource: BoundDisk, Share: 0.95, Node: "broker-1"}},
		{"a client whose one thread is full bounds at full speed", []NodeUsage{
			node("broker-1", Usage{CPU: cpu(0.2)}), node("producer-1", Usage{ClientCPU: cpu(0.27)})}, true,
			&Bound{Resource: BoundClientThread, Share: 1, Node: "producer-1"}},
		{"at full speed with nothing full, waits in turn bound", []NodeUsage{
			node("broker-1", Usage{Disk: disk(0.1), CPU: cpu(0.4)})}, true,
			&Bound{Resource: BoundLatency, Share: 0.4}},
		{"at a steady rate with nothing full, the rate does", []NodeUsage{
			node("broker-1", Usage{Disk: disk(0.1), CPU: cpu(0.4)})}, false,
			&Bound{Resource: BoundRate, Share: 0.4}},
	} {
		if got := BoundOf(row.nodes, 10, row.closed); !reflect.DeepEqual(got, row.want) {
			t.Errorf("%s: %+v, want %+v", row.sentence, got, row.want)
		}
	}
}

// Goal: usages of repeats become that of a cell as their comment says. Method: two
// repeats with figures that tell medians, sums and maxima apart.
func TestMergeUsage(t *testing.T) {
	repeat := func(busy float64, flushes int64, dirty int64, hits *float64) Repeat {
		u := Usage{
			Disk:      &DiskUsage{Busy: busy, QueueMS: 10 * busy, Flushes: count(flushes), Requests: 5, BytesWritten: 100},
			PageCache: &PageCacheUsage{DirtyMaxBytes: dirty, HitRatio: hits},
		}
		return Repeat{Usage: u, Nodes: []NodeUsage{{Name: "broker-1", Usage: u}, {Name: "producer-1", Client: true}}}
	}
	all, nodes := MergeUsage([]Repeat{repeat(0.2, 3, 900, nil), repeat(0.4, 4, 500, figure(0.5))})
	want := Usage{
		Disk:      &DiskUsage{Busy: 0.30000000000000004, QueueMS: 3, Flushes: count(7), Requests: 10, BytesWritten: 200},
		PageCache: &PageCacheUsage{DirtyMaxBytes: 900, HitRatio: figure(0.5)},
	}
	if !reflect.DeepEqual(all, want) {
		t.Errorf("merged %+v %+v, want %+v %+v", all.Disk, all.PageCache, want.Disk, want.PageCache)
	}
	wantNodes := []NodeUsage{{Name: "broker-1", Usage: want}, {Name: "producer-1", Client: true}}
	if !reflect.DeepEqual(nodes, wantNodes) {
		t.Errorf("nodes %+v", nodes)
	}
}

// Goal: activity comes back as it was written, none is told apart from damaged, and
// lists of different lengths are refused. Method: write, read, damage.
func TestActivityFile(t *testing.T) {
	folder, err := Create(t.TempDir(), "disks", evening)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := folder.Activity(0); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a cell without activity: %v", err)
	}
	want := []Activity{{Repeat: 1, Node: "broker-1", EveryS: 0.1, WarmupS: 1, EndS: 10, CPUBusy: []float64{0.5, 0.25},
		PageCache: &PageCacheActivity{DirtyBytes: []int64{1, 2}},
		Disks: []DiskActivity{{Name: "disk-1", Busy: []float64{0, 1}, Queue: []float64{0, 3},
			BytesWritten: []int64{0, 4096}, BytesRead: []int64{0, 0}, HeadOffset: []int64{5, 6}}}},
		{Repeat: 1, Node: "broker-2", EveryS: 0.1, WarmupS: 1, EndS: 10}}
	if err := folder.WriteActivity(0, want); err != nil {
		t.Fatal(err)
	}
	got, err := folder.Activity(0)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("read %+v, %v; want %+v", got, err, want)
	}
	if n := got[0].Samples(); n != 2 {
		t.Errorf("%d samples, want 2", n)
	}
	for sentence, text := range map[string]string{
		"no JSON":                  `[`,
		"lists differ":             `[{"every_s":1,"cpu_busy":[1,2],"network":{"send_bytes":[1],"receive_bytes":[1]}}]`,
		"samples without a length": `[{"every_s":0}]`,
	} {
		path := filepath.Join(folder.Path, ActivityFile(1))
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := folder.Activity(1); err == nil {
			t.Errorf("%s: read without an error", sentence)
		}
	}
}
