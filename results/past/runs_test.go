package past

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"brokerlab/results"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// store makes a root with three runs of a, an hour apart, the last of which was
// interrupted, one of b that is dead, and what is no run.
func store(t *testing.T) (root string) {
	t.Helper()
	root = t.TempDir()
	for hour := range 3 {
		r := &results.Result{Schema: results.SchemaVersion, Scenario: "a", Complete: hour < 2}
		if hour == 2 {
			r.Incomplete = "interrupted"
		}
		put(t, root, "a", noon.Add(time.Duration(hour)*time.Hour), r, true)
	}
	put(t, root, "b", noon, &results.Result{Schema: results.SchemaVersion, Scenario: "b", Incomplete: results.NotEnded},
		false)
	for _, dir := range []string{"a/notes", "a/2026-11-22T12-00-09Z", "c/2026-13-99T12-00-00Z"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// put makes a run folder that was last written when its run began.
func put(t *testing.T, root, scenario string, at time.Time, r *results.Result, ended bool) *results.Folder {
	t.Helper()
	f, err := results.Create(root, scenario, at)
	if err == nil {
		err = errors.Join(f.WriteScenario([]byte("x: 1\n")), f.WriteResult(r), f.WriteFile("cell-01-produce.hlog", nil),
			f.WriteFile("throughput.png", []byte("1234")), f.WriteFile("curve-01-My traffic.csv", []byte("0,1\n")))
	}
	if err == nil && ended {
		err = f.Finish()
	}
	files, globErr := filepath.Glob(filepath.Join(f.Path, "*"))
	if err = errors.Join(err, globErr); err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if err := os.Chtimes(file, at, at); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

func list(t *testing.T, root string) []Run {
	t.Helper()
	all, err := List(root)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func paths(all []Run) (names []string) {
	for _, r := range all {
		names = append(names, r.Scenario+"/"+r.Name)
	}
	return names
}

// Goal: a list has the run folders, in order, and nothing else. Method: a root with runs, and folders that
// only look like one.
func TestList(t *testing.T) {
	all := list(t, store(t))
	want := []string{"a/2026-11-22T12-00-00Z", "a/2026-11-22T13-00-00Z", "a/2026-11-22T14-00-00Z",
		"b/2026-11-22T12-00-00Z"}
	if got := paths(all); !slices.Equal(got, want) {
		t.Fatalf("runs %q", got)
	}
	if last := all[2]; !last.Latest || last.Complete() || last.Err != nil || last.Bytes < 100 ||
		!last.Started.Equal(noon.Add(2*time.Hour)) {
		t.Errorf("the last run of a is %+v", last)
	}
	if all[1].Latest || all[3].Latest {
		t.Error("others are the latest too")
	}
	if none, err := List(filepath.Join(t.TempDir(), "none")); err != nil || len(none) != 0 {
		t.Errorf("a root that is not there: %v, error %v", none, err)
	}
}

// Goal: a run is found by each of its names, and a name that is none or of several is told. Method: table.
func TestFind(t *testing.T) {
	root := store(t)
	for _, row := range []struct{ why, name, want, err string }{
		{"a path", filepath.Join(root, "a", "2026-11-22T12-00-00Z"), "a/2026-11-22T12-00-00Z", ""},
		{"a link", filepath.Join(root, "a", "latest"), "a/latest", ""},
		{"a scenario is its latest run", "a", "a/2026-11-22T14-00-00Z", ""},
		{"a scenario without a link is its newest run", "b", "b/2026-11-22T12-00-00Z", ""},
		{"no name is the newest of all", "", "a/2026-11-22T14-00-00Z", ""},
		{"a beginning that one has", "2026-11-22T13", "a/2026-11-22T13-00-00Z", ""},
		{"with its scenario", "b/2026", "b/2026-11-22T12-00-00Z", ""},
		{"a beginning that several have", "2026-11-22T12", "", "beginning of 2 runs: a/2026-11-22T12-00-00Z, b/"},
		{"no name of anything", "zzz", "", "results list shows"},
	} {
		f, _, err := Find(root, row.name)
		if row.err != "" {
			if err == nil || !strings.Contains(err.Error(), row.err) {
				t.Errorf("%s: error %v, want one with %q", row.why, err, row.err)
			}
			continue
		}
		if err != nil || f.Path != filepath.Join(root, row.want) {
			t.Errorf("%s: found %v, error %v", row.why, f, err)
		}
	}
	if _, _, err := Find(t.TempDir(), ""); err == nil || !strings.Contains(err.Error(), "there are no runs") {
		t.Errorf("an empty root: error %v", err)
	}
}

// Goal: what goes is what the policy says, less what is not brokerlab's alone or may go on. Method: table
// over one root a day later.
func TestChoose(t *testing.T) {
	root := store(t)
	if err := os.WriteFile(filepath.Join(root, "a", "2026-11-22T13-00-00Z", "notes.txt"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	foreign := "it holds what brokerlab did not write: notes.txt"
	for _, row := range []struct {
		why    string
		policy Policy
		after  time.Duration
		want   string
		spared string
	}{
		{"keep none", Policy{Keep: 0}, 24 * time.Hour, "a/12 a/14 b/12", foreign},
		{"keep one of each", Policy{Keep: 1}, 24 * time.Hour, "a/12", foreign},
		{"older than 23 h", Policy{Keep: -1, OlderThan: 23 * time.Hour}, 24 * time.Hour, "a/12 b/12", foreign},
		{"older, and keep three", Policy{Keep: 3, OlderThan: time.Hour}, 24 * time.Hour, "", ""},
		{"incomplete", Policy{Keep: -1, Incomplete: true}, 24 * time.Hour, "a/14 b/12", ""},
		{"what was written a moment ago may go on", Policy{Keep: -1, Incomplete: true}, time.Hour, "a/14",
			"it may go on"},
	} {
		plan := Choose(list(t, root), row.policy, noon.Add(row.after))
		var got []string
		for _, r := range plan.Remove {
			got = append(got, r.Scenario+"/"+r.Name[11:13])
		}
		if strings.Join(got, " ") != row.want || !strings.Contains(strings.Join(plan.Reason, "; "), row.spared) {
			t.Errorf("%s: %q, spared for %q", row.why, got, plan.Reason)
		}
		if row.spared == "" && len(plan.Reason) > 0 {
			t.Errorf("%s: spared for %q", row.why, plan.Reason)
		}
	}
}

// Goal: a removal leaves the other runs, what is no run, and a link latest that names a run; a scenario
// without runs goes whole. Method: remove by policy and look; a file that came since holds its folder.
func TestExecute(t *testing.T) {
	root := store(t)
	plan := Choose(list(t, root), Policy{Keep: -1, Incomplete: true}, noon.Add(24*time.Hour))
	if plan.Bytes() < 200 {
		t.Errorf("%d bytes", plan.Bytes())
	}
	if err := plan.Execute(root); err != nil {
		t.Fatal(err)
	}
	all := list(t, root)
	want := []string{"a/2026-11-22T12-00-00Z", "a/2026-11-22T13-00-00Z"}
	if got := paths(all); !slices.Equal(got, want) || !all[1].Latest {
		t.Errorf("left %q", got)
	}
	for path, there := range map[string]bool{"a/notes": true, "a/2026-11-22T12-00-09Z": true, "b": false} {
		if _, err := os.Stat(filepath.Join(root, path)); (err == nil) != there {
			t.Errorf("%s is there: %v", path, err == nil)
		}
	}
	plan = Choose(all, Policy{Keep: 0}, noon.Add(24*time.Hour))
	if err := os.WriteFile(filepath.Join(all[0].Path, "mine"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := plan.Execute(root); err == nil || !strings.Contains(err.Error(), "it holds mine") {
		t.Errorf("a file that came since: error %v", err)
	}
	if left := list(t, root); len(left) != 1 || !left[0].Latest {
		t.Errorf("left %+v", left)
	}
}
