// Package commitlog is one partition's log on disk: segments of record batches
// with sparse indexes by offset and by time and leader epochs, appended to by a leader or a
// follower, read by offset, found by time, forced by a flush policy, and recovered after a
// crash; and the directories that hold a broker's logs (LogDirs). It does not
// replicate and keeps no high watermark; it promises after a power loss only what
// a Flush (or an append that flushed) covered.
//
// It is Kafka's UnifiedLog, LogSegment, OffsetIndex and LogLoader. A partition's
// directory holds, for each segment, three files named by the segment's base
// offset in 20 digits:
//
//	00000000000000000000.log    record batches v2, one after another
//	00000000000000000000.index  8-byte entries, big-endian, as Kafka's OffsetIndex:
//	                            | last offset of a batch - base offset  int32 |
//	                            | position of that batch in the .log    int32 |
//	00000000000000000000.timeindex  12-byte entries, as Kafka's TimeIndex:
//	                            | largest timestamp so far, ms          int64 |
//	                            | last offset of its batch - base offset int32 |
//
// and one file for all of them, leader-epoch-checkpoint, with the first offset of
// each leader epoch, in lines of text.
//
// An entry is made when a batch is appended and more than index.interval.bytes
// went in since the last entry; the time index gets its last one when its segment
// is closed. Both are held in memory and written a page at a time, at a roll and
// at Close; opening the log completes them from the .log. A roll hands the old
// segment to a task that forces it to disk, as Kafka's UnifiedLog.roll does.
//
// # What is Kafka's and what is ours
//
// As in Kafka, an append holds the log's lock while it validates and
// decompresses the records, writes the file, and forces it when flush.messages
// is reached: what waits behind that lock is part of what is measured, also the
// news of followers (AwaitAppend). A flush by flush.ms runs beside appends.
// Readers take neither of these: they take a second, short lock that is never
// held over I/O, where Kafka reads volatile fields.
//
// Not as in Kafka: a flush forces the indexes of closed segments only. Kafka's
// LogSegment.flush forces the .log and then both indexes of every segment that it
// flushes, the active one too: the indexes are mapped, and MappedByteBuffer.force is
// an msync that waits for the device even if no page of the mapping has changed. With
// flush.messages=1 and batches of 128 KiB each of them has an entry more each time.
// Recovery reads that segment from its start whatever its indexes hold, so that
// nothing depends on it; it cost 635 us where forcing the .log alone cost 360 (medians
// of 600 in turns on ext4, fdatasync of the .log or, as Kafka, fsync: no difference
// to speak of). So a forced batch costs Kafka about 1.8 times what it costs here;
// flush.indexes, off by default, does as Kafka for comparisons that need it.
// The directory is forced also when a log is made and when segments are
// removed, and a .log that was truncated before a segment begins behind it; indexes are
// not preallocated, and preallocate reserves room without making the .log longer, so that
// it never has zeros at its end.
//
// Ours, and always on because it changes no bytes: the places of the last
// recentBatchesMax batches are kept in memory, so that reads near the end find
// whole batches without reading headers from the file.
//
// Ours, and off by default: flush.group.commit, with which appends that have to be
// flushed share one fsync, waited for without the log's lock.
//
// Ours, and off by default: segment.recycle, as PostgreSQL, etcd and RocksDB do it
// with their write-ahead logs. The .log of a segment that retention deletes is filled
// with zeros, beside appends, and waits, named *.log.deleted, for a roll, which renames
// it and writes it over from its start. An fsync of bytes that lie in blocks which the
// file has already commits no change of its length or blocks to the file system's
// journal. The price is that such a segment's bytes are written twice. The indexes are
// small and made anew. While the segment is active, and after a crash, zeros lie behind
// its end, as in a file that Kafka preallocates: recovery, ours and Kafka's, cuts them
// off. Without the zeros batches of the former life would lie there, and offsets alone
// do not tell them apart: a torn write can leave the base offset of a new batch in front
// of the rest of an old one, which no CRC covers. A segment that is rolled away from or
// closed is cut to its size, so that Kafka's tools read it.
//
// Lock order: Log.retention, then Log.writer, then Log.mu.
package commitlog

import (
	"errors"
	"fmt"
	"math"
	"time"

	"brokerlab/engine/codec"
	"brokerlab/engine/env"
	"brokerlab/engine/record"
)

// Errors of a log. They come wrapped with the operation and the directory; test
// with errors.Is.
var (
	// ErrCorrupt says that the bytes of a batch are not what its CRC or its
	// header say (Kafka's CORRUPT_MESSAGE).
	ErrCorrupt = record.ErrCorrupt
	// ErrTooLarge says that a batch is larger than max.message.bytes or
	// segment.bytes (Kafka's MESSAGE_TOO_LARGE).
	ErrTooLarge = errors.New("record batch too large")
	// ErrInvalid says that a batch is intact but not acceptable (Kafka's
	// INVALID_RECORD).
	ErrInvalid = record.ErrInvalid
	// ErrOffsetOutOfRange says that the log does not hold the offset.
	ErrOffsetOutOfRange = errors.New("offset out of range")
	// ErrFailed says that an earlier or this write or fsync failed, and that the
	// log takes no more calls. It wraps the cause.
	ErrFailed = errors.New("log failed")
)

