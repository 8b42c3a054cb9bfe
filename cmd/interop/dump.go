package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"brokerlab/engine/logdump"
)

// dumpTool is Kafka's own, unchanged.
const dumpTool = "kafka.tools.DumpLogSegments"

// stderrMax is how much of what Kafka says on standard error is repeated.
const stderrMax = 2000

// files are those of some logs, by kind, relative to a directory.
type files struct {
	dir                string
	logs, index, times []string
}

// list finds the files of logs, which are directories relative to dir.
func list(dir string, logs []string) (files, error) {
	f := files{dir: dir}
	for _, log := range logs {
		entries, err := os.ReadDir(filepath.Join(dir, log))
		if err != nil {
			return f, err
		}
		for _, e := range entries {
			name := filepath.Join(log, e.Name())
			switch filepath.Ext(name) {
			case ".log":
				f.logs = append(f.logs, name)
			case ".index":
				f.index = append(f.index, name)
			case ".timeindex":
				f.times = append(f.times, name)
			}
		}
	}
	return f, nil
}

// base is the first offset of a segment, which its files are named by.
func base(file string) int64 {
	name := filepath.Base(file)
	n, err := strconv.ParseInt(strings.TrimSuffix(name, filepath.Ext(name)), 10, 64)
	if err != nil {
		return -1
	}
	return n
}

// printed appends to dst what Kafka's tool should print of a file.
type printed func(dst []byte, file string, content []byte) ([]byte, error)

// dump lets Kafka's tool read files in every way that it has, and compares each
// line with ours.
func (c *court) dump(f files, text logdump.Text, logFlags ...string) (n counts, complaints []string, err error) {
	indexes := slices.Concat(f.index, f.times)
	printer := logdump.NewPrinter(text)
	n.segments = len(f.logs)
	for _, pass := range []struct {
		files  []string
		flags  []string
		expect printed
	}{
		{f.logs, append([]string{"--deep-iteration", "--print-data-log"}, logFlags...),
			func(dst []byte, file string, content []byte) ([]byte, error) {
				return n.printLog(dst, printer, file, content)
			}},
		{indexes, nil, n.printIndex},
		{indexes, []string{"--index-sanity-check"},
			func(dst []byte, file string, content []byte) ([]byte, error) {
				if isEmptyIndex(file, content) {
					return appendEmpty(dst, file), nil
				}
				return fmt.Appendf(dst, "%s passed sanity check.\n", file), nil
			}},
		{indexes, []string{"--verify-index-only"},
			func(dst []byte, file string, content []byte) ([]byte, error) {
				if isEmptyIndex(file, content) {
					return appendEmpty(dst, file), nil
				}
				return dst, nil
			}},
	} {
		found, err := c.compare(f.dir, pass.files, pass.flags, pass.expect)
		if err != nil {
			return n, complaints, err
		}
		complaints = append(complaints, found...)
	}
	return n, complaints, nil
}

// printLog is printed of a .log file, and counts what is in it.
func (n *counts) printLog(dst []byte, printer *logdump.Printer, file string, content []byte) ([]byte, error) {
	from := len(dst)
	dst, err := printer.AppendLog(dst, content, base(file))
	if err == nil && bytes.Contains(dst[from:], []byte("isvalid: false\n")) {
		err = errors.New("a batch has a wrong CRC")
	}
	n.batches += bytes.Count(dst[from:], []byte("\nbaseOffset: "))
	n.records += bytes.Count(dst[from:], []byte("\n| offset: "))
	n.bytes += int64(len(content))
	return dst, err
}

// printIndex is printed of an .index or .timeindex file, and counts its entries.
func (n *counts) printIndex(dst []byte, file string, content []byte) ([]byte, error) {
	switch {
	case isEmptyIndex(file, content):
		return appendEmpty(dst, file), nil
	case filepath.Ext(file) == ".index":
		n.indexEntries += len(content) / 8
		return logdump.AppendIndex(dst, content, base(file)), nil
	default:
		n.timeEntries += len(content) / 12
		return logdump.AppendTimeIndex(dst, content, base(file)), nil
	}
}

// isEmptyIndex says that an offset index has no entry, as that of a segment of no
// more than index.interval.bytes, which Kafka's tool has words for.
func isEmptyIndex(file string, content []byte) bool {
	return filepath.Ext(file) == ".index" && len(content) == 0
}

func appendEmpty(dst []byte, file string) []byte { return fmt.Appendf(dst, "%s is empty.\n", file) }

// compare runs Kafka's tool on files and compares what it prints for each with
// what is expected.
func (c *court) compare(dir string, names, flags []string, expect printed) (complaints []string, err error) {
	if len(names) == 0 {
		return []string{fmt.Sprintf("there are no files for %v", flags)}, nil
	}
	cmd := c.kafka.command(dir, dumpTool, append(flags, "--files", strings.Join(names, ","))...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	complain := func(format string, args ...any) { complaints = append(complaints, fmt.Sprintf(format, args...)) }
	var want, got []byte
	for _, name := range names {
		content, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			complain("%v", err)
			break
		}
		if want, err = expect(fmt.Appendf(want[:0], "Dumping %s\n", name), name, content); err != nil {
			complain("%s: we cannot read it: %v", name, err)
			break
		}
		got = append(got[:0], make([]byte, len(want))...)
		n, _ := io.ReadFull(stdout, got) // what is missing differs
		if !bytes.Equal(got[:n], want) {
			complain("%s: %v: %s", name, flags, firstDifference(string(got[:n]), string(want)))
			break
		}
	}
	rest, readErr := io.ReadAll(stdout)
	if readErr != nil {
		complain("reading what it prints: %v", readErr)
	}
	if len(complaints) == 0 && len(rest) > 0 {
		complain("%v: it goes on: %.300q", flags, rest)
	}
	if err := cmd.Wait(); err != nil {
		complain("%v: %v", flags, err)
	}
	if stderr.Len() > 0 {
		complain("%v: it says: %s", flags, stderr.Bytes()[:min(stderr.Len(), stderrMax)])
	}
	return complaints, nil
}

// firstDifference shows the first line that differs.
func firstDifference(kafka, ours string) string {
	a, b := strings.Split(kafka, "\n"), strings.Split(ours, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return fmt.Sprintf("line %d is\n  Kafka: %s\n  ours:  %s", i+1, a[i], b[i])
		}
	}
	return fmt.Sprintf("Kafka prints %d lines, we %d", len(a), len(b))
}
