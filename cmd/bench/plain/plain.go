// Package plain is what the engine is compared with: the shortest loops that move
// the same bytes to or from the same directory. They check nothing, keep no index
// and answer nobody.
package plain

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// PieceBytes is how much the loops write at a time: the size of a batch in the
// runs that they are compared with.
const PieceBytes = 128 << 10

// Rolling files: as large as these and so many kept, so that the memory behind
// the page cache is recycled.
const (
	rollBytes = 256 << 20
	rollKept  = 2
)

// RollingWrite writes bytes with write(2) on one thread, pieces of PieceBytes in
// files of 256 MiB of which two are kept. It removes them at the end, outside of
// the time that it returns.
func RollingWrite(dir string, bytes int64) (took time.Duration, err error) {
	piece := make([]byte, PieceBytes)
	fill(piece)
	var file *os.File
	name := func(n int64) string { return filepath.Join(dir, fmt.Sprintf("plain-%d", n)) }
	rolls := int64(0)
	began := time.Now()
	for at := int64(0); at < bytes; at += PieceBytes {
		if at%rollBytes == 0 {
			if file != nil {
				err = file.Close()
			}
			if rolls >= rollKept {
				err = errors.Join(err, os.Remove(name(rolls-rollKept)))
			}
			if err != nil {
				return 0, err
			}
			if file, err = os.Create(name(rolls)); err != nil {
				return 0, err
			}
			rolls++
		}
		if _, err = file.Write(piece[:min(PieceBytes, bytes-at)]); err != nil {
			return 0, errors.Join(err, file.Close())
		}
	}
	took = time.Since(began)
	err = file.Close()
	for n := max(0, rolls-rollKept); n < rolls; n++ {
		err = errors.Join(err, os.Remove(name(n)))
	}
	return took, err
}

// readBytes is how much Reader reads at a time, as a consumer fetches.
const readBytes = 1 << 20

// ReadAll reads the files with pread again and again for a while, and returns
// how many bytes that were.
func ReadAll(paths []string, span time.Duration) (bytes int64, took time.Duration, err error) {
	buf := make([]byte, readBytes)
	began := time.Now()
	for time.Since(began) < span {
		for _, path := range paths {
			n, err := readFile(path, buf)
			if err != nil {
				return 0, 0, err
			}
			bytes += n
		}
	}
	return bytes, time.Since(began), nil
}

func readFile(path string, buf []byte) (bytes int64, err error) {
	file, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	for {
		n, err := file.ReadAt(buf, bytes)
		bytes += int64(n)
		if errors.Is(err, io.EOF) {
			return bytes, nil
		}
		if err != nil {
			return bytes, err
		}
	}
}

// PacedWrite calls write for each instant of a fixed rate and tells done how long
// after its instant it returned. sleep waits for a span as precisely as it can.
type PacedWrite struct {
	Dir        string
	PieceBytes int
	Interval   time.Duration
	Count      int
	Sleep      func(time.Duration)
	Done       func(late time.Duration)
}

// Run writes one piece to a file at each instant.
func (p PacedWrite) Run() (err error) {
	file, err := os.Create(filepath.Join(p.Dir, "plain-paced"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close(), os.Remove(file.Name())) }()
	piece := make([]byte, p.PieceBytes)
	fill(piece)
	began := time.Now()
	for i := range p.Count {
		due := began.Add(time.Duration(i) * p.Interval)
		p.Sleep(time.Until(due))
		if _, err := file.Write(piece); err != nil {
			return err
		}
		p.Done(time.Since(due))
	}
	return nil
}

// fill makes the bytes differ, in case the storage looks at them.
func fill(b []byte) {
	x := uint32(1)
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = byte(x >> 24)
	}
}
