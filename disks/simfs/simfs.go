// Package simfs is env.FS on a simulated disk, of two kinds. It holds bytes in
// memory, once, however many reads refer to them, and loses at a power failure what
// was not synced. It does not say that a product behaves as its figures.
//
//   - A plain disk (NewDisk) has a fixed cost for each operation; its figures stand
//     for no product. It knows no seeks, no cache that is too small, no write-back in
//     the background and no read that misses. It runs in both worlds.
//   - A modelled disk (Host.NewDisk) is a device of disks/device under the file system
//     and the page cache of disks/pagecache, which say what every operation takes and
//     what is lost. It runs in the simulated world of its host's Kernel.
//
// # Time
//
// On a plain disk appends, reads and directory operations take their fixed cost,
// beside each other. Syncs queue on the disk, one after another: a Sync takes SyncCost
// plus the unsynced bytes at BytesPerSec. The package waits through Node.Sleep only.
//
// On a modelled disk Append is charged as one, and any other operation as a system call.
// Append dirties pages; it pauses while too much is dirty, and waits while ext4 writes
// the file's inode to the journal. Read waits for pages that are not in memory, Sync and
// SyncDir for what pagecache.Volume says. They wait through Kernel.Block.
//
// # Fault model
//
// A crash of the process (Crash) loses nothing but the open handles: the page
// cache is the kernel's. A power loss (PowerLoss) leaves, drawn by its generator:
//
//   - of a file's content: all that a Sync covered, and of the bytes after that a
//     prefix of any length (a torn tail). Bytes are never out of order and never
//     wrong; a Sync that had not returned counts for nothing.
//   - of a Truncate that no Sync followed: either it happened, or the file has the
//     synced bytes that it had before the cut, and nothing that came later.
//   - of a file that was reused (Reuse): as above, and behind the bytes of its new
//     life those of the former one that lay there, which the process sees too when
//     it opens the file again. A Truncate before Reuse counts as durable, and where
//     bytes of the former life were not durable, older ones never show.
//   - of names (created, renamed, removed entries): all that a SyncDir of their
//     directory covered, and of the others each one or not. A Rename happens
//     whole or not at all, changes of one name happen in order, and a directory
//     is not removed before what was in it. A file that is created and removed
//     with no SyncDir between was never there.
//   - Sync of a file does not make its name durable, and SyncDir does not make
//     the directory's own name durable: sync the parent too. A Rename into
//     another directory is durable when either of the two is synced.
//
// A modelled disk keeps less to chance. Its journal makes all changes of names durable in
// the order in which they were made, and with them the sizes of files whose data has been
// written: by a Sync, or in the background some time after the append. So of a file's
// bytes those are left that a commit covered, and a Truncate that no commit covered did
// not happen. What is chosen is whether a commit whose last block was being written took
// place (ChoiceCommit), and how many of the bytes that lie over those of a former life,
// which no commit guards, had arrived.
//
// A removed file keeps its synced bytes in memory until SyncDir makes the
// removal durable, since a power loss may bring it back.
//
// Lock order: one lock, Disk.mu. It is a sync.Mutex, so that both worlds can
// mount the disk, and is never held across Sleep.
package simfs

import (
	"errors"
	"fmt"
	"math/bits"
	"sync"
	"time"

	"brokerlab/disks/pagecache"
	"brokerlab/engine/env"
)

// Config is what a disk costs. The zero Config is a disk that takes no time and
// is never full.
type Config struct {
	AppendCost    time.Duration // of one Append, beside copying its bytes, which is charged as env.OpCopy
	ReadCost      time.Duration // of one Read
	SyncCost      time.Duration // of one Sync or SyncDir, beside its bytes; these queue
	MetaCost      time.Duration // of one Create, Open, Remove, Rename, MkdirAll, List, Truncate, Allocate or DropCache
	BytesPerSec   int64         // at which Sync writes unsynced bytes; 0 means that they take no time
	CapacityBytes int64         // of the files' contents; 0 means unlimited
}

// DefaultConfig is the disk named "sim": round figures near a SATA flash drive
// behind a file system, chosen to be plain and not measured on anything.
func DefaultConfig() Config {
	return Config{
		AppendCost:  5 * time.Microsecond,
		ReadCost:    5 * time.Microsecond,
		SyncCost:    2 * time.Millisecond,
		MetaCost:    20 * time.Microsecond,
		BytesPerSec: 500_000_000,
	}
}

// Validate says which figure is negative.
func (c Config) Validate() error {
	for _, d := range []struct {
		name string
		cost time.Duration
	}{{"AppendCost", c.AppendCost}, {"ReadCost", c.ReadCost}, {"SyncCost", c.SyncCost}, {"MetaCost", c.MetaCost}} {
		if d.cost < 0 {
			return fmt.Errorf("simfs: %s is negative: %v", d.name, d.cost)
		}
	}
	if c.BytesPerSec < 0 || c.CapacityBytes < 0 {
		return errors.New("simfs: BytesPerSec or CapacityBytes is negative")
	}
	return nil
}

// unlimitedBytes is what Free says of a disk without a capacity.
const unlimitedBytes = 1 << 62

