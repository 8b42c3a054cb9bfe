package samples

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"

	"brokerlab/workloads/payload"
)

// window is a part of a file that moves on.
type window struct {
	f    *File
	buf  []byte
	pos  int   // of the next frame in buf
	at   int64 // of buf's end in the file
	from int64 // of the last record in the file
	read func(b []byte)
}

// offset is where the next frame begins in the file.
func (w *window) offset() int64 { return w.at - int64(len(w.buf)-w.pos) }

// next returns the next record, which is valid until the next call; nil at the file's
// end.
func (w *window) next() ([]byte, error) {
	for {
		last := w.at == w.f.in.Bytes
		if len(w.buf) > w.pos || last {
			fr, err := w.f.splits(w.buf[w.pos:], last)
			if err == nil {
				if fr.from < 0 {
					return nil, nil
				}
				record := w.buf[w.pos+fr.from : w.pos+fr.to : w.pos+fr.to]
				if len(record) > RecordBytesMax {
					return nil, &placed{fr.from, errTooLong}
				}
				w.from = w.offset() + int64(fr.from)
				w.pos += fr.next
				return record, nil
			}
			if !errors.Is(err, errMore) {
				return nil, err
			}
		}
		if err := w.more(); err != nil {
			return nil, err
		}
	}
}

var errTooLong = fmt.Errorf("a record has more than %d bytes", RecordBytesMax)

// more reads on: the buffer is moved to the next frame, and grows if that fills it.
func (w *window) more() error {
	left := copy(w.buf, w.buf[w.pos:])
	w.buf, w.pos = w.buf[:left], 0
	if left > RecordBytesMax+headBytes {
		return errTooLong
	}
	if room := max(bufferBytes, 2*left); cap(w.buf) < room {
		w.buf = append(make([]byte, 0, room), w.buf...)
	}
	take := int(min(int64(cap(w.buf)-left), w.f.in.Bytes-w.at))
	n, err := w.f.in.Reader.ReadAt(w.buf[left:left+take], w.at)
	if n < take {
		return fmt.Errorf("cannot be read: %w", noEOF(err))
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("cannot be read: %w", err)
	}
	w.buf = w.buf[:left+take]
	w.at += int64(take)
	if w.read != nil {
		w.read(w.buf[left:])
	}
	return nil
}

// Cursor reads the records of a file one after the other, without end.
type Cursor struct {
	w window
}

// Cursor begins at a record, numbered from 0; the numbers go on behind the last one
// with the first one again.
func (f *File) Cursor(record uint64) (*Cursor, error) {
	record %= f.records
	c := &Cursor{w: window{f: f, at: f.index[record/f.stride]}}
	for range record % f.stride {
		if _, err := c.Next(); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// Next returns the next record, which is valid until the next call. It allocates only
// while its buffer grows. An error means that the file is no longer what it was.
func (c *Cursor) Next() ([]byte, error) {
	for range 2 {
		offset := c.w.offset()
		record, err := c.w.next()
		if err != nil {
			return nil, &Error{Name: c.w.f.in.Name, Offset: offset, Err: fmt.Errorf("at byte %d: %w", offset, err)}
		}
		if record != nil {
			return record, nil
		}
		c.w.buf, c.w.pos, c.w.at = c.w.buf[:0], 0, c.w.f.index[0]
	}
	return nil, &Error{Name: c.w.f.in.Name, Err: errors.New("there is no record in it any more")}
}

// merged are weights with each size once, in order.
func merged(list []payload.Weighted) []payload.Weighted {
	slices.SortFunc(list, func(a, b payload.Weighted) int { return cmp.Compare(a.Bytes, b.Bytes) })
	out := list[:0]
	for _, w := range list {
		if n := len(out); n > 0 && out[n-1].Bytes == w.Bytes {
			out[n-1].Weight += w.Weight
			continue
		}
		out = append(out, w)
	}
	return out
}
