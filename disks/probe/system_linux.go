package probe

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// openDirect opens a file that passes the page cache; errors.ErrUnsupported where the
// file system does not.
func openDirect(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|unix.O_DIRECT, 0)
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EOPNOTSUPP) {
		return nil, errors.ErrUnsupported
	}
	return f, err
}

// memory is bytes that begin on a page, as O_DIRECT asks.
func memory(bytes int) ([]byte, error) {
	return unix.Mmap(-1, 0, bytes, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
}

func freeMemory(b []byte) { _ = unix.Munmap(b) }

func fdatasync(f *os.File) error {
	for {
		if err := unix.Fdatasync(int(f.Fd())); err != unix.EINTR {
			return err
		}
	}
}

// dropPages lets the system forget the clean pages of a range, and read nothing
// ahead in the file.
func dropPages(f *os.File, offset, bytes int64) {
	_ = unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_RANDOM)
	_ = unix.Fadvise(int(f.Fd()), offset, bytes, unix.FADV_DONTNEED)
}