// Stats counts what the disk has done.
type Stats struct {
	Appends       int64 // calls of Append that wrote
	BytesAppended int64
	Reads         int64 // calls of Read
	BytesRead     int64
	Syncs         int64 // calls of File.Sync that returned
	DirSyncs      int64 // calls of SyncDir that returned
	BytesSynced   int64 // written by Syncs
	CacheDrops    int64 // calls of DropCache
	BytesDropped  int64 // clean bytes that they forgot; on a plain disk, that a page cache would have

	Volume pagecache.VolumeStats // of a modelled disk: page cache, journal and device
}

// Disk outlives the nodes that mount it. Its methods may be called from any
// task or goroutine.
type Disk struct {
	cfg   Config
	model *model // nil for a plain disk
	mu    struct {
		sync.Mutex
		root        *dir
		pending     []change // of names, not durable yet, in order
		changes     int64    // ever made; the sequence number of the last one
		inodes      []*inode // all that hold content, in no order
		usedBytes   int64    // of files that have a name or are open
		busyUntil   env.Time // when the device has done the last Sync
		incarnation int      // handles of an earlier one are closed
		stats       Stats
		sealed      sealed // of a modelled disk
	}
}

// NewDisk returns an empty disk. It panics if cfg is not valid.
func NewDisk(cfg Config) *Disk {
	if err := cfg.Validate(); err != nil {
		panic(err.Error())
	}
	d := &Disk{cfg: cfg}
	d.mu.root = &dir{}
	return d
}

// Mount returns the disk as the file system of node n, whose tasks wait in it.
// The disk keeps its content when it is mounted again.
func (d *Disk) Mount(n env.Node) env.FS { return &mount{disk: d, node: n} }

// Stats returns the counts so far, all of one instant.
func (d *Disk) Stats() Stats {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := d.mu.stats
	if d.model != nil {
		s.Volume = d.model.volume.Stats(d.model.now())
	}
	return s
}

// Crash is the end of the processes that mount the disk: their handles are
// closed, and the content stays as it is. Call it when their tasks are gone, since
// a task that dies does not close its files.
func (d *Disk) Crash() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.mu.incarnation++
	for i := len(d.mu.inodes) - 1; i >= 0; i-- { // backwards: settling may take this one out
		ino := d.mu.inodes[i]
		ino.handles = 0
		ino.flushes = nil
		ino.scheduled = ino.synced
		ino.merge()
		d.settleLocked(ino)
	}
}

// Close drops all content. The disk and its mounts must not be used again.
func (d *Disk) Close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.mu.incarnation++
	for i := len(d.mu.inodes) - 1; i >= 0; i-- {
		d.forgetLocked(d.mu.inodes[i])
	}
	d.mu.root = &dir{}
	d.mu.pending = nil
	d.mu.usedBytes = 0
}

// newInodeLocked adds an empty file, to be in a directory.
func (d *Disk) newInodeLocked(in *dir) *inode {
	ino := &inode{index: len(d.mu.inodes)}
	d.mu.inodes = append(d.mu.inodes, ino)
	if d.model != nil {
		ino.pages = d.model.volume.NewFile(in.goal)
		ino.pages.Ref = ino
	}
	return ino
}

// newDirLocked returns an empty directory, to be in another one.
func (d *Disk) newDirLocked(in *dir) *dir {
	out := &dir{parent: in}
	if d.model != nil {
		out.goal = d.model.volume.Place(in.goal)
	}
	return out
}

// settleLocked drops the content that nobody can reach any more, now that ino
// has lost a name or a handle.
func (d *Disk) settleLocked(ino *inode) {
	if ino.live || ino.handles > 0 {
		return
	}
	if !ino.unreachable {
		ino.unreachable = true
		d.mu.usedBytes -= ino.room()
		ino.reserved = 0
		if ino.pages != nil {
			ino.pages.Forget()
		}
	}
	if ino.links == 0 {
		d.forgetLocked(ino)
	} else {
		ino.dropUnsynced() // a power loss may bring back the rest
	}
}

// forgetLocked ends an inode.
func (d *Disk) forgetLocked(ino *inode) {
	ino.release()
	if ino.pages != nil {
		ino.pages.Forget()
	}
	last := len(d.mu.inodes) - 1
	d.mu.inodes[ino.index] = d.mu.inodes[last]
	d.mu.inodes[ino.index].index = ino.index
	d.mu.inodes[last] = nil
	d.mu.inodes = d.mu.inodes[:last]
}

// deviceLocked queues an operation of some bytes on the device and returns how
// long it takes from now on, with its waiting.
func (d *Disk) deviceLocked(now env.Time, bytes int64) time.Duration {
	start := max(now, d.mu.busyUntil)
	d.mu.busyUntil = start.Add(d.cfg.SyncCost).Add(transferTime(bytes, d.cfg.BytesPerSec))
	return d.mu.busyUntil.Sub(now)
}

// transferTime is bytes at bytesPerSec, rounded down to a nanosecond.
func transferTime(bytes, bytesPerSec int64) time.Duration {
	if bytesPerSec == 0 {
		return 0
	}
	high, low := bits.Mul64(uint64(bytes), uint64(time.Second))
	if high >= uint64(bytesPerSec) {
		panic(fmt.Sprintf("simfs: %d bytes at %d bytes/s take longer than time lasts", bytes, bytesPerSec))
	}
	ns, _ := bits.Div64(high, low, uint64(bytesPerSec))
	return time.Duration(ns)
}
