package doctor

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

const (
	mib = 1 << 20
	gib = 1 << 30
)

// size is a number of bytes in a unit that fits.
func size(bytes float64) string {
	if bytes >= gib {
		return fmt.Sprintf("%.1f GiB", bytes/gib)
	}
	return fmt.Sprintf("%.0f MiB", bytes/mib)
}

// Limits of memory.
const (
	availableNote = 2 * gib // a run takes up to 1 GiB, and the page cache has use for the rest
	availableBad  = gib / 2
	dirtyNote     = 256 * mib
	dirtyBad      = 2 * gib
)

// memory looks at what is free, at swapping, and at data that is on its way to disks.
func (e *examination) memory() {
	s := &e.after
	available, ok := s.meminfo("MemAvailable")
	total, _ := s.meminfo("MemTotal")
	if !ok {
		e.unknown("memory", "no /proc/meminfo")
		e.unknown("swap", "no /proc/meminfo")
		e.unknown("unwritten data", "no /proc/meminfo")
		return
	}
	level := grade(-available, -availableNote, -availableBad)
	e.judge(level, "memory", fmt.Sprintf("%s of %s available", size(available), size(total)),
		"the page cache is small, and the system may swap", "stop what takes it")
	swapTotal, _ := s.meminfo("SwapTotal")
	swapFree, _ := s.meminfo("SwapFree")
	moved := s.vmstat["pswpin"] + s.vmstat["pswpout"] - e.before.vmstat["pswpin"] - e.before.vmstat["pswpout"]
	switch used := swapTotal - swapFree; {
	case moved > 0:
		e.judge(Bad, "swap", fmt.Sprintf("%.0f pages moved in a second", moved),
			"programs wait for their own memory, and the disk is busy with it", "stop what takes memory; swapoff -a")
	case used > 64*mib:
		e.judge(Note, "swap", size(used)+" in use", "parts of programs are on disk, and come back in the middle of a run",
			"swapoff -a && swapon -a, with enough memory")
	default:
		e.good("swap", "not in use")
	}
	dirty, _ := s.meminfo("Dirty")
	back, _ := s.meminfo("Writeback")
	e.judge(grade(dirty+back, dirtyNote, dirtyBad), "unwritten data", size(dirty+back),
		"the system writes it while the run measures", "sync, and wait until it has ended")
}

// openFilesNote is less than brokers with some hundred partitions have open.
const openFilesNote = 4096

// limits looks at what holds this process back: its control group and its limits.
func (e *examination) limits() {
	s := &e.after
	if !s.there("proc/self/cgroup") {
		e.unknown("container", "no /proc/self/cgroup")
		e.unknown("container memory", "no /proc/self/cgroup")
	} else {
		e.processorLimit()
		e.memoryLimit()
	}
	text := s.text("proc/self/limits")
	_, rest, ok := strings.Cut(text, "Max open files")
	f := strings.Fields(rest)
	if !ok || len(f) < 2 {
		e.unknown("open files", "no /proc/self/limits")
		return
	}
	// Programs in Go raise the soft limit to the hard one by themselves.
	limit := f[1]
	if limit != "unlimited" && number(limit) < openFilesNote {
		e.judge(Note, "open files", "at most "+limit,
			"each replica of a partition has some files open, and each client connections",
			"ulimit -Hn 65536, or LimitNOFILE= of the service")
		return
	}
	e.good("open files", "at most "+limit)
}

// processorLimit looks at what control groups leave of the processors' time.
func (e *examination) processorLimit() {
	s := &e.after
	_, usable := s.cores()
	cores := float64(usable)
	quota := 0.0 // processors
	consider := func(q, period float64) {
		if q > 0 && period > 0 && (quota == 0 || q/period < quota) {
			quota = q / period
		}
	}
	for _, file := range s.cgroupFiles("cpu", "cpu.max") {
		if f := strings.Fields(s.text(file)); len(f) == 2 && f[0] != "max" {
			consider(number(f[0]), number(f[1]))
		}
	}
	for _, file := range s.cgroupFiles("cpu", "cpu.cfs_quota_us") {
		consider(number(s.text(file)), number(s.text(path.Join(path.Dir(file), "cpu.cfs_period_us"))))
	}
	if quota == 0 || cores > 0 && quota >= cores {
		e.good("container", "no limit of processors")
		return
	}
	value := fmt.Sprintf("%.1f of %.0f processors", quota, cores)
	if n := s.throttled - e.before.throttled; n > 0 {
		value += fmt.Sprintf(", held back %.0f times in a second", n)
	}
	e.judge(Bad, "container", value,
		"who uses the quota up is stopped for the rest of each 100 ms: the tail is the quota's",
		"run without a limit of processors (docker run without --cpus), or pin whole ones (--cpuset-cpus)")
}

