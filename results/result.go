// Package results is the schema of what a run leaves behind, and reads and
// writes run folders. It knows nothing of how a result came about, and a report
// needs nothing else.
//
//	results/runs/<scenario>/<time, UTC>/
//	    scenario.yaml      the scenario as run
//	    result.json        Result
//	    cell-01-produce.hlog, .hgrm, cell-01-end_to_end.hlog, .hgrm, ...
//	    cell-01-activity.json, ...   how resources were used over time
//	    curve-01-<name>.csv, ...     rate curves that were replayed
//	    report.html, report.md, *.png   made from the above alone
//	results/runs/<scenario>/latest -> <time, UTC>
package results

import "time"

// SchemaVersion is the version of Result that this package writes. What is added
// leaves it as it is; it moves when a member changes its meaning or is always there
// from now on, and Decode then learns what the older version lacks.
const SchemaVersion = 2

// Targets of a cell.
const (
	TargetReal = "real" // wall clock, real files: measured
	TargetSim  = "sim"  // virtual clock, modelled disk: simulated
)

// NotEnded is Result.Incomplete of a run that goes on, or that was killed.
const NotEnded = "the run has not ended"

// Result is one execution of a scenario: result.json, and standard output with
// --format json. For simulated cells everything outside the fields named Wall
// is the same, byte for byte, for the same seed and version.
type Result struct {
	Schema   int    `json:"schema"`
	Scenario string `json:"scenario"`
	Title    string `json:"title"`
	Question string `json:"question"`
	Seed     uint64 `json:"seed"`
	// Complete is false when the run was interrupted or failed before its end.
	Complete bool `json:"complete"`
	// Incomplete says why Complete is false.
	Incomplete string `json:"incomplete,omitempty"`
	// LabelNames are the names of the varied settings in the scenario's order,
	// and "disk" at the end.
	LabelNames []string `json:"label_names"`
	Cells      []Cell   `json:"cells"`
	// Goals are those of the scenario, for each cell that they are about.
	Goals    []GoalOutcome `json:"goals,omitempty"`
	Warnings []string      `json:"warnings"`
	Wall     RunWall       `json:"wall"`
}

// RunWall is what may differ between two runs of one seed.
type RunWall struct {
	Started time.Time `json:"started"` // UTC
	Seconds float64   `json:"wall_s"`
	Command []string  `json:"command"`
	Folder  string    `json:"folder"` // of the run, from where it was started
	Version Version   `json:"version"`
	Machine Machine   `json:"machine"`
	// Directories are those of the disks that are real, as the run found them.
	Directories []DataDirectory `json:"directories,omitempty"`
}

// DataDirectory is a directory in which brokers kept their logs.
type DataDirectory struct {
	Path       string `json:"path"`
	FileSystem string `json:"file_system"` // its type, or "not available"
	FreeBytes  int64  `json:"free_bytes"`  // 0: not available
}

// Version says which program ran.
type Version struct {
	Brokerlab string `json:"brokerlab"`
	Commit    string `json:"commit"` // "unknown" where the build has none
	Modified  bool   `json:"modified"`
	Go        string `json:"go"`
}

// Machine says where it ran. A figure that the system lacks is "not available".
type Machine struct {
	OS       string `json:"os"`
	Arch     string `json:"arch"`
	Kernel   string `json:"kernel"`
	CPU      string `json:"cpu"`
	Cores    int    `json:"cores"`
	MemBytes int64  `json:"mem_bytes"` // 0: not available
}

// Latencies of a cell, by name in Cell.Latency.
const (
	Produce  = "produce"    // intended instant to acknowledgement
	EndToEnd = "end_to_end" // intended instant to the consumer
)

// Counts are the records of a run and what the read-back found.
type Counts struct {
	Sent       int64 `json:"sent"`
	Acked      int64 `json:"acked"` // with acks=0: sent
	Failed     int64 `json:"failed"`
	Consumed   int64 `json:"consumed"`
	Lost       int64 `json:"lost"`
	Duplicated int64 `json:"duplicated"`
	Reordered  int64 `json:"reordered"`
	Corrupted  int64 `json:"corrupted"`
	// Late were sent noticeably after their instant, Unsent were due and never sent:
	// the generator was held up, and does not catch up unless told to. Open loop.
	Late   int64 `json:"late"`
	Unsent int64 `json:"unsent"`
}

