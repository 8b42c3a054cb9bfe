package env

import (
	"errors"
	"fmt"
)

// ErrNoBytes says that a length-only part was asked for its bytes.
var ErrNoBytes = errors.New("env: part has a length but no bytes")

// FileRange is an open file that parts of a Buf refer to. The file stays
// readable while it is referred to, also after its removal.
type FileRange interface {
	// ReadAt fills p from off, or returns an error.
	ReadAt(p []byte, off int64) error
	// Retain and Release count references.
	Retain()
	Release()
}

// Stub stands for bytes that nobody made: what of them matters to those who would
// look at them. It is never changed once it is in a Buf.
type Stub struct {
	// PlainBytes is the size of what the bytes hold, decompressed.
	PlainBytes int
	// Records is what the maker of the bytes wants their reader to know.
	Records any
}

// Part is one piece of a Buf: bytes in memory, a range of a file, or only a
// length (a modelled payload).
type Part struct {
	bytes []byte
	mem   *Mem // counts references to bytes; nil for bytes that live for ever
	file  FileRange
	off   int64
	size  int
	stub  *Stub // of a length-only part; nil if it has none, or is a piece of one that had
}

// Len is the part's size in bytes.
func (p *Part) Len() int { return p.size }

// Bytes returns the bytes of a memory part, and nil for any other.
func (p *Part) Bytes() []byte { return p.bytes }

// Stub returns what a length-only part stands for. It is nil for a piece of such a
// part: a torn body stands for nothing.
func (p *Part) Stub() *Stub { return p.stub }

// File returns the range of a file part; f is nil for any other.
func (p *Part) File() (f FileRange, off int64) { return p.file, p.off }

func (p *Part) retain() {
	if p.mem != nil {
		p.mem.Retain()
	}
	if p.file != nil {
		p.file.Retain()
	}
}

func (p *Part) release() {
	if p.mem != nil {
		p.mem.Release()
	}
	if p.file != nil {
		p.file.Release()
	}
}

func (p *Part) slice(off, n int) Part {
	q := *p
	q.size = n
	if n != p.size {
		q.stub = nil
	}
	if p.bytes != nil {
		q.bytes = p.bytes[off : off+n : off+n]
	}
	if p.file != nil {
		q.off = p.off + int64(off)
	}
	return q
}

func (p *Part) readAt(dst []byte, off int) error {
	switch {
	case p.bytes != nil:
		copy(dst, p.bytes[off:])
		return nil
	case p.file != nil:
		return p.file.ReadAt(dst, p.off+int64(off))
	default:
		return ErrNoBytes
	}
}

// Buf is how bytes travel: a sequence of reference-counted parts. A Buf value
// owns one reference to each of its parts. Whoever holds a Buf ends it exactly
// once, by Release or by a call that takes it over (Append, Send, Join, Load).
// The bytes of a Buf are never written again. The zero Buf is empty.
type Buf struct {
	parts []Part // never changed once made: Retain shares it
	size  int
}

// MemBuf returns a Buf of b, which lies in m, and takes over one reference to m.
func MemBuf(m *Mem, b []byte) Buf {
	if len(b) == 0 {
		m.Release()
		return Buf{}
	}
	return Buf{parts: []Part{{bytes: b, mem: m, size: len(b)}}, size: len(b)}
}

// StaticBuf returns a Buf of bytes that live for ever and are not counted.
func StaticBuf(b []byte) Buf {
	if len(b) == 0 {
		return Buf{}
	}
	return Buf{parts: []Part{{bytes: b, size: len(b)}}, size: len(b)}
}

// FileBuf returns a Buf of n bytes of f from off, and takes over one reference
// to f.
func FileBuf(f FileRange, off int64, n int) Buf {
	if n == 0 {
		f.Release()
		return Buf{}
	}
	return Buf{parts: []Part{{file: f, off: off, size: n}}, size: n}
}

// LengthBuf returns a Buf of n bytes that nobody may look at.
func LengthBuf(n int) Buf {
	if n == 0 {
		return Buf{}
	}
	return Buf{parts: []Part{{size: n}}, size: n}
}

// StubBuf returns a Buf of n bytes that nobody may look at and that s stands for.
func StubBuf(n int, s *Stub) Buf {
	if n == 0 {
		return Buf{}
	}
	return Buf{parts: []Part{{size: n, stub: s}}, size: n}
}

// Join returns the parts of all bufs in order, and takes the bufs over.
func Join(bufs ...Buf) Buf {
	var out Buf
	count := 0
	for i := range bufs {
		count += len(bufs[i].parts)
	}
	out.parts = make([]Part, 0, count)
	for i := range bufs {
		out.parts = append(out.parts, bufs[i].parts...)
		out.size += bufs[i].size
	}
	return out
}

