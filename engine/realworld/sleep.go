package realworld

import (
	"time"

	"brokerlab/engine/env"
)

const (
	// preciseSpan is the last part of a sleep, which time.Sleep may not touch: it
	// rounds up to 1 ms and its wake-up is late by another 0.25 ms at the 99th
	// percentile.
	preciseSpan = 2 * time.Millisecond
	// spinSpan is how long before the instant the thread is back from the system,
	// so that it spins through what a wake-up of a parked thread usually takes. At
	// 1,000 sleeps a second 40 us take 4 % of a core, 80 us take 8 %, and the 99th
	// percentile of the lateness (measured: 0.2 to 80 us) is the same for both.
	spinSpan = 40 * time.Microsecond
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
	left := until.Sub(w.now())
	if left > preciseSpan {
		time.Sleep(left - preciseSpan)
	}
	for {
		left = until.Sub(w.now())
		if left <= 0 {
			return
		}
		if left > spinSpan {
			parkThread(left - spinSpan)
		}
	}
}
