package commitlog

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path"
	"slices"

	"brokerlab/engine/env"
	"brokerlab/engine/record"
)

// scanBytes is how much of a segment recovery reads at a time.
const scanBytes = 1 << 20

// Past is what is known of a log's last life. The zero value is nothing.
type Past struct {
	// CleanShutdown says that the log was flushed and closed.
	CleanShutdown bool
	// RecoveryPoint is the offset below which all was flushed.
	RecoveryPoint int64
}

// Open opens the log in a directory, of which nothing is known: see OpenAfter.
func Open(node env.Node, dir string, cfg Config) (*Log, error) {
	return OpenAfter(node, dir, cfg, Past{})
}

// OpenAfter opens the log in a directory, which it makes if need be, and recovers
// it: Kafka's LogLoader. After a clean shutdown no segment is scanned, else those
// that reach beyond the recovery point: batch by batch, CRCs included, cut at the
// first that is not whole, right and next (no CRC covers the base offset). Of these,
// which were not flushed, a prefix is kept: where one does not end at the base offset of the next, those behind it are
// deleted (Kafka deletes them only if bytes were cut, and so may keep a hole).
//
// Segments that are not scanned are trusted, except one whose headers do not lead to
// its end. Nothing of them is deleted: offsets may be missing within and between
// them, as in Kafka, where compaction makes such gaps, and reads go on behind a gap.
// Two segments with the same offsets are an error (ErrCorrupt).
//
// Indexes are completed from the log, and leader epochs from what is scanned: without
// a leader-epoch-checkpoint file everything is. Files that are no segment's are left
// alone, except an index without its log, which is removed. Repairs says what was
// done.
func OpenAfter(node env.Node, dir string, cfg Config, past Past) (*Log, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("open log %s: %w", dir, err)
	}
	l := &Log{
		node: node, fs: node.FS(), dir: dir, cfg: cfg,
		roll: rollPolicy{
			segmentBytes: cfg.SegmentBytes, indexBytes: cfg.SegmentIndexBytes,
			intervalMillis: cfg.SegmentInterval.Milliseconds(),
		},
	}
	l.writer.Mutex = node.NewMutex()
	l.retention = node.NewMutex()
	l.mu.Mutex = node.NewMutex()
	l.mu.group.flushed = node.NewCond(l.mu.Mutex)
	l.mu.group.gathered = node.NewCond(l.mu.Mutex)
	if err := l.load(past); err != nil {
		_ = l.dropFiles(l.mu.segments) // the error that is returned says more
		return nil, fmt.Errorf("open log %s: %w", dir, err)
	}
	return l, nil
}

// load opens and recovers the segments and the leader epochs.
func (l *Log) load(past Past) error {
	if err := l.fs.MkdirAll(l.dir); err != nil {
		return err
	}
	entries, err := l.fs.List(l.dir)
	if err != nil {
		return err
	}
	if err := l.removeLeftovers(entries); err != nil {
		return err
	}
	l.listSnapshots(entries)
	files, err := l.listSegments(entries)
	if err != nil {
		return err
	}
	var known bool
	l.mu.epochs.entries, known, err = readEpochs(l.node, path.Join(l.dir, epochsName))
	if err != nil {
		return err
	}
	epochsInFile := l.mu.epochs.entries
	if !known {
		past = Past{}
	}
	if err := l.loadSegments(files, past); err != nil {
		return err
	}
	s, first := l.active(), l.mu.segments[0]
	l.mu.end = s.end
	l.mu.names = 1 // what is new in the directory is not known: the first flush forces it
	recovery := min(max(past.RecoveryPoint, first.base), s.end)
	// If the process crashed, what it truncated last may not be on disk.
	s.cut = true
	if past.CleanShutdown && !l.recovered {
		recovery, s.cut = s.end, false
	}
	l.mu.flush = flushPolicy{
		messages: l.cfg.FlushMessages, interval: l.cfg.FlushInterval, recovery: recovery, lastFlush: l.node.Now(),
	}
	if err := l.readProducers(); err != nil {
		return err
	}
	l.mu.epochs.cutStart(first.base)
	l.mu.epochs.cutEnd(s.end)
	if slices.Equal(l.mu.epochs.entries, epochsInFile) {
		return nil
	}
	return l.writeEpochsLocked()
}

