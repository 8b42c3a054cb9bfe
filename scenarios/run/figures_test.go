package run

import (
	"hash/crc32"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"brokerlab/engine/env"
	"brokerlab/results"
	"brokerlab/scenarios/spec"
)

// Goal: the bytes on disk that a result tells of are those of the logs' files, and of what
// was sent each replica has one. Method: a run that keeps its logs, with segments that
// roll, and the sizes of all files that it has left.
func TestBytesOnDisk(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	file := parsed(t, `
cluster: {brokers: 2}
topic: {partitions: 3, replication.factor: 2, segment.bytes: 64KiB}
producers: {acks: all, compression.type: lz4, batch.size: 4KiB}
load: {warmup: 100ms, duration: 300ms, rate: 3000/s}
`)
	out, err := Run(file, nil, Options{Disks: []string{"dir:" + dir}, Out: t.TempDir(), Live: &Live{}, Keep: true,
		known: known})
	if err != nil {
		t.Fatal(err)
	}
	var bytes, logs int64
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".log" {
			return err
		}
		info, err := d.Info()
		bytes, logs = bytes+info.Size(), logs+1
		return err
	})
	c := &out.Result.Cells[0]
	if err != nil || logs < 2*6 || bytes != c.BytesDisk || bytes != 2*c.BytesWire || c.Acked == 0 {
		t.Errorf("%d files of %d bytes; told are %d on disk and %d on the wire, %v", logs, bytes, c.BytesDisk, c.BytesWire,
			err)
	}
}

// syncs are the forced flushes of logs that a file system has seen.
type syncs struct {
	all, within int64 // within the measured window
	took        time.Duration
	from, to    env.Time // of the window
}

// syncedFS counts the forced flushes of a node's .log files.
type syncedFS struct {
	env.FS
	node env.Node
	seen *syncs
}

func (s *syncedFS) Create(path string) (env.File, error) { return s.opened(path)(s.FS.Create(path)) }

func (s *syncedFS) Open(path string) (env.File, error) { return s.opened(path)(s.FS.Open(path)) }

func (s *syncedFS) opened(path string) func(env.File, error) (env.File, error) {
	return func(f env.File, err error) (env.File, error) {
		if err != nil || !strings.HasSuffix(path, ".log") {
			return f, err
		}
		return &syncedFile{File: f, of: s}, nil
	}
}

type syncedFile struct {
	env.File
	of *syncedFS
}

func (f *syncedFile) Sync() error {
	began := f.of.node.Now()
	err := f.File.Sync()
	ended := f.of.node.Now()
	seen := f.of.seen
	seen.all++
	if ended >= seen.from && ended < seen.to {
		seen.within++
		seen.took += ended.Sub(began)
	}
	return err
}

// Goal: the fsyncs that a result counts are those that the disk is asked for, those that
// it times are those of the measured window, and so long do they take. Method: a file
// system that counts by itself, on a modelled disk.
func TestFsyncsOfTheDisk(t *testing.T) {
	skipUnderRace(t)
	const warmup, length = 200 * time.Millisecond, time.Second
	r, err := prepare(&spec.File{Base: firstCell(t, `
disk: nvme
cluster: {brokers: 2}
topic: {partitions: 2, replication.factor: 2, flush.messages: 20, segment.bytes: 256KiB}
load: {warmup: 200ms, duration: 1s, rate: 3000/s}
`).Scenario}, Options{Live: &Live{}})
	if err != nil {
		t.Fatal(err)
	}
	cell, disk := r.placed[0].Cell, r.placed[0].Disk
	rep, err := newRepeat(&cell.Scenario, place{disk: disk, device: r.devices[disk], library: r.library}, 1,
		r.opts.Live.begin(where{}))
	if err != nil {
		t.Fatal(err)
	}
	defer rep.stage.close()
	rep.shared = rep.newShared(0)
	seen := &syncs{to: env.Never}
	mount := rep.stage.mount
	rep.stage.mount = func(broker string) func(env.Node) env.FS {
		inner := mount(broker)
		return func(n env.Node) env.FS { return &syncedFS{FS: inner(n), node: n, seen: seen} }
	}
	read := rep.stage.read
	rep.stage.read = func(now env.Time) reading {
		seen.from, seen.to = rep.loadFrom.Add(warmup), rep.loadFrom.Add(length)
		return read(now)
	}
	if err := rep.run(); err != nil {
		t.Fatal(err)
	}
	m := rep.measure(1, time.Now())
	l := m.repeat.Latency[results.Fsync]
	mean := float64(seen.took) / float64(seen.within)
	if m.repeat.Fsyncs != seen.all || l.Count != seen.within || math.Abs(l.Mean-mean) > 0.001*mean || seen.within < 100 ||
		seen.all <= seen.within {
		t.Errorf("the disk saw %d fsyncs, %d of them in the window, of %.0f ns; told are %d and %+v", seen.all, seen.within,
			mean, m.repeat.Fsyncs, l)
	}
}

