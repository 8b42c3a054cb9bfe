package osfs

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync/atomic"

	"brokerlab/engine/env"
)

const (
	// copyBytes is what a file-range part is copied through at a time.
	copyBytes = 128 << 10
	// vecsMax is how many parts one writev takes (IOV_MAX on Linux).
	vecsMax = 1024
)

// openFile is what a handle and the file-range parts read through it share. It
// is closed when the last of them is gone, so that a removed or closed file
// stays readable while a part refers to it.
type openFile struct {
	fs   *FS
	f    *os.File
	path string // as opened; for errors
	refs atomic.Int32
	size atomic.Int64 // published after the write returned
}

var _ env.FileRange = (*openFile)(nil)

// ReadAt implements env.FileRange. Bytes that Truncate cut off since are
// io.ErrUnexpectedEOF.
func (o *openFile) ReadAt(p []byte, off int64) error {
	n, err := o.f.ReadAt(p, off)
	o.fs.counters.bytesRead.Add(int64(n))
	if n == len(p) {
		return nil
	}
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	return pathError("read", o.path, err)
}

// Retain implements env.FileRange.
func (o *openFile) Retain() {
	if o.refs.Add(1) <= 1 {
		panic("osfs: retain of a file that is closed")
	}
}

// Release implements env.FileRange.
func (o *openFile) Release() {
	switch refs := o.refs.Add(-1); {
	case refs < 0:
		panic("osfs: file released twice")
	case refs == 0:
		o.f.Close() // nothing is buffered: there is no error to lose
		o.fs.counters.openFiles.Add(-1)
	}
}

// acquire adds a reference unless the file is closed. A task may close a handle
// while another one begins to read from it.
func (o *openFile) acquire() bool {
	for {
		refs := o.refs.Load()
		if refs == 0 {
			return false
		}
		if o.refs.CompareAndSwap(refs, refs+1) {
			return true
		}
	}
}

// file is a handle.
type file struct {
	open   *openFile
	closed atomic.Bool
	vecs   [][]byte // of the Append that runs; kept, so that it allocates nothing
}

// begin returns with a reference held, which the caller releases, or fails.
func (f *file) begin(op string) error {
	if f.open.acquire() {
		if !f.closed.Load() {
			return nil
		}
		f.open.Release()
	}
	return pathError(op, f.open.path, env.ErrClosed)
}

// Append implements env.File. A length-only part is env.ErrNoBytes, and nothing
// is written then.
func (f *file) Append(b env.Buf) error {
	defer b.Release()
	if err := f.begin("append"); err != nil {
		return err
	}
	defer f.open.Release()
	parts := b.Parts()
	for i := range parts {
		if source, _ := parts[i].File(); source == nil && parts[i].Bytes() == nil {
			return pathError("append", f.open.path, env.ErrNoBytes)
		}
	}
	n, err := f.write(b)
	f.open.size.Add(n)
	c := &f.open.fs.counters
	c.appends.Add(1)
	c.bytesAppended.Add(n)
	if err != nil {
		return pathError("append", f.open.path, err)
	}
	return nil
}

// write writes the parts in order and returns how many bytes reached the file.
func (f *file) write(b env.Buf) (written int64, err error) {
	if p, ok := b.Contiguous(); ok {
		return f.writeBytes(p)
	}
	parts := b.Parts()
	defer f.dropVecs()
	for i := 0; i < len(parts) && err == nil; {
		var n int64
		if source, off := parts[i].File(); source != nil {
			n, err = f.copyRange(source, off, parts[i].Len())
			i++
		} else {
			f.vecs = f.vecs[:0]
			for ; i < len(parts) && len(f.vecs) < vecsMax && parts[i].Bytes() != nil; i++ {
				f.vecs = append(f.vecs, parts[i].Bytes())
			}
			n, err = f.writeVecs(f.vecs)
		}
		written += n
	}
	return written, err
}

// dropVecs forgets the memory, which goes back to its pool.
func (f *file) dropVecs() {
	clear(f.vecs[:cap(f.vecs)])
	f.vecs = f.vecs[:0]
}

// writeBytes writes p; os.File.Write goes on after a short write.
func (f *file) writeBytes(p []byte) (int64, error) {
	if len(p) == 0 {
		return 0, nil
	}
	f.open.fs.counters.writes.Add(1)
	n, err := f.open.f.Write(p)
	return int64(n), err
}

