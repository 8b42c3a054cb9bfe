package chart

import (
	"fmt"
	"slices"
	"strings"

	"brokerlab/report/plotstyle"
	"brokerlab/results"
	"brokerlab/results/quantity"
)

// Figures are what a chart shows as a table: a name, and as many figures as the
// heading has after its first.
type Figures struct {
	Heading []string
	Rows    [][]string
}

// add adds a row.
func (f *Figures) add(name string, values ...string) {
	f.Rows = append(f.Rows, append([]string{name}, values...))
}

// altRows is how many rows the words for a chart tell; the table has all.
const altRows = 8

// alt is the words for who does not see the chart.
func (f Figures) alt(title, subtitle, why string) string {
	var b strings.Builder
	b.WriteString(title + ". ")
	if why != "" {
		return b.String() + "No data: " + why + "."
	}
	if subtitle != "" {
		b.WriteString(subtitle + ". ")
	}
	if _, of, ok := strings.Cut(f.Heading[0], ", "); ok { // what the figures of each row are
		b.WriteString("By cell: " + of + ". ")
	}
	for n, row := range f.Rows {
		if n == altRows && len(f.Rows) > altRows+1 {
			fmt.Fprintf(&b, "And %d more in the table below it. ", len(f.Rows)-n)
			break
		}
		var parts []string
		for i, v := range row[1:] {
			if v != quantity.None && v != "" {
				parts = append(parts, f.Heading[i+1]+" "+v)
			}
		}
		if len(parts) == 0 {
			parts = []string{noData}
		}
		b.WriteString(row[0] + ": " + strings.Join(parts, ", ") + ". ")
	}
	return strings.TrimSpace(b.String())
}

// throughputFigures are rates with their intervals.
func (d *Data) throughputFigures() Figures {
	f := Figures{Heading: []string{"cell", "MB/s", "from", "to", "records/s"}}
	for i := range d.Result.Cells {
		c := &d.Result.Cells[i]
		b := d.throughputBar(i, plotstyle.InkAxis)
		if b.Label == noData {
			f.add(d.names.Cell(i), quantity.None, quantity.None, quantity.None, quantity.None)
			continue
		}
		low, high := span(b)
		f.add(d.names.Cell(i), b.Label, low, high, quantity.Digits(c.RecordsPerS))
	}
	return f
}

// span is a bar's whisker.
func span(b plotstyle.Bar) (low, high string) {
	if b.High <= b.Low {
		return quantity.None, quantity.None
	}
	return quantity.Digits(b.Low), quantity.Digits(b.High)
}

// percentiles are those that a table of a latency has.
var percentiles = []struct {
	name  string
	value func(results.Latency) int64
}{
	{"p50", func(l results.Latency) int64 { return l.P50 }},
	{"p90", func(l results.Latency) int64 { return l.P90 }},
	{"p99", func(l results.Latency) int64 { return l.P99 }},
	{"p999", func(l results.Latency) int64 { return l.P999 }},
}

// tooFew stands for a percentile without the samples for it.
const tooFew = "too few samples"

// percentileFigures are the percentiles of one latency.
func (d *Data) percentileFigures(latency string) Figures {
	f := Figures{Heading: []string{"cell", "p50", "p90", "p99", "p99.9", "max", "samples"}}
	for i := range d.Result.Cells {
		l := d.Result.Cells[i].Latency[latency]
		var values []string
		for _, p := range percentiles {
			switch {
			case l.Count == 0:
				values = append(values, quantity.None)
			case !l.Supports(p.name):
				values = append(values, tooFew)
			default:
				values = append(values, quantity.Duration(p.value(l)))
			}
		}
		most := quantity.None
		if l.Count > 0 {
			most = quantity.Duration(l.Max)
		}
		f.add(d.names.Cell(i), append(values, most, quantity.Count(l.Count))...)
	}
	return f
}

// p99Figures are those of both latencies.
func (d *Data) p99Figures() Figures {
	f := Figures{Heading: []string{"cell"}}
	latencies := d.latenciesThere()
	for _, latency := range latencies {
		f.Heading = append(f.Heading, wordsOf[latency].short+" p99", "from", "to")
	}
	for i, c := range d.Result.Cells {
		var values []string
		for n, latency := range latencies {
			b := latencyBar(c, latency, n)
			low, high := quantity.None, quantity.None
			if b.High > b.Low {
				low, high = quantity.Nanoseconds(b.Low), quantity.Nanoseconds(b.High)
			}
			values = append(values, b.Label, low, high)
		}
		f.add(d.names.Cell(i), values...)
	}
	return f
}

// fieldFigures are those of two settings.
func (d *Data) fieldFigures() Figures {
	f := Figures{Heading: []string{"cell", "MB/s", "produce p99", "end-to-end p99"}}
	for i := range d.Result.Cells {
		var values []string
		for _, field := range fields {
			v := field.value(&d.Result.Cells[i])
			if v == 0 {
				values = append(values, quantity.None)
				continue
			}
			values = append(values, field.words(v))
		}
		f.add(d.names.Cell(i), values...)
	}
	return f
}

// ratioFigures are ratios and rates.
func (d *Data) ratioFigures() Figures {
	f := Figures{Heading: []string{"cell", "ratio", "MB/s"}}
	for _, i := range d.ratioCells() {
		c := &d.Result.Cells[i]
		f.add(d.names.Cell(i), quantity.Ratio(c.CompressionRatio), quantity.Digits(c.MBPerS))
	}
	return f
}

