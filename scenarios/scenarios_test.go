package scenarios

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"brokerlab/scenarios/spec"

	"github.com/google/go-cmp/cmp"
)

var rewrite = flag.Bool("rewrite", false, "rewrite the generated parts of README.md")

func parse(t *testing.T, name string) (*spec.File, []spec.Cell) {
	t.Helper()
	src, err := Source(name)
	if err != nil {
		t.Fatal(err)
	}
	f, err := spec.Parse(name+".yaml", src)
	if err != nil {
		t.Fatal(err)
	}
	cells, err := f.Cells()
	if err != nil {
		t.Fatal(err)
	}
	return f, cells
}

// Goal: the built-in scenarios are those that the documentation names, each
// with what a list shows. Method: compare names and labels.
func TestList(t *testing.T) {
	want := map[string]string{
		"acks-and-replication": "[replication.factor acks load] 12", "batching": "[load batch.size linger.ms] 24",
		"many-producers": "[load count] 8", "message-size": "[size compression.type] 8",
		"partitions": "[load partitions] 8", "hot-key": "[load key] 10", "cold-reads": "[read] 2",
		"slow-consumer": "[page cache] 2",
		"brokers":       "[brokers] 5", "codecs": "[compression.type] 5", "disks": "[load] 2",
		"flush-policies":  "[flush policy] 4",
		"hundred-brokers": "[] 1", "network": "[network compression.type] 15", "quickstart": "[load] 2",
		"sequential-vs-random": "[partitions] 4", "sync-vs-async": "[mode linger.ms rate] 8",
	}
	got := map[string]string{}
	for _, e := range List() {
		f, cells := parse(t, e.Name)
		got[e.Name] = fmt.Sprint(f.LabelNames(), e.Cells)
		if e.Title == e.Name || e.Question == "" || e.Cells != len(cells) {
			t.Errorf("incomplete: %+v", e)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("scenarios (-want +got):\n%s", diff)
	}
}

// Goal: every file opens with the question that it answers. Method: read the
// first line of each.
func TestFirstLine(t *testing.T) {
	for _, name := range Names() {
		src, err := Source(name)
		if err != nil {
			t.Fatal(err)
		}
		line, _, _ := strings.Cut(string(src), "\n")
		if !strings.HasPrefix(line, "# ") || !strings.HasSuffix(line, "?") {
			t.Errorf("%s opens with %q", name, line)
		}
	}
}

// Goal: show prints what runs. Method: the canonical text of each scenario and
// of each cell is read back as the same.
func TestRoundTrip(t *testing.T) {
	for _, name := range Names() {
		f, cells := parse(t, name)
		again, err := spec.Parse(name+".yaml", spec.Marshal(f))
		if err != nil {
			t.Fatal(err)
		}
		cellsAgain, err := again.Cells()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(cells, cellsAgain); diff != "" {
			t.Errorf("%s (-before +after):\n%s", name, diff)
		}
		for _, c := range cells {
			alone, err := spec.Parse(name+".yaml", spec.MarshalScenario(&c.Scenario))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.Scenario, alone.Base); diff != "" {
				t.Errorf("%s, cell %s (-before +after):\n%s", name, c, diff)
			}
		}
	}
}

// Goal: no built-in scenario fills a disk or an afternoon. Method: bound the
// bytes of each cell, replicas included and nothing compressed, by 3 GB,
// those of quickstart together by 2 GB, and the time of all cells. What runs simulated
// unless told otherwise fills no disk: there it is the memory that sizes without bytes
// must spare, and a minute of virtual time a cell.
func TestCost(t *testing.T) {
	secondsMax := map[string]float64{"quickstart": 15} // leaves as long for start, read-back and charts
	for _, name := range Names() {
		f, cells := parse(t, name)
		if !slices.ContainsFunc(f.Base.Disks, func(d string) bool { return strings.HasPrefix(d, "dir:") }) {
			for _, c := range cells {
				if s := &c.Scenario; s.Records.Payload != spec.PayloadModelled || s.Load.Duration > time.Minute {
					t.Errorf("%s, cell %s: %s records for %v", name, c, s.Records.Payload, s.Load.Duration)
				}
			}
			continue
		}
		var total time.Duration
		var written float64
		for _, c := range cells {
			s := &c.Scenario
			total += s.Load.Duration
			replicas := float64(s.Topic.ReplicationFactor)
			bytes := float64(s.Load.MaxBytes) + replicas*float64(s.Producers.Count)*float64(s.Producers.BufferMemory)
			if s.Load.Rate > 0 {
				bytes = s.Load.Rate * s.Load.Duration.Seconds() * s.Records.MeanBytes() * replicas
			}
			if s.Load.Rate == 0 && s.Load.MaxBytes == 0 || bytes > 3.2e9 {
				t.Errorf("%s, cell %s: writes up to %.0f bytes", name, c, bytes)
			}
			written += bytes
		}
		if name == "quickstart" && written > 2e9 {
			t.Errorf("quickstart writes up to %.0f bytes", written)
		}
		limit := secondsMax[name]
		if limit == 0 {
			limit = 60
		}
		if total.Seconds() > limit {
			t.Errorf("%s: loads last %v", name, total)
		}
	}
}

