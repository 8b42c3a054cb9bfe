package spec

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// Goal: canonical texts of numbers read back as the same number. Method:
// random values, round ones among them.
func TestUnitsRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		unit := rapid.SampledFrom([]int64{1, 1000, 1024, 1e6, 1 << 20, 1e9, 1 << 30, 1 << 40}).Draw(t, "unit")
		n := rapid.Int64Range(0, 1<<20).Draw(t, "n") * unit
		same(t, size, n)
		same(t, bytesPerSecond, n)
		same(t, span, time.Duration(n))
		same(t, millis, time.Duration(n/1e6*1e6))
		same(t, integer[int64](), n-1<<19)
		same(t, perSecond, math.Abs(rapid.Float64Range(0, 1e9).Draw(t, "rate")))
		same(t, seeds, rapid.Uint64().Draw(t, "seed"))
	})
}

func same[T comparable](t *rapid.T, n notation[T], v T) {
	text := n.format(v)
	got, err := n.parse(text)
	if err != nil || got != v {
		t.Fatalf("%v is written as %s and read as %v (%v)", v, text, got, err)
	}
}

// Goal: sizes are written as people would. Method: table.
func TestFormatBytes(t *testing.T) {
	tests := []struct {
		bytes int64
		want  string
	}{
		{0, "0"}, {1, "1"}, {999, "999"}, {1000, "1kB"}, {1024, "1KiB"}, {16384, "16KiB"}, {1048588, "1048588"},
		{1 << 20, "1MiB"}, {1000000, "1MB"}, {500000000, "500MB"}, {1024000, "1024kB"}, {52428800, "50MiB"},
		{1500000000, "1500MB"}, {1 << 30, "1GiB"}, {math.MaxInt32, "2147483647"}, {1 << 40, "1TiB"},
	}
	for _, tt := range tests {
		if got := formatBytes(tt.bytes); got != tt.want {
			t.Errorf("%d is written as %s, want %s", tt.bytes, got, tt.want)
		}
	}
}

// Goal: Marshal loses nothing. Method: random files from texts that the
// settings take, with lists and named choices, read back from their canonical
// text.
func TestMarshalRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var src strings.Builder
		vary := map[int]bool{}
		section := ""
		for i := range settings {
			st := &settings[i]
			if len(candidates(st)) == 0 {
				continue // a choice of one word
			}
			s, name := splitPath(st.path)
			if s != section {
				fmt.Fprintf(&src, "%s:\n", s)
				section = s
			}
			indent := strings.Repeat(" ", min(1, len(s)))
			switch rapid.IntRange(0, 4).Draw(t, st.path) {
			case 0:
				text := rapid.SampledFrom(candidates(st)).Draw(t, "value")
				fmt.Fprintf(&src, "%s%s: '%s'\n", indent, name, strings.ReplaceAll(text, "'", "''"))
			case 1:
				vary[i] = !st.perRun
			}
		}
		src.WriteString("vary:\n")
		for i := range settings {
			st := &settings[i]
			switch {
			case !vary[i]:
			case rapid.Bool().Draw(t, "list"):
				fmt.Fprintf(&src, "  %s: ['%s']\n", st.path, strings.Join(candidates(st), "', '"))
			default:
				fmt.Fprintf(&src, "  '%d %s':\n    'null': {}\n", i, rapid.SampledFrom([]string{"x: y", "#", "no"}).Draw(t, "name"))
				for j, c := range candidates(st) {
					fmt.Fprintf(&src, "    '%d': {%s: '%s'}\n", j, st.path, c)
				}
			}
		}
		f, err := Parse("a.yaml", []byte(src.String()))
		if err != nil {
			t.Fatalf("%v\n%s", err, &src)
		}
		if err := roundTrip(f); err != nil {
			t.Fatalf("%v\n%s", err, &src)
		}
	})
}

// roundTrip reads a file's canonical text and that of its first cells again.
func roundTrip(f *File) error {
	name := f.Base.Name + ".yaml"
	text := Marshal(f)
	again, err := Parse(name, text)
	if err != nil {
		return fmt.Errorf("canonical text: %w\n%s", err, text)
	}
	if diff := cmp.Diff(f.Base, again.Base); diff != "" {
		return fmt.Errorf("base (-before +after):\n%s", diff)
	}
	if diff := cmp.Diff(string(text), string(Marshal(again))); diff != "" {
		return fmt.Errorf("canonical text of canonical text (-before +after):\n%s", diff)
	}
	cells, err := f.Cells()
	cellsAgain, errAgain := again.Cells()
	if (err == nil) != (errAgain == nil) {
		return fmt.Errorf("errors before: %v\nafter: %w", err, errAgain)
	}
	if diff := cmp.Diff(cells, cellsAgain); diff != "" {
		return fmt.Errorf("cells (-before +after):\n%s", diff)
	}
	for _, c := range cells[:min(3, len(cells))] {
		alone, err := Parse(name, MarshalScenario(&c.Scenario))
		if err != nil {
			return fmt.Errorf("cell %s: %w", c, err)
		}
		if diff := cmp.Diff(c.Scenario, alone.Base); diff != "" {
			return fmt.Errorf("cell %s (-before +after):\n%s", c, diff)
		}
	}
	return nil
}

