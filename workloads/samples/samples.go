// Package samples reads the records of a user's file: lines, the elements of a JSON
// array, or records with their lengths before them. A file is looked through once
// (Scan), which finds what is wrong with it and how large its records are, and then
// read by any number of cursors, each from a record of its own on and from the
// beginning again at the end. What it holds in memory does not depend on the file's
// size: a buffer for each cursor and an index of some thousand places. It knows no
// files: bytes come from an io.ReaderAt. It does not promise that an element of a JSON
// array is JSON in all its parts, or that the file is the same later.
package samples

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"brokerlab/workloads/payload"
)

// Input is a file.
type Input struct {
	Name   string // for messages
	Reader io.ReaderAt
	Bytes  int64
	Format Format
}

// File is a file that was looked through. It does not change: any number of tasks may
// use it, each with cursors of its own.
type File struct {
	in      Input // with the format that was found
	guessed bool  // nobody had said it
	splits  func(buf []byte, last bool) (frame, error)
	records uint64
	bytes   int64 // of all records
	largest recordAt
	sizes   map[int]uint64
	index   []int64 // where every stride-th record's frame begins
	stride  uint64
	sum     string
}

// recordAt is a record's number, size and place.
type recordAt struct {
	number uint64
	bytes  int
	offset int64
}

const (
	// headBytes is how much of a file tells its format.
	headBytes = 64 << 10
	// bufferBytes is what a cursor reads at once.
	bufferBytes = 256 << 10
	// indexMax is how many places an index has at most.
	indexMax = 1 << 14
)

// Error is what is wrong with a file, and where.
type Error struct {
	Name   string
	Line   int64  // of text, from 1; else 0
	Record uint64 // from 1; 0 if it is not about one
	Offset int64  // bytes before it
	// Format is the one in which the file was read if nobody said it; "" if it was not
	// read, or if somebody did.
	Format Format
	Err    error
}

func (e *Error) Error() string {
	switch {
	case e.Line > 0:
		return fmt.Sprintf("%s:%d: %v (at byte %d)", e.Name, e.Line, e.Err, e.Offset)
	case e.Record > 0:
		return fmt.Sprintf("%s: record %d, at byte %d: %v", e.Name, e.Record, e.Offset, e.Err)
	}
	return fmt.Sprintf("%s: %v", e.Name, e.Err)
}

func (e *Error) Unwrap() error { return e.Err }

// Scan looks through a file.
func Scan(in Input) (*File, error) {
	f := &File{in: in, sizes: make(map[int]uint64), stride: 1}
	head := make([]byte, min(headBytes, in.Bytes))
	if n, err := in.Reader.ReadAt(head, 0); n < len(head) {
		return nil, &Error{Name: in.Name, Err: fmt.Errorf("cannot be read: %w", noEOF(err))}
	}
	if len(head) == 0 {
		return nil, &Error{Name: in.Name, Err: errors.New("is empty: there is no record in it")}
	}
	if f.guessed = in.Format == Auto || in.Format == ""; f.guessed {
		var err error
		if f.in.Format, err = detect(head, int64(len(head)) == in.Bytes); err != nil {
			return nil, &Error{Name: in.Name, Err: err}
		}
	}
	if f.splits = splitters[f.in.Format]; f.splits == nil {
		return nil, &Error{Name: in.Name, Err: fmt.Errorf("format %q is not known", f.in.Format)}
	}
	from, err := begin(f.in.Format, head)
	if err != nil {
		return nil, &Error{Name: in.Name, Line: 1, Err: err}
	}
	if err := f.scan(int64(from)); err != nil {
		return nil, err
	}
	if f.records == 0 {
		return nil, &Error{Name: in.Name, Err: errors.New("there is no record in it")}
	}
	return f, nil
}

