package goals

import (
	"fmt"
	"strings"
	"testing"

	hdrhistogram "github.com/HdrHistogram/hdrhistogram-go"
	"github.com/google/go-cmp/cmp"

	"brokerlab/results"
	"brokerlab/scenarios/spec"
)

// cellsOf are two cells: the first one faster and sound, the second one slower, with
// lost records and a group of its own.
func cellsOf() []results.Cell {
	cpu := 12.5
	fast := results.Cell{Repeats: make([]results.Repeat, 1)}
	fast.Measures = results.Measures{RecordsPerS: 50000, MBPerS: 51.2, CompressionRatio: 2.5, MeasuredS: 10,
		Counts: results.Counts{Sent: 600000, Acked: 600000, Consumed: 600000}, Fsyncs: 12, BytesDisk: 3_000_000_000,
		BytesRecords: 614_400_000}
	fast.Wall.CPUSecondsPerGB = &cpu
	slow := results.Cell{Repeats: make([]results.Repeat, 1)}
	slow.Measures = results.Measures{RecordsPerS: 49999.7, MBPerS: 51.2, CompressionRatio: 2.5, MeasuredS: 10,
		Counts: results.Counts{Sent: 600000, Acked: 599000, Lost: 3, Late: 1200}, LateMax: 2_500_000,
		Errors: map[string]int64{"NOT_LEADER_OR_FOLLOWER": 4, "REQUEST_TIMED_OUT": 2}}
	web := results.Measures{Counts: results.Counts{Lost: 2}, MeasuredS: 10}
	slow.Groups = []results.Group{{Name: "web", Kind: results.GroupProducers, Measures: web}}
	return []results.Cell{fast, slow}
}

// histogramsOf gives 10,000 latencies of 1 us to 10 ms in the first cell and twice
// those in the second one, where 20 more are above the range; 500 fsyncs of 1 ms; of
// the group web 2,000 of 7 ms.
func histogramsOf(cell int, latency, group string) (*hdrhistogram.Histogram, int64) {
	h := results.NewHistogram()
	record := func(n int, ns func(i int) int64) *hdrhistogram.Histogram {
		for i := range n {
			if err := h.RecordValue(ns(i)); err != nil {
				panic(err)
			}
		}
		return h
	}
	switch {
	case group == "web":
		return record(2000, func(int) int64 { return 7_000_000 }), 0
	case latency == results.Fsync:
		return record(500, func(int) int64 { return 1_000_000 }), 0
	case latency == results.Produce && cell == 0:
		return record(10000, func(i int) int64 { return int64(i+1) * 1000 }), 0
	case latency == results.Produce:
		return record(10000, func(i int) int64 { return int64(i+1) * 2000 }), 20
	}
	return nil, 0
}

func resultsOf(cells []results.Cell) Results {
	return Results{Cells: cells, Histogram: histogramsOf, Unfinished: func(int) string { return "" }}
}

// Goal: a goal says what repeats have to do with a figure, and is not met by a cell of
// which some are missing. Method: goals about a cell of three repeats, finished or not.
func TestRepeats(t *testing.T) {
	cells := cellsOf()[:1]
	cells[0].Repeats = make([]results.Repeat, 3)
	for _, tt := range []struct{ goal, done, half string }{
		{"fsyncs < 10", "missed: fsyncs is 12 in 3 repeats together, 2 (20 %) above 10",
			"missed: cannot be judged, since of cell 1 3 of 5 repeats ended; so far fsyncs is 12 in 3 repeats together, " +
				"2 (20 %) above 10"},
		{"records_per_s > 40000/s", "met: records_per_s is 50,000/s, the median of 3 repeats, 10,000/s (25 %) above 40,000/s",
			"missed: cannot be judged, since of cell 1 3 of 5 repeats ended; so far records_per_s is 50,000/s, the median of " +
				"3 repeats, 10,000/s (25 %) above 40,000/s"},
		{"p99(produce) < 10ms", "met: p99(produce) is 9.9 ms over 3 repeats, 95.9 us (0.959 %) below 10 ms",
			"missed: cannot be judged, since of cell 1 3 of 5 repeats ended; so far p99(produce) is 9.9 ms over 3 repeats, " +
				"95.9 us (0.959 %) below 10 ms"},
	} {
		f, specs, err := spec.Read("a.yaml", []byte("load: {rate: 90000/s}\ngoals: ['"+tt.goal+"']"), nil)
		if err != nil {
			t.Fatal(err)
		}
		planned, _ := f.Goals(specs)
		of := resultsOf(cells)
		done := Judge(planned, of)
		of.Unfinished = func(int) string { return "3 of 5 repeats ended" }
		if diff := cmp.Diff([]string{tt.done, tt.half}, []string{told(done[0]), told(Judge(planned, of)[0])}); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.goal, diff)
		}
	}
}

func told(o results.GoalOutcome) string {
	return map[bool]string{true: "met: ", false: "missed: "}[o.Met] + o.Message
}

