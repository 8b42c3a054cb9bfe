package published

import (
	"math"
	"slices"
	"strings"
	"testing"

	"brokerlab/scenarios/spec"
)

// tables are the published benchmarks.
func tables(t *testing.T) []Table {
	t.Helper()
	all, err := Tables()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// Goal: every published row has a scenario that the language takes, and no scenario
// is without its row. Method: parse and validate each file, and compare the names.
func TestScenarios(t *testing.T) {
	var rows []string
	for _, table := range tables(t) {
		if len(table.Sources) == 0 || table.Title == "" {
			t.Errorf("%s has no source or no title", table.ID)
		}
		for _, row := range table.Rows {
			rows = append(rows, Name(table.ID, row.ID))
		}
	}
	slices.Sort(rows)
	if names := Names(); !slices.Equal(names, rows) {
		t.Errorf("scenarios %v\nrows      %v", names, rows)
	}
	for _, name := range Names() {
		src, err := Source(name)
		if err != nil {
			t.Fatal(err)
		}
		f, err := spec.Parse(name+extension, src)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		cells, err := f.Cells()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		s := &cells[0].Scenario
		if len(cells) != 1 || len(s.Disks) != 1 || strings.HasPrefix(s.Disks[0], "dir:") {
			t.Errorf("%s: %d cells on %v, want one on one simulated disk", name, len(cells), s.Disks)
		}
		if s.Host.Profile != "kafka-jvm" {
			t.Errorf("%s: host profile %s, want kafka-jvm", name, s.Host.Profile)
		}
		if !strings.Contains(string(src), "http") && !strings.Contains(string(src), "Index file") {
			t.Errorf("%s names no source", name)
		}
	}
}

// Goal: printed rates are read in the unit that they are in: what benchmarks of Kafka
// call MB/s is MiB/s. Method: a table, and every published row whose rate was printed
// both as records and as bytes.
func TestUnits(t *testing.T) {
	for _, row := range []struct {
		text  string
		bytes float64
	}{
		{"1 MB/s", 1_000_000}, {"1 MiB/s", 1_048_576}, {"78.3 MiB/s", 82_103_500.8},
	} {
		if got, err := BytesPerSec(row.text); err != nil || math.Abs(got-row.bytes) > 0.5 {
			t.Errorf("%s is %v bytes/s, %v; want %v", row.text, got, err, row.bytes)
		}
	}
	for _, bad := range []string{"", "78.3", "78.3 MBit/s", "x MB/s"} {
		if _, err := BytesPerSec(bad); err == nil {
			t.Errorf("%q was read as a rate", bad)
		}
	}
	checked := 0
	for _, table := range tables(t) {
		for _, row := range table.Rows {
			if row.Payload == "" {
				continue
			}
			checked++
			bytes, err := BytesPerSec(row.Payload)
			if err != nil {
				t.Error(err)
				continue
			}
			records := row.Figures[0].Value * float64(row.RecordBytes)
			if math.Abs(bytes/records-1) > 0.001 { // printed with three digits
				t.Errorf("%s %s: %s is %.0f bytes/s, its records are %.0f", table.ID, row.ID, row.Payload, bytes, records)
			}
		}
	}
	if checked < 4 {
		t.Errorf("only %d rows have both", checked)
	}
}

// Goal: what Apache Kafka did here is complete enough to be judged by others. Method:
// every setting has its command, rates over time and the share that others took, and
// every row that names a setting finds it.
func TestObservedHere(t *testing.T) {
	here, err := Observed()
	if err != nil {
		t.Fatal(err)
	}
	if here.Date == "" || here.Machine == "" || here.Versions == "" || here.Disk == "" {
		t.Errorf("the machine is not described: %+v", here)
	}
	if len(here.Settings) < 4 {
		t.Errorf("%d settings", len(here.Settings))
	}
	for _, s := range here.Settings {
		if s.Tool == "" || s.Cluster == "" || s.Seconds < 20 || len(s.Intervals) < 4 || len(s.Figures) == 0 || s.Others <= 0 {
			t.Errorf("setting %s is not complete", s.Name)
		}
	}
	for _, table := range tables(t) {
		for _, row := range table.Rows {
			if row.Like == "" {
				continue
			}
			if _, ok := here.Find(row.Like); !ok {
				t.Errorf("%s %s is like %s, which there is not", table.ID, row.ID, row.Like)
			}
		}
	}
}
