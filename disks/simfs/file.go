package simfs

import (
	"fmt"
	"io/fs"

	"brokerlab/disks/pagecache"
	"brokerlab/engine/env"
)

// file is a handle. Its fields but closed never change; closed is guarded by
// Disk.mu.
type file struct {
	mount       *mount
	path        string // as opened; for errors
	ino         *inode
	incarnation int // of the disk when it was opened
	closed      bool
	reads       pagecache.ReadAhead // of a modelled disk
}

func (f *file) fail(op string, err error) error { return pathError(op, []string{f.path}, err) }

// openLocked fails if the handle was closed, by Close or by a crash.
func (f *file) openLocked(op string) error {
	if f.closed || f.incarnation != f.mount.disk.mu.incarnation {
		return f.fail(op, env.ErrClosed)
	}
	return nil
}

// Append implements env.File. It keeps the parts as they are; only file-range
// parts are read, since their file may be cut later. On a full disk it writes
// what fits.
func (f *file) Append(b env.Buf) (err error) {
	defer func() { b.Release() }() // whatever was not stored, also when the task dies in Sleep
	d, node := f.mount.disk, f.mount.node
	if d.model != nil {
		return f.appendModelled(&b)
	}
	node.Charge(env.OpAppend, b.Len())
	node.Sleep(d.cfg.AppendCost)
	if b, err = b.Load(node.Pool()); err != nil {
		return f.fail("append", err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := f.openLocked("append"); err != nil {
		return err
	}
	_, err = f.storeLocked(&b)
	return err
}

// storeLocked appends what fits, and takes b over if that is all of it.
func (f *file) storeLocked(b *env.Buf) (n int64, err error) {
	d, before := f.mount.disk, f.ino.room()
	n = int64(b.Len())
	free := before - f.ino.content.size + d.freeLocked()
	if n > free {
		n = max(0, free)
		f.ino.content.add(b.Slice(0, int(n)))
		err = f.fail("append", env.ErrNoSpace)
	} else {
		f.ino.content.add(*b)
		*b = env.Buf{}
	}
	d.mu.usedBytes += f.ino.room() - before
	d.mu.stats.Appends++
	d.mu.stats.BytesAppended += n
	return n, err
}

// Read implements env.File. It returns parts of what was appended.
func (f *file) Read(off int64, bytesMax int) (env.Buf, error) {
	if off < 0 || bytesMax < 0 {
		return env.Buf{}, f.fail("read", fmt.Errorf("%d bytes from %d: %w", bytesMax, off, fs.ErrInvalid))
	}
	d := f.mount.disk
	if d.model != nil {
		if err := f.loadModelled(off, bytesMax); err != nil {
			return env.Buf{}, err
		}
	} else {
		f.mount.node.Sleep(d.cfg.ReadCost)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := f.openLocked("read"); err != nil {
		return env.Buf{}, err
	}
	n := max(0, min(int64(bytesMax), f.ino.content.size-off))
	d.mu.stats.Reads++
	d.mu.stats.BytesRead += n
	return f.ino.content.slice(off, int(n)), nil
}

// Truncate implements env.File.
func (f *file) Truncate(size int64) error {
	d := f.mount.disk
	f.mount.systemCall()
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := f.openLocked("truncate"); err != nil {
		return err
	}
	old := f.ino.content.size
	if size < 0 || size > old {
		return f.fail("truncate", fmt.Errorf("to %d of %d bytes: %w", size, old, fs.ErrInvalid))
	}
	before := f.ino.room()
	f.ino.truncate(size)
	f.ino.reserved = 0
	d.mu.usedBytes -= before - size
	if m := d.model; m != nil {
		f.ino.pages.Truncate(m.now(), size)
		m.arm()
	}
	return nil
}

// Allocate implements env.File. What is reserved costs no time, then or later, and
// a power loss gives it back.
func (f *file) Allocate(size int64) error {
	d := f.mount.disk
	f.mount.systemCall()
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := f.openLocked("allocate"); err != nil {
		return err
	}
	more := size - f.ino.room()
	switch {
	case more <= 0:
		return nil
	case more > d.freeLocked():
		return f.fail("allocate", env.ErrNoSpace)
	}
	f.ino.reserved = size
	d.mu.usedBytes += more
	if m := d.model; m != nil {
		f.ino.pages.Allocate(m.now(), size)
		m.arm()
	}
	return nil
}

// Sync implements env.File. When its task dies in Sleep, the flush counts for
// nothing, and Crash or PowerLoss forgets it.
func (f *file) Sync() error {
	d, node := f.mount.disk, f.mount.node
	now := node.Now()
	d.mu.Lock()
	if err := f.openLocked("sync"); err != nil {
		d.mu.Unlock()
		return err
	}
	running, dirtyBytes := f.ino.beginFlush()
	if d.model != nil {
		d.mu.Unlock()
		f.syncModelled()
	} else {
		wait := d.deviceLocked(now, dirtyBytes)
		d.mu.Unlock()
		node.Sleep(wait)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := f.openLocked("sync"); err != nil {
		return err
	}
	f.ino.endFlush(running)
	d.mu.stats.Syncs++
	d.mu.stats.BytesSynced += dirtyBytes
	return nil
}

// DropCache implements env.File. A plain disk models no page cache, every Read costs
// the same, so that there is nothing to forget: it is counted (Stats), takes the
// time of a system call on the file, and changes nothing.
func (f *file) DropCache() error {
	d := f.mount.disk
	f.mount.systemCall()
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := f.openLocked("dropcache"); err != nil {
		return err
	}
	d.mu.stats.CacheDrops++
	if d.model != nil {
		d.mu.stats.BytesDropped += f.ino.pages.DropCache()
	} else {
		d.mu.stats.BytesDropped += min(f.ino.synced, f.ino.content.size)
	}
	return nil
}

// Size implements env.File.
func (f *file) Size() int64 {
	d := f.mount.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	return f.ino.content.size
}

// Close implements env.File. Closing twice is env.ErrClosed.
func (f *file) Close() error {
	d := f.mount.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := f.openLocked("close"); err != nil {
		return err
	}
	f.closed = true
	if f.ino.handles--; f.ino.handles == 0 {
		f.ino.merge()
		if f.ino.pages != nil {
			f.ino.pages.Close()
		}
	}
	d.settleLocked(f.ino)
	return nil
}
