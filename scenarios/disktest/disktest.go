// Package disktest runs patterns of requests on disks, each disk alone: on modelled
// ones in virtual time, which is simulated, and on a directory of this machine, which
// is measured. It returns results; it prints and draws nothing.
package disktest

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"

	"brokerlab/disks/device/pattern"
	"brokerlab/disks/profiles"
	"brokerlab/disks/suite"
	"brokerlab/results"
)

// Options say how patterns run.
type Options struct {
	Rows      []suite.Row
	SpanBytes int64 // of each disk that is used; 0: all
	Seed      uint64
}

// Compare runs the rows on each profile, on as many processors as there are. The
// same options give the same figures.
func Compare(ctx context.Context, disks []*profiles.Profile, o Options) (*results.DiskComparison, error) {
	c := &results.DiskComparison{Patterns: patternsOf(o.Rows), SpanBytes: o.SpanBytes, Seed: o.Seed}
	for _, p := range disks {
		c.Disks = append(c.Disks, results.ComparedDisk{Name: p.Name, Title: p.Title, Target: results.TargetSim,
			Figures: make([]results.DiskFigure, len(o.Rows))})
	}
	errs := make([]error, len(disks))
	var next atomic.Int64
	var group sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(disks)) {
		group.Go(func() {
			for i := next.Add(1) - 1; int(i) < len(disks); i = next.Add(1) - 1 {
				c.Disks[i].Figures, errs[i] = Simulate(ctx, disks[i], o)
			}
		})
	}
	group.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return c, nil
}

// Simulate runs the rows on one profile.
func Simulate(ctx context.Context, disk *profiles.Profile, o Options) ([]results.DiskFigure, error) {
	figures := make([]results.DiskFigure, len(o.Rows))
	for i, row := range o.Rows {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		r, err := suite.Run(disk.Config, row, o.SpanBytes, suite.BudgetOf(disk.Config.Kind), o.Seed)
		if err != nil {
			figures[i].Missing = err.Error()
			continue
		}
		figures[i] = figureOf(r)
	}
	return figures, nil
}

func patternsOf(rows []suite.Row) (all []results.DiskPattern) {
	metrics := map[suite.Metric]results.DiskMetric{suite.MBPerSec: results.MetricMBPerS,
		suite.OpsPerSec: results.MetricOpsPerS, suite.SyncTime: results.MetricSyncP50,
		suite.SyncsPerSec: results.MetricSyncsPerS}
	for _, row := range rows {
		all = append(all, results.DiskPattern{Name: row.Name, Short: row.Short, Group: row.Group, Metric: metrics[row.Metric],
			BlockBytes: row.Pattern.BlockBytes, Files: row.Pattern.Files, Depth: row.Pattern.Depth, Fitted: row.Fitted,
			Panel: row.Panel, Line: row.Line, ByFiles: row.ByFiles})
	}
	return all
}

func figureOf(r pattern.Result) results.DiskFigure {
	return results.DiskFigure{OpsPerS: r.OpsPerSec, MBPerS: r.MBPerSec, SyncsPerS: r.SyncsPerSec,
		Latency: latencyOf(r.Latency, r.Ops), Sync: latencyOf(r.SyncLatency, r.Syncs)}
}

func latencyOf(l pattern.Latency, count int64) results.Latency {
	return results.Latency{P50: int64(l.P50), P90: int64(l.P90), P99: int64(l.P99), P999: int64(l.P999),
		Max: int64(l.Max), Mean: float64(l.Mean), Count: count}
}
