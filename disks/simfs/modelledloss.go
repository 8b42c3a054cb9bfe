package simfs

import (
	"math"
	"slices"
)

// sealed is what the journal's commit that runs makes durable, all of it or nothing.
type sealed struct {
	journal bool     // the disk has a journal: it is modelled, or the clone of one that is
	writing bool     // of a clone: the last block of a commit was on its way
	files   []*inode // with what each says in inode.sealed
	mark    int64    // changes of names up to this one
}

// seal notes what the commit that now begins makes durable of the file.
func (ino *inode) seal(bytes int64) {
	ino.sealed = flush{target: min(bytes, ino.content.size), cutFrom: math.MaxInt64, former: ino.former.durable}
	if ino.pages.DirtyBytes() == 0 {
		ino.sealed.former = ino.former.size
	}
	if len(ino.undurable.chunks) > 0 {
		ino.sealed.cutFrom = ino.undurable.start
	}
}

// commitSealedLocked makes durable what was sealed.
func (d *Disk) commitSealedLocked() {
	s := &d.mu.sealed
	for _, ino := range s.files {
		ino.endFlush(&ino.sealed)
		ino.sealed = flush{}
	}
	clear(s.files)
	s.files = s.files[:0]
	n := 0
	for n < len(d.mu.pending) && d.mu.pending[n].seq <= s.mark {
		d.applyLocked(&d.mu.pending[n])
		n++
	}
	d.mu.pending = slices.Delete(d.mu.pending, 0, n)
}

// loseUncommittedLocked drops what only the page cache and transactions that were
// not committed have: of a file's content that is all that no commit made durable,
// but for pages written over in place (Reuse), which may have arrived; of names and
// truncations all of them. The rest of the power loss finds nothing to choose.
func (d *Disk) loseUncommittedLocked(choose Chooser) {
	s := &d.mu.sealed
	if m := d.model; m != nil {
		d.mu.Unlock() // what is due now may commit
		s.writing = m.volume.PowerLoss(m.now())
		d.mu.Lock()
	}
	if s.writing && choose.pick(Choice{Kind: ChoiceCommit, Outcomes: 2}) == 0 {
		d.commitSealedLocked()
	}
	s.writing, s.files = false, s.files[:0]
	d.mu.pending = nil
	for _, ino := range d.mu.inodes {
		ino.loseUncommitted()
	}
}

// loseUncommitted cuts the file to what a power loss can leave of it.
func (ino *inode) loseUncommitted() {
	ino.sealed = flush{}
	if len(ino.undurable.chunks) > 0 { // the cut did not happen
		lost := ino.content.cut(ino.synced)
		lost.release()
		ino.content.join(ino.undurable)
		ino.synced, ino.undurable = ino.content.size, content{}
	}
	kept := max(ino.synced, min(ino.onDeviceMax(), ino.former.size))
	lost := ino.content.cut(kept)
	lost.release()
}

// onDeviceMax is up to where the file's pages may have reached the device.
func (ino *inode) onDeviceMax() int64 {
	if ino.pages == nil {
		return ino.onDevice
	}
	return ino.pages.Submitted()
}

// cloneSealedLocked is what a power loss of a clone needs to know of the journal.
func (d *Disk) cloneSealedLocked() sealed {
	out := d.mu.sealed
	out.files = slices.Clone(out.files)
	if d.model != nil {
		out.writing = d.model.volume.CommitIsWritten()
	}
	return out
}
