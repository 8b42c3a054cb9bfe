package commitlog

import (
	"errors"
	"fmt"
	"math"
	"path"
	"sort"

	"brokerlab/engine/env"
)

// Truncate keeps the offsets below offset: Kafka's LocalLog.truncateTo. A batch
// that holds offset goes as a whole, and the log then ends where that batch
// began (Kafka would end it at offset, with a gap). At or behind the log end it
// only forgets a leader epoch that has no record: a broker that led without an
// append would otherwise go on to name it to the next leader, which says each
// time that the logs part there. Before the start it is ErrOffsetOutOfRange.
func (l *Log) Truncate(offset int64) error {
	l.writer.Lock()
	defer l.writer.Unlock()
	if err := l.truncateLocked(offset); err != nil {
		return l.wrap("truncate", err)
	}
	return nil
}

func (l *Log) truncateLocked(offset int64) error {
	if err := l.usable(); err != nil {
		return err
	}
	segments := l.mu.segments
	switch {
	case offset >= l.active().end:
		return l.cutEmptyEpochsLocked()
	case offset < segments[0].base:
		return fmt.Errorf("%w: %d is before the start, %d", ErrOffsetOutOfRange, offset, segments[0].base)
	}
	keep := sort.Search(len(segments), func(i int) bool { return segments[i].base > offset })
	s, gone := segments[keep-1], segments[keep:]
	cut, err := l.cutAt(s, offset)
	if err != nil {
		return err
	}
	epochsCut := l.unpublish(keep, cut)
	if err := l.tellTruncated(); err != nil {
		return err
	}
	if err := l.cutFiles(s, gone); err != nil {
		return l.fail(err)
	}
	if err := l.cutProducers(cut.end); err != nil {
		return l.fail(err)
	}
	if epochsCut {
		return l.writeEpochsLocked()
	}
	return nil
}

// tellTruncated tells whoever keeps the recovery points that this one may have fallen. The
// caller holds writer.
func (l *Log) tellTruncated() error {
	if l.writer.truncated == nil {
		return nil
	}
	if err := l.writer.truncated(l); err != nil {
		return l.fail(err)
	}
	return nil
}

// cutEmptyEpochsLocked forgets epochs that begin at the log end.
func (l *Log) cutEmptyEpochsLocked() error {
	l.mu.Lock()
	cut := l.mu.epochs.cutEnd(l.mu.end)
	l.mu.Unlock()
	if !cut {
		return nil
	}
	return l.writeEpochsLocked()
}

// cutPoint is the end of a segment that is cut.
type cutPoint struct {
	position int64
	end      int64     // offset
	largest  timeEntry // of what stays
}

// cutAt finds where a segment ends if offset goes: at the start of its batch.
func (l *Log) cutAt(s *segment, offset int64) (cutPoint, error) {
	w := headerWalk{log: s.log, pool: l.node.Pool(), base: s.base, size: s.size}
	defer w.close()
	if offset >= s.end { // the first offset of the next segment
		return cutPoint{position: s.size, end: s.end, largest: s.times.largest}, nil
	}
	e := floorOffset(s.sparse.entries, uint32(offset-s.base))
	position := int64(e.position)
	h, err := w.headerOf(e)
	for err == nil && h.LastOffset() < offset {
		position += int64(h.SizeBytes())
		h, err = w.header(position)
	}
	if err != nil {
		return cutPoint{}, err
	}
	c := cutPoint{position: position, end: min(h.BaseOffset, offset)} // there may be a gap
	c.largest, err = largestBefore(&w, s, c)
	return c, err
}

