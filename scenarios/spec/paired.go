package spec

import (
	"strings"

	yaml "go.yaml.in/yaml/v4"
)

// paired reads settings that vary together: a free name with lists of values, one
// entry of each making a choice.
func (r *reader) paired(p pair) (variation, bool) {
	path := join(varyKey, p.key)
	v := variation{name: p.key, paired: true, at: p.at}
	faults := len(r.errs)
	r.checkName(p, path)
	var first *pair
	for _, q := range r.pairs(p.value, path) {
		st, key := r.varying(q, path), join(path, q.key)
		if st == nil {
			continue
		}
		if q.value.Kind != yaml.SequenceNode { // nor a mapping: it would be one of named choices
			r.fail(at(q.value), key, "is %s beside lists: settings that vary together all have lists", kindOrEmpty(q.value))
			continue
		}
		list := r.listOf(q.value, st, key)
		switch {
		case len(list) < len(q.value.Content) || len(list) == 0: // reported
		case first == nil:
			first, v.choices = &q, list
		case len(list) != len(v.choices):
			r.fail(at(q.value), key, "has %d values and %s has %d: settings that vary together have as many", len(list),
				first.key, len(v.choices))
		default:
			for i := range list {
				v.choices[i].sets = append(v.choices[i].sets, list[i].sets...)
			}
		}
	}
	if len(r.errs) > faults {
		return v, false
	}
	names := make(map[string]bool)
	for i := range v.choices {
		c := &v.choices[i]
		c.name = pairedName(c.sets)
		if err := checkLabel(c.name); err != nil {
			r.fail(c.at, path, "%v", err)
		}
		if names[c.name] {
			r.fail(c.at, path, "lists %s twice", c.name)
		}
		names[c.name] = true
	}
	return v, len(r.errs) == faults
}

// pairedName is the name of a choice: the values of its settings.
func pairedName(sets []assignment) string {
	texts := make([]string, len(sets))
	for i, a := range sets {
		texts[i] = a.text
	}
	return strings.Join(texts, " ")
}
