package spanfs_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"brokerlab/disks/osfs"
	"brokerlab/disks/spanfs"
	"brokerlab/engine/env"
)

// Goal: paths reach the member that they name, and what concerns several members or
// none is refused. Method: two directories; a table of calls and their errors.
func TestSpan(t *testing.T) {
	dirs := []string{t.TempDir(), t.TempDir()}
	s := spanfs.New(spanfs.Member{Name: "one", FS: osfs.New(dirs[0])}, spanfs.Member{Name: "two", FS: osfs.New(dirs[1])})
	must(t, s.MkdirAll("."))
	must(t, s.MkdirAll("one/logs"))
	must(t, s.MkdirAll("two"))
	f, err := s.Create("one/logs/a")
	must(t, err)
	must(t, f.Append(env.StaticBuf([]byte("text"))))
	must(t, f.Close())
	must(t, s.SyncDir("one/logs"))
	must(t, s.SyncDir("."))
	got, err := os.ReadFile(filepath.Join(dirs[0], "logs", "a"))
	must(t, err)
	if string(got) != "text" {
		t.Errorf("the file holds %q", got)
	}
	list, err := s.List(".")
	must(t, err)
	if len(list) != 2 || list[0] != (env.DirEntry{Name: "one", Dir: true}) || list[1].Name != "two" {
		t.Errorf("the root holds %v", list)
	}
	must(t, s.Rename("one/logs/a", "one/b"))
	free, err := s.Free()
	if one, oneErr := osfs.New(dirs[0]).Free(); err == nil && oneErr == nil && free > 2*one {
		t.Errorf("%d bytes are free, on one of them %d", free, one)
	}
	call := func(_ any, err error) error { return err }
	for _, row := range []struct {
		name string
		err  error
		want error
	}{
		{"a member that is not there", call(s.Open("three/a")), fs.ErrNotExist},
		{"a file beside the members", call(s.Create("a")), fs.ErrNotExist},
		{"a member itself", s.Remove("one"), fs.ErrExist},
		{"the root", call(s.Create(".")), fs.ErrExist},
		{"out of the root", call(s.Open("../one/b")), fs.ErrInvalid},
		{"out of a member", call(s.Open("one/../../b")), fs.ErrInvalid},
		{"from one member to the other", s.Rename("one/b", "two/b"), fs.ErrInvalid},
		{"a missing file", call(s.Open("two/b")), fs.ErrNotExist},
	} {
		if !errors.Is(row.err, row.want) {
			t.Errorf("%s: the error is %v, want %v", row.name, row.err, row.want)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
