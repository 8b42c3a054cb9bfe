package commitlog_test

import (
	"bytes"
	"testing"

	"brokerlab/disks/simfs"
	"brokerlab/engine/commitlog"
	"brokerlab/engine/env"
	"brokerlab/engine/record"
	"brokerlab/engine/simworld"
)

// FuzzRecovery: whatever the files of a log hold, opening it does not panic, and
// leaves a prefix of the first segment's bytes, or all of them and a prefix of
// the second's, in whole batches with right CRCs and offsets without gaps, which
// can be read, appended to, and opened again without a further cut.
func FuzzRecovery(f *testing.F) {
	var m *model
	var files map[string][]byte
	cfg := small()
	cfg.SegmentBytes = 1500
	simulated(f, func(b *bed) { m, files = b.writtenLog(cfg, 12) })
	segments := m.segments(1500)
	second := segments[1][0].base
	f.Add(files[logFile(0)], files[indexFile(0)], files[logFile(second)], files[indexFile(second)], uint8(second))
	f.Add(files[logFile(0)], files[indexFile(second)], files[logFile(second)][:100], []byte{0, 0, 0, 1, 0, 0, 0, 2}, uint8(second))
	f.Add(files[logFile(0)], []byte(nil), files[logFile(0)], []byte(nil), uint8(second+1))
	f.Add([]byte("x"), []byte("y"), []byte(nil), []byte(nil), uint8(0))
	f.Fuzz(func(t *testing.T, log0, index0, log1, index1 []byte, base uint8) {
		simulated(t, func(b *bed) {
			input := map[string][]byte{logFile(0): log0, indexFile(0): index0}
			if base > 0 {
				input[logFile(int64(base))], input[indexFile(int64(base))] = log1, index1
			}
			b.setFiles(input)
			l := b.open(cfg)
			got := b.all(l)
			if !bytes.HasPrefix(log0, got) && !bytes.HasPrefix(append(bytes.Clone(log0), log1...), got) {
				t.Fatal("not a prefix of the input")
			}
			next := int64(0)
			for p := got; len(p) > 0; {
				n := b.nextBatch(p, next)
				h, _ := record.ParseHeader(p)
				next, p = h.NextOffset(), p[n:]
			}
			for offset := int64(0); offset < min(next, 300); offset++ {
				buf, err := l.Read(commitlog.ReadRequest{Offset: offset, MaxBytes: 700, Limit: next, AtLeastOne: true})
				b.must(err)
				p := b.bytesOf(buf)
				if h, err := record.ParseHeader(p); err != nil || h.BaseOffset > offset || h.LastOffset() < offset {
					t.Fatalf("a read at %d begins with %+v, %v", offset, h, err)
				}
			}
			before := l.EndOffset()
			_, err := l.AppendAsLeader(1, b.buf(b.batchOf([]byte("one more"))))
			b.must(err)
			b.must(l.Close())
			l = b.open(cfg)
			if l.Stats().RecoveryCut != 0 || l.EndOffset() != before+1 {
				t.Fatalf("opened again: cut %d, end %d, want %d", l.Stats().RecoveryCut, l.EndOffset(), before+1)
			}
			b.must(l.Close())
		})
	})
}

// nextBatch checks that p begins with a right batch at offset next and returns
// its size. A closed segment's batches were not checked by recovery, but for
// their headers.
func (b *bed) nextBatch(p []byte, next int64) int {
	b.Helper()
	h, err := record.ParseHeader(p)
	b.must(err)
	if h.BaseOffset != next || h.SizeBytes() > len(p) {
		b.Fatalf("at offset %d: %+v", next, h)
	}
	return h.SizeBytes()
}

// simulated runs body in the simulated world on a disk that takes no time.
func simulated(t testing.TB, body func(b *bed)) {
	t.Helper()
	d := simfs.NewDisk(simfs.Config{})
	runBed(t, place{
		world: simworld.New(simworld.Config{Seed: 1, Poison: true}),
		mount: d.Mount,
		end:   func(testing.TB) { d.Close() },
	}, body)
}

var _ env.FS = (*faultFS)(nil)
