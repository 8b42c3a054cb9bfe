package logcheck

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"brokerlab/engine/record"
)

// logState is what is known of a log from its segments so far.
type logState struct {
	next   int64 // offset after the last batch; -1: none yet
	reach  int64 // the greatest that next was: one wrong offset is told once, and not of all batches behind it
	epoch  int32 // of the last batch; -1: none yet
	last   bool  // the segment is the last one, which a crash may have cut short
	epochs []epochStart
	// disputed are the epoch of the checkpoint and of the last batch, where they differ:
	// batches behind it that differ alike are not told of.
	disputed [2]int32
}

// readBytes is the size of a read.
const readBytes = 256 << 10

// segment checks the files of one segment, whose names are stem and a suffix.
func (c *checker) segment(stem string, base int64, l *logState) error {
	file := stem + logSuffix
	f, err := c.fsys.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return c.damage(file, 0, "it is missing, and there is an index of it")
	}
	if err != nil {
		return readError{err}
	}
	defer f.Close() // it is only read
	s := &segment{file: file, base: base, log: l, checker: c,
		sum: Segment{File: file, FirstOffset: -1, NextOffset: base, FirstTime: -1, LastTime: -1}}
	if err := s.loadIndexes(stem); err != nil {
		return err
	}
	info, err := f.Stat() // after the indexes: of a log that grows, they are not ahead of it
	if err != nil {
		return readError{err}
	}
	s.size, s.sum.LogBytes = info.Size(), info.Size()
	if err := s.boundary(); err != nil {
		return err
	}
	if err := s.read(bufio.NewReaderSize(f, int(min(readBytes, s.size)))); err != nil {
		l.next, l.reach = -1, -1 // nobody knows where it ends
		return err
	}
	if !s.unread {
		if err := s.endIndexes(); err != nil {
			return err
		}
	}
	c.totals.Segments++
	c.totals.Bytes += info.Size()
	c.totals.IndexEntries += s.sum.IndexEntries + s.sum.TimeEntries
	if c.visit.Segment != nil {
		return c.visit.Segment(s.sum)
	}
	return nil
}

// segment is one that is being read.
type segment struct {
	*checker
	file     string
	base     int64
	size     int64
	log      *logState
	sum      Segment
	position int64 // of what comes next
	unread   bool  // damage ended the reading: what points behind it may be right
	earliest int64 // timestamp of the batch that is read
	offsets  index
	times    index
}

// boundary compares the segment's name with where the one before it ended.
func (s *segment) boundary() error {
	switch {
	case s.base < s.log.next:
		return s.damage(s.file, 0, "the segment begins at offset %d, and the one before it reaches to %d", s.base,
			s.log.next-1)
	case s.log.reach >= 0 && s.base > s.log.reach:
		return s.note(s.file, 0, "offsets %d to %d are missing before it", s.log.reach, s.base-1)
	}
	return nil
}

// read goes through the batches.
func (s *segment) read(in *bufio.Reader) error {
	for s.position < s.size {
		left := s.size - s.position
		if left < record.HeaderSize {
			return s.tail(in, left, fmt.Sprintf("%d bytes are no header of a batch", left))
		}
		head, err := in.Peek(record.HeaderSize)
		if err != nil {
			return s.readFault(err)
		}
		h, err := record.ParseHeader(head)
		if err != nil {
			return s.tail(in, left, err.Error())
		}
		if int64(h.SizeBytes()) > left {
			return s.tail(in, left, fmt.Sprintf("a batch of %d bytes at offset %d, of which %d are there", h.SizeBytes(),
				h.BaseOffset, left))
		}
		if h.SizeBytes() > sectionBytesMax {
			s.unread = true
			return s.damage(s.file, s.position, "a batch of %d bytes is not read: the limit is %d", h.SizeBytes(),
				sectionBytesMax)
		}
		if cap(s.batch) < h.SizeBytes() {
			s.batch = make([]byte, h.SizeBytes())
		}
		s.batch = s.batch[:h.SizeBytes()]
		if _, err := io.ReadFull(in, s.batch); err != nil {
			return s.readFault(err)
		}
		b := &Batch{Header: h, File: s.file, Position: s.position,
			CRCRight: record.UpdateCRC(0, s.batch[record.AttributesOffset:]) == h.CRC}
		if err := s.take(b); err != nil {
			return err
		}
		s.position += int64(h.SizeBytes())
	}
	return nil
}

// readFault is an error of reading; a file that became shorter is another one than
// it was.
func (s *segment) readFault(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return s.damage(s.file, s.position, "the file became shorter while it was read")
	}
	return readError{fmt.Errorf("%s: %w", s.file, err)}
}

// tail judges bytes that are no batch: zeros are room that was reserved, and what
// else is at the end of the last segment is what a crash leaves.
func (s *segment) tail(in *bufio.Reader, left int64, why string) error {
	zeros, err := onlyZeros(in)
	if err != nil {
		return s.readFault(err)
	}
	switch {
	case zeros && s.log.last:
		return s.note(s.file, s.position, "%d zero bytes to its end: reserved, or lost in a crash", left)
	case s.log.last:
		s.unread = true
		return s.damage(s.file, s.position, "the tail is torn: %s; %d bytes were not read", why, left)
	}
	s.unread = true
	return s.damage(s.file, s.position, "%s; %d bytes were not read", why, left)
}