// copyRange reads a range of another file and writes it.
func (f *file) copyRange(source env.FileRange, off int64, size int) (written int64, err error) {
	m := f.open.fs.pool.Get(min(size, copyBytes))
	defer m.Release()
	for size > 0 {
		p := m.Bytes()[:min(size, copyBytes)]
		if err := source.ReadAt(p, off); err != nil {
			return written, fmt.Errorf("file-range part: %w", err)
		}
		n, err := f.writeBytes(p)
		written += n
		if err != nil {
			return written, err
		}
		off += int64(len(p))
		size -= len(p)
	}
	return written, nil
}

// Read implements env.File. It does no I/O.
func (f *file) Read(off int64, bytesMax int) (env.Buf, error) {
	if off < 0 || bytesMax < 0 {
		return env.Buf{}, pathError("read", f.open.path, fmt.Errorf("%d bytes from %d: %w", bytesMax, off, fs.ErrInvalid))
	}
	if err := f.begin("read"); err != nil {
		return env.Buf{}, err
	}
	n := min(int64(bytesMax), f.open.size.Load()-off)
	if n <= 0 {
		f.open.Release()
		return env.Buf{}, nil
	}
	return env.FileBuf(f.open, off, int(n)), nil // takes the reference over
}

// Truncate implements env.File.
func (f *file) Truncate(size int64) error {
	if err := f.begin("truncate"); err != nil {
		return err
	}
	defer f.open.Release()
	old := f.open.size.Load()
	if size < 0 || size > old {
		return pathError("truncate", f.open.path, fmt.Errorf("to %d of %d bytes: %w", size, old, fs.ErrInvalid))
	}
	f.open.size.Store(size) // first, so that no Read hands out what goes away
	if err := f.open.f.Truncate(size); err != nil {
		f.open.size.Store(old)
		return pathError("truncate", f.open.path, err)
	}
	return f.seek("truncate", size)
}

// seek sets where the next Append goes.
func (f *file) seek(op string, off int64) error {
	if _, err := f.open.f.Seek(off, io.SeekStart); err != nil {
		return pathError(op, f.open.path, err)
	}
	return nil
}

// Reuse implements env.File. File-range parts read the bytes that are in the file
// when they are loaded, so that it refuses while one refers to it.
func (f *file) Reuse() error {
	if err := f.begin("reuse"); err != nil {
		return err
	}
	defer f.open.Release()
	if refs := f.open.refs.Load(); refs > 2 { // the handle's and this call's
		return pathError("reuse", f.open.path, env.ErrInUse)
	}
	if err := f.seek("reuse", 0); err != nil {
		return err
	}
	f.open.size.Store(0)
	return nil
}

// Allocate implements env.File.
func (f *file) Allocate(size int64) error {
	if err := f.begin("allocate"); err != nil {
		return err
	}
	defer f.open.Release()
	if size <= f.open.size.Load() {
		return nil
	}
	if err := allocate(f.open.f, size); err != nil {
		return pathError("allocate", f.open.path, err)
	}
	return nil
}

// Sync implements env.File.
func (f *file) Sync() error {
	if err := f.begin("sync"); err != nil {
		return err
	}
	defer f.open.Release()
	f.open.fs.counters.syncs.Add(1)
	if err := syncData(f.open.f); err != nil {
		return pathError("sync", f.open.path, err)
	}
	return nil
}

// DropCache implements env.File: posix_fadvise(DONTNEED) on Linux, nothing
// elsewhere. A file system that lives in the page cache (tmpfs) keeps its pages.
func (f *file) DropCache() error {
	if err := f.begin("dropcache"); err != nil {
		return err
	}
	defer f.open.Release()
	if err := dropCache(f.open.f); err != nil {
		return pathError("dropcache", f.open.path, err)
	}
	return nil
}

// Size implements env.File.
func (f *file) Size() int64 { return f.open.size.Load() }

// Close implements env.File. Closing twice is env.ErrClosed.
func (f *file) Close() error {
	if f.closed.Swap(true) {
		return pathError("close", f.open.path, env.ErrClosed)
	}
	f.open.Release()
	return nil
}
