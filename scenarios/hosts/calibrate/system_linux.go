package calibrate

import (
	"bytes"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// holdThread keeps the task on its thread until release, so that the thread's time
// is the task's.
func holdThread() (release func()) {
	runtime.LockOSThread()
	return runtime.UnlockOSThread
}

// threadTime is the processor time that this thread has used.
func threadTime() time.Duration { return clock(unix.CLOCK_THREAD_CPUTIME_ID) }

// processTime is the processor time that this process has used.
func processTime() time.Duration { return clock(unix.CLOCK_PROCESS_CPUTIME_ID) }

func clock(id int32) time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(id, &t); err != nil {
		panic("calibrate: the clock of processor time: " + err.Error())
	}
	return time.Duration(t.Nano())
}

// meter finds what others use of the cores.
type meter struct {
	busy, all, own time.Duration
	ok             bool
}

func startMeter() meter {
	busy, all, ok := machineTime()
	return meter{busy: busy, all: all, own: processTime(), ok: ok}
}

// others is the share of all cores that others have used since; -1 if the system
// does not say.
func (m meter) others() float64 {
	busy, all, ok := machineTime()
	if !ok || !m.ok || all <= m.all {
		return -1
	}
	return max(0, float64((busy-m.busy)-(processTime()-m.own))/float64(all-m.all))
}

// machineTime is the time of all cores, and what of it they were busy, theft by the
// machine below included: the first line of /proc/stat.
func machineTime() (busy, all time.Duration, ok bool) {
	const tick = 10 * time.Millisecond // USER_HZ is 100 on every Linux
	const idle, waiting, fields = 3, 4, 8
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, 0, false
	}
	first, _, _ := bytes.Cut(text, []byte("\n"))
	columns := strings.Fields(string(first))
	if len(columns) < fields+1 || columns[0] != "cpu" {
		return 0, 0, false
	}
	for i, column := range columns[1 : fields+1] {
		ticks, err := strconv.ParseInt(column, 10, 64)
		if err != nil {
			return 0, 0, false
		}
		all += time.Duration(ticks) * tick
		if i != idle && i != waiting {
			busy += time.Duration(ticks) * tick
		}
	}
	return busy, all, true
}
