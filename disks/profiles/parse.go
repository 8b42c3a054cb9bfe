package profiles

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	yaml "go.yaml.in/yaml/v4"

	"brokerlab/disks/device"
)

// sourceBytesMax bounds a profile's text.
const sourceBytesMax = 1 << 20

// Keys of a profile and of a figure that are no figures.
const (
	titleKey   = "title"
	noteKey    = "note"
	sourcesKey = "sources"
	kindKey    = "kind"

	valueKey  = "value"
	statusKey = "status"
	sourceKey = "source"
)

// Parse reads a profile. The base of the file's name, without .yaml, is its name.
// The error is of type Errors and holds every fault.
func Parse(file string, src []byte) (*Profile, error) {
	r := reader{file: file, p: &Profile{Name: strings.TrimSuffix(path.Base(file), extension)},
		places: map[string]place{}, used: map[string]bool{}}
	if root := r.load(src); root != nil && r.plain(root) {
		r.profile(root)
	}
	if err := r.errs.orNil(); err != nil {
		return nil, err
	}
	return r.p, nil
}

// reader fills a Profile from a tree of YAML nodes and goes on after a fault.
type reader struct {
	file   string
	p      *Profile
	places map[string]place // of figures, by path
	used   map[string]bool  // keys of sources
	errs   Errors
}

type place struct{ line, column int }

func at(n *yaml.Node) place { return place{n.Line, n.Column} }

func (r *reader) fail(at place, path, format string, args ...any) {
	r.errs = append(r.errs, Error{File: r.file, Line: at.line, Column: at.column, Path: path,
		Message: fmt.Sprintf(format, args...)})
}

// load returns the root of the only document, or nil after a fault.
func (r *reader) load(src []byte) *yaml.Node {
	top := place{1, 1}
	if len(src) > sourceBytesMax {
		r.fail(top, "", "is longer than %d bytes", sourceBytesMax)
		return nil
	}
	loader, err := yaml.NewLoader(bytes.NewReader(src))
	if err != nil {
		panic("profiles: YAML loader without options: " + err.Error())
	}
	var doc, next yaml.Node
	if err := loader.Load(&doc); errors.Is(err, io.EOF) {
		r.fail(top, "", "is empty")
		return nil
	} else if err != nil {
		r.broken(err)
		return nil
	}
	if err := loader.Load(&next); err == nil {
		r.fail(at(&next), "", "begins a second document: one profile per file")
		return nil
	} else if !errors.Is(err, io.EOF) {
		r.broken(err)
		return nil
	}
	return doc.Content[0]
}

// broken reports text that is no YAML.
func (r *reader) broken(err error) {
	where, msg := place{1, 1}, err.Error()
	var le *yaml.LoadError
	if errors.As(err, &le) {
		msg = le.Message
		if le.Mark.Line > 0 {
			where = place{le.Mark.Line, le.Mark.Column}
		}
	}
	r.fail(where, "", "is not YAML: %s", msg)
}

// plain refuses anchors, aliases and tags.
func (r *reader) plain(n *yaml.Node) bool {
	if n.Kind == yaml.AliasNode || n.Anchor != "" || n.Style&yaml.TaggedStyle != 0 {
		r.fail(at(n), "", "anchors, aliases and tags are not supported")
		return false
	}
	ok := true
	for _, c := range n.Content {
		ok = r.plain(c) && ok
	}
	return ok
}

// pair is one entry of a mapping.
type pair struct {
	key   string
	at    place // of the key
	value *yaml.Node
}

// pairs returns the entries of a mapping and reports what is none, and keys that
// repeat.
func (r *reader) pairs(n *yaml.Node, path string) (out []pair) {
	if n.Kind != yaml.MappingNode {
		r.fail(at(n), path, "must be a mapping")
		return nil
	}
	lines := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if line, seen := lines[k.Value]; seen {
			r.fail(at(k), join(path, k.Value), "is given twice: already in line %d", line)
			continue
		}
		lines[k.Value] = k.Line
		out = append(out, pair{key: k.Value, at: at(k), value: v})
	}
	return out
}

func join(section, name string) string {
	if section == "" {
		return name
	}
	return section + "." + name
}

// text returns a value that is one line or several of text.
func (r *reader) text(n *yaml.Node, path string) string {
	if n.Kind != yaml.ScalarNode || strings.TrimSpace(n.Value) == "" {
		r.fail(at(n), path, "must be text")
		return ""
	}
	return strings.TrimSpace(n.Value)
}

