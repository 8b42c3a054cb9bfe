package chart

import (
	"brokerlab/report/plotstyle"
	"brokerlab/results"
)

// File is a figure and the name of its PNG in a run folder.
type File struct {
	Name   string
	Figure *plotstyle.Figure
}

// All are the figures of a report, in its order.
func All(d *Data) []File {
	return []File{
		{"throughput.png", Throughput(d)},
		{"latency-produce.png", LatencyByPercentile(d, results.Produce)},
		{"latency-end-to-end.png", LatencyByPercentile(d, results.EndToEnd)},
		{"latency-p99.png", LatencyP99(d)},
		{"throughput-over-time.png", ThroughputOverTime(d)},
	}
}