// segmentFile is a .log file as the directory lists it.
type segmentFile struct {
	base  int64
	bytes int64
}

// loadSegments fills mu.segments. The last of them has an open index.
func (l *Log) loadSegments(files []segmentFile, past Past) error {
	for i, file := range files {
		s, err := l.openSegment(file.base)
		if err != nil {
			return err
		}
		l.mu.segments = append(l.mu.segments, s)
		next := int64(math.MaxInt64)
		if i < len(files)-1 {
			next = files[i+1].base
		}
		trusted := past.CleanShutdown || next <= past.RecoveryPoint
		if err := l.loadSegment(s, next, trusted); err != nil {
			return err
		}
		// Flushes go from the first segment that is not settled on.
		if i > 0 && !l.mu.segments[i-1].settled() {
			s.indexSynced = false
		}
		switch {
		case next == math.MaxInt64 || !trusted && s.end != next:
			l.mu.recent = len(s.recent) - 1
			return l.deleteSegments(s.end, files[i+1:])
		case s.end > next:
			return fmt.Errorf("%w: %s reaches to offset %d, where %s has others", ErrCorrupt, logName(s.base), s.end,
				logName(next))
		case s.end < next:
			l.repaired(Repair{File: logName(s.base), Did: didKeep, Bytes: s.log.Size() - s.size,
				Found: fmt.Sprintf("it ends at offset %d, the next segment begins at %d", s.end, next)})
		}
		s.forgetRecent(0)
		if err := l.closeIndex(s); err != nil {
			return err
		}
	}
	s, err := l.createSegment(0)
	if err != nil {
		return err
	}
	l.mu.segments = append(l.mu.segments, s)
	return l.forceNames()
}

// loadSegment finds what a segment holds. Bytes behind its last batch are cut off,
// except in front of a gap: in a segment that was flushed they were batches, and what
// of them can be saved is not for a broker to decide.
func (l *Log) loadSegment(s *segment, next int64, trusted bool) error {
	broken := true
	if trusted {
		var err error
		if broken, err = l.trust(s); err != nil || !broken {
			return err
		}
	}
	found, err := l.loadIndexes(s)
	if err == nil {
		err = l.recoverSegment(s, next)
	}
	if err != nil {
		return err
	}
	if cut := s.log.Size() - s.size; cut > 0 && (!trusted || s.end >= next || next == math.MaxInt64) {
		l.repaired(Repair{File: logName(s.base), Did: didCut, Bytes: cut,
			Found: fmt.Sprintf("what follows offset %d is no batch that continues the log", s.end)})
		if err := s.log.Truncate(s.size); err != nil {
			return err
		}
	}
	return l.settleIndexes(s, found)
}

// listSegments returns the segments in order and removes indexes that have no
// log.
func (l *Log) listSegments(entries []env.DirEntry) ([]segmentFile, error) {
	var files []segmentFile
	logs := make(map[int64]bool)
	for _, e := range entries { // in the order of names, which is that of offsets
		if base, suffix, ok := parseName(e.Name); ok && !e.Dir && suffix == "log" {
			if e.Bytes > math.MaxInt32 {
				return nil, fmt.Errorf("%s has %d bytes, more than positions can say", e.Name, e.Bytes)
			}
			files = append(files, segmentFile{base: base, bytes: e.Bytes})
			logs[base] = true
		}
	}
	for _, e := range entries {
		if base, suffix, ok := parseName(e.Name); ok && !e.Dir && suffix != "log" && !logs[base] {
			if err := l.fs.Remove(path.Join(l.dir, e.Name)); err != nil {
				return nil, err
			}
			l.repaired(Repair{File: e.Name, Did: didDelete, Bytes: e.Bytes, Found: "it is an index without a log"})
		}
	}
	return files, nil
}

