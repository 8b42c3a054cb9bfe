package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"brokerlab/disks/figures"
	"brokerlab/scenarios/spec"
)

// Exit codes.
const (
	exitGood   = 0
	exitBad    = 1   // a run failed, was interrupted, or lost records
	exitUsage  = 2   // wrong use: nothing has started
	exitAtOnce = 130 // a second interrupt: 128 and the number of SIGINT, as shells have it
)

// usageError is wrong use: of flags, of arguments, or of a scenario's language.
type usageError struct{ faults []error }

func (e *usageError) Error() string { return errors.Join(e.faults...).Error() }

func wrongUse(format string, args ...any) error {
	return &usageError{[]error{fmt.Errorf(format, args...)}}
}

// usageOf is the wrong use that the faults amount to; nil if there are none.
func usageOf(faults []error) error {
	if len(faults) == 0 {
		return nil
	}
	return &usageError{faults}
}

// errBadRun says that a run is over and was not good; all was said already.
var errBadRun = errors.New("a run was not good")

func exitCode(err error) int {
	var usage *usageError
	switch {
	case err == nil:
		return exitGood
	case errors.As(err, &usage):
		return exitUsage
	}
	return exitBad
}

// sayError writes an error on lines of its own, each once.
func sayError(stderr io.Writer, err error) {
	var said []string
	for _, line := range errorLines(err) {
		if !slices.Contains(said, line) {
			said = append(said, line)
			fmt.Fprintln(stderr, line)
		}
	}
}

// errorLines puts the program's name in front of every error but those of the text
// of a scenario or a disk's profile, which begin with a place that editors find.
func errorLines(err error) (lines []string) {
	var usage *usageError
	var faults spec.Errors
	switch {
	case err == nil || err == errBadRun:
		return nil
	case errors.As(err, &usage):
		for _, fault := range usage.faults {
			if wrong, ok := errors.AsType[figures.Errors](fault); ok {
				lines = append(lines, strings.Split(wrong.Error(), "\n")...)
				continue
			}
			if !errors.As(fault, &faults) {
				lines = append(lines, "brokerlab: "+oneLine(fault))
				continue
			}
			for _, f := range faults {
				if f.Line == 0 { // of a flag
					lines = append(lines, "brokerlab: "+oneLine(f))
				} else {
					lines = append(lines, f.Error())
				}
			}
		}
		return lines
	}
	return []string{"brokerlab: " + oneLine(err)}
}

// oneLine writes joined errors behind each other, each once,
// also where a cell is named before the same words.
func oneLine(err error) string {
	var parts []string
	for line := range strings.Lines(err.Error()) {
		line = strings.TrimSpace(line)
		said := slices.ContainsFunc(parts, func(part string) bool {
			return part == line || strings.HasSuffix(part, ": "+line)
		})
		if !said && line != "" {
			parts = append(parts, line)
		}
	}
	return strings.Join(parts, "; ")
}
