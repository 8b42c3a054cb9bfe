// Package export writes a run in the formats of other tools: HDR histogram logs and
// percentile listings, CSV, Markdown, the result JSON of the OpenMessaging Benchmark,
// and the Go benchmark format that benchstat reads. It works from the run folder
// alone, and adds no figure that the run does not have.
package export

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"brokerlab/results"
)

// File is one file of an export.
type File struct {
	Name    string
	Content []byte
}

// Selection narrows an export.
type Selection struct {
	Cell    int    // counts from 1; 0: all
	Latency string // a name in Cell.Latency; "": all. Of histograms only
	Table   string // of CSV; "": all
}

// Format is one format of exports.
type Format struct {
	Name string
	// Extension of its files, with the dot.
	Extension string
	Usage     string

	write func(*source) ([]File, error)
	join  func(*source) ([]byte, error) // nil: a single file of write
}

// Formats are all of them.
var Formats = []Format{
	{Name: "hlog", Extension: ".hlog", write: writeLogs, join: joinLogs,
		Usage: "HDR histogram log 1.3 of every interval; in one file, tags tell cells apart"},
	{Name: "hgrm", Extension: ".hgrm", write: writePercentiles,
		Usage: "HDR percentile listing of a cell's merged histogram, in ms"},
	{Name: "csv", Extension: ".csv", write: writeTables,
		Usage: "tables: " + strings.Join(Tables, ", ") + " (choose one with --table)"},
	{Name: "markdown", Extension: ".md", write: writeMarkdown,
		Usage: "the table of results, to paste"},
	{Name: "omb", Extension: ".json", write: writeOMB,
		Usage: "result JSON of the OpenMessaging Benchmark, a file for each cell"},
	{Name: "benchstat", Extension: ".txt", write: writeBenchmarks,
		Usage: "Go benchmark format, a line for each repeat: compare two with benchstat"},
}

// Names are the names of the formats.
func Names() (names []string) {
	for _, f := range Formats {
		names = append(names, f.Name)
	}
	return names
}

// FormatOf finds a format by its name.
func FormatOf(name string) (Format, bool) {
	i := slices.IndexFunc(Formats, func(f Format) bool { return f.Name == name })
	if i < 0 {
		return Format{}, false
	}
	return Formats[i], true
}

// source is what an export is made from.
type source struct {
	folder *results.Folder
	r      *results.Result
	cells  []int // indexes in Result.Cells
	sel    Selection
}

// newSource checks a selection.
func (f Format) newSource(folder *results.Folder, r *results.Result, sel Selection) (*source, error) {
	s := &source{folder: folder, r: r, sel: sel}
	switch {
	case len(r.Cells) == 0:
		return nil, fmt.Errorf("export: no cell ran%s", because(r.Incomplete))
	case sel.Table != "" && f.Name != "csv":
		return nil, fmt.Errorf("export: %s has no tables to choose from: only csv has", f.Name)
	case sel.Latency != "" && f.Name != "hlog" && f.Name != "hgrm":
		return nil, fmt.Errorf("export: %s has all latencies: only of hlog and hgrm one can be chosen", f.Name)
	case sel.Cell < 0 || sel.Cell > len(r.Cells):
		return nil, fmt.Errorf("export: there is no cell %d: the run has %d, which count from 1", sel.Cell, len(r.Cells))
	}
	for i := range r.Cells {
		if (sel.Cell == 0 || sel.Cell == i+1) && len(r.Cells[i].Repeats) > 0 {
			s.cells = append(s.cells, i)
		}
	}
	if len(s.cells) == 0 {
		return nil, fmt.Errorf("export: the cell did not run%s", because(r.Incomplete))
	}
	return s, nil
}

func because(reason string) string {
	if reason == "" {
		return ""
	}
	return ": " + reason
}

// Write makes the files of an export, of which there may be several.
func (f Format) Write(folder *results.Folder, r *results.Result, sel Selection) ([]File, error) {
	s, err := f.newSource(folder, r, sel)
	if err != nil {
		return nil, err
	}
	files, err := f.write(s)
	if err == nil && len(files) == 0 {
		err = errors.New("export: the run has none of that")
	}
	return files, err
}

// SeveralError says that an export has several files and cannot be one text.
type SeveralError struct{ Names []string }

func (e *SeveralError) Error() string {
	return fmt.Sprintf("export: it has %d files (%s, ...)", len(e.Names), e.Names[0])
}

