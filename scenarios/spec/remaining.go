package spec

import (
	"cmp"
	"errors"
	"maps"
	"slices"
)

// remaining is the file as flags have left it, in words that need no flags: exclude and
// goals are about cells that there still are, by what still varies, and settings that
// do nothing any more are not in it. notes say which goals are not in it, and why.
// What is not right in itself stays as it is.
func (f *File) remaining() (next *File, notes []string) {
	if !f.changed {
		return f, nil
	}
	cells, errs := f.cells(false)
	if len(errs) > 0 {
		return f, nil
	}
	next = f.clone()
	combinations, _, _ := f.combinations()
	all, placed := f.Place(combinations), f.Place(cells)
	next.exclude, next.goals = nil, nil
	for _, x := range f.exclude {
		if slices.ContainsFunc(all, func(p Placed) bool { return allHold(x.conditions, p.Cell, p.Disk) }) {
			next.exclude = append(next.exclude, exclusion{f.restated(x.conditions), x.at})
		}
	}
	for _, g := range f.goals {
		again, err := g.remaining(f, placed)
		switch {
		case err != nil:
			notes = append(notes, "goal left out: "+g.Text+": "+err.Error())
		case !slices.ContainsFunc(next.goals, func(o *Goal) bool { return o.Text == again.Text }):
			next.goals = append(next.goals, again)
		}
	}
	next.forgetIdle(cells)
	return next, notes
}

// remaining is the goal about the cells that there are, or why Parse would not take it.
func (g *Goal) remaining(f *File, all []Placed) (*Goal, error) {
	targets, err := g.targets(f, all)
	if err != nil {
		return nil, err
	}
	if faults := g.check(f, all, targets, true); len(faults) > 0 {
		return nil, errors.New(faults[0].Message)
	}
	again := *g
	again.When, again.Of = f.restated(g.When), f.restated(g.Of)
	again.Text = again.text()
	return &again, nil
}

// restated are conditions, which hold for some cell, by the labels and paths that there
// are now, and without values that no cell has.
func (f *File) restated(conditions []Condition) (out []Condition) {
	for _, c := range conditions {
		have := f.Base.Disks
		if c.label != diskKey {
			have = nil // of a setting that does not vary by itself: any value
			for i := range f.vary {
				if v := &f.vary[i]; v.setting == nil && c.label == v.name || sameSetting(v.setting, c.setting) {
					have = v.choiceNames()
				}
			}
		}
		if c.Name = c.label; c.setting != nil {
			c.Name = c.setting.path
		}
		if have != nil {
			c.Values = slices.DeleteFunc(slices.Clone(c.Values), func(v string) bool { return !slices.Contains(have, v) })
		}
		if len(c.Values) > 0 { // else it is a !=, of what no cell has
			out = append(out, c)
		}
	}
	return out
}

// forgetIdle takes settings that do nothing in any of the cells back to their defaults.
func (f *File) forgetIdle(cells []Cell) {
	count := make(map[string]int)
	for i := range cells {
		eachIdle(&cells[i].Scenario, func(paths []string, _ string, _ bool) { count[paths[0]]++ })
	}
	plain := Default("")
	for _, path := range slices.Sorted(maps.Keys(count)) {
		if count[path] < len(cells) {
			continue
		}
		st, _ := f.resolve(path)
		assignment{setting: st, text: cmp.Or(st.base, st).format(&plain)}.apply(&f.Base)
	}
}
