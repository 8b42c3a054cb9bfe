package env_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"brokerlab/engine/env"
)

// memFile is a file in memory that counts its references.
type memFile struct {
	content []byte
	refs    int
	reads   int
	err     error // of ReadAt, if any
}

func newMemFile(size int) *memFile {
	r := rand.New(rand.NewPCG(1, uint64(size)))
	f := &memFile{content: make([]byte, size)}
	for i := range f.content {
		f.content[i] = byte(r.Uint32())
	}
	return f
}

func (f *memFile) ReadAt(p []byte, off int64) error {
	if f.refs <= 0 {
		panic("read of a file that nobody refers to")
	}
	f.reads++
	if f.err != nil {
		return f.err
	}
	if copy(p, f.content[off:]) < len(p) {
		panic("read past the end of a file")
	}
	return nil
}

func (f *memFile) Retain() { f.refs++ }

func (f *memFile) Release() {
	f.refs--
	if f.refs < 0 {
		panic("file released too often")
	}
}

// fileBuf returns a Buf of a range of f, with a reference of its own.
func fileBuf(f *memFile, off, n int) env.Buf {
	f.Retain()
	return env.FileBuf(f, int64(off), n)
}

// memBuf returns a Buf of a copy of b in memory of the pool.
func memBuf(pool *env.Pool, b []byte) env.Buf {
	m := pool.Get(len(b))
	return env.MemBuf(m, m.Bytes()[:copy(m.Bytes(), b)])
}

// twin is a Buf and what it should hold: bytes, or -1 where only the length is
// known.
type twin struct {
	buf   env.Buf
	model []int
}

func (x twin) hidden() bool {
	for _, b := range x.model {
		if b < 0 {
			return true
		}
	}
	return false
}

func modelOf(b []byte) []int {
	out := make([]int, len(b))
	for i := range b {
		out[i] = int(b[i])
	}
	return out
}

// bufMachine drives Bufs and their models by random operations.
type bufMachine struct {
	pool *env.Pool
	file *memFile
	live []twin
}

func (m *bufMachine) pick(t *rapid.T) int {
	if len(m.live) == 0 {
		t.Skip("nothing to work on")
	}
	return rapid.IntRange(0, len(m.live)-1).Draw(t, "buf")
}

func (m *bufMachine) take(t *rapid.T) twin {
	i := m.pick(t)
	x := m.live[i]
	m.live = append(m.live[:i], m.live[i+1:]...)
	return x
}

func (m *bufMachine) make(t *rapid.T) {
	b := rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "bytes")
	x := twin{model: modelOf(b)}
	switch rapid.IntRange(0, 3).Draw(t, "kind") {
	case 0:
		x.buf = memBuf(m.pool, b)
	case 1:
		x.buf = env.StaticBuf(b)
	case 2:
		off := rapid.IntRange(0, len(m.file.content)-len(b)).Draw(t, "off")
		x.buf = fileBuf(m.file, off, len(b))
		x.model = modelOf(m.file.content[off : off+len(b)])
	case 3:
		x.buf = env.LengthBuf(len(b))
		for i := range x.model {
			x.model[i] = -1
		}
	}
	m.live = append(m.live, x)
}

func (m *bufMachine) join(t *rapid.T) {
	a, b := m.take(t), twin{}
	if len(m.live) > 0 {
		b = m.take(t)
	}
	m.live = append(m.live, twin{env.Join(a.buf, b.buf), append(append([]int{}, a.model...), b.model...)})
}

func (m *bufMachine) slice(t *rapid.T) {
	x := m.live[m.pick(t)]
	off := rapid.IntRange(0, len(x.model)).Draw(t, "off")
	n := rapid.IntRange(0, len(x.model)-off).Draw(t, "n")
	m.live = append(m.live, twin{x.buf.Slice(off, n), x.model[off : off+n]})
}

func (m *bufMachine) retain(t *rapid.T) {
	x := m.live[m.pick(t)]
	m.live = append(m.live, twin{x.buf.Retain(), x.model})
}

func (m *bufMachine) release(t *rapid.T) { m.take(t).buf.Release() }

