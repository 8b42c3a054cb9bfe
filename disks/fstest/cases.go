package fstest

import (
	"errors"
	"io/fs"
	"math"

	"brokerlab/engine/env"
)

// cases is the suite's table: a sentence about env.FS and the body that checks it.
var cases = []struct {
	name string
	body func(*suite)
}{
	{"Create makes an empty file, and an existing file is fs.ErrExist", createAndExist},
	{"a missing file or directory is fs.ErrNotExist, and errors name the path", missing},
	{"Open opens for reading and for appending at the end", openAppends},
	{"Append writes memory, static and file-range parts in order", appendParts},
	{"an empty Append writes nothing", appendEmpty},
	{"Allocate changes neither size nor content, and Truncate ends it", allocate},
	{"DropCache changes neither size nor content, before and after Sync", dropCache},
	{"Reuse writes over the old bytes from the start, which nobody reads through the handle", reuse},
	{"a file opened after Reuse has the old bytes behind the new ones, and Truncate ends them", reuseOpened},
	{"what was read before Reuse stays what it is, or Reuse refuses", reuseWhileRead},
	{"an Append of very many parts arrives whole", appendManyParts},
	{"Append drops its references also when it fails", appendFails},
	{"a length-only part is stored whole or refused whole", appendLength},
	{"Read gives fewer bytes at the end and none past it", readAtEnd},
	{"Read at any place crosses the borders of the Appends", readCrosses},
	{"Read runs beside Append below the published size", readBesideAppend},
	{"what was read stays the same while the file grows", readStays},
	{"what was read can be appended to another file", readThenAppend},
	{"Truncate cuts, and the next Append goes to the new end", truncate},
	{"Truncate past the end is an error and changes nothing", truncatePastEnd},
	{"a range that Truncate cut is what it was or an error", truncateUnderRead},
	{"Rename keeps the content, and the old name is gone", rename},
	{"Rename replaces a file of the new name", renameReplaces},
	{"Rename leaves open files open", renameWhileOpen},
	{"Rename refuses directories", renameDirectory},
	{"Remove leaves open files and parts of them readable", removeWhileOpen},
	{"a name can be used again while the removed file is open", removeAndCreate},
	{"Remove refuses a directory with entries", removeDirectory},
	{"MkdirAll makes parents and accepts what exists", mkdirAll},
	{"List is sorted by name and knows sizes", list},
	{"SyncDir and Sync change nothing that can be seen", syncs},
	{"Free says that what fits fits, and is never negative", free},
	{"a closed file is env.ErrClosed", closed},
	{"a path that leads out of the root is fs.ErrInvalid", escapes},
	{"two handles of two files do not mix", twoFiles},
}

func createAndExist(s *suite) {
	f := s.create("a")
	s.holds(f, nil)
	s.ok(f.Append(s.memory([]byte("kept"))))
	_, err := s.fs.Create("a")
	s.is(err, fs.ErrExist, "create", "a")
	s.holds(f, []byte("kept"))
	s.ok(f.Close())
	s.ok(s.fs.MkdirAll("d"))
	_, err = s.fs.Create("d")
	s.is(err, fs.ErrExist, "create", "d")
}

func missing(s *suite) {
	_, err := s.fs.Open("nothing")
	s.is(err, fs.ErrNotExist, "open", "nothing")
	_, err = s.fs.Create("nowhere/file")
	s.is(err, fs.ErrNotExist, "create", "nowhere/file")
	s.is(s.fs.Remove("nothing"), fs.ErrNotExist, "remove", "nothing")
	s.is(s.fs.Rename("nothing", "else"), fs.ErrNotExist, "rename", "nothing")
	_, err = s.fs.List("nowhere")
	s.is(err, fs.ErrNotExist, "list", "nowhere")
	s.is(s.fs.SyncDir("nowhere"), fs.ErrNotExist, "syncdir", "nowhere")
	s.make("file", []byte("x"))
	s.is(s.fs.Rename("file", "nowhere/file"), fs.ErrNotExist, "rename", "nowhere/file")
	s.lists(".", env.DirEntry{Name: "file", Bytes: 1})
}

