package probe

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"brokerlab/disks/device/pattern"
	"brokerlab/disks/suite"
)

// Outcome is what a row showed.
type Outcome struct {
	pattern.Result
	Missing string // why there is no figure; empty: there is one
}

// Measurement is what a plan showed, row by row.
type Measurement struct {
	Outcomes []Outcome
	Direct   bool  // O_DIRECT; see the package's doc
	File     int64 // bytes of the file for reads and writes without sync
	Written  int64 // bytes in all
	// GrowMBPerSec is the rate at which that file was written, new blocks and all.
	GrowMBPerSec float64
}

// fileLeast is the least file in which random requests mean anything.
const fileLeast = 16 * mib

// Measure runs the plan in dir, which must be there and ours, and leaves its files
// there. It tells progress before each row. When ctx ends it returns its error.
func Measure(ctx context.Context, dir string, plan Plan, progress func(row int)) (*Measurement, error) {
	deepest := 1
	for _, row := range plan.Rows {
		deepest = max(deepest, row.Pattern.Depth)
	}
	// Each job blocks in a system call; with a processor of its own it need not
	// wait until the runtime has noticed that.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(max(runtime.GOMAXPROCS(0), deepest+2)))
	p := &prober{ctx: ctx, dir: dir, plan: plan}
	defer p.close()
	begin := time.Now()
	progress(-1)
	if err := p.prepare(); err != nil {
		return nil, err
	}
	for i, row := range plan.Rows {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if time.Since(begin) > plan.TimeMax {
			p.m.Outcomes = append(p.m.Outcomes, Outcome{Missing: "the time was up before"})
			continue
		}
		progress(i)
		out, err := p.row(row)
		if err != nil {
			return nil, fmt.Errorf("probe: %s, %s: %w", row.Group, row.Name, err)
		}
		p.m.Outcomes = append(p.m.Outcomes, out)
	}
	p.m.Written = p.written.Load()
	return &p.m, ctx.Err()
}

// prepare writes the file for reads and writes without sync, as far as time allows.
func (p *prober) prepare() error {
	path := filepath.Join(p.dir, "blocks")
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return fmt.Errorf("probe: %w", cause(err))
	}
	p.file = f
	if direct, err := openDirect(path); err == nil {
		f.Close()
		p.file, p.m.Direct = direct, true
	} else if !errors.Is(err, errors.ErrUnsupported) {
		return fmt.Errorf("probe: %w", cause(err))
	}
	w, err := newWorker(0, mib)
	if err != nil {
		return fmt.Errorf("probe: memory: %w", err)
	}
	defer w.free()
	begin := time.Now()
	for p.m.File < p.plan.FileBytes && time.Since(begin) < p.plan.Prepare && p.ctx.Err() == nil {
		if _, err := p.file.WriteAt(w.buf, p.m.File); err != nil {
			return fmt.Errorf("probe: write: %w", cause(err))
		}
		p.m.File += mib
		p.written.Add(mib)
	}
	if err := fdatasync(p.file); err != nil {
		return fmt.Errorf("probe: sync: %w", cause(err))
	}
	if err := p.ctx.Err(); err != nil {
		return err
	}
	if p.m.File < fileLeast {
		return fmt.Errorf("probe: only %d MiB were written in %v: too slow to be measured", p.m.File/mib, p.plan.Prepare)
	}
	p.m.GrowMBPerSec = float64(p.m.File) / 1e6 / time.Since(begin).Seconds()
	return nil
}

// row measures one row.
func (p *prober) row(row suite.Row) (Outcome, error) {
	left := p.plan.WriteBytesMax - p.written.Load()
	if row.Pattern.ReadShare < 1 && left < row.Pattern.BlockBytes*int64(row.Pattern.Depth) {
		return Outcome{Missing: "the bound of bytes that are written was reached before"}, nil
	}
	if p.m.File/row.Pattern.BlockBytes < int64(row.Pattern.Files) {
		return Outcome{Missing: "the file that could be written in time is too small for it"}, nil
	}
	r := &running{prober: p, row: row, bytesMax: min(left, p.plan.RowBytesMax), blocks: p.m.File / row.Pattern.BlockBytes}
	if row.Pattern.SyncEvery > 0 {
		files, err := p.syncFiles(row)
		if err != nil {
			return Outcome{}, err
		}
		r.files = files
		if row.Grow {
			defer remove(files)
		}
	}
	if !p.m.Direct {
		dropPages(p.file, 0, 0)
	}
	return r.run()
}

// syncFiles are files for a row of syncs, one for each job: new ones that grow, or
// those that were filled before.
func (p *prober) syncFiles(row suite.Row) (files []*os.File, err error) {
	if row.Grow {
		for i := range row.Pattern.Depth {
			f, err := os.OpenFile(filepath.Join(p.dir, fmt.Sprintf("grow-%d", i)), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o644)
			if err != nil {
				remove(files)
				return nil, cause(err)
			}
			files = append(files, f)
		}
		return files, nil
	}
	for i := len(p.over); i < row.Pattern.Depth; i++ {
		f, err := os.OpenFile(filepath.Join(p.dir, fmt.Sprintf("over-%d", i)), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o644)
		if err != nil {
			return nil, cause(err)
		}
		p.over = append(p.over, f)
		if err := fill(f, overBytes); err != nil {
			return nil, cause(err)
		}
		p.written.Add(overBytes)
	}
	return p.over[:row.Pattern.Depth], nil
}

// fill writes a file, so that its blocks are there.
func fill(f *os.File, bytes int64) error {
	w, err := newWorker(1, mib)
	if err != nil {
		return err
	}
	defer w.free()
	for at := int64(0); at < bytes; at += mib {
		if _, err := f.WriteAt(w.buf, at); err != nil {
			return err
		}
	}
	return f.Sync()
}

func remove(files []*os.File) {
	for _, f := range files {
		f.Close()
		_ = os.Remove(f.Name()) // the caller removes the whole directory
	}
}

func (p *prober) close() {
	if p.file != nil {
		p.file.Close()
	}
	for _, f := range p.over {
		f.Close()
	}
}

// cause takes the operation and path off that package os names.
func cause(err error) error {
	if inner, ok := errors.AsType[*fs.PathError](err); ok {
		return inner.Err
	}
	return err
}
