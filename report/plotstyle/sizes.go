package plotstyle

import (
	"math"
	"strconv"

	"gonum.org/v1/plot"
)

// Sizes gives about Count ticks of bytes, round in KiB, MiB or GiB.
type Sizes struct{ Count int }

var sizeUnits = []string{"B", "KiB", "MiB", "GiB", "TiB", "PiB"}

// Ticks implements plot.Ticker.
func (t Sizes) Ticks(least, greatest float64) []plot.Tick {
	unit, name := sizeUnit(greatest)
	ticks := Nice{Count: t.Count, Format: func(v float64) string {
		if v == 0 {
			return "0"
		}
		return strconv.FormatFloat(v, 'g', 4, 64) + " " + name
	}}.Ticks(least/unit, greatest/unit)
	for i := range ticks {
		ticks[i].Value *= unit
	}
	return ticks
}

// sizesLeast is the shortest axis of bytes: less of them are none to look at.
const sizesLeast = 1 << 20

// SizesEnd is the end of an axis from 0 of bytes up to greatest, on a round size.
func SizesEnd(greatest float64) float64 {
	greatest = max(greatest, sizesLeast)
	unit, _ := sizeUnit(greatest)
	return ZeroBased(greatest/unit) * unit
}

// sizeUnit is the greatest unit of which there is one in bytes.
func sizeUnit(bytes float64) (unit float64, name string) {
	unit = 1
	for i := range sizeUnits {
		if bytes < unit*1024 || math.IsInf(bytes, 0) || i == len(sizeUnits)-1 {
			return unit, sizeUnits[i]
		}
		unit *= 1024
	}
	return unit, ""
}
