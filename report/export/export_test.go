package export

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	hdrhistogram "github.com/HdrHistogram/hdrhistogram-go"
	"github.com/google/go-cmp/cmp"

	"brokerlab/report/reporttest"
	"brokerlab/report/table"
	"brokerlab/results"
)

var rewrite = flag.Bool("rewrite", false, "write the files that the tests expect")

// open makes a run in a folder.
func open(t *testing.T, run reporttest.Run) (*results.Folder, *results.Result) {
	t.Helper()
	f, r, err := results.Open(reporttest.Folder(t, t.TempDir(), run).Path)
	if err != nil {
		t.Fatal(err)
	}
	return f, r
}

// small is a run of few seconds, repeats and cells.
func small() reporttest.Run {
	run := reporttest.Resources(30)
	run.Seconds, run.Repeats = 5, 2
	run.Cells = run.Cells[:2]
	return run
}

// Goal: exports for other programs stay as they are. Method: compare those of one cell with testdata, which
// -rewrite writes.
func TestGolden(t *testing.T) {
	f, r := open(t, small())
	for _, name := range []string{"omb", "benchstat"} {
		format, _ := FormatOf(name)
		files, err := format.Write(f, r, Selection{Cell: 1})
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			path := filepath.Join("testdata", name+"-"+file.Name)
			if *rewrite {
				if err := os.WriteFile(path, file.Content, 0o644); err != nil {
					t.Fatal(err)
				}
				continue
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(file.Content)); diff != "" {
				t.Errorf("%s: (-want +got)\n%s", path, diff)
			}
		}
	}
}

// Goal: a log of all cells has every value of every histogram, apart by tags, and the listings are those of
// the folder. Method: read the log with the library's reader and count by tag.
func TestHistograms(t *testing.T) {
	f, r := open(t, small())
	format, _ := FormatOf("hlog")
	text, err := format.Join(f, r, Selection{})
	if err != nil {
		t.Fatal(err)
	}
	counts := map[string]int64{}
	reader := hdrhistogram.NewHistogramLogReader(bytes.NewReader(text))
	for {
		h, err := reader.NextIntervalHistogram()
		if err != nil {
			t.Fatal(err)
		}
		if h == nil {
			break
		}
		tag, warmup := strings.CutSuffix(h.Tag(), ".warmup")
		if !warmup {
			counts[tag[:strings.LastIndex(tag, ".")]] += h.TotalCount()
		}
	}
	for tag, want := range map[string]int64{"cell-01.produce": r.Cells[0].Latency[results.Produce].Count,
		"cell-02.end_to_end": r.Cells[1].Latency[results.EndToEnd].Count} {
		if counts[tag] != want || want == 0 {
			t.Errorf("%s: %d values of %d", tag, counts[tag], want)
		}
	}
	for _, name := range []string{"hlog", "hgrm"} {
		format, _ := FormatOf(name)
		files, err := format.Write(f, r, Selection{})
		if err != nil || len(files) != 4 {
			t.Fatalf("%d files, error %v", len(files), err)
		}
		for _, file := range files {
			if stored, err := os.ReadFile(filepath.Join(f.Path, file.Name)); err != nil || !bytes.Equal(stored, file.Content) {
				t.Errorf("%s is not that of the folder, error %v", file.Name, err)
			}
		}
	}
}

// Goal: CSV has a value for each column, and the figures of the result. Method: read it with the standard
// library and look some up.
func TestTables(t *testing.T) {
	f, r := open(t, small())
	format, _ := FormatOf("csv")
	files, err := format.Write(f, r, Selection{})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, file := range files {
		names = append(names, file.Name)
		rows, err := csv.NewReader(bytes.NewReader(file.Content)).ReadAll()
		if err != nil {
			t.Fatalf("%s: %v", file.Name, err)
		}
		if file.Name == "cells.csv" {
			at := slices.Index(rows[0], "latency_ns.produce.p99")
			if got := rows[2][at]; got != number(float64(r.Cells[1].Latency[results.Produce].P99)) || len(rows) != 3 {
				t.Errorf("p99 of cell 2 is %s", got)
			}
		}
		if file.Name == "seconds.csv" && len(rows) != 1+2*2*5 {
			t.Errorf("%d rows of seconds", len(rows))
		}
	}
	if want := []string{"cells.csv", "repeats.csv", "seconds.csv", "activity.csv"}; !slices.Equal(names, want) {
		t.Errorf("tables %q", names)
	}
}

