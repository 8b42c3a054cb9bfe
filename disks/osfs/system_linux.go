package osfs

import (
	"io"
	"os"
	"runtime"
	_ "unsafe" // for go:linkname

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

// entersyscallblock and exitsyscall are what the runtime itself puts around a system
// call that is known to block. They are kept for packages outside of it by name (the
// runtime's comment on them, go.dev/issue/67401).
//
//go:linkname entersyscallblock runtime.entersyscallblock
func entersyscallblock()

//go:linkname exitsyscall runtime.exitsyscall
func exitsyscall()

// forceData is fdatasync that gives its processor to other goroutines before it
// blocks. After an ordinary system call the runtime takes the processor away only
// when it next looks (20 us to 10 ms later), and until then fewer logs can force
// their data at once than a disk would serve: on 2 processors 8 logs reached 0.69 of
// what 8 plain loops did, and reach 0.94 of it so. Nothing may grow the stack
// between the two calls.
//
//go:nosplit
func forceData(fd uintptr) unix.Errno {
	entersyscallblock()
	_, _, errno := unix.RawSyscall(unix.SYS_FDATASYNC, fd, 0, 0)
	exitsyscall()
	return errno
}

func syncData(f *os.File) error {
	for {
		errno := forceData(f.Fd())
		runtime.KeepAlive(f)
		switch errno {
		case 0:
			return nil
		case unix.EINTR:
		default:
			return errno
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
