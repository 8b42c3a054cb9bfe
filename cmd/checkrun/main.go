// Command checkrun looks at what a run of brokerlab left behind, with other code
// than brokerlab's own: the names of its JSON are written down here a second time,
// so that a change of them is noticed. It checks form and plausibility, and does
// not promise that the figures are right.
//
//	checkrun run --json FILE --out FOLDER [--data FOLDER] --target real|sim --cells N
//	checkrun same A.json B.json
//	checkrun table --cells N FILE
//	checkrun page [--chromium PATH] [--pictures FOLDER] report.html
//
// It exits with 0 if all is well, 1 with a line for each finding, 2 if misused.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

var errUsage = errors.New(`usage:
  checkrun run --json FILE --out FOLDER [--data FOLDER] --target real|sim --cells N
  checkrun same A.json B.json
  checkrun table --cells N FILE
  checkrun page [--chromium PATH] [--pictures FOLDER] report.html`)

func main() { os.Exit(checkrun(os.Args[1:], os.Stdout, os.Stderr)) }

func checkrun(args []string, stdout, stderr io.Writer) int {
	f := &findings{}
	err := dispatch(args, f, stdout)
	switch {
	case errors.Is(err, errUsage):
		fmt.Fprintln(stderr, err)
		return 2
	case err != nil:
		f.add("%v", err)
	}
	for _, text := range f.texts {
		fmt.Fprintln(stderr, "checkrun:", text)
	}
	if len(f.texts) > 0 {
		return 1
	}
	return 0
}

func dispatch(args []string, f *findings, stdout io.Writer) error {
	if len(args) == 0 {
		return errUsage
	}
	var r run
	var p pageCheck
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	flags.StringVar(&r.json, "json", "", "standard output of the run with --format json")
	flags.StringVar(&r.out, "out", "", "the run's folder")
	flags.StringVar(&r.data, "data", "", "the data directory, which must be gone or empty")
	flags.StringVar(&r.target, "target", "", "real or sim")
	flags.IntVar(&r.cells, "cells", 0, "how many cells the run has")
	flags.StringVar(&p.chromium, "chromium", "", "the browser, else the one on the search path")
	flags.StringVar(&p.pictures, "pictures", "", "a folder for pictures of the page in each view")
	if err := flags.Parse(args[1:]); err != nil {
		return fmt.Errorf("%w\n%w", err, errUsage)
	}
	files := flags.Args()
	switch {
	case args[0] == "run" && len(files) == 0 && r.json != "" && r.out != "" && r.cells > 0 &&
		(r.target == "real" || r.target == "sim"):
		return r.check(f, stdout)
	case args[0] == "same" && len(files) == 2:
		return checkSame(files[0], files[1], stdout)
	case args[0] == "table" && len(files) == 1 && r.cells > 0:
		return checkTable(f, files[0], r.cells)
	case args[0] == "page" && len(files) == 1:
		return p.check(f, files[0], stdout)
	}
	return errUsage
}

// findings are the sentences that say what is wrong.
type findings struct{ texts []string }

func (f *findings) add(format string, args ...any) {
	f.texts = append(f.texts, fmt.Sprintf(format, args...))
}

// want adds a finding unless ok.
func (f *findings) want(ok bool, format string, args ...any) {
	if !ok {
		f.add(format, args...)
	}
}
