package spec

import (
	"fmt"
	"slices"

	"brokerlab/workloads/arrival"
)

// idle is the rule that a setting is the default unless something uses it: another
// value, or a sweep of them, that does nothing in any cell is a mistake.
type idle struct {
	path    string
	used    func(*Load) bool
	without string // what it does nothing without
}

// eachIdle calls with the settings that do nothing in a scenario: that of one group
// in it, that of all in none of them; changed says that it is not the default.
func eachIdle(s *Scenario, call func(paths []string, message string, changed bool)) {
	kind := kindOfGroups("producers")
	plain := Default("")
	for _, rule := range idleSettings {
		st := settingByPath[rule.path]
		changed := func(s *Scenario) bool { return st.format(s) != st.format(&plain) }
		shared, used := false, false
		for _, g := range s.ProducerGroups() {
			own := (&contradiction{paths: []string{rule.path}}).pathsOf(kind, g.Name, s.Producers.Groups)
			switch {
			case len(own) == 1:
				shared, used = true, used || rule.used(&g.Load)
			case !rule.used(&g.Load):
				call(own, "group "+g.Name+": does nothing "+rule.without, changed(&g.Scenario))
			}
		}
		if shared && !used {
			call([]string{rule.path}, "does nothing "+rule.without, changed(s))
		}
	}
}

// idleArrivals are the rules of settings that belong to one arrival.
func idleArrivals(arrival string, paths ...string) (all []idle) {
	for _, path := range paths {
		all = append(all, idle{path, func(l *Load) bool { return l.Arrival == arrival },
			"without load.arrival: " + arrival})
	}
	return all
}

// loadContradictions are the rules of how records come due.
var loadContradictions = []contradiction{
	{[]string{"load.arrival", "load.rate"}, func(s *Scenario) string {
		if s.Load.Arrival != ArrivalPoisson || !s.Load.Closed() {
			return ""
		}
		return "poisson needs a rate: load.rate max sends as fast as the producers go, and no record is due before another"
	}},
	{[]string{"load.rate", "load.arrival"}, func(s *Scenario) string {
		if !s.Load.Searched() || !s.Load.Curved() {
			return ""
		}
		return "sustainable looks for one rate, and " + s.Load.Arrival + " has rates of its own: " +
			"say load.arrival constant or poisson"
	}},
	{[]string{"load.rate", "load.warmup.rate"}, func(s *Scenario) string {
		if !s.Load.Searched() || s.Load.WarmupRate == RateSame {
			return ""
		}
		return "sustainable looks for the rate in the warm-up, which cannot have one of its own"
	}},
	{[]string{"load.warmup", "load.rate"}, func(s *Scenario) string {
		if !s.Load.Searched() || s.Load.Warmup >= arrival.SearchLengthMin {
			return ""
		}
		return fmt.Sprintf("sustainable looks for the rate in the warm-up, which takes %s at least, in %d steps, and "+
			"has %s; "+
			"load.duration includes it", formatSpan(arrival.SearchLengthMin), arrival.PeriodsOfSearch, formatSpan(s.Load.Warmup))
	}},
	{[]string{"load.arrival", "load.steps"}, func(s *Scenario) string {
		if s.Load.Arrival != ArrivalSteps || len(s.Load.Steps) > 0 {
			return ""
		}
		return "steps needs load.steps, such as [1000/s for 10s, 5000/s]"
	}},
	{[]string{"load.arrival", "load.curve"}, func(s *Scenario) string {
		if s.Load.Arrival != ArrivalReplay || s.Load.Curve != "" {
			return ""
		}
		return "replay needs load.curve, a CSV file with a time and a rate in each line"
	}},
	{[]string{"load.steps", "load.duration"}, func(s *Scenario) string {
		if s.Load.Arrival != ArrivalSteps || len(s.Load.Steps) == 0 {
			return ""
		}
		if !slices.ContainsFunc(s.Load.Steps, func(st Step) bool { return st.Rate > 0 }) {
			return "no step has a rate above 0/s"
		}
		if _, err := s.Load.SpacedSteps(); err != nil {
			return err.Error()
		}
		return ""
	}},
	{[]string{"load.ramp.to", "load.ramp.from", "load.arrival"}, func(s *Scenario) string {
		if s.Load.Arrival != ArrivalRamp || s.Load.RampFrom != s.Load.RampTo {
			return ""
		}
		return fmt.Sprintf("a ramp from %s to the same rate is none: say load.arrival: constant",
			pieceRate.format(s.Load.RampFrom))
	}},
	{[]string{"load.ramp.length", "load.duration"}, func(s *Scenario) string {
		if s.Load.Arrival != ArrivalRamp || s.Load.RampLength <= s.Load.CurveLength() {
			return ""
		}
		return fmt.Sprintf("a ramp of %s does not end within %s", formatSpan(s.Load.RampLength), s.Load.curveSpan())
	}},
	{[]string{"load.burst.rate", "load.burst.base", "load.arrival"}, func(s *Scenario) string {
		if s.Load.Arrival != ArrivalBursts || s.Load.BurstRate > s.Load.BurstBase {
			return ""
		}
		return fmt.Sprintf("a burst of %s is not above burst.base %s", pieceRate.format(s.Load.BurstRate),
			pieceRate.format(s.Load.BurstBase))
	}},
	{[]string{"load.burst.length", "load.burst.every", "load.arrival"}, func(s *Scenario) string {
		if s.Load.Arrival != ArrivalBursts || s.Load.BurstLength < s.Load.BurstEvery {
			return ""
		}
		return fmt.Sprintf("bursts of %s every %s leave nothing between them", formatSpan(s.Load.BurstLength),
			formatSpan(s.Load.BurstEvery))
	}},
	{[]string{"load.burst.every", "load.duration", "load.arrival"}, func(s *Scenario) string {
		if s.Load.Arrival != ArrivalBursts || s.Load.BurstEvery <= s.Load.CurveLength() {
			return ""
		}
		return fmt.Sprintf("the first burst ends after %s, which is not within %s", formatSpan(s.Load.BurstEvery),
			s.Load.curveSpan())
	}},
}

