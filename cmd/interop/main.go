// Command interop lets Apache Kafka's own code judge the log directories that we
// write, and reads the ones that Kafka writes. It needs Java 17 with its compiler,
// and Maven, which fetches Kafka from Maven Central once.
//
//	interop [--work DIR] [--keep] [--capture DIR]
//
// It prints a table of what was judged. It exits with 0 if nothing was found wrong,
// 1 with a line for each complaint, 2 if there was nothing to judge with.
//
//	written by            read by                                 compared
//	our three brokers     kafka.tools.DumpLogSegments             every line with our own reading of the file
//	our log, sample       kafka.tools.DumpLogSegments             the same
//	both of these         UnifiedLog, clean and recovered         ends, sizes, epochs; no file may change
//	Kafka's UnifiedLog    our log                                 every field with what was given to Kafka
//	both, the sample                                              codecs none and lz4: all files, byte by byte
//
// Before the verdict Kafka's tool is shown broken indexes: were it silent there,
// its silence on ours would mean nothing.
//
// What it cannot tell: whether Kafka's brokers or clients would take our requests
// and responses; no connection is made.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"brokerlab/engine/codec"
)

// errNoJudge says that nothing could be judged: exit code 2.
var errNoJudge = errors.New("cannot judge")

func main() { os.Exit(interop(os.Args[1:], os.Stdout, os.Stderr)) }

func interop(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("interop", flag.ContinueOnError)
	flags.SetOutput(stderr)
	work := flags.String("work", "", "directory for Kafka's jars, kept from run to run (default: in the user's cache)")
	keep := flags.Bool("keep", false, "leave the logs that were written")
	capture := flags.String("capture", "", "write the golden files of the commitlog's tests to this `directory`")
	if err := flags.Parse(args); err != nil || flags.NArg() > 0 {
		fmt.Fprintln(stderr, "usage: interop [--work DIR] [--keep] [--capture DIR]")
		return 2
	}
	c := &court{progress: stderr}
	err := c.hold(*work, *capture, *keep)
	if err == nil || len(c.rows) > 0 {
		c.print(stdout)
	}
	if err != nil {
		fmt.Fprintln(stderr, "interop:", err)
	}
	for _, text := range c.complaints {
		fmt.Fprintln(stderr, "complaint:", text)
	}
	switch {
	case errors.Is(err, errNoJudge):
		return 2
	case err != nil || len(c.complaints) > 0:
		return 1
	}
	return 0
}

// court holds what was judged so far.
type court struct {
	kafka      *kafka
	scratch    string // directory for all that is written
	progress   io.Writer
	rows       []row
	complaints []string
}

// row is a line of the table.
type row struct {
	writer, reader, codec string
	counts
	complaints int
}

// counts are what a reader read, and found equal.
type counts struct {
	logs, segments, batches, records, indexEntries, timeEntries int
	bytes                                                       int64
}

func (c *court) hold(work, capture string, keep bool) (err error) {
	if c.kafka, err = newKafka(work, c.progress); err != nil {
		return fmt.Errorf("%w: %w", errNoJudge, err)
	}
	if c.scratch, err = os.MkdirTemp("", "brokerlab-interop-"); err != nil {
		return err
	}
	if keep {
		fmt.Fprintln(c.progress, "interop: logs are kept in", c.scratch)
	} else {
		defer func() { err = errors.Join(err, os.RemoveAll(c.scratch)) }()
	}
	if capture != "" {
		return c.capture(capture)
	}
	for _, step := range []struct {
		name string
		run  func() error
	}{
		{"our brokers write", c.judgeBrokers},
		{"our log writes the sample", c.judgeSample},
		{"Kafka writes the sample", c.judgeKafka},
		{"Kafka is shown broken indexes", c.judgeJudge},
	} {
		began := time.Now()
		if err := step.run(); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
		fmt.Fprintf(c.progress, "interop: %s: judged in %.1f s\n", step.name, time.Since(began).Seconds())
	}
	return nil
}

// add puts a line into the table with the complaints that came up for it.
func (c *court) add(r row, complaints []string) {
	r.complaints = len(complaints)
	c.rows = append(c.rows, r)
	for _, text := range complaints {
		text = strings.ReplaceAll(text, c.scratch+string(filepath.Separator), "")
		c.complaints = append(c.complaints,
			fmt.Sprintf("%s, written by %s, read by %s: %s", r.codec, r.writer, r.reader, text))
	}
}

func (c *court) print(w io.Writer) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "written by\tread by\tcodec\tlogs\tsegments\tbatches\trecords\tindex entries\ttime entries\tbytes\t"+
		"complaints\t")
	for _, r := range c.rows {
		fmt.Fprintf(t, "%s\t%s\t%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t\n", r.writer, r.reader, r.codec, r.logs, r.segments,
			r.batches, r.records, r.indexEntries, r.timeEntries, r.bytes, r.complaints)
	}
	t.Flush()
	fmt.Fprintf(w, "Apache Kafka %s: %d complaints\n", c.kafka.version, len(c.complaints))
}

// codecNames are Kafka's names of all codecs.
func codecNames() (names []string) {
	for _, t := range codec.Types() {
		names = append(names, t.String())
	}
	return names
}
