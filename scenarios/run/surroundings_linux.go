package run

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/prometheus/procfs"
	"golang.org/x/sys/unix"
)

// Where the system tells; variables so that tests can put files of their own there.
var (
	procRoot = "/proc"
	sysRoot  = "/sys"
)

// kernelThread is PF_KTHREAD of include/linux/sched.h, in the flags of a process.
const kernelThread = 0x00200000

// lookAround reads what the machine has counted so far; nil if it does not tell what
// its processors did.
func lookAround(dirs []string) *around {
	proc, err := procfs.NewFS(procRoot)
	if err != nil {
		return nil
	}
	stat, err := proc.Stat()
	if err != nil {
		return nil
	}
	cpu, own := stat.CPUTotal, cpuNow()
	if !own.ok {
		return nil
	}
	a := &around{at: time.Now(), cores: max(1, len(stat.CPU)), own: own.total, programs: map[program]time.Duration{},
		// Guest time is in User already.
		busy: seconds(cpu.User + cpu.Nice + cpu.System), steal: seconds(cpu.Steal),
		heldBack: heldBack(), swapped: swappedPages(), asleep: asleep(), overheats: overheats(), mhz: clockMHz()}
	all, err := proc.AllProcs()
	if err != nil {
		return nil
	}
	for _, p := range all {
		s, err := p.Stat()
		if err != nil || s.PID == os.Getpid() {
			continue // it has ended since, or is this one
		}
		worked := time.Duration(s.UTime+s.STime) * clockTick
		if s.Flags&kernelThread != 0 {
			a.kernel, a.kernelSeen = a.kernel+worked, true
		} else {
			a.programs[program{id: s.PID, name: s.Comm, born: s.Starttime}] = worked
		}
	}
	for _, dir := range dirs {
		var fs unix.Statfs_t
		if unix.Statfs(dir, &fs) == nil && fs.Blocks > 0 {
			free := float64(fs.Bavail) / float64(fs.Blocks)
			if a.freeShare == 0 || free < a.freeShare {
				a.freeShare = free
			}
		}
	}
	return a
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// heldBack is for how long the processor limit of this process's control group (v2)
// has held it back: throttled_usec of Linux's cgroup-v2.rst.
func heldBack() time.Duration {
	text, err := os.ReadFile(filepath.Join(procRoot, "self/cgroup"))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		group, ok := strings.CutPrefix(strings.TrimSpace(line), "0::")
		if !ok {
			continue
		}
		// In a container the group's own path may not be there, but its root is it.
		for _, at := range []string{group, "/"} {
			stat, err := os.ReadFile(filepath.Join(sysRoot, "fs/cgroup", at, "cpu.stat"))
			if err != nil {
				continue
			}
			return time.Duration(max(0, counterOf(stat, "throttled_usec"))) * time.Microsecond
		}
	}
	return 0
}

// swappedPages is what was moved to swap and back since boot, in pages.
func swappedPages() int64 {
	text, err := os.ReadFile(filepath.Join(procRoot, "vmstat"))
	if err != nil {
		return 0
	}
	return max(0, counterOf(text, "pswpin")) + max(0, counterOf(text, "pswpout"))
}

// counterOf is a counter of a text of lines "name value"; -1 if it is not there.
func counterOf(text []byte, name string) int64 {
	for line := range bytes.Lines(text) {
		key, value, _ := bytes.Cut(bytes.TrimSpace(line), []byte(" "))
		if string(key) == name {
			return number(value)
		}
	}
	return -1
}

// asleep is for how long the machine was suspended since boot.
func asleep() time.Duration {
	var whole, awake unix.Timespec
	if unix.ClockGettime(unix.CLOCK_BOOTTIME, &whole) != nil || unix.ClockGettime(unix.CLOCK_MONOTONIC, &awake) != nil {
		return 0
	}
	// The two are read one after the other.
	return time.Duration(whole.Nano() - awake.Nano()).Truncate(time.Millisecond)
}

// overheats is how often cores were slowed down for their heat.
func overheats() (n int64) {
	files, _ := filepath.Glob(filepath.Join(sysRoot, "devices/system/cpu/cpu*/thermal_throttle/core_throttle_count"))
	for _, file := range files {
		n += max(0, numberIn(file))
	}
	return n
}

// clockMHz is the clock of the fastest core; 0 where the system does not tell.
func clockMHz() (mhz float64) {
	files, _ := filepath.Glob(filepath.Join(sysRoot, "devices/system/cpu/cpu*/cpufreq/scaling_cur_freq"))
	for _, file := range files {
		mhz = max(mhz, float64(numberIn(file))/1000)
	}
	return mhz
}

func numberIn(file string) int64 {
	text, err := os.ReadFile(file)
	if err != nil {
		return -1
	}
	return number(bytes.TrimSpace(text))
}