// memoryLimit looks at what control groups leave of the memory.
func (e *examination) memoryLimit() {
	s := &e.after
	memory := 0.0
	files := append(s.cgroupFiles("memory", "memory.max"), s.cgroupFiles("memory", "memory.limit_in_bytes")...)
	for _, file := range files {
		if m := number(s.text(file)); m > 0 && (memory == 0 || m < memory) {
			memory = m
		}
	}
	if total, ok := s.meminfo("MemTotal"); ok && memory >= total {
		memory = 0 // no limit
	}
	if memory == 0 {
		e.good("container memory", "no limit")
		return
	}
	e.judge(Note, "container memory", "limit of "+size(memory), "the page cache of the run counts, and is cut to fit",
		"raise the limit, or take the limit for the memory of the machine")
}

// Limits of the room in the data directory.
const (
	freeNote = 5 * gib // the shipped scenarios write up to 4 GB
	freeBad  = gib
)

// harmful are mount options that change what a sync does or costs.
var harmful = []struct {
	option string
	level  Level
	effect string
}{
	{"ro", Bad, "nothing can be written"},
	{"nobarrier", Bad, "a sync does not reach the medium: fsync looks free, and data is lost with the power"},
	{"barrier=0", Bad, "a sync does not reach the medium: fsync looks free, and data is lost with the power"},
	{"sync", Bad, "every write is a sync"},
	{"data=journal", Note, "all data is written twice"},
	{"discard", Note, "deleting segments waits for the device to discard them"},
	{"strictatime", Note, "reading a file writes to the disk"},
}

// copying are file systems that write data elsewhere each time, and may compress it.
var copying = []string{"btrfs", "zfs", "bcachefs"}

// directory looks at the file system of the logs.
func (e *examination) directory() {
	d := e.machine.Dir
	if d.FreeBytes > 0 || d.Full {
		e.judge(grade(-float64(d.FreeBytes), -freeNote, -freeBad), "free space", size(float64(d.FreeBytes))+" in "+d.Existing,
			"runs end early or fail, and full disks are slow", "delete old logs; brokerlab results gc; or --dir elsewhere")
	} else {
		e.unknown("free space", "the system does not tell")
	}
	m, ok := e.after.mountOf(d.Existing)
	kind := d.Kind
	if ok {
		kind = m.kind
	}
	switch {
	case d.KindFault != "":
		e.judge(Bad, "file system", kind, d.KindFault, "--dir on a disk of this machine, such as ext4 or xfs")
	case kind == "overlay" || kind == "overlayfs":
		e.judge(Note, "file system", kind, "the first write to a file copies it, and syncs go through two file systems",
			"--dir on a volume")
	case slices.Contains(copying, kind):
		e.judge(Note, "file system", kind,
			"it writes data elsewhere each time and may compress it: logs are not sequential on it",
			"chattr +C on the directory, compression off; Kafka's own advice is xfs or ext4")
	case kind == "" || kind == "not available":
		e.unknown("file system", "the system does not tell")
	default:
		e.good("file system", kind)
	}
	if !ok {
		e.unknown("mount options", "no /proc/self/mountinfo")
		return
	}
	level, effects, found := Good, []string{}, []string{}
	for _, h := range harmful {
		if slices.Contains(m.options, h.option) && !slices.Contains(found, h.option) {
			level, found = max2(level, h.level), append(found, h.option)
			effects = append(effects, h.effect)
		}
	}
	if i := slices.IndexFunc(m.options, func(o string) bool { return strings.HasPrefix(o, "compress") }); i >= 0 {
		level, found = max2(level, Note), append(found, m.options[i])
		effects = append(effects, "data is compressed once more")
	}
	if level == Good {
		e.good("mount options", strings.Join(m.briefly(), ","))
		return
	}
	e.judge(level, "mount options", strings.Join(found, ","), strings.Join(effects, "; "),
		"mount "+m.point+" without: "+strings.Join(found, ","))
}

// briefly are the options, each once, without the folders of an overlay, which have no end.
func (m *mount) briefly() (out []string) {
	for _, o := range m.options {
		name, _, _ := strings.Cut(o, "=")
		if !slices.Contains(out, o) && !slices.Contains([]string{"lowerdir", "upperdir", "workdir"}, name) {
			out = append(out, o)
		}
	}
	return out
}