// Goal: the two cells of quickstart are what its documentation promises.
// Method: look at their rates and at what both share.
func TestQuickstart(t *testing.T) {
	_, cells := parse(t, "quickstart")
	var got []string
	for _, c := range cells {
		s := &c.Scenario
		got = append(got, fmt.Sprintf("%s rate=%g brokers=%d replicas=%d partitions=%d acks=%s %s", c, s.Load.Rate,
			s.Cluster.Brokers, s.Topic.ReplicationFactor, s.Topic.Partitions, s.Producers.Acks, s.Producers.Compression))
	}
	want := []string{
		"load=full speed rate=0 brokers=3 replicas=3 partitions=6 acks=all snappy",
		"load=open loop rate=5000 brokers=3 replicas=3 partitions=6 acks=all snappy",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("cells (-want +got):\n%s", diff)
	}
}

// Goal: a wrong name helps to find the right one. Method: table.
func TestSource(t *testing.T) {
	all := strings.Join(Names(), ", ")
	tests := []struct{ sentence, name, want string }{
		{"A near name.", "quikstart", `no scenario "quikstart" is built in (did you mean quickstart?)`},
		{"A far name.", "mine", `no scenario "mine" is built in: there are ` + all +
			`; a file of your own needs its path, such as ./mine.yaml`},
		{"A way out of the directory.", "../go", `no scenario "../go" is built in: there are ` + all +
			`; a file of your own needs its path, such as ./../go.yaml`},
	}
	for _, tt := range tests {
		if src, err := Source(tt.name); err == nil || err.Error() != tt.want {
			t.Errorf("%s got %q, %v", tt.sentence, src, err)
		}
	}
}

