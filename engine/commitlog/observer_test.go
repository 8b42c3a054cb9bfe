package commitlog_test

import (
	"sync/atomic"
	"testing"
	"time"

	"brokerlab/engine/commitlog"
	"brokerlab/engine/env"
)

// watcher adds up what it is told.
type watcher struct{ fsyncs, records, bytes, backwards atomic.Int64 }

func (w *watcher) Fsync(began, ended env.Time) {
	w.fsyncs.Add(1)
	if ended < began {
		w.backwards.Add(1)
	}
}

func (w *watcher) Unflushed(records, bytes int64) {
	w.records.Add(records)
	w.bytes.Add(bytes)
}

// Goal: an observer knows at each moment what a log has not forced, and of every fsync
// that the log counts. Method: appends that roll and flush, a truncation, and a flush of
// all, in both worlds; the difference of log end and what was flushed is known at each.
func TestObserver(t *testing.T) {
	for _, c := range []struct {
		why   string
		flush int64
		group bool
	}{{"never", 0, false}, {"every 5 records", 5, false}, {"every 5 records, together", 5, true}} {
		t.Run(c.why, func(t *testing.T) {
			inWorlds(t, func(b *bed) {
				w := &watcher{}
				cfg := commitlog.DefaultConfig()
				cfg.SegmentBytes, cfg.FlushMessages, cfg.FlushGroupCommit, cfg.Observer = 3000, c.flush, c.group, w
				l := b.open(cfg)
				unflushed := int64(0)
				for range 60 {
					done, err := l.AppendAsLeader(1, b.buf(b.batchOf([]byte("a"), []byte("b"))))
					b.must(err)
					if unflushed = w.records.Load(); unflushed < 0 || w.bytes.Load() < 0 ||
						c.flush > 0 && unflushed >= c.flush {
						b.Fatalf("after offset %d, %d records and %d bytes are not forced", done.NextOffset, unflushed, w.bytes.Load())
					}
					if done.Flushing < 0 || (done.Flushed == 0) != (done.Flushing == 0) && done.Flushed == 0 {
						b.Fatalf("an append that flushed at %d was flushing for %v", done.Flushed, done.Flushing)
					}
				}
				b.must(l.Truncate(l.EndOffset() - 2))
				b.must(l.Flush())
				if r, n := w.records.Load(), w.bytes.Load(); r != 0 || n != 0 {
					b.Errorf("after a flush of all, %d records and %d bytes are not forced", r, n)
				}
				_, err := l.AppendAsLeader(1, b.buf(b.batchOf([]byte("c"))))
				b.must(err)
				if c.flush == 0 && (w.records.Load() != 1 || w.bytes.Load() == 0) {
					b.Errorf("one more append leaves %d records and %d bytes", w.records.Load(), w.bytes.Load())
				}
				b.must(l.Close())
				if got, want := w.fsyncs.Load(), l.Stats().Fsyncs; got != want || want == 0 || w.backwards.Load() > 0 {
					b.Errorf("told of %d fsyncs of %d, %d of them backwards", got, want, w.backwards.Load())
				}
			})
		})
	}
}

// Goal: an append that waits for the log's lock learns how much of that was another's
// flush. Method: two at once, of which each flushes for a while, in the simulated world.
func TestFlushingOfOthers(t *testing.T) {
	const sync = 2 * time.Millisecond
	place := simulatedPlace(sync)
	runBed(t, place, func(b *bed) {
		cfg := commitlog.DefaultConfig()
		cfg.FlushMessages = 1
		l := b.open(cfg)
		_, err := l.AppendAsLeader(1, b.buf(b.batchOf([]byte("a")))) // forces directories too
		b.must(err)
		var done [3]commitlog.Appended
		left := len(done)
		mu := b.node.NewMutex()
		ended := b.node.NewCond(mu)
		for i := range done {
			b.node.Go("append", func() {
				var err error
				done[i], err = l.AppendAsLeader(1, b.buf(b.batchOf([]byte("a"))))
				b.must(err)
				mu.Lock()
				left--
				ended.Signal()
				mu.Unlock()
			})
		}
		mu.Lock()
		for left > 0 {
			ended.WaitUntil(env.Never)
		}
		mu.Unlock()
		var all time.Duration
		for i := range done {
			all += done[i].Flushing
		}
		// The first sees its own flush, the second that before it too, the third all three.
		if low, high := 6*sync, 6*sync+sync/2; all < low || all > high {
			b.Errorf("three appends were flushing for %v in all, want %v to %v", all, low, high)
		}
		b.must(l.Close())
	})
}
