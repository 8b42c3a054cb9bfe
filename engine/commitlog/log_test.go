package commitlog_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"brokerlab/engine/codec"
	"brokerlab/engine/commitlog"
	"brokerlab/engine/env"
	"brokerlab/engine/record"
)

// small makes logs that roll and index often.
func small() commitlog.Config {
	cfg := commitlog.DefaultConfig()
	cfg.SegmentBytes, cfg.IndexIntervalBytes = 3000, 200
	return cfg
}

// Goal: every setting is checked. Method: a table of one wrong setting each.
func TestConfigValidate(t *testing.T) {
	if err := commitlog.DefaultConfig().Validate(); err != nil {
		t.Errorf("the defaults: %v", err)
	}
	tests := []struct {
		name   string
		change func(*commitlog.Config)
	}{
		{"a segment smaller than a header", func(c *commitlog.Config) { c.SegmentBytes = 60 }},
		{"a segment larger than positions can say", func(c *commitlog.Config) { c.SegmentBytes = math.MaxInt32 + 1 }},
		{"a negative index interval", func(c *commitlog.Config) { c.IndexIntervalBytes = -1 }},
		{"negative flush.messages", func(c *commitlog.Config) { c.FlushMessages = -1 }},
		{"negative flush.ms", func(c *commitlog.Config) { c.FlushInterval = -1 }},
		{"an implementation that the codec has not", func(c *commitlog.Config) {
			c.Codec, c.Implementation = codec.Gzip, codec.Golang
		}},
		{"messages smaller than a header", func(c *commitlog.Config) { c.MaxMessageBytes = 0 }},
	}
	for _, test := range tests {
		cfg := commitlog.DefaultConfig()
		test.change(&cfg)
		if cfg.Validate() == nil {
			t.Errorf("%s is accepted", test.name)
		}
	}
}

// Goal: the leader assigns offsets and epoch, in all five codecs, and files and
// indexes are Kafka's bytes. Method: appends of random batches; the files are
// compared with the model's segments and with an index worked out beside.
func TestAppendAsLeaderWritesKafkasFiles(t *testing.T) {
	for _, c := range codec.Types() {
		t.Run(c.String(), func(t *testing.T) {
			inWorlds(t, func(b *bed) {
				b.codec = c
				l, m := b.open(small()), &model{}
				b.fill(l, m, 60, 5, 300)
				b.same(l, m)
				b.must(l.Close())
				segments := m.segments(3000)
				files := withoutSnapshots(b.files())
				if got := string(files["leader-epoch-checkpoint"]); got != "0\n1\n7 0\n" {
					b.Errorf("leader-epoch-checkpoint is %q", got)
				}
				if len(files) != 3*len(segments)+1 || len(segments) < 3 {
					b.Fatalf("%d files for %d segments", len(files), len(segments))
				}
				for _, batches := range segments {
					base := batches[0].base
					var log []byte
					for _, x := range batches {
						log = append(log, x.bytes...)
					}
					if !bytes.Equal(files[fmt.Sprintf("%020d.log", base)], log) {
						b.Errorf("the log of segment %d differs", base)
					}
					if !bytes.Equal(files[fmt.Sprintf("%020d.index", base)], wantIndex(batches, 200)) {
						b.Errorf("the index of segment %d differs", base)
					}
				}
			})
		})
	}
}

// wantIndex is the index file of a segment, from Kafka's description.
func wantIndex(batches []modelBatch, interval int) []byte {
	var out []byte
	position, since := 0, 0
	for _, x := range batches {
		if since > interval {
			out = binary.BigEndian.AppendUint32(out, uint32(x.next-1-batches[0].base))
			out = binary.BigEndian.AppendUint32(out, uint32(position))
			since = 0
		}
		since += len(x.bytes)
		position += len(x.bytes)
	}
	return out
}

