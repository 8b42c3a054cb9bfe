package realworld

import (
	"runtime"
	"time"

	"brokerlab/engine/env"
)

const (
	// preciseSpan is the last part of a sleep, which time.Sleep may not touch: it
	// rounds up to 1 ms and its wake-up is late by another 0.25 ms at the 99th
	// percentile.
	preciseSpan = 2 * time.Millisecond
	// spinMax is how long before the instant the thread is back from the system at
	// most, so that it spins through what a wake-up of a parked thread usually takes:
	// 20 us at the median after 500 us, 10 us after 50 us (a processor sleeps less deep
	// then). Longer spins made no percentile up to the 99th better, and cost: of 2,000
	// sleeps a second 40 us took 12 % of a core, 25 us take 7 %.
	spinMax = 25 * time.Microsecond
	spinMin = 10 * time.Microsecond
	// spinShare of a sleep is spun through between these two: else sleeps of 50 us
	// would be little else.
	spinShare = 16
	// yieldEvery is how often a task that sleeps again and again lets the scheduler see
	// that it does. Go's runtime takes the processor from a thread that has been in
	// system calls for 10 ms without one, and its monitor then polls every 20 us for a
	// while: 9 % of a core.
	yieldEvery = 5 * time.Millisecond
	// preciseTasksMax limits the tasks that hold a thread each for the last part
	// of their sleep. Those beyond it sleep by Go's timers.
	preciseTasksMax = 32
)

// sleep returns at most 150 us after d in 99 of 100 cases while a core is free,
// at 1,000 sleeps a second for under 5 % of a core, where time.Sleep would round
// up to the next millisecond. That holds for up to 32 tasks at once; a task
// beyond these may be about 1 ms late.
func (w *World) sleep(d time.Duration) {
	if d <= 0 {
		return
	}
	until := w.now().Add(d)
	if until == env.Never {
		until-- // 292 years from now is as good
	}
	if w.precise.Add(1) > preciseTasksMax {
		w.precise.Add(-1)
		time.Sleep(d)
		return
	}
	defer w.precise.Add(-1)
	w.sleepUntil(until)
}

// sleepUntil is the precise sleep.
func (w *World) sleepUntil(until env.Time) {
	now := w.now()
	left := until.Sub(now)
	switch {
	case left > preciseSpan:
		time.Sleep(left - preciseSpan)
	case now/env.Time(yieldEvery) != until/env.Time(yieldEvery):
		runtime.Gosched()
	}
	spin := min(spinMax, max(spinMin, left/spinShare))
	for {
		left = until.Sub(w.now())
		if left <= 0 {
			return
		}
		if left > spin {
			parkThread(left - spin)
		}
	}
}
