package spec

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	yaml "go.yaml.in/yaml/v4"
)

// Group is one of several groups of producers or consumers: what it has instead of
// what the scenario says for all.
type Group struct {
	Name string
	// Sets are its own settings, in canonical order, by the paths that they have for
	// all: producers.acks, records.size, load.rate.
	Sets []Setting
}

// GroupScenario is the scenario as one group of clients has it.
type GroupScenario struct {
	Name     string // empty where there are no groups
	Scenario        // with the group's settings, and without groups
}

// ProducerGroups are the groups of producers in the order of the file; all producers
// are one group without a name where there are none.
func (s *Scenario) ProducerGroups() []GroupScenario { return s.split(s.Producers.Groups) }

// ConsumerGroups are the groups of consumers in the same way.
func (s *Scenario) ConsumerGroups() []GroupScenario { return s.split(s.Consumers.Groups) }

func (s *Scenario) split(groups []Group) []GroupScenario {
	plain := *s
	plain.Producers.Groups, plain.Consumers.Groups = nil, nil
	if len(groups) == 0 {
		return []GroupScenario{{Scenario: plain}}
	}
	out := make([]GroupScenario, len(groups))
	for i, g := range groups {
		out[i] = GroupScenario{Name: g.Name, Scenario: plain}
		for _, set := range g.Sets {
			if err := settingByPath[set.Path].parse(&out[i].Scenario, set.Value); err != nil {
				panic(fmt.Sprintf("spec: canonical text of %s is refused: %v", set.Path, err))
			}
		}
	}
	return out
}

// clone copies what cells change one by one.
func (s *Scenario) clone() Scenario {
	c := *s
	c.Disks = slices.Clone(s.Disks)
	c.Producers.Groups, c.Consumers.Groups = cloneGroups(s.Producers.Groups), cloneGroups(s.Consumers.Groups)
	return c
}

func cloneGroups(groups []Group) []Group {
	out := slices.Clone(groups)
	for i := range out {
		out[i].Sets = slices.Clone(out[i].Sets)
	}
	return out
}

// groupsKey is the name under producers and consumers that holds their groups.
const groupsKey = "groups"

// groupsMax bounds the groups of one kind.
const groupsMax = 100

// groupName is what a group may be called: it is in paths, files and tables.
var groupName = regexp.MustCompile(`^[a-z][a-z0-9-]{0,29}$`)

// groupKinds are the sections that have groups, each with the other sections whose
// settings a group may have for itself.
var groupKinds = []struct {
	section string
	also    []string
	of      func(*Scenario) *[]Group
}{
	{"producers", []string{"records", "load"}, func(s *Scenario) *[]Group { return &s.Producers.Groups }},
	{"consumers", nil, func(s *Scenario) *[]Group { return &s.Consumers.Groups }},
}

// kindOfGroups is the index of a section in groupKinds, or -1.
func kindOfGroups(section string) int {
	for i := range groupKinds {
		if groupKinds[i].section == section {
			return i
		}
	}
	return -1
}

// inner is the setting that a key in a group stands for, or what is wrong with the key.
func inner(kind int, key string) (st *setting, fault string) {
	k := &groupKinds[kind]
	path := key
	if !slices.Contains(sections, firstWord(key)) {
		path = join(k.section, key)
	}
	section, _ := splitPath(path)
	st = settingByPath[path]
	switch {
	case slices.Contains(sections, key):
		return nil, "takes settings by their paths in a group, such as " + key + "." + firstOf(key)
	case path == key && section == k.section && st != nil:
		return nil, "write " + st.name() + " in a group of " + section
	case section != k.section && !slices.Contains(k.also, section):
		return nil, fmt.Sprintf("is not a setting of a group: a group of %s has settings of %s", k.section,
			strings.Join(append([]string{k.section}, k.also...), ", "))
	case st == nil && path != key:
		for _, other := range k.also {
			if settingByPath[join(other, key)] != nil {
				return nil, "unknown setting in a group (did you mean " + join(other, key) + "?)"
			}
		}
		return nil, unknown(k.section, key)
	case st == nil:
		return nil, unknownPath(path)
	case st.whole:
		return nil, "holds for all groups: write it under " + section + ":"
	}
	return st, ""
}