// deleteSegments removes the segments behind one that ends too early, last first.
func (l *Log) deleteSegments(end int64, files []segmentFile) error {
	if len(files) == 0 {
		return nil
	}
	for i := len(files) - 1; i >= 0; i-- {
		if err := l.fs.Remove(path.Join(l.dir, logName(files[i].base))); err != nil {
			return err
		}
		for _, name := range []string{indexName(files[i].base), timesName(files[i].base)} {
			if err := removeIfThere(l.fs, path.Join(l.dir, name)); err != nil {
				return err
			}
		}
		l.repaired(Repair{File: logName(files[i].base), Did: didDelete, Bytes: files[i].bytes,
			Found: fmt.Sprintf("it was not flushed, and the log before it ends at offset %d", end)})
	}
	return l.forceNames()
}

// forceNames forces the directory where a power loss could otherwise leave
// segments that were never a log together: the first one's name lost while a later
// one's is kept, or a removed one back behind other batches of its offsets. It
// runs when a log is made and when segments are removed.
func (l *Log) forceNames() error {
	if err := l.fs.SyncDir(l.dir); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.stats.DirSyncs++
	return nil
}

// openSegment opens a segment's files; a missing index becomes an empty one. What
// they hold is not known yet.
func (l *Log) openSegment(base int64) (*segment, error) {
	s := l.newSegment(base)
	for i, f := range s.files() {
		name := path.Join(l.dir, f.name)
		file, err := l.fs.Open(name)
		if i > 0 && errors.Is(err, fs.ErrNotExist) {
			file, err = l.fs.Create(name)
		}
		if err != nil {
			s.abandon()
			return nil, err
		}
		*f.file = file
	}
	return s, nil
}

// indexesFound are the entries that a segment's index files hold, as far as they
// can be true.
type indexesFound struct {
	offsets []indexEntry
	times   []timeEntry
}

// loadIndexes reads both index files of a segment.
func (l *Log) loadIndexes(s *segment) (found indexesFound, err error) {
	err = l.withContent(s.index, func(p []byte) { found.offsets = parseEntries(p, s.log.Size()) })
	if err == nil {
		err = l.withContent(s.timeIndex, func(p []byte) { found.times = parseTimes(p) })
	}
	return found, err
}

// withContent shows what an index file holds; nothing if that is only a length.
func (l *Log) withContent(f env.File, show func([]byte)) error {
	size := int(min(f.Size(), indexBytesMax))
	b, err := f.Read(0, size)
	if err != nil {
		return err
	}
	m := l.node.Pool().Get(size)
	defer m.Release()
	file := m.Bytes()[:b.Len()]
	err = b.ReadAt(file, 0)
	b.Release()
	if errors.Is(err, env.ErrNoBytes) {
		return nil
	}
	if err != nil {
		return err
	}
	show(file)
	return nil
}

// trust loads a segment without a scan: it takes the entries of its index, if the
// last one is true, and walks the headers behind that one, so that missing entries
// are added and the segment's end is known. broken says that the headers do not
// lead to the end of the file.
func (l *Log) trust(s *segment) (broken bool, err error) {
	found, err := l.loadIndexes(s)
	if err != nil {
		return false, err
	}
	w := headerWalk{log: s.log, pool: l.node.Pool(), base: s.base, size: s.log.Size()}
	defer w.close()
	if w.size > 0 {
		switch h, err := w.header(0); {
		case errors.Is(err, ErrCorrupt):
			return true, nil
		case err != nil:
			return false, err
		default:
			s.firstBatch = h.MaxTimestamp
		}
	}
	if n := len(found.offsets); n > 0 {
		e := found.offsets[n-1]
		h, err := w.headerOf(e)
		switch {
		case errors.Is(err, errIndexLies): // the headers say all
		case err != nil:
			return false, err
		default:
			s.sparse.entries = found.offsets[: n-1 : n-1]
			s.sparse.sinceBytes = l.cfg.IndexIntervalBytes + 1 // so that add makes this entry again
			s.times.entries = slices.Clip(found.times)
			s.times.largest = s.times.last()
			s.size, s.end = int64(e.position), h.BaseOffset
			s.recent[0] = batchRef{baseOffset: uint32(s.end - s.base), position: e.position}
		}
	}
	for s.size < w.size {
		h, err := w.header(s.size)
		if errors.Is(err, ErrCorrupt) || err == nil && h.BaseOffset < s.end {
			return true, nil
		}
		if err != nil {
			return false, err
		}
		s.add(&h)
		s.forgetRecent(0)
	}
	if s.times.largest != noTime && int64(s.times.largest.offset) >= s.end-s.base {
		return true, nil
	}
	s.synced = s.size
	return false, l.settleIndexes(s, found)
}

