package osfs_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"brokerlab/disks/osfs"
	"brokerlab/engine/env"
)

const (
	headerBytes = 61 // a record batch header
	bodyBytes   = 128 << 10
	// benchFileBytes is where the file starts over, so that all loops write to
	// the same part of the disk's cache.
	benchFileBytes = 64 << 20
)

// BenchmarkAppend compares osfs with the bare system calls on one directory:
// the difference is what the boundary costs a real run.
func BenchmarkAppend(b *testing.B) {
	header, body := make([]byte, headerBytes), make([]byte, bodyBytes)
	one := env.StaticBuf(body)
	two := env.Join(env.StaticBuf(header), env.StaticBuf(body))
	vecs := [][]byte{header, body}

	benchOS := func(size int, buf env.Buf) func(*testing.B) {
		return func(b *testing.B) {
			f, err := osfs.New(b.TempDir()).Create("a")
			must(b, err)
			defer f.Close()
			benchLoop(b, size, func() error { return f.Append(buf.Retain()) }, func() error { return f.Truncate(0) })
		}
	}
	benchPlain := func(size int, write func(f *os.File) error) func(*testing.B) {
		return func(b *testing.B) {
			f, err := os.OpenFile(filepath.Join(b.TempDir(), "a"), os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o644)
			must(b, err)
			defer f.Close()
			benchLoop(b, size, func() error { return write(f) }, func() error { return f.Truncate(0) })
		}
	}
	b.Run("1x128KiB/osfs", benchOS(bodyBytes, one))
	b.Run("1x128KiB/write", benchPlain(bodyBytes, func(f *os.File) error {
		_, err := f.Write(body)
		return err
	}))
	b.Run("61B+128KiB/osfs", benchOS(headerBytes+bodyBytes, two))
	b.Run("61B+128KiB/writev", benchPlain(headerBytes+bodyBytes, func(f *os.File) error {
		_, err := unix.Writev(int(f.Fd()), vecs)
		return err
	}))
}

func benchLoop(b *testing.B, size int, appendOnce, startOver func() error) {
	b.ReportAllocs()
	b.SetBytes(int64(size))
	written := 0
	for b.Loop() {
		must(b, appendOnce())
		if written += size; written >= benchFileBytes {
			must(b, startOver())
			written = 0
		}
	}
}

// BenchmarkOverhead runs osfs and the bare system call in turns, so that other
// load on the machine meets both, and reports the median over rounds of what
// osfs takes more, in percent.
func BenchmarkOverhead(b *testing.B) {
	header, body := make([]byte, headerBytes), make([]byte, bodyBytes)
	vecs := [][]byte{header, body}
	for _, row := range []struct {
		name  string
		buf   env.Buf
		plain func(f *os.File) error
	}{
		{"1x128KiB", env.StaticBuf(body), func(f *os.File) error {
			_, err := f.Write(body)
			return err
		}},
		{"61B+128KiB", env.Join(env.StaticBuf(header), env.StaticBuf(body)), func(f *os.File) error {
			_, err := unix.Writev(int(f.Fd()), vecs)
			return err
		}},
	} {
		b.Run(row.name, func(b *testing.B) {
			dir := b.TempDir()
			ours, err := osfs.New(dir).Create("ours")
			must(b, err)
			defer ours.Close()
			plain, err := os.OpenFile(filepath.Join(dir, "plain"), os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o644)
			must(b, err)
			defer plain.Close()
			var percent []float64
			for b.Loop() {
				first := roundTime(b, func() error { return ours.Append(row.buf.Retain()) }, ours.Truncate)
				second := roundTime(b, func() error { return row.plain(plain) }, plain.Truncate)
				percent = append(percent, 100*(float64(first)/float64(second)-1))
			}
			slices.Sort(percent)
			b.ReportMetric(percent[len(percent)/2], "%over")
		})
	}
}

// roundTime is the time of some appends to an empty file.
func roundTime(b *testing.B, appendOnce func() error, truncate func(int64) error) time.Duration {
	const appends = 64
	must(b, truncate(0))
	began := time.Now()
	for range appends {
		must(b, appendOnce())
	}
	return time.Since(began)
}