// Len is the size in bytes.
func (b Buf) Len() int { return b.size }

// Parts returns the parts, to be read only.
func (b Buf) Parts() []Part { return b.parts }

// Retain returns a second Buf of the same bytes.
func (b Buf) Retain() Buf {
	for i := range b.parts {
		b.parts[i].retain()
	}
	return b
}

// Release drops the references. The Buf must not be used again.
func (b Buf) Release() {
	for i := range b.parts {
		b.parts[i].release()
	}
}

// Slice returns a new Buf of n bytes from off; b stays as it is.
func (b Buf) Slice(off, n int) Buf {
	if off < 0 || n < 0 || off+n > b.size {
		panic(fmt.Sprintf("env: slice %d+%d of a Buf of %d bytes", off, n, b.size))
	}
	if n == b.size {
		return b.Retain() // the parts are shared: a log of 10^6 batches is kept by three replicas
	}
	out := Buf{size: n}
	for i := range b.parts {
		p := &b.parts[i]
		if n == 0 {
			break
		}
		if off >= p.size {
			off -= p.size
			continue
		}
		take := min(n, p.size-off)
		q := p.slice(off, take)
		q.retain()
		out.parts = append(out.parts, q)
		off, n = 0, n-take
	}
	return out
}

// Stub returns the stub of the part that is exactly the n bytes from off, nil if
// there is none.
func (b Buf) Stub(off, n int) *Stub {
	for i := range b.parts {
		p := &b.parts[i]
		if off < p.size {
			if off == 0 && n == p.size {
				return p.stub
			}
			return nil
		}
		off -= p.size
	}
	return nil
}

// ReadAt copies len(dst) bytes from off. It reads file parts from their file,
// and returns ErrNoBytes if it meets a length-only part.
func (b Buf) ReadAt(dst []byte, off int) error {
	if off < 0 || off+len(dst) > b.size {
		panic(fmt.Sprintf("env: read %d+%d of a Buf of %d bytes", off, len(dst), b.size))
	}
	for i := range b.parts {
		p := &b.parts[i]
		if len(dst) == 0 {
			break
		}
		if off >= p.size {
			off -= p.size
			continue
		}
		take := min(len(dst), p.size-off)
		if err := p.readAt(dst[:take], off); err != nil {
			return err
		}
		dst, off = dst[take:], 0
	}
	return nil
}

// Contiguous returns the bytes if they lie in one memory part (or there are
// none), and false otherwise. They are valid until the Buf is released.
func (b Buf) Contiguous() ([]byte, bool) {
	switch {
	case b.size == 0:
		return nil, true
	case len(b.parts) == 1 && b.parts[0].bytes != nil:
		return b.parts[0].bytes, true
	default:
		return nil, false
	}
}

// Load takes b over and returns a Buf of the same bytes in which every file
// part is in memory; adjacent file parts share one buffer of the pool. Memory
// and length-only parts stay as they are. This read is the copy that a receiving
// socket would make.
func (b Buf) Load(pool *Pool) (Buf, error) {
	fileBytes := 0
	for i := range b.parts {
		if b.parts[i].file != nil {
			fileBytes += b.parts[i].size
		}
	}
	if fileBytes == 0 {
		return b, nil
	}
	defer b.Release()
	m := pool.Get(fileBytes)
	defer m.Release()
	mem, used := m.Bytes(), 0
	out := Buf{parts: make([]Part, 0, len(b.parts)), size: b.size}
	joinable := false
	for i := range b.parts {
		p := b.parts[i]
		if p.file == nil {
			p.retain()
			out.parts = append(out.parts, p)
			joinable = false
			continue
		}
		dst := mem[used : used+p.size : used+p.size]
		if err := p.readAt(dst, 0); err != nil {
			out.Release()
			return Buf{}, err
		}
		if joinable {
			last := &out.parts[len(out.parts)-1]
			last.bytes = mem[used-last.size : used+p.size : used+p.size]
			last.size += p.size
		} else {
			m.Retain()
			out.parts = append(out.parts, Part{bytes: dst, mem: m, size: p.size})
		}
		joinable = true
		used += p.size
	}
	return out, nil
}

// Flat takes b over and returns the same bytes in one memory part. It copies
// only if they are not in one already. A length-only part is ErrNoBytes.
func (b Buf) Flat(pool *Pool) (Buf, error) {
	if _, ok := b.Contiguous(); ok {
		return b, nil
	}
	defer b.Release()
	m := pool.Get(b.size)
	dst := m.Bytes()[:b.size]
	if err := b.ReadAt(dst, 0); err != nil {
		m.Release()
		return Buf{}, err
	}
	return MemBuf(m, dst), nil
}
