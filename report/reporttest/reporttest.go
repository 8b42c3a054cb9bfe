// Package reporttest makes synthetic results for tests of tables, charts and
// reports. They have plausible shapes; no figure in them was measured.
package reporttest

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"brokerlab/results"
)

// Label is one varied setting of a cell.
type Label struct{ Name, Value string }

// Cell says what a cell's synthetic figures look like.
type Cell struct {
	Labels []Label
	Target string
	Rate   float64 // offered records per second; 0: closed loop
	MBPerS float64 // about; 0: nothing was acknowledged
	// Median of the produce latency; end-to-end is a little more.
	Median time.Duration
	Ratio  float64
	Counts results.Counts // only bad ones; the others follow from MBPerS
	// PerSecond is how many latencies a second has; 0: no histogram.
	PerSecond int
	// Trust is what the self-check says of it.
	Trust []results.Finding
	// Busy is what its resources did; BusyNothing: the cell does not tell.
	Busy Busy
	// Timed says that the cell tells where time, processor and memory went.
	Timed   bool
	Retries int64 // of a Timed cell
}

// Run says what a synthetic result has.
type Run struct {
	Scenario, Title, Question string
	Names                     []string
	Choices                   []string // of Names, those that are no settings
	Cells                     []Cell
	Repeats, Seconds          int
	Config                    map[string]string // of all cells
	Incomplete                string
}

// Histograms of a made result, by cell and latency.
type Histograms []map[string][]results.Interval

// Make makes the result and its histograms; the same run gives the same.
func Make(run Run) (*results.Result, Histograms) {
	r := &results.Result{
		Schema: results.SchemaVersion, Scenario: run.Scenario, Title: run.Title, Question: run.Question, Seed: 42,
		Complete: run.Incomplete == "", Incomplete: run.Incomplete, LabelNames: run.Names, Warnings: []string{},
		Wall: results.RunWall{
			Started: time.Date(2026, 11, 22, 20, 15, 3, 0, time.UTC), Seconds: 61.5,
			Command: []string{"brokerlab", "run", run.Scenario},
			Folder:  "results/runs/" + run.Scenario + "/2026-11-22T20-15-03Z",
			Version: results.Version{Brokerlab: "0.1.0", Commit: "0123456789abcdef", Go: "go1.26.8"},
			Machine: results.Machine{OS: "linux", Arch: "amd64", Kernel: "6.1.0", CPU: "A Processor of 2.5 GHz", Cores: 2,
				MemBytes: 8 << 30},
		},
	}
	var all Histograms
	for i, c := range run.Cells {
		cell, hs := makeCell(run, c, uint64(i))
		r.Cells = append(r.Cells, cell)
		all = append(all, hs)
	}
	return r, all
}

func makeCell(run Run, c Cell, stream uint64) (results.Cell, map[string][]results.Interval) {
	random := rand.New(rand.NewPCG(42, stream))
	cell := results.Cell{Labels: map[string]string{}, Target: c.Target, Load: results.LoadClosed,
		AtSaturation: c.Rate == 0, OfferedPerS: c.Rate, Config: map[string]string{}, Warnings: []string{}}
	if c.Rate > 0 {
		cell.Load = results.LoadOpen
	}
	for k, v := range run.Config {
		cell.Config[k] = v
	}
	for _, l := range c.Labels {
		cell.Labels[l.Name] = l.Value
		if !slices.Contains(run.Choices, l.Name) {
			cell.Config[l.Name] = l.Value
		}
	}
	hs := map[string][]results.Interval{}
	for n := 1; n <= run.Repeats; n++ {
		repeat := makeRepeat(run, c, random)
		c.Busy.use(&repeat, float64(run.Seconds))
		for _, latency := range []string{results.Produce, results.EndToEnd} {
			of := intervals(run, c, latency, n, random)
			if len(of) == 0 {
				continue
			}
			hs[latency] = append(hs[latency], of...)
			merged, overflow := results.Measured(of)
			repeat.Latency[latency] = results.Summarize(merged, overflow)
		}
		c.timing(run, &repeat)
		cell.Repeats = append(cell.Repeats, repeat)
	}
	latency := map[string]results.Latency{}
	for name, of := range hs {
		merged, overflow := results.Measured(of)
		latency[name] = results.Summarize(merged, overflow)
	}
	for _, name := range []string{results.Service, results.Fsync} {
		if n := len(cell.Repeats); n > 0 && cell.Repeats[n-1].Latency[name].Count > 0 {
			latency[name] = cell.Repeats[n-1].Latency[name]
		}
	}
	cell.Measures = results.MergeRepeats(cell.Repeats, latency)
	results.MergeTiming(&cell)
	cell.Intervals, cell.Trust = results.IntervalsOf(&cell, hs), c.Trust
	cell.Usage, cell.Nodes = results.MergeUsage(cell.Repeats)
	cell.Bound = results.BoundOf(cell.Nodes, cell.MeasuredS, c.Rate == 0)
	return cell, hs
}

