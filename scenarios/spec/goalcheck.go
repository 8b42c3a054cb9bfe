package spec

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"brokerlab/results"

	yaml "go.yaml.in/yaml/v4"
)

const goalsKey = "goals"

// goalsMax bounds the goals of a scenario.
const goalsMax = 100

// GoalTarget is a cell that a goal is about, by its index among File.Placed, and the
// one that it is compared with: itself, unless the goal names another one.
type GoalTarget struct{ Cell, With int }

// PlannedGoal is a goal with the cells that it is about.
type PlannedGoal struct {
	*Goal
	Targets []GoalTarget
}

// goalList reads goals, after vary, exclude and the disks.
func (r *reader) goalList(p pair) {
	if isNull(p.value) {
		return
	}
	if p.value.Kind != yaml.SequenceNode {
		r.fail(at(p.value), goalsKey, "is a list, such as - p99(produce) < 10ms, not %s", kindOf(p.value))
		return
	}
	if n := len(p.value.Content); n > goalsMax {
		r.fail(at(p.value), goalsKey, "has %d goals; at most %d fit", n, goalsMax)
		return
	}
	for _, n := range p.value.Content {
		g := r.goalOf(n)
		if g == nil {
			continue
		}
		if slices.ContainsFunc(r.f.goals, func(o *Goal) bool { return o.Text == g.Text }) {
			r.fail(g.at, goalsKey, "lists %s twice", g.Text)
			continue
		}
		r.f.goals = append(r.f.goals, g)
	}
}

// goalOf reads a goal: its text, or a mapping of goal: and when:.
func (r *reader) goalOf(n *yaml.Node) *Goal {
	if n.Kind == yaml.ScalarNode && !isNull(n) {
		return r.goalText(n)
	}
	if n.Kind != yaml.MappingNode {
		r.fail(at(n), goalsKey, "is a goal such as p99(produce) < 10ms, not %s", kindOrEmpty(n))
		return nil
	}
	var g *Goal
	var when []Condition
	ok := true
	for _, p := range r.pairs(n, goalsKey) {
		switch {
		case p.key == "goal" && p.value.Kind == yaml.ScalarNode && !isNull(p.value):
			g = r.goalText(p.value)
			ok = ok && g != nil
		case p.key == "goal":
			r.fail(at(p.value), goalsKey+".goal", "is a text such as p99(produce) < 10ms, not %s", kindOrEmpty(p.value))
			ok = false
		case p.key == "when":
			var good bool
			if when, good = nil, true; r.varies {
				when, good = r.conditions(p.value, goalsKey+".when")
			}
			ok = ok && good
		default:
			r.fail(p.at, join(goalsKey, p.key), "is not understood: here belong goal and when%s",
				didYouMean(p.key, []string{"goal", "when"}))
			ok = false
		}
	}
	if ok && g == nil {
		r.fail(at(n), goalsKey, "has no goal: write {goal: p99(produce) < 10ms, when: {acks: all}}")
	}
	if !ok || g == nil {
		return nil
	}
	g.When = append(g.When, when...)
	g.Text = g.text()
	return g
}

// goalText reads the text of a goal and finds the labels that it names.
func (r *reader) goalText(n *yaml.Node) *Goal {
	g, err := ParseGoal(n.Value)
	if err == nil {
		g.at = at(n)
		if r.varies {
			err = r.f.resolveGoal(g)
		}
	}
	if err == nil {
		return g
	}
	o := at(n)
	if fault, ok := err.(*goalFault); ok && !strings.Contains(n.Value, "\n") &&
		n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) == 0 {
		o.column += fault.at
		if n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) != 0 {
			o.column++
		}
	}
	r.fail(o, goalsKey, "%v", err)
	return nil
}

func (f *File) resolveGoal(g *Goal) error {
	for _, list := range [][]Condition{g.When, g.Of} {
		for i := range list {
			c := &list[i]
			err := f.resolveCondition(c)
			if err != nil && c.Name != "" && (c.label != "" || c.setting != nil) {
				err = fmt.Errorf("%s: %w", c.Name, err)
			}
			if err != nil {
				return err
			}
		}
	}
	for _, c := range g.Of {
		itself := func(v variation) bool { return sameSetting(v.setting, c.setting) }
		if c.setting != nil && !slices.ContainsFunc(f.vary, itself) {
			return fmt.Errorf("%s does not vary by itself: compare by a label, one of %s", c.Name,
				strings.Join(append(f.labelNames(), diskKey), ", "))
		}
	}
	return nil
}

// AddGoal adds a goal of the command line, which is about the cells that other flags
// have left.
func (f *File) AddGoal(text string) error { return f.addGoal(text, origin{flag: goalFlag + text}) }

func (f *File) addGoal(text string, flag origin) error {
	g, err := ParseGoal(text)
	if err == nil {
		g.at = flag
		err = f.resolveGoal(g)
	}
	if err == nil && len(f.goals) == goalsMax {
		err = fmt.Errorf("at most %d goals fit", goalsMax)
	}
	if err != nil {
		return Errors{flag.fault(f.file, goalsKey, err.Error())}
	}
	if !slices.ContainsFunc(f.goals, func(o *Goal) bool { return o.Text == g.Text }) {
		f.goals = append(slices.Clone(f.goals), g)
	}
	return nil
}