// Goal: a follower that appends what it read from the leader, in pieces of any
// size, holds the same bytes. Method: copy a log by Read and AppendAsFollower,
// from file-range parts; then check the refusals.
func TestAppendAsFollower(t *testing.T) {
	inWorlds(t, func(b *bed) {
		leader, m := b.open(small()), &model{}
		b.fill(leader, m, 60, 5, 300)
		cfg := small()
		cfg.SegmentBytes = 2000 // followers may roll elsewhere
		follower, err := commitlog.Open(b.node, "follower", cfg)
		b.must(err)
		for follower.EndOffset() < leader.EndOffset() {
			buf, err := leader.Read(commitlog.ReadRequest{
				Offset: follower.EndOffset(), MaxBytes: b.rand.IntN(5000), Limit: leader.EndOffset(), AtLeastOne: true,
			})
			b.must(err)
			before, size := follower.EndOffset(), buf.Len()
			a, err := follower.AppendAsFollower(buf)
			b.must(err)
			if a.BaseOffset != before || a.NextOffset != follower.EndOffset() || a.Bytes != size || a.Done < a.Validated {
				b.Errorf("appended %+v, want %d bytes from %d", a, size, before)
			}
		}
		b.same(follower, m)
		if got := follower.Stats(); got.BatchesAppended != 60 || got.BytesAppended != int64(len(m.bytes())) ||
			got.RecordsAppended != m.end() || got.Segments != int(got.Rolls)+1 {
			b.Errorf("stats %+v", got)
		}
		end := m.end()
		next, later := b.stamped(b.batchOf([]byte("x")), end, 1), b.stamped(b.batchOf([]byte("y")), end+2, 1)
		corrupt := bytes.Clone(next)
		corrupt[len(corrupt)-2]++
		refusals := []struct {
			name    string
			batches []byte
			want    error
		}{
			{"a gap", later, commitlog.ErrInvalid},
			{"a gap behind a good batch", slices.Concat(next, later), commitlog.ErrInvalid},
			{"offsets that the log has", b.stamped(next, end-1, 1), commitlog.ErrInvalid},
			{"a wrong byte", corrupt, commitlog.ErrCorrupt},
			{"half a batch behind a whole one", slices.Concat(next, b.stamped(next, end+1, 1)[:70]), commitlog.ErrCorrupt},
			{"half a header", next[:30], commitlog.ErrCorrupt},
			{"a batch larger than a segment", b.stamped(b.batchOf(make([]byte, 2000)), end, 1), commitlog.ErrTooLarge},
		}
		for _, r := range refusals {
			if _, err := follower.AppendAsFollower(b.buf(r.batches)); err == nil {
				b.Errorf("%s is accepted", r.name)
			} else {
				b.wantErr(err, r.want)
			}
		}
		b.same(follower, m)
		b.must(leader.Close())
		b.must(follower.Close())
	})
}

// badBatch is a produced batch that a leader must refuse.
type badBatch struct {
	name  string
	batch func(b *bed) []byte
	want  error
}

// recordsAt returns a records section with these offset deltas.
func recordsAt(deltas ...int32) []byte {
	var p []byte
	for _, d := range deltas {
		p = record.AppendRecord(p, d, 0, nil, []byte("a longer value"), nil)
	}
	return p
}

