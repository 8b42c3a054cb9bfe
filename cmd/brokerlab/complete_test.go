package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

// Goal: what may follow a command line is found for every kind of word. Method: table of lines; the words
// that are found are held against some, and the last of them says that they are all.
func TestComplete(t *testing.T) {
	for _, row := range []struct {
		line string
		want []string // whole words; "..." says that there are more
		kind paths
	}{
		{"", []string{"run", "results", "help", "..."}, noPaths},
		{"ru", []string{"run"}, noPaths},
		{"--v", []string{"--version"}, noPaths},
		{"help res", []string{"results"}, noPaths},
		{"help results g", []string{"gc"}, noPaths},
		{"results ", []string{"list", "show", "gc", "schema"}, noPaths},
		{"nothing ", nil, noPaths},
		{"run cod", []string{"codecs"}, noPaths},
		{"run codecs quick", []string{"quickstart"}, noPaths},
		{"run ./my", nil, files},
		{"run --rep", []string{"--repeat"}, noPaths},
		{"run --repeat 3 --rep", nil, noPaths},
		{"run --set a=1 --se", []string{"--set", "--seed"}, noPaths},
		{"run --repeat ", nil, noPaths},
		{"run --set producers.ac", []string{"producers.acks="}, noPaths},
		{"run --set producers.acks=", []string{"producers.acks=all", "producers.acks=0", "..."}, noPaths},
		{"run --set producers.acks=0,a", []string{"producers.acks=0,all"}, noPaths},
		{"run --set producers.compression.type=gzip,z", []string{"producers.compression.type=gzip,zstd"}, noPaths},
		{"run --set=producers.compression.type=z", []string{"--set=producers.compression.type=zstd"}, noPaths},
		{"run --set nothing=", nil, noPaths},
		{"run --disk hdd-72", []string{"hdd-7200"}, noPaths},
		{"run --disk hdd-7200,sim", []string{"hdd-7200,sim"}, noPaths},
		{"run --disk d", []string{"dir:"}, noPaths},
		{"run --disk sim,dir:/tm", nil, directories},
		{"run --disk ./my.y", nil, files},
		{"run --dir ", nil, directories},
		{"run --format ", []string{"table", "json"}, noPaths},
		{"run -- --fo", nil, files},
		{"export x --format b", []string{"benchstat"}, noPaths},
		{"export --table ac", []string{"activity"}, noPaths},
		{"export x -o ", nil, files},
		{"disks show nvme-p", []string{"nvme-plp"}, noPaths},
		{"disks probe ", nil, directories},
		{"completion f", []string{"fish"}, noPaths},
		{"dump --js", []string{"--json"}, noPaths},
		{"dump x", nil, files},
		{"version ", nil, noPaths},
	} {
		got := complete(newApp(nil), strings.Split(row.line, " "))
		var found []string
		for _, c := range got.candidates {
			found = append(found, c.word)
		}
		want, more := row.want, false
		if n := len(want); n > 0 && want[n-1] == "..." {
			want, more = want[:n-1], true
		}
		missing := slices.ContainsFunc(want, func(w string) bool { return !slices.Contains(found, w) })
		if missing || !more && len(found) != len(want) || got.paths != row.kind {
			t.Errorf("%q: %q and %s, want %q and %s", row.line, found, got.paths, row.want, row.kind)
		}
	}
}

// Goal: every flag and every command can be completed, so that none is forgotten. Method: complete nothing
// at every command, and a dash.
func TestCompleteAll(t *testing.T) {
	var visit func(path string, all []*cli.Command)
	visit = func(path string, all []*cli.Command) {
		for _, c := range all {
			if len(c.Subcommands) > 0 {
				visit(path+c.Name+" ", c.Subcommands)
				continue
			}
			got := complete(newApp(nil), strings.Split(path+c.Name+" --", " "))
			if want := len(c.Flags) + 1; len(got.candidates) != want {
				t.Errorf("%s: %d flags, want %d", path+c.Name, len(got.candidates), want)
			}
			for _, f := range got.candidates {
				if f.meaning == "" {
					t.Errorf("%s %s: nothing says what it is", path+c.Name, f.word)
				}
			}
		}
	}
	visit("", newApp(nil).Commands)
}

// Goal: the scripts are right in their shells. Method: let those that are installed read them.
func TestCompletionScripts(t *testing.T) {
	for _, shell := range shells {
		text, err := completionScripts.ReadFile("completion/brokerlab." + shell)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), completeName+" -- ") {
			t.Errorf("%s: the script does not ask the program", shell)
		}
		program, err := exec.LookPath(shell)
		if err != nil {
			t.Logf("%s is not installed", shell)
			continue
		}
		check := exec.Command(program, "-n")
		if shell == "fish" {
			check = exec.Command(program, "-n", "/dev/stdin")
		}
		check.Stdin = strings.NewReader(string(text))
		if out, err := check.CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("%s: %v\n%s", shell, err, out)
		}
	}
}
