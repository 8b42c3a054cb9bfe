package datadir

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Goal: file systems get the names that users know. Method: a table of magic
// numbers of statfs(2), and two file systems that every Linux has.
func TestMagicName(t *testing.T) {
	for _, row := range []struct {
		magic uint32
		want  string
	}{
		{0xef53, "ext2/3/4"}, {0x58465342, "xfs"}, {0x9123683e, "btrfs"}, {0x1021994, "tmpfs"}, {0x858458f6, "ramfs"},
		{0x794c7630, "overlayfs"}, {0x6969, "nfs"}, {0x65735546, "fuse"}, {0x01021997, "9p"}, {0xff534d42, "cifs"},
		{0xfe534d42, "smb2"}, {0x12345678, "unknown (magic 0x12345678)"},
	} {
		if got := magicName(row.magic); got != row.want {
			t.Errorf("%#x is %q, want %q", row.magic, got, row.want)
		}
	}
	for path, want := range map[string]string{"/proc": "proc", "/dev/shm": "tmpfs"} {
		if _, err := os.Stat(path); err != nil {
			continue
		}
		if got, _ := Kind(path); got != want {
			t.Errorf("%s is %q, want %q", path, got, want)
		}
	}
}

// asNobody runs fn on a thread whose file accesses are those of an ordinary
// user, also when the tests run as root.
func asNobody(t *testing.T, fn func()) {
	t.Helper()
	if os.Getuid() != 0 {
		fn()
		return
	}
	const nobody = 65534
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Setfsuid(nobody); err != nil {
		t.Skipf("cannot give up root's file accesses: %v", err)
	}
	defer unix.Setfsuid(0)
	fn()
}

// Goal: a directory that this user may not write is one clear error and stays as
// it is. Method: directories without the permission, seen by an ordinary user.
func TestNoPermission(t *testing.T) {
	for _, row := range []struct{ says, before, path, want string }{
		{"no permission to make it", "", "x", ": cannot make %s/x: permission denied"},
		{"no permission to mark it", "x/", "x", ": cannot write into it: permission denied"},
		{"marked, and no permission to open the marker", "x/ x/MARKER", "x",
			": cannot open its " + markerName + ": permission denied"},
	} {
		t.Run(row.says, func(t *testing.T) {
			root := t.TempDir()
			plant(t, root, row.before)
			before := tree(t, root)
			open := []string{filepath.Dir(root), root, filepath.Join(root, "x")}
			for _, path := range open {
				_ = os.Chmod(path, 0o555) // x need not exist
			}
			_ = os.Chmod(filepath.Join(root, "x", markerName), 0o444)
			var err error
			asNobody(t, func() { _, err = Prepare(filepath.Join(root, row.path)) })
			for _, path := range open {
				_ = os.Chmod(path, 0o755)
			}
			want := "data directory " + filepath.Join(root, row.path) + strings.ReplaceAll(row.want, "%s", root)
			if err == nil || err.Error() != want {
				t.Errorf("error is %v, want %s", err, want)
			}
			if after := tree(t, root); after != before {
				t.Errorf("the tree is %q, and it was %q", after, before)
			}
		})
	}
}

// Goal: a marked directory that cannot be written any more is an error before a
// run begins. Method: the marker may be written, the directory may not.
func TestProbe(t *testing.T) {
	root := t.TempDir()
	plant(t, root, "x/ x/MARKER")
	x := filepath.Join(root, "x")
	_ = os.Chmod(filepath.Join(x, markerName), 0o666)
	for _, path := range []string{filepath.Dir(root), root, x} {
		_ = os.Chmod(path, 0o555)
	}
	var err error
	asNobody(t, func() { _, err = Prepare(x) })
	for _, path := range []string{filepath.Dir(root), root, x} {
		_ = os.Chmod(path, 0o755)
	}
	if err == nil || !strings.HasSuffix(err.Error(), "cannot write into it: permission denied") {
		t.Errorf("error is %v", err)
	}
}
