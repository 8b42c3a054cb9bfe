package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/HdrHistogram/hdrhistogram-go"

	"brokerlab/results"
)

// goodRun writes what a good run leaves and returns how to check it. The result is
// made with the project's own schema, so that names that drift apart are noticed.
func goodRun(t *testing.T) (args []string, folder string) {
	t.Helper()
	folder = t.TempDir()
	r := results.Result{Schema: results.SchemaVersion, Scenario: "quickstart", Seed: 1, Complete: true,
		LabelNames: []string{"load", "disk"}}
	r.Wall.Seconds = 3
	for i, load := range []string{"max", "20000/s"} {
		histogram := hdrhistogram.New(1, 60e9, 3)
		for v := range int64(1000) {
			if err := histogram.RecordValue(100_000 + v*v*1000); err != nil {
				t.Fatal(err)
			}
		}
		at := func(q float64) int64 { return histogram.ValueAtQuantile(q) }
		l := results.Latency{P50: at(50), P90: at(90), P99: at(99), P999: at(99.9), Max: histogram.Max(),
			Mean: histogram.Mean(), Count: histogram.TotalCount()}
		m := results.Measures{RecordsPerS: 500, MBPerS: 0.5, CompressionRatio: 3, MeasuredS: 2.01,
			Latency: map[string]results.Latency{results.Produce: l, results.EndToEnd: l, results.Service: l},
			Counts:  results.Counts{Sent: 1500, Acked: 1500, Consumed: 1500}}
		perGB := 2.5
		wall := results.CellWall{Seconds: 1, CPUSecondsPerGB: &perGB}
		r.Cells = append(r.Cells, results.Cell{Labels: map[string]string{"load": load, "disk": "dir:data"}, Target: "real",
			Measures: m, Repeats: []results.Repeat{{Measures: m, Wall: wall}}, Warnings: []string{}, Wall: wall,
			Usage: results.Usage{CPU: &results.CPUUsage{Busy: 0.5, Cores: 2}}, Bound: &results.Bound{Resource: "rate"}})
		for kind := range m.Latency {
			writeHistogram(t, filepath.Join(folder, fmt.Sprintf("cell-%02d-%s", i+1, kind)), histogram)
		}
		write(t, filepath.Join(folder, fmt.Sprintf("cell-%02d-activity.json", i+1)),
			[]byte(`[{"repeat": 1, "node": "machine", "every_s": 0.1}]`))
	}
	text, err := results.Encode(&r)
	if err != nil {
		t.Fatal(err)
	}
	report := "All columns measured.\n"
	for _, name := range []string{"latency.png", "throughput.png", "bars.png"} {
		write(t, filepath.Join(folder, name), goodChart())
		report += "![](" + name + ")\n"
	}
	write(t, filepath.Join(folder, "result.json"), text)
	write(t, filepath.Join(folder, "stdout.json"), append(text, '\n'))
	write(t, filepath.Join(folder, "scenario.yaml"), []byte("title: t\n"))
	write(t, filepath.Join(folder, "report.md"), []byte(report))
	picture := `<img src="data:image/png;base64,AA==">`
	page := "measured" + strings.Repeat(picture, strings.Count(report, ".png"))
	write(t, filepath.Join(folder, "report.html"), []byte(page))
	return []string{"run", "--json", filepath.Join(folder, "stdout.json"), "--out", folder,
		"--data", filepath.Join(folder, "data"), "--target", "real", "--cells", "2"}, folder
}

func write(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path, text, 0o644); err != nil {
		t.Fatal(err)
	}
}

func writeHistogram(t *testing.T, base string, histogram *hdrhistogram.Histogram) {
	t.Helper()
	var text bytes.Buffer
	w := hdrhistogram.NewHistogramLogWriter(&text)
	if err := w.OutputLogFormatVersion(); err != nil {
		t.Fatal(err)
	}
	if err := w.OutputIntervalHistogram(histogram); err != nil {
		t.Fatal(err)
	}
	write(t, base+".hlog", text.Bytes())
	text.Reset()
	if _, err := histogram.PercentilesPrint(&text, 5, 1000); err != nil {
		t.Fatal(err)
	}
	write(t, base+".hgrm", text.Bytes())
}