func openAppends(s *suite) {
	s.make("a", []byte("first "))
	f := s.open("a")
	s.holds(f, []byte("first "))
	s.ok(f.Append(s.memory([]byte("second"))))
	s.holds(f, []byte("first second"))
	s.ok(f.Close())
	f = s.open("a")
	s.holds(f, []byte("first second"))
	s.ok(f.Close())
	s.ok(s.fs.MkdirAll("d"))
	if _, err := s.fs.Open("d"); err == nil {
		s.t.Fatal("a directory was opened as a file")
	}
}

func appendParts(s *suite) {
	f := s.create("a")
	var want []byte
	for i := range 8 {
		parts := [][]byte{pattern(i, 61), pattern(i+1, 3000), pattern(i+2, 1), pattern(i+3, 300_000)}
		for _, p := range parts {
			want = append(want, p...)
		}
		s.ok(f.Append(env.Join(
			s.memory(parts[0]), env.StaticBuf(parts[1]), s.memory(parts[2]), s.fileRange(parts[3]))))
		s.holds(f, want)
	}
	s.ok(f.Append(s.fileRange([]byte("alone"))))
	s.ok(f.Append(env.Join(s.fileRange([]byte("one")), s.fileRange([]byte("two")), s.memory([]byte("three")))))
	s.holds(f, append(want, "aloneonetwothree"...))
	s.ok(f.Close())
}

func appendEmpty(s *suite) {
	f := s.create("a")
	s.ok(f.Append(env.Buf{}))
	s.ok(f.Append(env.Join(env.Buf{}, env.Buf{})))
	s.holds(f, nil)
	s.ok(f.Close())
}

func appendManyParts(s *suite) {
	f := s.create("a")
	var want []byte
	var parts []env.Buf
	for i := range 2500 { // more than one writev takes
		p := pattern(i, 1+i%7)
		want = append(want, p...)
		parts = append(parts, s.memory(p))
	}
	s.ok(f.Append(env.Join(parts...)))
	s.holds(f, want)
	s.ok(f.Close())
}

func appendFails(s *suite) {
	f := s.create("a")
	s.ok(f.Append(s.memory([]byte("before"))))
	broken := errors.New("broken source")
	err := f.Append(env.Join(s.memory([]byte("head")), s.brokenRange(100, broken), s.memory([]byte("tail"))))
	s.is(err, broken, "append", "a")
	got := string(s.read(f, 0, 1000))
	if got != "before" && got != "beforehead" {
		s.t.Fatalf("after a failed Append the file holds %q", got)
	}
	s.holds(f, []byte(got)) // Size says what was written
	s.ok(f.Append(s.memory([]byte(" after"))))
	s.holds(f, []byte(got+" after"))
	s.ok(f.Close())
	s.is(f.Append(s.memory([]byte("closed"))), env.ErrClosed)
	s.is(f.Append(env.Join(s.memory([]byte("closed")), s.fileRange([]byte("closed")))), env.ErrClosed)
}

func appendLength(s *suite) {
	f := s.create("a")
	s.ok(f.Append(s.memory([]byte("head"))))
	err := f.Append(env.Join(s.memory([]byte("more")), env.LengthBuf(1000)))
	if err != nil {
		s.is(err, env.ErrNoBytes, "append", "a")
		s.holds(f, []byte("head"))
		s.ok(f.Close())
		return
	}
	if f.Size() != 1008 {
		s.t.Fatalf("size is %d, want 1008", f.Size())
	}
	s.same(s.read(f, 2, 6), []byte("admore"))
	b, err := f.Read(6, 500)
	s.ok(err)
	if b.Len() != 500 {
		s.t.Fatalf("read %d bytes, want 500", b.Len())
	}
	s.is(b.ReadAt(make([]byte, 3), 0), env.ErrNoBytes)
	s.ok(b.ReadAt(make([]byte, 2), 0))
	b.Release()
	s.ok(f.Close())
}

