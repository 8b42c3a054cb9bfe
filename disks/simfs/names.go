package simfs

import (
	"slices"
	"strings"
)

// entry is a name for a file or a directory: one of the two is nil.
type entry struct {
	name string
	file *inode
	dir  *dir
}

// names are entries sorted by name.
type names []entry

func (n names) find(name string) (int, bool) {
	return slices.BinarySearchFunc(n, name, func(e entry, name string) int { return strings.Compare(e.name, name) })
}

// get returns the entry of a name; the zero entry if there is none.
func (n names) get(name string) (e entry, ok bool) {
	if i, ok := n.find(name); ok {
		return n[i], true
	}
	return entry{}, false
}

// set gives e its name and returns what had it.
func (n *names) set(e entry) (replaced entry, ok bool) {
	i, ok := n.find(e.name)
	if ok {
		replaced = (*n)[i]
		(*n)[i] = e
		return replaced, true
	}
	*n = slices.Insert(*n, i, e)
	return entry{}, false
}

// drop takes a name away and returns what had it.
func (n *names) drop(name string) (e entry, ok bool) {
	i, ok := n.find(name)
	if !ok {
		return entry{}, false
	}
	e = (*n)[i]
	*n = slices.Delete(*n, i, i+1)
	return e, true
}

// dir is a directory. Directories are never renamed.
type dir struct {
	parent *dir
	live   names // as the processes see it
	stable names // as it is after a power loss that keeps no pending change
	goal   int64 // where its files go on a modelled disk
}

// place is a name in a directory.
type place struct {
	dir  *dir
	name string
}

// change is one change of names that no SyncDir covered yet: a new entry (no
// from), a removed one (no to), or a renamed one.
type change struct {
	seq      int64
	from, to place
	entry    entry // what moves, under its new name
}

func (c *change) touches(d *dir) bool { return c.from.dir == d || c.to.dir == d }

func (c *change) creates(d *dir) bool { return c.from.dir == nil && c.entry.dir == d }

func (c *change) at(p place) bool { return p.dir != nil && (c.from == p || c.to == p) }

// needs reports whether c can only be durable if the earlier change e is.
func (c *change) needs(e *change) bool {
	if e.at(c.from) || e.at(c.to) {
		return true // changes of one name are ordered
	}
	if c.to.dir == nil && c.entry.dir != nil && e.touches(c.entry.dir) {
		return true // a directory is removed after what was in it
	}
	if c.from.dir != nil && c.to.dir != nil && c.from.dir != c.to.dir {
		for d := c.to.dir; d != nil; d = d.parent {
			if e.creates(d) {
				return true // or the file would be in neither directory
			}
		}
	}
	return false
}

// noteLocked makes a change visible and remembers that it is not durable. It
// returns the entry that the new name replaced, if any.
func (d *Disk) noteLocked(c change) (replaced entry) {
	if c.from.dir != nil {
		c.from.dir.live.drop(c.from.name)
	}
	if c.to.dir != nil {
		replaced, _ = c.to.dir.live.set(c.entry)
	}
	d.mu.changes++
	c.seq = d.mu.changes
	if c.entry.file != nil {
		c.entry.file.links++
	}
	d.mu.pending = append(d.mu.pending, c)
	if m := d.model; m != nil {
		m.volume.ChangeNames(m.now(), c.seq)
		m.arm()
	}
	return replaced
}

// forgetCreationLocked drops the pending creation of a file at p, and reports
// whether there was one: then its removal need not be remembered either.
func (d *Disk) forgetCreationLocked(p place, ino *inode) bool {
	for i := len(d.mu.pending) - 1; i >= 0; i-- {
		c := &d.mu.pending[i]
		if !c.at(p) {
			continue
		}
		if c.from.dir != nil || c.entry.file != ino {
			return false
		}
		d.mu.pending = slices.Delete(d.mu.pending, i, i+1)
		ino.links--
		return true
	}
	return false
}

// commitLocked makes the changes of a directory durable that were made up to
// seq, and those that they need.
func (d *Disk) commitLocked(target *dir, seq int64) {
	pending := d.mu.pending
	var chosen []*change // from the last one to the first
	for i := len(pending) - 1; i >= 0; i-- {
		c := &pending[i]
		if c.seq > seq {
			continue
		}
		if c.touches(target) || slices.ContainsFunc(chosen, func(later *change) bool { return later.needs(c) }) {
			chosen = append(chosen, c)
		}
	}
	if len(chosen) == 0 {
		return
	}
	kept := make([]change, 0, len(pending)-len(chosen))
	next := len(chosen) - 1
	for i := range pending {
		if next < 0 || chosen[next] != &pending[i] {
			kept = append(kept, pending[i])
			continue
		}
		d.applyLocked(&pending[i])
		next--
	}
	d.mu.pending = kept
}

// applyLocked makes a pending change durable, and ends its hold on the file.
func (d *Disk) applyLocked(c *change) {
	if c.from.dir != nil {
		e, ok := c.from.dir.stable.drop(c.from.name)
		if !ok {
			panic("simfs: a name became durable after its removal did: " + c.from.name)
		}
		d.unlinkLocked(e)
	}
	if c.to.dir != nil {
		if c.entry.file != nil {
			c.entry.file.links++
		}
		if replaced, ok := c.to.dir.stable.set(c.entry); ok {
			d.unlinkLocked(replaced)
		}
	}
	d.unlinkLocked(c.entry)
}

// unlinkLocked drops one link of a file.
func (d *Disk) unlinkLocked(e entry) {
	if e.file == nil {
		return
	}
	e.file.links--
	if e.file.links < 0 {
		panic("simfs: a file lost more names than it had: " + e.name)
	}
	d.settleLocked(e.file)
}
