package report

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"brokerlab/report/document"
	"brokerlab/results"
	"brokerlab/results/quantity"
)

// settings are those that differ between cells, by cell, and those that all
// cells share.
func (p *page) settings() {
	if len(p.r.Cells) == 0 {
		return
	}
	p.add(document.Section{ID: "settings", Title: "Settings"})
	var differ []string
	var shared [][]string
	for _, path := range p.paths() {
		if value, same := p.sharedValue(path); same {
			shared = append(shared, []string{path, value})
		} else {
			differ = append(differ, path)
		}
	}
	if len(differ) > 0 {
		var rows [][]string
		for i, cell := range p.r.Cells {
			row := []string{strconv.Itoa(i + 1)}
			for _, path := range differ {
				row = append(row, orNone(cell.Config[path]))
			}
			rows = append(rows, row)
		}
		p.say("Cells differ in:")
		p.add(document.Table{Caption: "Settings that differ", Heading: append([]string{"cell"}, differ...), Rows: rows})
	}
	if len(shared) > 0 {
		p.add(document.Folded{Summary: fmt.Sprintf("All cells share (%d settings)", len(shared)), Parts: []document.Part{
			document.Table{Caption: "Settings of all cells", Heading: []string{"setting", "value"}, Rows: shared}}})
	}
}

// paths are all settings of all cells, sorted.
func (p *page) paths() []string {
	all := map[string]bool{}
	for _, cell := range p.r.Cells {
		for path := range cell.Config {
			all[path] = true
		}
	}
	return slices.Sorted(maps.Keys(all))
}

func (p *page) sharedValue(path string) (string, bool) {
	value := p.r.Cells[0].Config[path]
	for _, cell := range p.r.Cells {
		if v, ok := cell.Config[path]; !ok || v != value {
			return "", false
		}
	}
	return orNone(value), true
}

func orNone(value string) string {
	if value == "" {
		return quantity.None
	}
	return value
}

// where is the machine and the program.
func (p *page) where() {
	m, v := p.r.Wall.Machine, p.r.Wall.Version
	p.add(document.Section{ID: "machine", Title: "Where it ran"})
	memory := quantity.NotAvailable
	if m.MemBytes > 0 {
		memory = quantity.Bytes(m.MemBytes)
	}
	commit := v.Commit
	if v.Modified {
		commit += ", with local changes"
	}
	rows := [][]string{
		{"processor", fmt.Sprintf("%s, %s", orNone(m.CPU), quantity.Plural(int64(m.Cores), "core"))},
		{"memory", memory},
		{"system", strings.TrimSpace(fmt.Sprintf("%s/%s %s", m.OS, m.Arch, m.Kernel))},
		{"brokerlab", strings.TrimSpace(v.Brokerlab + " (commit " + commit + ")")},
		{"Go", orNone(v.Go)},
	}
	for _, d := range p.r.Wall.Directories {
		text := d.FileSystem
		if d.FreeBytes > 0 {
			text += ", " + quantity.Bytes(d.FreeBytes) + " free"
		}
		rows = append(rows, []string{"directory " + d.Path, text})
	}
	p.add(document.Table{Caption: "Machine and program", Heading: []string{"what", "value"}, Rows: rows})
}

// again is how to repeat the run.
func (p *page) again() {
	p.add(document.Section{ID: "again", Title: "Run it again"})
	if len(p.r.Wall.Command) > 0 {
		p.say("As it was started:")
		p.add(document.Command{Text: shell(p.r.Wall.Command)})
	}
	p.say("The scenario as it ran, whatever has become of its file since:")
	p.add(document.Command{Text: shell(p.rerun())})
	p.say("Paste it where the run was started, so that relative paths mean the same; without brokerlab on the search " +
		"path, begin with go run ./cmd/brokerlab in its place.")
	for _, words := range p.keptCurves() {
		p.say("%s", words)
	}
	p.say("%s holds every figure, the .hlog files every interval's histogram in nanoseconds, the .hgrm files the "+
		"percentiles in milliseconds, warm-up left out.", results.ResultFile)
}

// keptCurves tells of each rate curve that was replayed where its copy is.
func (p *page) keptCurves() (all []string) {
	kept := map[string]string{}
	for _, c := range p.r.Cells {
		maps.Copy(kept, c.Curves)
	}
	for _, path := range slices.Sorted(maps.Keys(kept)) {
		all = append(all, fmt.Sprintf("The rates of %s as they were replayed are kept in %s: say load.curve of that file if "+
			"the other has changed.", path, filepath.ToSlash(filepath.Join(p.r.Wall.Folder, kept[path]))))
	}
	return all
}

// rerun runs the scenario of the folder again, with its results beside it.
func (p *page) rerun() []string {
	folder := p.r.Wall.Folder
	args := []string{"brokerlab", "run", "./" + results.ScenarioFile}
	if folder == "" { // as in a folder of an older program: from within it
		return args
	}
	args[2] = filepath.ToSlash(filepath.Join(folder, results.ScenarioFile))
	root := filepath.ToSlash(filepath.Dir(filepath.Dir(folder)))
	if root != rootUnlessGiven {
		args = append(args, "--out", root)
	}
	return args
}

// rootUnlessGiven is where run folders go unless --out says otherwise.
const rootUnlessGiven = "results/runs"

// plainArgument needs no quotes in a shell.
const plainArgument = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=,+@%"

// shell quotes a command for a POSIX shell, on one line.
func shell(args []string) string {
	quoted := make([]string, len(args))
	for i, a := range args {
		quoted[i] = a
		if a == "" || strings.Trim(a, plainArgument) != "" {
			quoted[i] = "'" + strings.ReplaceAll(strings.ReplaceAll(a, "'", `'\''`), "\n", " ") + "'"
		}
	}
	return strings.Join(quoted, " ")
}
