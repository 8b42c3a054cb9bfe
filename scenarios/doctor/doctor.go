// Package doctor looks at the machine that is to measure, and says what will disturb
// a measurement and what to do about it. What it looks at are files below /proc and
// /sys of Linux, a second of them, and the program's own clock and timers; on other
// systems most checks are "not available". It changes nothing.
//
// It does not promise a quiet machine: it sees a second, and a virtual machine does
// not tell what its neighbours do, but for the time that they took.
package doctor

import (
	"io/fs"
	"slices"
	"time"
)

// Level is how bad something is.
type Level string

// Levels of checks.
const (
	Good    Level = "good"
	Note    Level = "note" // results want care
	Bad     Level = "bad"  // results would not be trustworthy
	Unknown Level = "not available"
)

// Check is one thing that was looked at.
type Check struct {
	Name  string `json:"name"`
	Level Level  `json:"level"`
	Value string `json:"value"`
	// Effect is what it does to a measurement, Advice what to do; empty where all is well.
	Effect string `json:"effect,omitempty"`
	Advice string `json:"advice,omitempty"`
}

// Live is what the program itself measured.
type Live struct {
	// LateP50 and LateP99 are how much later than asked for sleeps of a millisecond ended.
	LateP50, LateP99 time.Duration
	// Step is the least difference of two readings of the clock, Cost what one takes.
	Step, Cost time.Duration
}

// Directory is where brokers will keep their logs.
type Directory struct {
	Path      string // as given
	Existing  string // the nearest of its parents that exists, absolute and without links
	FreeBytes int64  // 0: not available, unless it is full
	Full      bool   // not a byte is free
	Kind      string // of the file system
	KindFault string // what its kind does to a measurement; ""
}

// Machine gives the files of the machine.
type Machine struct {
	Root fs.FS // of the file system: proc/stat, sys/block
	// Wait lets the time of the sample pass.
	Wait func(time.Duration)
	PID  int // of this program, whose work is no disturbance
	OS   string
	Live Live
	Dir  Directory
}

// sampleFor is how long the machine is watched.
const sampleFor = time.Second

// Examine runs all checks.
func Examine(m Machine) []Check {
	before := look(m.Root)
	m.Wait(sampleFor)
	after := look(m.Root)
	e := &examination{machine: m, before: before, after: after}
	e.cpu()
	e.time()
	e.load()
	e.memory()
	e.limits()
	e.directory()
	e.device()
	return e.checks
}

// Worst is the worst level of checks; Unknown counts as Good.
func Worst(checks []Check) Level {
	for _, level := range []Level{Bad, Note} {
		if slices.ContainsFunc(checks, func(c Check) bool { return c.Level == level }) {
			return level
		}
	}
	return Good
}

// examination is one in the making.
type examination struct {
	machine       Machine
	before, after snapshot
	checks        []Check
}

func (e *examination) good(name, value string) {
	e.checks = append(e.checks, Check{Name: name, Level: Good, Value: value})
}

func (e *examination) unknown(name, why string) {
	if e.machine.OS != "linux" {
		why = "only Linux is looked at"
	}
	e.checks = append(e.checks, Check{Name: name, Level: Unknown, Value: why})
}

// judge adds a check of a level that was found out.
func (e *examination) judge(level Level, name, value, effect, advice string) {
	if level == Good {
		e.good(name, value)
		return
	}
	e.checks = append(e.checks, Check{Name: name, Level: level, Value: value, Effect: effect, Advice: advice})
}

// grade is Bad from one limit on and Note from another.
func grade(value, note, bad float64) Level {
	switch {
	case value >= bad:
		return Bad
	case value >= note:
		return Note
	}
	return Good
}