// scan walks through all frames.
func (f *File) scan(from int64) error {
	sum := sha256.New()
	head := make([]byte, from)
	if n, err := f.in.Reader.ReadAt(head, 0); n < len(head) {
		return &Error{Name: f.in.Name, Err: fmt.Errorf("cannot be read: %w", noEOF(err))}
	}
	sum.Write(head)
	w := window{f: f, at: from}
	w.read = func(b []byte) { sum.Write(b) }
	for {
		frame := w.offset()
		record, err := w.next()
		if err != nil {
			return f.located(err, frame)
		}
		if record == nil {
			break
		}
		f.note(frame, w.from, len(record))
	}
	f.sum = hex.EncodeToString(sum.Sum(nil))
	return nil
}

// note takes a record into account, and where it and its frame begin.
func (f *File) note(frame, from int64, bytes int) {
	if f.records%f.stride == 0 {
		if len(f.index) == indexMax {
			for i := range indexMax / 2 {
				f.index[i] = f.index[2*i]
			}
			f.index = f.index[:indexMax/2]
			f.stride *= 2
		}
		if f.records%f.stride == 0 {
			f.index = append(f.index, frame)
		}
	}
	if bytes > f.largest.bytes {
		f.largest = recordAt{number: f.records, bytes: bytes, offset: from}
	}
	f.records++
	f.bytes += int64(bytes)
	f.sizes[bytes]++
}

// located says where something is wrong.
func (f *File) located(err error, offset int64) error {
	var p *placed
	if errors.As(err, &p) {
		offset, err = offset+int64(p.at), p.error
	}
	e := &Error{Name: f.in.Name, Record: f.records + 1, Offset: offset, Err: err}
	if f.guessed {
		e.Format = f.in.Format
	}
	if f.in.Format == Lines || f.in.Format == JSONArray {
		e.Line = f.lineOf(offset)
	}
	return e
}

// lineOf is the number of the line in which a byte is, from 1; 0 if it cannot be told.
func (f *File) lineOf(offset int64) int64 {
	line := int64(1)
	buf := make([]byte, bufferBytes)
	for at := int64(0); at < offset; {
		n, _ := f.in.Reader.ReadAt(buf[:min(int64(len(buf)), offset-at)], at)
		if n == 0 {
			return 0
		}
		line += int64(bytes.Count(buf[:n], []byte("\n")))
		at += int64(n)
	}
	return line
}

// noEOF has a better word for the end of a file that is shorter than it was.
func noEOF(err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return errors.New("the file is shorter than it was")
	}
	return err
}

// Name is the file's name, as it was given.
func (f *File) Name() string { return f.in.Name }

// Format is how the file holds its records.
func (f *File) Format() Format { return f.in.Format }

// Records is how many records there are.
func (f *File) Records() uint64 { return f.records }

// FileBytes is the size of the file.
func (f *File) FileBytes() int64 { return f.in.Bytes }

// SHA256 is the sum of the whole file in hex.
func (f *File) SHA256() string { return f.sum }

// MeanBytes is the mean size of a record.
func (f *File) MeanBytes() float64 { return float64(f.bytes) / float64(f.records) }

// Largest is the size of the largest record, and an error that says message and where
// the record is.
func (f *File) Largest(message string) (bytes int, err error) {
	e := &Error{Name: f.in.Name, Record: f.largest.number + 1, Offset: f.largest.offset, Err: errors.New(message)}
	if f.in.Format == Lines || f.in.Format == JSONArray {
		e.Line = f.lineOf(f.largest.offset)
	}
	return f.largest.bytes, e
}

// Sizes are how large the records are; those that are smaller than bytesMin count as
// that large.
func (f *File) Sizes(bytesMin int) (*payload.Sizes, error) {
	list := make([]payload.Weighted, 0, len(f.sizes))
	for _, bytes := range slices.Sorted(maps.Keys(f.sizes)) {
		list = append(list, payload.Weighted{Bytes: max(bytes, bytesMin), Weight: float64(f.sizes[bytes])})
	}
	return payload.Empirical(merged(list))
}
