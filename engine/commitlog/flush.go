package commitlog

import (
	"path"

	"brokerlab/engine/env"
)

// Flush forces everything that was appended before the call to stable storage:
// the .log files and the directory's names. Appends may run beside it.
func (l *Log) Flush() error {
	if err := l.flush(); err != nil {
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

// flushWork is what one flush covers, as of one instant.
type flushWork struct {
	segments    []*segment // pinned, oldest first
	sizes       []int64    // of the segments
	end         int64      // log end offset
	truncations int64
	names       int64 // directory changes to force; 0 = none wait
}

// flush is Kafka's UnifiedLog.flush: the segments from the recovery point on,
// oldest first, then the directory if it has new names. It needs no lock; two at
// once do the work twice, as in Kafka.
func (l *Log) flush() error {
	w, err := l.beginFlush()
	if err != nil {
		return err
	}
	synced := 0
	for _, s := range w.segments {
		if err = s.log.Sync(); err != nil {
			break
		}
		synced++
	}
	dirSyncs := 0
	if err == nil && w.names > 0 {
		dirSyncs, err = l.syncNames()
	}
	if closeErr := l.endFlush(&w, flushDone{fsyncs: synced, dirSyncs: dirSyncs, whole: err == nil}); err == nil {
		err = closeErr
	}
	if err != nil {
		return l.fail(err)
	}
	return nil
}

// beginFlush lists what has to be forced and pins it.
func (l *Log) beginFlush() (flushWork, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.usableLocked(); err != nil {
		return flushWork{}, err
	}
	w := flushWork{end: l.mu.end, truncations: l.mu.truncations}
	if l.mu.names > l.mu.namesSynced {
		w.names = l.mu.names
	}
	// Segments become clean oldest first. An empty one says nothing of those
	// before it: a roll may be under way.
	first := len(l.mu.segments)
	for first > 0 && !l.mu.segments[first-1].clean() {
		first--
	}
	for _, s := range l.mu.segments[first:] {
		if s.synced != s.size {
			s.pins++
			w.segments = append(w.segments, s)
			w.sizes = append(w.sizes, s.size)
		}
	}
	return w, nil
}

// clean says that the segment, and so every one before it, is on disk.
func (s *segment) clean() bool { return s.size > 0 && s.synced == s.size }

// flushDone says how far a flush came.
type flushDone struct {
	fsyncs   int
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
			}
			l.mu.flush.flushed(w.end, l.node.Now())
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
