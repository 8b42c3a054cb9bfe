package tidy

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// row is a small source and what the rule says of it: "line: part of the
// sentence" for each finding, in order; none for a source that is fine.
type row struct {
	rule *rule
	path string
	text string
	want []string
}

var ruleRows = []row{
	{&arrowsRule, "engine/log/a.go", "package log\nimport _ `brokerlab/disks/osfs`",
		[]string{"2: through engine/env only"}},
	{&arrowsRule, "engine/log/a.go", "package log\nimport _ `brokerlab/engine/simworld`",
		[]string{"2: through engine/env"}},
	{&arrowsRule, "engine/log/a.go", "package log\nimport _ `brokerlab/results`",
		[]string{"2: through engine/env only"}},
	{&arrowsRule, "engine/log/a.go", "package log\nimport _ `brokerlab/engine/task`", nil},
	{&arrowsRule, "engine/log/a_test.go", "package log\nimport _ `brokerlab/engine/simworld`", nil},
	{&arrowsRule, "engine/env/a.go", "package env\nimport _ `brokerlab/engine/task`", []string{"2: is the bottom"}},
	{&arrowsRule, "engine/env/envtest/a.go", "package envtest\nimport _ `brokerlab/engine/env`", nil},
	{&arrowsRule, "engine/simworld/a.go", "package simworld\nimport _ `brokerlab/disks/device`",
		[]string{"2: no disks"}},
	{&arrowsRule, "engine/simworld/a.go", "package simworld\nimport _ `brokerlab/engine/realworld`",
		[]string{"2: not the other"}},
	{&arrowsRule, "engine/realworld/a.go", "package realworld\nimport _ `brokerlab/engine/env`", nil},
	{&arrowsRule, "disks/simfs/a.go", "package simfs\nimport _ `brokerlab/engine/simworld`",
		[]string{"2: know no world"}},
	{&arrowsRule, "disks/simfs/a.go", "package simfs\nimport _ `brokerlab/workloads/load`",
		[]string{"2: the engine at most"}},
	{&arrowsRule, "workloads/load/a.go", "package load\nimport _ `brokerlab/disks/simfs`",
		[]string{"2: workloads import"}},
	{&arrowsRule, "workloads/load/a.go", "package load\nimport _ `brokerlab/engine/producer`", nil},
	{&arrowsRule, "scenarios/run/a.go", "package run\nimport _ `brokerlab/report`",
		[]string{"2: what is below them"}},
	{&arrowsRule, "scenarios/run/a.go", "package run\nimport _ `brokerlab/engine/simworld`", nil},
	{&arrowsRule, "report/a.go", "package report\nimport _ `brokerlab/engine/env`",
		[]string{"2: from results alone"}},
	{&arrowsRule, "results/a.go", "package results\nimport _ `brokerlab/engine/env`",
		[]string{"2: results are a format"}},
	{&arrowsRule, "cmd/brokerlab/a.go", "package main\nimport _ `brokerlab/scenarios/run`", nil},
	{&arrowsRule, "cmd/brokerlab/a.go", "package main\nimport _ `brokerlab/tools`", []string{"2: cmd is the top"}},
	{&arrowsRule, "cmd/brokerlab/a.go", "package main\nimport . `fmt`", []string{"2: dot import"}},
	{&arrowsRule, "tools/a.go", "package tools", []string{"1: has no place in the arrows"}},

	{&pureRule, "engine/replica/a.go", "package r\nimport `brokerlab/engine/env`\nvar n env.Node\nvar t env.Time",
		[]string{"3: env.Node in engine/replica"}},
	{&pureRule, "disks/device/a.go", "package d\nimport `brokerlab/engine/env`\nvar f env.File\nvar t env.Time",
		[]string{"3: env.File in disks/device"}},
	{&pureRule, "engine/codec/a.go", "package c\nimport e `brokerlab/engine/env`\nvar c e.Conn",
		[]string{"3: env.Conn"}},
	{&pureRule, "engine/log/a.go", "package l\nimport `brokerlab/engine/env`\nvar n env.Node", nil},

	{&importsRule, "engine/log/a.go", "package l\nimport (\n\t`sync`\n\t`time`\n\t`golang.org/x/sys/unix`\n)",
		[]string{"3: import of sync: use env.Node's NewMutex", "5: golang.org/x/sys/unix: use env.FS"}},
	{&importsRule, "engine/log/a_test.go", "package l\nimport `sync`", nil},
	{&importsRule, "engine/env/a.go", "package env\nimport `sync`", nil},
	{&importsRule, "engine/simworld/a.go", "package s\nimport (\n\t`sync`\n\t`hash/maphash`\n)",
		[]string{"4: hash/maphash"}},
	{&importsRule, "disks/simfs/a.go", "package s\nimport `math/rand`", []string{"2: math/rand: use env.Node.Rand"}},
	{&importsRule, "workloads/load/a.go", "package s\nimport (\n\t`sync`\n\t`math/rand`\n)",
		[]string{"4: math/rand"}},

	{&statementsRule, "engine/log/a.go", "package l\nfunc f(c chan int) {\n\tgo f(nil)\n\tselect {}\n\tc <- 1\n\t<-c\n}",
		[]string{"2: channel: use task.Queue", "3: go statement", "4: select", "5: channel send", "6: channel receive"}},
	{&statementsRule, "workloads/load/a.go", "package l\nvar c chan int", []string{"2: channel"}},
	{&statementsRule, "engine/realworld/a.go", "package r\nvar c chan int", nil},

	{&clockRule, "engine/log/a.go", "package l\nimport `time`\nvar t = time.Now()\nvar d time.Duration",
		[]string{"3: time.Now: use env.Node's Now"}},
	{&clockRule, "engine/simworld/a.go", "package s\nimport clock `time`\nvar wait = clock.Sleep",
		[]string{"3: time.Sleep"}},
	{&clockRule, "disks/simfs/a.go", "package s\nimport `math/rand/v2`\nvar n, r = rand.IntN(3), rand.New(nil)",
		[]string{"3: global random rand.IntN"}},
	{&clockRule, "disks/osfs/a.go", "package o\nimport `time`\nvar t = time.Now()", nil},

	{&mapIteratorsRule, "engine/log/a.go",
		"package l\nimport (\n`maps`\n`slices`\n)\nvar k = slices.Sorted(maps.Keys(m))", nil},
	{&mapIteratorsRule, "engine/log/a.go",
		"package l\nimport (\n`maps`\n`slices`\n)\nvar k = slices.Collect(maps.Keys(m))",
		[]string{"6: maps.Keys has no order"}},

	{&functionsRule, "cmd/x/a.go", "package x\nfunc f() {" + strings.Repeat("\n", 69) + "}", nil},
	{&functionsRule, "cmd/x/a.go", "package x\nfunc f() {" + strings.Repeat("\n", 70) + "}",
		[]string{"2: f has 71 lines, 70"}},
	{&functionsRule, "cmd/x/a_test.go", "package x\nfunc f() {" + strings.Repeat("\n", 99) + "}", nil},
	{&functionsRule, "cmd/x/a_test.go", "package x\nfunc f() {" + strings.Repeat("\n", 100) + "}",
		[]string{"2: 101 lines, 100"}},

	{&linesRule, "cmd/x/a.go", "package x\n//" + strings.Repeat("x", 118), nil},
	{&linesRule, "cmd/x/a.go", "package x\n//" + strings.Repeat("x", 119), []string{"2: line of 121 characters"}},
	{&linesRule, "cmd/x/a.go", "package x" + strings.Repeat("\n//", 599) + "\n", nil},
	{&linesRule, "cmd/x/a.go", "package x" + strings.Repeat("\n//", 600) + "\n", []string{"600: file of 601 lines"}},

	{&markersRule, "cmd/x/a.go", "package x\n/* a\n   FIXME b */\n// TODOS\nvar s = `XXX`",
		[]string{"3: FIXME: do it"}},
	{&markersRule, "cmd/x/a_test.go", "package x\n\n// f. XXX", []string{"3: XXX"}},

	{&asciiRule, "cmd/x/a.go", "package x\n// 5 \u00b5s\nvar s = `\u00b5s`\nvar \u00b5 int",
		[]string{"2: '\u00b5' outside", "4: '\u00b5'"}},
}

