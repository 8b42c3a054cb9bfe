package report

import (
	"bytes"
	"flag"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"brokerlab/report/reporttest"
	"brokerlab/results"
)

var rewrite = flag.Bool("rewrite", false, "write the reports that the tests expect")

var wantFiles = []string{"report.html", "report.md", "throughput.png", "latency-produce.png", "latency-end-to-end.png",
	"stages.png", "throughput-over-time.png", "latency-over-time.png", "latency-map-produce.png",
	"latency-map-end-to-end.png", "processors.png"}

// Goal: a report is made from the folder alone, twice with the same bytes.
// Method: write a run, delete nothing but the memory of it, report twice.
func TestWrite(t *testing.T) {
	f := reporttest.Folder(t, t.TempDir(), reporttest.Quickstart(100))
	files, err := Write(f)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(wantFiles, files); diff != "" {
		t.Errorf("files: (-want +got)\n%s", diff)
	}
	once := read(t, f, files)
	if _, err := Write(&results.Folder{Path: f.Path}); err != nil {
		t.Fatal(err)
	}
	for name, content := range read(t, f, files) {
		if !bytes.Equal(content, once[name]) {
			t.Errorf("%s differs the second time", name)
		}
		if strings.HasSuffix(name, ".png") {
			if _, err := png.Decode(bytes.NewReader(content)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			if !bytes.Contains(once["report.md"], []byte("]("+name+")")) {
				t.Errorf("report.md does not show %s", name)
			}
		}
	}
}

func read(t *testing.T, f *results.Folder, files []string) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	for _, name := range files {
		content, err := os.ReadFile(filepath.Join(f.Path, name))
		if err != nil {
			t.Fatal(err)
		}
		all[name] = content
	}
	return all
}

// Goal: report.md reads well and stays as it is, whatever the run left.
// Method: compare the text of each synthetic run with testdata.
func TestMarkdown(t *testing.T) {
	for _, run := range reporttest.Runs(50) {
		r, _ := reporttest.Make(run)
		if run.Scenario == "flush-policies" {
			r.Warnings = append(r.Warnings, "the data directory is on a temporary file system")
			r.Cells[1].Warnings = append(r.Cells[1].Warnings, "the generator was 12 ms late")
			r.Wall.Command = []string{"brokerlab", "run", "--set", "topic.name=it's one", "flush-policies"}
		}
		got := of(r, nil, nil).Markdown()
		path := filepath.Join("testdata", run.Scenario+".md")
		if *rewrite {
			if err := os.WriteFile(path, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s (go test ./report -rewrite writes it): (-want +got)\n%s", run.Scenario, diff)
		}
	}
}

// Goal: an interrupted run has a report; a folder without a result or with a damaged one has an error.
// Method: report on such folders.
func TestWriteOfBrokenFolders(t *testing.T) {
	f := reporttest.Folder(t, t.TempDir(), reporttest.Runs(0)[8])
	if files, err := Write(f); err != nil || len(files) != 6 {
		t.Errorf("a run without cells: files %v, error %v", files, err)
	}
	text, err := os.ReadFile(filepath.Join(f.Path, MarkdownFile))
	if err != nil || !strings.Contains(string(text), "**This run is incomplete: interrupted. What follows") {
		t.Errorf("its report is %q, error %v", text, err)
	}
	_, err = Write(&results.Folder{Path: t.TempDir()})
	if err == nil || !strings.Contains(err.Error(), "it has no result.json") {
		t.Errorf("a folder without a result: error is %v", err)
	}
	damaged := reporttest.Folder(t, t.TempDir(), reporttest.Quickstart(10))
	if err := damaged.WriteFile(results.HistogramFile(0, results.Produce, "hlog"), []byte("?\n")); err != nil {
		t.Fatal(err)
	}
	if _, err := Write(damaged); err == nil || !strings.Contains(err.Error(), "cell-01-produce.hlog: line 1") {
		t.Errorf("a damaged histogram: error is %v", err)
	}
}

// Goal: a command can be pasted into a shell.
// Method: a table of arguments.
func TestShell(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"brokerlab", "run", "quickstart"}, "brokerlab run quickstart"},
		{[]string{"a b", "it's", ""}, `'a b' 'it'\''s' ''`},
		{[]string{"$HOME", "a;b", "x\ny"}, `'$HOME' 'a;b' 'x y'`},
	} {
		if got := shell(c.args); got != c.want {
			t.Errorf("%q became %s, want %s", c.args, got, c.want)
		}
	}
}

// Goal: the scenario in a folder is run again by the path that it had, and its results go where the first went.
// Method: a table of folders.
func TestRerun(t *testing.T) {
	for _, c := range []struct{ folder, want string }{
		{"results/runs/q/t", "brokerlab run results/runs/q/t/scenario.yaml"},
		{"/tmp/my runs/q/t", "brokerlab run '/tmp/my runs/q/t/scenario.yaml' --out '/tmp/my runs'"},
		{"q/t", "brokerlab run q/t/scenario.yaml --out ."},
		{"", "brokerlab run ./scenario.yaml"},
	} {
		p := &page{r: &results.Result{Wall: results.RunWall{Folder: c.folder}}}
		if got := shell(p.rerun()); got != c.want {
			t.Errorf("folder %q: got %s, want %s", c.folder, got, c.want)
		}
	}
}
