package run

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"brokerlab/engine/env"
	"brokerlab/results"
	"brokerlab/scenarios/spec"
	"brokerlab/workloads/arrival"
)

// recorded are the rate curves that the cells of a run replay, by the path that the
// scenario gives, which is relative to the working directory as that of a disk's or a
// host's profile is.
type recorded map[string]*recordedCurve

// recordedCurve is one of them.
type recordedCurve struct {
	pieces []arrival.Piece
	text   []byte // of the file
	kept   string // its name in the run folder
}

// readRecorded reads the curves of all cells. The error holds every fault of every file.
func readRecorded(cells []spec.Cell) (recorded, error) {
	all := recorded{}
	var errs []error
	for i := range cells {
		for _, g := range cells[i].Scenario.ProducerGroups() {
			path := g.Load.Curve
			if g.Load.Arrival != spec.ArrivalReplay || all[path] != nil {
				continue
			}
			kept := fmt.Sprintf("curve-%02d-%s", len(all)+1, filepath.Base(path))
			all[path] = &recordedCurve{kept: kept}
			if err := all[path].read(path); err != nil {
				errs = append(errs, fmt.Errorf("load.curve: %w", err))
			}
		}
	}
	return all, errors.Join(errs...)
}

func (c *recordedCurve) read(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	var text bytes.Buffer
	c.pieces, err = arrival.ReadRecorded(path, io.TeeReader(f, &text))
	c.text = text.Bytes()
	return errors.Join(err, f.Close())
}

// curveOf is the rate curve of a load; nil if it has none: then load.rate says all.
func (all recorded) curveOf(l *spec.Load) (*arrival.Curve, error) {
	var c *arrival.Curve
	var err error
	switch l.Arrival {
	case spec.ArrivalSteps:
		c, err = stepsOf(l)
	case spec.ArrivalRamp:
		length := cmp.Or(l.RampLength, l.CurveLength())
		c, err = arrival.NewCurve([]arrival.Piece{{Length: length, From: l.RampFrom, To: l.RampTo}}, arrival.Hold)
	case spec.ArrivalBursts:
		c, err = arrival.NewCurve([]arrival.Piece{
			{Length: l.BurstEvery - l.BurstLength, From: l.BurstBase, To: l.BurstBase},
			{Length: l.BurstLength, From: l.BurstRate, To: l.BurstRate},
		}, arrival.Loop)
	case spec.ArrivalReplay:
		after := arrival.Loop
		if l.CurveEnd == spec.CurveStop {
			after = arrival.Stop
		}
		c, err = arrival.NewCurve(all[l.Curve].pieces, after)
	default:
		return nil, nil
	}
	if err == nil && l.Rate > 0 {
		c, err = c.Scaled(l.Rate, l.CurveLength())
	}
	if err != nil {
		return nil, fmt.Errorf("load.arrival %s: %w", l.Arrival, err)
	}
	return c, nil
}

func stepsOf(l *spec.Load) (*arrival.Curve, error) {
	steps, err := l.SpacedSteps()
	if err != nil {
		return nil, err
	}
	var pieces []arrival.Piece
	for _, st := range steps {
		pieces = append(pieces, arrival.Piece{Length: st.Length, From: st.Rate, To: st.Rate})
	}
	return arrival.NewCurve(pieces, arrival.Hold)
}

// meanRate is the mean rate of a load between two offsets from its start; 0 at full
// speed, and where it is to be found.
func (all recorded) meanRate(l *spec.Load, from, to time.Duration) float64 {
	c, err := all.curveOf(l)
	if err != nil || c == nil {
		return max(0, l.Rate) // prepareLoads has told of the error
	}
	return c.Mean(from, to)
}

