package commitlog_test

import (
	"fmt"
	"testing"
	"time"

	"brokerlab/disks/osfs"
	"brokerlab/disks/simfs"
	"brokerlab/engine/commitlog"
	"brokerlab/engine/env"
	"brokerlab/engine/realworld"
	"brokerlab/engine/record"
	"brokerlab/engine/simworld"
)

const (
	benchBatchBytes = 128 << 10
	// benchLogBytes is where the benchmarks' log and plain file start over, so
	// that both write to memory that the system has already.
	benchLogBytes = 256 << 20
)

// benchBatch is a batch of about 128 KiB of records of valueBytes.
func benchBatch(b *testing.B, valueBytes int) []byte {
	d := &bed{TB: b}
	values := make([][]byte, benchBatchBytes/(valueBytes+8))
	for i := range values {
		values[i] = make([]byte, valueBytes)
		for j := range values[i] {
			values[i][j] = byte(i * j)
		}
	}
	return d.batchOf(values...)
}

// inReal runs body as a task of the real world over the file system s.
func inReal(b *testing.B, s env.FS, body func(n env.Node)) {
	w := realworld.New(realworld.Config{Seed: 1})
	n := w.NewNode(env.NodeConfig{Name: "broker", Mount: func(env.Node) env.FS { return s }})
	if err := w.Run(n, func() { body(n) }); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkAppendAsLeader appends batches of 128 KiB, and writes the same bytes
// to a plain file on the same disk in the same loop, in turns of 16 MiB; it
// reports what share of the plain write's rate the log reaches.
func BenchmarkAppendAsLeader(b *testing.B) {
	for _, valueBytes := range []int{100, 1000} {
		b.Run(fmt.Sprintf("%dB", valueBytes), func(b *testing.B) {
			batch := env.StaticBuf(benchBatch(b, valueBytes))
			inReal(b, osfs.New(b.TempDir()), func(n env.Node) { benchAppend(b, n, batch) })
		})
	}
}

func benchAppend(b *testing.B, n env.Node, batch env.Buf) {
	cfg := commitlog.DefaultConfig()
	cfg.SegmentBytes = 64 << 20
	l, err := commitlog.Open(n, "log", cfg)
	if err != nil {
		b.Fatal(err)
	}
	plain, err := n.FS().Create("plain")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.SetBytes(int64(batch.Len()))
	var inLog, inPlain time.Duration
	written := 0
	for i := 0; b.Loop(); i++ {
		if _, err := l.AppendAsLeader(1, batch.Retain()); err != nil {
			b.Fatal(err)
		}
		if i%128 != 127 {
			continue
		}
		b.StopTimer()
		began := n.Now()
		for range 128 {
			if _, err := l.AppendAsLeader(1, batch.Retain()); err != nil {
				b.Fatal(err)
			}
		}
		turn := n.Now()
		for range 128 {
			if err := plain.Append(batch.Retain()); err != nil {
				b.Fatal(err)
			}
		}
		inLog += turn.Sub(began)
		inPlain += n.Now().Sub(turn)
		if written += 256 * batch.Len(); written >= benchLogBytes {
			written = 0
			if err := plain.Truncate(0); err != nil {
				b.Fatal(err)
			}
			if err := l.Truncate(0); err != nil {
				b.Fatal(err)
			}
		}
		b.StartTimer()
	}
	if inLog > 0 {
		b.ReportMetric(float64(inPlain)/float64(inLog), "of-plain")
	}
	if err := l.Close(); err != nil {
		b.Fatal(err)
	}
	if err := plain.Close(); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkRead reads 1 MiB of 16 KiB batches: near the end, where places are in
// memory, and cold, where headers are read from the file; found only, and loaded.
func BenchmarkRead(b *testing.B) {
	d := &bed{TB: b}
	batch := env.StaticBuf(d.batchOf(make([]byte, 16<<10-record.HeaderSize-10)))
	for _, load := range []bool{false, true} {
		for _, place := range []string{"tail", "cold"} {
			b.Run(fmt.Sprintf("%s/load=%v", place, load), func(b *testing.B) {
				inReal(b, osfs.New(b.TempDir()), func(n env.Node) {
					cfg := commitlog.DefaultConfig()
					cfg.SegmentBytes = 32 << 20
					l := filledLog(b, n, cfg, batch, 4096)
					if place == "cold" {
						if err := l.Close(); err != nil {
							b.Fatal(err)
						}
						l, _ = commitlog.Open(n, "log", cfg)
					}
					offset := l.EndOffset() - 100
					if place == "cold" {
						offset = 1000
					}
					b.ReportAllocs()
					b.SetBytes(1 << 20)
					for b.Loop() {
						buf, err := l.Read(commitlog.ReadRequest{Offset: offset, MaxBytes: 1 << 20, Limit: l.EndOffset()})
						if err == nil && load {
							buf, err = buf.Load(n.Pool())
						}
						if err != nil || buf.Len() < 1<<20-16<<10 {
							b.Fatal(buf.Len(), err)
						}
						buf.Release()
					}
					if err := l.Close(); err != nil {
						b.Fatal(err)
					}
				})
			})
		}
	}
}

func filledLog(b *testing.B, n env.Node, cfg commitlog.Config, batch env.Buf, batches int) *commitlog.Log {
	l, err := commitlog.Open(n, "log", cfg)
	if err != nil {
		b.Fatal(err)
	}
	for range batches {
		if _, err := l.AppendAsLeader(1, batch.Retain()); err != nil {
			b.Fatal(err)
		}
	}
	return l
}

// BenchmarkAppendSimulated appends batches of one record of 100 bytes, bytes and
// modelled, in the simulated world: what a simulated append costs us.
func BenchmarkAppendSimulated(b *testing.B) {
	d := &bed{TB: b}
	batch := d.batchOf(make([]byte, 100))
	for _, modelled := range []bool{false, true} {
		b.Run(fmt.Sprintf("modelled=%v", modelled), func(b *testing.B) {
			disk := simfs.NewDisk(simfs.DefaultConfig())
			w := simworld.New(simworld.DefaultConfig())
			n := w.NewNode(env.NodeConfig{Name: "broker", Mount: disk.Mount})
			buf := env.StaticBuf(batch)
			if modelled {
				buf = env.Join(modelledHeader(b, batch), env.StubBuf(len(batch)-record.HeaderSize, &env.Stub{}))
			}
			err := w.Run(n, func() {
				l := filledLog(b, n, commitlog.DefaultConfig(), buf, 1)
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					if _, err := l.AppendAsLeader(1, buf.Retain()); err != nil {
						b.Fatal(err)
					}
					if i%100000 == 99999 {
						if err := l.Truncate(0); err != nil {
							b.Fatal(err)
						}
					}
				}
			})
			if err != nil {
				b.Fatal(err)
			}
		})
	}
}
