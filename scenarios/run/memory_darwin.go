package run

import "golang.org/x/sys/unix"

// memoryBytes is the machine's memory; 0 where it is not available.
func memoryBytes() int64 {
	bytes, err := unix.SysctlUint64("hw.memsize")
	if err != nil {
		return 0
	}
	return int64(bytes)
}