// badBatches have one fault each.
func badBatches() []badBatch {
	two := record.Header{RecordCount: 2, LastOffsetDelta: 1}
	return []badBatch{
		{"a batch above max.message.bytes", func(b *bed) []byte {
			b.codec = codec.None
			return b.batchOf(make([]byte, 1000))
		}, commitlog.ErrTooLarge},
		{"a wrong byte", func(b *bed) []byte {
			p := b.batchOf([]byte("abc"))
			p[len(p)-1]++
			return p
		}, commitlog.ErrCorrupt},
		{"the wrong magic", func(b *bed) []byte {
			p := b.batchOf([]byte("abc"))
			p[16] = 1
			return p
		}, commitlog.ErrCorrupt},
		{"less than the header says", func(b *bed) []byte {
			p := b.batchOf([]byte("abc"))
			return p[:len(p)-1]
		}, commitlog.ErrCorrupt},
		{"less than a header", func(b *bed) []byte { return b.batchOf([]byte("abc"))[:60] }, commitlog.ErrCorrupt},
		{"two batches", func(b *bed) []byte {
			p := b.batchOf([]byte("abc"))
			return slices.Concat(p, p)
		}, commitlog.ErrInvalid},
		{"offsets of its own", func(b *bed) []byte {
			return b.stamped(b.batchOf([]byte("abc")), 5, -1)
		}, commitlog.ErrInvalid},
		{"a control batch", func(b *bed) []byte {
			h := two
			h.Attributes = 0x20
			return b.seal(h, recordsAt(0, 1))
		}, commitlog.ErrInvalid},
		{"a last offset that is not that of the last record", func(b *bed) []byte {
			return b.seal(record.Header{RecordCount: 2, LastOffsetDelta: 2}, recordsAt(0, 1))
		}, commitlog.ErrInvalid},
		{"no records", func(b *bed) []byte { return b.seal(record.Header{}, nil) }, commitlog.ErrInvalid},
		{"offset deltas with a gap", func(b *bed) []byte { return b.seal(two, recordsAt(0, 2)) }, commitlog.ErrInvalid},
		{"fewer records than the header says", func(b *bed) []byte {
			return b.seal(two, recordsAt(0))
		}, commitlog.ErrInvalid},
		{"more records than the header says", func(b *bed) []byte {
			return b.seal(two, recordsAt(0, 1, 2))
		}, commitlog.ErrInvalid},
		{"records that are none", func(b *bed) []byte {
			return b.seal(two, bytes.Repeat([]byte{0xff}, 40))
		}, commitlog.ErrInvalid},
	}
}

// Goal: a leader takes only batches that Kafka would take, and a refusal leaves
// the log as it was. Method: a table of one fault each, in all codecs.
func TestAppendAsLeaderRefuses(t *testing.T) {
	inWorlds(t, func(b *bed) {
		cfg := small()
		cfg.MaxMessageBytes = 1000
		l, m := b.open(cfg), &model{}
		b.fill(l, m, 3, 3, 100)
		for _, c := range codec.Types() {
			for _, test := range badBatches() {
				b.codec = c
				if _, err := l.AppendAsLeader(1, b.buf(test.batch(b))); err == nil {
					b.Errorf("%v: %s is accepted", c, test.name)
				} else {
					b.wantErr(fmt.Errorf("%v: %s: %w", c, test.name, err), test.want)
				}
			}
		}
		b.codec = codec.None
		unknown := record.Header{RecordCount: 2, LastOffsetDelta: 1, Attributes: 6}
		if _, err := l.AppendAsLeader(1, b.buf(b.seal(unknown, recordsAt(0, 1)))); err == nil {
			b.Error("a codec that does not exist is accepted")
		}
		b.same(l, m)
		b.fill(l, m, 3, 3, 100)
		b.same(l, m)
		b.must(l.Close())
	})
}

// Goal: a body that is a stub passes where its bytes are not needed, and is taken
// for corrupt only if a piece of it is missing. Method: append modelled batches of a
// real header; the file system of the real world then says that it cannot write
// them, which is the first thing that needs the bytes.
func TestAppendOfModelledBodies(t *testing.T) {
	inWorlds(t, func(b *bed) {
		l := b.open(small())
		p := b.batchOf(make([]byte, 500))
		body := len(p) - record.HeaderSize
		torn := env.StubBuf(body+1, &env.Stub{}).Slice(0, body)
		_, err := l.AppendAsLeader(1, env.Join(modelledHeader(b, p), torn))
		b.wantErr(err, commitlog.ErrCorrupt)
		_, err = l.AppendAsLeader(1, env.Join(modelledHeader(b, p), env.StubBuf(body, &env.Stub{PlainBytes: body})))
		if err != nil {
			b.wantErr(err, commitlog.ErrFailed, env.ErrNoBytes)
			b.wantErr(l.Close(), commitlog.ErrFailed)
			return
		}
		if got := l.EndOffset(); got != 1 {
			b.Errorf("the log ends at %d", got)
		}
		b.must(l.Close())
	})
}

