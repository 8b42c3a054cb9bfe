package main

import (
	"fmt"
	"path/filepath"
	"strconv"
	"time"
	"unicode"
	"unicode/utf8"

	"brokerlab/engine/logcheck"
	"brokerlab/engine/logdump"
	"brokerlab/engine/record"
	"brokerlab/results/quantity"
)

// textDump prints for people: batches and records as Kafka's DumpLogSegments does.
type textDump struct {
	out     *lineWriter
	root    string
	options dumpOptions
	printed printed
}

func (d *textDump) visitor() logcheck.Visitor {
	return logcheck.Visitor{Directory: d.directory, Batch: d.batch, Segment: d.segment, Finding: d.finding,
		Record: d.record, Index: d.index, Time: d.time}
}

// path is a file as the user can name it.
func (d *textDump) path(name string) string { return filepath.Join(d.root, filepath.FromSlash(name)) }

func (d *textDump) directory(name string) error {
	return d.out.write(fmt.Appendf(d.out.buf, "%s:\n", d.path(name)))
}

func (d *textDump) batch(b *logcheck.Batch) error {
	if !d.printed.next(b) {
		return nil
	}
	buf := d.out.buf
	if d.printed.count == 1 {
		buf = fmt.Appendf(buf, "%s\n", d.path(b.File))
	}
	return d.out.write(logdump.AppendBatch(buf, &b.Header, b.Position, b.CRCRight))
}

func (d *textDump) record(b *logcheck.Batch, r *record.Record) error {
	if !d.printed.now {
		return nil
	}
	from := len(d.out.buf)
	buf, err := logdump.AppendRecord(d.out.buf, &b.Header, r, d.text)
	if err != nil {
		return err
	}
	for i, c := range buf[from : len(buf)-1] {
		if c < ' ' || c == 0x7f { // of a header's key, which could move the cursor
			buf[from+i] = '?'
		}
	}
	return d.out.write(buf)
}

// text shows a key or a value on its line: as it is if it can be printed, else quoted,
// and cut.
func (d *textDump) text(b []byte) string {
	rest := ""
	if len(b) > d.options.valueBytes {
		b, rest = cutBytes(b, d.options.valueBytes), "..."
	}
	for _, r := range string(b) {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return strconv.QuoteToASCII(string(b)) + rest
		}
	}
	return string(b) + rest
}

// cutBytes cuts at so many bytes, not inside a character.
func cutBytes(b []byte, most int) []byte {
	for cut := most; cut > 0 && cut > most-utf8.UTFMax; cut-- {
		if utf8.RuneStart(b[cut]) {
			return b[:cut]
		}
	}
	return b[:most]
}

func (d *textDump) index(e logcheck.Entry) error {
	return d.out.write(fmt.Appendf(d.out.buf, "%s offset: %d position: %d\n", d.path(e.File), e.Offset, e.Position))
}

func (d *textDump) time(e logcheck.Entry) error {
	return d.out.write(fmt.Appendf(d.out.buf, "%s timestamp: %d offset: %d\n", d.path(e.File), e.Timestamp, e.Offset))
}

func (d *textDump) segment(s logcheck.Segment) error {
	buf := fmt.Appendf(d.out.buf, "%s: ", d.path(s.File))
	if s.Batches == 0 {
		return d.out.write(fmt.Appendf(buf, "no batches, %s\n", quantity.Bytes(s.LogBytes)))
	}
	return d.out.write(fmt.Appendf(buf, "offsets %d to %d, %s, %s, %s, %s to %s, %s\n", s.FirstOffset, s.NextOffset-1,
		plural64(s.Batches, "batch", "batches"), plural64(s.Records, "record", "records"), quantity.Bytes(s.LogBytes),
		clock(s.FirstTime), clock(s.LastTime), plural64(int64(s.IndexEntries+s.TimeEntries), "index entry", "index entries")))
}

func plural64(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return quantity.Count(n) + " " + many
}

// clock is a timestamp of Kafka, which counts milliseconds.
func clock(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z") }

func (d *textDump) finding(f logcheck.Finding) error {
	kind := "note"
	if f.Damage {
		kind = "damaged"
	}
	return d.out.write(fmt.Appendf(d.out.buf, "%s: %s:%d: %s\n", kind, d.path(f.File), f.Position, f.Message))
}

func (d *textDump) totals(t logcheck.Totals) error {
	text := fmt.Sprintf("%s, %s, %s, %s, %s", plural64(int64(t.Directories), "directory", "directories"),
		plural64(int64(t.Segments), "segment", "segments"), plural64(t.Batches, "batch", "batches"),
		plural64(t.Records, "record", "records"), quantity.Bytes(t.Bytes))
	if t.Notes > 0 {
		text += ", " + plural64(int64(t.Notes), "note", "notes")
	}
	if t.Unread > 0 {
		text += fmt.Sprintf(", %d could not be read", t.Unread)
	}
	if t.Damage == 0 {
		return d.out.write(fmt.Appendf(d.out.buf, "%s, no damage\n", text))
	}
	first := t.FirstDamage
	return d.out.write(fmt.Appendf(d.out.buf, "%s; %d damaged, first %s:%d\n", text, t.Damage, d.path(first.File),
		first.Position))
}
