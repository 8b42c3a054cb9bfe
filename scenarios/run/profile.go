package run

import (
	"bytes"
	"runtime/pprof"
	"strings"

	"github.com/google/pprof/profile"

	"brokerlab/results"
)

// Parts that only a real run has.
const (
	partFsync     = "fsync"
	partLog       = "log" // segments and indexes
	partGenerator = "generator"
	partMeasuring = "measuring"
	partGC        = "garbage collection"
	partMemory    = "memory allocation"
	partScheduler = "scheduler" // waiting and waking, locks included
	partOther     = "other"
	// partUnsampled is what the process used and the profile does not have: the kernel
	// looks at its ticks whether a sample is due, so that it misses some of threads that
	// work for less than a tick at a time. At 5,000 records/s that was 23 %, at full speed 2 %.
	partUnsampled = "not sampled"
)

// profiling is a profile of the processor in the making. The runtime takes a sample
// every 10 ms of processor time. That costs some 0.15 % of it: a sample every ms took
// 1.5 % on a virtual machine of 2 cores (the median of 60 pairs of loops, on a machine
// that did other work).
type profiling struct {
	text  bytes.Buffer
	ended chan struct{}
}

// startProfile returns nil if somebody else profiles this process.
func startProfile() *profiling {
	p := &profiling{ended: make(chan struct{})}
	if pprof.StartCPUProfile(&p.text) != nil {
		return nil
	}
	return p
}

// stop ends it. The runtime takes up to 200 ms for that, for which nobody waits here.
func (p *profiling) stop() {
	if p == nil {
		return
	}
	go func() {
		pprof.StopCPUProfile()
		close(p.ended)
	}()
}

// parts waits for the end, and divides the samples among parts; nil where there are
// none, or no profile.
func (p *profiling) parts() []results.CPUPart {
	if p == nil {
		return nil
	}
	<-p.ended
	parsed, err := profile.Parse(&p.text)
	if err != nil {
		return nil // an empty profile is none
	}
	return partsOf(parsed)
}

// partsOf divides a profile's samples among parts.
func partsOf(p *profile.Profile) []results.CPUPart {
	value := len(p.SampleType) - 1 // processor time in ns, behind the number of samples
	type key struct{ side, name string }
	spent := map[key]int64{}
	var names []string
	for _, s := range p.Sample {
		names = names[:0]
		for _, l := range s.Location { // the innermost first
			for _, line := range l.Line {
				if line.Function != nil {
					names = append(names, line.Function.Name)
				}
			}
		}
		spent[key{sideOf(names), classify(names)}] += s.Value[value]
	}
	var parts []results.CPUPart
	for k, ns := range spent {
		parts = append(parts, results.CPUPart{Side: k.side, Name: k.name, Seconds: float64(ns) / 1e9})
	}
	sortParts(parts)
	return parts
}

// rule gives what functions do that begin with a prefix to a part.
type rule struct{ prefix, part string }

// rules decide by the innermost function that one of them knows, and of several rules
// the first. What has none, such as the runtime's and the library's, counts as what
// called it.
var rules = []rule{
	{"runtime.gcBgMarkWorker", partGC}, {"runtime.gcAssistAlloc", partGC}, {"runtime.bgsweep", partGC},
	{"runtime.bgscavenge", partGC}, {"runtime.gcStart", partGC}, {"runtime.gcDrain", partGC},
	{"runtime.(*mspan).sweep", partGC}, {"runtime.(*sweepLocked)", partGC}, {"runtime.scanobject", partGC},
	{"runtime.wbBufFlush", partGC}, {"runtime.markroot", partGC},
	{"runtime.mallocgc", partMemory}, {"runtime.newobject", partMemory}, {"runtime.growslice", partMemory},
	{"runtime.memmove", partCopy}, {"runtime.memclr", partMemory},
	{"runtime.schedule", partScheduler}, {"runtime.findRunnable", partScheduler}, {"runtime.mcall", partScheduler},
	{"runtime.park_m", partScheduler}, {"runtime.mstart", partScheduler}, {"runtime.sysmon", partScheduler},
	{"runtime.goready", partScheduler}, {"runtime.gopark", partScheduler}, {"runtime.goschedImpl", partScheduler},
	{"runtime.ready", partScheduler}, {"runtime.chan", partScheduler}, {"runtime.selectgo", partScheduler},
	{"runtime.entersyscall", partScheduler}, {"runtime.exitsyscall", partScheduler},
	{"runtime.newproc", partScheduler}, {"runtime.sem", partScheduler},
	{"sync.", partScheduler}, {"internal/sync.", partScheduler}, {"time.", partScheduler},
	{"hash/crc32.", partChecksum}, {"hash/adler32.", partChecksum},
	{"brokerlab/engine/codec.(*Decompressor)", partDecompress}, {"brokerlab/engine/codec.", partCompress},
	{"brokerlab/engine/record.", partRecords},
	{"brokerlab/engine/realworld.(*link)", partNetwork}, {"brokerlab/engine/realworld.(*conn)", partNetwork},
	{"brokerlab/engine/realworld.(*shaper)", partNetwork}, {"brokerlab/engine/netmodel.", partNetwork},
	{"brokerlab/engine/realworld.", partScheduler}, {"brokerlab/engine/task.", partScheduler},
	{"brokerlab/disks/osfs.(*file).Sync", partFsync}, {"brokerlab/disks/osfs.(*FS).SyncDir", partFsync},
	{"brokerlab/disks/", partFiles},
	{"github.com/HdrHistogram/", partMeasuring}, {"brokerlab/results.", partMeasuring},
	{"brokerlab/workloads/load.(*stager)", partMeasuring}, {"brokerlab/workloads/load.(*member)", partMeasuring},
	{"brokerlab/workloads/load.(*producing).onBatch", partMeasuring}, {"brokerlab/workloads/load.Consume", partMeasuring},
	{"brokerlab/workloads/check.", partMeasuring}, {"brokerlab/scenarios/", partMeasuring},
	{"runtime/pprof.", partMeasuring}, {"brokerlab/workloads/payload.Decode", partMeasuring},
	{"brokerlab/workloads/", partGenerator},
	{"brokerlab/engine/commitlog.", partLog},
	{"brokerlab/engine/producer.", partRecords}, {"brokerlab/engine/consumer.", partRecords},
	{"brokerlab/engine/env.", partCopy},
	{"brokerlab/engine/", partRequests},
}

// classify finds the part of a stack, the innermost function first.
func classify(names []string) string {
	for _, name := range names {
		for _, r := range rules {
			if strings.HasPrefix(name, r.prefix) {
				return r.part
			}
		}
	}
	return partOther
}

// sideOf tells the tasks of brokers and clients apart, which share the process, by what
// is on their stacks; "" for the runtime's own work.
func sideOf(names []string) string {
	side := ""
	for _, name := range names {
		rest, ours := strings.CutPrefix(name, "brokerlab/")
		switch {
		case !ours:
		case hasAnyPrefix(rest, "engine/broker.", "engine/server.", "engine/commitlog.", "engine/controller."):
			return results.SideBrokers
		case hasAnyPrefix(rest, "engine/producer.", "engine/consumer.", "workloads/"):
			side = results.SideClients
		}
	}
	return side
}

func hasAnyPrefix(s string, prefixes ...string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(s, p) {
			return true
		}
	}
	return false
}
