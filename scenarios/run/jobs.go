package run

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"

	"brokerlab/results"
	"brokerlab/scenarios/spec"
)

// job is one repeat of one cell of the result; number counts from 1.
type job struct{ index, number int }

// jobs are all of a run, in two lots. Repeats are interleaved: a machine that slows
// down for a while slows one repeat of several cells, not all repeats of one.
func (r *runner) jobs() (simulated, measured []job) {
	for number := 1; number <= max(1, r.file.Base.Repeat); number++ {
		for i := range r.result.Cells {
			if r.result.Cells[i].Target == results.TargetSim {
				simulated = append(simulated, job{i, number})
			} else {
				measured = append(measured, job{i, number})
			}
		}
	}
	return simulated, measured
}

// runAll runs the simulated cells, several at once, and then the real ones, each
// alone: what else the machine does would be in their figures. A repeat that fails ends
// its cell and no other one.
func (r *runner) runAll() error {
	simulated, measured := r.jobs()
	r.opts.Live.plan(len(simulated)+len(measured), PlannedWork(r.file, r.cells))
	p := &pool{jobs: simulated, need: r.memoryNeed, budget: memoryBudget(memoryBytes())}
	err := p.run(min(runtime.GOMAXPROCS(0), len(simulated)), r.runJob)
	if errors.Is(err, ErrInterrupted) {
		return err
	}
	alone := &pool{jobs: measured, need: needUnknown}
	return errors.Join(err, alone.run(min(1, len(measured)), r.runJob))
}

// runJob runs one repeat, and says of an error where it happened.
func (r *runner) runJob(j job) error {
	cell, disk := r.placed[j.index].Cell, r.placed[j.index].Disk
	label := labelOf(cell, disk, len(r.disks) > 1)
	repeats := max(1, r.file.Base.Repeat)
	p := r.opts.Live.begin(where{cell: j.index + 1, cells: len(r.result.Cells), repeat: j.number, repeats: repeats,
		label: label, target: Target(disk), phase: "preparing", duration: cell.Scenario.Load.Duration})
	defer p.end()
	err := r.runOne(j, cell, disk, p)
	if err == nil {
		return nil
	}
	err = fmt.Errorf("cell %d of %d (%s), repeat %d of %d: %w", j.index+1, len(r.result.Cells), label, j.number,
		repeats, err)
	if !errors.Is(err, ErrInterrupted) {
		r.tellFailed(err)
	}
	return err
}

// tellFailed tells of a cell that failed while there are others: the run goes on, and
// its error comes at its end. It may be called by several workers.
func (r *runner) tellFailed(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.opts.Warn != nil && len(r.result.Cells) > 1 {
		r.opts.Warn(strings.ReplaceAll(err.Error(), "\n", "; ") + "; this cell is given up, and no other one")
	}
}

// take puts a repeat that has ended into its cell, once all earlier ones of the cell
// are in it, and saves the cell: what a cell holds does not depend on which worker
// ended first.
func (r *runner) take(j job, m *measured) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	cell, d := &r.result.Cells[j.index], &r.data[j.index]
	d.waiting = append(d.waiting, numbered{j.number, m})
	added := false
	for {
		next := slices.IndexFunc(d.waiting, func(n numbered) bool { return n.number == len(cell.Repeats)+1 })
		if next < 0 {
			break
		}
		d.add(cell, d.waiting[next].m)
		d.waiting = slices.Delete(d.waiting, next, next+1)
		added = true
	}
	if !added {
		return nil
	}
	return r.saveCell(j.index)
}

// numbered is a repeat that waits for earlier ones.
type numbered struct {
	number int
	m      *measured
}

// memoryShare is the part of the machine's memory that simulated cells take
// together; memoryUnknown is what they take where the system does not tell.
const (
	memoryShare         = 0.5
	memoryUnknown int64 = 4 << 30
)

func memoryBudget(machine int64) int64 {
	if machine <= 0 {
		return memoryUnknown
	}
	return int64(memoryShare * float64(machine))
}

