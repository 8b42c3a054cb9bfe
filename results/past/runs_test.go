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
	t.Chdir(t.TempDir())
	for _, name := range []string{"b", "zzz"} { // folders of the user
		if err := os.Mkdir(name, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if f, _, err := Find(root, "b"); err != nil || f.Path != filepath.Join(root, "b/2026-11-22T12-00-00Z") {
		t.Errorf("a folder hides the scenario of its name: %v, error %v", f, err)
	}
	if _, _, err := Find(root, "zzz"); err == nil || !strings.Contains(err.Error(), "open zzz: it has no result.json") {
		t.Errorf("a folder that is no run: error %v", err)
	}
	if _, _, err := Find(t.TempDir(), ""); err == nil || !strings.Contains(err.Error(), "there are no runs") {
		t.Errorf("an empty root: error %v", err)
	}
}

// Goal: of runs that began in one second the one that Create numbered last is the newest, by no name and by
// their scenario's without a link; and a scenario's name is not taken for the beginning of another's. Method:
// eleven runs of one second, beside a scenario whose name goes on.
func TestFindWithinOneSecond(t *testing.T) {
	root := t.TempDir()
	put(t, root, "a-b", noon, &results.Result{Schema: results.SchemaVersion, Scenario: "a-b"}, false)
	for range 11 {
		put(t, root, "a", noon, &results.Result{Schema: results.SchemaVersion, Scenario: "a"}, false)
	}
	want := filepath.Join(root, "a", "2026-11-22T12-00-00Z-11")
	for _, name := range []string{"", "a"} {
		if f, _, err := Find(root, name); err != nil || f.Path != want {
			t.Errorf("%q is %+v, error %v", name, f, err)
		}
	}
}

// Goal: a run that replayed a curve is brokerlab's alone, whatever the curve's file was called; a file that
// only looks so is not. Method: files beside those of a run.
func TestOwnFiles(t *testing.T) {
	root := t.TempDir()
	f := put(t, root, "a", noon, &results.Result{Schema: results.SchemaVersion, Complete: true}, true)
	for _, name := range []string{"curve-01-Montag (neu).csv", "cell-01-activity.json",
		"cell-12-read-producers-a-produce.hlog", "report.html", ".result.json.tmp123"} {
		if err := f.WriteFile(name, nil); err != nil {
			t.Fatal(err)
		}
	}
	if r := list(t, root)[0]; len(r.Foreign) > 0 {
		t.Errorf("held for foreign: %q", r.Foreign)
	}
	others := []string{"curve.csv", "result.json.bak", "cell-a.hlog", "report.pdf"}
	for _, name := range others {
		if err := f.WriteFile(name, nil); err != nil {
			t.Fatal(err)
		}
	}
	slices.Sort(others)
	if r := list(t, root)[0]; !slices.Equal(r.Foreign, others) {
		t.Errorf("foreign are %q, want %q", r.Foreign, others)
	}
}

// Goal: a run in a load of days is not taken for dead while it writes nothing. Method: one that has not
// ended, whose cell loads for 48 h, after 30 h and after 60 h.
func TestLongLoadMayGoOn(t *testing.T) {
	root := t.TempDir()
	put(t, root, "a", noon, &results.Result{Schema: results.SchemaVersion, Incomplete: results.NotEnded,
		Cells: []results.Cell{{Config: map[string]string{"load.duration": "48h", "load.read.limit": "10m"}}}}, false)
	for after, want := range map[time.Duration]int{30 * time.Hour: 0, 60 * time.Hour: 1} {
		plan := Choose(list(t, root), Policy{Keep: -1, Incomplete: true}, noon.Add(after))
		if len(plan.Remove) != want || len(plan.Spared) != 1-want {
			t.Errorf("after %v: %d go, %d stay", after, len(plan.Remove), len(plan.Spared))
		}
	}
}

// Goal: links are never followed out of the root: neither a scenario nor a run nor a file of one that is a
// symbolic link is removed or emptied. Method: links to a run elsewhere in each place.
func TestLinksStay(t *testing.T) {
	root, elsewhere := t.TempDir(), t.TempDir()
	far := put(t, elsewhere, "x", noon, &results.Result{Schema: results.SchemaVersion, Complete: true}, true)
	near := put(t, root, "a", noon, &results.Result{Schema: results.SchemaVersion, Complete: true}, true)
	for from, to := range map[string]string{filepath.Join(root, "b"): filepath.Join(elsewhere, "x"),
		filepath.Join(root, "a", "2026-11-22T12-00-01Z"): far.Path,
		filepath.Join(near.Path, "cell-02-produce.hlog"): filepath.Join(far.Path, results.ResultFile)} {
		if err := os.Symlink(to, from); err != nil {
			t.Fatal(err)
		}
	}
	all := list(t, root)
	if got := paths(all); !slices.Equal(got, []string{"a/2026-11-22T12-00-00Z"}) {
		t.Errorf("runs %q", got)
	}
	plan := Choose(all, Policy{Keep: 0}, noon.Add(24*time.Hour))
	if len(plan.Remove) != 0 || len(plan.Spared) != 1 {
		t.Errorf("a run with a link in it goes: %+v", plan)
	}
	plan.Remove = plan.Spared // as if the link came after the choice
	if err := plan.Execute(root); err == nil {
		t.Error("a run with a link in it was removed")
	}
	if _, _, err := results.Open(far.Path); err != nil {
		t.Errorf("what a link names is damaged: %v", err)
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
