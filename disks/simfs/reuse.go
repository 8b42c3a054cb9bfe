package simfs

import "brokerlab/engine/env"

// former is what the lives of a file before its Reuse left in it: the bytes that it
// holds from the end of the content on. Those below are written over already, in
// memory or on the device.
type former struct {
	content
	durable int64 // below this they are on the device
}

// length is how long the file is on the disk, the bytes of former lives included.
func (ino *inode) length() int64 { return max(ino.content.size, ino.former.size) }

// reuse begins a new life. A Truncate that was not durable is taken to be.
func (ino *inode) reuse() {
	ino.merge()
	ino.undurable.release()
	ino.former = former{content: ino.content, durable: ino.synced}
	ino.content = content{}
	ino.synced, ino.scheduled = 0, 0
}

// merge makes the bytes of former lives content again, for whoever opens the file
// next. Where some content is not durable, none behind it is taken to be.
func (ino *inode) merge() {
	if len(ino.former.chunks) == 0 {
		return
	}
	if ino.synced == ino.content.size {
		ino.synced = max(ino.synced, ino.former.durable)
		ino.scheduled = ino.synced
	}
	ino.content.join(ino.former.take(ino.content.size))
}

// take returns the bytes from off on, and drops the others.
func (f *former) take(off int64) content {
	tail := f.cut(off)
	f.release()
	*f = former{}
	return tail
}

// takeDurable is take of the durable bytes.
func (f *former) takeDurable(off int64) content {
	volatile := f.cut(max(off, f.durable))
	volatile.release()
	return f.take(off)
}

// dropBelow releases what was written over, and durably so.
func (f *former) dropBelow(off int64) {
	n := 0
	for n < len(f.chunks) && f.chunks[n].start+int64(f.chunks[n].buf.Len()) <= off {
		f.chunks[n].buf.Release()
		n++
	}
	if n == len(f.chunks) {
		*f = former{}
		return
	}
	f.chunks = f.chunks[n:]
	f.start = f.chunks[0].start
}

// Reuse implements env.File. Parts that were read share the memory of the old bytes
// and stay what they are, so that it never refuses.
func (f *file) Reuse() error {
	d := f.mount.disk
	f.mount.systemCall()
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := f.openLocked("reuse"); err != nil {
		return err
	}
	before := f.ino.room()
	f.ino.reuse()
	f.ino.reserved = 0
	d.mu.usedBytes += f.ino.room() - before
	if m := d.model; m != nil {
		f.ino.pages.Reuse(m.now())
		m.arm()
	}
	return nil
}

var _ env.File = (*file)(nil)
