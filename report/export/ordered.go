package export

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// object is a JSON object whose members keep their order, so that columns come in
// the order of the schema, and what the schema gains has a column by itself.
type object []member

type member struct {
	name  string
	value any // object, list, string, json.Number, bool or nil
}

type list []any

// ordered is the JSON of a value with the order of its members.
func ordered(v any) (object, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	value, err := decode(d)
	if err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	o, ok := value.(object)
	if !ok {
		return nil, fmt.Errorf("export: %T is no JSON object", v)
	}
	return o, nil
}

func decode(d *json.Decoder) (any, error) {
	token, err := d.Token()
	if err != nil {
		return nil, err
	}
	switch token {
	case json.Delim('{'):
		o := object{}
		for d.More() {
			name, err := d.Token()
			if err != nil {
				return nil, err
			}
			value, err := decode(d)
			if err != nil {
				return nil, err
			}
			o = append(o, member{name.(string), value})
		}
		_, err := d.Token()
		return o, err
	case json.Delim('['):
		l := list{}
		for d.More() {
			value, err := decode(d)
			if err != nil {
				return nil, err
			}
			l = append(l, value)
		}
		_, err := d.Token()
		return l, err
	}
	return token, nil
}

// get is the member of a name; nil if there is none.
func (o object) get(name string) any {
	for _, m := range o {
		if m.name == name {
			return m.value
		}
	}
	return nil
}

// without is o less some members.
func (o object) without(names ...string) object {
	return slices.DeleteFunc(slices.Clone(o), func(m member) bool { return slices.Contains(names, m.name) })
}

// field is one value of a row and the name of its column.
type field struct{ column, value string }

// flatten makes fields of an object: columns are the paths of its members. A list
// has fields where its elements have names, as stages of a latency do, and is one
// field where they are words. Parts of the processor's work are named by their side
// too, since both sides have some of one name.
func (o object) flatten(prefix string) (fields []field) {
	for _, m := range o {
		path := prefix + m.name
		switch v := m.value.(type) {
		case object:
			fields = append(fields, v.flatten(path+".")...)
		case list:
			if words := v.words(); words != "" {
				fields = append(fields, field{path, words})
			}
			for _, element := range v {
				of, ok := element.(object)
				if name, named := of.get("name").(string); ok && named {
					if side, sided := of.get("side").(string); sided {
						name = side + "." + name
					}
					fields = append(fields, of.without("name", "side").flatten(path+"."+name+".")...)
				}
			}
		default:
			fields = append(fields, field{path, scalar(v)})
		}
	}
	return fields
}

// words joins the strings of a list by blanks.
func (l list) words() string {
	var words []string
	for _, element := range l {
		if word, ok := element.(string); ok {
			words = append(words, word)
		}
	}
	return strings.Join(words, " ")
}

// series makes a column of each list of numbers in an object.
func (o object) series(prefix string) (columns []column) {
	for _, m := range o {
		path := prefix + m.name
		switch v := m.value.(type) {
		case object:
			columns = append(columns, v.series(path+".")...)
		case list:
			c := column{name: path}
			for _, element := range v {
				of, ok := element.(object)
				if name, named := of.get("name").(string); ok && named {
					columns = append(columns, of.series(path+"."+name+".")...)
					continue
				}
				if !ok {
					c.values = append(c.values, scalar(element))
				}
			}
			if len(c.values) > 0 {
				columns = append(columns, c)
			}
		}
	}
	return columns
}

// column is the values of one quantity over time.
type column struct {
	name   string
	values []string
}

// scalar is a JSON value as a cell of a table; null is empty.
func scalar(v any) string {
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}
