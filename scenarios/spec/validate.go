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
	eachIdle(s, func(paths []string, msg string, changed bool) {
		if changed {
			add(paths, msg)
		}
	})
	return errs.orNil()
}

// cellFaults gathers the faults of all cells, each once with the cells that
// have it.
type cellFaults []cellFault

type cellFault struct {
	Error
	cell  string // the first one that has it
	count int
	// idle is the path of what does nothing: a fault if that is so in every cell, and
	// in one of them it is not the default, which changed says.
	idle    string
	changed bool
}

func (faults *cellFaults) collect(f *File, cell *Cell, origins map[string]origin) {
	eachContradiction(&cell.Scenario, func(paths []string, msg string) {
		if at, path := f.blame(paths, origins); at != nil {
			faults.add(cellFault{Error: at.fault(f.file, path, msg), cell: cell.String()})
		}
	})
	idleConsumers(&cell.Scenario, func(paths []string, msg string) {
		if at, path := f.blame(paths, origins); at != nil {
			faults.add(cellFault{Error: at.fault(f.file, path, msg), cell: cell.String(), idle: paths[0], changed: true})
		}
	})
	eachIdle(&cell.Scenario, func(paths []string, msg string, changed bool) {
		at, path := f.blame(paths, origins)
		if at == nil || f.changed && at.flag == "" {
			return // what the file has for other cells, or another arrival
		}
		faults.add(cellFault{Error: at.fault(f.file, path, msg), cell: cell.String(), idle: paths[0], changed: changed})
	})
}

// blame is where the first of the paths was written, by a flag rather than in the file,
// and which it is; the first of all at the top of the file if none was, and nil if one
// could not be read.
func (f *File) blame(paths []string, origins map[string]origin) (at *origin, path string) {
	if slices.ContainsFunc(paths, func(path string) bool { return f.faulty[path] }) {
		return nil, ""
	}
	at, path = &origin{line: 1, column: 1}, paths[0]
	for _, p := range slices.Backward(paths) {
		if o, written := origins[p]; written && (at.flag == "" || o.flag != "") {
			at, path = &o, p
		}
	}
	return at, path
}

func (faults *cellFaults) add(e cellFault) {
	e.count = 1
	for i := range *faults {
		known := &(*faults)[i]
		if known.idle != e.idle || known.Message != e.Message || e.idle == "" && known.Error != e.Error {
			continue
		}
		known.count++
		if e.changed && !known.changed {
			known.Error, known.changed = e.Error, true
		}
		return
	}
	*faults = append(*faults, e)
}

// errors names the cells of each fault, unless all of them have it.
func (faults cellFaults) errors(cellCount int) Errors {
	var errs Errors
	for _, f := range faults {
		switch {
		case f.idle != "" && (f.count < cellCount || !f.changed):
			continue
		case f.count == cellCount:
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
