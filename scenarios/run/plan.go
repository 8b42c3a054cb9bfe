package run

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"brokerlab/disks/datadir"
	"brokerlab/results"
	"brokerlab/scenarios/spec"
)

// Plan is what a run would do: DryRun makes it.
type Plan struct {
	Scenario string        `json:"scenario"`
	Cells    []PlannedCell `json:"cells"`
	Disks    []PlannedDisk `json:"disks"`
	Goals    int           `json:"goals"` // each in each of its cells
	Warnings []string      `json:"warnings"`
	// MeasuredS are the seconds of real loads, one after the other, SimulatedS the
	// virtual ones of simulated loads. Starting, draining and reading back come on top.
	MeasuredS  float64 `json:"measured_load_s"`
	SimulatedS float64 `json:"simulated_load_s"`
}

// PlannedCell is a cell of a Plan.
type PlannedCell struct {
	Labels  map[string]string `json:"labels"` // the disk among them
	Target  string            `json:"target"`
	Repeats int               `json:"repeats"`
	LoadS   float64           `json:"load_s"` // of one repeat, warm-up included
	// BytesMost is the most that one repeat writes to all logs, nothing compressed; with
	// Bounded false the load goes on until it ends or the disk is as full as it may be.
	BytesMost int64 `json:"bytes_most"`
	Bounded   bool  `json:"bounded"`
	// Reading says that consumers read a backlog after the load.
	Reading bool `json:"reading"`
}

// PlannedDisk is what a disk needs: logs are removed after each repeat, unless they are
// kept.
type PlannedDisk struct {
	Disk      string `json:"disk"`
	Target    string `json:"target"`
	BytesMost int64  `json:"bytes_most"` // at a time, of bounded loads
	Bounded   bool   `json:"bounded"`
	FreeBytes int64  `json:"free_bytes"` // of real ones; 0: not known
}

// DryRun checks all that Run checks before it starts, and says what would run. It
// leaves nothing behind.
func DryRun(file *spec.File, opts Options) (plan *Plan, err error) {
	r, err := prepare(file, opts)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, r.closeDisks(), r.library.close()) }()
	plan = &Plan{Scenario: r.file.Base.Name, Warnings: append([]string{}, r.warnings...)}
	for i := range r.placed {
		c := r.planned(&r.placed[i])
		plan.Cells = append(plan.Cells, c)
		if c.Target == results.TargetReal {
			plan.MeasuredS += c.LoadS * float64(c.Repeats)
		} else {
			plan.SimulatedS += c.LoadS * float64(c.Repeats)
		}
	}
	for _, disk := range r.disks {
		need, bounded := r.needOf(disk)
		d := PlannedDisk{Disk: disk, Target: Target(disk), BytesMost: need, Bounded: bounded}
		if paths, real := Directories(disk); real {
			d.FreeBytes = datadir.Free(paths...)
		}
		plan.Disks = append(plan.Disks, d)
	}
	for _, g := range r.goals {
		plan.Goals += len(g.Targets)
	}
	return plan, nil
}

func (r *runner) planned(p *spec.Placed) PlannedCell {
	s := &p.Cell.Scenario
	c := PlannedCell{Labels: map[string]string{DiskLabel: p.Disk}, Target: Target(p.Disk), Repeats: max(1, s.Repeat),
		LoadS: s.Load.Duration.Seconds()}
	for _, l := range p.Cell.Labels {
		c.Labels[l.Name] = l.Value
	}
	c.BytesMost, c.Bounded = r.diskNeed(s)
	for _, g := range s.ConsumerGroups() {
		c.Reading = c.Reading || g.Consumers.Count > 0 && g.Consumers.Read != spec.ReadTail
	}
	return c
}

// diskNeed is the most that one repeat takes of a disk; see writtenMost. Segments that
// get their room at once take it before they are written.
func (r *runner) diskNeed(s *spec.Scenario) (bytes int64, bounded bool) {
	bytes, bounded = r.writtenMost(s)
	if s.Topic.Preallocate {
		logs := float64(s.Topic.AllPartitions()) * float64(s.Topic.ReplicationFactor)
		bytes += int64(min(logs*float64(s.Topic.SegmentBytes), math.MaxInt64/2))
	}
	return bytes, bounded
}

// needOf is what a disk needs at a time: as much as its largest cell, or all of its
// cells where logs are kept. Loads without a bound count with what producers hold.
func (r *runner) needOf(disk string) (bytes int64, bounded bool) {
	bounded = true
	for i := range r.placed {
		p := &r.placed[i]
		if p.Disk != disk {
			continue
		}
		need, ok := r.diskNeed(&p.Cell.Scenario)
		bounded = bounded && ok
		if r.opts.Keep && Target(disk) == results.TargetReal {
			bytes += need * int64(max(1, p.Cell.Scenario.Repeat))
		} else {
			bytes = max(bytes, need)
		}
	}
	return bytes, bounded
}

// checkSpace refuses a run that would not fit on its disks. A cell may fill roomShare of
// what is free: one that would write more at its rate is refused too, since its load
// would end before its time.
func (r *runner) checkSpace() error {
	var errs []error
	for _, disk := range r.disks {
		paths, real := Directories(disk)
		if !real {
			continue
		}
		need, bounded := r.needOf(disk)
		err := datadir.CheckSpace(need, paths...)
		free := datadir.Free(paths...)
		if err == nil && free > 0 && bounded && float64(need) > roomShare*float64(free) {
			err = fmt.Errorf("data directory %s: the run writes up to %d MB, and of the %d MB that are free it may fill "+
				"%.0f %%", strings.Join(paths, ", "), need/1e6, free/1e6, 100*roomShare)
		}
		if err != nil {
			errs = append(errs, &UsageError{fmt.Errorf("%w: lower load.duration, load.rate or topic.replication.factor, end "+
				"the load at load.max-bytes, or name another disk (--dir)", err)})
		}
	}
	return allFaults(errs)
}
