package run

import (
	"bytes"
	"os"
	"time"
)

// residentBytes is the memory of this process now; 0 where it is not available.
func residentBytes() int64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	return statmResident(text) * int64(os.Getpagesize())
}

// statmResident is the second field of /proc/self/statm, in pages; 0 if there is none.
func statmResident(text []byte) int64 {
	fields := bytes.Fields(text)
	if len(fields) < 2 {
		return 0
	}
	return max(0, number(fields[1]))
}

// clockTick is the unit of times in /proc/stat and /proc/PID/stat (USER_HZ, 100 on all
// architectures that Go has).
const clockTick = 10 * time.Millisecond

// machineBusy is the processor time that all processes have used, the kernel's own
// included; 0 where it is not available.
func machineBusy() time.Duration {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0
	}
	return statBusy(text)
}

// Columns of the first line of /proc/stat (proc_stat(5)), behind "cpu".
const (
	statIdle   = 4
	statIOWait = 5
	statSteal  = 8 // the hypervisor's, and the last that is not part of another
)

func statBusy(text []byte) time.Duration {
	line, _, _ := bytes.Cut(text, []byte("\n"))
	fields := bytes.Fields(line)
	if len(fields) <= statSteal || string(fields[0]) != "cpu" {
		return 0
	}
	var ticks int64
	for i := 1; i <= statSteal; i++ {
		if i != statIdle && i != statIOWait {
			ticks += max(0, number(fields[i]))
		}
	}
	return time.Duration(ticks) * clockTick
}