// ofGroup makes the setting of one group out of that of all.
func (st *setting) ofGroup(kind int, name string) *setting {
	k := &groupKinds[kind]
	return &setting{
		path: strings.Join([]string{k.section, groupsKey, name, groupKey(k.section, st.path)}, "."),
		doc:  st.doc, group: name, base: st,
		parse: func(s *Scenario, text string) error {
			canonical, err := st.canonical(text)
			if err == nil {
				groupOf(k.of(s), name).set(st.path, canonical)
			}
			return err
		},
		format: func(s *Scenario) string {
			for _, g := range *k.of(s) {
				for _, set := range g.Sets {
					if g.Name == name && set.Path == st.path {
						return set.Value
					}
				}
			}
			return st.format(s)
		},
	}
}

// groupKey is how a group writes a setting: without the section if it is its own.
func groupKey(section, path string) string {
	if s, name := splitPath(path); s == section {
		return name
	}
	return path
}

// groupOf finds a group, or adds it.
func groupOf(groups *[]Group, name string) *Group {
	i := slices.IndexFunc(*groups, func(g Group) bool { return g.Name == name })
	if i < 0 {
		i = len(*groups)
		*groups = append(*groups, Group{Name: name})
	}
	return &(*groups)[i]
}

// set gives the group a setting, in its place among the others.
func (g *Group) set(path, value string) {
	order := settingIndex[path]
	at := len(g.Sets)
	for i := range g.Sets {
		if g.Sets[i].Path == path {
			g.Sets[i].Value = value
			return
		}
		if settingIndex[g.Sets[i].Path] > order {
			at = i
			break
		}
	}
	g.Sets = slices.Insert(g.Sets, at, Setting{Path: path, Value: value})
}

// settingIndex is a setting's place in the canonical order.
var settingIndex = func() map[string]int {
	m := make(map[string]int, len(settings))
	for i := range settings {
		m[settings[i].path] = i
	}
	return m
}()

// resolve finds the setting of a path, also of a group that the file has, or says
// what is wrong with the path.
func (f *File) resolve(path string) (st *setting, fault string) {
	if st := settingByPath[path]; st != nil {
		return st, ""
	}
	section, rest := splitPath(path)
	kind := kindOfGroups(section)
	under, isGroup := strings.CutPrefix(rest, groupsKey+".")
	if kind < 0 || !isGroup {
		return nil, unknownPath(path)
	}
	name, key, hasKey := strings.Cut(under, ".")
	var names []string
	for _, g := range *groupKinds[kind].of(&f.Base) {
		names = append(names, g.Name)
	}
	switch {
	case len(names) == 0:
		return nil, "there are no groups under " + section + ":"
	case !slices.Contains(names, name):
		return nil, fmt.Sprintf("no group of %s is called %s, but %s%s", section, name, strings.Join(names, ", "),
			didYouMean(name, names))
	case !hasKey:
		return nil, "names a group: write the path of a setting of it, such as " + path + ".count"
	}
	st, fault = inner(kind, key)
	if st == nil {
		return nil, fault
	}
	return st.ofGroup(kind, name), ""
}

// groups reads the groups of a section.
func (r *reader) groups(p pair, section string) {
	path := join(section, groupsKey)
	if p.value.Kind != yaml.MappingNode {
		r.fail(at(p.value), path, "is a mapping from names of groups to their settings, not %s", kindOrEmpty(p.value))
		return
	}
	r.f.origins[path] = p.at
	entries := r.pairs(p.value, path)
	switch {
	case len(entries) == 0:
		r.fail(at(p.value), path, "has no groups")
	case len(entries) > groupsMax:
		r.fail(at(p.value), path, "has %d groups; at most %d fit", len(entries), groupsMax)
		return
	}
	for _, q := range entries {
		r.group(q, kindOfGroups(section))
	}
}

// group reads one group.
func (r *reader) group(p pair, kind int) {
	k := &groupKinds[kind]
	path := join(k.section, groupsKey) + "." + p.key
	if !groupName.MatchString(p.key) {
		r.fail(p.at, path, "%q cannot be the name of a group: it is a letter and up to 29 of a-z, 0-9 and -", p.key)
		return
	}
	groupOf(k.of(&r.f.Base), p.key)
	r.f.origins[path] = p.at
	if isNull(p.value) {
		return // as all others are
	}
	if p.value.Kind != yaml.MappingNode {
		r.fail(at(p.value), path, "is a mapping of settings, not %s", kindOf(p.value))
		return
	}
	for _, q := range r.pairs(p.value, path) {
		st, fault := inner(kind, q.key)
		if st == nil {
			r.fail(q.at, join(path, q.key), "%s", fault)
			r.doubtOf(k.section, q.key)
			continue
		}
		r.value(q, st.ofGroup(kind, p.key))
	}
}
