package run

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/pprof/profile"

	"brokerlab/engine/env"
	"brokerlab/results"
	"brokerlab/scenarios/spec"
)

// checkTiming says what a cell lacks of where its time went. The mean of a histogram
// is right to three digits, those of the stages to the nanosecond.
func checkTiming(t *testing.T, c *results.Cell) {
	t.Helper()
	b := c.Breakdown
	if b == nil {
		t.Fatalf("%v: no breakdown", c.Labels)
	}
	for name, of := range map[string]struct {
		stages  []results.Stage
		records int64
	}{results.Produce: {b.Produce, b.ProduceRecords}, results.EndToEnd: {b.EndToEnd, b.EndToEndRecords}} {
		l := c.Latency[name]
		if sum := results.SumNS(of.stages); of.records != l.Count || math.Abs(sum-l.Mean) > 0.001*l.Mean {
			t.Errorf("%v: the stages of %s add up to %.0f ns for %d records, the mean is %.0f of %d", c.Labels, name, sum,
				of.records, l.Mean, l.Count)
		}
	}
	service, produce := c.Latency[results.Service], c.Latency[results.Produce]
	if service.Count != produce.Count || service.P50 <= 0 || service.Mean > produce.Mean || service.Max > produce.Max {
		t.Errorf("%v: service time %+v, latency %+v", c.Labels, service, produce)
	}
	if s := c.Repeats[0].Seconds; len(s) == 0 || s[0].E2E50 <= 0 || s[0].E2E50 > s[0].E2E99 {
		t.Errorf("%v: end-to-end by second: %+v", c.Labels, s)
	}
}

