package spec

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	yaml "go.yaml.in/yaml/v4"
)

// sourceBytesMax bounds a scenario's text.
const sourceBytesMax = 1 << 20

const msgEmpty = "is empty: a scenario has at least one setting"

// Parse reads a scenario. The base of the file's name, without .yaml, is the
// scenario's name. The error is of type Errors and holds every fault.
func Parse(file string, src []byte) (*File, error) {
	f, errs := parse(file, src)
	if err := errs.orNil(); err != nil {
		return nil, err
	}
	return f, nil
}

// Override is what a flag of the command line changes: a setting, as Set has it, or
// with the path "goals" one more goal.
type Override struct {
	Flag        string // as typed, for messages
	Path, Value string
}

// Read parses a scenario, overrides it and returns its cells. The error, of type
// Errors, holds the faults of all three: what is wrong with single settings does not
// hide that others contradict each other.
func Read(file string, src []byte, overrides []Override) (*File, []Cell, error) {
	f, errs := parse(file, src)
	if f == nil {
		return nil, nil, errs.orNil()
	}
	for _, o := range overrides {
		err := f.apply(o)
		var wrong Errors
		if errors.As(err, &wrong) {
			errs = append(errs, wrong...)
		}
	}
	cellsKnown := !slices.ContainsFunc(errs, Error.aboutCells)
	cells, err := f.cells(cellsKnown)
	errs = append(errs, err...)
	if err := errs.orNil(); err != nil {
		return nil, nil, err
	}
	return f, cells, nil
}

// aboutCells says whether the fault leaves open which cells there are.
func (e Error) aboutCells() bool {
	first, _, _ := strings.Cut(e.Path, ".")
	return e.Line == 0 && e.Path != goalsKey || slices.Contains([]string{"", varyKey, excludeKey, diskKey}, first)
}

func (f *File) apply(o Override) error {
	if o.Path == goalsKey {
		return f.addGoal(o.Value, origin{flag: o.Flag})
	}
	return f.set(o.Path, o.Value, origin{flag: o.Flag})
}

// parse returns what could be read, which is nil if nothing could, and all faults.
func parse(file string, src []byte) (*File, Errors) {
	r := reader{f: &File{file: file, origins: make(map[string]origin), faulty: make(map[string]bool)}}
	top := origin{line: 1, column: 1}
	name, err := nameOf(file)
	if err != nil {
		r.fail(top, "name", "%v", err)
	}
	r.f.Base = Default(name)
	root := r.load(src)
	if root == nil || !r.plain(root) {
		return nil, r.errs
	}
	if isNull(root) {
		r.fail(top, "", msgEmpty)
		return nil, r.errs
	}
	if root.Kind != yaml.MappingNode {
		r.fail(at(root), "", "a scenario is a mapping of settings, not %s", kindOf(root))
		return nil, r.errs
	}
	r.root(root)
	return r.f, r.errs
}

// reader fills a File from a tree of YAML nodes and goes on after a fault.
type reader struct {
	f    *File
	errs Errors
	// varies is false after a fault of vary: labels are then not known.
	varies bool
}

func (r *reader) fail(o origin, path, format string, args ...any) {
	r.errs = append(r.errs, o.fault(r.f.file, path, fmt.Sprintf(format, args...)))
}

func at(n *yaml.Node) origin { return origin{line: n.Line, column: n.Column} }

// load returns the root of the only document, or nil after a fault.
func (r *reader) load(src []byte) *yaml.Node {
	if len(src) > sourceBytesMax {
		r.fail(origin{line: 1, column: 1}, "", "is longer than %d bytes", sourceBytesMax)
		return nil
	}
	if o, ok := notUTF8(src); ok {
		r.fail(o, "", "is not UTF-8")
		return nil
	}
	loader, err := yaml.NewLoader(bytes.NewReader(src))
	if err != nil {
		panic("spec: YAML loader without options: " + err.Error())
	}
	var doc, next yaml.Node
	switch err := loader.Load(&doc); {
	case errors.Is(err, io.EOF):
		r.fail(origin{line: 1, column: 1}, "", msgEmpty)
		return nil
	case err != nil:
		r.broken(src, err)
		return nil
	}
	switch err := loader.Load(&next); {
	case errors.Is(err, io.EOF):
	case err != nil:
		r.broken(src, err)
		return nil
	default:
		r.fail(at(&next), "", "begins a second document: one scenario per file")
		return nil
	}
	return doc.Content[0]
}

