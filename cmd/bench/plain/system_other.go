//go:build !linux

package plain

import "os"

func syncData(f *os.File) error { return f.Sync() }
