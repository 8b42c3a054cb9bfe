package selfcheck

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"brokerlab/results"
	"brokerlab/results/quantity"
	"brokerlab/results/stats"
)

// Shares of the machine's processors in the measured window: what others used, what a
// host gave to other virtual machines, and what a limit held back. A twentieth moves a
// rate that processors bound by as much, which is the size of noise; three of them no
// repeat makes good.
var (
	othersLimits   = limits{care: 0.05, untrusted: 0.15}
	stealLimits    = limits{care: 0.01, untrusted: 0.05}
	heldBackLimits = limits{care: 0.01, untrusted: 0.05}
)

// swapLimit is from how many pages (4 KiB) moved to or from swap on a repeat is not to
// be used: a megabyte, each page of it a wait for a disk.
const swapLimit = 256

// slowedShare is the part of its greatest clock below which the fastest core counts as
// slowed down.
const slowedShare = 0.8

// seen is the worst of the repeats in which something was found.
type seen struct {
	worst  float64
	repeat int // counts from 1
	count  int
}

func (s *seen) add(repeat int, v, care float64) {
	if v < care {
		return
	}
	s.count++
	if v > s.worst {
		s.worst, s.repeat = v, repeat
	}
}

// eachSurroundings adds up a figure over the repeats that tell it.
func eachSurroundings(c *results.Cell, care float64, of func(*results.Surroundings) float64) (s seen) {
	for i := range c.Repeats {
		if a := c.Repeats[i].Wall.Surroundings; a != nil && a.Seconds > 0 && a.Cores > 0 {
			s.add(i+1, of(a), care)
		}
	}
	return s
}

// machine: other programs, the host of a virtual machine, a container's limit, swap
// and heat.
func machine(in Input) (out []results.Finding) {
	c := in.Cell
	s := others(c)
	if s.count > 0 {
		a := c.Repeats[s.repeat-1].Wall.Surroundings
		out = append(out, finding(Machine, s.worst >= othersLimits.untrusted, "other programs used %s of the processors%s%s:"+
			" run again without them", quantity.Percent(s.worst), busiest(a), among(len(c.Repeats), s.count, s.repeat)))
	}
	s = eachSurroundings(c, stealLimits.care, func(a *results.Surroundings) float64 { return ofCores(a.StealS, a) })
	if s.count > 0 {
		out = append(out, finding(Machine, s.worst >= stealLimits.untrusted, "the host gave %s of this virtual machine's "+
			"processors to others (steal)%s: run at another time or on another machine", quantity.Percent(s.worst),
			among(len(c.Repeats), s.count, s.repeat)))
	}
	s = eachSurroundings(c, heldBackLimits.care, func(a *results.Surroundings) float64 { return a.HeldBackS / a.Seconds })
	if s.count > 0 {
		out = append(out, finding(Machine, s.worst >= heldBackLimits.untrusted, "the control group's limit of processor "+
			"time held this process back for %s of the window%s: raise the container's limit, or lower the load",
			quantity.Percent(s.worst), among(len(c.Repeats), s.count, s.repeat)))
	}
	s = eachSurroundings(c, 1, func(a *results.Surroundings) float64 { return float64(a.SwappedPages) })
	if s.count > 0 {
		out = append(out, finding(Machine, s.worst >= swapLimit, "memory ran short: %.0f pages went to or came from swap%s: "+
			"free memory, or lower buffer.memory and the number of clients", s.worst, among(len(c.Repeats), s.count, s.repeat)))
	}
	return append(out, slowed(c)...)
}

// ofCores is the share of all processors that so many seconds of work are.
func ofCores(cpuS float64, a *results.Surroundings) float64 {
	return cpuS / a.Seconds / float64(a.Cores)
}

// others is what other programs used of the processors.
func others(c *results.Cell) seen {
	return eachSurroundings(c, othersLimits.care, func(a *results.Surroundings) float64 {
		return ofCores(a.OthersCPUS, a)
	})
}

// busiest names the other program that used most, or says that those which did have
// ended since: they are not among those that run at the end.
func busiest(a *results.Surroundings) string {
	words := ""
	switch {
	case a.BusiestCPUS < a.OthersCPUS/2 && !a.KernelAmongThem:
		words = ", most of it programs that have ended since"
	case a.Busiest != "":
		words = fmt.Sprintf(", the busiest of them %s (%.2g of %d cores)", a.Busiest, a.BusiestCPUS/a.Seconds, a.Cores)
	}
	if a.KernelAmongThem {
		words += ", threads of the kernel among them"
	}
	return words
}

// slowed: heat, and clocks that fell.
func slowed(c *results.Cell) (out []results.Finding) {
	s := eachSurroundings(c, 1, func(a *results.Surroundings) float64 { return float64(a.Overheated) })
	if s.count > 0 {
		out = append(out, finding(Machine, true, "processors were too hot and slowed down, %.0f times%s: cool the "+
			"machine, or lower the load", s.worst, among(len(c.Repeats), s.count, s.repeat)))
	}
	s = eachSurroundings(c, 1-slowedShare, func(a *results.Surroundings) float64 {
		if a.FrequencyHighMHz <= 0 {
			return 0
		}
		return 1 - a.FrequencyLowMHz/a.FrequencyHighMHz
	})
	if s.count > 0 {
		a := c.Repeats[s.repeat-1].Wall.Surroundings
		out = append(out, finding(Machine, false, "the processors' clock varied between %.0f and %.0f MHz%s: set the "+
			"governor to performance, or run longer", a.FrequencyLowMHz, a.FrequencyHighMHz,
			among(len(c.Repeats), s.count, s.repeat)))
	}
	return out
}

