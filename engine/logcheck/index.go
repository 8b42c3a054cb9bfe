package logcheck

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strconv"
)

// Sizes of entries of index files.
const (
	indexEntryBytes = 8
	timeEntryBytes  = 12
)

// indexBytesMax bounds what is read of an index; Kafka's are 10 MiB at most
// (segment.index.bytes).
const indexBytesMax = 256 << 20

// index is the entries of one index that no batch has confirmed yet.
type index struct {
	entries []Entry
	at      int // the next one to be confirmed
}

// loadIndexes reads both indexes of a segment and checks what can be checked
// without the log.
func (s *segment) loadIndexes(stem string) error {
	offsets, err := s.loadIndex(stem+indexSuffix, indexEntryBytes, func(e []byte) Entry {
		return Entry{Offset: s.base + int64(binary.BigEndian.Uint32(e)), Position: int64(binary.BigEndian.Uint32(e[4:]))}
	})
	if err != nil {
		return err
	}
	times, err := s.loadIndex(stem+timeIndexSuffix, timeEntryBytes, func(e []byte) Entry {
		return Entry{Timestamp: int64(binary.BigEndian.Uint64(e)), Offset: s.base + int64(binary.BigEndian.Uint32(e[8:]))}
	})
	if err != nil {
		return err
	}
	s.offsets, s.times = index{entries: offsets}, index{entries: times}
	s.sum.IndexEntries, s.sum.TimeEntries = len(offsets), len(times)
	for i, e := range offsets {
		if s.visit.Index != nil {
			if err := s.visit.Index(e); err != nil {
				return err
			}
		}
		if i > 0 && (e.Offset <= offsets[i-1].Offset || e.Position <= offsets[i-1].Position) {
			if err := s.damage(e.File, int64(i*indexEntryBytes), "offset %d at position %d, after offset %d at %d", e.Offset,
				e.Position, offsets[i-1].Offset, offsets[i-1].Position); err != nil {
				return err
			}
		}
	}
	for i, e := range times {
		if s.visit.Time != nil {
			if err := s.visit.Time(e); err != nil {
				return err
			}
		}
		if i > 0 && (e.Timestamp <= times[i-1].Timestamp || e.Offset < times[i-1].Offset) {
			if err := s.damage(e.File, int64(i*timeEntryBytes), "timestamp %d of offset %d, after timestamp %d of offset %d",
				e.Timestamp, e.Offset, times[i-1].Timestamp, times[i-1].Offset); err != nil {
				return err
			}
		}
	}
	return nil
}

// loadIndex reads the entries of an index, less the zeros that Kafka reserves at the
// end of the active segment's. One that is not there has none: recovery makes it anew.
func (s *segment) loadIndex(file string, size int, entry func([]byte) Entry) (all []Entry, err error) {
	content, err := s.readAll(file, indexBytesMax)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, s.note(file, 0, "it is missing: a restart makes it anew")
	}
	if err != nil {
		return nil, err
	}
	if rest := len(content) % size; rest != 0 {
		if err := s.damage(file, int64(len(content)-rest), "%d bytes are no entry of %d", rest, size); err != nil {
			return nil, err
		}
		content = content[:len(content)-rest]
	}
	used := len(bytes.TrimRight(content, "\x00"))
	used = min(len(content), (used+size-1)/size*size)
	// The first entry may be of zeros: offset 0 at position 0, or no time at all.
	if used == 0 && len(content) == size {
		used = size
	}
	for i := 0; i < used; i += size {
		e := entry(content[i:])
		e.File = file
		all = append(all, e)
	}
	if used < len(content) {
		return all, s.note(file, int64(used), "%d zero bytes to its end: reserved", len(content)-used)
	}
	return all, nil
}

func (c *checker) readAll(name string, most int64) ([]byte, error) {
	f, err := c.fsys.Open(name)
	if err != nil {
		return nil, readError{err}
	}
	defer f.Close() // it is only read
	content, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && int64(len(content)) > most {
		err = fmt.Errorf("%s: more than %d bytes", name, most)
	}
	if err != nil {
		return nil, readError{err}
	}
	return content, nil
}

