package fstest

import (
	"bytes"
	"io/fs"

	"brokerlab/engine/env"
)

func truncate(s *suite) {
	want := pattern(1, 1000)
	f := s.create("a")
	for off := 0; off < len(want); off += 100 {
		s.ok(f.Append(s.memory(want[off : off+100])))
	}
	s.ok(f.Truncate(1000)) // to its size: nothing
	s.holds(f, want)
	s.ok(f.Truncate(350)) // inside an append
	s.holds(f, want[:350])
	s.ok(f.Append(s.memory([]byte("new"))))
	s.holds(f, append(bytes.Clone(want[:350]), "new"...))
	s.ok(f.Truncate(300)) // between two
	s.holds(f, want[:300])
	s.ok(f.Sync())
	s.ok(f.Truncate(0))
	s.holds(f, nil)
	s.ok(f.Append(s.memory([]byte("again"))))
	s.ok(f.Close())
	f = s.open("a")
	s.holds(f, []byte("again"))
	s.ok(f.Close())
}

func truncatePastEnd(s *suite) {
	f := s.create("a")
	s.ok(f.Append(s.memory([]byte("kept"))))
	s.is(f.Truncate(5), fs.ErrInvalid, "truncate", "a")
	s.is(f.Truncate(-1), fs.ErrInvalid, "truncate", "a")
	s.holds(f, []byte("kept"))
	s.ok(f.Close())
}

func truncateUnderRead(s *suite) {
	want := pattern(1, 1000)
	f := s.create("a")
	s.ok(f.Append(s.memory(want)))
	b, err := f.Read(0, 1000)
	s.ok(err)
	s.ok(f.Truncate(500))
	p := make([]byte, 1000)
	if err := b.ReadAt(p, 0); err == nil {
		s.same(p, want)
	}
	s.ok(b.ReadAt(p[:500], 0)) // what was not cut is as it was
	s.same(p[:500], want[:500])
	b.Release()
	s.ok(f.Close())
}

func rename(s *suite) {
	s.ok(s.fs.MkdirAll("d"))
	s.make("a", []byte("content"))
	s.ok(s.fs.Rename("a", "b"))
	_, err := s.fs.Open("a")
	s.is(err, fs.ErrNotExist)
	s.ok(s.fs.Rename("b", "b")) // to itself: nothing
	s.ok(s.fs.Rename("b", "d/c"))
	s.lists(".", env.DirEntry{Name: "d", Dir: true})
	s.lists("d", env.DirEntry{Name: "c", Bytes: 7})
	f := s.open("d/c")
	s.holds(f, []byte("content"))
	s.ok(f.Close())
}

func renameReplaces(s *suite) {
	s.make("old", []byte("old content"))
	s.make("new", []byte("new"))
	s.ok(s.fs.Rename("new", "old"))
	s.lists(".", env.DirEntry{Name: "old", Bytes: 3})
	f := s.open("old")
	s.holds(f, []byte("new"))
	s.ok(f.Close())
}

func renameWhileOpen(s *suite) {
	f, g := s.create("f"), s.create("g")
	s.ok(f.Append(s.memory([]byte("f1"))))
	s.ok(g.Append(s.memory([]byte("g1"))))
	s.ok(s.fs.Rename("f", "g"))
	s.ok(f.Append(s.memory([]byte(" f2"))))
	s.ok(g.Append(s.memory([]byte(" g2")))) // has no name any more
	s.holds(f, []byte("f1 f2"))
	s.holds(g, []byte("g1 g2"))
	s.ok(f.Sync())
	s.ok(f.Close())
	s.ok(g.Close())
	f = s.open("g")
	s.holds(f, []byte("f1 f2"))
	s.ok(f.Close())
}