// TestRules shows each rule bad sources, which it must find, and good ones. A
// rule without a bad source would be one that cannot fail.
func TestRules(t *testing.T) {
	failed := map[*rule]bool{}
	for i, r := range ruleRows {
		t.Run(fmt.Sprintf("%s/%d", r.rule.name, i), func(t *testing.T) {
			s, err := parse(r.path, []byte(r.text))
			if err != nil {
				t.Fatal(err)
			}
			expectFindings(t, r.rule.apply(s), r.path, r.want)
			failed[r.rule] = failed[r.rule] || len(r.want) > 0
		})
	}
	for _, r := range rules {
		if !failed[r] {
			t.Errorf("rule %q has no source that breaks it", r.name)
		}
	}
}

func expectFindings(t *testing.T, found []finding, path string, want []string) {
	t.Helper()
	for i, f := range found {
		if i >= len(want) {
			t.Errorf("unexpected: %v", f)
			continue
		}
		line, part, _ := strings.Cut(want[i], ": ")
		if f.path != path || fmt.Sprint(f.line) != line || !strings.Contains(f.text, part) {
			t.Errorf("found %v, want %q in line %s", f, part, line)
		}
	}
	for _, missed := range want[min(len(want), len(found)):] {
		t.Errorf("not found: %s", missed)
	}
}

