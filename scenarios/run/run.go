// Package run executes scenarios: it builds the world, the nodes and the load of
// each cell from a specification, drives it from boot to read-back, and returns
// a result. It promises that a simulated cell gives the same result for the same
// seed; it prints nothing and decides nothing about good or bad results.
//
// A repeat goes through: boot brokers, load, drain, read back, close.
package run

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	hdrhistogram "github.com/HdrHistogram/hdrhistogram-go"

	"brokerlab/disks/device"
	"brokerlab/results"
	"brokerlab/scenarios/goals"
	"brokerlab/scenarios/hosts"
	"brokerlab/scenarios/spec"
	"brokerlab/workloads/check"
)

// Options say how a scenario is run.
type Options struct {
	Disks   []string // instead of the scenario's, if any are given
	Out     string   // where run folders go
	Keep    bool     // leave the brokers' logs in the data directory; of real disks
	Command []string // for the result
	// Unmeasured leaves out what a run does to measure: its cells have counts, checked
	// records and their rate, and nothing else. It is for the benchmark of what measuring
	// costs, and no setting of scenarios.
	Unmeasured bool
	// Live shows the run while it goes on, and stops it. Run needs one.
	Live *Live
	// Warn, if not nil, is told of what the user should know before the run begins, which
	// the result has too, and of each cell that fails while others go on. It is called by
	// one goroutine at a time.
	Warn func(message string)

	known *corpora // nil: nothing is
}

// Outcome is what Run leaves.
type Outcome struct {
	Result *results.Result
	Folder *results.Folder
	// Kept are directories with logs that were not removed.
	Kept []string
}

// runner is one execution of a scenario.
type runner struct {
	opts     Options
	file     *spec.File
	cells    []spec.Cell
	placed   []spec.Placed // cells on disks, by index of result.Cells
	goals    []spec.PlannedGoal
	disks    []string
	dirs     map[string]dataDirs       // by disk, of real ones
	devices  map[string]*device.Config // by disk, of modelled ones
	places   []results.DataDirectory
	recorded recorded // rate curves
	library  *library // files of records
	result   *results.Result
	folder   *results.Folder
	kept     []string
	mu       sync.Mutex // of result, and of what cells have gathered
	data     []cellData // by index of result.Cells
	began    time.Time

	warnings []string // before the result was made
}

// UsageError is a fault of what was asked for, found before anything started.
type UsageError struct{ Err error }

func (e *UsageError) Error() string { return e.Err.Error() }
func (e *UsageError) Unwrap() error { return e.Err }

// Run runs every cell of the scenario on every disk, repeats interleaved, and
// writes the run folder as it goes. A cell that fails has no more repeats, and the others
// go on: the error joins those of all. After an error the Outcome, if there is one, holds
// what was measured, marked incomplete. Nothing has started after a UsageError.
func Run(file *spec.File, source []byte, opts Options) (*Outcome, error) {
	r, err := prepare(file, opts)
	if err != nil {
		return nil, err
	}
	if err := r.begin(source); err != nil {
		return nil, errors.Join(err, r.closeDisks(), r.library.close())
	}
	err = r.runAll()
	if err == nil {
		r.result.Complete, r.result.Incomplete = true, ""
	} else {
		r.result.Incomplete = strings.ReplaceAll(err.Error(), "\n", "; ") // brokers fail together
	}
	r.judge()
	err = errors.Join(err, r.endRecords(), r.save(), r.folder.Finish(), r.closeDisks())
	return &Outcome{Result: r.result, Folder: r.folder, Kept: r.kept}, err
}

