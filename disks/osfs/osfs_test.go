package osfs_test

import (
	"os"
	"path/filepath"
	"testing"

	"brokerlab/disks/fstest"
	"brokerlab/disks/osfs"
	"brokerlab/engine/env"
	"brokerlab/engine/realworld"
)

// Goal: osfs keeps every promise of env.FS on real files. Method: the
// conformance suite in the real world, in a new directory per case.
func TestConformance(t *testing.T) {
	fstest.TestFS(t, func(t *testing.T) (env.World, func(env.Node) env.FS) {
		s := osfs.New(t.TempDir())
		t.Cleanup(func() {
			if open := s.Stats().OpenFiles; open != 0 && !t.Failed() {
				t.Errorf("%d files are still open", open)
			}
		})
		return realworld.New(realworld.Config{Seed: 1, Poison: true}), func(env.Node) env.FS { return s }
	})
}

// Goal: the counters say what was done. Method: a fixed sequence of operations
// and its counts.
func TestStats(t *testing.T) {
	s := osfs.New(t.TempDir())
	f, err := s.Create("a")
	must(t, err)
	must(t, f.Append(env.StaticBuf(make([]byte, 100))))
	must(t, f.Append(env.Join(env.StaticBuf(make([]byte, 61)), env.StaticBuf(make([]byte, 39)))))
	must(t, f.Sync())
	must(t, s.SyncDir("."))
	b, err := f.Read(0, 150)
	must(t, err)
	must(t, f.Close())
	want := osfs.Stats{Appends: 2, BytesAppended: 200, Writes: 2, Syncs: 1, DirSyncs: 1, OpenFiles: 1}
	got := s.Stats()
	if got.Writes == 3 { // a system without writev
		want.Writes = 3
	}
	if got != want {
		t.Errorf("counts are %+v, want %+v", got, want)
	}
	b, err = b.Load(env.NewPool())
	must(t, err)
	b.Release()
	want.BytesRead, want.OpenFiles = 150, 0
	if got := s.Stats(); got != want {
		t.Errorf("counts after loading are %+v, want %+v", got, want)
	}
}

// Goal: a file system below a root that does not exist yet. Method: New, then
// MkdirAll of the root itself.
func TestMissingRoot(t *testing.T) {
	root := filepath.Join(t.TempDir(), "x", "y")
	s := osfs.New(root)
	if _, err := s.Create("a"); err == nil {
		t.Fatal("a file was made below a missing root")
	}
	must(t, s.MkdirAll("."))
	f, err := s.Create("a")
	must(t, err)
	must(t, f.Close())
	if _, err := os.Stat(filepath.Join(root, "a")); err != nil {
		t.Fatal(err)
	}
}

// Goal: an append allocates nothing in steady state. Method: count allocations
// of one-part and two-part appends whose Bufs are made beforehand.
func TestAppendAllocates(t *testing.T) {
	s := osfs.New(t.TempDir())
	f, err := s.Create("a")
	must(t, err)
	one := env.StaticBuf(make([]byte, 1000))
	two := env.Join(env.StaticBuf(make([]byte, 61)), env.StaticBuf(make([]byte, 1000)))
	for _, row := range []struct {
		name string
		buf  env.Buf
	}{{"one part", one}, {"two parts", two}} {
		allocs := testing.AllocsPerRun(100, func() { must(t, f.Append(row.buf.Retain())) })
		if allocs != 0 {
			t.Errorf("%s: %v allocations per append, want 0", row.name, allocs)
		}
	}
	must(t, f.Close())
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
