package commitlog

import (
	"fmt"
	"math"
)

// retentionPolicy decides how many of the oldest segments go: the predicates of
// Kafka's UnifiedLog.deleteOldSegments. Pure.
type retentionPolicy struct {
	bytes          int64 // retention.bytes; 0 = unlimited
	intervalMillis int64 // retention.ms; 0 = unlimited
}

// agedSegment is what a retentionPolicy knows of a segment.
type agedSegment struct {
	sizeBytes int64
	youngest  int64 // largest timestamp, ms since 1970
	end       int64 // offset behind it
}

// expired counts the segments to delete, oldest first: those without which the
// log still has retention.bytes, then those whose youngest record is older than
// retention.ms. What is not replicated stays, and so does an empty last segment.
func (p retentionPolicy) expired(segments []agedSegment, now, highWatermark int64) int {
	n := 0
	deletable := func() bool {
		return n < len(segments) && segments[n].end <= highWatermark &&
			(n < len(segments)-1 || segments[n].sizeBytes > 0)
	}
	excess := -p.bytes
	for _, s := range segments {
		excess += s.sizeBytes
	}
	for p.bytes > 0 && deletable() && excess >= segments[n].sizeBytes {
		excess -= segments[n].sizeBytes
		n++
	}
	for p.intervalMillis > 0 && deletable() && now-segments[n].youngest > p.intervalMillis {
		n++
	}
	return n
}

// DeleteOldSegments deletes the segments that retention.bytes and retention.ms no
// longer keep, all of whose offsets are below the high watermark, and says how
// many: Kafka's UnifiedLog.deleteOldSegments, which the broker calls every
// log.retention.check.interval.ms. Whole segments go; if it is all of them, a new
// one begins first. The log's start moves at once, for readers too, and the files
// are removed without file.delete.delay.ms, beside appends (with segment.recycle some
// are kept for the next rolls); Bufs that were read before stay readable. A segment
// without timestamps is as old as it is open.
func (l *Log) DeleteOldSegments(highWatermark int64) (segments int, err error) {
	l.retention.Lock()
	defer l.retention.Unlock()
	gone, err := l.takeExpired(highWatermark)
	if err == nil {
		err = l.removeOldest(gone)
	}
	if err != nil {
		return 0, l.wrap("delete old segments of", err)
	}
	return len(gone), nil
}

// takeExpired takes the segments away from readers that have to go.
func (l *Log) takeExpired(highWatermark int64) ([]*segment, error) {
	l.writer.Lock()
	defer l.writer.Unlock()
	if err := l.usable(); err != nil {
		return nil, err
	}
	aged := make([]agedSegment, len(l.mu.segments))
	for i, s := range l.mu.segments {
		aged[i] = agedSegment{sizeBytes: s.size, youngest: s.times.largest.timestamp, end: s.end}
		if aged[i].youngest < 0 {
			aged[i].youngest = s.created
		}
	}
	p := retentionPolicy{bytes: l.cfg.RetentionBytes, intervalMillis: l.cfg.RetentionInterval.Milliseconds()}
	n := p.expired(aged, l.node.Wall().UnixMilli(), highWatermark)
	if n == 0 {
		return nil, nil
	}
	if n == len(aged) {
		if err := l.rollLocked(); err != nil {
			return nil, err
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	gone := l.mu.segments[:n:n]
	l.mu.segments = append([]*segment(nil), l.mu.segments[n:]...)
	for _, s := range gone {
		l.mu.recent -= len(s.recent) - 1
	}
	start := l.mu.segments[0].base
	l.mu.flush.startsAt(start)
	l.tellUnflushedLocked()
	l.mu.epochs.cutStart(start) // the file says it too, once the log is opened again
	l.mu.stats.SegmentsDeleted += int64(n)
	return gone, nil
}

// removeOldest removes the files of segments that readers no longer see, oldest
// first, each for good before the next one: a power loss must leave no gap. The
// caller holds retention.
func (l *Log) removeOldest(gone []*segment) error {
	if len(gone) > 0 {
		if _, err := l.removeSnapshots(0, gone[len(gone)-1].base+1); err != nil {
			return l.fail(err)
		}
	}
	for i, s := range gone {
		drop := gone[i : i+1]
		var err error
		if l.maySpare(s) {
			if err = l.setAside(s); err == nil {
				drop = nil
			}
		} else if err = l.removeFiles(s); err == nil {
			err = l.forceNames()
		}
		if dropErr := l.dropFiles(drop); err == nil {
			err = dropErr
		}
		if err != nil {
			return l.fail(err)
		}
	}
	return nil
}

// TruncateFullyAndStartAt deletes everything and goes on, empty, at an offset: a
// follower does it whose log ends before its leader's starts (Kafka's
// UnifiedLog.truncateFullyAndStartAt).
func (l *Log) TruncateFullyAndStartAt(offset int64) error {
	l.retention.Lock()
	defer l.retention.Unlock()
	l.writer.Lock()
	defer l.writer.Unlock()
	err := l.usable()
	if err == nil && (offset < 0 || offset > math.MaxInt64-math.MaxInt32) {
		err = fmt.Errorf("%w: %d", ErrOffsetOutOfRange, offset)
	}
	if err == nil {
		err = l.startAtLocked(offset)
	}
	if err != nil {
		return l.wrap("truncate", err)
	}
	return nil
}

func (l *Log) startAtLocked(offset int64) error {
	// A power loss may leave some of the segments. Those below the recovery point are
	// trusted, and gaps between them too.
	l.mu.Lock()
	l.mu.flush.truncated(l.mu.segments[0].base)
	l.mu.Unlock()
	if err := l.tellTruncated(); err != nil {
		return err
	}
	l.writer.producers = producerStates{}
	if _, err := l.removeSnapshots(0, math.MaxInt64); err != nil {
		return l.fail(err)
	}
	gone := l.mu.segments
	for i := len(gone) - 1; i >= 0; i-- {
		if err := l.removeFiles(gone[i]); err != nil {
			return l.fail(err)
		}
	}
	err := l.forceNames()
	if err != nil {
		return l.fail(err)
	}
	s, err := l.createSegment(offset)
	if err != nil {
		return l.fail(err)
	}
	l.mu.Lock()
	l.mu.segments = []*segment{s}
	l.mu.end, l.mu.recent = offset, 0
	l.mu.truncations++
	l.mu.names++
	l.mu.flush.truncated(offset)
	l.mu.flush.startsAt(offset)
	l.tellUnflushedLocked()
	l.mu.epochs.cutEnd(0)
	l.mu.Unlock()
	if err := l.dropFiles(gone); err != nil {
		return l.fail(err)
	}
	if err := l.tellTruncated(); err != nil {
		return err
	}
	return l.writeEpochsLocked()
}
