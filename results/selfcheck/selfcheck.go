// Package selfcheck says of a cell when its figures are not to be trusted and why:
// made from what the run left, and nothing else. It is pure, and it judges no broker,
// only the measuring.
//
// A finding is Untrusted where the figures would be others without what was found;
// else it is a reason to read them with care. What is not known makes no finding: a
// check that could not be made is silent, and the absence of findings is no proof.
package selfcheck

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"brokerlab/results"
	"brokerlab/results/quantity"
)

// Checks, by their names in results.Finding.
const (
	Generator = "generator" // the generator was the bottleneck
	Steady    = "steady"    // a step or a trend in the measured window
	WarmUp    = "warm-up"   // the beginning of the measured window differs from the rest
	Machine   = "machine"   // others used it, or it was slowed down
	Clock     = "clock"     // the wall clock jumped, or the machine slept
	Disk      = "disk"      // it was throttled
	Space     = "space"     // the file system is nearly full
	Overflow  = "overflow"  // latencies outside the histogram's range
	Samples   = "samples"   // fewer than a percentile needs
	Repeats   = "repeats"   // fewer than an interval needs
)

// Input is what a cell left.
type Input struct {
	Cell     *results.Cell
	Activity []results.Activity // of all its repeats
	Rates    []Series           // of each repeat; may be empty
}

// Series are the records that were acknowledged a second, in spans that are finer
// than seconds, within the measured window of one repeat.
type Series struct {
	StartS float64 // since the load began
	EveryS float64
	Values []float64
}

// Of gives the findings about a cell, those that make it untrusted first.
func Of(in Input) []results.Finding {
	if len(in.Cell.Repeats) == 0 {
		return nil
	}
	var all []results.Finding
	for _, check := range []func(Input) []results.Finding{
		generator, steadiness, machine, clocks, disks, space, overflow, samples, repeats,
	} {
		all = append(all, check(in)...)
	}
	slices.SortStableFunc(all, func(a, b results.Finding) int { return rank(a) - rank(b) })
	return all
}

func rank(f results.Finding) int {
	if f.Untrusted {
		return 0
	}
	return 1
}

// finding makes one.
func finding(check string, untrusted bool, format string, args ...any) results.Finding {
	return results.Finding{Check: check, Untrusted: untrusted, Message: fmt.Sprintf(format, args...)}
}

// among says in which repeat something was seen, where there are several: " (in
// repeat 2 of 3)", " (in 3 of 5 repeats; worst in repeat 2)".
func among(repeats, seen, worst int) string {
	switch {
	case repeats <= 1:
		return ""
	case seen == 1:
		return fmt.Sprintf(" (in repeat %d of %d)", worst, repeats)
	}
	return fmt.Sprintf(" (in %d of %d repeats, this in number %d)", seen, repeats, worst)
}

// Shares of records that were late or never sent. A p99 is of the last hundredth, so
// that a hundredth of late records can be all of it.
const (
	lateShare   = 0.01
	unsentShare = 0.01
)

// busyShare is the share of its time from which a resource of the brokers counts as
// busy, so that the generator had reason to wait.
const busyShare = 0.5

// generator: an open loop whose records were not sent when they were due, a closed one
// that was bounded by its clients. Clients of Kafka are part of what is measured, so
// that a rate which they bound is to be read with care; one that the making of records
// bounds is none.
func generator(in Input) []results.Finding {
	c := in.Cell
	if c.Load == results.LoadOpen {
		return late(c)
	}
	b := c.Bound
	if b != nil && b.Resource == results.BoundCPU && c.Target == results.TargetReal {
		if own := generating(c); own >= ownShare { // it shares the processors with the brokers
			return []results.Finding{finding(Generator, true, "the generator was the bottleneck: the processors worked "+
				"for %s of the time, %s of it to make and measure records; choose a payload that costs less to make "+
				"(records.payload)", quantity.Percent(b.Share), quantity.Percent(own))}
		}
		return nil
	}
	if b == nil || b.Resource != results.BoundClientCPU && b.Resource != results.BoundClientThread {
		return nil
	}
	busiest, what := brokersBusy(c)
	idle := ""
	if busiest < busyShare {
		idle = fmt.Sprintf(", and nothing of the brokers for more than %s%s", quantity.Percent(busiest), what)
	}
	if own := generating(c); own >= ownShare {
		return []results.Finding{finding(Generator, true, "the generator was the bottleneck: %s worked for %s of the "+
			"time%s, %s of it to make and measure records: the rate is the generator's; raise producers.count", b.Node,
			quantity.Percent(b.Share), idle, quantity.Percent(own))}
	}
	return []results.Finding{finding(Generator, false, "the clients were the bottleneck: %s worked for %s of the time%s: "+
		"the rate is what these clients make, not what the brokers take; raise producers.count to see that", b.Node,
		quantity.Percent(b.Share), idle)}
}

