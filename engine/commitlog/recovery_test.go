package commitlog_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"strings"
	"testing"

	"brokerlab/engine/commitlog"
	"brokerlab/engine/record"
)

// writtenLog appends random batches to a new log, closes it and returns the
// model and the files.
func (b *bed) writtenLog(cfg commitlog.Config, batches int) (*model, map[string][]byte) {
	b.Helper()
	l, m := b.open(cfg), &model{}
	b.fill(l, m, batches, 4, 200)
	b.must(l.Close())
	return m, b.files()
}

// lastBase is the base offset of the last segment.
func lastBase(m *model, cfg commitlog.Config) int64 {
	segments := m.segments(int(cfg.SegmentBytes))
	return segments[len(segments)-1][0].base
}

func logFile(base int64) string   { return fmt.Sprintf("%020d.log", base) }
func indexFile(base int64) string { return fmt.Sprintf("%020d.index", base) }

// reopened opens the log, checks that it holds the model, appends to it, opens
// it once more and checks again, files included.
func (b *bed) reopened(cfg commitlog.Config, m *model) {
	b.Helper()
	l := b.open(cfg)
	b.same(l, m)
	more := &model{start: m.start, batches: slices.Clone(m.batches)}
	b.fill(l, more, 3, 4, 200)
	b.must(l.Close())
	l = b.open(cfg)
	b.same(l, more)
	if cut := l.Stats().RecoveryCut; cut != 0 {
		b.Errorf("opening a recovered log cut %d bytes", cut)
	}
	b.must(l.Close())
	files := b.files()
	for name, p := range files {
		base, found := strings.CutSuffix(name, ".log")
		if !found || len(base) != 20 || base < logFile(0)[:20] || base > logFile(more.end()) {
			continue
		}
		segment := &model{}
		for len(p) > 0 {
			h, err := record.ParseHeader(p)
			b.must(err)
			segment.add(p[:h.SizeBytes()])
			p = p[h.SizeBytes():]
		}
		if !bytes.Equal(files[base+".index"], wantIndex(segment.batches, int(cfg.IndexIntervalBytes))) {
			b.Errorf("the index of segment %s is not rebuilt", base)
		}
	}
}

// Goal: a torn last batch is cut, all before it stays, and the log goes on.
// Method: cut the last segment at every byte of its last batch.
func TestRecoveryOfATornTail(t *testing.T) {
	inWorlds(t, func(b *bed) {
		m, files := b.writtenLog(small(), 24)
		name := logFile(lastBase(m, small()))
		last := m.batches[len(m.batches)-1]
		kept := &model{batches: m.batches[:len(m.batches)-1]}
		for torn := range len(last.bytes) {
			damaged := maps.Clone(files)
			damaged[name] = files[name][:len(files[name])-len(last.bytes)+torn]
			b.setFiles(damaged)
			l := b.open(small())
			if cut := l.Stats().RecoveryCut; cut != int64(torn) || l.EndOffset() != kept.end() {
				b.Fatalf("%d bytes of the last batch: cut %d, end %d, want end %d", torn, cut, l.EndOffset(), kept.end())
			}
			b.must(l.Close())
			if torn%50 == 0 {
				b.setFiles(damaged)
				b.reopened(small(), kept)
			}
		}
	})
}

// Goal: in the last segment a wrong byte anywhere cuts its batch and what is
// behind it. Method: change every 7th byte in turn; offsets and epoch are outside
// the CRC, so that a wrong epoch passes, as in Kafka.
func TestRecoveryOfACorruptByte(t *testing.T) {
	inWorlds(t, func(b *bed) {
		m, files := b.writtenLog(small(), 24)
		segments := m.segments(3000)
		base := lastBase(m, small())
		position := 0
		kept := len(m.batches) - len(segments[len(segments)-1])
		for _, x := range segments[len(segments)-1] {
			for at := 0; at < len(x.bytes); at += 7 {
				if at >= 12 && at < 16 {
					continue // the leader epoch
				}
				damaged := maps.Clone(files)
				damaged[logFile(base)] = bytes.Clone(files[logFile(base)])
				damaged[logFile(base)][position+at] ^= 0x55
				b.setFiles(damaged)
				l := b.open(small())
				b.same(l, &model{batches: m.batches[:kept]})
				b.must(l.Close())
			}
			position += len(x.bytes)
			kept++
		}
	})
}

