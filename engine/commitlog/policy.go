package commitlog

import (
	"math"
	"time"

	"brokerlab/engine/env"
)

// rollPolicy decides when a batch begins a new segment: Kafka's
// LogSegment.shouldRoll. Pure.
type rollPolicy struct {
	segmentBytes   int64
	indexBytes     int64 // segment.index.bytes
	intervalMillis int64 // segment.ms
}

// segmentFill is what a rollPolicy knows of the active segment.
type segmentFill struct {
	base         int64 // base offset
	sizeBytes    int64
	indexEntries int
	timeEntries  int
	firstBatch   int64 // max timestamp of the first batch, ms; negative = none
	created      int64 // ms since 1970
}

// rollBatch is what a rollPolicy knows of the batch to append.
type rollBatch struct {
	sizeBytes    int
	lastOffset   int64
	maxTimestamp int64 // ms since 1970
	now          int64 // ms since 1970; needed if the first batch had no timestamp
}

// due says whether a batch must begin a new segment. An empty segment takes every
// batch that the log accepts, so that rolling always ends. Time is that of the
// batches: a segment rolls when a batch is segment.ms younger than its first one.
// The time index keeps its last place for the entry of the roll.
func (p rollPolicy) due(s segmentFill, b rollBatch) bool {
	if s.sizeBytes == 0 {
		return false
	}
	waited := b.maxTimestamp - s.firstBatch
	if s.firstBatch < 0 {
		waited = b.now - s.created
	}
	return s.sizeBytes > p.segmentBytes-int64(b.sizeBytes) ||
		waited > p.intervalMillis ||
		int64(s.indexEntries) >= p.indexBytes/indexEntryBytes ||
		int64(s.timeEntries) >= p.indexBytes/timeEntryBytes-1 ||
		b.lastOffset-s.base > math.MaxInt32
}

// flushPolicy decides when a log is forced to disk: flush.messages and flush.ms.
// Pure.
type flushPolicy struct {
	messages  int64         // 0 = never
	interval  time.Duration // 0 = never
	recovery  int64         // Kafka's recovery point: all offsets below it are flushed
	lastFlush env.Time
}

// dueByMessages says, after an append, whether enough messages wait: Kafka's
// UnifiedLog.append.
func (p *flushPolicy) dueByMessages(end int64) bool {
	return p.messages > 0 && end-p.recovery >= p.messages
}

// dueByTime says whether the last flush is flush.ms ago and messages wait:
// Kafka's LogManager.flushDirtyLogs.
func (p *flushPolicy) dueByTime(end int64, now env.Time) bool {
	return p.interval > 0 && end > p.recovery && now.Sub(p.lastFlush) >= p.interval
}

// flushed notes that all offsets below end are on disk: Kafka's
// LocalLog.markFlushed.
func (p *flushPolicy) flushed(end int64, now env.Time) {
	if end > p.recovery {
		p.recovery = end
		p.lastFlush = now
	}
}

// truncated notes that offsets from end on are gone.
func (p *flushPolicy) truncated(end int64) { p.recovery = min(p.recovery, end) }

// startsAt notes that the log holds nothing before start.
func (p *flushPolicy) startsAt(start int64) { p.recovery = max(p.recovery, start) }
