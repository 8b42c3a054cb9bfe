package chart

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"brokerlab/report/reporttest"
	"brokerlab/results"
)

// held is what so many of a cell's brokers had not forced to disk, each 1,000 records.
func held(brokers int) (all []results.Activity) {
	for n := range brokers {
		all = append(all, results.Activity{Node: fmt.Sprintf("broker-%d", n+1), EveryS: 0.1, EndS: 0.2,
			UnflushedRecords: []int64{500, 1000}, UnflushedBytes: []int64{5000, 10000}})
	}
	return all
}

// Goal: a cell of more brokers than are sampled does not stand beside sums over all brokers,
// where it would look like one of fewer; alone it is drawn and says of how many it is.
// Method: cells of 8 and of 16 brokers, each with samples of 8.
func TestSumsOfAllBrokers(t *testing.T) {
	r := crossed(2)
	for i, brokers := range []string{"8", "16"} {
		r.Cells[i].Config = map[string]string{"cluster.brokers": brokers}
	}
	d := New(r)
	for i := range r.Cells {
		d.SetActivity(i, held(8))
	}
	f := Unwritten(d)
	if !strings.Contains(f.Subtitle, "all brokers together") ||
		!strings.Contains(f.Note, "left out: a=1, of whose brokers only 8 are sampled") {
		t.Errorf("cells of 8 and of 16 brokers: %q, %q", f.Subtitle, f.Note)
	}
	want := [][]string{{"a=0", "-", "78.1 KiB", "8,000"}, {"a=1", "-", "-", "-"}}
	if got := d.unwrittenFigures().Rows; !slices.EqualFunc(got, want, slices.Equal) {
		t.Errorf("figures %v, want %v", got, want)
	}
	r.Cells[0].Config["cluster.brokers"] = "100"
	f = Unwritten(d)
	if len(f.Panels) != 2 || !strings.Contains(f.Subtitle, "8 brokers of each cell together") {
		t.Errorf("cells of 100 and of 16 brokers: %d panels, %q", len(f.Panels), f.Subtitle)
	}
}

// Goal: no chart of bars that are all missing, and none that names a latency it does not
// show. Method: cells with too few latencies for p99.
func TestWithoutPercentiles(t *testing.T) {
	r := crossed(2, 2)
	for i := range r.Cells {
		r.Cells[i].MBPerS = 1
		r.Cells[i].Latency = map[string]results.Latency{results.Produce: {Count: 500, P50: 1e6, P99: 2e6}}
	}
	there := func() bool {
		return slices.ContainsFunc(All(New(r)), func(f File) bool { return f.Name == "latency-p99.png" })
	}
	if there() {
		t.Error("p99 is drawn, of which no cell has any")
	}
	if f := Fields(New(r)); f.Title != "Throughput by a and b (simulated)" || strings.Contains(f.Note, "latency") {
		t.Errorf("map of throughput alone: %q, %q", f.Title, f.Note)
	}
	r.Cells[3].Latency[results.Produce] = results.Latency{Count: 5000, P50: 1e6, P99: 2e6}
	if !there() {
		t.Error("p99 is not drawn, of which a cell has some")
	}
	if f := Fields(New(r)); f.Title != "Throughput and latency by a and b (simulated)" {
		t.Errorf("map with a latency: %q", f.Title)
	}
}

// Goal: full speed and a steady rate have maps of their own, whatever else varies.
// Method: three settings of two values, of which one decides the load.
func TestMapsOfLoads(t *testing.T) {
	r := crossed(2, 2, 2)
	for i := range r.Cells {
		if r.Cells[i].Labels["c"] == "1" {
			r.Cells[i].OfferedPerS, r.Cells[i].Load = 5000, "open"
		}
	}
	if down, across, apart, ok := New(r).fieldLabels(); !ok || down+across+apart != "abc" {
		t.Errorf("down %s, across %s, apart %s, %v; want a, b and c", down, across, apart, ok)
	}
}

// Goal: what a disk did not do at all has no panel, and is said. Method: a cell whose
// samples are all 0, beside one that wrote.
func TestIdleDisks(t *testing.T) {
	d := dataOf(reporttest.Resources(0))
	for cell, activities := range d.activity {
		if len(activities) == 0 {
			continue
		}
		f := Activity(d, cell)
		writes := slices.ContainsFunc(activities[0].Disks, func(a results.DiskActivity) bool {
			return mean(floats(a.BytesWritten)) > 0
		})
		drawn := false
		for _, p := range f.Panels {
			drawn = drawn || p.Title == "Disk, MB/s"
		}
		said := strings.Contains(f.Note, "0 all the time: disk, MB/s; requests under way, mean; flushes per second")
		if drawn != writes || said == writes {
			t.Errorf("cell %d writes %v: drawn %v, said to be idle %v: %q", cell, writes, drawn, said, f.Note)
		}
	}
}

// Goal: beside full speed, rates that cells were given are not drawn, and cells that are far
// apart have a logarithmic axis. Method: two settings, of which one decides the load.
func TestThroughputOfFullSpeed(t *testing.T) {
	r := crossed(2, 3)
	for i := range r.Cells {
		c := &r.Cells[i]
		c.MBPerS, c.AtSaturation, c.Load = 700-float64(i), true, "closed"
		if c.Labels["a"] == "1" {
			c.MBPerS, c.AtSaturation, c.OfferedPerS, c.Load = 5, false, 5000, "open"
		}
	}
	f := Throughput(New(r))
	if f.Title != "Throughput at full speed by b (simulated)" ||
		!strings.Contains(f.Note, "cells that got a rate are not drawn") || strings.Contains(f.Subtitle, "logarithmic") {
		t.Errorf("%q, %q, %q", f.Title, f.Subtitle, f.Note)
	}
	part := New(r).grid.only([]int{0, 1, 2})
	if got := fmt.Sprint(part.groups, part.kinds, part.cells); got != "[a=0] [b=0 b=1 b=2] [[0 1 2]]" {
		t.Errorf("the cells at full speed: %s", got)
	}
	r.Cells[0].MBPerS = 0.174
	if f := Throughput(New(r)); !strings.Contains(f.Subtitle, "logarithmic axis") || f.Plot.Y.Min != 0.01 {
		t.Errorf("rates from 0.174 to 699 MB/s: %q, from %v", f.Subtitle, f.Plot.Y.Min)
	}
}