// damage is one thing that is wrong with the files of a log, and what the log
// holds after recovery.
type damage struct {
	name string
	do   func(f map[string][]byte)
	want *model
}

// indexDamages change no batch, so that nothing may be lost.
func indexDamages(m *model, segments [][]modelBatch) []damage {
	base := func(i int) int64 { return segments[i][0].base }
	last := len(segments) - 1
	return []damage{
		{"nothing", func(f map[string][]byte) {}, m},
		{"all indexes are missing", func(f map[string][]byte) {
			for i := range segments {
				delete(f, indexFile(base(i)))
			}
		}, m},
		{"an old segment's index is empty", func(f map[string][]byte) { f[indexFile(base(1))] = nil }, m},
		{"the last index is empty", func(f map[string][]byte) { f[indexFile(base(last))] = nil }, m},
		{"an index is short", func(f map[string][]byte) { f[indexFile(base(1))] = f[indexFile(base(1))][:13] }, m},
		{"indexes are garbage", func(f map[string][]byte) {
			for _, i := range []int{0, 1, last} {
				f[indexFile(base(i))] = bytes.Repeat([]byte("garbage"), 100)
			}
		}, m},
		{"an index has Kafka's zeros behind it", func(f map[string][]byte) {
			f[indexFile(base(last))] = append(bytes.Clone(f[indexFile(base(last))]), make([]byte, 4096)...)
		}, m},
		{"an index of another segment", func(f map[string][]byte) { f[indexFile(base(1))] = f[indexFile(base(2))] }, m},
		{"the last entry of an index lies", func(f map[string][]byte) {
			f[indexFile(base(1))] = bytes.Clone(f[indexFile(base(1))])
			f[indexFile(base(1))][len(f[indexFile(base(1))])-1]++ // its position
		}, m},
		{"other files are left alone", func(f map[string][]byte) {
			f["partition.metadata"], f["7.log"], f["7.log.deleted"] = []byte("x"), []byte("x"), []byte("x")
			f["99999999999999999999.log"], f["-0000000000000000001.log"] = []byte("x"), []byte("x")
		}, m},
		{"what was about to be deleted is", func(f map[string][]byte) { f[logFile(3)+".deleted"] = []byte("x") }, m},
		{"an index without a log is removed", func(f map[string][]byte) { f[indexFile(base(1)+1)] = []byte("x") }, m},
	}
}

// logDamages cut the log to a prefix.
func logDamages(segments [][]modelBatch) []damage {
	base := func(i int) int64 { return segments[i][0].base }
	before := func(i int) *model { // the batches of the first i segments
		return &model{batches: slices.Concat(segments[:i]...)}
	}
	last := len(segments) - 1
	torn := segments[1][len(segments[1])-1] // the last batch of segment 1
	one := &model{batches: append(before(1).batches, segments[1][:len(segments[1])-1]...)}
	cut := func(f map[string][]byte, n int) {
		f[logFile(base(1))] = f[logFile(base(1))][:len(f[logFile(base(1))])-n]
	}
	return []damage{
		{"an old segment is torn", func(f map[string][]byte) { cut(f, 1) }, one},
		{"an old segment ends a batch early", func(f map[string][]byte) { cut(f, len(torn.bytes)) }, one},
		{"an old segment is missing", func(f map[string][]byte) { delete(f, logFile(base(2))) }, before(2)},
		{"an old segment is empty", func(f map[string][]byte) { f[logFile(base(2))] = nil }, before(2)},
		{"the last segment is empty", func(f map[string][]byte) { f[logFile(base(last))] = nil }, before(last)},
		{"the last segment is garbage", func(f map[string][]byte) {
			f[logFile(base(last))] = bytes.Repeat([]byte("garbage"), 300)
		}, before(last)},
		{"garbage behind the last batch", func(f map[string][]byte) {
			f[logFile(base(last))] = append(bytes.Clone(f[logFile(base(last))]), make([]byte, 5000)...)
		}, before(last + 1)},
		{"only empty files are left", func(f map[string][]byte) {
			clear(f)
			f[logFile(0)], f[indexFile(0)] = nil, nil
		}, &model{}},
	}
}