// notUTF8 finds the first bytes that are no UTF-8.
func notUTF8(src []byte) (origin, bool) {
	for i, line := range bytes.Split(src, []byte("\n")) {
		if utf8.Valid(line) {
			continue
		}
		column := 1
		for {
			c, n := utf8.DecodeRune(line)
			if c == utf8.RuneError && n == 1 {
				return origin{line: i + 1, column: column}, true
			}
			line, column = line[n:], column+1
		}
	}
	return origin{}, false
}

// broken reports text that is no YAML.
func (r *reader) broken(src []byte, err error) {
	o, msg := origin{line: 1, column: 1}, err.Error()
	var le *yaml.LoadError
	if errors.As(err, &le) {
		msg = le.Message
		if le.ContextMsg != "" {
			msg = le.ContextMsg + ": " + msg
		}
		if le.Mark.Line > 0 {
			o = origin{line: le.Mark.Line, column: le.Mark.Column}
		}
	}
	lines := strings.Split(string(src), "\n")
	switch {
	case o.line <= len(lines) && strings.HasPrefix(strings.TrimLeft(lines[o.line-1], " "), "\t"):
		msg = "YAML takes spaces for indentation, not tabs"
	case strings.Contains(msg, "control characters"): // of which the reader tells no place
		for i, line := range lines {
			if at := strings.IndexFunc(line, unprintable); at >= 0 {
				o = origin{line: i + 1, column: utf8.RuneCountInString(line[:at]) + 1}
				break
			}
		}
	case strings.Contains(msg, "incompatible YAML document"):
		msg = "a line %YAML is not supported: leave it out"
	}
	r.fail(o, "", "is not YAML: %s", msg)
}

// unprintable says whether YAML has no place for a character of a line.
func unprintable(c rune) bool {
	return c < ' ' && c != '\t' && c != '\r' || c == '\ufffe' || c == '\uffff'
}

// plain refuses what a scenario has no use for: anchors, aliases and tags. It says
// whether the rest can be read nevertheless, as what an alias stands for cannot.
func (r *reader) plain(n *yaml.Node) bool {
	ok := n.Kind != yaml.AliasNode
	if !ok || n.Anchor != "" {
		r.fail(at(n), "", "anchors and aliases are not supported: write it out")
	}
	if n.Style&yaml.TaggedStyle != 0 {
		r.fail(at(n), "", "tags such as %s are not supported", n.Tag)
	}
	for _, c := range n.Content {
		ok = r.plain(c) && ok
	}
	return ok
}

func kindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	default:
		return "one value"
	}
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.Tag == "!!null" }

// pair is one entry of a mapping.
type pair struct {
	key   string
	at    origin // of the key
	value *yaml.Node
}

// pairs returns the entries of a mapping and reports keys that repeat.
func (r *reader) pairs(n *yaml.Node, path string) []pair {
	var out []pair
	lines := make(map[string]int)
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		switch line, seen := lines[k.Value]; {
		case k.Kind != yaml.ScalarNode:
			r.fail(at(k), path, "a key is one name, not %s", kindOf(k))
		case seen:
			r.fail(at(k), join(path, k.Value), "is given twice: already in line %d", line)
		default:
			lines[k.Value] = k.Line
			out = append(out, pair{key: k.Value, at: at(k), value: v})
		}
	}
	return out
}

func join(section, name string) string {
	if section == "" {
		return name
	}
	return section + "." + name
}

func (r *reader) root(root *yaml.Node) {
	last := make(map[string]*pair) // what names settings or labels, by key
	for _, p := range r.pairs(root, "") {
		switch {
		case slices.Contains(lastKeys, p.key):
			last[p.key] = &p
		case slices.Contains(sections, p.key):
			r.section(p)
		case settingByPath[p.key] != nil && !strings.Contains(p.key, "."):
			r.value(p, settingByPath[p.key])
		default:
			r.fail(p.at, p.key, "%s", unknown("", p.key))
			r.doubtOf("", p.key)
		}
	}
	faults := len(r.errs)
	if p := last[varyKey]; p != nil {
		r.variations(*p)
	}
	r.varies = len(r.errs) == faults
	if p := last[excludeKey]; p != nil && r.varies {
		r.exclusions(*p)
	}
	if p := last[goalsKey]; p != nil {
		r.goalList(*p)
	}
	r.asWritten()
}

// asWritten checks what exclude leaves out. The cells come disk by disk.
func (r *reader) asWritten() {
	if len(r.f.exclude) == 0 {
		return
	}
	cells, _, err := r.f.combinations()
	if err != nil {
		return // Cells tells
	}
	r.checkExclusions(r.f.Place(cells))
}

