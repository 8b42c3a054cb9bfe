package plain

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// syncData forces what the engine's files force: the data, and of the metadata
// only what reading it back needs.
func syncData(f *os.File) error {
	for {
		if err := unix.Fdatasync(int(f.Fd())); err != unix.EINTR {
			return err
		}
	}
}

// sleepThread blocks the calling thread, with a timer slack of 1 ns.
func sleepThread(d time.Duration) {
	_ = unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0) // else 50 us come on top
	ts := unix.NsecToTimespec(int64(d))
	_ = unix.ClockNanosleep(unix.CLOCK_MONOTONIC, 0, &ts, nil)
}