// Goal: what a profile says of parts is about all that the process used, and with what is
// not sampled it is all. Method: a window
// of a loop that works for a while, and the processor time that the system counts. A
// sample stands for 10 ms.
func TestPartsAreTheWhole(t *testing.T) {
	w := &processWindow{}
	w.see(true)
	data, sum := make([]byte, 1<<16), uint32(0)
	for used := cpuNow(); cpuNow().total-used.total < 400*time.Millisecond; {
		sum += crc32.ChecksumIEEE(data)
	}
	w.end()
	_, parts := w.result()
	var all, sampled float64
	for _, p := range parts {
		all += p.Seconds
		if p.Name != partUnsampled {
			sampled += p.Seconds
		}
	}
	used := (w.to.cpu.total - w.from.cpu.total).Seconds()
	if sampled < 0.7*used || sampled > 1.3*used || all < used-1e-9 {
		t.Errorf("parts of %.3f s, with the rest %.3f s, of %.3f s that were used: %+v (%d)", sampled, all, used, parts, sum)
	}
	few := []results.CPUPart{{Side: results.SideClients, Name: partCopy, Seconds: 1}}
	if got := withUnsampled(few, 3*time.Second); len(got) != 2 || got[0].Name != partUnsampled || got[0].Seconds != 2 {
		t.Errorf("1 s of 3 s is sampled: %+v", got)
	}
	if got := withUnsampled(few, time.Second/2); len(got) != 1 || withUnsampled(nil, time.Second) != nil {
		t.Errorf("more than all, or nothing, is sampled: %+v", got)
	}
}

// left is what a process holds.
type left struct {
	goroutines, files int
	heap              int64 // bytes
}

func leftNow() (l left) {
	runtime.GC()
	runtime.GC() // what has a finalizer
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	files, _ := os.ReadDir("/proc/self/fd")
	return left{goroutines: runtime.NumGoroutine(), files: len(files), heap: int64(m.HeapAlloc)}
}

// Goal: repeats give back what they took: goroutines, files and memory. Method: a small
// one 50 times on simulated disks of two kinds, and 5 times for real, and what is held
// after some of them and after all.
func TestNothingIsLeft(t *testing.T) {
	cell := firstCell(t, `
cluster: {brokers: 2}
topic: {partitions: 2, replication.factor: 2}
records: {size: 100, payload: random}
producers: {compression.type: none}
load: {warmup: 0s, duration: 50ms, rate: 1000/s}
`)
	for _, c := range []struct {
		disk  string
		times int
	}{{DiskSim, 25}, {"nvme", 25}, {"dir:" + filepath.Join(t.TempDir(), "data"), 5}} {
		if raceSkips(c.disk) {
			continue
		}
		r, err := prepare(&spec.File{Base: cell.Scenario}, Options{Disks: []string{c.disk}, Live: &Live{}})
		if err != nil {
			t.Fatal(err)
		}
		var before left
		for i := range c.times {
			if i == c.times/5 { // pools and the like have what they need
				before = leftNow()
			}
			at, err := r.dirs[c.disk].newRun("left")
			if err != nil {
				t.Fatal(err)
			}
			rep, err := newRepeat(&cell.Scenario, place{disk: c.disk, dirs: at, device: r.devices[c.disk],
				library: r.library}, 1, r.opts.Live.begin(where{}))
			if err != nil {
				t.Fatal(err)
			}
			rep.shared = rep.newShared(0)
			if err := rep.run(); err != nil {
				t.Fatal(err)
			}
			rep.measure(i+1, time.Now())
			rep.stage.close()
			rep.live.end()
			if err := r.dirs[c.disk].remove(at); err != nil {
				t.Fatal(err)
			}
		}
		after := leftNow()
		if after.goroutines > before.goroutines || after.files > before.files || after.heap > before.heap+1<<20 {
			t.Errorf("%s: held before %+v, and after %d repeats %+v", c.disk, before, c.times, after)
		}
		if err := r.closeDisks(); err != nil {
			t.Error(err)
		}
	}
}
