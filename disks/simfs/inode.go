package simfs

import (
	"math"
	"slices"
	"sort"

	"brokerlab/disks/pagecache"
	"brokerlab/engine/env"
)

// chunk is what one Append stored, or a piece of it.
type chunk struct {
	start int64
	buf   env.Buf
}

// content is a sequence of chunks without gaps. It owns one reference to each.
type content struct {
	chunks []chunk
	start  int64 // of the first chunk
	size   int64 // the end of the last chunk
}

// add takes b over.
func (c *content) add(b env.Buf) {
	if b.Len() == 0 {
		b.Release()
		return
	}
	c.chunks = append(c.chunks, chunk{start: c.size, buf: b})
	c.size += int64(b.Len())
}

// find returns the index of the chunk that holds off, which is below the size.
func (c *content) find(off int64) int {
	return sort.Search(len(c.chunks), func(i int) bool { return c.chunks[i].start > off }) - 1
}

// slice returns n bytes from off, which exist. It copies nothing.
func (c *content) slice(off int64, n int) env.Buf {
	if n == 0 {
		return env.Buf{}
	}
	first := c.find(off)
	last := first
	if end := c.chunks[first].start + int64(c.chunks[first].buf.Len()); end < off+int64(n) {
		last = c.find(off + int64(n) - 1)
	}
	if first == last {
		return c.piece(first, off, n)
	}
	pieces := make([]env.Buf, 0, last-first+1)
	for i := first; i <= last; i++ {
		pieces = append(pieces, c.piece(i, off, n))
	}
	return env.Join(pieces...)
}

// piece returns what chunk i has of the n bytes from off.
func (c *content) piece(i int, off int64, n int) env.Buf {
	k := &c.chunks[i]
	from := max(0, off-k.start)
	to := min(int64(k.buf.Len()), off+int64(n)-k.start)
	if from == 0 && to == int64(k.buf.Len()) {
		return k.buf.Retain()
	}
	return k.buf.Slice(int(from), int(to-from))
}

// cut removes everything from size on, and returns it.
func (c *content) cut(size int64) content {
	tail := content{start: size, size: size}
	if size >= c.size {
		return tail
	}
	if size <= c.start {
		tail = *c
		*c = content{start: c.start, size: c.start}
		return tail
	}
	i := c.find(size)
	if k := c.chunks[i]; k.start < size {
		head, split := k.buf.Slice(0, int(size-k.start)), int(size-k.start)
		tail.add(k.buf.Slice(split, k.buf.Len()-split))
		k.buf.Release()
		c.chunks[i].buf = head
		i++
	}
	tail.chunks = append(tail.chunks, c.chunks[i:]...)
	tail.size = c.size
	clear(c.chunks[i:])
	c.chunks = c.chunks[:i]
	c.size = size
	return tail
}

// join appends the chunks of next, which starts at the end of c.
func (c *content) join(next content) {
	c.chunks = append(c.chunks, next.chunks...)
	c.size = next.size
}

func (c *content) release() {
	for i := range c.chunks {
		c.chunks[i].buf.Release()
	}
	*c = content{}
}

// flush is a Sync that runs.
type flush struct {
	target  int64 // below this, the file is durable when it ends
	cutFrom int64 // where the cut began that its end makes durable, or MaxInt64
	former  int64 // below this, the bytes of former lives are durable when it ends
}

// inode is a file: what it holds, and how much of that is on the device.
type inode struct {
	index       int // in Disk.mu.inodes
	content     content
	reserved    int64           // the file has room on the disk up to here, if that is beyond its size
	synced      int64           // durable below this
	scheduled   int64           // on its way to the device below this
	flushes     []*flush        // Syncs that run
	undurable   content         // durable bytes from synced on that a Truncate cut, which is not durable
	sealed      flush           // what the commit that runs on a modelled disk makes durable
	pages       *pagecache.File // on a modelled disk
	onDevice    int64           // of a clone of a modelled disk: see onDeviceMax
	former      former          // of the lives before a Reuse; then nothing is undurable
	handles     int             // open ones
	live        bool            // it has a name now
	links       int             // durable names, and pending changes of names, that refer to it
	unreachable bool            // neither name nor handle: its bytes are free again
}

// room is how many bytes of the disk the file takes.
func (ino *inode) room() int64 { return max(ino.length(), ino.reserved) }

// truncate cuts the file.
func (ino *inode) truncate(size int64) {
	tail := ino.content.cut(size)
	if size < ino.synced {
		beyond := tail.cut(ino.synced)
		beyond.release()
		switch {
		case len(ino.undurable.chunks) > 0:
			tail.join(ino.undurable)
		case len(ino.former.chunks) > 0:
			tail.join(ino.former.takeDurable(ino.synced))
		}
		ino.undurable = tail
		ino.synced = size
	} else {
		tail.release()
		if len(ino.former.chunks) > 0 {
			ino.undurable = ino.former.takeDurable(ino.synced)
		}
	}
	ino.scheduled = min(ino.scheduled, size)
	for _, f := range ino.flushes {
		f.target = min(f.target, size)
	}
	ino.sealed.target = min(ino.sealed.target, size)
}

// beginFlush starts a Sync and returns how many bytes it writes.
func (ino *inode) beginFlush() (f *flush, dirtyBytes int64) {
	f = &flush{target: ino.content.size, cutFrom: math.MaxInt64, former: ino.former.size}
	if len(ino.undurable.chunks) > 0 {
		f.cutFrom = ino.undurable.start
	}
	dirtyBytes = f.target - max(ino.synced, ino.scheduled)
	dirtyBytes += max(0, f.former-max(ino.former.durable, f.target))
	ino.scheduled = f.target
	ino.flushes = append(ino.flushes, f)
	return f, dirtyBytes
}

// endFlush is the end of a Sync. A Truncate that it covers is durable now.
func (ino *inode) endFlush(f *flush) {
	if len(ino.undurable.chunks) > 0 {
		gone := ino.undurable.cut(f.cutFrom)
		gone.release()
	}
	ino.synced = max(ino.synced, f.target)
	if len(ino.former.chunks) > 0 {
		ino.former.durable = max(ino.former.durable, f.former)
		ino.former.dropBelow(ino.synced)
	}
	ino.flushes = slices.DeleteFunc(ino.flushes, func(g *flush) bool { return g == f })
}

// dropUnsynced releases what only the page cache holds.
func (ino *inode) dropUnsynced() {
	tail := ino.content.cut(ino.synced)
	tail.release()
}

func (ino *inode) release() {
	ino.content.release()
	ino.undurable.release()
	ino.former.release()
}
