package probe

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"brokerlab/disks/device"
	"brokerlab/disks/device/pattern"
	"brokerlab/disks/suite"
)

// Fit is a model of what was measured.
type Fit struct {
	Config   device.Config
	Modelled []Outcome // of the model, row by row
	// Off is the mean factor by which the model's figures are off, fitted ones
	// too: 1.2 is 20 % too high or too low. OffBy has the other kinds of models
	// that were tried.
	Off    float64
	Others []string
}

// fitBudget is the virtual time of a row while figures are sought, and finalBudget
// that of the figures that are shown.
var (
	fitBudget   = suite.Budget{Warmup: 50 * time.Millisecond, Duration: 400 * time.Millisecond}
	finalBudget = suite.Budget{Warmup: 100 * time.Millisecond, Duration: 600 * time.Millisecond}
)

// fitRounds of corrections are enough: each brings a figure to what a row showed
// where the two are proportional, and most are.
const fitRounds = 4

const fitSeed = 1

// knob is one figure of a model and the row that shows it. Both are times, or both
// are rates; inverse: one of each.
type knob struct {
	row     suite.Row
	shown   func(pattern.Result) float64
	get     func(*device.Config) float64
	set     func(*device.Config, float64)
	inverse bool
	target  float64 // what the row showed
}

// FitModel seeks the figures of a model that shows what was measured in the rows that
// are marked as fitted, for each kind of model that may do, and returns the one whose
// figures are nearest in all rows. Capacity is that of the disk.
func FitModel(ctx context.Context, plan Plan, m *Measurement, capacity int64) (*Fit, error) {
	var best *Fit
	var said []string
	for _, c := range []candidate{provisionedCandidate, ssdCandidate} {
		f, err := c.fit(ctx, plan, m, capacity)
		if err != nil {
			return nil, err
		}
		said = append(said, fmt.Sprintf("%s: off by a factor of %.2f on average", f.Config.Kind, f.Off))
		if best == nil || f.Off < best.Off {
			best = f
		}
	}
	best.Others = said
	return best, nil
}

// candidate is a kind of model: a configuration to begin with, from what was
// measured, and its knobs.
type candidate struct {
	start func(f *findings, capacity int64) device.Config
	knobs func(f *findings) []knob
}

func (c candidate) fit(ctx context.Context, plan Plan, m *Measurement, capacity int64) (*Fit, error) {
	f := &findings{plan: plan, m: m}
	cfg := c.start(f, capacity)
	knobs := c.knobs(f)
	if f.err != nil {
		return nil, f.err
	}
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("probe: no %s model of these figures: %w", cfg.Kind, err)
	}
	for range fitRounds {
		for _, k := range knobs {
			if err := ctx.Err(); err != nil {
				return nil, err
			}
			r, err := suite.Run(cfg, k.row, m.File, fitBudget, fitSeed)
			if err != nil {
				return nil, err
			}
			k.correct(&cfg, k.shown(r))
		}
	}
	out := &Fit{Config: cfg}
	var logs []float64
	for i, row := range plan.Rows {
		if m.Outcomes[i].Missing != "" {
			out.Modelled = append(out.Modelled, Outcome{Missing: "was not measured"})
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		r, err := suite.Run(cfg, row, m.File, finalBudget, fitSeed)
		if err != nil {
			return nil, err
		}
		out.Modelled = append(out.Modelled, Outcome{Result: r})
		if a, b := Shown(row, r), Shown(row, m.Outcomes[i].Result); a > 0 && b > 0 {
			logs = append(logs, math.Abs(math.Log(a/b)))
		}
	}
	out.Off = math.Exp(mean(logs))
	return out, nil
}

func mean(values []float64) (m float64) {
	for _, v := range values {
		m += v / float64(len(values))
	}
	return m
}

// Shown is the figure of a row that model and measurement are compared by: its rate,
// or that of its syncs.
func Shown(row suite.Row, r pattern.Result) float64 {
	if row.Pattern.SyncEvery > 0 {
		return r.SyncsPerSec
	}
	return r.OpsPerSec
}

