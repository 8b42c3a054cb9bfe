package run

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"brokerlab/disks/osfs"
	"brokerlab/engine/env"
	"brokerlab/results"
	"brokerlab/scenarios/spec"
)

const backlog = `
cluster: {brokers: 1}
topic: {partitions: 2}
producers: {batch.size: 64KiB, compression.type: none}
records: {size: 1KiB, payload: random}
load: {warmup: 0s, duration: 10s, max-bytes: 16MB}
`

// deviceReads is how many bytes this process has had read from devices.
func deviceReads(t *testing.T) int64 {
	t.Helper()
	text, err := os.ReadFile("/proc/self/io")
	if err != nil {
		t.Skip("no count of bytes read: ", err)
	}
	for line := range bytes.Lines(text) {
		if name, value, _ := bytes.Cut(bytes.TrimSpace(line), []byte(": ")); string(name) == "read_bytes" {
			n, err := strconv.ParseInt(string(value), 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Skip("no count of bytes read")
	return 0
}

// needCold skips the test where pages cannot be dropped, as on tmpfs.
func needCold(t *testing.T, dir string) {
	t.Helper()
	f, err := osfs.New(dir).Create("probe")
	if err != nil {
		t.Fatal(err)
	}
	const size = 1 << 20
	for _, step := range []func() error{
		func() error { return f.Append(env.StaticBuf(make([]byte, size))) }, f.Sync, f.DropCache, f.Close,
	} {
		if err := step(); err != nil {
			t.Fatal(err)
		}
	}
	before := deviceReads(t)
	if _, err := fs.ReadFile(os.DirFS(dir), "probe"); err != nil {
		t.Fatal(err)
	}
	if deviceReads(t)-before < size {
		t.Skip("what was dropped from the page cache is not read from a device here")
	}
}

// Goal: a backlog is read whole after the load, with a rate of its own; from the
// page cache, and cold from the device. Method: runs of 16 MB each, and what the
// process reads from devices (read_bytes of /proc/self/io).
func TestReadBacklogReal(t *testing.T) {
	dir := t.TempDir()
	needCold(t, dir)
	for _, c := range []struct {
		read         string
		atLeast, top float64 // of the bytes on disk
	}{{"tail", 0, 0.2}, {"backlog", 0, 0.2}, {"cold", 0.95, 2}} {
		before := deviceReads(t)
		out, err := execute(t, backlog+"consumers: {count: 2, read: "+c.read+"}\n", "dir:"+filepath.Join(dir, "data"), nil)
		if err != nil {
			t.Fatal(err)
		}
		cell := &out.Result.Cells[0]
		share := float64(deviceReads(t)-before) / float64(cell.BytesDisk)
		if share < c.atLeast || share > c.top {
			t.Errorf("%s: %.3f of the log's %d bytes were read from the device, want %v to %v", c.read, share,
				cell.BytesDisk, c.atLeast, c.top)
		}
		checkBacklog(t, cell, c.read)
	}
}

// Goal: the same in a simulated world, where it is said that nothing is cold.
func TestReadBacklogSimulated(t *testing.T) {
	skipUnderRace(t)
	for _, read := range []string{"tail", "backlog", "cold"} {
		out, err := execute(t, backlog+"consumers: {count: 2, read: "+read+"}\n", DiskSim, nil)
		if err != nil {
			t.Fatal(err)
		}
		checkBacklog(t, &out.Result.Cells[0], read)
		warned := strings.Contains(strings.Join(out.Result.Cells[0].Warnings, "\n"), "nothing is cold")
		if warned != (read == "cold") {
			t.Errorf("%s: warnings %q", read, out.Result.Cells[0].Warnings)
		}
	}
}

// Goal: the seconds of a reading are those in which it was, also where logs are made cold
// first, which is no part of the rate. Method: a cold reading of 300 MB, which a hard disk
// has to write first.
func TestSecondsOfColdReading(t *testing.T) {
	skipUnderRace(t)
	out, err := execute(t, backlog+"consumers: {read: cold}\n", "hdd-7200", func(f *spec.File) {
		f.Base.Load.MaxBytes, f.Base.Records.Payload = 300e6, spec.PayloadModelled
		f.Base.Records.Size.Max = 10 << 10
	})
	if err != nil {
		t.Fatal(err)
	}
	c := &out.Result.Cells[0]
	checkBacklog(t, c, "cold")
	read := phaseOfCell(t, c, results.PhaseRead)
	var first, last, took float64
	for _, s := range c.Repeats[0].Seconds {
		if s.Phase != results.PhaseRead {
			continue
		}
		if s.Consumed > 0 {
			took += s.Length
			if first == 0 {
				first = s.At
			}
		}
		last = s.At + s.Length
	}
	rate := float64(c.Consumed) / c.ConsumedPerS
	if cold := first - read.StartS; cold < 0.9 || last < read.EndS-0.2 || last > read.EndS+1e-9 || rate > took+1 {
		t.Errorf("reading from %v to %v s, by its seconds from %v to %v, %v s long by its rate", read.StartS, read.EndS,
			first, last, rate)
	}
}

// checkBacklog says what is wrong with a cell of a good run.
func checkBacklog(t *testing.T, c *results.Cell, read string) {
	t.Helper()
	if c.Acked == 0 || c.Consumed != c.Acked || c.Failed != 0 || c.Bad() != 0 {
		t.Errorf("%s: counts %+v", read, c.Counts)
	}
	if c.ConsumedPerS <= 0 {
		t.Errorf("%s: %v records/s consumed", read, c.ConsumedPerS)
	}
	during := int64(0)
	for _, s := range c.Repeats[0].Seconds {
		if s.Phase != results.PhaseRead {
			during += s.Consumed
		}
	}
	if (during > 0) != (read == "tail") {
		t.Errorf("%s: %d records were consumed during the load", read, during)
	}
}

// Goal: fsyncs are those of the load, and not of making logs cold for a reading, whether
// producers go on meanwhile or not. Method: a load that forces nothing, read cold, simulated.
func TestFsyncsWithoutColdReading(t *testing.T) {
	skipUnderRace(t)
	const text = "load: {rate: 2000/s, warmup: 0s, duration: 500ms}\nconsumers: {read: cold}\ncluster: {brokers: 1}\n"
	for _, rate := range []string{"none", "1000/s"} {
		out, err := execute(t, text, "nvme", func(f *spec.File) {
			if err := f.Set("load.read.rate", rate); err != nil {
				t.Fatal(err)
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		if c := &out.Result.Cells[0]; c.Fsyncs != 0 || c.Consumed == 0 || c.Bad() != 0 {
			t.Errorf("read.rate %s: %d fsyncs, %+v", rate, c.Fsyncs, c.Counts)
		}
	}
}