func renameDirectory(s *suite) {
	s.ok(s.fs.MkdirAll("d"))
	s.ok(s.fs.MkdirAll("e"))
	s.make("a", nil)
	if s.fs.Rename("d", "x") == nil || s.fs.Rename("a", "d") == nil || s.fs.Rename("d", "e") == nil {
		s.t.Fatal("a directory was renamed or replaced")
	}
	s.lists(".", env.DirEntry{Name: "a"}, env.DirEntry{Name: "d", Dir: true}, env.DirEntry{Name: "e", Dir: true})
}

func removeWhileOpen(s *suite) {
	want := pattern(1, 3000)
	f := s.create("a")
	s.ok(f.Append(s.memory(want)))
	s.ok(f.Sync())
	s.ok(s.fs.SyncDir("."))
	b, err := f.Read(1000, 1000)
	s.ok(err)
	s.ok(s.fs.Remove("a"))
	s.ok(s.fs.SyncDir("."))
	_, err = s.fs.Open("a")
	s.is(err, fs.ErrNotExist)
	s.holds(f, want)
	s.ok(f.Append(s.memory([]byte("more"))))
	s.same(s.read(f, 2990, 100), append(bytes.Clone(want[2990:]), "more"...))
	s.ok(f.Sync())
	late, err := f.Read(2000, 1000)
	s.ok(err)
	s.ok(f.Close())
	s.same(s.take(b), want[1000:2000])
	s.same(s.take(late), want[2000:])
}

func removeAndCreate(s *suite) {
	old := s.create("a")
	s.ok(old.Append(s.memory([]byte("old"))))
	s.ok(s.fs.Remove("a"))
	f := s.create("a")
	s.ok(f.Append(s.memory([]byte("new content"))))
	s.holds(old, []byte("old"))
	s.holds(f, []byte("new content"))
	s.ok(old.Close())
	s.lists(".", env.DirEntry{Name: "a", Bytes: 11})
	s.ok(f.Close())
}

func removeDirectory(s *suite) {
	s.ok(s.fs.MkdirAll("d/e"))
	s.make("d/a", []byte("x"))
	if s.fs.Remove("d") == nil {
		s.t.Fatal("a directory with entries was removed")
	}
	s.lists("d", env.DirEntry{Name: "a", Bytes: 1}, env.DirEntry{Name: "e", Dir: true})
	s.ok(s.fs.Remove("d/a"))
	s.ok(s.fs.Remove("d/e"))
	s.ok(s.fs.Remove("d"))
	s.lists(".")
	s.ok(s.fs.MkdirAll("d"))
	s.lists("d")
}

func mkdirAll(s *suite) {
	s.ok(s.fs.MkdirAll("a/b/c"))
	s.ok(s.fs.MkdirAll("a/b/c"))
	s.ok(s.fs.MkdirAll("a/x"))
	s.ok(s.fs.MkdirAll("."))
	s.lists("a", env.DirEntry{Name: "b", Dir: true}, env.DirEntry{Name: "x", Dir: true})
	s.make("a/file", []byte("x"))
	if s.fs.MkdirAll("a/file") == nil || s.fs.MkdirAll("a/file/below") == nil {
		s.t.Fatal("a directory was made where a file is")
	}
	if _, err := s.fs.Create("a/file/below"); err == nil {
		s.t.Fatal("a file was made below a file")
	}
	if _, err := s.fs.List("a/file"); err == nil {
		s.t.Fatal("a file was listed as a directory")
	}
	s.make("a/b/c/file", []byte("deep"))
	f := s.open("a/./b/../b/c/file")
	s.holds(f, []byte("deep"))
	s.ok(f.Close())
}

func list(s *suite) {
	for _, name := range []string{"b", "a", "c1", "B", "c", "c-1"} {
		s.make(name, []byte(name))
	}
	s.ok(s.fs.MkdirAll("bb"))
	s.lists(".",
		env.DirEntry{Name: "B", Bytes: 1}, env.DirEntry{Name: "a", Bytes: 1}, env.DirEntry{Name: "b", Bytes: 1},
		env.DirEntry{Name: "bb", Dir: true}, env.DirEntry{Name: "c", Bytes: 1}, env.DirEntry{Name: "c-1", Bytes: 3},
		env.DirEntry{Name: "c1", Bytes: 2})
	s.lists("bb")
}