// slewPPM is how fast a wall clock may be corrected without a step: Linux's adjtimex
// slews by at most 500 millionths; clockSlackNS is what two reads of clocks are apart.
const (
	slewPPM      = 500
	clockSlackNS = 1_000_000
)

// clocks: a wall clock that was set does not touch latencies, which have their own, but
// time stamps, retention and time indexes. A machine that slept was not measuring.
func clocks(in Input) (out []results.Finding) {
	c := in.Cell
	s := eachSurroundings(c, 1, func(a *results.Surroundings) float64 {
		allowed := a.Seconds*1e9*slewPPM/1e6 + clockSlackNS
		return math.Max(0, math.Abs(float64(a.ClockStepNS))-allowed) / clockSlackNS
	})
	if s.count > 0 {
		a := c.Repeats[s.repeat-1].Wall.Surroundings
		out = append(out, finding(Clock, false, "the wall clock jumped by %s%s: time stamps of records are off, "+
			"latencies are not, which have a monotonic clock", quantity.Duration(int64(math.Abs(float64(a.ClockStepNS)))),
			among(len(c.Repeats), s.count, s.repeat)))
	}
	s = eachSurroundings(c, 1, func(a *results.Surroundings) float64 { return float64(a.SuspendedNS) / 1e6 })
	if s.count > 0 {
		out = append(out, finding(Clock, true, "the machine slept for %s in the measured window%s",
			quantity.Duration(int64(s.worst*1e6)), among(len(c.Repeats), s.count, s.repeat)))
	}
	return out
}

// freeMin is the free part of a file system below which it counts as nearly full: what
// ext4 keeps for the superuser by default, and where allocators begin to search.
const freeMin = 0.05

func space(in Input) []results.Finding {
	c := in.Cell
	for i := range c.Repeats {
		a := c.Repeats[i].Wall.Surroundings
		if a != nil && a.FreeShare > 0 && a.FreeShare < freeMin {
			return []results.Finding{finding(Space, false, "%s of the file system with the logs was free at the end%s: file "+
				"systems that are nearly full are slower; free space, or use another one", quantity.Percent(a.FreeShare),
				among(len(c.Repeats), 1, i+1))}
		}
	}
	return nil
}

// The disk is looked at while it was busy, in spans of at least spanS; throttleFactor is
// how far its rate must fall, for good, to be called throttled, and it must have written
// throttleBytes before at a rate that a file system's journal alone does not make.
const (
	diskBusy       = 0.7
	diskSpanS      = 0.5
	throttleFactor = 2
	throttleBytes  = 64 << 20
)

// disks: what a disk gave while it was busy fell for good: burst credits of a cloud's
// volume, or the cache of a drive, were used up.
func disks(in Input) (out []results.Finding) {
	type fall struct {
		stats.Change
		disk   string
		repeat int
		atS    float64
	}
	var falls []fall
	tests := 0
	for i := range in.Activity {
		a := &in.Activity[i]
		for k := range a.Disks {
			rates, at := busyRates(a, &a.Disks[k])
			if len(rates) < stats.SeriesMin {
				continue
			}
			tests++
			got := stats.Steady(rates)
			if got.P < seriesAlarms && !got.Trend && got.Before >= throttleFactor*got.After &&
				got.Before*at[min(got.At, len(at)-1)] >= throttleBytes {
				falls = append(falls, fall{got, a.Disks[k].Name + " of " + a.Node, a.Repeat, at[min(got.At, len(at)-1)]})
			}
		}
	}
	alpha := min(seriesAlarms, falseAlarms/float64(max(1, tests)))
	falls = slices.DeleteFunc(falls, func(f fall) bool { return f.P >= alpha })
	if len(falls) == 0 {
		return nil
	}
	worst := slices.MaxFunc(falls, func(a, b fall) int { return cmp.Compare(a.Before/a.After, b.Before/b.After) })
	model := "its cache or its burst credits were used up, or it was throttled: "
	if in.Cell.Target == results.TargetSim {
		model = "the modelled drive's cache or burst credits were used up: "
	}
	return []results.Finding{finding(Disk, in.Cell.Target == results.TargetReal, "%s took %s while busy until %s of the "+
		"load and %s from then on%s: %sthe figures are of both; let load.warmup end after it, or keep the load below",
		worst.disk, bytesPerSecond(worst.Before), seconds(worst.atS), bytesPerSecond(worst.After),
		among(len(in.Cell.Repeats), len(falls), worst.repeat), model)}
}

// busyRates are the bytes a second that a disk moved in the spans of the measured
// window in which it was busy, and where each began, since the load did.
func busyRates(a *results.Activity, d *results.DiskActivity) (rates, at []float64) {
	each := max(1, int(math.Ceil(diskSpanS/a.EveryS-1e-9)))
	for from := 0; from+each <= len(d.Busy); from += each {
		start := a.StartS + float64(from)*a.EveryS
		if start < a.WarmupS || start+float64(each)*a.EveryS > a.EndS {
			continue
		}
		var bytes, busy float64
		for i := from; i < from+each; i++ {
			bytes += float64(d.BytesWritten[i] + d.BytesRead[i])
			busy += d.Busy[i]
		}
		if busy /= float64(each); busy >= diskBusy {
			rates = append(rates, bytes/(float64(each)*a.EveryS*busy))
			at = append(at, start)
		}
	}
	return rates, at
}

func bytesPerSecond(v float64) string { return quantity.Digits(v/1e6) + " MB/s" }
