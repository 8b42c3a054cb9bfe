package chart

import (
	"fmt"
	"image/color"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"

	"brokerlab/report/plotstyle"
	"brokerlab/report/wording"
	"brokerlab/results"
	"brokerlab/results/quantity"
)

// Sizes of figures of stacks, in points.
const (
	stackRow  = vg.Length(20)
	stackAxis = vg.Length(22)
)

// stageWords say what a stage is, for a legend.
var stageWords = map[string]string{
	results.StageAccumulator: "accumulator (linger, lateness)",
	results.StageQueue:       "queue (slots, threads)",
	results.StageRetry:       "sent again",
	results.StageUnknown:     "not known",
}

// stageColours are those of results.StageOrder.
var stageColours = []int{0, 4, 3, 8, 5, 2, 1, 6, 7, 9}

// hasStages says whether any cell tells where its time went.
func (d *Data) hasStages() bool {
	return slices.ContainsFunc(d.Result.Cells, func(c results.Cell) bool {
		return c.Breakdown != nil && len(c.Breakdown.Produce)+len(c.Breakdown.EndToEnd) > 0
	})
}

// breakdowns are the latencies whose stages are drawn.
var breakdowns = []struct {
	title, note string
	of          func(*results.Breakdown) []results.Stage
}{
	{"Produce latency, mean", "", func(b *results.Breakdown) []results.Stage { return b.Produce }},
	{"Produce latency of the slowest records, mean", "the slowest records: at least 1 % of all", func(b *results.Breakdown,
	) []results.Stage {
		if b.ProduceTail == nil {
			return nil
		}
		return b.ProduceTail.Stages
	}},
	{"End-to-end latency, mean", "", func(b *results.Breakdown) []results.Stage { return b.EndToEnd }},
}

// Stages draws where the time of each cell's records went: parts that add up to the
// mean latency.
func Stages(d *Data) *plotstyle.Figure {
	f := &plotstyle.Figure{
		Title: "Where the time went" + d.by(),
		Subtitle: wording.Join(wording.ConditionsBelow(d.Result), wording.Repeats(d.Result, "", " together"),
			"stages add up to the mean", "lower is better"),
	}
	about := []string{"latency from the intended instant", wording.Saturation(d.Result)}
	defer func() { f.Note = d.note(about...) }()
	var used []string
	for _, b := range breakdowns {
		stacks, there := d.stageStacks(b.of, &used)
		if !there {
			continue
		}
		if b.note != "" {
			about = append([]string{b.note}, about...)
		}
		apart := stacks.End() > sharesFrom*stacks.Least()
		if !apart || len(stacks.Rows) <= stacksMost {
			f.Panels = append(f.Panels, d.stackPanel(b.title, stacks, plotstyle.Nanoseconds))
		}
		if apart {
			f.Panels = append(f.Panels, d.stackPanel(b.title+", parts in %", stacks.Shares(), upToWhole))
		}
	}
	if len(f.Panels) == 0 {
		f.NoData = "no cell tells where its time went"
		return f
	}
	var block []plotstyle.Swatch
	for n, name := range results.StageOrder {
		if slices.Contains(used, name) {
			words := name
			if w := stageWords[name]; w != "" {
				words = w
			}
			block = append(block, plotstyle.Swatch{Name: words, Fill: plotstyle.Stages[stageColours[n]]})
		}
	}
	f.Legend = [][]plotstyle.Swatch{block}
	return f
}

// sharesFrom is how far apart the longest and the shortest bar may be before the parts
// of the shorter ones cannot be seen, and have a panel of their own.
const sharesFrom = 6

// stacksMost is of how many cells parts in percent have a panel beside that of their
// lengths. Of more they stand alone: the whole is written at the end of each.
const stacksMost = 12

// stageStacks are one latency of all cells. It adds the stages in it to those used.
func (d *Data) stageStacks(of func(*results.Breakdown) []results.Stage, used *[]string) (stacks plotstyle.Stacks,
	there bool) {
	for _, cell := range d.Result.Cells {
		row := plotstyle.Stack{Label: noData}
		if cell.Breakdown != nil && len(of(cell.Breakdown)) > 0 {
			sum := 0.0
			for _, stage := range of(cell.Breakdown) {
				if stage.MeanNS <= 0 {
					continue
				}
				if !slices.Contains(*used, stage.Name) {
					*used = append(*used, stage.Name)
				}
				sum += stage.MeanNS
				row.Parts = append(row.Parts, plotstyle.Part{Value: stage.MeanNS, Fill: stageColour(stage.Name),
					Label: quantity.Nanoseconds(stage.MeanNS)})
			}
			row.Label, there = quantity.Nanoseconds(sum), true
		}
		stacks.Rows = append(stacks.Rows, row)
	}
	return stacks, there
}

func stageColour(name string) color.RGBA {
	at := slices.Index(results.StageOrder, name)
	if at < 0 {
		at = len(stageColours) - 1
	}
	return plotstyle.Stages[stageColours[at]]
}

