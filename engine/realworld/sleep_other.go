//go:build !linux

package realworld

import "time"

// parkThread blocks the calling task for d, as precisely as time.Sleep can.
func parkThread(d time.Duration) { time.Sleep(d) }
