package results

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Activity is how one node used its resources over time: samples of one length
// that follow each other, from the start of the load to the end of its drain.
// Entry i of every list is of [StartS + i*EveryS, StartS + (i+1)*EveryS). Rates
// and shares are those of that span, levels those of its end. What a world does
// not tell is an empty list or absent.
//
// Long runs and many nodes are thinned: at most ActivitySamplesMax samples and
// ActivityNodesMax nodes are kept of a repeat.
type Activity struct {
	Repeat    int                `json:"repeat"`  // counts from 1
	Node      string             `json:"node"`    // broker-1; "machine" for the whole of a real run
	StartS    float64            `json:"start_s"` // of the first sample, since the load began
	EveryS    float64            `json:"every_s"`
	WarmupS   float64            `json:"warmup_s"` // end of the warm-up, since the load began
	EndS      float64            `json:"end_s"`    // end of the measured window; what follows is drain or a backlog
	Phases    []PhaseSpan        `json:"phases,omitempty"`
	CPUBusy   []float64          `json:"cpu_busy,omitempty"`
	Network   *NetworkActivity   `json:"network,omitempty"`
	PageCache *PageCacheActivity `json:"page_cache,omitempty"`
	Disks     []DiskActivity     `json:"disks,omitempty"`
	// UnflushedRecords and UnflushedBytes are appended to a broker's logs and not
	// forced to disk by it; the operating system may have written them.
	UnflushedRecords []int64 `json:"unflushed_records,omitempty"`
	UnflushedBytes   []int64 `json:"unflushed_bytes,omitempty"`
}

// Limits of what a repeat keeps.
const (
	ActivitySamplesMax = 600
	ActivityNodesMax   = 8
)

// NetworkActivity is one node's link to all others.
type NetworkActivity struct {
	SendBusy    []float64 `json:"send_busy,omitempty"`    // share of each span, 0 to 1
	ReceiveBusy []float64 `json:"receive_busy,omitempty"` // the same of the other direction
	SendBytes   []int64   `json:"send_bytes"`             // in each span
	RecvBytes   []int64   `json:"receive_bytes"`
}

// PageCacheActivity is one node's dirty pages and the thresholds of the time.
type PageCacheActivity struct {
	DirtyBytes      []int64 `json:"dirty_bytes"`                // dirty and under write-back
	BackgroundBytes []int64 `json:"background_bytes,omitempty"` // where write-back begins
	FreeRunBytes    []int64 `json:"free_run_bytes,omitempty"`   // where writers are first held back
	LimitBytes      []int64 `json:"limit_bytes,omitempty"`      // what dirty bytes may not exceed
	// ThrottledMS is how long writers were held back, in ms of each span; several
	// writers add up.
	ThrottledMS []float64 `json:"throttled_ms,omitempty"`
}

// DiskActivity is one device.
type DiskActivity struct {
	Name          string    `json:"name"`                     // of the device in its node: disk-1
	CapacityBytes int64     `json:"capacity_bytes,omitempty"` // the scale of HeadOffset
	Busy          []float64 `json:"busy"`                     // share of each span, 0 to 1
	Queue         []float64 `json:"queue"`                    // requests under way, mean of each span
	Flushes       []int64   `json:"flushes,omitempty"`        // in each span
	Seeks         []int64   `json:"seeks,omitempty"`          // in each span; hard disks
	BytesWritten  []int64   `json:"bytes_written"`            // in each span
	BytesRead     []int64   `json:"bytes_read"`
	HeadOffset    []int64   `json:"head_offset,omitempty"` // byte of the device; hard disks
}

// ActivityFile names the file of a cell's activity: cell-01-activity.json. Cell is
// the index in Result.Cells, so file names are one higher.
func ActivityFile(cell int) string { return fmt.Sprintf("cell-%02d-activity.json", cell+1) }

// WriteActivity writes the activity of a cell's repeats so far: a JSON list, one
// line for each node of each repeat.
func (f *Folder) WriteActivity(cell int, all []Activity) error {
	var b strings.Builder
	b.WriteString("[")
	for i := range all {
		line, err := json.Marshal(&all[i])
		if err != nil {
			return fmt.Errorf("results: encode the activity of cell %d: %w", cell+1, err)
		}
		if i > 0 {
			b.WriteString(",")
		}
		b.WriteString("\n")
		b.Write(line)
	}
	b.WriteString("\n]\n")
	return f.WriteFile(ActivityFile(cell), []byte(b.String()))
}

// Activity reads the activity of a cell back. The error is fs.ErrNotExist where
// the cell left none, as on the plain simulated disk or in a run that was
// interrupted.
func (f *Folder) Activity(cell int) ([]Activity, error) {
	path := filepath.Join(f.Path, ActivityFile(cell))
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("results: read activity: %w", err)
	}
	var all []Activity
	if err := json.Unmarshal(text, &all); err != nil {
		return nil, fmt.Errorf("results: read activity: %s: %w", path, err)
	}
	for i := range all {
		if err := all[i].check(); err != nil {
			return nil, fmt.Errorf("results: read activity: %s: entry %d: %w", path, i+1, err)
		}
	}
	return all, nil
}

// check refuses what a reader would trip over: spans of no length, and lists of
// different lengths.
func (a *Activity) check() error {
	if !(a.EveryS > 0) {
		return errors.New("samples have no length")
	}
	samples := -1
	same := true
	of := func(n int) {
		if n == 0 {
			return
		}
		same = same && (samples < 0 || samples == n)
		samples = n
	}
	of(len(a.CPUBusy))
	of(len(a.UnflushedRecords))
	of(len(a.UnflushedBytes))
	if n := a.Network; n != nil {
		of(len(n.SendBusy))
		of(len(n.ReceiveBusy))
		of(len(n.SendBytes))
		of(len(n.RecvBytes))
	}
	if p := a.PageCache; p != nil {
		of(len(p.DirtyBytes))
		of(len(p.BackgroundBytes))
		of(len(p.FreeRunBytes))
		of(len(p.LimitBytes))
		of(len(p.ThrottledMS))
	}
	for i := range a.Disks {
		d := &a.Disks[i]
		for _, n := range []int{len(d.Busy), len(d.Queue), len(d.Flushes), len(d.Seeks), len(d.BytesWritten),
			len(d.BytesRead), len(d.HeadOffset)} {
			of(n)
		}
	}
	if !same {
		return errors.New("its lists differ in length")
	}
	return nil
}

// Samples is how many samples the lists have.
func (a *Activity) Samples() int {
	n := max(len(a.CPUBusy), len(a.UnflushedRecords))
	if a.PageCache != nil {
		n = max(n, len(a.PageCache.DirtyBytes))
	}
	if a.Network != nil {
		n = max(n, len(a.Network.SendBytes))
	}
	for i := range a.Disks {
		n = max(n, len(a.Disks[i].Busy))
	}
	return n
}