// searchContradictions are the rules of a rate that is looked for, about all groups: it is
// that with which all of them keep up.
var searchContradictions = []contradiction{
	{[]string{"load.rate", "producers.groups"}, func(s *Scenario) string {
		searched, groups := false, 0
		for _, g := range s.ProducerGroups() {
			if g.Producers.Count > 0 {
				searched, groups = searched || g.Load.Searched(), groups+1
			}
		}
		if !searched || groups == 1 {
			return ""
		}
		return fmt.Sprintf("sustainable is a rate of one group of producers, and there are %d: which of them were to send "+
			"less?", groups)
	}},
	{[]string{"load.rate", "consumers.read", "consumers.start"}, func(s *Scenario) string {
		searched := slices.ContainsFunc(s.ProducerGroups(), func(g GroupScenario) bool { return g.Load.Searched() })
		for _, g := range s.ConsumerGroups() {
			if searched && g.Consumers.Count > 0 && (g.Consumers.Read != ReadTail || g.Consumers.Start > 0) {
				return "sustainable is a rate that consumers keep up with: they read along from the start (read tail, start 0s)"
			}
		}
		return ""
	}},
}

// idleSettings are the rules of settings that do nothing, which is a fault if it is so
// in every cell: a sweep may well have cells in which they do something.
var idleSettings = append([]idle{
	{"load.spacing", func(l *Load) bool { return !l.Closed() && l.Arrival != ArrivalPoisson },
		"without a rate to space out, and load.arrival: poisson says it already"},
	{"load.catch-up", func(l *Load) bool { return !l.Closed() },
		"at full speed, where no record is due before another: give load.rate"},
	{"load.tolerance", func(l *Load) bool { return !l.Closed() && !l.CatchUp },
		"at full speed, where nothing is late, nor with load.catch-up, which sends all that is late"},
}, slices.Concat(
	idleArrivals(ArrivalSteps, "load.steps"),
	idleArrivals(ArrivalRamp, "load.ramp.from", "load.ramp.to", "load.ramp.length"),
	idleArrivals(ArrivalBursts, "load.burst.rate", "load.burst.base", "load.burst.length", "load.burst.every"),
	idleArrivals(ArrivalReplay, "load.curve", "load.curve.end"),
)...)
