package chart

import (
	"slices"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"

	"brokerlab/report/plotstyle"
	"brokerlab/report/wording"
	"brokerlab/results"
)

// Heights of a panel of data that is not on disk, in points: of several, and alone.
const (
	dirtyPanel = vg.Length(120)
	dirtyAlone = vg.Length(200)
)

// narrowWords is the share of the time below which a phase's name would not lie flat.
const narrowWords = 0.08

// unwritten is one kind of data that a power failure may take.
type unwritten struct {
	title string
	sizes bool // bytes, else a count
	of    func(*results.Activity) []int64
}

// unwrittenOfFacets is how many of them are drawn of each of many cells: bytes, which say
// what records do.
const unwrittenOfFacets = 2

var unwrittens = []unwritten{
	{"Dirty bytes in the page cache", true, func(a *results.Activity) []int64 {
		if a.PageCache == nil {
			return nil
		}
		return a.PageCache.DirtyBytes
	}},
	{"Bytes of logs not forced to disk", true, func(a *results.Activity) []int64 { return a.UnflushedBytes }},
	{"Records not forced to disk", false, func(a *results.Activity) []int64 { return a.UnflushedRecords }},
}

// hasUnwritten says whether any cell tells what was not on disk.
func (d *Data) hasUnwritten() bool {
	return slices.ContainsFunc(unwrittens, func(u unwritten) bool {
		return slices.ContainsFunc(d.activity, func(all []results.Activity) bool { return len(u.sum(all).y) > 0 })
	})
}

// partial says whether there are samples of some of a cell's brokers only, whose sum says
// nothing beside that of all brokers of another cell.
func (d *Data) partial(cell int) bool {
	brokers, err := strconv.Atoi(d.Result.Cells[cell].Config["cluster.brokers"])
	if err != nil {
		return false
	}
	nodes := map[string]bool{}
	for i := range d.activity[cell] {
		a := &d.activity[cell][i]
		if slices.ContainsFunc(unwrittens, func(u unwritten) bool { return len(u.of(a)) > 0 }) {
			nodes[a.Node] = true
		}
	}
	return len(nodes) > 1 && len(nodes) < brokers
}

// comparable are the activities of cells whose sums may stand beside each other: those of
// all brokers or, where there are none, of the brokers that were sampled, which the words
// for the figure say.
func (d *Data) comparable() (activity [][]results.Activity, brokers, leftOut string) {
	activity = slices.Clone(d.activity)
	var partial []int
	whole := false
	for i := range activity {
		there := slices.ContainsFunc(unwrittens, func(u unwritten) bool { return len(u.sum(activity[i]).y) > 0 })
		switch {
		case d.partial(i):
			partial = append(partial, i)
		case there:
			whole = true
		}
	}
	if len(partial) == 0 {
		return activity, "all brokers together", ""
	}
	if !whole {
		return activity, strconv.Itoa(results.ActivityNodesMax) + " brokers of each cell together", ""
	}
	for _, i := range partial {
		activity[i] = nil
	}
	return activity, "all brokers together", "left out: " + d.names.Some(partial) + ", of whose brokers only " +
		strconv.Itoa(results.ActivityNodesMax) + " are sampled"
}

// levels are a sum over nodes at the ends of samples.
type levels struct {
	x, y                 []float64
	start, warmup, until float64
}

// sum adds up what the nodes of a cell's first repeat held.
func (u unwritten) sum(all []results.Activity) (s levels) {
	for i := range all {
		a := &all[i]
		values := u.of(a)
		if a.Repeat != all[0].Repeat || len(values) == 0 {
			continue
		}
		for k, v := range values {
			if k == len(s.y) {
				s.x, s.y = append(s.x, a.StartS+float64(k+1)*a.EveryS), append(s.y, 0)
			}
			s.y[k] += float64(v)
		}
		s.start, s.warmup, s.until = a.StartS, a.WarmupS, a.EndS
	}
	return s
}

