package spec

import (
	"fmt"
	"strings"

	yaml "go.yaml.in/yaml/v4"
)

// Marshal returns f as YAML with every setting written out in canonical
// notation, and what varies. Parse of it under a file of the same name gives
// the same cells, also where flags have changed them; comments at its top then say
// which goals that leaves out. Comments of the file are lost.
func Marshal(f *File) []byte {
	f, notes := f.remaining()
	var head strings.Builder
	for _, note := range notes {
		head.WriteString("# " + strings.Join(strings.Fields(note), " ") + "\n")
	}
	root := baseNode(&f.Base)
	if len(f.vary) > 0 {
		vary := mapping()
		for i := range f.vary {
			add(vary, f.vary[i].key(), f.vary[i].node())
		}
		add(root, varyKey, vary)
	}
	if len(f.exclude) > 0 {
		list := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
		for i := range f.exclude {
			list.Content = append(list.Content, f.exclude[i].node())
		}
		add(root, excludeKey, list)
	}
	if len(f.goals) > 0 {
		list := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
		for _, g := range f.goals {
			list.Content = append(list.Content, scalar(g.Text))
		}
		add(root, goalsKey, list)
	}
	return append([]byte(head.String()), dump(root)...)
}

// MarshalScenario returns one cell's scenario as Marshal does: a file that runs
// this cell alone.
func MarshalScenario(s *Scenario) []byte { return dump(baseNode(s)) }

func dump(root *yaml.Node) []byte {
	out, err := yaml.Dump(root, yaml.WithLineWidth(-1))
	if err != nil {
		panic("spec: a tree of strings cannot be written: " + err.Error())
	}
	return out
}

func mapping() *yaml.Node { return &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"} }

// scalar writes whole numbers as such and quotes whatever would not read back
// as its own text.
func scalar(text string) *yaml.Node {
	digits := strings.TrimPrefix(text, "-")
	if allDigits(digits) && (len(digits) == 1 || digits[0] != '0') {
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: text}
	}
	if text == "true" || text == "false" {
		return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: text}
	}
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: text}
}

func add(m *yaml.Node, key string, value *yaml.Node) {
	m.Content = append(m.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: key}, value)
}

func baseNode(s *Scenario) *yaml.Node {
	root := mapping()
	bySection := make(map[string]*yaml.Node)
	for i := range settings {
		st := &settings[i]
		section, name := splitPath(st.path)
		switch {
		case st.path == diskKey && len(s.Disks) > 1:
			list := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
			for _, d := range s.Disks {
				list.Content = append(list.Content, scalar(d))
			}
			add(root, diskKey, list)
		case section == "":
			add(root, name, scalar(st.format(s)))
		default:
			if bySection[section] == nil {
				bySection[section] = mapping()
				add(root, section, bySection[section])
			}
			add(bySection[section], name, scalar(st.format(s)))
		}
	}
	for kind := range groupKinds {
		k := &groupKinds[kind]
		if groups := *k.of(s); len(groups) > 0 {
			add(bySection[k.section], groupsKey, groupsNode(groups, k.section))
		}
	}
	return root
}

func groupsNode(groups []Group, section string) *yaml.Node {
	all := mapping()
	for _, g := range groups {
		of := mapping()
		if len(g.Sets) == 0 {
			of.Style = yaml.FlowStyle
		}
		for _, set := range g.Sets {
			add(of, groupKey(section, set.Path), scalar(set.Value))
		}
		add(all, g.Name, of)
	}
	return all
}

func (v *variation) node() *yaml.Node {
	if v.setting != nil {
		list := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Style: yaml.FlowStyle}
		for _, c := range v.choices {
			list.Content = append(list.Content, scalar(c.name))
		}
		return list
	}
	m := mapping()
	if v.paired {
		for i, a := range v.choices[0].sets {
			list := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Style: yaml.FlowStyle}
			for _, c := range v.choices {
				list.Content = append(list.Content, scalar(c.sets[i].text))
			}
			add(m, a.setting.path, list)
		}
		return m
	}
	for _, c := range v.choices {
		sets := mapping()
		sets.Style = yaml.FlowStyle
		for _, a := range c.sets {
			add(sets, a.setting.path, scalar(a.text))
		}
		add(m, c.name, sets)
	}
	return m
}

// Canonical is a setting's value in canonical notation, or what is wrong with it.
func Canonical(path, value string) (string, error) {
	st := settingByPath[path]
	if st == nil {
		return "", fmt.Errorf("%s", unknownPath(path))
	}
	return st.canonical(value)
}

// IsSetting says whether the language has a setting of the path, outside of groups.
func IsSetting(path string) bool { return settingByPath[path] != nil }

// MarshalSettings writes a scenario of some settings, by their paths, and of groups of
// consumers which have no settings of their own.
func MarshalSettings(values map[string]string, consumerGroups []string) []byte {
	root := mapping()
	bySection := make(map[string]*yaml.Node)
	for i := range settings {
		st := &settings[i]
		value, given := values[st.path]
		section, name := splitPath(st.path)
		switch {
		case !given:
		case section == "":
			add(root, name, scalar(value))
		default:
			if bySection[section] == nil {
				bySection[section] = mapping()
				add(root, section, bySection[section])
			}
			add(bySection[section], name, scalar(value))
		}
	}
	if of := bySection["consumers"]; of != nil && len(consumerGroups) > 0 {
		groups := mapping()
		for _, name := range consumerGroups {
			empty := mapping()
			empty.Style = yaml.FlowStyle
			add(groups, name, empty)
		}
		add(of, groupsKey, groups)
	}
	return dump(root)
}
