package main

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"brokerlab/engine/codec"
	"brokerlab/engine/commitlog"
	"brokerlab/engine/commitlog/kafkasample"
	"brokerlab/engine/env"
	"brokerlab/engine/logdump"
)

// kafkaWrites gives an input to Kafka's log, which writes it to dir/CODEC/topic-0
// for each codec.
func (c *court) kafkaWrites(in *kafkasample.Input, dir string) error {
	text, err := in.Lines()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	file := filepath.Join(dir, "input.json")
	if err := os.WriteFile(file, text, 0o644); err != nil {
		return err
	}
	_, err = c.kafka.output(dir, "WriteLog", append([]string{file, dir}, codecNames()...)...)
	return err
}

// judgeKafka lets Kafka write the sample and reads it with our log: once as after
// a clean shutdown and once as after a crash. What we may not do is change a file.
func (c *court) judgeKafka() error {
	in := kafkasample.Make(kafkasample.Large)
	dir := filepath.Join(c.scratch, "theirs")
	if err := c.kafkaWrites(in, dir); err != nil {
		return err
	}
	for _, kind := range codec.Types() {
		r := row{writer: "Kafka's UnifiedLog", reader: "our log", codec: kind.String()}
		log := filepath.Join(dir, kind.String(), sampleLog)
		var complaints []string
		before, err := contents(log)
		if err != nil {
			return err
		}
		for _, clean := range []bool{true, false} {
			found, err := readOurs(in, kind, filepath.Join(dir, kind.String()), clean)
			if err != nil {
				return err
			}
			after, err := contents(log)
			if err != nil {
				return err
			}
			for _, name := range changed(before, after) {
				found = append(found, fmt.Sprintf("%s was changed", name))
			}
			for _, text := range found {
				complaints = append(complaints, fmt.Sprintf("clean %t: %s", clean, text))
			}
		}
		if r.counts, err = countsOf(log); err != nil {
			return err
		}
		c.add(r, complaints)
		if kind == codec.None || kind == codec.LZ4 {
			r.writer, r.reader = "both, the sample", "byte by byte"
			ours, err := contents(filepath.Join(c.scratch, "ours", kind.String(), sampleLog))
			if err != nil {
				return err
			}
			maps.DeleteFunc(before, notKept)
			maps.DeleteFunc(ours, notKept)
			c.add(r, changed(before, ours))
		}
	}
	return nil
}

// notKept are Kafka's files of transactions, which we do not have, and of producers,
// which tell of transactions too.
func notKept(name string, _ []byte) bool {
	return strings.HasSuffix(name, ".snapshot") || strings.HasSuffix(name, ".txnindex")
}

// readOurs opens the log that Kafka wrote below dir and compares what it reads
// with the input.
func readOurs(in *kafkasample.Input, kind codec.Type, dir string, clean bool) (complaints []string, err error) {
	err = onNode(dir, func(n env.Node) (err error) {
		past := commitlog.Past{}
		if clean {
			past = commitlog.Past{CleanShutdown: true, RecoveryPoint: 1 << 62}
		}
		l, err := commitlog.OpenAfter(n, sampleLog, in.Config(), past)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, l.Close()) }()
		got, codecs, err := kafkasample.Read(n, l, l.StartOffset())
		if err != nil {
			return err
		}
		text, err := kafkasample.Difference(in.Batches, got)
		if text != "" {
			complaints = append(complaints, text)
		}
		if len(codecs) != 1 || codecs[kind] == 0 {
			complaints = append(complaints, fmt.Sprintf("the codecs are %v", codecs))
		}
		if cut := l.Stats().RecoveryCut; cut != 0 {
			complaints = append(complaints, fmt.Sprintf("recovery cut %d bytes", cut))
		}
		return err
	})
	if err != nil {
		complaints = append(complaints, err.Error())
	}
	return complaints, nil
}

// countsOf counts what a log holds, by our own reading.
func countsOf(log string) (n counts, err error) {
	f, err := list(log, []string{"."})
	if err != nil {
		return n, err
	}
	printer := logdump.NewPrinter(logdump.Digest)
	n.logs, n.segments = 1, len(f.logs)
	for _, name := range slices.Concat(f.logs, f.index, f.times) {
		p, err := os.ReadFile(filepath.Join(log, name))
		if err != nil {
			return n, err
		}
		if filepath.Ext(name) == ".log" {
			_, err = n.printLog(nil, printer, name, p)
		} else {
			_, err = n.printIndex(nil, name, p)
		}
		if err != nil {
			return n, fmt.Errorf("%s: %w", name, err)
		}
	}
	return n, nil
}

// contents reads the files of a log.
func contents(log string) (map[string][]byte, error) {
	entries, err := os.ReadDir(log)
	if err != nil {
		return nil, err
	}
	out := map[string][]byte{}
	for _, e := range entries {
		if out[e.Name()], err = os.ReadFile(filepath.Join(log, e.Name())); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// changed names the files that are not the same in both, in order.
func changed(before, after map[string][]byte) (names []string) {
	for name, p := range before {
		if q, ok := after[name]; !ok || !bytes.Equal(p, q) {
			names = append(names, name)
		}
	}
	for name := range after {
		if _, ok := before[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// judgeJudge breaks an entry of an index and of a time index of copies of the log
// that Kafka wrote. Kafka's tool must complain about each.
func (c *court) judgeJudge() error {
	from := filepath.Join(c.scratch, "theirs", codec.None.String(), sampleLog)
	f, err := list(from, []string{"."})
	if err != nil {
		return err
	}
	dir := filepath.Join(c.scratch, "broken")
	for _, broken := range []string{f.index[0], f.times[0]} {
		err := errors.Join(os.RemoveAll(dir), os.CopyFS(dir, os.DirFS(from)))
		if err != nil {
			return err
		}
		name := filepath.Join(dir, broken)
		p, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		p[7]++ // the position, or the timestamp, of the first entry
		if err := os.WriteFile(name, p, 0o644); err != nil {
			return err
		}
		found, err := c.compare(dir, []string{broken}, nil, new(counts).printIndex)
		if err != nil {
			return err
		}
		r := row{writer: "us, broken " + filepath.Ext(broken), reader: "Kafka's log dump", codec: codec.None.String()}
		var complaints []string
		if len(found) == 0 {
			complaints = []string{"Kafka says nothing of a broken entry"}
		}
		c.add(r, complaints)
	}
	return nil
}
