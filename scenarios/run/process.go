package run

import (
	"runtime/debug"
	"sync"
	"time"

	"brokerlab/results"
)

// processReading is what the system counts of this process and of the machine.
type processReading struct {
	cpu         cpuTime
	voluntary   int64         // context switches
	involuntary int64         // the processor was taken away
	machineCPU  time.Duration // busy, of all processes; 0 where it is not known
	pauses      time.Duration // of garbage collections
}

func readProcess() processReading {
	r := processReading{cpu: cpuNow(), machineCPU: machineBusy()}
	r.voluntary, r.involuntary = contextSwitches()
	var gc debug.GCStats
	debug.ReadGCStats(&gc)
	r.pauses = gc.PauseTotal
	return r
}

// processWindow is what this process does in the measured window of a real repeat.
// Real repeats run one at a time. A nil window measures nothing.
type processWindow struct {
	mu         sync.Mutex
	began      bool
	ended      bool
	from, to   processReading
	memoryMost int64
	profile    *profiling
}

// see takes a sample of the memory, and begins the window if it has come.
func (w *processWindow) see(measured bool) {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if measured && !w.began {
		w.began = true
		w.from = readProcess()
		w.profile = startProfile()
	}
	if w.began && !w.ended {
		w.memoryMost = max(w.memoryMost, residentBytes())
	}
}

// end ends the window, the first time that it is told.
func (w *processWindow) end() {
	if w == nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.began || w.ended {
		return
	}
	w.ended = true
	w.memoryMost = max(w.memoryMost, residentBytes())
	w.to = readProcess()
	w.profile.stop()
}

// result is nil where there was no window.
func (w *processWindow) result() (*results.Process, []results.CPUPart) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.ended {
		return nil, nil
	}
	p := &results.Process{MemoryMaxBytes: w.memoryMost, ContextSwitches: w.to.voluntary - w.from.voluntary,
		InvoluntarySwitches:  w.to.involuntary - w.from.involuntary,
		GarbageCollectionsNS: int64(w.to.pauses - w.from.pauses)}
	if ours := w.to.cpu.total - w.from.cpu.total; w.to.machineCPU > 0 && w.to.cpu.ok {
		p.OtherCPUMillisecs = max(0, (w.to.machineCPU - w.from.machineCPU - ours).Milliseconds())
	}
	return p, withUnsampled(w.profile.parts(), w.to.cpu.total-w.from.cpu.total)
}

// withUnsampled adds what a profile does not have of the processor time that was used, if
// there is a profile.
func withUnsampled(parts []results.CPUPart, used time.Duration) []results.CPUPart {
	rest := used.Seconds()
	for _, p := range parts {
		rest -= p.Seconds
	}
	if len(parts) > 0 && rest > 0 {
		parts = append(parts, results.CPUPart{Name: partUnsampled, Seconds: rest})
		sortParts(parts)
	}
	return parts
}
