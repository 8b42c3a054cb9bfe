package chart

import (
	"fmt"
	"slices"

	hdrhistogram "github.com/HdrHistogram/hdrhistogram-go"

	"brokerlab/report/plotstyle"
	"brokerlab/results"
)

// File is a figure and the name of its PNG in a run folder.
type File struct {
	Name   string
	Figure *plotstyle.Figure
}

// All are the figures of a report, in its order. What not every run tells has a figure
// only where it is told.
func All(d *Data) []File {
	all := []File{{"throughput.png", Throughput(d)}}
	add := func(there bool, name string, figure func(*Data) *plotstyle.Figure) {
		if there {
			all = append(all, File{name, figure(d)})
		}
	}
	add(d.hasFields(), "settings-map.png", Fields)
	add(len(d.ratioCells()) > 1, "ratio.png", Ratio)
	all = append(all,
		File{"latency-produce.png", LatencyByPercentile(d, results.Produce)},
		File{"latency-end-to-end.png", LatencyByPercentile(d, results.EndToEnd)})
	for _, latency := range []string{results.Service, results.Fsync} {
		add(d.hasLatency(latency), "latency-"+latency+".png",
			func(d *Data) *plotstyle.Figure { return LatencyByPercentile(d, latency) })
	}
	all = append(all, File{"latency-p99.png", LatencyP99(d)})
	add(d.hasStages(), "stages.png", Stages)
	all = append(all, File{"throughput-over-time.png", ThroughputOverTime(d)})
	add(d.hasLatency(results.Produce), "latency-over-time.png", LatencyOverTime)
	for _, m := range []struct{ latency, file string }{{results.Produce, "latency-map-produce.png"},
		{results.EndToEnd, "latency-map-end-to-end.png"}} {
		add(d.hasLatency(m.latency), m.file, func(d *Data) *plotstyle.Figure { return LatencyMap(d, m.latency) })
	}
	add(d.hasUnwritten(), "data-not-on-disk.png", Unwritten)
	add(d.hasUsage(), "utilisation.png", Utilisation)
	add(d.hasCPUParts(), "processors.png", CPUParts)
	for i, cell := range d.activeCells() {
		if i == activityMost {
			break
		}
		all = append(all, File{fmt.Sprintf("cell-%02d-activity.png", cell+1), Activity(d, cell)})
	}
	return all
}

// hasLatency says whether any cell has a histogram with samples.
func (d *Data) hasLatency(latency string) bool {
	return slices.ContainsFunc(d.merged, func(of map[string]*hdrhistogram.Histogram) bool {
		return of[latency] != nil && of[latency].TotalCount() > 0
	})
}
