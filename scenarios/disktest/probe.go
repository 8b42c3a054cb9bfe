package disktest

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"brokerlab/disks/datadir"
	"brokerlab/disks/probe"
	"brokerlab/results"
	"brokerlab/scenarios/run"
)

// ProbeOptions say what of a directory is measured.
type ProbeOptions struct {
	Dir  string
	Plan probe.Plan
	// Name of the profile that is written, in tables and charts.
	Name string
	// Progress is called before each row; -1 is the preparation.
	Progress func(row int)
	// Busy tells afterwards, if it is not nil, how many cores other programs used.
	Busy func() float64
}

// Probed is what Probe found.
type Probed struct {
	// Comparison has the directory, which is measured, and the model that was
	// fitted to it, which is simulated.
	Comparison *results.DiskComparison
	Profile    []byte // as text
	Kind       string
	Measured   *probe.Measurement
	// Judged is how many figures the model was not fitted to, and Near how many of
	// them it has within NearFactor.
	Judged, Near int
	Warnings     []string
}

// NearFactor is how far the model may be from a figure that it was not fitted to and
// still be called near.
const NearFactor = 1.5

// Probe measures a directory and fits a model to it. It writes below a directory of
// its own there and removes it, however it ends.
func Probe(ctx context.Context, o ProbeOptions) (*Probed, error) {
	began := time.Now()
	seen, err := measureDir(ctx, o)
	if err != nil {
		return nil, err
	}
	m := seen.Measurement
	found := &Probed{Measured: m, Warnings: seen.warnings}
	fit, err := probe.FitModel(ctx, o.Plan, m, max(seen.freeBytes, m.File))
	if err != nil {
		return nil, err
	}
	found.Kind = fit.Config.Kind.String()
	machine := run.Machine()
	found.Profile = fit.Profile(probe.Origin{
		Title: "Measured: " + o.Dir + " (" + seen.fileSystem + ")",
		Source: fmt.Sprintf("brokerlab disks probe of %s, %s, %s, kernel %s, %s, %d cores", filepath.Clean(o.Dir),
			seen.fileSystem, began.UTC().Format(time.RFC3339), machine.Kernel, machine.CPU, machine.Cores),
		Note: fmt.Sprintf("What one probe saw, file system and hypervisor included; on average the model is off by "+
			"a factor of %.2f.", fit.Off),
	})
	found.compare(o, fit)
	return found, nil
}

// seen is a measurement with what is known of where it was made.
type seen struct {
	*probe.Measurement
	freeBytes  int64
	fileSystem string
	warnings   []string
}

// measureDir runs the plan in a directory of its own below the one that is named, and
// removes it.
func measureDir(ctx context.Context, o ProbeOptions) (s *seen, err error) {
	if err := datadir.CheckSpace(o.Plan.NeedBytes(), o.Dir); err != nil {
		return nil, err
	}
	dir, err := datadir.Prepare(o.Dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, dir.Close()) }()
	path, err := dir.NewRun("probe")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, dir.Remove(path)) }()
	s = &seen{freeBytes: datadir.Free(path)}
	s.fileSystem, _ = datadir.Kind(path)
	if s.Measurement, err = probe.Measure(ctx, path, o.Plan, o.Progress); err != nil {
		return nil, err
	}
	s.warnings = warningsOf(o, s.Measurement, path)
	return s, nil
}

// Measure runs the plan in a directory and returns it as a disk of a comparison, with
// the part of the disk that was used and what spoils the figures.
func Measure(ctx context.Context, o ProbeOptions) (d results.ComparedDisk, spanBytes int64, warnings []string,
	err error) {
	s, err := measureDir(ctx, o)
	if err != nil {
		return d, 0, nil, err
	}
	d = results.ComparedDisk{Name: o.Name, Title: s.fileSystem, Target: results.TargetReal}
	for _, out := range s.Outcomes {
		d.Figures = append(d.Figures, outcomeFigure(out))
	}
	return d, s.File, s.warnings, nil
}

// compare puts measured and modelled figures side by side.
func (p *Probed) compare(o ProbeOptions, fit *probe.Fit) {
	c := &results.DiskComparison{Patterns: patternsOf(o.Plan.Rows), SpanBytes: p.Measured.File, Seed: 1}
	real := results.ComparedDisk{Name: o.Dir, Title: "measured", Target: results.TargetReal}
	sim := results.ComparedDisk{Name: o.Name, Title: "modelled", Target: results.TargetSim}
	for i, row := range o.Plan.Rows {
		seen, model := p.Measured.Outcomes[i], fit.Modelled[i]
		real.Figures = append(real.Figures, outcomeFigure(seen))
		sim.Figures = append(sim.Figures, outcomeFigure(model))
		a, b := probe.Shown(row, seen.Result), probe.Shown(row, model.Result)
		if row.Fitted || seen.Missing != "" || a <= 0 || b <= 0 {
			continue
		}
		p.Judged++
		if ratio := b / a; ratio < NearFactor && ratio > 1/NearFactor {
			p.Near++
		}
	}
	c.Disks = []results.ComparedDisk{real, sim}
	c.Notes = append(c.Notes,
		"* the model was fitted to this row; the others try it.",
		fmt.Sprintf("Of %d rows that it was not fitted to, the model has %d within a factor of %g. Kinds tried: %s.",
			p.Judged, p.Near, NearFactor, joined(fit.Others)))
	p.Comparison = c
}

func joined(parts []string) (all string) {
	for i, part := range parts {
		if i > 0 {
			all += "; "
		}
		all += part
	}
	return all
}

func outcomeFigure(o probe.Outcome) results.DiskFigure {
	if o.Missing != "" {
		return results.DiskFigure{Missing: o.Missing}
	}
	return figureOf(o.Result)
}

// slowRead is longer than any flash takes for 4 KiB, and shorter than a hard disk.
const slowRead = 2 * time.Millisecond

// warningsOf say what spoils a measurement, or what the model cannot show.
func warningsOf(o ProbeOptions, m *probe.Measurement, path string) (all []string) {
	if _, warning := datadir.Kind(path); warning != "" {
		all = append(all, warning)
	}
	if !m.Direct {
		all = append(all, "the file system has no O_DIRECT: writes include an fdatasync, and reads may come from memory")
	}
	missing := 0
	for i, row := range o.Plan.Rows {
		out := m.Outcomes[i]
		if out.Missing != "" {
			missing++
		}
		p := row.Pattern
		if row.Fitted && p.Random && p.ReadShare == 1 && p.Depth == 1 && p.BlockBytes == 4096 && out.Latency.P50 > slowRead {
			all = append(all, "random reads are as slow as those of a hard disk, which has no place in the kinds that are "+
				"fitted: begin with disks show hdd-7200 --source instead")
		}
	}
	if missing > 0 {
		all = append(all, fmt.Sprintf("%d of %d rows were not measured: the bounds of time or bytes were reached",
			missing, len(o.Plan.Rows)))
	}
	if o.Busy == nil {
		return all
	}
	if cores := o.Busy(); cores > busyCores {
		all = append(all, fmt.Sprintf("other programs used %.1f cores meanwhile: the figures are theirs too; measure again",
			cores))
	}
	return all
}

// busyCores is what other programs may use before a measurement is doubtful.
const busyCores = 0.3
