package results

// Further latencies of a cell, by name in Cell.Latency; each has its histogram
// files as Produce has.
const (
	Service = "service" // handed to the connection to acknowledgement: what the brokers and the network took
	Fsync   = "fsync"   // of each forced flush of a log, on all brokers
)

// Stages of a record's latency, in the order in which it goes through them.
const (
	StageAccumulator = "accumulator" // intended instant to the batch leaving the accumulator, lateness included
	StageCompress    = "compress"    // on the client
	StageQueue       = "queue"       // for a request slot, a connection and a broker's I/O thread
	StageNetwork     = "network"     // request and response under way
	StageAppend      = "append"      // check, lock and write of the leader's log, flushes left out
	StageFsync       = "fsync"       // forced flushes of the leader's log
	StageReplicate   = "replicate"   // until the high watermark covers it
	StageFetch       = "fetch"       // from there to the consumer
	// StageRetry is there where batches were sent again: from the first time that a
	// batch left the accumulator to the last, so attempts that failed and the waits
	// between them.
	StageRetry = "retry"
	// StageUnknown is the whole latency of consumed records of which no stages are
	// known: those of readers so far behind that the leader has forgotten when it
	// appended them, and of leaders that were followers then.
	StageUnknown = "unknown"
)

// StageOrder is all stages as a reader goes through them, the rare ones where they
// belong: lists of stages are in this order.
var StageOrder = []string{StageAccumulator, StageCompress, StageQueue, StageRetry, StageNetwork, StageAppend,
	StageFsync, StageReplicate, StageFetch, StageUnknown}

// Stage is the mean time that records spent in one stage.
type Stage struct {
	Name   string  `json:"name"`
	MeanNS float64 `json:"mean_ns"`
}

// Breakdown says where the time of the measured window's records went. The means
// of a list add up to the mean of that latency, which Latency.Mean has to the three
// digits of its histogram. A list is empty where no record was measured.
type Breakdown struct {
	Produce         []Stage `json:"produce,omitempty"`
	ProduceRecords  int64   `json:"produce_records,omitempty"` // that the means are of
	EndToEnd        []Stage `json:"end_to_end,omitempty"`
	EndToEndRecords int64   `json:"end_to_end_records,omitempty"`
	// ProduceTail is that of the slowest records; nil where there are too few.
	ProduceTail *Tail `json:"produce_tail,omitempty"`
}

// Tail says where the time of the slowest records went: all of FromNS and more, at
// least 1 % of them.
type Tail struct {
	FromNS  int64   `json:"from_ns"`
	Records int64   `json:"records"`
	Stages  []Stage `json:"stages"`
}

// Corpus says what records held, computed from those that were sent.
type Corpus struct {
	Payload   string  `json:"payload"` // of the setting, or the user's file
	MeanBytes float64 `json:"mean_bytes"`
	// EntropyBits are those of a byte by the frequencies of bytes, 0 to 8.
	EntropyBits float64 `json:"entropy_bits_per_byte"`
	// RatioAlone is how often smaller a record becomes by itself, RatioTogether how
	// often 1,000 of them do together (zstd, default level): the second over the
	// first is what records have in common.
	RatioAlone    float64 `json:"ratio_alone"`
	RatioTogether float64 `json:"ratio_together"`
	// Records is how many were looked at, Together how many of them were packed together:
	// 1,000, or fewer where they are large.
	Records  int `json:"records"`
	Together int `json:"records_together"`
	// WithoutKey is the share of records that have no key where their keys are in them.
	WithoutKey float64     `json:"without_key,omitempty"`
	File       *CorpusFile `json:"file,omitempty"`
}

// CorpusFile is the user's file that records came from, as it was at the start of the
// run.
type CorpusFile struct {
	Path    string `json:"path"`
	Format  string `json:"format"`
	Bytes   int64  `json:"bytes"`
	Records int64  `json:"records"`
	SHA256  string `json:"sha256"` // of the whole file
}

// Bounds are the interval of a figure; IntervalsOf has what they mean.
type Bounds struct {
	Low        float64 `json:"low"`
	High       float64 `json:"high"`
	Confidence float64 `json:"confidence"` // that the repeats give, 0.95 or more; less where there are too few
	// Over is OverRepeats, or OverSeconds: then it is the interval of one run, and
	// another run may differ by more.
	Over string `json:"over"`
}

// Finding is one reason not to trust a result, or to read it with care.
type Finding struct {
	Check string `json:"check"` // generator, steady, machine, disk, warm-up, samples, ...
	// Untrusted says that the figures are not to be used; else that they want care.
	Untrusted bool   `json:"untrusted"`
	Message   string `json:"message"` // what was seen, by how much, and what to do
}

// GoalOutcome is what became of one goal in one cell.
type GoalOutcome struct {
	Goal    string `json:"goal"` // as written
	Cell    int    `json:"cell"` // index in Result.Cells
	Met     bool   `json:"met"`
	Message string `json:"message"` // by how much
}

// Sides of a CPUPart.
const (
	SideBrokers = "brokers"
	SideClients = "clients"
)

// CPUPart is the processor time of one part of the work in the measured window. Of a
// simulated run it is what was charged by the price list; of a real one samples of
// the process, whose brokers and clients share it.
type CPUPart struct {
	Side    string  `json:"side,omitempty"` // SideBrokers or SideClients; "" for both
	Name    string  `json:"name"`           // compress, checksum, copy, system calls, ...
	Seconds float64 `json:"seconds"`
}

// Process is what the whole process took in the measured window of a real repeat; of
// a cell the most of its repeats' memory, and the sums of the rest. What the system
// does not tell is 0.
type Process struct {
	MemoryMaxBytes       int64 `json:"memory_max_bytes"`       // resident, at most
	ContextSwitches      int64 `json:"context_switches"`       // voluntary
	InvoluntarySwitches  int64 `json:"involuntary_switches"`   // the processor was taken away
	OtherCPUMillisecs    int64 `json:"other_cpu_ms"`           // what other processes used, and a hypervisor took away
	GarbageCollectionsNS int64 `json:"garbage_collections_ns"` // pauses
}
