package tidy

import (
	"go/ast"
	"go/token"
	"slices"
)

// exempt are the folders of the engine that stand between it and the machine.
var exempt = slices.Concat([]string{"engine/env", "engine/tidy"}, worlds)

// inEngine reports whether the file is engine code, which has nothing but env.
func inEngine(s *source) bool {
	return !s.test && within(s.dir, "engine") && !within(s.dir, exempt...)
}

// inBothWorlds reports whether the file's code runs in the simulated world too,
// and so may wait, draw and look at the clock through env only. Workloads may
// import sync for figures that a display outside the world reads.
func inBothWorlds(s *source) bool {
	return inEngine(s) || !s.test && within(s.dir, "workloads")
}

// inTheModel reports whether the file's code makes the simulated world.
func inTheModel(s *source) bool {
	return !s.test && within(s.dir, "engine/simworld", "disks/simfs", "disks/device", "disks/pagecache")
}

// bannedImports is what the engine does not import, with what it uses instead.
var bannedImports = map[string]string{
	"sync":             "env.Node's NewMutex and NewCond, or engine/task",
	"sync/atomic":      "a field guarded by an env.Mutex",
	"os":               "env.FS",
	"net":              "env.Net",
	"context":          "a deadline of type env.Time, and Close",
	"runtime":          "nothing: the engine does not know its runtime",
	"math/rand":        "env.Node.Rand",
	"hash/maphash":     "a hash with a fixed seed, hash/fnv for example",
	"syscall":          "env.FS",
	"golang.org/x/sys": "env.FS",
	"unsafe":           "safe code",
}

// bannedForOrder: models and workloads may use sync and the like, but nothing
// that differs from run to run.
var bannedForOrder = []string{"math/rand", "hash/maphash"}

var importsRule = rule{"banned imports", func(s *source, report reporter) {
	engine := inEngine(s)
	if !engine && !inBothWorlds(s) && !inTheModel(s) {
		return
	}
	for _, spec := range s.file.Imports {
		imported := importPath(spec)
		key := imported
		if within(imported, "golang.org/x/sys") {
			key = "golang.org/x/sys"
		}
		instead, banned := bannedImports[key]
		if banned && (engine || slices.Contains(bannedForOrder, key)) {
			report(spec.Pos(), "import of %s: use %s", imported, instead)
		}
	}
}}

var statementsRule = rule{"goroutines and channels", func(s *source, report reporter) {
	if !inBothWorlds(s) {
		return
	}
	ast.Inspect(s.file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			report(n.Pos(), "go statement: use env.Node.Go or task.Group")
		case *ast.SelectStmt:
			report(n.Pos(), "select statement: wait on one env.Cond")
		case *ast.ChanType:
			report(n.Pos(), "channel: use task.Queue or task.Future")
		case *ast.SendStmt:
			report(n.Pos(), "channel send: use task.Queue or task.Future")
		case *ast.UnaryExpr:
			if n.Op == token.ARROW {
				report(n.Pos(), "channel receive: use task.Queue or task.Future")
			}
		}
		return true
	})
}}

// clockNames look at the wall clock or wait for it.
var clockNames = []string{
	"Now", "Sleep", "After", "AfterFunc", "Since", "Until", "Tick", "NewTimer", "NewTicker",
}

// seededRand is what of math/rand/v2 does not draw from the process-wide
// generator.
var seededRand = []string{
	"New", "NewPCG", "NewChaCha8", "NewZipf", "Rand", "Source", "PCG", "ChaCha8", "Zipf",
}

var clockRule = rule{"clock and global random", func(s *source, report reporter) {
	if !inBothWorlds(s) && !inTheModel(s) {
		return
	}
	ast.Inspect(s.file, func(n ast.Node) bool {
		e, ok := n.(ast.Expr)
		if !ok {
			return true
		}
		switch pkg, name := s.selected(e); {
		case pkg == "time" && slices.Contains(clockNames, name):
			report(e.Pos(), "time.%s: use env.Node's Now, Sleep or Cond.WaitUntil, or the kernel's clock", name)
		case pkg == "math/rand/v2" && !slices.Contains(seededRand, name):
			report(e.Pos(), "global random rand.%s: use env.Node.Rand or a generator that is passed in", name)
		}
		return true
	})
}}

var pureRule = rule{"pure packages", func(s *source, report reporter) {
	if s.test || !within(s.dir, pureFolders...) {
		return
	}
	ast.Inspect(s.file, func(n ast.Node) bool {
		e, ok := n.(ast.Expr)
		if !ok {
			return true
		}
		if pkg, name := s.selected(e); pkg == module+"/engine/env" && slices.Contains(impureNames, name) {
			report(e.Pos(), "env.%s in %s, which is pure: take now, bytes or a *rand.Rand as arguments", name, s.dir)
		}
		return true
	})
}}