// Named limits.
const (
	// recentBatchesMax bounds the batches whose places a log keeps in memory, at
	// 8 bytes each.
	recentBatchesMax = 1 << 16
	// indexBytesMax bounds what is read of an index file.
	indexBytesMax = 1 << 28
	// indexPageBytes is how much of an index is written at a time.
	indexPageBytes = 4096
	// decompressedBytesMax bounds what one produced batch may decompress to.
	decompressedBytesMax = 128 << 20
	// readTriesMax bounds how often a read starts again because a Truncate ran
	// beside it.
	readTriesMax = 3
)

// Config is a topic's log settings, by Kafka's names.
type Config struct {
	SegmentBytes       int64         // segment.bytes
	SegmentInterval    time.Duration // segment.ms
	SegmentIndexBytes  int64         // segment.index.bytes: the largest index of a segment
	IndexIntervalBytes int64         // index.interval.bytes
	FlushMessages      int64         // flush.messages; 0 = never
	FlushInterval      time.Duration // flush.ms; 0 = never
	MaxMessageBytes    int64         // max.message.bytes: the largest batch
	RetentionBytes     int64         // retention.bytes; 0 = unlimited
	RetentionInterval  time.Duration // retention.ms; 0 = unlimited
	Preallocate        bool          // preallocate: a new segment gets its room on the disk at once
	// FlushGroupCommit is flush.group.commit, which Kafka does not have: an append
	// that has to be flushed leaves the log's lock and waits for a flush that covers
	// it, which others share.
	FlushGroupCommit bool
	// FlushIndexes forces the indexes of the active segment with every flush that
	// flush.messages asks for, one file after the other, as Kafka's LogSegment.flush
	// does (AbstractIndex.flush: msync). Without it they are forced when the segment is
	// rolled: recovery builds them anew from the .log file either way.
	FlushIndexes bool
	// Implementation is the library that decompresses produced batches of a codec, with
	// which their records are checked; the zero value is the default one of each.
	Codec          codec.Type
	Implementation codec.Implementation
	// Observer, if not nil, is told of fsyncs and of what is not forced.
	Observer Observer
	// SegmentRecycle is segment.recycle, which Kafka does not have: the .log files of
	// segments that retention deletes are written over by the segments of the next
	// rolls, at most spareSegmentsMax wait for that.
	SegmentRecycle bool
}

// DefaultConfig returns Kafka's defaults.
func DefaultConfig() Config {
	return Config{
		SegmentBytes: 1 << 30, SegmentInterval: 7 * 24 * time.Hour, SegmentIndexBytes: 10 << 20,
		IndexIntervalBytes: 4096, MaxMessageBytes: 1048588, RetentionInterval: 7 * 24 * time.Hour,
	}
}

// Validate says what is wrong with the settings. The smallest segment is far
// below Kafka's, so that tests can roll often.
func (c Config) Validate() error {
	switch {
	case c.SegmentBytes < record.HeaderSize || c.SegmentBytes > math.MaxInt32:
		return fmt.Errorf("segment.bytes %d is not between %d and %d", c.SegmentBytes, record.HeaderSize, math.MaxInt32)
	case c.SegmentInterval < time.Millisecond:
		return fmt.Errorf("segment.ms %v is below 1 ms", c.SegmentInterval)
	case c.SegmentIndexBytes < 4 || c.SegmentIndexBytes > math.MaxInt32:
		return fmt.Errorf("segment.index.bytes %d is not between 4 and %d", c.SegmentIndexBytes, math.MaxInt32)
	case c.IndexIntervalBytes < 0 || c.IndexIntervalBytes > math.MaxInt32:
		return fmt.Errorf("index.interval.bytes %d is not between 0 and %d", c.IndexIntervalBytes, math.MaxInt32)
	case c.FlushMessages < 0:
		return fmt.Errorf("flush.messages %d is negative", c.FlushMessages)
	case c.FlushInterval < 0:
		return fmt.Errorf("flush.ms %v is negative", c.FlushInterval)
	case c.RetentionBytes < 0 || c.RetentionInterval < 0:
		return fmt.Errorf("retention.bytes %d or retention.ms %v is negative", c.RetentionBytes, c.RetentionInterval)
	case c.MaxMessageBytes < record.HeaderSize || c.MaxMessageBytes > math.MaxInt32:
		return fmt.Errorf("max.message.bytes %d is not between %d and %d",
			c.MaxMessageBytes, record.HeaderSize, math.MaxInt32)
	}
	return codec.CheckImplementation(c.Codec, c.Implementation)
}

