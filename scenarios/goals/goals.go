// Package goals holds results against the goals of a scenario, and says by how much
// each was met or missed. It promises nothing about what goals say: scenarios/spec
// has their language, and refuses those that no result could meet. It is pure.
package goals

import (
	"fmt"
	"math"

	hdrhistogram "github.com/HdrHistogram/hdrhistogram-go"

	"brokerlab/results"
	"brokerlab/scenarios/spec"
)

// Results are what goals are held against.
type Results struct {
	Cells []results.Cell
	// Histogram returns the merged histogram of a latency in the measured window of a
	// cell, and how many values were above its range; nil where there is none. group is
	// a group of clients, or empty for the whole cell.
	Histogram func(cell int, latency, group string) (h *hdrhistogram.Histogram, overflow int64)
	// Unfinished says what a cell lacks of what it was to be, such as a repeat; empty if
	// nothing. Its figures so far do not meet a goal.
	Unfinished func(cell int) string
}

// Judge returns the outcome of every goal in every cell that it is about, goal by
// goal, whose targets are indices of the results' cells.
func Judge(planned []spec.PlannedGoal, of Results) []results.GoalOutcome {
	values := measure(planned, of)
	var out []results.GoalOutcome
	for _, g := range planned {
		for _, t := range g.Targets {
			left, other := values[t.Cell][g.Left], reference(g.Goal, values, t)
			met, message := judge(g.Goal, left, other)
			if g.Right != nil && t.With != t.Cell {
				message += " (cell " + wordOf(t.With) + ")"
			}
			met, message = finished(met, message, of, t)
			out = append(out, results.GoalOutcome{Goal: g.Text, Cell: t.Cell, Met: met, Message: message})
		}
	}
	return out
}

// finished is an outcome unless one of its cells has not ended: then it is what there is
// so far, and not met.
func finished(met bool, message string, of Results, t spec.GoalTarget) (bool, string) {
	for _, cell := range []int{t.Cell, t.With} {
		if lacks := of.Unfinished(cell); lacks != "" && len(of.Cells[cell].Repeats) > 0 {
			return false, "cannot be judged, since of cell " + wordOf(cell) + " " + lacks + "; so far " + message
		}
	}
	return met, message
}

// value is a figure in a cell, or why there is none.
type value struct {
	v       float64 // +Inf: above the range of histograms
	missing string
	of      string // what repeats have to do with it, behind the value; empty of one
}

func reference(g *spec.Goal, values []map[spec.Figure]value, t spec.GoalTarget) *value {
	if g.Right == nil {
		return nil
	}
	v := values[t.With][*g.Right]
	return &v
}

// measure takes the figures that goals look at, cell by cell: merged histograms of
// many cells at once would be large.
func measure(planned []spec.PlannedGoal, of Results) []map[spec.Figure]value {
	values := make([]map[spec.Figure]value, len(of.Cells))
	wanted := make([][]spec.Figure, len(of.Cells))
	want := func(cell int, x spec.Figure) {
		if values[cell] == nil {
			values[cell] = make(map[spec.Figure]value)
		}
		if _, seen := values[cell][x]; !seen {
			values[cell][x] = value{}
			wanted[cell] = append(wanted[cell], x)
		}
	}
	for _, g := range planned {
		for _, t := range g.Targets {
			want(t.Cell, g.Left)
			if g.Right != nil {
				want(t.With, *g.Right)
			}
		}
	}
	for i := range of.Cells {
		for _, x := range wanted[i] {
			v := of.valueOf(i, x)
			v.of = repeatsOf(len(of.Cells[i].Repeats), x)
			values[i][x] = v
		}
	}
	return values
}

// repeatsOf says how several repeats make a figure, as results.MergeRepeats does.
func repeatsOf(repeats int, x spec.Figure) string {
	switch kind := x.Kind(); {
	case repeats < 2:
		return ""
	case kind == spec.KindCount || kind == spec.KindBytes:
		return fmt.Sprintf(" in %d repeats together", repeats)
	case kind == spec.KindRate || kind == spec.KindMBRate || kind == spec.KindSeconds:
		return fmt.Sprintf(", the median of %d repeats", repeats)
	}
	return fmt.Sprintf(" over %d repeats", repeats)
}

