// Package validate holds predictions against observations: it runs published
// benchmarks in the simulated world, and scenarios of this engine both for real on
// this machine and simulated, and compares. It promises that a prediction of a
// published row is the same for the same version; it fits nothing and judges only
// by the aims, which it does not enforce.
package validate

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"brokerlab/results"
	"brokerlab/scenarios/published"
	"brokerlab/scenarios/run"
	"brokerlab/scenarios/spec"
)

// Options say what is validated.
type Options struct {
	Out string // where the folder goes
	// Only limits the rows to those whose name contains one of these; empty: all.
	Only []string
	// Dir is the directory in which this engine runs for real; "" leaves pairs out.
	Dir string
	// HostProfile and DiskProfile stand for this machine in the simulated half of
	// pairs: names or files. Where they are empty, it is measured.
	HostProfile, DiskProfile string
	// Set changes settings of every scenario, as run's --set does: how a shortened
	// validation is made.
	Set     []Override
	Command []string
	// Begin, if not nil, is told of each row before it runs and of the work of those that
	// follow, and gives what shows the run and stops it.
	Begin func(name string, later run.Work) *run.Live
	// Say, if not nil, is told what else takes time.
	Say func(what string)
}

// Override is one setting in every scenario.
type Override struct{ Path, Value string }

// Name is the folder's name among those of scenarios.
const Name = "validate-model"

// Outcome is what Run leaves.
type Outcome struct {
	Validation *results.Validation
	Folder     *results.Folder
}

// validator is one execution.
type validator struct {
	opts   Options
	out    *results.Validation
	folder *results.Folder
	here   *published.Here
	// machine is nil until a pair needs it.
	machine *machine
}

// Run runs all rows and writes their comparison. After an error the Outcome, if
// there is one, holds the rows that ended.
func Run(opts Options) (*Outcome, error) {
	began := time.Now()
	tables, err := published.Tables()
	if err != nil {
		return nil, err
	}
	v := &validator{opts: opts}
	if v.here, err = published.Observed(); err != nil {
		return nil, err
	}
	jobs, err := v.jobs(tables)
	if err != nil {
		return nil, &run.UsageError{Err: err}
	}
	v.out = &results.Validation{Schema: results.ValidationVersion, Rows: []results.ValidationRow{},
		Rankings: []results.Ranking{}, Profile: FittedName, Warnings: []string{},
		Wall: results.RunWall{Started: began.UTC(), Command: opts.Command, Version: run.Version(), Machine: run.Machine()}}
	if v.folder, err = results.Create(opts.Out, Name, began); err != nil {
		return nil, err
	}
	v.out.Wall.Folder = v.folder.Path
	for i := range jobs {
		if err = v.runOne(&jobs[i], plannedWork(jobs[i+1:])); err != nil {
			err = fmt.Errorf("%s: %w", jobs[i].name, err)
			break
		}
	}
	v.out.Rankings = rankings(v.out.Rows)
	v.out.Wall.Seconds = time.Since(began).Seconds()
	err = errors.Join(err, v.folder.WriteValidation(v.out), v.folder.Finish())
	return &Outcome{Validation: v.out, Folder: v.folder}, err
}

// FittedName is the host profile that published rows are predicted with.
const FittedName = "kafka-jvm"

// job is one row before it runs.
type job struct {
	name   string
	row    results.ValidationRow
	file   *spec.File
	source []byte
	// disks has the real one first in a pair; empty: the scenario's.
	disks []string
}

// wanted says whether the options ask for a row.
func (o *Options) wanted(name string) bool {
	if len(o.Only) == 0 {
		return true
	}
	for _, text := range o.Only {
		if strings.Contains(name, text) {
			return true
		}
	}
	return false
}