// prepare finds everything that is wrong with a run before it starts: all faults, not
// only the first one. What it took into use is the caller's to close.
func prepare(file *spec.File, opts Options) (*runner, error) {
	if len(opts.Disks) > 0 {
		file = file.OnDisks(opts.Disks)
	}
	r := &runner{opts: opts, file: file, disks: file.Base.Disks, dirs: make(map[string]dataDirs),
		devices: make(map[string]*device.Config), began: time.Now()}
	var err error
	if r.cells, err = file.Cells(); err != nil {
		return nil, &UsageError{err}
	}
	r.placed = file.Place(r.cells)
	var notes []string
	r.goals, notes = file.Goals(r.cells)
	for _, note := range notes {
		r.warn(note)
	}
	errs := []error{r.checkOut(), r.checkModelled(), r.checkKept(), r.prepareLoads(), r.checkHosts()}
	r.library, err = openLibrary(r.cells, cmp.Or(opts.known, newCorpora()), opts.Live.isStopped)
	if err != nil && !errors.Is(err, ErrInterrupted) {
		err = &UsageError{err}
	}
	errs = append(errs, err)
	r.warnOfHosts()
	errs = append(errs, r.prepareDisks())
	if errors.Join(errs...) == nil {
		errs = append(errs, r.checkSpace())
	}
	if err := allFaults(errs); err != nil {
		return nil, errors.Join(err, r.closeDisks(), r.library.close())
	}
	return r, nil
}

// allFaults joins errors, as wrong use if all of them are that.
func allFaults(errs []error) error {
	errs = slices.DeleteFunc(errs, func(err error) bool { return err == nil })
	usage := !slices.ContainsFunc(errs, func(err error) bool {
		var wrong *UsageError
		return !errors.As(err, &wrong)
	})
	switch {
	case len(errs) == 0:
		return nil
	case len(errs) == 1:
		return errs[0]
	case usage:
		return &UsageError{errors.Join(errs...)}
	}
	return errors.Join(errs...)
}

// checkOut refuses a place for run folders that is a file, or below one. Whether it can
// be written into is known when the folder is made.
func (r *runner) checkOut() error {
	for at := filepath.Clean(r.opts.Out); ; at = filepath.Dir(at) {
		stat, err := os.Stat(at)
		switch {
		case err == nil && !stat.IsDir():
			return &UsageError{fmt.Errorf("run folders go into %s (--out), and %s is a file, not a directory", r.opts.Out, at)}
		case err == nil || at == filepath.Dir(at):
			return nil
		}
	}
}

// checkHosts looks for the price lists of simulated machines.
func (r *runner) checkHosts() error {
	for _, p := range r.placed {
		if Target(p.Disk) == results.TargetSim {
			if _, err := hosts.Load(p.Cell.Scenario.Host.Profile); err != nil {
				return &UsageError{fmt.Errorf("host.profile: %w", err)}
			}
		}
	}
	return nil
}

// checkModelled refuses records without bytes on disks that are real.
func (r *runner) checkModelled() error {
	for _, p := range r.placed {
		if Target(p.Disk) == results.TargetReal && modelled(&p.Cell.Scenario) {
			return &UsageError{fmt.Errorf("disk %q is real, and records.payload %s has no bytes to write: "+
				"choose simulated disks, or another payload", p.Disk, spec.PayloadModelled)}
		}
	}
	return nil
}

// checkKept refuses to keep logs of simulated disks alone: they are never files.
func (r *runner) checkKept() error {
	real := 0
	for _, p := range r.placed {
		if Target(p.Disk) == results.TargetReal {
			real++
		}
	}
	switch {
	case !r.opts.Keep || real == len(r.placed):
		return nil
	case real == 0:
		return &UsageError{errors.New("--keep leaves the logs of brokers on real disks, and all disks of this run are " +
			"simulated: name a directory (--dir), or leave --keep out")}
	}
	r.warn("--keep leaves the logs of real disks; those of simulated disks are never files")
	return nil
}

// modelled says whether records carry sizes alone, which those of all groups do or none.
func modelled(s *spec.Scenario) bool {
	return s.ProducerGroups()[0].Records.Payload == spec.PayloadModelled
}

// warnOfHosts says that settings of simulated machines do nothing on real disks.
func (r *runner) warnOfHosts() {
	plain := spec.Default("")
	for _, p := range r.placed {
		if Target(p.Disk) == results.TargetReal && p.Cell.Scenario.Host != plain.Host {
			r.warn(fmt.Sprintf("host: describes simulated machines, and changes nothing on %s", p.Disk))
			return
		}
	}
}

