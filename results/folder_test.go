package results

import (
	"bytes"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var evening = time.Date(2026, 11, 22, 21, 15, 3, 999, time.FixedZone("CET", 3600))

func create(t *testing.T, root, scenario string) *Folder {
	t.Helper()
	f, err := Create(root, scenario, evening)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// small is a result with every kind of field set.
func small() *Result {
	cpu := 1.5
	m := Measures{RecordsPerS: 10.5, Latency: map[string]Latency{Produce: {P50: 1}, EndToEnd: {P50: 2}},
		Counts: Counts{Sent: 3, Acked: 3}}
	return &Result{Schema: SchemaVersion, Scenario: "quickstart", Seed: math.MaxUint64, Complete: true,
		LabelNames: []string{"disk"}, Warnings: []string{"a <b> & c"},
		Cells: []Cell{{Labels: map[string]string{"disk": "sim"}, Target: TargetSim, Measures: m, Warnings: []string{},
			Config: map[string]string{"cluster.brokers": "3", "a": "b"},
			Repeats: []Repeat{{Seed: 1, Measures: m, Seconds: []Second{{At: 1, Bytes: 5}},
				Wall: CellWall{CPUSecondsPerGB: &cpu}}}}},
		Wall: RunWall{Started: evening.UTC(), Command: []string{"brokerlab", "run"}}}
}

// Goal: no run overwrites another, and its name is its start in UTC.
// Method: create three folders within a second and one of another scenario.
func TestCreateCollides(t *testing.T) {
	root := t.TempDir()
	for _, want := range []string{"2026-11-22T20-15-03Z", "2026-11-22T20-15-03Z-2", "2026-11-22T20-15-03Z-3"} {
		if f := create(t, root, "quickstart"); f.Path != filepath.Join(root, "quickstart", want) {
			t.Errorf("the folder is %s, want one named %s", f.Path, want)
		}
	}
	if f := create(t, root, "codecs"); filepath.Base(f.Path) != "2026-11-22T20-15-03Z" {
		t.Errorf("another scenario's folder is %s", f.Path)
	}
}

// Goal: runs that begin at once, in one program or several, get a folder each. Method: create many at one time.
func TestCreateAtOnce(t *testing.T) {
	root := t.TempDir()
	const count = 50
	paths := make([]string, count)
	var all sync.WaitGroup
	for i := range paths {
		all.Go(func() {
			f, err := Create(root, "quickstart", evening)
			if err != nil {
				t.Error(err)
				return
			}
			paths[i] = f.Path
		})
	}
	all.Wait()
	slices.Sort(paths)
	if n := len(slices.Compact(paths)); n != count {
		t.Errorf("%d runs share %d folders", count, n)
	}
}

// Goal: a scenario's name never leads out of the root.
// Method: a table of names.
func TestCreateRefuses(t *testing.T) {
	for _, name := range []string{"", ".", "..", "a/b", "/a", "../a", LatestName} {
		_, err := Create(t.TempDir(), name, evening)
		if err == nil || !strings.Contains(err.Error(), "cannot name a folder") {
			t.Errorf("scenario name %q: error is %v", name, err)
		}
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Create(file, "quickstart", evening); err == nil || !strings.Contains(err.Error(), "--out") {
		t.Errorf("a root that is a file: error is %v, want one that names --out", err)
	}
}

// Goal: a result comes back as it was, by each of the names a user may give.
// Method: write, finish, open by folder, file, link and the text that stands for a link.
func TestOpenFinds(t *testing.T) {
	root := t.TempDir()
	f := create(t, root, "quickstart")
	want := small()
	if err := errors.Join(f.WriteScenario([]byte("a: 1\n")), f.WriteResult(want), f.Finish()); err != nil {
		t.Fatal(err)
	}
	textual := filepath.Join(root, "textual", LatestName)
	if err := os.CopyFS(filepath.Dir(textual), os.DirFS(filepath.Dir(f.Path))); err != nil {
		t.Logf("links are not copied: %v", err)
	}
	_ = os.Remove(textual)
	if err := os.WriteFile(textual, []byte(filepath.Base(f.Path)+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	latest := filepath.Join(root, "quickstart", LatestName)
	for _, path := range []string{f.Path, filepath.Join(f.Path, ResultFile), latest, filepath.Join(latest, ResultFile),
		textual} {
		folder, got, err := Open(path)
		if err != nil {
			t.Errorf("open %s: %v", path, err)
			continue
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("open %s: (-want +got)\n%s", path, diff)
		}
		if src, err := folder.Scenario(); err != nil || string(src) != "a: 1\n" {
			t.Errorf("open %s: the scenario is %q, error %v", path, src, err)
		}
	}
	if to, err := os.Readlink(latest); err != nil || to != filepath.Base(f.Path) {
		t.Errorf("the link points at %q, error %v, want the relative name %q", to, err, filepath.Base(f.Path))
	}
}

// Goal: the newest run to finish is the latest, and a failing link is an error.
// Method: finish two runs in turn; put a folder where the link goes.
func TestFinishMovesOn(t *testing.T) {
	root := t.TempDir()
	first, second := create(t, root, "quickstart"), create(t, root, "quickstart")
	link := filepath.Join(root, "quickstart", LatestName)
	for _, f := range []*Folder{first, second} {
		if err := f.Finish(); err != nil {
			t.Fatal(err)
		}
		if to, err := os.Readlink(link); err != nil || to != filepath.Base(f.Path) {
			t.Errorf("the link points at %q, error %v, want %s", to, err, filepath.Base(f.Path))
		}
	}
	other := create(t, root, "codecs")
	if err := os.Mkdir(filepath.Join(root, "codecs", LatestName), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := other.Finish(); err == nil || !strings.Contains(err.Error(), "in the way") {
		t.Errorf("a folder named latest: error is %v", err)
	}
	left, err := filepath.Glob(filepath.Join(root, "*", ".*"))
	if err != nil || len(left) != 0 {
		t.Errorf("temporary files are left: %v, error %v", left, err)
	}
}

// Goal: an error says what is wrong with the named path and what to do.
// Method: a table of broken folders.
func TestOpenRefuses(t *testing.T) {
	root := t.TempDir()
	put := func(name, content string) string {
		path := filepath.Join(root, name)
		mkdir := os.MkdirAll(filepath.Dir(path), 0o755)
		if err := errors.Join(mkdir, os.WriteFile(path, []byte(content), 0o644)); err != nil {
			t.Fatal(err)
		}
		return path
	}
	gone := filepath.Join(root, "gone", LatestName)
	if err := errors.Join(os.Mkdir(filepath.Dir(gone), 0o755), os.Symlink("2020-01-01T00-00-00Z", gone)); err != nil {
		t.Fatal(err)
	}
	put("scenario/latest", "x")
	put("empty/x", "")
	for _, c := range []struct{ why, path, want string }{
		{"nothing is there", filepath.Join(root, "nothing"), "no such file or folder: name a run folder"},
		{"a link to a removed folder", gone, "points at 2020-01-01T00-00-00Z, which is gone"},
		{"a folder without a result", filepath.Join(root, "empty"), "it has no result.json"},
		{"the folder above the runs", filepath.Join(root, "scenario"),
			"did you mean " + filepath.Join(root, "scenario", "latest")},
		{"another file", put("a/report.md", ""), "not a run folder"},
		{"a text link that leads away", put("b/latest", "../a"), "does not hold the name of a run folder"},
		{"an empty text link", put("c/latest", "\n"), "does not hold the name of a run folder"},
		{"text that is not JSON", put("d/result.json", "{\n\"schema\": 1,\n oops"), "not valid JSON (line 3)"},
		{"JSON cut short", put("e/result.json", `{"schema": 1, "cells": [`), "not valid JSON (line 1)"},
		{"an empty file", put("f/result.json", ""), "not valid JSON"},
		{"JSON of something else", put("g/result.json", `{"name": "x"}`), `no "schema"`},
		{"a newer schema", put("h/result.json", `{"schema": 99}`),
			"schema version 99, this program reads 1 to 2: use the program that wrote it or a newer"},
		{"an older schema", put("i/result.json", `{"schema": 0}`), "schema version 0, this program reads 1 to 2"},
		{"a field of the wrong type", put("j/result.json", "{\"schema\": 1,\n\"cells\": 5}"),
			"does not fit the schema (line 2)"},
		{"JSON that is no object", put("k/result.json", "[1]"),
			"not valid JSON (line 1): the whole cannot be of the JSON type array"},
	} {
		if _, _, err := Open(c.path); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error is %v, want one with %q", c.why, err, c.want)
		}
	}
}

// Goal: additions to the schema do not shut this program out, and lists are never null.
// Method: decode with an unknown field; encode a result of zero values.
func TestDecodeTolerates(t *testing.T) {
	r, err := Decode([]byte(`{"schema": 1, "scenario": "x", "new": {"a": [1]}, "cells": [{"target": "sim", "newer": 1}]}`))
	if err != nil || r.Scenario != "x" || len(r.Cells) != 1 || r.Cells[0].Target != TargetSim {
		t.Errorf("decoded %+v, error %v", r, err)
	}
	text, err := Encode(&Result{Schema: SchemaVersion, Cells: []Cell{{Repeats: []Repeat{{}}}}})
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(bytes.ReplaceAll(text, []byte(`"cpu_s_per_gb": null`), nil), []byte("null")) {
		t.Errorf("a list is null:\n%s", text)
	}
}

// Goal: the same result gives the same bytes; a figure that is no number is an error, not a broken file.
// Method: encode twice; encode a NaN over a good file.
func TestWriteResult(t *testing.T) {
	a, errA := Encode(small())
	b, errB := Encode(small())
	if errA != nil || errB != nil || !bytes.Equal(a, b) {
		t.Errorf("two encodings differ, errors %v and %v", errA, errB)
	}
	if !bytes.Contains(a, []byte("a <b> & c")) || !bytes.HasSuffix(a, []byte("}\n")) {
		t.Errorf("text is escaped or lacks its line feed:\n%s", a)
	}
	f := create(t, t.TempDir(), "quickstart")
	if err := f.WriteResult(small()); err != nil {
		t.Fatal(err)
	}
	broken := small()
	broken.Cells[0].MBPerS = math.NaN()
	if err := f.WriteResult(broken); err == nil || !strings.Contains(err.Error(), "encode the result of quickstart") {
		t.Errorf("a NaN: error is %v", err)
	}
	if on, err := os.ReadFile(filepath.Join(f.Path, ResultFile)); err != nil || !bytes.Equal(on, a) {
		t.Errorf("the good file was changed, error %v", err)
	}
}

// Goal: histograms survive the folder, and a cell without them says so.
// Method: write, list the names, read back, read a cell that is not there.
func TestHistogramFiles(t *testing.T) {
	f := create(t, t.TempDir(), "quickstart")
	wrote := randomIntervals(11)
	if err := f.WriteHistograms(0, EndToEnd, wrote); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"cell-01-end_to_end.hlog", "cell-01-end_to_end.hgrm"} {
		if _, err := os.Stat(filepath.Join(f.Path, name)); err != nil {
			t.Error(err)
		}
	}
	read, err := f.Histograms(0, EndToEnd)
	if err != nil {
		t.Fatal(err)
	}
	want, _ := Measured(wrote)
	if got, _ := Measured(read); !got.Equals(want) || want.TotalCount() == 0 {
		t.Errorf("read %d values, wrote %d", got.TotalCount(), want.TotalCount())
	}
	if _, err := f.Histograms(1, Produce); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing histogram: error is %v, want fs.ErrNotExist", err)
	}
	if err := f.WriteFile(HistogramFile(0, EndToEnd, "hlog"), []byte("Tag=r1,0.0\n")); err != nil {
		t.Fatal(err)
	}
	_, err = f.Histograms(0, EndToEnd)
	if err == nil || !strings.Contains(err.Error(), "cell-01-end_to_end.hlog: line 1") {
		t.Errorf("a damaged histogram: error is %v, want one with file and line", err)
	}
}

// FuzzOpen feeds Decode arbitrary text: it must refuse it or give a result that
// encodes and decodes to the same bytes.
func FuzzOpen(f *testing.F) {
	good, err := Encode(small())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Add([]byte(`{"schema": 1, "cells": [{"repeats": [{}], "latency_ns": null}]}`))
	f.Add([]byte(`{"schema": 99}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := Decode(text)
		if err != nil {
			return
		}
		once, err := Encode(r)
		if err != nil {
			t.Fatalf("a decoded result does not encode: %v", err)
		}
		again, err := Decode(once)
		if err != nil {
			t.Fatalf("an encoded result does not decode: %v", err)
		}
		if twice, err := Encode(again); err != nil || !bytes.Equal(once, twice) {
			t.Fatalf("a second round changed the text, error %v", err)
		}
	})
}

// Goal: a result of schema version 1 is read, with its histograms, and says what it lacks. Method: one that a
// program of that version wrote; what it lacks is 0, what it has is as it was.
func TestReadVersion1(t *testing.T) {
	f, r, err := Open("testdata/version-1")
	if err != nil {
		t.Fatal(err)
	}
	hs, err := f.Histograms(0, Produce)
	if err != nil {
		t.Fatal(err)
	}
	was := r.Cells[0].Latency[Produce]
	if l := Summarize(Measured(hs)); l.P50 != was.P50 || l.P999 != was.P999 || l.Count != was.Count || l.Mean != was.Mean {
		t.Errorf("the histograms say %+v, the result %+v", l, was)
	}
	if r.Schema != SchemaVersion || !r.Complete || r.Incomplete != "" || len(r.Cells) != 2 {
		t.Errorf("schema %d, complete %v (%q), %d cells", r.Schema, r.Complete, r.Incomplete, len(r.Cells))
	}
	if c := r.Cells[0]; c.Acked != 1562524 || c.Latency[Produce].P99 != 594018303 || c.Late != 0 {
		t.Errorf("cell 1 is %+v", c.Measures)
	}
	if len(r.Warnings) != 1 || !strings.Contains(r.Warnings[0], "schema version 1") {
		t.Errorf("warnings are %q", r.Warnings)
	}
}