// Join makes one text of an export. The error is a SeveralError where it has several
// files that cannot be one.
func (f Format) Join(folder *results.Folder, r *results.Result, sel Selection) ([]byte, error) {
	s, err := f.newSource(folder, r, sel)
	if err != nil {
		return nil, err
	}
	if f.join != nil {
		return f.join(s)
	}
	files, err := f.Write(folder, r, sel)
	if err != nil {
		return nil, err
	}
	if len(files) == 1 {
		return files[0].Content, nil
	}
	several := &SeveralError{}
	for _, file := range files {
		several.Names = append(several.Names, file.Name)
	}
	return nil, several
}

// histograms are the intervals of one latency of a cell.
type histograms struct {
	cell      int
	latency   string
	intervals []results.Interval
}

// histograms reads those of the selection.
func (s *source) histograms() (all []histograms, err error) {
	for _, cell := range s.cells {
		of, err := s.histogramsOf(cell)
		if err != nil {
			return nil, err
		}
		all = append(all, of...)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("export: the run left no histograms of %s", cmp.Or(s.sel.Latency, "its latencies"))
	}
	return all, nil
}

// histogramsOf reads those of one cell.
func (s *source) histogramsOf(cell int) (all []histograms, err error) {
	c := &s.r.Cells[cell]
	for _, latency := range latenciesOf(c) {
		if s.sel.Latency != "" && s.sel.Latency != latency {
			continue
		}
		hs, err := s.folder.Histograms(cell, latency)
		if errors.Is(err, fs.ErrNotExist) {
			continue // such as end-to-end without consumers
		}
		if err != nil {
			return nil, err
		}
		if err := whole(hs, c.Latency[latency]); err != nil {
			return nil, fmt.Errorf("export: %s: %w", results.HistogramFile(cell, latency, "hlog"), err)
		}
		all = append(all, histograms{cell, latency, hs})
	}
	return all, nil
}

// whole refuses intervals that are fewer than the result tells of: what is left of a file
// that was cut short has other percentiles. There may be more of a run that was killed
// before it told.
func whole(hs []results.Interval, told results.Latency) error {
	merged, overflow := results.Measured(hs)
	if has, all := merged.TotalCount()+overflow, told.Count+told.Overflow; has < all {
		return fmt.Errorf("it has %d of %d values: it was damaged since", has, all)
	}
	return nil
}

// latenciesOf are the names of a cell's latencies, the usual ones first.
func latenciesOf(c *results.Cell) []string {
	order := []string{results.Produce, results.Service, results.EndToEnd, results.Fsync}
	var names, others []string
	for name := range c.Latency {
		if !slices.Contains(order, name) {
			others = append(others, name)
		}
	}
	for _, name := range order {
		if _, ok := c.Latency[name]; ok {
			names = append(names, name)
		}
	}
	slices.Sort(others)
	return append(names, others...)
}

func writeLogs(s *source) ([]File, error) {
	all, err := s.histograms()
	if err != nil {
		return nil, err
	}
	var files []File
	for _, h := range all {
		text, err := results.EncodeLogs([]results.Log{{Intervals: h.intervals}})
		if err != nil {
			return nil, err
		}
		files = append(files, File{results.HistogramFile(h.cell, h.latency, "hlog"), text})
	}
	return files, nil
}

// joinLogs tags intervals cell-01.produce.r1.
func joinLogs(s *source) ([]byte, error) {
	all, err := s.histograms()
	if err != nil {
		return nil, err
	}
	var logs []results.Log
	for _, h := range all {
		logs = append(logs, results.Log{Prefix: fmt.Sprintf("cell-%02d.%s.", h.cell+1, h.latency), Intervals: h.intervals})
	}
	return results.EncodeLogs(logs)
}

func writePercentiles(s *source) ([]File, error) {
	all, err := s.histograms()
	if err != nil {
		return nil, err
	}
	var files []File
	for _, h := range all {
		merged, _ := results.Measured(h.intervals)
		text, err := results.EncodePercentiles(merged)
		if err != nil {
			return nil, err
		}
		files = append(files, File{results.HistogramFile(h.cell, h.latency, "hgrm"), text})
	}
	return files, nil
}

// slug makes a part of a file name of any text.
func slug(text string) string {
	return strings.Trim(strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '.', r == '=', r == '_':
			return r
		}
		return '-'
	}, text), "-.")
}
