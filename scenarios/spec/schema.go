package spec

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/jsonschema-go/jsonschema"
)

// shape says what texts of a notation look like, for a JSON Schema: words as they
// are, plain numbers, and texts of a pattern.
type shape struct {
	words     []string
	number    string  // what a plain number is: numberWhole, or empty for none
	per       float64 // of the notation's own unit in a number
	low, high *float64
	pattern   string // of a text that is no word; empty for none
}

const numberWhole = "integer"

// orWords adds words; any text, which nil is, has them already.
func (sh *shape) orWords(words ...string) *shape {
	if sh == nil {
		return nil
	}
	next := *sh
	next.words = append(slices.Clone(sh.words), words...)
	return &next
}

// within bounds numbers, given in the notation's own unit.
func (sh *shape) within(low, high float64) *shape {
	if sh == nil || sh.per == 0 {
		return sh
	}
	next := *sh
	low, high = low/sh.per, high/sh.per
	next.low, next.high = &low, &high
	return &next
}

// asNumber is a bound of a notation in its own unit; NaN if it has none.
func asNumber(v any) float64 {
	switch v := v.(type) {
	case int:
		return float64(v)
	case int64:
		return float64(v)
	case float64:
		return v
	case time.Duration:
		return float64(v)
	}
	return math.NaN()
}

// schema is the JSON Schema of a value, as YAML reads what is written: 16384 is a
// number, "16384" and 16KiB are strings, true is neither.
func (sh *shape) schema() *jsonschema.Schema {
	if sh == nil {
		return &jsonschema.Schema{Types: []string{"string", "number", "boolean"}}
	}
	var any []*jsonschema.Schema
	if len(sh.words) > 0 {
		plain, quoted := enumOf(sh.words)
		any = append(any, &jsonschema.Schema{Enum: plain})
		if len(quoted) > 0 {
			any = append(any, &jsonschema.Schema{Type: "string", Pattern: "^(" + strings.Join(quoted, "|") + ")$"})
		}
	}
	if sh.number != "" {
		any = append(any, &jsonschema.Schema{Type: sh.number, Minimum: finite(sh.low), Maximum: finite(sh.high)})
	}
	if sh.pattern != "" {
		any = append(any, &jsonschema.Schema{Type: "string", Pattern: sh.pattern})
	}
	if len(any) == 1 {
		return any[0]
	}
	return &jsonschema.Schema{AnyOf: any}
}

func finite(v *float64) *float64 {
	if v == nil || math.IsNaN(*v) {
		return nil
	}
	return v
}

// enumOf are words as YAML reads them, and those that it reads as texts only in
// quotes: editors complete the former.
func enumOf(words []string) (plain []any, quoted []string) {
	for _, w := range words {
		n, err := strconv.Atoi(w)
		switch {
		case err == nil:
			plain, quoted = append(plain, n), append(quoted, w)
		case w == "true" || w == "false":
			plain, quoted = append(plain, w == "true"), append(quoted, w)
		default:
			plain = append(plain, w)
		}
	}
	return plain, quoted
}

// SchemaJSON is the JSON Schema (draft-07) of scenario files, for editors: they
// complete names, show what settings mean and mark what is wrong. It is made of the
// same table as Parse, and takes every file that Parse takes; what contradicts, and
// what labels exist, only Parse knows.
func SchemaJSON() []byte {
	text, err := json.Marshal(fileSchema())
	if err != nil {
		panic("spec: the schema is no JSON: " + err.Error())
	}
	var out bytes.Buffer
	if err := json.Indent(&out, text, "", "  "); err != nil {
		panic("spec: the schema is no JSON: " + err.Error())
	}
	out.WriteByte('\n')
	return out.Bytes()
}

// never is the schema that nothing fulfils.
func never() *jsonschema.Schema { return &jsonschema.Schema{Not: &jsonschema.Schema{}} }

func reference(path string) *jsonschema.Schema {
	return &jsonschema.Schema{Ref: "#/definitions/" + path}
}

func listOf(item *jsonschema.Schema, most int) *jsonschema.Schema {
	one := 1
	return &jsonschema.Schema{Type: "array", Items: item, MinItems: &one, MaxItems: &most}
}

// unlike is a list without repetition.
func unlike(list *jsonschema.Schema) *jsonschema.Schema {
	list.UniqueItems = true
	return list
}

// object is a mapping that may be empty or null, as a section whose settings are
// commented out; what it does not name is refused.
func object(names []string, of func(name string) *jsonschema.Schema) *jsonschema.Schema {
	s := &jsonschema.Schema{Types: []string{"object", "null"}, PropertyOrder: names, AdditionalProperties: never(),
		Properties: make(map[string]*jsonschema.Schema, len(names))}
	for _, name := range names {
		s.Properties[name] = of(name)
	}
	return s
}

func fileSchema() *jsonschema.Schema {
	defaults := Default("")
	root := object(nil, nil)
	root.Schema, root.Type, root.Types = "http://json-schema.org/draft-07/schema#", "object", nil
	root.Title = "brokerlab scenario"
	root.Description = "What runs and what varies; see scenarios/README.md, or brokerlab show quickstart"
	root.Definitions = make(map[string]*jsonschema.Schema)
	add := func(name string, s *jsonschema.Schema) {
		root.PropertyOrder = append(root.PropertyOrder, name)
		root.Properties[name] = s
	}
	names := make(map[string][]string) // by section
	for i := range settings {
		st := &settings[i]
		root.Definitions[st.path] = st.definition(&defaults)
		section, name := splitPath(st.path)
		if section == "" {
			add(name, reference(st.path))
		}
		names[section] = append(names[section], name)
	}
	for _, section := range sections {
		s := object(names[section], func(name string) *jsonschema.Schema { return reference(join(section, name)) })
		if kind := kindOfGroups(section); kind >= 0 {
			s.PropertyOrder = append(s.PropertyOrder, groupsKey)
			s.Properties[groupsKey] = groupsSchema(kind)
		}
		add(section, s)
	}
	add(varyKey, varySchema())
	add(excludeKey, excludeSchema())
	add(goalsKey, goalsSchema())
	return root
}

