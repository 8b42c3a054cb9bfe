package doctor

import (
	"cmp"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"
)

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
	cpus := s.cpus()
	switch n := len(cpus); {
	case n == 0:
		e.unknown("cores", "no processors in /sys")
	case n < coresFew:
		e.judge(Note, "cores", fmt.Sprint(n), "brokers, clients and load generators share them and wait for each other",
			"compare settings with each other, not with a cluster; leave other programs out")
	default:
		e.good("cores", fmt.Sprint(n))
	}
	e.governor(cpus)
	e.turbo()
	if strings.Contains(s.text("proc/cpuinfo"), "hypervisor") {
		name := strings.TrimSpace(s.text("sys/class/dmi/id/sys_vendor") + " " + s.text("sys/class/dmi/id/product_name"))
		e.judge(Note, "virtual machine", cmp.Or(name, "yes"),
			"neighbours on the host share processors, caches and disks, and do not show here",
			"repeat runs (--repeat 6) at several hours, and look at the intervals")
	} else if s.there("proc/cpuinfo") {
		e.good("virtual machine", "no")
	} else {
		e.unknown("virtual machine", "no /proc/cpuinfo")
	}
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
	e.battery()
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

// time looks at clock and timers.
func (e *examination) time() {
	switch source := e.after.text("sys/devices/system/clocksource/clocksource0/current_clocksource"); source {
	case "":
		e.unknown("clock source", "the system does not tell")
	case "tsc", "kvm-clock", "arch_sys_counter", "hyperv_clocksource_tsc_page":
		e.good("clock source", source)
	default:
		e.judge(Bad, "clock source", source, "reading the clock is a system call, and it is read several times a record",
			"boot with clocksource=tsc, if the machine has it")
	}
	l := e.machine.Live
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