// recoverSegment scans a segment from its start, CRCs included, up to the first batch
// that is not whole and right, and makes its indexes anew: Kafka's
// LogSegment.recover. The leader epochs that begin in the next segments stay.
func (l *Log) recoverSegment(s *segment, next int64) error {
	s.clear(l.cfg.IndexIntervalBytes)
	l.recovered = true
	epochs := slices.Clone(l.mu.epochs.entries)
	// All from the base on are found in the batches. One that begins there may be wrong: it
	// is forced before its first batch is written, and a power loss may undo the truncation
	// that came before.
	l.mu.epochs.cutEnd(s.base)
	if err := l.scan(s); err != nil {
		return err
	}
	for _, e := range epochs {
		if e.offset >= next {
			l.mu.epochs.assign(e)
		}
	}
	s.forgetRecent(recentBatchesMax)
	l.mu.stats.SegmentsScanned++
	return nil
}

// scan adds the batches of a segment's file to it up to the first that is not
// whole, right and next.
func (l *Log) scan(s *segment) error {
	fileBytes := s.log.Size()
	want := int64(scanBytes)
	for s.size < fileBytes {
		b, err := s.log.Read(s.size, int(min(want, fileBytes-s.size)))
		if err == nil {
			b, err = b.Load(l.node.Pool())
		}
		if err != nil {
			return err
		}
		need, err := l.scanChunk(s, b)
		b.Release()
		if err != nil {
			return err
		}
		if need == 0 || s.size+need > fileBytes {
			return nil
		}
		want = max(scanBytes, need)
		if len(s.recent) > 2*recentBatchesMax {
			s.forgetRecent(recentBatchesMax)
		}
	}
	return nil
}

// scanChunk adds the batches of b, which is what the file holds behind s, up to
// the first that is not wholly in b or not right. It returns how many bytes it
// takes to see that batch, and 0 if it is not right.
func (l *Log) scanChunk(s *segment, b env.Buf) (need int64, err error) {
	for off := 0; ; {
		rest := b.Len() - off
		if rest < record.HeaderSize {
			return record.HeaderSize, nil
		}
		h, err := parseHeader(b, off)
		if errors.Is(err, ErrCorrupt) {
			return 0, nil
		}
		if err != nil {
			return 0, err
		}
		if h.BaseOffset != s.end || h.LastOffset()-s.base > math.MaxInt32 {
			return 0, nil
		}
		if rest < h.SizeBytes() {
			return int64(h.SizeBytes()), nil
		}
		if l.checkCRC(b, off, &h) != nil {
			return 0, nil
		}
		l.mu.epochs.assign(epochStart{epoch: h.PartitionLeaderEpoch, offset: h.BaseOffset})
		s.add(&h)
		off += h.SizeBytes()
	}
}

// settleIndexes makes a segment's index files what its indexes are, the largest
// timestamp included. If nothing had to be changed they are taken to be on disk.
func (l *Log) settleIndexes(s *segment, found indexesFound) error {
	s.times.note()
	s.indexWritten = commonPrefix(found.offsets, s.sparse.entries)
	s.timesWritten = commonPrefix(found.times, s.times.entries)
	indexBytes, timesBytes := int64(s.indexWritten)*indexEntryBytes, int64(s.timesWritten)*timeEntryBytes
	s.indexSynced = s.synced == s.size && s.index.Size() == indexBytes && s.timeIndex.Size() == timesBytes &&
		s.indexWritten == len(s.sparse.entries) && s.timesWritten == len(s.times.entries)
	if err := cutTo(s.index, indexBytes); err != nil {
		return err
	}
	if err := cutTo(s.timeIndex, timesBytes); err != nil {
		return err
	}
	return l.writeIndex(s)
}

// commonPrefix is how many elements a and b have in common from their start.
func commonPrefix[T comparable](a, b []T) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}