// valueOf is one figure of one cell.
func (of Results) valueOf(cell int, x spec.Figure) value {
	c := &of.Cells[cell]
	if len(c.Repeats) == 0 {
		return value{missing: "the cell did not run"}
	}
	if x.Latency != "" {
		h, overflow := of.Histogram(cell, x.Latency, x.Group)
		return latency(h, overflow, x)
	}
	m := &c.Measures
	if x.Group != "" {
		if m = group(c, x); m == nil {
			return value{missing: "the result has no group " + x.Group}
		}
	}
	if x.Name == "cpu_s_per_gb" {
		if c.Wall.CPUSecondsPerGB == nil {
			return value{missing: "the system does not tell processor time"}
		}
		return value{v: *c.Wall.CPUSecondsPerGB}
	}
	if m.MeasuredS == 0 && (x.Kind() == spec.KindRate || x.Kind() == spec.KindMBRate) {
		return value{missing: "nothing was measured after the warm-up"}
	}
	if x.Name == "compression_ratio" && m.BytesRecords == 0 {
		return value{missing: "nothing was sent"}
	}
	return value{v: figure(m, x.Name)}
}

func group(c *results.Cell, x spec.Figure) *results.Measures {
	kind := results.GroupProducers
	if x.OfConsumers() {
		kind = results.GroupConsumers
	}
	for i := range c.Groups {
		if c.Groups[i].Name == x.Group && c.Groups[i].Kind == kind {
			return &c.Groups[i].Measures
		}
	}
	return nil
}

// latency is a statistic of a histogram. Values above its range count at the end of
// the order, so that they move percentiles up.
func latency(h *hdrhistogram.Histogram, overflow int64, x spec.Figure) value {
	var count int64
	if h != nil {
		count = h.TotalCount()
	}
	all := count + overflow
	switch {
	case all == 0:
		return value{missing: "there is no sample of " + x.Latency}
	case x.Name == spec.Percentile && !results.Enough(all, x.Percentile):
		return value{missing: plural(all, "sample") + " of " + digits(float64(results.SamplesNeeded(x.Percentile))) +
			" that it needs"}
	case x.Name == spec.Mean && overflow > 0, x.Name == spec.Max && overflow > 0, count == 0:
		return value{v: math.Inf(1)}
	case x.Name == spec.Mean:
		return value{v: h.Mean()}
	case x.Name == spec.Max:
		return value{v: float64(h.Max())}
	}
	among := x.Percentile * (float64(all) / float64(count))
	if among > 100 {
		return value{v: math.Inf(1)}
	}
	return value{v: float64(h.ValueAtPercentile(among))}
}

// figure is a figure by its JSON name.
func figure(m *results.Measures, name string) float64 {
	var count int64
	switch name {
	case "records_per_s":
		return m.RecordsPerS
	case "mb_per_s":
		return m.MBPerS
	case "consumed_per_s":
		return m.ConsumedPerS
	case "compression_ratio":
		return m.CompressionRatio
	case "errors":
		for _, n := range m.Errors {
			count += n
		}
	default:
		of, known := countsOf[name]
		if !known {
			panic("goals: the language has a figure that no result has: " + name)
		}
		count = of(m)
	}
	return float64(count)
}

var countsOf = map[string]func(*results.Measures) int64{
	"fsyncs":        func(m *results.Measures) int64 { return m.Fsyncs },
	"sent":          func(m *results.Measures) int64 { return m.Sent },
	"acked":         func(m *results.Measures) int64 { return m.Acked },
	"failed":        func(m *results.Measures) int64 { return m.Failed },
	"consumed":      func(m *results.Measures) int64 { return m.Consumed },
	"lost":          func(m *results.Measures) int64 { return m.Lost },
	"duplicated":    func(m *results.Measures) int64 { return m.Duplicated },
	"reordered":     func(m *results.Measures) int64 { return m.Reordered },
	"corrupted":     func(m *results.Measures) int64 { return m.Corrupted },
	"late":          func(m *results.Measures) int64 { return m.Late },
	"unsent":        func(m *results.Measures) int64 { return m.Unsent },
	"retries":       func(m *results.Measures) int64 { return m.Retries },
	"late_max":      func(m *results.Measures) int64 { return m.LateMax },
	"bytes_records": func(m *results.Measures) int64 { return m.BytesRecords },
	"bytes_wire":    func(m *results.Measures) int64 { return m.BytesWire },
	"bytes_disk":    func(m *results.Measures) int64 { return m.BytesDisk },
}
