package plain

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"
)

// Syncing is a number of loops that each append a piece and wait until it is on
// the disk, for a while.
type Syncing struct {
	Dir        string
	Loops      int
	PieceBytes int
	Span       time.Duration
}

// Synced is how many pieces all loops appended in which time.
type Synced struct {
	Pieces int64
	Took   time.Duration
}

// PerSec is pieces a second.
func (s Synced) PerSec() float64 { return float64(s.Pieces) / s.Took.Seconds() }

// Each gives every loop a file of its own, and fdatasync after each piece.
func (c Syncing) Each() (Synced, error) {
	files, remove, err := c.create(c.Loops)
	if err != nil {
		return Synced{}, errors.Join(err, remove())
	}
	got, err := c.run(func(loop int, piece []byte) error {
		if _, err := files[loop].Write(piece); err != nil {
			return err
		}
		return syncData(files[loop])
	})
	return got, errors.Join(err, remove())
}

// Shared gives all loops one file. Those that wait at the same time share an
// fdatasync: the shortest group commit that there is.
func (c Syncing) Shared() (Synced, error) {
	files, remove, err := c.create(1)
	if err != nil {
		return Synced{}, errors.Join(err, remove())
	}
	g := group{file: files[0]}
	g.changed.L = &g.mu
	got, err := c.run(func(_ int, piece []byte) error { return g.append(piece) })
	return got, errors.Join(err, remove())
}

// create makes files, and returns also what removes them.
func (c Syncing) create(count int) (files []*os.File, remove func() error, err error) {
	remove = func() error {
		var err error
		for _, f := range files {
			err = errors.Join(err, f.Close(), os.Remove(f.Name()))
		}
		return err
	}
	for i := range count {
		f, err := os.Create(filepath.Join(c.Dir, fmt.Sprintf("plain-sync-%d", i)))
		if err != nil {
			return files, remove, err
		}
		files = append(files, f)
	}
	return files, remove, nil
}

// run calls appendOnce in so many loops until the time is over.
func (c Syncing) run(appendOnce func(loop int, piece []byte) error) (Synced, error) {
	pieces, failed := make([]int64, c.Loops), make([]error, c.Loops)
	var loops sync.WaitGroup
	began := time.Now()
	for i := range c.Loops {
		loops.Go(func() {
			piece := make([]byte, c.PieceBytes)
			fill(piece)
			for failed[i] == nil && time.Since(began) < c.Span {
				failed[i] = appendOnce(i, piece)
				pieces[i]++
			}
		})
	}
	loops.Wait()
	got := Synced{Took: time.Since(began)}
	for _, n := range pieces {
		got.Pieces += n
	}
	return got, errors.Join(failed...)
}

// group is a file whose appenders share an fdatasync.
type group struct {
	file    *os.File
	mu      sync.Mutex
	changed sync.Cond
	written int64 // pieces
	synced  int64 // of them
	running bool  // one of the appenders runs fdatasync
	failed  error
}

func (g *group) append(piece []byte) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if _, err := g.file.Write(piece); err != nil {
		return err
	}
	g.written++
	mine := g.written
	for g.synced < mine && g.failed == nil {
		if g.running {
			g.changed.Wait()
			continue
		}
		g.running = true
		g.mu.Unlock()
		runtime.Gosched() // whoever is about to append does so first
		g.mu.Lock()
		covers := g.written
		g.mu.Unlock()
		err := syncData(g.file)
		g.mu.Lock()
		g.running, g.synced, g.failed = false, covers, err
		g.changed.Broadcast()
	}
	return g.failed
}