// targets finds the cells that a goal is about, among those that run.
func (g *Goal) targets(f *File, all []Placed) (targets []GoalTarget, err error) {
	references := g.references(f, all)
	for i := range all {
		if !allHold(g.When, all[i].Cell, all[i].Disk) {
			continue
		}
		with := i
		if len(g.Of) > 0 {
			if with, err = g.reference(f, references[g.likeness(f, &all[i])], &all[i]); err != nil {
				return nil, err
			}
			if with == i {
				continue
			}
		}
		targets = append(targets, GoalTarget{Cell: i, With: with})
	}
	switch {
	case len(targets) > 0:
		return targets, nil
	case len(g.When) > 0:
		return nil, fmt.Errorf("no cell that runs has %s%s", conditionsText(g.When), f.leftOut(g.When))
	}
	return nil, fmt.Errorf("there is no other cell to compare with %s", conditionsText(g.Of))
}

// leftOut says that exclude leaves out cells that fulfil the conditions, if it does.
func (f *File) leftOut(conditions []Condition) string {
	if len(f.exclude) == 0 {
		return ""
	}
	cells, _, _ := f.combinations()
	for _, p := range f.Place(cells) {
		if allHold(conditions, p.Cell, p.Disk) && f.excluded(p.Cell, p.Disk) {
			return ": exclude leaves it out"
		}
	}
	return ""
}

// references are the cells that others may be compared with, by what those must have in
// common with them.
func (g *Goal) references(f *File, all []Placed) map[string][]int {
	of := make(map[string][]int)
	for i := range all {
		if len(g.Of) > 0 && allHold(g.Of, all[i].Cell, all[i].Disk) {
			key := g.likeness(f, &all[i])
			of[key] = append(of[key], i)
		}
	}
	return of
}

// likeness is what a cell has in common with the one that it is compared with: the values
// of its labels but for those of Of.
func (g *Goal) likeness(f *File, p *Placed) string {
	named := func(label string, st *setting) bool {
		return slices.ContainsFunc(g.Of, func(c Condition) bool {
			return c.label == label || sameSetting(c.setting, st)
		})
	}
	var values []string
	if !named(diskKey, nil) {
		values = append(values, p.Disk)
	}
	for i, l := range p.Cell.Labels {
		if !named(l.Name, f.vary[i].setting) {
			values = append(values, l.Value)
		}
	}
	return strings.Join(values, "\n") // which no value holds
}

// reference is the one of the cells that another one is compared with.
func (g *Goal) reference(f *File, found []int, p *Placed) (int, error) {
	of := conditionsText(g.Of)
	switch {
	case len(found) == 0:
		return 0, fmt.Errorf("no cell that runs has %s and is else like cell %s%s", of, p.name(), f.leftOut(g.Of))
	case len(found) > 1:
		return 0, fmt.Errorf("%d cells have %s and are else like cell %s: name one", len(found), of, p.name())
	}
	return found[0], nil
}

// figureFault says why a figure has no value in a cell, or "".
type figureFault struct {
	sections []string // that it looks at; the settings of the run are of ""
	says     func(x *Figure, s *Scenario, disk string) string
}

var figureFaults = []figureFault{
	{[]string{"producers", "consumers"}, groupFault},
	{[]string{"consumers"}, func(x *Figure, s *Scenario, _ string) string {
		if !x.OfConsumers() || slices.ContainsFunc(s.ConsumerGroups(), func(g GroupScenario) bool {
			return g.Consumers.Count > 0 && (x.Group == "" || g.Name == x.Group)
		}) {
			return ""
		}
		return fmt.Sprintf("there is no %s: nobody consumes (consumers.count is 0)", x)
	}},
	{[]string{"topic", "producers", "consumers", "records", "load"}, func(x *Figure, s *Scenario, _ string) string {
		if x.Latency != "fsync" || s.flushes() {
			return ""
		}
		return fmt.Sprintf("there is no %s: flush.messages and flush.ms are never, and no log grows to segment.bytes %s",
			x, formatBytes(s.Topic.SegmentBytes))
	}},
	{nil, func(x *Figure, _ *Scenario, disk string) string {
		if x.Name != "cpu_s_per_gb" || strings.HasPrefix(disk, diskDir) {
			return ""
		}
		return "cpu_s_per_gb is of real runs only, and " + disk + " is simulated"
	}},
}

// inDoubt says whether a setting of one of the sections could not be read.
func (f *File) inDoubt(of []string) bool {
	for path := range f.faulty {
		if section, _ := splitPath(path); slices.Contains(of, section) {
			return true
		}
	}
	return false
}

