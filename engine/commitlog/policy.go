package commitlog

import (
	"math"
	"time"

	"brokerlab/engine/env"
)

// rollPolicy decides when a batch begins a new segment: Kafka's
// LogSegment.shouldRoll without its time rule. Pure.
type rollPolicy struct {
	segmentBytes    int64
	indexEntriesMax int
}

// segmentFill is what a rollPolicy knows of the active segment.
type segmentFill struct {
	base         int64 // base offset
	sizeBytes    int64
	indexEntries int
}

// due says whether a batch of batchBytes bytes whose last offset is lastOffset
// must begin a new segment. An empty segment takes every batch that the log
// accepts, so that rolling always ends.
func (p rollPolicy) due(s segmentFill, batchBytes int, lastOffset int64) bool {
	if s.sizeBytes == 0 {
		return false
	}
	return s.sizeBytes > p.segmentBytes-int64(batchBytes) ||
		s.indexEntries >= p.indexEntriesMax ||
		lastOffset-s.base > math.MaxInt32
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
