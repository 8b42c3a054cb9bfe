// Package figures is what profiles of disks and of hosts have in common: figures
// in YAML, each with its source and with how well it is known, read strictly, with
// every fault at its line and column. What the figures mean is the profile's.
package figures

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Source is where figures come from.
type Source struct{ Key, Text string }

// Status says how well a figure is known.
type Status string

// The statuses of figures, from the best known to the least.
const (
	Measured          Status = "measured"           // by brokerlab, on the machine that the profile names
	Verified          Status = "verified"           // read in the source
	VerifiedSecondary Status = "verified-secondary" // read where another quotes the source
	Derived           Status = "derived"            // computed from figures of the source; the note says how
	Inferred          Status = "inferred"           // deduced from the source; the note says how
	Recalled          Status = "recalled"           // common knowledge that was not looked up
	Fitted            Status = "fitted"             // chosen so that the model shows a figure of the source
	Assumed           Status = "assumed"            // chosen; no source says more
)

// Statuses are all of them.
var Statuses = []Status{Measured, Verified, VerifiedSecondary, Derived, Inferred, Recalled, Fitted, Assumed}

// Error is one fault of a file, at the place where it was written.
type Error struct {
	File         string
	Line, Column int    // from 1, columns in characters
	Path         string // "hdd.rpm"; empty where there is none
	Message      string
}

// Error returns "file:line:column: path: message".
func (e Error) Error() string {
	where := fmt.Sprintf("%s:%d:%d: ", e.File, e.Line, e.Column)
	if e.Path != "" {
		where += e.Path + ": "
	}
	return where + e.Message
}

// Errors are all faults that were found at once, in the order of the file.
type Errors []Error

// Error prints one fault per line.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i := range e {
		lines[i] = e[i].Error()
	}
	return strings.Join(lines, "\n")
}

// OrNil is nil if there are none, and else the faults in the order of the file.
func (e Errors) OrNil() error {
	if len(e) == 0 {
		return nil
	}
	slices.SortStableFunc(e, func(a, b Error) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return e
}
