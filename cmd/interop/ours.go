package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"brokerlab/disks/osfs"
	"brokerlab/engine/codec"
	"brokerlab/engine/commitlog/kafkasample"
	"brokerlab/engine/env"
	"brokerlab/engine/logdump"
	"brokerlab/engine/realworld"
	"brokerlab/results"
	"brokerlab/scenarios/run"
	"brokerlab/scenarios/spec"
)

const (
	partitions  = 2
	replication = 3
)

// brokersLog is the settings of the logs of our brokers, as the scenario has them.
var brokersLog = settings{segmentBytes: 512 << 10, indexIntervalBytes: 4096}

// scenario makes three brokers write a topic with each codec.
const scenario = `title: Logs for Kafka to read
cluster: {brokers: 3}
topic: {partitions: 2, replication.factor: 3, segment.bytes: 512KiB}
producers: {count: 2, acks: all, buffer.memory: 1MiB}
consumers: {count: 1}
records: {size: 700B}
load: {rate: max, warmup: 200ms, duration: 3s, max-bytes: 24MB}
vary:
  codec:
    none: {producers.compression.type: none}
    gzip: {producers.compression.type: gzip}
    snappy: {producers.compression.type: snappy}
    lz4: {producers.compression.type: lz4}
    zstd: {producers.compression.type: zstd}
`

// digests let Kafka's tool print keys and values as logdump.Digest does.
var digests = []string{"--key-decoder-class", "Digest", "--value-decoder-class", "Digest"}

// judgeBrokers runs our whole engine for real and lets Kafka read every replica.
func (c *court) judgeBrokers() error {
	file, err := spec.Parse("interop.yaml", []byte(scenario))
	if err != nil {
		return err
	}
	out, err := run.Run(file, []byte(scenario), run.Options{Disks: []string{"dir:" + filepath.Join(c.scratch, "brokers")},
		Out: filepath.Join(c.scratch, "runs"), Keep: true, Live: &run.Live{}})
	if err != nil {
		return err
	}
	if len(out.Kept) != len(codec.Types()) || len(out.Result.Cells) != len(out.Kept) {
		return fmt.Errorf("the run left %v for %d cells", out.Kept, len(out.Result.Cells))
	}
	for i, dir := range out.Kept {
		if err := c.judgeCell(&out.Result.Cells[i], dir); err != nil {
			return err
		}
	}
	return nil
}

func (c *court) judgeCell(cell *results.Cell, dir string) error {
	logs, err := filepath.Glob(filepath.Join(dir, "broker-*", "logs", "brokerlab-*"))
	if err != nil {
		return err
	}
	for i := range logs {
		if logs[i], err = filepath.Rel(dir, logs[i]); err != nil {
			return err
		}
	}
	slices.Sort(logs)
	r := row{writer: "our 3 brokers", codec: cell.Labels["codec"]}
	n, complaints, err := c.judgeLogs(&r, dir, logs, logdump.Digest, digests...)
	if err != nil {
		return err
	}
	if want := partitions * replication; n.logs != want {
		complaints = append(complaints, fmt.Sprintf("%d logs, want %d", n.logs, want))
	}
	if want := replication * cell.Acked; int64(n.records) != want || cell.Failed > 0 || cell.Bad() > 0 {
		complaints = append(complaints, fmt.Sprintf("%d records in %d replicas, acknowledged were %d, failed %d, bad %d",
			n.records, replication, cell.Acked, cell.Failed, cell.Bad()))
	}
	same, err := replicasDiffer(dir, logs)
	if err != nil {
		return err
	}
	c.add(r, append(complaints, same...))
	return c.openByKafka(r, dir, logs, brokersLog)
}

// judgeLogs dumps logs and fills in what was read.
func (c *court) judgeLogs(r *row, dir string, logs []string, text logdump.Text, flags ...string) (
	counts, []string, error) {
	f, err := list(dir, logs)
	if err != nil {
		return counts{}, nil, err
	}
	n, complaints, err := c.dump(f, text, flags...)
	if err != nil {
		return n, nil, err
	}
	if len(f.index) != len(f.logs) || len(f.times) != len(f.logs) {
		complaints = append(complaints, fmt.Sprintf("%d segments, %d indexes, %d time indexes",
			len(f.logs), len(f.index), len(f.times)))
	}
	if len(f.logs) < 2*len(logs) {
		complaints = append(complaints, fmt.Sprintf("%d segments in %d logs: too few to judge rolls", len(f.logs), len(logs)))
	}
	n.logs = len(logs)
	r.reader, r.counts = "Kafka's log dump", n
	return n, complaints, nil
}

// openByKafka adds a line for logs that Kafka's broker code opens.
func (c *court) openByKafka(r row, dir string, logs []string, s settings) error {
	f, err := list(dir, logs)
	if err != nil {
		return err
	}
	complaints, err := c.load(f, logs, s)
	if err != nil {
		return err
	}
	r.reader = "Kafka's UnifiedLog"
	c.add(r, complaints)
	return nil
}

// replicasDiffer compares the replicas of each partition byte by byte. Where
// their segments end is each broker's own affair.
func replicasDiffer(dir string, logs []string) (complaints []string, err error) {
	first := map[string][]byte{}
	for _, log := range logs {
		f, err := list(dir, []string{log})
		if err != nil {
			return nil, err
		}
		var whole []byte
		for _, name := range f.logs {
			p, err := os.ReadFile(filepath.Join(dir, name))
			if err != nil {
				return nil, err
			}
			whole = append(whole, p...)
		}
		partition := filepath.Base(log)
		if have, ok := first[partition]; !ok {
			first[partition] = whole
		} else if !bytes.Equal(have, whole) {
			complaints = append(complaints, fmt.Sprintf("%s: %d bytes, another replica has %d or differs",
				log, len(whole), len(have)))
		}
	}
	return complaints, nil
}

// onNode runs body as a task of a node whose files are below dir.
func onNode(dir string, body func(env.Node) error) error {
	w := realworld.New(realworld.Config{Seed: 1, Poison: true})
	n := w.NewNode(env.NodeConfig{Name: "broker", Mount: func(env.Node) env.FS { return osfs.New(dir) }})
	var failed error
	if err := w.Run(n, func() { failed = body(n) }); err != nil {
		return err
	}
	return failed
}

// sampleLog is where the sample is, below the directory of a codec.
const sampleLog = "topic-0"

// judgeSample writes the sample with our log alone, since our producers send
// neither keys nor transactions here, and lets Kafka read it.
func (c *court) judgeSample() error {
	in := kafkasample.Make(kafkasample.Large)
	dir := filepath.Join(c.scratch, "ours")
	for _, kind := range codec.Types() {
		log := filepath.Join(kind.String(), sampleLog)
		err := onNode(dir, func(n env.Node) error { return in.Write(n, filepath.ToSlash(log), kind) })
		if err != nil {
			return fmt.Errorf("%v: %w", kind, err)
		}
		s := settings{segmentBytes: in.SegmentBytes, indexIntervalBytes: in.IndexIntervalBytes}
		r := row{writer: "our log, sample", codec: kind.String()}
		n, complaints, err := c.judgeLogs(&r, dir, []string{log}, logdump.Plain)
		if err != nil {
			return err
		}
		if n.batches != len(in.Batches) {
			complaints = append(complaints, fmt.Sprintf("%d batches, want %d", n.batches, len(in.Batches)))
		}
		c.add(r, complaints)
		if err := c.openByKafka(r, dir, []string{log}, s); err != nil {
			return err
		}
	}
	return nil
}
