package tidy

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const module = "brokerlab"

// source is one parsed file. Files that a build tag leaves out are among them.
type source struct {
	path  string // slash-separated, from the module's root
	dir   string // of path
	test  bool
	text  []byte
	fset  *token.FileSet
	file  *ast.File
	names map[string]string // import path by the name it has in the file
}

// finding is a rule that a line breaks.
type finding struct {
	path string
	line int
	text string // what is wrong, and what to write instead
}

func (f finding) String() string { return fmt.Sprintf("%s:%d: %s", f.path, f.line, f.text) }

// rule looks at one file.
type rule struct {
	name  string
	check func(s *source, report reporter)
}

// reporter takes a finding at a position of the file that is looked at.
type reporter func(pos token.Pos, format string, args ...any)

// apply returns what the rule finds in the file.
func (r *rule) apply(s *source) (found []finding) {
	r.check(s, func(pos token.Pos, format string, args ...any) {
		found = append(found, finding{s.path, s.fset.Position(pos).Line, fmt.Sprintf(format, args...)})
	})
	return found
}

func parse(name string, text []byte) (*source, error) {
	s := &source{path: name, dir: path.Dir(name), test: strings.HasSuffix(name, "_test.go"), text: text}
	s.fset, s.names = token.NewFileSet(), map[string]string{}
	var err error
	if s.file, err = parser.ParseFile(s.fset, name, text, parser.ParseComments|parser.SkipObjectResolution); err != nil {
		return nil, err
	}
	for _, spec := range s.file.Imports {
		imported := importPath(spec)
		name := path.Base(imported)
		if majorVersion.MatchString(name) {
			name = path.Base(path.Dir(imported)) // math/rand/v2 is rand
		}
		if spec.Name != nil {
			name = spec.Name.Name
		}
		s.names[name] = imported
	}
	return s, nil
}

var majorVersion = regexp.MustCompile(`^v[0-9]+$`)

func importPath(spec *ast.ImportSpec) string {
	imported, err := strconv.Unquote(spec.Path.Value)
	if err != nil {
		panic(err) // the parser has accepted it
	}
	return imported
}

// selected returns the package and the name if the expression is pkg.Name.
func (s *source) selected(e ast.Expr) (pkg, name string) {
	sel, ok := e.(*ast.SelectorExpr)
	if !ok {
		return "", ""
	}
	x, ok := sel.X.(*ast.Ident)
	if !ok {
		return "", ""
	}
	return s.names[x.Name], sel.Sel.Name
}

// moduleRoot is the nearest folder above that has the module's go.mod.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && strings.HasPrefix(string(text), "module "+module+"\n") {
			return dir, nil
		}
		if dir == filepath.Dir(dir) {
			return "", fmt.Errorf("no go.mod of module %s here or above", module)
		}
		dir = filepath.Dir(dir)
	}
}

// readModule parses every Go file of the module, sorted by path. What the go
// command skips is skipped: testdata, names that begin with a dot or an
// underscore, nested modules.
func readModule(root string) (sources []*source, err error) {
	err = filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			name := d.Name()
			nested := file != root && exists(filepath.Join(file, "go.mod"))
			if file != root && (name == "testdata" || name == "vendor" || nested || strings.ContainsAny(name[:1], "._")) {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(file, ".go") {
			return nil
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		s, err := parse(filepath.ToSlash(rel), text)
		sources = append(sources, s)
		return err
	})
	slices.SortFunc(sources, func(a, b *source) int { return strings.Compare(a.path, b.path) })
	return sources, err
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

// within reports whether the folder is one of the roots or lies below one.
func within(dir string, roots ...string) bool {
	return slices.ContainsFunc(roots, func(root string) bool {
		return dir == root || strings.HasPrefix(dir, root+"/")
	})
}
