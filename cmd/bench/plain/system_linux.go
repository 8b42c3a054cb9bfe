package plain

import (
	"os"

	"golang.org/x/sys/unix"
)

// syncData forces what the engine's files force: the data, and of the metadata
// only what reading it back needs.
func syncData(f *os.File) error {
	for {
		if err := unix.Fdatasync(int(f.Fd())); err != unix.EINTR {
			return err
		}
	}
}