// cellMemoryBase is what a simulated cell takes besides its records: histograms,
// buffers, coroutines.
const cellMemoryBase = 256 << 20

// modelledShare is what a record of a modelled payload takes, for each byte that it
// stands for: batches are descriptions of some hundred bytes.
const modelledShare = 1.0 / 64

// stretchBytes is what each record takes in such a description where its neighbours in a
// load are in other partitions' batches, or have other sizes.
const stretchBytes = 48

// memoryNeed is about how much memory a simulated cell takes: what is written is held
// once, however many replicas there are. It is 0 if the scenario does not bound it.
func (r *runner) memoryNeed(j job) int64 {
	s := &r.placed[j.index].Cell.Scenario
	bytes, bounded := r.writtenMost(s)
	if !bounded {
		return 0
	}
	share := 1 / float64(s.Topic.ReplicationFactor)
	if modelled(s) {
		part := modelledShare
		if plain := s.Records.Settled(); plain.Size.Kind != spec.SizeFixed || plain.Key.Bytes() > 0 {
			part = max(part, stretchBytes/r.library.meanBytes(s))
		}
		share *= part
	}
	return cellMemoryBase + int64(share*float64(bytes))
}

// needUnknown is the need of jobs that run alone.
func needUnknown(job) int64 { return 0 }

// pool runs jobs on several workers. Jobs begin in order, each as soon as a worker
// is free and the memory that it needs is: one whose need is not known, or above the
// budget, runs alone. What is left of a cell of which a job has failed does not begin.
type pool struct {
	jobs   []job
	need   func(job) int64 // 0: not known
	budget int64

	mu      sync.Mutex
	next    int
	used    int64
	running int
	changed sync.Cond
	failed  []failure
}

type failure struct {
	at  int // index of the job
	err error
}

// run returns when all jobs have ended or, of an interrupted run, those that had begun.
// The error joins those of cells in the order of their jobs, of each the earliest one,
// and the earliest one of an interruption: it does not depend on the order in which
// jobs ended.
func (p *pool) run(workers int, do func(job) error) error {
	p.changed.L = &p.mu
	var group sync.WaitGroup
	for range workers {
		group.Go(func() {
			for at, need := p.begin(); at >= 0; at, need = p.begin() {
				p.end(at, need, do(p.jobs[at]))
			}
		})
	}
	group.Wait()
	slices.SortFunc(p.failed, func(a, b failure) int { return a.at - b.at })
	var errs []error
	told := make(map[int]bool) // cells
	interrupted := false
	for _, f := range p.failed {
		cell, stop := p.jobs[f.at].index, errors.Is(f.err, ErrInterrupted)
		if !told[cell] && !(stop && interrupted) {
			errs = append(errs, f.err)
		}
		told[cell], interrupted = true, interrupted || stop
	}
	return errors.Join(errs...)
}

// begin takes the next job, when it may run; -1 if there is none.
func (p *pool) begin() (at int, need int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		for p.next < len(p.jobs) && p.givenUpLocked(p.jobs[p.next].index) {
			p.next++
		}
		if p.next == len(p.jobs) {
			return -1, 0
		}
		need = p.need(p.jobs[p.next])
		if need == 0 || need > p.budget {
			need = p.budget
		}
		if p.running == 0 || p.used+need <= p.budget {
			break
		}
		p.changed.Wait()
	}
	at = p.next
	p.next++
	p.running++
	p.used += need
	return at, need
}

// givenUpLocked says whether nothing more of a cell begins: it has failed, or the run
// was interrupted.
func (p *pool) givenUpLocked(cell int) bool {
	return slices.ContainsFunc(p.failed, func(f failure) bool {
		return p.jobs[f.at].index == cell || errors.Is(f.err, ErrInterrupted)
	})
}

func (p *pool) end(at int, need int64, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running--
	p.used -= need
	if err != nil {
		p.failed = append(p.failed, failure{at, err})
	}
	p.changed.Broadcast()
}
