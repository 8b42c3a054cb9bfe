//go:build !linux

package run

// Counters of devices and the page cache are read on Linux only.

func devicesOf([]string) []deviceID        { return nil }
func readDevices([]deviceID) []diskReading { return nil }
func dirtyBytes() (n int64, ok bool)       { return 0, false }
func dirtyLimits() cacheReading            { return cacheReading{} }
