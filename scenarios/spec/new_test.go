package spec

import (
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Goal: a new scenario is right, and is what runs without it; so it is with every
// setting and every example in it taken out of its comment. Method: read it as written
// and uncommented, and compare with the defaults.
func TestNew(t *testing.T) {
	text := string(New("my-test"))
	read := func(text string) (*File, []Cell) {
		t.Helper()
		f, cells, err := Read("my-test.yaml", []byte(text), nil)
		if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		return f, cells
	}
	want := Default("my-test")
	want.Question = "What do these settings cost, and what do they buy?"
	f, _ := read(text)
	if diff := cmp.Diff(want, f.Base); diff != "" {
		t.Errorf("as written (-want +got):\n%s", diff)
	}
	// A setting's # stands before its name, a comment's before one space.
	body, examples, _ := strings.Cut(text, "# What varies")
	all := regexp.MustCompile(`(?m)^( *)#([a-z].*)$`).ReplaceAllString(body, "$1$2") +
		regexp.MustCompile(`(?m)^#([a-z]|  )`).ReplaceAllString("# What varies"+examples, "$1")
	f, cells := read(all)
	if diff := cmp.Diff(want, f.Base); diff != "" {
		t.Errorf("uncommented (-want +got):\n%s", diff)
	}
	if planned, _ := f.Goals(cells); len(cells) != 6 || len(planned) != 3 {
		t.Errorf("the examples make %d cells and %d goals", len(cells), len(planned))
	}
	for _, d := range Reference() {
		_, name := splitPath(d.Path)
		if !regexp.MustCompile(`(?m)^ *#?` + regexp.QuoteMeta(name) + `: `).MatchString(text) {
			t.Errorf("%s is not in it", d.Path)
		}
	}
	for line := range strings.Lines(text) {
		if len(line) > 140 {
			t.Errorf("a long line: %s", line)
		}
	}
}