// TestMapRanges: loops over maps of several kinds are found by their types;
// loops over other things, and those that only count, are not.
func TestMapRanges(t *testing.T) {
	const text = `package x
type set map[int]bool
func f[M ~map[int]bool](m map[int]bool, s set, g M, list []int) {
	for k := range m { _ = k }
	for _, v := range s { _ = v }
	for k, v := range g { _, _ = k, v }
	for range m {}
	for _, _ = range m {}
	for i := range list { _ = i }
	for i := range 3 { _ = i }
}`
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, "x.go", text, 0)
	if err != nil {
		t.Fatal(err)
	}
	info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Uses: map[*ast.Ident]types.Object{}}
	if _, err := (&types.Config{}).Check("x", fset, []*ast.File{file}, info); err != nil {
		t.Fatal(err)
	}
	var found []finding
	mapRanges(file, info, func(pos token.Pos, text string) {
		found = append(found, finding{"x.go", fset.Position(pos).Line, text})
	})
	expectFindings(t, found, "x.go", []string{"4: slices.Sorted(maps.Keys(m))", "5: over a map", "6: over a map"})
}

// TestModuleMapRanges: in a module on disk, the map comes from another package
// and is found through its compiled types; what does not type-check is an error,
// and folders where order does not matter are left alone.
func TestModuleMapRanges(t *testing.T) {
	root := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	const loop = "import \"brokerlab/engine/env\"\nfunc f() {\n\tfor k := range env.M {\n\t\t_ = k\n\t}\n}\n"
	write("go.mod", "module "+module+"\n\ngo 1.26.0\n")
	write("engine/env/a.go", "package env\n\nvar M = map[string]int{}\n")
	write("engine/log/a.go", "package log\n\n"+loop)
	write("engine/realworld/a.go", "package realworld\n\n"+loop)
	write("disks/osfs/a.go", "package osfs\n\n"+loop)
	write("workloads/load/a.go", "package load\n\nfunc f() {}\n")
	found, files, err := moduleMapRanges(root)
	if err != nil || files != 3 {
		t.Errorf("%d files, error %v, want 3 files", files, err)
	}
	expectFindings(t, found, "engine/log/a.go", []string{"5: range over a map"})
	write("workloads/load/a.go", "package load\n\nfunc f() int {}\n")
	_, _, err = moduleMapRanges(root)
	if err == nil || !strings.Contains(err.Error(), "workloads/load does not type-check") {
		t.Errorf("a package that does not type-check: %v", err)
	}
}

// TestPackageDocs: a package needs a doc comment that begins with its name, in
// any of its files; a package of tests alone has none and is found too.
func TestPackageDocs(t *testing.T) {
	files := []struct{ path, text string }{
		{"engine/good/a.go", "package good"},
		{"engine/good/b.go", "// Package good is good.\npackage good"},
		{"engine/wrong/a.go", "// This is wrong.\npackage wrong"},
		{"engine/only/a_test.go", "// Package only is not documented by its tests.\npackage only"},
		{"cmd/tool/main.go", "// Command tool is a tool.\npackage main"},
		{"cmd/bad/main.go", "package main"},
	}
	var sources []*source
	for _, f := range files {
		s, err := parse(f.path, []byte(f.text))
		if err != nil {
			t.Fatal(err)
		}
		sources = append(sources, s)
	}
	var paths []string
	for _, f := range packageDocs(sources) {
		paths = append(paths, f.path)
	}
	if got, want := fmt.Sprint(paths), "[engine/wrong/a.go engine/only/a_test.go cmd/bad/main.go]"; got != want {
		t.Errorf("packages without docs: %s, want %s", got, want)
	}
}

// TestReadModule: the walk finds this file from the module's root, and skips what
// the go command skips.
func TestReadModule(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{"a/a.go", "a/testdata/b.go", ".hidden/c.go", "_old/d.go", "nested/e.go", "a/f.txt"} {
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte("package a\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(root, "nested/go.mod"), []byte("module nested\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	sources, err := readModule(root)
	if err != nil || len(sources) != 1 || sources[0].path != "a/a.go" {
		t.Errorf("found %d files, error %v, want a/a.go alone", len(sources), err)
	}
	found, err := moduleRoot()
	if err != nil || !exists(filepath.Join(found, "engine/tidy/rules_test.go")) {
		t.Errorf("the module's root is %q, error %v", found, err)
	}
}