// jobs are the rows that the options ask for.
func (v *validator) jobs(tables []published.Table) (jobs []job, err error) {
	var faults []error
	for t := range tables {
		for r := range tables[t].Rows {
			name := published.Name(tables[t].ID, tables[t].Rows[r].ID)
			if !v.opts.wanted(name) {
				continue
			}
			j, err := v.publishedJob(name, &tables[t], &tables[t].Rows[r])
			faults = append(faults, err)
			jobs = append(jobs, j)
		}
	}
	if v.opts.Dir != "" {
		pairs, err := v.pairJobs()
		faults = append(faults, err)
		jobs = append(jobs, pairs...)
	}
	if len(jobs) == 0 {
		faults = append(faults, fmt.Errorf("no row has a name that contains %s", strings.Join(v.opts.Only, " or ")))
	}
	return jobs, errors.Join(faults...)
}

// publishedJob prepares a published row.
func (v *validator) publishedJob(name string, t *published.Table, r *published.Row) (job, error) {
	j := job{name: name, row: results.ValidationRow{Kind: results.KindPublished, Table: t.ID, Row: r.ID,
		Setting: r.Setting, Scenario: name, Sources: t.Sources, Like: r.Like}}
	var err error
	if j.source, err = published.Source(name); err != nil {
		return j, err
	}
	if j.file, err = spec.Parse(name+".yaml", j.source); err != nil {
		return j, err
	}
	for _, s := range v.opts.Set {
		if err := j.file.Set(s.Path, s.Value); err != nil {
			return j, err
		}
	}
	for _, f := range r.Figures {
		q, known := quantityOf(f.Quantity)
		if !known {
			return j, fmt.Errorf("%s: no quantity is called %q", name, f.Quantity)
		}
		figure := results.ValidationFigure{Quantity: q.name, Unit: q.unit, Observed: f.Value, Resolution: f.Resolution,
			Aim: q.aim}
		if r.Saturated && q.latency != "" {
			figure.Aim = results.Aim{}
		}
		if setting, ok := v.here.Find(r.Like); ok {
			if value, ok := setting.Figure(q.name); ok {
				figure.Here = &value
			}
		}
		j.row.Figures = append(j.row.Figures, figure)
	}
	return j, nil
}

// plannedWork is that of jobs that have not begun. Of a pair, what stands for this
// machine may not be known yet.
func plannedWork(jobs []job) (sum run.Work) {
	for i := range jobs {
		file := jobs[i].file
		if jobs[i].row.Kind == results.KindPair {
			file = file.OnDisks([]string{"dir:.", run.DiskSim})
		}
		if cells, err := file.Cells(); err == nil { // else its run says so
			sum = sum.Plus(run.PlannedWork(file, cells))
		}
	}
	return sum
}

// runOne runs a job's scenario and compares; later is the work of those that follow.
func (v *validator) runOne(j *job, later run.Work) error {
	if j.row.Kind == results.KindPair {
		if err := v.onThisMachine(j); err != nil {
			return err
		}
	}
	live := &run.Live{}
	if v.opts.Begin != nil {
		live = v.opts.Begin(j.name, later)
	}
	began := time.Now()
	out, err := run.Run(j.file, j.source, run.Options{Disks: j.disks, Out: filepath.Join(v.folder.Path, "runs"),
		Command: v.opts.Command, Live: live})
	if err != nil {
		return err
	}
	cells := out.Result.Cells
	if len(cells) != max(1, len(j.disks)) {
		return fmt.Errorf("the scenario has %d cells", len(cells))
	}
	predicted := &cells[len(cells)-1]
	if j.row.Kind == results.KindPair {
		j.row.Figures = pairFigures(&cells[0])
	}
	for i := range j.row.Figures {
		f := &j.row.Figures[i]
		q, _ := quantityOf(f.Quantity) // it was found before
		f.Predicted = q.of(predicted)
		compare(f)
	}
	j.row.Bound, j.row.Hash = predicted.Bound, predicted.Hash
	j.row.WallS = time.Since(began).Seconds()
	v.out.Rows = append(v.out.Rows, j.row)
	return nil
}

func (v *validator) say(what string) {
	if v.opts.Say != nil {
		v.opts.Say(what)
	}
}
