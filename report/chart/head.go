package chart

import (
	"gonum.org/v1/plot/plotter"

	"brokerlab/report/plotstyle"
	"brokerlab/results"
)

// head draws where the heads of hard disks are: a point for each sample, since the arm
// goes to and fro between two of them.
func (t timeline) head() (p plotstyle.Panel, ok bool) {
	p = plotstyle.Panel{Title: "Head of the hard disk, % of its bytes from the outer edge", Plot: t.plot(false)}
	ok = t.heads(&p, func(d results.DiskActivity, at int64) (float64, bool) {
		return 100 * float64(at) / float64(d.CapacityBytes), true
	})
	p.Plot.Y.Min, p.Plot.Y.Max = -4, 104 // points at the edges are whole
	p.Plot.Y.Tick.Marker = plotstyle.Nice{Count: 4, Format: plotstyle.SI}
	return p, ok
}

// outerShare is the part of a disk that counts as its outer one. Files lie there, as
// far as they do not fill the disk, and the journal does not.
const outerShare = 0.1

// outerPart draws the same for the outer part alone, where files that are small beside
// the disk make one line of all points; there is none if they are not small.
func (t timeline) outerPart() (p plotstyle.Panel, ok bool) {
	farthest, small := 0.0, false
	for _, d := range t.a.Disks {
		for _, at := range d.HeadOffset {
			if share := float64(at) / float64(max(1, d.CapacityBytes)); share < outerShare {
				farthest = max(farthest, float64(at))
				small = farthest < outerShare/2*float64(d.CapacityBytes)
			}
		}
	}
	p = plotstyle.Panel{Title: "The same where the files are, bytes from the outer edge", Plot: t.plot(false)}
	if farthest == 0 || !small {
		return p, false
	}
	end := plotstyle.SizesEnd(farthest)
	ok = t.heads(&p, func(d results.DiskActivity, at int64) (float64, bool) {
		return float64(at), float64(at) < outerShare*float64(d.CapacityBytes) && float64(at) <= end
	})
	p.Plot.Y.Min, p.Plot.Y.Max = -0.03*end, end
	p.Plot.Y.Tick.Marker = plotstyle.Sizes{Count: 3}
	return p, ok
}

// heads adds the points that are shown of each disk.
func (t timeline) heads(p *plotstyle.Panel, shown func(results.DiskActivity, int64) (float64, bool)) (ok bool) {
	for i, d := range t.a.Disks {
		if len(d.HeadOffset) == 0 || d.CapacityBytes <= 0 {
			continue
		}
		var points plotter.XYs
		for k, at := range d.HeadOffset {
			if v, in := shown(d, at); in {
				points = append(points, plotter.XY{X: t.a.StartS + (float64(k)+end)*t.a.EveryS, Y: v})
			}
		}
		l := lookOf(i)
		p.Plot.Add(plotstyle.Dots{Points: points, Fill: l.colour, Small: true})
		if name := t.diskName(d); name != "" {
			p.Legend = append(p.Legend, plotstyle.Swatch{Name: name, Mark: plotstyle.Marks.Full, Fill: l.colour})
		}
		ok = true
	}
	return ok
}
