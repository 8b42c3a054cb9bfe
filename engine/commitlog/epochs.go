package commitlog

import (
	"path"
	"sort"
)

// epochsName is Kafka's file of a log's leader epochs, in the log's directory.
const epochsName = "leader-epoch-checkpoint"

// epochStart says at which offset a leader epoch begins.
type epochStart struct {
	epoch  int32
	offset int64
}

// epochCache knows which leader epoch wrote which offsets: Kafka's
// LeaderEpochFileCache without its file. Epochs and offsets both rise. Readers
// may hold the entries, so that their memory is not written again. Pure.
type epochCache struct {
	entries []epochStart
}

// latest is the last entry.
func (c *epochCache) latest() (e epochStart, ok bool) {
	if len(c.entries) == 0 {
		return epochStart{}, false
	}
	return c.entries[len(c.entries)-1], true
}

// assign notes that the batches from e.offset on are of e.epoch, and reports
// whether that is new. Entries that contradict it go, as in
// LeaderEpochFileCache.maybeTruncateNonMonotonicEntries.
func (c *epochCache) assign(e epochStart) (changed bool) {
	if e.epoch < 0 {
		return false
	}
	if last, ok := c.latest(); ok && last.epoch == e.epoch && last.offset <= e.offset {
		return false
	}
	n := len(c.entries)
	for n > 0 && (c.entries[n-1].epoch >= e.epoch || c.entries[n-1].offset >= e.offset) {
		n--
	}
	c.entries = append(c.entries[:n:n], e)
	return true
}

// cutEnd forgets epochs that begin at end or behind it.
func (c *epochCache) cutEnd(end int64) (changed bool) {
	n := sort.Search(len(c.entries), func(i int) bool { return c.entries[i].offset >= end })
	changed = n < len(c.entries)
	c.entries = c.entries[:n:n]
	return changed
}

// cutStart forgets what lies before start: the epoch of start begins there now.
func (c *epochCache) cutStart(start int64) (changed bool) {
	n := sort.Search(len(c.entries), func(i int) bool { return c.entries[i].offset > start })
	if n == 0 || n == 1 && c.entries[0].offset == start {
		return false
	}
	kept := append([]epochStart(nil), c.entries[n-1:]...)
	kept[0].offset = start
	c.entries = kept
	return true
}

// epochFor is the epoch of an offset.
func (c *epochCache) epochFor(offset int64) (epoch int32, ok bool) {
	n := sort.Search(len(c.entries), func(i int) bool { return c.entries[i].offset > offset })
	if n == 0 {
		return -1, false
	}
	return c.entries[n-1].epoch, true
}

// endOffsetFor is LeaderEpochFileCache.endOffsetFor.
func (c *epochCache) endOffsetFor(epoch int32, logEnd int64) EpochEnd {
	last, ok := c.latest()
	if !ok || epoch < 0 || epoch > last.epoch {
		return EpochEnd{Epoch: -1, EndOffset: -1}
	}
	if epoch == last.epoch {
		return EpochEnd{Epoch: epoch, EndOffset: logEnd}
	}
	higher := sort.Search(len(c.entries), func(i int) bool { return c.entries[i].epoch > epoch })
	if higher > 0 {
		epoch = c.entries[higher-1].epoch
	}
	return EpochEnd{Epoch: epoch, EndOffset: c.entries[higher].offset}
}

// EpochEnd answers where a leader epoch ends in a log.
type EpochEnd struct {
	Epoch     int32 // the largest epoch of the log that is not above the one asked for; -1 = not known
	EndOffset int64 // the offset behind its last record; -1 = not known
}

// EpochFor is the leader epoch that wrote the record at an offset. ok is false
// if the log does not know.
func (l *Log) EpochFor(offset int64) (epoch int32, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if offset >= l.mu.end {
		return -1, false
	}
	return l.mu.epochs.epochFor(offset)
}

// LatestEpoch is the last leader epoch that the log knows of; ok is false if it
// knows none.
func (l *Log) LatestEpoch() (epoch int32, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	last, ok := l.mu.epochs.latest()
	return last.epoch, ok
}

// EndOffsetFor says where an epoch ends, for OffsetsForLeaderEpoch (KIP-101,
// KIP-279): at the first offset of a higher epoch, and the latest one at the log
// end. An epoch above all that the log knows is (-1, -1).
func (l *Log) EndOffsetFor(epoch int32) EpochEnd {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.mu.epochs.endOffsetFor(epoch, l.mu.end)
}

// BeginEpoch notes that the log's leader from the log end on has this epoch, as
// Kafka's Partition.makeLeader does before the first append
// (UnifiedLog.assignEpochStartOffset). It is durable when it returns.
func (l *Log) BeginEpoch(epoch int32) error {
	l.writer.Lock()
	defer l.writer.Unlock()
	err := l.usable()
	if err == nil {
		err = l.assignEpochLocked(epochStart{epoch: epoch, offset: l.active().end})
	}
	if err != nil {
		return l.wrap("begin epoch in", err)
	}
	return nil
}

// assignEpochLocked notes the epoch of a batch before it is written. Where that
// is news it is forced to disk first, as in Kafka: once per epoch.
func (l *Log) assignEpochLocked(e epochStart) error {
	l.mu.Lock()
	changed := l.mu.epochs.assign(e)
	l.mu.Unlock()
	if !changed {
		return nil
	}
	return l.writeEpochsLocked()
}

// writeEpochsLocked makes the leader-epoch-checkpoint file what the cache is.
// The caller holds writer, which is what changes the cache.
func (l *Log) writeEpochsLocked() error {
	if err := replaceFile(l.node, path.Join(l.dir, epochsName), epochsText(l.mu.epochs.entries)); err != nil {
		return l.fail(err)
	}
	return nil
}
