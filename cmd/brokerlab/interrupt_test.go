package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"brokerlab/scenarios/run"
)

// longRun is a scenario of an hour.
const longRun = "load: {duration: 1h, rate: 100/s}\ncluster: {brokers: 1}\ntopic: {partitions: 1}\n"

// Goal: a run that is interrupted ends soon, with exit code 1, and its folder and
// table are there. Method: a run of an hour that gets a signal as soon as it says
// that its first cell has begun.
func TestInterrupt(t *testing.T) {
	for _, row := range []struct {
		sentence string
		disk     string
		signal   os.Signal
	}{
		{"a real run stops at an interrupt", "dir:data", os.Interrupt},
		{"a simulated run stops when it is to end", "sim", syscall.SIGTERM},
		{"a real run stops when its terminal closes", "dir:data", syscall.SIGHUP},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			t.Parallel()
			p := startRun(t, longRun, row.disk)
			if err := p.cmd.Process.Signal(row.signal); err != nil {
				t.Fatal(err)
			}
			p.check()
		})
	}
}

// Goal: a run that is interrupted comes to its end although nobody reads what it says any
// more, as when the same Ctrl-C ended the tee behind a pipe. Method: a run whose standard
// error is closed at its other end before it gets the signal.
func TestInterruptWithoutReader(t *testing.T) {
	t.Parallel()
	p := startRun(t, longRun, "dir:data")
	if err := errors.Join(p.stderrEnd.Close(), p.cmd.Process.Signal(os.Interrupt)); err != nil {
		t.Fatal(err)
	}
	if failed := (&exec.ExitError{}); !errors.As(p.cmd.Wait(), &failed) || failed.ExitCode() != exitBad {
		t.Errorf("it ended with %v", failed)
	}
	if _, err := os.Stat(filepath.Join(p.cmd.Dir, "results/runs/long/latest/report.html")); err != nil {
		t.Error(err)
	}
	if left, _ := filepath.Glob(filepath.Join(p.cmd.Dir, "data", "*")); len(left) > 0 {
		t.Errorf("left in the data directory: %v", left)
	}
}

// Goal: a second interrupt quits at once, with a code of its own. Method: signals
// to a session without a run, one by one.
func TestSecondInterruptQuits(t *testing.T) {
	var said strings.Builder
	live := &run.Live{}
	s := &session{console: newConsole(&said)}
	s.live.Store(live)
	var codes []int
	for count, want := range [][]int{nil, nil, {exitAtOnce}} {
		signals := make(chan os.Signal, 1)
		if count > 0 {
			signals <- os.Interrupt
		}
		close(signals)
		s.obey(signals, func(code int) { codes = append(codes, code) })
		if !slices.Equal(codes, want) || s.interrupted.Load() != (count > 0) {
			t.Errorf("after %d interrupts: quit with %v, interrupted is %v", count, codes, s.interrupted.Load())
		}
	}
	if lines := strings.Split(said.String(), "\n"); len(lines) != 3 || !strings.HasPrefix(lines[0], "stopping: ") {
		t.Errorf("it said %q", said.String())
	}
	if err := s.verdict(); exitCode(err) != exitBad {
		t.Errorf("the verdict is %v", err)
	}
}

// Goal: a probe of a disk that is interrupted says so, leaves nothing, and has exit
// code 1. Method: a signal as soon as it measures.
func TestProbeInterrupt(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := startIn(t, dir, "disks", "probe", "disk", "--quick")
	p.await("writing the file")
	if err := p.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	for p.stderr.Scan() {
		p.lines = append(p.lines, p.stderr.Text())
	}
	if failed := (&exec.ExitError{}); !errors.As(p.cmd.Wait(), &failed) || failed.ExitCode() != exitBad {
		t.Errorf("it ended with %v", failed)
	}
	if last := p.lines[len(p.lines)-1]; !strings.HasPrefix(last, "brokerlab: interrupted: nothing was written") {
		t.Errorf("it said %q", last)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

// Goal: the same, although nobody reads what it says any more. Method: standard error is closed
// at its other end before the signal.
func TestProbeInterruptWithoutReader(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := startIn(t, dir, "disks", "probe", "disk", "--quick")
	p.await("writing the file")
	if err := errors.Join(p.stderrEnd.Close(), p.cmd.Process.Signal(os.Interrupt)); err != nil {
		t.Fatal(err)
	}
	if failed := (&exec.ExitError{}); !errors.As(p.cmd.Wait(), &failed) || failed.ExitCode() != exitBad {
		t.Errorf("it ended with %v", failed)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

// process is the program running a scenario in a directory of its own.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	stdout bytes.Buffer
	stderr *bufio.Scanner
	lines  []string // of standard error so far

	stderrEnd io.Closer // where it is read
}

// startRun runs a scenario's text and returns when its first cell has begun.
func startRun(t *testing.T, text, disk string) *process {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "long.yaml"), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	p := startIn(t, dir, "run", "long.yaml", "--disk", disk, "--progress", "plain")
	p.await("cell 1 of 1")
	return p
}

// startIn runs the program in a directory.
func startIn(t *testing.T, dir string, args ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command("brokerlab", args...)}
	p.cmd.Dir, p.cmd.Stdout = dir, &p.stdout
	stderr, err := p.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	p.stderr, p.stderrEnd = bufio.NewScanner(stderr), stderr
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.cmd.Process.Kill() }) // for a test that failed
	return p
}

// await reads standard error up to a line that holds text.
func (p *process) await(text string) {
	p.t.Helper()
	for p.stderr.Scan() {
		p.lines = append(p.lines, p.stderr.Text())
		if strings.Contains(p.stderr.Text(), text) {
			return
		}
	}
	p.t.Fatalf("standard error ended without %q:\n%s", text, strings.Join(p.lines, "\n"))
}

// check waits for the end of the program, which was interrupted.
func (p *process) check() {
	p.t.Helper()
	for p.stderr.Scan() {
		p.lines = append(p.lines, p.stderr.Text())
	}
	err := p.cmd.Wait()
	if failed := (&exec.ExitError{}); err != nil && !errors.As(err, &failed) {
		p.t.Fatal(err)
	}
	all := strings.Join(p.lines, "\n")
	if code := p.cmd.ProcessState.ExitCode(); code != exitBad {
		p.t.Errorf("exit code %d; it said:\n%s", code, all)
	}
	for _, text := range []string{"stopping: ", "interrupted", "run folder: "} {
		if !strings.Contains(all, text) {
			p.t.Errorf("it did not say %q:\n%s", text, all)
		}
	}
	if !strings.Contains(p.stdout.String(), "incomplete") {
		p.t.Errorf("it did not print that the run is incomplete:\n%s", p.stdout.String())
	}
	if left, _ := filepath.Glob(filepath.Join(p.cmd.Dir, "data", "*")); len(left) > 0 {
		p.t.Errorf("left in the data directory: %v", left)
	}
}
