package run

import (
	"bytes"
	"fmt"
	"os"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// devicesOf finds the block devices of directories that exist, each once.
func devicesOf(dirs []string) (all []deviceID) {
	for _, dir := range dirs {
		var s unix.Stat_t
		if unix.Stat(dir, &s) != nil {
			continue
		}
		d := deviceID{major: unix.Major(s.Dev), minor: unix.Minor(s.Dev)}
		if !slices.ContainsFunc(all, func(o deviceID) bool { return o.major == d.major && o.minor == d.minor }) {
			d.name = fmt.Sprintf("disk-%d", len(all)+1)
			all = append(all, d)
		}
	}
	stats := diskStats()
	return slices.DeleteFunc(all, func(d deviceID) bool {
		_, ok := findDevice(stats, d)
		return !ok
	})
}

// diskStats is the kernel's table of block devices; nil if it cannot be read.
func diskStats() []byte {
	text, err := os.ReadFile("/proc/diskstats")
	if err != nil {
		return nil
	}
	return text
}

// readDevices takes the counters of devices from /proc/diskstats; none if one is
// missing.
func readDevices(devices []deviceID) (all []diskReading) {
	if len(devices) == 0 {
		return nil
	}
	stats := diskStats()
	for _, d := range devices {
		r, ok := findDevice(stats, d)
		if !ok {
			return nil
		}
		all = append(all, r)
	}
	return all
}

// Columns of /proc/diskstats behind a device's numbers and name (Linux,
// Documentation/admin-guide/iostats.rst); times are in ms, sectors of 512 bytes.
const (
	statReads          = 3
	statSectorsRead    = 5
	statReadMS         = 6
	statWrites         = 7
	statSectorsWritten = 9
	statWriteMS        = 10
	statBusyMS         = 12
	statFlushes        = 18 // since Linux 5.5
	statFlushMS        = 19
	sectorBytes        = 512
)

// findDevice reads the line of a device.
func findDevice(stats []byte, d deviceID) (r diskReading, ok bool) {
	for line := range bytes.Lines(stats) {
		fields := bytes.Fields(line)
		if len(fields) <= statBusyMS || number(fields[0]) != int64(d.major) || number(fields[1]) != int64(d.minor) {
			continue
		}
		at := func(i int) int64 { return number(fields[i]) }
		ms := at(statReadMS) + at(statWriteMS)
		r = diskReading{name: d.name, busy: time.Duration(at(statBusyMS)) * time.Millisecond,
			requests:  at(statReads) + at(statWrites),
			bytesRead: at(statSectorsRead) * sectorBytes, bytesWritten: at(statSectorsWritten) * sectorBytes}
		if len(fields) > statFlushMS {
			r.flushes, r.hasFlushes = at(statFlushes), true
			r.requests += r.flushes
			ms += at(statFlushMS)
		}
		r.queueTime = time.Duration(ms) * time.Millisecond
		return r, true
	}
	return r, false
}

// number is a count of the kernel; -1 for what is none.
func number(text []byte) int64 {
	n, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil {
		return -1
	}
	return n
}

// dirtyBytes is what the machine's page cache has to write, and is writing.
func dirtyBytes() (n int64, ok bool) {
	text, err := os.ReadFile("/proc/meminfo")
	if err != nil {
		return 0, false
	}
	for _, name := range []string{"Dirty", "Writeback"} {
		kib, rest, _ := bytes.Cut([]byte(fieldOf(string(text), name)), []byte(" "))
		if string(rest) != "kB" || number(kib) < 0 {
			return 0, false
		}
		n += number(kib) << 10
	}
	return n, true
}

// dirtyLimits are the thresholds that the kernel has computed from vm.dirty_* and the
// memory of this moment; 0 where it does not tell.
func dirtyLimits() (limits cacheReading) {
	text, err := os.ReadFile("/proc/vmstat")
	if err != nil {
		return limits
	}
	page := int64(os.Getpagesize())
	limits.limit = max(0, counterOf(text, "nr_dirty_threshold")) * page
	limits.background = max(0, counterOf(text, "nr_dirty_background_threshold")) * page
	return limits
}
