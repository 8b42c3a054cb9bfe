package tidy

import (
	"go/ast"
	"go/scanner"
	"go/token"
	"path"
	"regexp"
	"strings"
	"unicode/utf8"
)

const (
	functionLinesMax     = 70 // a function fits a screen
	testFunctionLinesMax = 100
	fileLinesMax         = 600
	lineRunesMax         = 120
)

var functionsRule = rule{"function length", func(s *source, report reporter) {
	limit := functionLinesMax
	if s.test {
		limit = testFunctionLinesMax
	}
	for _, d := range s.file.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok {
			continue
		}
		lines := s.fset.Position(fn.End()).Line - s.fset.Position(fn.Pos()).Line + 1
		if lines > limit {
			report(fn.Pos(), "%s has %d lines, %d at most: move a pure part into a function", fn.Name.Name, lines, limit)
		}
	}
}}

var linesRule = rule{"line and file length", func(s *source, report reporter) {
	file := s.fset.File(s.file.Package)
	lines := strings.Split(strings.TrimSuffix(string(s.text), "\n"), "\n")
	for i, line := range lines {
		if runes := utf8.RuneCountInString(line); runes > lineRunesMax {
			report(file.LineStart(i+1), "line of %d characters, %d at most: break it", runes, lineRunesMax)
		}
	}
	if len(lines) > fileLinesMax {
		report(file.LineStart(fileLinesMax), "file of %d lines, %d at most: split it by subject", len(lines), fileLinesMax)
	}
}}

var marker = regexp.MustCompile(`\b(TODO|FIXME|XXX|HACK)\b`)

var markersRule = rule{"leftover markers", func(s *source, report reporter) {
	for _, group := range s.file.Comments {
		for _, c := range group.List {
			if found := marker.FindStringIndex(c.Text); found != nil {
				report(c.Pos()+token.Pos(found[0]), "%s: do it, or file an issue", c.Text[found[0]:found[1]])
			}
		}
	}
}}

var asciiRule = rule{"plain ASCII", func(s *source, report reporter) {
	fset := token.NewFileSet()
	var scan scanner.Scanner
	scan.Init(fset.AddFile(s.path, -1, len(s.text)), s.text, nil, scanner.ScanComments)
	base := s.fset.File(s.file.Package).Base() - fset.File(1).Base()
	for {
		pos, tok, text := scan.Scan()
		if tok == token.EOF {
			break
		}
		if tok == token.STRING || tok == token.CHAR {
			continue
		}
		if i := strings.IndexFunc(text, func(r rune) bool { return r >= utf8.RuneSelf }); i >= 0 {
			r, _ := utf8.DecodeRuneInString(text[i:])
			report(pos+token.Pos(base+i), "%q outside a string literal: write it in ASCII", r)
		}
	}
}}

// packageDocs: every package says its job in a doc comment that begins with its
// name.
func packageDocs(sources []*source) (found []finding) {
	type pkg struct {
		first *source // the package's first file that is no test
		doc   bool
	}
	var dirs []string
	pkgs := map[string]*pkg{}
	for _, s := range sources {
		p := pkgs[s.dir]
		if p == nil {
			p = &pkg{first: s}
			pkgs[s.dir], dirs = p, append(dirs, s.dir)
		}
		if s.test {
			continue
		}
		if p.first.test {
			p.first = s
		}
		begin := "Package " + s.file.Name.Name + " "
		if s.file.Name.Name == "main" {
			begin = "Command " + path.Base(s.dir) + " "
		}
		p.doc = p.doc || strings.HasPrefix(s.file.Doc.Text(), begin)
	}
	for _, dir := range dirs {
		if p := pkgs[dir]; !p.doc {
			found = append(found, finding{p.first.path, 1,
				"package without a doc comment: begin one with \"Package <name> \" (\"Command <name> \" for main)"})
		}
	}
	return found
}
