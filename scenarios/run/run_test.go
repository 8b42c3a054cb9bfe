package run

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"brokerlab/disks/datadir"
	"brokerlab/disks/profiles"
	"brokerlab/results"
	"brokerlab/results/schema"
	"brokerlab/scenarios/spec"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// tiny is a scenario that takes little of either clock.
const tiny = `
title: Tiny
question: Does it run?
cluster: {brokers: 3}
topic: {partitions: 4, replication.factor: 3}
producers: {count: 2, batch.size: 8KiB, linger.ms: 1ms, compression.type: snappy}
consumers: {count: 2}
records: {size: 200}
load: {warmup: 0s, duration: 500ms, max-bytes: 6MB}
vary:
  load:
    full speed: {load.rate: max}
    open loop: {load.rate: 2000/s}
`

// raceEnabled says whether the race detector is built in, which makes a simulation 20 times
// slower. In one world it has nothing to find, for tasks take turns; worlds side by side,
// and what looks at them from outside, are what it looks at.
var raceEnabled bool

// skipUnderRace skips a test that simulates one cell after the other.
func skipUnderRace(t *testing.T) {
	t.Helper()
	if raceEnabled {
		t.Skip("all is simulated, alone; the plain tests run it")
	}
}

// raceSkips says whether the part of a test that runs on a disk is left out in the same way.
func raceSkips(disk string) bool { return raceEnabled && Target(disk) == results.TargetSim }

// known are the figures of records that tests have: most have the same, and to compute
// them takes longer than many a run.
var known = newCorpora()

