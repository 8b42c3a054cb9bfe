package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"brokerlab/results/schema"
)

// edgeShare is how far the count of produce latencies may be from the records
// acknowledged in the measured window. They differ at its edges: a latency belongs
// to the window by its record's intended instant or by its acknowledgement, a rate
// by the acknowledgement alone.
const edgeShare = 0.1

// run is one execution of a scenario.
type run struct {
	json, out, data, target string
	cells                   int
}

type document struct {
	Scenario string            `json:"scenario"`
	Seed     *uint64           `json:"seed"`
	Complete bool              `json:"complete"`
	Cells    []json.RawMessage `json:"cells"`
	Wall     map[string]any    `json:"wall"`
}

type cell struct {
	Labels    map[string]string  `json:"labels"`
	Target    string             `json:"target"`
	RecordsS  float64            `json:"records_per_s"`
	MBS       float64            `json:"mb_per_s"`
	Ratio     float64            `json:"compression_ratio"`
	Latency   map[string]latency `json:"latency_ns"`
	Fsyncs    int64              `json:"fsyncs"`
	Acked     int64              `json:"acked"`
	Consumed  int64              `json:"consumed"`
	Lost      int64              `json:"lost"`
	Dup       int64              `json:"duplicated"`
	Reordered int64              `json:"reordered"`
	Corrupted int64              `json:"corrupted"`
	MeasuredS float64            `json:"measured_s"`
	Repeats   []cell             `json:"repeats"`
	Hash      string             `json:"hash"`
	VirtualS  float64            `json:"virtual_s"`
	Disk      *struct {
		Busy    float64 `json:"busy"`
		Written int64   `json:"bytes_written"`
	} `json:"disk"`
	PageCache *struct {
		DirtyMax int64 `json:"dirty_max_bytes"`
	} `json:"page_cache"`
	Network *struct {
		Bytes int64 `json:"bytes"`
	} `json:"network"`
	CPU *struct {
		Busy float64 `json:"busy"`
	} `json:"cpu"`
	Bound *struct {
		Resource string `json:"resource"`
	} `json:"bound"`
	Wall struct {
		Seconds    float64  `json:"wall_s"`
		CPUPerGB   *float64 `json:"cpu_s_per_gb"`
		EventsPerS float64  `json:"events_per_s"`
	} `json:"wall"`
}

type latency struct {
	P50   int64   `json:"p50"`
	P90   int64   `json:"p90"`
	P99   int64   `json:"p99"`
	P999  int64   `json:"p999"`
	Max   int64   `json:"max"`
	Mean  float64 `json:"mean"`
	Count int64   `json:"count"`
}

// cellNames must be there in every cell, whatever their value.
var cellNames = []string{"labels", "target", "records_per_s", "mb_per_s", "repeats", "compression_ratio", "latency_ns",
	"fsyncs", "acked", "consumed", "lost", "duplicated", "reordered", "corrupted", "warnings", "wall"}

// latencyNames are the histograms that every cell has.
var latencyNames = []string{"produce", "end_to_end"}

