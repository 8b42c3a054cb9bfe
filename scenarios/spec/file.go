package spec

import (
	"fmt"
	"path/filepath"
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
}

// variation is one entry of vary.
type variation struct {
	name    string   // as written; empty for a plain list of values
	setting *setting // of a plain list of values; nil for named choices
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

// Cells returns every combination of what varies, the last one varying fastest;
// without vary one cell. A cell whose settings contradict each other is an
// error that names the cell. The error is of type Errors.
func (f *File) Cells() ([]Cell, error) {
	count := 1
	for _, v := range f.vary {
		count *= len(v.choices)
		if count > cellsMax {
			msg := fmt.Sprintf("makes more than %d cells", cellsMax)
			return nil, Errors{v.at.fault(f.file, varyKey, msg)}
		}
	}
	names := f.labelNames()
	cells := make([]Cell, 0, count)
	var faults cellFaults
	picked := make([]int, len(f.vary))
	for range count {
		cell, origins := f.cell(names, picked)
		faults.collect(f.file, &cell, origins)
		cells = append(cells, cell)
		for i := len(picked) - 1; i >= 0; i-- {
			if picked[i]++; picked[i] < len(f.vary[i].choices) {
				break
			}
			picked[i] = 0
		}
	}
	if err := faults.errors(len(cells)).orNil(); err != nil {
		return nil, err
	}
	return cells, nil
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