// checkIndexes confirms the entries that a batch decides.
func (s *segment) checkIndexes(b *Batch) error {
	for ; s.offsets.at < len(s.offsets.entries); s.offsets.at++ {
		e := s.offsets.entries[s.offsets.at]
		if e.Position > b.Position {
			break
		}
		at := int64(s.offsets.at * indexEntryBytes)
		var err error
		switch {
		case e.Position < b.Position:
			err = s.damage(e.File, at, "offset %d at position %d, where no batch begins", e.Offset, e.Position)
		case e.Offset < b.BaseOffset:
			err = s.damage(e.File, at, "offset %d at position %d, where the batch of offsets %d to %d is", e.Offset,
				e.Position, b.BaseOffset, b.LastOffset())
		}
		if err != nil {
			return err
		}
	}
	for ; s.times.at < len(s.times.entries); s.times.at++ {
		e := s.times.entries[s.times.at]
		if e.Offset > b.LastOffset() {
			break
		}
		at := int64(s.times.at * timeEntryBytes)
		var err error
		switch {
		case e.Offset < b.BaseOffset:
			err = s.damage(e.File, at, "timestamp %d of offset %d, which no batch has%s", e.Timestamp, e.Offset,
				alike(s.times.pass(b.BaseOffset)))
		case b.CRCRight && e.Timestamp != b.MaxTimestamp && e.Timestamp > 0:
			err = s.damage(e.File, at, "timestamp %d of offset %d, whose batch has %d at most", e.Timestamp, e.Offset,
				b.MaxTimestamp)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// pass goes over those behind the next one that are of offsets before this one too,
// and says how many they are.
func (x *index) pass(before int64) (n int) {
	for x.at+1 < len(x.entries) && x.entries[x.at+1].Offset < before {
		x.at++
		n++
	}
	return n
}

// alike is the end of a message about an entry: so many behind it are wrong in the same
// way, which is told once.
func alike(n int) string {
	switch n {
	case 0:
		return ""
	case 1:
		return "; the entry behind it is as wrong"
	}
	return fmt.Sprintf("; the %d entries behind it are as wrong", n)
}

// endIndexes finds entries that lie behind the last batch.
func (s *segment) endIndexes() error {
	if rest := s.offsets.entries[s.offsets.at:]; len(rest) > 0 {
		e := rest[0]
		if err := s.damage(e.File, int64(s.offsets.at*indexEntryBytes), "offset %d at position %d, and the log ends at %d%s",
			e.Offset, e.Position, s.position, alike(len(rest)-1)); err != nil {
			return err
		}
	}
	if s.sum.Batches == 0 { // Kafka's of a segment without records
		for s.times.at < len(s.times.entries) && s.times.entries[s.times.at].Timestamp <= 0 {
			s.times.at++
		}
	}
	rest := s.times.entries[s.times.at:]
	if len(rest) == 0 {
		return nil
	}
	end := fmt.Sprintf("the segment ends at offset %d", s.sum.NextOffset-1)
	if s.sum.Batches == 0 {
		end = "the segment has no batches"
	}
	e := rest[0]
	return s.damage(e.File, int64(s.times.at*timeEntryBytes), "timestamp %d of offset %d, and %s%s", e.Timestamp, e.Offset,
		end, alike(len(rest)-1))
}

// epochStart says at which offset a leader epoch begins.
type epochStart struct {
	epoch  int32
	offset int64
}

// epochAt is the epoch that an offset belongs to.
func epochAt(all []epochStart, offset int64) (epoch int32, ok bool) {
	for _, e := range all {
		if e.offset > offset {
			break
		}
		epoch, ok = e.epoch, true
	}
	return epoch, ok
}

// epochsBytesMax is more than any checkpoint of epochs has.
const epochsBytesMax = 16 << 20

// epochs reads Kafka's checkpoint of leader epochs: a version (0), a count, and a line
// "epoch offset" for each.
func (c *checker) epochs(dir string, l *logState) error {
	file := path.Join(dir, epochsName)
	content, err := c.readAll(file, epochsBytesMax)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var lines [][]byte
	for line := range bytes.Lines(content) {
		lines = append(lines, line)
	}
	if len(lines) < 2 || string(bytes.TrimSpace(lines[0])) != "0" {
		return c.damage(file, 0, "it is no checkpoint of version 0")
	}
	if count, err := strconv.Atoi(string(bytes.TrimSpace(lines[1]))); err != nil || count != len(lines)-2 {
		return c.damage(file, int64(len(lines[0])), "it says that it has %q entries, and has %d",
			bytes.TrimSpace(lines[1]), len(lines)-2)
	}
	position := int64(len(lines[0]) + len(lines[1]))
	for _, line := range lines[2:] {
		var e epochStart
		fields := bytes.Fields(line)
		if len(fields) != 2 {
			return c.damage(file, position, "%q is no epoch and offset", bytes.TrimSpace(line))
		}
		epoch, err1 := strconv.ParseInt(string(fields[0]), 10, 32)
		offset, err2 := strconv.ParseInt(string(fields[1]), 10, 64)
		if err1 != nil || err2 != nil {
			return c.damage(file, position, "%q is no epoch and offset", bytes.TrimSpace(line))
		}
		e = epochStart{int32(epoch), offset}
		if n := len(l.epochs); n > 0 && (e.epoch <= l.epochs[n-1].epoch || e.offset <= l.epochs[n-1].offset) {
			return c.damage(file, position, "epoch %d begins at offset %d, after epoch %d at %d", e.epoch, e.offset,
				l.epochs[n-1].epoch, l.epochs[n-1].offset)
		}
		l.epochs = append(l.epochs, e)
		position += int64(len(line))
	}
	return nil
}