// Goal: each outcome is right and says by how much. Method: goals about two synthetic
// cells, one a line, with what is said of either cell.
func TestJudge(t *testing.T) {
	tests := []struct{ goal, fast, slow string }{
		{"p99(produce) < 10ms", "met: p99(produce) is 9.9 ms, 95.9 us (0.959 %) below 10 ms",
			"missed: p99(produce) is 19.8 ms, 9.84 ms (98.4 %) above 10 ms"},
		{"p50(produce) >= 5ms", "met: p50(produce) is 5.001 ms, 1.22 us (0.0243 %) above 5 ms",
			"met: p50(produce) is 10 ms, 5.03 ms (101 %) above 5 ms"},
		{"p99.9(produce) < 1s", "met: p99.9(produce) is 9.99 ms, 990 ms (99 %) below 1 s",
			"missed: p99.9(produce) is above the range of histograms, above 1 s"},
		{"p99.99(produce) < 1s", "missed: p99.99(produce) cannot be judged: 10,000 samples of 100,000 that it needs",
			"missed: p99.99(produce) cannot be judged: 10,020 samples of 100,000 that it needs"},
		{"p99(fsync) < 2ms", "missed: p99(fsync) cannot be judged: 500 samples of 1,000 that it needs",
			"missed: p99(fsync) cannot be judged: 500 samples of 1,000 that it needs"},
		{"max(fsync) <= 1ms", "missed: max(fsync) is 1.0004 ms, 447 ns (0.0447 %) above 1 ms",
			"missed: max(fsync) is 1.0004 ms, 447 ns (0.0447 %) above 1 ms"},
		{"mean(produce) < 5100us", "met: mean(produce) is 5 ms, 99.5 us (1.95 %) below 5.1 ms",
			"missed: mean(produce) is above the range of histograms, above 5.1 ms"},
		{"p50(end_to_end) < 1s", "missed: p50(end_to_end) cannot be judged: there is no sample of end_to_end",
			"missed: p50(end_to_end) cannot be judged: there is no sample of end_to_end"},
		{"lost == 0", "met: lost is 0, exactly 0", "missed: lost is 3, 3 above 0"},
		{"lost != 3", "met: lost is 0, 3 (100 %) below 3", "missed: lost is 3, exactly 3"},
		{"errors == 0", "met: errors is 0, exactly 0", "missed: errors is 6, 6 above 0"},
		{"records_per_s >= 50000/s", "met: records_per_s is 50,000/s, exactly 50,000/s",
			"missed: records_per_s is 49,999.7/s, 0.3/s (0.0006 %) below 50,000/s"},
		{"mb_per_s > 100", "missed: mb_per_s is 51.2 MB/s, 48.8 MB/s (48.8 %) below 100 MB/s",
			"missed: mb_per_s is 51.2 MB/s, 48.8 MB/s (48.8 %) below 100 MB/s"},
		{"late_max < 1ms", "met: late_max is 0 ns, 1 ms (100 %) below 1 ms",
			"missed: late_max is 2.5 ms, 1.5 ms (150 %) above 1 ms"},
		{"bytes_disk < 1GB",
			"missed: bytes_disk is 3,000,000,000 bytes, 2,000,000,000 bytes (200 %) above 1,000,000,000 bytes",
			"met: bytes_disk is 0 bytes, 1,000,000,000 bytes (100 %) below 1,000,000,000 bytes"},
		{"consumed == acked", "met: consumed is 600,000, exactly acked, 600,000",
			"missed: consumed is 0, 599,000 (100 %) below acked, 599,000"},
		{"cpu_s_per_gb < 10", "missed: cpu_s_per_gb is 12.5 s/GB, 2.5 s/GB (25 %) above 10 s/GB",
			"missed: cpu_s_per_gb cannot be judged: the system does not tell processor time"},
		{"compression_ratio > 2", "met: compression_ratio is 2.5, 0.5 (25 %) above 2",
			"missed: compression_ratio cannot be judged: nothing was sent"},
		{"p99(produce) < 1.5 * p99(produce) of 0", "", "missed: p99(produce) is 19.8 ms, 4.98 ms (33.6 %) above 1.5 * " +
			"p99(produce), 14.9 ms (cell 1)"},
	}
	for _, tt := range tests {
		src := "disk: dir:x\ntopic: {flush.messages: 1}\nload: {rate: 90000/s}\nvary: {producers.acks: [0, 1]}\n" +
			"goals: ['" + tt.goal + "']"
		f, specs, err := spec.Read("a.yaml", []byte(src), nil)
		if err != nil {
			t.Errorf("%s: %v", tt.goal, err)
			continue
		}
		planned, _ := f.Goals(specs)
		var got [2]string
		for _, o := range Judge(planned, resultsOf(cellsOf())) {
			got[o.Cell] = told(o)
		}
		if diff := cmp.Diff([2]string{tt.fast, tt.slow}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.goal, diff)
		}
	}
}

// Goal: a group's figures are its own, and a cell that did not run meets nothing.
// Method: figures of a group that one cell has, and of a cell without repeats.
func TestValuesThatAreMissing(t *testing.T) {
	cells := cellsOf()
	cells[0].Repeats = nil
	p99 := spec.Figure{Name: spec.Percentile, Percentile: 99, Latency: results.Produce, Group: "web"}
	for _, tt := range []struct {
		figure spec.Figure
		cell   int
		want   string
	}{
		{spec.Figure{Name: "lost", Group: "web"}, 1, "2 "},
		{p99, 1, "7.000063e+06 "},
		{spec.Figure{Name: "lost", Group: "batch"}, 1, "0 the result has no group batch"},
		{spec.Figure{Name: "lost"}, 0, "0 the cell did not run"},
	} {
		v := resultsOf(cells).valueOf(tt.cell, tt.figure)
		if got := fmt.Sprint(v.v, " ", v.missing); got != tt.want {
			t.Errorf("%s of cell %d: got %q, want %q", tt.figure, tt.cell, got, tt.want)
		}
	}
}

// Goal: every figure of the language is one of results. Method: read each.
func TestFiguresAreOfResults(t *testing.T) {
	of := resultsOf(cellsOf())
	for _, d := range spec.Figures() {
		if v := of.valueOf(0, spec.Figure{Name: d.Name}); v.missing != "" || strings.Contains(d.Doc, ".") {
			t.Errorf("%s: %q, %q", d.Name, v.missing, d.Doc)
		}
	}
}