var goodChart = sync.OnceValue(func() []byte { return chart(40) })

// chart draws bars of some colours.
func chart(bars int) []byte { return chartOf(400, 300, bars) }

func chartOf(width, height, bars int) []byte {
	picture := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			c := color.RGBA{255, 255, 255, 255}
			if x%10 < 5 && x/10 < bars {
				c = color.RGBA{uint8(x / 10 * 6), 80, 200, 255}
			}
			picture.SetRGBA(x, y, c)
		}
	}
	var text bytes.Buffer
	if err := png.Encode(&text, picture); err != nil {
		panic(err) // a buffer takes everything
	}
	return text.Bytes()
}

// damage is one thing that can be wrong in a run's folder, and what is found then; empty:
// all is well.
type damage struct {
	sentence string
	do       func(t *testing.T, folder string)
	want     string
}

func replaceIn(name, from, to string) func(*testing.T, string) {
	return func(t *testing.T, folder string) {
		path := filepath.Join(folder, name)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(text, []byte(from)) {
			t.Fatalf("%s does not contain %s", name, from)
		}
		write(t, path, bytes.ReplaceAll(text, []byte(from), []byte(to)))
	}
}

func inJSON(from, to string) func(*testing.T, string) { return replaceIn("stdout.json", from, to) }

func remove(name string) func(*testing.T, string) {
	return func(t *testing.T, folder string) {
		if err := os.Remove(filepath.Join(folder, name)); err != nil {
			t.Fatal(err)
		}
	}
}

func overwrite(name string, text []byte) func(*testing.T, string) {
	return func(t *testing.T, folder string) { write(t, filepath.Join(folder, name), text) }
}

