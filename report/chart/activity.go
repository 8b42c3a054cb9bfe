package chart

import (
	"fmt"
	"slices"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"

	"brokerlab/report/plotstyle"
	"brokerlab/report/wording"
	"brokerlab/results"
	"brokerlab/results/quantity"
)

// activityMost is how many cells have a figure of what they were busy with: those of a
// large sweep would be most of the report.
const activityMost = 8

// Heights of parts of the figure, in points.
const (
	activityPanel = vg.Length(96)
	lastAxis      = vg.Length(6) // more for the last one: its ticks have labels
)

// activeCells are those that left activity.
func (d *Data) activeCells() (cells []int) {
	for i, all := range d.activity {
		if slices.ContainsFunc(all, func(a results.Activity) bool { return a.Samples() > 0 }) {
			cells = append(cells, i)
		}
	}
	return cells
}

// Activity draws what one node of a cell was busy with over time: how much each of
// its resources was used, its dirty bytes against the thresholds, and what its disks
// did. The node is the one whose disk was busiest, in the first repeat.
func Activity(d *Data, cell int) *plotstyle.Figure {
	c := d.Result.Cells[cell]
	alone := *d.Result
	alone.Cells = d.Result.Cells[cell : cell+1]
	f := &plotstyle.Figure{
		Title:    "Busy over time: " + d.names.Bare(cell) + " (" + wording.Target(c) + ")",
		Subtitle: wording.ConditionsBelow(&alone), XLabel: "Time since the load began", Note: d.note(),
	}
	a := busiest(d.activity[cell])
	if a == nil {
		f.NoData = "the cell left no samples of what it was busy with"
		return f
	}
	of := fmt.Sprintf("%s, the busiest of %s", a.Node, quantity.Plural(int64(nodes(d.activity[cell])), "node"))
	if nodes(d.activity[cell]) == 1 {
		of = a.Node
	}
	if len(c.Repeats) > 1 {
		of += fmt.Sprintf(", repeat %d of %d", a.Repeat, len(c.Repeats))
	}
	f.Subtitle = wording.Join(of, f.Subtitle)
	about := []string{"samples of " + quantity.Duration(int64(a.EveryS*1e9)) + ": rates and shares are means over them"}
	if c.Target != results.TargetSim {
		about = append(about, wholeMachine)
	}
	t := timeline{a: a, n: a.Samples()}
	var idle []string
	f.Panels, idle = t.panels()
	if len(idle) > 0 {
		about = append(about, "0 all the time: "+strings.Join(idle, "; "))
	}
	f.Note = d.note(about...)
	for i := range f.Panels {
		p := f.Panels[i].Plot
		p.X.Min, p.X.Max = a.StartS, a.StartS+float64(t.n)*a.EveryS
		p.X.Tick.Marker = plotstyle.Clock{}
		if i < len(f.Panels)-1 {
			p.X.Tick.Marker = unlabelled{plotstyle.Clock{}}
		} else {
			f.Panels[i].Height += lastAxis
		}
	}
	return f
}

// wholeMachine says whose figures those of measured cells are.
const wholeMachine = "measured: processors are those of this process with its clients, " +
	"disk and dirty bytes those of the machine"

// unlabelled gives ticks whose labels stand at another plot.
type unlabelled struct{ of plot.Ticker }

// Ticks implements plot.Ticker.
func (u unlabelled) Ticks(least, greatest float64) []plot.Tick {
	ticks := u.of.Ticks(least, greatest)
	for i := range ticks {
		ticks[i].Label = ""
	}
	return ticks
}

// busiest is the node of the first repeat whose disks were busiest; its processors
// decide where there is no disk.
func busiest(all []results.Activity) (best *results.Activity) {
	most := -1.0
	for i := range all {
		a := &all[i]
		if a.Samples() == 0 || a.Repeat != all[0].Repeat {
			continue
		}
		use := mean(a.CPUBusy) / 1000
		for _, disk := range a.Disks {
			use = max(use, mean(disk.Busy))
		}
		if use > most {
			best, most = a, use
		}
	}
	return best
}

func nodes(all []results.Activity) int {
	var names []string
	for _, a := range all {
		if !slices.Contains(names, a.Node) {
			names = append(names, a.Node)
		}
	}
	return len(names)
}

func mean(values []float64) (m float64) {
	for _, v := range values {
		m += v / float64(len(values))
	}
	return m
}

// timeline draws one node's samples.
type timeline struct {
	a *results.Activity
	n int
}

