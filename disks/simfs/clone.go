package simfs

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
)

// Clone returns a disk of the same state, durable or not, that shares the memory of the
// bytes: what a test cuts to one of many images while the first disk goes on. Nobody has
// it mounted, and no Sync runs on it; a Crash or a power loss has to follow before
// somebody mounts it.
func (d *Disk) Clone() *Disk {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := &Disk{cfg: d.cfg}
	out.mu.changes, out.mu.usedBytes, out.mu.busyUntil = d.mu.changes, d.mu.usedBytes, d.mu.busyUntil
	out.mu.stats = d.mu.stats
	out.mu.sealed = d.cloneSealedLocked()
	c := cloning{inodes: make([]*inode, len(d.mu.inodes)), dirs: map[*dir]*dir{}}
	for i, ino := range d.mu.inodes {
		c.inodes[i] = ino.clone()
	}
	out.mu.inodes = c.inodes
	for i, ino := range out.mu.sealed.files {
		out.mu.sealed.files[i] = c.inodes[ino.index]
	}
	out.mu.root = c.dir(d.mu.root)
	for _, p := range d.mu.pending {
		out.mu.pending = append(out.mu.pending, change{
			seq: p.seq, from: c.place(p.from), to: c.place(p.to), entry: c.entry(p.entry),
		})
	}
	return out
}

// cloning knows the copy of each file and directory. The map is never ranged over.
type cloning struct {
	inodes []*inode // by index
	dirs   map[*dir]*dir
}

func (c *cloning) dir(d *dir) *dir {
	if d == nil {
		return nil
	}
	if out := c.dirs[d]; out != nil {
		return out
	}
	out := &dir{}
	c.dirs[d] = out
	out.parent = c.dir(d.parent)
	out.live, out.stable = c.names(d.live), c.names(d.stable)
	return out
}

func (c *cloning) names(n names) names {
	out := make(names, len(n))
	for i, e := range n {
		out[i] = c.entry(e)
	}
	return out
}

func (c *cloning) entry(e entry) entry {
	out := entry{name: e.name, dir: c.dir(e.dir)}
	if e.file != nil {
		out.file = c.inodes[e.file.index]
	}
	return out
}

func (c *cloning) place(p place) place { return place{dir: c.dir(p.dir), name: p.name} }

// clone copies all but the Syncs that run.
func (ino *inode) clone() *inode {
	out := *ino
	out.flushes = nil
	out.onDevice, out.pages = ino.onDeviceMax(), nil
	out.scheduled = ino.synced
	out.content = ino.content.clone()
	out.undurable = ino.undurable.clone()
	out.former.content = ino.former.clone()
	return &out
}

func (c *content) clone() content {
	out := *c
	out.chunks = slices.Clone(c.chunks)
	for i := range out.chunks {
		out.chunks[i].buf = out.chunks[i].buf.Retain()
	}
	return out
}

// Digest is a hash of all that a process sees of the disk: names, and the bytes of the
// files. Bytes of which only the length is known count as zeros.
func (d *Disk) Digest() [sha256.Size]byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	return sha256.Sum256(appendDir(nil, d.mu.root))
}

// appendDir appends a directory's names, and what they stand for, to dst, each with its
// length before it.
func appendDir(dst []byte, at *dir) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(at.live)))
	for _, e := range at.live {
		dst = binary.AppendUvarint(dst, uint64(len(e.name)))
		dst = append(dst, e.name...)
		if e.dir != nil {
			dst = appendDir(append(dst, 'd'), e.dir)
			continue
		}
		dst = binary.AppendUvarint(append(dst, 'f'), uint64(e.file.length()))
		dst = appendContent(dst, &e.file.content)
		if e.file.former.size > e.file.content.size {
			behind := e.file.former.clone()
			dropped := behind.cut(e.file.content.size)
			dst = appendContent(dst, &dropped)
			dropped.release()
			behind.release()
		}
	}
	return dst
}

func appendContent(dst []byte, c *content) []byte {
	for i := range c.chunks {
		for _, part := range c.chunks[i].buf.Parts() {
			if p := part.Bytes(); p != nil {
				dst = append(dst, p...)
			} else {
				dst = append(dst, make([]byte, part.Len())...)
			}
		}
	}
	return dst
}