// modelledHeader is the header of a batch as a producer of stubs writes it.
func modelledHeader(t testing.TB, batch []byte) env.Buf {
	h, err := record.ParseHeader(batch)
	if err != nil {
		t.Fatal(err)
	}
	header := make([]byte, record.HeaderSize)
	h.PutModelled(header)
	return env.StaticBuf(header)
}

// Goal: a read returns exactly the whole batches that the request allows,
// whether their places are in memory or have to be found through the index.
// Method: every offset of a log of random batches, with many limits, against the
// model; then the same after a restart, where old segments are found through
// their index, and again with indexes of other intervals.
func TestReadAgainstModel(t *testing.T) {
	inWorlds(t, func(b *bed) {
		l, m := b.open(small()), &model{}
		b.fill(l, m, 80, 4, 200)
		b.readsMatch(l, m)
		for _, interval := range []int64{200, 0, 1 << 20} {
			b.must(l.Close())
			cfg := small()
			cfg.IndexIntervalBytes = interval
			l = b.open(cfg)
			b.readsMatch(l, m)
		}
		b.must(l.Close())
	})
}

func (b *bed) readsMatch(l *commitlog.Log, m *model) {
	b.Helper()
	segments := m.segments(3000)
	for offset := int64(0); offset <= m.end(); offset++ {
		for range 12 {
			r := commitlog.ReadRequest{
				Offset:     offset,
				MaxBytes:   b.rand.IntN(3500),
				Limit:      offset + b.rand.Int64N(40) - 1,
				AtLeastOne: b.rand.IntN(2) == 0,
			}
			if b.rand.IntN(3) == 0 {
				r.Limit = m.end() + b.rand.Int64N(2)
			}
			buf, err := l.Read(r)
			b.must(err)
			if got, want := b.bytesOf(buf), m.read(segments, r); !bytes.Equal(got, want) {
				b.Fatalf("%+v: %d bytes, want %d", r, len(got), len(want))
			}
		}
	}
}

// Goal: the edges of a log. Method: a table of requests.
func TestReadEdges(t *testing.T) {
	inWorlds(t, func(b *bed) {
		l, m := b.open(small()), &model{}
		for _, offset := range []int64{-1, 1} {
			_, err := l.Read(commitlog.ReadRequest{Offset: offset, MaxBytes: 1, Limit: 10})
			b.wantErr(err, commitlog.ErrOffsetOutOfRange)
		}
		b.fill(l, m, 30, 4, 200)
		tests := []struct {
			name string
			r    commitlog.ReadRequest
			want int
		}{
			{"nothing at the end of the log", commitlog.ReadRequest{
				Offset: m.end(), MaxBytes: 1 << 20, Limit: m.end(), AtLeastOne: true}, 0},
			{"nothing below a limit below the offset", commitlog.ReadRequest{
				Offset: 5, MaxBytes: 1 << 20, AtLeastOne: true}, 0},
			{"nothing in no bytes", commitlog.ReadRequest{Limit: m.end()}, 0},
			{"a negative size is none", commitlog.ReadRequest{MaxBytes: -1, Limit: m.end()}, 0},
			{"one batch in no bytes if at least one", commitlog.ReadRequest{
				Limit: m.end(), AtLeastOne: true}, len(m.batches[0].bytes)},
			{"a batch that the limit cuts is left out", commitlog.ReadRequest{
				Offset: m.batches[3].base, MaxBytes: 1 << 20, Limit: m.batches[3].next - 1, AtLeastOne: true}, 0},
		}
		for _, test := range tests {
			buf, err := l.Read(test.r)
			b.must(err)
			if got := len(b.bytesOf(buf)); got != test.want {
				b.Errorf("%s: %d bytes, want %d", test.name, got, test.want)
			}
		}
		_, err := l.Read(commitlog.ReadRequest{Offset: m.end() + 1, Limit: math.MaxInt64})
		b.wantErr(err, commitlog.ErrOffsetOutOfRange)
		b.must(l.Close())
	})
}

