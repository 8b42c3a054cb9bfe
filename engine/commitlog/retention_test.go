package commitlog_test

import (
	"testing"
	"time"

	"brokerlab/disks/osfs"
	"brokerlab/disks/simfs"
	"brokerlab/engine/commitlog"
	"brokerlab/engine/env"
	"brokerlab/engine/record"
	"brokerlab/engine/simworld"
	"brokerlab/engine/task"
)

// Goal: retention deletes whole segments from the start, never beyond the high
// watermark, and what was read stays readable. Method: a table of settings on a
// log of 10 segments of 3 batches of 100 bytes, one batch each millisecond of a
// day ago.
func TestDeleteOldSegments(t *testing.T) {
	tests := []struct {
		name          string
		bytes         int64
		interval      time.Duration
		highWatermark int64
		want          int
		end           int64 // of the log; the start if all is gone
	}{
		{"unlimited keeps all", 0, 0, 30, 0, 30},
		{"one byte too few keeps the first", 2701, 0, 30, 0, 30},
		{"exactly the rest lets one go", 2700, 0, 30, 1, 30},
		{"almost nothing is kept: but never less than retention.bytes", 200, 0, 30, 9, 30},
		{"the high watermark holds them", 200, 0, 6, 2, 30},
		{"inside a segment it holds that too", 200, 0, 8, 2, 30},
		{"two days keep all", 0, 48 * time.Hour, 30, 0, 30},
		{"an hour keeps nothing: a new segment begins", 0, time.Hour, 30, 10, 30},
		{"unless it is not replicated", 0, time.Hour, 29, 9, 30},
		{"both, one after the other", 2700, time.Hour, 6, 2, 30},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			inWorlds(t, func(b *bed) {
				cfg := small()
				cfg.SegmentBytes, cfg.RetentionBytes, cfg.RetentionInterval = 300, test.bytes, test.interval
				l, m := b.open(cfg), &model{}
				dayAgo := b.node.Wall().Add(-24 * time.Hour).UnixMilli()
				for i := range int64(30) {
					p := b.timedBatch(100-record.HeaderSize-7, dayAgo+i)
					if len(p) != 100 {
						b.Fatalf("a batch of %d bytes", len(p))
					}
					_, err := l.AppendAsLeader(7, b.buf(p))
					b.must(err)
					m.add(b.stamped(p, i, 7))
				}
				first, err := l.Read(commitlog.ReadRequest{MaxBytes: 300, Limit: 30})
				b.must(err)
				for _, want := range []int{test.want, 0} { // the second time there is nothing more
					got, err := l.DeleteOldSegments(test.highWatermark)
					b.must(err)
					if got != want || l.Stats().SegmentsDeleted != int64(test.want) {
						b.Errorf("%d segments went, want %d", got, want)
					}
					m.batches = m.batches[3*want:]
					m.start += int64(3 * want)
					b.same(l, m)
				}
				if m.start > 0 {
					_, err := l.Read(commitlog.ReadRequest{Offset: m.start - 1, MaxBytes: 300, Limit: 30})
					b.wantErr(err, commitlog.ErrOffsetOutOfRange)
				}
				if p := b.bytesOf(first); len(p) != 300 {
					b.Errorf("%d bytes of what was read before", len(p))
				}
				if l.EndOffset() != test.end {
					b.Errorf("the log ends at %d", l.EndOffset())
				}
				b.must(l.Close())
				l = b.open(cfg)
				b.same(l, m)
				b.must(l.Close())
			})
		})
	}
}

// Goal: a log starts anew at an offset, and stays there. Method: forwards,
// backwards and where it is, each with a restart.
func TestTruncateFullyAndStartAt(t *testing.T) {
	inWorlds(t, func(b *bed) {
		for _, start := range []int64{1000, 10, 0} {
			l, m := b.open(small()), &model{}
			b.must(l.TruncateFullyAndStartAt(start))
			m.start = start
			b.same(l, m)
			b.fill(l, m, 20, 4, 200)
			b.same(l, m)
			if got := l.EndOffsetFor(7); got.EndOffset != m.end() {
				b.Errorf("epoch 7 ends at %+v", got)
			}
			b.must(l.Close())
			b.reopened(small(), m)
		}
		l := b.open(small())
		b.wantErr(l.TruncateFullyAndStartAt(-1), commitlog.ErrOffsetOutOfRange)
		b.must(l.Close())
	})
}

