package commitlog

import (
	"errors"
	"fmt"
	"math"

	"brokerlab/engine/env"
	"brokerlab/engine/record"
)

// AppendAsLeader appends one batch from a producer and takes it over, also when
// it fails. It checks the batch as Kafka does (ErrTooLarge, ErrCorrupt,
// ErrInvalid), gives it the next offsets and the leader epoch in a header of its
// own, and shares the body: the CRC covers neither of the two.
func (l *Log) AppendAsLeader(leaderEpoch int32, batch env.Buf) (Appended, error) {
	a, err := l.appendAsLeader(leaderEpoch, batch)
	if err != nil {
		return Appended{}, l.wrap("append to", err)
	}
	return a, nil
}

func (l *Log) appendAsLeader(leaderEpoch int32, batch env.Buf) (Appended, error) {
	batch, err := batch.Load(l.node.Pool())
	if err != nil {
		return Appended{}, err
	}
	defer batch.Release()
	h, err := l.checkProduced(batch)
	if err != nil {
		return Appended{}, err
	}
	return l.finish(func() (Appended, error) { return l.appendProducedLocked(leaderEpoch, h, batch) })
}

func (l *Log) appendProducedLocked(leaderEpoch int32, h record.Header, batch env.Buf) (Appended, error) {
	if err := l.validateRecordsLocked(&h, batch); err != nil {
		return Appended{}, err
	}
	if found, duplicate, err := l.writer.producers.check(&h, l.mu.segments[0].base > 0); err != nil {
		return Appended{}, err
	} else if duplicate {
		now := l.node.Now()
		return Appended{BaseOffset: found.baseOffset, NextOffset: found.nextOffset, Duplicate: true,
			Validated: now, Done: now}, nil
	}
	h.BaseOffset = l.active().end
	h.PartitionLeaderEpoch = leaderEpoch
	a := Appended{
		BaseOffset: h.BaseOffset,
		NextOffset: h.NextOffset(),
		Bytes:      batch.Len(),
		Validated:  l.node.Now(),
	}
	if err := l.rollIfDueLocked(&h); err != nil {
		return Appended{}, err
	}
	if err := l.assignEpochLocked(epochStart{epoch: leaderEpoch, offset: h.BaseOffset}); err != nil {
		return Appended{}, err
	}
	m := l.node.Pool().Get(record.HeaderSize)
	header := m.Bytes()[:record.HeaderSize]
	h.Put(header)
	whole := env.Join(env.MemBuf(m, header), batch.Slice(record.HeaderSize, batch.Len()-record.HeaderSize))
	l.writer.headers = append(l.writer.headers[:0], h)
	return a, l.writeLocked(whole, l.writer.headers)
}

// AppendAsFollower appends one or more whole batches that have their offsets,
// and takes them over, also when it fails. Each one's header and CRC are checked
// (ErrCorrupt), and the offsets must continue the log without a gap (ErrInvalid).
// As in Kafka, max.message.bytes binds producers only. All that is wrong with
// the batches is found before the first byte is written.
func (l *Log) AppendAsFollower(batches env.Buf) (Appended, error) {
	a, err := l.appendAsFollower(batches)
	if err != nil {
		return Appended{}, l.wrap("append to", err)
	}
	return a, nil
}

func (l *Log) appendAsFollower(batches env.Buf) (Appended, error) {
	l.node.Charge(env.OpCopy, batches.Len()) // out of the leader's page cache, or of a socket
	batches, err := batches.Load(l.node.Pool())
	if err != nil {
		return Appended{}, err
	}
	defer batches.Release()
	if err := l.checkFetched(batches); err != nil {
		return Appended{}, err
	}
	return l.finish(func() (Appended, error) { return l.appendFetchedLocked(batches) })
}

func (l *Log) appendFetchedLocked(batches env.Buf) (Appended, error) {
	headers, err := l.fetchedHeadersLocked(batches)
	if err != nil {
		return Appended{}, err
	}
	a := Appended{Validated: l.node.Now(), Bytes: batches.Len(), BaseOffset: l.active().end}
	off := 0
	for len(headers) > 0 {
		if err := l.rollIfDueLocked(&headers[0]); err != nil {
			return Appended{}, err
		}
		count, size := l.fitting(headers)
		for _, h := range headers[:count] {
			if err := l.assignEpochLocked(epochStart{epoch: h.PartitionLeaderEpoch, offset: h.BaseOffset}); err != nil {
				return Appended{}, err
			}
		}
		if err := l.writeLocked(batches.Slice(off, size), headers[:count]); err != nil {
			return Appended{}, err
		}
		headers, off = headers[count:], off+size
	}
	a.NextOffset = l.active().end
	return a, nil
}