// parsed is a scenario with overrides, each PATH=VALUE.
func parsed(t *testing.T, text string, sets ...string) *spec.File {
	t.Helper()
	f, err := spec.Parse("tiny.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, set := range sets {
		path, value, _ := strings.Cut(set, "=")
		if err := f.Set(path, value); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

// firstCell is the first cell of a scenario.
func firstCell(t *testing.T, text string) *spec.Cell {
	t.Helper()
	cells, err := parsed(t, text).Cells()
	if err != nil {
		t.Fatal(err)
	}
	return &cells[0]
}

// execute runs a scenario from its text.
func execute(t *testing.T, text, disk string, change func(*spec.File)) (*Outcome, error) {
	t.Helper()
	file := parsed(t, text)
	if change != nil {
		change(file)
	}
	out, err := Run(file, []byte(text), Options{Disks: []string{disk}, Out: filepath.Join(t.TempDir(), "runs"),
		Live: &Live{}, Warn: func(m string) { t.Log("warning:", m) }, known: known})
	if out != nil {
		stored, readErr := os.ReadFile(filepath.Join(out.Folder.Path, results.ResultFile))
		if err := errors.Join(readErr, schema.Check(stored)); err != nil {
			t.Errorf("result.json: %v", err)
		}
	}
	return out, err
}

// checkCell says what is wrong with a cell of a good run.
func checkCell(t *testing.T, c *results.Cell) {
	t.Helper()
	if c.Acked == 0 || c.Acked != c.Sent || c.Consumed != c.Acked || c.Failed != 0 || c.Bad() != 0 {
		t.Errorf("%v: counts %+v", c.Labels, c.Counts)
	}
	if c.RecordsPerS <= 0 || c.MBPerS <= 0 || c.CompressionRatio < 0.9 || c.BytesDisk != 3*c.BytesWire {
		t.Errorf("%v: %.0f records/s, %.2f MB/s, ratio %.2f, wire %d, disk %d", c.Labels, c.RecordsPerS, c.MBPerS,
			c.CompressionRatio, c.BytesWire, c.BytesDisk)
	}
	if c.RequestsPerS <= 0 || c.RequestsPerS > c.BatchesPerS || c.BatchesPerS > c.RecordsPerS {
		t.Errorf("%v: %v records/s, %v batches/s, %v requests/s", c.Labels, c.RecordsPerS, c.BatchesPerS, c.RequestsPerS)
	}
	for _, name := range []string{results.Produce, results.EndToEnd} {
		l := c.Latency[name]
		if l.Count == 0 || l.P50 <= 0 || l.P50 > l.P99 || l.P99 > l.Max || l.Overflow != 0 {
			t.Errorf("%v: %s latency %+v", c.Labels, name, l)
		}
	}
	checkSums(t, c)
}

// Goal: a scenario runs for real from boot to read-back, each cell from where the one
// before it has given its memory back, and leaves nothing in the data directory. Method: a
// small one on a temporary directory, and the collections of garbage that were asked for.
func TestRunReal(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	out, err := execute(t, tiny, "dir:"+dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if runtime.ReadMemStats(&after); after.NumForcedGC < before.NumForcedGC+2 {
		t.Errorf("memory was given back %d times before 2 cells", after.NumForcedGC-before.NumForcedGC)
	}
	for i := range out.Result.Cells {
		c := &out.Result.Cells[i]
		checkCell(t, c)
		if c.Target != results.TargetReal || c.Wall.CPUSecondsPerGB == nil {
			t.Errorf("%v: target %q, CPU %v", c.Labels, c.Target, c.Wall.CPUSecondsPerGB)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) > 0 {
		t.Errorf("left in the data directory: %v", left)
	}
}

// Goal: data that other runs left is told of, for it takes room and may be
// forgotten. Method: a data directory with the run of another in it.
func TestOtherRunsAreToldOf(t *testing.T) {
	dir := t.TempDir()
	other, err := datadir.Prepare(dir)
	if err != nil {
		t.Fatal(err)
	}
	left, err := other.NewRun("killed")
	if err != nil {
		t.Fatal(err)
	}
	out, err := execute(t, tiny, "dir:"+dir, func(f *spec.File) { f.Base.Load.Duration = 100 * time.Millisecond })
	if err != nil {
		t.Fatal(err)
	}
	if w := out.Result.Warnings; len(w) != 1 || !strings.Contains(w[0], filepath.Base(left)) {
		t.Errorf("the warnings are %q", w)
	}
}

// Goal: the same scenario runs simulated, and the same seed gives the same
// result. Method: twice, and once with another seed.
func TestRunSimulated(t *testing.T) {
	skipUnderRace(t)
	var texts [][]byte
	for _, seed := range []uint64{1, 1, 2} {
		out, err := execute(t, tiny, DiskSim, func(f *spec.File) { f.Base.Seed = seed })
		if err != nil {
			t.Fatal(err)
		}
		for i := range out.Result.Cells {
			checkCell(t, &out.Result.Cells[i])
		}
		text, err := results.Encode(withoutWall(out.Result))
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, text)
	}
	if !bytes.Equal(texts[0], texts[1]) {
		t.Error("one seed gave two results")
	}
	if bytes.Equal(texts[0], texts[2]) {
		t.Error("two seeds gave one result")
	}
}

// Goal: stopping a run keeps a result that is marked incomplete. Method: stop a real one
// from outside during the load; a simulated one is in TestSimulatedRunInterrupted.
func TestRunInterrupted(t *testing.T) {
	disk := "dir:" + filepath.Join(t.TempDir(), "data")
	file := parsed(t, tiny)
	live := &Live{}
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		for {
			if w := live.Work(); w.RealTotal > 2 || w.RealEnded > w.RealTotal {
				t.Errorf("work: %+v", w)
			}
			if s, ok := live.Status(); ok && s.Acked > 0 {
				live.Stop()
				return
			}
			time.Sleep(time.Millisecond)
		}
	}()
	out, err := Run(file, []byte(tiny), Options{Disks: []string{disk}, Out: t.TempDir(), Live: live, known: known})
	<-stopped
	if err == nil || out == nil || out.Result.Complete || out.Result.Incomplete == "" {
		t.Errorf("%s: error %v, outcome %+v", disk, err, out)
	}
}

// Goal: what retention deleted before it was read back is said, and is neither lost
// nor an error. Method: a run with small segments of which few are kept.
func TestRunWithRetention(t *testing.T) {
	skipUnderRace(t)
	out, err := execute(t, tiny, DiskSim, func(f *spec.File) {
		f.Base.Topic.SegmentBytes, f.Base.Topic.RetentionBytes = 16384, 16384
		f.Base.Cluster.LogRetentionCheck = 5 * time.Millisecond
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range out.Result.Cells {
		if c.Counts.Lost != 0 || c.Counts.Bad() != 0 || c.Counts.Acked == 0 {
			t.Errorf("%+v", c.Counts)
		}
		if !slices.ContainsFunc(c.Warnings, func(w string) bool { return strings.Contains(w, "retention deleted ") }) {
			t.Errorf("nothing is said of what retention deleted: %q", c.Warnings)
		}
	}
}

// Goal: records that carry sizes alone run through all of a scenario on a modelled disk,
// and are refused where bytes are written. Method: the small scenario, with lz4.
func TestRunModelled(t *testing.T) {
	skipUnderRace(t)
	change := func(f *spec.File) {
		f.Base.Records.Payload, f.Base.Producers.Compression = spec.PayloadModelled, "lz4"
	}
	out, err := execute(t, tiny, "nvme", change)
	if err != nil {
		t.Fatal(err)
	}
	for i := range out.Result.Cells {
		c := &out.Result.Cells[i]
		checkCell(t, c)
		if c.Hash == "" || c.VirtualS <= 0 || c.Disk == nil || c.PageCache == nil || c.CPU == nil || c.Network == nil ||
			c.Bound == nil || c.Wall.EventsPerS <= 0 || len(c.Nodes) != 7 {
			t.Errorf("%v: hash %q, %v s, bound %+v, %d nodes", c.Labels, c.Hash, c.VirtualS, c.Bound, len(c.Nodes))
		}
		activity, err := out.Folder.Activity(i)
		if err != nil || len(activity) != 7 || len(activity[0].Disks) != 1 {
			t.Errorf("%v: activity of %d nodes, %v", c.Labels, len(activity), err)
		}
	}
	var usage *UsageError
	if _, err := execute(t, tiny, "dir:"+t.TempDir(), change); !errors.As(err, &usage) {
		t.Errorf("a real disk took records without bytes: %v", err)
	}
}

// Goal: a broker has as many modelled disks as its host, and a profile may be a file of
// the user's. Method: two disks of a profile that is written to a file, and one that is
// wrong.
func TestRunOnProfileFile(t *testing.T) {
	skipUnderRace(t)
	src, err := profiles.Text("nvme-plp")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "mine.yaml")
	if err := os.WriteFile(path, src, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := execute(t, tiny, path, func(f *spec.File) { f.Base.Host.Disks, f.Base.Load.MaxBytes = 2, 1e6 })
	if err != nil {
		t.Fatal(err)
	}
	activity, err := out.Folder.Activity(0)
	if err != nil || len(activity) == 0 || len(activity[0].Disks) != 2 || activity[0].Disks[1].Name != "disk-2" {
		t.Errorf("activity %+v, %v", activity, err)
	}
	if err := os.WriteFile(path, bytes.Replace(src, []byte("kind: ssd"), []byte("kind: tape"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	var usage *UsageError
	if _, err := execute(t, tiny, path, nil); !errors.As(err, &usage) || !strings.Contains(err.Error(), "mine.yaml:") {
		t.Errorf("a wrong profile: %v", err)
	}
}
