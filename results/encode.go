package results

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
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

// withoutNil is a copy of r in which no list or map is nil that has a place in the
// JSON even when it is empty.
func withoutNil(r *Result) *Result {
	c := filled(reflect.ValueOf(*r)).Interface().(Result)
	return &c
}

// filled is a copy of a value, and of those in it.
func filled(v reflect.Value) reflect.Value {
	t := v.Type()
	switch t.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return v
		}
		c := reflect.New(t.Elem())
		c.Elem().Set(filled(v.Elem()))
		return c
	case reflect.Slice:
		c := reflect.MakeSlice(t, 0, v.Len())
		for i := range v.Len() {
			c = reflect.Append(c, filled(v.Index(i)))
		}
		return c
	case reflect.Map:
		c := reflect.MakeMapWithSize(t, v.Len())
		for at := v.MapRange(); at.Next(); {
			c.SetMapIndex(at.Key(), filled(at.Value()))
		}
		return c
	case reflect.Struct:
		c := reflect.New(t).Elem()
		c.Set(v)
		for i := range t.NumField() {
			if field := t.Field(i); field.IsExported() && !emptyIsLeftOut(field, v.Field(i)) {
				c.Field(i).Set(filled(v.Field(i)))
			}
		}
		return c
	}
	return v
}

// emptyIsLeftOut says whether a field is nil and then has no place in the JSON.
func emptyIsLeftOut(field reflect.StructField, v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Slice, reflect.Map:
		return v.IsNil() && strings.Contains(field.Tag.Get("json"), ",omit")
	}
	return false
}

// Decode reads result.json, and brings one of an older schema version up to this one.
// Fields that it does not know are skipped, so that an addition does not shut older
// programs out; a newer version is refused.
func Decode(text []byte) (*Result, error) {
	var version struct {
		Schema *int `json:"schema"`
	}
	if err := json.Unmarshal(text, &version); err != nil {
		return nil, fmt.Errorf("it is not valid JSON%s: %w", lineOf(text, err), inWords(err))
	}
	switch {
	case version.Schema == nil:
		return nil, errors.New(`it has no "schema": it is not a result of a run`)
	case *version.Schema > SchemaVersion:
		return nil, fmt.Errorf("it has schema version %d, this program reads %d to %d: "+
			"use the program that wrote it or a newer one", *version.Schema, oldestVersion, SchemaVersion)
	case *version.Schema < oldestVersion:
		return nil, fmt.Errorf("it has schema version %d, this program reads %d to %d: "+
			"use the program that wrote it, or run again", *version.Schema, oldestVersion, SchemaVersion)
	}
	var r Result
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, fmt.Errorf("it does not fit the schema%s: %w", lineOf(text, err), inWords(err))
	}
	return upgrade(withoutNil(&r)), nil
}

// oldestVersion is the first schema version, which upgrade knows.
const oldestVersion = 1

// upgrade makes a result of an older version one of this version. What the older
// one did not have is zero, and a warning says so.
func upgrade(r *Result) *Result {
	if r.Schema == 1 {
		// Version 1 kept the reason that a run had before its end.
		if r.Complete {
			r.Incomplete = ""
		}
		r.Warnings = append(r.Warnings, "the result has schema version 1, which did not count late and unsent records, "+
			"retries and errors, nor end-to-end latency by second: they read as 0")
	}
	r.Schema = SchemaVersion
	return r
}

// inWords says what has another type than it should without the names of Go.
func inWords(err error) error {
	typed, ok := errors.AsType[*json.UnmarshalTypeError](err)
	if !ok {
		return err
	}
	return fmt.Errorf("%s cannot be of the JSON type %s", cmp.Or(typed.Field, "the whole"), typed.Value)
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
