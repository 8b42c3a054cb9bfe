package simfs

import (
	"fmt"
	"math/rand/v2"
	"time"

	"brokerlab/disks/device"
	"brokerlab/disks/pagecache"
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
func DefaultHostConfig() HostConfig { return HostConfig(pagecache.DefaultConfig()) }

// Validate names the first wrong figure.
func (c HostConfig) Validate() error {
	if err := pagecache.Config(c).Validate(); err != nil {
		return fmt.Errorf("simfs: %w", err)
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
	cache  *pagecache.Cache
}

// HostStats are the figures of a machine's page cache, and its thresholds.
type HostStats struct {
	pagecache.Stats
	pagecache.Limits
}

// NewHost returns a host without disks. It panics if cfg is not valid.
func NewHost(k Kernel, cfg HostConfig) *Host {
	if err := cfg.Validate(); err != nil {
		panic(err.Error())
	}
	return &Host{kernel: k, cache: pagecache.New(pagecache.Config(cfg))}
}

// Stats returns the figures of all disks together.
func (h *Host) Stats() HostStats { return HostStats{Stats: h.cache.Stats(), Limits: h.cache.Limits()} }

// TakeDirtyPeak returns the most bytes that were dirty or under write-back since it was
// last called.
func (h *Host) TakeDirtyPeak() int64 { return h.cache.TakeDirtyPeak() }

// NewDisk adds an empty disk: page cache, file system and device are modelled, and
// operations cost what they say, and CPU work (env.OpSyscall, env.OpAppend). It panics
// if cfg is not valid. The disk can be mounted in the world of the host's kernel
// alone.
func (h *Host) NewDisk(cfg DiskConfig) *Disk {
	d := NewDisk(Config{})
	d.model = newModel(d, h, cfg)
	d.cfg.CapacityBytes = d.model.volume.UsableBytes()
	d.mu.sealed.journal = true
	return d
}
