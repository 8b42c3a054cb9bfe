package realworld

import (
	"time"

	"golang.org/x/sys/unix"
)

// parkThread blocks the calling thread for about d, or less if a signal comes.
// Linux adds 50 us of slack to every sleep of a thread unless the thread says
// otherwise. The slack stays at 1 ns for the thread's later sleeps, which does
// no harm; and if the goroutine changes threads between the two calls, one sleep
// has the slack, which is better than to lock the goroutine to its thread: a
// locked one must be handed back to that thread at every wake-up.
func parkThread(d time.Duration) {
	// An error would leave the slack as it is. Nothing else depends on it.
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0)
	ts := unix.NsecToTimespec(int64(d))
	_ = unix.ClockNanosleep(unix.CLOCK_MONOTONIC, 0, &ts, nil)
}
