// Package suite holds the patterns of requests by which disks are compared, in
// the manner of the tool fio, and runs them on modelled devices in virtual time.
// It is pure. It measures the device alone: no page cache, no file system but what
// a pattern's Sync imitates of one.
package suite

import (
	"fmt"
	"math/rand/v2"
	"time"

	"brokerlab/disks/device"
	"brokerlab/disks/device/pattern"
)

// Metric is the figure of a pattern that disks are compared by.
type Metric uint8

// The metrics.
const (
	MBPerSec Metric = iota
	OpsPerSec
	SyncTime // the median of a write with the sync that follows it
	SyncsPerSec
)

// Row is a pattern with its name.
type Row struct {
	Group, Name string // neighbours of one group belong together
	Short       string // the name for a narrow column
	Metric      Metric
	Pattern     pattern.Pattern
	// Grow says that writes extend files, and Fsync that they are followed by
	// fsync and not fdatasync. In the model the pattern's Sync says what that
	// costs; a real directory does it.
	Grow, Fsync bool
	// Line names the line of a chart that the row is a point of, over the bytes of
	// blocks or, ByFiles, over the files; without one it is no point. Panel is the
	// part of the chart.
	Panel, Line string
	ByFiles     bool
	// Fitted says that profiles are fitted to the row.
	Fitted bool
}

const (
	kib = 1 << 10
	mib = 1 << 20
)

// Groups of the patterns of Compare.
const (
	Sequential = "sequential"
	Random     = "random 4 KiB"
	Appends    = "append of 4 KiB"
)

// Compare are the patterns of `disks compare`. The mix has 70 % of reads.
func Compare() []Row {
	random := func(name, short string, readShare float64, depth int) Row {
		return Row{Group: Random, Name: fmt.Sprintf("%s, depth %d", name, depth), Metric: OpsPerSec,
			Short:   fmt.Sprintf("%s %d", short, depth),
			Pattern: pattern.Pattern{ReadShare: readShare, Random: true, BlockBytes: 4 * kib, Depth: depth}}
	}
	return []Row{
		{Group: Sequential, Name: "read 1 MiB", Short: "read",
			Pattern: pattern.Pattern{ReadShare: 1, BlockBytes: mib, Depth: 4}},
		{Group: Sequential, Name: "write 1 MiB", Short: "write",
			Pattern: pattern.Pattern{BlockBytes: mib, Depth: 4}},
		{Group: Sequential, Name: "write 64 KiB to 1,000 files in turn", Short: "1,000 files",
			Pattern: pattern.Pattern{BlockBytes: 64 * kib, Depth: 4, Files: 1000}},
		random("read", "read", 1, 1),
		random("read", "read", 1, 32),
		random("write", "write", 0, 1),
		random("write", "write", 0, 32),
		random("mix", "mix", 0.7, 32),
		{Group: Appends, Name: "with a flush", Short: "flush", Metric: SyncTime,
			Pattern: pattern.Pattern{BlockBytes: 4 * kib, Depth: 1, SyncEvery: 1}},
		{Group: Appends, Name: "with an fsync", Short: "fsync", Metric: SyncTime, Grow: true, Fsync: true,
			Pattern: pattern.Pattern{BlockBytes: 4 * kib, Depth: 1, SyncEvery: 1, Sync: pattern.SyncJournal}},
	}
}

// Budget is how much virtual time a pattern gets.
type Budget struct{ Warmup, Duration time.Duration }

// BudgetOf is enough for steady figures of a kind of disk: a hard disk does some
// hundred requests in ten seconds, an SSD 400,000 in one, and a disk behind a limit
// needs some seconds until a burst is used up.
func BudgetOf(kind device.Kind) Budget {
	switch kind {
	case device.KindHardDisk:
		return Budget{10 * time.Second, 20 * time.Second}
	case device.KindProvisioned:
		return Budget{500 * time.Millisecond, 2 * time.Second}
	}
	return Budget{500 * time.Millisecond, 300 * time.Millisecond}
}

// Streams of random numbers of one seed: the device's and the pattern's differ.
const deviceStream = 1

// Run drives a new device of the configuration with the row's pattern, in the
// first spanBytes of it (0: all).
func Run(cfg device.Config, row Row, spanBytes int64, budget Budget, seed uint64) (pattern.Result, error) {
	d, err := device.New(cfg, rand.New(rand.NewPCG(seed, deviceStream)))
	if err != nil {
		return pattern.Result{}, fmt.Errorf("suite: %w", err)
	}
	p := row.Pattern
	if p.SpanBytes == 0 && spanBytes > 0 {
		p.SpanBytes = min(spanBytes, cfg.CapacityBytes)
	}
	if p.Sync == pattern.SyncJournal {
		// ext4 puts files near their journal, which lies in the middle.
		p.SpanOffset, p.SpanBytes = cfg.CapacityBytes/2, min(max(p.SpanBytes, 1<<30), cfg.CapacityBytes/2)
	}
	p.Warmup, p.Duration, p.Seed = budget.Warmup, budget.Duration, seed
	r, err := pattern.Run(d, cfg.CapacityBytes, p)
	if err != nil {
		return pattern.Result{}, fmt.Errorf("suite: %s, %s: %w", row.Group, row.Name, err)
	}
	return r, nil
}
