package clustertest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"brokerlab/workloads/check"
)

// mutant is a build with one fault in it.
type mutant struct {
	why      string
	file     string // from the root of the module
	old, new string
	kinds    []check.Kind // any of which shows it
	rare     bool         // it takes two crashes within milliseconds: four times the seeds
}

var mutants = []mutant{
	{"no truncation on an epoch change", "engine/broker/fetch.go",
		"end.Epoch < in.LastFetchedEpoch || end.EndOffset < in.FetchOffset", "false",
		[]check.Kind{check.Differing, check.Lost}, false},
	{"acknowledgement before the high watermark", "engine/broker/partition.go",
		"case progress.HighWatermark() < offset:", "case progress == nil:", []check.Kind{check.Lost}, false},
	{"sequence check off", "engine/commitlog/append.go",
		"l.writer.producers.check(&h, l.mu.segments[0].base > 0)", "(&producerStates{}).check(&h, true)",
		[]check.Kind{check.Duplicated, check.Reordered}, false},
	{"fsync skipped", "engine/commitlog/flush.go",
		"if err = l.sync(s.log); err != nil {", "if err != nil {",
		[]check.Kind{check.Lost, check.Vanished, check.Unreadable}, false},
	{"a follower is taken to have more than it has", "engine/replica/replica.go",
		"f.end, f.fetchTime, f.fetchEnd = offset, now,", "f.end, f.fetchTime, f.fetchEnd = offset+1, now,",
		[]check.Kind{check.Lost, check.Vanished, check.TwoValues}, false},
	{"the high watermark of a new leader is its log end", "engine/broker/roles.go",
		"HighWatermark: min(p.mu.hw, end)", "HighWatermark: end",
		[]check.Kind{check.Vanished, check.TwoValues, check.Lost}, true},
	{"recovery keeps a torn tail", "engine/commitlog/recovery.go",
		"if cut := s.log.Size() - s.size; cut > 0 &&", "if cut := s.log.Size() - s.size; cut < 0 &&",
		[]check.Kind{check.Unreadable}, false},
	{"readers see what is not committed", "engine/broker/fetch.go",
		"limit := out.HighWatermark\n", "limit := e.p.log.EndOffset()\n", []check.Kind{check.BeyondHW}, false},
}

// raceEnabled says whether the race detector is built in.
var raceEnabled bool

// TestMutants: each of these faults is found by TestSwarm within the seeds that it
// runs by default, but for a rare one, and as what it is; without a fault it finds
// nothing, which is TestSwarm. Method: go test -overlay builds each with one file of
// a few changed characters, and the seeds run until the first that fails.
func TestMutants(t *testing.T) {
	switch {
	case testing.Short():
		t.Skip("builds a program for each fault: 2 s each and more")
	case raceEnabled:
		t.Skip("what is found is the same, and takes ten times as long")
	}
	goTool, err := exec.LookPath("go")
	if err != nil {
		t.Skip("no go command to build with")
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	for i := range mutants {
		m := &mutants[i]
		t.Run(m.why, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			program := m.build(t, goTool, root)
			built := time.Since(began)
			m.hunt(t, program)
			t.Logf("built in %.1f s, found in %.1f s", built.Seconds(), (time.Since(began) - built).Seconds())
		})
	}
}

// build makes a test program with the fault in it.
func (m *mutant) build(t *testing.T, goTool, root string) (program string) {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(root, filepath.FromSlash(m.file))
	source, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(source, []byte(m.old)); n != 1 {
		t.Fatalf("%s has %q %d times, want once: the fault must be put elsewhere now", m.file, m.old, n)
	}
	changed := filepath.Join(dir, "changed.go")
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{path: changed}})
	if err != nil {
		t.Fatal(err)
	}
	program, list := filepath.Join(dir, "swarm.test"), filepath.Join(dir, "overlay.json")
	err = errors.Join(os.WriteFile(changed, bytes.Replace(source, []byte(m.old), []byte(m.new), 1), 0o600),
		os.WriteFile(list, overlay, 0o600))
	if err != nil {
		t.Fatal(err)
	}
	build := exec.Command(goTool, "test", "-c", "-vet=off", "-ldflags=-s -w", "-overlay", list, "-o", program,
		"./engine/clustertest")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("the fault does not compile: %v\n%s", err, out)
	}
	return program
}

var foundLine = regexp.MustCompile(`seed (\d+): ([a-z ]+): .*`)

// hunt runs the swarm, which must find the fault.
func (m *mutant) hunt(t *testing.T, program string) {
	t.Helper()
	seeds := *swarmSeeds
	if m.rare {
		seeds *= 4
	}
	run := exec.Command(program, "-test.run", "^TestSwarm$", "-seeds", fmt.Sprint(seeds))
	out, err := run.CombinedOutput()
	var failed *exec.ExitError
	if err == nil || !errors.As(err, &failed) || strings.Contains(string(out), "panic:") {
		t.Fatalf("%d seeds do not find it: %v\n%.3000s", seeds, err, out)
	}
	for _, line := range foundLine.FindAllStringSubmatch(string(out), -1) {
		for _, k := range m.kinds {
			if line[2] == string(k) {
				t.Logf("found as: %s", line[0])
				return
			}
		}
	}
	t.Fatalf("it is found, and not as any of %q:\n%.3000s", m.kinds, out)
}