// Goal: a label does not lose its column to a figure of the same name, nor a part of the work to that of the
// other side; each has its value, in all tables. Method: a label load, parts of one name, values with commas,
// quotes and line feeds.
func TestTablesKeepEveryValue(t *testing.T) {
	run := small()
	run.Names = []string{"load", "disk"}
	value := "full \"speed\",\nreally"
	for i := range run.Cells {
		run.Cells[i].Labels = append(run.Cells[i].Labels, reporttest.Label{Name: "load", Value: value})
	}
	f, r := open(t, run)
	r.Cells[0].CPUParts = []results.CPUPart{{Side: results.SideBrokers, Name: "copy", Seconds: 1},
		{Side: results.SideClients, Name: "copy", Seconds: 2}, {Name: "other", Seconds: 3}}
	format, _ := FormatOf("csv")
	files, err := format.Write(f, r, Selection{})
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		rows, err := csv.NewReader(bytes.NewReader(file.Content)).ReadAll()
		if err != nil {
			t.Fatalf("%s: %v", file.Name, err)
		}
		want := map[string]string{"cell": "1", "label.load": value, "disk": "hdd-7200"}
		if file.Name == "cells.csv" {
			want["load"], want["cpu_parts.brokers.copy.seconds"] = "closed", "1"
			want["cpu_parts.clients.copy.seconds"], want["cpu_parts.other.seconds"] = "2", "3"
		}
		for column, value := range want {
			if at := slices.Index(rows[0], column); at < 0 || rows[1][at] != value {
				t.Errorf("%s: no %q of %s in\n%q\n%q", file.Name, value, column, rows[0], rows[1])
			}
		}
		names := slices.Sorted(slices.Values(rows[0]))
		if len(slices.Compact(names)) != len(rows[0]) {
			t.Errorf("%s: two columns of one name: %q", file.Name, rows[0])
		}
	}
}

// Goal: the Markdown is the table of the report with what one must know to read it, and why not to trust it.
// Method: look for its parts.
func TestMarkdown(t *testing.T) {
	run := small()
	run.Cells[1].Trust = []results.Finding{{Check: "machine", Untrusted: true, Message: "java used 1.2 cores"}}
	f, r := open(t, run)
	format, _ := FormatOf("markdown")
	text, err := format.Join(f, r, Selection{})
	if err != nil {
		t.Fatal(err)
	}
	parts := append(table.Notes(r), table.Markdown(r), table.Head(r), r.Question, "seed 42, 2026-11-22 20:15 UTC",
		"NOT TO BE TRUSTED: ", "java used 1.2 cores.")
	for _, part := range parts {
		if !strings.Contains(string(text), table.EscapeMarkdown(part)) && !strings.Contains(string(text), part) {
			t.Errorf("there is no %q in\n%s", part, text)
		}
	}
	one, err := format.Join(f, r, Selection{Cell: 2})
	if err != nil || len(one) >= len(text) {
		t.Errorf("one cell: %v\n%s", err, one)
	}
	trusted, err := format.Join(f, r, Selection{Cell: 1})
	if err != nil || strings.Contains(string(trusted), "TRUSTED") {
		t.Errorf("a cell that is to be trusted: %v\n%s", err, trusted)
	}
}

// ombKeys are the fields of io.openmessaging.benchmark.TestResult at commit 8559989, in
// its order, and those that bin/create_charts.py reads are among them.
func ombKeys(t *testing.T) (keys []string) {
	t.Helper()
	source, err := os.ReadFile("testdata/TestResult.java.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, match := range regexp.MustCompile(`(?m)^public \S.* (\w+)( = .*)?;`).FindAllSubmatch(source, -1) {
		keys = append(keys, string(match[1]))
	}
	return keys
}

