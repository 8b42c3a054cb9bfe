package commitlog

import (
	"math"
	"path"

	"brokerlab/engine/env"
)

// Flush forces everything that was appended before the call to stable storage:
// the .log files, the indexes of segments that are not active, and the
// directory's names. Appends may run beside it.
func (l *Log) Flush() error {
	if err := l.flush(flushScope{before: math.MaxInt64, indexes: true}); err != nil {
		return l.wrap("flush", err)
	}
	return nil
}

// FlushIfDue flushes if the last flush is flush.ms ago and something waits. The
// broker's flush scheduler calls it (log.flush.scheduler.interval.ms).
func (l *Log) FlushIfDue(now env.Time) error {
	l.mu.Lock()
	due := l.mu.flush.dueByTime(l.mu.end, now)
	l.mu.Unlock()
	if !due {
		return nil
	}
	return l.Flush()
}

// flushRolled is the task that forces the segments that were rolled away from, one
// flush after another, until none waits. A flush that fails fails the log; then,
// or when the log is closed, nobody is left to be told.
func (l *Log) flushRolled() {
	for {
		l.mu.Lock()
		before := min(l.mu.rolled, l.active().base)
		if l.usableLocked() != nil || l.recoveryPointLocked() >= before {
			l.mu.flushing = false
			l.mu.Unlock()
			return
		}
		l.mu.Unlock()
		_ = l.flush(flushScope{before: before, indexes: true})
	}
}

// recoveryPointLocked is the offset below which nothing has to be scanned after a
// power loss: all is flushed, and the indexes of the segments that end there are
// on disk. It needs mu.
func (l *Log) recoveryPointLocked() int64 {
	last := len(l.mu.segments) - 1
	for _, s := range l.mu.segments[:last] {
		if !s.indexSynced {
			return min(s.base, l.mu.flush.recovery)
		}
	}
	return l.mu.flush.recovery
}

// flushScope says what a flush has to cover.
type flushScope struct {
	before  int64 // the segments that begin before this offset
	indexes bool  // and the indexes of those that are not active
	toDrop  bool  // for DropCache
}

// flushWork is what one flush covers, as of one instant.
type flushWork struct {
	segments    []*segment // pinned, oldest first
	sizes       []int64    // of the segments
	dirty       []bool     // its .log has to be forced
	indexes     []bool     // its indexes have to
	end         int64      // offset below which all is covered
	truncations int64
	names       int64 // directory changes to force; 0 = none wait
}

// flush is Kafka's UnifiedLog.flush: the segments from the recovery point on,
// oldest first, then the directory if it has new names. It needs no lock; two at
// once do the work twice, as in Kafka.
func (l *Log) flush(scope flushScope) error {
	w, err := l.beginFlush(scope)
	if err != nil {
		return err
	}
	synced := 0
	for i, s := range w.segments {
		if w.dirty[i] {
			if err = l.sync(s.log); err != nil {
				break
			}
			synced++
		}
		if w.indexes[i] {
			if err = l.syncIndexFiles(s); err != nil {
				break
			}
		}
	}
	dirSyncs := 0
	if err == nil && w.names > 0 {
		dirSyncs, err = l.syncNames()
	}
	if closeErr := l.endFlush(&w, flushDone{fsyncs: synced, toDrop: scope.toDrop, dirSyncs: dirSyncs,
		whole: err == nil}); err == nil {
		err = closeErr
	}
	if err != nil {
		return l.fail(err)
	}
	return nil
}

// beginFlush lists what has to be forced and pins it.
func (l *Log) beginFlush(scope flushScope) (flushWork, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.usableLocked(); err != nil {
		return flushWork{}, err
	}
	w := flushWork{end: min(scope.before, l.mu.end), truncations: l.mu.truncations}
	if l.mu.names > l.mu.namesSynced {
		w.names = l.mu.names
	}
	// Segments settle oldest first.
	last := len(l.mu.segments) - 1
	first := last
	for first > 0 && !l.mu.segments[first-1].settled() {
		first--
	}
	for i := first; i <= last && l.mu.segments[i].base < scope.before; i++ {
		s := l.mu.segments[i]
		dirty, indexes := s.synced != s.size, scope.indexes && i < last && !s.indexSynced
		if !dirty && !indexes {
			continue
		}
		s.pins++
		w.segments = append(w.segments, s)
		w.sizes = append(w.sizes, s.size)
		w.dirty = append(w.dirty, dirty)
		w.indexes = append(w.indexes, indexes)
	}
	return w, nil
}

// settled says that the segment and its indexes, and so all before it, are on
// disk.
func (s *segment) settled() bool { return s.synced == s.size && s.indexSynced }

// flushDone says how far a flush came.
type flushDone struct {
	fsyncs   int
	toDrop   bool // as of the scope
	dirSyncs int
	whole    bool // all of its work
}

// endFlush unpins the segments and notes what the flush has covered. If a
// Truncate ran beside it, offsets may be other batches by now, so that it notes
// no offset.
func (l *Log) endFlush(w *flushWork, d flushDone) error {
	var idle []*segment
	l.mu.Lock()
	l.mu.stats.Fsyncs += int64(d.fsyncs)
	if d.toDrop {
		l.mu.stats.FsyncsToDrop += int64(d.fsyncs)
	}
	l.mu.stats.DirSyncs += int64(d.dirSyncs)
	for _, s := range w.segments {
		if l.unpinLocked(s) {
			idle = append(idle, s)
		}
	}
	if d.whole {
		l.mu.namesSynced = max(l.mu.namesSynced, w.names)
		if w.truncations == l.mu.truncations {
			for i, s := range w.segments {
				s.synced = max(s.synced, w.sizes[i])
				s.cut = s.cut && !w.dirty[i]
				s.indexSynced = s.indexSynced || w.indexes[i]
			}
			l.mu.flush.flushed(w.end, l.node.Now())
			l.tellUnflushedLocked()
			l.mu.group.flushed.Broadcast()
		}
	}
	l.mu.Unlock()
	var first error
	for _, s := range idle {
		if err := s.log.Close(); first == nil {
			first = err
		}
	}
	return first
}

// syncNames forces the names of the log's files and, the first time, those of
// the directories that Open may have made.
func (l *Log) syncNames() (syncs int, err error) {
	l.mu.Lock()
	parents := l.mu.namesSynced == 0
	l.mu.Unlock()
	dir := path.Clean(l.dir)
	for {
		if err := l.fs.SyncDir(dir); err != nil {
			return syncs, err
		}
		syncs++
		if !parents || dir == "." || dir == "/" {
			return syncs, nil
		}
		dir = path.Dir(dir)
	}
}
