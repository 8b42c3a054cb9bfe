package spec

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Error is one fault of a scenario, at the place where it was written.
type Error struct {
	// File is the scenario's file, or the whole flag, such as "--set PATH=VALUE".
	File string
	// Line and Column count from 1, columns in characters. Line 0 means that
	// the fault lies in a --set, or in no place of the file.
	Line, Column int
	// Path is the setting or the section, such as "producers.batch.size";
	// empty where there is none (broken YAML).
	Path string
	// Message says what is wrong, and what was probably meant.
	Message string
}

// Error returns "file:line:column: path: message"; a fault of a flag is
// "--set PATH=VALUE: message".
func (e Error) Error() string {
	where := e.File
	if e.Line > 0 {
		where = fmt.Sprintf("%s:%d:%d", e.File, e.Line, e.Column)
	}
	if e.Path == "" || e.Line == 0 && strings.HasPrefix(e.File, "--") {
		return where + ": " + e.Message
	}
	return where + ": " + e.Path + ": " + e.Message
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

// orNil returns the faults in the order of the file, and nil if there are none.
func (e Errors) orNil() error {
	if len(e) == 0 {
		return nil
	}
	slices.SortStableFunc(e, func(a, b Error) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return slices.Compact(e)
}

// setFlag opens the origin of whatever the command line sets, goalFlag that of its
// goals.
const (
	setFlag  = "--set "
	goalFlag = "--goal "
)

// origin is where a value was written: a place of the file, or a --set.
type origin struct {
	line, column int
	flag         string // "--set PATH=VALUE"; empty for a place of the file
}

// fault makes an Error of what lies at o in file.
func (o origin) fault(file, path, message string) Error {
	if o.flag != "" {
		return Error{File: o.flag, Path: path, Message: message}
	}
	return Error{File: file, Line: o.line, Column: o.column, Path: path, Message: message}
}