func mkdir(name string) func(*testing.T, string) {
	return func(t *testing.T, folder string) {
		if err := os.MkdirAll(filepath.Join(folder, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

// otherHistogram has other values than the result says.
func otherHistogram(base string) func(*testing.T, string) {
	return func(t *testing.T, folder string) {
		histogram := hdrhistogram.New(1, 60e9, 3)
		for v := range int64(500) {
			if err := histogram.RecordValue(1 + v); err != nil {
				t.Fatal(err)
			}
		}
		writeHistogram(t, filepath.Join(folder, base), histogram)
	}
}

// try damages good runs and looks at them.
func try(t *testing.T, all []damage) {
	t.Helper()
	for _, row := range all {
		t.Run(row.sentence, func(t *testing.T) {
			t.Parallel()
			args, folder := goodRun(t)
			row.do(t, folder)
			var stdout, stderr bytes.Buffer
			code := checkrun(args, &stdout, &stderr)
			if want := min(len(row.want), 1); code != want {
				t.Errorf("exit code %d, want %d; %s", code, want, &stderr)
			}
			if !strings.Contains(stderr.String(), row.want) {
				t.Errorf("found %s, want %s", &stderr, row.want)
			}
			if want := "checked quickstart: 2 cells, 6 histograms, 3 charts\n"; row.want == "" && stdout.String() != want {
				t.Errorf("printed %q, want %q", &stdout, want)
			}
		})
	}
}

// Goal: a good run passes, and each thing that can be wrong with what it says and left is
// found and named. Method: damage a good run's folder, one damage a row.
func TestRun(t *testing.T) {
	try(t, []damage{
		{"a good run", func(*testing.T, string) {}, ""},
		{"an empty data directory is a removed one", mkdir("data"), ""},
		{"data left behind", mkdir("data/broker-0"), "1 entries left"},
		{"records lost", inJSON(`"lost": 0`, `"lost": 3`), "lost 3"},
		{"records out of order", inJSON(`"reordered": 0`, `"reordered": 1`), "reordered 1"},
		{"a name missing", inJSON(`"fsyncs"`, `"syncs"`), "has no fsyncs"},
		{"a member that the schema lacks", inJSON(`"question"`, `"quest"`), "does not fit its schema"},
		{"simulated instead of real", inJSON(`"target": "real"`, `"target": "sim"`), `target "sim", want "real"`},
		{"nothing was busy", inJSON(`"busy": 0.5`, `"busy": 0`), "processors were busy"},
		{"nothing bounds it", inJSON(`"bound"`, `"bond"`), "does not name what bounds it"},
		{"no disk named", inJSON(`"disk": "dir:data"`, `"x": ""`), "no label disk"},
		{"two cells of one name", inJSON(`"20000/s"`, `"max"`), "labels of cell 1"},
		{"nothing happened", inJSON(`"records_per_s": 500`, `"records_per_s": 0`), "0 records/s"},
		{"the warm-up was not cut", inJSON(`"measured_s": 2.01`, `"measured_s": 1`), "1000 produce latencies for 500"},
		{"fewer came back than were acknowledged", inJSON(`"consumed": 1500`, `"consumed": 7`), "7 consumed"},
		{"an interrupted run", inJSON(`"complete": true`, `"complete": false`), "incomplete"},
		{"standard output that holds more", inJSON("\n}\n", "\n}\nbye\n"), "not one JSON document"},
		{"no standard output", overwrite("stdout.json", nil), "not one JSON document"},
		{"percentiles out of order", inJSON(`"p99": `, `"p99": 9`), "percentiles out of order"},
		{"a result file of another run", replaceIn("result.json", `"seed": 1`, `"seed": 2`), "differ"},
		{"no log of a histogram", remove("cell-02-produce.hlog"), "cell-02-produce.hlog"},
		{"a log without intervals", overwrite("cell-01-produce.hlog", []byte("#[Histogram log format version 1.3]\n")),
			"no interval"},
		{"a percentile listing that was cut", replaceIn("cell-01-end_to_end.hgrm", "#[Max", "#"), "rows, the last at"},
		{"a percentile listing with a broken row", replaceIn("cell-01-end_to_end.hgrm", " 0.500000 ", " "), "row "},
		{"a chart that is no PNG", overwrite("bars.png", []byte("GIF89a")), "bars.png"},
		{"a blank chart", overwrite("bars.png", chart(0)), "is blank"},
		{"a chart of one line", overwrite("bars.png", chart(1)), "is blank"},
		{"a chart too few", remove("bars.png"), "2 PNG charts"},
		{"a report without a chart", replaceIn("report.md", "bars.png", "x"), "does not show bars.png"},
		{"no report", remove("report.md"), "report.md"},
		{"no page", remove("report.html"), "report.html"},
		{"a page that lacks a chart", replaceIn("report.html", "data:image", "x"), "want "},
		{"a report that does not say what it is", replaceIn("report.md", "measured", "seen"), "does not say"},
	})
}

// Goal: each figure of a cell that cannot be is found and named. Method: as above.
func TestRunFigures(t *testing.T) {
	try(t, []damage{
		{"records twice", inJSON(`"duplicated": 0`, `"duplicated": 2`), "duplicated 2"},
		{"records damaged", inJSON(`"corrupted": 0`, `"corrupted": 4`), "corrupted 4"},
		{"no scenario named", inJSON(`"scenario": "quickstart"`, `"scenario": ""`), "no scenario is named"},
		{"no seed", inJSON(`"seed"`, `"sead"`), "no seed is told"},
		{"no wall", inJSON(`"wall"`, `"wal"`), "no wall"},
		{"records that grew", inJSON(`"compression_ratio": 3`, `"compression_ratio": 0.5`), "compression ratio 0.5"},
		{"nothing acknowledged", inJSON(`"acked": 1500`, `"acked": 0`), "nothing was acknowledged"},
		{"fewer fsyncs than none", inJSON(`"fsyncs": 0`, `"fsyncs": -1`), "-1 fsyncs"},
		{"a cell that took no time", inJSON(`"wall_s": 1,`, `"wall_s": 0,`), "took 0 s"},
		{"no processor time", inJSON(`"cpu_s_per_gb": 2.5`, `"cpu_s_per_gb": null`), "CPU seconds per GB"},
		{"no repeats", inJSON(`"repeats": [`, `"repeats": [], "x": [`), "has no repeats"},
		{"a measured window of nothing", inJSON(`"measured_s": 2.01`, `"measured_s": 0`), "a repeat measured 0 s"},
		{"a real cell with a hash", inJSON(`"target": "real"`, `"hash": "ff", "target": "real"`), `has hash "ff"`},
		{"more latencies than records", inJSON(`"acked": 1500`, `"acked": 900`), "1000 latencies of 900 records"},
		{"a mean above the maximum", inJSON(`"mean": `, `"mean": 9999`), " of at most "},
		{"no list of warnings", inJSON(`"warnings": []`, `"warnings": null`), "warnings is null"},
		{"a log of other values", otherHistogram("cell-01-produce"), "hlog holds 500 values"},
		{"a listing of other values", otherHistogram("cell-01-service"), "hgrm holds 500 values"},
		{"no log of a further histogram", remove("cell-01-service.hlog"), "cell-01-service.hlog"},
		{"no activity", remove("cell-02-activity.json"), "cell-02-activity.json"},
		{"activity that was cut", overwrite("cell-02-activity.json", []byte("[{")), "cell-02-activity.json: unexpected EOF"},
		{"activity of another repeat", replaceIn("cell-01-activity.json", "1,", "2,"), "nothing of repeat 1"},
		{"activity of nobody", replaceIn("cell-01-activity.json", "machine", ""), `node ""`},
		{"no scenario", remove("scenario.yaml"), "scenario.yaml"},
		{"no result", remove("result.json"), "result.json"},
		{"a page that does not say what it is", replaceIn("report.html", "measured", "seen"), "report.html does not say"},
		{"a small chart", overwrite("bars.png", chartOf(200, 100, 20)), "is (200,100)"},
	})
}

// Goal: a cell too few is found. Method: a good run of two cells, of which three are wanted.
func TestRunCells(t *testing.T) {
	args, _ := goodRun(t)
	var stdout, stderr bytes.Buffer
	if code := checkrun(append(args, "--cells", "3"), &stdout, &stderr); code != 1 ||
		!strings.Contains(stderr.String(), "2 cells, want 3") {
		t.Errorf("exit code %d, %s", code, &stderr)
	}
}

// TestCellUsage: a simulated cell tells what its world was busy with. Method: a good one,
// and what can be missing from it.
func TestCellUsage(t *testing.T) {
	const good = `{"labels":{"disk":"nvme"},"hash":"00ff","virtual_s":3.5,"disk":{"busy":0.2},"page_cache":` +
		`{"dirty_max_bytes":4096},"network":{"bytes":9},"cpu":{"busy":0.1},"bound":{"resource":"disk"},` +
		`"wall":{"events_per_s":1e6}}`
	for _, row := range []struct{ sentence, from, to, want string }{
		{"a good cell", "", "", ""},
		{"no hash", `"00ff"`, `""`, "hash"},
		{"no virtual time", "3.5", "0", "virtual seconds"},
		{"no device", `"disk":{"busy":0.2}`, `"x":0`, "disk <nil>"},
		{"a disk that is busier than time", "0.2", "1.2", "disk &"},
		{"nothing dirty", "4096", "0", "page cache"},
		{"nothing sent", `"bytes":9`, `"bytes":0`, "network"},
		{"no events", "1e6", "0", "events/s"},
		{"a plain disk with a device", `"nvme"`, `"sim"`, "the plain disk has"},
	} {
		var c cell
		text := good
		if row.from != "" {
			text = strings.ReplaceAll(good, row.from, row.to)
		}
		if err := json.Unmarshal([]byte(text), &c); err != nil {
			t.Fatal(err)
		}
		f := &findings{}
		(&run{target: "sim"}).checkUsage(f, "cell 1", &c)
		if found := strings.Join(f.texts, "\n"); (row.want == "") != (found == "") || !strings.Contains(found, row.want) {
			t.Errorf("%s: found %q, want %q", row.sentence, found, row.want)
		}
	}
}

// TestSame: two documents are the same if they differ within wall only. Method:
// pairs.
func TestSame(t *testing.T) {
	rows := []struct {
		sentence, a, b string
		want           int
	}{
		{"equal", `{"a":1}`, `{"a":1}`, 0},
		{"walls of any shape and depth", `{"wall":{"x":[1,{}]},"cells":[{"a":1,"wall":2}]}`,
			`{"wall":null,"cells":[{"a":1,"wall":{"b":"}"}}]}`, 0},
		{"a figure", `{"a":1,"wall":1}`, `{"a":2,"wall":1}`, 1},
		{"the order of members", `{"a":1,"b":2}`, `{"b":2,"a":1}`, 1},
		{"white space", `{"a":1}`, `{"a": 1}`, 1},
		{"how a number is written", `{"a":1.0}`, `{"a":1}`, 1},
		{"a value that is the word", `{"a":"wall","b":1}`, `{"a":"wall","b":2}`, 1},
		{"a wall in one only", `{"a":1,"wall":1}`, `{"a":1}`, 1},
		{"a document that was cut", `{"a":1}`, `{"a":1`, 1},
		{"no document", ``, ``, 1},
		{"two documents", `{}{}`, `{}{}`, 1},
	}
	for _, row := range rows {
		folder := t.TempDir()
		a, b := filepath.Join(folder, "a"), filepath.Join(folder, "b")
		write(t, a, []byte(row.a))
		write(t, b, []byte(row.b))
		var stdout, stderr bytes.Buffer
		if code := checkrun([]string{"same", a, b}, &stdout, &stderr); code != row.want {
			t.Errorf("%s: exit code %d, want %d; %s", row.sentence, code, row.want, &stderr)
		}
	}
}

// TestTable: a table has a row of figures for each cell and no escape codes.
// Method: small tables.
func TestTable(t *testing.T) {
	const head = "load  records/s  p50  p99\n"
	rows := []struct {
		sentence, text string
		want           int
	}{
		{"two rows", head + "max 212345 1.2 44.1\n20000/s 19998 0.8 3.1\n", 0},
		{"one row", head + "max 212345 1.2 44.1\n", 1},
		{"no heading", "max 212345 1.2 44.1\n20000/s 19998 0.8 3.1\n", 1},
		{"colours", head + "\x1b[1mmax 212345 1.2 44.1\n20000/s 19998 0.8 3.1\n", 1},
		{"nothing", "", 1},
		{"rows of another table", head + "max 212345 1.2 44.1\n\ncell mean queue\n1 212345 1.2 44.1\n", 1},
		{"a row too many", head + "max 212345 1.2 44.1\nmax 212345 1.2 44.1\nmax 212345 1.2 44.1\n", 1},
	}
	for _, row := range rows {
		path := filepath.Join(t.TempDir(), "table.txt")
		write(t, path, []byte(row.text))
		var stdout, stderr bytes.Buffer
		if code := checkrun([]string{"table", "--cells", "2", path}, &stdout, &stderr); code != row.want {
			t.Errorf("%s: exit code %d, want %d; %s", row.sentence, code, row.want, &stderr)
		}
	}
}

// TestUsage: misuse exits with 2 and shows how it goes. Method: table of arguments.
func TestUsage(t *testing.T) {
	for _, args := range []string{"", "look", "run", "run --json x --out y --target real",
		"run --json x --out y --target sym --cells 1", "same a", "same a b c", "table x", "run --speed 3"} {
		var stdout, stderr bytes.Buffer
		code := checkrun(strings.Fields(args), &stdout, &stderr)
		if code != 2 || !strings.Contains(stderr.String(), "usage:") {
			t.Errorf("%q: exit code %d, %s", args, code, &stderr)
		}
	}
}