// warn tells the user now, and the reader of the result later.
func (r *runner) warn(message string) {
	r.warnings = append(r.warnings, message)
	if r.opts.Warn != nil {
		r.opts.Warn(message)
	}
}

// writtenMost is the most that a cell writes to all logs; bounded says whether the
// scenario bounds it: else it is what producers hold.
func (r *runner) writtenMost(s *spec.Scenario) (bytes int64, bounded bool) {
	bytes, bounded = s.Load.MaxBytes+heldBytes(s), s.Load.MaxBytes > 0
	if offered, open := r.offeredBytes(s); open {
		if s.Load.MaxBytes == 0 || offered < bytes {
			bytes = offered // what producers hold is part of it
		}
		bounded = true
	}
	return bytes, bounded
}

// offeredBytes is what producers write to all logs in the load if all loops are open. What
// they write in a reading after it is not in it: it ends when the disk has no more room.
func (r *runner) offeredBytes(s *spec.Scenario) (bytes int64, open bool) {
	for _, g := range s.ProducerGroups() {
		if g.Producers.Count == 0 {
			continue
		}
		rate, warm := r.recorded.meanRate(&g.Load, 0, g.Load.Duration), g.Load.WarmupRate
		if rate == 0 || warm == spec.RateMax && g.Load.Warmup > 0 {
			return 0, false
		}
		records := rate * g.Load.Duration.Seconds()
		if warm > 0 {
			records = warm*g.Load.Warmup.Seconds() + rate*(g.Load.Duration-g.Load.Warmup).Seconds()
		}
		bytes += int64(records * r.library.meanBytes(&g.Scenario) * float64(s.Topic.ReplicationFactor))
	}
	return bytes, true
}

// begin makes the result and its folder.
func (r *runner) begin(source []byte) error {
	base := &r.file.Base
	r.result = &results.Result{
		Schema: results.SchemaVersion, Scenario: base.Name, Title: base.Title, Question: base.Question, Seed: base.Seed,
		LabelNames: append(r.file.LabelNames(), DiskLabel), Cells: []results.Cell{},
		Warnings:   append([]string{}, r.warnings...),
		Incomplete: results.NotEnded,
		Wall: results.RunWall{Started: r.began.UTC(), Command: r.opts.Command, Version: Version(),
			Machine: Machine(), Directories: r.places},
	}
	for _, p := range r.placed {
		cell := cellOf(p.Cell, p.Disk)
		r.recorded.describeLoad(&cell, &p.Cell.Scenario)
		r.result.Cells = append(r.result.Cells, cell)
	}
	r.data = make([]cellData, len(r.result.Cells))
	var err error
	if r.folder, err = results.Create(r.opts.Out, base.Name, r.began); err != nil {
		return &UsageError{err}
	}
	r.result.Wall.Folder = r.folder.Path
	if err := r.folder.WriteScenario(source); err != nil {
		return err
	}
	if err := r.keepRecorded(); err != nil {
		return err
	}
	return r.folder.WriteResult(r.result)
}

func labelOf(c *spec.Cell, disk string, withDisk bool) string {
	label := c.String()
	switch {
	case label == "":
		return disk
	case withDisk:
		return label + ", " + disk
	default:
		return label
	}
}

