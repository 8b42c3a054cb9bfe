package plain

import (
	"runtime"
	"time"
)

// PacedSleep sleeps until each instant of a fixed rate, as the system has it and
// nothing else, and tells done how long after its instant it woke. It is what a
// generator that spins a little cannot be far below at the 99th percentile.
type PacedSleep struct {
	Interval time.Duration
	Count    int
	Done     func(late time.Duration)
}

// Run goes through the instants. An instant that has passed is not slept for.
func (p PacedSleep) Run() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	began := time.Now()
	for i := range p.Count {
		due := began.Add(time.Duration(i) * p.Interval)
		if d := time.Until(due); d > 0 {
			sleepThread(d)
		}
		p.Done(time.Since(due))
	}
}
