package commitlog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"path"
	"slices"
	"sort"
	"strconv"
	"strings"

	"brokerlab/engine/env"
	"brokerlab/engine/record"
)

// snapshotSuffix is that of the files with the state of the producers, whose names are
// offsets (Kafka's LogFileUtils.PRODUCER_SNAPSHOT_FILE_SUFFIX).
const snapshotSuffix = ".snapshot"

// A snapshot file is Kafka's ProducerSnapshot, version 1, big-endian:
//
//	| version int16 | CRC-32C of what follows uint32 | entries int32 | entry ... |
//
// and an entry is the last batch of a producer:
//
//	| producer id int64 | epoch int16 | last sequence int32 | last offset int64 |
//	| last offset - first one int32 | timestamp int64 | coordinator epoch int32 |
//	| first offset of its transaction int64, -1 if there is none |
//
// Behind these are entries of the same form, which the count does not count and which
// Kafka, reading no further, does not see: up to four older batches of each producer,
// oldest first. Kafka forgets them at a restart: when a producer then retries one of
// several batches in flight, the broker takes it for out of order instead of for a
// duplicate, and the producer, which begins a new epoch, writes it a second time.
const (
	snapshotVersion    = 1
	snapshotCRCOffset  = 2
	snapshotDataOffset = 6
	snapshotHeaderSize = 10
	snapshotEntrySize  = 46
)

// errSnapshot says that a snapshot file is not one: it is skipped, and removed.
var errSnapshot = errors.New("malformed snapshot of producers")

func snapshotName(offset int64) string { return fmt.Sprintf("%020d%s", offset, snapshotSuffix) }

// snapshotOffset returns the offset that a file's name says, if it is a snapshot's.
func snapshotOffset(name string) (offset int64, ok bool) {
	stem, found := strings.CutSuffix(name, snapshotSuffix)
	if !found || len(stem) != 20 {
		return 0, false
	}
	n, err := strconv.ParseUint(stem, 10, 63)
	return int64(n), err == nil
}

// snapshot is the file form of the state, in the order of producer ids.
func (p *producerStates) snapshot() []byte {
	ids := slices.Sorted(maps.Keys(p.byID))
	out := make([]byte, snapshotHeaderSize, snapshotHeaderSize+len(ids)*snapshotEntrySize)
	for _, id := range ids {
		out = appendSnapshotEntry(out, id, p.byID[id].last())
	}
	for _, id := range ids {
		e := p.byID[id]
		for i := range e.count - 1 {
			out = appendSnapshotEntry(out, id, &e.batches[i])
		}
	}
	binary.BigEndian.PutUint16(out, snapshotVersion)
	binary.BigEndian.PutUint32(out[snapshotDataOffset:], uint32(len(ids)))
	binary.BigEndian.PutUint32(out[snapshotCRCOffset:], record.UpdateCRC(0, out[snapshotDataOffset:]))
	return out
}

func appendSnapshotEntry(out []byte, id int64, b *producerBatch) []byte {
	out = binary.BigEndian.AppendUint64(out, uint64(id))
	out = binary.BigEndian.AppendUint16(out, uint16(b.epoch))
	out = binary.BigEndian.AppendUint32(out, uint32(b.last))
	out = binary.BigEndian.AppendUint64(out, uint64(b.nextOffset-1))
	out = binary.BigEndian.AppendUint32(out, uint32(b.nextOffset-1-b.baseOffset))
	out = binary.BigEndian.AppendUint64(out, uint64(b.timestamp))
	out = binary.BigEndian.AppendUint32(out, math.MaxUint32) // -1 twice: no transaction
	return binary.BigEndian.AppendUint64(out, math.MaxUint64)
}

// parseSnapshot is the state that a snapshot file holds. Entries without a batch,
// which transactions leave, are left out.
func parseSnapshot(file []byte) (producerStates, error) {
	if len(file) < snapshotHeaderSize {
		return producerStates{}, fmt.Errorf("%w: %d bytes", errSnapshot, len(file))
	}
	count := int64(binary.BigEndian.Uint32(file[snapshotDataOffset:]))
	entries := file[snapshotHeaderSize:]
	switch version := binary.BigEndian.Uint16(file); {
	case version != snapshotVersion:
		return producerStates{}, fmt.Errorf("%w: version %d", errSnapshot, version)
	case binary.BigEndian.Uint32(file[snapshotCRCOffset:]) != record.UpdateCRC(0, file[snapshotDataOffset:]):
		return producerStates{}, fmt.Errorf("%w: its CRC is wrong", errSnapshot)
	case len(entries)%snapshotEntrySize > 0 || int64(len(entries)/snapshotEntrySize) < count:
		return producerStates{}, fmt.Errorf("%w: %d entries in %d bytes", errSnapshot, count, len(file))
	}
	p := producerStates{byID: make(map[int64]*producerEntry, count)}
	for i := range count {
		id, b, ok := parseSnapshotEntry(entries[i*snapshotEntrySize:])
		if !ok || p.byID[id] != nil {
			return producerStates{}, fmt.Errorf("%w: entry of producer %d", errSnapshot, id)
		}
		if b.nextOffset == 0 {
			continue
		}
		e := &producerEntry{count: 1, more: true}
		e.batches[0] = b
		p.byID[id] = e
	}
	for at := entries[count*snapshotEntrySize:]; len(at) > 0; at = at[snapshotEntrySize:] {
		id, b, ok := parseSnapshotEntry(at)
		if e := p.byID[id]; !ok || e == nil || !e.insert(b) {
			return producerStates{}, fmt.Errorf("%w: older batch of producer %d", errSnapshot, id)
		}
	}
	return p, nil
}

