package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"brokerlab/engine/logcheck"
)

func dumpCommand() *cli.Command {
	return &cli.Command{
		Name:      "dump",
		Usage:     "print and check the batches and records of a log directory",
		ArgsUsage: "LOGDIR|FILE...",
		Description: `Reads the logs below a directory, or one segment's .log, .index or .timeindex, as Apache Kafka or
brokerlab wrote them (run --keep leaves some), and prints a line for each batch as Kafka's DumpLogSegments does, or the
entries of an index. Everything is checked, printed or not: CRCs, records (decompressed), offsets, leader epochs and
timestamps in order, index entries against the log, the checkpoint of leader epochs, torn tails. Nothing is changed.

Damage is told with its file and byte. Notes are what a reader should know, such as gaps that compaction leaves. In a
log that a broker is writing, the last batch may seem torn, since half of it was there.

Exit code: 0; 1 if something is damaged; 2 if something could not be read, which the rest is checked without.

JSON is a line for each directory, batch, record, entry, segment and finding, and one with the totals: "type" says
which.

Try:
  brokerlab run quickstart --dir /tmp/logs --keep
  brokerlab dump /tmp/logs --summary
  brokerlab dump /var/lib/kafka/data/orders-0 --records --limit 5
  brokerlab dump /tmp/logs --records --json > logs.jsonl
  brokerlab dump orders-0/00000000000000000000.index`,
		Flags: []cli.Flag{
			&cli.BoolFlag{Name: "records", Usage: "print records too (also --deep)", Aliases: []string{"deep"}},
			&cli.BoolFlag{Name: "index", Usage: "print index entries too"},
			&cli.BoolFlag{Name: "summary", Usage: "print segments, findings and totals only"},
			&cli.IntFlag{Name: "limit", Usage: "`N` print so many batches of each segment at most; all are checked"},
			&cli.Int64Flag{Name: "from", Usage: "`OFFSET` print batches from this offset on", Value: 0},
			&cli.IntFlag{Name: "value-bytes", Usage: "`N` print so many bytes of each key and value (80)", Value: 80},
			jsonFlag(),
		},
		Action: dump,
	}
}

// dumpOptions say what is printed.
type dumpOptions struct {
	records, index, summary bool
	limit                   int    // batches of a segment; 0: all
	only                    string // suffix of the one index whose entries are printed, and no batches; "": of all
	from                    int64
	valueBytes              int
}

func dumpOptionsOf(ctx *cli.Context) (o dumpOptions, err error) {
	o = dumpOptions{records: ctx.Bool("records"), index: ctx.Bool("index"), summary: ctx.Bool("summary"),
		limit: ctx.Int("limit"), from: ctx.Int64("from"), valueBytes: ctx.Int("value-bytes")}
	switch {
	case o.limit < 0:
		return o, wrongUse("dump: --limit %d: give a number of batches", o.limit)
	case o.valueBytes < 0:
		return o, wrongUse("dump: --value-bytes %d: give a number of bytes", o.valueBytes)
	case o.summary && (o.records || o.index):
		return o, wrongUse("dump: --summary prints neither records nor index entries: leave one out")
	}
	return o, nil
}

func dump(ctx *cli.Context) error {
	if ctx.NArg() == 0 {
		return wrongUse("dump: name a log directory or a segment's file")
	}
	options, err := dumpOptionsOf(ctx)
	if err != nil {
		return err
	}
	var unreadable []error
	damaged := false
	for _, path := range ctx.Args().Slice() {
		totals, err := dumpOne(ctx, path, options)
		if output, ok := errors.AsType[outputError](err); ok { // no fault of what is read
			return fmt.Errorf("standard output: %w", output.error)
		}
		if err != nil {
			unreadable = append(unreadable, fmt.Errorf("dump %s: %w", path, err))
		}
		damaged = damaged || totals.Damage > 0
	}
	if damaged {
		for _, err := range unreadable {
			sayError(ctx.App.ErrWriter, err)
		}
		return errBadRun
	}
	return usageOf(unreadable)
}

// dumpPrinter writes what a check finds.
type dumpPrinter interface {
	visitor() logcheck.Visitor
	totals(logcheck.Totals) error
}

// dumpOne checks one path.
func dumpOne(ctx *cli.Context, path string, options dumpOptions) (logcheck.Totals, error) {
	at, err := os.Stat(path)
	if err != nil {
		if inner, ok := errors.AsType[*fs.PathError](err); ok {
			err = inner.Err
		}
		return logcheck.Totals{}, err
	}
	root, name := path, "."
	if !at.IsDir() {
		root, name = filepath.Dir(path), filepath.Base(path)
		if suffix := filepath.Ext(name); suffix != ".log" {
			options.only, options.index = suffix, true
		}
	}
	out := newLineWriter(ctx.App.Writer)
	var p dumpPrinter = &textDump{out: out, root: root, options: options, printed: printed{limit: options}}
	if ctx.Bool("json") {
		p = &jsonDump{out: out, root: root, options: options, printed: printed{limit: options}}
	}
	totals, err := logcheck.Check(os.DirFS(root), name, options.chosen(p.visitor()))
	if err == nil || totals.Segments > 0 {
		err = errors.Join(err, p.totals(totals))
	}
	return totals, errors.Join(err, out.flush())
}

// chosen leaves out of v what was not asked for.
func (o *dumpOptions) chosen(v logcheck.Visitor) logcheck.Visitor {
	if !o.records {
		v.Record = nil
	}
	if !o.index || o.only == ".timeindex" {
		v.Index = nil
	}
	if !o.index || o.only == ".index" {
		v.Time = nil
	}
	return v
}

// printed decides which batches are printed.
type printed struct {
	limit dumpOptions
	file  string
	count int  // batches of the file
	now   bool // the batch that is being read is printed
}

// next takes the next batch, and says whether it is printed.
func (p *printed) next(b *logcheck.Batch) bool {
	if b.File != p.file {
		p.file, p.count = b.File, 0
	}
	wanted := !p.limit.summary && p.limit.only == ""
	p.now = wanted && b.LastOffset() >= p.limit.from && (p.limit.limit == 0 || p.count < p.limit.limit)
	if p.now {
		p.count++
	}
	return p.now
}

// lineWriter gathers lines, since there may be millions.
type lineWriter struct {
	w   io.Writer
	buf []byte
}

func newLineWriter(w io.Writer) *lineWriter { return &lineWriter{w: w} }

const lineBufferBytes = 64 << 10

// write takes bytes over; append to l.buf and call it.
func (l *lineWriter) write(buf []byte) error {
	l.buf = buf
	if len(l.buf) < lineBufferBytes {
		return nil
	}
	return l.flush()
}

func (l *lineWriter) flush() error {
	_, err := l.w.Write(l.buf)
	l.buf = l.buf[:0]
	if err != nil {
		return outputError{err}
	}
	return nil
}

// outputError says that lines could not be written.
type outputError struct{ error }
