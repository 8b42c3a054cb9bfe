package chart

import (
	"fmt"
	"slices"

	hdrhistogram "github.com/HdrHistogram/hdrhistogram-go"

	"brokerlab/report/plotstyle"
	"brokerlab/results"
)

// File is a figure and the name of its PNG in a run folder, with words for who reads
// and for who does not see it.
type File struct {
	Name   string
	Figure *plotstyle.Figure
	// Caption says what to see and how to read it.
	Caption string
	Figures Figures
}

// Alt is what the chart shows, in words: its title, and its main figures.
func (f File) Alt() string {
	return f.Figures.alt(f.Figure.Title, f.Figure.Subtitle, f.Figure.NoData)
}

// kind is one kind of chart: it is made where its data is there.
type kind struct {
	file    string
	there   func(*Data) bool
	figure  func(*Data) *plotstyle.Figure
	figures func(*Data) Figures
	caption string
}

func always(*Data) bool { return true }

// percentileKind is latency by percentile.
func percentileKind(latency, file, caption string, there func(*Data) bool) kind {
	return kind{file, there, func(d *Data) *plotstyle.Figure { return LatencyByPercentile(d, latency) },
		func(d *Data) Figures { return d.percentileFigures(latency) }, caption + percentileCaption}
}

// mapKind is all of a latency over time.
func mapKind(latency, file, caption string) kind {
	return kind{file, func(d *Data) bool { return d.hasLatency(latency) },
		func(d *Data) *plotstyle.Figure { return LatencyMap(d, latency) },
		func(d *Data) Figures { return d.percentileFigures(latency) }, caption}
}

// kinds are the charts of a report, in its order. What not every run tells has a chart
// only where it is told.
var kinds = []kind{
	{"throughput.png", always, Throughput, (*Data).throughputFigures, throughputCaption},
	{"settings-map.png", (*Data).hasFields, Fields, (*Data).fieldFigures, fieldsCaption},
	{"ratio.png", func(d *Data) bool { return len(d.ratioCells()) > 1 }, Ratio, (*Data).ratioFigures, ratioCaption},
	percentileKind(results.Produce, "latency-produce.png", produceCaption, always),
	percentileKind(results.EndToEnd, "latency-end-to-end.png", endToEndCaption,
		func(d *Data) bool { return d.hasLatency(results.EndToEnd) }),
	percentileKind(results.Service, "latency-service.png", serviceCaption,
		func(d *Data) bool { return d.hasLatency(results.Service) }),
	percentileKind(results.Fsync, "latency-fsync.png", fsyncCaption,
		func(d *Data) bool { return d.hasLatency(results.Fsync) }),
	{"latency-p99.png", (*Data).hasP99, LatencyP99, (*Data).p99Figures, p99Caption},
	{"stages.png", (*Data).hasStages, Stages, (*Data).stageFigures, stagesCaption},
	{"throughput-over-time.png", always, ThroughputOverTime, (*Data).throughputTimeFigures, throughputTimeCaption},
	{"offered.png", func(d *Data) bool { return len(d.offeredCells()) > 0 }, Offered, (*Data).offeredFigures,
		offeredCaption},
	{"latency-over-time.png", func(d *Data) bool { return d.hasLatency(results.Produce) }, LatencyOverTime,
		(*Data).latencyTimeFigures, latencyTimeCaption},
	mapKind(results.Produce, "latency-map-produce.png", mapCaption),
	mapKind(results.EndToEnd, "latency-map-end-to-end.png", mapEndToEndCaption),
	{"data-not-on-disk.png", (*Data).hasUnwritten, Unwritten, (*Data).unwrittenFigures, unwrittenCaption},
	{"utilisation.png", (*Data).hasUsage, Utilisation, (*Data).utilisationFigures, utilisationCaption},
	{"processors.png", (*Data).hasCPUParts, CPUParts, (*Data).partFigures, processorsCaption},
}

// All are the figures of a report.
func All(d *Data) (all []File) {
	for _, k := range kinds {
		if k.there(d) {
			all = append(all, File{Name: k.file, Figure: k.figure(d), Caption: k.caption, Figures: k.figures(d)})
		}
	}
	for i, cell := range d.activeCells() {
		if i == activityMost {
			break
		}
		all = append(all, File{Name: fmt.Sprintf("cell-%02d-activity.png", cell+1), Figure: Activity(d, cell),
			Caption: activityCaption, Figures: d.activityFigures(cell)})
	}
	return all
}

// OfCell says whether a file is of one cell, as one of all cells is not.
func (f File) OfCell() bool { return f.Caption == activityCaption }

// hasLatency says whether any cell has a histogram with samples.
func (d *Data) hasLatency(latency string) bool {
	return slices.ContainsFunc(d.merged, func(of map[string]*hdrhistogram.Histogram) bool {
		return of[latency] != nil && of[latency].TotalCount() > 0
	})
}
