package table

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"brokerlab/report/findings"
	"brokerlab/report/reporttest"
	"brokerlab/results"
)

var rewrite = flag.Bool("rewrite", false, "write the tables that the tests expect")

// Goal: tables read well and stay as they are.
// Method: compare the text and the Markdown of all synthetic runs with testdata.
func TestGolden(t *testing.T) {
	for _, run := range reporttest.Runs(100) {
		t.Run(run.Scenario, func(t *testing.T) {
			r, _ := reporttest.Make(run)
			got := Text(r) + "\n" + Markdown(r)
			path := filepath.Join("testdata", run.Scenario+".txt")
			if *rewrite {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("go test ./report/table -rewrite writes it: (-want +got)\n%s", diff)
			}
		})
	}
}

// Goal: a pipe gets no escape codes, and columns line up.
// Method: look for control bytes; headings are above their figures, groups above theirs.
func TestPlain(t *testing.T) {
	r, _ := reporttest.Make(reporttest.Flush(50))
	text := Text(r)
	for i, b := range []byte(text) {
		if b < ' ' && b != '\n' || b == 0x7f {
			t.Fatalf("byte %d is %#x", i, b)
		}
	}
	lines := strings.Split(text, "\n")
	groups, heading, row := lines[2], lines[3], lines[5]
	at := strings.Index(heading, "target")
	if lines[4][at:at+6] != "------" || !strings.HasPrefix(row[at:], "measured") {
		t.Errorf("the column of targets does not line up:\n%s", text)
	}
	end := strings.Index(heading, "max") + len("max")
	if !strings.HasSuffix(groups[:end], "-") || groups[end] != ' ' || !strings.HasSuffix(row[:end], "s") {
		t.Errorf("the group of produce latencies does not end above its last column:\n%s", text)
	}
	for n, line := range lines {
		if strings.TrimRight(line, " ") != line {
			t.Errorf("line %d ends in blanks", n+1)
		}
	}
}

// Goal: what varies with the disk has a part of the table for each disk, in which
// rows are of usual width; and a name with a line feed stays on its row.
// Method: two settings on a simulated and a real disk, disks outermost.
func TestSections(t *testing.T) {
	r := results.Result{Scenario: "s", Complete: true, LabelNames: []string{"a", "disk"}}
	for _, disk := range []string{"sim", "dir:/mnt/ssd/a/rather/long/path/that/would/widen/the/table/much"} {
		for _, a := range []string{"1", "2\n3"} {
			target := results.TargetReal
			if disk == "sim" {
				target = results.TargetSim
			}
			r.Cells = append(r.Cells, results.Cell{Labels: map[string]string{"a": a, "disk": disk}, Target: target,
				Repeats: make([]results.Repeat, 1)})
		}
	}
	const want = `Figures: measured and simulated.

                             - produce latency --
a    records/s  MB/s  ratio  p50  p99  p99.9  max  fsyncs  verified
-------------------------------------------------------------------
simulated on sim:
1            -     -      -    -    -      -    -       0  -
2 3          -     -      -    -    -      -    -       0  -
-------------------------------------------------------------------
measured on dir:/mnt/ssd/a/rather/long/path/that/would/widen/the/table/much:
1            -     -      -    -    -      -    -       0  -
2 3          -     -      -    -    -      -    -       0  -
`
	if got := Text(&r); !strings.HasPrefix(got, want) {
		t.Errorf("got\n%s", got)
	}
	if got := Markdown(&r); !strings.Contains(got, "| disk | target |") || !strings.Contains(got, "| sim | simulated |") {
		t.Errorf("Markdown has no sections, and these columns instead:\n%s", got)
	}
}

// Goal: the load is said once, where it varies, and full speed is marked.
// Method: a table of results.
func TestLoads(t *testing.T) {
	cell := func(rate float64, target string, labels ...string) results.Cell {
		c := results.Cell{Labels: map[string]string{}, Config: map[string]string{"load.rate": "x"}, Target: target,
			Load: "open", OfferedPerS: rate}
		if rate == 0 {
			c.Load, c.AtSaturation = "closed", true
		}
		for i, l := range labels {
			c.Labels[[]string{"load", "rate", "acks"}[i]] = l
		}
		return c
	}
	for _, c := range []struct {
		why          string
		cells        []results.Cell
		has, hasNone []string
	}{
		{"names of the scenario's own tell the rate", []results.Cell{cell(0, "sim", "full speed"),
			cell(5000, "sim", "open loop")},
			[]string{"Figures: simulated.\n", "full speed*  ", "open loop, 5,000/s  ", "* at saturation:"},
			[]string{"max*"}},
		{"a rate needs no second one", []results.Cell{cell(0, "real", "", "max"), cell(100, "real", "", "100/s")},
			[]string{"Figures: measured.\n", "\nmax*  ", "\n100/s  ", "* at saturation:"}, []string{"load", "100/s, 100/s"}},
		{"a rate that follows from no label", []results.Cell{cell(0, "real", "a", "b", "1"),
			cell(100, "real", "a", "b", "1")}, []string{"\nload ", "\nmax*  ", "\n100/s  "}, nil},
		{"one load for all", []results.Cell{cell(100, "real", "a"), cell(100, "real", "b")},
			[]string{"Figures: measured, 100 records/s offered.", "\na "}, []string{"saturation", "*"}},
		{"full speed for all", []results.Cell{cell(0, "sim", "a"), cell(0, "sim", "b")},
			[]string{"Figures: simulated, at full speed.", "At saturation: "}, []string{"* at", "a*"}},
	} {
		got := Text(&results.Result{Complete: true, LabelNames: []string{"load", "rate", "acks"}, Cells: c.cells})
		for _, want := range c.has {
			if !strings.Contains(got, want) {
				t.Errorf("%s: lacks %q:\n%s", c.why, want, got)
			}
		}
		for _, no := range c.hasNone {
			if strings.Contains(got, no) {
				t.Errorf("%s: has %q:\n%s", c.why, no, got)
			}
		}
	}
}

