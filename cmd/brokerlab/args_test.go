package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"brokerlab/scenarios/spec"
)

// Goal: flags may stand anywhere, and none is ever taken for an argument. Method:
// a table of command lines and what the flag package gets to see.
func TestArrange(t *testing.T) {
	for _, row := range []struct {
		sentence string
		typed    string
		want     string // or the start of the error
	}{
		{"flags move before arguments", "run a b --disk sim", "run --disk sim -- a b"},
		{"a value may be part of the flag", "run a --disk=sim --keep b", "run --disk=sim --keep -- a b"},
		{"one dash is as good as two", "run a -seed 3", "run -seed 3 -- a"},
		{"a value may begin with a dash", "run a --seed -3", "run --seed -3 -- a"},
		{"behind -- all are arguments", "run --keep -- a --disk", "run --keep -- a --disk"},
		{"a dash alone is an argument", "run -", "run -- -"},
		{"a command may be without arguments", "list", "list --"},
		{"help asks a command for its help", "help run", "run --help"},
		{"help is not about an argument", "run a --keep -h", "run --help"},
		{"help may be the value of a flag", "run a --dir h --out help", "run --dir h --out help -- a"},
		{"help is a name behind a command", "run help", "run -- help"},
		{"a flag is not the value of another", "run a --disk --keep", "error: run: --disk needs a value"},
		{"the last flag needs its value too", "run a --out", "error: run: --out needs a value"},
		{"a flag without a value has none", "run a --keep=no", "error: run: --keep takes no value"},
		{"an unknown flag has a near one", "run a --seeed 3", "error: run: there is no flag --seeed (did you mean --seed?)"},
		{"flags belong to one command", "show a --disk sim", "error: show: there is no flag --disk"},
		{"an unknown command has a near one", "lst", `error: there is no command "lst" (did you mean list?)`},
		{"a command may have commands below it", "disks show nvme --source", "disks show --source -- nvme"},
		{"which alone does nothing", "disks", "disks --help"},
		{"and has help", "disks --help", "disks --help"},
		{"as those below it have", "help disks compare", "disks compare --help"},
		{"also behind a flag", "disks compare nvme --help", "disks compare --help"},
		{"a command below another has a near one", "disks shw",
			`error: there is no command "disks shw" (did you mean disks show?)`},
		{"its flags are its own", "disks list --seed 1", "error: disks list: there is no flag --seed"},
		{"and stand behind it", "disks --seed 1 list", "error: flags belong behind a command, such as disks list"},
		{"flags do not stand before a command", "--disk sim run", "error: flags belong behind a command"},
	} {
		t.Run(row.sentence, func(t *testing.T) {
			got, err := arrange(newApp(nil), strings.Fields(row.typed))
			wantError, fails := strings.CutPrefix(row.want, "error: ")
			switch {
			case fails && (err == nil || !strings.HasPrefix(err.Error(), wantError)):
				t.Errorf("%q: error %v", row.typed, err)
			case fails && exitCode(err) != exitUsage:
				t.Errorf("%q: exit code %d", row.typed, exitCode(err))
			case !fails && (err != nil || !slices.Equal(got, strings.Fields(row.want))):
				t.Errorf("%q: %q, %v", row.typed, got, err)
			}
		})
	}
}

// Goal: every help says how to use the command and ends with lines to paste that
// the program understands. Method: run the help of each command, and arrange the
// lines at its end.
func TestHelpEndsWithCommands(t *testing.T) {
	app := newApp(nil)
	texts := map[string]string{"": app.CustomAppHelpTemplate}
	for _, c := range app.Commands {
		texts[c.HelpName] = c.CustomHelpTemplate
		for _, sub := range c.Subcommands {
			texts[sub.HelpName] = sub.CustomHelpTemplate
		}
	}
	for name, text := range texts {
		if strings.Contains(text, "{{") {
			t.Errorf("%s: the help is no plain text", name)
		}
		_, try, ok := strings.Cut(text, "\nTry:\n")
		if !ok {
			t.Errorf("%s: the help does not end with commands to paste", name)
		}
		for line := range strings.Lines(try) {
			command, _, _ := strings.Cut(strings.TrimSpace(line), "   ")
			command, _, _ = strings.Cut(command, " >")
			words := strings.Fields(command)
			if len(words) == 0 || words[0] != "brokerlab" {
				t.Errorf("%s: %q is no command", name, line)
				continue
			}
			if _, err := arrange(newApp(nil), words[1:]); err != nil {
				t.Errorf("%s: %q: %v", name, line, err)
			}
		}
	}
}

// Goal: one fault is said once, on one line, and scenarios' faults begin with
// their place. Method: errors of each kind.
func TestSayError(t *testing.T) {
	ofFlag := spec.Errors{{File: "--set a=1", Path: "a", Message: "is wrong"}}
	ofText := spec.Errors{{File: "x.yaml", Line: 1, Column: 2, Path: "a", Message: "is wrong"}}
	for _, row := range []struct {
		sentence string
		err      error
		want     string
		code     int
	}{
		{"nothing went wrong", nil, "", exitGood},
		{"all was said", errBadRun, "", exitBad},
		{"joined errors are one line, each once", errors.Join(io.EOF, io.EOF, io.ErrShortWrite),
			"brokerlab: EOF; short write\n", exitBad},
		{"what a cell met is not said again without it", errors.Join(fmt.Errorf("cell 1: %w", io.EOF), io.EOF),
			"brokerlab: cell 1: EOF\n", exitBad},
		{"faults of a flag have the program's name", usageOf([]error{ofFlag, ofFlag, io.EOF}),
			"brokerlab: --set a=1: is wrong\nbrokerlab: EOF\n", exitUsage},
		{"faults of a text begin with their place", usageOf([]error{ofText}), "x.yaml:1:2: a: is wrong\n", exitUsage},
	} {
		var said strings.Builder
		sayError(&said, row.err)
		if said.String() != row.want || exitCode(row.err) != row.code {
			t.Errorf("%s: %q, exit code %d", row.sentence, said.String(), exitCode(row.err))
		}
	}
}
