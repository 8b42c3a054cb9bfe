package simworld

import (
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"brokerlab/engine/env"
)

// Errors of World.Run, to be tested with errors.Is.
var (
	// ErrDeadlock says that every task was blocked and nothing was due.
	ErrDeadlock = errors.New("every task is blocked and nothing is due")
	// ErrRunaway says that a million steps were taken in one instant.
	ErrRunaway = errors.New("a million steps in one instant")
	// ErrHorizon says that tasks were left at Config.Horizon.
	ErrHorizon = errors.New("tasks are left at the horizon")

	errEnded = errors.New("the world has ended")
)

// TaskPanic is what Run panics with when a task panics.
type TaskPanic struct {
	Node, Task string
	At         env.Time
	Value      any    // what the task panicked with
	Stack      []byte // the task's own
}

// Error implements error.
func (p *TaskPanic) Error() string {
	return fmt.Sprintf("task %s/%s panicked at %v: %v\n\n%s", p.Node, p.Task, time.Duration(p.At), p.Value, p.Stack)
}

// Unwrap returns the panic's value if it is an error.
func (p *TaskPanic) Unwrap() error {
	err, _ := p.Value.(error)
	return err
}

// stuck is why the loop cannot go on.
type stuck struct {
	kind  error
	at    env.Time
	tasks []*task // those to name; nil means all that live
}

// report names the tasks. live are those that had not ended, and have been
// unwound since; failure is a panic of theirs during that, or nil.
func (s *stuck) report(live []*task, failure *TaskPanic) error {
	var b strings.Builder
	tasks := s.tasks
	if tasks == nil {
		tasks = live
	}
	for _, t := range tasks {
		fmt.Fprintf(&b, "\n\t%s: %s", t.path(), t.waits())
	}
	if failure != nil {
		fmt.Fprintf(&b, "\n\tand while it unwound: %v", failure)
	}
	return fmt.Errorf("simworld: at %v: %w%s", time.Duration(s.at), s.kind, b.String())
}

// waits says what t waits for. It is called after t was unwound.
func (t *task) waits() string {
	var what string
	switch t.kind {
	case waitNothing:
		return "runs"
	case waitSleep:
		what = "sleep"
	case waitCPU:
		what = "cpu"
	case waitLock:
		what = "lock"
		if owner := t.on.(*mutex).owner; owner != nil {
			what += " held by " + owner.path()
		}
	case waitCond:
		what = "cond"
	case waitRecv:
		what = "recv from " + t.on.(*conn).peer.node.name
	case waitSend:
		what = "send to " + t.on.(*conn).peer.node.name
	case waitAccept:
		what = "accept on " + t.on.(*listener).addr
	case waitDial:
		what = "dial of " + t.on.(string)
	case waitIO:
		what = "io"
	}
	out := fmt.Sprintf("%s since %v", what, time.Duration(t.since))
	if t.where != "" {
		out += ", in " + t.where
	}
	return out
}

// whereParked names the engine's frames that led to the park of the task that
// calls it, innermost first.
func whereParked() string {
	var pcs [32]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs[:])])
	var out []string
	for len(out) < 3 {
		f, more := frames.Next()
		name := f.Function[strings.LastIndexByte(f.Function, '/')+1:]
		if !more || strings.HasSuffix(name, ".runTask") {
			break // the bottom of the task's stack
		}
		if !strings.HasPrefix(name, "simworld.") {
			out = append(out, fmt.Sprintf("%s (%s:%d)", name, filepath.Base(f.File), f.Line))
		}
	}
	return strings.Join(out, " < ")
}