// panels are those of which there are samples, and what the others are that would show
// nothing but zeros.
func (t timeline) panels() (all []plotstyle.Panel, idle []string) {
	add := func(p plotstyle.Panel, ok bool) {
		if ok {
			p.Height = activityPanel
			all = append(all, p)
		}
	}
	disk := func(p plotstyle.Panel, greatest float64, ok bool) {
		if ok && greatest == 0 {
			idle = append(idle, strings.ToLower(p.Title[:1])+p.Title[1:])
			return
		}
		add(p, ok)
	}
	add(t.utilisation())
	add(t.dirty())
	disk(t.diskRates())
	disk(t.disks("Requests under way, mean", func(d results.DiskActivity) []float64 { return d.Queue }))
	disk(t.disks("Flushes per second", func(d results.DiskActivity) []float64 { return perSecond(d.Flushes, t.a.EveryS) }))
	add(t.head())
	add(t.outerPart())
	return all, idle
}

// narrow is the share of the time below which a phase has no room for its name.
const narrow = 0.03

// plot is an empty one with the phases of the run shaded; only the first names them.
func (t timeline) plot(named bool) *plot.Plot {
	p := plotstyle.NewPlot()
	p.Add(plotstyle.HorizontalGrid())
	last := t.a.StartS + float64(t.n)*t.a.EveryS
	for _, phase := range t.phases(last) {
		phase.Fill = warmupShade
		if !named || phase.To-phase.From < narrow*(last-t.a.StartS) {
			phase.Text = ""
		}
		if phase.To > phase.From && t.a.EndS > 0 {
			p.Add(phase)
		}
	}
	return p
}

// phases are those around the load, up to the last sample.
func (t timeline) phases(last float64) (bands []plotstyle.Band) {
	words := map[string]string{results.PhaseWarmup: "warm-up", results.PhaseRead: "reading", results.PhaseDrain: "drain"}
	for _, p := range t.a.Phases {
		if name, ok := words[p.Name]; ok {
			bands = append(bands, plotstyle.Band{From: max(t.a.StartS, p.StartS), To: min(last, p.EndS), Text: name})
		}
	}
	if len(t.a.Phases) == 0 { // of a result that does not tell them
		bands = []plotstyle.Band{{From: t.a.StartS, To: t.a.WarmupS, Text: "warm-up"},
			{From: t.a.EndS, To: last, Text: "drain"}}
	}
	return bands
}

// middle and end are where samples stand in their spans: means in the middle, levels
// at the end.
const (
	middle = 0.5
	end    = 1
)

func (t timeline) series(values []float64, where float64) plotter.XYs {
	points := make(plotter.XYs, len(values))
	for i, v := range values {
		points[i] = plotter.XY{X: t.a.StartS + (float64(i)+where)*t.a.EveryS, Y: v}
	}
	return points
}

// line adds means to a plot, with their points where they are few, and its name to
// the legend of the panel.
func (t timeline) line(p *plotstyle.Panel, name string, values []float64, l look) {
	t.draw(p, name, t.series(values, middle), l)
}

func (t timeline) draw(p *plotstyle.Panel, name string, points plotter.XYs, l look) {
	if len(points) == 0 {
		return
	}
	p.Plot.Add(&plotter.Line{XYs: points, LineStyle: l.line()})
	if len(points) <= dotted {
		p.Plot.Add(plotstyle.Dots{Points: points, Fill: l.colour})
	}
	if name != "" {
		p.Legend = append(p.Legend, plotstyle.Swatch{Name: name, Line: l.line()})
	}
}

func lookOf(colour int) look { return look{colour: plotstyle.Series[colour%len(plotstyle.Series)]} }

// utilisation draws the shares of all resources on one axis.
func (t timeline) utilisation() (p plotstyle.Panel, ok bool) {
	p = plotstyle.Panel{Title: "Utilisation, %", Plot: t.plot(true)}
	add := func(name string, shares []float64, colour int) {
		values := make([]float64, len(shares))
		for i, v := range shares {
			values[i] = 100 * v
		}
		ok = ok || len(values) > 0
		t.line(&p, name, values, lookOf(colour))
	}
	add("processors", t.a.CPUBusy, 0)
	var disk []float64
	for _, d := range t.a.Disks {
		for i, v := range d.Busy {
			if i == len(disk) {
				disk = append(disk, 0)
			}
			disk[i] = max(disk[i], v)
		}
	}
	name := "disk"
	if len(t.a.Disks) > 1 {
		name = "busiest disk"
	}
	add(name, disk, 1)
	if n := t.a.Network; n != nil && (mean(n.SendBusy) > 0 || mean(n.ReceiveBusy) > 0) { // links have a rate
		add("network, out", n.SendBusy, 2)
		add("network, in", n.ReceiveBusy, 3)
	}
	p.Plot.Y.Min, p.Plot.Y.Max = 0, 122 // with room for the names of phases
	p.Plot.Y.Tick.Marker = plotstyle.Nice{Count: 3, Format: plotstyle.SI}
	return p, ok
}

// fromZero gives a panel's axis of values an end above the greatest.
func fromZero(p *plotstyle.Panel, greatest float64) {
	p.Plot.Y.Min, p.Plot.Y.Max = 0, plotstyle.ZeroBased(greatest)
	p.Plot.Y.Tick.Marker = plotstyle.Nice{Count: 4, Format: plotstyle.SI}
}

