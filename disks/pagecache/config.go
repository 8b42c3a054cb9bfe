package pagecache

import (
	"fmt"
	"time"
)

// PageBytes is the size of a page.
const PageBytes = 4096

// Config is the memory of a machine and the settings of its kernel.
type Config struct {
	MemoryBytes          int64         // that file pages may take; all of it is dirtyable
	DirtyBackgroundRatio int           // vm.dirty_background_ratio, percent
	DirtyRatio           int           // vm.dirty_ratio, percent
	DirtyExpire          time.Duration // vm.dirty_expire_centisecs
	DirtyWriteback       time.Duration // vm.dirty_writeback_centisecs
	ReadAheadBytes       int64         // read_ahead_kb of every device; below a page: none
}

// DefaultConfig is 16 GiB of page cache under the defaults of Linux 6.1
// (mm/page-writeback.c, include/linux/pagemap.h).
func DefaultConfig() Config {
	return Config{
		MemoryBytes:          16 << 30,
		DirtyBackgroundRatio: 10,
		DirtyRatio:           20,
		DirtyExpire:          30 * time.Second,
		DirtyWriteback:       5 * time.Second,
		ReadAheadBytes:       128 << 10,
	}
}

// Validate names the first wrong figure.
func (c Config) Validate() error {
	const memoryMin, memoryMax = 1 << 20, 1 << 46
	switch {
	case c.MemoryBytes < memoryMin || c.MemoryBytes > memoryMax:
		return fmt.Errorf("memory of %d bytes for pages must be between 1 MiB and 64 TiB", c.MemoryBytes)
	case c.DirtyRatio < 1 || c.DirtyRatio > 100:
		return fmt.Errorf("dirty ratio of %d percent must be between 1 and 100", c.DirtyRatio)
	case c.DirtyBackgroundRatio < 0 || c.DirtyBackgroundRatio > 100:
		return fmt.Errorf("dirty background ratio of %d percent must be between 0 and 100", c.DirtyBackgroundRatio)
	case c.DirtyExpire <= 0 || c.DirtyWriteback <= 0:
		return fmt.Errorf("dirty expiry %v and write-back period %v must be above 0", c.DirtyExpire, c.DirtyWriteback)
	case c.ReadAheadBytes < 0 || c.ReadAheadBytes > 1<<30:
		return fmt.Errorf("read-ahead of %d bytes must be between 0 and 1 GiB", c.ReadAheadBytes)
	}
	return nil
}

// Limits are the thresholds of dirty memory.
type Limits struct {
	BackgroundBytes int64 // write-back runs above it
	FreeRunBytes    int64 // writers are slowed down above it
	HardBytes       int64 // writers stop at it
}

// Limits returns the thresholds (domain_dirty_limits, dirty_freerun_ceiling).
func (c Config) Limits() Limits {
	share := func(percent int) int64 { return c.MemoryBytes / 100 * int64(percent) }
	l := Limits{BackgroundBytes: share(c.DirtyBackgroundRatio), HardBytes: share(c.DirtyRatio)}
	if l.BackgroundBytes >= l.HardBytes {
		l.BackgroundBytes = l.HardBytes / 2
	}
	l.FreeRunBytes = (l.HardBytes + l.BackgroundBytes) / 2
	return l
}

// FileSystem is what differs from one file system to another.
type FileSystem struct {
	Name           string
	CommitInterval time.Duration // a transaction is committed when it is that old
	JournalBytes   int64         // in the middle of the device
	// OrderedData: a commit waits for the data that the transaction's files wrote,
	// and sizes change when the data is on its way; else when it has arrived.
	OrderedData bool
	// PlacesBySlot: directories take turns in that many equal pieces of the device;
	// 0 puts each where its parent is, while there is room.
	PlacesBySlot int
}

// Ext4 is ext4 with its defaults: data=ordered, delayed allocation, a commit
// every 5 s (JBD2_DEFAULT_MAX_COMMIT_AGE), a journal of 1 GiB at most, of which
// 128 MiB are taken here as older mke2fs made it.
func Ext4() FileSystem {
	return FileSystem{Name: "ext4", CommitInterval: 5 * time.Second, JournalBytes: 128 << 20, OrderedData: true}
}

// XFS is XFS with its defaults: the log is forced every 30 s
// (xfssyncd_centisecs), four allocation groups for up to 4 TB, in which new
// directories take turns.
func XFS() FileSystem {
	return FileSystem{Name: "xfs", CommitInterval: 30 * time.Second, JournalBytes: 512 << 20, PlacesBySlot: 4}
}

// FileSystemNamed returns the file system of that name.
func FileSystemNamed(name string) (FileSystem, error) {
	for _, fs := range []FileSystem{Ext4(), XFS()} {
		if fs.Name == name {
			return fs, nil
		}
	}
	return FileSystem{}, fmt.Errorf("no file system %q is modelled: there are ext4 and xfs", name)
}
