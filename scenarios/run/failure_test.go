package run

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"brokerlab/disks/simfs"
	"brokerlab/engine/env"
)

// Goal: a disk that fills up in the middle of a run is one error that says so, in
// both worlds, and the run ends. Method: brokers on disks of 1 MB, without the
// limit that a run sets itself.
func TestDiskFills(t *testing.T) {
	for _, disk := range []string{"dir:" + t.TempDir(), DiskSim} {
		cell := firstCell(t, tiny)
		live := (&Live{}).begin(where{})
		dirs, _ := Directories(disk)
		rep, err := newRepeat(&cell.Scenario, place{disk: disk, dirs: dirs}, 1, live)
		if err != nil {
			t.Fatal(err)
		}
		rep.stage.mount = func(string) func(env.Node) env.FS {
			return simfs.NewDisk(simfs.Config{CapacityBytes: 1_000_000}).Mount
		}
		rep.shared = rep.newShared(0)
		err = rep.run()
		rep.stage.close()
		if !errors.Is(err, env.ErrNoSpace) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: the run ended with %v, want one line that the disk is full", Target(disk), err)
		}
		p := startProfile()
		if p == nil {
			t.Errorf("%s: the profile of the run that failed goes on", Target(disk))
		}
		p.stop()
		p.parts()
	}
}

// Goal: a cell that fails in its load takes no other one down: they are measured whole,
// the user is told at once, and the result says what failed. Method: the first of two
// cells sends a file that is cut in two before the run, in both worlds.
func TestCellThatFails(t *testing.T) {
	const text = `
cluster: {brokers: 1}
load: {warmup: 0s, duration: 300ms}
repeat: 2
`
	for _, disk := range []string{DiskSim, "dir:" + filepath.Join(t.TempDir(), "data")} {
		path := filepath.Join(t.TempDir(), "lines.txt")
		if err := os.WriteFile(path, bytes.Repeat([]byte("a line\n"), 400), 0o600); err != nil {
			t.Fatal(err)
		}
		file := parsed(t, text+"vary: {of: {cut: {records.payload: file:"+path+
			", load.rate: 1000/s}, whole: {load.rate: 5000/s}}}")
		var told []string
		r, err := prepare(file, Options{Disks: []string{disk}, Out: t.TempDir(), Live: &Live{},
			Warn: func(m string) { told = append(told, m) }, known: known})
		if err != nil {
			t.Fatal(err)
		}
		if err := r.begin(nil); err != nil {
			t.Fatal(err)
		}
		if _, err := r.library.corpus(&r.cells[0].Scenario); err != nil { // which reads it
			t.Fatal(err)
		}
		if err := os.Truncate(path, 1400); err != nil {
			t.Fatal(err)
		}
		err = r.runAll()
		if err == nil || strings.Count(err.Error(), "cell ") != 1 || !strings.HasPrefix(err.Error(), "cell 1 of 2 (of=cut") {
			t.Errorf("%s: error %v", disk, err)
		}
		if len(told) != 1 || !strings.HasPrefix(told[0], "cell 1 of 2 (of=cut") {
			t.Errorf("%s: told %q", disk, told)
		}
		cut, whole := &r.result.Cells[0], &r.result.Cells[1]
		if len(cut.Repeats) != 0 || len(whole.Repeats) != 2 || whole.Acked == 0 || whole.Bad()+whole.Failed > 0 {
			t.Errorf("%s: %d repeats of the one that fails, %d of the other: %+v", disk, len(cut.Repeats),
				len(whole.Repeats), whole.Counts)
		}
		if err := errors.Join(r.folder.Finish(), r.closeDisks(), r.library.close()); err != nil {
			t.Error(err)
		}
	}
}

// Goal: what cannot be stored is refused as wrong use before anything starts. Method: table.
func TestRefusedDisks(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	foreign := t.TempDir()
	if err := os.WriteFile(filepath.Join(foreign, "precious"), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	var usage *UsageError
	for _, c := range []struct {
		why  string
		disk string
		set  string
		want error
	}{
		{"more than the disk has", "dir:" + filepath.Join(t.TempDir(), "data"), "load.max-bytes=1000TB",
			env.ErrNoSpace},
		{"a directory with somebody's files", "dir:" + foreign, "", nil},
		{"a path below a file", "dir:" + filepath.Join(file, "data"), "", nil},
		{"a disk that is not known", "floppy", "", nil},
	} {
		scenario := parsed(t, tiny)
		if path, value, ok := strings.Cut(c.set, "="); ok {
			if err := scenario.Set(path, value); err != nil {
				t.Fatal(err)
			}
		}
		out := t.TempDir()
		outcome, err := Run(scenario, []byte(tiny), Options{Disks: []string{c.disk}, Out: out, Live: &Live{}})
		if err == nil || outcome != nil || !errors.As(err, &usage) || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %v, outcome %v", c.why, err, outcome)
		}
		if left, _ := filepath.Glob(filepath.Join(out, "*")); len(left) > 0 {
			t.Errorf("%s: left a run folder: %v", c.why, left)
		}
	}
	if text, err := os.ReadFile(filepath.Join(foreign, "precious")); err != nil || string(text) != "mine" {
		t.Errorf("somebody's file is %q, %v", text, err)
	}
}

// Goal: a simulated run is stopped from outside as a real one is. Method: stop a
// load of an hour of virtual time once something is acknowledged. What it did until then
// meets no goal.
func TestSimulatedRunInterrupted(t *testing.T) {
	file := parsed(t, tiny, "load.duration=1h", "load.max-bytes=10TB")
	if err := file.AddGoal("lost == 0"); err != nil {
		t.Fatal(err)
	}
	live := &Live{}
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		for s, ok := live.Status(); !ok || s.Acked == 0; s, ok = live.Status() {
			time.Sleep(time.Millisecond)
		}
		live.Stop()
	}()
	out, err := Run(file, []byte(tiny), Options{Disks: []string{DiskSim}, Out: t.TempDir(), Live: live, known: known})
	<-stopped
	if !errors.Is(err, ErrInterrupted) || out == nil || out.Result.Complete || out.Result.Incomplete == "" {
		t.Fatalf("error %v, outcome %+v", err, out)
	}
	const want = "cannot be judged, since of cell 1 the load was interrupted; so far lost is 0, exactly 0"
	if goals := out.Result.Goals; len(goals) != len(out.Result.Cells) || goals[0].Met || goals[0].Message != want {
		t.Errorf("goals of half a load: %+v", goals)
	}
}
