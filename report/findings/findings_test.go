package findings

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"brokerlab/report/reporttest"
	"brokerlab/results"
)

var rewrite = flag.Bool("rewrite", false, "write the expected sentences anew")

// text is the sentences of a result as the expected files hold them.
func text(all []Sentence) string {
	var b strings.Builder
	for _, s := range all {
		fmt.Fprintf(&b, "%s %v\n    %s\n", s.Kind, s.About, s.Marked())
	}
	return b.String()
}

// Goal: the sentences of every shape of result are right, and stay so.
// Method: the synthetic results that all reports are tested with, against files that
// were read by a person.
func TestSentences(t *testing.T) {
	for _, run := range reporttest.Runs(40) {
		r, hs := reporttest.Make(run)
		for i := range r.Cells {
			r.Cells[i].Intervals = results.IntervalsOf(&r.Cells[i], hs[i])
		}
		got := text(Of(r, nil))
		path := filepath.Join("testdata", run.Scenario+".txt")
		if *rewrite {
			if err := os.MkdirAll("testdata", 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if got != string(want) {
			t.Errorf("%s (go test ./report/findings -rewrite): got\n%s\nwant\n%s", path, got, want)
		}
	}
}

// Goal: whatever a result lacks, there is a first sentence that says how its figures
// came about, every sentence ends as one, names cells that there are, and none
// concludes from a cell that is not sound, compares a measured cell with a simulated one,
// or says by how much cells differ of which more than one setting does.
// Method: synthetic results with parts taken out at random.
func TestEveryCombination(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	var whole [][]byte
	for _, run := range reporttest.Runs(4) {
		r, _ := reporttest.Make(run)
		for i := range r.Cells { // as if there were samples enough
			for _, m := range append([]*results.Measures{&r.Cells[i].Measures}, repeatsOfCell(&r.Cells[i])...) {
				for name, l := range m.Latency {
					l.Count *= 100
					m.Latency[name] = l
				}
			}
		}
		text, err := results.Encode(r)
		if err != nil {
			t.Fatal(err)
		}
		whole = append(whole, text)
	}
	for range 120 {
		r, err := results.Decode(whole[random.IntN(len(whole))])
		if err != nil {
			t.Fatal(err)
		}
		spoil(r, random)
		all := Of(r, nil)
		if len(all) == 0 || all[0].Kind != Source {
			t.Fatalf("%s: the first sentence is not about the source: %+v", r.Scenario, all)
		}
		for _, s := range all {
			checkSentence(t, r, s)
		}
	}
}

// checkSentence holds a sentence against the result that it is of.
func checkSentence(t *testing.T, r *results.Result, s Sentence) {
	t.Helper()
	if !strings.HasSuffix(s.Text, ".") || strings.Contains(s.Text, "NaN") || strings.Contains(s.Text, "Inf") ||
		strings.Contains(s.Text, "%!") || strings.Contains(s.Text, "  ") || strings.HasSuffix(s.Text, "..") {
		t.Errorf("%s: %q", r.Scenario, s.Text)
	}
	for _, i := range s.About {
		if i < 0 || i >= len(r.Cells) {
			t.Fatalf("%s: %q is about cell %d of %d", r.Scenario, s.Text, i, len(r.Cells))
		}
	}
	if !slices.Contains([]string{Figure, Along, Choice, Time, Bound}, s.Kind) {
		return
	}
	for _, i := range s.About {
		if c := &r.Cells[i]; spoilt(c) || slices.ContainsFunc(c.Trust, func(f results.Finding) bool { return f.Untrusted }) {
			t.Errorf("%s: a cell that is not sound is in %q", r.Scenario, s.Text)
		}
		if r.Cells[i].Target != r.Cells[s.About[0]].Target && s.Kind != Bound {
			t.Errorf("%s: measured and simulated in one: %q", r.Scenario, s.Text)
		}
	}
	if s.Kind != Figure || !strings.Contains(s.Text, ", the lowest, ") && !strings.Contains(s.Text, ", the highest, ") &&
		!strings.Contains(s.Text, "gainst ") {
		return
	}
	differ := 0
	for _, label := range r.LabelNames {
		differ += count(slices.ContainsFunc(s.About, func(i int) bool {
			return r.Cells[i].Labels[label] != r.Cells[s.About[0]].Labels[label]
		}))
	}
	if differ != 1 {
		t.Errorf("%s: %d settings differ in %q", r.Scenario, differ, s.Text)
	}
}

func repeatsOfCell(c *results.Cell) (all []*results.Measures) {
	for i := range c.Repeats {
		all = append(all, &c.Repeats[i].Measures)
	}
	return all
}

// spoil takes parts of a result out.
func spoil(r *results.Result, random *rand.Rand) {
	if random.IntN(3) == 0 {
		r.Complete, r.Incomplete = false, "stopped"
	}
	if random.IntN(4) == 0 && len(r.Cells) > 1 {
		r.Cells = r.Cells[:1+random.IntN(len(r.Cells)-1)]
	}
	for i := range r.Cells {
		c := &r.Cells[i]
		switch random.IntN(9) {
		case 0:
			c.Repeats, c.Measures = nil, results.MergeRepeats(nil, nil)
		case 1:
			c.Repeats = c.Repeats[:min(1, len(c.Repeats))]
		case 2:
			c.Latency = map[string]results.Latency{}
		case 3:
			c.MeasuredS, c.RecordsPerS, c.MBPerS = 0, 0, 0
		case 4:
			c.Trust = []results.Finding{{Check: "machine", Untrusted: true, Message: "others used it"}}
		case 5:
			c.Breakdown, c.Bound = nil, nil
		case 6:
			c.Intervals = results.IntervalsOf(c, nil)
		case 7:
			c.Counts.Lost, c.Failed = int64(random.IntN(2)), int64(random.IntN(2))
		}
		if random.IntN(5) == 0 {
			r.Goals = append(r.Goals, results.GoalOutcome{Goal: "lost == 0", Cell: i, Met: random.IntN(2) == 0,
				Message: "by 1"})
		}
	}
}

// made is a result of measured cells at full speed, one per level, with so many runs
// that vary by 5 %.
func made(levels []float64, repeats int, random *rand.Rand) *results.Result {
	r := &results.Result{Scenario: "made", Complete: true, LabelNames: []string{"producers.compression.type", "disk"}}
	for i, level := range levels {
		c := results.Cell{Labels: map[string]string{"producers.compression.type": fmt.Sprintf("codec-%d", i)},
			Config: map[string]string{"records.size": "1KiB"}, Target: results.TargetReal, Load: "closed", AtSaturation: true}
		for range repeats {
			v := level * math.Exp(0.05*random.NormFloat64())
			c.Repeats = append(c.Repeats, results.Repeat{Measures: results.Measures{RecordsPerS: v, MBPerS: v / 1000,
				MeasuredS: 10, Latency: map[string]results.Latency{}}})
		}
		c.Measures = results.MergeRepeats(c.Repeats, nil)
		r.Cells = append(r.Cells, c)
	}
	return r
}

// throughputSentence is the one that compares the throughput of all cells.
func throughputSentence(t *testing.T, r *results.Result) Sentence {
	t.Helper()
	for _, s := range Of(r, nil) {
		if s.Kind == Figure && strings.Contains(strings.ToLower(s.Text), "throughput") {
			return s
		}
	}
	t.Fatalf("no sentence about throughput in %s", text(Of(r, nil)))
	return Sentence{}
}

// Goal: the best and the worst of equal cells are told apart in at most 5 of 100
// results, although they were picked for being far apart; cells that differ are.
// Method: made results of known levels.
func TestFalseAlarmsOfBestAndWorst(t *testing.T) {
	random := rand.New(rand.NewPCG(2, 2))
	const trials = 300
	alarms, found := 0, 0
	for range trials {
		if throughputSentence(t, made([]float64{1e5, 1e5, 1e5, 1e5, 1e5}, 6, random)).Shown {
			alarms++
		}
		if throughputSentence(t, made([]float64{1e5, 1e5, 1.4e5}, 6, random)).Shown {
			found++
		}
	}
	if share := float64(alarms) / trials; share > 0.05+3*math.Sqrt(0.05*0.95/trials) {
		t.Errorf("%.3f false alarms", share)
	}
	if share := float64(found) / trials; share < 0.95 {
		t.Errorf("a difference of 40 %% was found in %.3f", share)
	}
}

// Goal: sentences say what is shown, what is not, and what would show it.
// Method: made results, and what their sentences hold.
func TestShownOrNot(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 3))
	for _, c := range []struct {
		why   string
		r     *results.Result
		shown bool
		has   string
		runs  int
	}{
		{"six runs that differ", made([]float64{1e5, 3e5}, 6, random), true, "times (95 %: ", 0},
		{"six runs that do not", made([]float64{1e5, 1e5}, 6, random), false,
			"is not shown to differ between the 2 cells", 0},
		{"three runs", made([]float64{1e5, 3e5}, 3, random), false, "times that of codec-0, the lowest", 4},
		{"one run", made([]float64{1e5, 3e5}, 1, random), false, "times that of codec-0, the lowest", 4},
	} {
		s := throughputSentence(t, c.r)
		if s.Shown != c.shown || !strings.Contains(s.Text, c.has) || s.Runs != c.runs {
			t.Errorf("%s: %+v", c.why, s)
		}
		if strings.HasPrefix(s.Marked(), NotShown) == s.Shown {
			t.Errorf("%s: marked %q", c.why, s.Marked())
		}
	}
}

