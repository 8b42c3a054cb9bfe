package wording

import (
	"testing"

	"brokerlab/results"
)

func cells(labels ...map[string]string) *results.Result {
	r := &results.Result{Scenario: "s", Complete: true,
		LabelNames: []string{"producers.count", "consumers.count", "producers.compression.type", "records.size", "disk"}}
	for _, l := range labels {
		r.Cells = append(r.Cells, results.Cell{Labels: l, Config: l, Target: results.TargetReal})
	}
	return r
}

// Goal: a cell is named by what varies only, shortly but not ambiguously.
// Method: a table of label sets.
func TestCellNames(t *testing.T) {
	for _, c := range []struct {
		why  string
		r    *results.Result
		want string // of the first cell
	}{
		{"nothing varies", cells(map[string]string{"disk": "sim"}), "s"},
		{"a codec speaks for itself", cells(map[string]string{"producers.compression.type": "zstd"},
			map[string]string{"producers.compression.type": "none"}), "zstd"},
		{"no codec is said in words", cells(map[string]string{"producers.compression.type": "none"},
			map[string]string{"producers.compression.type": "zstd"}), "no compression"},
		{"a disk speaks for itself", cells(map[string]string{"disk": "dir:/a"}, map[string]string{"disk": "sim"}), "dir:/a"},
		{"names of two sections keep the section", cells(map[string]string{"producers.count": "1", "consumers.count": "1"},
			map[string]string{"producers.count": "2", "consumers.count": "2"}), "producers.count=1, consumers.count=1"},
		{"a size has a unit", cells(map[string]string{"records.size": "4096"},
			map[string]string{"records.size": "1"}), "size=4 KiB"},
		{"a cell lacks the label", cells(map[string]string{}, map[string]string{"records.size": "1"}), "size=-"},
		{"a long path keeps its end", disks("dir:/0123456789/0123456789/0123456789/end", "sim"), "dir:.../0123456789/end"},
		{"a long name stays whole", disks("dir:/mnt/a-rather-long-name-of-a-directory", "sim"),
			"dir:.../a-rather-long-name-of-a-directory"},
		{"a relative name is all there is", disks("dir:a-rather-long-name-of-a-directory/", "sim"),
			"dir:a-rather-long-name-of-a-directory/"},
		{"paths with one end lose their middle", disks("dir:/mnt/ssd-1/0123456789/0123456789/0123456789/end",
			"dir:/mnt/ssd-2/0123456789/0123456789/0123456789/end"), "dir:/mnt/ssd-1/012...789/0123456789/end"},
		{"paths that differ in the middle stay", disks("dir:/0123456789/0123456789/1/0123456789/0123456789/end",
			"dir:/0123456789/0123456789/2/0123456789/0123456789/end"), "dir:/0123456789/0123456789/1/0123456789/0123456789/end"},
		{"a choice with a name speaks for itself", choices("every batch", "never"), "every batch"},
		{"a choice with a number does not", choices("1", "2"), "policy=1"},
	} {
		if got := NamesOf(c.r).Cell(0); got != c.want {
			t.Errorf("%s: got %q, want %q", c.why, got, c.want)
		}
	}
	mixed := disks("sim", "dir:a")
	if got := NamesOf(mixed).Cell(1); got != "dir:a" {
		t.Errorf("in a result of one target a cell is named %q", got)
	}
	mixed.Cells[0].Target = results.TargetSim
	for i, want := range []string{"sim (simulated)", "dir:a (measured)"} {
		if got := NamesOf(mixed).Cell(i); got != want {
			t.Errorf("in a result of two targets a cell is named %q, want %q", got, want)
		}
	}
}

func disks(names ...string) *results.Result {
	var labels []map[string]string
	for _, name := range names {
		labels = append(labels, map[string]string{"disk": name})
	}
	return cells(labels...)
}

// choices are cells of a label that is no setting.
func choices(names ...string) *results.Result {
	r := cells()
	for _, name := range names {
		r.Cells = append(r.Cells, results.Cell{Labels: map[string]string{"policy": name},
			Config: map[string]string{"topic.flush.messages": "1"}})
	}
	return r
}

