package spec

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// File is one scenario file, read and checked setting by setting: a base and
// what varies over it. Settings that contradict each other are found by Cells,
// so that Set can mend them first.
type File struct {
	Base Scenario

	file    string
	origins map[string]origin // where the base's settings were written, by path
	vary    []variation
	exclude []exclusion
	goals   []*Goal
	changed bool // by Set: less may run than the file says
	// faulty are settings that could not be read, by path: rules about them are not
	// looked at. It is empty once Parse has returned without an error.
	faulty map[string]bool
}

// variation is one entry of vary.
type variation struct {
	name    string   // as written; empty for a plain list of values
	setting *setting // of a plain list of values; nil for named choices
	paired  bool     // the choices are entries of lists of settings that vary together
	choices []choice
	at      origin
}

// choice is one value of a plain list, or one named choice.
type choice struct {
	name string // the label's value
	sets []assignment
	at   origin
}

// assignment gives a setting a value that its notation has accepted.
type assignment struct {
	setting *setting
	text    string // canonical
	at      origin
}

func (a assignment) apply(s *Scenario) {
	if err := a.setting.parse(s, a.text); err != nil {
		panic(fmt.Sprintf("spec: canonical text of %s is refused: %v", a.setting.path, err))
	}
}

// Limits of a sweep.
const (
	cellsMax   = 1000
	choicesMax = 100
)

// canonical returns the canonical text of a setting's value, or what is wrong
// with it.
func (st *setting) canonical(text string) (string, error) {
	var s Scenario
	if err := st.parse(&s, text); err != nil {
		return "", err
	}
	return st.format(&s), nil
}

// nameOf returns a scenario's name, which is its file's name.
func nameOf(file string) (string, error) {
	name := filepath.Base(filepath.ToSlash(file))
	name = strings.TrimSuffix(strings.TrimSuffix(name, ".yaml"), ".yml")
	for _, r := range name {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' {
			return name, fmt.Errorf("%q is not a scenario's name: name the file with a-z, 0-9 and - only", name)
		}
	}
	if name == "" {
		return name, fmt.Errorf("the file has no name")
	}
	return name, nil
}

// labelNames returns the name of each variation's label: its own, or the
// setting's without the section, or the full path where that would clash.
func (f *File) labelNames() []string {
	count := map[string]int{diskKey: 1}
	short := make([]string, len(f.vary))
	for i, v := range f.vary {
		short[i] = v.name
		if v.setting != nil {
			short[i] = v.setting.name()
		}
		count[short[i]]++
	}
	for i, v := range f.vary {
		if v.setting != nil && count[short[i]] > 1 {
			short[i] = v.setting.path
		}
	}
	return short
}

// LabelNames are the names of what varies, in order, without the disk.
func (f *File) LabelNames() []string { return f.labelNames() }

// Cells returns every combination of what varies, the last one varying fastest,
// without those that exclude leaves out; without vary one cell. A cell's
// Scenario.Disks are those on which it runs. A cell whose settings contradict each
// other is an error that names the cell, and so is a goal that cannot be judged. The
// error is of type Errors.
func (f *File) Cells() ([]Cell, error) {
	cells, errs := f.cells(true)
	if err := errs.orNil(); err != nil {
		return nil, err
	}
	return cells, nil
}

// cells is Cells; judged says whether goals are to be checked.
func (f *File) cells(judged bool) ([]Cell, Errors) {
	all, origins, errs := f.combinations()
	if len(errs) > 0 {
		return nil, errs
	}
	cells := make([]Cell, 0, len(all))
	var faults cellFaults
	for i := range all {
		cell := all[i]
		cell.Scenario.Disks = slices.DeleteFunc(slices.Clone(cell.Scenario.Disks), func(disk string) bool {
			return f.excluded(&cell, disk)
		})
		if len(cell.Scenario.Disks) == 0 {
			continue
		}
		faults.collect(f, &cell, origins[i])
		cells = append(cells, cell)
	}
	if len(cells) == 0 {
		return nil, Errors{f.exclude[0].at.fault(f.file, excludeKey, nothingLeft(len(all)))}
	}
	errs = faults.errors(len(cells))
	if judged {
		_, _, wrong := f.planGoals(cells)
		errs = append(errs, wrong...)
	}
	return cells, errs
}

