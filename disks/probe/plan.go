// Package probe measures a directory of this machine with patterns of requests, in
// the manner of the tool fio, and describes what it saw as a profile of a disk. It
// writes only into the directory that it is given, which is the caller's to remove.
//
// # What is measured
//
// Reads and writes that nothing syncs pass the page cache (O_DIRECT), in one file that
// is written before. Where the file system has no O_DIRECT, writes are followed by
// fdatasync and reads by dropping the file's pages, and Measurement.Direct is false:
// such writes include a sync. Syncs are those of a log: a write through the page cache
// and fdatasync or fsync, either over bytes that are there or behind the end of a file,
// each job in a file of its own.
//
// Jobs are threads with one request under way each. What lies below the file system
// is measured as one: the cache of a drive, a controller or a hypervisor may answer
// reads of what was just written.
package probe

import (
	"fmt"
	"time"

	"brokerlab/disks/device/pattern"
	"brokerlab/disks/suite"
)

// Plan says what is measured, and bounds what that costs.
type Plan struct {
	Rows      []suite.Row
	FileBytes int64         // of the file for reads and writes without sync
	Prepare   time.Duration // at most, for writing it
	Warmup    time.Duration // of each row, not measured
	RowTime   time.Duration // of each row, measured
	TimeMax   time.Duration // after which no row begins
	// RowBytesMax ends a row that has written so much; WriteBytesMax bounds all
	// of them together with the preparation.
	RowBytesMax, WriteBytesMax int64
}

// overBytes is the size of each file that syncs overwrite.
const overBytes = 4 << 20

// NeedBytes is the space that the plan takes at most at one time.
func (p *Plan) NeedBytes() int64 {
	files := 1
	for _, row := range p.Rows {
		if row.Pattern.SyncEvery > 0 {
			files = max(files, row.Pattern.Depth)
		}
	}
	return p.FileBytes + int64(files)*overBytes + p.RowBytesMax
}

// Full is the plan with every block size and file count: under a minute.
func Full() Plan {
	blocks, files := []int64{4 * kib, 16 * kib, 64 * kib, 256 * kib, mib}, []int{1, 2, 8, 32}
	return Plan{Rows: rows(blocks, files, []int{1, 8}, 32), FileBytes: 1 << 30, Prepare: 6 * time.Second,
		Warmup: 80 * time.Millisecond, RowTime: 620 * time.Millisecond, TimeMax: 48 * time.Second,
		RowBytesMax: 512 * mib, WriteBytesMax: 8 << 30}
}

// Quick is the plan of a few seconds, with the same rows but fewer sizes and counts.
func Quick() Plan {
	return Plan{Rows: rows([]int64{4 * kib, 64 * kib}, []int{1, 8}, []int{1}, 32), FileBytes: 128 * mib,
		Prepare: 2 * time.Second, Warmup: 40 * time.Millisecond, RowTime: 210 * time.Millisecond,
		TimeMax: 7 * time.Second, RowBytesMax: 128 * mib, WriteBytesMax: 3 << 29}
}

// Comparison is the plan of the patterns of `disks compare`: about 20 s.
func Comparison() Plan {
	return Plan{Rows: suite.Compare(), FileBytes: 1 << 30, Prepare: 6 * time.Second, Warmup: 100 * time.Millisecond,
		RowTime: time.Second, TimeMax: 30 * time.Second, RowBytesMax: 1 << 30, WriteBytesMax: 8 << 30}
}

const (
	kib = 1 << 10
	mib = 1 << 20
)

// Groups of rows, beside those of suite.
const (
	groupReads      = "random reads"
	groupWrites     = "random writes"
	groupOver       = "overwriting, fdatasync"
	groupGrow       = "growing, fdatasync"
	groupGrowFsync  = "growing, fsync"
	groupFilesOver  = "4 KiB overwriting, fdatasync, files at once"
	groupFilesGrow  = "4 KiB growing, fdatasync, files at once"
	sequentialDepth = 4
)

