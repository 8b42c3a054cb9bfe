package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// examples are the command lines of a Markdown text: lines of its indented blocks that
// begin with brokerlab, without their comments.
func examples(t *testing.T, file string) []string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, m := range regexp.MustCompile(`(?m)^    (brokerlab .*)$`).FindAllStringSubmatch(string(text), -1) {
		line, _, _ := strings.Cut(m[1], " #")
		found = append(found, strings.TrimSpace(line))
	}
	return found
}

// wordsOf splits a command line as a shell does, as far as examples need it: double
// quotes, and standard output that goes to a file, which is left out.
func wordsOf(line string) []string {
	line, _, _ = strings.Cut(line, " >")
	var words []string
	for i, part := range strings.Split(line, `"`) {
		if i%2 == 1 {
			words = append(words, part)
		} else {
			words = append(words, strings.Fields(part)...)
		}
	}
	return words
}

// exampleFiles are what the examples take for granted.
var exampleFiles = map[string]string{
	"my-test.yaml": "question: What is here?\nload: {rate: 1000/s}\n",
	"my-records.jsonl": `{"user": {"id": 7}, "text": "one"}
{"user": {"id": 8}, "text": "another one"}
`,
	"kafka-throughput.yaml": `name: Kafka
driverClass: io.openmessaging.benchmark.driver.kafka.KafkaBenchmarkDriver
replicationFactor: 3
topicConfig: |
  min.insync.replicas=2
commonConfig: |
  bootstrap.servers=localhost:9092
producerConfig: |
  acks=all
  linger.ms=1
consumerConfig: |
  auto.offset.reset=earliest
`,
	"1-topic-16-partitions-1kb.yaml": `name: 1 topic / 16 partitions / 1Kb
topics: 1
partitionsPerTopic: 16
messageSize: 1024
keyDistributor: NO_KEY
useRandomizedPayloads: true
randomBytesRatio: 0.5
randomizedPayloadPoolSize: 100
subscriptionsPerTopic: 1
producersPerTopic: 1
consumerPerSubscription: 1
producerRate: 50000
consumerBacklogSizeGB: 0
testDurationMinutes: 5
`,
}

// Goal: what the documentation shows can be typed. Method: each example of the two
// READMEs in turn, in a directory with the files that they name; runs only as far as
// --dry-run goes, which checks all that a run checks.
func TestExamples(t *testing.T) {
	lines := append(examples(t, "../../README.md"), examples(t, "../../scenarios/README.md")...)
	if len(lines) < 20 {
		t.Fatalf("%d examples were found", len(lines))
	}
	dir := t.TempDir()
	t.Chdir(dir)
	for name, text := range exampleFiles {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	first := []string{"run", "quickstart", "--disk", "sim", "--set", "vary.load=open loop", "--set", "load.warmup=100ms",
		"--set", "load.duration=700ms"}
	try(t, "a run to look at", first)
	for _, line := range lines {
		words := wordsOf(strings.ReplaceAll(line, "/mnt/", filepath.Join(dir, "mnt")+"/"))[1:]
		switch words[0] {
		case "run":
			words = append(words, "--dry-run")
		case "new":
			if err := os.RemoveAll("my-test.yaml"); err != nil {
				t.Fatal(err)
			}
		}
		try(t, line, words)
	}
}

// try runs a command line that must end well.
func try(t *testing.T, name string, words []string) {
	t.Helper()
	var out, messages bytes.Buffer
	if err := dispatch(words, &out, &messages); err != nil {
		t.Errorf("%s: %v\n%s", name, err, messages.String())
	} else if out.Len() == 0 && messages.Len() == 0 {
		t.Errorf("%s: says nothing", name)
	}
}