// Goal: what is wrong with the files of a log is mended, or cuts it to a prefix.
// Method: a table of damages to a log of several segments.
func TestRecoveryOfDamagedFiles(t *testing.T) {
	inWorlds(t, func(b *bed) {
		cfg := small()
		m, files := b.writtenLog(cfg, 60)
		segments := m.segments(int(cfg.SegmentBytes))
		if len(segments) < 4 {
			b.Fatalf("%d segments are too few", len(segments))
		}
		for _, test := range append(indexDamages(m, segments), logDamages(segments)...) {
			damaged := maps.Clone(files)
			test.do(damaged)
			b.setFiles(damaged)
			l := b.open(cfg)
			if l.EndOffset() != test.want.end() {
				b.Errorf("%s: the log ends at %d, want %d", test.name, l.EndOffset(), test.want.end())
			}
			b.must(l.Close())
			b.setFiles(damaged)
			b.reopened(cfg, test.want)
			for _, name := range []string{"partition.metadata", "7.log", "7.log.deleted"} {
				if _, ok := b.files()[name]; ok != (damaged[name] != nil) {
					b.Errorf("%s: %s is there: %v", test.name, name, ok)
				}
			}
			if _, ok := b.files()[logFile(3)+".deleted"]; ok {
				b.Errorf("%s: a segment that was to be deleted is there still", test.name)
			}
		}
	})
}

// Goal: a log whose first offset is not 0 opens and goes on. Method: remove the
// first segments.
func TestRecoveryOfALaterStart(t *testing.T) {
	inWorlds(t, func(b *bed) {
		m, files := b.writtenLog(small(), 60)
		segments := m.segments(3000)
		for _, s := range segments[:2] {
			delete(files, logFile(s[0].base))
			delete(files, indexFile(s[0].base))
			m.batches = m.batches[len(s):]
		}
		m.start = m.batches[0].base
		b.setFiles(files)
		b.reopened(small(), m)
		l := b.open(small())
		_, err := l.Read(commitlog.ReadRequest{Offset: m.start - 1, MaxBytes: 1 << 20, Limit: m.end()})
		b.wantErr(err, commitlog.ErrOffsetOutOfRange)
		b.wantErr(l.Truncate(m.start-1), commitlog.ErrOffsetOutOfRange)
		b.must(l.Close())
	})
}

// Goal: an index entry in the middle that lies costs time, not truth. Method:
// change a position inside the index of an old segment so that the entries still
// rise, and read around it.
func TestReadsSurviveALyingIndex(t *testing.T) {
	inWorlds(t, func(b *bed) {
		m, files := b.writtenLog(small(), 60)
		segments := m.segments(3000)
		index := files[indexFile(segments[1][0].base)]
		for at := 0; at+8 < len(index); at += 8 {
			index[at+7]++ // the position, by one byte
		}
		b.setFiles(files)
		l := b.open(small())
		b.readsMatch(l, m)
		for _, x := range segments[1] {
			if x.base == segments[1][0].base {
				continue
			}
			b.must(l.Truncate(x.base))
			m.truncate(x.base)
			b.same(l, m)
			break
		}
		b.must(l.Close())
	})
}

// Goal: random appends, reads, truncations, flushes and restarts give what the
// dumbest log gives. Method: a seeded walk per world and setting.
func TestRandomOperations(t *testing.T) {
	for seed := range 8 {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			inWorlds(t, func(b *bed) {
				b.rand = rand.New(rand.NewPCG(uint64(seed), 5))
				cfg := small()
				cfg.IndexIntervalBytes = []int64{0, 100, 500, 5000}[seed%4]
				cfg.SegmentBytes = []int64{1000, 2500, 100000}[seed%3]
				cfg.FlushMessages = int64(seed % 3 * 20)
				cfg.FlushGroupCommit = seed%2 == 0
				cfg.Preallocate = seed%3 == 0
				cfg.RetentionInterval = 0 // timestamps are those of 1970
				cfg.RetentionBytes = []int64{0, 4000, 10000}[seed%3]
				b.randomWalk(cfg, 250)
			})
		})
	}
}

