package commitlog_test

import (
	"fmt"
	"testing"

	"brokerlab/disks/osfs"
	"brokerlab/engine/commitlog"
	"brokerlab/engine/env"
)

// Goal: opening many logs lists each log directory once, and each log's own; they go
// evenly to the directories, and are found again there. Method: 30 partitions over
// three directories, one of which has some already; calls counted.
func TestPlacesOfManyLogs(t *testing.T) {
	inWorlds(t, func(b *bed) {
		for p := range 5 {
			b.must(b.fs.MkdirAll(fmt.Sprintf("two/other-%d", p)))
		}
		const logs = 31
		for life := range 2 {
			before := b.fs.lists.Load()
			d, err := commitlog.OpenLogDirs(b.node, []string{"one", "two", "three"})
			b.must(err)
			for p := range int32(logs) {
				_, err := d.Open("topic", p, commitlog.DefaultConfig())
				b.must(err)
			}
			if got := b.fs.lists.Load() - before; got > 3+2*logs {
				b.Errorf("life %d: directories were listed %d times for %d logs", life, got, logs)
			}
			b.must(d.Close())
			for _, dir := range []string{"one", "two", "three"} {
				entries, err := b.fs.List(dir)
				b.must(err)
				dirs := 0
				for _, e := range entries {
					if e.Dir {
						dirs++
					}
				}
				if dirs != 12 {
					b.Errorf("life %d: %s holds %d partitions, want 12", life, dir, dirs)
				}
			}
		}
	})
}

// BenchmarkOpenLogs opens 1,000 logs of one broker after a clean shutdown; the first
// time it makes them.
func BenchmarkOpenLogs(b *testing.B) {
	inReal(b, osfs.New(b.TempDir()), func(n env.Node) {
		began := n.Now()
		open := func() *commitlog.LogDirs {
			d, err := commitlog.OpenLogDirs(n, []string{"logs"})
			if err != nil {
				b.Fatal(err)
			}
			for p := range int32(1000) {
				if _, err := d.Open("topic", p, commitlog.DefaultConfig()); err != nil {
					b.Fatal(err)
				}
			}
			return d
		}
		d := open()
		made := n.Now().Sub(began)
		for b.Loop() {
			if err := d.Close(); err != nil {
				b.Fatal(err)
			}
			d = open()
		}
		b.ReportMetric(made.Seconds()*1000, "make-ms")
		if err := d.Close(); err != nil {
			b.Fatal(err)
		}
	})
}
