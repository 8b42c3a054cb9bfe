package tidy

import (
	"slices"
	"strings"
)

// worlds are the two implementations of engine/env, which the engine never knows.
var worlds = []string{"engine/realworld", "engine/simworld"}

// testOnly are folders without a package for others to import.
var testOnly = []string{"engine/tidy", "engine/clustertest"}

// layer says what the files of some folders may import of this module, tests
// apart: cmd > scenarios > {workloads, disks, the two worlds} > engine > env, and
// report > results.
type layer struct {
	folders []string
	may     []string // and its own folders
	never   []string // although may or the own folders contain it
	arrow   string
}

// layers is ordered: the first that contains a folder rules it.
var layers = []layer{
	{folders: []string{"engine/env"},
		arrow: "engine/env is the bottom and imports nothing of the module"},
	{folders: []string{"engine/realworld"}, may: []string{"engine"}, never: []string{"engine/simworld", "engine/tidy"},
		arrow: "a world imports the engine only, not the other world"},
	{folders: []string{"engine/simworld"}, may: []string{"engine"}, never: []string{"engine/realworld", "engine/tidy"},
		arrow: "a world imports the engine only, not the other world and no disks"},
	{folders: []string{"engine"}, never: slices.Concat(worlds, testOnly),
		arrow: "the engine reaches its world through engine/env only"},
	{folders: []string{"disks"}, may: []string{"engine"}, never: slices.Concat(worlds, testOnly),
		arrow: "disks import the engine at most, and know no world"},
	{folders: []string{"workloads"}, may: []string{"engine", "results"}, never: slices.Concat(worlds, testOnly),
		arrow: "workloads import the engine and results at most, and know no world"},
	{folders: []string{"scenarios"}, may: []string{"workloads", "disks", "engine", "results"}, never: testOnly,
		arrow: "scenarios import what is below them: workloads, disks, worlds, engine, results"},
	{folders: []string{"report"}, may: []string{"results"},
		arrow: "a report is made from results alone"},
	{folders: []string{"results"},
		arrow: "results are a format and import nothing of the module"},
	{folders: []string{"cmd"}, may: []string{"scenarios", "workloads", "disks", "engine", "results", "report"},
		never: testOnly, arrow: "cmd is the top"},
}

var arrowsRule = rule{"import arrows", func(s *source, report reporter) {
	if s.test {
		return
	}
	at := slices.IndexFunc(layers, func(l layer) bool { return within(s.dir, l.folders...) })
	for _, spec := range s.file.Imports {
		imported, ours := strings.CutPrefix(importPath(spec), module+"/")
		if spec.Name != nil && spec.Name.Name == "." {
			report(spec.Pos(), "dot import: names must show where they come from")
		}
		if !ours || at < 0 {
			continue
		}
		l := layers[at]
		if !within(imported, slices.Concat(l.folders, l.may)...) || within(imported, l.never...) {
			report(spec.Pos(), "%s imports %s: %s", s.dir, imported, l.arrow)
		}
	}
	if at < 0 && s.dir != "." {
		report(s.file.Package, "folder %s has no place in the arrows: give it one in %s", s.dir, "engine/tidy/arrows_test.go")
	}
}}

// pureFolders decide, and never wait or touch the world.
var pureFolders = []string{
	"engine/record", "engine/codec", "engine/replica", "engine/cluster", "engine/netmodel",
	"workloads/payload", "workloads/arrival", "workloads/check", "workloads/keys", "scenarios/spec", "scenarios/goals",
	"scenarios/omb", "results/selfcheck", "results/stats", "report/findings",
	"disks/device", "disks/pagecache", "disks/profiles",
}

// impureNames are what a package needs to reach the world. The others of
// engine/env (Buf, Op, Time, ...) are values.
var impureNames = []string{
	"Node", "NodeConfig", "World", "Mutex", "Cond", "FS", "File", "FileRange", "Net", "Listener", "Conn",
}