// largestBefore finds the largest timestamp before a cut: Kafka's
// LogSegment.readLargestTimestamp. It reads the headers behind the last entry of
// the time index that stays.
func largestBefore(w *headerWalk, s *segment, c cutPoint) (timeEntry, error) {
	x := timeIndex{entries: s.times.before(uint32(c.end - s.base))}
	x.largest = x.last()
	e := floorOffset(s.sparse.entries, x.largest.offset)
	if _, err := w.headerOf(e); e.position > 0 && err != nil {
		e = indexEntry{}
	}
	for position := int64(e.position); position < c.position; {
		h, err := w.header(position)
		if err != nil {
			return noTime, err
		}
		x.see(h.MaxTimestamp, uint32(h.LastOffset()-s.base))
		position += int64(h.SizeBytes())
	}
	return x.largest, nil
}

// unpublish takes the batches behind a cut away from readers: the segments from
// keep on, and what lies behind c in the one before. It reports whether leader
// epochs went too.
func (l *Log) unpublish(keep int, c cutPoint) (epochsCut bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range l.mu.segments[keep:] {
		l.mu.recent -= len(s.recent) - 1
	}
	l.mu.segments = l.mu.segments[:keep:keep]
	s := l.mu.segments[keep-1]
	if c.position < s.size {
		s.sparse.cut(uint32(c.position))
		s.times = timeIndex{entries: s.times.before(uint32(c.end - s.base)), largest: c.largest}
		if c.position == 0 {
			s.firstBatch = -1
		}
		before := len(s.recent) - 1
		s.cutRecent(c)
		l.mu.recent -= before - (len(s.recent) - 1)
		s.size, s.end, s.synced = c.position, c.end, -1
	}
	s.indexSynced = false // it is active now
	l.mu.end = s.end
	l.mu.truncations++
	l.mu.names++
	l.mu.flush.truncated(s.end)
	l.tellUnflushedLocked()
	return l.mu.epochs.cutEnd(s.end)
}

// cutRecent drops the places of batches behind a cut.
func (s *segment) cutRecent(c cutPoint) {
	n := sort.Search(len(s.recent), func(i int) bool { return int64(s.recent[i].position) >= c.position })
	s.recent = append(s.recent[:n], batchRef{baseOffset: uint32(c.end - s.base), position: uint32(c.position)})
}

// cutFiles makes the files what unpublish has said: gone, the segments behind s,
// are removed last first, so that a crash leaves no gap; s becomes active.
func (l *Log) cutFiles(s *segment, gone []*segment) error {
	for i := len(gone) - 1; i >= 0; i-- {
		if err := l.removeFiles(gone[i]); err != nil {
			return err
		}
	}
	if len(gone) > 0 {
		if err := l.forceNames(); err != nil {
			return err
		}
	}
	if err := l.dropFiles(gone); err != nil {
		return err
	}
	if s.log.Size() > s.size {
		if err := s.log.Truncate(s.size); err != nil {
			return err
		}
		l.mu.Lock()
		s.cut = true
		l.mu.Unlock()
	}
	if err := l.openIndex(s); err != nil {
		return err
	}
	return l.cutIndexFiles(s)
}