func (r *reader) section(p pair) {
	if isNull(p.value) {
		return // a section whose settings are commented out
	}
	if p.value.Kind != yaml.MappingNode {
		r.fail(at(p.value), p.key, "is a mapping of settings, not %s", kindOf(p.value))
		return
	}
	for _, q := range r.pairs(p.value, p.key) {
		if q.key == groupsKey && kindOfGroups(p.key) >= 0 {
			r.groups(q, p.key)
			continue
		}
		st := settingByPath[join(p.key, q.key)]
		if st == nil {
			r.fail(q.at, join(p.key, q.key), "%s", unknown(p.key, q.key))
			r.doubtOf(p.key, q.key)
			continue
		}
		r.value(q, st)
	}
}

// doubtOf notes the settings that an unknown name in a section was probably meant to be.
func (r *reader) doubtOf(section, name string) {
	var here []string
	for i := range settings {
		if s, n := splitPath(settings[i].path); s == section {
			here = append(here, n)
		}
	}
	if section == "" {
		here = append(here, sections...)
	}
	best := DidYouMean(name, here)
	for i := range settings {
		if s, n := splitPath(settings[i].path); s == section && n == best || section == "" && s == best {
			r.f.faulty[settings[i].path] = true
		}
	}
}

// value gives the base a setting.
func (r *reader) value(p pair, st *setting) {
	r.f.faulty[st.path] = true // until it is read
	texts := []*yaml.Node{p.value}
	if st.list != "" && p.value.Kind == yaml.SequenceNode {
		texts = p.value.Content
	}
	if len(texts) == 0 {
		r.fail(at(p.value), st.path, "is an empty list")
		return
	}
	var words []string
	for _, n := range texts {
		if text, ok := r.scalar(n, st); ok {
			words = append(words, text)
		}
	}
	if len(words) < len(texts) {
		return
	}
	if err := st.parse(&r.f.Base, strings.Join(words, cmp.Or(st.list, ","))); err != nil {
		r.fail(at(p.value), st.path, "%v", err)
		return
	}
	r.f.origins[st.path] = at(p.value)
	delete(r.f.faulty, st.path)
}

// scalar returns the text of a value after a check that st takes it.
func (r *reader) scalar(n *yaml.Node, st *setting) (text string, ok bool) {
	switch {
	case isNull(n):
		r.fail(at(n), st.path, "has no value")
		return "", false
	case n.Kind == yaml.SequenceNode && !st.perRun:
		r.fail(at(n), st.path, "takes one value, not a list: write %s: under vary: to sweep over it", st.path)
		return "", false
	case n.Kind != yaml.ScalarNode:
		r.fail(at(n), st.path, "takes one value, not %s", kindOf(n))
		return "", false
	}
	text, err := st.canonical(n.Value)
	if err != nil {
		r.fail(at(n), st.path, "%v", err)
		return "", false
	}
	return text, true
}

// unknown says what is wrong with a name in a section ("": the top), and where
// it was probably meant to be.
func unknown(section, name string) string {
	var here, elsewhere, homes []string
	for i := range settings {
		s, n := splitPath(settings[i].path)
		if s == section {
			here = append(here, n)
			continue
		}
		elsewhere = append(elsewhere, n)
		if n == name {
			homes = append(homes, inSection(s))
		}
	}
	if section == "" {
		here = append(append(here, sections...), lastKeys...)
	}
	switch {
	case len(homes) > 0:
		return "is not a setting here: " + name + " belongs " + strings.Join(homes, " or ")
	case settingByPath[name] != nil: // a full path
		s, n := splitPath(name)
		return "is not a setting here: write " + n + " " + inSection(s)
	case section == "" && slices.Contains(sections, firstWord(name)):
		return unknownPath(name)
	}
	if best := DidYouMean(name, here); best != "" {
		return "unknown setting (did you mean " + best + "?)"
	}
	if slices.Contains(notHere, name) {
		return "is a Kafka setting that this testbed does not have"
	}
	if best := DidYouMean(name, elsewhere); best != "" {
		i := slices.IndexFunc(settings, func(st setting) bool {
			s, n := splitPath(st.path)
			return n == best && s != section
		})
		s, _ := splitPath(settings[i].path)
		return "unknown setting (did you mean " + best + " " + inSection(s) + "?)"
	}
	return "unknown setting: here belong " + strings.Join(here, ", ")
}

func inSection(section string) string {
	if section == "" {
		return "at the top"
	}
	return "under " + section + ":"
}
