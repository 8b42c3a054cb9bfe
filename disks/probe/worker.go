package probe

import (
	"context"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"brokerlab/disks/device/pattern"
	"brokerlab/disks/suite"
)

// prober is a Measure under way.
type prober struct {
	ctx     context.Context
	dir     string
	plan    Plan
	m       Measurement
	file    *os.File   // for reads and writes without sync
	over    []*os.File // that syncs overwrite
	written atomic.Int64
}

// running is one row under way, which its workers share.
type running struct {
	*prober
	row      suite.Row
	files    []*os.File // of syncs, one for each worker
	blocks   int64      // of the file for reads and writes without sync
	bytesMax int64      // that the row may write
	wrote    atomic.Int64
	next     atomic.Int64 // block of a sequential row
	stopped  atomic.Bool  // a worker failed, or the bytes are used up
	from     time.Time    // measured from here
	until    time.Time
}

// worker is one job.
type worker struct {
	buf            []byte
	rng            *rand.Rand
	latency, syncs *hdrhistogram.Histogram
	ops, bytes     int64
	last           time.Time // the end of its last request
	err            error
}

const (
	slowest = int64(10 * time.Minute)
	digits  = 3
)

// newWorker has a buffer of random bytes, which no disk makes smaller.
func newWorker(stream uint64, bytes int64) (*worker, error) {
	buf, err := memory(int(bytes))
	if err != nil {
		return nil, err
	}
	rng := rand.New(rand.NewPCG(1, stream))
	for i := 0; i+8 <= len(buf); i += 8 {
		v := rng.Uint64()
		for k := range 8 {
			buf[i+k] = byte(v >> (8 * k))
		}
	}
	return &worker{buf: buf, rng: rng, latency: hdrhistogram.New(1, slowest, digits),
		syncs: hdrhistogram.New(1, slowest, digits)}, nil
}

func (w *worker) free() { freeMemory(w.buf) }

// run lets the workers go and merges what they saw.
func (r *running) run() (Outcome, error) {
	workers := make([]*worker, r.row.Pattern.Depth)
	for i := range workers {
		w, err := newWorker(uint64(i)+2, r.row.Pattern.BlockBytes)
		if err != nil {
			return Outcome{}, err
		}
		defer w.free()
		workers[i] = w
	}
	r.from = time.Now().Add(r.plan.Warmup)
	r.until = r.from.Add(r.plan.RowTime)
	var group sync.WaitGroup
	for i, w := range workers {
		group.Go(func() {
			if w.err = r.job(i, w); w.err != nil {
				r.stopped.Store(true)
			}
		})
	}
	group.Wait()
	r.written.Add(r.wrote.Load())
	all := &worker{latency: hdrhistogram.New(1, slowest, digits), syncs: hdrhistogram.New(1, slowest, digits)}
	all.last = r.from
	for _, w := range workers {
		if w.err != nil {
			return Outcome{}, cause(w.err)
		}
		all.ops, all.bytes = all.ops+w.ops, all.bytes+w.bytes
		all.latency.Merge(w.latency)
		all.syncs.Merge(w.syncs)
		if w.last.After(all.last) {
			all.last = w.last
		}
	}
	return all.outcome(all.last.Sub(r.from)), nil
}

func (w *worker) outcome(elapsed time.Duration) Outcome {
	if w.ops == 0 || elapsed <= 0 {
		return Outcome{Missing: "no request ended within its time"}
	}
	seconds := elapsed.Seconds()
	return Outcome{Result: pattern.Result{Ops: w.ops, Bytes: w.bytes, OpsPerSec: float64(w.ops) / seconds,
		MBPerSec: float64(w.bytes) / seconds / 1e6, Latency: pattern.Describe(w.latency),
		SyncLatency: pattern.Describe(w.syncs), Syncs: w.syncs.TotalCount(),
		SyncsPerSec: float64(w.syncs.TotalCount()) / seconds}}
}

// job does one request after the other until the row's time or bytes are used up,
// and at least one that is measured.
func (r *running) job(index int, w *worker) error {
	p := &r.row.Pattern
	own := int64(0) // next offset in the worker's own file
	for !r.stopped.Load() && r.ctx.Err() == nil {
		begin := time.Now()
		if begin.After(r.until) && w.ops > 0 {
			return nil
		}
		var err error
		write := p.ReadShare < 1 && (p.ReadShare == 0 || w.rng.Float64() >= p.ReadShare)
		switch {
		case p.SyncEvery > 0:
			err = r.writeAndSync(r.files[index], w, &own)
		case write:
			err = r.write(w)
		default:
			err = r.read(w)
		}
		if err != nil {
			return err
		}
		end := time.Now()
		w.note(r, begin, end)
		if write && r.wrote.Add(p.BlockBytes) > r.bytesMax-p.BlockBytes*int64(p.Depth) {
			r.stopped.Store(true)
		}
	}
	return nil
}

// note counts a request that ended in the measured time.
func (w *worker) note(r *running, begin, end time.Time) {
	if !end.After(r.from) {
		return
	}
	w.ops++
	w.bytes += r.row.Pattern.BlockBytes
	w.last = end
	h := w.latency
	if r.row.Pattern.SyncEvery > 0 {
		h = w.syncs
	}
	_ = h.RecordValue(min(int64(end.Sub(begin)), slowest)) // within the range, so that there is no error
}

// offset is where the next request without sync goes.
func (r *running) offset(w *worker) int64 {
	if r.row.Pattern.Random {
		return w.rng.Int64N(r.blocks) * r.row.Pattern.BlockBytes
	}
	n := r.next.Add(1) - 1
	if files := int64(r.row.Pattern.Files); files > 1 { // areas of the file, in turn
		own := r.blocks / files
		return (n%files*own + n/files%own) * r.row.Pattern.BlockBytes
	}
	return n % r.blocks * r.row.Pattern.BlockBytes
}

func (r *running) write(w *worker) error {
	at := r.offset(w)
	if _, err := r.file.WriteAt(w.buf, at); err != nil || r.m.Direct {
		return err
	}
	if err := fdatasync(r.file); err != nil {
		return err
	}
	dropPages(r.file, at, r.row.Pattern.BlockBytes)
	return nil
}

func (r *running) read(w *worker) error {
	at := r.offset(w)
	if _, err := r.file.ReadAt(w.buf, at); err != nil || r.m.Direct {
		return err
	}
	dropPages(r.file, at, r.row.Pattern.BlockBytes)
	return nil
}

// writeAndSync writes behind the last block of the worker's own file, or over it from
// the beginning again.
func (r *running) writeAndSync(f *os.File, w *worker, own *int64) error {
	block := r.row.Pattern.BlockBytes
	if !r.row.Grow && *own+block > overBytes {
		*own = 0
	}
	if _, err := f.WriteAt(w.buf, *own); err != nil {
		return err
	}
	*own += block
	if r.row.Fsync {
		return f.Sync()
	}
	return fdatasync(f)
}
