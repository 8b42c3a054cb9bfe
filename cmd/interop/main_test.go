package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"brokerlab/engine/codec"
	"brokerlab/engine/commitlog/kafkasample"
	"brokerlab/engine/env"
	"brokerlab/engine/logdump"
)

// Without tools, or used wrongly, the exit code is 2 and the message says what is
// needed. Method: an empty PATH.
func TestNothingToJudgeWith(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	for _, row := range []struct{ args, want string }{
		{"", "cannot judge: not found: java, javac, mvn; interop needs Java 17 or newer with its compiler, and Maven"},
		{"--nonsense", "usage: interop"},
		{"something", "usage: interop"},
	} {
		var out, errText bytes.Buffer
		code := interop(strings.Fields(row.args), &out, &errText)
		if code != 2 || !strings.Contains(errText.String(), row.want) || out.Len() > 0 {
			t.Errorf("%q: exit %d, %q, %q; want 2 and %q", row.args, code, out.String(), errText.String(), row.want)
		}
	}
}

// The pom names the version of Kafka that is judged by.
func TestKafkaVersion(t *testing.T) {
	pom, err := sources.ReadFile("java/pom.xml")
	if err != nil {
		t.Fatal(err)
	}
	if version, err := kafkaVersion(pom); err != nil || version != "4.1.0" {
		t.Errorf("version %q, error %v", version, err)
	}
	if _, err := kafkaVersion([]byte("<project/>")); err == nil {
		t.Error("a pom without Kafka is accepted")
	}
}

// fakeJava puts a program into PATH that prints fixed texts and ends with a code.
func fakeJava(t *testing.T, stdout, stderr string, code int) {
	t.Helper()
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	write("out", stdout, 0o644)
	write("err", stderr, 0o644)
	write("java", fmt.Sprintf("#!/bin/sh\ncat %s/out\ncat %s/err >&2\nexit %d\n", dir, dir, code), 0o755)
	t.Setenv("PATH", dir+string(filepath.ListSeparator)+os.Getenv("PATH"))
}

// A tool that says what we read makes no complaint; one that says anything else,
// more, less, or something on standard error, or fails, does. Method: a program
// with fixed output in the place of Java, told what Kafka's tool would say.
func TestComplaints(t *testing.T) {
	in := kafkasample.Make(kafkasample.Small)
	dir := t.TempDir()
	err := onNode(dir, func(n env.Node) error { return in.Write(n, sampleLog, codec.None) })
	if err != nil {
		t.Fatal(err)
	}
	f, err := list(filepath.Join(dir, sampleLog), []string{"."})
	if err != nil || len(f.logs) < 2 {
		t.Fatalf("%d segments, error %v", len(f.logs), err)
	}
	name := f.logs[0]
	content, err := os.ReadFile(filepath.Join(f.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	printer := logdump.NewPrinter(logdump.Plain)
	var n counts
	expect := func(dst []byte, file string, p []byte) ([]byte, error) { return n.printLog(dst, printer, file, p) }
	said, err := expect([]byte("Dumping "+name+"\n"), name, content)
	if err != nil {
		t.Fatal(err)
	}
	right := string(said)
	for _, row := range []struct {
		why, stdout, stderr string
		code                int
		want                string
	}{
		{"it says what we read", right, "", 0, ""},
		{"it says something else", strings.Replace(right, "magic: 2", "magic: 1", 1), "", 0,
			"line 3 is\n  Kafka: baseOffset"},
		{"it stops early", right[:len(right)-1], "", 0, "lines, we "},
		{"it goes on", right + "Found 3 invalid bytes\n", "", 0, "goes on: \"Found 3 invalid bytes"},
		{"it complains", right, "Mismatches in :x\n", 0, "it says: Mismatches in :x"},
		{"it fails", right, "", 3, "exit status 3"},
	} {
		t.Run(row.why, func(t *testing.T) {
			fakeJava(t, row.stdout, row.stderr, row.code)
			c := &court{kafka: &kafka{}}
			complaints, err := c.compare(f.dir, []string{name}, nil, expect)
			got := strings.Join(complaints, "\n")
			if err != nil || (row.want == "") != (got == "") || !strings.Contains(got, row.want) {
				t.Errorf("error %v, complaints %q, want %q", err, got, row.want)
			}
		})
	}
}

// A wrong CRC is a complaint even if Kafka's tool and we agree on it.
func TestWrongCRC(t *testing.T) {
	in := kafkasample.Make(kafkasample.Small)
	dir := t.TempDir()
	err := onNode(dir, func(n env.Node) error { return in.Write(n, sampleLog, codec.None) })
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(dir, sampleLog, "00000000000000000000.log")
	p, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	p[20]++ // the last byte of the CRC
	var n counts
	_, err = n.printLog(nil, logdump.NewPrinter(logdump.Plain), name, p)
	if err == nil || !strings.Contains(err.Error(), "wrong CRC") {
		t.Errorf("the error is %v", err)
	}
}

// What LoadLog should say of a log is taken from its files. Method: the sample.
func TestFacts(t *testing.T) {
	in := kafkasample.Make(kafkasample.Small)
	dir := t.TempDir()
	err := onNode(dir, func(n env.Node) error { return in.Write(n, sampleLog, codec.None) })
	if err != nil {
		t.Fatal(err)
	}
	records, epochs := 0, []string{}
	for i, b := range in.Batches {
		if i == 0 || b.Epoch != in.Batches[i-1].Epoch {
			epochs = append(epochs, fmt.Sprintf("EpochEntry(epoch=%d, startOffset=%d)", b.Epoch, records))
		}
		records += len(b.Records)
	}
	log := filepath.Join(dir, sampleLog)
	n, err := countsOf(log)
	if err != nil || n.records != records || n.batches != len(in.Batches) {
		t.Fatalf("counted %+v, error %v, want %d records", n, err, records)
	}
	got, err := factsOf(log)
	want := fmt.Sprintf("start 0 end %d size %d segments %d epochs [%s]", records, n.bytes, n.segments,
		strings.Join(epochs, ", "))
	if err != nil || got != want || len(epochs) != 3 {
		t.Errorf("error %v\n%s\nwant\n%s", err, got, want)
	}
}
