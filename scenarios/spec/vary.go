package spec

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	yaml "go.yaml.in/yaml/v4"
)

const labelCharactersMax = 60

// variations reads vary.
func (r *reader) variations(p pair) {
	if isNull(p.value) {
		return
	}
	if p.value.Kind != yaml.MappingNode {
		r.fail(at(p.value), varyKey, "is a mapping from what varies to its values, not %s", kindOf(p.value))
		return
	}
	for _, q := range r.pairs(p.value, varyKey) {
		if v, ok := r.variation(q); ok {
			r.f.vary = append(r.f.vary, v)
		} else {
			r.doubt(q.key, q.value)
		}
	}
	r.overlaps()
}

// doubt notes the settings that an entry with a fault may have set.
func (r *reader) doubt(key string, n *yaml.Node) {
	if st, _ := r.f.resolve(key); st != nil {
		r.f.faulty[key] = true
	}
	for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
		r.doubt(n.Content[i].Value, n.Content[i+1])
	}
}

// variation reads one entry of vary: a path with a list, or a name with choices.
func (r *reader) variation(p pair) (variation, bool) {
	st, fault := r.f.resolve(p.key)
	path := join(varyKey, p.key)
	switch {
	case st != nil && st.perRun && p.key == diskKey:
		r.fail(p.at, path, "cannot vary: give disk: itself a list")
	case st != nil && st.perRun:
		r.fail(p.at, path, "cannot vary: it holds for the whole run")
	case st != nil && p.value.Kind != yaml.SequenceNode:
		r.fail(at(p.value), path, "takes a list of values, not %s", kindOf(p.value))
	case st != nil:
		return r.values(p, st)
	case p.value.Kind != yaml.MappingNode || slices.Contains(sections, firstWord(p.key)):
		r.fail(p.at, path, "%s", fault)
	case holds(p.value, yaml.SequenceNode) && !holds(p.value, yaml.MappingNode):
		return r.paired(p)
	default:
		return r.choices(p)
	}
	return variation{}, false
}

// holds says whether a mapping has a value of the kind.
func holds(mapping *yaml.Node, kind yaml.Kind) bool {
	return slices.ContainsFunc(mapping.Content, func(n *yaml.Node) bool { return n.Kind == kind })
}

// firstWord is what stands before the first dot; a name without one is not
// taken for a path.
func firstWord(key string) string {
	section, _ := splitPath(key)
	return section
}

// unknownPath says what is wrong with a path, and which one was probably meant.
func unknownPath(path string) string {
	section, name := splitPath(path)
	var paths, here, homes []string
	for i := range settings {
		st := &settings[i]
		paths = append(paths, st.path)
		if s, n := splitPath(st.path); s == section {
			here = append(here, n)
		}
		if n := st.name(); n == name || n == path {
			homes = append(homes, st.path)
		}
	}
	if len(homes) > 0 {
		return "unknown setting (did you mean " + strings.Join(homes, " or ") + "?)"
	}
	if best := DidYouMean(name, here); best != "" {
		return "unknown setting (did you mean " + join(section, best) + "?)"
	}
	if slices.Contains(notHere, path) || slices.Contains(notHere, name) {
		return "is a Kafka setting that this testbed does not have"
	}
	if best := didYouMean(path, paths); best != "" {
		return "unknown setting" + best
	}
	return "unknown setting: write its path, such as producers.batch.size"
}

func (r *reader) countOK(n *yaml.Node, path string, count int) bool {
	switch {
	case count == 0:
		r.fail(at(n), path, "has nothing to choose from")
	case count > choicesMax:
		r.fail(at(n), path, "has %d choices; at most %d fit", count, choicesMax)
	}
	return count > 0 && count <= choicesMax
}

// values reads a plain list of one setting's values.
func (r *reader) values(p pair, st *setting) (variation, bool) {
	path := join(varyKey, p.key)
	v := variation{setting: st, at: p.at}
	faults := len(r.errs)
	for _, c := range r.listOf(p.value, st, path) {
		if slices.ContainsFunc(v.choices, func(o choice) bool { return o.name == c.name }) {
			r.fail(c.at, path, "lists %s twice", c.name)
			continue
		}
		v.choices = append(v.choices, c)
	}
	return v, len(r.errs) == faults
}

// listOf reads a list of one setting's values; faults are reported.
func (r *reader) listOf(n *yaml.Node, st *setting, path string) (list []choice) {
	if !r.countOK(n, path, len(n.Content)) {
		return nil
	}
	for _, n := range n.Content {
		if text, ok := r.listed(n, st, path); ok {
			list = append(list, one(st, text, at(n)))
		}
	}
	return list
}

