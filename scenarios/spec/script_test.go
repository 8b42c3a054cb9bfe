package spec

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var rewrite = flag.Bool("rewrite", false, "rewrite the expected parts of testdata")

// story is one block of a script: a scenario, the overrides of it, and all that
// is said about them.
type story struct {
	sentence string
	yaml     string
	flags    []string
	want     string
}

// readStories reads a script. A block is
//
//	== A sentence.
//	YAML
//	$ --set PATH=VALUE
//	=>
//	what is expected
func readStories(t *testing.T, file string) []story {
	t.Helper()
	src, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out []story
	for block := range strings.SplitSeq("\n"+string(src), "\n== ") {
		sentence, rest, _ := strings.Cut(block, "\n")
		if sentence == "" {
			continue // what stands before the first block
		}
		body, want, found := strings.Cut("\n"+rest, "\n=>\n")
		if !found {
			t.Fatalf("%s: %q has no line =>", file, sentence)
		}
		s := story{sentence: sentence, want: strings.TrimSpace(want)}
		for line := range strings.SplitSeq(strings.TrimPrefix(body, "\n"), "\n") {
			if flag, ok := strings.CutPrefix(line, "$ "); ok {
				s.flags = append(s.flags, flag)
			} else {
				s.yaml += line + "\n"
			}
		}
		out = append(out, s)
	}
	if len(out) == 0 {
		t.Fatalf("%s holds no blocks", file)
	}
	return out
}

// runStories compares what tell says about each block with what is expected, or
// writes it down with -rewrite.
func runStories(t *testing.T, file string, tell func(story) string) {
	var text strings.Builder
	for i, s := range readStories(t, file) {
		got := strings.TrimSpace(tell(s))
		if i > 0 {
			text.WriteString("\n")
		}
		text.WriteString("== " + s.sentence + "\n" + s.yaml)
		for _, flag := range s.flags {
			text.WriteString("$ " + flag + "\n")
		}
		text.WriteString("=>\n" + got + "\n")
		if diff := cmp.Diff(s.want, got); diff != "" && !*rewrite {
			t.Errorf("%s (-want +got):\n%s", s.sentence, diff)
		}
	}
	if *rewrite {
		if err := os.WriteFile(file, []byte(text.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// load reads a story as the command line does.
func load(s story) (*File, []Cell, error) {
	var overrides []Override
	for _, flag := range s.flags {
		o := Override{Flag: flag}
		if text, ok := strings.CutPrefix(flag, goalFlag); ok {
			o.Path, o.Value = goalsKey, text
		} else {
			o.Path, o.Value, _ = strings.Cut(strings.TrimPrefix(flag, setFlag), "=")
		}
		overrides = append(overrides, o)
	}
	return Read("a.yaml", []byte(s.yaml), overrides)
}

// Goal: every fault is reported at its place, with what was probably meant.
// Method: scripts of wrong scenarios and overrides with the whole text of their
// errors.
func TestErrors(t *testing.T) {
	runStories(t, "testdata/errors.txt", func(s story) string {
		_, _, err := load(s)
		if err == nil {
			return "no error"
		}
		if _, ok := err.(Errors); !ok {
			t.Errorf("%s: error is a %T", s.sentence, err)
		}
		return err.Error()
	})
}

// Goal: sweeps and overrides make the cells that the documentation promises.
// Method: scripts that list, for each cell, its labels and what differs from
// the defaults.
func TestCells(t *testing.T) {
	runStories(t, "testdata/cells.txt", func(s story) string {
		f, cells, err := load(s)
		if err != nil {
			return err.Error()
		}
		var out strings.Builder
		fmt.Fprintf(&out, "labels: %q\n", f.LabelNames())
		defaults := Default("a")
		plain := defaults.Settings()
		for _, c := range cells {
			out.WriteString("[" + c.String() + "]")
			for i, st := range c.Scenario.Settings() {
				if i >= len(plain) || st != plain[i] {
					out.WriteString(" " + st.Path + "=" + st.Value)
				}
			}
			out.WriteString("\n")
		}
		return out.String()
	})
}

// Goal: goals are about the cells that they name, and what no result could tell is
// refused before anything starts. Method: scripts with the goals, each with the cells
// that it is about, and the ones that they are compared with; or all errors.
func TestGoals(t *testing.T) {
	runStories(t, "testdata/goals.txt", func(s story) string {
		f, cells, err := load(s)
		if err != nil {
			return err.Error()
		}
		var out strings.Builder
		all := f.Place(cells)
		planned, notes := f.Goals(cells)
		for _, g := range planned {
			out.WriteString(g.Text + "\n")
			for _, at := range g.Targets {
				out.WriteString("    " + all[at.Cell].name())
				if at.With != at.Cell {
					out.WriteString("  against  " + all[at.With].name())
				}
				out.WriteString("\n")
			}
		}
		return out.String() + strings.Join(notes, "\n")
	})
}