// Parts of the chart.
const (
	panelRates = "Reads and writes past the page cache, MB/s by block"
	panelSyncs = "A write with its sync, p50 by block"
	panelFiles = "4 KiB with fdatasync to files at once, syncs/s by files"
)

// rows are all patterns for these sizes of blocks, counts of files and depths.
func rows(blocks []int64, files, depths []int, deepest int) []suite.Row {
	all := []suite.Row{
		{Group: suite.Sequential, Name: "read 1 MiB", Short: "read", Fitted: true,
			Panel: panelRates, Line: "sequential read",
			Pattern: pattern.Pattern{ReadShare: 1, BlockBytes: mib, Depth: sequentialDepth}},
		{Group: suite.Sequential, Name: "write 1 MiB", Short: "write", Fitted: true,
			Panel: panelRates, Line: "sequential write",
			Pattern: pattern.Pattern{BlockBytes: mib, Depth: sequentialDepth}},
	}
	for _, share := range []float64{1, 0} {
		group := groupWrites
		if share == 1 {
			group = groupReads
		}
		random := func(block int64, depth int) suite.Row {
			return suite.Row{Group: group, Name: fmt.Sprintf("%s, depth %d", sizeName(block), depth),
				Short: sizeName(block), Metric: suite.OpsPerSec, Fitted: block == 4*kib && (depth == 1 || depth == deepest),
				Pattern: pattern.Pattern{ReadShare: share, Random: true, BlockBytes: block, Depth: depth}}
		}
		for _, depth := range depths {
			for _, block := range blocks {
				row := random(block, depth)
				row.Panel, row.Line = panelRates, fmt.Sprintf("%s, depth %d", group, depth)
				all = append(all, row)
			}
		}
		all = append(all, random(4*kib, deepest))
	}
	all = append(all, suite.Row{Group: "random mix, 70 % read", Name: fmt.Sprintf("4 KiB, depth %d", deepest),
		Short: "4 KiB", Metric: suite.OpsPerSec,
		Pattern: pattern.Pattern{ReadShare: 0.7, Random: true, BlockBytes: 4 * kib, Depth: deepest}})
	for _, s := range []struct {
		group       string
		grow, fsync bool
	}{{groupOver, false, false}, {groupGrow, true, false}, {groupGrowFsync, true, true}} {
		for _, block := range blocks {
			row := syncRow(s.group, sizeName(block), block, 1, s.grow)
			row.Fsync, row.Fitted = s.fsync, block == 4*kib && !s.grow
			row.Panel, row.Line = panelSyncs, s.group
			all = append(all, row)
		}
	}
	for _, grow := range []bool{false, true} {
		group := groupFilesOver
		if grow {
			group = groupFilesGrow
		}
		for _, n := range files {
			row := syncRow(group, plural(n, "file"), 4*kib, n, grow)
			row.Metric, row.Panel, row.Line, row.ByFiles = suite.SyncsPerSec, panelFiles, lineOfFiles[grow], true
			all = append(all, row)
		}
	}
	return all
}

// syncRow writes a block and syncs it, in each of some files by a job of its own.
func syncRow(group, name string, block int64, files int, grow bool) suite.Row {
	row := suite.Row{Group: group, Name: name, Short: name, Metric: suite.SyncTime, Grow: grow,
		Pattern: pattern.Pattern{BlockBytes: block, Depth: files, Files: files, SyncEvery: 1}}
	if grow {
		row.Pattern.Sync = pattern.SyncJournal
	}
	return row
}

var lineOfFiles = map[bool]string{false: "overwriting", true: "growing"}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func sizeName(bytes int64) string {
	if bytes >= mib {
		return fmt.Sprintf("%d MiB", bytes/mib)
	}
	return fmt.Sprintf("%d KiB", bytes/kib)
}