// definition is the schema of a setting's value.
func (st *setting) definition(defaults *Scenario) *jsonschema.Schema {
	s := st.shape.schema()
	if st.list != "" {
		list := listOf(st.shape.schema(), stepsMax)
		if st.path == diskKey {
			list = unlike(listOf(st.shape.schema(), disksMax))
		}
		s = &jsonschema.Schema{AnyOf: []*jsonschema.Schema{s, list}}
	}
	s.Description = strings.ReplaceAll(st.doc, "`", "")
	if text := st.format(defaults); text != "" {
		s.Default = jsonOf(text)
	}
	return s
}

// jsonOf is a canonical text as YAML would read it.
func jsonOf(text string) json.RawMessage {
	if text == "true" || text == "false" || allDigits(strings.TrimPrefix(text, "-")) {
		return json.RawMessage(text)
	}
	quoted, err := json.Marshal(text)
	if err != nil {
		panic("spec: a default is no text: " + err.Error())
	}
	return quoted
}

// groupsSchema is of the groups of one kind, by their names.
func groupsSchema(kind int) *jsonschema.Schema {
	k := &groupKinds[kind]
	var names []string
	paths := make(map[string]string)
	for i := range settings {
		st := &settings[i]
		section, _ := splitPath(st.path)
		if !st.whole && (section == k.section || slices.Contains(k.also, section)) {
			key := groupKey(k.section, st.path)
			names, paths[key] = append(names, key), st.path
		}
	}
	group := object(names, func(name string) *jsonschema.Schema { return reference(paths[name]) })
	return &jsonschema.Schema{Type: "object", AdditionalProperties: never(),
		Description:       "groups of " + k.section + " by name, each with settings of its own",
		PatternProperties: map[string]*jsonschema.Schema{groupName.String(): group}}
}

// groupPaths are the paths of settings of groups.
var groupPaths = fmt.Sprintf(`^(%s|%s)\.%s\.`, groupKinds[0].section, groupKinds[1].section, groupsKey)

// varySchema is of vary: paths with lists, or names with choices or with lists.
func varySchema() *jsonschema.Schema {
	var paths []string
	for i := range settings {
		if !settings[i].perRun {
			paths = append(paths, settings[i].path)
		}
	}
	scalar := &jsonschema.Schema{Types: []string{"string", "number", "boolean"}}
	list := func(path string) *jsonschema.Schema { return listOf(reference(path), choicesMax) }
	ofGroups := func(s, value *jsonschema.Schema) *jsonschema.Schema {
		s.PatternProperties = map[string]*jsonschema.Schema{groupPaths: value}
		return s
	}
	one, most := 1, choicesMax
	choices := &jsonschema.Schema{Type: "object", MinProperties: &one, MaxProperties: &most,
		AdditionalProperties: ofGroups(object(paths, reference), scalar)}
	paired := ofGroups(object(paths, list), listOf(scalar, choicesMax))
	paired.Types, paired.Type, paired.MinProperties = nil, "object", &one
	values := func(path string) *jsonschema.Schema { return unlike(list(path)) }
	s := ofGroups(object(paths, values), unlike(listOf(scalar, choicesMax)))
	s.Description = "what varies: settings with lists, names with choices, or names with settings that vary together"
	s.AdditionalProperties = &jsonschema.Schema{AnyOf: []*jsonschema.Schema{choices, paired}}
	return s
}

// conditionsSchema is of a mapping from labels or settings to values.
func conditionsSchema() *jsonschema.Schema {
	one := 1
	scalar := &jsonschema.Schema{Types: []string{"string", "number", "boolean"}}
	return &jsonschema.Schema{Type: "object", MinProperties: &one, AdditionalProperties: &jsonschema.Schema{
		AnyOf: []*jsonschema.Schema{scalar, listOf(scalar, cellsMax)}}}
}

func excludeSchema() *jsonschema.Schema {
	return &jsonschema.Schema{Types: []string{"array", "null"}, Items: conditionsSchema(),
		Description: "combinations that are left out: labels or settings with a value or a list of them"}
}

func goalsSchema() *jsonschema.Schema {
	most := goalsMax
	goal := &jsonschema.Schema{Type: "string", Pattern: goalPattern(),
		Examples: []any{"p99(produce) < 10ms", "lost == 0", "records_per_s >= 50000/s when acks=all"}}
	with := &jsonschema.Schema{Type: "object", Required: []string{"goal"}, AdditionalProperties: never(),
		PropertyOrder: []string{"goal", "when"},
		Properties:    map[string]*jsonschema.Schema{"goal": goal, "when": conditionsSchema()}}
	return &jsonschema.Schema{Types: []string{"array", "null"}, MaxItems: &most,
		Description: "what results must meet, or the exit code is 1",
		Items:       &jsonschema.Schema{AnyOf: []*jsonschema.Schema{goal, with}}}
}

// goalPattern is of a goal's beginning: a figure, and a comparison behind it.
func goalPattern() string {
	names := []string{`p[0-9]+(\.[0-9]+)?`, Mean, Max}
	for _, d := range figures {
		names = append(names, regexp.QuoteMeta(d.Name))
	}
	return `^\s*["']?(` + strings.Join(names, "|") + `)["']?(\s|\(|[<>=!]).*[<>=!]`
}
