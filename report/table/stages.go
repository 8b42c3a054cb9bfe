package table

import (
	"maps"
	"slices"
	"strings"

	"brokerlab/report/wording"
	"brokerlab/results"
	"brokerlab/results/quantity"
)

// Rows is a table as texts: the first column names the row.
type Rows struct {
	Heading []string
	Rows    [][]string
}

// textWithin is the table for a terminal of so many columns, 0 for any.
func (t Rows) textWithin(columns int) string {
	g := grid{heading: t.Heading, rows: t.Rows, aligns: make([]align, len(t.Heading))}
	g.groups = make([]string, len(t.Heading))
	for i := range g.aligns {
		if g.aligns[i] = right; i == 0 {
			g.aligns[i] = left
		}
	}
	return g.textWithin(columns)
}

// Latencies that a row of Stages divides.
const (
	ofProduce  = "produce"
	ofSlowest  = "slowest 1 %"
	ofEndToEnd = "end-to-end"
)

// Stages says where the time of records went, on average: for each cell a row of each
// latency, and one of the slowest records.
func Stages(r *results.Result) Rows {
	type row struct {
		cell   int
		name   string
		stages []results.Stage
	}
	var rows []row
	for i := range r.Cells {
		b := r.Cells[i].Breakdown
		if b == nil {
			continue
		}
		rows = append(rows, row{i, ofProduce, b.Produce})
		if b.ProduceTail != nil {
			rows = append(rows, row{i, ofSlowest, b.ProduceTail.Stages})
		}
		rows = append(rows, row{i, ofEndToEnd, b.EndToEnd})
	}
	rows = slices.DeleteFunc(rows, func(r row) bool { return len(r.stages) == 0 })
	t := Rows{Heading: []string{"cell", "latency", "mean"}}
	var used []string
	for _, name := range results.StageOrder {
		if slices.ContainsFunc(rows, func(r row) bool { return meanOf(r.stages, name) != 0 }) {
			used = append(used, name)
		}
	}
	t.Heading = append(t.Heading, used...)
	names := wording.NamesOf(r)
	for _, row := range rows {
		texts := []string{names.Cell(row.cell), row.name, quantity.Nanoseconds(results.SumNS(row.stages))}
		for _, name := range used {
			if ns := meanOf(row.stages, name); ns != 0 {
				texts = append(texts, quantity.Nanoseconds(ns))
			} else {
				texts = append(texts, quantity.None)
			}
		}
		t.Rows = append(t.Rows, texts)
	}
	return t
}

func meanOf(stages []results.Stage, name string) float64 {
	for _, s := range stages {
		if s.Name == name {
			return s.MeanNS
		}
	}
	return 0
}

// Times has latency and service time beside each other, and what fsyncs took; a cell
// that tells neither has no row.
func Times(r *results.Result) Rows {
	t := Rows{Heading: []string{"cell", "latency p50", "latency p99", "service p50", "service p99", "timed fsyncs",
		"fsync p50", "fsync p99", "fsync max"}}
	names := wording.NamesOf(r)
	for i := range r.Cells {
		c := &r.Cells[i]
		service, fsync := c.Latency[results.Service], c.Latency[results.Fsync]
		if service.Count+fsync.Count == 0 {
			continue
		}
		produce := c.Latency[results.Produce]
		row := []string{names.Cell(i)}
		for _, l := range []results.Latency{produce, service} {
			row = append(row, percentile(l, "p50", l.P50), percentile(l, "p99", l.P99))
		}
		longest := quantity.None
		if fsync.Count > 0 {
			longest = quantity.Duration(fsync.Max)
		}
		row = append(row, quantity.Count(fsync.Count), percentile(fsync, "p50", fsync.P50),
			percentile(fsync, "p99", fsync.P99), longest)
		t.Rows = append(t.Rows, row)
	}
	if !slices.ContainsFunc(r.Cells, func(c results.Cell) bool { return c.Latency[results.Fsync].Count > 0 }) {
		const fsyncs = 5 // where their columns begin
		t.Heading = t.Heading[:fsyncs]
		for i := range t.Rows {
			t.Rows[i] = t.Rows[i][:fsyncs]
		}
	}
	return t
}

