package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

// endSignals are the signals that ask the program to end: a terminal that closes asks too,
// except under nohup.
func endSignals() []os.Signal {
	all := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		all = append(all, syscall.SIGHUP)
	}
	return all
}

// keepWriting lets writes to a pipe that nobody reads fail, instead of ending the program:
// an interrupt ends the tee behind a pipe too, and what was begun must still be put in
// order. The function that it returns ends that.
func keepWriting() (restore func()) {
	signal.Ignore(syscall.SIGPIPE)
	return func() { signal.Reset(syscall.SIGPIPE) }
}

// untilInterrupted is a context that ends when the program is asked to.
func untilInterrupted() (ctx context.Context, stop func()) {
	restore := keepWriting()
	ctx, cancel := signal.NotifyContext(context.Background(), endSignals()...)
	return ctx, func() {
		cancel()
		restore()
	}
}