// randomWalk tracks where segments begin by asking for one batch at a time, so
// that truncations need no model of rolling.
func (b *bed) randomWalk(cfg commitlog.Config, steps int) {
	b.Helper()
	l, m := b.open(cfg), &model{}
	for range steps {
		switch b.rand.IntN(13) {
		case 12:
			b.retain(l, m, cfg)
		case 0:
			offset := m.end() - b.rand.Int64N(30)
			if offset < m.start {
				b.wantErr(l.Truncate(offset), commitlog.ErrOffsetOutOfRange)
				continue
			}
			b.must(l.Truncate(offset))
			m.truncate(offset)
		case 1:
			b.must(l.Close())
			l = b.open(cfg)
			if cut := l.Stats().RecoveryCut; cut != 0 {
				b.Fatalf("recovery of a closed log cut %d bytes", cut)
			}
		case 2:
			b.must(l.Flush())
		case 3, 4, 5:
			var p []byte
			end := m.end()
			for range 1 + b.rand.IntN(4) {
				one := b.stamped(b.randomBatch(3, 150), end, 9)
				h, err := record.ParseHeader(one)
				b.must(err)
				end = h.NextOffset()
				m.add(one)
				p = append(p, one...)
			}
			_, err := l.AppendAsFollower(b.buf(p))
			b.must(err)
		case 6, 7, 8:
			b.fill(l, m, 1+b.rand.IntN(3), 3, 150)
		default:
			b.readOne(l, m)
		}
		if l.EndOffset() != m.end() {
			b.Fatalf("the log ends at %d, want %d", l.EndOffset(), m.end())
		}
	}
	b.same(l, m)
	b.must(l.Close())
	l = b.open(cfg)
	b.same(l, m)
	b.must(l.Remove())
	if _, err := b.fs.List(dir); err == nil {
		b.Error("the directory is still there after Remove")
	}
}

// retain lets retention run, or starts the log anew further on.
func (b *bed) retain(l *commitlog.Log, m *model, cfg commitlog.Config) {
	b.Helper()
	if b.rand.IntN(8) == 0 {
		start := m.end() + b.rand.Int64N(3)
		b.must(l.TruncateFullyAndStartAt(start))
		*m = model{start: start}
		b.same(l, m)
		return
	}
	highWatermark := m.end() - b.rand.Int64N(20)
	_, err := l.DeleteOldSegments(highWatermark)
	b.must(err)
	start := l.StartOffset()
	for len(m.batches) > 0 && m.batches[0].base < start {
		if m.batches[0].next > highWatermark {
			b.Fatalf("offset %d is deleted, the high watermark is %d", m.batches[0].base, highWatermark)
		}
		m.batches = m.batches[1:]
	}
	if cfg.RetentionBytes == 0 && start != m.start {
		b.Fatalf("the log starts at %d, unlimited retention leaves %d", start, m.start)
	}
	if got := int64(len(m.bytes())); start != m.start && got < cfg.RetentionBytes {
		b.Fatalf("%d bytes are left, retention.bytes is %d", got, cfg.RetentionBytes)
	}
	m.start = start
	b.same(l, m)
}

// readOne reads from a random offset and checks that what comes are batches of
// the model from that offset on, as many as the request allows or as the segment
// has.
func (b *bed) readOne(l *commitlog.Log, m *model) {
	b.Helper()
	r := commitlog.ReadRequest{
		Offset: m.start + b.rand.Int64N(m.end()-m.start+1), MaxBytes: b.rand.IntN(2000), Limit: b.rand.Int64N(m.end() + 2),
		AtLeastOne: b.rand.IntN(2) == 0,
	}
	buf, err := l.Read(r)
	b.must(err)
	got := b.bytesOf(buf)
	want := m.read([][]modelBatch{m.batches}, r)
	if !bytes.HasPrefix(want, got) || len(want) > 0 && len(got) == 0 {
		b.Fatalf("%+v: %d bytes, want the first of %d", r, len(got), len(want))
	}
}

// Goal: Remove takes nothing that is not the log's. Method: a foreign file in
// the directory.
func TestRemoveLeavesForeignFiles(t *testing.T) {
	inWorlds(t, func(b *bed) {
		l := b.open(small())
		f, err := b.fs.Create(path.Join(dir, "mine"))
		b.must(err)
		b.must(f.Close())
		if l.Remove() == nil {
			b.Error("a directory with a foreign file is removed")
		}
		if files := b.files(); len(files) != 1 {
			b.Errorf("%d files are left, want the foreign one", len(files))
		}
	})
}

var errDisk = errors.New("input/output error")
