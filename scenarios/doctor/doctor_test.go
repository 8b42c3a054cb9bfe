package doctor

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
)

var rewrite = flag.Bool("rewrite", false, "write the findings that the tests expect")

// trees reads the files of a machine, and those that are others a second later.
func trees(t *testing.T, name string) (before, after fstest.MapFS) {
	t.Helper()
	archive, err := txtar.ParseFile(filepath.Join("testdata", name+".txtar"))
	if err != nil {
		t.Fatal(err)
	}
	before, after = fstest.MapFS{}, fstest.MapFS{}
	for _, f := range archive.Files {
		file := &fstest.MapFile{Data: f.Data}
		if later, ok := strings.CutPrefix(f.Name, "after/"); ok {
			after[later] = file
			continue
		}
		before[f.Name], after[f.Name] = file, file
	}
	return before, after
}

// moving is a file system that is another one after a while.
type moving struct{ now fs.FS }

func (m *moving) Open(name string) (fs.File, error) { return m.now.Open(name) }

func examine(t *testing.T, name string, m Machine) []Check {
	t.Helper()
	before, after := trees(t, name)
	root := &moving{before}
	m.Root, m.OS = root, "linux"
	m.Wait = func(time.Duration) { root.now = after }
	return Examine(m)
}

var calm = Live{LateP50: 20 * time.Microsecond, LateP99: 80 * time.Microsecond, Step: 30, Cost: 40}

// Goal: what is found of a machine stays as it is. Method: recorded and written trees of /proc and /sys, whose
// findings are compared with testdata.
func TestExamine(t *testing.T) {
	for _, row := range []struct {
		name    string
		machine Machine
	}{
		{"virtual", Machine{Live: calm, Dir: Directory{Existing: "/srv/logs", FreeBytes: 70 * gib, Kind: "ext4"}}},
		{"laptop", Machine{Live: Live{LateP99: 2 * time.Millisecond, Step: 1000, Cost: 900},
			Dir: Directory{Existing: "/data two/logs", FreeBytes: 3 * gib, Kind: "ext4"}}},
		{"container", Machine{Live: calm, Dir: Directory{Existing: "/logs", FreeBytes: gib / 2, Kind: "overlay"}}},
	} {
		var got strings.Builder
		for _, c := range examine(t, row.name, row.machine) {
			fmt.Fprintf(&got, "%s | %s | %s | %s | %s\n", c.Level, c.Name, c.Value, c.Effect, c.Advice)
		}
		path := filepath.Join("testdata", row.name+".txt")
		if *rewrite {
			if err := os.WriteFile(path, []byte(got.String()), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got.String()); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", row.name, diff)
		}
	}
}

// Goal: each level is the one that a reader of the findings would choose. Method: look some up by machine.
func TestLevels(t *testing.T) {
	laptop := examine(t, "laptop", Machine{Live: calm, PID: 4242,
		Dir: Directory{Existing: "/home", FreeBytes: 100 * gib, Kind: "btrfs"}})
	container := examine(t, "container", Machine{Live: calm, Dir: Directory{Existing: "/logs", FreeBytes: 70 * gib}})
	tmpfs := examine(t, "container", Machine{Live: calm, Dir: Directory{Existing: "/logs", Kind: "tmpfs",
		KindFault: "tmpfs lives in memory: not a disk"}})
	nothing := Examine(Machine{Root: fstest.MapFS{}, OS: "darwin", Wait: func(time.Duration) {}, Live: calm})
	for _, row := range []struct {
		why    string
		checks []Check
		name   string
		want   Level
	}{
		{"a battery that empties", laptop, "power", Bad},
		{"governors that differ", laptop, "governor", Note},
		{"pages that are swapped now", laptop, "swap", Bad},
		{"memory that is all but gone", laptop, "memory", Bad},
		{"btrfs", laptop, "file system", Note},
		{"compression of the mount", laptop, "mount options", Note},
		{"a clock that costs a system call", laptop, "clock source", Bad},
		{"load that is our own", laptop, "other load", Good},
		{"a quota", container, "container", Bad},
		{"a quiet server", container, "other load", Good},
		{"an overlay", container, "file system", Note},
		{"room", container, "free space", Good},
		{"a file system in memory", tmpfs, "file system", Bad},
		{"another system", nothing, "governor", Unknown},
	} {
		i := slices.IndexFunc(row.checks, func(c Check) bool { return c.Name == row.name })
		if i < 0 || row.checks[i].Level != row.want {
			t.Errorf("%s: %+v", row.why, row.checks)
		}
	}
	if Worst(laptop) != Bad || Worst(nothing) != Good {
		t.Errorf("worst %s and %s", Worst(laptop), Worst(nothing))
	}
}

// Goal: this machine can be looked at, and nothing is left to be said. Method: examine it without the second.
func TestThis(t *testing.T) {
	m := This(filepath.Join(t.TempDir(), "not", "there"))
	m.Wait = func(time.Duration) {}
	checks := Examine(m)
	if len(checks) < 20 || m.Live.Cost <= 0 || m.Live.Step <= 0 {
		t.Errorf("%d checks, %+v", len(checks), m.Live)
	}
	for _, c := range checks {
		if c.Name == "" || c.Value == "" || (c.Level == Note || c.Level == Bad) == (c.Effect == "" || c.Advice == "") {
			t.Errorf("%+v", c)
		}
	}
}

// FuzzExamine: whatever files hold, there are checks and no panic.
func FuzzExamine(f *testing.F) {
	f.Add("cpu 1 2 3 4 5 6 7 8 9 10", "1 2 3:4 / / rw - ext4 /dev/x rw", "0::/a", "some avg10=1 x")
	f.Fuzz(func(t *testing.T, stat, mounts, groups, pressure string) {
		root := fstest.MapFS{"proc/stat": {Data: []byte(stat)}, "proc/self/mountinfo": {Data: []byte(mounts)},
			"proc/self/cgroup": {Data: []byte(groups)}, "proc/pressure/io": {Data: []byte(pressure)},
			"proc/7/stat": {Data: []byte(stat)}, "proc/self/limits": {Data: []byte(stat)},
			"proc/diskstats": {Data: []byte(stat)}, "proc/meminfo": {Data: []byte(stat)}}
		if checks := Examine(Machine{Root: root, OS: "linux", Wait: func(time.Duration) {}}); len(checks) < 20 {
			t.Errorf("%d checks", len(checks))
		}
	})
}