// Goal: conditions name what all cells share, and always how figures came about.
// Method: a table of results.
func TestConditions(t *testing.T) {
	shared := map[string]string{"cluster.brokers": "1", "topic.replication.factor": "1", "records.size": "100",
		"producers.acks": "all", "producers.compression.type": "none"}
	open := cells(shared)
	open.Cells[0].Load, open.Cells[0].OfferedPerS, open.Cells[0].Target = "open", 20000, results.TargetSim
	bursts := cells(shared)
	bursts.Cells[0].Load, bursts.Cells[0].OfferedPerS, bursts.Cells[0].Arrival = "open", 5351.35, "bursts"
	mixed := cells(shared, map[string]string{"cluster.brokers": "3"})
	mixed.Cells[1].Target = results.TargetSim
	mixed.Complete = false
	for _, c := range []struct {
		why  string
		r    *results.Result
		want string
	}{
		{"no cell", cells(), ""},
		{"no setting is known", cells(nil), "measured"},
		{"one open-loop cell", open, "1 broker, replication 1, 100 B records, acks=all, no compression \u00b7 " +
			"20,000 records/s offered \u00b7 simulated"},
		{"a load of bursts", bursts, "1 broker, replication 1, 100 B records, acks=all, no compression \u00b7 " +
			"5,351 records/s offered on average, in bursts \u00b7 measured"},
		{"one topic", cells(map[string]string{"topic.count": "1", "topic.partitions": "6"}), "6 partitions \u00b7 measured"},
		{"several", cells(map[string]string{"topic.count": "10", "topic.partitions": "1"}),
			"10 topics of 1 partition \u00b7 measured"},
		{"nothing is shared", mixed, "measured and simulated \u00b7 incomplete run"},
	} {
		if got := Conditions(c.r); got != c.want {
			t.Errorf("%s: got %q, want %q", c.why, got, c.want)
		}
	}
}

// Goal: repeats and saturation are said once, and counted right.
// Method: results with one, several and unequal repeats; some, all and many saturated cells.
func TestRepeatsAndSaturation(t *testing.T) {
	r := cells(map[string]string{"disk": "a"}, map[string]string{"disk": "b"})
	if got := Repeats(r, "median of ", ""); got != "" {
		t.Errorf("without repeats: %q", got)
	}
	r.Cells[0].Repeats = make([]results.Repeat, 3)
	r.Cells[1].Repeats = make([]results.Repeat, 3)
	if got := Repeats(r, "median of ", "!"); got != "median of 3 runs!" {
		t.Errorf("with three repeats: %q", got)
	}
	r.Cells[1].Repeats = r.Cells[1].Repeats[:1]
	if got := Repeats(r, "", ""); got != "up to 3 runs" {
		t.Errorf("with unequal repeats: %q", got)
	}
	if got := Saturation(r); got != "" {
		t.Errorf("no cell at saturation: %q", got)
	}
	r.Cells[0].AtSaturation = true
	if got := Saturation(r); got != "at saturation (a lower rate has another latency): a" {
		t.Errorf("one cell at saturation: %q", got)
	}
	r.Cells[1].AtSaturation = true
	if got := Saturation(r); got != "at saturation: a lower rate has another latency" {
		t.Errorf("all cells at saturation: %q", got)
	}
	r.Cells = append(r.Cells, r.Cells[0], r.Cells[0])
	for i, label := range []string{"max", "max", "1/s", "max"} {
		r.Cells[i].Labels = map[string]string{"load.rate": label, "disk": string(rune('a' + i))}
		r.Cells[i].Config = r.Cells[i].Labels
	}
	r.Cells[2].AtSaturation = false
	if got := Saturation(r); got != "at saturation (a lower rate has another latency): rate=max" {
		t.Errorf("three cells of one load at saturation: %q", got)
	}
}

// Goal: a load's words tell the process by which records come due, and a result with
// stalls says what became of their records. Method: cells of each arrival.
func TestArrivals(t *testing.T) {
	for arrival, want := range map[string]string{
		"": "5,000/s", "constant": "5,000/s", "poisson": "5,000/s Poisson", "steps": "5,000/s in steps",
		"ramp": "5,000/s as a ramp", "bursts": "5,000/s in bursts", "replay": "5,000/s as recorded",
	} {
		if got := Load(results.Cell{Load: "open", Arrival: arrival, OfferedPerS: 5000}); got != want {
			t.Errorf("%s: %q, want %q", arrival, got, want)
		}
	}
	r := cells(nil, nil)
	r.Cells[0].Load, r.Cells[1].Load = "open", "open"
	r.Cells[0].OfferedPerS, r.Cells[1].OfferedPerS = 5000, 5000
	if notes := Stalls(r); len(notes) > 0 || LoadVaries(r) {
		t.Errorf("nothing stalled: %q; loads vary: %v", notes, LoadVaries(r))
	}
	r.Cells[0].Unsent, r.Cells[1].CatchUp, r.Cells[1].Arrival = 7, true, "poisson"
	if notes := Stalls(r); len(notes) != 2 || !LoadVaries(r) {
		t.Errorf("one caught up and one did not: %q; loads vary: %v", notes, LoadVaries(r))
	}
	if got := Check(results.Counts{Sent: 5, Unsent: 1234}); got != "ok; 1,234 unsent" {
		t.Errorf("%q", got)
	}
}
