//go:build !linux

package probe

import (
	"errors"
	"os"
)

func openDirect(string) (*os.File, error) { return nil, errors.ErrUnsupported }

func memory(bytes int) ([]byte, error) { return make([]byte, bytes), nil }

func freeMemory([]byte) {}

// fdatasync is F_FULLFSYNC on macOS.
func fdatasync(f *os.File) error { return f.Sync() }

func dropPages(*os.File, int64, int64) {}
