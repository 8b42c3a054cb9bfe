package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync/atomic"

	"brokerlab/report/table"
	"brokerlab/report/wording"
	"brokerlab/results"
	"brokerlab/scenarios/run"
)

// session is one execution of the run command: its scenarios one after the other.
type session struct {
	flags       runFlags
	commandLine []string
	stdout      io.Writer
	console     *console
	live        atomic.Pointer[run.Live] // of the run that goes on
	over        run.Work                 // of the runs before it
	interrupted atomic.Bool
	outcomes    []*run.Outcome
	usage       []error // found by a run before it began
	bad         bool    // a run failed, or its records are not right
}

// runAll runs scenarios one after the other, until it is interrupted.
func (s *session) runAll(all []*scenario) {
	for i, one := range all {
		if s.interrupted.Load() {
			s.console.note("not started: " + names(all[i:]))
			return
		}
		if len(all) > 1 {
			s.console.note(fmt.Sprintf("%s: %s (scenario %d of %d)", one.arg, one.cellCount(), i+1, len(all)))
		}
		var later run.Work
		for _, next := range all[i+1:] {
			later = later.Plus(run.PlannedWork(next.file, next.cells))
		}
		s.runOne(one, later, len(all))
	}
}

// beginRun gives what shows and stops a run, and shows its progress until endRun; later
// is the work that follows it.
func (s *session) beginRun(later run.Work) *run.Live {
	live := &run.Live{}
	s.live.Store(live)
	if s.interrupted.Load() { // before there was anything to stop
		live.Stop()
	}
	s.console.begin(live, s.over.Plus(later))
	return live
}

// endRun says how the run ended.
func (s *session) endRun(err error) {
	s.over = s.over.Plus(s.live.Load().Work().Over())
	s.console.end(err)
}

// runOne runs one of so many scenarios and shows what came of it; later is the work of
// those that follow. Errors are shown here, and remembered for the exit code.
func (s *session) runOne(one *scenario, later run.Work, scenarios int) {
	var warned []string
	warn := func(message string) {
		if !slices.Contains(warned, message) {
			warned = append(warned, message)
			s.console.note("warning: " + message)
		}
	}
	for _, message := range one.warnings {
		warn(message)
	}
	out, err := run.Run(one.file, one.asRun(), run.Options{Out: s.flags.out, Keep: s.flags.keep, Command: s.commandLine,
		Live: s.beginRun(later), Warn: warn})
	s.endRun(err)
	var usage *run.UsageError
	switch {
	case errors.As(err, &usage):
		s.usage = append(s.usage, each(usage.Err)...)
	case err != nil:
		s.bad = true
		s.console.note("brokerlab: " + one.arg + ": " + oneLine(err))
	}
	if out == nil {
		return
	}
	s.outcomes = append(s.outcomes, out)
	for _, message := range warnings(out.Result) {
		warn(message)
	}
	s.show(out, scenarios)
}

// show prints the table and says where the rest is.
func (s *session) show(out *run.Outcome, scenarios int) {
	page, charts, err := writeReport(out.Folder)
	if err != nil {
		s.bad = true
		s.console.note("brokerlab: " + oneLine(err))
	}
	if s.flags.format == formatTable {
		if scenarios > 1 {
			fmt.Fprintf(s.stdout, "%s\n\n", out.Result.Title)
		}
		fmt.Fprint(s.stdout, table.TextWithin(out.Result, columnsOf(s.stdout)))
		if scenarios > 1 {
			fmt.Fprintln(s.stdout)
		}
	}
	if s.flags.format == formatJSON { // the table has them below it
		for _, line := range wording.CautionLines(out.Result) {
			s.console.note("brokerlab: " + line)
		}
	}
	for _, fault := range recordFaults(out.Result) {
		s.bad = true
		s.console.note("brokerlab: " + fault)
	}
	met, missed := goalsOf(out.Result)
	for _, line := range missed {
		s.bad = true
		s.console.note("brokerlab: goal missed: " + line)
	}
	if met > 0 {
		s.console.note(fmt.Sprintf("goals:      %d of %d met", met, met+len(missed)))
	}
	for _, dir := range out.Kept {
		s.console.note("kept logs:  " + dir)
	}
	s.console.note("run folder: " + out.Folder.Path)
	if page != "" {
		s.console.note(fmt.Sprintf("report:     %s (%s)", page, plural(charts, "chart")))
	}
}

// warnings are those of a result, with the cell that they are about.
func warnings(r *results.Result) []string {
	all := slices.Clone(r.Warnings)
	for i := range r.Cells {
		for _, w := range r.Cells[i].Warnings {
			all = append(all, cellName(r, i)+": "+w)
		}
	}
	return all
}

// recordFaults says by cell which records a run did not get right.
func recordFaults(r *results.Result) (all []string) {
	for i := range r.Cells {
		c := &r.Cells[i].Counts
		var parts []string
		for _, p := range []struct {
			count int64
			what  string
		}{
			{c.Lost, "lost"}, {c.Duplicated, "duplicated"}, {c.Reordered, "reordered"}, {c.Corrupted, "corrupted"},
			{c.Failed, "failed to be sent"},
		} {
			if p.count > 0 {
				parts = append(parts, fmt.Sprintf("%d %s", p.count, p.what))
			}
		}
		if len(parts) > 0 {
			all = append(all, fmt.Sprintf("%s: of %d acknowledged records: %s", cellName(r, i), c.Acked,
				strings.Join(parts, ", ")))
		}
	}
	return all
}

// goalsOf counts the goals that were met, each in each of its cells, and says of the
// others by how much they were missed.
func goalsOf(r *results.Result) (met int, missed []string) {
	for _, g := range r.Goals {
		if g.Met {
			met++
			continue
		}
		missed = append(missed, fmt.Sprintf("%s: %s, %s", g.Goal, g.Message, cellName(r, g.Cell)))
	}
	return met, missed
}

// cellName numbers a cell and tells its labels.
func cellName(r *results.Result, index int) string {
	var labels []string
	for _, name := range r.LabelNames {
		labels = append(labels, name+"="+r.Cells[index].Labels[name])
	}
	return fmt.Sprintf("cell %d of %d (%s)", index+1, len(r.Cells), strings.Join(labels, ", "))
}

// verdict is what the exit code comes from. Wrong use is only what was found before
// anything started.
func (s *session) verdict() error {
	err := usageOf(s.usage)
	if err != nil && len(s.outcomes) == 0 {
		return err
	}
	for _, line := range errorLines(err) {
		s.console.note(line)
	}
	if err != nil || s.bad || s.interrupted.Load() {
		return errBadRun
	}
	return nil
}

// interruptible makes the first interrupt stop the run and the second one the
// program. The function that it returns ends that.
func (s *session) interruptible() (restore func()) {
	restorePipes := keepWriting()
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, endSignals()...)
	go s.obey(signals, os.Exit)
	return func() {
		signal.Stop(signals)
		close(signals)
		restorePipes()
	}
}

// obey does what signals ask for, until there are no more.
func (s *session) obey(signals <-chan os.Signal, quit func(code int)) {
	for range signals {
		if s.interrupted.Swap(true) {
			s.console.note("brokerlab: quit at once; logs of brokers may be left in the data directory")
			quit(exitAtOnce)
			continue
		}
		s.console.note("stopping: what has ended is kept, and the result is marked incomplete (again to quit at once)")
		if live := s.live.Load(); live != nil {
			live.Stop()
		}
	}
}