// Goal: what is not sound is said, and nothing else is said of it.
// Method: made results of three cells, of which one, two or all are not.
func TestLeftOut(t *testing.T) {
	suspect := []results.Finding{{Check: "machine", Untrusted: true, Message: "java used 1.2 cores"}}
	for _, row := range []struct {
		why   string
		spoil func(cells []results.Cell)
		want  []string
	}{
		{"all are sound", func([]results.Cell) {}, nil},
		{"one is not to be trusted", func(cells []results.Cell) { cells[1].Trust = suspect }, []string{
			"Not to be trusted, as the warnings say, and left out of what follows: codec-1."}},
		{"all are not", func(cells []results.Cell) {
			cells[0].Trust, cells[1].Trust, cells[2].Trust = suspect, suspect, suspect
		}, []string{"Not to be trusted, as the warnings say, and left out of what follows: all 3 cells."}},
		{"one lost records, some of another failed", func(cells []results.Cell) {
			cells[0].Lost, cells[0].Acked = 2, 1000
			cells[2].Failed, cells[2].Sent = 5, 1005
		}, []string{"In codec-0 not all records came through: 2 lost of 1,000 acknowledged.",
			"In codec-2 not all records came through: 5 failed of 1,005 sent.",
			"Left out of what follows, since not all records came through: codec-0 and codec-2."}},
	} {
		r := made([]float64{1e5, 2e5, 3e5}, 6, rand.New(rand.NewPCG(8, 8)))
		row.spoil(r.Cells)
		var got []string
		for _, s := range Of(r, nil) {
			checkSentence(t, r, s)
			if s.Kind == Records || s.Kind == LeftOut {
				got = append(got, s.Text)
			}
		}
		if !slices.Equal(got, row.want) {
			t.Errorf("%s: %q", row.why, got)
		}
	}
}