// profile reads the root. The kind and the sources come first, since all else
// depends on them.
func (r *reader) profile(root *yaml.Node) {
	pairs := r.pairs(root, "")
	for _, p := range pairs {
		switch p.key {
		case titleKey:
			r.p.Title = r.text(p.value, p.key)
		case noteKey:
			r.p.Note = r.text(p.value, p.key)
		case sourcesKey:
			for _, s := range r.pairs(p.value, p.key) {
				r.p.Sources = append(r.p.Sources, Source{Key: s.key, Text: r.text(s.value, join(p.key, s.key))})
			}
		case kindKey:
			r.kind(p.value)
		}
	}
	if r.p.Title == "" {
		r.fail(at(root), titleKey, "is missing")
	}
	if r.places[kindKey] == (place{}) {
		r.fail(at(root), kindKey, "is missing")
		return
	}
	kind := r.p.Config.Kind.String()
	for _, p := range pairs {
		switch p.key {
		case titleKey, noteKey, sourcesKey, kindKey:
		case "queue", kind:
			r.section(p, p.key)
		default:
			r.figure(p, p.key)
		}
	}
	r.complete(root)
}

func (r *reader) kind(n *yaml.Node) {
	for _, k := range []device.Kind{device.KindHardDisk, device.KindSSD, device.KindProvisioned} {
		if n.Value == k.String() {
			r.p.Config.Kind, r.places[kindKey] = k, at(n)
			return
		}
	}
	r.fail(at(n), kindKey, "must be hdd, ssd or provisioned")
	r.places[kindKey] = at(n)
}

// section reads figures, and sections within, such as provisioned.total.
func (r *reader) section(p pair, path string) {
	for _, q := range r.pairs(p.value, path) {
		inner := join(path, q.key)
		if slices.ContainsFunc(settings, func(s setting) bool { return strings.HasPrefix(s.path, inner+".") }) {
			r.section(q, inner)
			continue
		}
		r.figure(q, inner)
	}
}

// figure reads one value with its source.
func (r *reader) figure(p pair, path string) {
	i := slices.IndexFunc(settings, func(s setting) bool { return s.path == path })
	if i < 0 {
		r.fail(p.at, path, "is not a figure of this kind of disk: there are %s", strings.Join(r.siblings(path), ", "))
		return
	}
	f := Figure{Path: path}
	r.places[path] = p.at
	var value *yaml.Node
	for _, q := range r.pairs(p.value, path) {
		switch q.key {
		case valueKey:
			value = q.value
		case statusKey:
			f.Status = Status(r.text(q.value, path))
			if !slices.Contains(statuses, f.Status) {
				r.fail(at(q.value), path, "status %q is none of %v", f.Status, statuses)
			}
		case sourceKey:
			f.Source = r.text(q.value, path)
			r.used[f.Source] = true
			if !slices.ContainsFunc(r.p.Sources, func(s Source) bool { return s.Key == f.Source }) {
				r.fail(at(q.value), path, "source %q is not among the profile's sources", f.Source)
			}
		case noteKey:
			f.Note = r.text(q.value, path)
		default:
			r.fail(q.at, path, "%q is none of value, status, source, note", q.key)
		}
	}
	if value == nil {
		r.fail(p.at, path, "has no value")
		return
	}
	r.sourced(p.at, f)
	r.places[path] = at(value)
	var err error
	if f.Text, err = settings[i].read(&r.p.Config, value); err != nil {
		r.fail(at(value), path, "%v", err)
	}
	r.p.Figures = append(r.p.Figures, f)
}

// sourced checks that a figure says where it comes from: what is assumed or
// recalled needs no source, and what is computed needs a note.
func (r *reader) sourced(at place, f Figure) {
	switch f.Status {
	case "":
		r.fail(at, f.Path, "has no status")
	case Recalled, Assumed:
	case Derived, Inferred:
		if f.Note == "" {
			r.fail(at, f.Path, "is %s and has no note that says how", f.Status)
		}
		fallthrough
	default:
		if f.Source == "" {
			r.fail(at, f.Path, "is %s and has no source", f.Status)
		}
	}
}

// siblings are the figures that could stand where path does.
func (r *reader) siblings(path string) (names []string) {
	section := ""
	if i := strings.LastIndexByte(path, '.'); i >= 0 {
		section = path[:i+1]
	}
	for _, s := range settings {
		if rest, ok := strings.CutPrefix(s.path, section); ok && !strings.Contains(rest, ".") {
			names = append(names, rest)
		}
	}
	return names
}

// complete checks the whole: figures that are missing, sources that nothing
// names, and the device's own rules.
func (r *reader) complete(root *yaml.Node) {
	kind := r.p.Config.Kind.String()
	for _, s := range settings {
		section, _, inSection := strings.Cut(s.path, ".")
		ours := !inSection || section == "queue" || section == kind
		if ours && !s.optional && r.places[s.path] == (place{}) {
			r.fail(at(root), s.path, "is missing")
		}
	}
	for _, s := range r.p.Sources {
		if !r.used[s.Key] {
			r.fail(at(root), join(sourcesKey, s.Key), "is the source of no figure")
		}
	}
	if len(r.errs) > 0 {
		return
	}
	var wrong *device.FieldError
	if err := r.p.Config.Validate(); errors.As(err, &wrong) {
		where, ok := r.places[wrong.Field]
		if !ok {
			where = at(root)
		}
		r.fail(where, wrong.Field, "%s", wrong.Reason)
	}
}
