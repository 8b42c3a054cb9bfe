package chart

import (
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
	mapAlone     = vg.Length(200)
	mapDecade    = 16
	mapStretches = 150
)

// LatencyMap draws how many records had which latency when: time to the right,
// latency upwards, darker where there are more. Each cell is a panel.
func LatencyMap(d *Data, latency string) *plotstyle.Figure {
	f := &plotstyle.Figure{
		Title:  wordsOf[latency].title + " of all records over time" + d.by(),
		XLabel: "Time since the load began",
		Subtitle: wording.Join(wording.ConditionsBelow(d.Result), wording.Repeats(d.Result, "", " merged"),
			"logarithmic axes of latency, darker is more records"),
	}
	about := d.latencyNote(latency)
	defer func() { f.Note = d.note(about...) }()
	var cells []int
	all := make([][]slice, len(d.Result.Cells))
	after := false
	for i := range all {
		there, late := int64(0), int64(0)
		all[i], there, late = duringLoad(d.slices(i, latency))
		if there > 0 {
			cells, after = append(cells, i), after || late > there/lateShare
		}
	}
	if len(cells) == 0 {
		f.NoData = "no cell has any " + wordsOf[latency].short + " latency in " + shortest + " of load"
		return f
	}
	if after {
		about = append(about, "records after the load are not drawn")
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
		if len(cells) == 1 {
			panel.Height = mapAlone
		}
		lastHasLabels(&panel, n == len(cells)-1)
		f.Panels = append(f.Panels, panel)
	}
	f.Legend = m.legend()
	return f
}

// lateShare is the part of a cell's records, as one of so many, from which on it is said
// that those after the load are not drawn.
const lateShare = 100

// duringLoad leaves out what is too short for a rate, as is the last interval: it has no
// length, and holds all records that came after the load. It counts both kinds of records.
func duringLoad(all []slice) (during []slice, there, late int64) {
	for _, s := range all {
		if s.length.Seconds() < intervalLeast {
			late += s.hist.TotalCount()
			continue
		}
		during, there = append(during, s), there+s.hist.TotalCount()
	}
	return during, there, late
}

// latencyMap is what the panels share: the range of latencies and of times, and the
// most records a second that a tile has.
type latencyMap struct {
	low, high, end, most float64
	warmup               bool // there is one
}

// widen makes room for a cell.
func (m *latencyMap) widen(all []slice) {
	for _, s := range all {
		m.warmup = m.warmup || s.warmup
		m.end = max(m.end, s.end())
		if s.hist.TotalCount() == 0 {
			continue
		}
		m.low = min(m.low, math.Max(1, float64(s.hist.Min())))
		m.high = max(m.high, float64(s.hist.Max()))
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
		of[row(value)] += float64(count) / s.length.Seconds()
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
	if m.warmup { // its name would hide records
		block = append(block, plotstyle.Swatch{Name: "warm-up", Fill: warmupShade})
	}
	return [][]plotstyle.Swatch{block}
}

// warmupShade is what a warm-up is shaded with.
var warmupShade = plotstyle.Faint(plotstyle.InkAxis, 0.16)

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
	p.Add(plotstyle.HorizontalGrid(), plotstyle.Band{To: warmup, Fill: warmupShade}, tiles)
	p.X.Min, p.X.Max = 0, m.end
	p.Y.Min, p.Y.Max = m.low, m.high
	p.Y.Scale = plot.LogScale{}
	p.Y.Tick.Marker = labelled{plotstyle.Log{Format: plotstyle.Nanoseconds}}
	return p
}