// Goal: the OpenMessaging Benchmark's tools read what is exported: it has each of TestResult's fields and no
// other, lists of one length, and quantiles up to 100. Method: keys from its source; figures against the
// result.
func TestOMB(t *testing.T) {
	run := small()
	run.Seconds = 45
	f, r := open(t, run)
	format, _ := FormatOf("omb")
	files, err := format.Write(f, r, Selection{Cell: 2})
	if err != nil || len(files) != 1 {
		t.Fatalf("%d files, error %v", len(files), err)
	}
	if name := files[0].Name; !regexp.MustCompile(`^\S+-brokerlab-\S+-2026-11-22-20-15-03\.json$`).MatchString(name) {
		t.Errorf("the file is %s", name)
	}
	o, err := decode(json.NewDecoder(bytes.NewReader(files[0].Content)))
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, m := range o.(object) {
		keys = append(keys, m.name)
		if values, ok := m.value.(list); ok && len(values) != 2*5 { // 41 measured seconds of each repeat
			t.Errorf("%s has %d samples", m.name, len(values))
		}
	}
	if diff := cmp.Diff(ombKeys(t), keys); diff != "" {
		t.Errorf("fields: (-want +got)\n%s", diff)
	}
	var doc struct {
		Avg       float64            `json:"aggregatedPublishLatencyAvg"`
		P99       float64            `json:"aggregatedEndToEndLatency99pct"`
		Rate      []float64          `json:"publishRate"`
		Quantiles map[string]float64 `json:"aggregatedPublishLatencyQuantiles"`
	}
	if err := json.Unmarshal(files[0].Content, &doc); err != nil {
		t.Fatal(err)
	}
	produce, end := r.Cells[1].Latency[results.Produce], r.Cells[1].Latency[results.EndToEnd]
	if doc.Avg != produce.Mean/1e6 || doc.P99 != float64(end.P99)/1e6 ||
		doc.Quantiles["100.0"] != float64(produce.Max)/1e6 {
		t.Errorf("mean %v, p99 %v, maximum %v of %+v and %+v", doc.Avg, doc.P99, doc.Quantiles["100.0"], produce, end)
	}
	if mean := r.Cells[1].RecordsPerS; doc.Rate[0] < mean/2 || doc.Rate[0] > mean*2 {
		t.Errorf("rate %v, the result has %v", doc.Rate[0], mean)
	}
}

// Goal: groups of clients are producers and subscriptions of the OpenMessaging Benchmark, and its backlog is what
// all subscriptions have left; nobody who reads has none. Method: cells of two seconds with known groups.
func TestOMBClients(t *testing.T) {
	group := func(kind string, clients int) results.Group { return results.Group{Kind: kind, Clients: clients} }
	for _, c := range []struct {
		why      string
		groups   []results.Group
		count    string // of consumers
		topics   string
		consumed int64
		want     clients
		backlog  int64
	}{
		{"one of each", nil, "3", "1", 60, clients{1, 2, 3, 1}, 40},
		{"nobody reads", nil, "0", "", 0, clients{1, 2, 0, 0}, 0},
		{"of each topic", nil, "6", "2", 60, clients{2, 1, 3, 1}, 40},
		{"two subscriptions", []results.Group{group(results.GroupConsumers, 1), group(results.GroupConsumers, 4)}, "1", "1",
			150, clients{1, 2, 4, 2}, 50},
		{"groups of producers", []results.Group{group(results.GroupProducers, 5), group(results.GroupProducers, 6)}, "1",
			"1", 100, clients{1, 11, 1, 1}, 0},
	} {
		cell := &results.Cell{Groups: c.groups, Config: map[string]string{"producers.count": "2", "consumers.count": c.count,
			"topic.count": c.topics}}
		cell.Repeats = []results.Repeat{{Seconds: []results.Second{{Length: 1, Warmup: true, Acked: 10},
			{At: 1, Length: 1, Acked: 90, Consumed: c.consumed}}}}
		got := clientsOf(cell)
		periods := periodsOf(cell, got.subscriptions)
		if got != c.want || len(periods) != 1 || periods[0].backlog != c.backlog || periods[0].acked != 90 {
			t.Errorf("%s: %+v, %+v", c.why, got, periods)
		}
	}
}

