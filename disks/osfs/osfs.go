// Package osfs is env.FS on a directory of the operating system: every call is
// the system call that it looks like, so that a real run measures this disk and
// nothing of ours. It promises nothing about speed, and no order between
// operations beyond what the operating system promises.
//
//	Append   write of one memory part, writev of several (Linux); a file-range
//	         part is copied through a buffer
//	Read     no I/O: a file-range part, read when it is loaded
//	Sync     fdatasync (Linux), elsewhere os.File.Sync (F_FULLFSYNC on macOS)
//	SyncDir  fsync of the directory
//	DropCache  posix_fadvise(POSIX_FADV_DONTNEED) of the whole file (Linux), elsewhere nothing
//
// A file that is open more than once has a size per handle, taken when that
// handle was opened: append through one handle only.
package osfs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"sync/atomic"
	"syscall"

	"brokerlab/engine/env"
)

const (
	filePerm = 0o644
	dirPerm  = 0o755
)

// FS is a directory. Its methods may be called from any goroutine.
type FS struct {
	root     string
	pool     *env.Pool // what file-range parts are copied through
	counters counters
}

var _ env.FS = (*FS)(nil)

// Stats counts what an FS has done since New.
type Stats struct {
	Appends       int64 // calls of Append
	BytesAppended int64 // written by them, also in part by those that failed
	Writes        int64 // write and writev system calls
	Syncs         int64 // calls of File.Sync
	DirSyncs      int64 // calls of SyncDir
	BytesRead     int64 // by loading file-range parts
	OpenFiles     int64 // open now: by a handle, or by file-range parts alone
}

type counters struct {
	appends, bytesAppended, writes, syncs, dirSyncs, bytesRead, openFiles atomic.Int64
}

// New returns the file system below the directory root. It touches nothing;
// MkdirAll(".") makes root. A path that leads out of root is fs.ErrInvalid;
// symbolic links below root are followed.
func New(root string) *FS { return &FS{root: root, pool: env.NewPool()} }

// Stats returns the counts so far. Each is exact; together they are not a
// snapshot of one instant.
func (s *FS) Stats() Stats {
	c := &s.counters
	return Stats{
		Appends:       c.appends.Load(),
		BytesAppended: c.bytesAppended.Load(),
		Writes:        c.writes.Load(),
		Syncs:         c.syncs.Load(),
		DirSyncs:      c.dirSyncs.Load(),
		BytesRead:     c.bytesRead.Load(),
		OpenFiles:     c.openFiles.Load(),
	}
}

// Create implements env.FS.
func (s *FS) Create(path string) (env.File, error) {
	return s.open("create", path, os.O_RDWR|os.O_CREATE|os.O_EXCL)
}

// Open implements env.FS.
func (s *FS) Open(path string) (env.File, error) {
	return s.open("open", path, os.O_RDWR)
}

// The system's file position is always where the next Append goes. It is not in
// append mode, which would not let Reuse write over what is there.
func (s *FS) open(op, path string, flag int) (env.File, error) {
	full, err := s.resolve(op, path)
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(full, flag, filePerm)
	if err != nil {
		return nil, pathError(op, full, err)
	}
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		f.Close()
		return nil, pathError(op, full, err)
	}
	o := &openFile{fs: s, f: f, path: full}
	o.refs.Store(1)
	o.size.Store(size)
	s.counters.openFiles.Add(1)
	return &file{open: o}, nil
}

// Remove implements env.FS.
func (s *FS) Remove(path string) error {
	full, err := s.resolve("remove", path)
	if err != nil {
		return err
	}
	if err := os.Remove(full); err != nil {
		return pathError("remove", full, err)
	}
	return nil
}

// Rename implements env.FS. It refuses directories, whose renaming env.FS does
// not promise.
func (s *FS) Rename(from, to string) error {
	fullFrom, err := s.resolve("rename", from)
	if err != nil {
		return err
	}
	fullTo, err := s.resolve("rename", to)
	if err != nil {
		return err
	}
	stat, err := os.Lstat(fullFrom)
	if err == nil && stat.IsDir() {
		err = syscall.EISDIR
	}
	if err == nil {
		err = os.Rename(fullFrom, fullTo)
	}
	if err != nil {
		return &os.LinkError{Op: "rename", Old: fullFrom, New: fullTo, Err: cause(err)}
	}
	return nil
}

// MkdirAll implements env.FS.
func (s *FS) MkdirAll(path string) error {
	full, err := s.resolve("mkdir", path)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(full, dirPerm); err != nil {
		return pathError("mkdir", full, err)
	}
	return nil
}

// List implements env.FS. An entry that vanishes meanwhile is left out.
func (s *FS) List(dir string) ([]env.DirEntry, error) {
	full, err := s.resolve("list", dir)
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(full) // sorted by name
	if err != nil {
		return nil, pathError("list", full, err)
	}
	list := make([]env.DirEntry, 0, len(entries))
	for _, entry := range entries {
		stat, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, pathError("list", full, err)
		}
		e := env.DirEntry{Name: entry.Name(), Dir: entry.IsDir()}
		if !e.Dir {
			e.Bytes = stat.Size()
		}
		list = append(list, e)
	}
	return list, nil
}

// SyncDir implements env.FS.
func (s *FS) SyncDir(dir string) error {
	full, err := s.resolve("syncdir", dir)
	if err != nil {
		return err
	}
	f, err := os.Open(full)
	if err != nil {
		return pathError("syncdir", full, err)
	}
	defer f.Close()
	s.counters.dirSyncs.Add(1)
	if err := f.Sync(); err != nil {
		return pathError("syncdir", full, err)
	}
	return nil
}

// Free implements env.FS: what an unprivileged user may still write. Where the
// system does not say, the error wraps errors.ErrUnsupported.
func (s *FS) Free() (int64, error) {
	bytes, err := freeBytes(s.root)
	if err != nil {
		return 0, pathError("free", s.root, err)
	}
	return bytes, nil
}

// resolve turns a slash-separated path below the root into the system's.
func (s *FS) resolve(op, name string) (string, error) {
	clean := path.Clean(name)
	if !fs.ValidPath(clean) {
		return "", &fs.PathError{Op: op, Path: name, Err: fmt.Errorf("path leads out of the root: %w", fs.ErrInvalid)}
	}
	return filepath.Join(s.root, filepath.FromSlash(clean)), nil
}

// pathError names the operation as env.FS does, not as package os does.
func pathError(op, path string, err error) error {
	return &fs.PathError{Op: op, Path: path, Err: cause(err)}
}

// cause takes the layers off that name an operation and a path already, and
// translates a full disk.
func cause(err error) error {
	if inner, ok := errors.AsType[*fs.PathError](err); ok {
		err = inner.Err
	}
	if inner, ok := errors.AsType[*os.LinkError](err); ok {
		err = inner.Err
	}
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return env.ErrNoSpace
	case errors.Is(err, syscall.EDQUOT):
		return fmt.Errorf("%w: %w", env.ErrNoSpace, err)
	default:
		return err
	}
}