// stageFigures are the stages of the produce latency.
func (d *Data) stageFigures() Figures {
	var used []string
	for _, name := range results.StageOrder {
		if slices.ContainsFunc(d.Result.Cells, func(c results.Cell) bool { return stageMean(&c, name) > 0 }) {
			used = append(used, name)
		}
	}
	f := Figures{Heading: append([]string{"cell", "produce, mean"}, used...)}
	for i := range d.Result.Cells {
		c := &d.Result.Cells[i]
		if c.Breakdown == nil {
			f.add(d.names.Cell(i), slices.Repeat([]string{quantity.None}, len(used)+1)...)
			continue
		}
		values := []string{quantity.Nanoseconds(results.SumNS(c.Breakdown.Produce))}
		for _, name := range used {
			if ns := stageMean(c, name); ns > 0 {
				values = append(values, quantity.Nanoseconds(ns))
			} else {
				values = append(values, quantity.None)
			}
		}
		f.add(d.names.Cell(i), values...)
	}
	return f
}

func stageMean(c *results.Cell, name string) (ns float64) {
	if c.Breakdown == nil {
		return 0
	}
	for _, s := range c.Breakdown.Produce {
		if s.Name == name {
			ns += s.MeanNS
		}
	}
	return ns
}

// rangeFigures are the least, the median and the greatest of a line over the measured
// window.
func rangeFigures(f *Figures, name string, values []float64, format func(float64) string) {
	if len(values) == 0 {
		f.add(name, quantity.None, quantity.None, quantity.None)
		return
	}
	f.add(name, format(slices.Min(values)), format(results.Median(values)), format(slices.Max(values)))
}

// throughputTimeFigures are those of the rates over time.
func (d *Data) throughputTimeFigures() Figures {
	f := Figures{Heading: []string{"cell, MB/s after the warm-up", "least", "median", "greatest"}}
	for i, c := range d.Result.Cells {
		s := throughput(c)
		var measured []float64
		for k, at := range s.at {
			if at >= s.warmup {
				measured = append(measured, s.median[k])
			}
		}
		rangeFigures(&f, d.names.Cell(i), measured, quantity.Digits)
	}
	return f
}

// latencyTimeFigures are those of the median over time, or of the high percentile where
// that is drawn alone.
func (d *Data) latencyTimeFigures() Figures {
	all := make([][]slice, len(d.Result.Cells))
	for i := range all {
		for _, s := range d.slices(i, results.Produce) {
			if !s.warmup {
				all[i] = append(all[i], s)
			}
		}
	}
	p := d.overTime(results.Produce, 50, all)
	if d.facets != nil {
		p = d.highOverTime(results.Produce, all)
	}
	words := fmt.Sprintf("cell, produce p%g of a second after the warm-up", p.percent)
	f := Figures{Heading: []string{words, "least", "median", "greatest"}}
	for i := range d.Result.Cells {
		rangeFigures(&f, d.names.Cell(i), p.y[i], quantity.Nanoseconds)
	}
	return f
}

// unwrittenFigures are the most that was in memory only.
func (d *Data) unwrittenFigures() Figures {
	f := Figures{Heading: []string{"cell, at most", "dirty bytes", "bytes not forced", "records not forced"}}
	activity, _, _ := d.comparable()
	for i := range activity {
		var values []string
		for _, u := range unwrittens {
			switch y := u.sum(activity[i]).y; {
			case len(y) == 0:
				values = append(values, quantity.None)
			case u.sizes:
				values = append(values, quantity.Bytes(int64(slices.Max(y))))
			default:
				values = append(values, quantity.Count(int64(slices.Max(y))))
			}
		}
		f.add(d.names.Cell(i), values...)
	}
	return f
}

// utilisationFigures are the shares of resources.
func (d *Data) utilisationFigures() Figures {
	f := Figures{Heading: []string{"cell"}}
	for _, r := range d.used() {
		f.Heading = append(f.Heading, r.name)
	}
	for i := range d.Result.Cells {
		var values []string
		for _, r := range d.used() {
			b := r.bar(&d.Result.Cells[i])
			if b.Absent {
				b.Label = quantity.None
			}
			values = append(values, b.Label)
		}
		f.add(d.names.Cell(i), values...)
	}
	return f
}

// partFigures are the parts of the processors' work, all sides together.
func (d *Data) partFigures() Figures {
	names := d.partNames()
	f := Figures{Heading: append([]string{"cell, cores busy with"}, names...)}
	for i := range d.Result.Cells {
		c := &d.Result.Cells[i]
		values := slices.Repeat([]string{quantity.None}, len(names))
		cores := make([]float64, len(names))
		for _, p := range cpuParts(c) {
			at := slices.Index(names, p.Name)
			if at < 0 {
				at = len(names) - 1
			}
			if c.MeasuredS > 0 {
				cores[at] += p.Seconds / c.MeasuredS
			}
		}
		for n, v := range cores {
			if v > 0 {
				values[n] = coresWords(v)
			}
		}
		f.add(d.names.Cell(i), values...)
	}
	return f
}

// activityFigures are means and peaks of one node's panels.
func (d *Data) activityFigures(cell int) Figures {
	f := Figures{Heading: []string{"resource", "mean", "greatest"}}
	a := busiest(d.activity[cell])
	if a == nil {
		return f
	}
	share := func(name string, values []float64) {
		if len(values) > 0 {
			f.add(name, quantity.Percent(mean(values)), quantity.Percent(slices.Max(values)))
		}
	}
	share("processors", a.CPUBusy)
	for _, disk := range a.Disks {
		share(disk.Name, disk.Busy)
	}
	if n := a.Network; n != nil {
		share("network, out", n.SendBusy)
		share("network, in", n.ReceiveBusy)
	}
	if c := a.PageCache; c != nil && len(c.DirtyBytes) > 0 {
		f.add("dirty bytes", quantity.Bytes(int64(mean(floats(c.DirtyBytes)))), quantity.Bytes(slices.Max(c.DirtyBytes)))
	}
	return f
}