func syncs(s *suite) {
	s.ok(s.fs.MkdirAll("d"))
	f := s.create("d/a")
	s.ok(f.Sync())
	s.ok(f.Append(s.memory([]byte("content"))))
	s.ok(f.Sync())
	s.ok(f.Sync())
	s.ok(s.fs.SyncDir("d"))
	s.ok(s.fs.SyncDir("."))
	s.holds(f, []byte("content"))
	s.lists("d", env.DirEntry{Name: "a", Bytes: 7})
	s.ok(f.Close())
}

func free(s *suite) {
	before, err := s.fs.Free()
	s.ok(err)
	s.make("a", pattern(1, 1<<20))
	after, err := s.fs.Free()
	s.ok(err)
	if before < 1<<20 || after < 0 {
		s.t.Fatalf("free bytes: %d before, %d after 1 MiB was written", before, after)
	}
}

func closed(s *suite) {
	f := s.create("a")
	s.ok(f.Append(s.memory([]byte("kept"))))
	b, err := f.Read(0, 4)
	s.ok(err)
	s.ok(f.Close())
	s.is(f.Close(), env.ErrClosed, "close", "a")
	_, err = f.Read(0, 4)
	s.is(err, env.ErrClosed, "read", "a")
	s.is(f.Append(s.memory([]byte("x"))), env.ErrClosed, "append", "a")
	s.is(f.Truncate(0), env.ErrClosed, "truncate", "a")
	s.is(f.Sync(), env.ErrClosed, "sync", "a")
	s.same(s.take(b), []byte("kept")) // a part outlives the handle
	f = s.open("a")
	s.holds(f, []byte("kept"))
	s.ok(f.Close())
}

func escapes(s *suite) {
	for _, path := range []string{"../a", "/a", "a/../../b", ".."} {
		_, err := s.fs.Create(path)
		s.is(err, fs.ErrInvalid, "create", path)
		_, err = s.fs.Open(path)
		s.is(err, fs.ErrInvalid, "open", path)
		s.is(s.fs.MkdirAll(path), fs.ErrInvalid, "mkdir", path)
		s.is(s.fs.Remove(path), fs.ErrInvalid, "remove", path)
		s.is(s.fs.SyncDir(path), fs.ErrInvalid, "syncdir", path)
		_, err = s.fs.List(path)
		s.is(err, fs.ErrInvalid, "list", path)
		s.make("inside", nil)
		s.is(s.fs.Rename("inside", path), fs.ErrInvalid, "rename", path)
		s.is(s.fs.Rename(path, "inside"), fs.ErrInvalid, "rename", path)
		s.ok(s.fs.Remove("inside"))
	}
}

func twoFiles(s *suite) {
	f, g := s.create("f"), s.create("g")
	var wantF, wantG []byte
	for i := range 50 {
		p, q := pattern(i, 10+i), pattern(i+1, 20+i)
		s.ok(f.Append(env.Join(s.memory(p), env.StaticBuf(q))))
		s.ok(g.Append(s.memory(q)))
		wantF = append(append(wantF, p...), q...)
		wantG = append(wantG, q...)
	}
	s.ok(f.Truncate(5))
	s.holds(g, wantG)
	s.holds(f, wantF[:5])
	s.ok(f.Close())
	s.ok(g.Close())
}

