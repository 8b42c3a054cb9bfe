//go:build !linux

package plain

import (
	"os"
	"time"
)

func syncData(f *os.File) error { return f.Sync() }

func sleepThread(d time.Duration) { time.Sleep(d) }
