package results

// DiskComparison is what disks did with the same patterns of requests, each disk
// alone: what `brokerlab disks compare` and `disks probe` print and draw. It is no
// part of a run folder.
type DiskComparison struct {
	// Patterns are the rows, Disks the columns; Figures of a disk are in the
	// order of the patterns.
	Patterns []DiskPattern  `json:"patterns"`
	Disks    []ComparedDisk `json:"disks"`
	// SpanBytes is the part of each disk that was used, 0: all of it.
	SpanBytes int64  `json:"span_bytes"`
	Seed      uint64 `json:"seed"`
	// Notes are what a reader must know of the figures besides, a sentence each.
	Notes []string `json:"notes"`
}

// DiskPattern is one pattern and the figure that disks are compared by.
type DiskPattern struct {
	Name  string `json:"name"`  // within its group: "read, depth 32"
	Short string `json:"short"` // for the heading of a column: "read 32"
	// Neighbours of one group share a heading and a part of a chart: "random 4 KiB".
	Group  string     `json:"group"`
	Metric DiskMetric `json:"metric"`
	// What a chart has on its axis: the bytes of a block, the files written in
	// turn, and the requests under way.
	BlockBytes int64 `json:"block_bytes"`
	Files      int   `json:"files"`
	Depth      int   `json:"depth"`
	// Panel and Line say which line of which part of a chart this is a point of,
	// over the bytes of blocks or, ByFiles, over the files; empty: of none.
	Panel   string `json:"panel,omitempty"`
	Line    string `json:"line,omitempty"`
	ByFiles bool   `json:"by_files,omitempty"`
	// Fitted says that the profile was fitted to this pattern, so that it says
	// little when it is right there.
	Fitted bool `json:"fitted,omitempty"`
}

// DiskMetric is the figure of a pattern.
type DiskMetric string

// The figures of patterns.
const (
	MetricMBPerS    DiskMetric = "MB/s" // of 10^6 bytes
	MetricOpsPerS   DiskMetric = "operations/s"
	MetricSyncP50   DiskMetric = "p50" // of the time of a write with its sync
	MetricSyncsPerS DiskMetric = "syncs/s"
)

// ComparedDisk is one disk.
type ComparedDisk struct {
	Name    string       `json:"name"`
	Title   string       `json:"title"`
	Target  string       `json:"target"` // TargetReal or TargetSim
	Figures []DiskFigure `json:"figures"`
}

// DiskFigure is what one disk did in one pattern. Latency is that of reads and
// writes, Sync that of a write with the sync that follows it; a Count of 0 says
// that there was none.
type DiskFigure struct {
	OpsPerS   float64 `json:"ops_per_s"`
	MBPerS    float64 `json:"mb_per_s"` // 10^6 bytes
	SyncsPerS float64 `json:"syncs_per_s"`
	Latency   Latency `json:"latency_ns"`
	Sync      Latency `json:"sync_ns"`
	// Missing says why there is no figure; empty: there is one.
	Missing string `json:"missing,omitempty"`
}

// Value is the figure by the metric; 0 if there is none. Times are in nanoseconds.
func (f DiskFigure) Value(m DiskMetric) float64 {
	switch {
	case f.Missing != "":
		return 0
	case m == MetricMBPerS:
		return f.MBPerS
	case m == MetricOpsPerS:
		return f.OpsPerS
	case m == MetricSyncsPerS:
		return f.SyncsPerS
	}
	return float64(f.Sync.P50)
}
