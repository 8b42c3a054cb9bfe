package main

import (
	"fmt"
	"os"
	"path/filepath"

	"brokerlab/engine/codec"
	"brokerlab/engine/commitlog/kafkasample"
	"brokerlab/engine/env"
	"brokerlab/engine/logdump"
)

// capture writes the golden files of the commitlog's tests:
//
//	input.json       what both were given to write
//	CODEC/*          the directory that Kafka wrote
//	CODEC.dump.txt   what Kafka's tool prints of the directory that we wrote
//
// It leaves them as they are if Kafka has any complaint.
func (c *court) capture(to string) error {
	in := kafkasample.Make(kafkasample.Small)
	theirs, ours := filepath.Join(c.scratch, "theirs"), filepath.Join(c.scratch, "ours")
	if err := c.kafkaWrites(in, theirs); err != nil {
		return err
	}
	dumps := map[string][]byte{}
	for _, kind := range codec.Types() {
		err := onNode(filepath.Join(ours, kind.String()), func(n env.Node) error { return in.Write(n, sampleLog, kind) })
		if err != nil {
			return fmt.Errorf("%v: %w", kind, err)
		}
		dir := filepath.Join(ours, kind.String(), sampleLog)
		f, err := list(dir, []string{"."})
		if err != nil {
			return err
		}
		r := row{writer: "our log, small sample", reader: "Kafka's log dump", codec: kind.String()}
		var complaints []string
		if r.counts, complaints, err = c.dump(f, logdump.Plain); err != nil {
			return err
		}
		r.logs = 1
		c.add(r, complaints)
		if dumps[kind.String()], err = c.dumpText(f); err != nil {
			return err
		}
	}
	if len(c.complaints) > 0 {
		return fmt.Errorf("the golden files in %s stay as they are: there are complaints", to)
	}
	return store(to, theirs, dumps)
}

// dumpText is what Kafka's tool prints of all files.
func (c *court) dumpText(f files) ([]byte, error) {
	var all []byte
	for _, names := range [][]string{f.logs, f.index, f.times} {
		for _, name := range names {
			out, err := c.kafka.output(f.dir, dumpTool, "--deep-iteration", "--print-data-log", "--files", name)
			if err != nil {
				return nil, err
			}
			all = append(all, out...)
		}
	}
	return all, nil
}

func store(to, theirs string, dumps map[string][]byte) error {
	input, err := os.ReadFile(filepath.Join(theirs, "input.json"))
	if err != nil {
		return err
	}
	if err := os.MkdirAll(to, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(to, "input.json"), input, 0o644); err != nil {
		return err
	}
	for _, name := range codecNames() {
		dir := filepath.Join(to, name)
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
		if err := os.CopyFS(dir, os.DirFS(filepath.Join(theirs, name, sampleLog))); err != nil {
			return err
		}
		if err := os.WriteFile(dir+".dump.txt", dumps[name], 0o644); err != nil {
			return err
		}
	}
	return nil
}