func (m *bufMachine) load(t *rapid.T) {
	x := m.take(t)
	loaded, err := x.buf.Load(m.pool)
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	for _, p := range loaded.Parts() {
		if f, _ := p.File(); f != nil {
			t.Fatalf("Load left a file part of %d bytes", p.Len())
		}
	}
	m.live = append(m.live, twin{loaded, x.model})
}

func (m *bufMachine) flat(t *rapid.T) {
	x := m.take(t)
	flat, err := x.buf.Flat(m.pool)
	if x.hidden() {
		if !errors.Is(err, env.ErrNoBytes) {
			t.Fatalf("Flat of a Buf with a length-only part: %v", err)
		}
		return // it was taken over, and is released
	}
	if err != nil {
		t.Fatalf("Flat: %v", err)
	}
	if _, ok := flat.Contiguous(); !ok {
		t.Fatalf("Flat returned %d parts", len(flat.Parts()))
	}
	m.live = append(m.live, twin{flat, x.model})
}

// check compares every live Buf with its model.
func (m *bufMachine) check(t *rapid.T) {
	for _, x := range m.live {
		if x.buf.Len() != len(x.model) {
			t.Fatalf("length is %d, want %d", x.buf.Len(), len(x.model))
		}
		sum := 0
		for _, p := range x.buf.Parts() {
			if p.Len() == 0 {
				t.Fatalf("there is an empty part")
			}
			sum += p.Len()
		}
		if sum != x.buf.Len() {
			t.Fatalf("the parts have %d bytes, the Buf has %d", sum, x.buf.Len())
		}
		for off := 0; off < len(x.model); off += 7 {
			end := min(off+11, len(x.model))
			part := twin{model: x.model[off:end]}
			got := make([]byte, end-off)
			err := x.buf.ReadAt(got, off)
			switch {
			case part.hidden() && !errors.Is(err, env.ErrNoBytes):
				t.Fatalf("ReadAt %d of a length-only part: %v", off, err)
			case !part.hidden() && err != nil:
				t.Fatalf("ReadAt %d: %v", off, err)
			}
			for i, want := range part.model {
				if err == nil && int(got[i]) != want {
					t.Fatalf("byte %d is %d, want %d", off+i, got[i], want)
				}
			}
		}
		if b, ok := x.buf.Contiguous(); ok && len(b) != len(x.model) {
			t.Fatalf("Contiguous returned %d of %d bytes", len(b), len(x.model))
		}
	}
}

// Goal: a Buf is the bytes that its model says, and every reference ends. Method:
// random operations against slices, on a pool that overwrites what was released,
// so that a reference that ended too early is seen as wrong bytes.
func TestBufAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &bufMachine{pool: env.NewPoisonedPool(), file: newMemFile(200)}
		t.Repeat(map[string]func(*rapid.T){
			"make": m.make, "join": m.join, "slice": m.slice, "retain": m.retain, "release": m.release,
			"load": m.load, "flat": m.flat, "": m.check,
		})
		for _, x := range m.live {
			x.buf.Release()
		}
		if live := m.pool.Live(); live != 0 || m.file.refs != 0 {
			t.Fatalf("%d buffers and %d references to the file are live at the end", live, m.file.refs)
		}
	})
}

