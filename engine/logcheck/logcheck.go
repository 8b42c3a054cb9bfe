// Package logcheck reads log directories, as Kafka and this engine write them, tells
// a visitor what is in them, and finds what is damaged: batches whose CRC is wrong or
// that are cut short, offsets and epochs out of order, records that do not decode,
// index entries that point nowhere, checkpoints that disagree with the log. It reads
// through fs.FS and changes nothing.
//
// A batch with a wrong CRC does not end the reading of its segment; bytes that are
// no batch do, since nothing says where the next one begins. What cannot be read is
// passed over and told at the end. Files are read from the front, and memory holds a
// batch and the indexes of one segment.
//
// It does not judge what is rightly missing: a gap between offsets may be compaction
// or retention, and is a note.
package logcheck

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"brokerlab/engine/codec"
	"brokerlab/engine/record"
)

// Finding is something about a place of a file.
type Finding struct {
	File     string // below the root
	Position int64  // byte of the file
	// Damage says that it is wrong; else it is what a reader should know.
	Damage  bool
	Message string
}

func (f Finding) String() string { return fmt.Sprintf("%s:%d: %s", f.File, f.Position, f.Message) }

// Batch is one batch and where it is.
type Batch struct {
	record.Header
	File     string
	Position int64
	CRCRight bool
}

// Entry is one entry of an index: Position of an offset index, Timestamp (ms since
// 1970) of a time index.
type Entry struct {
	File      string
	Offset    int64
	Position  int64
	Timestamp int64
}

// Segment is the sum of one segment, after its batches.
type Segment struct {
	File         string // the .log
	FirstOffset  int64  // -1 without batches
	NextOffset   int64
	Batches      int64
	Records      int64
	LogBytes     int64
	FirstTime    int64 // the least and the greatest timestamp, ms since 1970; -1 without batches
	LastTime     int64
	IndexEntries int
	TimeEntries  int
}

// Visitor takes what is found, in the order of files; nil functions are left out.
// What it is given is its own until the next call.
type Visitor struct {
	Directory func(name string) error
	Batch     func(*Batch) error
	// Record is not called of batches with a wrong CRC.
	Record  func(*Batch, *record.Record) error
	Index   func(Entry) error
	Time    func(Entry) error
	Segment func(Segment) error
	Finding func(Finding) error
}

// Totals are of all that was read.
type Totals struct {
	Directories, Segments   int
	Batches, Records, Bytes int64
	IndexEntries, Damage    int
	Notes                   int
	FirstDamage             *Finding
	Unread                  int // files and directories that could not be read
}

// sectionBytesMax is the largest records section that is decompressed.
const sectionBytesMax = 64 << 20

// Suffixes of the files of a segment, whose names are its first offset.
const (
	logSuffix       = ".log"
	indexSuffix     = ".index"
	timeIndexSuffix = ".timeindex"
	epochsName      = "leader-epoch-checkpoint"
)

// checker reads one tree.
type checker struct {
	fsys    fs.FS
	visit   Visitor
	totals  Totals
	decoder *codec.Decompressor
	section []byte
	batch   []byte
	unread  []error
}

// readError is a fault of reading, which the rest of a tree does not suffer from.
type readError struct{ error }

func (e readError) Unwrap() error { return e.error }

// passOver keeps a fault of reading for the end; others, which are the visitor's, end
// the check.
func (c *checker) passOver(err error) error {
	if fault, ok := errors.AsType[readError](err); ok {
		c.unread = append(c.unread, fault.error)
		c.totals.Unread++
		return nil
	}
	return err
}

// Check reads what name is below the root of fsys: a directory, with all log
// directories in it, or one file of a segment. The error is the visitor's, which ends
// it, or says all that could not be read; damage is a Finding.
func Check(fsys fs.FS, name string, visit Visitor) (Totals, error) {
	c := &checker{fsys: fsys, visit: visit, decoder: codec.NewDecompressor(sectionBytesMax)}
	return c.check(name)
}

