package datadir

import (
	"errors"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"brokerlab/engine/env"
)

// Goal: too little space is an error that names both figures, also for a path
// that does not exist yet. Method: needs that no disk and every disk can meet.
func TestCheckSpace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "not", "yet")
	if err := CheckSpace(1, path); err != nil {
		t.Errorf("one byte: %v", err)
	}
	free := Free(path)
	// Two paths of one file system share it: what fits once does not fit twice.
	other := filepath.Join(filepath.Dir(path), "other")
	if both := Free(path, other); free > 0 && both > free+free/2 {
		t.Errorf("%d bytes are free on one path, and %d on two of the same file system", free, both)
	}
	if err := CheckSpace(free+free/2, path, other); free > 0 && !errors.Is(err, env.ErrNoSpace) {
		t.Errorf("half as much again as there is, over two paths of one file system: %v", err)
	}
	if err := CheckSpace(free/2, path, other); err != nil {
		t.Errorf("half of what there is, over two paths: %v", err)
	}
	err := CheckSpace(math.MaxInt64, path)
	if !errors.Is(err, env.ErrNoSpace) {
		t.Fatalf("error is %v, want one that is %v", err, env.ErrNoSpace)
	}
	for _, word := range []string{path, "needs 8589934592.00 GiB", " are free"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("error %q does not say %q", err, word)
		}
	}
}

// Goal: sizes read well. Method: a table.
func TestSize(t *testing.T) {
	for _, row := range []struct {
		says string
		n    int64
		want string
	}{
		{"nothing", 0, "0.00 MiB"},
		{"below a GiB it is MiB", 1<<30 - 1<<20, "1023.00 MiB"},
		{"from a GiB on it is GiB", 5 << 29, "2.50 GiB"},
	} {
		if got := size(row.n); got != row.want {
			t.Errorf("%s: %s, want %s", row.says, got, row.want)
		}
	}
}

// Goal: what is not a disk of this machine is warned about. Method: a table of
// names as the systems give them.
func TestKindWarning(t *testing.T) {
	for _, row := range []struct{ name, warns string }{
		{"ext2/3/4", ""}, {"xfs", ""}, {"btrfs", ""}, {"overlayfs", ""}, {"apfs", ""}, {"zfs", ""},
		{"unknown (magic 0x1)", ""}, {unknownKind, ""},
		{"tmpfs", "lives in memory: not a disk"}, {"ramfs", "lives in memory: not a disk"},
		{"nfs", "network"}, {"cifs", "network"}, {"smb2", "network"}, {"smbfs", "network"}, {"9p", "network"},
		{"fuse", "program"}, {"macfuse", "program"},
	} {
		got := kindWarning(row.name)
		if (got == "") != (row.warns == "") || !strings.Contains(got, row.warns) {
			t.Errorf("%s: warning is %q, want %q", row.name, got, row.warns)
		}
		if got != "" && !strings.HasPrefix(got, row.name) {
			t.Errorf("%s: warning %q does not begin with the name", row.name, got)
		}
	}
}

// Goal: the kind of a path that does not exist yet is that of its parent.
// Method: compare the two.
func TestKindOfMissing(t *testing.T) {
	dir := t.TempDir()
	name, warning := Kind(dir)
	if below, _ := Kind(filepath.Join(dir, "not", "yet")); below != name || name == "" {
		t.Errorf("kind is %q, and %q below", name, below)
	}
	if warning != kindWarning(name) {
		t.Errorf("warning of %s is %q", name, warning)
	}
}
