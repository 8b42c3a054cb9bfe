package export

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"

	"brokerlab/results"
)

// Tables are the tables of CSV: a row for each cell, for each repeat of a cell, for
// each group of clients of a repeat, for each second of a repeat, and for each
// sample of a node.
var Tables = []string{"cells", "repeats", "groups", "seconds", "activity"}

// rows is a table; a row need not have every column.
type rows struct {
	labels  []string // columns that say which cell it is, by the names of its labels
	columns []string
	at      map[string]int
	rows    [][]string
}

// add adds a row: the number and the labels of its cell, and figures.
func (t *rows) add(labels []string, fields []field) {
	if t.at == nil {
		t.at = map[string]int{}
	}
	row := make([]string, len(t.columns))
	for _, f := range fields {
		i, ok := t.at[f.column]
		if !ok {
			i = len(t.columns)
			t.columns, t.at[f.column] = append(t.columns, f.column), i
		}
		for len(row) <= i {
			row = append(row, "")
		}
		row[i] = f.value
	}
	t.rows = append(t.rows, append(slices.Clone(labels), row...))
}

// heading is the columns. A label may have the name of a figure of some table, as load
// has: then its column is called label.load in all of them.
func (t *rows) heading() []string {
	all := []string{"cell"}
	for _, name := range t.labels {
		if slices.Contains(figureNames(), name) {
			name = "label." + name
		}
		all = append(all, name)
	}
	return append(all, t.columns...)
}

// figureNames are the columns of tables that are no labels, but for those of members that
// have members themselves: disk.busy does not take the name of the disk.
var figureNames = sync.OnceValue(func() []string {
	names := []string{"cell", "repeat", "node", "at_s", "length_s", "phase"}
	for _, t := range []reflect.Type{reflect.TypeFor[results.Cell](), reflect.TypeFor[results.Repeat](),
		reflect.TypeFor[results.Group](), reflect.TypeFor[results.Second](), reflect.TypeFor[results.Activity]()} {
		for _, f := range reflect.VisibleFields(t) {
			if inner := f.Type; inner.Kind() == reflect.Struct || inner.Kind() == reflect.Map ||
				(inner.Kind() == reflect.Pointer || inner.Kind() == reflect.Slice) && inner.Elem().Kind() == reflect.Struct {
				continue
			}
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			names = append(names, name)
		}
	}
	return names
})

// bytes is the table as CSV by RFC 4180, but for line ends of one character.
func (t *rows) bytes() ([]byte, error) {
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	heading := t.heading()
	for _, row := range append([][]string{heading}, t.rows...) {
		for len(row) < len(heading) {
			row = append(row, "")
		}
		if err := w.Write(row); err != nil {
			return nil, fmt.Errorf("export: %w", err)
		}
	}
	w.Flush()
	return out.Bytes(), w.Error()
}

// notInRows are members of cells and repeats that are no figure of the whole, or have
// a table of their own.
var notInRows = []string{"labels", "config", "repeats", "seconds", "nodes", "groups", "trust", "warnings"}

func writeTables(s *source) ([]File, error) {
	if s.sel.Table != "" && !slices.Contains(Tables, s.sel.Table) {
		return nil, fmt.Errorf("export: there is no table %q: there are %s", s.sel.Table,
			strings.Join(Tables, ", "))
	}
	var files []File
	for _, name := range Tables {
		if s.sel.Table != "" && s.sel.Table != name {
			continue
		}
		t := &rows{labels: s.r.LabelNames}
		for _, cell := range s.cells {
			if err := s.addRows(t, name, cell); err != nil {
				return nil, err
			}
		}
		if len(t.rows) == 0 {
			continue // no groups, or no activity
		}
		text, err := t.bytes()
		if err != nil {
			return nil, err
		}
		files = append(files, File{name + ".csv", text})
	}
	return files, nil
}

// addRows adds what a table has of one cell.
func (s *source) addRows(t *rows, name string, cell int) error {
	c := &s.r.Cells[cell]
	switch name {
	case "cells":
		return addRow(t, s.place(cell), nil, c)
	case "activity":
		return s.addActivity(t, cell)
	}
	for i := range c.Repeats {
		r := &c.Repeats[i]
		repeat := []field{{"repeat", strconv.Itoa(i + 1)}}
		switch name {
		case "repeats":
			if err := addRow(t, s.place(cell), repeat, r); err != nil {
				return err
			}
		case "groups":
			for g := range r.Groups {
				if err := addRow(t, s.place(cell), repeat, &r.Groups[g]); err != nil {
					return err
				}
			}
		case "seconds":
			for n := range r.Seconds {
				o, err := ordered(&r.Seconds[n])
				if err != nil {
					return err
				}
				warmup := field{"warmup", strconv.FormatBool(r.Seconds[n].Warmup)} // false is left out of the JSON
				t.add(s.place(cell), slices.Concat(repeat, []field{warmup}, o.without("warmup").flatten("")))
			}
		}
	}
	return nil
}

// place says which cell it is: its number and its labels.
func (s *source) place(cell int) []string {
	values := []string{strconv.Itoa(cell + 1)}
	for _, name := range s.r.LabelNames {
		values = append(values, s.r.Cells[cell].Labels[name])
	}
	return values
}

func addRow(t *rows, place []string, first []field, of any) error {
	o, err := ordered(of)
	if err != nil {
		return err
	}
	o = o.without(notInRows...)
	for i, m := range o {
		if wall, ok := m.value.(object); ok && m.name == "wall" {
			o[i].value = wall.without("machine")
		}
	}
	t.add(place, slices.Concat(first, o.flatten("")))
	return nil
}

// addActivity adds a row for each sample of each node.
func (s *source) addActivity(t *rows, cell int) error {
	all, err := s.folder.Activity(cell)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for i := range all {
		a := &all[i]
		o, err := ordered(a)
		if err != nil {
			return err
		}
		columns := o.series("")
		for sample := range a.Samples() {
			at := a.StartS + float64(sample)*a.EveryS
			fields := []field{{"repeat", strconv.Itoa(a.Repeat)}, {"node", a.Node}, {"at_s", number(at)},
				{"length_s", number(a.EveryS)}, {"phase", phaseOf(a, at)}}
			for _, c := range columns {
				if sample < len(c.values) {
					fields = append(fields, field{c.name, c.values[sample]})
				}
			}
			t.add(s.place(cell), fields)
		}
	}
	return nil
}

// phaseOf is the phase of a repeat that a sample belongs to, by its start.
func phaseOf(a *results.Activity, at float64) string {
	for _, p := range slices.Backward(a.Phases) {
		if at >= p.StartS-1e-9 {
			return p.Name
		}
	}
	switch { // an activity of a program that did not tell its phases
	case at < a.WarmupS:
		return results.PhaseWarmup
	case at < a.EndS:
		return results.PhaseLoad
	}
	return results.PhaseDrain
}

// number is a figure in its shortest form.
func number(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
