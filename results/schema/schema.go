// Package schema is the JSON Schema of result.json, made from the types of package
// results and their comments, and checks results against it. It does not promise
// that the figures of a result agree with each other.
//
// result.schema.json is that of results.SchemaVersion. It is open, as readers are: a
// later program of the same version may add members. Check is strict, since it is
// for what this program itself writes.
package schema

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/google/jsonschema-go/jsonschema"
)

//go:embed result.schema.json
var file []byte

// File is the schema as a document of JSON Schema 2020-12.
func File() []byte { return slices.Clone(file) }

// Refresh is how the file follows a change of the types, for messages.
const Refresh = "after a change of the types of package results: go test ./results/schema -rewrite"

// strict is the schema with no members but those that it names.
var strict = sync.OnceValues(func() (*jsonschema.Resolved, error) {
	var s jsonschema.Schema
	if err := json.Unmarshal(file, &s); err != nil {
		return nil, fmt.Errorf("schema: %w", err)
	}
	all := []*jsonschema.Schema{&s}
	for _, def := range s.Defs {
		all = append(all, def)
	}
	for _, def := range all {
		if def.Properties != nil {
			def.AdditionalProperties = &jsonschema.Schema{Not: &jsonschema.Schema{}} // false
		}
	}
	return s.Resolve(nil)
})

// Check says what of a result.json does not fit the schema.
func Check(result []byte) error {
	schema, err := strict()
	if err != nil {
		return err
	}
	var document any
	if err := json.Unmarshal(result, &document); err != nil {
		return fmt.Errorf("schema: %w", err)
	}
	if err := schema.Validate(document); err != nil {
		// The way to a place in the schema is told link by link; the last one is the place.
		text := err.Error()
		return fmt.Errorf("schema: %s (%s)", text[max(0, strings.LastIndex(text, "validating ")):], Refresh)
	}
	return nil
}
