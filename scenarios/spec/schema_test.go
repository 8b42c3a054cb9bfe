package spec

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"
	yaml "go.yaml.in/yaml/v4"
)

// resolvedSchema reads what the program prints.
func resolvedSchema(t *testing.T) *jsonschema.Resolved {
	t.Helper()
	var s jsonschema.Schema
	if err := json.Unmarshal(SchemaJSON(), &s); err != nil {
		t.Fatal(err)
	}
	r, err := s.Resolve(&jsonschema.ResolveOptions{ValidateDefaults: true})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// asJSON is a YAML text as an editor hands it to a schema.
func asJSON(t *testing.T, src []byte) any {
	t.Helper()
	var doc any
	if err := yaml.Unmarshal(src, &doc); err != nil {
		t.Fatalf("%v in\n%s", err, src)
	}
	text, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	var out any
	if err := decoder.Decode(&out); err != nil {
		t.Fatal(err)
	}
	return out
}

// Goal: the schema takes every scenario that the program takes. Method: all sources of
// the scripts of this package that are read without an error, as written and in
// canonical notation, and the default of every setting.
func TestSchemaTakesWhatParseTakes(t *testing.T) {
	r := resolvedSchema(t)
	check := func(sentence string, src []byte) {
		if err := r.Validate(asJSON(t, src)); err != nil {
			t.Errorf("%s: %v in\n%s", sentence, err, src)
		}
	}
	count := 0
	for _, file := range []string{"testdata/cells.txt", "testdata/goals.txt", "testdata/errors.txt"} {
		for _, s := range readStories(t, file) {
			if f, err := Parse("a.yaml", []byte(s.yaml)); err == nil {
				check(s.sentence, []byte(s.yaml))
				check(s.sentence+" (canonical)", Marshal(f))
				count++
			}
		}
	}
	if count < 40 {
		t.Errorf("only %d scenarios were looked at", count)
	}
	all := Default("a")
	check("Defaults.", MarshalScenario(&all))
}

// Goal: what an editor can know to be wrong, the schema refuses. Method: a table of
// wrong files, which Parse refuses as well.
func TestSchemaRefuses(t *testing.T) {
	r := resolvedSchema(t)
	for _, src := range []string{
		"producer: {count: 2}", "producers: {batchsize: 1}", "topic: {acks: all}", "partitions: 6", "seed: -1", "seed: x",
		"repeat: 0", "repeat: 1.5", "cluster: {brokers: none}", "cluster: {brokers: 5000}", "topic: [1]",
		"producers: {acks: 2}", "producers: {acks: most}", "producers: {linger.ms: 5sec}", "producers: {linger.ms: -1}",
		"producers: {compression.type: snapy}", "producers: {batch.size: 16Kib}", "producers: {mode: [sync]}",
		"load: {rate: 2000}", "load: {rate: fast}", "load: {duration: 10}", "load: {duration: 10min}",
		"topic: {preallocate: yes}", "topic: {flush.messages: 0}", "topic: {flush.messages: always}",
		"network: {rate: 1Gb/s}", "network: {loss: 0.1}", "network: {profile: 2gbe}", "host: {dirty-ratio: 20.5%}",
		"host: {profile: java}", "disk: hdd", "disk: [sim, /tmp]", "disk: []", "disk: kafka:x",
		"vary: [1]", "vary: {producers.acks: 1}", "vary: {producers.acks: []}", "vary: {producers.acks: [5]}",
		"vary: {acks: [0, 1]}", "vary: {producers.acks: [1, 1]}",
		"disk: [sim, sim]", "vary: {seed: [1, 2]}", "vary: {a: {}}", "vary: {a: {b: {acks: 1}}}",
		"vary: {a: {b: {producers.acks: [1]}}}", "vary: {a: {producers.acks: [1], b: {}}}",
		"exclude: {acks: 0}", "exclude: [acks]", "exclude: [{}]", "exclude: [{acks: []}]",
		"goals: p99(produce) < 1ms", "goals: [lost]", "goals: [los == 0]", "goals: [{when: {acks: 0}}]",
		"goals: [{goal: lost == 0, if: {acks: 0}}]", "- 1", "5",
		"records: {size: big}", "records: {payload: jsonlogs}", "records: {key: some}", "records: {size: 5}",
		"producers: {groups: [a]}", "producers: {groups: {A: {}}}", "producers: {groups: {a: {fetch.min.bytes: 1}}}",
		"producers: {groups: {a: {load.duration: 1s}}}",
	} {
		if err := r.Validate(asJSON(t, []byte(src))); err == nil {
			t.Errorf("%s: the schema takes it", src)
		}
		if _, err := Parse("a.yaml", []byte(src)); err == nil {
			t.Errorf("%s: Parse takes it", src)
		}
	}
}

// Goal: editors show what every setting means and what it is by default. Method: read
// each definition.
func TestSchemaDescribes(t *testing.T) {
	var doc struct {
		Schema      string `json:"$schema"`
		Definitions map[string]struct {
			Description string
			Default     any
		}
	}
	if err := json.Unmarshal(SchemaJSON(), &doc); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(doc.Schema, "draft-07") {
		t.Errorf("$schema is %q", doc.Schema)
	}
	for _, d := range Reference() {
		got := doc.Definitions[d.Path]
		if got.Description == "" || got.Default == nil && d.Default != "" {
			t.Errorf("%s: %+v", d.Path, got)
		}
	}
}
