package datadir

import "golang.org/x/sys/unix"

func kindName(dir string) (string, error) {
	var stat unix.Statfs_t
	if err := unix.Statfs(dir, &stat); err != nil {
		return "", err
	}
	return unix.ByteSliceToString(stat.Fstypename[:]), nil
}