// makeRepeat has about the wanted throughput: a ramp while warming up, then noise.
func makeRepeat(run Run, c Cell, random *rand.Rand) results.Repeat {
	r := results.Repeat{Seed: random.Uint64(), Measures: results.Measures{Latency: map[string]results.Latency{},
		CompressionRatio: c.Ratio, Counts: c.Counts}}
	level := c.MBPerS * (1 + 0.06*random.NormFloat64())
	for at := range run.Seconds {
		s := results.Second{At: float64(at), Length: 1, Warmup: at < warmupOf(run)}
		level := level * (1 + 0.05*random.NormFloat64())
		if s.Warmup {
			level *= 0.35 + 0.5*float64(at)/float64(warmupOf(run))
		}
		s.Bytes = int64(math.Max(0, level) * 1e6)
		s.Acked = s.Bytes / 1024
		s.Consumed = s.Acked
		r.Seconds = append(r.Seconds, s)
		r.Acked += s.Acked
		r.BytesRecords += s.Bytes
		if !s.Warmup {
			r.MeasuredS++
			r.MBPerS += level
		}
	}
	if r.MeasuredS > 0 {
		r.MBPerS /= r.MeasuredS
	}
	r.RecordsPerS = r.MBPerS * 1e6 / 1024
	r.ConsumedPerS = r.RecordsPerS
	r.Sent, r.Consumed = r.Acked, r.Acked-c.Counts.Lost
	r.Fsyncs = r.Acked / 1000
	if c.Ratio > 0 {
		r.BytesWire = int64(float64(r.BytesRecords) / c.Ratio)
	}
	return r
}

func warmupOf(run Run) int { return run.Seconds / 10 }

// intervals have a log-normal body and, one time in 500, a tail.
func intervals(run Run, c Cell, latency string, repeat int, random *rand.Rand) (hs []results.Interval) {
	if c.PerSecond == 0 {
		return nil
	}
	median := float64(c.Median)
	if latency == results.EndToEnd {
		median *= 1.7
	}
	recorder := results.NewRecorder()
	for at := range run.Seconds {
		for range c.PerSecond {
			v := median * math.Exp(0.35*random.NormFloat64())
			if random.IntN(500) == 0 {
				v *= 1 + 6*random.ExpFloat64()
			}
			recorder.Record(int64(v))
		}
		hs = append(hs, recorder.Take(results.Span{Repeat: repeat, Start: time.Duration(at) * time.Second,
			Length: time.Second, Warmup: at < warmupOf(run)}))
	}
	return hs
}

// Folder writes a synthetic run into a fresh run folder below root.
func Folder(t testing.TB, root string, run Run) *results.Folder {
	t.Helper()
	r, hs := Make(run)
	f, err := results.Create(root, run.Scenario, r.Wall.Started)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.WriteScenario([]byte(fmt.Sprintf("title: %s\n", run.Title))); err != nil {
		t.Fatal(err)
	}
	for i, byLatency := range hs {
		for _, latency := range []string{results.Produce, results.EndToEnd} {
			if of := byLatency[latency]; of != nil {
				if err := f.WriteHistograms(i, latency, of); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	for i, all := range Activities(run) {
		if all == nil {
			continue
		}
		if err := f.WriteActivity(i, all); err != nil {
			t.Fatal(err)
		}
	}
	if err := f.WriteResult(r); err != nil {
		t.Fatal(err)
	}
	return f
}