// listed returns the canonical text of a value in a list.
func (r *reader) listed(n *yaml.Node, st *setting, path string) (string, bool) {
	if n.Kind != yaml.ScalarNode || isNull(n) {
		r.fail(at(n), path, "lists single values, not %s", kindOrEmpty(n))
		return "", false
	}
	text, err := st.canonical(n.Value)
	if err != nil {
		r.fail(at(n), path, "%v", err)
	}
	return text, err == nil
}

func kindOrEmpty(n *yaml.Node) string {
	if isNull(n) {
		return "an empty one"
	}
	return kindOf(n)
}

// one is the choice of a single value.
func one(st *setting, text string, o origin) choice {
	return choice{name: text, sets: []assignment{{setting: st, text: text, at: o}}, at: o}
}

// choices reads the named choices of a free name.
func (r *reader) choices(p pair) (variation, bool) {
	path := join(varyKey, p.key)
	v := variation{name: p.key, at: p.at}
	faults := len(r.errs)
	r.checkName(p, path)
	entries := r.pairs(p.value, path)
	if len(r.errs) == faults && !r.countOK(p.value, path, len(entries)) {
		return v, false
	}
	for _, q := range entries {
		if err := checkLabel(q.key); err != nil {
			r.fail(q.at, join(path, q.key), "%v", err)
		}
		v.choices = append(v.choices, choice{name: q.key, sets: r.assignments(q, join(path, q.key)), at: q.at})
	}
	return v, len(r.errs) == faults
}

// checkName checks the free name of what varies.
func (r *reader) checkName(p pair, path string) {
	if err := checkLabel(p.key); err != nil {
		r.fail(p.at, path, "%v", err)
	}
	if p.key == diskKey {
		r.fail(p.at, path, "is a name that results use for the disk: choose another one")
	}
}

// checkLabel keeps names printable in tables and usable in --set.
func checkLabel(name string) error {
	switch {
	case name == "" || strings.TrimSpace(name) != name:
		return fmt.Errorf("%q is not a name: it is empty or has space around it", name)
	case utf8.RuneCountInString(name) > labelCharactersMax:
		return fmt.Errorf("is longer than %d characters", labelCharactersMax)
	case strings.ContainsAny(name, ",="):
		return fmt.Errorf("%q cannot be a name: a comma and = have a meaning in --set", name)
	case strings.ContainsFunc(name, func(c rune) bool { return !unicode.IsPrint(c) }):
		return fmt.Errorf("%q holds unprintable characters", name)
	}
	return nil
}

// assignments reads what a choice sets.
func (r *reader) assignments(p pair, path string) []assignment {
	if isNull(p.value) {
		return nil
	}
	if p.value.Kind != yaml.MappingNode {
		r.fail(at(p.value), path, "is a mapping from paths to values, not %s", kindOf(p.value))
		return nil
	}
	var out []assignment
	for _, q := range r.pairs(p.value, path) {
		st := r.varying(q, path)
		if st == nil {
			continue
		}
		if q.value.Kind != yaml.ScalarNode || isNull(q.value) {
			r.fail(at(q.value), join(path, q.key), "takes one value, not %s", kindOrEmpty(q.value))
			continue
		}
		if text, ok := r.listed(q.value, st, join(path, q.key)); ok {
			out = append(out, assignment{setting: st, text: text, at: at(q.value)})
		}
	}
	return out
}

// varying is the setting that a key of a choice names, if it may vary.
func (r *reader) varying(q pair, path string) *setting {
	st, fault := r.f.resolve(q.key)
	switch {
	case slices.Contains(sections, q.key):
		r.fail(q.at, join(path, q.key), "write a full path here, such as %s.%s", q.key, firstOf(q.key))
	case st == nil:
		r.fail(q.at, join(path, q.key), "%s", fault)
	case st.perRun:
		r.fail(q.at, join(path, q.key), "cannot vary: it holds for the whole run")
	default:
		return st
	}
	return nil
}

// firstOf names a section's first setting.
func firstOf(section string) string {
	for i := range settings {
		if s, name := splitPath(settings[i].path); s == section {
			return name
		}
	}
	panic("spec: section without settings: " + section)
}

// overlaps reports settings that two variations set.
func (r *reader) overlaps() {
	owner := make(map[string]int)
	for i, v := range r.f.vary {
		for _, c := range v.choices {
			for _, a := range c.sets {
				if first, ok := owner[a.setting.path]; ok && first != i {
					r.fail(a.at, join(varyKey, a.setting.path), "varies twice: in %q already", r.f.vary[first].key())
					continue
				}
				owner[a.setting.path] = i
			}
		}
	}
}

// key is the variation's key under vary.
func (v *variation) key() string {
	if v.setting != nil {
		return v.setting.path
	}
	return v.name
}
