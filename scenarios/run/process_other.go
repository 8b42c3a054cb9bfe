//go:build !linux

package run

import "time"

// residentBytes is not available.
func residentBytes() int64 { return 0 }

// machineBusy is not available.
func machineBusy() time.Duration { return 0 }