// Goal: reads near the end cost no file reads to find their place, cold ones a
// few. Method: count calls of File.Read.
func TestReadsOfFilesPerRead(t *testing.T) {
	inWorlds(t, func(b *bed) {
		cfg := commitlog.DefaultConfig()
		cfg.SegmentBytes = 1 << 18
		l, m := b.open(cfg), &model{}
		for range 100 {
			p := b.batchOf(make([]byte, 5000))
			_, err := l.AppendAsLeader(1, b.buf(p))
			b.must(err)
			m.add(b.stamped(p, m.end(), 1))
		}
		reads := func(offset int64) int64 {
			before := b.fs.reads.Load()
			buf, err := l.Read(commitlog.ReadRequest{Offset: offset, MaxBytes: 64 << 10, Limit: m.end()})
			b.must(err)
			b.bytesOf(buf)
			return b.fs.reads.Load() - before
		}
		for offset := int64(1); offset < 100; offset++ {
			if got := reads(offset); got != 1 {
				b.Fatalf("%d file reads for the batches from %d, want 1", got, offset)
			}
		}
		b.must(l.Close())
		l = b.open(cfg)
		for offset := int64(1); offset < 30; offset++ {
			if got := reads(offset); got > 6 {
				b.Fatalf("%d file reads for cold batches from %d, want at most 6", got, offset)
			}
		}
		b.same(l, m)
		b.must(l.Close())
	})
}

// Goal: flush.messages and flush.ms force exactly when they are due, and never
// by default. Method: count fsyncs over appends of one record.
func TestFlushesAreCounted(t *testing.T) {
	tests := []struct {
		messages int64
		indexes  bool // flush.indexes: both indexes are forced with each flush
		flushes  int
		want     int
	}{{0, false, 0, 0}, {1, false, 10, 10}, {3, false, 3, 3}, {10, false, 1, 1}, {11, false, 0, 0},
		{0, true, 0, 0}, {1, true, 10, 30}, {3, true, 3, 9}}
	for _, test := range tests {
		t.Run(fmt.Sprintf("flush.messages=%d,flush.indexes=%v", test.messages, test.indexes), func(t *testing.T) {
			inWorlds(t, func(b *bed) {
				cfg := commitlog.DefaultConfig()
				cfg.FlushMessages, cfg.FlushIndexes = test.messages, test.indexes
				l := b.open(cfg)
				b.must(l.BeginEpoch(1))
				b.fs.dirSyncs.Store(0)
				flushed := 0
				for range 10 {
					a, err := l.AppendAsLeader(1, b.buf(b.batchOf([]byte("v"))))
					b.must(err)
					if a.Flushed != 0 {
						flushed++
						if a.Flushed < a.Done {
							b.Errorf("stamps %+v", a)
						}
					}
				}
				stats := l.Stats()
				if b.fs.syncs.Load() != int64(test.flushes) || flushed != test.flushes || stats.Fsyncs != int64(test.want) {
					b.Errorf("%d syncs, %d appends flushed, stats %+v, want %d", b.fs.syncs.Load(), flushed, stats, test.want)
				}
				dirSyncs := int64(1) // when the log is made
				if test.want > 0 {
					dirSyncs += 3 // the first flush: logs/topic-0, logs and the root
				}
				if stats.DirSyncs != dirSyncs {
					b.Errorf("%d directory syncs, want %d", stats.DirSyncs, dirSyncs)
				}
				b.must(l.Close())
			})
		})
	}
	t.Run("flush.ms", func(t *testing.T) {
		inWorlds(t, func(b *bed) {
			cfg := commitlog.DefaultConfig()
			cfg.FlushInterval = time.Hour
			l := b.open(cfg)
			opened := b.node.Now()
			check := func(step string, now env.Time, want int64) {
				b.Helper()
				b.must(l.FlushIfDue(now))
				if b.fs.syncs.Load() != want {
					b.Errorf("%s: %d syncs, want %d", step, b.fs.syncs.Load(), want)
				}
			}
			check("nothing to flush", opened.Add(2*time.Hour), 0)
			_, err := l.AppendAsLeader(1, b.buf(b.batchOf([]byte("v"))))
			b.must(err)
			check("too early", opened.Add(time.Hour-time.Minute), 0)
			check("due", opened.Add(time.Hour+time.Minute), 1)
			check("flushed already", opened.Add(9*time.Hour), 1)
			b.must(l.Flush())
			check("a flush of nothing", opened.Add(9*time.Hour), 1)
			b.must(l.Close())
		})
	})
}