// Goal: the text of a file that flags have changed needs no flags: it makes the same
// cells, on the same disks, with the same goals about them. Method: the scripts, of
// which those with flags are read again from their canonical text.
func TestMarshalAfterFlags(t *testing.T) {
	count := 0
	for _, file := range []string{"testdata/cells.txt", "testdata/goals.txt"} {
		for _, s := range readStories(t, file) {
			f, cells, err := load(s)
			if err != nil || len(s.flags) == 0 {
				continue
			}
			count++
			text := Marshal(f)
			again, cellsAgain, err := Read("a.yaml", text, nil)
			if err != nil {
				t.Errorf("%s\n%v in\n%s", s.sentence, err, text)
				continue
			}
			if diff := cmp.Diff(planOf(f, cells), planOf(again, cellsAgain)); diff != "" {
				t.Errorf("%s (-before +after):\n%s\n%s", s.sentence, diff, text)
			}
			if diff := cmp.Diff(string(text), string(Marshal(again))); diff != "" && text[0] != '#' {
				t.Errorf("%s canonical text of canonical text (-before +after):\n%s", s.sentence, diff)
			}
		}
	}
	if count < 15 {
		t.Errorf("only %d scenarios were looked at", count)
	}
}

// planOf is what runs, with all settings that do something, and which cells goals are
// about.
func planOf(f *File, cells []Cell) (lines []string) {
	idle := f.clone()
	idle.forgetIdle(cells)
	all, _ := idle.cells(false)
	for _, p := range f.Place(all) {
		lines = append(lines, fmt.Sprint(p.name(), p.Cell.Scenario.Settings()))
	}
	strict := f.clone()
	strict.changed = false
	planned, _, _ := strict.planGoals(cells)
	for _, g := range planned {
		if len(g.check(f, f.Place(cells), g.Targets, true)) == 0 {
			lines = append(lines, fmt.Sprint(g.Left, g.Op, g.Value, g.Right, g.Targets))
		}
	}
	return lines
}

// Goal: no text makes the parser panic, every error has a place in the text,
// and whatever is accepted survives Marshal. Method: fuzzing from the built-in
// scenarios and the scripts.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("../*.yaml")
	if err != nil || len(files) == 0 {
		f.Fatalf("no built-in scenarios: %v", err)
	}
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(src)
	}
	f.Add([]byte("title: \"\\u2028 x\"\ndisk: [sim, 'dir:a: b']\nvary: {a: {b: , c: {load.rate: 1/s}}}"))
	f.Add([]byte("producers: {groups: {a: , b: {acks: 1, load.rate: 5/s}}}\nconsumers: {groups: {c: {read: cold}}}\n" +
		"vary: {producers.groups.a.records.size: [100, 1KiB], m: {x: {consumers.groups.c.rate: 1/s}}}"))
	f.Add([]byte("load: {arrival: steps, steps: [1/s for 1s, 0/s, 2/s], rate: 5/s}"))
	f.Add([]byte("seed: 1\n---\nseed: 2"))
	f.Add([]byte("producers: {batchsize: 64K, linger.ms: 010}\ntopic: [1]\nvary: {x: 1}"))
	f.Fuzz(func(t *testing.T, src []byte) {
		file, err := Parse("a.yaml", src)
		if err != nil {
			checkPlaces(t, err, src)
			return
		}
		if err := roundTrip(file); err != nil {
			t.Fatal(err)
		}
	})
}

func checkPlaces(t *testing.T, err error, src []byte) {
	errs, ok := err.(Errors)
	if !ok || len(errs) == 0 {
		t.Fatalf("error is a %T: %v", err, err)
	}
	for _, e := range errs {
		// YAML also ends lines at carriage returns and at three Unicode characters.
		lines := 2 + strings.Count(string(src), "\n") + strings.Count(string(src), "\r")
		for _, end := range []string{"\u0085", "\u2028", "\u2029"} {
			lines += strings.Count(string(src), end)
		}
		if e.Line < 1 || e.Line > lines || e.Column < 1 || e.Message == "" || e.File != "a.yaml" {
			t.Errorf("no place in a text of %d lines: %+v", lines, e)
		}
	}
}