// AwaitAppend returns when no append holds the log's lock: at once, or after the
// writes and flushes of those that do.
func (l *Log) AwaitAppend() {
	l.writer.Lock()
	defer l.writer.Unlock()
}

// checkFetched checks what needs no lock: that there are whole batches, their
// CRCs and sizes.
func (l *Log) checkFetched(batches env.Buf) error {
	for off := 0; off < batches.Len(); {
		h, err := l.parseBatch(batches, off)
		if err != nil {
			return err
		}
		if int64(h.SizeBytes()) > l.cfg.SegmentBytes {
			return fmt.Errorf("%w: %d bytes, segment.bytes is %d", ErrTooLarge, h.SizeBytes(), l.cfg.SegmentBytes)
		}
		off += h.SizeBytes()
	}
	return nil
}

// fetchedHeadersLocked returns the headers of checked batches, in scratch
// memory, if they continue the log.
func (l *Log) fetchedHeadersLocked(batches env.Buf) ([]record.Header, error) {
	headers := l.writer.headers[:0]
	next := l.active().end
	for off := 0; off < batches.Len(); {
		h, err := parseHeader(batches, off)
		if err != nil {
			return nil, err
		}
		if h.BaseOffset != next {
			return nil, fmt.Errorf("%w: its base offset is %d, the log ends at %d", ErrInvalid, h.BaseOffset, next)
		}
		next = h.NextOffset()
		off += h.SizeBytes()
		headers = append(headers, h)
	}
	l.writer.headers = headers
	return headers, nil
}

// fitting says how many of headers, and how many bytes, go into the active
// segment by one write: at least the first, for which it was rolled if need be.
func (l *Log) fitting(headers []record.Header) (count, sizeBytes int) {
	fill := l.active().fill()
	for i := range headers {
		h := &headers[i]
		if i > 0 && l.roll.due(fill, l.rollBatch(h)) {
			break
		}
		if fill.sizeBytes == 0 {
			fill.firstBatch = h.MaxTimestamp
		}
		fill.sizeBytes += int64(h.SizeBytes())
		fill.indexEntries++ // at most
		fill.timeEntries++
		sizeBytes += h.SizeBytes()
		count++
	}
	return count, sizeBytes
}

// rollIfDueLocked begins a new segment if the batch does not go into the active
// one: Kafka's UnifiedLog.maybeRoll.
func (l *Log) rollIfDueLocked(h *record.Header) error {
	if !l.roll.due(l.active().fill(), l.rollBatch(h)) {
		return nil
	}
	return l.rollLocked()
}

// rollBatch is what the roll policy wants to know of a batch.
func (l *Log) rollBatch(h *record.Header) rollBatch {
	b := rollBatch{sizeBytes: h.SizeBytes(), lastOffset: h.LastOffset(), maxTimestamp: h.MaxTimestamp}
	if l.active().firstBatch < 0 {
		b.now = l.node.Wall().UnixMilli()
	}
	return b
}

