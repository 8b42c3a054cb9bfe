package spec

import (
	"fmt"
	"math/bits"
	"slices"
	"strings"
)

// batchOverhead is the most that a record of valueBytes and a key, without headers,
// takes in a batch of its own, besides the value: Kafka's
// AbstractRecords.estimateSizeInBytesUpperBound. A key of 0 bytes is null.
func batchOverhead(valueBytes, keyBytes int64) int64 {
	const (
		batchHeader    = 61
		recordOverhead = 21 // DefaultRecord.MAX_RECORD_OVERHEAD
		headerCount    = 1  // of 0
	)
	length := func(bytes int64) int64 { return int64(bits.Len64(uint64(bytes)<<1)+6) / 7 } // a zigzag varint
	return batchHeader + recordOverhead + headerCount + max(1, length(keyBytes)) + keyBytes + length(valueBytes)
}

// contradiction is a rule about several settings. Each setting by itself was
// checked by its notation.
type contradiction struct {
	// paths are the settings that the rule is about; the fault is reported at
	// the first of them that was written down.
	paths []string
	// broken returns what is wrong, or "".
	broken func(s *Scenario) string
}

func tooLarge(path string, bytes int64, limitPath string, limit int64) string {
	if bytes <= limit {
		return ""
	}
	return fmt.Sprintf("%s %s is more than %s %s", path, formatBytes(bytes), limitPath, formatBytes(limit))
}

func recordTooLarge(s *Scenario, limitPath string, limit int64) string {
	bytes := s.Records.MaxBytes() // 0: a file tells, and whoever reads it looks
	overhead := batchOverhead(bytes, s.Records.Key.Bytes())
	if bytes == 0 || bytes+overhead <= limit {
		return ""
	}
	return fmt.Sprintf("a record of %s does not fit in %s %s: its batch needs %d bytes more",
		formatBytes(bytes), limitPath, formatBytes(limit), overhead)
}

// Validate reports the settings that contradict each other. It has no places to
// point to: File.Cells reports the same with file and line. Single settings are
// taken as their notation leaves them.
func (s *Scenario) Validate() error {
	var errs Errors
	add := func(paths []string, msg string) {
		errs = append(errs, Error{File: s.Name, Path: paths[0], Message: msg})
	}
	eachContradiction(s, add)
	eachIdle(s, add)
	return errs.orNil()
}

// cellFaults gathers the faults of all cells, each once with the cells that
// have it.
type cellFaults []cellFault

type cellFault struct {
	Error
	cell  string // the first one that has it
	count int
	idle  bool // a setting does nothing: a fault if that is so in every cell
}

func (faults *cellFaults) collect(f *File, cell *Cell, origins map[string]origin) {
	eachContradiction(&cell.Scenario, faults.collector(f, cell, origins, false))
	eachIdle(&cell.Scenario, faults.collector(f, cell, origins, true))
	idleConsumers(&cell.Scenario, faults.collector(f, cell, origins, true))
}

// collector notes the faults of a cell at the first of their paths that was written.
func (faults *cellFaults) collector(f *File, cell *Cell, origins map[string]origin,
	idle bool) func(paths []string, msg string) {
	return func(paths []string, msg string) {
		if slices.ContainsFunc(paths, func(path string) bool { return f.faulty[path] }) {
			return
		}
		path, at := paths[0], origin{line: 1, column: 1}
		for _, p := range paths {
			if o, written := origins[p]; written {
				path, at = p, o
				break
			}
		}
		if idle && f.changed && at.flag == "" {
			return // what the file has for other cells, or another arrival
		}
		faults.add(at.fault(f.file, path, msg), cell.String(), idle)
	}
}

func (faults *cellFaults) add(e Error, cell string, idle bool) {
	for i := range *faults {
		if (*faults)[i].Error == e {
			(*faults)[i].count++
			return
		}
	}
	*faults = append(*faults, cellFault{Error: e, cell: cell, count: 1, idle: idle})
}

// errors names the cells of each fault, unless all of them have it.
func (faults cellFaults) errors(cellCount int) Errors {
	var errs Errors
	for _, f := range faults {
		switch {
		case f.count == cellCount:
		case f.idle:
			continue
		case f.count == 1:
			f.Message += " (cell " + f.cell + ")"
		default:
			f.Message += fmt.Sprintf(" (cell %s and %d more)", f.cell, f.count-1)
		}
		errs = append(errs, f.Error)
	}
	return errs
}

// String names the cell by its labels: "compression.type=gzip, rate=max"; empty
// for the only cell of a scenario without vary.
func (c Cell) String() string {
	texts := make([]string, len(c.Labels))
	for i, l := range c.Labels {
		texts[i] = l.Name + "=" + l.Value
	}
	return strings.Join(texts, ", ")
}
