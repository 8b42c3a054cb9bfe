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
	sets     []string
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
			if set, ok := strings.CutPrefix(line, "$ --set "); ok {
				s.sets = append(s.sets, set)
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
		for _, set := range s.sets {
			text.WriteString("$ --set " + set + "\n")
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

// load parses, overrides and expands, up to the first step that fails.
func load(s story) (*File, []Cell, error) {
	f, err := Parse("a.yaml", []byte(s.yaml))
	if err != nil {
		return nil, nil, err
	}
	for _, set := range s.sets {
		path, value, _ := strings.Cut(set, "=")
		if err := f.Set(path, value); err != nil {
			return nil, nil, err
		}
	}
	cells, err := f.Cells()
	return f, cells, err
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
