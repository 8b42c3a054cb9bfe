package spec

import (
	"fmt"
	"slices"

	yaml "go.yaml.in/yaml/v4"
)

const excludeKey = "exclude"

// exclusion leaves out the cells that fulfil all of its conditions.
type exclusion struct {
	conditions []Condition
	at         origin
}

// exclusions reads exclude, after vary and the disks.
func (r *reader) exclusions(p pair) {
	if isNull(p.value) {
		return
	}
	if p.value.Kind != yaml.SequenceNode {
		r.fail(at(p.value), excludeKey, "is a list of mappings from labels or settings to values, such as "+
			"- {acks: 0, mode: sync}, not %s", kindOf(p.value))
		return
	}
	for _, n := range p.value.Content {
		if all, ok := r.conditions(n, excludeKey); ok {
			r.f.exclude = append(r.f.exclude, exclusion{conditions: all, at: at(n)})
		}
	}
}

// excluded says whether a cell is left out on a disk.
func (f *File) excluded(cell *Cell, disk string) bool {
	for i := range f.exclude {
		if allHold(f.exclude[i].conditions, cell, disk) {
			return true
		}
	}
	return false
}

// checkExclusions reports, of the file as it was written, exclusions that leave
// nothing out. What a --set has narrowed is no fault.
func (r *reader) checkExclusions(all []Placed) {
	everything := !slices.ContainsFunc(all, func(p Placed) bool { return !r.f.excluded(p.Cell, p.Disk) })
	for i := range r.f.exclude {
		x := &r.f.exclude[i]
		count := 0
		for _, p := range all {
			if allHold(x.conditions, p.Cell, p.Disk) {
				count++
			}
		}
		text := conditionsText(x.conditions)
		switch {
		case count == 0:
			r.fail(x.at, excludeKey, "no cell has %s: there is nothing to leave out", text)
		case count == len(all):
			r.fail(x.at, excludeKey, "all %d cells have %s: nothing is left to run", len(all), text)
			everything = false // said
		}
	}
	if everything {
		r.fail(r.f.exclude[0].at, excludeKey, "%s", nothingLeft(len(all)))
	}
}

func nothingLeft(cells int) string {
	if cells == 1 {
		return "leaves out the only cell: nothing is left to run"
	}
	return fmt.Sprintf("leaves out all %d cells: nothing is left to run", cells)
}

func (x *exclusion) node() *yaml.Node {
	m := mapping()
	m.Style = yaml.FlowStyle
	for _, c := range x.conditions {
		if len(c.Values) == 1 {
			add(m, c.Name, scalar(c.Values[0]))
			continue
		}
		list := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Style: yaml.FlowStyle}
		for _, v := range c.Values {
			list.Content = append(list.Content, scalar(v))
		}
		add(m, c.Name, list)
	}
	return m
}
