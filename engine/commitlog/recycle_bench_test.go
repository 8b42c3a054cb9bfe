package commitlog_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"brokerlab/disks/osfs"
	"brokerlab/engine/commitlog"
	"brokerlab/engine/env"
)

// BenchmarkRecycle forces every batch of 128 KiB to disk, in turns of 32 batches with
// segment.recycle and without, on two logs of one directory that roll every 4 MiB and
// keep little more. It reports the median time of a batch in either, and the median of
// the turns' ratios: how many times as many batches a second recycling forces, alone
// and when the deletion of segments, with the zeros that it writes, is counted too.
func BenchmarkRecycle(b *testing.B) {
	for _, preallocate := range []bool{false, true} {
		name := "append"
		if preallocate {
			name = "preallocate"
		}
		b.Run(name, func(b *testing.B) {
			batch := env.StaticBuf(benchBatch(b, 1000))
			inReal(b, osfs.New(b.TempDir()), func(n env.Node) { benchRecycle(b, n, batch, preallocate) })
		})
	}
}

func benchRecycle(b *testing.B, n env.Node, batch env.Buf, preallocate bool) {
	const turn = 32
	logs := make([]*commitlog.Log, 2)
	for i, name := range []string{"plain", "recycle"} {
		cfg := commitlog.DefaultConfig()
		cfg.SegmentBytes, cfg.RetentionBytes, cfg.RetentionInterval = 4<<20, 6<<20, 0
		cfg.FlushMessages, cfg.Preallocate, cfg.SegmentRecycle = 1, preallocate, i == 1
		l, err := commitlog.Open(n, name, cfg)
		if err != nil {
			b.Fatal(err)
		}
		logs[i] = l
	}
	// one appends a turn to a log and returns its time.
	one := func(l *commitlog.Log) (appends, all time.Duration) {
		began := n.Now()
		for range turn {
			if _, err := l.AppendAsLeader(1, batch.Retain()); err != nil {
				b.Fatal(err)
			}
		}
		appends = n.Now().Sub(began)
		if _, err := l.DeleteOldSegments(math.MaxInt64); err != nil {
			b.Fatal(err)
		}
		return appends, n.Now().Sub(began)
	}
	for range 4 {
		one(logs[0])
		one(logs[1])
	}
	var plain, recycle, ratios, allRatios []float64
	for i := 0; b.Loop(); i++ {
		var took, all [2]time.Duration
		for k := range logs {
			k = (k + i) % 2
			took[k], all[k] = one(logs[k])
		}
		plain = append(plain, took[0].Seconds()*1e6/turn)
		recycle = append(recycle, took[1].Seconds()*1e6/turn)
		ratios = append(ratios, took[0].Seconds()/took[1].Seconds())
		allRatios = append(allRatios, all[0].Seconds()/all[1].Seconds())
	}
	median := func(v []float64) float64 { slices.Sort(v); return v[len(v)/2] }
	b.ReportMetric(median(plain), "plain-us/batch")
	b.ReportMetric(median(recycle), "recycle-us/batch")
	b.ReportMetric(median(ratios), "times-plain")
	b.ReportMetric(median(allRatios), "times-plain-with-zeros")
	b.ReportMetric(float64(logs[1].Stats().SegmentsRecycled), "recycled")
	b.ReportMetric(0, "ns/op")
	for _, l := range logs {
		if err := l.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