// Goal: simulated cells of one run each are compared by their seconds, measured ones
// are not.
// Method: one run of each, with intervals over seconds that are apart.
func TestSimulatedSeconds(t *testing.T) {
	for _, target := range []string{results.TargetSim, results.TargetReal} {
		r := made([]float64{1e5, 3e5}, 1, rand.New(rand.NewPCG(4, 4)))
		for i := range r.Cells {
			c := &r.Cells[i]
			c.Target = target
			c.Intervals = map[string]results.Bounds{"records_per_s": {Low: 0.97 * c.RecordsPerS, High: 1.03 * c.RecordsPerS,
				Confidence: 0.95, Over: results.OverSeconds}}
		}
		if s := throughputSentence(t, r); s.Shown != (target == results.TargetSim) {
			t.Errorf("%s: %+v", target, s)
		}
	}
}

// Goal: goals are told once for all cells, with how much they are missed by.
// Method: one goal that is met and one that is missed.
func TestGoals(t *testing.T) {
	r := made([]float64{1e5, 3e5}, 1, rand.New(rand.NewPCG(5, 5)))
	r.Goals = []results.GoalOutcome{{Goal: "lost == 0", Cell: 0, Met: true}, {Goal: "lost == 0", Cell: 1, Met: true},
		{Goal: "p99(produce) < 10ms", Cell: 0, Met: true},
		{Goal: "p99(produce) < 10ms", Cell: 1, Message: "it is 12 ms, 2 ms too much"}, {Goal: "x", Cell: 7}}
	var got []string
	for _, s := range Of(r, nil) {
		if s.Kind == Goal {
			got = append(got, s.Text)
		}
	}
	if want := []string{"The goal lost == 0 is met in both cells.",
		"The goal p99(produce) < 10ms is missed in codec-1 (it is 12 ms, 2 ms too much)."}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

// Goal: two runs are compared cell by cell and figure by figure, with what is shown,
// what is not and why, and what else differs between them.
// Method: made runs: one cell differs, one does not, one is not to be trusted, one is in
// one run only, and one was simulated in the other.
func TestCompareRuns(t *testing.T) {
	random := rand.New(rand.NewPCG(17, 6))
	base := made([]float64{1e5, 2e5, 3e5, 4e5, 5e5}, 6, random)
	other := made([]float64{1.5e5, 2e5, 6e5, 4e5}, 6, random)
	other.Cells[2].Trust = []results.Finding{{Check: "machine", Untrusted: true, Message: "busy"}}
	other.Cells[3].Target = results.TargetSim
	other.Cells[0].Config["producers.linger.ms"], base.Cells[0].Config["producers.linger.ms"] = "5ms", "0s"
	base.Wall.Folder, other.Wall.Folder = "a", "b"
	c := CompareRuns(base, other)
	var got []string
	for _, r := range c.Rows {
		if r.Figure == "records/s" {
			got = append(got, fmt.Sprintf("%s %v %s", r.Cell, r.Shown, r.Why))
		}
	}
	if want := []string{"codec-0 true ", "codec-1 false ", "codec-2 false not to be trusted"}; !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	if r := c.Rows[0]; !(r.Low > 1.3 && r.High < 1.7 && r.Low < r.Ratio && r.Ratio < r.High) || r.P > 0.01 ||
		!strings.HasPrefix(r.Change(), "+") || !strings.Contains(r.Interval(), " % to +") {
		t.Errorf("the cell that differs: %+v", r)
	}
	notes := strings.Join(c.Notes, "\n")
	for _, has := range []string{"codec-3: measured in the first run and simulated in the second: not compared",
		"codec-4: the second run has no such cell", "settings differ: producers.linger.ms 0s and 5ms",
		"one after the other"} {
		if !strings.Contains(notes, has) {
			t.Errorf("notes lack %q:\n%s", has, notes)
		}
	}
	few := CompareRuns(made([]float64{1e5}, 3, random), made([]float64{2e5}, 3, random))
	if r := few.Rows[0]; r.Shown || r.Why != "3 runs each: 4 of each show a difference" || r.Change() != NotShown {
		t.Errorf("three runs: %+v", r)
	}
}

// on is made, on a disk, with a label and a setting that say what varies.
func on(disk string, acks []string, random *rand.Rand) *results.Result {
	r := made(make([]float64, len(acks)), 4, random)
	r.LabelNames = []string{"disk"}
	if len(acks) > 1 {
		r.LabelNames = []string{"acks", "disk"}
	}
	for i := range r.Cells {
		c := &r.Cells[i]
		c.Labels = map[string]string{"disk": disk}
		if len(acks) > 1 {
			c.Labels["acks"] = acks[i]
		}
		c.Config["producers.acks"] = acks[i]
		for n := range c.Repeats {
			c.Repeats[n].RecordsPerS = float64(1000 + n)
		}
		c.Measures = results.MergeRepeats(c.Repeats, nil)
	}
	return r
}

// Goal: cells are the same by what varies, wherever they stand: also those of runs on a disk each, in another
// order, and where one run has some of the other's cells, or one alone. Method: pairs of made runs.
func TestSameCells(t *testing.T) {
	random := rand.New(rand.NewPCG(18, 6))
	for _, c := range []struct {
		why         string
		base, other *results.Result
		rows        string
		notes       []string
	}{
		{"another order", on("dir:/a", []string{"0", "1"}, random), on("dir:/a", []string{"1", "0"}, random),
			"acks=0 acks=1", nil},
		{"two disks", on("dir:/a", []string{"0", "1"}, random), on("dir:/b", []string{"0", "1"}, random), "acks=0 acks=1",
			[]string{"settings differ: disk dir:/a and dir:/b"}},
		{"some of the cells", on("dir:/a", []string{"0", "1", "all"}, random), on("dir:/a", []string{"all", "0"}, random),
			"acks=0 acks=all", []string{"acks=1: the second run has no such cell"}},
		{"a lone cell of one of them", on("dir:/a", []string{"0", "1"}, random), on("dir:/a", []string{"1"}, random),
			"acks=1", []string{"acks=0: the second run has no such cell"}},
		{"lone cells with different settings", on("dir:/a", []string{"1"}, random), on("dir:/a", []string{"0"}, random),
			"made", []string{"settings differ: producers.acks 1 and 0"}},
		{"none in common", on("dir:/a", []string{"0", "1"}, random), on("dir:/a", []string{"all", "-1"}, random), "",
			[]string{"acks=0: the second run has no such cell", "acks=all: the first run has no such cell"}},
	} {
		got := CompareRuns(c.base, c.other)
		var cells []string
		for _, r := range got.Rows {
			if r.Figure == "records/s" {
				cells = append(cells, r.Cell)
			}
		}
		if strings.Join(cells, " ") != c.rows {
			t.Errorf("%s: cells %q, want %s", c.why, cells, c.rows)
		}
		for _, has := range c.notes {
			if notes := strings.Join(got.Notes, "\n"); !strings.Contains(notes, has) {
				t.Errorf("%s: notes lack %q:\n%s", c.why, has, notes)
			}
		}
	}
}

// Goal: of two machines or programs it is told in what they differ, and nothing else.
// Method: pairs that differ in one property, and in none.
func TestUnlike(t *testing.T) {
	a := &results.Result{}
	a.Wall.Machine = results.Machine{OS: "linux", Arch: "amd64", Kernel: "6.1", CPU: "X", Cores: 2, MemBytes: 8 << 30}
	a.Wall.Version = results.Version{Brokerlab: "0.1.0", Commit: "abc", Go: "go1.26"}
	kernel, memory, modified := *a, *a, *a
	kernel.Wall.Machine.Kernel, memory.Wall.Machine.MemBytes, modified.Wall.Version.Modified = "6.2", 8<<30+4096, true
	for _, c := range []struct {
		why  string
		b    *results.Result
		want []string
	}{
		{"the same", a, nil},
		{"another kernel", &kernel, []string{"the machines differ: kernel 6.1 and 6.2"}},
		{"some pages of memory", &memory, nil},
		{"a change that was not committed", &modified, []string{"the programs differ: commit abc and abc (modified)"}},
	} {
		if got := CompareRuns(a, c.b).Notes; !slices.Equal(got, c.want) && len(got)+len(c.want) > 0 {
			t.Errorf("%s: %q", c.why, got)
		}
	}
}
