package simfs_test

import (
	"fmt"
	"testing"
	"time"

	"brokerlab/disks/simfs"
	"brokerlab/engine/env"
	"brokerlab/engine/simworld"
)

// BenchmarkModelledAppend is what an append of 128 KiB costs in wall time, with its
// kernel steps, its write-back and the end of its segment, on disks that keep up. The
// row "plain" is the same on a plain disk: kernel, content and the loop itself.
func BenchmarkModelledAppend(b *testing.B) {
	for _, row := range []struct {
		profile     string
		files       int
		bytesPerSec int64
	}{
		{"plain", 1, 1000e6}, {"plain", 10_000, 1000e6}, {"hdd-7200", 1, 120e6}, {"nvme", 1, 1000e6},
		{"nvme", 1000, 1000e6}, {"nvme", 10_000, 1000e6},
	} {
		b.Run(fmt.Sprintf("%s, %d files", row.profile, row.files), func(b *testing.B) {
			w := simworld.New(simworld.DefaultConfig())
			d := simfs.NewDisk(simfs.Config{})
			if row.profile != "plain" {
				_, d = modelledDisk(b, w, simfs.DefaultHostConfig(), row.profile, "ext4")
			}
			n := w.NewNode(env.NodeConfig{Name: "a", Mount: d.Mount})
			err := w.Run(n, func() { benchAppends(b, n, row.files, row.bytesPerSec) })
			if err != nil {
				b.Fatal(err)
			}
			s := w.Stats()
			b.ReportMetric(float64(s.Steps())/float64(b.N), "steps/op")
		})
	}
}

func benchAppends(b *testing.B, n env.Node, count int, bytesPerSec int64) {
	const bytes, segment = 128 << 10, 16 << 20
	step := time.Duration(bytes * int64(time.Second) / bytesPerSec)
	files := make([]env.File, count)
	name := func(i int) string { return fmt.Sprintf("%d/log", i) }
	create := func(i int) {
		f, err := n.FS().Create(name(i))
		if err != nil {
			b.Fatal(err)
		}
		files[i] = f
	}
	for i := range files {
		if err := n.FS().MkdirAll(fmt.Sprint(i)); err != nil {
			b.Fatal(err)
		}
		create(i)
	}
	part := env.LengthBuf(bytes)
	i := 0
	append1 := func() {
		f := files[i]
		if f.Size() == segment {
			f.Close()
			if err := n.FS().Remove(name(i)); err != nil {
				b.Fatal(err)
			}
			create(i)
			f = files[i]
		}
		if err := f.Append(part.Retain()); err != nil {
			b.Fatal(err)
		}
		n.Sleep(step)
		i = (i + 1) % count
	}
	for range 50_000 {
		append1()
	}
	b.ReportAllocs()
	b.ResetTimer()
	for range b.N {
		append1()
	}
}
