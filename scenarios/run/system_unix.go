//go:build unix

package run

import (
	"time"

	"golang.org/x/sys/unix"
)

// cpuTime is the processor time of this process so far.
type cpuTime struct {
	total time.Duration
	ok    bool
}

func cpuNow() cpuTime {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &u) != nil {
		return cpuTime{}
	}
	return cpuTime{total: time.Duration(u.Utime.Nano() + u.Stime.Nano()), ok: true}
}

func kernelName() string {
	var u unix.Utsname
	if unix.Uname(&u) != nil {
		return notAvailable
	}
	return unix.ByteSliceToString(u.Sysname[:]) + " " + unix.ByteSliceToString(u.Release[:])
}

// contextSwitches of this process so far: those for which it waited, and those that
// took the processor away from it; 0 where they are not available.
func contextSwitches() (voluntary, involuntary int64) {
	var u unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &u) != nil {
		return 0, 0
	}
	return u.Nvcsw, u.Nivcsw
}
