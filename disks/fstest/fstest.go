// Package fstest is the suite that every env.FS must pass, in every world. It
// checks what engine/env promises and nothing about time, power loss or
// crashes, which are each file system's own affair.
package fstest

import (
	"bytes"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"brokerlab/engine/env"
)

// Make returns a new world without nodes, and the mount of a new, empty file
// system for its one node.
type Make func(t *testing.T) (env.World, func(env.Node) env.FS)

// TestFS runs the suite, each case on a file system of its own. It fails also
// when a case leaves references behind after its files are removed.
func TestFS(t *testing.T, mk Make) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { run(t, mk, c.body) })
	}
	for seed := range uint64(randomSeeds) {
		t.Run(fmt.Sprintf("random operations, seed %d", seed), func(t *testing.T) {
			run(t, mk, func(s *suite) { s.randomOperations(seed) })
		})
	}
}

// run runs one body in a task of a new world, then removes what it left and
// looks for references that nobody dropped.
func run(t *testing.T, mk Make, body func(*suite)) {
	world, mount := mk(t)
	node := world.NewNode(env.NodeConfig{Name: "fstest", Mount: mount})
	s := &suite{t: t, node: node, fs: node.FS(), pool: env.NewPoisonedPool()}
	err := world.Run(node, func() {
		body(s)
		s.removeAll(".")
	})
	if t.Failed() {
		return
	}
	if err != nil {
		t.Fatalf("the world ended with: %v", err)
	}
	if live := s.pool.Live(); live != 0 {
		t.Errorf("%d buffers are still referred to after all files were removed", live)
	}
	for i, r := range s.ranges {
		if refs := r.refs.Load(); refs != 0 {
			t.Errorf("file-range part %d has %d references after all files were removed", i, refs)
		}
	}
}

// suite is what the cases share: a node, its file system, and sources of bytes
// whose references are counted.
type suite struct {
	t      *testing.T
	node   env.Node
	fs     env.FS
	pool   *env.Pool
	ranges []*source
}

// source is a file of its own making, for file-range parts.
type source struct {
	content []byte
	refs    atomic.Int32
	fail    error // what ReadAt returns, unless nil
}

func (r *source) ReadAt(p []byte, off int64) error {
	if r.fail != nil {
		return r.fail
	}
	if r.refs.Load() <= 0 {
		return errors.New("fstest: read of a released file-range part")
	}
	if n := copy(p, r.content[off:]); n < len(p) {
		return errors.New("fstest: read past the end of a file-range part")
	}
	return nil
}

func (r *source) Retain()  { r.refs.Add(1) }
func (r *source) Release() { r.refs.Add(-1) }

// memory returns p in pooled memory, which is poisoned at its last Release.
func (s *suite) memory(p []byte) env.Buf {
	m := s.pool.Get(len(p))
	copy(m.Bytes(), p)
	return env.MemBuf(m, m.Bytes()[:len(p)])
}

// fileRange returns p as a range in the middle of a file.
func (s *suite) fileRange(p []byte) env.Buf {
	const margin = 5
	r := &source{content: make([]byte, len(p)+2*margin)}
	copy(r.content[margin:], p)
	r.Retain()
	s.ranges = append(s.ranges, r)
	return env.FileBuf(r, margin, len(p))
}

// brokenRange returns n bytes that cannot be read.
func (s *suite) brokenRange(n int, cause error) env.Buf {
	b := s.fileRange(make([]byte, n))
	s.ranges[len(s.ranges)-1].fail = cause
	return b
}

// pattern returns n bytes that differ by seed and by place.
func pattern(seed, n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = patternAt(seed, i)
	}
	return p
}

func patternAt(seed, i int) byte { return byte(i*7 + i>>8*31 + seed*101) }

// ok ends the case unless err is nil.
func (s *suite) ok(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatalf("unexpected error: %v", err)
	}
}

// is ends the case unless err is want and its text has all of the given words.
func (s *suite) is(err, want error, words ...string) {
	s.t.Helper()
	if !errors.Is(err, want) {
		s.t.Fatalf("error is %v, want one that is %v", err, want)
	}
	for _, w := range words {
		if !bytes.Contains([]byte(err.Error()), []byte(w)) {
			s.t.Fatalf("error %q does not name %q", err, w)
		}
	}
}

func (s *suite) create(path string) env.File {
	s.t.Helper()
	f, err := s.fs.Create(path)
	s.ok(err)
	return f
}

func (s *suite) open(path string) env.File {
	s.t.Helper()
	f, err := s.fs.Open(path)
	s.ok(err)
	return f
}

// make creates a closed file.
func (s *suite) make(path string, content []byte) {
	s.t.Helper()
	f := s.create(path)
	s.ok(f.Append(s.memory(content)))
	s.ok(f.Close())
}

// take returns the bytes of b and releases it.
func (s *suite) take(b env.Buf) []byte {
	s.t.Helper()
	defer b.Release()
	p := make([]byte, b.Len())
	s.ok(b.ReadAt(p, 0))
	return p
}

// read reads one range.
func (s *suite) read(f env.File, off int64, n int) []byte {
	s.t.Helper()
	b, err := f.Read(off, n)
	s.ok(err)
	return s.take(b)
}

// holds ends the case unless f's content is want, by size and by reading.
func (s *suite) holds(f env.File, want []byte) {
	s.t.Helper()
	if got := f.Size(); got != int64(len(want)) {
		s.t.Fatalf("size is %d, want %d", got, len(want))
	}
	s.same(s.read(f, 0, len(want)+1), want)
}

// same ends the case unless got is want.
func (s *suite) same(got, want []byte) {
	s.t.Helper()
	if bytes.Equal(got, want) {
		return
	}
	at := 0
	for at < min(len(got), len(want)) && got[at] == want[at] {
		at++
	}
	s.t.Fatalf("got %d bytes, want %d; they differ from byte %d", len(got), len(want), at)
}

// lists ends the case unless dir has these entries in this order.
func (s *suite) lists(dir string, want ...env.DirEntry) {
	s.t.Helper()
	got, err := s.fs.List(dir)
	s.ok(err)
	if fmt.Sprint(got) != fmt.Sprint(want) {
		s.t.Fatalf("entries of %s are %v, want %v", dir, got, want)
	}
}

// removeAll empties a directory and makes that durable, after which no file
// system has a reason to keep anything.
func (s *suite) removeAll(dir string) {
	s.t.Helper()
	entries, err := s.fs.List(dir)
	s.ok(err)
	for _, e := range entries {
		path := dir + "/" + e.Name
		if e.Dir {
			s.removeAll(path)
		}
		s.ok(s.fs.Remove(path))
	}
	s.ok(s.fs.SyncDir(dir))
}