func (c *checker) check(name string) (Totals, error) {
	at, err := fs.Stat(c.fsys, name)
	if err != nil {
		return c.totals, err
	}
	if at.IsDir() {
		err = c.tree(name)
	} else {
		err = c.file(name)
	}
	err = c.passOver(err)
	switch {
	case len(c.unread) > 0:
		err = errors.Join(append(c.unread, err)...)
	case err == nil && c.totals.Segments == 0:
		err = ErrNoLog
	}
	return c.totals, err
}

// ErrNoLog says that there is no segment.
var ErrNoLog = errors.New("there is no segment of a log (00000000000000000000.log) in it")

// tree looks into a directory and those below it.
func (c *checker) tree(root string) error {
	return fs.WalkDir(c.fsys, root, func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return fs.SkipDir // directory has told of it
		case !entry.IsDir():
			return nil
		case entry.Name() == "lost+found": // of the file system, and root's
			return fs.SkipDir
		}
		return c.passOver(c.directory(name))
	})
}

// baseOffset is the first offset of the segment that a file belongs to.
func baseOffset(name string) (offset int64, suffix string, ok bool) {
	suffix = path.Ext(name)
	stem := strings.TrimSuffix(path.Base(name), suffix)
	if len(stem) != 20 {
		return 0, suffix, false
	}
	n, err := strconv.ParseUint(stem, 10, 63)
	return int64(n), suffix, err == nil
}

// directory checks the log in one directory, if there is one.
func (c *checker) directory(dir string) error {
	entries, err := fs.ReadDir(c.fsys, dir)
	if err != nil {
		return readError{err}
	}
	var bases []int64
	lone := map[int64]string{} // indexes, until their log is seen
	for _, e := range entries {
		base, suffix, ok := baseOffset(e.Name())
		switch {
		case e.IsDir():
		case ok && suffix == logSuffix:
			bases = append(bases, base)
		case ok && (suffix == indexSuffix || suffix == timeIndexSuffix):
			lone[base] = e.Name()
		}
	}
	if len(bases) == 0 {
		return nil
	}
	c.totals.Directories++
	if c.visit.Directory != nil {
		if err := c.visit.Directory(dir); err != nil {
			return err
		}
	}
	slices.Sort(bases)
	l := &logState{next: -1, reach: -1, epoch: -1}
	if err := c.passOver(c.epochs(dir, l)); err != nil {
		return err
	}
	for i, base := range bases {
		delete(lone, base)
		l.last = i == len(bases)-1
		if err := c.passOver(c.segment(path.Join(dir, fmt.Sprintf("%020d", base)), base, l)); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Values(lone)) {
		if err := c.damage(path.Join(dir, name), 0, "an index without its .log"); err != nil {
			return err
		}
	}
	return nil
}

// file checks one file: a .log with the indexes beside it, or an index with its log.
func (c *checker) file(name string) error {
	base, suffix, ok := baseOffset(name)
	if !ok || suffix != logSuffix && suffix != indexSuffix && suffix != timeIndexSuffix {
		return fmt.Errorf("%s: a segment's file is called 00000000000000000000%s, %s or %s", name, logSuffix, indexSuffix,
			timeIndexSuffix)
	}
	return c.segment(strings.TrimSuffix(name, suffix), base, &logState{next: -1, reach: -1, epoch: -1, last: true})
}

// damage tells what is wrong.
func (c *checker) damage(file string, position int64, format string, args ...any) error {
	f := Finding{File: file, Position: position, Damage: true, Message: fmt.Sprintf(format, args...)}
	c.totals.Damage++
	if c.totals.FirstDamage == nil {
		c.totals.FirstDamage = &f
	}
	return c.tell(f)
}

// note tells what is worth knowing.
func (c *checker) note(file string, position int64, format string, args ...any) error {
	c.totals.Notes++
	return c.tell(Finding{File: file, Position: position, Message: fmt.Sprintf(format, args...)})
}

func (c *checker) tell(f Finding) error {
	if c.visit.Finding == nil {
		return nil
	}
	return c.visit.Finding(f)
}
