package omb

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	yaml "go.yaml.in/yaml/v4"

	"brokerlab/scenarios/spec"
)

// sourceBytesMax bounds the text of a file.
const sourceBytesMax = 1 << 20

// field is a value of a file, and where it stands.
type field struct {
	text   string
	block  bool // a text of several lines
	line   int
	column int
}

// file is what one file has at its top: names with single values.
type file struct {
	name   string
	fields map[string]field
	order  []string
	errs   spec.Errors
	broken bool // nothing of it could be read
}

// fail reports a fault at a field, or of the whole file where it has none.
func (f *file) fail(name, format string, args ...any) {
	e := spec.Error{File: f.name, Line: 1, Column: 1, Path: name, Message: fmt.Sprintf(format, args...)}
	if at, ok := f.fields[name]; ok {
		e.Line, e.Column = at.line, at.column
	}
	f.errs = append(f.errs, e)
}

// read reads a file; names that it should not have are the caller's to find.
func read(name string, src []byte) *file {
	f := &file{name: name, fields: make(map[string]field)}
	root := f.load(src)
	if root != nil && root.Kind != yaml.MappingNode {
		f.fail("", "is not a mapping of fields")
		root = nil
	}
	if root == nil {
		f.broken = true
		return f
	}
	for i := 0; i+1 < len(root.Content); i += 2 {
		key, value := root.Content[i], root.Content[i+1]
		at := field{text: value.Value, line: value.Line, column: value.Column,
			block: value.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0}
		_, again := f.fields[key.Value]
		switch {
		case key.Kind != yaml.ScalarNode:
			f.fail("", "has a key that is not one name")
			continue
		case again:
			f.fail(key.Value, "is given twice")
			continue
		}
		f.fields[key.Value] = at
		f.order = append(f.order, key.Value)
		switch {
		case value.Kind == yaml.ScalarNode && value.Tag != "!!null":
		case value.Kind == yaml.ScalarNode: // as if it were not there
			delete(f.fields, key.Value)
		case value.Kind == yaml.MappingNode || value.Kind == yaml.SequenceNode:
			f.fields[key.Value] = field{line: at.line, column: at.column, text: value.Tag}
			if known(key.Value) {
				f.fail(key.Value, "is one value, not a list or a mapping")
			}
		default:
			f.fail(key.Value, "is one value: anchors and aliases are not supported")
		}
	}
	return f
}

// load returns the root of the only document, or nil after a fault.
func (f *file) load(src []byte) *yaml.Node {
	if len(src) > sourceBytesMax || !utf8.Valid(src) {
		f.fail("", "is longer than %d bytes, or not UTF-8", sourceBytesMax)
		return nil
	}
	loader, err := yaml.NewLoader(bytes.NewReader(src))
	if err != nil {
		panic("omb: YAML loader without options: " + err.Error())
	}
	var doc yaml.Node
	switch err := loader.Load(&doc); {
	case errors.Is(err, io.EOF) || err == nil && len(doc.Content) == 0:
		f.fail("", "is empty")
		return nil
	case err != nil:
		e := spec.Error{File: f.name, Line: 1, Column: 1, Message: "is not YAML: " + err.Error()}
		var broken *yaml.LoadError
		if errors.As(err, &broken) && broken.Mark.Line > 0 {
			e.Line, e.Column, e.Message = broken.Mark.Line, broken.Mark.Column, "is not YAML: "+broken.Message
		}
		f.errs = append(f.errs, e)
		return nil
	}
	return doc.Content[0]
}

// text is a field's value, or what it is where the file does not say.
func (f *file) text(name, otherwise string) string {
	if at, ok := f.fields[name]; ok {
		return strings.TrimSpace(at.text)
	}
	return otherwise
}

// whole is a field of a whole number of at least low.
func (f *file) whole(name string, otherwise, low int64) int64 {
	at, ok := f.fields[name]
	if !ok {
		return otherwise
	}
	n, err := strconv.ParseInt(strings.ReplaceAll(strings.TrimSpace(at.text), "_", ""), 10, 64)
	switch {
	case err != nil:
		f.fail(name, "%q is not a whole number", at.text)
	case n < low || n > 1e12:
		f.fail(name, "must be between %d and 10^12, not %d", low, n)
	default:
		return n
	}
	return max(low, otherwise)
}

// required is whole for a field that has no default.
func (f *file) required(name string, low int64) int64 {
	if _, ok := f.fields[name]; !ok {
		f.fail(name, "is missing")
		return low
	}
	return f.whole(name, low, low)
}

// share is a field between 0 and 1.
func (f *file) share(name string, otherwise float64) float64 {
	at, ok := f.fields[name]
	if !ok {
		return otherwise
	}
	v, err := strconv.ParseFloat(strings.TrimSpace(at.text), 64)
	if err != nil || !(v >= 0 && v <= 1) {
		f.fail(name, "%q is not a number between 0 and 1", at.text)
		return otherwise
	}
	return v
}

// flag is a field of true or false.
func (f *file) flag(name string) bool {
	switch text := strings.ToLower(f.text(name, "false")); text {
	case "true", "false":
		return text == "true"
	default:
		f.fail(name, "%q is not true or false", text)
		return false
	}
}
