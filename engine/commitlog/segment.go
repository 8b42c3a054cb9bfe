package commitlog

import (
	"fmt"
	"path"
	"strconv"
	"strings"

	"brokerlab/engine/env"
	"brokerlab/engine/record"
)

// segment is one .log file and its index. Log.mu guards size, end, recent,
// synced, pins and the header of sparse.entries; only the holder of Log.writer
// changes the others.
type segment struct {
	base  int64 // base offset
	log   env.File
	index env.File // nil once the segment is not active: then it is not written

	sparse       sparseIndex
	indexWritten int // entries of sparse that are in the index file

	size int64 // bytes that readers may see
	end  int64 // offset behind the last batch
	// recent holds the places of consecutive batches; its last element is where
	// the segment ends, so that it is never empty.
	recent []batchRef

	synced  int64 // bytes that a Sync covered; -1 = not known
	pins    int   // tasks that use the file without a lock
	removed bool  // close the file at the last unpin
}

func logName(base int64) string   { return fmt.Sprintf("%020d.log", base) }
func indexName(base int64) string { return fmt.Sprintf("%020d.index", base) }

// parseName returns the base offset that a file's name says, if it is one of a
// segment's two.
func parseName(name string) (base int64, suffix string, ok bool) {
	stem, suffix, found := strings.Cut(name, ".")
	if !found || len(stem) != 20 || suffix != "log" && suffix != "index" {
		return 0, "", false
	}
	n, err := strconv.ParseUint(stem, 10, 63)
	return int64(n), suffix, err == nil
}

// createSegment makes the two files of an empty segment.
func (l *Log) createSegment(base int64) (*segment, error) {
	log, err := l.fs.Create(path.Join(l.dir, logName(base)))
	if err != nil {
		return nil, err
	}
	index, err := l.fs.Create(path.Join(l.dir, indexName(base)))
	if err != nil {
		_ = log.Close() // the error that is returned says more
		return nil, err
	}
	s := &segment{base: base, end: base, log: log, index: index}
	s.sparse.intervalBytes = l.cfg.IndexIntervalBytes
	s.recent = []batchRef{{}}
	return s, nil
}

// fill is what the roll policy wants to know.
func (s *segment) fill() segmentFill {
	return segmentFill{base: s.base, sizeBytes: s.size, indexEntries: len(s.sparse.entries)}
}

// add publishes a batch that lies in the file behind the others.
func (s *segment) add(h *record.Header) {
	s.sparse.add(uint32(h.LastOffset()-s.base), uint32(s.size), h.SizeBytes())
	s.size += int64(h.SizeBytes())
	s.end = h.NextOffset()
	s.recent = append(s.recent, batchRef{baseOffset: uint32(s.end - s.base), position: uint32(s.size)})
}

// forgetRecent keeps the places of the last keep batches and returns how many it
// dropped.
func (s *segment) forgetRecent(keep int) int {
	drop := len(s.recent) - 1 - keep
	if drop <= 0 {
		return 0
	}
	s.recent = append([]batchRef(nil), s.recent[drop:]...)
	return drop
}

// writeIndex appends the entries that the index file lacks. The caller holds
// writer.
func (l *Log) writeIndex(s *segment) error {
	waiting := s.sparse.entries[s.indexWritten:]
	if len(waiting) == 0 {
		return nil
	}
	m := l.node.Pool().Get(len(waiting) * indexEntryBytes)
	if err := s.index.Append(env.MemBuf(m, putEntries(m.Bytes()[:0], waiting))); err != nil {
		return err
	}
	s.indexWritten = len(s.sparse.entries)
	return nil
}

// closeIndex completes and closes the index of a segment that is no longer
// active. The caller holds writer.
func (l *Log) closeIndex(s *segment) error {
	err := l.writeIndex(s)
	if closeErr := s.index.Close(); err == nil {
		err = closeErr
	}
	s.index = nil
	return err
}

// openIndex opens the index of a segment that becomes active again. The caller
// holds writer.
func (l *Log) openIndex(s *segment) (err error) {
	if s.index == nil {
		s.index, err = l.fs.Open(path.Join(l.dir, indexName(s.base)))
	}
	return err
}

// unpinLocked ends the use of a segment's file outside the locks. It needs mu. If
// it returns true the caller closes the file, after it has released mu.
func (l *Log) unpinLocked(s *segment) (idle bool) {
	s.pins--
	return s.pins == 0 && s.removed
}

// dropFiles closes the files of segments that are out of mu.segments already; a
// pinned .log is closed by its last user. The caller holds writer.
func (l *Log) dropFiles(segments []*segment) error {
	var first error
	note := func(err error) {
		if first == nil {
			first = err
		}
	}
	for _, s := range segments {
		if s.index != nil {
			note(s.index.Close())
			s.index = nil
		}
		l.mu.Lock()
		s.removed = true
		idle := s.pins == 0
		l.mu.Unlock()
		if idle {
			note(s.log.Close())
		}
	}
	return first
}

// removeFiles removes a segment's names, the .log first: an index without a log
// is removed when the log is opened again.
func (l *Log) removeFiles(s *segment) error {
	if err := l.fs.Remove(path.Join(l.dir, logName(s.base))); err != nil {
		return err
	}
	return l.fs.Remove(path.Join(l.dir, indexName(s.base)))
}
