package disktest

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"brokerlab/disks/datadir"
	"brokerlab/disks/probe"
	"brokerlab/disks/profiles"
	"brokerlab/disks/suite"
	"brokerlab/results"
)

func load(t *testing.T, names ...string) (all []*profiles.Profile) {
	t.Helper()
	for _, name := range names {
		p, err := profiles.Load(name)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}

// Goal: a comparison is the same again from the same seed, on however many
// processors, and a pattern that a disk has no room for is missing and not an error.
// Method: run twice; in a span that is too small for the blocks.
func TestCompare(t *testing.T) {
	rows := suite.Compare()[3:5]
	disks := load(t, "hdd-7200", "aws-gp3", "aws-io2")
	once, err := Compare(context.Background(), disks, Options{Rows: rows, Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	twice, _ := Compare(context.Background(), disks, Options{Rows: rows, Seed: 3})
	if diff := cmp.Diff(once, twice); diff != "" {
		t.Errorf("two comparisons differ: %s", diff)
	}
	for _, d := range once.Disks {
		if d.Target != results.TargetSim || d.Figures[0].OpsPerS <= 0 || d.Figures[0].Latency.Count <= 0 {
			t.Errorf("%+v", d)
		}
	}
	small, err := Compare(context.Background(), disks[:1], Options{Rows: rows, SpanBytes: 1024, Seed: 3})
	if err != nil || !strings.Contains(small.Disks[0].Figures[0].Missing, "do not fit") {
		t.Errorf("in 1 KiB: %+v, %v", small, err)
	}
}

// tiny is the quick plan with no time for anything.
func tiny() probe.Plan {
	plan := probe.Quick()
	plan.FileBytes, plan.Prepare, plan.TimeMax = 16<<20, time.Minute, time.Minute
	plan.Warmup, plan.RowTime, plan.RowBytesMax = 0, 2*time.Millisecond, 4<<20
	return plan
}

// Goal: a probe of a directory that is new gives a profile and both columns, and
// takes everything away again. Method: a tiny plan; the profile is read.
func TestProbe(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "directory")
	var rows []int
	found, err := Probe(context.Background(), ProbeOptions{Dir: dir, Plan: tiny(), Name: "mine",
		Progress: func(row int) { rows = append(rows, row) }, Busy: func() float64 { return 1 }})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Dir(dir)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the directory is left: %v", err)
	}
	if p, err := profiles.Parse("mine.yaml", found.Profile); err != nil || p.Config.Kind.String() != found.Kind {
		t.Errorf("the profile: %v\n%s", err, found.Profile)
	}
	c := found.Comparison
	if len(c.Disks) != 2 || c.Disks[0].Target != results.TargetReal || c.Disks[1].Target != results.TargetSim ||
		len(c.Disks[1].Figures) != len(c.Patterns) || found.Judged == 0 || found.Near > found.Judged {
		t.Errorf("%d of %d near; %+v", found.Near, found.Judged, c)
	}
	busy := func(w string) bool { return strings.Contains(w, "other programs used 1.0 cores") }
	if !slices.ContainsFunc(found.Warnings, busy) {
		t.Errorf("warnings: %v", found.Warnings)
	}
}

// Goal: what is not brokerlab's stays, and an interrupt leaves nothing. Method: a
// directory with a file in it, one that is a file, a probe that is interrupted while
// it measures.
func TestProbeLeavesWhatItMust(t *testing.T) {
	theirs := t.TempDir()
	file := filepath.Join(theirs, "file")
	if err := os.WriteFile(file, []byte("theirs"), 0o644); err != nil {
		t.Fatal(err)
	}
	o := ProbeOptions{Dir: theirs, Plan: tiny(), Progress: func(int) {}}
	if _, err := Probe(context.Background(), o); !errors.Is(err, datadir.ErrNotOurs) {
		t.Errorf("a directory with a file: %v", err)
	}
	o.Dir = file
	if _, err := Probe(context.Background(), o); err == nil {
		t.Error("a file was probed")
	}
	if left, err := os.ReadDir(theirs); err != nil || len(left) != 1 {
		t.Errorf("it has %v, %v", left, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	o.Dir = filepath.Join(t.TempDir(), "ours")
	o.Progress = func(row int) {
		if row == 1 {
			cancel()
		}
	}
	if _, err := Probe(ctx, o); !errors.Is(err, context.Canceled) {
		t.Errorf("an interrupt: %v", err)
	}
	if _, err := os.Stat(o.Dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("after an interrupt the directory is left: %v", err)
	}
}

// Goal: a directory is measured with the patterns of a comparison, areas in turn
// included, and is one of its disks. Method: the comparison's plan without time.
func TestMeasure(t *testing.T) {
	plan := probe.Comparison()
	plan.FileBytes, plan.Prepare, plan.TimeMax = 64<<20, time.Minute, time.Minute
	plan.Warmup, plan.RowTime, plan.RowBytesMax = 0, time.Millisecond, 4<<20
	dir := filepath.Join(t.TempDir(), "new")
	d, span, _, err := Measure(context.Background(), ProbeOptions{Dir: dir, Plan: plan, Name: "dir:new",
		Progress: func(int) {}})
	if err != nil || d.Target != results.TargetReal || d.Name != "dir:new" || span != plan.FileBytes {
		t.Fatalf("%+v, %d bytes, %v", d, span, err)
	}
	for i, row := range plan.Rows {
		if f := d.Figures[i]; f.Missing != "" || f.MBPerS <= 0 || (f.Sync.Count > 0) != (row.Pattern.SyncEvery > 0) {
			t.Errorf("%s, %s: %+v", row.Group, row.Name, f)
		}
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the directory is left: %v", err)
	}
}
