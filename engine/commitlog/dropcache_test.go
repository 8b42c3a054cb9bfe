package commitlog_test

import (
	"errors"
	"testing"

	"brokerlab/engine/commitlog"
	"brokerlab/engine/env"
)

// Goal: DropCache forces what was appended, drops every segment's file once it is
// clean, and changes nothing that can be read; a failed or closed log says so.
// Method: a log of several segments, the calls that reach the files counted, what
// was read before still readable after.
func TestDropCache(t *testing.T) {
	inWorlds(t, func(b *bed) {
		l, m := b.open(small()), &model{}
		b.fill(l, m, 60, 3, 200)
		held, err := l.Read(commitlog.ReadRequest{MaxBytes: 1 << 20, Limit: l.EndOffset(), AtLeastOne: true})
		b.must(err)
		before := l.Stats()
		b.must(l.DropCache())
		if after := l.Stats(); after.FsyncsToDrop == 0 || after.FsyncsToDrop != after.Fsyncs-before.Fsyncs {
			b.Errorf("%d fsyncs to drop the cache, of %d after %d", after.FsyncsToDrop, after.Fsyncs, before.Fsyncs)
		}
		if got, want := b.fs.drops.Load(), int64(l.Stats().Segments); got != want || want < 2 {
			b.Errorf("%d files were dropped from the cache, the log has %d segments", got, want)
		}
		if dirty := b.fs.dirtyDrops.Load(); dirty != 0 {
			b.Errorf("%d files were dropped before they were forced", dirty)
		}
		if l.RecoveryPoint() != l.EndOffset() {
			b.Errorf("the recovery point is %d, the log ends at %d", l.RecoveryPoint(), l.EndOffset())
		}
		b.bytesOf(held)
		b.same(l, m)
		b.fill(l, m, 10, 3, 200)
		b.same(l, m)
		b.must(l.Close())
		b.wantErr(l.DropCache(), env.ErrClosed)

		l = b.open(small())
		b.fill(l, m, 1, 3, 200)
		b.fs.syncErr = errDisk
		b.wantErr(l.DropCache(), commitlog.ErrFailed, errDisk)
		b.fs.heal()
		if err := l.Close(); !errors.Is(err, commitlog.ErrFailed) {
			b.Errorf("closing a failed log: %v", err)
		}
	})
}

// Goal: LogDirs.DropCache reaches every log and leaves out those that are closed or
// failed. Method: three partitions, one closed and one failed; files counted.
func TestDropCacheOfAllLogs(t *testing.T) {
	inWorlds(t, func(b *bed) {
		d, err := commitlog.OpenLogDirs(b.node, []string{"one", "two"})
		b.must(err)
		var logs []*commitlog.Log
		for p := range int32(4) {
			l, err := d.Open("topic", p, commitlog.DefaultConfig())
			b.must(err)
			b.must(appendOne(b, l, b.batchOf([]byte("value"))))
			logs = append(logs, l)
		}
		b.must(logs[0].Close())
		b.fs.syncErr = errDisk
		b.wantErr(logs[1].Flush(), commitlog.ErrFailed)
		b.fs.heal()
		b.must(d.DropCache())
		if got := b.fs.drops.Load(); got != 2 {
			b.Errorf("%d files were dropped from the cache, want 2", got)
		}
		b.must(d.Close())
	})
}