// Goal: with group commit appends share fsyncs, each returns only when it is on
// disk, and the log is the same. Method: tasks that append at once, counted.
func TestGroupCommit(t *testing.T) {
	inWorlds(t, func(b *bed) {
		cfg := small()
		cfg.SegmentBytes, cfg.FlushMessages, cfg.FlushGroupCommit = 1<<20, 1, true
		l := b.open(cfg)
		const tasks, each = 8, 20
		group := task.NewGroup(b.node)
		for range tasks {
			p := b.batchOf([]byte("value"))
			group.Go("producer", func() error {
				for range each {
					a, err := l.AppendAsLeader(1, env.StaticBuf(p))
					if err != nil {
						return err
					}
					if a.Flushed < a.Done || l.RecoveryPoint() < a.NextOffset {
						b.Errorf("appended %+v, flushed below %d", a, l.RecoveryPoint())
					}
				}
				return nil
			})
		}
		b.must(group.Wait())
		if got := l.Stats(); l.EndOffset() != tasks*each || got.Fsyncs > tasks*each {
			b.Errorf("the log ends at %d after %d fsyncs", l.EndOffset(), got.Fsyncs)
		}
		b.must(l.Close())
	})
}

// Goal: a group commit gathers all that come back soon, and never for longer than
// a flush takes. Method: 16 tasks whose next batch is ready at other instants, up
// to 120 us after their last one was flushed, on a simulated disk.
func TestGroupCommitGathers(t *testing.T) {
	const tasks, each = 16, 20
	for _, row := range []struct {
		name      string
		fsync     time.Duration
		fsyncsMax int64         // with each round of appends
		waitMax   time.Duration // of an append for its flush
	}{
		{"a quarter of the fsync would be too short: one fsync covers all", 200 * time.Microsecond, 1, time.Hour},
		{"a quarter of the fsync is enough", 2 * time.Millisecond, 1, time.Hour},
		{"an fsync that is over before they are back: two of them, and as much again to gather",
			20 * time.Microsecond, tasks, 65 * time.Microsecond},
	} {
		d := simfs.NewDisk(simfs.Config{SyncCost: row.fsync})
		runBed(t, place{
			world: simworld.New(simworld.Config{Seed: 1, Poison: true}), mount: d.Mount,
			end: func(testing.TB) { d.Close() },
		}, func(b *bed) {
			cfg := small()
			cfg.SegmentBytes, cfg.FlushMessages, cfg.FlushGroupCommit = 1<<20, 1, true
			l := b.open(cfg)
			b.must(l.BeginEpoch(1))
			b.must(l.Flush()) // the names of its files
			before := l.Stats().Fsyncs
			group := task.NewGroup(b.node)
			for i := range tasks {
				p := b.batchOf([]byte("value"))
				group.Go("producer", func() error {
					for range each {
						b.node.Sleep(time.Duration(i) * 8 * time.Microsecond)
						a, err := l.AppendAsLeader(1, env.StaticBuf(p))
						if err != nil {
							return err
						}
						if wait := a.Flushed.Sub(a.Done); wait > row.waitMax {
							b.Errorf("%s: an append waited %v, want %v at most", row.name, wait, row.waitMax)
						}
					}
					return nil
				})
			}
			b.must(group.Wait())
			// The first flushes know of nobody to gather.
			if got := l.Stats().Fsyncs - before; got > row.fsyncsMax*each+2 {
				b.Errorf("%s: %d fsyncs for %d rounds of appends", row.name, got, each)
			}
			b.must(l.Close())
		})
	}
}

// Goal: an fsync that fails fails every append that waited for it, and a closed
// log lets none wait for ever. Method: many appends at once on a bad disk.
func TestGroupCommitFailsAll(t *testing.T) {
	inWorlds(t, func(b *bed) {
		cfg := small()
		cfg.FlushMessages, cfg.FlushGroupCommit = 1, true
		l := b.open(cfg)
		b.must(l.BeginEpoch(1))
		b.fs.failSyncs.Store(true)
		group := task.NewGroup(b.node)
		for range 8 {
			p := b.batchOf([]byte("value"))
			group.Go("producer", func() error {
				_, err := l.AppendAsLeader(1, env.StaticBuf(p))
				b.wantErr(err, commitlog.ErrFailed, errDisk)
				return nil
			})
		}
		b.must(group.Wait())
		b.wantErr(l.Close(), commitlog.ErrFailed)
	})
}