// correct moves the figure by as much as the model was off, and stays within bounds
// that a figure of its own has: where another one hides it, no value is right.
func (k knob) correct(cfg *device.Config, got float64) {
	const stepMost, farthest = 4, 3
	if got <= 0 || k.target <= 0 {
		return
	}
	ratio := min(max(k.target/got, 1.0/stepMost), stepMost)
	if k.inverse {
		ratio = 1 / ratio
	}
	v := k.get(cfg) * ratio
	if !k.inverse {
		v = min(max(v, k.target/farthest), k.target*farthest)
	}
	k.set(cfg, v)
}

// findings looks figures of the measurement up.
type findings struct {
	plan Plan
	m    *Measurement
	err  error
}

var errNoFigure = errors.New("probe: a figure that a profile needs was not measured")

// of returns the outcome of the first row that matches, which must be there.
func (f *findings) of(what string, match func(suite.Row) bool) (suite.Row, pattern.Result) {
	i := slices.IndexFunc(f.plan.Rows, match)
	if i < 0 || f.m.Outcomes[i].Missing != "" {
		f.err = fmt.Errorf("%w: %s", errNoFigure, what)
		return suite.Row{}, pattern.Result{}
	}
	return f.plan.Rows[i], f.m.Outcomes[i].Result
}

// direct finds the fitted row without sync of these.
func (f *findings) direct(reads bool, random bool, depth int) (suite.Row, pattern.Result) {
	what := fmt.Sprintf("reads %v, random %v, depth %d", reads, random, depth)
	return f.of(what, func(r suite.Row) bool {
		p := r.Pattern
		return r.Fitted && p.SyncEvery == 0 && (p.ReadShare == 1) == reads && p.Random == random && p.Depth == depth
	})
}

// synced finds the fitted row of an overwriting sync.
func (f *findings) synced() (suite.Row, pattern.Result) {
	return f.of("overwriting with fdatasync", func(r suite.Row) bool { return r.Fitted && r.Pattern.SyncEvery > 0 })
}

// deepest is the greatest depth of the plan's rows.
func (f *findings) deepest() (depth int) {
	for _, r := range f.plan.Rows {
		if r.Pattern.SyncEvery == 0 {
			depth = max(depth, r.Pattern.Depth)
		}
	}
	return depth
}

func p50(r pattern.Result) float64     { return float64(r.Latency.P50) }
func p99(r pattern.Result) float64     { return float64(r.Latency.P99) }
func syncP50(r pattern.Result) float64 { return float64(r.SyncLatency.P50) }
func syncP99(r pattern.Result) float64 { return float64(r.SyncLatency.P99) }
func ops(r pattern.Result) float64     { return r.OpsPerSec }
func rate(r pattern.Result) float64    { return r.MBPerSec * 1e6 }

// knobOf makes one of a row that was measured.
func knobOf(row suite.Row, seen pattern.Result, shown func(pattern.Result) float64,
	get func(*device.Config) float64, set func(*device.Config, float64)) knob {
	return knob{row: row, shown: shown, get: get, set: set, target: shown(seen)}
}

// spreadKnobs are the two of a spread.
func spreadKnobs(row suite.Row, seen pattern.Result, low, high func(pattern.Result) float64,
	field func(*device.Config) *device.Spread) []knob {
	return []knob{
		knobOf(row, seen, low, func(c *device.Config) float64 { return float64(field(c).P50) },
			func(c *device.Config, v float64) {
				s := field(c)
				s.P50 = max(1, time.Duration(v))
				s.P99 = max(s.P99, s.P50)
			}),
		knobOf(row, seen, high, func(c *device.Config) float64 { return float64(field(c).P99) },
			func(c *device.Config, v float64) { field(c).P99 = max(field(c).P50, time.Duration(v)) }),
	}
}
