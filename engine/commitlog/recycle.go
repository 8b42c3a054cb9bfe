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

// zeroBytes is how many zeros are written at a time, and zeroSyncBytes after how many
// they are forced, so that appends beside them do not wait for a whole segment.
const (
	zeroBytes     = 256 << 10
	zeroSyncBytes = 4 << 20
)

var zeros [zeroBytes]byte

// spareFile is the .log of a segment that retention deleted (segment.recycle). It is
// open, and holds zeros.
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
func (l *Log) removeLeftovers(entries []env.DirEntry) error {
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

// maySpare says whether a segment that readers no longer see may be kept: nobody uses
// its file without a lock, and there is room for one more.
func (l *Log) maySpare(s *segment) bool {
	if !l.cfg.SegmentRecycle {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return s.pins == 0 && s.size > 0 && len(l.mu.spares) < spareSegmentsMax
}

// spareName is what a segment's .log is called while it waits.
func (l *Log) spareName(s *segment) string { return path.Join(l.dir, logName(s.base)+deletedSuffix) }

// setAside takes the names of a segment away and keeps its .log, filled with zeros,
// unless somebody still reads it: then it goes. A power loss must not bring the name
// back once the file is written over: it is forced first.
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
	if err := zeroFile(s.log, s.size); errors.Is(err, env.ErrInUse) {
		return errors.Join(s.log.Close(), l.fs.Remove(name))
	} else if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.spares = append(l.mu.spares, spareFile{name: name, file: s.log, size: s.size})
	return nil
}

// zeroFile writes zeros over a file's bytes and forces them. Without that a torn write
// of the next life could bring back a batch of this one: neither the base offset nor the
// length is covered by the CRC, so that the first bytes of a new batch and the rest of
// an old one of the same size look like a batch of the log.
func zeroFile(f env.File, size int64) error {
	if err := f.Reuse(); err != nil {
		return err
	}
	for at := int64(0); at < size; {
		n := min(zeroBytes, size-at)
		if err := f.Append(env.StaticBuf(zeros[:n])); err != nil {
			return err
		}
		if at += n; at == size || at%zeroSyncBytes == 0 {
			if err := f.Sync(); err != nil {
				return err
			}
		}
	}
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

// createLog makes the .log of a new segment, out of a spare file if there is one.
func (l *Log) createLog(s *segment) (env.File, error) {
	name := path.Join(l.dir, logName(s.base))
	spare, ok := l.takeSpare()
	if !ok {
		return l.fs.Create(name)
	}
	err := spare.file.Reuse()
	if err == nil {
		err = l.fs.Rename(spare.name, name)
	}
	if err != nil {
		return nil, errors.Join(err, l.dropSpare(spare))
	}
	s.recycled = true
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.stats.SegmentsRecycled++
	return spare.file, nil
}

func (l *Log) dropSpare(f spareFile) error {
	return errors.Join(f.file.Close(), l.fs.Remove(f.name))
}

// dropSpares deletes the spare files when the log ends.
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