// onlyZeros reads to the end.
func onlyZeros(in io.Reader) (bool, error) {
	p := make([]byte, 64<<10)
	for {
		n, err := in.Read(p)
		for _, b := range p[:n] {
			if b != 0 {
				return false, nil
			}
		}
		if err == io.EOF {
			return true, nil
		}
		if err != nil {
			return false, err
		}
	}
}

// take checks a batch and tells of it and its records.
func (s *segment) take(b *Batch) error {
	s.earliest = b.BaseTimestamp
	if b.Attributes.LogAppendTime() || b.Attributes.DeleteHorizon() || b.BaseTimestamp < 0 {
		s.earliest = b.MaxTimestamp
	}
	if s.visit.Batch != nil {
		if err := s.visit.Batch(b); err != nil {
			return err
		}
	}
	if err := s.checkHeader(b); err != nil {
		return err
	}
	if b.CRCRight {
		if err := s.records(b); err != nil {
			return err
		}
	} else {
		crc := record.UpdateCRC(0, s.batch[record.AttributesOffset:])
		if err := s.damage(s.file, s.position, "batch at offset %d: its CRC is %08x, its header says %08x", b.BaseOffset,
			crc, b.CRC); err != nil {
			return err
		}
	}
	if err := s.checkIndexes(b); err != nil {
		return err
	}
	s.count(b)
	return nil
}

// checkHeader compares a batch with those before it.
func (s *segment) checkHeader(b *Batch) error {
	next, reach := max(s.log.next, s.base), max(s.log.reach, s.base)
	var faults []string
	switch {
	case b.BaseOffset < next:
		faults = append(faults, fmt.Sprintf("batch at offset %d, after offset %d", b.BaseOffset, next-1))
	case b.BaseOffset > reach:
		if err := s.note(s.file, s.position, "offsets %d to %d are missing before it", reach, b.BaseOffset-1); err != nil {
			return err
		}
	}
	if b.PartitionLeaderEpoch < s.log.epoch {
		faults = append(faults, fmt.Sprintf("batch at offset %d of leader epoch %d, after epoch %d", b.BaseOffset,
			b.PartitionLeaderEpoch, s.log.epoch))
	}
	if b.MaxTimestamp < b.BaseTimestamp && !b.Attributes.LogAppendTime() && !b.Attributes.DeleteHorizon() {
		faults = append(faults, fmt.Sprintf("batch at offset %d: its greatest timestamp %d is before its first %d",
			b.BaseOffset, b.MaxTimestamp, b.BaseTimestamp))
	}
	var disputed [2]int32
	if want, ok := epochAt(s.log.epochs, b.BaseOffset); ok && want != b.PartitionLeaderEpoch {
		disputed = [2]int32{want, b.PartitionLeaderEpoch}
		if disputed != s.log.disputed {
			faults = append(faults, fmt.Sprintf("batch at offset %d is of leader epoch %d, and %s has %d there", b.BaseOffset,
				b.PartitionLeaderEpoch, epochsName, want))
		}
	}
	s.log.disputed = disputed
	for _, fault := range faults {
		if err := s.damage(s.file, s.position, "%s", fault); err != nil {
			return err
		}
	}
	return nil
}

// records decodes the records of a batch whose CRC is right.
func (s *segment) records(b *Batch) error {
	var err error
	s.section, err = s.decoder.Append(s.section[:0], b.Attributes.Codec(), s.batch[record.HeaderSize:])
	if err != nil {
		return s.damage(s.file, s.position, "batch at offset %d: %v", b.BaseOffset, err)
	}
	it := record.NewIterator(&b.Header, s.section)
	var r record.Record
	latest := int64(-1)
	for it.Next(&r) {
		latest, s.earliest = max(latest, r.Timestamp), min(s.earliest, r.Timestamp)
		if _, err := r.Headers(); err != nil {
			if err := s.damage(s.file, s.position, "record at offset %d: %v", r.Offset, err); err != nil {
				return err
			}
			continue
		}
		if s.visit.Record != nil {
			if err := s.visit.Record(b, &r); err != nil {
				return err
			}
		}
	}
	if err := it.Err(); err != nil {
		return s.damage(s.file, s.position, "batch at offset %d: %v", b.BaseOffset, err)
	}
	// Compaction keeps the greatest timestamp of what it removes.
	if latest > b.MaxTimestamp {
		return s.damage(s.file, s.position, "batch at offset %d: a record has timestamp %d, the header %d at most",
			b.BaseOffset, latest, b.MaxTimestamp)
	}
	return nil
}

// count adds a batch to the sums.
func (s *segment) count(b *Batch) {
	sum := &s.sum
	if sum.Batches == 0 {
		sum.FirstOffset, sum.FirstTime, sum.LastTime = b.BaseOffset, s.earliest, b.MaxTimestamp
	}
	sum.Batches++
	sum.Records += int64(b.RecordCount)
	sum.NextOffset = max(sum.NextOffset, b.NextOffset())
	sum.FirstTime, sum.LastTime = min(sum.FirstTime, s.earliest), max(sum.LastTime, b.MaxTimestamp)
	s.log.next, s.log.reach = b.NextOffset(), max(s.log.reach, b.NextOffset())
	s.log.epoch = b.PartitionLeaderEpoch
	s.totals.Batches++
	s.totals.Records += int64(b.RecordCount)
}
