package commitlog

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"brokerlab/engine/env"
)

// DropCache forces the log to disk and then drops its .log files from the system's
// page cache, so that the next reads of them are cold. Pages that are written
// meanwhile, and those of a batch that is being read, may stay. The indexes are read
// from memory and not from their files.
func (l *Log) DropCache() error {
	err := l.flush(flushScope{before: math.MaxInt64, indexes: true, toDrop: true})
	if err == nil {
		err = l.dropCache()
	}
	if err != nil {
		return l.wrap("drop the cache of", err)
	}
	return nil
}

// dropCache drops one segment after another: a file is pinned while it is used.
func (l *Log) dropCache() error {
	segments, err := l.pinAll()
	for _, s := range segments {
		if err == nil {
			err = s.log.DropCache()
		}
		l.mu.Lock()
		idle := l.unpinLocked(s)
		l.mu.Unlock()
		if !idle {
			continue
		}
		if closeErr := s.log.Close(); err == nil {
			err = closeErr
		}
	}
	return err
}

// pinAll pins the segments of the log.
func (l *Log) pinAll() ([]*segment, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.usableLocked(); err != nil {
		return nil, err
	}
	for _, s := range l.mu.segments {
		s.pins++
	}
	return slices.Clone(l.mu.segments), nil
}

// DropCache drops the files of every open log from the page cache: Log.DropCache. A
// closed or failed log has nothing to read, and is left out.
func (d *LogDirs) DropCache() error {
	for _, dir := range d.dirs {
		for _, o := range dir.logs() {
			err := o.log.DropCache()
			if err != nil && !errors.Is(err, env.ErrClosed) && !errors.Is(err, ErrFailed) {
				return fmt.Errorf("drop the cache of %s: %w", dir.root, err)
			}
		}
	}
	return nil
}