// rollLocked begins a new segment: Kafka's UnifiedLog.roll. The old one is
// flushed in the background.
func (l *Log) rollLocked() error {
	old := l.active()
	if err := l.closeIndex(old); err != nil {
		return l.fail(err)
	}
	if err := l.trim(old); err != nil {
		return l.fail(err)
	}
	if err := l.forceCutLocked(); err != nil {
		return err
	}
	if err := l.takeSnapshot(old.end); err != nil {
		return l.fail(err)
	}
	s, err := l.createSegment(old.end)
	if err != nil {
		return l.fail(err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.segments = append(l.mu.segments, s)
	l.mu.names++
	l.mu.stats.Rolls++
	l.mu.rolled = s.base
	if !l.mu.flushing {
		l.mu.flushing = true
		l.node.Go("flush-log", l.flushRolled)
	}
	return nil
}

// writeLocked appends buf, the batches of headers, to the active segment's file
// by one write and then lets readers see them. It takes buf over. After a failed
// write it cuts what was written in part, and the log has failed.
func (l *Log) writeLocked(buf env.Buf, headers []record.Header) error {
	s := l.active()
	size := buf.Len()
	if err := s.log.Append(buf); err != nil {
		if s.log.Size() > s.size {
			if cutErr := s.log.Truncate(s.size); cutErr != nil {
				err = errors.Join(err, cutErr)
			}
		}
		return l.fail(err)
	}
	l.publish(s, headers, size)
	for i := range headers {
		l.writer.producers.add(&headers[i])
	}
	if s.indexPageFull() {
		if err := l.writeIndex(s); err != nil {
			return l.fail(err)
		}
	}
	return nil
}

// publish lets readers see batches that are in the file.
func (l *Log) publish(s *segment, headers []record.Header, size int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range headers {
		s.add(&headers[i])
		l.mu.stats.RecordsAppended += int64(headers[i].RecordCount)
	}
	l.mu.end = s.end
	l.mu.stats.BatchesAppended += int64(len(headers))
	l.mu.stats.BytesAppended += int64(size)
	l.mu.recent += len(headers)
	l.limitRecentLocked()
	l.tellUnflushedLocked()
}

// limitRecentLocked keeps the places of at most recentBatchesMax batches: it
// forgets those of old segments first, then the older half of the active one's.
// It needs mu.
func (l *Log) limitRecentLocked() {
	if l.mu.recent <= recentBatchesMax {
		return
	}
	last := len(l.mu.segments) - 1
	for _, s := range l.mu.segments[:last] {
		l.mu.recent -= s.forgetRecent(0)
	}
	if l.mu.recent > recentBatchesMax/2 {
		l.mu.recent -= l.active().forgetRecent(recentBatchesMax / 2)
	}
}

// finish runs an append with the log's lock held and flushes if flush.messages is
// reached. As in Kafka the lock is held over that flush, and the batches can be
// read before it; with flush.group.commit it is not.
func (l *Log) finish(write func() (Appended, error)) (Appended, error) {
	a, d, err := l.writeAndFlush(write)
	if err == nil && d.flush && l.cfg.FlushGroupCommit {
		err = l.commit(&a, d.truncations)
	}
	if err != nil {
		return Appended{}, err
	}
	if d.flush {
		a.Flushed = l.node.Now()
		a.Flushing += a.Flushed.Sub(a.Done)
	}
	return a, nil
}

// appendDue is what is left to do after an append.
type appendDue struct {
	flush       bool
	truncations int64 // of the log when it was written
}

func (l *Log) writeAndFlush(write func() (Appended, error)) (Appended, appendDue, error) {
	flushesLocked := l.cfg.FlushMessages > 0 && !l.cfg.FlushGroupCommit
	var since env.Time
	if flushesLocked {
		since = l.node.Now()
	}
	l.writer.Lock()
	defer l.writer.Unlock()
	if err := l.usable(); err != nil {
		return Appended{}, appendDue{}, err
	}
	a, err := write()
	if err != nil {
		return a, appendDue{}, err
	}
	a.Done = l.node.Now()
	if flushesLocked {
		a.Flushing = l.writer.flushes.since(since)
	}
	l.mu.Lock()
	d := appendDue{flush: l.mu.flush.dueByMessages(l.mu.end), truncations: l.mu.truncations}
	l.mu.Unlock()
	if d.flush && !l.cfg.FlushGroupCommit {
		err = l.flush(flushScope{before: math.MaxInt64})
		if err == nil && l.cfg.FlushIndexes {
			err = l.flushActiveIndexes()
		}
		l.writer.flushes.add(flushSpan{from: a.Done, to: l.node.Now()})
	}
	return a, d, err
}

// flushActiveIndexes writes what the active segment's index files lack and forces
// both. The caller holds writer.
func (l *Log) flushActiveIndexes() error {
	s := l.active()
	err := l.writeIndex(s)
	for _, f := range []env.File{s.index, s.timeIndex} {
		if err == nil {
			err = l.sync(f)
		}
	}
	if err != nil {
		return l.fail(err)
	}
	l.mu.Lock()
	l.mu.stats.Fsyncs += 2
	l.mu.Unlock()
	return nil
}
