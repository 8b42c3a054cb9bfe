package chart

import (
	"slices"
	"strconv"

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
	f := &plotstyle.Figure{
		Title:    "Data not on disk over time" + d.by(),
		XLabel:   "Time since the load began",
		Subtitle: wording.Join(wording.Conditions(d.Result), "all brokers together", d.firstOfRepeats()),
	}
	about := []string{"of nodes that the run kept samples of, at most " + strconv.Itoa(results.ActivityNodesMax)}
	if slices.ContainsFunc(d.Result.Cells, func(c results.Cell) bool { return c.Target != results.TargetSim }) {
		about = append(about, "measured: dirty bytes are those of the whole machine")
	}
	f.Note = d.note(about...)
	drawn := map[int]bool{}
	end := 0.0
	for _, u := range unwrittens {
		panel, ok := d.unwrittenPanel(u, drawn, &end, len(f.Panels) == 0)
		if ok {
			f.Panels = append(f.Panels, panel)
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

func (d *Data) unwrittenPanel(u unwritten, drawn map[int]bool, end *float64, named bool) (plotstyle.Panel, bool) {
	panel := plotstyle.Panel{Title: u.title, Height: dirtyPanel, Plot: plotstyle.NewPlot()}
	panel.Plot.Add(plotstyle.HorizontalGrid())
	greatest, there := 0.0, false
	all := make([]levels, len(d.activity))
	last := levels{}
	for i := range d.activity {
		if all[i] = u.sum(d.activity[i]); len(all[i].y) == 0 {
			continue
		}
		there, drawn[i], last = true, true, all[i]
		greatest = max(greatest, slices.Max(all[i].y))
		*end = max(*end, all[i].x[len(all[i].x)-1])
	}
	if !there {
		return panel, false
	}
	for _, phase := range []plotstyle.Band{{From: 0, To: last.warmup, Text: "warm-up"},
		{From: last.until, To: *end, Text: "drain"}} {
		phase.Fill = plotstyle.Faint(plotstyle.InkAxis, 0.16)
		if !named || phase.To-phase.From < narrowWords*(*end) {
			phase.Text = ""
		}
		if phase.To > phase.From && last.until > 0 {
			panel.Plot.Add(phase)
		}
	}
	for i := range all {
		panel.Plot.Add(d.plotters(i, all[i].x, all[i].y)...)
	}
	if !u.sizes {
		fromZero(&panel, greatest)
		return panel, true
	}
	panel.Plot.Y.Min, panel.Plot.Y.Max = 0, plotstyle.SizesEnd(greatest)
	panel.Plot.Y.Tick.Marker = plotstyle.Sizes{Count: 4}
	return panel, true
}
