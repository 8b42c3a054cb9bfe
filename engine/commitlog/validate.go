package commitlog

import (
	"errors"
	"fmt"

	"brokerlab/engine/codec"
	"brokerlab/engine/env"
	"brokerlab/engine/record"
)

// parseBatch reads the header of the batch at off of b and checks that b holds
// the whole batch and that its CRC is right.
func (l *Log) parseBatch(b env.Buf, off int) (record.Header, error) {
	if b.Len()-off < record.HeaderSize {
		return record.Header{}, fmt.Errorf("%w: %d bytes are no header", ErrCorrupt, b.Len()-off)
	}
	h, err := parseHeader(b, off)
	if err != nil {
		return record.Header{}, err
	}
	if h.SizeBytes() > b.Len()-off {
		return record.Header{}, fmt.Errorf("%w: the header says %d bytes, there are %d",
			ErrCorrupt, h.SizeBytes(), b.Len()-off)
	}
	return h, l.checkCRC(b, off, &h)
}

// parseHeader reads the header at off of b, which has room for one.
func parseHeader(b env.Buf, off int) (record.Header, error) {
	var raw [record.HeaderSize]byte
	if err := b.ReadAt(raw[:], off); err != nil {
		if errors.Is(err, env.ErrNoBytes) {
			err = fmt.Errorf("%w: its header has no bytes", ErrCorrupt)
		}
		return record.Header{}, err
	}
	return record.ParseHeader(raw[:])
}

// checkCRC checks the CRC of the batch at off of b, which holds all of it. A
// modelled body, which is a stub, has no bytes to check, but must be whole; the work
// is charged all the same, so that modelled and full runs take the same time. A body
// that has neither bytes nor a stub is what is left of a torn one.
func (l *Log) checkCRC(b env.Buf, off int, h *record.Header) error {
	covered := h.SizeBytes() - record.AttributesOffset
	l.node.Charge(env.OpCRC, covered)
	crc, ok := record.PieceCRC(b, off+record.AttributesOffset, covered)
	switch {
	case !ok:
		return fmt.Errorf("%w: a piece of its body has no bytes", ErrCorrupt)
	case crc != h.CRC:
		return fmt.Errorf("%w: its CRC is %08x, its header says %08x", ErrCorrupt, crc, h.CRC)
	}
	return nil
}

// checkProduced checks what Kafka demands of a produced batch before it takes
// the lock: UnifiedLog.analyzeAndValidateRecords.
func (l *Log) checkProduced(batch env.Buf) (record.Header, error) {
	if int64(batch.Len()) > l.cfg.MaxMessageBytes {
		return record.Header{}, fmt.Errorf("%w: %d bytes, max.message.bytes is %d",
			ErrTooLarge, batch.Len(), l.cfg.MaxMessageBytes)
	}
	if int64(batch.Len()) > l.cfg.SegmentBytes {
		return record.Header{}, fmt.Errorf("%w: %d bytes, segment.bytes is %d",
			ErrTooLarge, batch.Len(), l.cfg.SegmentBytes)
	}
	h, err := l.parseBatch(batch, 0)
	switch {
	case err != nil:
		return h, err
	case h.SizeBytes() != batch.Len():
		return h, fmt.Errorf("%w: %d bytes behind the batch", ErrInvalid, batch.Len()-h.SizeBytes())
	case h.BaseOffset != 0:
		return h, fmt.Errorf("%w: its base offset is %d, producers send 0", ErrInvalid, h.BaseOffset)
	case h.HasProducerID() && h.BaseSequence < 0:
		return h, fmt.Errorf("%w: producer %d sends sequence %d", ErrInvalid, h.ProducerID, h.BaseSequence)
	case h.Attributes.Control():
		return h, fmt.Errorf("%w: clients may not write control batches", ErrInvalid)
	case h.LastOffsetDelta != h.RecordCount-1:
		return h, fmt.Errorf("%w: %d records, but its last offset delta is %d",
			ErrInvalid, h.RecordCount, h.LastOffsetDelta)
	}
	return h, nil
}

// validateRecordsLocked checks a produced batch's records as Kafka's
// LogValidator does, and decompresses them for that. The caller holds writer.
func (l *Log) validateRecordsLocked(h *record.Header, batch env.Buf) error {
	compression := h.Attributes.Codec()
	if stub := batch.Stub(record.HeaderSize, batch.Len()-record.HeaderSize); stub != nil {
		if op, ok := codec.DecompressOp(compression); ok {
			l.node.Charge(op, stub.PlainBytes)
		}
		l.node.Charge(env.OpRecordCheck, int(h.RecordCount))
		return nil
	}
	records, m, err := l.recordsSection(batch)
	if err != nil {
		return err
	}
	if m != nil {
		defer m.Release()
	}
	if compression != codec.None {
		out, outMem, err := l.decompressLocked(compression, records)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrInvalid, err)
		}
		defer outMem.Release()
		records = out
	}
	l.node.Charge(env.OpRecordCheck, int(h.RecordCount))
	if err := record.Validate(h, records); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return nil
}

// newDecompressor is one with the log's implementation, which Validate has checked.
func (l *Log) newDecompressor() *codec.Decompressor {
	d := codec.NewDecompressor(decompressedBytesMax)
	if err := d.Use(l.cfg.Codec, l.cfg.Implementation); err != nil {
		panic("commitlog: " + err.Error())
	}
	return d
}

// decompressLocked returns the decompressed records and the memory to release
// after use. The caller holds writer.
func (l *Log) decompressLocked(t codec.Type, records []byte) ([]byte, *env.Mem, error) {
	w := &l.writer
	if w.decompressor == nil {
		w.decompressor = l.newDecompressor()
	}
	m := l.node.Pool().Get(max(w.decompressedBytes, 4*len(records)))
	out, err := w.decompressor.Append(m.Bytes()[:0], t, records)
	if err != nil {
		m.Release()
		return nil, nil, err
	}
	w.decompressedBytes = len(out)
	if op, ok := codec.DecompressOp(t); ok {
		l.node.Charge(op, len(out))
	}
	return out, m, nil
}

// recordsSection returns what lies behind a batch's header in one slice. If it
// had to be copied for that, m is to be released after use.
func (l *Log) recordsSection(batch env.Buf) (records []byte, m *env.Mem, err error) {
	off, n := record.HeaderSize, batch.Len()-record.HeaderSize
	if n == 0 {
		return nil, nil, nil
	}
	parts := batch.Parts()
	for i := range parts {
		size := parts[i].Len()
		if off >= size {
			off -= size
			continue
		}
		if p := parts[i].Bytes(); p != nil && size-off == n {
			return p[off:], nil, nil
		}
		break
	}
	m = l.node.Pool().Get(n)
	if err := batch.ReadAt(m.Bytes()[:n], record.HeaderSize); err != nil {
		m.Release()
		return nil, nil, err
	}
	l.node.Charge(env.OpCopy, n)
	return m.Bytes()[:n], m, nil
}
