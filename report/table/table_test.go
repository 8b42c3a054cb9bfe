package table

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

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
// Method: look for control bytes; every rule is under its heading.
func TestPlain(t *testing.T) {
	r, _ := reporttest.Make(reporttest.Flush(50))
	text := Text(r)
	for i, b := range []byte(text) {
		if b < ' ' && b != '\n' || b == 0x7f {
			t.Fatalf("byte %d is %#x", i, b)
		}
	}
	lines := strings.Split(text, "\n")
	at := strings.Index(lines[0], "target")
	if lines[1][at:at+6] != "------" || !strings.HasPrefix(lines[2][at:], "measured") {
		t.Errorf("the column of targets does not line up:\n%s", text)
	}
	for n, line := range lines {
		if strings.TrimRight(line, " ") != line {
			t.Errorf("line %d ends in blanks", n+1)
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
		{"a cell of zero values", results.Result{Cells: []results.Cell{{}}}, "read back"},
		{"a label that only cells have", results.Result{Cells: []results.Cell{{Labels: map[string]string{"topic.x": "1"}},
			{Labels: map[string]string{"topic.x": "2"}}}}, "x "},
		{"failed records", results.Result{Cells: []results.Cell{{Measures: results.Measures{
			Counts: results.Counts{Sent: 5, Failed: 2}}}}}, "ok; 2 failed"},
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