// Goal: a result says where time and processor went, how long fsyncs took and what was
// not forced, of measured and of simulated cells, whatever is waited for, and a simulated
// one the same each time. Method: a small scenario with forced flushes on files and on a
// modelled disk.
func TestTiming(t *testing.T) {
	const text = `
title: Forced
question: Where does the time go?
cluster: {brokers: 3}
topic: {partitions: 4, replication.factor: 3, flush.messages: 50}
producers: {count: 2, batch.size: 8KiB, linger.ms: 1ms, compression.type: snappy}
consumers: {count: 2}
records: {size: 200}
load: {warmup: 200ms, duration: 1s, rate: 4000/s}
vary: {producers.acks: [all, 1, 0]}
`
	var texts []string
	for _, disk := range []string{"nvme", "nvme", "dir:"} {
		if raceSkips(disk) {
			continue
		}
		acks := "all,1,0"
		if disk == "dir:" {
			disk, acks = disk+t.TempDir(), "all"
		}
		out, err := execute(t, text, disk, func(f *spec.File) {
			if err := f.Set("vary.producers.acks", acks); err != nil {
				t.Fatal(err)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		for i := range out.Result.Cells {
			checkTiming(t, &out.Result.Cells[i])
			checkForced(t, out, i)
		}
		text, err := results.Encode(withoutWall(out.Result))
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(text))
	}
	if !raceEnabled && texts[0] != texts[1] {
		t.Error("one seed gave two results")
	}
}

// checkForced says what a cell of TestTiming lacks of its flushes and of its processors.
func checkForced(t *testing.T, out *Outcome, index int) {
	t.Helper()
	c := &out.Result.Cells[index]
	sync := c.Latency[results.Fsync]
	if sync.Count == 0 || sync.Count > c.Fsyncs || sync.P50 <= 0 {
		t.Errorf("%v: %d fsyncs, timed %+v", c.Labels, c.Fsyncs, sync)
	}
	fsync := func(s results.Stage) bool { return s.Name == results.StageFsync }
	if waits := c.Labels["acks"] != "0"; slices.ContainsFunc(c.Breakdown.Produce, fsync) != waits ||
		!slices.ContainsFunc(c.Breakdown.EndToEnd, fsync) {
		t.Errorf("%v: time in fsync: %+v, %+v", c.Labels, c.Breakdown.Produce, c.Breakdown.EndToEnd)
	}
	all, err := out.Folder.Activity(index)
	if err != nil {
		t.Fatal(err)
	}
	most := int64(0)
	for _, a := range all {
		for i := range a.UnflushedRecords {
			most = max(most, a.UnflushedRecords[i])
			if a.UnflushedRecords[i] < 0 || a.UnflushedBytes[i] < 0 {
				t.Errorf("%v: %d records of %d bytes are not forced", c.Labels, a.UnflushedRecords[i], a.UnflushedBytes[i])
			}
		}
	}
	if most == 0 {
		t.Errorf("%v: at no time was a record not forced", c.Labels)
	}
	parts := c.CPUParts
	if c.Target == results.TargetReal {
		parts = c.Wall.CPUParts
		if p := c.Wall.Process; p == nil || p.ContextSwitches == 0 || p.MemoryMaxBytes < 1<<20 {
			t.Errorf("%v: the process: %+v", c.Labels, p)
		}
	} else if c.Wall.Process != nil {
		t.Errorf("%v: a simulated cell has a process", c.Labels)
	}
	if len(parts) == 0 {
		t.Errorf("%v: no parts of the processor's time", c.Labels)
	}
}

// Goal: what is not forced is told of each broker, or of the machine that they share.
// Method: changes of two brokers, and readings of both kinds.
func TestUnflushedReading(t *testing.T) {
	r := &repeat{}
	for range 2 {
		r.timing.logs = append(r.timing.logs, &logWatch{of: &r.timing})
	}
	r.timing.logs[0].Unflushed(3, 300)
	r.timing.logs[1].Unflushed(5, 500)
	r.timing.logs[1].Unflushed(-1, -100)
	r.timing.logs[1].Fsync(1, 2) // before the load
	sim := reading{nodes: []nodeReading{{name: "producer-1", client: true, cpu: true}, {name: "broker-2", cpu: true},
		{name: "broker-1", cpu: true}}}
	r.timing.addUnflushed(&sim)
	if sim.nodes[0].unflushed != nil || *sim.nodes[1].unflushed != (unflushedReading{4, 400}) ||
		*sim.nodes[2].unflushed != (unflushedReading{3, 300}) {
		t.Errorf("of brokers: %+v", sim.nodes)
	}
	real := reading{nodes: []nodeReading{{name: machineName, cpu: true}, {name: "broker-1"}}}
	r.timing.addUnflushed(&real)
	if *real.nodes[0].unflushed != (unflushedReading{7, 700}) || real.nodes[1].unflushed != nil {
		t.Errorf("of the machine: %+v", real.nodes)
	}
}

// Goal: a load that ends within its warm-up leaves a meter that goes on. Method: the
// next instant after the end is behind the last reading.
func TestMeterGoesOn(t *testing.T) {
	m := newMeter(0, time.Second)
	m.take(counted(0))
	m.endLoad(counted(env.Time(500 * time.Millisecond)))
	for range 30 {
		at := m.next()
		m.take(counted(at))
		if next := m.next(); next <= at {
			t.Fatalf("after %d the meter is to be read at %d", at, next)
		}
	}
}

// Goal: parts are those of the window, of brokers and clients apart. Method: counters
// that grow evenly.
func TestCPUParts(t *testing.T) {
	at := func(seconds int64) reading {
		r := counted(env.Time(seconds * 1e9))
		broker, client := charged{}, charged{}
		ms := time.Duration(seconds) * time.Millisecond
		broker[env.OpCRC], broker[env.OpHandle], broker[env.OpRequest] = ms, 2*ms, ms
		client[env.OpCompressLZ4] = time.Duration(seconds) * time.Second
		r.nodes[0].charged, r.nodes[1].charged = &broker, &client
		return r
	}
	m := newMeter(0, time.Second)
	m.take(at(0))
	m.take(at(1))
	m.endLoad(at(11))
	want := []results.CPUPart{{Side: results.SideBrokers, Name: partRequests, Seconds: 0.03},
		{Side: results.SideBrokers, Name: partChecksum, Seconds: 0.01},
		{Side: results.SideClients, Name: partCompress, Seconds: 10}}
	if got := m.cpuParts(); !slices.Equal(got, want) {
		t.Errorf("parts %+v, want %+v", got, want)
	}
}

// Goal: samples of a profile go to the part of the innermost function that is known, and
// to the side whose code is on the stack. Method: stacks as they are met.
func TestClassify(t *testing.T) {
	for _, c := range []struct {
		stack      []string
		part, side string
	}{
		{[]string{"hash/crc32.castagnoliSSE42Triple", "hash/crc32.Update", "brokerlab/engine/record.UpdateCRC",
			"brokerlab/engine/producer.(*batch).seal"}, partChecksum, results.SideClients},
		{[]string{"github.com/golang/snappy.encodeBlock", "brokerlab/engine/codec.(*Compressor).Append",
			"brokerlab/engine/producer.(*batch).seal"}, partCompress, results.SideClients},
		{[]string{"github.com/golang/snappy.decode", "brokerlab/engine/codec.(*Decompressor).Append",
			"brokerlab/engine/commitlog.(*Log).validateRecordsLocked"}, partDecompress, results.SideBrokers},
		{[]string{"runtime.memmove", "brokerlab/engine/record.PutRecord", "brokerlab/engine/producer.(*batch).put",
			"brokerlab/workloads/load.(*producing).send"}, partCopy, results.SideClients},
		{[]string{"internal/runtime/syscall/linux.Syscall6", "syscall.fdatasync", "brokerlab/disks/osfs.(*file).Sync",
			"brokerlab/engine/commitlog.(*Log).flush"}, partFsync, results.SideBrokers},
		{[]string{"internal/runtime/syscall/linux.Syscall6", "syscall.writev", "brokerlab/disks/osfs.(*file).Append",
			"brokerlab/engine/commitlog.(*Log).writeLocked"}, partFiles, results.SideBrokers},
		{[]string{"runtime.greyobject", "runtime.scanobject", "runtime.gcDrain", "runtime.gcBgMarkWorker"}, partGC, ""},
		{[]string{"runtime.futex", "runtime.notesleep", "runtime.stopm", "runtime.findRunnable", "runtime.schedule"},
			partScheduler, ""},
		{[]string{"runtime.procyield", "sync.(*Mutex).lockSlow", "brokerlab/engine/broker.(*partition).asLeader"},
			partScheduler, results.SideBrokers},
		{[]string{"brokerlab/workloads/payload.(*Source).Append", "brokerlab/workloads/load.(*producing).fill"},
			partGenerator, results.SideClients},
		{[]string{"github.com/HdrHistogram/hdrhistogram-go.(*Histogram).RecordValues",
			"brokerlab/results.(*Recorder).Record", "brokerlab/workloads/load.(*producing).onBatch"}, partMeasuring,
			results.SideClients},
		{[]string{"brokerlab/engine/client.(*Conn).Call", "brokerlab/engine/broker.(*replicaFetcher).fetch"}, partRequests,
			results.SideBrokers},
		{[]string{"main.main"}, partOther, ""},
		{nil, partOther, ""},
	} {
		if part, side := classify(c.stack), sideOf(c.stack); part != c.part || side != c.side {
			t.Errorf("%v is %q of %q, want %q of %q", c.stack, part, side, c.part, c.side)
		}
	}
}

// Goal: samples are added up by their processor time. Method: a profile by hand.
func TestPartsOf(t *testing.T) {
	crc := &profile.Location{Line: []profile.Line{{Function: &profile.Function{Name: "hash/crc32.Update"}}}}
	seal := &profile.Location{Line: []profile.Line{{Function: &profile.Function{Name: "brokerlab/engine/producer.seal"}}}}
	p := &profile.Profile{SampleType: []*profile.ValueType{{Type: "samples"}, {Type: "cpu", Unit: "nanoseconds"}},
		Sample: []*profile.Sample{
			{Location: []*profile.Location{crc, seal}, Value: []int64{1, 10_000_000}},
			{Location: []*profile.Location{seal}, Value: []int64{3, 30_000_000}},
			{Location: []*profile.Location{crc, seal}, Value: []int64{1, 10_000_000}},
		}}
	want := []results.CPUPart{{Side: results.SideClients, Name: partRecords, Seconds: 0.03},
		{Side: results.SideClients, Name: partChecksum, Seconds: 0.02}}
	if got := partsOf(p); !slices.Equal(got, want) {
		t.Errorf("parts %+v, want %+v", got, want)
	}
	var none *profiling
	if none.stop(); none.parts() != nil {
		t.Error("no profile has parts")
	}
}