// runOne runs one repeat of one cell and saves what it gave.
func (r *runner) runOne(j job, cell *spec.Cell, disk string, p *progress) (err error) {
	if p.stopped() {
		return ErrInterrupted
	}
	began := time.Now()
	dirs, err := r.dirs[disk].newRun(cell.Scenario.Name)
	keep := r.opts.Keep && Target(disk) == results.TargetReal // a real cell runs alone
	if keep {
		r.kept = append(r.kept, dirs...)
	} else {
		defer func() { err = errors.Join(err, r.dirs[disk].remove(dirs)) }()
	}
	if err != nil {
		return err
	}
	room, err := roomOn(dirs, r.devices[disk])
	if err != nil {
		return err
	}
	if Target(disk) == results.TargetReal {
		// Else its memory and collections would be those of the cell before it too. Each cell
		// touches its memory anew so, as the first one does, which falls into the warm-up.
		debug.FreeOSMemory()
	}
	at := place{disk: disk, dirs: dirs, device: r.devices[disk], library: r.library}
	rep, err := newRepeat(&cell.Scenario, at, j.number, p)
	if err != nil {
		return err
	}
	defer rep.stage.close()
	if j.number == 1 {
		if err := r.describeRecords(j.index, &cell.Scenario); err != nil {
			return err
		}
	}
	rep.keep, rep.recorded = keep, r.recorded
	if r.opts.Unmeasured {
		rep.unmeasured, rep.around = true, nil
	}
	rep.shared = rep.newShared(room)
	p.shared.Store(rep.shared)
	if err := rep.run(); err != nil {
		return err
	}
	if m := rep.measure(j.number, began); rep.counts(j.number, m.repeat.Counts) {
		if err := r.take(j, &m); err != nil {
			return err
		}
	}
	if p.stopped() {
		return ErrInterrupted
	}
	return nil
}

// place is the disk of a repeat, and where its records come from.
type place struct {
	disk    string
	dirs    []string       // of a real one
	device  *device.Config // of a modelled one
	library *library       // nil: records are made
}

// newRepeat prepares one execution of a cell. All cells of one repeat share a
// seed, so that they differ in their settings only.
func newRepeat(s *spec.Scenario, at place, number int, live *progress) (*repeat, error) {
	rep := &repeat{s: s, seed: s.Seed + uint64(number) - 1, live: live, around: newSurroundings(at.dirs)}
	var err error
	if rep.plan, err = planOf(s); err != nil {
		return nil, err
	}
	if err = rep.newClients(at.library); err != nil {
		return nil, err
	}
	rep.check, err = check.New(check.Config{Producers: rep.producerCount(), Partitions: s.Topic.AllPartitions()})
	if err != nil {
		return nil, err
	}
	rep.stage, err = newStage(at, rep.seed, s) // last: it is to be closed
	return rep, err
}

// judge holds the result against the scenario's goals.
func (r *runner) judge() {
	r.result.Goals = goals.Judge(r.goals, goals.Results{Cells: r.result.Cells, Unfinished: r.unfinished,
		Histogram: func(cell int, latency, group string) (*hdrhistogram.Histogram, int64) {
			hists := r.data[cell].hists
			if group == "" {
				return measuredOrNil(hists[latency])
			}
			for _, kind := range []string{results.GroupProducers, results.GroupConsumers} {
				if hs, ok := hists[results.GroupLatency(kind, group, latency)]; ok {
					return measuredOrNil(hs)
				}
			}
			return nil, 0
		}})
}

// unfinished says what a cell lacks after an interruption or a failure; empty if nothing.
func (r *runner) unfinished(cell int) string {
	repeats := max(1, r.file.Base.Repeat)
	switch ended := len(r.result.Cells[cell].Repeats); {
	case ended < repeats:
		return fmt.Sprintf("%d of %d repeats ended", ended, repeats)
	case r.data[cell].cut:
		return "the load was interrupted"
	}
	return ""
}

// measuredOrNil is results.Measured, nil of what there is not.
func measuredOrNil(hs []results.Interval) (*hdrhistogram.Histogram, int64) {
	if hs == nil {
		return nil, 0
	}
	return results.Measured(hs)
}

// emptyAll says whether no histogram has a value.
func emptyAll(hs []results.Interval) bool {
	return !slices.ContainsFunc(hs, func(i results.Interval) bool { return i.Hist.TotalCount()+i.Overflow > 0 })
}

func (r *runner) saveCell(index int) error {
	if activity := r.data[index].activity; len(activity) > 0 {
		if err := r.folder.WriteActivity(index, activity); err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.data[index].hists)) {
		hs := r.data[index].hists[name]
		if name != results.Produce && name != results.EndToEnd && emptyAll(hs) {
			continue
		}
		if err := r.folder.WriteHistograms(index, name, hs); err != nil {
			return err
		}
	}
	return r.save()
}

func (r *runner) save() error {
	r.result.Wall.Seconds = time.Since(r.began).Seconds()
	return r.folder.WriteResult(r.result)
}
