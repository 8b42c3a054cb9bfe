package commitlog_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"brokerlab/engine/commitlog"
	"brokerlab/engine/env"
	"brokerlab/engine/record"
	"brokerlab/engine/task"
)

// Goal: after a failed write or fsync the log takes nothing more, says why, and
// what it holds on disk is a prefix. Method: a table of faults; after each one,
// calls of every kind, then a new log on the same files.
func TestAFailureIsForGood(t *testing.T) {
	tests := []struct {
		name  string
		fault func(f *faultFS)
		do    func(b *bed, l *commitlog.Log, p []byte) error
		want  error
		kept  int // batches of 2 that are there after a restart
	}{
		{"a full disk fails an append", func(f *faultFS) { f.appendErr = env.ErrNoSpace }, appendOne, env.ErrNoSpace, 1},
		{"a partial write is cut off", func(f *faultFS) { f.appendErr, f.appendKeep = env.ErrNoSpace, 70 }, appendOne,
			env.ErrNoSpace, 1},
		{"a partial write that cannot be cut", func(f *faultFS) {
			f.appendErr, f.appendKeep, f.truncateErr = env.ErrNoSpace, 70, errDisk
		}, appendOne, env.ErrNoSpace, 1},
		{"an append that flushes fails with the fsync", func(f *faultFS) { f.syncErr = errDisk }, appendOne, errDisk, 2},
		{"a flush fails", func(f *faultFS) { f.syncErr = errDisk },
			func(_ *bed, l *commitlog.Log, _ []byte) error { return l.Flush() }, errDisk, 1},
		{"a flush of the directory fails", func(f *faultFS) { f.dirSyncErr = errDisk }, appendOne, errDisk, 2},
		{"a truncation fails", func(f *faultFS) { f.truncateErr = errDisk },
			func(_ *bed, l *commitlog.Log, _ []byte) error { return l.Truncate(0) }, errDisk, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			inWorlds(t, func(b *bed) {
				cfg := small()
				cfg.FlushMessages = 2
				l, m := b.open(cfg), &model{}
				b.fill(l, m, 1, 1, 100)
				p := b.batchOf([]byte("second"))
				size := b.stat(logFile(0))
				test.fault(b.fs)
				b.wantErr(test.do(b, l, p), commitlog.ErrFailed, test.want)
				if b.fs.appendKeep > 0 && b.fs.truncateErr == nil && b.stat(logFile(0)) != size {
					b.Error("the partial write is still in the file")
				}
				b.fs.heal()
				for _, call := range callsOn(b, l, p) {
					if err := call.do(); err == nil {
						b.Errorf("%s works on a failed log", call.name)
					} else {
						b.wantErr(err, commitlog.ErrFailed, test.want)
					}
				}
				b.wantErr(l.Close(), commitlog.ErrFailed, test.want)
				b.must(l.Close())
				if test.kept == 2 {
					m.add(b.stamped(p, m.end(), 7))
				}
				l = b.open(cfg)
				b.same(l, m)
				b.must(l.Close())
			})
		})
	}
}

type namedCall struct {
	name string
	do   func() error
}

// callsOn is one call of every kind that a failed log refuses.
func callsOn(b *bed, l *commitlog.Log, p []byte) []namedCall {
	return []namedCall{
		{"append", func() error { return appendOne(b, l, p) }},
		{"follow", func() error {
			_, err := l.AppendAsFollower(b.buf(b.stamped(p, l.EndOffset(), 1)))
			return err
		}},
		{"flush", l.Flush},
		{"truncate", func() error { return l.Truncate(0) }},
		{"read", func() error {
			_, err := l.Read(commitlog.ReadRequest{MaxBytes: 100, Limit: 100})
			return err
		}},
	}
}

func appendOne(b *bed, l *commitlog.Log, p []byte) error {
	_, err := l.AppendAsLeader(7, b.buf(p))
	return err
}

func (b *bed) stat(name string) int64 {
	b.Helper()
	return int64(len(b.files()[name]))
}

