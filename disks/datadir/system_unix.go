//go:build linux || darwin

package datadir

import (
	"os"

	"golang.org/x/sys/unix"
)

// lockShared waits for the shared lock. Whoever holds the exclusive one holds
// it for the length of Close.
func lockShared(f *os.File) error {
	for {
		if err := unix.Flock(int(f.Fd()), unix.LOCK_SH); err != unix.EINTR {
			return err
		}
	}
}

// lockExclusiveNow makes the shared lock exclusive, or fails at once; then the
// shared lock is gone too.
func lockExclusiveNow(f *os.File) error {
	for {
		if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != unix.EINTR {
			return err
		}
	}
}

func freeBytes(dir string) (int64, error) {
	var stat unix.Statfs_t
	if err := unix.Statfs(dir, &stat); err != nil {
		return 0, err
	}
	return int64(stat.Bavail) * int64(stat.Bsize), nil
}

// fileSystemID tells apart the file systems of paths that exist.
func fileSystemID(path string) (id uint64, known bool) {
	var stat unix.Stat_t
	if err := unix.Stat(path, &stat); err != nil {
		return 0, false
	}
	return uint64(stat.Dev), true
}