// Unwritten draws what each cell held in memory only, over time: what was dirty in the
// page cache, and what had been appended to logs and not been forced to disk.
func Unwritten(d *Data) *plotstyle.Figure {
	activity, brokers, leftOut := d.comparable()
	f := &plotstyle.Figure{
		Title:    "Data not on disk over time" + d.by(),
		XLabel:   "Time since the load began",
		Subtitle: wording.Join(wording.ConditionsBelow(d.Result), brokers, d.firstOfRepeats()),
	}
	about := []string{leftOut}
	if slices.ContainsFunc(d.Result.Cells, func(c results.Cell) bool { return c.Target != results.TargetSim }) {
		about = append(about, "measured: dirty bytes are those of the whole machine")
	}
	defer func() { f.Note = d.note(about...) }()
	drawn := map[int]bool{}
	end := 0.0
	for _, u := range unwrittens {
		if d.facets != nil && !u.sizes {
			continue
		}
		panels, leftOut := d.unwrittenPanels(u, activity, drawn, &end)
		if f.Panels = append(f.Panels, panels...); !slices.Contains(about, leftOut) {
			about = append(about, leftOut)
		}
	}
	if len(f.Panels) == 0 {
		f.NoData = "no cell tells what was not on disk"
		return f
	}
	if len(f.Panels) == 1 {
		f.Panels[0].Height = dirtyAlone
	}
	for i := range f.Panels {
		f.Panels[i].Plot.X.Min, f.Panels[i].Plot.X.Max = 0, end
		lastHasLabels(&f.Panels[i], i == len(f.Panels)-1)
	}
	var cells []int
	for i := range d.Result.Cells {
		if drawn[i] {
			cells = append(cells, i)
		}
	}
	f.Legend = d.lines(cells)
	return f
}

// firstOfRepeats says that a figure is of the first repeat, where there are several.
func (d *Data) firstOfRepeats() string {
	if words := wording.Repeats(d.Result, "", ""); words != "" {
		return "the first of " + words
	}
	return ""
}

// unwrittenPanels are one of all cells, or one of each facet, on the same axes. It adds the
// cells in them to those drawn. The first one of the figure names the phases.
func (d *Data) unwrittenPanels(u unwritten, activity [][]results.Activity, drawn map[int]bool,
	end *float64) (panels []plotstyle.Panel, leftOut string) {
	greatest, named := 0.0, len(drawn) == 0
	all := make([]levels, len(activity))
	last := levels{}
	var cells []int
	for i := range activity {
		if all[i] = u.sum(activity[i]); len(all[i].y) == 0 {
			continue
		}
		cells, drawn[i], last = append(cells, i), true, all[i]
		greatest = max(greatest, slices.Max(all[i].y))
		*end = max(*end, all[i].x[len(all[i].x)-1])
	}
	if len(cells) == 0 {
		return nil, ""
	}
	facets, leftOut := d.shown(func(cell int) bool { return len(all[cell].y) > 0 }, unwrittenOfFacets)
	if d.facets == nil {
		facets = []facet{{cells: cells}}
	}
	for n, of := range facets {
		panel := plotstyle.Panel{Title: u.title, Height: dirtyPanel, Plot: plotstyle.NewPlot()}
		if d.facets != nil {
			panel = d.panel(of, u.title+": ")
		}
		panel.Plot.Add(plotstyle.HorizontalGrid())
		addPhases(panel.Plot, last, *end, named && n == 0)
		for _, i := range of.cells {
			panel.Plot.Add(d.plotters(i, all[i].x, all[i].y)...)
		}
		u.axis(&panel, greatest)
		panels = append(panels, panel)
	}
	return panels, leftOut
}

// addPhases shades what is before and after the measured window.
func addPhases(p *plot.Plot, of levels, end float64, named bool) {
	for _, phase := range []plotstyle.Band{{From: 0, To: of.warmup, Text: "warm-up"},
		{From: of.until, To: end, Text: "drain"}} {
		phase.Fill = warmupShade
		if !named || phase.To-phase.From < narrowWords*end {
			phase.Text = ""
		}
		if phase.To > phase.From && of.until > 0 {
			p.Add(phase)
		}
	}
}

// axis dresses that of values, from 0.
func (u unwritten) axis(panel *plotstyle.Panel, greatest float64) {
	if !u.sizes {
		fromZero(panel, greatest)
		return
	}
	panel.Plot.Y.Min, panel.Plot.Y.Max = 0, plotstyle.SizesEnd(greatest)
	panel.Plot.Y.Tick.Marker = plotstyle.Sizes{Count: 4}
}
