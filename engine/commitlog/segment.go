package commitlog

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"brokerlab/engine/env"
	"brokerlab/engine/record"
)

// segment is one .log file and its indexes. Log.mu guards size, end, recent,
// synced, cut, indexSynced, pins and the headers of both indexes' entries; only the
// holder of Log.writer changes the others.
type segment struct {
	base    int64 // base offset
	created int64 // ms since 1970, when the segment was made or opened
	log     env.File
	// Both are nil once the segment is not active: then they are not written.
	index, timeIndex env.File

	sparse       sparseIndex
	times        timeIndex
	indexWritten int // entries of sparse that are in the index file
	timesWritten int // entries of times that are in the time index file

	size       int64 // bytes that readers may see
	firstBatch int64 // max timestamp of the first batch (Kafka's rollingBasedTimestamp); -1 = none
	end        int64 // offset behind the last batch
	// recent holds the places of consecutive batches; its last element is where
	// the segment ends, so that it is never empty.
	recent []batchRef

	synced      int64 // bytes that a Sync covered; -1 = not known
	indexSynced bool  // both indexes are complete and on disk
	pins        int   // tasks that use the file without a lock
	removed     bool  // close the file at the last unpin
	recycled    bool  // the .log may hold bytes of a former life behind its end
	cut         bool  // the .log was truncated, and no Sync has covered that
}

func logName(base int64) string   { return fmt.Sprintf("%020d.log", base) }
func indexName(base int64) string { return fmt.Sprintf("%020d.index", base) }
func timesName(base int64) string { return fmt.Sprintf("%020d.timeindex", base) }

// newSegment returns an empty segment without files.
func (l *Log) newSegment(base int64) *segment {
	s := &segment{base: base, end: base, created: l.node.Wall().UnixMilli(), synced: -1}
	s.clear(l.cfg.IndexIntervalBytes)
	return s
}

// clear forgets the batches of a segment that is read again from its start.
func (s *segment) clear(indexIntervalBytes int64) {
	s.sparse = sparseIndex{intervalBytes: indexIntervalBytes}
	s.times = timeIndex{largest: noTime}
	s.recent = []batchRef{{}}
	s.size, s.end, s.firstBatch, s.synced = 0, s.base, -1, -1
}

// parseName returns the base offset that a file's name says, if it is one of a
// segment's three.
func parseName(name string) (base int64, suffix string, ok bool) {
	stem, suffix, found := strings.Cut(name, ".")
	if !found || len(stem) != 20 || suffix != "log" && suffix != "index" && suffix != "timeindex" {
		return 0, "", false
	}
	n, err := strconv.ParseUint(stem, 10, 63)
	return int64(n), suffix, err == nil
}

// createSegment makes the files of an empty segment.
func (l *Log) createSegment(base int64) (*segment, error) {
	s := l.newSegment(base)
	s.synced = 0
	var err error
	if s.log, err = l.createLog(s); err != nil {
		s.log = nil
		return nil, err
	}
	for _, f := range s.files()[1:] {
		if *f.file, err = l.fs.Create(path.Join(l.dir, f.name)); err != nil {
			*f.file = nil
			s.abandon()
			return nil, err
		}
	}
	if l.cfg.Preallocate {
		if err := s.log.Allocate(l.cfg.SegmentBytes); err != nil {
			s.abandon()
			return nil, err
		}
	}
	return s, nil
}

// namedFile is one of a segment's files.
type namedFile struct {
	name string
	file *env.File
}

// files are the .log and the two indexes.
func (s *segment) files() []namedFile {
	return []namedFile{{logName(s.base), &s.log}, {indexName(s.base), &s.index}, {timesName(s.base), &s.timeIndex}}
}

// abandon closes the files of a segment of which one could not be opened: the
// error of that says more than those of closing.
func (s *segment) abandon() {
	for _, f := range s.files() {
		if *f.file != nil {
			_ = (*f.file).Close()
		}
	}
}

// fill is what the roll policy wants to know.
func (s *segment) fill() segmentFill {
	return segmentFill{
		base: s.base, sizeBytes: s.size, indexEntries: len(s.sparse.entries), timeEntries: len(s.times.entries),
		firstBatch: s.firstBatch, created: s.created,
	}
}

// add publishes a batch that lies in the file behind the others.
func (s *segment) add(h *record.Header) {
	last := uint32(h.LastOffset() - s.base)
	if s.size == 0 {
		s.firstBatch = h.MaxTimestamp
	}
	s.times.see(h.MaxTimestamp, last)
	if s.sparse.add(last, uint32(s.size), h.SizeBytes()) {
		s.times.note()
	}
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

// indexPageFull says that it is time to write the indexes.
func (s *segment) indexPageFull() bool {
	return (len(s.sparse.entries)-s.indexWritten)*indexEntryBytes >= indexPageBytes
}

// writeIndex appends the entries that the index files lack. The caller holds
// writer.
func (l *Log) writeIndex(s *segment) error {
	if waiting := s.sparse.entries[s.indexWritten:]; len(waiting) > 0 {
		m := l.node.Pool().Get(len(waiting) * indexEntryBytes)
		if err := s.index.Append(env.MemBuf(m, putEntries(m.Bytes()[:0], waiting))); err != nil {
			return err
		}
		s.indexWritten = len(s.sparse.entries)
	}
	if waiting := s.times.entries[s.timesWritten:]; len(waiting) > 0 {
		m := l.node.Pool().Get(len(waiting) * timeEntryBytes)
		if err := s.timeIndex.Append(env.MemBuf(m, putTimes(m.Bytes()[:0], waiting))); err != nil {
			return err
		}
		s.timesWritten = len(s.times.entries)
	}
	return nil
}

// noteTime makes the last entry of a segment's time index: the largest timestamp
// (Kafka's LogSegment.onBecomeInactiveSegment).
func (l *Log) noteTime(s *segment) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s.times.note()
}

// closeIndex completes and closes the indexes of a segment that is no longer
// active. The caller holds writer.
func (l *Log) closeIndex(s *segment) error {
	l.noteTime(s)
	err := l.writeIndex(s)
	for _, f := range []*env.File{&s.index, &s.timeIndex} {
		if closeErr := (*f).Close(); err == nil {
			err = closeErr
		}
		*f = nil
	}
	return err
}

// openIndex opens the indexes of a segment that becomes active again. The caller
// holds writer.
func (l *Log) openIndex(s *segment) (err error) {
	for _, f := range s.files()[1:] {
		if *f.file != nil {
			continue
		}
		if *f.file, err = l.fs.Open(path.Join(l.dir, f.name)); err != nil {
			*f.file = nil
			return err
		}
	}
	return nil
}

// syncIndexFiles forces the indexes of a segment, by handles of its own: those of
// the log are closed by now, or about to be. A removed segment has none.
func (l *Log) syncIndexFiles(s *segment) error {
	for _, f := range s.files()[1:] {
		file, err := l.fs.Open(path.Join(l.dir, f.name))
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		err = file.Sync()
		if closeErr := file.Close(); err == nil {
			err = closeErr
		}
		if err != nil {
			return err
		}
	}
	return nil
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
		for _, f := range s.files()[1:] {
			if *f.file != nil {
				note((*f.file).Close())
				*f.file = nil
			}
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
	for _, f := range s.files() {
		if err := l.fs.Remove(path.Join(l.dir, f.name)); err != nil {
			return err
		}
	}
	return nil
}