// Bad is how many records the read-back holds against the run.
func (c Counts) Bad() int64 { return c.Lost + c.Duplicated + c.Reordered + c.Corrupted }

// Measures are the figures of a cell or of one repeat. Rates are over the
// measured window, warm-up left out; counts and bytes are over the whole run.
type Measures struct {
	RecordsPerS float64 `json:"records_per_s"` // acknowledged
	MBPerS      float64 `json:"mb_per_s"`      // 10^6 bytes of record values and keys, acknowledged
	// BatchesPerS and RequestsPerS are record batches, and produce requests with any of them,
	// that were acknowledged; absent where they were not counted.
	BatchesPerS  float64 `json:"batches_per_s,omitempty"`
	RequestsPerS float64 `json:"requests_per_s,omitempty"`
	// ConsumedPerS is what consumers took in the same window.
	ConsumedPerS     float64            `json:"consumed_per_s"`
	CompressionRatio float64            `json:"compression_ratio"` // records before / after, as sent
	Latency          map[string]Latency `json:"latency_ns"`
	Fsyncs           int64              `json:"fsyncs"`
	Counts
	BytesRecords int64   `json:"bytes_records"` // keys and values sent
	BytesWire    int64   `json:"bytes_wire"`    // record batches as sent to leaders
	BytesDisk    int64   `json:"bytes_disk"`    // written to all logs, replicas included
	LateMax      int64   `json:"late_max_ns"`   // how late the generator was at worst; open loop
	MeasuredS    float64 `json:"measured_s"`    // length of the measured window
	Retries      int64   `json:"retries"`       // batches sent again
	// Errors counts failed batches and refused requests by Kafka's name of the error.
	Errors map[string]int64 `json:"errors,omitempty"`
}

// Latency summarises one histogram, in nanoseconds.
type Latency struct {
	P50   int64   `json:"p50"`
	P90   int64   `json:"p90"`
	P99   int64   `json:"p99"`
	P999  int64   `json:"p999"`
	Max   int64   `json:"max"`
	Mean  float64 `json:"mean"`
	Count int64   `json:"count"`
	// Overflow counts values above the histogram's range; they are in no percentile.
	Overflow int64 `json:"overflow"`
	// TooFew names the percentiles (p999) that have fewer than SamplesBeyond samples
	// beyond them: tables and reports leave them out.
	TooFew []string `json:"too_few_samples,omitempty"`
}

// Loads of a cell, and of a group of producers.
const (
	LoadClosed = "closed" // at full speed
	LoadOpen   = "open"   // by a schedule, whatever comes back
)

// Cell is one set of labels: rates are medians over Repeats, latencies come from
// the merged histograms, counts are sums.
type Cell struct {
	Labels map[string]string `json:"labels"` // what varied, and always "disk"
	Target string            `json:"target"`
	// Load is "closed" (at full speed) or "open" (by a schedule).
	Load string `json:"load"`
	// AtSaturation says that latency was measured at full speed, so that it is
	// that of a system kept full.
	AtSaturation bool    `json:"at_saturation"`
	OfferedPerS  float64 `json:"offered_per_s,omitempty"` // open loop
	// Arrival is the process by which records come due; CatchUp says that those
	// which a stall delayed are all sent after it. Open loop.
	Arrival string `json:"arrival,omitempty"`
	CatchUp bool   `json:"catch_up,omitempty"`
	// Searched says that the rate was looked for in the warm-up: OfferedPerS is the median of
	// what repeats found, and held.
	Searched bool `json:"searched,omitempty"`
	// Curves are the files of the run folder that keep the rate curves which the cell
	// replayed, by the path that the scenario gives.
	Curves map[string]string `json:"curves,omitempty"`
	Corpus *Corpus           `json:"corpus,omitempty"`
	// GroupCorpora are those of groups of producers by name, where they differ; Corpus is
	// then that of the first group.
	GroupCorpora map[string]Corpus `json:"group_corpora,omitempty"`
	// Partitions are of all repeats together.
	Partitions *Partitions `json:"partitions,omitempty"`
	Measures
	// Intervals are by the JSON name of the figure (records_per_s), and of percentiles
	// (produce.p99); see IntervalsOf.
	Intervals map[string]Bounds `json:"intervals,omitempty"`
	// Breakdown is that of all repeats, a record of each weighing the same.
	Breakdown *Breakdown `json:"breakdown,omitempty"`
	CPUParts  []CPUPart  `json:"cpu_parts,omitempty"` // simulated; sums over repeats
	Groups    []Group    `json:"groups,omitempty"`    // where there are several
	Phases    []Phase    `json:"phases,omitempty"`    // in the order of time
	Trust     []Finding  `json:"trust,omitempty"`
	// Hash digests every step of all repeats of a simulated cell: that of its
	// repeat, or of theirs in turn.
	Hash     string  `json:"hash,omitempty"`
	VirtualS float64 `json:"virtual_s,omitempty"` // seconds of the virtual clock, all repeats together
	Usage
	Nodes []NodeUsage `json:"nodes,omitempty"`
	// Bound is the resource that bounds the cell; nil where no usage is known.
	Bound    *Bound            `json:"bound,omitempty"`
	Repeats  []Repeat          `json:"repeats"`
	Warnings []string          `json:"warnings"`
	Config   map[string]string `json:"config"` // every setting, by its path
	Wall     CellWall          `json:"wall"`
}