// histograms are those of the cell: those that it must have, and what else it tells of.
func (c *cell) histograms() []string {
	names := slices.Clone(latencyNames)
	for _, name := range slices.Sorted(maps.Keys(c.Latency)) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

func (r *run) check(f *findings, stdout io.Writer) error {
	text, err := os.ReadFile(r.json)
	if err != nil {
		return err
	}
	var doc document
	if err := decodeOne(text, &doc); err != nil {
		return fmt.Errorf("standard output is not one JSON document: %w", err)
	}
	if err := schema.Check(text); err != nil {
		f.add("standard output does not fit its schema: %v", err)
	}
	f.want(doc.Scenario != "", "no scenario is named")
	f.want(doc.Seed != nil, "no seed is told")
	f.want(doc.Complete, "the result is marked incomplete")
	f.want(len(doc.Wall) > 0, "no wall: machine, start")
	f.want(len(doc.Cells) == r.cells, "%d cells, want %d", len(doc.Cells), r.cells)
	seen, histograms := map[string]int{}, 0
	for i, raw := range doc.Cells {
		name := fmt.Sprintf("cell %d", i+1)
		var c cell
		if err := json.Unmarshal(raw, &c); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		checkNames(f, name, raw)
		r.checkCell(f, name, &c)
		labels := fmt.Sprint(c.Labels)
		f.want(seen[labels] == 0, "%s has the labels of cell %d: %s", name, seen[labels], labels)
		seen[labels] = i + 1
		for _, kind := range c.histograms() {
			base := filepath.Join(r.out, fmt.Sprintf("cell-%02d-%s", i+1, kind))
			checkHistogramFiles(f, base, c.Latency[kind].Count)
			histograms++
		}
		checkActivity(f, filepath.Join(r.out, fmt.Sprintf("cell-%02d-activity.json", i+1)), len(c.Repeats))
	}
	if err := r.checkFolder(f, text); err != nil {
		return err
	}
	r.checkData(f)
	if len(f.texts) == 0 {
		fmt.Fprintf(stdout, "checked %s: %d cells, %d histograms, %d charts\n", doc.Scenario, len(doc.Cells), histograms,
			len(r.charts()))
	}
	return nil
}

// decodeOne decodes a text that holds one JSON document and nothing else.
func decodeOne(text []byte, to any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	if err := decoder.Decode(to); err != nil {
		return err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the document")
	}
	return nil
}

func checkNames(f *findings, name string, raw json.RawMessage) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil {
		f.add("%s: %v", name, err)
		return
	}
	for _, want := range cellNames {
		_, ok := members[want]
		f.want(ok, "%s has no %s", name, want)
	}
	f.want(string(members["warnings"]) != "null", "%s: warnings is null, not a list", name)
}

func (r *run) checkCell(f *findings, name string, c *cell) {
	f.want(c.Labels["disk"] != "", "%s has no label disk", name)
	f.want(c.Target == r.target, "%s: target %q, want %q", name, c.Target, r.target)
	f.want(c.RecordsS > 0 && c.MBS > 0, "%s: %v records/s, %v MB/s", name, c.RecordsS, c.MBS)
	f.want(c.Ratio > 0.9, "%s: compression ratio %v", name, c.Ratio)
	f.want(c.Acked > 0, "%s: nothing was acknowledged", name)
	f.want(c.Consumed >= c.Acked, "%s: %d consumed of %d acknowledged", name, c.Consumed, c.Acked)
	f.want(c.Lost == 0 && c.Dup == 0 && c.Reordered == 0 && c.Corrupted == 0,
		"%s: lost %d, duplicated %d, reordered %d, corrupted %d", name, c.Lost, c.Dup, c.Reordered, c.Corrupted)
	f.want(c.Fsyncs >= 0, "%s: %d fsyncs", name, c.Fsyncs)
	f.want(c.Wall.Seconds > 0, "%s took %v s", name, c.Wall.Seconds)
	f.want((c.Wall.CPUPerGB == nil) == (r.target == "sim"), "%s: CPU seconds per GB are for real runs", name)
	r.checkUsage(f, name, c)
	f.want(len(c.Repeats) > 0, "%s has no repeats", name)
	var counted, acked float64
	for _, repeat := range c.Repeats {
		f.want(repeat.MeasuredS > 0, "%s: a repeat measured %v s", name, repeat.MeasuredS)
		counted += float64(repeat.Latency["produce"].Count)
		acked += repeat.RecordsS * repeat.MeasuredS
	}
	f.want(math.Abs(counted-acked) <= edgeShare*acked,
		"%s: %.0f produce latencies for %.0f records in the measured window", name, counted, acked)
	f.want(int64(counted) == c.Latency["produce"].Count,
		"%s: %d produce latencies merged of %.0f", name, c.Latency["produce"].Count, counted)
	for _, kind := range latencyNames {
		checkLatency(f, name+", "+kind, c.Latency[kind], c.Acked)
	}
}

