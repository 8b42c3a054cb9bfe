package osfs_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"brokerlab/disks/osfs"
	"brokerlab/engine/env"
)

// Goal: DropCache really takes a file's pages out of the page cache. Method: the
// kernel's own count of cached and dirty pages (cachestat) of a file of 8 MiB, after
// writing, after Sync and DropCache, and after reading it back.
func TestDropCacheFreesPages(t *testing.T) {
	const size, page = 8 << 20, 4096
	dir := t.TempDir()
	var stat unix.Statfs_t
	must(t, unix.Statfs(dir, &stat))
	if stat.Type == unix.TMPFS_MAGIC {
		t.Skip("the test's directory is a tmpfs, whose pages are the only copy: they cannot be dropped")
	}
	f, err := osfs.New(dir).Create("a")
	must(t, err)
	must(t, f.Append(env.StaticBuf(make([]byte, size))))
	if got := cachedPages(t, dir).Cache; got != size/page {
		t.Fatalf("%d pages are cached after writing, want %d", got, size/page)
	}
	must(t, f.Sync())
	must(t, f.DropCache())
	if got := cachedPages(t, dir); got.Cache != 0 || got.Dirty != 0 {
		t.Errorf("after Sync and DropCache %d pages are cached, %d of them dirty", got.Cache, got.Dirty)
	}
	b, err := f.Read(0, size)
	must(t, err)
	b, err = b.Load(env.NewPool())
	must(t, err)
	b.Release()
	if got := cachedPages(t, dir).Cache; got != size/page {
		t.Errorf("%d pages are cached after reading, want %d", got, size/page)
	}
	must(t, f.Close())
}

// cachedPages asks the kernel what it caches of the file a.
func cachedPages(t *testing.T, dir string) unix.Cachestat_t {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, "a"))
	must(t, err)
	defer f.Close()
	var stat unix.Cachestat_t
	err = unix.Cachestat(uint(f.Fd()), &unix.CachestatRange{}, &stat, 0)
	if errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EOPNOTSUPP) || errors.Is(err, unix.EPERM) {
		t.Skipf("cachestat needs Linux 6.5 and a file system that has a page cache: %v", err)
	}
	must(t, err)
	return stat
}
