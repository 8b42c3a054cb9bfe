package doctor

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"brokerlab/disks/datadir"
	"brokerlab/engine/env"
	"brokerlab/engine/realworld"
)

// This is the machine that the program runs on, with brokers' logs in dir, which need
// not be there yet. It measures clock and timers for a fifth of a second.
func This(dir string) Machine {
	kind, fault := datadir.Kind(dir)
	full := errors.Is(datadir.CheckSpace(1, dir), env.ErrNoSpace)
	return Machine{Root: os.DirFS("/"), Wait: time.Sleep, PID: os.Getpid(), OS: runtime.GOOS, Live: live(),
		Dir: Directory{Path: dir, Existing: existing(dir), FreeBytes: datadir.Free(dir), Full: full, Kind: kind,
			KindFault: fault}}
}

// existing is the nearest of a path and its parents that exists, without links.
func existing(dir string) string {
	at, err := filepath.Abs(dir)
	if err != nil {
		return dir
	}
	for ; ; at = filepath.Dir(at) {
		if real, err := filepath.EvalSymlinks(at); err == nil {
			return real
		}
		if at == filepath.Dir(at) {
			return at
		}
	}
}

const (
	sleeps   = 200
	readings = 20_000
)

// live measures timers, as the real world has them, and the clock.
func live() (l Live) {
	world := realworld.New(realworld.Config{})
	node := world.NewNode(env.NodeConfig{Name: "doctor"})
	late := make([]time.Duration, 0, sleeps)
	_ = world.Run(node, func() { // its error is always nil
		for range sleeps {
			due := node.Now().Add(time.Millisecond)
			node.Sleep(time.Millisecond)
			late = append(late, node.Now().Sub(due))
		}
	})
	slices.Sort(late)
	l.LateP50, l.LateP99 = late[sleeps/2], late[sleeps*99/100]
	began := time.Now()
	last := began
	for range readings {
		now := time.Now()
		if step := now.Sub(last); step > 0 && (l.Step == 0 || step < l.Step) {
			l.Step = step
		}
		last = now
	}
	l.Cost = last.Sub(began) / readings
	return l
}
