package commitlog

import "fmt"

// Repair is something that was wrong with the files of a log when it was opened, and
// what was done about it. Kafka logs a warning of each.
type Repair struct {
	File  string // in the log's directory
	Found string // what was wrong
	Did   string
	Bytes int64 // what it is about: bytes that were cut or deleted, or that are kept and not read
}

// String is the repair in a line.
func (r Repair) String() string {
	return fmt.Sprintf("%s: %s: %d bytes %s", r.File, r.Found, r.Bytes, r.Did)
}

// What opening a log does about what it finds.
const (
	didCut    = "cut off"
	didDelete = "deleted"
	didKeep   = "kept, and not read"
)

// Repairs are what opening the log found and did, in the order of its doing. Nothing
// that a file held is taken away without one; the names of files that were deleted
// before (*.deleted) are not among them.
func (l *Log) Repairs() []Repair { return l.repairs }

func (l *Log) repaired(r Repair) {
	l.repairs = append(l.repairs, r)
	if r.Did != didKeep {
		l.mu.stats.RecoveryCut += r.Bytes
	}
}

// Repairs are those of all logs that were opened, each with its directory's name.
func (d *LogDirs) Repairs() []string {
	var out []string
	for _, dir := range d.dirs {
		for _, o := range dir.logs() {
			for _, r := range o.log.Repairs() {
				out = append(out, o.log.dir+"/"+r.String())
			}
		}
	}
	return out
}