// insert puts a batch in front of the last one. It reports false if that cannot be.
func (e *producerEntry) insert(b producerBatch) bool {
	last := *e.last()
	if e.count == producerBatchesMax || b.nextOffset > last.baseOffset ||
		e.count > 1 && b.baseOffset < e.batches[e.count-2].nextOffset {
		return false
	}
	e.batches[e.count-1], e.batches[e.count] = b, last
	e.count++
	return true
}

// parseSnapshotEntry reads one entry; the next offset of one without a batch is 0.
func parseSnapshotEntry(at []byte) (id int64, b producerBatch, ok bool) {
	id = int64(binary.BigEndian.Uint64(at))
	lastOffset, delta := int64(binary.BigEndian.Uint64(at[14:])), int32(binary.BigEndian.Uint32(at[22:]))
	if lastOffset == -1 {
		return id, producerBatch{}, id >= 0
	}
	b = producerBatch{
		epoch: int16(binary.BigEndian.Uint16(at[8:])), last: int32(binary.BigEndian.Uint32(at[10:])),
		baseOffset: lastOffset - int64(delta), nextOffset: lastOffset + 1,
		timestamp: int64(binary.BigEndian.Uint64(at[26:])),
	}
	if id < 0 || b.epoch < 0 || b.last < 0 || delta < 0 || b.baseOffset < 0 || b.nextOffset <= 0 {
		return id, b, false
	}
	b.first = record.DecrementSequence(b.last, delta)
	return id, b, true
}

// takeSnapshot writes the state of the producers as of an offset, unless there is such
// a file: Kafka's ProducerStateManager.takeSnapshot, at a roll and at Close. It is not
// forced: its CRC says whether all of it survived. The caller holds writer.
func (l *Log) takeSnapshot(offset int64) error {
	if latest, ok := l.latestSnapshot(); offset == 0 || ok && latest >= offset {
		return nil
	}
	name := path.Join(l.dir, snapshotName(offset))
	f, err := l.fs.Create(name)
	if err != nil {
		return err
	}
	err = f.Append(env.StaticBuf(l.writer.producers.snapshot()))
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.snapshots = append(l.mu.snapshots, offset)
	return err
}

// listSnapshots fills mu.snapshots.
func (l *Log) listSnapshots(entries []env.DirEntry) {
	for _, e := range entries { // in the order of names, which is that of offsets
		if offset, ok := snapshotOffset(e.Name); ok && !e.Dir {
			l.mu.snapshots = append(l.mu.snapshots, offset)
		}
	}
}

// removeSnapshots removes the files whose offsets are from one on and below another,
// and reports whether there were any.
func (l *Log) removeSnapshots(from, to int64) (removed bool, err error) {
	l.mu.Lock()
	all := l.mu.snapshots
	first := sort.Search(len(all), func(i int) bool { return all[i] >= from })
	end := sort.Search(len(all), func(i int) bool { return all[i] >= to })
	end = max(first, end)
	gone := slices.Clone(all[first:end])
	l.mu.snapshots = slices.Concat(all[:first], all[end:])
	l.mu.Unlock()
	for _, offset := range gone {
		if err := removeIfThere(l.fs, path.Join(l.dir, snapshotName(offset))); err != nil {
			return true, err
		}
	}
	return len(gone) > 0, nil
}

// loadSnapshot makes the state of the producers that of the latest snapshot in the
// log that can be read, and says of which offset it is: Kafka's
// ProducerStateManager.loadFromSnapshot. One that cannot be is removed.
func (l *Log) loadSnapshot(start int64) (offset int64, err error) {
	l.writer.producers = producerStates{}
	for {
		offset, ok := l.latestSnapshot()
		if !ok {
			return start, nil
		}
		text, err := readSmall(l.node, path.Join(l.dir, snapshotName(offset)))
		var p producerStates
		if err == nil {
			p, err = parseSnapshot(text)
		}
		switch {
		case err == nil:
			l.writer.producers = p
			return offset, nil
		case !errors.Is(err, errSnapshot) && !errors.Is(err, errMalformed) && !errors.Is(err, env.ErrNoBytes):
			return 0, err
		}
		if _, err := l.removeSnapshots(offset, offset+1); err != nil {
			return 0, err
		}
	}
}

// latestSnapshot is the largest offset of a snapshot file.
func (l *Log) latestSnapshot() (offset int64, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(l.mu.snapshots)
	if n == 0 {
		return 0, false
	}
	return l.mu.snapshots[n-1], true
}
