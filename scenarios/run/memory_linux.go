package run

import "golang.org/x/sys/unix"

// memoryBytes is the machine's memory; 0 where it is not available.
func memoryBytes() int64 {
	var info unix.Sysinfo_t
	if unix.Sysinfo(&info) != nil {
		return 0
	}
	return int64(info.Totalram) * int64(info.Unit)
}
