package simfs

import (
	"fmt"
	"math/rand/v2"
	"path"
	"slices"
)

// ChoiceKind says what one choice of a power loss is about.
type ChoiceKind int

const (
	// ChoiceName is whether a change of names happened: outcome 0 says that it did, 1
	// that it did not.
	ChoiceName ChoiceKind = iota
	// ChoiceCut is whether a Truncate was undone: outcome 0 says that it was, 1 that it
	// happened.
	ChoiceCut
	// ChoiceTail is how many of the bytes that no Sync covered are left: all outcomes
	// are lengths.
	ChoiceTail
	// ChoiceFormer is how many of the bytes of a former life (Reuse) that no Sync
	// covered had reached the device.
	ChoiceFormer
	// ChoiceCommit is whether a commit of the journal, whose last block was just being
	// written, happened: outcome 0 says that it did. Of modelled disks.
	ChoiceCommit
)

// Choice is one of those that decide what a power loss leaves.
type Choice struct {
	Kind     ChoiceKind
	Outcomes int64  // how many there are, at least 2; they are numbered from 0
	Path     string // of the file; for ChoiceName the new name, or the one that went
	Forced   bool   // a ChoiceName that is 1 whatever is picked: it needs another change, which is lost
	Synced   int64  // for ChoiceTail and ChoiceFormer: what a length is added to
	chunks   []chunk
}

// Ends are the lengths of a ChoiceTail or ChoiceFormer at which an Append, or a part of
// it, ends.
func (c *Choice) Ends() []int64 {
	var ends []int64
	for i := range c.chunks {
		end := c.chunks[i].start - c.Synced
		for _, part := range c.chunks[i].buf.Parts() {
			if end += int64(part.Len()); end > 0 && end < c.Outcomes {
				ends = append(ends, end)
			}
		}
	}
	return ends
}

// Chooser picks one outcome of a choice.
type Chooser func(c Choice) int64

func (choose Chooser) pick(c Choice) int64 {
	i := choose(c)
	if i < 0 || i >= c.Outcomes {
		panic(fmt.Sprintf("simfs: outcome %d of %d was chosen for %s", i, c.Outcomes, c.Path))
	}
	return i
}

// PowerLoss cuts the disk to what it holds after a power failure and closes all
// handles. What is lost is drawn from r: the same disk and the same r give the
// same image. Names are drawn in the order in which they changed, then contents
// in the order of their paths.
func (d *Disk) PowerLoss(r *rand.Rand) {
	d.PowerLossBy(func(c Choice) int64 { return r.Int64N(c.Outcomes) })
}

// PowerLossBy is PowerLoss with a chooser of what is lost, which is all that can differ:
// two power losses of disks of the same state with the same choices leave the same
// image. The chooser must not use the disk.
func (d *Disk) PowerLossBy(choose Chooser) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.mu.incarnation++
	d.mu.busyUntil = 0
	if d.mu.sealed.journal {
		d.loseUncommittedLocked(choose)
	}
	var lost []*change
	pending := d.mu.pending
	d.mu.pending = nil
	for i := range pending {
		c := &pending[i]
		forced := slices.ContainsFunc(lost, c.needs)
		kept := choose.pick(Choice{Kind: ChoiceName, Outcomes: 2, Path: c.path(), Forced: forced}) == 0
		if kept && !forced {
			d.applyLocked(c)
		} else {
			lost = append(lost, c)
		}
	}
	for _, ino := range d.mu.inodes {
		ino.live, ino.links, ino.handles = false, 0, 0
	}
	d.mu.usedBytes = 0
	d.restoreLocked(d.mu.root, "", choose)
	for i := len(d.mu.inodes) - 1; i >= 0; i-- {
		if ino := d.mu.inodes[i]; !ino.live {
			d.forgetLocked(ino)
		} else if ino.pages != nil {
			ino.pages.Reset(ino.content.size)
		}
	}
}

// path is the new name of what moves, or the one that it had.
func (c *change) path() string {
	at := c.to
	if at.dir == nil {
		at = c.from
	}
	name := at.name
	for d := at.dir; d.parent != nil; d = d.parent {
		if i := slices.IndexFunc(d.parent.live, func(e entry) bool { return e.dir == d }); i >= 0 {
			name = path.Join(d.parent.live[i].name, name)
		}
	}
	return name
}

// restoreLocked makes the durable names of a directory its names, and cuts the
// files to their images.
func (d *Disk) restoreLocked(at *dir, prefix string, choose Chooser) {
	at.live = slices.Clone(at.stable)
	for _, e := range at.live {
		name := prefix + e.name
		if e.dir != nil {
			d.restoreLocked(e.dir, name+"/", choose)
			continue
		}
		e.file.powerLoss(name, choose)
		e.file.live, e.file.links = true, 1
		e.file.reserved = 0
		d.mu.usedBytes += e.file.content.size
	}
}

// powerLoss cuts the file to a chosen image, which is durable.
func (ino *inode) powerLoss(name string, choose Chooser) {
	if len(ino.undurable.chunks) > 0 &&
		choose.pick(Choice{Kind: ChoiceCut, Outcomes: 2, Path: name}) == 0 {
		lost := ino.content.cut(ino.synced)
		lost.release()
		ino.content.join(ino.undurable)
		ino.undurable = content{}
	} else if unsynced := ino.content.size - ino.synced; unsynced > 0 {
		keep := choose.pick(Choice{Kind: ChoiceTail, Outcomes: unsynced + 1, Path: name, Synced: ino.synced,
			chunks: ino.content.chunks})
		lost := ino.content.cut(ino.synced + keep)
		lost.release()
	}
	ino.undurable.release()
	if volatile := ino.former.size - ino.former.durable; volatile > 0 {
		ino.former.durable += choose.pick(Choice{Kind: ChoiceFormer, Outcomes: volatile + 1, Path: name,
			Synced: ino.former.durable, chunks: ino.former.chunks})
	}
	if ino.former.durable > ino.content.size {
		ino.content.join(ino.former.takeDurable(ino.content.size))
	}
	ino.former.release()
	ino.former = former{}
	ino.synced, ino.scheduled = ino.content.size, ino.content.size
	ino.flushes = nil
	ino.unreachable = false
}