// diskRates draws what all disks wrote and read.
func (t timeline) diskRates() (p plotstyle.Panel, greatest float64, ok bool) {
	p = plotstyle.Panel{Title: "Disk, MB/s", Plot: t.plot(false)}
	for k, name := range []string{"written", "read"} {
		var sum []float64
		for _, d := range t.a.Disks {
			for i, v := range perSecond([][]int64{d.BytesWritten, d.BytesRead}[k], t.a.EveryS) {
				if i == len(sum) {
					sum = append(sum, 0)
				}
				sum[i] += v / 1e6
			}
		}
		ok = ok || len(sum) > 0
		if k > 0 && mean(sum) == 0 { // nothing was read
			continue
		}
		for _, v := range sum {
			greatest = max(greatest, v)
		}
		t.line(&p, name, sum, lookOf(k))
	}
	fromZero(&p, greatest)
	return p, greatest, ok
}

func perSecond(counts []int64, everyS float64) []float64 {
	rates := make([]float64, len(counts))
	for i, n := range counts {
		rates[i] = float64(n) / everyS
	}
	return rates
}

// disks draws one figure of each disk.
func (t timeline) disks(title string, figure func(results.DiskActivity) []float64) (p plotstyle.Panel,
	greatest float64, ok bool) {
	p = plotstyle.Panel{Title: title, Plot: t.plot(false)}
	for i, d := range t.a.Disks {
		values := figure(d)
		for _, v := range values {
			greatest = max(greatest, v)
		}
		ok = ok || len(values) > 0
		t.line(&p, t.diskName(d), values, lookOf(i))
	}
	fromZero(&p, greatest)
	return p, greatest, ok
}

// diskName is none where there is but one.
func (t timeline) diskName(d results.DiskActivity) string {
	if len(t.a.Disks) < 2 {
		return ""
	}
	return d.Name
}

// threshold is one of the page cache's, as it was over time.
type threshold struct {
	name   string
	values []int64
	dashes int
}

// farThreshold is how many times the most dirty bytes a threshold may be for the axis
// to show it.
const farThreshold = 6

// dirty draws dirty bytes against the thresholds, and shades when writers were held
// back. Thresholds far above all dirty bytes are told in words: on the axis they would
// make a flat line of these.
func (t timeline) dirty() (p plotstyle.Panel, ok bool) {
	c := t.a.PageCache
	if c == nil || len(c.DirtyBytes) == 0 {
		return p, false
	}
	p = plotstyle.Panel{Title: "Dirty bytes", Plot: t.plot(false)}
	held := plotstyle.Faint(plotstyle.Series[1], 0.25)
	bands := t.heldBack(c.ThrottledMS)
	for _, b := range bands {
		b.Fill = held
		p.Plot.Add(b)
	}
	greatest := float64(slices.Max(c.DirtyBytes))
	all := []threshold{{"write-back begins", c.BackgroundBytes, 1}, {"writers are slowed", c.FreeRunBytes, 2},
		{"limit", c.LimitBytes, 3}}
	most := greatest
	var far []string
	for _, h := range all {
		if len(h.values) == 0 {
			continue
		}
		top := float64(slices.Max(h.values))
		if top > farThreshold*max(greatest, 1) && len(bands) == 0 {
			far = append(far, h.name+" "+quantity.Bytes(slices.Max(h.values)))
			continue
		}
		most = max(most, top)
		l := look{colour: plotstyle.Series[6], dashes: plotstyle.Dashes[h.dashes]}
		t.draw(&p, h.name, t.series(floats(h.values), end), l)
	}
	t.draw(&p, "dirty", t.series(floats(c.DirtyBytes), end), lookOf(0))
	if len(bands) > 0 {
		p.Legend = append(p.Legend, plotstyle.Swatch{Name: "writers held back", Fill: held})
	}
	if len(far) > 0 {
		p.Title += " (above the axis: " + strings.Join(far, ", ") + ")"
	}
	p.Plot.Y.Min, p.Plot.Y.Max = 0, plotstyle.SizesEnd(most)
	p.Plot.Y.Tick.Marker = plotstyle.Sizes{Count: 4}
	return p, true
}

// heldBack are the runs of samples in which writers were.
func (t timeline) heldBack(ms []float64) (bands []plotstyle.Band) {
	for i := 0; i < len(ms); i++ {
		if ms[i] <= 0 {
			continue
		}
		from := i
		for i < len(ms) && ms[i] > 0 {
			i++
		}
		bands = append(bands, plotstyle.Band{From: t.a.StartS + float64(from)*t.a.EveryS,
			To: t.a.StartS + float64(i)*t.a.EveryS})
	}
	return bands
}

func floats(values []int64) []float64 {
	all := make([]float64, len(values))
	for i, v := range values {
		all[i] = float64(v)
	}
	return all
}