// checkUsage looks at what a cell says of its resources. The plain simulated disk has
// no device and no page cache.
func (r *run) checkUsage(f *findings, name string, c *cell) {
	f.want(c.CPU != nil && c.CPU.Busy > 0 && c.CPU.Busy <= 1, "%s: processors were busy for %+v", name, c.CPU)
	f.want(c.Bound != nil && c.Bound.Resource != "", "%s does not name what bounds it", name)
	if r.target != "sim" {
		f.want(c.Hash == "" && c.VirtualS == 0, "%s: measured, and has hash %q and %v virtual seconds", name, c.Hash,
			c.VirtualS)
		return
	}
	f.want(c.Hash != "" && c.VirtualS > 0, "%s: hash %q, %v virtual seconds", name, c.Hash, c.VirtualS)
	f.want(c.Network != nil && c.Network.Bytes > 0, "%s: network %+v", name, c.Network)
	f.want(c.Wall.EventsPerS > 0, "%s: %v events/s", name, c.Wall.EventsPerS)
	if c.Labels["disk"] == "sim" {
		f.want(c.Disk == nil && c.PageCache == nil, "%s: the plain disk has a device or a page cache", name)
		return
	}
	f.want(c.Disk != nil && c.Disk.Busy >= 0 && c.Disk.Busy <= 1, "%s: disk %+v", name, c.Disk)
	f.want(c.PageCache != nil && c.PageCache.DirtyMax > 0, "%s: page cache %+v", name, c.PageCache)
}

func checkLatency(f *findings, name string, l latency, acked int64) {
	f.want(l.Count > 0 && l.Count <= acked, "%s: %d latencies of %d records", name, l.Count, acked)
	f.want(l.P50 > 0 && l.P50 <= l.P90 && l.P90 <= l.P99 && l.P99 <= l.P999 && l.P999 <= l.Max,
		"%s: percentiles out of order: %+v", name, l)
	f.want(l.Mean > 0 && l.Mean <= float64(l.Max), "%s: mean %v of at most %d", name, l.Mean, l.Max)
}

// checkFolder looks at what is in the run's folder besides histograms.
func (r *run) checkFolder(f *findings, text []byte) error {
	stored, err := os.ReadFile(filepath.Join(r.out, "result.json"))
	if err != nil {
		return err
	}
	var a, b bytes.Buffer
	if err := json.Compact(&a, stored); err != nil {
		return fmt.Errorf("result.json: %w", err)
	}
	if err := json.Compact(&b, text); err != nil {
		return err
	}
	f.want(bytes.Equal(bytes.TrimSpace(a.Bytes()), bytes.TrimSpace(b.Bytes())),
		"result.json and standard output differ")
	scenario, err := os.ReadFile(filepath.Join(r.out, "scenario.yaml"))
	f.want(err == nil && len(scenario) > 0, "scenario.yaml: %v, %d bytes", err, len(scenario))
	report, err := os.ReadFile(filepath.Join(r.out, "report.md"))
	if err != nil {
		return err
	}
	word := map[string]string{"real": "measured", "sim": "simulated"}[r.target]
	f.want(strings.Contains(string(report), word), "report.md does not say %q", word)
	charts := r.charts()
	page, err := os.ReadFile(filepath.Join(r.out, "report.html"))
	if err != nil {
		return err
	}
	inside := strings.Count(string(page), `src="data:image/png;base64,`)
	f.want(inside == len(charts), "report.html has %d charts inside of it, want %d", inside, len(charts))
	f.want(strings.Contains(string(page), word), "report.html does not say %q", word)
	f.want(len(charts) >= 3, "%d PNG charts in %s, want 3 or more", len(charts), r.out)
	for _, path := range charts {
		checkPNG(f, path)
		f.want(strings.Contains(string(report), filepath.Base(path)), "report.md does not show %s", filepath.Base(path))
	}
	return nil
}

func (r *run) charts() []string {
	// The pattern is a constant plus a folder that the caller chose: at worst
	// nothing matches, which is a finding.
	charts, err := filepath.Glob(filepath.Join(r.out, "*.png"))
	if err != nil {
		return nil
	}
	return charts
}

// checkData finds out whether the data was deleted.
func (r *run) checkData(f *findings) {
	if r.data == "" {
		return
	}
	entries, err := os.ReadDir(r.data)
	if errors.Is(err, fs.ErrNotExist) {
		return
	}
	f.want(err == nil && len(entries) == 0, "%d entries left in %s (%v)", len(entries), r.data, err)
}
