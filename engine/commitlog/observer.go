package commitlog

import "brokerlab/engine/env"

// Observer is told what happens to logs, for measuring; one may watch many. Its
// methods are called by several tasks, some with a lock held, and must not wait.
type Observer interface {
	// Fsync says when a file of a log was forced, and how long that took.
	Fsync(began, ended env.Time)
	// Unflushed says by how much that grew or shrank which a log holds and has not
	// forced; the operating system may have written it.
	Unflushed(records, bytes int64)
}

// unflushed is what an Observer was told last of a log.
type unflushed struct{ records, bytes int64 }

// sync forces a file, and tells the observer how long it took.
func (l *Log) sync(f env.File) error {
	if l.cfg.Observer == nil {
		return f.Sync()
	}
	began := l.node.Now()
	err := f.Sync()
	l.cfg.Observer.Fsync(began, l.node.Now())
	return err
}

// tellUnflushedLocked tells the observer what has changed. It needs mu.
func (l *Log) tellUnflushedLocked() {
	if l.cfg.Observer == nil {
		return
	}
	now := unflushed{records: l.mu.end - max(l.mu.flush.recovery, l.mu.segments[0].base)}
	for i := len(l.mu.segments) - 1; i >= 0; i-- {
		s := l.mu.segments[i]
		if s.settled() {
			break // so are those before it
		}
		now.bytes += max(0, s.size-max(0, s.synced))
	}
	if before := l.mu.told; before != now {
		l.mu.told = now
		l.cfg.Observer.Unflushed(now.records-before.records, now.bytes-before.bytes)
	}
}