// groupFault says that there is no such group, or that it has no such figure.
func groupFault(x *Figure, s *Scenario, _ string) string {
	if x.Group == "" {
		return ""
	}
	if slices.Contains(ofAllClients, x.Name) || x.Latency == "fsync" {
		return fmt.Sprintf("%s is not of a group: brokers and disks serve all", x)
	}
	kind, groups := "producers", s.Producers.Groups
	if x.OfConsumers() {
		kind, groups = "consumers", s.Consumers.Groups
	}
	var names []string
	for _, g := range groups {
		names = append(names, g.Name)
	}
	switch {
	case slices.Contains(names, x.Group):
		for _, g := range s.ProducerGroups() {
			if g.Name == x.Group && g.Producers.Count == 0 && !x.OfConsumers() {
				return fmt.Sprintf("there is no %s: the count of group %s is 0", x, x.Group)
			}
		}
		return ""
	case len(names) == 0:
		return fmt.Sprintf("%s needs groups of %s, and there are none", x, kind)
	}
	return fmt.Sprintf("%s: no group of %s is called %s%s", x, kind, x.Group, orThese(x.Group, names))
}

// ofAllClients are figures that no group of clients has for itself.
var ofAllClients = []string{"fsyncs", "bytes_disk", "cpu_s_per_gb", "errors"}

// OfConsumers says whether consumers measure the figure; producers do all others.
func (f Figure) OfConsumers() bool {
	return f.Latency == "end_to_end" || f.Name == "consumed" || f.Name == "consumed_per_s"
}

// offered is the rate of the producers that a figure is about, and false if one of
// them sends as fast as it can.
func (s *Scenario) offered(x *Figure) (perSec float64, open bool) {
	for _, g := range s.ProducerGroups() {
		if x.Group != "" && !x.OfConsumers() && g.Name != x.Group || g.Producers.Count == 0 {
			continue
		}
		switch {
		case g.Load.Closed():
			return 0, false
		case g.Load.Curved(), g.Load.Searched():
			return math.Inf(1), true // as much as its curve gives, or as is found
		}
		perSec += g.Load.Rate
	}
	return perSec, true
}

// tooFew says that a load at a fixed rate cannot give the samples of a percentile.
func tooFew(x *Figure, s *Scenario, _ string) string {
	rate, open := s.offered(x)
	sent := rate * (s.Load.Duration - s.Load.Warmup).Seconds() * float64(s.Repeat)
	if x.Name != Percentile || x.Latency == "fsync" || !open || sent >= float64(results.SamplesNeeded(x.Percentile)) {
		return ""
	}
	return fmt.Sprintf("%s needs %d records, and %s send %.0f in the measured window of %s, all repeats together",
		x, results.SamplesNeeded(x.Percentile), perSecond.format(rate), sent, formatSpan(s.Load.Duration-s.Load.Warmup))
}

// flushes says whether a log may be forced to disk.
func (s *Scenario) flushes() bool {
	if s.Topic.FlushMessages > 0 || s.Topic.FlushMs > 0 && s.Topic.FlushMs <= s.Load.Duration || s.readsBacklog() {
		return true
	}
	most := float64(s.Load.MaxBytes)
	if rate, open := s.offered(&Figure{}); open {
		var largest int64
		for _, g := range s.ProducerGroups() {
			bytes := g.Records.MaxBytes()
			if bytes == 0 {
				return true // a file tells
			}
			largest = max(largest, bytes+batchOverhead(bytes, g.Records.Key.Bytes()))
		}
		most = rate * s.Load.Duration.Seconds() * float64(largest) * float64(s.Topic.ReplicationFactor)
	}
	return most == 0 || most >= float64(s.Topic.SegmentBytes) || s.Topic.SegmentMs <= s.Load.Duration+time.Second
}

// check says what keeps the goal from being judged, cell by cell. That there will be
// too few samples is left to the result where a Set may have shortened the load.
func (g *Goal) check(f *File, all []Placed, targets []GoalTarget, written bool) Errors {
	var faults cellFaults
	reasons := slices.Clone(figureFaults)
	if written {
		reasons = append(reasons, figureFault{[]string{"", "producers", "load"}, tooFew})
	}
	reasons = slices.DeleteFunc(reasons, func(r figureFault) bool { return f.inDoubt(r.sections) })
	look := func(x *Figure, at *Placed) {
		for _, fault := range reasons {
			if msg := fault.says(x, &at.Cell.Scenario, at.Disk); msg != "" {
				faults.add(cellFault{Error: g.at.fault(f.file, goalsKey, msg), cell: at.name()})
				return
			}
		}
	}
	closed := !f.inDoubt([]string{"producers", "load"})
	for _, t := range targets {
		look(&g.Left, &all[t.Cell])
		if g.Right != nil {
			look(g.Right, &all[t.With])
		}
		_, open := all[t.Cell].Cell.Scenario.offered(&g.Left)
		closed = closed && !open
	}
	errs := faults.errors(len(targets))
	for _, x := range []*Figure{&g.Left, g.Right} {
		if x != nil && closed && slices.Contains([]string{"late", "unsent", "late_max"}, x.Name) {
			errs = append(errs, g.at.fault(f.file, goalsKey, "at full speed no record is due at an instant, so that none "+
				"is late or unsent: give load.rate"))
		}
	}
	return errs
}
