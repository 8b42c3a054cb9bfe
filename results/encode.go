package results

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// Encode gives a result as JSON, indented, with a line feed at the end. Lists
// that are empty are [], never null.
func Encode(r *Result) ([]byte, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	if err := e.Encode(withoutNil(r)); err != nil {
		return nil, fmt.Errorf("results: encode the result of %s: %w", r.Scenario, err)
	}
	return out.Bytes(), nil
}

// withoutNil is a copy of r in which no list or map is nil.
func withoutNil(r *Result) *Result {
	c := *r
	c.LabelNames = append([]string{}, r.LabelNames...)
	c.Warnings = append([]string{}, r.Warnings...)
	c.Wall.Command = append([]string{}, r.Wall.Command...)
	c.Cells = append([]Cell{}, r.Cells...)
	for i := range c.Cells {
		cell := &c.Cells[i]
		cell.Labels, cell.Config = orEmpty(cell.Labels), orEmpty(cell.Config)
		cell.Latency = orEmpty(cell.Latency)
		cell.Warnings = append([]string{}, cell.Warnings...)
		cell.Repeats = append([]Repeat{}, cell.Repeats...)
		for j := range cell.Repeats {
			repeat := &cell.Repeats[j]
			repeat.Latency = orEmpty(repeat.Latency)
			repeat.Seconds = append([]Second{}, repeat.Seconds...)
		}
	}
	return &c
}

func orEmpty[V any](m map[string]V) map[string]V {
	if m == nil {
		return map[string]V{}
	}
	return m
}

// Decode reads result.json. Fields that it does not know are skipped, so that an
// addition does not shut older programs out; another schema version is refused.
func Decode(text []byte) (*Result, error) {
	var version struct {
		Schema *int `json:"schema"`
	}
	if err := json.Unmarshal(text, &version); err != nil {
		return nil, fmt.Errorf("it is not valid JSON%s: %w", lineOf(text, err), err)
	}
	switch {
	case version.Schema == nil:
		return nil, errors.New(`it has no "schema": it is not a result of a run`)
	case *version.Schema > SchemaVersion:
		return nil, fmt.Errorf("it has schema version %d, this program reads %d: "+
			"use the program that wrote it or a newer one", *version.Schema, SchemaVersion)
	case *version.Schema < SchemaVersion:
		return nil, fmt.Errorf("it has schema version %d, this program reads %d: "+
			"use the program that wrote it, or run again", *version.Schema, SchemaVersion)
	}
	var r Result
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, fmt.Errorf("it does not fit the schema%s: %w", lineOf(text, err), err)
	}
	return withoutNil(&r), nil
}

// lineOf says on which line decoding stopped, where the error tells.
func lineOf(text []byte, err error) string {
	var syntax *json.SyntaxError
	var typed *json.UnmarshalTypeError
	var offset int64
	switch {
	case errors.As(err, &syntax):
		offset = syntax.Offset
	case errors.As(err, &typed):
		offset = typed.Offset
	default:
		return ""
	}
	offset = min(max(offset, 0), int64(len(text)))
	return fmt.Sprintf(" (line %d)", 1+bytes.Count(text[:offset], []byte("\n")))
}
