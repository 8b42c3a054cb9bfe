package simfs

import (
	"fmt"
	"math/rand/v2"
	"time"

	"brokerlab/disks/device"
	"brokerlab/engine/env"
)

// Kernel is the simulated world as a model needs it.
type Kernel interface {
	// Now is the instant that the world has reached.
	Now() env.Time
	// At calls fn at an instant, outside of any task.
	At(t env.Time, fn func())
	// Block pays the running task's debt, runs start, and parks the task until
	// wake is called.
	Block(start func(wake func()))
}

// HostConfig is the memory of one machine and its kernel's settings, which are
// Linux's vm.dirty_* and read_ahead_kb.
type HostConfig struct {
	MemoryBytes          int64         // that files' pages may take: what heaps and the system leave
	DirtyBackgroundRatio int           // percent of MemoryBytes from which write-back runs
	DirtyRatio           int           // percent of MemoryBytes that may be dirty at most
	DirtyExpire          time.Duration // age from which dirty pages are written
	DirtyWriteback       time.Duration // period at which their age is looked at
	ReadAheadBytes       int64         // the largest read-ahead window
}

// DefaultHostConfig is 16 GiB of page cache under the defaults of Linux 6.1.
func DefaultHostConfig() HostConfig {
	return HostConfig{
		MemoryBytes:          16 << 30,
		DirtyBackgroundRatio: 10,
		DirtyRatio:           20,
		DirtyExpire:          30 * time.Second,
		DirtyWriteback:       5 * time.Second,
		ReadAheadBytes:       128 << 10,
	}
}

// Validate names the first wrong figure.
func (c HostConfig) Validate() error {
	switch {
	case c.MemoryBytes < 1<<20:
		return fmt.Errorf("simfs: MemoryBytes is %d, and must be 1 MiB at least", c.MemoryBytes)
	case c.DirtyRatio < 1 || c.DirtyRatio > 100:
		return fmt.Errorf("simfs: DirtyRatio is %d, and must be between 1 and 100", c.DirtyRatio)
	case c.DirtyBackgroundRatio < 0 || c.DirtyBackgroundRatio > 100:
		return fmt.Errorf("simfs: DirtyBackgroundRatio is %d, and must be between 0 and 100", c.DirtyBackgroundRatio)
	case c.DirtyExpire <= 0 || c.DirtyWriteback <= 0:
		return fmt.Errorf("simfs: DirtyExpire %v and DirtyWriteback %v must be above 0", c.DirtyExpire, c.DirtyWriteback)
	case c.ReadAheadBytes < 0:
		return fmt.Errorf("simfs: ReadAheadBytes is %d", c.ReadAheadBytes)
	}
	return nil
}

// DiskConfig is one disk of a host.
type DiskConfig struct {
	Name       string        // for reports
	Device     device.Config // what it is made of
	FileSystem string        // "ext4" or "xfs"
	Rand       *rand.Rand    // the disk's own
}

// Host is a machine's memory as far as files use it. Its disks share it.
type Host struct {
	kernel Kernel
	cfg    HostConfig
}

// NewHost returns a host without disks. It panics if cfg is not valid.
func NewHost(k Kernel, cfg HostConfig) *Host {
	if err := cfg.Validate(); err != nil {
		panic(err.Error())
	}
	return &Host{kernel: k, cfg: cfg}
}

// NewDisk adds an empty disk. It panics if cfg is not valid. The page cache is
// not behind it yet: it has the plain costs of DefaultConfig.
func (h *Host) NewDisk(cfg DiskConfig) *Disk {
	if err := cfg.Device.Validate(); err != nil {
		panic("simfs: " + cfg.Name + ": " + err.Error())
	}
	if cfg.FileSystem != "ext4" && cfg.FileSystem != "xfs" {
		panic("simfs: " + cfg.Name + ": file system " + cfg.FileSystem + " is not ext4 or xfs")
	}
	plain := DefaultConfig()
	plain.CapacityBytes = cfg.Device.CapacityBytes
	return NewDisk(plain)
}
