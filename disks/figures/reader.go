package figures

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	yaml "go.yaml.in/yaml/v4"
)

// SourceBytesMax bounds a file's text.
const SourceBytesMax = 1 << 20

// Reader reads a tree of YAML nodes and goes on after a fault.
type Reader struct {
	File    string
	Errs    Errors
	Sources []Source        // as read by ReadSources
	used    map[string]bool // keys of sources
}

// Place is where something is written, from 1.
type Place struct{ Line, Column int }

// At is the place of a node.
func At(n *yaml.Node) Place { return Place{n.Line, n.Column} }

// Fail notes a fault.
func (r *Reader) Fail(at Place, path, format string, args ...any) {
	r.Errs = append(r.Errs, Error{File: r.File, Line: at.Line, Column: at.Column, Path: path,
		Message: fmt.Sprintf(format, args...)})
}

// Load returns the root of the only document, or nil after a fault. Anchors,
// aliases and tags are refused.
func (r *Reader) Load(src []byte) *yaml.Node {
	top := Place{1, 1}
	if len(src) > SourceBytesMax {
		r.Fail(top, "", "is longer than %d bytes", SourceBytesMax)
		return nil
	}
	loader, err := yaml.NewLoader(bytes.NewReader(src))
	if err != nil {
		panic("figures: YAML loader without options: " + err.Error())
	}
	var doc, next yaml.Node
	if err := loader.Load(&doc); errors.Is(err, io.EOF) {
		r.Fail(top, "", "is empty")
		return nil
	} else if err != nil {
		r.broken(err)
		return nil
	}
	if err := loader.Load(&next); err == nil {
		r.Fail(At(&next), "", "begins a second document: one profile per file")
		return nil
	} else if !errors.Is(err, io.EOF) {
		r.broken(err)
		return nil
	}
	if !r.plain(doc.Content[0]) {
		return nil
	}
	return doc.Content[0]
}

// broken reports text that is no YAML.
func (r *Reader) broken(err error) {
	where, msg := Place{1, 1}, err.Error()
	var le *yaml.LoadError
	if errors.As(err, &le) {
		msg = le.Message
		if le.Mark.Line > 0 {
			where = Place{le.Mark.Line, le.Mark.Column}
		}
	}
	r.Fail(where, "", "is not YAML: %s", msg)
}

// plain refuses anchors, aliases and tags.
func (r *Reader) plain(n *yaml.Node) bool {
	if n.Kind == yaml.AliasNode || n.Anchor != "" || n.Style&yaml.TaggedStyle != 0 {
		r.Fail(At(n), "", "anchors, aliases and tags are not supported")
		return false
	}
	ok := true
	for _, c := range n.Content {
		ok = r.plain(c) && ok
	}
	return ok
}

// Pair is one entry of a mapping.
type Pair struct {
	Key   string
	At    Place // of the key
	Value *yaml.Node
}

// Pairs returns the entries of a mapping and reports what is none, and keys that
// repeat.
func (r *Reader) Pairs(n *yaml.Node, path string) (out []Pair) {
	if n.Kind != yaml.MappingNode {
		r.Fail(At(n), path, "must be a mapping")
		return nil
	}
	lines := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if line, seen := lines[k.Value]; seen {
			r.Fail(At(k), Join(path, k.Value), "is given twice: already in line %d", line)
			continue
		}
		lines[k.Value] = k.Line
		out = append(out, Pair{Key: k.Value, At: At(k), Value: v})
	}
	return out
}

// Join is the path of a name within a section.
func Join(section, name string) string {
	if section == "" {
		return name
	}
	return section + "." + name
}

// Text returns a value that is one line or several of text.
func (r *Reader) Text(n *yaml.Node, path string) string {
	if n.Kind != yaml.ScalarNode || strings.TrimSpace(n.Value) == "" {
		r.Fail(At(n), path, "must be text")
		return ""
	}
	return strings.TrimSpace(n.Value)
}

// ReadSources reads the sources that figures name.
func (r *Reader) ReadSources(p Pair) {
	for _, s := range r.Pairs(p.Value, p.Key) {
		r.Sources = append(r.Sources, Source{Key: s.Key, Text: r.Text(s.Value, Join(p.Key, s.Key))})
	}
}

// Origin is where a figure comes from, as it is written.
type Origin struct {
	Status Status
	Source string // a key of the sources
	Note   string
}

// Keys of an origin.
const (
	StatusKey = "status"
	SourceKey = "source"
	NoteKey   = "note"
)

// ReadOrigin reads an entry of the figure at path if it is one of its origin's.
func (r *Reader) ReadOrigin(o *Origin, p Pair, path string) bool {
	switch p.Key {
	case StatusKey:
		o.Status = Status(r.Text(p.Value, path))
		if !slices.Contains(Statuses, o.Status) {
			r.Fail(At(p.Value), path, "status %q is none of %v", o.Status, Statuses)
		}
	case SourceKey:
		o.Source = r.Text(p.Value, path)
		if r.used == nil {
			r.used = map[string]bool{}
		}
		r.used[o.Source] = true
		if !slices.ContainsFunc(r.Sources, func(s Source) bool { return s.Key == o.Source }) {
			r.Fail(At(p.Value), path, "source %q is not among the profile's sources", o.Source)
		}
	case NoteKey:
		o.Note = r.Text(p.Value, path)
	default:
		return false
	}
	return true
}

// CheckOrigin checks that a figure says where it comes from: what is assumed,
// recalled or measured here needs no source, and what is computed needs a note.
func (r *Reader) CheckOrigin(at Place, path string, o Origin) {
	switch o.Status {
	case "":
		r.Fail(at, path, "has no status")
	case Recalled, Assumed, Measured:
	case Derived, Inferred:
		if o.Note == "" {
			r.Fail(at, path, "is %s and has no note that says how", o.Status)
		}
		fallthrough
	default:
		if o.Source == "" {
			r.Fail(at, path, "is %s and has no source", o.Status)
		}
	}
}

// CheckSources reports sources that nothing names.
func (r *Reader) CheckSources(root *yaml.Node, path string) {
	for _, s := range r.Sources {
		if !r.used[s.Key] {
			r.Fail(At(root), Join(path, s.Key), "is the source of no figure")
		}
	}
}