// prepareLoads reads what the loads of all cells need and checks them.
func (r *runner) prepareLoads() error {
	var err error
	if r.recorded, err = readRecorded(r.cells); err != nil {
		return &UsageError{err}
	}
	var errs []error
	for i := range r.cells {
		for _, g := range r.cells[i].Scenario.ProducerGroups() {
			c, err := r.recorded.curveOf(&g.Load)
			if err != nil {
				errs = append(errs, fmt.Errorf("cell %d (%s): %w", i+1, r.cells[i], err))
				continue
			}
			if g.Load.Arrival == spec.ArrivalReplay && g.Load.CurveEnd == spec.CurveStop && c.Length() < g.Load.CurveLength() {
				r.warnOnce(fmt.Sprintf("load.curve %s ends after %v: nothing is sent in the rest of load.duration %v",
					g.Load.Curve, c.Length(), g.Load.Duration))
			}
		}
	}
	if len(errs) > 0 {
		return &UsageError{errors.Join(errs...)}
	}
	return nil
}

// warnOnce is warn, unless the same was said.
func (r *runner) warnOnce(message string) {
	if !slices.Contains(r.warnings, message) {
		r.warn(message)
	}
}

// keepRecorded copies the curves into the run folder, so that the run can be
// reproduced: load.curve then names the copy.
func (r *runner) keepRecorded() error {
	for _, c := range r.recorded {
		if err := r.folder.WriteFile(c.kept, c.text); err != nil {
			return err
		}
	}
	return nil
}

// Streams of random numbers of Poisson processes: each phase of a producer is one of its
// own.
const (
	streamWarmup = "arrival-warmup"
	streamLoad   = "arrival"
	streamRead   = "arrival-read"
)

// arrivalOf is the schedule of one of several producers that share a load.
func (r *repeat) arrivalOf(l *spec.Load, stream string, node env.Node, producers, index int) (arrival.Config, error) {
	cfg := arrival.Config{Start: r.loadFrom, Producers: producers, Index: index,
		Tolerance: l.Tolerance, CatchUp: l.CatchUp}
	var err error
	if cfg.Curve, err = r.recorded.curveOf(l); err != nil {
		return cfg, err
	}
	if cfg.Curve == nil {
		cfg.RatePerSec = max(0, l.Rate) // one that is to be found comes from load.Search
	}
	if l.Random() {
		cfg.Poisson = node.Rand(stream)
	}
	return cfg, nil
}

// describeLoad fills in how the records of a cell come due.
func (all recorded) describeLoad(c *results.Cell, s *spec.Scenario) {
	for _, g := range s.ProducerGroups() {
		if g.Producers.Count == 0 {
			continue
		}
		if curve := all[g.Load.Curve]; g.Load.Arrival == spec.ArrivalReplay && curve != nil {
			if c.Curves == nil {
				c.Curves = make(map[string]string)
			}
			c.Curves[g.Load.Curve] = curve.kept
		}
		of := all.groupLoad(&g.Load)
		c.OfferedPerS += of.OfferedPerS
		if of.Load == results.LoadClosed || c.Load == "" {
			c.Load, c.Arrival, c.CatchUp = of.Load, of.Arrival, of.CatchUp
		}
		c.Searched = g.Load.Searched()
		if of.Arrival != c.Arrival {
			c.Arrival = arrivalMixed
		}
	}
	if c.Load == results.LoadClosed { // one group at full speed is enough
		c.AtSaturation, c.OfferedPerS, c.Arrival, c.CatchUp = true, 0, "", false
	}
}

// arrivalMixed is the arrival of groups that have several.
const arrivalMixed = "mixed"

// groupLoad is how the records of one group come due.
func (all recorded) groupLoad(l *spec.Load) (g results.Group) {
	if l.Closed() {
		g.Load = results.LoadClosed
		return g
	}
	g.Load, g.Arrival, g.CatchUp = results.LoadOpen, l.Arrival, l.CatchUp
	from, to := l.Warmup, l.Duration
	if l.WarmupRate != spec.RateSame { // the curve begins after it
		from, to = 0, to-from
	}
	g.OfferedPerS = all.meanRate(l, from, to)
	return g
}