// Goal: opening fails cleanly when the disk does. Method: faults while the
// indexes are mended; all files are closed (the real world's suite counts them).
func TestOpenOnABadDisk(t *testing.T) {
	inWorlds(t, func(b *bed) {
		_, files := b.writtenLog(small(), 40)
		for name := range files {
			if len(name) == len(indexFile(0)) {
				files[name] = nil
			}
		}
		b.setFiles(files)
		b.fs.appendErr = env.ErrNoSpace
		_, err := commitlog.Open(b.node, dir, small())
		b.wantErr(err, env.ErrNoSpace)
		b.fs.appendErr = nil
		cfg := small()
		cfg.SegmentBytes = 0
		if _, err := commitlog.Open(b.node, dir, cfg); err == nil {
			b.Error("a wrong setting is accepted")
		}
		l := b.open(small())
		b.must(l.Close())
	})
}

// Goal: a closed log refuses politely, and what was read before stays readable,
// also after the files are gone. Method: read, truncate, close, remove, then
// look at the bytes.
func TestReadBytesOutliveTheLog(t *testing.T) {
	inWorlds(t, func(b *bed) {
		l, m := b.open(small()), &model{}
		b.fill(l, m, 40, 4, 200)
		first, err := l.Read(commitlog.ReadRequest{MaxBytes: 1 << 20, Limit: m.end()})
		b.must(err)
		last, err := l.Read(commitlog.ReadRequest{Offset: m.end() - 1, MaxBytes: 1 << 20, Limit: m.end()})
		b.must(err)
		b.must(l.Truncate(m.segments(3000)[1][0].base)) // removes the last segment
		b.must(l.Close())
		_, err = l.Read(commitlog.ReadRequest{Limit: 1})
		b.wantErr(err, env.ErrClosed)
		b.wantErr(appendOne(b, l, b.batchOf(nil)), env.ErrClosed)
		b.wantErr(l.Flush(), env.ErrClosed)
		b.wantErr(l.Truncate(0), env.ErrClosed)
		b.must(l.Remove())
		if !bytes.HasPrefix(m.bytes(), b.bytesOf(first)) || !bytes.HasSuffix(m.bytes(), b.bytesOf(last)) {
			b.Error("the bytes have changed")
		}
	})
}

// Goal: readers, a flusher and an appender do not disturb each other (under the
// race detector in the real world). Method: readers follow the log's end and
// check CRCs and offsets while it grows and rolls.
func TestReadersBesideAppends(t *testing.T) {
	inWorlds(t, func(b *bed) {
		l := b.open(small())
		const batches, records = 400, 3
		values := [][]byte{make([]byte, 50), make([]byte, 60), make([]byte, 70)}
		p := b.batchOf(values...)
		group := task.NewGroup(b.node)
		for _, name := range []string{"a", "b"} {
			group.Go("reader "+name, func() error {
				for offset := int64(0); offset < batches*records; {
					next, err := b.readAndCheck(l, offset)
					if err != nil {
						return err
					}
					if next == offset {
						b.node.Sleep(20 * time.Microsecond)
					}
					offset = next
				}
				return nil
			})
		}
		group.Go("flusher", func() error {
			for l.EndOffset() < batches*records {
				if err := l.Flush(); err != nil {
					return err
				}
				b.node.Sleep(100 * time.Microsecond)
			}
			return nil
		})
		for range batches {
			m := b.node.Pool().Get(len(p))
			copy(m.Bytes(), p)
			_, err := l.AppendAsLeader(1, env.MemBuf(m, m.Bytes()[:len(p)]))
			b.must(err)
		}
		b.must(group.Wait())
		b.must(l.Close())
	})
}

// readAndCheck reads at offset and returns the offset behind what it got.
func (b *bed) readAndCheck(l *commitlog.Log, offset int64) (next int64, err error) {
	buf, err := l.Read(commitlog.ReadRequest{Offset: offset, MaxBytes: 2000, Limit: l.EndOffset(), AtLeastOne: true})
	if err == nil {
		buf, err = buf.Load(b.node.Pool())
	}
	if err != nil {
		return 0, err
	}
	defer buf.Release()
	p := make([]byte, buf.Len())
	if err := buf.ReadAt(p, 0); err != nil {
		return 0, err
	}
	for len(p) > 0 {
		h, err := record.ParseHeader(p)
		if err != nil {
			return 0, err
		}
		crc := record.UpdateCRC(0, p[record.AttributesOffset:h.SizeBytes()])
		if h.BaseOffset != offset || crc != h.CRC {
			return 0, fmt.Errorf("at %d: base offset %d, CRC %x, want %x", offset, h.BaseOffset, crc, h.CRC)
		}
		offset, p = h.NextOffset(), p[h.SizeBytes():]
	}
	return offset, nil
}
