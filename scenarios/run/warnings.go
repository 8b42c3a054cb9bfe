package run

import (
	"fmt"
	"time"

	"brokerlab/results/quantity"
	"brokerlab/scenarios/spec"
)

// measuredMin is the measured window below which a result is warned about.
const measuredMin = 300 * time.Millisecond

// warnings are what a reader must know of a repeat that has ended.
func (r *repeat) warnings(window time.Duration) (all []string) {
	warn := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	if first := r.firstError(); first != nil {
		warn("%s failed, for example: %v", quantity.Plural(int64(r.found.Failed), "record"), first)
	}
	if r.late {
		warn("producers had not finished within load.drain %v: what they had sent and was not acknowledged by then was "+
			"given up, and counts as failed", r.s.Load.Drain)
	}
	if r.cutOff {
		length := seriesOf(r.producers, inLoad).Length()
		warn("interrupted after %v of the load", length.Round(time.Millisecond))
	} else if window < measuredMin {
		warn("only %v were measured after the warm-up of %v: raise load.max-bytes or load.duration",
			window.Round(time.Millisecond), r.s.Load.Warmup)
	}
	for _, c := range r.producers {
		all = append(all, c.lateWarnings()...)
	}
	all = append(all, r.searchWarnings()...)
	all = append(all, r.notes...)
	for _, c := range r.consumers {
		all = append(all, r.readWarnings(c)...)
	}
	if r.found.Deleted > 0 {
		warn("retention deleted %s acknowledged records before they were read back: they are neither checked nor counted "+
			"as lost", quantity.Count(int64(r.found.Deleted)))
	}
	for _, example := range r.found.Examples.All() {
		warn("read back: %s", example)
	}
	return all
}

// firstError is why a record failed, if one did.
func (r *repeat) firstError() error {
	for _, c := range r.producers {
		for _, p := range c.produced {
			if p.FirstError != nil {
				return p.FirstError
			}
		}
	}
	return nil
}

// lateWarnings tell of records that were not sent. What late ones mean for a result is
// told by results/selfcheck.
func (c *clients) lateWarnings() (all []string) {
	of := ""
	if c.name != "" {
		of = " of group " + c.name
	}
	l := &c.s.Load
	var due, unsent int64 // of the measured window
	for i, t := range c.shared.Series.Intervals() {
		if !t.Warmup {
			of, not := offered([]*clients{c}, i)
			due, unsent = due+of, unsent+not
		}
	}
	if unsent > 0 {
		why := fmt.Sprintf("they came due while a producer was stalled, more than load.tolerance %v before it went on",
			l.Tolerance+l.Slack)
		remedy := "load.catch-up: true sends them, late, and counts the delay"
		if l.CatchUp {
			why, remedy = "the load, or load.drain, ended before the producers had caught up", "see why it did"
		}
		all = append(all, fmt.Sprintf("%s%s (%s of those due) were not sent: %s; percentiles leave "+
			"them out and are lower than they should be: %s", quantity.Plural(unsent, "record"), of,
			quantity.Percent(float64(unsent)/float64(due)), why, remedy))
	}
	return all
}

// readWarnings tell what a group of consumers did not read, or not as it was meant.
func (r *repeat) readWarnings(c *clients) (all []string) {
	warn := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }
	var unread int64
	for _, one := range c.consumed {
		unread += one.Unread
	}
	if unread > 0 {
		when := fmt.Sprintf("load.drain %v after the load or the reading had ended", r.s.Load.Drain)
		if c.hurried {
			when = "since the run was stopped"
		}
		warn("%s had %s left to read when they gave up, %s; no loss: the read-back has checked them", c.called(),
			quantity.Plural(unread, "record"), when)
	}
	if n := c.shared.Skipped.Load(); n > 0 {
		warn("retention deleted %s before %s came to them", quantity.Plural(n, "record"), c.called())
	}
	if !c.shared.Backlog || c.count == 0 {
		return all
	}
	_, _, took := sum(c.shared.Reading, false)
	switch {
	case c.s.Consumers.Read == spec.ReadCold && r.stage.plain:
		warn("consumers.read cold: the plain simulated disk has no page cache, so that nothing is cold")
	case took < measuredMin && !r.live.stopped():
		warn("the backlog was read within %v, connecting included: raise load.duration or load.max-bytes",
			took.Round(time.Millisecond))
	}
	return all
}