// Requests says how records were put into batches and produce requests; a cell of which it
// is not known has no row.
func Requests(r *results.Result) Rows {
	t := Rows{Heading: []string{"cell", "records/s", "batches/s", "requests/s", "records/batch", "batches/request",
		"records/request"}}
	names := wording.NamesOf(r)
	for i := range r.Cells {
		c := &r.Cells[i]
		if c.BatchesPerS == 0 || c.RequestsPerS == 0 {
			continue
		}
		row := []string{names.Cell(i)}
		for _, figure := range []float64{c.RecordsPerS, c.BatchesPerS, c.RequestsPerS, c.RecordsPerS / c.BatchesPerS,
			c.BatchesPerS / c.RequestsPerS, c.RecordsPerS / c.RequestsPerS} {
			row = append(row, quantity.Digits(figure))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// batching are the settings that decide how records are put into batches and requests.
var batching = []string{"producers.batch.size", "producers.linger.ms", "producers.count", "producers.mode",
	"producers.max.in.flight.requests.per.connection", "producers.max.request.size", "producers.partitioner.class",
	"topic.count", "topic.partitions", "records.size"}

// batchingVaries says whether cells differ in one of them.
func batchingVaries(r *results.Result) bool {
	return slices.ContainsFunc(batching, func(path string) bool {
		return slices.ContainsFunc(r.Cells, func(c results.Cell) bool { return c.Config[path] != r.Cells[0].Config[path] })
	})
}

// percentile is one that has samples enough.
func percentile(l results.Latency, name string, ns int64) string {
	if l.Count == 0 || !l.Supports(name) {
		return quantity.None
	}
	return quantity.Duration(ns)
}

// Errors has a row for each cell that met any, with a column for each name.
func Errors(r *results.Result) Rows {
	all := map[string]bool{}
	for i := range r.Cells {
		for name := range r.Cells[i].Errors {
			all[name] = true
		}
	}
	sorted := slices.Sorted(maps.Keys(all))
	t := Rows{Heading: append([]string{"cell", "batches sent again"}, sorted...)}
	names := wording.NamesOf(r)
	for i := range r.Cells {
		c := &r.Cells[i]
		if c.Retries == 0 && len(c.Errors) == 0 {
			continue
		}
		row := []string{names.Cell(i), quantity.Count(c.Retries)}
		for _, name := range sorted {
			row = append(row, quantity.Count(c.Errors[name]))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// timing is Stages of the produce latency, service times and Errors for a terminal;
// empty where no cell tells. It is for a terminal of so many columns, 0 for any.
func timing(r *results.Result, columns int) string {
	var b strings.Builder
	if t := produceStages(r); len(t.Rows) > 0 {
		for _, line := range []string{
			"Where the time went: mean produce latency of a record, and its stages, which add up to it.",
			"Service time is from sending its batch to the acknowledgement."} {
			b.WriteString(wrapped(line, columns) + "\n")
		}
		b.WriteString("\n" + t.textWithin(columns) + "\n")
	}
	if t := Requests(r); len(t.Rows) > 0 && batchingVaries(r) {
		b.WriteString("Record batches and produce requests that were acknowledged:\n\n" + t.textWithin(columns) + "\n")
	}
	if t := Errors(r); len(t.Rows) > 0 {
		b.WriteString("Errors, and batches sent again:\n\n" + t.textWithin(columns) + "\n")
	}
	return b.String()
}

// produceStages has one row for each cell.
func produceStages(r *results.Result) Rows {
	of := *r
	of.Cells = slices.Clone(r.Cells)
	for i := range of.Cells {
		if b := of.Cells[i].Breakdown; b != nil {
			of.Cells[i].Breakdown = &results.Breakdown{Produce: b.Produce}
		}
	}
	t := Stages(&of)
	t.Heading = append(slices.Delete(t.Heading, 1, 2), "service p50", "service p99")
	names, row := wording.NamesOf(r), 0
	for i := range of.Cells {
		if b := of.Cells[i].Breakdown; b == nil || len(b.Produce) == 0 {
			continue
		}
		service := r.Cells[i].Latency[results.Service]
		t.Rows[row] = append(slices.Delete(t.Rows[row], 1, 2), percentile(service, "p50", service.P50),
			percentile(service, "p99", service.P99))
		t.Rows[row][0] = names.Bare(i)
		row++
	}
	return t
}
