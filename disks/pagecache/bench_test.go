package pagecache_test

import (
	"fmt"
	"testing"
	"time"

	"brokerlab/disks/pagecache"
)

// BenchmarkAppend is what appends of 128 KiB cost with all that follows from them:
// write-back on the device model, journal commits, eviction. One round of all files
// takes as long as the device needs for it, so that the cache is in a steady state.
// The figure is for one append.
func BenchmarkAppend(b *testing.B) {
	const bytes = 128 << 10
	for _, row := range []struct {
		profile     string
		files       int
		bytesPerSec int64
	}{
		{"hdd-7200", 1, 150e6}, {"hdd-7200", 1000, 50e6}, {"nvme", 1, 1000e6}, {"nvme", 1000, 1000e6},
		{"nvme", 10_000, 1000e6}, {"aws-gp3", 1000, 100e6},
	} {
		step := time.Duration(bytes * int64(time.Second) / row.bytesPerSec)
		b.Run(fmt.Sprintf("%s, %d files", row.profile, row.files), func(b *testing.B) {
			cfg := pagecache.DefaultConfig()
			cfg.MemoryBytes = 8 << 30
			r := newRig(b, cfg, row.profile, pagecache.Ext4())
			files := make([]*pagecache.File, row.files)
			sizes := make([]int64, row.files)
			for i := range files {
				files[i] = r.v.NewFile(0)
			}
			i := 0
			append1 := func() {
				r.advance(r.now.Add(step))
				if sizes[i] == 16<<20 { // a new segment
					files[i].Forget()
					files[i], sizes[i] = r.v.NewFile(0), 0
				}
				files[i].Append(r.now, sizes[i], bytes)
				sizes[i] += bytes
				i = (i + 1) % len(files)
			}
			for range 100_000 {
				append1()
			}
			b.ReportAllocs()
			for b.Loop() {
				append1()
			}
		})
	}
}
