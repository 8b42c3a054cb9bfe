package commitlog

import (
	"errors"
	"path"
	"strings"

	"brokerlab/engine/env"
)

// spareSegmentsMax bounds the .log files that a log keeps for its next rolls: what
// they hold is disk space beyond retention.bytes.
const spareSegmentsMax = 2

// deletedSuffix is what Kafka puts behind the name of a segment's file that is about
// to be deleted. It deletes such files when it opens the log, and so do we: what a
// crash leaves of the spare files.
const deletedSuffix = ".deleted"

// spareFile is the .log of a segment that retention deleted (segment.recycle). It is
// open, and the batches that it still holds have offsets below the log's start.
type spareFile struct {
	name string
	file env.File
	size int64
}

// leftover says whether a file is one that a segment left behind: Kafka's
// UnifiedLog.DELETED_FILE_SUFFIX.
func leftover(name string) bool {
	stem, found := strings.CutSuffix(name, deletedSuffix)
	_, _, segment := parseName(stem)
	return found && segment
}

// removeLeftovers removes the files that an earlier life, or a failure of this one,
// left behind.
func (l *Log) removeLeftovers() error {
	entries, err := l.fs.List(l.dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Dir || !leftover(e.Name) {
			continue
		}
		if err := removeIfThere(l.fs, path.Join(l.dir, e.Name)); err != nil {
			return err
		}
	}
	return nil
}

// maySpare says whether a segment that readers no longer see can be kept: nobody uses
// its file, all of it is on disk (what a Sync of its next life has to write is new),
// and there is room for one more.
func (l *Log) maySpare(s *segment) bool {
	if !l.cfg.SegmentRecycle {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return s.pins == 0 && s.synced == s.size && s.size > 0 && len(l.mu.spares) < spareSegmentsMax
}

// spareName is what a segment's .log is called while it waits.
func (l *Log) spareName(s *segment) string { return path.Join(l.dir, logName(s.base)+deletedSuffix) }

// setAside takes the names of a segment away and keeps its .log. A power loss must
// not bring the name back once the file is written over: it is forced first.
func (l *Log) setAside(s *segment) error {
	name := l.spareName(s)
	if err := l.fs.Rename(path.Join(l.dir, logName(s.base)), name); err != nil {
		return err
	}
	for _, f := range s.files()[1:] {
		if err := l.fs.Remove(path.Join(l.dir, f.name)); err != nil {
			return err
		}
	}
	if err := l.forceNames(); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.spares = append(l.mu.spares, spareFile{name: name, file: s.log, size: s.size})
	return nil
}

// takeSpare returns the spare file that waited longest.
func (l *Log) takeSpare() (f spareFile, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.mu.spares) == 0 {
		return spareFile{}, false
	}
	f = l.mu.spares[0]
	l.mu.spares = append([]spareFile(nil), l.mu.spares[1:]...)
	return f, true
}

// createLog makes the .log of a new segment, out of a spare file if there is one that
// nobody reads any more. One that is read is deleted.
func (l *Log) createLog(s *segment) (env.File, error) {
	name := path.Join(l.dir, logName(s.base))
	for {
		spare, ok := l.takeSpare()
		if !ok {
			return l.fs.Create(name)
		}
		err := spare.file.Reuse()
		if err == nil {
			err = l.fs.Rename(spare.name, name)
		}
		if err == nil {
			s.recycled = true
			l.mu.Lock()
			l.mu.stats.SegmentsRecycled++
			l.mu.Unlock()
			return spare.file, nil
		}
		if dropErr := l.dropSpare(spare); !errors.Is(err, env.ErrInUse) || dropErr != nil {
			return nil, errors.Join(err, dropErr)
		}
	}
}

func (l *Log) dropSpare(f spareFile) error {
	return errors.Join(f.file.Close(), l.fs.Remove(f.name))
}

// dropSpares deletes the spare files: when the log ends, and before its offsets may
// begin below those of the batches that they hold.
func (l *Log) dropSpares() error {
	var first error
	for {
		f, ok := l.takeSpare()
		if !ok {
			return first
		}
		if err := l.dropSpare(f); first == nil {
			first = err
		}
	}
}

// trim gives back what a segment that is done with has on the disk behind its end,
// reserved (Kafka's FileRecords.trim) or of a former life. The latter has to be forced
// with the file: then Kafka's tools read it.
func (l *Log) trim(s *segment) error {
	if !l.cfg.Preallocate && !s.recycled {
		return nil
	}
	if err := s.log.Truncate(s.size); err != nil {
		return err
	}
	if s.recycled {
		s.recycled = false
		l.mu.Lock()
		s.synced = -1
		l.mu.Unlock()
	}
	return nil
}