// Appended says what an append did and when.
type Appended struct {
	BaseOffset int64 // the first offset that was appended
	NextOffset int64 // the log end offset after it
	Bytes      int
	// Duplicate says that the log had the batch of this idempotent producer already,
	// at these offsets: nothing was appended.
	Duplicate bool
	Validated env.Time // when the records were validated, and the write began
	Done      env.Time // when the file write had returned
	Flushed   env.Time // when a flush that this append caused had returned; 0 if it caused none
	// Flushing is how long that flush took, and those of other appends for which this
	// one waited at the log's lock.
	Flushing time.Duration
}

// ReadRequest asks for batches from an offset on.
type ReadRequest struct {
	Offset     int64 // where to start; the first batch returned contains it
	MaxBytes   int   // no more than this
	Limit      int64 // exclusive: the high watermark, or the log end offset
	AtLeastOne bool  // the first batch even if it is larger than MaxBytes (KIP-74)
}

// Stats counts what a log has done since it was opened.
type Stats struct {
	Fsyncs          int64 // of .log files, those of the background included
	FsyncsToDrop    int64 // of these, those of DropCache
	DirSyncs        int64
	BytesAppended   int64
	BatchesAppended int64
	RecordsAppended int64
	Rolls           int64 // segments begun because the one before was full
	Segments        int   // now
	SegmentsScanned int64 // by recovery
	SegmentsDeleted int64 // by retention
	// SegmentsRecycled are segments that were begun in the file of a deleted one.
	SegmentsRecycled int64
	SpareBytes       int64 // of files that wait for that now
	RecoveryCut      int64 // bytes that recovery cut off or deleted
}

// Log is one partition's log. Its methods may be called from any task of its
// node.
type Log struct {
	node env.Node
	fs   env.FS
	dir  string
	cfg  Config
	roll rollPolicy
	// recovered says that Open scanned a segment, repairs what it found and did.
	recovered bool
	repairs   []Repair

	// retention is held while old segments are removed, which is done beside
	// appends, and by whatever removes all of them.
	retention env.Mutex

	// writer is Kafka's UnifiedLog.lock. It is held over validation, file writes
	// and a due flush.messages flush.
	writer struct {
		env.Mutex
		decompressor      *codec.Decompressor // nil before the first compressed batch
		decompressedBytes int                 // of the last compressed batch: the next one is likely as large
		headers           []record.Header     // scratch of the appends
		producers         producerStates
		// truncated is told when offsets were taken back; nil = nobody asks.
		truncated func(*Log) error
		flushes   recentFlushes // under the lock
	}

	// mu guards what readers see. It is never held over I/O. The task that
	// holds writer is the only one to change segments and end.
	mu struct {
		env.Mutex
		segments    []*segment // by base offset; the last one is active
		end         int64      // log end offset
		recent      int        // batches in the segments' recent lists
		flush       flushPolicy
		epochs      epochCache // changed by the holder of writer only
		truncations int64      // how often offsets were taken back
		names       int64      // how often the directory's names changed
		namesSynced int64      // the value of names that the last SyncDir covered
		failed      error      // ErrFailed and its cause, for ever; nil = usable
		closed      bool
		rolled      int64 // a background flush of the segments before it is due
		flushing    bool  // that flush runs
		spares      []spareFile
		snapshots   []int64 // offsets of the files with the state of producers, rising
		group       groupCommit
		told        unflushed // the Observer
		stats       Stats
	}
}

// StartOffset is the first offset of the log.
func (l *Log) StartOffset() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mu.segments[0].base
}

// EndOffset is the log end offset: the offset that the next record gets.
func (l *Log) EndOffset() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mu.end
}

// RecoveryPoint is the offset below which all is on disk, so that recovery need
// not scan it: Kafka's LocalLog.recoveryPoint.
func (l *Log) RecoveryPoint() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.recoveryPointLocked()
}

// Stats returns the counters.
func (l *Log) Stats() Stats {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.mu.stats
	s.Segments = len(l.mu.segments)
	for _, f := range l.mu.spares {
		s.SpareBytes += f.size
	}
	return s
}

// wrap names the operation and the log in an error.
func (l *Log) wrap(operation string, err error) error {
	return fmt.Errorf("%s %s: %w", operation, l.dir, err)
}

// usableLocked returns the error that every call on a closed or failed log
// gets. It needs mu.
func (l *Log) usableLocked() error {
	switch {
	case l.mu.failed != nil:
		return l.mu.failed
	case l.mu.closed:
		return env.ErrClosed
	default:
		return nil
	}
}

func (l *Log) usable() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.usableLocked()
}

// fail makes the log useless for good and returns what calls get from now on.
// Kafka takes the log directory offline. What the page cache holds after a
// failed fsync is not what the disk holds, so that no retry could be believed.
func (l *Log) fail(cause error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.mu.failed == nil {
		l.mu.failed = fmt.Errorf("%w: %w", ErrFailed, cause)
	}
	l.mu.group.flushed.Broadcast()
	return l.mu.failed
}

// active is the segment that appends go to. The caller holds writer or mu.
func (l *Log) active() *segment { return l.mu.segments[len(l.mu.segments)-1] }
