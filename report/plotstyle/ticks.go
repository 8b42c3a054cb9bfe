package plotstyle

import (
	"fmt"
	"math"
	"strconv"

	"gonum.org/v1/plot"
)

// Nice gives about Count ticks at 1, 2, 2.5 or 5 times a power of ten.
// (plot.DefaultTicks often gives two or three, labelled "250.00".)
type Nice struct {
	Count  int
	Format func(float64) string
}

// Ticks implements plot.Ticker.
func (t Nice) Ticks(least, greatest float64) (ticks []plot.Tick) {
	s := step(greatest-least, t.Count)
	for i := math.Ceil(least/s - 1e-9); i*s <= greatest+s*1e-9; i++ {
		v := i*s + 0 // math.Ceil(-1e-9) is -0, which prints "-0"; adding 0 makes it 0
		ticks = append(ticks, plot.Tick{Value: v, Label: t.Format(v)})
	}
	return ticks
}

// step is the distance of about count ticks over span; 1 where there is no span.
func step(span float64, count int) float64 {
	raw := span / float64(count)
	if !(raw > 0) || math.IsInf(raw, 0) {
		return 1
	}
	power := math.Pow(10, math.Floor(math.Log10(raw)))
	for _, k := range []float64{1, 2, 2.5, 5} {
		if power*k >= raw*0.999 {
			return power * k
		}
	}
	return power * 10
}

// ZeroBased is the end of an axis from 0 that shows values up to greatest with
// some room above them, on a tick or half-way between two. It is 1 when all
// values are 0.
func ZeroBased(greatest float64) float64 {
	if !(greatest > 0) || math.IsInf(greatest, 0) {
		return 1
	}
	s := step(greatest, 10)
	return math.Ceil(greatest*1.03/s-1e-9) * s
}

// Clock gives ticks of elapsed seconds as 0:30, or "5 s" while all is within
// two minutes.
type Clock struct{}

// clockSteps are distances of ticks that people count time in, in seconds.
var clockSteps = []float64{1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200}

// clockTicks is the most ticks that Clock gives up to eight hours or so.
const clockTicks = 10

// Ticks implements plot.Ticker.
func (Clock) Ticks(least, greatest float64) (ticks []plot.Tick) {
	s := clockSteps[0]
	for _, c := range clockSteps {
		s = c
		if (greatest-least)/c <= clockTicks {
			break
		}
	}
	if greatest-least <= 2 { // less than two ticks otherwise
		s = 0.5
	}
	for i := math.Ceil(least/s - 1e-9); i*s <= greatest+s*1e-9; i++ {
		ticks = append(ticks, plot.Tick{Value: i*s + 0, Label: clock(i*s+0, greatest)}) // no "-0 s", as in Nice
	}
	return ticks
}

func clock(seconds, greatest float64) string {
	if greatest <= 120 {
		return strconv.FormatFloat(seconds, 'g', 4, 64) + " s"
	}
	whole := int(math.Round(seconds))
	if greatest <= 3600 {
		return fmt.Sprintf("%d:%02d", whole/60, whole%60)
	}
	return fmt.Sprintf("%d:%02d:%02d", whole/3600, whole/60%60, whole%60)
}

// Log labels 1, 2 and 5 of each decade while the range is short, else only the decades;
// a range below narrowLog has ticks as on a linear axis. (plot.LogTicks may label none.)
type Log struct{ Format func(float64) string }

// narrowLog is the ratio of a range in which 1, 2 and 5 may be but two ticks.
const narrowLog = 3

// Ticks implements plot.Ticker. Both bounds are above 0, as a log axis asks.
func (t Log) Ticks(least, greatest float64) (ticks []plot.Tick) {
	if greatest < narrowLog*least {
		return Nice{Count: 4, Format: t.Format}.Ticks(least, greatest)
	}
	decades := math.Log10(greatest / least)
	for e := math.Floor(math.Log10(least)); e <= math.Ceil(math.Log10(greatest)); e++ {
		for m := 1.0; m < 10; m++ {
			v := m * math.Pow(10, e)
			if v < least*0.999 || v > greatest*1.001 {
				continue
			}
			label := ""
			if m == 1 || decades < 2.2 && (m == 2 || m == 5) {
				label = t.Format(v)
			}
			ticks = append(ticks, plot.Tick{Value: v, Label: label})
		}
	}
	return ticks
}

// LogBounds widens a range of values above 0 to ticks that Log labels: whole
// decades, or 1, 2 and 5 when the range is short. Values are at least 1.
func LogBounds(least, greatest float64) (low, high float64) {
	least = math.Max(least, 1)
	greatest = math.Max(greatest, least)
	low, high = below(least), above(greatest)
	if low == high {
		high = above(high * 1.01)
	}
	if high/low > 100 {
		low = math.Pow(10, math.Floor(math.Log10(low)+1e-9))
		high = math.Pow(10, math.Ceil(math.Log10(high)-1e-9))
	}
	return low, high
}

// below is the greatest 1, 2 or 5 times a power of ten that is at most v.
func below(v float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, k := range []float64{10, 5, 2} {
		if power*k <= v {
			return power * k
		}
	}
	return power
}

// above is the least 1, 2 or 5 times a power of ten that is at least v.
func above(v float64) float64 {
	power := math.Pow(10, math.Floor(math.Log10(v)))
	for _, k := range []float64{1, 2, 5} {
		if power*k >= v {
			return power * k
		}
	}
	return power * 10
}

// Nines is where a quantile stands on the axis of percentiles: 0 at 0, 0.9 at
// 1, 0.99 at 2, 0.999 at 3.
func Nines(quantile float64) float64 { return -math.Log10(1 - quantile) }

// Quantile is the inverse of Nines.
func Quantile(nines float64) float64 { return 1 - math.Pow(10, -nines) }

// NinesTicks are the ticks of the axis of percentiles, up to greatest nines.
func NinesTicks(greatest float64) plot.ConstantTicks {
	ticks := plot.ConstantTicks{{Value: 0, Label: "0%"}}
	if greatest < 6 { // beyond, its label touches that of 0%
		ticks = append(ticks, plot.Tick{Value: Nines(0.5), Label: "50%"})
	}
	label := "90%"
	for n := 1.0; n <= greatest+1e-9; n++ {
		ticks = append(ticks, plot.Tick{Value: n, Label: label})
		switch n {
		case 1:
			label = "99%"
		case 2:
			label = "99.9%"
		default:
			label = label[:len(label)-1] + "9%"
		}
	}
	return ticks
}

// SI writes 1200 as 1.2k.
func SI(v float64) string {
	for _, s := range []struct {
		factor float64
		suffix string
	}{{1e9, "G"}, {1e6, "M"}, {1e3, "k"}} {
		if math.Abs(v) >= s.factor {
			return strconv.FormatFloat(v/s.factor, 'g', 4, 64) + s.suffix
		}
	}
	return strconv.FormatFloat(v, 'g', 4, 64)
}

// Nanoseconds writes a duration given in nanoseconds, such as a tick's, with
// the unit that suits it and no more digits than it has.
func Nanoseconds(v float64) string {
	for _, u := range []struct {
		ns   float64
		name string
	}{{1e9, "s"}, {1e6, "ms"}, {1e3, "\u00b5s"}} {
		if v >= u.ns*0.9999 {
			return strconv.FormatFloat(v/u.ns, 'g', 4, 64) + " " + u.name
		}
	}
	if v == 0 {
		return "0"
	}
	return strconv.FormatFloat(v, 'g', 4, 64) + " ns"
}