func readAtEnd(s *suite) {
	want := pattern(1, 100)
	f := s.create("a")
	s.same(s.read(f, 0, 10), nil)
	s.ok(f.Append(s.memory(want)))
	s.same(s.read(f, 0, 0), nil)
	s.same(s.read(f, 90, 10), want[90:])
	s.same(s.read(f, 90, 11), want[90:])
	s.same(s.read(f, 99, math.MaxInt), want[99:])
	s.same(s.read(f, 100, 1), nil)
	s.same(s.read(f, math.MaxInt64, 1), nil)
	_, err := f.Read(-1, 10)
	s.is(err, fs.ErrInvalid, "read", "a")
	_, err = f.Read(0, -1)
	s.is(err, fs.ErrInvalid, "read", "a")
	s.ok(f.Close())
}

func readCrosses(s *suite) {
	want := pattern(1, 1000)
	f := s.create("a")
	for off, step := 0, 1; off < len(want); step++ {
		n := min(step, len(want)-off)
		s.ok(f.Append(s.memory(want[off : off+n])))
		off += n
	}
	for off := 0; off < len(want); off += 13 {
		for _, n := range []int{1, 2, 61, 400} {
			s.same(s.read(f, int64(off), n), want[off:min(off+n, len(want))])
		}
	}
	s.ok(f.Close())
}

func readBesideAppend(s *suite) {
	const appends, appendBytes, reads = 200, 700, 400
	f := s.create("a")
	mu := s.node.NewMutex()
	done := s.node.NewCond(mu)
	reading := 2
	for i := range reading {
		r := s.node.Rand("reader" + string(rune('0'+i)))
		s.node.Go("reader", func() {
			for range reads {
				size := f.Size()
				off := r.Int64N(size + 1)
				b, err := f.Read(off, int(r.Int64N(size-off+1)))
				if err != nil {
					s.t.Errorf("read beside append: %v", err)
					break
				}
				p := make([]byte, b.Len())
				if err := b.ReadAt(p, 0); err != nil {
					s.t.Errorf("load beside append: %v", err)
				}
				b.Release()
				for j := range p {
					if want := patternAt(1, int(off)+j); p[j] != want {
						s.t.Errorf("byte %d is %#x, want %#x, below the published size %d", int(off)+j, p[j], want, size)
						break
					}
				}
			}
			mu.Lock()
			reading--
			done.Signal()
			mu.Unlock()
		})
	}
	want := pattern(1, appends*appendBytes)
	for i := range appends {
		at := want[i*appendBytes : (i+1)*appendBytes]
		s.ok(f.Append(env.Join(s.memory(at[:61]), s.memory(at[61:]))))
		if got := f.Size(); got != int64((i+1)*appendBytes) {
			s.t.Errorf("after append %d the size is %d", i, got)
		}
	}
	mu.Lock()
	for reading > 0 {
		done.WaitUntil(env.Never)
	}
	mu.Unlock()
	s.holds(f, want)
	s.ok(f.Close())
}

func readStays(s *suite) {
	want := pattern(1, 5000)
	f := s.create("a")
	s.ok(f.Append(s.memory(want)))
	b, err := f.Read(100, 4000)
	s.ok(err)
	cut := b.Slice(10, 50)
	for i := range 20 {
		s.ok(f.Append(s.memory(pattern(i, 5000))))
	}
	s.same(s.take(b), want[100:4100])
	s.same(s.take(cut), want[110:160])
	b, err = f.Read(0, 5000)
	s.ok(err)
	loaded, err := b.Load(s.pool)
	s.ok(err)
	s.same(s.take(loaded), want)
	s.ok(f.Close())
}

func readThenAppend(s *suite) {
	want := pattern(1, 200_000)
	leader, follower := s.create("leader"), s.create("follower")
	s.ok(leader.Append(env.Join(s.memory(want[:61]), s.memory(want[61:]))))
	for off := int64(0); off < leader.Size(); {
		b, err := leader.Read(off, 70_000)
		s.ok(err)
		off += int64(b.Len())
		s.ok(follower.Append(b))
	}
	s.ok(leader.Truncate(0))
	s.ok(leader.Close())
	s.ok(s.fs.Remove("leader"))
	s.holds(follower, want)
	s.ok(follower.Close())
}
