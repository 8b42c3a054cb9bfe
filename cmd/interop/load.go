package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"brokerlab/engine/record"
)

// settings are those of a log that Kafka must know to treat it as we did.
type settings struct{ segmentBytes, indexIntervalBytes int64 }

// load lets Kafka's broker code open copies of logs, as after a clean shutdown and
// as after a crash, and holds what it sees against what is there.
func (c *court) load(f files, logs []string, s settings) (complaints []string, err error) {
	scratch := filepath.Join(c.scratch, "load")
	if err := os.MkdirAll(scratch, 0o755); err != nil {
		return nil, err
	}
	args := append([]string{scratch, strconv.FormatInt(s.segmentBytes, 10), strconv.FormatInt(s.indexIntervalBytes, 10)},
		logs...)
	out, err := c.kafka.output(f.dir, "LoadLog", args...)
	if err != nil {
		return []string{err.Error()}, nil
	}
	lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
	if len(lines) != 2*len(logs) {
		return nil, fmt.Errorf("LoadLog printed %d lines for %d logs:\n%s", len(lines), len(logs), out)
	}
	for i, line := range lines {
		log, way := logs[i/2], []string{"clean", "recovered"}[i%2]
		facts, err := factsOf(filepath.Join(f.dir, log))
		if err != nil {
			return nil, err
		}
		if way == "recovered" {
			line = withoutSnapshots(line)
		}
		if want := strings.Join([]string{log, way, facts, "", ""}, "\t"); line != want {
			complaints = append(complaints, fmt.Sprintf("opened by Kafka it is\n  %s\nwant\n  %s", line, want))
		}
	}
	return complaints, nil
}

// withoutSnapshots takes the snapshots of producers away from the changed files in a
// line of LoadLog: a recovery makes them anew, without what we put behind Kafka's
// entries. After a clean shutdown Kafka reads the latest one, and removes it if it is
// not right.
func withoutSnapshots(line string) string {
	columns := strings.Split(line, "\t")
	const changed = 3
	if len(columns) <= changed {
		return line
	}
	var kept []string
	for _, name := range strings.Fields(columns[changed]) {
		if !strings.HasSuffix(name, ".snapshot") {
			kept = append(kept, " "+name)
		}
	}
	columns[changed] = strings.Join(kept, "")
	return strings.Join(columns, "\t")
}

// factsOf says of a log what LoadLog says of it, from its files.
func factsOf(dir string) (string, error) {
	f, err := list(dir, []string{"."})
	if err != nil {
		return "", err
	}
	var start, end, size int64
	for i, name := range f.logs {
		p, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return "", err
		}
		if i == 0 {
			start, end = base(name), base(name)
		}
		size += int64(len(p))
		for len(p) > 0 {
			h, err := record.ParseHeader(p)
			if err != nil || h.SizeBytes() > len(p) {
				return "", fmt.Errorf("%s: a batch is not whole: %w", name, err)
			}
			end = h.NextOffset()
			p = p[h.SizeBytes():]
		}
	}
	epochs, err := epochsOf(dir)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("start %d end %d size %d segments %d epochs [%s]", start, end, size, len(f.logs),
		strings.Join(epochs, ", ")), nil
}

// epochsOf reads a leader-epoch-checkpoint: a version, a count, and as many lines
// of an epoch and its first offset.
func epochsOf(dir string) (epochs []string, err error) {
	text, err := os.ReadFile(filepath.Join(dir, "leader-epoch-checkpoint"))
	if err != nil {
		return nil, err
	}
	lines := strings.Split(strings.TrimSuffix(string(text), "\n"), "\n")
	if len(lines) < 2 || lines[0] != "0" || lines[1] != strconv.Itoa(len(lines)-2) {
		return nil, fmt.Errorf("%s: leader-epoch-checkpoint is %q", dir, text)
	}
	for _, line := range lines[2:] {
		epoch, offset, _ := strings.Cut(line, " ")
		epochs = append(epochs, fmt.Sprintf("EpochEntry(epoch=%s, startOffset=%s)", epoch, offset))
	}
	return epochs, nil
}