// OnDisks is the same scenario on other disks than the file says.
func (f *File) OnDisks(disks []string) *File {
	next := f.clone()
	next.Base.Disks, next.changed = slices.Clone(disks), true
	return next
}

// combinations are all cells, exclude left aside, and where their settings were
// written.
func (f *File) combinations() (all []Cell, origins []map[string]origin, errs Errors) {
	count := 1
	for _, v := range f.vary {
		if count *= len(v.choices); count > cellsMax {
			return nil, nil, Errors{v.at.fault(f.file, varyKey, f.tooMany())}
		}
	}
	names := f.labelNames()
	picked := make([]int, len(f.vary))
	for range count {
		cell, from := f.cell(names, picked)
		all, origins = append(all, cell), append(origins, from)
		for i := len(picked) - 1; i >= 0; i-- {
			if picked[i]++; picked[i] < len(f.vary[i].choices) {
				break
			}
			picked[i] = 0
		}
	}
	return all, origins, nil
}

// tooMany says how many cells what varies makes.
func (f *File) tooMany() string {
	const countMax = 1_000_000
	count, text := 1, "makes "
	for _, v := range f.vary {
		if count = min(countMax, count*len(v.choices)); count == countMax {
			text = "makes at least "
		}
	}
	return fmt.Sprintf("%s%d cells, of which at most %d fit: vary less, or make several scenarios of it", text, count,
		cellsMax)
}

// Placed is a cell on one of its disks: what runs, and what a result has as a cell.
type Placed struct {
	Cell *Cell
	Disk string
}

// Place puts cells on their disks, in the order of results: disk by disk.
func (f *File) Place(cells []Cell) []Placed {
	var all []Placed
	for _, disk := range f.Base.Disks {
		for i := range cells {
			if slices.Contains(cells[i].Scenario.Disks, disk) {
				all = append(all, Placed{Cell: &cells[i], Disk: disk})
			}
		}
	}
	return all
}

// name tells a cell's labels, the disk among them.
func (p *Placed) name() string {
	labels := p.Cell.String()
	if labels != "" {
		labels += ", "
	}
	return labels + diskKey + "=" + p.Disk
}

// Goals are the scenario's goals with the cells that each is about, as indices of
// Place. Notes say which goals are about none of the cells that a Set has left: those
// are not among them.
func (f *File) Goals(cells []Cell) (planned []PlannedGoal, notes []string) {
	planned, notes, _ = f.planGoals(cells)
	return planned, notes
}

// planGoals finds what goals are about, and what is wrong with them.
func (f *File) planGoals(cells []Cell) (planned []PlannedGoal, notes []string, errs Errors) {
	all := f.Place(cells)
	for _, g := range f.goals {
		targets, err := g.targets(f, all)
		written := !f.changed || g.at.flag != ""
		switch {
		case err != nil && written:
			errs = append(errs, g.at.fault(f.file, goalsKey, err.Error()))
		case err != nil:
			notes = append(notes, "goal left out: "+g.Text+": "+err.Error())
		default:
			errs = append(errs, g.check(f, all, targets, written)...)
			planned = append(planned, PlannedGoal{Goal: g, Targets: targets})
		}
	}
	return planned, notes, errs
}

// cell applies one choice of each variation to the base.
func (f *File) cell(names []string, picked []int) (Cell, map[string]origin) {
	cell := Cell{Scenario: f.Base.clone()}
	origins := make(map[string]origin, len(f.origins))
	for path, at := range f.origins {
		origins[path] = at
	}
	for i, v := range f.vary {
		c := v.choices[picked[i]]
		cell.Labels = append(cell.Labels, Label{Name: names[i], Value: c.name})
		for _, a := range c.sets {
			a.apply(&cell.Scenario)
			origins[a.setting.path] = a.at
		}
	}
	return cell, origins
}