// Goal: a table of a damaged or odd result is a table, never a panic.
// Method: results with missing parts.
func TestOddResults(t *testing.T) {
	for _, c := range []struct {
		why  string
		r    results.Result
		want string
	}{
		{"nothing at all", results.Result{}, "no cell ran"},
		{"a cell of zero values", results.Result{Cells: []results.Cell{{}}}, "not run"},
		{"a cell that ran and gave nothing", results.Result{Cells: []results.Cell{{Repeats: make([]results.Repeat, 1)}}},
			"0  -"},
		{"a label that only cells have", results.Result{Cells: []results.Cell{{Labels: map[string]string{"topic.x": "1"}},
			{Labels: map[string]string{"topic.x": "2"}}}}, "x "},
		{"failed records", results.Result{Cells: []results.Cell{{Repeats: make([]results.Repeat, 1),
			Measures: results.Measures{Counts: results.Counts{Sent: 5, Failed: 2}}}}}, "ok; 2 failed"},
		{"a real disk beside a simulated one", results.Result{LabelNames: []string{"disk"}, Cells: []results.Cell{
			{Labels: map[string]string{"disk": "dir:/x"}, Target: results.TargetReal},
			{Labels: map[string]string{"disk": "sim"}, Target: results.TargetSim}}}, "sim     simulated"},
	} {
		if got := Text(&c.r); !strings.Contains(got, c.want) {
			t.Errorf("%s: lacks %q:\n%s", c.why, c.want, got)
		}
	}
}

// Goal: nothing in a name starts markup. Method: a table of texts.
func TestEscapeMarkdown(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"*a* _b_ `c`", "\\*a\\* \\_b\\_ \\`c\\`"},
		{"<b>[x](y)", `&lt;b>\[x](y)`},
		{"two\nlines", "two lines"},
		{`back\slash`, `back\\slash`},
	} {
		if got := EscapeMarkdown(c.text); got != c.want {
			t.Errorf("%q became %q, want %q", c.text, got, c.want)
		}
	}
}

// Goal: a pipe in a name does not end a Markdown cell. Method: a table of one.
func TestMarkdownGridPipes(t *testing.T) {
	const want = "| a |\n|:--- |\n| b\\|c |\n"
	if got := MarkdownGrid([]string{"a"}, [][]string{{"b|c"}}); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// Goal: columns of figures are flush right, also of those that have a sign, are tiny or are
// not there. Method: columns of one row.
func TestFiguresAreRight(t *testing.T) {
	for text, right := range map[string]bool{"12 ms": true, "<0.1 %": true, "-3.2 %": true, "+1": true, "-": true,
		"not available": true, "": false, "<b>": false, "page cache": false, "--": false} {
		if got := strings.HasSuffix(strings.Split(MarkdownGrid([]string{"a", "b"}, [][]string{{"x", text}}), "\n")[1],
			"---:|"); got != right {
			t.Errorf("%q: flush right %v", text, got)
		}
	}
}

// Goal: the text tells of batches and requests where it is what the run is about. Method:
// made runs of two cells that vary one setting or another.
func TestRequests(t *testing.T) {
	for _, row := range []struct {
		why    string
		label  string
		timed  bool
		wanted bool
	}{
		{"what batches hold is told where a setting of them varies", "producers.batch.size", true, true},
		{"and nowhere else", "topic.flush.messages", true, false},
		{"and not of a result without the figures, as of older programs", "producers.batch.size", false, false},
	} {
		cell := func(value string) reporttest.Cell {
			return reporttest.Cell{Labels: []reporttest.Label{{Name: row.label, Value: value}}, Target: results.TargetSim,
				MBPerS: 10, Median: time.Millisecond, Ratio: 2, PerSecond: 100, Timed: row.timed}
		}
		r, _ := reporttest.Make(reporttest.Run{Scenario: "s", Names: []string{row.label}, Repeats: 1, Seconds: 10,
			Cells: []reporttest.Cell{cell("1"), cell("2")}})
		text := Text(r)
		line := "records/s  batches/s  requests/s  records/batch  batches/request  records/request"
		if strings.Contains(text, line) != row.wanted {
			t.Errorf("%s:\n%s", row.why, text)
		}
		if got := Requests(r).Rows; row.timed && (len(got) != 2 || got[0][4] != "64.0" || got[0][6] != "160") {
			t.Errorf("%s: %v", row.why, got)
		}
	}
}

// Goal: two runs beside each other read well and stay as they are.
// Method: the text and the Markdown of made runs, against testdata.
func TestCompare(t *testing.T) {
	a, _ := reporttest.Make(reporttest.Doubtful(20))
	run := reporttest.Doubtful(20)
	for i := range run.Cells {
		run.Cells[i].MBPerS *= []float64{1, 0.5, 1.4}[i]
		run.Cells[i].Trust = nil
	}
	b, _ := reporttest.Make(run)
	a.Cells[1].Trust = nil
	a.Wall.Folder, b.Wall.Folder = "before", "after"
	c := findings.CompareRuns(a, b)
	got := CompareText(c) + "\n" + CompareMarkdown(c)
	path := filepath.Join("testdata", "compare.txt")
	if *rewrite {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("go test ./report/table -rewrite writes it: (-want +got)\n%s", diff)
	}
	if nothing := CompareText(findings.CompareRuns(&results.Result{}, &results.Result{})); !strings.Contains(nothing,
		"There is nothing to compare.") {
		t.Errorf("runs without cells: %q", nothing)
	}
}
