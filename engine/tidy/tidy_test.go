package tidy

import "testing"

// rules are those that look at one file. The package docs and the ranges over
// maps look at packages.
var rules = []*rule{
	&arrowsRule, &pureRule, &importsRule, &statementsRule, &clockRule, &mapIteratorsRule,
	&functionsRule, &linesRule, &markersRule, &asciiRule,
}

// TestModule applies every rule to every Go file of the module.
func TestModule(t *testing.T) {
	root, err := moduleRoot()
	if err != nil {
		t.Fatal(err)
	}
	sources, err := readModule(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rules {
		t.Run(r.name, func(t *testing.T) {
			for _, s := range sources {
				expectNone(t, r.apply(s))
			}
		})
	}
	t.Run("package docs", func(t *testing.T) { expectNone(t, packageDocs(sources)) })
	t.Run("ranges over maps", func(t *testing.T) {
		found, files, err := moduleMapRanges(root)
		if err != nil {
			t.Fatal(err)
		}
		expectNone(t, found)
		if files == 0 {
			t.Error("no file was looked at")
		}
	})
	if len(sources) == 0 {
		t.Error("no file was looked at")
	}
}

func expectNone(t *testing.T, found []finding) {
	t.Helper()
	for _, f := range found {
		t.Error(f)
	}
}