// Goal: a roll forces the segment before it in the background, with its indexes,
// and a flush forces the rest. Method: appends that roll; what waits for the tasks
// is the end of the node. A log that is closed or removed meanwhile is no error.
func TestRollFlushesInTheBackground(t *testing.T) {
	inWorlds(t, func(b *bed) {
		l, m := b.open(small()), &model{}
		b.fill(l, m, 40, 5, 300)
		segments := m.segments(3000)
		last := segments[len(segments)-1][0].base
		for l.RecoveryPoint() < last {
			b.node.Sleep(100 * time.Microsecond)
		}
		if got := l.Stats(); got.Fsyncs < int64(len(segments)-1) || l.RecoveryPoint() != last {
			b.Errorf("%d fsyncs for %d rolls, recovery point %d, want %d", got.Fsyncs, got.Rolls, l.RecoveryPoint(), last)
		}
		b.fill(l, m, 1, 1, 1)
		before := l.Stats()
		b.must(l.Flush())
		after := l.Stats()
		if l.RecoveryPoint() != m.end() || after.Fsyncs != before.Fsyncs+1 {
			b.Errorf("a flush forced %d files, up to %d of %d", after.Fsyncs-before.Fsyncs, l.RecoveryPoint(), m.end())
		}
		b.fill(l, m, 40, 5, 300)
		b.must(l.Remove())
	})
}

// Goal: a background flush that fails fails the log for good. Method: a failing
// fsync, and appends until one rolls.
func TestAFailedBackgroundFlush(t *testing.T) {
	inWorlds(t, func(b *bed) {
		l := b.open(small())
		b.must(l.BeginEpoch(7))
		b.fs.failSyncs.Store(true)
		var err error
		for err == nil {
			err = appendOne(b, l, b.batchOf(make([]byte, 700)))
			b.node.Sleep(100 * time.Microsecond)
		}
		b.wantErr(err, commitlog.ErrFailed, errDisk)
		b.wantErr(l.Flush(), commitlog.ErrFailed, errDisk)
		b.wantErr(l.Close(), commitlog.ErrFailed, errDisk)
	})
}

// Goal: batches are checked with the implementation that is asked for. Method: the
// same gzip batches, whole and corrupt, with each of them.
func TestImplementationOfTheCheck(t *testing.T) {
	inWorlds(t, func(b *bed) {
		b.codec = codec.Gzip
		for _, impl := range codec.Implementations(codec.Gzip) {
			cfg := small()
			cfg.Codec, cfg.Implementation = codec.Gzip, impl
			l, m := b.open(cfg), &model{}
			b.fill(l, m, 10, 5, 300)
			b.same(l, m)
			p := b.batchOf(make([]byte, 100))
			p[record.HeaderSize+12] ^= 0x55
			h, err := record.ParseHeader(p)
			b.must(err)
			h.CRC = record.UpdateCRC(0, p[record.AttributesOffset:])
			h.Put(p)
			b.wantErr(appendOne(b, l, p), commitlog.ErrInvalid)
			b.must(l.Remove())
		}
	})
}
