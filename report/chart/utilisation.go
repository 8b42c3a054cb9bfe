package chart

import (
	"slices"

	"brokerlab/report/plotstyle"
	"brokerlab/report/wording"
	"brokerlab/results"
	"brokerlab/results/quantity"
)

// resource is one that a cell may be bounded by, with how it looks.
type resource struct {
	name   string
	colour int // of plotstyle.Series
	share  func(*results.Usage) (float64, bool)
	bounds []string // what Bound names it
}

var resources = []resource{
	{"brokers' processors", 0, func(u *results.Usage) (float64, bool) {
		if u.CPU == nil {
			return 0, false
		}
		return u.CPU.Busy, true
	}, []string{results.BoundCPU}},
	{"disks", 1, func(u *results.Usage) (float64, bool) {
		if u.Disk == nil {
			return 0, false
		}
		return u.Disk.Busy, true
	}, []string{results.BoundDisk, results.BoundPageCache}},
	{"network", 2, func(u *results.Usage) (float64, bool) {
		if u.Network == nil {
			return 0, false
		}
		return u.Network.Busy, true
	}, []string{results.BoundNetwork}},
	{"clients' processors", 5, func(u *results.Usage) (float64, bool) {
		if u.ClientCPU == nil {
			return 0, false
		}
		return u.ClientCPU.Busy, true
	}, []string{results.BoundClientCPU, results.BoundClientThread}},
}

// hasUsage says whether any cell tells what its resources did.
func (d *Data) hasUsage() bool { return len(d.used()) > 0 }

// used are the resources that any cell used: a link without a rate is never busy.
func (d *Data) used() []resource {
	return slices.DeleteFunc(slices.Clone(resources), func(r resource) bool {
		return !slices.ContainsFunc(d.Result.Cells, func(c results.Cell) bool {
			share, _ := r.share(&c.Usage)
			return share > 0
		})
	})
}

// Utilisation draws how busy each resource of each cell was, and marks the one that
// bounded it.
func Utilisation(d *Data) *plotstyle.Figure {
	f := &plotstyle.Figure{
		Title: "Utilisation of each resource" + d.by(),
		Subtitle: wording.Join(wording.ConditionsBelow(d.Result), wording.Repeats(d.Result, "median of ", ""),
			"the busiest disk, link or machine of each kind", "the limit of each cell is marked"),
	}
	about := []string{"share of the measured window, warm-up left out"}
	if slices.ContainsFunc(d.Result.Cells, func(c results.Cell) bool { return c.Target != results.TargetSim }) {
		about = append(about, wholeMachine)
	}
	f.Note = d.note(about...)
	if len(d.Result.Cells) == 0 {
		f.NoData = d.noCells()
		return f
	}
	there := d.used()
	if len(there) == 0 {
		f.NoData = "no cell tells that it used a resource"
		return f
	}
	b := bars{axis: "Busy, % of the time", format: upToWhole, least: 100}
	for i, c := range d.Result.Cells {
		var group []plotstyle.Bar
		for _, r := range there {
			group = append(group, r.bar(&c))
		}
		if !slices.ContainsFunc(group, func(b plotstyle.Bar) bool { return !b.Absent }) {
			group[0] = plotstyle.Bar{Label: noData, Fill: plotstyle.InkGrid}
		}
		b.names, b.groups = append(b.names, d.names.Cell(i)), append(b.groups, group)
	}
	var legend []plotstyle.Swatch
	for _, r := range there {
		legend = append(legend, plotstyle.Swatch{Name: r.name, Fill: plotstyle.Series[r.colour]})
	}
	f.Legend = [][]plotstyle.Swatch{legend}
	b.draw(f)
	return f
}

// upToWhole labels no tick above 100 %, where the axis has room for labels of bars.
func upToWhole(v float64) string {
	if v > 100 {
		return ""
	}
	return plotstyle.SI(v)
}

// bar is one resource of a cell.
func (r resource) bar(c *results.Cell) plotstyle.Bar {
	fill := plotstyle.Series[r.colour]
	share, ok := r.share(&c.Usage)
	if !ok {
		return plotstyle.Bar{Absent: true}
	}
	b := plotstyle.Bar{Value: 100 * share, Fill: fill, Label: quantity.Percent(share)}
	if c.Bound != nil && slices.Contains(r.bounds, c.Bound.Resource) {
		b.Label += wording.BoundMark(c.Bound)
	}
	var repeats []results.Repeat
	for _, repeat := range c.Repeats {
		if _, ok := r.share(&repeat.Usage); ok {
			repeats = append(repeats, repeat)
		}
	}
	b.Low, b.High = results.Range(repeats, func(repeat results.Repeat) float64 {
		share, _ := r.share(&repeat.Usage)
		return 100 * share
	})
	return b
}
