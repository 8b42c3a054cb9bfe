package spec

import (
	"fmt"
	"slices"
	"strings"

	yaml "go.yaml.in/yaml/v4"
)

// Condition picks cells by one of their labels or settings: those whose value is
// one of Values, or with Not none of them. The disk is a label.
type Condition struct {
	// Name is a label or the path of a setting, as written; empty where a value
	// alone says which label is meant.
	Name   string
	Not    bool
	Values []string

	label   string   // that is compared; empty if it is a setting
	setting *setting // that is compared; nil if it is a label
}

// String is the condition as goals have it: acks=0,1.
func (c Condition) String() string {
	values := make([]string, len(c.Values))
	for i, v := range c.Values {
		values[i] = goalWord(v)
	}
	list := strings.Join(values, ",")
	switch {
	case c.Name == "":
		return list
	case c.Not:
		return goalWord(c.Name) + "!=" + list
	}
	return goalWord(c.Name) + "=" + list
}

// conditionsText joins conditions as goals have them.
func conditionsText(all []Condition) string {
	texts := make([]string, len(all))
	for i, c := range all {
		texts[i] = c.String()
	}
	return strings.Join(texts, " and ")
}

// holds says whether a cell on a disk is picked. A label that the cell does not
// have, since a --set took it out of the sweep, picks nothing.
func (c *Condition) holds(cell *Cell, disk string) bool {
	value := disk
	switch {
	case c.setting != nil:
		value = c.setting.format(&cell.Scenario)
	case c.label != diskKey:
		i := slices.IndexFunc(cell.Labels, func(l Label) bool { return l.Name == c.label })
		if i < 0 {
			return false
		}
		value = cell.Labels[i].Value
	}
	return slices.Contains(c.Values, value) != c.Not
}

func allHold(all []Condition, cell *Cell, disk string) bool {
	for i := range all {
		if !all[i].holds(cell, disk) {
			return false
		}
	}
	return true
}

// resolveCondition finds what a condition compares, and brings its values into canonical
// notation.
func (f *File) resolveCondition(c *Condition) error {
	if c.Name == "" {
		return f.resolveValue(c)
	}
	labels := f.labelNames()
	i := slices.Index(labels, c.Name)
	if i < 0 {
		i = slices.IndexFunc(f.vary, func(v variation) bool { return v.key() == c.Name })
	}
	switch st, fault := f.resolve(c.Name); {
	case i >= 0:
		return f.resolveVaried(c, &f.vary[i], labels[i])
	case c.Name == diskKey:
		c.label = diskKey
		return oneOfThese(c.Values, f.Base.Disks)
	case st != nil && st.perRun:
		return fmt.Errorf("%s is the same in all cells: it holds for the whole run", c.Name)
	case st != nil:
		c.setting = st
		return canonicalAll(c.Values, st)
	case strings.Contains(c.Name, ".") && DidYouMean(c.Name, labels) == "":
		return fmt.Errorf("%q is neither a label nor a setting: %s", c.Name, fault)
	}
	candidates := append(slices.Clone(labels), diskKey)
	if best := DidYouMean(c.Name, candidates); best != "" {
		return fmt.Errorf("%q is neither a label nor a setting (did you mean %s?)", c.Name, best)
	}
	return fmt.Errorf("%q is neither a label nor a setting: labels here are %s", c.Name, strings.Join(candidates, ", "))
}

func (f *File) resolveVaried(c *Condition, v *variation, label string) error {
	if v.setting == nil {
		c.label = label
		return oneOfThese(c.Values, v.choiceNames())
	}
	c.setting = v.setting
	if err := canonicalAll(c.Values, v.setting); err != nil {
		return err
	}
	return oneOfThese(c.Values, v.choiceNames())
}

// resolveValue finds the one label that has the value.
func (f *File) resolveValue(c *Condition) error {
	if len(c.Values) != 1 {
		return fmt.Errorf("write LABEL=%s: several values need the name of their label", strings.Join(c.Values, ","))
	}
	want := c.Values[0]
	var owners, values []string
	for i, name := range f.labelNames() {
		v := &f.vary[i]
		values = append(values, v.choiceNames()...)
		text := want
		if v.setting != nil {
			if canonical, err := v.setting.canonical(want); err == nil {
				text = canonical
			}
		}
		if slices.Contains(v.choiceNames(), text) {
			owners = append(owners, name)
			c.label, c.setting, c.Values = name, v.setting, []string{text}
			if v.setting != nil {
				c.label = ""
			}
		}
	}
	values = append(values, f.Base.Disks...)
	if slices.Contains(f.Base.Disks, want) {
		owners = append(owners, diskKey)
		c.label, c.setting = diskKey, nil
	}
	switch {
	case len(owners) == 1:
		return nil
	case len(owners) > 1:
		return fmt.Errorf("%q is a value of %s: write %s=%s", want, strings.Join(owners, " and of "), goalWord(owners[0]),
			goalWord(want))
	}
	return fmt.Errorf("%q is no value of what varies%s", want, orThese(want, values))
}

// canonicalAll brings values into a setting's canonical notation, in place.
func canonicalAll(values []string, st *setting) error {
	for i, text := range values {
		canonical, err := st.canonical(text)
		if err != nil {
			return err
		}
		values[i] = canonical
	}
	return nil
}

// oneOfThese says which value is none of those that there are.
func oneOfThese(values, have []string) error {
	for _, want := range values {
		if !slices.Contains(have, want) {
			return fmt.Errorf("%q is not one of %s%s", want, strings.Join(have, ", "), didYouMean(want, have))
		}
	}
	return nil
}

// orThese is didYouMean, or the list of all candidates.
func orThese(name string, candidates []string) string {
	if best := didYouMean(name, candidates); best != "" {
		return best
	}
	return ": there are " + strings.Join(candidates, ", ")
}

// sameSetting compares settings; those of groups are made anew each time.
func sameSetting(a, b *setting) bool { return a != nil && b != nil && a.path == b.path }

func (v *variation) choiceNames() []string {
	names := make([]string, len(v.choices))
	for i, c := range v.choices {
		names[i] = c.name
	}
	return names
}

// conditions reads a mapping from labels or settings to a value or a list of them.
func (r *reader) conditions(n *yaml.Node, path string) (all []Condition, ok bool) {
	if n.Kind != yaml.MappingNode || len(n.Content) == 0 {
		what := kindOrEmpty(n)
		if n.Kind == yaml.MappingNode {
			what = "an empty one"
		}
		r.fail(at(n), path, "is a mapping from labels or settings to values, such as {acks: 0}, not %s", what)
		return nil, false
	}
	faults := len(r.errs)
	for _, p := range r.pairs(n, path) {
		nodes := []*yaml.Node{p.value}
		if p.value.Kind == yaml.SequenceNode {
			nodes = p.value.Content
		}
		c := Condition{Name: p.key}
		for _, v := range nodes {
			if v.Kind != yaml.ScalarNode || isNull(v) {
				r.fail(at(v), join(path, p.key), "takes a value or a list of values, not %s", kindOrEmpty(v))
				continue
			}
			c.Values = append(c.Values, v.Value)
		}
		if len(c.Values) < len(nodes) || len(nodes) == 0 {
			if len(nodes) == 0 {
				r.fail(at(p.value), join(path, p.key), "is an empty list")
			}
			continue
		}
		if err := r.f.resolveCondition(&c); err != nil {
			r.fail(p.at, join(path, p.key), "%v", err)
			continue
		}
		all = append(all, c)
	}
	return all, len(r.errs) == faults
}