// Goal: Load reads file parts that lie side by side into one part, with one
// buffer for all, and keeps the others where they are.
func TestLoadJoinsFileParts(t *testing.T) {
	pool, f := env.NewPoisonedPool(), newMemFile(1000)
	joined := func(bufs ...env.Buf) func() env.Buf {
		return func() env.Buf { return env.Join(bufs...) }
	}
	cases := []struct {
		name string
		make func() env.Buf
		want []int // sizes of the loaded parts
		live int64 // buffers afterwards
	}{
		{"two ranges side by side become one part", joined(fileBuf(f, 0, 100), fileBuf(f, 300, 50)), []int{150}, 1},
		{"three as well, also if they overlap in the file",
			joined(fileBuf(f, 0, 100), fileBuf(f, 50, 100), fileBuf(f, 0, 1)), []int{201}, 1},
		{"a memory part between them stays, and the buffer is shared", func() env.Buf {
			return env.Join(fileBuf(f, 0, 100), memBuf(pool, []byte("abc")), fileBuf(f, 100, 100))
		}, []int{100, 3, 100}, 2},
		{"a length-only part between them stays",
			joined(fileBuf(f, 0, 10), env.LengthBuf(7), fileBuf(f, 10, 10)), []int{10, 7, 10}, 1},
		{"without file parts nothing is copied", func() env.Buf {
			return env.Join(memBuf(pool, []byte("abc")), env.LengthBuf(7))
		}, []int{3, 7}, 1},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b := c.make()
			want := make([]byte, b.Len())
			wantErr := b.ReadAt(want, 0)
			got, err := b.Load(pool)
			if err != nil {
				t.Fatalf("Load: %v", err)
			}
			if live := pool.Live(); live != c.live {
				t.Errorf("%d buffers hold it, want %d", live, c.live)
			}
			var sizes []int
			for _, p := range got.Parts() {
				sizes = append(sizes, p.Len())
			}
			if !slices.Equal(sizes, c.want) {
				t.Errorf("parts have %v bytes, want %v", sizes, c.want)
			}
			loaded := make([]byte, got.Len())
			if err := got.ReadAt(loaded, 0); !errors.Is(err, wantErr) || !bytes.Equal(loaded, want) && err == nil {
				t.Errorf("the loaded bytes differ, or %v", err)
			}
			got.Release()
			if live := pool.Live(); live != 0 {
				t.Errorf("%d buffers are live after Release", live)
			}
		})
	}
	if f.refs != 0 || pool.Live() != 0 {
		t.Errorf("%d references to the file and %d buffers are live at the end", f.refs, pool.Live())
	}
}

// Goal: an error of the file comes out of Load and Flat, which have taken the
// Buf over and leave no reference.
func TestReadErrors(t *testing.T) {
	broken := errors.New("medium error")
	calls := map[string]func(env.Buf, *env.Pool) (env.Buf, error){
		"Load": env.Buf.Load,
		"Flat": env.Buf.Flat,
	}
	for name, call := range calls {
		pool, f := env.NewPoisonedPool(), newMemFile(100)
		f.err = broken
		b := env.Join(memBuf(pool, []byte("abc")), fileBuf(f, 0, 10), fileBuf(f, 20, 10))
		got, err := call(b, pool)
		if !errors.Is(err, broken) || got.Len() != 0 {
			t.Errorf("%s returned %d bytes and %v", name, got.Len(), err)
		}
		if pool.Live() != 0 || f.refs != 0 {
			t.Errorf("%s left %d buffers and %d references to the file", name, pool.Live(), f.refs)
		}
	}
}

// Goal: ranges outside of a Buf are our own mistakes.
func TestBufRanges(t *testing.T) {
	b := env.StaticBuf([]byte("0123456789"))
	cases := []struct {
		name string
		call func()
	}{
		{"a slice that ends behind the Buf", func() { b.Slice(5, 6) }},
		{"a slice that begins before it", func() { b.Slice(-1, 2) }},
		{"a slice of negative length", func() { b.Slice(5, -1) }},
		{"a read that ends behind it", func() { _ = b.ReadAt(make([]byte, 3), 8) }},
		{"a read that begins before it", func() { _ = b.ReadAt(make([]byte, 3), -1) }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Errorf("no panic")
				}
			}()
			c.call()
		})
	}
	if empty := b.Slice(10, 0); empty.Len() != 0 || len(empty.Parts()) != 0 {
		t.Errorf("an empty slice at the end has %d bytes in %d parts", empty.Len(), len(empty.Parts()))
	}
}

// Goal: a slice cannot grow into its neighbour's bytes.
func TestSliceDoesNotGrow(t *testing.T) {
	pool := env.NewPool()
	b := memBuf(pool, []byte("0123456789"))
	part := b.Slice(2, 3)
	got, ok := part.Contiguous()
	if !ok || string(got) != "234" || cap(got) != 3 {
		t.Errorf("slice is %q with room for %d", got, cap(got))
	}
	b.Release()
	part.Release()
	if pool.Live() != 0 {
		t.Errorf("%d buffers are live", pool.Live())
	}
}

func BenchmarkJoinSliceRelease(b *testing.B) {
	b.ReportAllocs()
	pool := env.NewPool()
	head, body := memBuf(pool, make([]byte, 61)), memBuf(pool, make([]byte, 16<<10))
	for b.Loop() {
		joined := env.Join(head.Retain(), body.Retain())
		joined.Slice(50, 1000).Release()
		joined.Release()
	}
}