// forceCutLocked forces the active segment if it was truncated since its last flush. It
// runs before anything is made that belongs to its new end, the next segment and the
// snapshot of producers: a power loss could undo the truncation and leave these, so that
// old batches and new ones would make a log that never was. Kafka relies on a file system
// that does not do that; ext4 and xfs commit both changes in order.
func (l *Log) forceCutLocked() error {
	s := l.active()
	l.mu.Lock()
	cut := s.cut
	l.mu.Unlock()
	if !cut {
		return nil
	}
	if err := l.sync(s.log); err != nil {
		return l.fail(err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	s.cut = false
	s.synced = s.size
	l.mu.stats.Fsyncs++
	return nil
}

// cutIndexFiles drops the entries that the index files have and the indexes not.
func (l *Log) cutIndexFiles(s *segment) error {
	s.indexWritten = min(s.indexWritten, len(s.sparse.entries))
	s.timesWritten = min(s.timesWritten, len(s.times.entries))
	if err := cutTo(s.index, int64(s.indexWritten)*indexEntryBytes); err != nil {
		return err
	}
	return cutTo(s.timeIndex, int64(s.timesWritten)*timeEntryBytes)
}

// cutTo cuts a file if it is longer than size.
func cutTo(f env.File, size int64) error {
	if f.Size() <= size {
		return nil
	}
	return f.Truncate(size)
}

// Close flushes, as Kafka does at a controlled shutdown, completes the indexes
// and closes the files. Calls after it get env.ErrClosed; a second Close does
// nothing. A failed log only closes its files and returns why it failed. Bufs
// that were read before stay readable.
func (l *Log) Close() error {
	l.retention.Lock()
	defer l.retention.Unlock()
	l.writer.Lock()
	defer l.writer.Unlock()
	if err := l.closeLocked(); err != nil {
		return l.wrap("close", err)
	}
	return nil
}

func (l *Log) closeLocked() error {
	l.mu.Lock()
	closed := l.mu.closed
	l.mu.Unlock()
	if closed {
		return nil
	}
	err := l.usable()
	if err == nil {
		err = l.trimActiveLocked()
	}
	if err == nil {
		err = l.forceCutLocked()
	}
	if err == nil {
		err = l.takeSnapshotAtEnd()
	}
	if err == nil {
		err = l.flush(flushScope{before: math.MaxInt64, indexes: true})
	}
	if err == nil {
		err = l.settleActiveLocked()
	}
	if closeErr := l.shutLocked(); err == nil {
		err = closeErr
	}
	return err
}

func (l *Log) takeSnapshotAtEnd() error {
	if err := l.takeSnapshot(l.active().end); err != nil {
		return l.fail(err)
	}
	return nil
}

func (l *Log) trimActiveLocked() error {
	if err := l.trim(l.active()); err != nil {
		return l.fail(err)
	}
	return nil
}

// settleActiveLocked completes the active segment's indexes and forces them, if
// they have any entry.
func (l *Log) settleActiveLocked() error {
	s := l.active()
	l.noteTime(s)
	if err := l.writeIndex(s); err != nil {
		return l.fail(err)
	}
	if s.indexWritten+s.timesWritten == 0 {
		return nil
	}
	if err := l.syncIndexFiles(s); err != nil {
		return l.fail(err)
	}
	return nil
}

// shutLocked closes the files and refuses calls from now on.
func (l *Log) shutLocked() error {
	l.mu.Lock()
	l.mu.closed = true
	l.mu.group.flushed.Broadcast()
	segments := l.mu.segments
	l.mu.Unlock()
	return errors.Join(l.dropFiles(segments), l.dropSpares())
}

// Remove closes the log without a flush and deletes its files and its directory,
// which must hold nothing else. A closed or failed log can be removed too.
func (l *Log) Remove() error {
	l.retention.Lock()
	defer l.retention.Unlock()
	l.writer.Lock()
	defer l.writer.Unlock()
	if err := l.removeLocked(); err != nil {
		return l.wrap("remove", err)
	}
	return nil
}

func (l *Log) removeLocked() error {
	l.mu.Lock()
	closed := l.mu.closed
	segments := l.mu.segments
	l.mu.Unlock()
	if !closed {
		if err := l.shutLocked(); err != nil {
			return err
		}
	}
	for i := len(segments) - 1; i >= 0; i-- {
		if err := l.removeFiles(segments[i]); err != nil {
			return err
		}
	}
	entries, err := l.fs.List(l.dir)
	if err != nil {
		return err
	}
	if err := l.removeLeftovers(entries); err != nil {
		return err
	}
	if _, err := l.removeSnapshots(0, math.MaxInt64); err != nil {
		return err
	}
	for _, name := range []string{epochsName, epochsName + ".tmp"} {
		if err := removeIfThere(l.fs, path.Join(l.dir, name)); err != nil {
			return err
		}
	}
	return l.fs.Remove(l.dir)
}