// Repeat is one execution of a cell.
type Repeat struct {
	Seed uint64 `json:"seed"`
	Measures
	Breakdown *Breakdown `json:"breakdown,omitempty"`
	Groups    []Group    `json:"groups,omitempty"`
	Phases    []Phase    `json:"phases,omitempty"`    // in the order of time
	CPUParts  []CPUPart  `json:"cpu_parts,omitempty"` // simulated
	// Partitions are the ends of their logs after the load.
	Partitions *Partitions `json:"partitions,omitempty"`
	Seconds    []Second    `json:"seconds"`
	Search     *Search     `json:"search,omitempty"` // of a rate that was looked for
	// Hash digests every step of a simulated run.
	Hash     string  `json:"hash,omitempty"`
	VirtualS float64 `json:"virtual_s,omitempty"` // seconds of the virtual clock from boot to close
	Usage
	Nodes []NodeUsage `json:"nodes,omitempty"`
	Wall  CellWall    `json:"wall"`
}

// Second is one interval of a run: a second, or less in the last one and in the
// two that the end of the warm-up makes of one.
type Second struct {
	At       float64 `json:"at_s"`     // its start, since the load began
	Length   float64 `json:"length_s"` // at most 1; rates are over it
	Warmup   bool    `json:"warmup,omitempty"`
	Phase    string  `json:"phase,omitempty"`   // PhaseWarmup, PhaseLoad or PhaseRead
	Offered  int64   `json:"offered,omitempty"` // records that came due; open loop
	Unsent   int64   `json:"unsent,omitempty"`  // of these
	Acked    int64   `json:"acked"`
	Bytes    int64   `json:"bytes"` // acknowledged keys and values
	Consumed int64   `json:"consumed"`
	P50      int64   `json:"produce_p50_ns"`
	P99      int64   `json:"produce_p99_ns"`
	// E2E50 and E2E99 are those of records consumed in it.
	E2E50 int64 `json:"end_to_end_p50_ns"`
	E2E99 int64 `json:"end_to_end_p99_ns"`
}

// Measured says whether the second is part of the measured window.
func (s *Second) Measured() bool { return !s.Warmup && (s.Phase == "" || s.Phase == PhaseLoad) }

// wholeShare is the part of a second that an interval needs to be compared with others.
const wholeShare = 0.9

// Whole says whether it is a second, or nearly: the last one and the two that the end of
// a warm-up makes are often less.
func (s *Second) Whole() bool { return s.Length >= wholeShare }

// CellWall is what may differ between two runs of one seed.
type CellWall struct {
	Start   time.Time `json:"start"` // UTC; of the first repeat, in a cell
	Seconds float64   `json:"wall_s"`
	// CPUSecondsPerGB is processor time per 10^9 bytes of records that were sent
	// (BytesRecords), of the whole process; nil where it is not available or means nothing
	// (simulated cells).
	CPUSecondsPerGB *float64 `json:"cpu_s_per_gb"`
	// EventsPerS are events of the simulation's kernel per second of wall clock;
	// absent in real cells.
	EventsPerS float64 `json:"events_per_s,omitempty"`
	Machine    Machine `json:"machine"`
	// CPUParts and Process are of real repeats.
	CPUParts []CPUPart `json:"cpu_parts,omitempty"`
	Process  *Process  `json:"process,omitempty"`
	// Surroundings is of real repeats, on Linux.
	Surroundings *Surroundings `json:"surroundings,omitempty"`
}