func readme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Goal: the README's example is right, and is complete enough to learn from.
// Method: parse it, expand it, and look for every section.
func TestReadmeExample(t *testing.T) {
	_, rest, _ := strings.Cut(readme(t), "```yaml\n")
	src, _, found := strings.Cut(rest, "```\n")
	if !found {
		t.Fatal("README.md has no example")
	}
	f, err := spec.Parse("example.yaml", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	cells, err := f.Cells()
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(f.LabelNames(), len(cells)); got != "[acks batching] 6" {
		t.Errorf("the example has %s", got)
	}
	for _, doc := range spec.Reference() {
		if section, _, found := strings.Cut(doc.Path, "."); found && !strings.Contains(src, "\n"+section+":") {
			t.Errorf("the example does not show %s:", section)
		}
	}
	if err := f.Set("vary.batching", "large"); err != nil {
		t.Errorf("the README's --set fails: %v", err)
	}
}

// Goal: the README's example of groups is right too. Method: parse it and look at its
// groups.
func TestReadmeGroups(t *testing.T) {
	_, rest, _ := strings.Cut(readme(t), "### Groups and phases\n")
	_, rest, _ = strings.Cut(rest, "```yaml\n")
	src, _, _ := strings.Cut(rest, "```\n")
	f, err := spec.Parse("example.yaml", []byte(src))
	if err != nil {
		t.Fatal(err)
	}
	cells, err := f.Cells()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, g := range cells[1].Scenario.ProducerGroups() {
		got = append(got, fmt.Sprintf("%s %d acks=%s %v/s", g.Name, g.Producers.Count, g.Producers.Acks, g.Load.Rate))
	}
	for _, g := range cells[1].Scenario.ConsumerGroups() {
		got = append(got, fmt.Sprintf("%s %d %s", g.Name, g.Consumers.Count, g.Consumers.Read))
	}
	want := []string{"orders 2 acks=all 500/s", "clicks 8 acks=1 5000/s", "live 2 tail", "slow 1 tail", "late 1 tail",
		"history 2 cold"}
	if diff := cmp.Diff(want, got); diff != "" || len(cells) != 2 {
		t.Errorf("%d cells, groups (-want +got):\n%s", len(cells), diff)
	}
	if err := f.Set("producers.groups.orders.acks", "1"); err != nil {
		t.Error(err)
	}
}

// Goal: the README's tables are those of the files and of the language. Method:
// generate them and compare; -rewrite writes them.
func TestReadmeTables(t *testing.T) {
	text := readme(t)
	want := text
	for name, lines := range map[string][]string{"scenarios": scenarioTable(), "settings": settingTable(),
		"figures": figureTable()} {
		part := regexp.MustCompile(`(?s)<!-- ` + name + ` -->\n.*?<!-- end -->`)
		if !part.MatchString(text) {
			t.Fatalf("README.md has no place for %s", name)
		}
		want = part.ReplaceAllLiteralString(want, "<!-- "+name+" -->\n"+strings.Join(lines, "\n")+"\n<!-- end -->")
	}
	if *rewrite {
		if err := os.WriteFile("README.md", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, text); diff != "" {
		t.Errorf("README.md is out of date; run go test ./scenarios -rewrite (-want +got):\n%s", diff)
	}
}

// Goal: the README's example of what is left out and of goals is right. Method: count
// its cells and the goals of each.
func TestReadmeGoals(t *testing.T) {
	_, rest, _ := strings.Cut(readme(t), "### exclude and goals\n")
	_, rest, _ = strings.Cut(rest, "```yaml\n")
	src, _, _ := strings.Cut(rest, "```\n")
	f, cells, err := spec.Read("example.yaml", []byte(src), nil)
	if err != nil {
		t.Fatal(err)
	}
	planned, notes := f.Goals(cells)
	got := []int{len(f.Place(cells))}
	for _, g := range planned {
		got = append(got, len(g.Targets))
	}
	if diff := cmp.Diff([]int{9, 9, 3, 6, 9, 3, 6}, got); diff != "" || len(notes) > 0 {
		t.Errorf("cells and goals of the example, %q (-want +got):\n%s", notes, diff)
	}
}

func figureTable() []string {
	lines := []string{"| figure | bound | meaning |", "| --- | --- | --- |"}
	bounds := map[spec.FigureKind]string{spec.KindCount: "`0`", spec.KindSpan: "`10ms`", spec.KindRate: "`50000/s`",
		spec.KindMBRate: "`100`, `100MB/s` or `100MiB/s`", spec.KindBytes: "`10GB`", spec.KindNumber: "`2.5`",
		spec.KindSeconds: "`20`"}
	for _, d := range spec.Figures() {
		lines = append(lines, fmt.Sprintf("| `%s` | %s | %s |", d.Name, bounds[d.Kind], d.Doc))
	}
	return lines
}

func scenarioTable() []string {
	lines := []string{"| scenario | question | cells |", "| --- | --- | --- |"}
	for _, e := range List() {
		lines = append(lines, fmt.Sprintf("| [%s](%s.yaml) | %s | %d |", e.Name, e.Name, e.Question, e.Cells))
	}
	return lines
}

func settingTable() []string {
	lines := []string{"| setting | default | meaning |", "| --- | --- | --- |"}
	for _, doc := range spec.Reference() {
		value := "`" + doc.Default + "`"
		if doc.Default == "" {
			value = ""
		}
		lines = append(lines, fmt.Sprintf("| `%s` | %s | %s |", doc.Path, value, doc.Doc))
	}
	return lines
}

// Goal: the README's promise of errors is kept word for word. Method: make the
// three errors and find them.
func TestReadmeErrors(t *testing.T) {
	src := "producers: {batchsize: 1}\ntopic: {acks: 1}\nload: {rate: 20000}\n"
	_, err := spec.Parse("my-test.yaml", []byte(src))
	errs, ok := err.(spec.Errors)
	if !ok || len(errs) != 3 {
		t.Fatalf("got %v", err)
	}
	lines := strings.Split(readme(t), "\n")
	for _, e := range errs {
		end := ": " + e.Path + ": " + e.Message
		if !slices.ContainsFunc(lines, func(line string) bool { return strings.HasSuffix(line, end) }) {
			t.Errorf("README.md does not show %q", end)
		}
	}
}
