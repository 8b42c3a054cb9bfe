package osfs

import (
	"io"
	"os"
	"runtime"

	"golang.org/x/sys/unix"
)

// writeVecs writes vecs, which it changes, with as few system calls as the
// system needs.
func (f *file) writeVecs(vecs [][]byte) (written int64, err error) {
	if len(vecs) == 1 {
		return f.writeBytes(vecs[0])
	}
	fd := int(f.open.f.Fd())
	for len(vecs) > 0 {
		f.open.fs.counters.writes.Add(1)
		n, err := unix.Writev(fd, vecs)
		if err == unix.EINTR {
			continue
		}
		if err == nil && n == 0 {
			err = io.ErrShortWrite
		}
		if err != nil {
			return written, err
		}
		written += int64(n)
		vecs = advance(vecs, n)
	}
	runtime.KeepAlive(f.open.f)
	return written, nil
}

// advance drops the first n bytes of vecs, which a write has taken.
func advance(vecs [][]byte, n int) [][]byte {
	for n > 0 {
		if n < len(vecs[0]) {
			vecs[0] = vecs[0][n:]
			break
		}
		n -= len(vecs[0])
		vecs = vecs[1:]
	}
	return vecs
}

func syncData(f *os.File) error {
	for {
		err := unix.Fdatasync(int(f.Fd()))
		if err != unix.EINTR {
			runtime.KeepAlive(f)
			return err
		}
	}
}

// allocate gives the file its blocks up to size without changing its length. A
// file system that has no fallocate does nothing.
func allocate(f *os.File, size int64) error {
	for {
		err := unix.Fallocate(int(f.Fd()), unix.FALLOC_FL_KEEP_SIZE, 0, size)
		switch err {
		case unix.EINTR:
			continue
		case unix.EOPNOTSUPP, unix.ENOSYS:
			err = nil
		}
		runtime.KeepAlive(f)
		return err
	}
}

// dropCache lets the system forget the file's clean pages.
func dropCache(f *os.File) error {
	for {
		err := unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED)
		switch err {
		case unix.EINTR:
			continue
		case unix.EOPNOTSUPP, unix.ENOSYS:
			err = nil
		}
		runtime.KeepAlive(f)
		return err
	}
}