// ownShare is the part of the clients' work from which a rate is the generator's own.
const ownShare = 0.5

// Parts of the processor's work that are the generator's own, as runs name them.
const (
	partGenerator = "generator"
	partMeasuring = "measuring"
)

// generating is the share of the clients' work, or of all work where sides are not
// told apart, that is the generator's own: a client of Kafka would not do it.
func generating(c *results.Cell) float64 {
	var all, own float64
	for _, p := range slices.Concat(c.CPUParts, c.Wall.CPUParts) {
		if p.Side == results.SideBrokers {
			continue
		}
		all += p.Seconds
		if p.Name == partGenerator || p.Name == partMeasuring {
			own += p.Seconds
		}
	}
	if all == 0 {
		return 0
	}
	return own / all
}

// brokersBusy is the share of the window for which the busiest resource of the
// brokers was used, and which one it is.
func brokersBusy(c *results.Cell) (share float64, what string) {
	consider := func(busy float64, name string) {
		if busy > share {
			share, what = busy, " ("+name+")"
		}
	}
	if c.Disk != nil {
		consider(c.Disk.Busy, "a disk")
	}
	if c.Network != nil {
		consider(c.Network.Busy, "the network")
	}
	if c.CPU != nil {
		consider(c.CPU.Busy, "processors")
	}
	return share, what
}

// late looks at what an open loop did not send in time. Latency counts from the instant
// at which a record was due, so that lateness is in it: by how much a p99 may be greater
// for it is measured as a change of a latency is.
func late(c *results.Cell) []results.Finding {
	due := float64(c.Sent + c.Unsent)
	if due == 0 {
		return nil
	}
	lateOf, unsentOf := float64(c.Late)/due, float64(c.Unsent)/due
	adds := lateAdds(c)
	tooLate, tooMany := lateOf >= lateShare && adds >= latencyLimits.care, unsentOf >= unsentShare
	if !tooLate && !tooMany {
		return nil
	}
	var parts []string
	if tooLate {
		parts = append(parts, fmt.Sprintf("%s of the records were sent late, at worst by %s", quantity.Percent(lateOf),
			quantity.Duration(c.LateMax)))
	}
	if tooMany {
		parts = append(parts, fmt.Sprintf("%s were due and never sent", quantity.Percent(unsentOf)))
	}
	what := strings.Join(parts, ", and ")
	untrusted := tooMany || adds >= latencyLimits.untrusted
	lower := "lower load.rate"
	if c.Searched {
		lower = "give load.rate less than was found"
	}
	switch b := c.Bound; {
	case b != nil && (b.Resource == results.BoundDisk || b.Resource == results.BoundPageCache ||
		b.Resource == results.BoundNetwork):
		return []results.Finding{finding(Generator, false, "the brokers did not take the offered rate, so that %s: "+
			"latency counts from the instant at which each was due; %s to see that of a rate that they take", what, lower)}
	case b != nil && b.Resource == results.BoundCPU && c.Target == results.TargetReal:
		return []results.Finding{finding(Generator, untrusted, "the machine's processors were busy, which generator and "+
			"brokers share: %s; %s", what, lower)}
	case b != nil && b.Resource == results.BoundCPU:
		return []results.Finding{finding(Generator, false, "the brokers' processors did not keep up, so that %s: latency "+
			"counts from the instant at which each was due", what)}
	case others(c).worst >= othersLimits.untrusted:
		return []results.Finding{finding(Generator, untrusted, "the generator was late since other programs used the "+
			"processors: %s; run again without them", what)}
	case c.Target == results.TargetReal && !untrusted:
		return []results.Finding{finding(Generator, false, "the generator was late: %s, which is in the latencies, while "+
			"nothing was busy all the time: a machine that wakes programs late does that, and so do other programs; %s, "+
			"or use a quieter machine", what, lower)}
	}
	return []results.Finding{finding(Generator, untrusted, "the generator was the bottleneck: %s, while nothing of the "+
		"brokers was busy all the time; raise producers.count or %s", what, lower)}
}

// lateAdds is the part by which the produce p99 may be greater than that of a generator
// that is never late: infinite where it is not known.
func lateAdds(c *results.Cell) float64 {
	p99 := c.Latency[results.Produce].P99
	if p99 <= c.LateMax {
		return math.Inf(1)
	}
	return float64(c.LateMax) / float64(p99-c.LateMax)
}
