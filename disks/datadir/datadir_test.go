package datadir

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
)

// tree lists what is below root, sorted: directories end in "/", the marker is
// "MARKER", links are "name -> target".
func tree(t *testing.T, root string) string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		switch {
		case name == ".":
		case e.IsDir():
			names = append(names, name+"/")
		case e.Type()&fs.ModeSymlink != 0:
			names = append(names, name+" ->")
		default:
			names = append(names, strings.Replace(name, markerName, "MARKER", 1))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// plant makes what a table row names, in tree's notation.
func plant(t *testing.T, root, names string) {
	t.Helper()
	for _, name := range strings.Fields(names) {
		path := filepath.Join(root, strings.Replace(name, "MARKER", markerName, 1))
		var err error
		if strings.HasSuffix(name, "/") {
			err = os.MkdirAll(path, 0o755)
		} else {
			err = os.WriteFile(path, []byte("not to be touched"), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// Goal: only new, empty and marked directories are taken, everything else stays
// as it was, and Close leaves what was there before. Method: a table of trees,
// before, between and after.
func TestPrepareAndClose(t *testing.T) {
	for _, row := range []struct {
		says, before, path string
		during             string // the tree while it is used; "" if refused
		refusal            string // in the error's text
	}{
		{"a missing directory is made and goes", "", "x", "x/ x/MARKER", ""},
		{"missing parents are made and go", "a/", "a/b/c", "a/ a/b/ a/b/c/ a/b/c/MARKER", ""},
		{"a parent with something else in it stays", "a/ a/file", "a/b/c", "a/ a/b/ a/b/c/ a/b/c/MARKER a/file", ""},
		{"an empty directory stays empty", "x/", "x", "x/ x/MARKER", ""},
		{"a marked directory is taken, and keeps its marker", "x/ x/MARKER", "x", "x/ x/MARKER", ""},
		{"a marked directory with runs of others", "x/ x/MARKER x/run/ x/run/log", "x", "x/ x/MARKER x/run/ x/run/log", ""},
		{"a directory with a file is refused", "x/ x/thesis.txt", "x", "", "not a data directory of brokerlab"},
		{"the refusal says that nothing was touched", "x/ x/thesis.txt", "x", "", "nothing in it was touched"},
		{"the refusal says what to do", "x/ x/thesis.txt", "x", "", "for example %s/x/brokerlab"},
		{"a directory with a directory is refused", "x/ x/y/", "x", "", "not empty"},
		{"a directory that has the marker's name does not mark", "x/ x/MARKER/", "x", "", "is not a file"},
		{"a file is refused", "x", "x", "", "%s/x is a file, not a directory"},
		{"a file as a parent is refused", "x", "x/y/z", "", "%s/x is a file, not a directory"},
	} {
		t.Run(row.says, func(t *testing.T) {
			root := t.TempDir()
			plant(t, root, row.before)
			before := tree(t, root)
			d, err := Prepare(filepath.Join(root, row.path))
			if row.refusal != "" {
				refusal := strings.ReplaceAll(row.refusal, "%s", root)
				if err == nil || !strings.Contains(err.Error(), refusal) || strings.Contains(err.Error(), "\n") {
					t.Errorf("error is %v, want one line with %q", err, refusal)
				}
			} else {
				if err != nil {
					t.Fatal(err)
				}
				if got := tree(t, root); got != row.during {
					t.Errorf("while it is used the tree is %q, want %q", got, row.during)
				}
				if err := d.Close(); err != nil {
					t.Error(err)
				}
				if err := d.Close(); err != nil {
					t.Errorf("the second Close: %v", err)
				}
			}
			if after := tree(t, root); after != before {
				t.Errorf("afterwards the tree is %q, and it was %q", after, before)
			}
		})
	}
}

// Goal: ErrNotOurs can be told apart. Method: errors.Is.
func TestErrNotOurs(t *testing.T) {
	root := t.TempDir()
	plant(t, root, "x/ x/file")
	if _, err := Prepare(filepath.Join(root, "x")); !errors.Is(err, ErrNotOurs) {
		t.Errorf("error is %v", err)
	}
	if _, err := Prepare(""); err == nil {
		t.Error("the empty path is accepted")
	}
}

// Goal: a path that cannot be written is one clear error. Method: a kernel's file
// system that takes no directories, where there is one.
func TestUnwritable(t *testing.T) {
	for _, path := range []string{"/sys/brokerlab-test", "/proc/brokerlab-test/x"} {
		if _, err := os.Stat(filepath.Dir(path)); err != nil && strings.HasPrefix(path, "/sys") {
			t.Skip("no such file system here")
		}
		_, err := Prepare(path)
		if err == nil || !strings.HasPrefix(err.Error(), "data directory "+path+": cannot make /") ||
			strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error is %v", path, err)
		}
	}
}

// Goal: a link to nothing is told from processes that race. Method: such a link,
// as the directory and as its parent.
func TestLinkToNothing(t *testing.T) {
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink("missing", link); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{link, filepath.Join(link, "below")} {
		if _, err := Prepare(path); err == nil || !strings.Contains(err.Error(), "link is a symbolic link to something") {
			t.Errorf("%s: error is %v", path, err)
		}
	}
}

// prepared is a data directory below a new root, with a file beside it.
func prepared(t *testing.T) (root string, d *Dir) {
	t.Helper()
	root = t.TempDir()
	plant(t, root, "mine/ mine/thesis.txt")
	d, err := Prepare(filepath.Join(root, "x"))
	if err != nil {
		t.Fatal(err)
	}
	return root, d
}

func newRun(t *testing.T, d *Dir, name string) string {
	t.Helper()
	path, err := d.NewRun(name)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// Goal: runs get directories of their own, and Remove takes them away with all
// that is in them. Method: two runs of one name, then Close.
func TestRuns(t *testing.T) {
	root, d := prepared(t)
	before := tree(t, root)
	first, second := newRun(t, d, "quickstart"), newRun(t, d, "quickstart")
	if first == second || filepath.Dir(first) != d.Path() || !strings.HasPrefix(filepath.Base(first), "quickstart-") {
		t.Errorf("runs are %s and %s in %s", first, second, d.Path())
	}
	names := []string{"../up", "a/b", "..", "", "x\x00y", "br\u00f6ker", ".brokerlab-data", strings.Repeat("n", 500)}
	for i, name := range names {
		path := newRun(t, d, name)
		if filepath.Dir(path) != d.Path() || strings.HasPrefix(filepath.Base(path), ".") {
			t.Errorf("run %d, named %q, is %s", i, name, path)
		}
		if err := d.Remove(path); err != nil {
			t.Error(err)
		}
	}
	plant(t, first, "broker-0/ broker-0/t-0/ broker-0/t-0/00000000000000000000.log")
	for _, path := range []string{first, second + "/"} {
		if err := d.Remove(path); err != nil {
			t.Error(err)
		}
	}
	if after := tree(t, root); after != before {
		t.Errorf("the tree is %q, and it was %q", after, before)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if after := tree(t, root); after != "mine/ mine/thesis.txt" {
		t.Errorf("after Close the tree is %q", after)
	}
	if path, err := d.NewRun("late"); err == nil {
		t.Errorf("a run was made after Close: %s", path)
	}
}

// Goal: Remove deletes nothing but a run of this process. Method: a table of
// other paths, and of things that took a run's place.
func TestRemoveRefuses(t *testing.T) {
	root, d := prepared(t)
	kept := newRun(t, d, "kept")
	plant(t, kept, "log")
	swapped := newRun(t, d, "swapped")
	linked := newRun(t, d, "linked")
	other, err := Prepare(filepath.Join(root, "x"))
	if err != nil {
		t.Fatal(err)
	}
	foreign := newRun(t, other, "foreign")
	steps := []error{
		os.Rename(swapped, filepath.Join(root, "moved")),
		os.Mkdir(swapped, 0o755),
		os.WriteFile(filepath.Join(swapped, "somebody's"), nil, 0o644),
		os.Remove(linked),
		os.Symlink(filepath.Join(root, "mine"), linked),
	}
	if err := errors.Join(steps...); err != nil {
		t.Fatal(err)
	}
	before := tree(t, root)
	for _, row := range []struct{ says, path string }{
		{"the data directory itself", d.Path()},
		{"its parent", root},
		{"a directory beside it", filepath.Join(root, "mine")},
		{"a path through a run", filepath.Join(kept, "..", "..", "mine")},
		{"something inside a run", filepath.Join(kept, "log")},
		{"a run of another process", foreign},
		{"another directory in a run's place", swapped},
		{"a link in a run's place", linked},
		{"nothing", ""},
		{"the root of all", "/"},
	} {
		if err := d.Remove(row.path); err == nil || !strings.Contains(err.Error(), "refuse to remove") {
			t.Errorf("%s: error is %v", row.says, err)
		}
	}
	if after := tree(t, root); after != before {
		t.Errorf("the tree is %q, and it was %q", after, before)
	}
	if err := errors.Join(d.Remove(kept), d.Remove(filepath.Join(kept, ".")), other.Remove(foreign)); err == nil {
		t.Error("a run was removed twice")
	}
	if err := errors.Join(d.Close(), other.Close()); err != nil {
		t.Error(err)
	}
	if got := tree(t, root); !strings.Contains(got, "MARKER") || !strings.Contains(got, "somebody's") {
		t.Errorf("after Close with other things in it the tree is %q", got)
	}
}

// Goal: a run that is kept keeps its directory and the marker, and the next
// process takes them. Method: two uses, one after the other.
func TestKeptRun(t *testing.T) {
	root, d := prepared(t)
	path := newRun(t, d, "kept")
	plant(t, path, "log")
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	before := tree(t, root)
	next, err := Prepare(d.Path())
	if err != nil {
		t.Fatal(err)
	}
	own := newRun(t, next, "own")
	if others, err := next.Others(); err != nil || !slices.Equal(others, []string{filepath.Base(path)}) {
		t.Errorf("the next process sees %q of others, error %v", others, err)
	}
	if err := next.Remove(own); err != nil {
		t.Error(err)
	}
	if err := errors.Join(next.Remove(newRun(t, next, "kept")), next.Close()); err != nil {
		t.Error(err)
	}
	if after := tree(t, root); after != before {
		t.Errorf("the tree is %q, and it was %q", after, before)
	}
}

// Goal: a process that ends does not take the directory from one that is there.
// Method: two Dirs of one path, whose locks know nothing of each other's process,
// closed in both orders.
func TestTwoProcesses(t *testing.T) {
	for _, first := range []int{0, 1} {
		root, maker := prepared(t)
		guest, err := Prepare(filepath.Join(root, "x"))
		if err != nil {
			t.Fatal(err)
		}
		dirs := []*Dir{maker, guest}
		leaves, stays := dirs[first], dirs[1-first]
		if err := leaves.Close(); err != nil {
			t.Error(err)
		}
		path := newRun(t, stays, "after")
		if err := errors.Join(stays.Remove(path), stays.Close()); err != nil {
			t.Error(err)
		}
		if got, made := tree(t, root), first == 1; strings.Contains(got, "x/") == made {
			t.Errorf("closed first: %d; in the end the tree is %q", first, got)
		}
	}
}

// Goal: processes that begin and end at the same time never fail or lose a run.
// Method: many rounds of Prepare, NewRun, write, Remove, Close in goroutines, on
// one path whose parent is missing too.
func TestManyProcesses(t *testing.T) {
	const processes, rounds = 4, 40
	root := t.TempDir()
	var wg sync.WaitGroup
	for p := range processes {
		wg.Go(func() {
			for round := range rounds {
				if err := oneProcess(filepath.Join(root, "parent", "data"), fmt.Sprintf("p%d-%d", p, round)); err != nil {
					t.Errorf("process %d, round %d: %v", p, round, err)
					return
				}
			}
		})
	}
	wg.Wait()
	if got := tree(t, root); strings.Contains(got, "p0-") || strings.Contains(got, "probe") {
		t.Errorf("in the end the tree is %q", got)
	}
}

func oneProcess(path, name string) error {
	d, err := Prepare(path)
	if err != nil {
		return err
	}
	run, err := d.NewRun(name)
	if err != nil {
		return err
	}
	file := filepath.Join(run, "log")
	if err := os.WriteFile(file, []byte(name), 0o644); err != nil {
		return err
	}
	got, err := os.ReadFile(file)
	if err == nil && string(got) != name {
		err = fmt.Errorf("the run holds %q, want %q", got, name)
	}
	return errors.Join(err, d.Remove(run), d.Close())
}
