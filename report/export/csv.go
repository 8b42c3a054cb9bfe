package export

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"

	"brokerlab/results"
)

// Tables are the tables of CSV: a row for each cell, for each repeat of a cell, for
// each group of clients of a repeat, for each second of a repeat, and for each
// sample of a node.
var Tables = []string{"cells", "repeats", "groups", "seconds", "activity"}

// rows is a table; a row need not have every column.
type rows struct {
	columns []string
	at      map[string]int
	rows    [][]string
}

func (t *rows) add(fields []field) {
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
	t.rows = append(t.rows, row)
}

// bytes is the table as CSV by RFC 4180, but for line ends of one character.
func (t *rows) bytes() ([]byte, error) {
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	rows := append([][]string{t.columns}, t.rows...)
	for _, row := range rows {
		for len(row) < len(t.columns) {
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
		t := &rows{}
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
		return addRow(t, s.place(cell), c)
	case "activity":
		return s.addActivity(t, cell)
	}
	for i := range c.Repeats {
		r := &c.Repeats[i]
		place := append(s.place(cell), field{"repeat", strconv.Itoa(i + 1)})
		switch name {
		case "repeats":
			if err := addRow(t, place, r); err != nil {
				return err
			}
		case "groups":
			for g := range r.Groups {
				if err := addRow(t, place, &r.Groups[g]); err != nil {
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
				t.add(slices.Concat(place, []field{warmup}, o.without("warmup").flatten("")))
			}
		}
	}
	return nil
}

// place are the columns that say which cell it is.
func (s *source) place(cell int) []field {
	fields := []field{{"cell", strconv.Itoa(cell + 1)}}
	for _, name := range s.r.LabelNames {
		fields = append(fields, field{name, s.r.Cells[cell].Labels[name]})
	}
	return fields
}

func addRow(t *rows, place []field, of any) error {
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
	t.add(slices.Concat(place, o.flatten("")))
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
			fields := append(s.place(cell), field{"repeat", strconv.Itoa(a.Repeat)}, field{"node", a.Node},
				field{"at_s", number(at)}, field{"length_s", number(a.EveryS)}, field{"phase", phaseOf(a, at)})
			for _, c := range columns {
				if sample < len(c.values) {
					fields = append(fields, field{c.name, c.values[sample]})
				}
			}
			t.add(fields)
		}
	}
	return nil
}

// phaseOf says to which part of a repeat a sample belongs, by its start.
func phaseOf(a *results.Activity, at float64) string {
	switch {
	case at < a.WarmupS:
		return "warm-up"
	case at < a.EndS:
		return "measured"
	}
	return "after"
}

// number is a figure in its shortest form.
func number(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) }