func allocate(s *suite) {
	f := s.create("a")
	s.ok(f.Append(env.StaticBuf([]byte("one"))))
	s.ok(f.Allocate(1 << 20))
	if f.Size() != 3 {
		s.t.Errorf("after Allocate the size is %d", f.Size())
	}
	s.ok(f.Allocate(2)) // less than there is
	s.ok(f.Append(env.StaticBuf([]byte("two"))))
	s.ok(f.Truncate(5))
	s.ok(f.Append(env.StaticBuf([]byte("three"))))
	s.holds(f, []byte("onetwthree"))
	s.ok(f.Truncate(f.Size()))
	s.ok(f.Close())
	s.is(f.Allocate(100), env.ErrClosed)
}

func dropCache(s *suite) {
	want := pattern(1, 300_000)
	f := s.create("a")
	s.ok(f.DropCache()) // of nothing
	s.ok(f.Append(s.memory(want)))
	held, err := f.Read(100, 5000)
	s.ok(err)
	s.ok(f.DropCache()) // of what is not on the device
	s.holds(f, want)
	s.ok(f.Sync())
	s.ok(f.DropCache())
	s.holds(f, want)
	s.same(s.take(held), want[100:5100])
	s.ok(f.Append(s.memory([]byte("more"))))
	s.holds(f, append(want, "more"...))
	s.ok(f.Close())
	s.is(f.DropCache(), env.ErrClosed, "dropcache", "a")
}

func reuse(s *suite) {
	f := s.create("a")
	s.ok(f.Reuse()) // of nothing
	s.ok(f.Append(s.memory(pattern(1, 10_000))))
	s.ok(f.Sync())
	var want []byte
	for life := range 3 {
		s.ok(f.Reuse())
		s.holds(f, nil)
		want = nil
		for i := range 5 + 10*life { // shorter than the old bytes, and longer
			p := pattern(10*life+i, 900)
			s.ok(f.Append(env.Join(s.memory(p[:61]), s.fileRange(p[61:]))))
			want = append(want, p...)
			s.holds(f, want)
		}
		s.ok(f.Sync())
	}
	s.ok(f.Truncate(1000))
	s.ok(f.Append(s.memory([]byte("after"))))
	s.holds(f, append(want[:1000:1000], "after"...))
	s.ok(f.Close())
	s.is(f.Reuse(), env.ErrClosed, "reuse", "a")
	f = s.open("a")
	s.holds(f, append(want[:1000:1000], "after"...))
	s.ok(f.Close())
}

func reuseOpened(s *suite) {
	old, young := pattern(1, 5000), pattern(2, 1800)
	s.make("a", old)
	f := s.open("a")
	s.ok(f.Reuse())
	s.ok(f.Append(s.memory(young)))
	s.ok(s.fs.Rename("a", "b")) // under a new name, as a log does it
	s.lists(".", env.DirEntry{Name: "b", Bytes: int64(len(old))})
	s.ok(f.Close())
	f = s.open("b")
	whole := append(young[:1800:1800], old[1800:]...)
	s.holds(f, whole)
	s.ok(f.Append(s.memory([]byte("end"))))
	s.holds(f, append(whole[:5000:5000], "end"...))
	s.ok(f.Reuse())
	s.ok(f.Append(s.memory([]byte("third"))))
	s.ok(f.Truncate(f.Size()))
	s.lists(".", env.DirEntry{Name: "b", Bytes: 5})
	s.ok(f.Close())
	f = s.open("b")
	s.holds(f, []byte("third"))
	s.ok(f.Close())
}

func reuseWhileRead(s *suite) {
	old := pattern(1, 5000)
	s.make("a", old)
	f := s.open("a")
	b, err := f.Read(100, 3000)
	s.ok(err)
	if err = f.Reuse(); err != nil {
		s.is(err, env.ErrInUse, "reuse", "a")
		s.holds(f, old)
		s.same(s.take(b), old[100:3100])
		s.ok(f.Reuse()) // nobody reads any more
		b = env.Buf{}
	}
	s.ok(f.Append(s.memory(pattern(2, 4000))))
	if b.Len() > 0 {
		s.same(s.take(b), old[100:3100])
	}
	s.holds(f, pattern(2, 4000))
	s.ok(f.Close())
}
