package validate

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"brokerlab/results"
	"brokerlab/scenarios/published"
	"brokerlab/scenarios/run"
)

// short cuts a row down to what a test has time for.
var short = []Override{{"load.warmup", "100ms"}, {"load.duration", "400ms"}}

// Goal: a published row is simulated as its file says, compared with what was
// observed, and leaves its folder; the same row gives the same prediction again.
// Method: run a shortened row twice and look at what it left.
func TestRunOneRow(t *testing.T) {
	var hashes []string
	for range 2 {
		out, err := Run(Options{Out: t.TempDir(), Only: []string{"bartholomew-2019-nofsync-p1"}, Set: short})
		if err != nil {
			t.Fatal(err)
		}
		rows := out.Validation.Rows
		if len(rows) != 1 || rows[0].Row != "nofsync-p1" || rows[0].Kind != results.KindPublished || rows[0].Hash == "" {
			t.Fatalf("rows %+v", rows)
		}
		for _, f := range rows[0].Figures {
			if f.Observed <= 0 || f.Predicted <= 0 || f.Error != f.Predicted/f.Observed-1 && f.Resolution == 0 {
				t.Errorf("figure %+v", f)
			}
			if f.Quantity == results.QuantityThroughput && (f.Predicted < 45000 || f.Predicted > 55000 || !f.Within) {
				t.Errorf("a load of 50,000 records/s was predicted as %v", f.Predicted)
			}
		}
		if rows[0].Figures[0].Here == nil {
			t.Error("what Apache Kafka did here is missing")
		}
		text, err := os.ReadFile(filepath.Join(out.Folder.Path, results.ValidationFile))
		if err != nil {
			t.Fatal(err)
		}
		var back results.Validation
		if err := json.Unmarshal(text, &back); err != nil || len(back.Rows) != 1 {
			t.Errorf("the file does not hold the row: %v", err)
		}
		hashes = append(hashes, rows[0].Hash)
	}
	if hashes[0] != hashes[1] {
		t.Errorf("hashes %v", hashes)
	}
}

// Goal: a pair runs the same scenario for real and simulated, the real half is what
// was observed. Method: run a shortened pair in a temporary directory.
func TestRunPair(t *testing.T) {
	opts := Options{Out: t.TempDir(), Only: []string{"this-machine-fixed-rate"}, Dir: filepath.Join(t.TempDir(), "data"),
		HostProfile: "go", DiskProfile: "nvme-plp", Set: append(short, Override{"load.rate", "2000/s"})}
	out, err := Run(opts)
	if err != nil {
		t.Fatal(err)
	}
	rows := out.Validation.Rows
	if len(rows) != 1 || rows[0].Kind != results.KindPair || len(rows[0].Figures) != 3 {
		t.Fatalf("rows %+v", rows)
	}
	for _, f := range rows[0].Figures {
		if f.Observed <= 0 || f.Predicted <= 0 || f.Here != nil {
			t.Errorf("figure %+v", f)
		}
	}
}

// Goal: wrong options are wrong use, before anything runs. Method: a table of them.
func TestWrongUse(t *testing.T) {
	for sentence, opts := range map[string]Options{
		"a row that there is not":      {Only: []string{"nobody-1999"}},
		"a setting that there is not":  {Set: []Override{{"load.speed", "1"}}},
		"a host profile that is wrong": {Dir: "d", HostProfile: "abacus", DiskProfile: "nvme-plp", Only: []string{pairTable}},
	} {
		opts.Out = t.TempDir()
		_, err := Run(opts)
		var usage *run.UsageError
		if !errors.As(err, &usage) {
			t.Errorf("%s: %v", sentence, err)
		}
		if left, _ := os.ReadDir(opts.Out); len(left) > 0 {
			t.Errorf("%s: %d files were made", sentence, len(left))
		}
	}
}

// Goal: every figure of every published row is a quantity that is compared, and every
// pair's scenario parses. Method: prepare all jobs.
func TestJobs(t *testing.T) {
	tables, err := published.Tables()
	if err != nil {
		t.Fatal(err)
	}
	v := &validator{opts: Options{Dir: "d", HostProfile: "go", DiskProfile: "nvme-plp"}}
	if v.here, err = published.Observed(); err != nil {
		t.Fatal(err)
	}
	jobs, err := v.jobs(tables)
	if err != nil {
		t.Fatal(err)
	}
	if want := len(published.Names()) + len(pairNames); len(jobs) != want {
		t.Errorf("%d jobs, want %d", len(jobs), want)
	}
	for _, j := range jobs {
		if j.row.Kind == results.KindPair != strings.HasPrefix(j.name, pairTable) {
			t.Errorf("%s is of kind %s", j.name, j.row.Kind)
		}
	}
}
