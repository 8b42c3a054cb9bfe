// Command bench prints what the engine reaches as ratios: each row beside a plain
// loop that moves the same bytes, in the same run, on the same directory, in turns
// with it. Figures of different machines, directories or hours are not compared.
// The targets in the table are the project's; everything else in it is measured.
// It is no test: it exits with 0 also where a row falls short.
//
//	bench [--dir D] [--time T] [--rounds N] [--only TEXT] [--format table|json]
//	      [--patience T] [--cpuprofile FILE]
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/pprof"
	"time"

	"brokerlab/cmd/bench/measure"
)

// session is what the rows of one run share.
type session struct {
	dir      string // for files; empty when a row begins
	span     time.Duration
	rounds   int
	patience measure.Patience
	progress io.Writer
}

// options are the flags.
type options struct {
	dir, only, format string
	span              time.Duration
	rounds            int
	patience          time.Duration
	cpuProfile        string
}

func main() { os.Exit(bench(os.Args[1:], os.Stdout, os.Stderr)) }

func bench(args []string, stdout, stderr io.Writer) int {
	var o options
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.dir, "dir", "", "directory on the disk to measure (default: the one for temporary files)")
	flags.DurationVar(&o.span, "time", time.Second, "longest time of one measurement")
	flags.IntVar(&o.rounds, "rounds", 5, "measurements of each row, in turns with its plain loop")
	flags.StringVar(&o.only, "only", "", "rows whose name contains this; rows marked long run only if named so")
	flags.StringVar(&o.format, "format", "table", "table or json")
	flags.DurationVar(&o.patience, "patience", time.Minute,
		"how long to wait, in all, for others to leave the processor alone")
	flags.StringVar(&o.cpuProfile, "cpuprofile", "", "write a processor profile of the rows and their plain loops")
	err := flags.Parse(args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		printRows(stderr)
		return 0
	case err != nil:
		return 2
	case flags.NArg() > 0 || o.format != "table" && o.format != "json" || o.rounds < 1 || o.span <= 0:
		flags.Usage()
		return 2
	}
	stop, err := profile(o.cpuProfile)
	if err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return 1
	}
	report, err := measureAll(o, stderr)
	err = errors.Join(err, stop())
	if err == nil {
		err = report.print(stdout, o.format)
	}
	if err != nil {
		fmt.Fprintln(stderr, "bench:", err)
		return 1
	}
	return 0
}

// profile begins to write a processor profile, unless file is "".
func profile(file string) (stop func() error, err error) {
	if file == "" {
		return func() error { return nil }, nil
	}
	f, err := os.Create(file)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() error {
		pprof.StopCPUProfile()
		return f.Close()
	}, nil
}

// printRows is the rest of the help.
func printRows(w io.Writer) {
	fmt.Fprintln(w, "\nRows:")
	for _, r := range rows {
		long := ""
		if r.long {
			long = " (long)"
		}
		fmt.Fprintf(w, "  %-18s %s%s\n", r.name, r.lines[0].what, long)
	}
}

// measureAll runs the rows that were asked for, in a directory of its own that is
// gone afterwards.
func measureAll(o options, progress io.Writer) (_ *report, err error) {
	if o.dir != "" {
		if err := os.MkdirAll(o.dir, 0o755); err != nil {
			return nil, err
		}
	}
	dir, err := os.MkdirTemp(o.dir, "brokerlab-bench-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	s := &session{dir: dir, span: o.span, rounds: o.rounds, patience: measure.Patience{Left: o.patience},
		progress: progress}
	out := newReport(filepath.Dir(dir), o)
	for _, r := range rows {
		if !r.wanted(o.only) {
			continue
		}
		fmt.Fprintf(progress, "%s: ", r.name)
		results, err := s.row(r)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", r.name, err)
		}
		fmt.Fprintln(progress)
		out.Lines = append(out.Lines, results...)
	}
	if len(out.Lines) == 0 {
		return nil, fmt.Errorf("no row's name contains %q", o.only)
	}
	return out, nil
}
