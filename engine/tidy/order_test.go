package tidy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

const sortedKeys = "range over slices.Sorted(maps.Keys(m)), or keep a slice beside the map"

// ordered reports whether the order of things in the folder's code must not
// depend on a map.
func ordered(dir string) bool {
	return within(dir, "engine", "disks/simfs", "disks/device", "disks/pagecache", "workloads") &&
		!within(dir, "engine/realworld", "engine/tidy")
}

// mapRanges reports each range over a map that looks at a key or a value. It
// needs types: syntax does not say what a map is.
func mapRanges(file *ast.File, info *types.Info, report func(pos token.Pos, text string)) {
	ast.Inspect(file, func(n ast.Node) bool {
		loop, ok := n.(*ast.RangeStmt)
		if !ok || blank(loop.Key) && blank(loop.Value) {
			return true
		}
		if t := info.TypeOf(loop.X); t != nil && isMap(t) {
			report(loop.Pos(), "range over a map: "+sortedKeys)
		}
		return true
	})
}

func blank(e ast.Expr) bool {
	id, ok := e.(*ast.Ident)
	return e == nil || ok && id.Name == "_"
}

// isMap is true for maps and for type parameters that may be one.
func isMap(t types.Type) bool {
	switch t := t.Underlying().(type) {
	case *types.Map:
		return true
	case *types.Interface:
		for embedded := range t.EmbeddedTypes() {
			if union, ok := embedded.(*types.Union); ok {
				for term := range union.Terms() {
					if isMap(term.Type()) {
						return true
					}
				}
			} else if isMap(embedded) {
				return true
			}
		}
	}
	return false
}

// mapIteratorsRule: the iterators of a map have no order either, unless they are
// sorted at once.
var mapIteratorsRule = rule{"map iterators", func(s *source, report reporter) {
	if s.test || !ordered(s.dir) {
		return
	}
	isSorted := map[ast.Expr]bool{}
	ast.Inspect(s.file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		switch pkg, name := s.selected(call.Fun); {
		case pkg == "slices" && strings.HasPrefix(name, "Sorted") && len(call.Args) > 0:
			isSorted[call.Args[0]] = true
		case pkg == "maps" && slices.Contains([]string{"Keys", "Values", "All"}, name) && !isSorted[call]:
			report(call.Pos(), "maps.%s has no order: %s", name, sortedKeys)
		}
		return true
	})
}}

// listed is what the go command says of a package.
type listed struct {
	ImportPath string
	Dir        string
	Export     string // file of the compiled package's types
	GoFiles    []string
}

// listModule returns the packages of the folders and all that they import.
func listModule(root string, patterns ...string) (pkgs []listed, err error) {
	cmd := exec.Command("go", append([]string{"list", "-e", "-export", "-deps",
		"-json=ImportPath,Dir,Export,GoFiles"}, patterns...)...)
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	for decoder := json.NewDecoder(bytes.NewReader(out)); decoder.More(); {
		var pkg listed
		if err := decoder.Decode(&pkg); err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		pkgs = append(pkgs, pkg)
	}
	return pkgs, nil
}

// moduleMapRanges applies mapRanges to the files of the module that must not
// depend on the order of a map, with the types of what they import from the go
// command's build cache.
func moduleMapRanges(root string) (found []finding, files int, err error) {
	pkgs, err := listModule(root, "./engine/...", "./disks/...", "./workloads/...")
	if err != nil {
		return nil, 0, err
	}
	exports := map[string]string{}
	for _, pkg := range pkgs {
		exports[pkg.ImportPath] = pkg.Export
	}
	fset := token.NewFileSet()
	imports := importer.ForCompiler(fset, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })
	for _, pkg := range pkgs {
		dir, ours := strings.CutPrefix(pkg.ImportPath, module+"/")
		if !ours || !ordered(dir) || len(pkg.GoFiles) == 0 {
			continue
		}
		var parsed []*ast.File
		for _, name := range pkg.GoFiles {
			file, err := parser.ParseFile(fset, filepath.Join(pkg.Dir, name), nil, parser.SkipObjectResolution)
			if err != nil {
				return nil, 0, err
			}
			parsed = append(parsed, file)
		}
		info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Defs: map[*ast.Ident]types.Object{},
			Uses: map[*ast.Ident]types.Object{}}
		if _, err := (&types.Config{Importer: imports}).Check(pkg.ImportPath, fset, parsed, info); err != nil {
			return nil, 0, fmt.Errorf("%s does not type-check, so that its maps cannot be told: %w", dir, err)
		}
		for _, file := range parsed {
			files++
			mapRanges(file, info, func(pos token.Pos, text string) {
				at := fset.Position(pos)
				found = append(found, finding{path.Join(dir, filepath.Base(at.Filename)), at.Line, text})
			})
		}
	}
	return found, files, nil
}
