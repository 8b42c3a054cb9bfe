package doctor

import (
	"cmp"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// cores is how many processors there are, and how many of them this program may use.
func (s *snapshot) cores() (all, usable int) {
	if all = listed(s.text("sys/devices/system/cpu/online")); all == 0 {
		all = len(s.cpus())
	}
	usable = all
	_, rest, ok := strings.Cut(s.text("proc/self/status"), "\nCpus_allowed_list:")
	if n := listed(strings.TrimSpace(strings.SplitN(rest, "\n", 2)[0])); ok && n > 0 {
		usable = min(n, max(all, 1))
	}
	return all, usable
}

// listed is how many numbers a list of the kernel's has: "0-3,8" has five.
func listed(text string) (count int) {
	for _, part := range strings.Split(text, ",") {
		from, to, several := strings.Cut(part, "-")
		if !several {
			to = from
		}
		first, err1 := strconv.Atoi(strings.TrimSpace(from))
		last, err2 := strconv.Atoi(strings.TrimSpace(to))
		if err1 == nil && err2 == nil && first >= 0 && last >= first && last < cpusMax {
			count += last - first + 1
		}
	}
	return count
}

// cpusMax is more than Linux has processors (NR_CPUS of 8192 at most).
const cpusMax = 1 << 16

// cpus are the folders of processors.
func (s *snapshot) cpus() (dirs []string) {
	entries, err := fs.ReadDir(s.root, "sys/devices/system/cpu")
	if err != nil {
		return nil
	}
	for _, e := range entries {
		if rest, ok := strings.CutPrefix(e.Name(), "cpu"); ok && rest != "" && rest[0] >= '0' && rest[0] <= '9' {
			dirs = append(dirs, "sys/devices/system/cpu/"+e.Name())
		}
	}
	return dirs
}

// coresFew are fewer than a broker, its clients and the system have use for at once.
const coresFew = 4

// cpu looks at processors: how many, at which speed, and whose they are.
func (e *examination) cpu() {
	s := &e.after
	all, usable := s.cores()
	value := fmt.Sprint(usable)
	if usable < all {
		value = fmt.Sprintf("%d of %d are for this program (taskset, cpuset)", usable, all)
	}
	switch {
	case all == 0:
		e.unknown("cores", "no processors in /sys")
	case usable < coresFew:
		e.judge(Note, "cores", value, "brokers, clients and load generators share them and wait for each other",
			"compare settings with each other, not with a cluster; leave other programs out")
	default:
		e.good("cores", value)
	}
	cpus := s.cpus()
	e.governor(cpus)
	e.turbo()
	e.hypervisor()
	e.heat(cpus)
	e.battery()
}

// hypervisors are makers of machines in DMI that make virtual ones only. Amazon's real
// ones are called so in the product's name.
var hypervisors = []string{"QEMU", "Amazon EC2", "Google", "VMware", "Xen", "Parallels", "DigitalOcean", "Hetzner"}

// hypervisor looks for the host of a virtual machine. x86 has a flag of the processor
// for it; others have what the firmware says.
func (e *examination) hypervisor() {
	s := &e.after
	cpuinfo := s.text("proc/cpuinfo")
	vendor, product := s.text("sys/class/dmi/id/sys_vendor"), s.text("sys/class/dmi/id/product_name")
	x86 := strings.HasPrefix(cpuinfo, "flags") || strings.Contains(cpuinfo, "\nflags")
	virtual := strings.Contains(cpuinfo, "hypervisor")
	if !x86 {
		virtual = s.there("sys/hypervisor/type") || s.there("proc/device-tree/hypervisor") ||
			slices.ContainsFunc(hypervisors, func(maker string) bool { return strings.HasPrefix(vendor, maker) }) &&
				!strings.HasSuffix(product, ".metal")
	}
	switch {
	case virtual:
		e.judge(Note, "virtual machine", cmp.Or(strings.TrimSpace(vendor+" "+product), "yes"),
			"neighbours on the host share processors, caches and disks, and do not show here",
			"repeat runs (--repeat 6) at several hours, and look at the intervals")
	case x86:
		e.good("virtual machine", "no")
	default:
		e.unknown("virtual machine", "the system does not tell")
	}
}

// heat looks at how often processors throttled themselves.
func (e *examination) heat(cpus []string) {
	s := &e.after
	var throttles float64
	known := false
	for _, cpu := range cpus {
		if file := cpu + "/thermal_throttle/core_throttle_count"; s.there(file) {
			known = true
			throttles += number(s.text(file))
		}
	}
	switch {
	case !known:
		e.unknown("heat", "the processor counts no throttling")
	case throttles > 0:
		e.judge(Note, "heat", fmt.Sprintf("throttled %.0f times since the start", throttles),
			"a hot processor slows down in the middle of a run", "cool the machine; pause between runs")
	default:
		e.good("heat", "never throttled")
	}
}

// governor looks at the frequency policy of each processor.
func (e *examination) governor(cpus []string) {
	found := map[string]int{}
	for _, cpu := range cpus {
		if name := e.after.text(cpu + "/cpufreq/scaling_governor"); name != "" {
			found[name]++
		}
	}
	names := slices.Sorted(maps.Keys(found))
	switch {
	case len(names) == 0:
		e.unknown("governor", "none, as in most virtual machines")
	case len(names) == 1 && names[0] == "performance":
		e.good("governor", "performance")
	default:
		e.judge(Note, "governor", strings.Join(names, ", "),
			"the clock frequency follows the load, so light loads look slower than they are",
			"cpupower frequency-set -g performance")
	}
}

func (e *examination) turbo() {
	s := &e.after
	const effect = "the clock frequency depends on heat and on how many cores work"
	switch {
	case s.there("sys/devices/system/cpu/intel_pstate/no_turbo"):
		level := Good
		if s.text("sys/devices/system/cpu/intel_pstate/no_turbo") == "0" {
			level = Note
		}
		e.judge(level, "turbo", onOff(level == Note), effect,
			"for the finest comparisons: echo 1 > /sys/devices/system/cpu/intel_pstate/no_turbo")
	case s.there("sys/devices/system/cpu/cpufreq/boost"):
		level := Good
		if s.text("sys/devices/system/cpu/cpufreq/boost") == "1" {
			level = Note
		}
		e.judge(level, "turbo", onOff(level == Note), effect,
			"for the finest comparisons: echo 0 > /sys/devices/system/cpu/cpufreq/boost")
	default:
		e.unknown("turbo", "the system does not tell")
	}
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

func (e *examination) battery() {
	s := &e.after
	entries, err := fs.ReadDir(s.root, "sys/class/power_supply")
	if err != nil || len(entries) == 0 {
		e.unknown("power", "no power supplies in /sys")
		return
	}
	for _, entry := range entries {
		dir := "sys/class/power_supply/" + entry.Name()
		if s.text(dir+"/scope") == "Device" { // of a mouse
			continue
		}
		if s.text(dir+"/type") == "Battery" && s.text(dir+"/status") == "Discharging" {
			e.judge(Bad, "power", "on battery", "processors and disks save power and slow down", "plug it in")
			return
		}
	}
	e.good("power", "not on battery")
}

// Limits of the program's own clock and timers: pacing promises p99 under 150 us at
// 20,000 records/s.
const (
	lateNote = 150 * time.Microsecond
	lateBad  = time.Millisecond
	costNote = 200 * time.Nanosecond
	stepNote = time.Microsecond
	stepBad  = time.Millisecond
)

// clocksWithoutCall are read without a system call (the vDSO); of others it counts what
// a reading costs.
var clocksWithoutCall = []string{"tsc", "kvm-clock", "arch_sys_counter", "hyperv_clocksource_tsc_page"}

// time looks at clock and timers.
func (e *examination) time() {
	l := e.machine.Live
	switch source := e.after.text("sys/devices/system/clocksource/clocksource0/current_clocksource"); {
	case source == "":
		e.unknown("clock source", "the system does not tell")
	case slices.Contains(clocksWithoutCall, source) || l.Cost > 0 && l.Cost < costNote:
		e.good("clock source", source)
	default:
		e.judge(Bad, "clock source", source, "reading the clock is a system call, and it is read several times a record",
			"boot with clocksource=tsc, if the machine has it")
	}
	level := grade(float64(l.Step), float64(stepNote), float64(stepBad))
	if level == Good {
		level = grade(float64(l.Cost), float64(costNote), float64(20*costNote))
	}
	e.judge(level, "clock", fmt.Sprintf("steps of %v, %v a reading", l.Step, l.Cost),
		"latencies are no finer than the clock, and reading it costs throughput", "see the clock source")
	e.judge(grade(float64(l.LateP99), float64(lateNote), float64(lateBad)), "timers",
		fmt.Sprintf("late by %v, p99 %v", l.LateP50.Round(time.Microsecond), l.LateP99.Round(time.Microsecond)),
		"records of an open loop leave late, which counts as their latency",
		"stop other programs; do not use more producers than cores")
}

// Shares of all processors that others may take.
const (
	othersNote = 0.05
	othersBad  = 0.20
	stealNote  = 0.01
	stealBad   = 0.05
)

// load looks at what else runs.
func (e *examination) load() {
	a, b := e.before.cpu, e.after.cpu
	if len(a) != cpuStates || len(b) != cpuStates {
		e.unknown("other load", "no /proc/stat")
	} else {
		var all, idle float64
		for i := range b {
			all += b[i] - a[i]
		}
		idle = b[3] - a[3] + b[4] - a[4]
		steal := (b[7] - a[7]) / max(1, all)
		own := e.after.processes[e.machine.PID].ticks - e.before.processes[e.machine.PID].ticks
		others := max(0, all-idle-own-(b[7]-a[7])) / max(1, all)
		value := fmt.Sprintf("%.0f %% of the processors in a second", 100*others)
		if top := e.busiest(); top != "" && others >= othersNote {
			value += ": " + top
		}
		e.judge(grade(others, othersNote, othersBad), "other load", value,
			"other programs take processor time, caches and disk from the run", "stop them, or wait for them")
		since := b[7] / max(1, sum(b))
		e.judge(max2(grade(steal, stealNote, stealBad), grade(since, stealNote, 2)), "stolen time",
			fmt.Sprintf("%.1f %% now, %.1f %% since the start", 100*steal, 100*since),
			"the host gave the processors of this machine to others",
			"use a machine with processors of its own, or another hour")
	}
	e.pressure()
}

func sum(values []float64) (total float64) {
	for _, v := range values {
		total += v
	}
	return total
}

// max2 is the worse of two levels.
func max2(a, b Level) Level {
	if a == Bad || b == Bad {
		return Bad
	}
	if a == Note || b == Note {
		return Note
	}
	return a
}

// busiestMax is how many programs are named.
const busiestMax = 3

// busiest names the programs that took most of the second.
func (e *examination) busiest() string {
	type used struct {
		pid   int
		name  string
		ticks float64
	}
	var all []used
	for pid, p := range e.after.processes {
		if ticks := p.ticks - e.before.processes[pid].ticks; ticks > 0 && pid != e.machine.PID {
			all = append(all, used{pid, p.name, ticks})
		}
	}
	slices.SortFunc(all, func(a, b used) int { return cmp.Or(cmp.Compare(b.ticks, a.ticks), cmp.Compare(a.pid, b.pid)) })
	var parts []string
	for _, u := range all[:min(len(all), busiestMax)] {
		parts = append(parts, fmt.Sprintf("%s (%d)", printable(u.name), u.pid))
	}
	return strings.Join(parts, ", ")
}

// printable keeps a program's name from the terminal's codes.
func printable(name string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, name)
}

// Shares of time in which something waited for a resource (pressure stall
// information, of 10 s).
const (
	pressureNote = 10
	pressureBad  = 40
)

func (e *examination) pressure() {
	for _, kind := range []struct{ file, name, effect string }{
		{"io", "waiting for disks", "something else uses the disks now"},
		{"memory", "waiting for memory", "memory is short: the system gives pages of files up and reads them again"},
	} {
		text := e.after.text("proc/pressure/" + kind.file)
		_, rest, ok := strings.Cut(text, "some avg10=")
		text, _, _ = strings.Cut(rest, " ")
		if !ok {
			e.unknown(kind.name, "no /proc/pressure")
			continue
		}
		share := number(text)
		e.judge(grade(share, pressureNote, pressureBad), kind.name, fmt.Sprintf("%.0f %% of the last 10 s", share),
			kind.effect, "stop what does, or wait for it (pidstat -dr 1)")
	}
}