// Goal: what is late shows in the publish delay of the percentiles that it concerns. Method: a share of 2 %.
func TestDelay(t *testing.T) {
	m := results.Measures{LateMax: 5_000_001, Counts: results.Counts{Sent: 100, Late: 2}}
	l := delayOf(&m)
	if l.max != 5001 || l.at[2] != 0 || l.at[3] != 5001 || l.avg != 100 {
		t.Errorf("%+v", l)
	}
}

// Goal: lines are of the Go benchmark format, one for each repeat, whatever labels hold. Method: a label
// with blanks and slashes; the grammar of the format.
func TestBenchmarks(t *testing.T) {
	run := small()
	run.Cells[0].Labels[0].Value = "full speed/a"
	f, r := open(t, run)
	format, _ := FormatOf("benchstat")
	text, err := format.Join(f, r, Selection{})
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`^Benchmark[A-Z]\S*-\d+ \d+( [0-9.]+ [A-Za-z0-9/-]+)+$`)
	other := regexp.MustCompile(`^$|^# |^[a-z][^A-Z ]*: \S|^Unit \S+ better=(higher|lower)$`)
	lines := 0
	for _, l := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		switch {
		case line.MatchString(l):
			lines++
		case !other.MatchString(l):
			t.Errorf("%q", l)
		}
	}
	if lines != 4 || !bytes.Contains(text, []byte("=full_speed:a-1 ")) {
		t.Errorf("%d lines:\n%s", lines, text)
	}
}

// Goal: a histogram log that was cut at the end of a line is refused, not exported thinner. Method: take its
// last interval off.
func TestCutLog(t *testing.T) {
	f, r := open(t, small())
	path := filepath.Join(f.Path, results.HistogramFile(1, results.Produce, "hlog"))
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	cut := bytes.LastIndexByte(bytes.TrimRight(text, "\n"), '\n') + 1
	if err := os.WriteFile(path, text[:cut], 0o644); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"hlog", "hgrm", "omb"} {
		format, _ := FormatOf(name)
		if _, err := format.Write(f, r, Selection{}); err == nil ||
			!strings.Contains(err.Error(), "cell-02-produce.hlog: it has 270 of 300 values") {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

// Goal: what cannot be exported is told. Method: table of runs and selections.
func TestRefused(t *testing.T) {
	f, r := open(t, small())
	csvFormat, _ := FormatOf("csv")
	logs, _ := FormatOf("hlog")
	_, err := csvFormat.Join(f, r, Selection{})
	if several := new(SeveralError); !errors.As(err, &several) || len(several.Names) != 4 {
		t.Errorf("several tables as one text: %v", err)
	}
	nothing := *r
	nothing.Cells, nothing.Incomplete = nil, "no disk"
	for _, row := range []struct {
		why    string
		format Format
		r      *results.Result
		sel    Selection
		want   string
	}{
		{"no cell", csvFormat, &nothing, Selection{}, "no cell ran: no disk"},
		{"a cell that is not there", csvFormat, r, Selection{Cell: 3}, "there is no cell 3: the run has 2"},
		{"a table that is not there", csvFormat, r, Selection{Table: "x"}, `no table "x"`},
		{"a table of what has none", logs, r, Selection{Table: "cells"}, "hlog has no tables to choose from"},
		{"a latency of tables", csvFormat, r, Selection{Latency: "produce"}, "csv has all latencies"},
		{"a latency that is not there", logs, r, Selection{Latency: "x"}, "no histograms of x"},
	} {
		if _, err := row.format.Write(f, row.r, row.sel); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: error %v, want one with %q", row.why, err, row.want)
		}
	}
}