// Goal: preallocate takes a segment's room when it is made and gives the rest back
// when it is done with, also what a crash left; and where there is no room an
// append fails before it has written. Method: the free bytes of a simulated disk.
func TestPreallocate(t *testing.T) {
	const capacity = 10000
	d := simfs.NewDisk(simfs.Config{CapacityBytes: capacity})
	runBed(t, place{
		world: simworld.New(simworld.Config{Seed: 1, Poison: true}), mount: d.Mount,
		end: func(testing.TB) { d.Close() },
	}, func(b *bed) {
		cfg := small()
		cfg.Preallocate = true
		l, m := b.open(cfg), &model{}
		taken := func() int64 {
			free, err := b.fs.Free()
			b.must(err)
			return capacity - free
		}
		b.must(l.BeginEpoch(7))
		others := taken() - 3000
		if others < 0 || others > 100 {
			b.Fatalf("%d bytes are taken by an empty segment of 3000", taken())
		}
		b.fill(l, m, 20, 4, 200) // rolls
		segments := m.segments(3000)
		if got := taken(); len(segments) < 2 || got < int64(len(segments)-1)*2500+3000 || got > int64(len(segments))*3100 {
			b.Errorf("%d bytes are taken by %d segments, the last one of 3000", got, len(segments))
		}
		b.must(l.Close())
		if got := taken(); got > int64(len(m.bytes()))+500 {
			b.Errorf("%d bytes are taken by a closed log of %d", got, len(m.bytes()))
		}
		l = b.open(cfg)
		b.same(l, m)
		var err error
		for err == nil {
			p := b.batchOf(make([]byte, 500))
			if err = appendOne(b, l, p); err == nil {
				m.add(b.stamped(p, m.end(), 7))
			}
		}
		b.wantErr(err, commitlog.ErrFailed, env.ErrNoSpace)
		b.wantErr(l.Close(), commitlog.ErrFailed)
		cfg.Preallocate = false
		l = b.open(cfg)
		b.same(l, m)
		b.must(l.Close())
	})
}

// BenchmarkGroupCommit appends to one partition with an fsync for each append:
// one producer, 16, and 16 with group commit. It reports batches per second, of
// the clock of the world.
func BenchmarkGroupCommit(b *testing.B) {
	for _, world := range []string{"real", "sim"} {
		for _, size := range []int{1 << 10, 128 << 10} {
			for _, c := range []struct {
				name      string
				producers int
				group     bool
			}{{"1", 1, false}, {"16", 16, false}, {"1-group", 1, true}, {"16-group", 16, true}} {
				b.Run(world+"/"+sizeName(size)+"/"+c.name, func(b *testing.B) {
					cfg := commitlog.DefaultConfig()
					cfg.FlushMessages, cfg.FlushGroupCommit = 1, c.group
					d := &bed{TB: b}
					batch := env.StaticBuf(d.batchOf(make([]byte, size-record.HeaderSize-10)))
					body := func(n env.Node) { benchProducers(b, n, cfg, batch, c.producers) }
					if world == "real" {
						inReal(b, osfs.New(b.TempDir()), body)
						return
					}
					disk := simfs.NewDisk(simfs.DefaultConfig())
					w := simworld.New(simworld.DefaultConfig())
					n := w.NewNode(env.NodeConfig{Name: "broker", Mount: disk.Mount})
					if err := w.Run(n, func() { body(n) }); err != nil {
						b.Fatal(err)
					}
				})
			}
		}
	}
}

func sizeName(n int) string {
	if n == 1<<10 {
		return "1KiB"
	}
	return "128KiB"
}

func benchProducers(b *testing.B, n env.Node, cfg commitlog.Config, batch env.Buf, producers int) {
	l, err := commitlog.Open(n, "log", cfg)
	if err == nil {
		err = l.BeginEpoch(1)
	}
	if err != nil {
		b.Fatal(err)
	}
	group := task.NewGroup(n)
	b.ResetTimer()
	began := n.Now()
	for i := range producers {
		share := b.N / producers
		if i < b.N%producers {
			share++
		}
		group.Go("producer", func() error {
			for range share {
				if _, err := l.AppendAsLeader(1, batch.Retain()); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		b.Fatal(err)
	}
	took := n.Now().Sub(began)
	b.ReportMetric(float64(b.N)/took.Seconds(), "batches/s")
	b.ReportMetric(float64(b.N)/float64(max(1, l.Stats().Fsyncs)), "batches/fsync")
	if err := l.Close(); err != nil {
		b.Fatal(err)
	}
}