// stackPanel draws a stack for each cell.
func (d *Data) stackPanel(title string, stacks plotstyle.Stacks, format func(float64) string) plotstyle.Panel {
	p := plotstyle.NewPlot()
	p.Add(plotstyle.VerticalGrid(), stacks)
	var ticks plot.ConstantTicks
	count := len(stacks.Rows)
	var widest vg.Length
	for i, name := range plotstyle.ShortenTicks(d.cellNames(), nameWidest) {
		widest = max(widest, plotstyle.TickWidth(name))
		ticks = append(ticks, plot.Tick{Value: float64(count - 1 - i), Label: name})
	}
	share := float64(stacks.LabelWidth() / (plotstyle.Width - 40 - widest))
	p.Y.Tick.Marker = ticks
	p.Y.Min, p.Y.Max = -0.6, float64(count)-0.4
	p.X.Min, p.X.Max = 0, plotstyle.ZeroBased(stacks.End()/(1-share))
	p.X.Tick.Marker = plotstyle.Nice{Count: 5, Format: format}
	return plotstyle.Panel{Title: title, Plot: p, Height: stackRow*vg.Length(count) + stackAxis}
}

// partsMost is how many parts of the processors' work have a colour of their own.
const partsMost = 9

// hasCPUParts says whether any cell tells what processors worked on.
func (d *Data) hasCPUParts() bool {
	return slices.ContainsFunc(d.Result.Cells, func(c results.Cell) bool { return len(cpuParts(&c)) > 0 })
}

// cpuParts are those of a simulated or of a real cell.
func cpuParts(c *results.Cell) []results.CPUPart {
	if len(c.CPUParts) > 0 {
		return c.CPUParts
	}
	return c.Wall.CPUParts
}

// CPUParts draws what processors worked on in the measured window, in cores: seconds
// of their time for each second.
func CPUParts(d *Data) *plotstyle.Figure {
	f := &plotstyle.Figure{
		Title: "What processors worked on" + d.by(),
		Subtitle: wording.Join(wording.ConditionsBelow(d.Result), wording.Repeats(d.Result, "", " together"),
			"cores busy: seconds of processor time a second"),
	}
	about := []string{"measured window, warm-up left out"}
	if slices.ContainsFunc(d.Result.Cells, func(c results.Cell) bool { return c.Target != results.TargetSim }) {
		about = append(about, "measured: samples of this process with its clients")
	}
	f.Note = d.note(about...)
	names := d.partNames()
	for _, side := range []struct{ side, title string }{{results.SideBrokers, "Brokers, cores"},
		{results.SideClients, "Clients, cores"}, {"", "Brokers or clients, not told apart, cores"}} {
		var stacks plotstyle.Stacks
		there := false
		for i := range d.Result.Cells {
			row := cpuStack(&d.Result.Cells[i], side.side, names)
			there = there || len(row.Parts) > 0
			stacks.Rows = append(stacks.Rows, row)
		}
		if there {
			f.Panels = append(f.Panels, d.stackPanel(side.title, stacks, plotstyle.SI))
		}
	}
	if len(f.Panels) == 0 {
		f.NoData = "no cell tells what its processors worked on"
		return f
	}
	var block []plotstyle.Swatch
	for n, name := range names {
		block = append(block, plotstyle.Swatch{Name: name, Fill: plotstyle.Stages[n]})
	}
	f.Legend = [][]plotstyle.Swatch{block}
	return f
}

// otherParts are those without a colour of their own.
const otherParts = "other"

// partNames are the parts by their time in all cells, the greatest first, and then what
// stands for the rest.
func (d *Data) partNames() (names []string) {
	seconds := map[string]float64{}
	for i := range d.Result.Cells {
		for _, p := range cpuParts(&d.Result.Cells[i]) {
			if seconds[p.Name] += p.Seconds; !slices.Contains(names, p.Name) {
				names = append(names, p.Name)
			}
		}
	}
	slices.SortStableFunc(names, func(a, b string) int {
		switch {
		case seconds[a] > seconds[b]:
			return -1
		case seconds[a] < seconds[b]:
			return 1
		}
		return 0
	})
	if len(names) > partsMost {
		names = append(names[:partsMost], otherParts)
	}
	return names
}

// cpuStack is a cell's parts of one side in the order of names.
func cpuStack(c *results.Cell, side string, names []string) (row plotstyle.Stack) {
	cores := make([]float64, len(names))
	sum := 0.0
	for _, p := range cpuParts(c) {
		if p.Side != side || c.MeasuredS <= 0 || p.Seconds <= 0 {
			continue
		}
		at := slices.Index(names, p.Name)
		if at < 0 {
			at = len(names) - 1
		}
		cores[at] += p.Seconds / c.MeasuredS
		sum += p.Seconds / c.MeasuredS
	}
	if sum == 0 {
		return plotstyle.Stack{Label: noData}
	}
	for n, v := range cores {
		if v > 0 {
			row.Parts = append(row.Parts, plotstyle.Part{Value: v, Fill: plotstyle.Stages[n],
				Label: fmt.Sprintf("%.0f %%", 100*v/sum)})
		}
	}
	row.Label = coresWords(sum)
	return row
}

// coresWords is a number of cores; of less than a thousandth nobody wants the digits.
func coresWords(cores float64) string {
	if cores < 0.001 {
		return "<0.001"
	}
	return quantity.Digits(cores)
}
