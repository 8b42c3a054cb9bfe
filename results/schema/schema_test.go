package schema

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/jsonschema-go/jsonschema"

	"brokerlab/report/reporttest"
	"brokerlab/results"
)

var rewrite = flag.Bool("rewrite", false, "rewrite result.schema.json")

// Goal: the schema is that of the types and says what their comments say. Method: make it anew from
// package results and its source.
func TestFileIsThatOfTheTypes(t *testing.T) {
	want, err := generate(commentsOf(t, ".."))
	if err != nil {
		t.Fatal(err)
	}
	if *rewrite {
		if err := os.WriteFile("result.schema.json", want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(want, file) {
		t.Errorf("result.schema.json is not that of the types; %s (and commit the file)", Refresh)
	}
}

// generate makes the schema: a definition for each struct that is not embedded.
func generate(comments map[string]string) ([]byte, error) {
	g := generator{comments: comments, refs: map[reflect.Type]*jsonschema.Schema{
		reflect.TypeFor[time.Time](): {Type: "string", Format: "date-time"}},
		defs: map[string]*jsonschema.Schema{}}
	root := reflect.TypeFor[results.Result]()
	g.find(root)
	for _, def := range g.types {
		if err := g.define(def); err != nil {
			return nil, err
		}
	}
	s := g.defs[root.Name()]
	delete(g.defs, root.Name())
	s.Schema = "https://json-schema.org/draft/2020-12/schema"
	s.Title = "result.json of brokerlab"
	version := any(results.SchemaVersion)
	s.Properties["schema"].Const = &version
	s.Defs = g.defs
	text, err := json.MarshalIndent(s, "", "  ")
	return append(text, '\n'), err
}

type generator struct {
	comments map[string]string // by Type and Type.Field
	types    []reflect.Type
	refs     map[reflect.Type]*jsonschema.Schema
	defs     map[string]*jsonschema.Schema
}

// find collects the structs that a type is made of.
func (g *generator) find(t reflect.Type) {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map, reflect.Array:
		g.find(t.Elem())
	case reflect.Struct:
		if g.refs[t] != nil {
			return
		}
		g.types = append(g.types, t)
		g.refs[t] = &jsonschema.Schema{Ref: "#/$defs/" + t.Name()}
		for _, field := range reflect.VisibleFields(t) {
			if !field.Anonymous {
				g.find(field.Type)
			}
		}
	}
}

// define makes the definition of a type, in which others are references.
func (g *generator) define(t reflect.Type) error {
	others := map[reflect.Type]*jsonschema.Schema{}
	for other, ref := range g.refs {
		if other != t {
			others[other] = ref
		}
	}
	s, err := jsonschema.ForType(t, &jsonschema.ForOptions{TypeSchemas: others})
	if err != nil {
		return err
	}
	s.AdditionalProperties = nil // later programs may add some
	s.Description = g.comments[t.Name()]
	for _, field := range reflect.VisibleFields(t) {
		tag, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		property := s.Properties[tag]
		if field.Anonymous || property == nil {
			continue
		}
		// What is empty is left out, and package results writes no list as null.
		if list := property.Items != nil; list || strings.Contains(options, "omit") {
			withoutNull(property)
		}
		owner := t.Name()
		if len(field.Index) > 1 {
			owner = ownerOf(t, field.Index)
		}
		property.Description = g.comments[owner+"."+field.Name]
	}
	g.defs[t.Name()] = s
	return nil
}

func withoutNull(s *jsonschema.Schema) {
	types := slices.DeleteFunc(s.Types, func(name string) bool { return name == "null" })
	s.Types = nil
	if len(types) == 1 {
		s.Type = types[0]
	}
}

// ownerOf is the name of the embedded struct that a promoted field is declared in.
func ownerOf(t reflect.Type, index []int) string {
	for _, i := range index[:len(index)-1] {
		t = t.Field(i).Type
	}
	return t.Name()
}

// commentsOf reads the comments of a package's types and of their fields.
func commentsOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("%d files, error %v", len(paths), err)
	}
	all := map[string]string{}
	for _, path := range paths {
		source, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range source.Decls {
			types, ok := decl.(*ast.GenDecl)
			if !ok || types.Tok != token.TYPE {
				continue
			}
			for _, spec := range types.Specs {
				addComments(all, types, spec.(*ast.TypeSpec))
			}
		}
	}
	return all
}

func addComments(all map[string]string, types *ast.GenDecl, spec *ast.TypeSpec) {
	name := spec.Name.Name
	all[name] = oneLine(types.Doc)
	fields, ok := spec.Type.(*ast.StructType)
	if !ok {
		return
	}
	for _, field := range fields.Fields.List {
		text := strings.TrimSpace(oneLine(field.Doc) + " " + oneLine(field.Comment))
		for _, ident := range field.Names {
			all[name+"."+ident.Name] = text
		}
	}
}

func oneLine(c *ast.CommentGroup) string { return strings.Join(strings.Fields(c.Text()), " ") }

// Goal: results with every odd thing fit. Method: the synthetic runs of report's tests, as they are encoded.
func TestSyntheticRunsFit(t *testing.T) {
	for _, run := range append(reporttest.Runs(20), reporttest.Resources(20)) {
		r, _ := reporttest.Make(run)
		text, err := results.Encode(r)
		if err == nil {
			err = Check(text)
		}
		if err != nil {
			t.Errorf("%s: %v", run.Scenario, err)
		}
	}
}

// Goal: Check passes what the program writes, and names what it would not write. Method: a result, and
// damage to it.
func TestCheck(t *testing.T) {
	cell := results.Cell{Target: results.TargetSim, Trust: []results.Finding{{Check: "steady"}},
		Repeats: []results.Repeat{{Seconds: []results.Second{{At: 1}}, Groups: []results.Group{{Name: "a"}}}}}
	good, err := results.Encode(&results.Result{Schema: results.SchemaVersion, Cells: []results.Cell{cell}})
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct{ why, from, to, want string }{
		{"as it was written", "", "", ""},
		{"a member is gone", `"fsyncs":`, `"fsyncz":`, "fsync"},
		{"a member of another type", `"seed": 0`, `"seed": "0"`, "seed"},
		{"a list that is null", `"label_names": []`, `"label_names": null`, "label_names"},
		{"a member that no type has", `"at_s":`, `"x": 1, "at_s":`, "x"},
		{"another version", fmt.Sprintf(`"schema": %d`, results.SchemaVersion), `"schema": 99`, "schema"},
		{"no JSON", "{", "", "schema"},
	} {
		text := strings.Replace(string(good), row.from, row.to, 1)
		err := Check([]byte(text))
		if row.want == "" && err != nil || row.want != "" && (err == nil || !strings.Contains(err.Error(), row.want)) {
			t.Errorf("%s: error %v, want one with %q", row.why, err, row.want)
		}
	}
}
