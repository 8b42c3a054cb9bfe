//go:build !linux

package osfs

import "os"

// writeVecs writes one part after another.
func (f *file) writeVecs(vecs [][]byte) (written int64, err error) {
	for i := range vecs {
		n, err := f.writeBytes(vecs[i])
		written += n
		if err != nil {
			return written, err
		}
	}
	return written, nil
}

// syncData is F_FULLFSYNC on macOS, where fsync leaves data in the drive.
func syncData(f *os.File) error { return f.Sync() }

// allocate does nothing: there is no portable call.
func allocate(*os.File, int64) error { return nil }

// dropCache does nothing: there is no portable call.
func dropCache(*os.File) error { return nil }
