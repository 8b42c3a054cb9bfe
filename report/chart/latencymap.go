package chart

import (
	"image/color"
	"maps"
	"math"
	"slices"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"

	"brokerlab/report/plotstyle"
	"brokerlab/report/wording"
)

// mapsMost is how many cells a latency map shows.
const mapsMost = 8

// Sizes of a latency map: the height of a panel in points, tiles for each factor of
// ten, and the most stretches of time.
const (
	mapPanel     = vg.Length(100)
	mapDecade    = 16
	mapStretches = 150
)

// LatencyMap draws how many records had which latency when: time to the right,
// latency upwards, darker where there are more. Each cell is a panel.
func LatencyMap(d *Data, latency string) *plotstyle.Figure {
	f := &plotstyle.Figure{
		Title:  "All of " + wordsOf[latency].short + " latency over time" + d.by(),
		XLabel: "Time since the load began",
		Subtitle: wording.Join(wording.Conditions(d.Result), wording.Repeats(d.Result, "", " merged"),
			"logarithmic axes, darker is more records"),
	}
	about := d.latencyNote(latency)
	defer func() { f.Note = d.note(about...) }()
	var cells []int
	all := make([][]slice, len(d.Result.Cells))
	for i := range all {
		if all[i] = d.slices(i, latency); slices.ContainsFunc(all[i], func(s slice) bool { return s.hist.TotalCount() > 0 }) {
			cells = append(cells, i)
		}
	}
	if len(cells) == 0 {
		f.NoData = "no cell has any " + wordsOf[latency].short + " latency"
		return f
	}
	if more := len(cells) - mapsMost; more > 0 {
		about = append(about, "the first "+strconv.Itoa(mapsMost)+" of "+strconv.Itoa(len(cells))+" cells")
		cells = cells[:mapsMost]
	}
	m := latencyMap{low: math.Inf(1)}
	for _, i := range cells {
		m.widen(all[i])
	}
	m.low, m.high = plotstyle.LogBounds(m.low, m.high)
	for n, i := range cells {
		panel := plotstyle.Panel{Title: d.names.Cell(i), Height: mapPanel, Plot: m.plot(all[i])}
		lastHasLabels(&panel, n == len(cells)-1)
		f.Panels = append(f.Panels, panel)
	}
	f.Legend = m.legend()
	return f
}

// latencyMap is what the panels share: the range of latencies and of times, and the
// most records a second that a tile has.
type latencyMap struct {
	low, high, end, most float64
}

// widen makes room for a cell.
func (m *latencyMap) widen(all []slice) {
	for _, s := range all {
		if s.hist.TotalCount() == 0 {
			continue
		}
		m.low = min(m.low, math.Max(1, float64(s.hist.Min())))
		m.high, m.end = max(m.high, float64(s.hist.Max())), max(m.end, s.end())
	}
	for _, s := range joined(all) {
		for _, n := range s.counts() {
			m.most = max(m.most, n)
		}
	}
}

// joined merges neighbours until there are few enough to be seen apart.
func joined(all []slice) (fewer []slice) {
	by := max(1, (len(all)+mapStretches-1)/mapStretches)
	for group := range slices.Chunk(all, by) {
		s := group[0]
		for _, next := range group[1:] {
			s.add(next.hist)
			s.length = next.start + next.length - s.start
		}
		fewer = append(fewer, s)
	}
	return fewer
}

// row is the tile upwards that a latency is in, counted from 1 ns.
func row(ns int64) int { return int(math.Floor(math.Log10(math.Max(1, float64(ns))) * mapDecade)) }

// counts are records a second in each tile that has any.
func (s slice) counts() map[int]float64 {
	of := map[int]float64{}
	s.hist.ForEachBucket(func(value, count int64) bool {
		of[row(value)] += float64(count) / max(intervalLeast, s.length.Seconds()) // the last one may be of no length
		return true
	})
	return of
}

// shade is how dark a tile of so many records a second is, 0 to 1: by their logarithm,
// over at most mapRange powers of ten.
func (m latencyMap) shade(perSecond float64) float64 {
	return 1 - math.Log10(m.most/perSecond)/mapRange
}

// mapRange is how many powers of ten the colours of a map span.
const mapRange = 4

// legend names the colours.
func (m latencyMap) legend() [][]plotstyle.Swatch {
	var block []plotstyle.Swatch
	for e := int(math.Floor(math.Log10(m.most))) - mapRange + 1; e <= int(math.Floor(math.Log10(m.most))); e++ {
		v := math.Pow10(e)
		block = append(block, plotstyle.Swatch{Name: plotstyle.SI(v) + "/s", Fill: plotstyle.Blues.At(m.shade(v))})
	}
	block[len(block)-1].Name += " records and more in a tile"
	return [][]plotstyle.Swatch{block}
}

// plot is the map of one cell.
func (m latencyMap) plot(all []slice) *plot.Plot {
	p := plotstyle.NewPlot()
	var tiles plotstyle.Tiles
	warmup := 0.0
	for _, s := range joined(all) {
		if s.warmup {
			warmup = max(warmup, s.end())
		}
		of := s.counts()
		for _, row := range slices.Sorted(maps.Keys(of)) {
			tile := plotstyle.Tile{X0: s.start.Seconds(), X1: s.end(), Y0: math.Pow(10, float64(row)/mapDecade),
				Y1: math.Pow(10, float64(row+1)/mapDecade), Fill: plotstyle.Blues.At(m.shade(of[row]))}
			tile.Y0, tile.Y1 = max(tile.Y0, m.low), min(tile.Y1, m.high)
			tiles.All = append(tiles.All, tile)
		}
	}
	p.Add(plotstyle.HorizontalGrid(), plotstyle.Band{To: warmup, Fill: plotstyle.Faint(plotstyle.InkAxis, 0.16)}, tiles,
		plotstyle.Band{To: warmup, Text: "warm-up", Fill: color.Transparent, Over: true})
	p.X.Min, p.X.Max = 0, m.end
	p.Y.Min, p.Y.Max = m.low, m.high
	p.Y.Scale = plot.LogScale{}
	p.Y.Tick.Marker = labelled{plotstyle.Log{Format: plotstyle.Nanoseconds}}
	return p
}
