package report

import (
	"slices"

	"brokerlab/report/document"
	"brokerlab/report/wording"
	"brokerlab/results"
	"brokerlab/results/quantity"
)

// usageColumn is one figure of what was busy.
type usageColumn struct {
	name  string
	value func(c *results.Cell) string // None where it is not known
}

var usageColumns = []usageColumn{
	{"bound by", func(c *results.Cell) string { return boundWords(c) }},
	{"disk busy", ofDisk(func(d *results.DiskUsage) string { return quantity.Percent(d.Busy) })},
	{"request took", ofDisk(func(d *results.DiskUsage) string {
		if d.Requests == 0 {
			return quantity.None
		}
		return quantity.Duration(int64(d.QueueMS * 1e6))
	})},
	{"requests under way", ofDisk(func(d *results.DiskUsage) string { return quantity.Digits(d.Depth) })},
	{"seeks", ofDisk(func(d *results.DiskUsage) string { return known(d.Seeks) })},
	{"flushes", ofDisk(func(d *results.DiskUsage) string { return known(d.Flushes) })},
	{"written", ofDisk(func(d *results.DiskUsage) string { return quantity.Megabytes(d.BytesWritten) })},
	{"read", ofDisk(func(d *results.DiskUsage) string { return quantity.Megabytes(d.BytesRead) })},
	{"dirty at most", ofCache(func(p *results.PageCacheUsage) string { return quantity.Megabytes(p.DirtyMaxBytes) })},
	{"writers held back", ofCache(func(p *results.PageCacheUsage) string {
		if p.ThrottledMS == nil {
			return quantity.None
		}
		return quantity.Duration(int64(*p.ThrottledMS * 1e6))
	})},
	{"read from memory", ofCache(func(p *results.PageCacheUsage) string {
		if p.HitRatio == nil {
			return quantity.None
		}
		return quantity.Percent(*p.HitRatio)
	})},
	{"network busy", func(c *results.Cell) string {
		if c.Network == nil {
			return quantity.None
		}
		return quantity.Percent(c.Network.Busy)
	}},
	{"CPU busy", func(c *results.Cell) string { return cpuWords(c.CPU) }},
	{"clients' CPU", func(c *results.Cell) string { return cpuWords(c.ClientCPU) }},
}

// usage is what disks, page cache, network and processors did, cell by cell. Columns
// that no cell knows are left out.
func (p *page) usage() {
	if !slices.ContainsFunc(p.r.Cells, func(c results.Cell) bool { return c.Bound != nil }) {
		return
	}
	heading := []string{"cell"}
	rows := make([][]string, len(p.r.Cells))
	for i := range p.r.Cells {
		rows[i] = []string{p.names.Cell(i)}
	}
	for _, column := range usageColumns {
		values := make([]string, len(rows))
		there := false
		for i := range rows {
			values[i] = column.value(&p.r.Cells[i])
			there = there || values[i] != quantity.None
		}
		if !there {
			continue
		}
		heading = append(heading, column.name)
		for i := range rows {
			rows[i] = append(rows[i], values[i])
		}
	}
	p.add(document.Section{ID: "busy", Title: "What was busy"})
	p.add(document.Table{Caption: "How busy the resources of each cell were", Heading: heading, Rows: rows})
	p.say("Shares are of the measured window, of the busiest disk, network card and node of a cell; counts and bytes "+
		"are those of all disks in it. A request to a disk is measured with its waiting, and so many are under way on "+
		"average on each disk.%s", whoseFigures(p.r))
}

// whoseFigures says what figures of measured cells are of.
func whoseFigures(r *results.Result) string {
	if wording.AllSimulated(r) {
		return ""
	}
	return " Of measured cells the disk and the dirty memory are those of the whole machine, and CPU is this process " +
		"with its clients."
}

func boundWords(c *results.Cell) string {
	words := wording.Bound(*c)
	if c.Bound != nil && c.Bound.Node != "" {
		words += " (" + quantity.Percent(c.Bound.Share) + " on " + c.Bound.Node + ")"
	}
	return words
}

func ofDisk(value func(*results.DiskUsage) string) func(*results.Cell) string {
	return func(c *results.Cell) string {
		if c.Disk == nil {
			return quantity.None
		}
		return value(c.Disk)
	}
}

func ofCache(value func(*results.PageCacheUsage) string) func(*results.Cell) string {
	return func(c *results.Cell) string {
		if c.PageCache == nil {
			return quantity.None
		}
		return value(c.PageCache)
	}
}

func cpuWords(c *results.CPUUsage) string {
	if c == nil {
		return quantity.None
	}
	return quantity.Percent(c.Busy)
}

func known(n *int64) string {
	if n == nil {
		return quantity.None
	}
	return quantity.Count(*n)
}
