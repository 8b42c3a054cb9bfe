package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"brokerlab/results/schema"
)

var rewrite = flag.Bool("rewrite", false, "rewrite the files that scripts compare output with")

func TestMain(m *testing.M) { testscript.Main(m, map[string]func(){"brokerlab": main}) }

// Goal: what the program prints, leaves behind and exits with is what its help
// promises. Method: scripts that run it as a user does, each in a directory of its
// own; what one compares output with is rewritten by -rewrite.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       *rewrite,
		RequireExplicitExec: true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"same": same, "json": jsonMember,
			"fits": fitsSchema},
	})
}

// same FILE FILE MEMBER compares a member of two JSON documents, "." being the
// whole, without any member called wall.
func same(ts *testscript.TestScript, negated bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: same FILE FILE MEMBER")
	}
	var members [2]any
	for i, name := range args[:2] {
		members[i] = withoutWall(memberOf(ts, name, args[2]))
	}
	if reflect.DeepEqual(members[0], members[1]) == negated {
		ts.Fatalf("%s of %s and %s: same is %v", args[2], args[0], args[1], !negated)
	}
}

// json FILE MEMBER WANT compares one member of a JSON document, whose path has
// dots, such as cells.0.target; lists have a length: cells.length.
func jsonMember(ts *testscript.TestScript, negated bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: json FILE MEMBER WANT")
	}
	if got := fmt.Sprint(memberOf(ts, args[0], args[1])); (got == args[2]) == negated {
		ts.Fatalf("%s of %s is %s", args[1], args[0], got)
	}
}

// fits FILE... checks result.json files, or standard output that has one, against the schema of results.
func fitsSchema(ts *testscript.TestScript, negated bool, args []string) {
	for _, name := range args {
		if err := schema.Check([]byte(ts.ReadFile(name))); (err == nil) == negated {
			ts.Fatalf("%s: fits the schema: %v (%v)", name, err == nil, err)
		}
	}
}

func memberOf(ts *testscript.TestScript, file, path string) any {
	var doc any
	if err := json.Unmarshal([]byte(ts.ReadFile(file)), &doc); err != nil {
		ts.Fatalf("%s: %v", file, err)
	}
	member, err := member(doc, path)
	ts.Check(err)
	return member
}

// member finds a member of a decoded JSON document by a path with dots.
func member(doc any, path string) (any, error) {
	if path == "." {
		return doc, nil
	}
	for _, key := range strings.Split(path, ".") {
		switch at := doc.(type) {
		case map[string]any:
			next, ok := at[key]
			if !ok {
				return nil, fmt.Errorf("%s: there is no member %s", path, key)
			}
			doc = next
		case []any:
			if key == "length" {
				doc = len(at)
				continue
			}
			index, err := strconv.Atoi(key)
			if err != nil || index < 0 || index >= len(at) {
				return nil, fmt.Errorf("%s: there is no element %s of %d", path, key, len(at))
			}
			doc = at[index]
		default:
			return nil, fmt.Errorf("%s: %s is in no object and no list", path, key)
		}
	}
	return doc, nil
}

// withoutWall is a decoded JSON document without members called wall, which may
// differ between two runs of one seed.
func withoutWall(doc any) any {
	switch at := doc.(type) {
	case map[string]any:
		delete(at, "wall")
		for key, value := range at {
			at[key] = withoutWall(value)
		}
	case []any:
		for i, value := range at {
			at[i] = withoutWall(value)
		}
	}
	return doc
}
