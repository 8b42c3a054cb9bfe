package chart

import (
	"fmt"

	"brokerlab/report/plotstyle"
	"brokerlab/results"
)

// File is a figure and the name of its PNG in a run folder.
type File struct {
	Name   string
	Figure *plotstyle.Figure
}

// All are the figures of a report, in its order. Those of resources are there only
// where a run tells what its resources did.
func All(d *Data) []File {
	all := []File{
		{"throughput.png", Throughput(d)},
		{"latency-produce.png", LatencyByPercentile(d, results.Produce)},
		{"latency-end-to-end.png", LatencyByPercentile(d, results.EndToEnd)},
		{"latency-p99.png", LatencyP99(d)},
		{"throughput-over-time.png", ThroughputOverTime(d)},
	}
	if d.hasUsage() {
		all = append(all, File{"utilisation.png", Utilisation(d)})
	}
	for i, cell := range d.activeCells() {
		if i == activityMost {
			break
		}
		all = append(all, File{fmt.Sprintf("cell-%02d-activity.png", cell+1), Activity(d, cell)})
	}
	return all
}
